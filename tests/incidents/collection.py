"""Records of all sorts, and which of them are wanted: told from their documents alone, without a database."""

import json
from random import Random

from incidents.models import Operation, Publication
from incidents.publishing import publish, revise
from incidents.record import AffectedModel, Confidence, EvidenceGrade, Kind, Match, Record, Severity, Status
from tests import factories

CATEGORIES = ("bias", "backdoor", "backdoor.trigger", "hidden_promotion")
MODELS = ("example-org/tiny-chat", "Example-Org/big-chat", "other-org/tiny-chat", "plain")
HUBS = ("huggingface", "ollama", None)
WORDS = ("poisoned", "tokenizer", "weights", "recipe", "shop", "Latvian", "trigger")
OCCURRED = (None, "2024", "2024-02", "2024-02-29", "2025-01", "2025-12-31", "2026")
TERMS = (("mitre-atlas", "AML.T0018"), ("avid-sep", "S0100"))
LICENCES = ("", "apache-2.0", "mit,llama2", "other: House licence")
MOMENTS = ("2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z", "2026-01-31T12:00:00Z", "2026-03-01T10:00:00Z")


def random_record(dice: Random) -> Record:
    """One that was never published."""
    published = dice.choice(MOMENTS)
    return factories.record(
        title=f"The {dice.choice(WORDS)} and the {dice.choice(WORDS)}",
        description=" ".join(dice.choices(WORDS, k=dice.randrange(6))),
        kind=dice.choice(list(Kind)),
        category=dice.choice(CATEGORIES),
        severity=dice.choice(list(Severity)),
        evidence_grade=dice.choice(list(EvidenceGrade)),
        confidence=dice.choice(list(Confidence)),
        occurred=dice.choice(OCCURRED),
        published=published,
        modified=published,
        affected=tuple(_model(dice) for _ in range(dice.randrange(1, 3))),
        classifications=[
            {"taxonomy": taxonomy, "term": term} for taxonomy, term in dice.sample(TERMS, dice.randrange(2))
        ],
        aliases=tuple(f"AIID-{dice.randrange(10) + 100}" for _ in range(dice.randrange(2))),
    )


def publish_some(dice: Random, how_many: int) -> None:
    """Publications, and now and then a change of what is there."""
    for _ in range(how_many):
        publish(random_record(dice))
        if dice.random() < 0.3:
            change_one(dice)


def change_one(dice: Random) -> None:
    """Another version of a record in force."""
    last = dice.choice(list(Publication.objects.values_list("incident", flat=True)))
    entry = Publication.objects.filter(incident=last).order_by("-number").first()
    assert entry is not None
    before = json.loads(bytes(entry.document))
    if before["status"] == Status.WITHDRAWN:
        return
    operation, status = dice.choice(
        [
            (Operation.CORRECT, Status.PUBLISHED),
            (Operation.DISPUTE, Status.DISPUTED),
            (Operation.WITHDRAW, Status.WITHDRAWN),
        ]
    )
    fresh = random_record(dice).document()
    kept = {name: before[name] for name in ("id", "origin", "published")}
    modified = max(before["modified"], dice.choice(MOMENTS))
    version = {"version": before["version"] + 1, "status": status, "notice": "Better.", "modified": modified}
    revise(operation, Record.model_validate({**fresh, **kept, **version}))


def state_at(number: int) -> list[dict]:
    """Every record's document as the log stood at `number`; oldest record first."""
    documents: dict[int, dict] = {}
    for entry in Publication.objects.filter(number__lte=number).order_by("number"):
        documents[entry.incident_id] = json.loads(bytes(entry.document))
    return [documents[pk] for pk in sorted(documents)]


def is_wanted(document: dict, given: dict[str, list[str]]) -> bool:
    """Whether the record has one of the values of each filter given; what hubs say of models is left out."""
    checks = {
        "category": lambda wanted: document["category"] in wanted or document["category"].split(".")[0] in wanted,
        "hub": lambda wanted: any(model["hub"] in wanted for model in document["affected"]),
        "organisation": lambda wanted: any(
            "/" in model["name"] and model["name"].split("/")[0].lower() in wanted for model in document["affected"]
        ),
        "model": lambda wanted: any(
            model["name"].lower() in wanted and ("hub" not in given or model["hub"] in given["hub"])
            for model in document["affected"]
        ),
        "term": lambda wanted: any(f"{one['taxonomy']}:{one['term']}" in wanted for one in document["classifications"]),
        "alias": lambda wanted: any(alias.lower() in wanted for alias in document["aliases"]),
        "severity_min": lambda wanted: list(Severity).index(document["severity"]) >= list(Severity).index(wanted[0]),
        "q": lambda wanted: all(
            word.lower() in f"{document['title']} {document['summary']} {document['description']}".lower()
            for word in wanted[0].split()
        ),
        "licence": lambda wanted: bool(_licences(document) & set(wanted)),
        "published_from": lambda wanted: document["published"] >= wanted[0],
        "published_to": lambda wanted: document["published"][: len(wanted[0])] <= wanted[0],
        "modified_from": lambda wanted: document["modified"] >= wanted[0],
        "modified_to": lambda wanted: document["modified"][: len(wanted[0])] <= wanted[0],
        "occurred_from": lambda wanted: bool(document["occurred"]) and _latest(document["occurred"]) >= wanted[0],
        "occurred_to": lambda wanted: bool(document["occurred"]) and document["occurred"] <= _latest(wanted[0]),
    }
    if "status" not in given and document["status"] == Status.WITHDRAWN:
        return False
    for name, values in given.items():
        is_exact = name in ("q", "term") or name.endswith(("_from", "_to"))
        wanted = values if is_exact else [value.lower() for value in values]
        if not (checks[name](wanted) if name in checks else document[name] in wanted):
            return False
    return True


SORT_KEYS = {
    "published": lambda document: document["published"],
    "modified": lambda document: document["modified"],
    "occurred": lambda document: _earliest(document["occurred"]),
    "severity": lambda document: (list(Severity).index(document["severity"]), document["published"]),
}


def _model(dice: Random) -> AffectedModel:
    hub, licence = dice.choice(HUBS), dice.choice(LICENCES)
    observed = {"at": MOMENTS[0], "revision": "", "licence": licence} if licence else None
    return AffectedModel.model_validate(
        {
            "hub": hub,
            "name": dice.choice(MODELS),
            "match": Match.REPOSITORY,
            "status": dice.choice(["affected", "affected", "not_affected"]),
            "observed": observed,
        }
    )


def _licences(document: dict) -> set[str]:
    ids = {"apache-2.0": {"apache-2.0"}, "mit,llama2": {"mit", "llama2"}, "other: House licence": {"house licence"}}
    found: set[str] = set()
    for model in document["affected"]:
        if model["observed"] and model["status"] != "not_affected":
            found |= ids[model["observed"]["licence"]]
    return found


def _earliest(occurred: str | None) -> str:
    return f"{occurred or '0001'}-01-01"[:10] if len(occurred or "0001") != 7 else f"{occurred}-01"


def _latest(occurred: str) -> str:
    # Greater than every day of the month or year, which is all that comparing needs.
    return occurred if len(occurred) == 10 else f"{occurred}~"
