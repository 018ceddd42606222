"""What a hub said of a model that somebody named, or how the asking stands."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from django.db.models import Subquery
from django.db.models.functions import Coalesce

from catalogue.concerns import concerns_of
from catalogue.filesafety.findings import HubStatus, HubVerdict, Meaning
from catalogue.hub import Outcome, Reference, hubs
from catalogue.models import Alias, Concern, Drift, Inspection, Lookup, Model, Snapshot
from catalogue.snapshots import drift_since, latest_snapshot

# Formats whose loading runs Python's pickle, by their usual endings.
PICKLE_ENDINGS = (".bin", ".ckpt", ".dill", ".joblib", ".pickle", ".pkl", ".pt", ".pth")

_OUTCOMES = {
    "": "not asked yet",
    Outcome.OK: "found",
    Outcome.RENAMED: "found, renamed",
    Outcome.MOVED_TO_OTHER_MODEL: "the name now leads to another model",
    Outcome.GATED: "found, gated",
    Outcome.DISABLED: "found, disabled by the hub",
    Outcome.NOT_FOUND_OR_PRIVATE: "not found, or private",
    Outcome.REVISION_NOT_FOUND: "no such revision",
    Outcome.RATE_LIMITED: "the hub asked to wait",
    Outcome.CREDENTIAL: "the hub refused our token",
    Outcome.TRANSIENT: "the hub could not answer",
    Outcome.MALFORMED: "the hub's answer was unreadable",
}
_FOUND = {Outcome.OK, Outcome.RENAMED, Outcome.GATED, Outcome.DISABLED}
_MISSING = {Outcome.MOVED_TO_OTHER_MODEL, Outcome.NOT_FOUND_OR_PRIVATE, Outcome.REVISION_NOT_FOUND}


class Named(Protocol):
    """A row that names a model: a report's or a case's."""

    alias: Any
    revision: Any
    file: Any


@dataclass(frozen=True)
class Facts:
    """One named model. Without an alias it is on no hub we know, and nobody asks about it."""

    shown: str
    alias: Alias | None = None
    hub: str = ""
    url: str = ""
    revision: str = ""
    file: str = ""
    lookup: Lookup | None = None
    snapshot: Snapshot | None = None
    default_branch_only: bool = False
    file_size: int | None = None
    file_sha256: str = ""
    file_listed: bool = False
    pickles: tuple[str, ...] = field(default=())
    concerns: tuple[Concern, ...] = field(default=())

    @property
    def state(self) -> str:
        """How the asking stands, in a few words."""
        return lookup_words(self.lookup) if self.alias else "on no hub we know"

    @property
    def tone(self) -> str:
        """good, bad or plain: for the eye."""
        return lookup_tone(self.lookup)

    @property
    def waiting(self) -> bool:
        """Whether the hub has still to answer."""
        return self.alias is not None and not is_answered(self.lookup)


def lookup_words(lookup: Lookup | None) -> str:
    """How a lookup stands, in a few words."""
    if lookup is None:
        return _OUTCOMES[""]
    return f"parked: {_OUTCOMES[lookup.outcome]}" if lookup.is_parked else _OUTCOMES[lookup.outcome]


def lookup_tone(lookup: Lookup | None) -> str:
    """good, bad or plain: for the eye."""
    if lookup is None or not is_answered(lookup):
        return "bad" if lookup and lookup.is_parked else "plain"
    return "good" if lookup.outcome in _FOUND else "bad"


def is_answered(lookup: Lookup | None) -> bool:
    """Whether the hub's last word was one that stands."""
    return lookup is not None and lookup.outcome in _FOUND | _MISSING


def lookup_of(alias: Alias, revision: str) -> Lookup | None:
    """The job for that revision, from `alias.lookups` as prefetched."""
    return next((lookup for lookup in alias.lookups.all() if lookup.revision == revision), None)


def facts_of(named: Named, shown: str) -> Facts:
    """What is known of one named model."""
    alias: Alias | None = named.alias
    if alias is None:
        return Facts(shown)
    snapshot = latest_snapshot(alias.model, named.revision)
    fallback = latest_snapshot(alias.model, "") if snapshot is None and named.revision else None
    files: list[dict[str, Any]] = (snapshot or fallback or Snapshot(files=[])).files
    wanted = next((file for file in files if file["path"] == named.file), None)
    return Facts(
        shown=alias.name,
        alias=alias,
        hub=hubs()[alias.hub].title,
        url=hubs()[alias.hub].url(Reference(alias.hub, alias.name, named.revision, named.file)),
        revision=named.revision,
        file=named.file,
        lookup=lookup_of(alias, named.revision),
        snapshot=snapshot or fallback,
        default_branch_only=fallback is not None,
        file_listed=wanted is not None,
        file_size=wanted.get("size") if wanted else None,
        file_sha256=(wanted.get("sha256") or "") if wanted else "",
        pickles=tuple(pickles(file["path"] for file in files)),
        concerns=tuple(concerns_of([alias])),
    )


def pickles(paths: Iterable[str]) -> Iterable[str]:
    """Those files that loaders usually unpickle."""
    return (path for path in paths if path.lower().endswith(PICKLE_ENDINGS))


# --- Since the report ------------------------------------------------------------------------------------------------
MOST_CHANGES = 50
MOST_FILES = 50


@dataclass(frozen=True)
class Since:
    """What became of one model since it was first reported: newest changes first; the hub's word then, and now."""

    model: Model
    changes: tuple[tuple[str, Drift], ...] = ()
    more_changes: bool = False
    then: Snapshot | None = None
    now: Snapshot | None = None
    findings: "Findings | None" = None


def since(model: Model, first_reported: datetime | None) -> Since:
    """Four queries, whatever there is."""
    changes = list(drift_since(model, first_reported).order_by("-noticed_at", "-pk")[: MOST_CHANGES + 1])
    return Since(
        model,
        changes=tuple((one.change.replace("_", " "), one) for one in changes[:MOST_CHANGES]),
        more_changes=len(changes) > MOST_CHANGES,
        then=_snapshot_at(model, first_reported),
        now=latest_snapshot(model, ""),
        findings=findings_of(model),
    )


def _snapshot_at(model: Model, moment: datetime | None) -> Snapshot | None:
    """What stood at the moment; where the hub had not been asked by then, what it first said. One query."""
    rows = model.snapshots.filter(revision_asked="")
    if moment is None:
        return rows.order_by("taken_at", "pk").first()
    before = rows.filter(taken_at__lte=moment).order_by("-taken_at", "-pk").values("pk")[:1]
    first = rows.order_by("taken_at", "pk").values("pk")[:1]
    return model.snapshots.filter(pk=Coalesce(Subquery(before), Subquery(first))).first()


# --- What its files hold ---------------------------------------------------------------------------------------------
_SCANS = {
    "dangerous": ("dangerous", "bad"),
    "suspicious": ("suspicious", "bad"),
    "failed": ("scan failed", "plain"),
    "": ("not looked into yet", "plain"),
    "not_scanned": ("not scanned", "plain"),
    "nothing_found": ("nothing found in what was looked at", "plain"),
}
_MEANINGS = {Meaning.ISSUES_REPORTED: "reports issues", Meaning.NO_ISSUES_REPORTED: "reports no issues"}


@dataclass(frozen=True)
class FileFindings:
    """One file: our own scan as stored, in words, and (scanner, its word, its message) of the hub's."""

    path: str
    outcome: str
    tone: str
    scan: dict[str, Any]
    verdicts: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Findings:
    """What the last inspection of a model found; `more_files` counts those left out, the least said of."""

    inspection: Inspection
    files: tuple[FileFindings, ...]
    more_files: int

    @property
    def of_repository(self) -> list[dict[str, Any]]:
        """What is worth saying of the repository as a whole."""
        found: list[dict[str, Any]] = self.inspection.safety.get("findings", [])
        return found

    @property
    def not_scanned(self) -> int:
        """Files with pickles that nobody looked into yet."""
        return int(self.inspection.safety.get("not_scanned", 0))


def findings_of(model: Model) -> Findings | None:
    """What its inspection found, if one was kept. One query."""
    inspection = Inspection.objects.defer("document").filter(model=model, inspected_at__isnull=False).first()
    if inspection is None:
        return None
    order = list(_SCANS)
    entries = sorted(
        inspection.safety.get("files", []), key=lambda entry: (order.index(_outcome(entry)), entry["path"])
    )
    files = tuple(_file_findings(entry) for entry in entries[:MOST_FILES])
    return Findings(inspection, files, len(entries) - len(files))


def _outcome(entry: dict[str, Any]) -> str:
    outcome = (entry.get("scan") or {}).get("outcome", "")
    return outcome if outcome in _SCANS else ""


def _file_findings(entry: dict[str, Any]) -> FileFindings:
    words, tone = _SCANS[_outcome(entry)]
    verdicts = tuple(
        (one["scanner"] or "all scanners together", _hub_word(one["status"]), one["message"])
        for one in entry["verdicts"]
    )
    return FileFindings(entry["path"], words, tone, entry.get("scan") or {}, verdicts)


def _hub_word(status: str) -> str:
    """What a hub's verdict is worth: never the hub's own reassuring word."""
    return _MEANINGS.get(HubVerdict("", HubStatus(status)).meaning, f"no verdict: {status}")
