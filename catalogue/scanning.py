"""Our own look into a model's files, by byte ranges and within a budget, beside what the hub's scanners said."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from time import monotonic
from typing import Any

from django.utils import timezone

from catalogue.filesafety.findings import FileSafety, Format, HubVerdict, Meaning, Outcome, Scan
from catalogue.filesafety.formats import by_name, may_hold_pickles
from catalogue.filesafety.repository import find_risks
from catalogue.filesafety.scan import METHOD, scan_file
from catalogue.filesafety.verdicts import read_file_verdicts, read_repository_status
from catalogue.hub import Details, Facts, HubFile, Inspectable, Reference
from lib.ranges import USUAL, Limits

MOST_FILES = 8
MOST_BYTES = 24_000_000
MOST_SECONDS_A_FILE = 15.0
MOST_KEPT = 500  # files of which anything is kept
_TOO_LITTLE_SECONDS = 2.0
_TOO_LITTLE_BYTES = 100_000
# The hub will say the same of the next file.
_REFUSED = frozenset({"HTTP 401", "HTTP 403", "HTTP 429"})
_TOO_MANY_REQUESTS = "HTTP 429"


@dataclass
class _Run:
    """The scans of one run, by path; `missing` says which could not be made and may be made later."""

    ends: float
    bytes_left: int
    scans: dict[str, dict[str, Any]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def look_at_files(
    hub: Inspectable,
    reference: Reference,
    facts: Facts,
    details: Details,
    *,
    former: Mapping[str, Any],
    may_ask: Callable[[], bool],
    seconds: float,
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What is known of the files of `facts` as a JSON object, and why scans are missing that may be made later.

    The object has `files` (each a FileSafety with the file's `content`), `findings` of the repository as a whole, and
    `not_scanned`, the number of files with pickles that nobody looked into yet. `former` is the object of the time
    before: bytes that were read then are not read again. Each scan takes a call from the budget, by `may_ask`.
    """
    verdicts = read_file_verdicts(list(details.scans or ()))
    candidates = sorted(
        (file for file in facts.files if may_hold_pickles(file.path)), key=lambda file: _rank(file, verdicts)
    )
    run = _Run(ends=monotonic() + seconds, bytes_left=MOST_BYTES, scans=_known(candidates, former))
    for file in [file for file in candidates if file.path not in run.scans][:MOST_FILES]:
        if not _scan(hub, reference, file, run, may_ask):
            break
    status = read_repository_status({"scansDone": details.scans_done, "filesWithIssues": list(details.flagged)})
    findings = find_risks(
        [file.path for file in facts.files],
        configs={"config": details.config} if details.config else {},
        status=status,
        chat_template=details.chat_template,
    )
    known = {
        "files": _worth_keeping(facts, verdicts, run.scans),
        "findings": [asdict(finding) for finding in findings],
        "not_scanned": sum(1 for file in candidates if file.path not in run.scans),
    }
    return known, tuple(run.missing)


def _rank(file: HubFile, verdicts: Mapping[str, tuple[HubVerdict, ...]]) -> tuple[bool, bool, str]:
    """What the hub reports issues of comes first, then plain pickles, then weights."""
    return not _has_issues(verdicts.get(file.path, ())), by_name(file.path) is not Format.PICKLE, file.path


def _has_issues(verdicts: tuple[HubVerdict, ...]) -> bool:
    return any(verdict.meaning is Meaning.ISSUES_REPORTED for verdict in verdicts)


def _content(file: HubFile) -> str:
    return file.sha256 or file.content_id or ""


def _known(candidates: list[HubFile], former: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The scans of the time before that still hold: of the same bytes, by the same method, and not failed."""
    by_content = {
        (entry["path"], entry["content"]): entry["scan"]
        for entry in former.get("files", [])
        if entry["content"] and entry["scan"] and _holds(entry["scan"])
    }
    found = {file.path: by_content.get((file.path, _content(file))) for file in candidates}
    return {path: scan for path, scan in found.items() if scan}


def _holds(scan: Mapping[str, Any]) -> bool:
    return scan["method"] == METHOD and scan["outcome"] not in {Outcome.FAILED, Outcome.NOT_SCANNED}


def _scan(hub: Inspectable, reference: Reference, file: HubFile, run: _Run, may_ask: Callable[[], bool]) -> bool:
    """Scans one file; False where no other one should be."""
    left = run.ends - monotonic()
    if run.bytes_left < _TOO_LITTLE_BYTES:
        return False
    if left < _TOO_LITTLE_SECONDS or not may_ask():
        reason = "no time was left" if left < _TOO_LITTLE_SECONDS else "the hub could not be asked then"
        run.missing.append(f"scan of {file.path}: {reason}")
        return False
    address = hub.address(Reference(reference.hub, reference.name, reference.revision, file.path))
    limits = Limits(min(MOST_SECONDS_A_FILE, left), min(USUAL.most_bytes, run.bytes_left), USUAL.most_requests)
    scan = scan_file(file.path, address.url, headers=address.headers, size=file.size, limits=limits)
    run.bytes_left -= scan.cost.bytes
    run.scans[file.path] = asdict(scan) | {"scanned_at": timezone.now()}
    if _may_succeed_later(scan):
        run.missing.append(f"scan of {file.path}: {scan.reason}")
    return scan.reason not in _REFUSED


def _may_succeed_later(scan: Scan) -> bool:
    """Whether it was the connection's doing that nothing was read, and not the file's."""
    nothing_read = scan.outcome is Outcome.FAILED and not scan.coverage.looked_at and not scan.format
    return nothing_read or scan.reason == _TOO_MANY_REQUESTS


def _worth_keeping(
    facts: Facts, verdicts: Mapping[str, tuple[HubVerdict, ...]], scans: Mapping[str, dict[str, Any]]
) -> list[dict[str, Any]]:
    """The files that can run code when they are loaded, and those the hub reports issues of; scanned ones first."""
    worth = [
        file
        for file in facts.files
        if may_hold_pickles(file.path) or by_name(file.path) is Format.CODE or _has_issues(verdicts.get(file.path, ()))
    ]
    worth.sort(key=lambda file: (file.path not in scans, _rank(file, verdicts)))
    return [
        asdict(FileSafety(file.path, by_name(file.path), verdicts.get(file.path, ())))
        | {"content": _content(file), "scan": scans.get(file.path)}
        for file in worth[:MOST_KEPT]
    ]
