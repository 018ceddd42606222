"""What exactly somebody approved: a digest that changes whenever the public would read something else.

Hubs' answers are left out: they go on changing, are fetched again at publication, and are nobody's wording.
"""

from typing import Any

from lib.canonical import canonical_bytes, digest
from reports.models import Case

_WORDING = (
    *("title", "summary", "description", "kind", "category", "severity", "evidence_grade", "confidence"),
    *("occurred", "other_ids", "names_person", "reproductions"),
)


def approved_digest(case: Case, verb: str, notice: str, into: Case | None = None) -> str:
    """SHA-256, in hex, over the canonical form of the verb, its notice, what is public now, and what the verb reads."""
    standing: dict[str, Any] = {
        "verb": verb,
        "notice": notice,
        "public": case.incident.digest if case.incident else "",
        # A publisher's answer is always new to whoever approved without it.
        "statements": list(case.statements.order_by("pk").values_list("pk", "state")),
        # Taken out of every text that becomes public, the notice among them.
        "taken_out": _rows(case.redactions.filter(left_because=""), "number", "category"),
    }
    if into is not None:
        standing["into"] = [into.pk, into.incident.public_id if into.incident else ""]
    if verb in {"publish", "correct"}:
        standing |= {column: getattr(case, column) for column in _WORDING}
        standing["models"] = _rows(
            case.models,
            "alias__hub",
            "alias__name",
            "name",
            "revision",
            "file",
            "status",
            "note",
            "fixed_in",
            "not_affected_in",
        )
        standing["excerpts"] = _rows(case.excerpts, "tool", "probe", "prompt", "output")
        standing["references"] = _rows(case.references, "title", "publisher", "url", "date")
        standing["classifications"] = _rows(case.classifications, "taxonomy", "term")
    return digest(canonical_bytes(standing))


def _rows(rows: Any, *columns: str) -> list[list[Any]]:
    return [list(row) for row in rows.order_by("pk").values_list(*columns)]
