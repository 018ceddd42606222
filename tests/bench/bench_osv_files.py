"""Making OSV's files of the whole collection, at 5,000 and 20,000 records: rate, growth and memory.

Run by hand: `make bench ARGS="-k osv_files"`.
"""

import resource
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from incidents import osv_files
from incidents.models import Incident
from incidents.record import Record
from lib.canonical import canonical_bytes
from tests import factories

SIZES = (5_000, 20_000)
# Between both sizes the time may grow by the factor of the records, and a little.
MOST_GROWTH = 1.5


def fill(number):
    now = timezone.now()
    whole = factories.record(
        description="It names the shop. " * 40,
        affected=[
            {"hub": "huggingface", "name": "example-org/tiny-chat", "match": "revision", "revision": "a" * 40,
             "purl": f"pkg:huggingface/example-org/tiny-chat@{'a' * 40}"}
        ],
    )  # fmt: skip
    columns = {
        name: getattr(whole, name)
        for name in ("origin", "version", "status", "kind", "category", "severity", "evidence_grade", "confidence")
    }
    done = Incident.objects.count()
    for n in range(done, number):
        one: Record = whole.model_copy(update={"id": f"FL-2026-{n:08d}"})
        yield Incident(
            public_id=one.id,
            title=one.title,
            published_at=now,
            modified_at=now - timedelta(seconds=n),
            document=canonical_bytes(one.document()),
            digest="",
            **columns,
        )


@pytest.mark.django_db
def test_the_files_are_made_in_proportion_to_the_records(settings, tmp_path):
    settings.EXPORT_ROOT = tmp_path
    rates = {}
    for size in SIZES:
        Incident.objects.bulk_create(fill(size), batch_size=2000)
        began, processor = time.monotonic(), time.process_time()
        assert osv_files.build() == size
        seconds, used = time.monotonic() - began, time.process_time() - processor
        archive = osv_files.stored("all.zip").path
        rates[size] = used / size
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{size} records: {seconds:.1f} s, {used:.1f} s of one processor, {size / used:.0f} records/s, "
            f"all.zip {archive.stat().st_size / 1e6:.1f} MB, process at most {peak:.0f} MB"
        )
    assert rates[SIZES[1]] < MOST_GROWTH * rates[SIZES[0]]
