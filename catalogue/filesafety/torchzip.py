"""The pickles in a torch file, which is a zip, by reading its directory and these members alone.

Format: PKWARE's APPNOTE 6.3. Readers differ in what they make of a zip that contradicts itself, and so can be shown
different files: whatever is not told twice in the same way raises BrokenZipError.
"""

import itertools
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

# `read(start, length)` gives the bytes there, fewer only at the end of the file.
Read = Callable[[int, int], bytes]

MOST_ENTRIES = 100_000
_TAIL = 32_000  # holds the directory of all but the largest models
_LONGEST_END = 22 + 65_535  # the end record and its comment
_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s4B4HL2L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_FULL_16, _FULL_32 = 0xFFFF, 0xFFFFFFFF
_EXTRA_64 = 1
_LONGEST_EXTRA = 200  # of a local header, as a rule: torch pads members to 64 bytes
_ENCRYPTED, _SIZES_FOLLOW = 1 << 0 | 1 << 6, 1 << 3
_STORED, _DEFLATED = 0, 8


class BrokenZipError(ValueError):
    """The zip is cut off, or contradicts itself; the message says how."""


@dataclass(frozen=True)
class Entry:
    """One member as the directory lists it; sizes in bytes, `offset` of its local header."""

    name: bytes
    flags: int
    method: int
    checksum: int
    packed: int
    size: int
    offset: int

    @property
    def title(self) -> str:
        """The name for people."""
        return self.name.decode("utf-8", "replace")


@dataclass(frozen=True)
class Content:
    """What could be read of a member; `missing` says what could not, "" if it is all there."""

    data: bytes
    missing: str = ""


def read_directory(read: Read, size: int) -> list[Entry]:
    """All members of a zip of `size` bytes, in the order of the file; raises BrokenZipError and what `read` raises."""
    tail_at = max(0, size - _TAIL)
    tail = read(tail_at, size - tail_at)
    if tail.rfind(b"PK\x05\x06") < 0 < tail_at:
        tail_at = max(0, size - _LONGEST_END)
        tail = read(tail_at, size - tail_at)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + _END.size > len(tail):
        raise BrokenZipError("it has no end record: it is no zip, or cut off")
    count, length, start, end = _end(read, tail, tail_at, at)
    if count > MOST_ENTRIES:
        raise BrokenZipError(f"it has more than {MOST_ENTRIES} members")
    if start + length != end:
        raise BrokenZipError("its directory is not where its end record says")
    entries = _entries(_exactly(read, start, length), count)
    _check_places(entries, start)
    return entries


def read_member(read: Read, entry: Entry, most_bytes: int) -> Content:
    """The first `most_bytes` of a member, inflated; raises BrokenZipError and what `read` raises."""
    if entry.flags & _ENCRYPTED:
        return Content(b"", "it is encrypted")
    if entry.method not in {_STORED, _DEFLATED}:
        return Content(b"", f"it is compressed by method {entry.method}")
    wanted = min(entry.packed, most_bytes)
    header = _LOCAL.size + len(entry.name)
    data = read(entry.offset, header + _LONGEST_EXTRA + wanted)
    begin = header + _check_local_header(data, entry)
    packed = (data if len(data) >= begin + wanted else _exactly(read, entry.offset, begin + wanted))[begin:][:wanted]
    return _stored(packed, entry) if entry.method == _STORED else _inflated(packed, entry, most_bytes)


def _end(read: Read, tail: bytes, tail_at: int, at: int) -> tuple[int, int, int, int]:
    """How many members there are, the directory's length and place, and where what follows it begins."""
    _, disk, directory_disk, on_disk, count, length, start, comment = _END.unpack_from(tail, at)
    if at + _END.size + comment != len(tail):
        raise BrokenZipError("its end record is not at its end")
    if disk not in {0, _FULL_16} or directory_disk not in {0, _FULL_16} or on_disk != count:
        raise BrokenZipError("it is one of several parts")
    end = tail_at + at
    has_locator = at >= _LOCATOR.size and tail.startswith(b"PK\x06\x07", at - _LOCATOR.size)
    if not has_locator:
        if count == _FULL_16 or _FULL_32 in {length, start}:
            raise BrokenZipError("its zip64 end record is missing")
        return count, length, start, end
    _, _, end_64, _ = _LOCATOR.unpack_from(tail, at - _LOCATOR.size)
    wide = _end_64(read, end_64, end - _LOCATOR.size)
    for narrow, full, real in zip((count, length, start), (_FULL_16, _FULL_32, _FULL_32), wide, strict=True):
        if narrow not in {full, real}:
            raise BrokenZipError("its two end records contradict each other")
    return *wide, end_64


def _end_64(read: Read, at: int, end: int) -> tuple[int, int, int]:
    signature, length, _, _, disk, directory_disk, on_disk, count, size, start = _END_64.unpack(
        _exactly(read, at, _END_64.size)
    )
    if signature != b"PK\x06\x06" or disk or directory_disk or on_disk != count or at + 12 + length != end:
        raise BrokenZipError("its zip64 end record is broken")
    return count, size, start


def _entries(directory: bytes, count: int) -> list[Entry]:
    entries: list[Entry] = []
    at = 0
    while at < len(directory):
        if len(entries) == count or at + _ENTRY.size > len(directory) or not directory.startswith(b"PK\x01\x02", at):
            raise BrokenZipError("its directory is broken")
        fields = _ENTRY.unpack_from(directory, at)
        flags, method, checksum, packed, size = fields[5], fields[6], *fields[9:12]
        name_length, extra_length, comment_length = fields[12:15]
        name_at = at + _ENTRY.size
        extra_at = name_at + name_length
        at = extra_at + extra_length + comment_length
        if at > len(directory):
            raise BrokenZipError("its directory is broken")
        extra = directory[extra_at : extra_at + extra_length]
        size, packed, offset = _wide([size, packed, fields[-1]], extra)
        entries.append(Entry(directory[name_at:extra_at], flags, method, checksum, packed, size, offset))
    if len(entries) != count:
        raise BrokenZipError("its directory has not as many members as its end record says")
    return sorted(entries, key=lambda entry: entry.offset)


def _wide(narrow: list[int], extra: bytes) -> list[int]:
    """The three numbers, from the zip64 field where 32 bits were too few."""
    wide = _field_64(extra)
    numbers = []
    for number in narrow:
        if number != _FULL_32:
            numbers.append(number)
        elif len(wide) >= 8:  # noqa: PLR2004  # 64 bits
            numbers.append(int.from_bytes(wide[:8], "little"))
            wide = wide[8:]
        else:
            raise BrokenZipError("a size or place in its directory is missing")
    return numbers


def _field_64(extra: bytes) -> bytes:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == _EXTRA_64:
            return extra[at + 4 : at + 4 + length]
        at += 4 + length
    return b""


def _check_places(entries: list[Entry], directory_at: int) -> None:
    ends = [entry.offset + _LOCAL.size + len(entry.name) + entry.packed for entry in entries]
    if ends and max(ends) > directory_at:
        raise BrokenZipError("a member reaches beyond the place of the members")
    if any(end > after.offset for end, (_, after) in zip(ends, itertools.pairwise(entries), strict=False)):
        raise BrokenZipError("two of its members overlap")


def _check_local_header(data: bytes, entry: Entry) -> int:
    """The length of the local header's extra field; raises BrokenZipError where it is not as the directory says."""
    if len(data) < _LOCAL.size or not data.startswith(b"PK\x03\x04"):
        raise BrokenZipError(f"there is no member where its directory says: {entry.title[:100]!r}")
    _, _, flags, method, _, _, checksum, packed, size, name_length, extra_length = _LOCAL.unpack_from(data)
    name = data[_LOCAL.size : _LOCAL.size + name_length]
    if (name, method, flags & _ENCRYPTED) != (entry.name, entry.method, entry.flags & _ENCRYPTED):
        raise BrokenZipError(f"a member's own header contradicts the directory: {entry.title[:100]!r}")
    said = (checksum, packed, size)
    real = (entry.checksum, entry.packed, entry.size)
    # 0 where the numbers follow the member, all ones where they are in its zip64 field.
    told_elsewhere = {0, _FULL_32} if flags & _SIZES_FOLLOW else {_FULL_32}
    for here, there in zip(said, real, strict=True):
        if here != there and here not in told_elsewhere:
            raise BrokenZipError(f"a member's own header contradicts the directory: {entry.title[:100]!r}")
    return int(extra_length)


def _stored(packed: bytes, entry: Entry) -> Content:
    if entry.packed != entry.size:
        raise BrokenZipError(f"a member that is not compressed has two sizes: {entry.title[:100]!r}")
    return _checked(packed, entry)


def _inflated(packed: bytes, entry: Entry, most_bytes: int) -> Content:
    try:
        data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, min(entry.size, most_bytes) + 1)
    except zlib.error as error:
        raise BrokenZipError(f"a member cannot be inflated: {entry.title[:100]!r}") from error
    if len(data) > entry.size:
        raise BrokenZipError(f"a member is larger than the directory says: {entry.title[:100]!r}")
    return _checked(data[:most_bytes], entry)


def _checked(data: bytes, entry: Entry) -> Content:
    if len(data) < entry.size:
        return Content(data, f"only the first {len(data)} of its {entry.size} bytes were read")
    # What loads torch files does not check this, so the bytes count in any case.
    return Content(data, "" if zlib.crc32(data) == entry.checksum else "its checksum is wrong")


def _exactly(read: Read, start: int, length: int) -> bytes:
    data = read(start, length) if start >= 0 else b""
    if len(data) != length:
        raise BrokenZipError("it is cut off")
    return data
