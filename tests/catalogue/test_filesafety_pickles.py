"""What pickles import, read from opcodes assembled by hand. None of them is ever loaded."""

import collections
import io
import pickle
import struct
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue.filesafety import opcodes
from catalogue.filesafety.findings import Danger, Outcome
from catalogue.filesafety.names import COMPUTED, danger, judged
from catalogue.filesafety.opcodes import read_pickles
from catalogue.filesafety.second_opinion import second_opinion

# pickletools warns of odd escapes in texts.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SYSTEM = b"cposix\nsystem\n(S'id'\ntR."  # protocol 0
SHORT = b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x02id\x94\x85\x94R\x94."
ROOT = Path(__file__).parents[2]


def names(data, **how):
    return list(read_pickles(data, **how).globals)


def text(word):
    return b"\x8c" + bytes([len(word)]) + word.encode()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (SYSTEM, [("posix", "system")]),
        (SHORT, [("posix", "system")]),
        (b"\x80\x02cposix\nsystem\nX\x02\x00\x00\x00id\x85R.", [("posix", "system")]),
        (b"(S'id'\niposix\nsystem\n.", [("posix", "system")]),  # INST
        (b"\x80\x04S'posix'\nS'system'\n\x93.", [("posix", "system")]),
        (b"\x80\x04U\x05posixU\x06system\x93.", [("posix", "system")]),
        (b"\x80\x04T\x05\x00\x00\x00posixVsystem\n\x93.", [("posix", "system")]),
        # the names come back from the memo, in four ways
        (b"\x80\x04" + text("system") + b"\x94" + text("posix") + b"\x940h\x01h\x00\x93.", [("posix", "system")]),
        (b"\x80\x04" + text("posix") + b"q\x07" + text("system") + b"q\x0800h\x07h\x08\x93.", [("posix", "system")]),
        (b"\x80\x04" + text("posix") + b"p99\n" + text("system") + b"p5\n00g99\ng5\n\x93.", [("posix", "system")]),
        (
            b"\x80\x04"
            + text("posix")
            + b"r\x00\x01\x00\x00"
            + text("system")
            + b"0j\x00\x01\x00\x00"
            + text("system")
            + b"\x93.",
            [("posix", "system")],
        ),
        # what lies between the names and their use
        (b"\x80\x04" + text("posix") + b"N0](e0" + text("system") + b"\x93.", [("posix", "system")]),
        (b"\x80\x04" + text("posix") + b"(KKKKKK1" + text("system") + b"20\x93.", [("posix", "system")]),
        (b"\x80\x04" + text("os") + b"2\x93.", [("os", "os")]),  # DUP
        # put together while loading
        (b"\x80\x04N" + text("system") + b"\x93.", [COMPUTED]),
        (b"\x80\x04h\x05" + text("system") + b"\x93.", [COMPUTED]),
        (b"\x80\x02\x82\x05.", [("(copyreg extension)", "5")]),
        # a pickle in a byte string, and one in that
        (b"\x80\x03C" + bytes([len(SHORT)]) + SHORT + b".", [("posix", "system")]),
        (
            b"\x80\x05\x96" + struct.pack("<Q", len(SHORT) + 6) + b"\x80\x03C" + bytes([len(SHORT)]) + SHORT + b"..",
            [("posix", "system")],
        ),
    ],
)
def test_finds_the_names_however_they_are_written(data, expected):
    assert names(data) == expected


@pytest.mark.parametrize("protocol", range(6))
def test_agrees_with_what_python_writes(protocol):
    value = [collections.OrderedDict(a=1), collections.Counter("aab"), {1, 2}, frozenset("x"), complex(1, 2), "posix"]
    reading = read_pickles(pickle.dumps(value, protocol))
    assert (reading.pickles, reading.broken) == (1, "")
    assert {("collections", "OrderedDict"), ("collections", "Counter")} <= set(reading.globals)
    assert {danger(*name) for name in reading.globals} == {Danger.ORDINARY}


class Recorder(pickle.Unpickler):
    """Loads pickles of ordinary names, and tells which."""

    def __init__(self, data):
        super().__init__(io.BytesIO(data))
        self.seen = []

    def find_class(self, module, name):
        self.seen.append(name)
        assert danger(module, name) is Danger.ORDINARY
        return super().find_class(module, name)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.binary(max_size=5) | st.complex_numbers(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3).map(collections.OrderedDict)
        | st.lists(inner, max_size=3).map(collections.deque)
        | st.frozensets(st.integers(), max_size=3)
        | st.tuples(inner, inner)
    ),
    max_leaves=20,
)


@given(values, st.integers(0, 5))
def test_sees_every_name_the_unpickler_sees(value, protocol):
    data = pickle.dumps([value, value], protocol)
    recorder = Recorder(data)
    recorder.load()
    assert set(recorder.seen) == {name for _, name in names(data)}


def test_reads_one_pickle_after_another():
    reading = read_pickles(pickle.dumps(1) + SHORT + pickle.dumps(2))
    assert (reading.pickles, list(reading.globals), reading.broken) == (3, [("posix", "system")], "")
    assert names(pickle.dumps(1) + SHORT, most_pickles=1) == []


@pytest.mark.parametrize("rest", [b"\xff\xff", b"", b"cbroken", b"S'\xc3\xa9'\n.", b"\x8e" + b"\xff" * 8])
def test_what_came_before_a_break_still_counts(rest):
    reading = read_pickles(SHORT[:-1] + rest)
    assert list(reading.globals) == [("posix", "system")]
    assert reading.broken
    assert second_opinion(SHORT[:-1] + rest).outcome is Outcome.DANGEROUS


def test_tells_data_that_ends_early_from_data_that_is_wrong():
    assert read_pickles(SHORT[:20]).is_short
    assert read_pickles(b"\x80\x02").is_short
    assert read_pickles(b"cposix\nsys").is_short
    assert not read_pickles(b"\x80\x02N\xff.").is_short


def test_a_name_from_an_empty_stack_is_a_break_and_no_accusation():
    reading = read_pickles(b"\x93NUMPY\x01\x00")
    assert reading.broken
    assert not reading.globals
    assert read_pickles(b"\x80\x04\x93.").broken
    assert list(read_pickles(b"\x80\x04\x93cposix\nsystem\n.").globals) == [("posix", "system")]


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x04" + b"N0" * 200_000,
        b"\x80\x04N" + b"\x94" * 400_000,
        b"\x80\x04N" + b"2" * 400_000,
        b"(" * 100_000 + b"1" * 100_000,
        b"".join(b"cm%d\nn\n" % number for number in range(5000)),
        b"L" + b"9" * 3_000_000 + b"L\n.",
        b"\x80\x02\x8b" + struct.pack("<i", 3_000_000) + b"\x7f" * 3_000_000 + b".",
        b"V" + b"\\u1234" * 600_000 + b"\n.",
        b"\x80\x04\x8e" + struct.pack("<Q", 2**62),
        b"S" * 3_000_000,
        b"\x80\x03B"
        + struct.pack("<I", 2_000_000)
        + b"\x80\x03B"
        + struct.pack("<I", 1_900_000)
        + b"\x80\x02" * 900_000,
    ],
    ids=["ops", "memo", "stack", "marks", "names", "long", "long4", "escapes", "length", "lines", "nested"],
)
def test_work_and_memory_are_bounded(data):
    started = time.process_time()
    tracemalloc.start()
    reading = read_pickles(data, most_ops=100_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40_000_000
    assert time.process_time() - started < 30  # it is traced
    assert len(reading.globals) <= opcodes.MOST_GLOBALS + 1
    tracemalloc.start()
    second_opinion(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 120_000_000


def test_reading_ends_at_the_deadline():
    assert "too long" in read_pickles(b"N0" * 10_000, deadline=time.monotonic() - 1).broken


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=300)
    | st.lists(st.sampled_from([bytes([code]) for code in b".(0123\x93\x94h\x00qcios\nR\x80\x04N]e}ubt\x8c\x02"])).map(
        b"".join
    )
)
def test_no_bytes_make_it_raise(data):
    reading = read_pickles(data)
    for module, name in reading.globals:
        shown = judged(module, name)
        assert (shown.module + shown.name).isprintable()
    assert second_opinion(data).outcome in Outcome


@given(st.data())
def test_no_change_of_a_byte_makes_it_raise(data):
    mutated = bytearray(SHORT + SYSTEM + pickle.dumps(collections.Counter("abc")))
    for _ in range(data.draw(st.integers(1, 4))):
        mutated[data.draw(st.integers(0, len(mutated) - 1))] = data.draw(st.integers(0, 255))
    read_pickles(bytes(mutated))
    second_opinion(bytes(mutated))


def test_nothing_is_ever_imported_or_called():
    code = (
        "import sys, catalogue.filesafety.scan as s; before = set(sys.modules);"
        "sys.addaudithook(lambda event, args: event in ('os.system', 'pickle.find_class', 'exec') and sys.exit(event));"
        "d = b'\\x80\\x04\\x8c\\x0bantigravity\\x8c\\x03fly\\x93)R.';"
        "r = s.read_pickles(d); o = s.second_opinion(d); assert r.globals and o.globals;"
        "assert 'antigravity' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# --- Names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "name", "expected"),
    [
        ("posix", "system", Danger.DANGEROUS),
        ("os.path", "join", Danger.DANGEROUS),
        ("builtins", "eval", Danger.DANGEROUS),
        ("__builtin__", "getattr", Danger.DANGEROUS),
        ("torch.hub", "load", Danger.DANGEROUS),
        ("torch", "serialization.os.system", Danger.DANGEROUS),
        ("torch.serialization", "os", Danger.DANGEROUS),
        ("collections", "OrderedDict.__init__.__globals__", Danger.DANGEROUS),
        ("collections", "OrderedDict.fromkeys", Danger.SUSPICIOUS),
        ("functools", "partial", Danger.SUSPICIOUS),
        ("torch.storage", "_load_from_bytes", Danger.SUSPICIOUS),
        ("__main__", "TrainingArguments", Danger.SUSPICIOUS),
        ("transformers.training_args", "TrainingArguments", Danger.UNKNOWN),
        ("osmium", "system", Danger.UNKNOWN),
        ("collections", "OrderedDict", Danger.ORDINARY),
        ("torch._utils", "_rebuild_tensor_v2", Danger.ORDINARY),
        ("numpy.core.multiarray", "_reconstruct", Danger.ORDINARY),
        ("", "", Danger.UNKNOWN),
    ],
)
def test_the_table_of_names(module, name, expected):
    assert danger(module, name) is expected


def test_names_are_shown_without_what_readers_cannot_see():
    shown = judged("po\x00six\u202e", "n" * 5000)
    assert (shown.module, len(shown.name)) == ("po\ufffdsix\ufffd", 200)


# --- A second opinion ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        (SYSTEM, Outcome.DANGEROUS),
        (pickle.dumps(collections.OrderedDict()), Outcome.NOTHING_FOUND),
        (b"csome.library\nThing\n.", Outcome.SUSPICIOUS),
        (pickle.dumps([1, 2])[:-3], Outcome.FAILED),
        (b"complete garbage", Outcome.FAILED),
        (b"", Outcome.FAILED),
        (pickle.dumps(collections.OrderedDict())[:-1] + b"\xff", Outcome.FAILED),
        (b"N0" * 200_000 + b"N.", Outcome.NOT_SCANNED),
    ],
)
def test_picklescan_counts_only_where_it_read_everything(data, outcome):
    opinion = second_opinion(data)
    assert opinion.outcome is outcome
    assert bool(opinion.reason) == (outcome in {Outcome.FAILED, Outcome.NOT_SCANNED})
    assert opinion.tool.startswith("picklescan ")


def test_picklescan_still_swallows_what_it_could_not_read():
    """The reason for looking over its shoulder: once this fails, that is no longer needed."""
    from picklescan.scanner import scan_pickle_bytes

    result = scan_pickle_bytes(io.BytesIO(b"complete garbage"), "x")
    assert (result.issues_count, result.scan_err) == (0, False)


def test_picklescan_says_nothing_in_our_logs(caplog):
    second_opinion(SYSTEM)
    second_opinion(b"complete garbage")
    assert caplog.text == ""
