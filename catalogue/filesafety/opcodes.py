"""What a pickle imports when it is loaded, read from its opcodes without loading it.

A small copy of the unpickler's stack keeps only texts, because names can be put together from the stack and the memo.
What the copy cannot follow counts as computed while loading, which no ordinary pickle does.
"""

import io
import pickletools
import struct
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, TypeGuard

from catalogue.filesafety.names import COMPUTED, EXTENSION

MOST_OPS = 500_000
MOST_GLOBALS = 1000
_DEEPEST = 3
_OPS_BETWEEN_LOOKS_AT_THE_CLOCK = 4096
_LONGEST_TEXT = 1000
_PICKLES = tuple(bytes([0x80, protocol]) for protocol in range(6))
_MARK = object()
_TEXTS = frozenset(
    {"STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"}
)
_GETS = frozenset({"GET", "BINGET", "LONG_BINGET"})
_PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
_EXTENSIONS = frozenset({"EXT1", "EXT2", "EXT4"})
# What pickletools raises on bytes that are no pickle; it warns of odd escapes, which Python may be told to raise.
_NO_PICKLE = (ValueError, OverflowError, struct.error, LookupError, TypeError, EOFError, Warning)


@dataclass
class Reading:
    """What was read of a stream of pickles.

    `pickles` counts the complete ones, `end` is where the last of them ends. `broken` says why not all of the data
    could be read; `is_short` that it ends in the middle, `is_capped` that it would have been too much work.
    """

    globals: dict[tuple[str, str], None] = field(default_factory=dict)
    pickles: int = 0
    ops: int = 0
    end: int = 0
    broken: str = ""
    is_short: bool = False
    is_capped: bool = False


class _CapError(Exception):
    """Reading on would take too much work."""


def read_pickles(
    data: bytes, *, most_pickles: int | None = None, most_ops: int = MOST_OPS, deadline: float = float("inf")
) -> Reading:
    """All names in the pickles that `data` consists of, one after another, or in its first `most_pickles`.

    Never raises for what is in `data`: what came before a break still counts. Pickles inside byte strings are read,
    too. `deadline` is on the monotonic clock.
    """
    reading = Reading()
    _read(data, reading, _Work(most_ops, deadline), most_pickles)
    return reading


@dataclass(frozen=True)
class _Work:
    """How much may be done."""

    most_ops: int
    deadline: float

    def check(self, reading: Reading) -> None:
        """Raises _CapError where it was done."""
        if reading.ops > self.most_ops:
            raise _CapError(f"it has more than {self.most_ops} opcodes")
        if len(reading.globals) > MOST_GLOBALS:
            raise _CapError(f"it imports more than {MOST_GLOBALS} names")
        if reading.ops % _OPS_BETWEEN_LOOKS_AT_THE_CLOCK == 0 and monotonic() > self.deadline:
            raise _CapError("reading it takes too long")


def _read(data: bytes, reading: Reading, work: _Work, most_pickles: int | None = None, depth: int = 1) -> None:
    stream = _Stream(data)
    try:
        while stream.tell() < len(data) and reading.pickles != most_pickles:
            machine = _Machine(reading)
            for opcode, argument, _ in pickletools.genops(stream):
                reading.ops += 1
                work.check(reading)
                machine.step(opcode, argument)
                if depth < _DEEPEST and _is_pickle(argument):
                    _read_nested(argument, reading, work, depth)
            reading.pickles += 1
            reading.end = stream.tell()
    except _CapError as error:
        reading.broken, reading.is_capped = str(error), True
    except _NO_PICKLE as error:
        reading.broken = f"byte {stream.tell()}: {' '.join(str(error).split())}"[:200]
        reading.is_short = stream.is_short


def _is_pickle(argument: object) -> TypeGuard[bytes | bytearray]:
    return isinstance(argument, bytes | bytearray) and argument.startswith(_PICKLES)


def _read_nested(data: bytes | bytearray, outer: Reading, work: _Work, depth: int) -> None:
    """Adds what a byte string that looks like a pickle imports; that it breaks off says that it is none."""
    inner = Reading(globals=outer.globals, ops=outer.ops)
    _read(bytes(data), inner, work, depth=depth + 1)
    outer.ops = inner.ops


class _Stream(io.BytesIO):
    """The data, and whether more was asked for than there is."""

    is_short = False

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.is_short |= size is not None and len(data) < size
        return data

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        self.is_short |= not line.endswith(b"\n")
        return line


class _Machine:
    """The stack and the memo of one pickle: texts and marks; None stands for all other objects."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def step(self, opcode: pickletools.OpcodeInfo, argument: Any) -> None:
        """Does to the stack what the opcode does when it is loaded."""
        name = opcode.name
        self._note_import(name, argument)
        if name == "MEMOIZE":
            self._memo[len(self._memo)] = self._top()
        elif name in _PUTS:
            self._memo[argument] = self._top()
        elif name in _GETS:
            self._stack.append(self._memo.get(argument))
        elif name == "DUP":
            self._stack.append(self._top())
        else:
            self._move(opcode, argument)

    def _note_import(self, name: str, argument: Any) -> None:
        if name in {"GLOBAL", "INST"}:
            module, _, attribute = argument.partition(" ")
            self._reading.globals[module, attribute] = None
        elif name == "STACK_GLOBAL":
            self._note_name_from_stack()
        elif name in _EXTENSIONS:
            self._reading.globals[EXTENSION, str(argument)] = None

    def _note_name_from_stack(self) -> None:
        match self._stack[-2:]:
            case [str(module), str(name)]:
                self._reading.globals[module, name] = None
            case [_, _]:
                self._reading.globals[COMPUTED] = None
            case _:
                # Loading fails here, if the stack is as we see it; so we read on, but not as if all were well.
                self._reading.broken = "a name is taken from an empty stack"

    def _move(self, opcode: pickletools.OpcodeInfo, argument: Any) -> None:
        taken = opcode.stack_before
        if pickletools.markobject in taken:
            self._pop_to_mark()
            taken = taken[: taken.index(pickletools.markobject)]
        if taken:
            del self._stack[-len(taken) :]
        for kind in opcode.stack_after:
            self._stack.append(_MARK if kind is pickletools.markobject else _text(opcode.name, argument))

    def _pop_to_mark(self) -> None:
        while self._stack and self._stack.pop() is not _MARK:
            pass

    def _top(self) -> Any:
        return self._stack[-1] if self._stack else None


def _text(opcode: str, argument: Any) -> str | None:
    is_name = opcode in _TEXTS and isinstance(argument, str) and len(argument) <= _LONGEST_TEXT
    return argument if is_name else None
