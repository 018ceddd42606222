"""What a node answered about what was asked, as findings: a record, how exactly it matches, and what follows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# How exactly a record matches, the most exact first, as the node names it and in words.
LEVELS = {
    "file": "this very file",
    "revision": "this very revision",
    "unique_prefix": "the only revision on record that begins so",
    "branch": "the revision that the branch pointed at when the hub was last asked",
    "repository": "the repository; the exact revision is not known",
    "inherited": "a model it derives from",
    "name_only": "by name only",
}
# What follows, the most pressing first.
VERDICTS = {
    "affected": "affected",
    "possibly_affected": "possibly affected",
    "under_investigation": "under investigation",
    "fixed": "fixed",
    "not_affected": "not affected",
}
_HARMLESS = frozenset({"fixed", "not_affected"})
# Which levels make the program fail: each word includes those before it.
FAIL_ON = {
    "direct": frozenset(LEVELS) - {"inherited", "name_only"},
    "inherited": frozenset(LEVELS) - {"name_only"},
    "name": frozenset(LEVELS),
}
_RANKS = {level: rank for rank, level in enumerate(LEVELS)}
_URGENCY = {verdict: rank for rank, verdict in enumerate(VERDICTS)}


@dataclass(frozen=True)
class Subject:
    """Something somebody runs: how they name it, and the file or folder that says that they do."""

    name: str
    place: str


@dataclass(frozen=True)
class Finding:
    """One record that concerns one subject.

    `rests_on` is what was compared; `way` leads from the subject to the model the record names, where that is another.
    """

    subject: Subject
    record: str
    url: str
    title: str
    kind: str
    severity: str
    disputed: bool
    level: str
    verdict: str
    rests_on: str
    way: tuple[str, ...]

    @property
    def harmful(self) -> bool:
        """Whether the subject has the flaw, or may have it."""
        return self.verdict not in _HARMLESS


@dataclass(frozen=True)
class Report:
    """The findings, the most pressing first; how many subjects were asked about; and what could not be understood."""

    node: str
    asked: int
    findings: tuple[Finding, ...]
    problems: tuple[tuple[Subject, str], ...] = ()

    def fails(self, fail_on: str) -> bool:
        """Whether a finding is as exact as `fail_on` (a key of FAIL_ON) demands, and not harmless."""
        return any(finding.harmful and finding.level in FAIL_ON[fail_on] for finding in self.findings)


def report(node: str, asked: Iterable[Subject], answers: Iterable[tuple[Subject, Mapping[str, Any]]]) -> Report:
    """Puts a node's answers together: of several on one subject and one record only the most exact is kept."""
    best: dict[tuple[Subject, str], Finding] = {}
    problems = []
    for subject, answer in answers:
        if answer["problem"] and not answer["records"]:
            problems.append((subject, str(answer["problem"])))
        for found in answer["records"]:
            finding = _finding(subject, found)
            key = (subject, finding.record)
            if key not in best or _order(finding) < _order(best[key]):
                best[key] = finding
    findings = sorted(best.values(), key=lambda finding: (finding.subject.name, finding.subject.place, _order(finding)))
    return Report(node, len(set(asked)), tuple(findings), tuple(problems))


def _finding(subject: Subject, found: Mapping[str, Any]) -> Finding:
    return Finding(
        subject=subject,
        record=str(found["id"]),
        url=str(found["url"]),
        title=str(found["title"]),
        kind=str(found["kind"]),
        severity=str(found["severity"]),
        disputed=found["record_status"] == "disputed",
        level=str(found["level"]),
        verdict=str(found["verdict"]),
        rests_on=str(found["rests_on"]),
        way=tuple(map(str, found["way"])),
    )


def _order(finding: Finding) -> tuple[int, int, str]:
    """The most exact first: what is said of this very file outweighs what is said of its repository."""
    return _RANKS.get(finding.level, len(_RANKS)), _URGENCY.get(finding.verdict, len(_URGENCY)), finding.record
