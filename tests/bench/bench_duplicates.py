"""Likely duplicates among 100,000 reports: how long the question takes, and that it walks the indexes.

Making the rows takes about three minutes, most of it their signatures; the questions take seconds.

Run by hand: `make bench` or `make bench ARGS="-k duplicates"`.
"""

import random
import statistics
import time
from itertools import accumulate

import pytest
from django.db import connection

from catalogue.hub import Reference
from catalogue.naming import name_model
from reports import duplicates
from reports.models import Fingerprint, NamedModel, Report
from reports.similarity import bands, signature
from tests import factories

REPORTS, WORDS, ROUNDS, FLOOD = 100_000, 60, 20, 5_000
# Milliseconds for one report's candidates, their scores and what is shown of them.
LIMIT = 500


@pytest.mark.django_db
def test_likely_duplicates_among_100_000_reports():
    dice = random.Random(7)
    # Words as often as in English: a few everywhere, most rarely (Zipf).
    words = [f"w{number}" for number in range(20_000)]
    weights = list(accumulate(1 / (number + 1) for number in range(len(words))))
    aliases = [name_model(Reference("huggingface", f"org/model-{number}")) for number in range(200)]
    rare = name_model(Reference("huggingface", "org/rare"))
    texts = [" ".join(dice.choices(words, cum_weights=weights, k=WORDS)) for _ in range(REPORTS - FLOOD)]
    texts += texts[:1] * FLOOD
    reports = Report.objects.bulk_create(
        (
            Report(source="form", content_digest="0" * 64, text=text, title="", category="bias", kind="incident")
            for text in texts
        ),
        batch_size=5000,
    )
    of_text = {text: signature(text) for text in set(texts)}
    signed = [of_text[text] for text in texts]
    with connection.schema_editor() as editor:
        for index in Fingerprint._meta.indexes:
            editor.remove_index(Fingerprint, index)
    Fingerprint.objects.bulk_create(
        (
            Fingerprint(report=report, links=[f"example.org/{dice.randrange(50_000)}"], signature=one, bands=bands(one))
            for report, one in zip(reports, signed, strict=True)
        ),
        batch_size=5000,
    )
    connection.check_constraints()
    with connection.schema_editor() as editor:
        for index in Fingerprint._meta.indexes:
            editor.add_index(Fingerprint, index)
    # One report in ten is about the same model.
    NamedModel.objects.bulk_create(
        (
            NamedModel(report=report, asked="m", alias=aliases[0] if dice.random() < 0.1 else dice.choice(aliases))
            for report in reports
        ),
        batch_size=5000,
    )
    NamedModel.objects.filter(report__in=reports[:3]).update(alias=rare)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE reports_fingerprint, reports_namedmodel, reports_report")

    spent: dict[str, list[float]] = {"much named": [], "hardly named": [], "flooded": []}
    for number in range(ROUNDS * len(spent)):
        sort = list(spent)[number % len(spent)]
        copied = REPORTS - 1 if sort == "flooded" else dice.randrange(1, REPORTS - FLOOD)
        text = texts[copied].split()
        text[: WORDS // 10] = dice.choices(words, cum_weights=weights, k=WORDS // 10)
        model = "org/rare" if sort == "hardly named" else "org/model-0"
        report = factories.report(models=(model,), title="", text=" ".join(text), links=())
        started = time.perf_counter()
        found = duplicates.of_report(report)
        spent[sort].append((time.perf_counter() - started) * 1000)
        assert found[0].report is not None
        assert found[0].report.text == texts[copied] or found[0].report.pk > reports[-1].pk
    for sort, times in spent.items():
        print(f"\n{sort:12} median {statistics.median(times):.0f} ms, slowest {max(times):.0f} ms")

    mine = duplicates.subjects_of([report])[0]
    wanted = {"links": ["example.org/7"], "models": [aliases[0].model_id], "most": 200}
    wanted |= duplicates._wanted_bands([mine])
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {duplicates._NEAR}", wanted)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    print(plan)
    assert "fingerprint_bands" in plan
    assert "fingerprint_links" in plan
    assert max(max(times) for times in spent.values()) < LIMIT
