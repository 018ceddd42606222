"""Am I affected: a thousand questions against one, over 100,000 records and as many models with snapshots.

Run by hand: `make bench ARGS="-k check"`.
"""

import random
import statistics
import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalogue.models import Alias, Lineage, Model, Snapshot, WeightFile
from incidents.checking import check, read_question
from incidents.models import Affected, Incident

MODELS, QUESTIONS, ROUNDS = 100_000, 1000, 5
# So many times what one takes may a thousand take, by how many of them name what is on record: as few as in a bill of
# materials, and all of them, each with some twenty-five findings, which are then what costs.
LIMITS = {20: 10, 1: 100}


def fill():
    dice, now = random.Random(7), timezone.now()
    names = [f"org{n % 5000}/m{n}" for n in range(MODELS)]
    models = Model.objects.bulk_create(
        Model(hub="huggingface", name=name, stable_id=f"{n:024x}", shown=True, watched=True)
        for n, name in enumerate(names)
    )
    aliases = Alias.objects.bulk_create(Alias(hub=m.hub, name=m.name, model=m) for m in models)
    Lineage.objects.bulk_create(
        Lineage(child=models[n], base=aliases[dice.randrange(n // 50 + 1)], relation="finetune")
        for n in range(1, MODELS)
    )
    snapshots = Snapshot.objects.bulk_create(
        Snapshot(model=model, revision=f"{n:040x}", name=model.name, digest="") for n, model in enumerate(models)
    )
    WeightFile.objects.bulk_create(
        WeightFile(snapshot=snapshot, path=f"part-{i}.safetensors", sha256=f"{n:062x}{i:02x}")
        for n, snapshot in enumerate(snapshots)
        for i in range(4)
    )
    blank = {"version": 1, "kind": "incident", "category": "bias", "severity": "low", "evidence_grade": "claim"}
    incidents = Incident.objects.bulk_create(
        Incident(
            public_id=f"FL-2026-{n:08d}",
            origin="bench",
            status="published",
            confidence="low",
            title="t",
            published_at=now,
            modified_at=now,
            document=b"{}",
            digest="",
            **blank,
        )
        for n in range(MODELS)
    )
    # A tenth of the records are about a hundredth of the models.
    named = [dice.randrange(MODELS // 100) if n % 10 == 0 else n for n in range(MODELS)]
    Affected.objects.bulk_create(
        Affected(
            incident=incidents[n],
            hub="huggingface",
            name=names[about],
            name_key=names[about],
            stable_id=f"{about:024x}",
            revision=f"{about:040x}" if n % 2 else "",
            status="affected",
            match="repository",
        )
        for n, about in enumerate(named)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return dice, names


@pytest.mark.django_db
def test_a_thousand_questions():
    dice, names = fill()

    forms = (
        lambda n: names[n],
        lambda n: f"pkg:huggingface/{names[n]}@{n:040x}",
        lambda n: f"https://huggingface.co/{names[n]}/tree/main",
        lambda n: f"{n:062x}01",
        lambda n: f"nobody/m{n}",
    )

    def questions(count, on_record):
        """`on_record`: every so-many-th names a model that there are records on, or that derives from one."""
        return [
            read_question((dice.choice(forms) if n % on_record == 0 else forms[-1])(dice.randrange(MODELS)))
            for n in range(count)
        ]

    for on_record, limit in LIMITS.items():
        figures, queries, findings = {}, {}, {}
        for count in (1, 10, 100, QUESTIONS):
            asked = [questions(count, on_record) for _ in range(ROUNDS)]
            with CaptureQueriesContext(connection) as captured:
                check(asked[0])
            times = []
            for batch in asked:
                started = time.perf_counter()
                answers = check(batch)
                times.append((time.perf_counter() - started) * 1000)
            figures[count], queries[count] = statistics.median(times), len(captured)
            findings[count] = sum(len(answer.findings) for answer in answers)
        print(f"\none in {on_record} on record")
        for count, value in figures.items():
            print(f"{count:5} questions {value:9.2f} ms  {queries[count]} queries  {findings[count]} findings")
        print(f"1,000 / 1 {figures[QUESTIONS] / figures[1]:9.2f}")
        assert len(set(queries.values())) == 1
        assert figures[QUESTIONS] / figures[1] < limit
