"""What changed between two snapshots of one model: pure, from what was kept of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any

from catalogue.models import Snapshot

# Endings of files that hold weights, whatever the framework.
WEIGHTS = frozenset(
    {".bin", ".ckpt", ".gguf", ".h5", ".msgpack", ".onnx", ".pkl", ".pt", ".pth", ".safetensors", ".tflite"}
)
CARD = "README.md"


class Change(StrEnum):
    """A kind of change that matters to whoever relies on a model."""

    WEIGHTS_REPLACED = "weights_replaced"
    WEIGHTS_ADDED = "weights_added"
    FILES_REMOVED = "files_removed"
    CARD_REWRITTEN = "card_rewritten"
    LICENCE_CHANGED = "licence_changed"
    GATING_CHANGED = "gating_changed"
    DISABLED = "disabled"
    ENABLED = "enabled"
    RENAMED = "renamed"
    OWNER_CHANGED = "owner_changed"
    GONE = "gone"
    BACK = "back"


@dataclass(frozen=True)
class Difference:
    """One change; `before` and `after` are short texts for people: a licence, a name, or paths joined by commas."""

    change: Change
    before: str = ""
    after: str = ""


def differences(before: Snapshot, after: Snapshot) -> Iterator[Difference]:
    """Every change that matters, in the order of `Change`. Files count only where both listings are complete."""
    if before.files_complete and after.files_complete:
        yield from _files(_by_path(before), _by_path(after))
    if before.licence != after.licence:
        yield Difference(Change.LICENCE_CHANGED, before.licence, after.licence)
    if before.gated != after.gated:
        yield Difference(Change.GATING_CHANGED, before.gated or "open", after.gated or "open")
    if before.disabled != after.disabled:
        yield Difference(Change.DISABLED if after.disabled else Change.ENABLED)
    if before.name != after.name:
        yield Difference(Change.RENAMED, before.name, after.name)
    if before.author != after.author:
        yield Difference(Change.OWNER_CHANGED, before.author, after.author)


def _by_path(snapshot: Snapshot) -> dict[str, dict[str, Any]]:
    return {file["path"]: file for file in snapshot.files}


def _files(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> Iterator[Difference]:
    replaced = [path for path in before.keys() & after.keys() if _content(before[path]) != _content(after[path])]
    if weights := _listed(path for path in replaced if holds_weights(path)):
        yield Difference(Change.WEIGHTS_REPLACED, after=weights)
    if added := _listed(path for path in after.keys() - before.keys() if holds_weights(path)):
        yield Difference(Change.WEIGHTS_ADDED, after=added)
    if removed := _listed(before.keys() - after.keys()):
        yield Difference(Change.FILES_REMOVED, before=removed)
    if CARD in replaced:
        yield Difference(Change.CARD_REWRITTEN)


def _content(file: dict[str, Any]) -> tuple[Any, ...]:
    """What tells two contents apart: a digest if there is one, else the hub's id, else the size."""
    exact = file.get("sha256") or file.get("content_id")
    return (exact,) if exact else (None, file.get("size"))


def holds_weights(path: str) -> bool:
    """Whether the file holds weights, as far as its name tells."""
    return PurePosixPath(path).suffix.lower() in WEIGHTS


def _listed(paths: Any) -> str:
    return ", ".join(sorted(paths))[:1000]
