"""The filters of incidents, as arguments of a query: the same for lists and exports."""

from collections.abc import Mapping

from drf_spectacular.utils import OpenApiParameter

from api.reading import one_of
from incidents.record import EvidenceGrade, Kind, Severity, Status
from incidents.search import Wanted
from incidents.taxonomy import category_codes

FILTERS = {
    "q": 'Words, in web-search syntax: "a phrase", OR, -not.',
    "category": "A term of the taxonomy `faultline`; its children are included.",
    "kind": "incident, hazard, exercise or measurement.",
    "severity": "unknown, negligible, low, moderate, high or critical.",
    "evidence_grade": "claim, documented, reproduced or confirmed.",
    "status": "published, disputed or withdrawn; without it, all but withdrawn.",
    "hub": "For example huggingface.",
    "model": "A repository's name on the hub, letter case aside.",
    "alias": "An id of the same event elsewhere, for example AIID-313.",
}
PARAMETERS = [OpenApiParameter(name, str, description=text) for name, text in FILTERS.items()]


def wanted_from(given: Mapping[str, str]) -> Wanted:
    """What the arguments ask for. Raises Problem."""
    return Wanted(
        q=given.get("q", ""),
        category=one_of(given, "category", category_codes()),
        kind=one_of(given, "kind", list(Kind)),
        severity=one_of(given, "severity", list(Severity)),
        evidence_grade=one_of(given, "evidence_grade", list(EvidenceGrade)),
        status=one_of(given, "status", list(Status)),
        hub=given.get("hub", ""),
        model=given.get("model", ""),
        alias=given.get("alias", ""),
    )
