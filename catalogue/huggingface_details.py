"""What the Hugging Face Hub's answers about a model mean, beyond its facts. Plain data: no network, no database.

Nothing in an answer is trusted: each function takes any JSON value, and what has the wrong type is unknown.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from catalogue.filesafety.findings import Format
from catalogue.filesafety.formats import by_name, may_hold_pickles
from catalogue.hub import Facts, HubFile, Organisation
from catalogue.json_values import count, entries, line, mapping

CARD = "README.md"
MOST_CARD = 300_000  # characters
MOST_PATHS = 2000  # in one question, by the Hub's documentation
_LONGEST_PATH = 1000
_LONGEST_TEXT = 1000
_MOST_MEMBERS = 1000
_DEEPEST = 6
_RELATIONS = ("adapter", "finetune", "merge", "quantized")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def stable_id(document: Any) -> str:
    """The id of the repository that answered; "" where it does not say."""
    return line(mapping(document).get("_id"))


def children(document: Any) -> dict[str, int] | None:
    """How many models say that they derive from this one, by relation."""
    counts = mapping(document).get("childrenModelCount")
    found = {relation: count(mapping(counts).get(relation)) for relation in _RELATIONS}
    known = {relation: number for relation, number in found.items() if number is not None}
    # An empty object is how the Hub says that there are none.
    return known if known or counts == {} else None


def organisation(document: Any, name: str, kind: str) -> Organisation | None:
    """Whose name it is; of a user nothing but the name is kept."""
    if not isinstance(document, dict):
        return None
    if kind == "user":
        return Organisation(line(document.get("user")) or name, kind)
    verified = document.get("isVerified")
    return Organisation(
        line(document.get("name")) or name,
        kind,
        verified=verified if isinstance(verified, bool) else None,
        members=count(document.get("numUsers")),
    )


def discussions(document: Any) -> int | None:
    """How many discussions and pull requests there are, closed ones included."""
    return count(mapping(document).get("count"))


def commits_after(document: Any, reported: str) -> int | None:
    """How many of the listed commits, the newest first, are after `reported`; None where it is not among them."""
    ids = [mapping(commit).get("id") for commit in entries(document)]
    return ids.index(reported) if reported in ids else None


def scans_done(document: Any) -> bool | None:
    """Whether the Hub says that its scanners are through."""
    done = mapping(mapping(document).get("securityRepoStatus")).get("scansDone")
    return done if isinstance(done, bool) else None


def flagged(document: Any) -> tuple[Mapping[str, Any], ...]:
    """The files the Hub reports issues of, as it lists them."""
    listed = entries(mapping(mapping(document).get("securityRepoStatus")).get("filesWithIssues"))
    return tuple(storable(entry) for entry in listed[:_MOST_MEMBERS] if _path(entry))


def scans(document: Any) -> tuple[Mapping[str, Any], ...] | None:
    """What each scanner said of each file: `path` and `securityFileStatus` of an answer; no scanner is left out."""
    if not isinstance(document, list):
        return None
    told = [entry for entry in document[:MOST_PATHS] if _path(entry) and mapping(entry.get("securityFileStatus"))]
    return tuple({"path": _path(entry), "securityFileStatus": storable(entry["securityFileStatus"])} for entry in told)


def paths_to_ask_about(files: Iterable[HubFile], issues: Iterable[Mapping[str, Any]]) -> list[str]:
    """The paths whose verdicts are asked for: what is flagged, can hold pickles, or is code comes first."""
    named = {_path(issue) for issue in issues}
    return sorted((file.path for file in files), key=lambda path: (_rank(path, named), path))[:MOST_PATHS]


def _rank(path: str, named: set[str]) -> int:
    if path in named:
        return 0
    if may_hold_pickles(path):
        return 1
    return 2 if by_name(path) not in {Format.OTHER, Format.SAFETENSORS} else 3


def has_card(facts: Facts) -> bool:
    """Whether there is a card to ask for, or may be: a listing can be cut."""
    return not facts.files_complete or not facts.files or any(file.path == CARD for file in facts.files)


def card_text(body: bytes) -> str:
    """The card, or its beginning, without what a database cannot store."""
    return _UNSTORABLE.sub("", body[: 4 * MOST_CARD].decode(errors="replace"))[:MOST_CARD]


def declared_datasets(tags: Iterable[str]) -> list[str]:
    """The datasets that a model says it was trained on."""
    names = (tag.removeprefix("dataset:") for tag in tags if tag.startswith("dataset:"))
    return list(dict.fromkeys(names))


def config(document: Any) -> Mapping[str, Any] | None:
    """What the Hub shows of the configuration."""
    found = mapping(document).get("config")
    return found if isinstance(found, dict) else None


def chat_template(document: Any) -> str | None:
    """The chat template in the header of a GGUF file."""
    found = mapping(mapping(document).get("gguf")).get("chat_template")
    return found if isinstance(found, str) else None


def storable(value: Any, depth: int = 0) -> Any:
    """A JSON value as a database can hold it: bounded in depth, length and number, of printable texts."""
    if isinstance(value, str):
        return line(value, _LONGEST_TEXT)
    if isinstance(value, dict | list) and depth >= _DEEPEST:
        return None
    if isinstance(value, list):
        return [storable(each, depth + 1) for each in value[:_MOST_MEMBERS]]
    if isinstance(value, dict):
        return {line(key): storable(each, depth + 1) for key, each in list(value.items())[:_MOST_MEMBERS]}
    return value if value is None or isinstance(value, bool) else count(value)


def _path(entry: Any) -> str:
    path = mapping(entry).get("path")
    return path if isinstance(path, str) and line(path, _LONGEST_PATH) == path else ""
