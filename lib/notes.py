"""Signed notes, the checkpoints of logs, and the cosignatures of witnesses.

Formats: c2sp.org/signed-note v1.0.0 (Ed25519, type 0x01), c2sp.org/tlog-checkpoint v1.0.0, c2sp.org/tlog-cosignature
v1.0.1 (Ed25519, type 0x04).
"""

import base64
import binascii
import hashlib
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from lib.merkle import HASH_BYTES

ED25519, COSIGNATURE = 0x01, 0x04
MOST_SIGNATURES = 64
_ID_BYTES = 4
_KEY_BYTES = 32
_TIME_BYTES, _SIGNATURE_BYTES = 8, 64


class BadNoteError(ValueError):
    """It is no note, or not signed as it must be; the message says which."""


@dataclass(frozen=True)
class NoteKey:
    """A public key under a name, for one type of signature."""

    name: str
    public: bytes
    kind: int = ED25519

    @property
    def id(self) -> bytes:
        """The 4 bytes that each of its signatures begins with."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:_ID_BYTES]

    def __str__(self) -> str:
        """The key as people pin it: a "vkey"."""
        return f"{self.name}+{self.id.hex()}+{_base64(bytes([self.kind]) + self.public)}"


def parse_key(text: str) -> NoteKey:
    """The key of a vkey; raises BadNoteError."""
    name, _, rest = text.strip().partition("+")
    stated, _, encoded = rest.partition("+")
    data = _bytes(encoded)
    if not _is_name(name) or len(data) != 1 + _KEY_BYTES or data[0] not in (ED25519, COSIGNATURE):
        raise BadNoteError("this is no verifier key for Ed25519")
    key = NoteKey(name, data[1:], data[0])
    if key.id.hex() != stated:
        raise BadNoteError("the verifier key does not have the id that it states")
    return key


def sign_note(text: str, signers: Iterable[tuple[str, Ed25519PrivateKey]]) -> str:
    """The text, which ends in a newline, signed under each of the names."""
    lines = []
    for name, private in signers:
        key = NoteKey(name, private.public_key().public_bytes_raw())
        lines.append(_signature_line(key, private.sign(text.encode())))
    return f"{text}\n{''.join(lines)}"


def open_note(note: str, keys: Iterable[NoteKey]) -> str:
    """The text of the note, where at least one of these keys signed it and none of theirs fails; or BadNoteError."""
    text, lines = _parts(note)
    known = {(key.name, key.id): key for key in keys}
    verified = False
    for name, signature in lines:
        key = known.get((name, signature[:_ID_BYTES]))
        if key is None:
            continue
        _check(key, text, signature[_ID_BYTES:])
        verified = True
    if not verified:
        raise BadNoteError("no known key signed the note")
    return text


def cosign(note: str, name: str, private: Ed25519PrivateKey, *, at: int) -> str:
    """The line by which a witness says that it saw this checkpoint, and nothing inconsistent, by `at` (POSIX time)."""
    text, _ = _parts(note)
    signature = struct.pack(">Q", at) + private.sign(_cosigned(text, at))
    return _signature_line(NoteKey(name, private.public_key().public_bytes_raw(), COSIGNATURE), signature)


@dataclass(frozen=True)
class Cosignature:
    """A signature line as a note has it: who says to have signed, by what time (POSIX), and the line itself."""

    name: str
    at: int
    line: str


def last_cosignature(note: str) -> Cosignature:
    """The last line of a note, read as a cosignature and not verified; raises BadNoteError."""
    _, lines = _parts(note)
    name, signature = lines[-1]
    if len(signature) != _ID_BYTES + _TIME_BYTES + _SIGNATURE_BYTES:
        raise BadNoteError("the last line is no cosignature with Ed25519")
    at = struct.unpack(">Q", signature[_ID_BYTES : _ID_BYTES + _TIME_BYTES])[0]
    return Cosignature(name, at, _line(name, signature))


def only_by(note: str, name: str) -> str:
    """The note with no other signatures than those under that name; raises BadNoteError."""
    text, lines = _parts(note)
    return f"{text}\n{''.join(_line(by, signature) for by, signature in lines if by == name)}"


def with_lines(note: str, lines: Iterable[str]) -> str:
    """The note with these signature lines after its own: none twice, and no more in all than a reader takes."""
    _, own = _parts(note)
    more = [line for line in lines if line not in note]
    return note + "".join(more[: MOST_SIGNATURES - len(own)])


def _cosigned(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def _check(key: NoteKey, text: str, signature: bytes) -> None:
    signed = text.encode()
    if key.kind == COSIGNATURE:
        at = struct.unpack(">Q", signature[:8])[0] if len(signature) > 8 else 0  # noqa: PLR2004 - a u64
        signed, signature = _cosigned(text, at), signature[8:]
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, signed)
    except InvalidSignature as error:
        raise BadNoteError(f"the signature of {key.name} does not verify") from error


def _parts(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    text, blank, tail = note.rpartition("\n\n")
    lines = tail.split("\n")
    if (
        not blank
        or lines.pop() != ""
        or not 0 < len(lines) <= MOST_SIGNATURES
        or re.search(r"[\x00-\x09\x0b-\x1f]", note)
    ):
        raise BadNoteError("this is no signed note")
    return f"{text}\n", [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes]:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    signature = _bytes(encoded)
    if dash != "\N{EM DASH}" or not _is_name(name) or len(signature) <= _ID_BYTES:
        raise BadNoteError("a signature line is malformed")
    return name, signature


def _signature_line(key: NoteKey, signature: bytes) -> str:
    return _line(key.name, key.id + signature)


def _line(name: str, signature: bytes) -> str:
    return f"\N{EM DASH} {name} {_base64(signature)}\n"


def _is_name(name: str) -> bool:
    return bool(name) and not re.search(r"[\s+]", name)


@dataclass(frozen=True)
class TreeHead:
    """What a checkpoint says: whose log, how many entries, and the root over them."""

    origin: str
    size: int
    root: bytes

    def __str__(self) -> str:
        """The text of the note."""
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"


def parse_tree_head(text: str) -> TreeHead:
    """What a note's text says of a tree; extension lines are passed over. Raises BadNoteError."""
    lines = text.split("\n")
    if len(lines) < 4 or not all(lines[:-1]) or not re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1]):  # noqa: PLR2004
        raise BadNoteError("this is no checkpoint")
    root = _bytes(lines[2])
    if len(root) != HASH_BYTES:
        raise BadNoteError("the checkpoint's root is no SHA-256")
    return TreeHead(lines[0], int(lines[1]), root)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadNoteError("this is not base64") from error
