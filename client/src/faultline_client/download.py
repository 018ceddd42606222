"""An export as a file: a stored one resumed where it broke off and compared with its digest, a live one in one go."""

import csv
import hashlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlencode

from faultline_client.node import ATTEMPTS, BrokenOffError, Node, NodeError

_OK, _PARTIAL, _UNSATISFIABLE = 200, 206, 416
_FRESH = frozenset({_OK})
_RESUMED = frozenset({_OK, _PARTIAL, _UNSATISFIABLE})
# What a file name asks for: the format is said, the compression is its end.
_COMPRESSIONS = {".zst": "zstd", ".gz": "gzip"}


@dataclass(frozen=True)
class Saved:
    """What was written: how many bytes, the SHA-256 of them, and whether the node said the same one."""

    size: int
    sha256: str
    verified: bool


@dataclass(frozen=True)
class _Begun:
    """A download that broke off: of what, and its ETag. Kept beside the part that is there."""

    address: str
    etag: str


def export(node: Node, form: str, filters: Mapping[str, str], target: Path) -> Saved:
    """Writes the export to `target`, which is there whole or not at all. Raises NodeError and OSError.

    Without filters it is the stored file of the whole collection, and with a name that ends in .gz or .zst its
    compressed form. What is there of it stays beside the target as `.part` until it is whole.
    """
    coding = _COMPRESSIONS.get(target.suffix, "") if form != "parquet" else ""
    if filters:
        if coding:
            raise NodeError("an export with filters is not compressed: choose a name without .gz or .zst")
        return _live(node, form, f"/api/v1/incidents.{form}?{urlencode(filters)}", target)
    return _stored(node, form, coding, target)


def _stored(node: Node, form: str, coding: str, target: Path) -> Saved:
    part, failures = _part(target), 0
    while failures < ATTEMPTS:
        file, before = _listed(node, form, coding), _size(part)
        try:
            _fetch(node, f"/api/v1/exports/{file['name']}", f'"{file["sha256"]}"', part)
        except BrokenOffError:
            failures = 0 if _size(part) > before else failures + 1
            if failures == ATTEMPTS:
                raise
            time.sleep(failures + 1)
            continue
        saved = _digested(part)
        if saved.sha256 == file["sha256"]:
            _in_place(target)
            return Saved(saved.size, saved.sha256, verified=True)
        # It was replaced meanwhile, or what was there is not the beginning of it.
        _forget(part)
        failures += 1
    raise NodeError("what arrived does not have the digest that the node says it has; nothing was kept")


def _listed(node: Node, form: str, coding: str) -> dict[str, str]:
    for file in node.get("/api/v1/exports")["files"]:
        if (file["holds"], file["format"], file["compression"] or "") == ("incidents", form, coding):
            return dict(file)
    raise NodeError("the node has not made its exports yet; try again in a minute")


def _fetch(node: Node, address: str, etag: str, part: Path) -> None:
    begun = _Begun(node.address + address, etag)
    there = _size(part) if _begun(part) == begun else 0
    _remember(part, begun)
    headers = {"Range": f"bytes={there}-", "If-Range": etag} if there else {}
    with node.stream(address, headers, accepted=_RESUMED if there else _FRESH) as response:
        if response.status_code == _UNSATISFIABLE:  # it is all there
            return
        with part.open("ab" if response.status_code == _PARTIAL else "wb") as file:
            for chunk in response.iter_raw():
                file.write(chunk)


def _live(node: Node, form: str, address: str, target: Path) -> Saved:
    part = _part(target)
    try:
        with node.stream(address, {}, accepted=_FRESH) as response, part.open("wb") as file:
            for chunk in response.iter_raw():
                file.write(chunk)
        _refuse_broken_off(part, form, response.headers.get("Faultline-Records", ""))
    except NodeError:
        _forget(part)  # the next answer may have other records
        raise
    saved = _digested(part)
    _in_place(target)
    return saved


def _refuse_broken_off(part: Path, form: str, records: str) -> None:
    """A web server can end an answer that broke off as if it were whole. Raises NodeError."""
    if form == "parquet":
        with part.open("rb") as file:
            file.seek(-min(4, _size(part)), os.SEEK_END)
            whole = file.read() == b"PAR1"
    elif form == "csv":
        with part.open(encoding="utf-8", newline="") as file:
            whole = str(sum(1 for _ in csv.reader(file)) - 1) == records
    else:
        with part.open("rb") as file:
            whole = str(sum(1 for _ in file)) == records
    if not whole:
        raise NodeError("the export broke off before its end; nothing was kept, try again")


def _digested(path: Path) -> Saved:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Saved(path.stat().st_size, digest, verified=False)


def _in_place(target: Path) -> None:
    part = _part(target)
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(target)
    _notes(part).unlink(missing_ok=True)


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _notes(part).unlink(missing_ok=True)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _part(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")


def _notes(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _begun(part: Path) -> _Begun | None:
    try:
        return _Begun(**json.loads(_notes(part).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _remember(part: Path, begun: _Begun) -> None:
    _notes(part).write_text(json.dumps(asdict(begun)))
