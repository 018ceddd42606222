"""What a hub's own scanners said of files, from its raw answers: the client library drops three of the scanners.

Format: `POST /api/models/{id}/paths-info/{revision}` with `expand`, and `securityRepoStatus` of a model's document.
Nothing in an answer is trusted. A word we do not know is unrecognised, which means unknown, never "no issues".
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from catalogue.filesafety.findings import Danger, Global, HubStatus, HubVerdict, shown
from catalogue.json_values import entries, mapping

_LONGEST_PATH = 1000
_MOST_NAMES = 1000
_WORDS = {status.value: status for status in HubStatus if status is not HubStatus.UNRECOGNISED}
_DANGERS = {"innocuous": Danger.ORDINARY, "suspicious": Danger.SUSPICIOUS, "dangerous": Danger.DANGEROUS}


@dataclass(frozen=True)
class FlaggedFile:
    """A file that the hub names; `level` is the hub's word."""

    path: str
    level: HubStatus


@dataclass(frozen=True)
class RepositoryStatus:
    """How far the hub's scans of a repository came; `scans_done` is None where it did not say."""

    scans_done: bool | None = None
    files_with_issues: tuple[FlaggedFile, ...] = ()


def read_file_verdicts(answer: Any) -> dict[str, tuple[HubVerdict, ...]]:
    """The verdicts on each file of a paths-info answer, the hub's summary first; none for files it says nothing of."""
    verdicts = {}
    for entry in map(mapping, entries(answer)):
        path, status = entry.get("path"), entry.get("securityFileStatus")
        if isinstance(path, str) and 0 < len(path) <= _LONGEST_PATH and isinstance(status, dict):
            verdicts[path] = (_verdict("", status), *_by_scanner(status))
    return verdicts


def read_repository_status(document: Any) -> RepositoryStatus:
    """`securityRepoStatus` of a model's document, or the same object alone as `/scan` gives it."""
    status = mapping(mapping(document).get("securityRepoStatus", document))
    done = status.get("scansDone")
    flagged = {}
    for entry in map(mapping, entries(status.get("filesWithIssues"))):
        path = entry.get("path")
        if isinstance(path, str) and 0 < len(path) <= _LONGEST_PATH:
            flagged[path] = FlaggedFile(path, _status(entry.get("level")))
    return RepositoryStatus(done if isinstance(done, bool) else None, tuple(flagged[path] for path in sorted(flagged)))


def _by_scanner(status: dict[str, Any]) -> list[HubVerdict]:
    """One verdict for each `...Scan`, so that a scanner the hub adds later is not dropped."""
    found = [(key, value) for key, value in status.items() if isinstance(key, str) and key.endswith("Scan")]
    return [_verdict(shown(key.removesuffix("Scan")), mapping(value)) for key, value in sorted(found) if value]


def _verdict(scanner: str, said: dict[str, Any]) -> HubVerdict:
    return HubVerdict(
        scanner,
        _status(said.get("status")),
        message=_line(said.get("message")),
        version=_line(said.get("version")),
        link=_link(said.get("reportLink")),
        globals=tuple(_globals(said.get("pickleImports"))),
    )


def _status(value: Any) -> HubStatus:
    return _WORDS.get(value, HubStatus.UNRECOGNISED) if isinstance(value, str) else HubStatus.UNRECOGNISED


def _globals(imports: Any) -> list[Global]:
    return [
        Global(_line(each.get("module")), _line(each.get("name")), _danger(each.get("safety")))
        for each in map(mapping, entries(imports)[:_MOST_NAMES])
    ]


def _danger(value: Any) -> Danger:
    return _DANGERS.get(value, Danger.UNKNOWN) if isinstance(value, str) else Danger.UNKNOWN


def _link(value: Any) -> str:
    """An address that a page may link to, whole; else ""."""
    try:
        is_link = isinstance(value, str) and urlsplit(value).scheme == "https" and shown(value) == value
    except ValueError:
        return ""
    return value if is_link else ""


def _line(value: Any) -> str:
    return shown(" ".join(value.split())) if isinstance(value, str) else ""
