"""A random collection of published records, and a recount of it over nothing but its public documents."""

import itertools
import random

from incidents.models import Operation
from incidents.publishing import publish, revise
from incidents.record import Confidence, EvidenceGrade, Kind, Match, Record, Severity
from incidents.taxonomy import category_codes, taxonomies
from tests import factories

NAMES = [
    ("huggingface", "org/a"),
    ("huggingface", "Org/b"),
    ("huggingface", "other/c"),
    ("kaggle", "org/a"),
    ("civitai", "17"),
    (None, "a model by name"),
]


def random_record(chance: random.Random) -> Record:
    """One record, whose values repeat often enough that cells hold several."""
    published = f"{chance.choice((2024, 2025, 2026))}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}T10:00:00Z"
    affected = [
        {
            "hub": hub,
            "name": name,
            "match": Match.REPOSITORY if hub else Match.NAME_ONLY,
            "status": chance.choice(("affected", "affected", "fixed", "not_affected")),
            "observed": chance.choice(
                (None, *({"at": published, "revision": "", "licence": text} for text in ("", "MIT", "apache-2.0")))
            ),
        }
        for hub, name in chance.sample(NAMES, chance.randint(1, 3))
    ]
    return factories.record(
        kind=chance.choice((*Kind, *[Kind.INCIDENT] * 4)),
        category=chance.choice(sorted(category_codes())[:8]),
        severity=chance.choice(list(Severity)),
        evidence_grade=chance.choice(list(EvidenceGrade)),
        confidence=chance.choice(list(Confidence)),
        occurred=chance.choice((None, "2023", "2024-02", "2024-11-30", "2025-06")),
        published=published,
        modified=published,
        affected=affected,
        aliases=tuple(f"AIID-{number}" for number in chance.sample(range(1, 40), chance.choice((0, 0, 1, 2)))),
        classifications=[
            {"taxonomy": "mit-risk", "term": code}
            for code in chance.sample(["1", "1.1", "4", "4.2"], chance.randint(0, 2))
        ],
    )


def publish_random(chance: random.Random, number: int) -> None:
    """Publishes that many; some are disputed, withdrawn or merged afterwards."""
    standing: list[Record] = []
    for _ in range(number):
        record = random_record(chance)
        publish(record)
        standing.append(record)
        if chance.random() < 0.25:
            changed = standing.pop(chance.randrange(len(standing)))
            status = chance.choice(("disputed", "withdrawn", "merged")) if standing else "disputed"
            successor = chance.choice(standing).id if status == "merged" else None
            values = {
                **changed.model_dump(by_alias=True),
                "version": 2,
                "status": "disputed" if status == "disputed" else "withdrawn",
                "notice": "Somebody had a reason.",
                "superseded_by": successor,
            }
            operation = {"disputed": "dispute", "withdrawn": "withdraw", "merged": "merge"}[status]
            revise(Operation(operation), Record.model_validate(values))


def read_all(client) -> list[dict]:
    """The last document of every record, read from the public log."""
    found, after = {}, 0
    while entries := client.get(f"/api/v1/changes?after={after}&limit=100").json()["entries"]:
        found |= {entry["id"]: entry["document"] for entry in entries}
        after = entries[-1]["number"]
    return list(found.values())


def in_force(document: dict) -> bool:
    return document["status"] != "withdrawn"


def event_of(documents: list[dict]) -> dict[str, str]:
    """The event of each record: those in force that share an id elsewhere take one name, until none changes."""
    names = {document["id"]: document["id"] for document in documents}
    live = [document for document in documents if in_force(document) and document["aliases"]]
    changed = True
    while changed:
        changed = False
        for one, other in itertools.combinations(live, 2):
            if {a.lower() for a in one["aliases"]} & {a.lower() for a in other["aliases"]}:
                lowest = min(names[one["id"]], names[other["id"]])
                changed |= {names[one["id"]], names[other["id"]]} != {lowest}
                names[one["id"]] = names[other["id"]] = lowest
    return names


def values_of(document: dict, dimension: str) -> set[str | None]:
    """Under which values of a dimension a document counts."""
    concerned = [model for model in document["affected"] if model["status"] != "not_affected"]
    if dimension == "hub":
        found = {model["hub"] for model in concerned if model["hub"]}
    elif dimension == "organisation":
        found = {
            f"{model['hub']}/{model['name'].split('/')[0].lower()}"
            for model in concerned
            if model["hub"] and "/" in model["name"]
        }
    elif dimension == "licence":
        found = {model["observed"]["licence"].lower() for model in concerned if model["observed"]} - {""}
    elif "_" in dimension and dimension != "evidence_grade":
        which, grain = dimension.split("_")
        found = {_period(document[which] or "", grain)} - {None}
    else:
        found = {document[dimension]}
    return found or {None}


def _period(text: str, grain: str) -> str | None:
    if grain == "year":
        return text[:4] or None
    if len(text) < 7:
        return None
    quarter = (int(text[5:7]) + 2) // 3
    return text[:7] if grain == "month" else f"{text[:4]}-Q{quarter}"


def passes(document: dict, filters: dict[str, str], children: dict[str, set[str]]) -> bool:
    """Whether a document is among what the filters ask for."""
    for name, wanted in {"status": "in force", **filters}.items():
        if wanted == "any":
            continue
        if name == "status" and wanted == "in force":
            fits = in_force(document)
        elif name == "category":
            fits = document["category"] in children[wanted]
        elif name in {"published", "occurred"}:
            grain = "year" if len(wanted) == 4 else "month"
            fits = wanted in values_of(document, f"{name}_{grain}")
        else:
            fits = wanted in values_of(document, name)
        if not fits:
            return False
    return True


def recount(documents: list[dict], by: list[str], filters: dict[str, str]) -> dict:
    """Cells of (events, records) by their values, and the total under the key "total"."""
    own = taxonomies()["faultline"].terms
    children = {term.code: {term.code} | {other.code for other in own if other.parent == term.code} for term in own}
    events = event_of(documents)
    cells: dict = {}
    for document in documents:
        if passes(document, filters, children):
            for values in itertools.product(*(values_of(document, dimension) for dimension in by)):
                cells.setdefault(values, []).append(document["id"])
            cells.setdefault("total", []).append(document["id"])
    counted = {key: (len({events[one] for one in ids}), len(ids)) for key, ids in cells.items()}
    return {"total": (0, 0), **counted}
