"""A log's static files at an address: a node's own, a mirror, files on any web server. Nothing here is believed."""

import struct
from collections.abc import Iterator

from lib.http import CALL_ERRORS, AnswerTooLargeError, bounded_client
from lib.merkle import HASH_BYTES, TILE_HEIGHT, TILE_WIDTH, perfect_root, tile_path

_SECONDS = 60.0
# Of one answer once decompressed: the objects of a tile.
_MOST_BYTES = 64_000_000


class BadCopyError(RuntimeError):
    """The copy does not answer, or what it answers cannot be what it should be; the message says what."""


class TooLargeError(BadCopyError):
    """The answer is larger than is taken from anybody."""


class LogCopy:
    """A log's files below one address; every call raises BadCopyError."""

    def __init__(self, address: str, *, seconds: float = _SECONDS, most_bytes: int = _MOST_BYTES) -> None:
        self.address = address.rstrip("/")
        self._client = bounded_client(seconds=seconds, most_bytes=most_bytes)
        self._tiles: dict[str, list[bytes]] = {}

    def get(self, path: str) -> bytes:
        """The content of one file."""
        try:
            answer = self._client.get(f"{self.address}/{path}")
        except AnswerTooLargeError as error:
            raise TooLargeError(f"{self.address}/{path}: {error}") from error
        except CALL_ERRORS as error:
            raise BadCopyError(f"{self.address}/{path}: {error or type(error).__name__}") from error
        if answer.status_code != 200:  # noqa: PLR2004 - HTTP
            raise BadCopyError(f"{self.address}/{path}: status {answer.status_code}")
        return answer.content

    def checkpoint(self) -> str:
        """The signed note."""
        try:
            return self.get("checkpoint").decode()
        except UnicodeDecodeError as error:
            raise BadCopyError(f"{self.address}/checkpoint: {error}") from error

    def entries(self, start: int, end: int) -> Iterator[tuple[int, bytes, bytes | None]]:
        """Index, leaf and object of the entries from a tile's first on; the object None where it was erased."""
        for first in range(start, end, TILE_WIDTH):
            width = min(TILE_WIDTH, end - first)
            leaves, objects = self.leaves(first, width), self.objects(first, width)
            yield from zip(range(first, first + width), leaves, objects, strict=True)

    def leaves(self, first: int, width: int) -> list[bytes]:
        """The leaves under the tile that begins at entry `first`."""
        place = _place(first, width)
        leaves = _unpacked(self.get(f"tile/entries/{place}"))
        if leaves is None or len(leaves) != width:
            raise BadCopyError(f"{self.address}: the entries {place} are cut off")
        return leaves

    def objects(self, first: int, width: int) -> list[bytes | None]:
        """The objects of the same entries; None for each that is gone. Raises TooLargeError, too."""
        place = _place(first, width)
        *lines, rest = self.get(f"objects/{place}").split(b"\n")
        if rest or len(lines) != width:
            raise BadCopyError(f"{self.address}: the objects {place} are cut off")
        return [line or None for line in lines]

    def node(self, height: int, index: int, size: int) -> bytes:
        """The root of the complete subtree of 2^height leaves, as the tiles of a tree of `size` leaves hold it."""
        level = height // TILE_HEIGHT
        count = 1 << (height % TILE_HEIGHT)
        number, at = divmod(index * count, TILE_WIDTH)
        hashes = self._tile(level, number, min(TILE_WIDTH, (size >> (TILE_HEIGHT * level)) - number * TILE_WIDTH))
        return perfect_root(hashes[at : at + count])

    def _tile(self, level: int, number: int, width: int) -> list[bytes]:
        path = f"tile/{level}/{tile_path(number)}" + ("" if width == TILE_WIDTH else f".p/{width}")
        if path not in self._tiles:
            content = self.get(path)
            if len(content) != width * HASH_BYTES:
                raise BadCopyError(f"{self.address}/{path}: it is cut off")
            self._tiles[path] = [content[at : at + HASH_BYTES] for at in range(0, len(content), HASH_BYTES)]
        return self._tiles[path]


def _place(first: int, width: int) -> str:
    return tile_path(first // TILE_WIDTH) + ("" if width == TILE_WIDTH else f".p/{width}")


def _unpacked(content: bytes) -> list[bytes] | None:
    leaves, at = [], 0
    while at + 2 <= len(content):
        length = struct.unpack(">H", content[at : at + 2])[0]
        leaves.append(content[at + 2 : at + 2 + length])
        at += 2 + length
    return leaves if at == len(content) else None
