"""Exports."""

import hashlib
import random
from collections.abc import Iterator

from django.db import connection

from incidents.record import AffectedModel, Match
from lib.canonical import canonical_bytes
from tests import factories

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
        "COPY incidents_publication (number, incident_id, operation, version, at, document, digest, chain) FROM STDIN"
    )
    for begin in range(1, count + 1, 50_000):
        rows, log = [], []
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
            log.append((number, number, "publish", 1, about["published"], document, digest, digest))
        with connection.cursor() as cursor:
            for sql, batch in ((incidents, rows), (entries, log)):
                with cursor.copy(sql) as copy:
                    for row in batch:
                        copy.write_row(row)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE incidents_incident")
        cursor.execute("ANALYZE incidents_publication")
