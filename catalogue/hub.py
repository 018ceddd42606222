"""The contract every hub fulfils: read what people paste, name a model exactly, ask the hub about it.

A hub is one file in `catalogue/hubs/` that defines `HUB`, an object of a class below; nothing else registers it.
Plain data and protocols: no database.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from lib.refusal import RefusalError
from lib.registry import plugins


class UnreadableReferenceError(RefusalError):
    """The text names no model; the message says why, in a sentence a reporter understands."""


@dataclass(frozen=True)
class Reference:
    """A model as somebody named it. Nothing in it has been confirmed by the hub."""

    hub: str
    name: str
    revision: str = ""  # a full commit id, or a branch, tag or pull-request ref; "" where not stated
    file: str = ""  # a path inside the repository; "" where not stated


class Outcome(StrEnum):
    """How a question to a hub ended."""

    OK = "ok"
    RENAMED = "renamed"
    MOVED_TO_OTHER_MODEL = "moved_to_other_model"
    GATED = "gated"
    DISABLED = "disabled"
    NOT_FOUND_OR_PRIVATE = "not_found_or_private"
    REVISION_NOT_FOUND = "revision_not_found"
    RATE_LIMITED = "rate_limited"
    CREDENTIAL = "credential"
    TRANSIENT = "transient"
    MALFORMED = "malformed"


@dataclass(frozen=True)
class HubFile:
    """One file of a repository: size in bytes, SHA-256, and the hub's id of the content; None where it did not say."""

    path: str
    size: int | None = None
    sha256: str | None = None
    content_id: str | None = None


@dataclass(frozen=True)
class BaseModelClaim:
    """A base this model says it derives from; relation is finetune, quantized, adapter, merge, or "" if not said."""

    name: str
    relation: str = ""


@dataclass(frozen=True)
class Facts:
    """What a hub said about one model at one revision."""

    stable_id: str
    name: str
    revision: str
    author: str = ""
    licence: str = ""
    private: bool = False
    gated: str = ""  # "", "auto" or "manual"
    disabled: bool = False
    downloads: int | None = None
    likes: int | None = None
    pipeline: str = ""
    library: str = ""
    tags: tuple[str, ...] = ()
    base_models: tuple[BaseModelClaim, ...] = ()
    bases_claimed_by: str = ""  # "hub", "tag" or "card"
    files: tuple[HubFile, ...] = ()
    files_complete: bool = True  # False where the hub cut the listing or gave none
    created_at: datetime | None = None
    modified_at: datetime | None = None


@dataclass(frozen=True)
class Quota:
    """How many calls a hub allows in how many seconds; of an answer: how many are left, and seconds to the reset."""

    calls: int
    seconds: float


@dataclass(frozen=True)
class Answer:
    """How a hub answered: facts with ok, renamed, gated and disabled; never with the others.

    `retry_after` is seconds, where the hub said how long to wait. `detail` is one line for operators.
    """

    outcome: Outcome
    facts: Facts | None = None
    detail: str = ""
    retry_after: float | None = None
    quota: Quota | None = None
    endpoint: str = field(default="", compare=False)
    body: bytes = field(default=b"", compare=False, repr=False)  # as received, where it led to facts


class NotNowError(Exception):
    """The hub may not be asked now: the budget is used up, or the hub says so itself.

    `answer` is how it answered last: rate_limited, or what it said before the budget was used up; None if it was not
    asked at all.
    """

    def __init__(self, answer: Answer | None = None) -> None:
        super().__init__(answer.detail if answer else "")
        self.answer = answer


@dataclass(frozen=True)
class Organisation:
    """Whose name a repository is under: `kind` is organisation or user; `members` counts an organisation's."""

    name: str
    kind: str
    verified: bool | None = None
    members: int | None = None


@dataclass(frozen=True)
class Details:
    """What a hub says of a model beyond its facts. None, and a name that is absent, is unknown, never "no".

    `children` counts the models derived from it, by relation. `commits_since` counts those after `since`, the revision
    that was reported. `scans` are the verdicts of the hub's scanners, a mapping for each file, and `flagged` the files
    it reports issues of, both in the form of the Hugging Face Hub. `card_text` is the card, or its beginning;
    `datasets_found` says of declared datasets whether the hub shows them. `config` and `chat_template` are what the hub
    shows of the configuration and of a GGUF file. `missing` says why a question that may be asked again later has no
    answer; `heard` how the hub did on the whole.
    """

    children: Mapping[str, int] | None = None
    organisation: Organisation | None = None
    discussions: int | None = None
    commits_since: int | None = None
    since: str = ""
    scans_done: bool | None = None
    flagged: tuple[Mapping[str, Any], ...] = ()
    scans: tuple[Mapping[str, Any], ...] | None = None
    card_text: str | None = None
    datasets_found: Mapping[str, bool] = field(default_factory=dict)
    config: Mapping[str, Any] | None = field(default=None, repr=False)
    chat_template: str | None = field(default=None, repr=False)
    missing: tuple[str, ...] = ()
    heard: Answer = field(default=Answer(Outcome.OK), compare=False)


@dataclass(frozen=True)
class Address:
    """Where a file's bytes are. `headers` are for that host alone."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Knows(StrEnum):
    """What a hub can say of a model. What a hub does not know is unknown, never false."""

    IDENTITY = "identity"  # an id that survives renames
    REVISIONS = "revisions"  # immutable ones, by which the model can be asked for
    FILES = "files"
    DIGESTS = "digests"  # SHA-256 of its files
    LICENCE = "licence"
    GATING = "gating"
    USE = "use"  # downloads or likes
    LINEAGE = "lineage"  # bases
    SCANS = "scans"  # verdicts of malware scanners


class Hub(Protocol):
    """One hub. `slug` is its name in URLs, records and purls; it equals the file's name.

    `example` is a name of the form its models have; `knows` is what its answers can tell; `quota` is what an anonymous
    caller may ask until the hub says otherwise.
    """

    slug: str
    title: str
    example: str
    knows: frozenset[Knows]
    quota: Quota

    def read(self, text: str) -> Reference | None:
        """`text` as a model of this hub; None if it is not this hub's business.

        Raises UnreadableReferenceError where it is this hub's, but names no model.
        """
        ...

    def url(self, reference: Reference) -> str:
        """The page people open: the file, the revision or the repository."""
        ...

    def purl(self, reference: Reference) -> str:
        """The canonical package URL, with a version only where the revision is immutable; "" where it has no form."""
        ...

    def is_immutable(self, revision: str) -> bool:
        """Whether `revision` can never point at other bytes."""
        ...

    def ask(self, reference: Reference) -> Answer:
        """What the hub says now about the repository at the reference's revision. Never raises for a hub's doing."""
        ...


@runtime_checkable
class Inspectable(Protocol):
    """What a hub may offer beside Hub: a closer look at a model it has answered about."""

    def inspect(self, reference: Reference, facts: Facts, may_ask: Callable[[], bool]) -> Details:
        """What more the hub says of the model in `facts`, as it was at their revision; a few calls.

        The reference's revision is the one that was reported, "" for none. `may_ask` is asked before each call, which
        it takes from the budget. Raises NotNowError where there is none left, or where the hub limits us; nothing else
        of a hub's doing.
        """
        ...

    def address(self, reference: Reference) -> Address:
        """Where the bytes of the reference's file, at its revision, are read from."""
        ...


def hubs() -> dict[str, Hub]:
    """Every hub, by slug."""
    return plugins("catalogue.hubs", "HUB")
