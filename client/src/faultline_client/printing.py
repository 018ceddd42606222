"""A report as text for people, as JSON, and as SARIF 2.1.0 (OASIS) for what shows results of code scanning."""

import hashlib
import json
import unicodedata
from collections.abc import Callable
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

from faultline_client import __version__
from faultline_client.findings import FAIL_ON, LEVELS, VERDICTS, Finding, Report, Subject

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_NOT_A_CLEAN_BILL = "The register knows only what was reported to it: nothing found is not proof that nothing is wrong."
# What code scanning sorts by, in the bands of CVSS that it shows. Ours is a word, not a score.
_SCORES = {"critical": "9.0", "high": "7.0", "moderate": "4.0", "low": "2.0", "negligible": "0.1"}


def as_text(report: Report) -> str:
    """Some lines for each thing that is on record."""
    lines = []
    for subject, findings in groupby(report.findings, key=lambda finding: finding.subject):
        lines += [_plain(subject.name), *(f"  {line}" for finding in findings for line in _lines(finding)), ""]
    lines += [f"not understood: {_plain(subject.name)}: {_plain(problem)}" for subject, problem in report.problems]
    concerned = len({finding.subject for finding in report.findings if finding.harmful})
    lines += [f"{report.asked} checked at {report.node}; {concerned} affected or possibly so.", _NOT_A_CLEAN_BILL]
    return "\n".join(lines) + "\n"


def as_json(report: Report) -> str:
    """An object with `node`, `asked`, `findings` and `problems`."""
    findings = [{**asdict(finding), "harmful": finding.harmful} for finding in report.findings]
    problems = [{"subject": asdict(subject), "problem": problem} for subject, problem in report.problems]
    whole = {"node": report.node, "asked": report.asked, "findings": findings, "problems": problems}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def as_sarif(report: Report) -> str:
    """A log with one run; every record is a rule, every finding a result."""
    records = {finding.record: finding for finding in report.findings}
    rules = {record: place for place, record in enumerate(records)}
    driver = {
        "name": "Faultline",
        "version": __version__,
        "informationUri": report.node,
        "rules": [_rule(finding) for finding in records.values()],
    }
    notes = [
        {"level": "warning", "message": {"text": f"{_plain(subject.name)} was not understood: {_plain(problem)}"}}
        for subject, problem in report.problems
    ]
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notes}],
        "results": [_result(finding, rules[finding.record]) for finding in report.findings],
        "columnKind": "unicodeCodePoints",
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


FORMATS: dict[str, Callable[[Report], str]] = {"text": as_text, "json": as_json, "sarif": as_sarif}


def _lines(finding: Finding) -> list[str]:
    disputed = ", disputed" if finding.disputed else ""
    lines = [
        f"{finding.record}  {_judged(finding)}, by {_plain(finding.rests_on)}",
        f"    {_plain(finding.title)} [{finding.kind}, severity {finding.severity}{disputed}]",
    ]
    if finding.way:
        lines.append(f"    by way of {_plain(' -> '.join(finding.way))}")
    return [*lines, f"    {_plain(finding.url)}"]


def _rule(finding: Finding) -> dict[str, Any]:
    properties: dict[str, Any] = {"tags": ["security", "ai-model", finding.kind]}
    if score := _SCORES.get(finding.severity):
        properties["security-severity"] = score
    return {
        "id": finding.record,
        "shortDescription": {"text": _plain(finding.title)},
        "helpUri": finding.url,
        "properties": properties,
    }


def _result(finding: Finding, rule: int) -> dict[str, Any]:
    whole = hashlib.sha256(f"{finding.subject.name}\n{finding.record}".encode()).hexdigest()
    # SARIF 3.27.9 and 3.27.10: what is no failure has the level "none".
    judged = {"kind": "fail", "level": _level(finding)} if finding.harmful else {"kind": "pass", "level": "none"}
    return {
        "ruleId": finding.record,
        "ruleIndex": rule,
        **judged,
        "message": {"text": f"{_plain(finding.subject.name)}: {_judged(finding)}. {_plain(finding.title)}"},
        "locations": [_location(finding.subject)],
        "partialFingerprints": {"faultline/v1": whole},
        "properties": {"matchLevel": finding.level, "verdict": finding.verdict, "restsOn": finding.rests_on},
    }


def _judged(finding: Finding) -> str:
    verdict, level = VERDICTS.get(finding.verdict, finding.verdict), LEVELS.get(finding.level, finding.level)
    return f"{verdict}: {level}"


def _level(finding: Finding) -> str:
    if finding.level not in FAIL_ON["inherited"]:
        return "note"
    return "error" if finding.level in FAIL_ON["direct"] and finding.verdict == "affected" else "warning"


def _location(subject: Subject) -> dict[str, Any]:
    logical = {"logicalLocations": [{"fullyQualifiedName": _plain(subject.name), "kind": "module"}]}
    if not subject.place:
        return logical
    path = Path(subject.place)
    uri = path.as_uri() if path.is_absolute() else quote(path.as_posix())
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": 1}}, **logical}


def _plain(text: str) -> str:
    """Without what moves a terminal's cursor or hides: what a node and a file say is somebody else's."""
    return "".join(
        " " if unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp"} else character for character in text
    )
