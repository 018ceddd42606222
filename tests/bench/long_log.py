"""A long log as files, the way a mirror on any web server keeps one: `python -m tests.bench.long_log FOLDER SIZE`."""

import hashlib
import json
import struct
import sys
from pathlib import Path

import django

django.setup()

from incidents.record import AffectedModel, Match  # noqa: E402 - the apps come first
from lib.merkle import TILE_WIDTH, leaf_hash, perfect_root, tile_path  # noqa: E402
from tests.stand_ins.node import Log  # noqa: E402

# A longer log names more models.
RECORDS_OF_A_MODEL = 5


def write(folder: Path, size: int) -> dict[str, object]:
    """Writes the files of a log of so many entries, all but the first records; what its operators would say."""
    log = Log("long.example")
    while len(log.entries) < size:
        log.publish(affected=(_model(len(log.entries) % max(size // RECORDS_OF_A_MODEL, 1)),))
    hashes = [leaf_hash(entry.leaf) for entry in log.entries]
    for first in range(0, size, TILE_WIDTH):
        part = log.entries[first : first + TILE_WIDTH]
        place = _place(first // TILE_WIDTH, len(part))
        packed = b"".join(struct.pack(">H", len(one.leaf)) + one.leaf for one in part)
        _put(folder / "tile" / "entries" / place, packed)
        _put(folder / "objects" / place, b"".join((one.text or b"") + b"\n" for one in part))
    level = 0
    while hashes:
        for first in range(0, len(hashes), TILE_WIDTH):
            part_hashes = hashes[first : first + TILE_WIDTH]
            _put(folder / "tile" / str(level) / _place(first // TILE_WIDTH, len(part_hashes)), b"".join(part_hashes))
        full = len(hashes) // TILE_WIDTH
        hashes = [perfect_root(hashes[at * TILE_WIDTH : (at + 1) * TILE_WIDTH]) for at in range(full)]
        level += 1
    _put(folder / "checkpoint", log.checkpoint().encode())
    octets = sum(len(one.leaf) + len(one.text or b"") for one in log.entries)
    return {"vkey": log.vkey, "bytes": octets}


def _model(number: int) -> AffectedModel:
    """One whose name is like no other's."""
    name = hashlib.sha256(b"%d" % number).hexdigest()
    return AffectedModel(hub="huggingface", name=f"{name[:12]}/{name[12:24]}", match=Match.REPOSITORY)


def _place(number: int, width: int) -> str:
    return tile_path(number) + ("" if width == TILE_WIDTH else f".p/{width}")


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


if __name__ == "__main__":
    print(json.dumps(write(Path(sys.argv[1]), int(sys.argv[2]))))
