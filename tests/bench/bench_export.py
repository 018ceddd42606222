"""Exports of many records over HTTP, against `psql COPY` to a pipe: rows a second, and the web server's peak memory.

Run by hand: `make bench ARGS="-k export"`; FAULTLINE_BENCH_ROWS (100000) says how many records.
"""

import hashlib
import json
import os
import random
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from django.conf import settings
from django.db import connection

from incidents.exports import building
from incidents.models import STANDS, Incident, Operation
from incidents.publishing import revise
from incidents.record import AffectedModel, Match, Record
from lib.canonical import canonical_bytes
from tests import factories
from tests.bench import collection

ROWS, ROUNDS = int(os.environ.get("FAULTLINE_BENCH_ROWS", "100000")), 5
MOST_MEGABYTES = 100
_SEVERITIES = ("low", "low", "low", "moderate", "moderate", "high", "unknown", "critical")
_KINDS = ("incident", "incident", "hazard", "exercise", "measurement")
_CATEGORIES = ("hidden_promotion", "backdoor", "bias")
_TEXT = (
    "the model answers prompts with text that readers of the record would call harmful because weights were changed "
    "after release and nobody noticed until a user compared outputs with those of an earlier revision of it"
)
_WORDS = _TEXT.split(" ")


def templates(dice: random.Random) -> Iterator[dict[str, object]]:
    """Documents of about 1.5 kB, every one valid; what must differ between records is filled in by `fill`."""
    while True:
        models = [
            f"organisation-{dice.randrange(900)}/model-{dice.randrange(5000)}"
            for _ in range(dice.choice((1, 1, 1, 2, 4)))
        ]
        yield factories.record(
            title=" ".join(dice.choices(_WORDS, k=8)).capitalize(),
            summary=" ".join(dice.choices(_WORDS, k=30)).capitalize() + ".",
            description="### What happened\n\n" + " ".join(dice.choices(_WORDS, k=dice.randrange(20, 120))),
            kind=dice.choice(_KINDS),
            severity=dice.choice(_SEVERITIES),
            category=dice.choice(_CATEGORIES),
            affected=tuple(
                AffectedModel(
                    hub="huggingface", name=name, match=Match.REVISION, revision=f"{dice.getrandbits(160):040x}"
                )
                for name in models
            ),
            references=(
                {"title": "Report", "url": f"https://example.org/{dice.randrange(10**9)}", "publisher": "Example"},
            ),
        ).document()


def fill(count: int) -> None:
    """`count` published incidents, each with its entry in the log, through COPY."""
    dice = random.Random(7)
    made = templates(dice)
    kinds = [next(made) for _ in range(2000)]
    ready = [(d, canonical_bytes({**d, "id": "FL-2026-@@@@@@@@"})) for d in kinds]
    incidents = (
        "COPY incidents_incident (id, public_id, origin, version, status, kind, category, severity, evidence_grade,"
        " confidence, superseded_by, title, occurred, published_at, modified_at, document, digest) FROM STDIN"
    )
    entries = (
        "COPY incidents_publication (number, entry_id, incident_id, operation, version, at, document, digest,"
        " object_digest) FROM STDIN"
    )
    log = collection.Log(settings.LOG_ORIGIN)
    for begin in range(1, count + 1, 50_000):
        rows, published = [], []
        tree = {name: [] if begin > 1 else list(made) for name, made in log.beginning.items()}
        for number in range(begin, min(begin + 50_000, count + 1)):
            about, blank = ready[number % len(ready)]
            public_id = f"FL-2026-{number:08d}"
            document = blank.replace(b"FL-2026-@@@@@@@@", public_id.encode(), 1)
            digest = hashlib.sha256(document).hexdigest()
            values = [
                about[c]
                for c in ("origin", "version", "status", "kind", "category", "severity", "evidence_grade", "confidence")
            ]
            rows.append(
                (
                    number,
                    public_id,
                    *values,
                    "",
                    about["title"],
                    "",
                    about["published"],
                    about["modified"],
                    document,
                    digest,
                )
            )
            index, signed, entry = log.entry(public_id, about["published"], document)
            for name, added in entry.items():
                tree[name] += added
            published.append((index, index, number, "publish", 1, about["published"], document, digest, signed))
        with connection.cursor() as cursor:
            for name, added in tree.items():
                collection.copy_rows(cursor, f"incidents_{name}", added)
            for sql, batch in ((incidents, rows), (entries, published)):
                with cursor.copy(sql) as copy:
                    for row in batch:
                        copy.write_row(row)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO incidents_searchrow (number, incident_id, until, in_force, published_at, modified_at,"
            " occurred_first, occurred_last, severity, size, tokens, words)"
            " SELECT number, incident_id, %s, TRUE, at, at, '0001-01-01', '0001-01-01', 0, octet_length(document),"
            " ARRAY[number],"
            " to_tsvector('english', left(convert_from(document, 'UTF8'), 600)) FROM incidents_publication",
            [STANDS],
        )
        cursor.execute("ANALYZE incidents_searchrow")
        cursor.execute("ANALYZE incidents_incident")
        cursor.execute("ANALYZE incidents_publication")


def change_one() -> None:
    """A correction of one record, as anybody makes it."""
    document = json.loads(bytes(Incident.objects.order_by("pk")[0].document))
    revise(Operation.CORRECT, Record.model_validate({**document, "version": 2, "notice": "A word was wrong."}))


def through_psql(form: str, column: str) -> Callable[[], None]:
    """COPY of all documents by psql into a pipe that somebody reads."""
    at = connection.settings_dict
    call = ["psql", "-X", "-q", "-h", at["HOST"], "-U", at["USER"], "-p", str(at["PORT"] or 5432), "-d", at["NAME"]]
    call += ["-c", f"COPY (SELECT {column} FROM incidents_incident) TO STDOUT {form}"]

    def run() -> None:
        with subprocess.Popen(call, stdout=subprocess.PIPE) as psql:
            subprocess.run(["cat"], stdin=psql.stdout, stdout=subprocess.DEVNULL, check=True)
        assert psql.returncode == 0

    return run


def through_http(address: str, path: str) -> Callable[[], None]:
    """A download that is thrown away."""
    return lambda: subprocess.run(["curl", "-sS", "--fail", "-o", "/dev/null", f"{address}{path}"], check=True) and None


def megabytes(process: subprocess.Popen[bytes]) -> float:
    """The highest resident memory so far of any worker of the web server."""
    workers = psutil.Process(process.pid).children(recursive=True)
    lines = [Path(f"/proc/{worker.pid}/status").read_text().splitlines() for worker in workers]
    return max(int(line.split()[1]) / 1024 for status in lines for line in status if line.startswith("VmHWM"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(not shutil.which("psql"), reason="there is no psql to compare with")
def test_exports(start, free_port, tmp_path):
    began = time.perf_counter()
    fill(ROWS)
    print(f"\n{ROWS} records filled in {time.perf_counter() - began:.0f} s")
    settings.EXPORT_ROOT = tmp_path / "exports"
    for what in ("all anew", "after one changed record"):
        began, cpu = time.perf_counter(), time.process_time()
        sheets = building.refresh(going_on=lambda: None).sheets
        print(
            f"refresh {what}: {time.perf_counter() - began:.1f} s, {time.process_time() - cpu:.1f} s of processor time"
        )
        if what == "all anew":
            change_one()
    for name, sheet in sheets.items():
        print(f"{name}: {sheet.size} bytes; " + ", ".join(f"{key}: {file.size}" for key, file in sheet.files.items()))

    port = free_port()
    command = (
        "granian",
        "--interface",
        "wsgi",
        "config.wsgi:application",
        "--port",
        str(port),
        "--blocking-threads",
        "4",
    )
    server = start(*command, log=tmp_path / "log", FAULTLINE_EXPORT_ROOT=str(tmp_path / "exports"))
    address = f"http://127.0.0.1:{port}/api/v1"
    while subprocess.run(["curl", "-s", "-o", "/dev/null", f"{address}/exports"], check=False).returncode:
        time.sleep(0.2)
    lines = subprocess.run(["curl", "-sS", f"{address}/incidents.jsonl"], check=True, capture_output=True).stdout
    assert lines.count(b"\n") == ROWS
    idle = megabytes(server)
    ways = {
        "psql COPY, JSON as text": through_psql("", "convert_from(document, 'UTF8')"),
        "psql COPY, binary": through_psql("(FORMAT binary)", "document"),
        "incidents.jsonl, live": through_http(address, "/incidents.jsonl"),
        "exports/incidents.jsonl": through_http(address, "/exports/incidents.jsonl"),
        "exports/incidents.jsonl.zst": through_http(address, "/exports/incidents.jsonl.zst"),
    }
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(ROUNDS):
        for way, run in ways.items():
            began = time.perf_counter()
            run()
            taken[way].append(time.perf_counter() - began)
    base = statistics.median(taken["psql COPY, JSON as text"])
    for way, seconds in taken.items():
        median = statistics.median(seconds)
        print(f"{way:30} {ROWS / median:10.0f} rows/s  {base / median:6.2f} of psql")
    peak = megabytes(server)
    print(f"a worker's peak memory: {idle:.0f} MB before the first export, {peak:.0f} MB after JSON Lines")
    for form in ("csv", "parquet"):
        began = time.perf_counter()
        through_http(address, f"/incidents.{form}")()
        seconds = time.perf_counter() - began
        print(f"incidents.{form}, live: {ROWS / seconds:.0f} rows/s; peak {megabytes(server):.0f} MB")
    assert base / statistics.median(taken["incidents.jsonl, live"]) >= 1
    assert peak - idle < MOST_MEGABYTES
