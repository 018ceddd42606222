"""What a hub said of a model that somebody named, or how the asking stands."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from catalogue.concerns import concerns_of
from catalogue.hub import Outcome, Reference, hubs
from catalogue.models import Alias, Concern, Lookup, Snapshot
from catalogue.snapshots import latest_snapshot

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
