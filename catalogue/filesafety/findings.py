"""What was found in files, in words that promise nothing. Plain data."""

from dataclasses import dataclass, field
from enum import StrEnum

from lib.ranges import Cost

_LONGEST_NAME = 200


class Outcome(StrEnum):
    """How a scan ended, from the worst to the least said. None of them means that a file is safe."""

    DANGEROUS = "dangerous"  # loading it calls what runs commands or code, or writes files
    SUSPICIOUS = "suspicious"  # loading it calls what can be misused, or what nobody has looked at
    FAILED = "failed"  # part of what should be read could not be
    NOTHING_FOUND = "nothing_found"  # in what was looked at
    NOT_SCANNED = "not_scanned"  # nothing was looked at


class Danger(StrEnum):
    """What loading a name from a pickle amounts to, by the table in `names`."""

    DANGEROUS = "dangerous"
    SUSPICIOUS = "suspicious"
    UNKNOWN = "unknown"
    ORDINARY = "ordinary"


class Format(StrEnum):
    """What a file is: by its name, or by its first bytes. A torch file's name does not say whether it is a zip."""

    SAFETENSORS = "safetensors"
    GGUF = "gguf"
    TORCH = "torch"
    TORCH_ZIP = "torch_zip"
    PICKLE = "pickle"
    ONNX = "onnx"
    HDF5 = "hdf5"
    KERAS = "keras"
    NUMPY = "numpy"
    ZIP = "zip"
    SEVEN_ZIP = "7z"
    TAR = "tar"
    GZIP = "gzip"
    CODE = "code"
    OTHER = "other"


@dataclass(frozen=True)
class Global:
    """A name that a pickle imports when it is loaded, as the pickle spells it."""

    module: str
    name: str
    danger: Danger


@dataclass(frozen=True)
class Coverage:
    """What a scan looked at, and what it did not, in sentences for people."""

    looked_at: tuple[str, ...] = ()
    not_looked_at: tuple[str, ...] = ()


@dataclass(frozen=True)
class SecondOpinion:
    """What another scanner said of the same pickles. `reason` says why it failed."""

    tool: str
    outcome: Outcome
    reason: str = ""
    globals: tuple[Global, ...] = ()


@dataclass(frozen=True)
class Scan:
    """What our own scan of one file found. `reason` is filled where `outcome` is failed or not_scanned.

    `format` is by the content, None where none was read. `globals` is sorted, the most dangerous first.
    """

    method: str
    outcome: Outcome
    reason: str = ""
    format: Format | None = None
    coverage: Coverage = Coverage()
    globals: tuple[Global, ...] = ()
    second_opinion: SecondOpinion | None = None
    cost: Cost = field(default_factory=Cost)


class HubStatus(StrEnum):
    """A verdict in the hub's words, `safe` included: it is the hub's word, not ours."""

    UNSCANNED = "unscanned"
    SAFE = "safe"
    QUEUED = "queued"
    ERROR = "error"
    CAUTION = "caution"
    SUSPICIOUS = "suspicious"
    UNSAFE = "unsafe"
    UNRECOGNISED = "unrecognised"  # a word, or an answer, that we do not know


class Meaning(StrEnum):
    """What a hub's verdict is worth."""

    ISSUES_REPORTED = "issues_reported"
    NO_ISSUES_REPORTED = "no_issues_reported"
    UNKNOWN = "unknown"


_MEANINGS = {
    HubStatus.SAFE: Meaning.NO_ISSUES_REPORTED,
    HubStatus.CAUTION: Meaning.ISSUES_REPORTED,
    HubStatus.SUSPICIOUS: Meaning.ISSUES_REPORTED,
    HubStatus.UNSAFE: Meaning.ISSUES_REPORTED,
}


@dataclass(frozen=True)
class HubVerdict:
    """What one scanner of a hub said of one file; `scanner` is "" for the hub's summary of all of them."""

    scanner: str
    status: HubStatus
    message: str = ""
    version: str = ""
    link: str = ""
    globals: tuple[Global, ...] = ()

    @property
    def meaning(self) -> Meaning:
        """Whether it reports issues; unscanned, queued and error are unknown."""
        return _MEANINGS.get(self.status, Meaning.UNKNOWN)


@dataclass(frozen=True)
class FileSafety:
    """All that is known of the safety of one file. `format` is by its name."""

    path: str
    format: Format
    verdicts: tuple[HubVerdict, ...] = ()
    scan: Scan | None = None


class FindingKind(StrEnum):
    """What is worth saying of a repository as a whole."""

    PICKLES = "pickles"
    REMOTE_CODE = "remote_code"
    CODE_FILES = "code_files"
    CHAT_TEMPLATE = "chat_template"
    HUB_REPORTS_ISSUES = "hub_reports_issues"
    HUB_SCAN_UNFINISHED = "hub_scan_unfinished"


@dataclass(frozen=True)
class Finding:
    """One risk of a repository: `detail` is a sentence, `evidence` the paths, names or keys it rests on."""

    kind: FindingKind
    detail: str
    evidence: tuple[str, ...] = ()


def shown(text: str) -> str:
    """`text` of a stranger without what a reader cannot see or a database cannot store, at most 200 characters."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text[:_LONGEST_NAME])
