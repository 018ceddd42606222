"""What follows from a repository's list of files, its configuration and the hub's word, with no file opened."""

from collections.abc import Iterable, Mapping
from typing import Any

from catalogue.filesafety.findings import (
    FileSafety,
    Finding,
    FindingKind,
    Format,
    HubVerdict,
    Scan,
    shown,
)
from catalogue.filesafety.formats import by_name, may_hold_pickles
from catalogue.filesafety.verdicts import RepositoryStatus

_MOST_EVIDENCE = 100
_DEEPEST = 20


def describe_files(
    paths: Iterable[str],
    verdicts: Mapping[str, tuple[HubVerdict, ...]],
    scans: Mapping[str, Scan],
) -> list[FileSafety]:
    """All that is known of each file, in the order of their paths."""
    return [FileSafety(path, by_name(path), verdicts.get(path, ()), scans.get(path)) for path in sorted(set(paths))]


def find_risks(
    paths: Iterable[str],
    *,
    configs: Mapping[str, Any],
    status: RepositoryStatus,
    chat_template: Any = None,
) -> list[Finding]:
    """The risks of a repository. `configs` are its parsed JSON configurations by path, whatever they turned out to be.

    `chat_template` is the one the hub shows of a GGUF file (`gguf.chat_template` of the model's document).
    """
    paths = sorted(set(paths))
    candidates = (
        _pickles(paths),
        _remote_code(configs),
        _code_files(paths),
        _chat_template(paths, chat_template),
        _issues(status),
        _unfinished(status),
    )
    return [finding for finding in candidates if finding]


def _pickles(paths: list[str]) -> Finding | None:
    found = [path for path in paths if may_hold_pickles(path)]
    others = any(by_name(path) in {Format.SAFETENSORS, Format.GGUF} for path in paths)
    beside = " The repository has weights in a format without code, too." if others else ""
    return _finding(
        FindingKind.PICKLES,
        f"Files that are loaded by unpickling, which can run code, judged by their names.{beside}",
        found,
    )


def _remote_code(configs: Mapping[str, Any]) -> Finding | None:
    found = [f"{path}: {name}" for path, config in sorted(configs.items()) for name in remote_code(config)]
    return _finding(
        FindingKind.REMOTE_CODE,
        "The configuration names classes outside the library: whoever loads the model with trust_remote_code runs them."
        " `--` after a repository's name means that the code comes from there, and can change by itself.",
        found,
    )


def remote_code(config: Any) -> list[str]:
    """What `auto_map` and `custom_pipelines` of a configuration name, at any depth; [] for what is no configuration."""
    return sorted(set(_named_code(config, 0)))


def _named_code(config: Any, depth: int) -> list[str]:
    if depth > _DEEPEST:
        return []
    if isinstance(config, list):
        return [name for each in config for name in _named_code(each, depth + 1)]
    names = []
    for key, value in config.items() if isinstance(config, dict) else ():
        if key in {"auto_map", "custom_pipelines"}:
            # An empty one names nothing.
            names += _texts(value, 0) or ([str(key)] if value else [])
        else:
            names += _named_code(value, depth + 1)
    return names


def _texts(value: Any, depth: int) -> list[str]:
    if isinstance(value, str):
        return [value] if value else []
    if depth > _DEEPEST or not isinstance(value, dict | list):
        return []
    return [text for each in (value.values() if isinstance(value, dict) else value) for text in _texts(each, depth + 1)]


def _code_files(paths: list[str]) -> Finding | None:
    return _finding(
        FindingKind.CODE_FILES,
        "Code in the repository; nobody has read it here.",
        [path for path in paths if by_name(path) is Format.CODE],
    )


def _chat_template(paths: list[str], template: Any) -> Finding | None:
    found = [path for path in paths if by_name(path) is Format.GGUF]
    if not found:
        return None
    has = "have a chat template" if isinstance(template, str) and template else "may have a chat template"
    return _finding(
        FindingKind.CHAT_TEMPLATE,
        f"GGUF files {has}: a program that readers of the file run. It was not examined, and its risk is unknown.",
        found,
    )


def _issues(status: RepositoryStatus) -> Finding | None:
    found = [f"{file.path}: {file.level}" for file in status.files_with_issues]
    return _finding(FindingKind.HUB_REPORTS_ISSUES, "The hub's scanners report issues with files.", found)


def _unfinished(status: RepositoryStatus) -> Finding | None:
    if status.scans_done:
        return None
    said = "says that its scans are not done" if status.scans_done is False else "does not say that its scans are done"
    return Finding(
        FindingKind.HUB_SCAN_UNFINISHED, f"The hub {said}: that it reports no issues for a file means nothing yet."
    )


def _finding(kind: FindingKind, detail: str, evidence: list[str]) -> Finding | None:
    if not evidence:
        return None
    more = len(evidence) - _MOST_EVIDENCE
    listed = [shown(each) for each in evidence[:_MOST_EVIDENCE]]
    return Finding(kind, detail, (*listed, f"and {more} more") if more > 0 else tuple(listed))
