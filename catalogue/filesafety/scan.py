"""Looks for code in one file of a hub, in its pickles read by byte ranges. Never raises, never says "safe"."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from catalogue.filesafety import torchzip
from catalogue.filesafety.findings import Coverage, Danger, Format, Global, Outcome, Scan, SecondOpinion, shown
from catalogue.filesafety.formats import by_content, by_name, may_hold_pickles
from catalogue.filesafety.names import judged
from catalogue.filesafety.opcodes import Reading, read_pickles
from catalogue.filesafety.second_opinion import second_opinion
from catalogue.filesafety.torchzip import BrokenZipError, Entry
from lib.ranges import USUAL, Cost, Limits, RangedFile, RangeError, RangesRefusedError

METHOD = "opcodes by byte ranges, 1"
MOST_BYTES_OF_A_PICKLE = 4_000_000
MOST_MEMBERS = 8
_HEAD = 32_000
_STEPS = (_HEAD, 256_000, MOST_BYTES_OF_A_PICKLE)
_PICKLES_OF_OLD_TORCH = 5  # magic number, protocol, system, the object, keys of the storages
# What torch.save wrote before 1.6: a pickle of the number 0x1950a86a20f9469cfc6c.
_OLD_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_DANGERS = list(Danger)  # the worst first


@dataclass
class _Notes:
    """What comes to light while a file is scanned."""

    globals: dict[tuple[str, str], Global] = field(default_factory=dict)
    opinions: list[SecondOpinion] = field(default_factory=list)
    looked_at: list[str] = field(default_factory=list)
    not_looked_at: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    format: Format | None = None
    refusal: str = ""


def scan_file(
    path: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    size: int | None = None,
    limits: Limits = USUAL,
) -> Scan:
    """Scans the file at `url`, which the hub lists as `path` with `size` bytes, within `limits`.

    Files whose names promise no pickles are not fetched. `headers` go to the hub alone, not where it redirects to.
    """
    if not may_hold_pickles(path):
        return Scan(METHOD, Outcome.NOT_SCANNED, f"there is no scan for files of the format {by_name(path)}")
    notes = _Notes()
    cost = Cost()
    try:
        with RangedFile(url, headers=headers, expected_size=size, limits=limits) as file:
            cost = _look_within(path, file, notes)
    except RangesRefusedError as error:
        notes.refusal = shown(str(error))
    return replace(_summary(notes), cost=cost)


def _look_within(path: str, file: RangedFile, notes: _Notes) -> Cost:
    try:
        _look(path, file, notes)
    except RangesRefusedError as error:
        notes.refusal = shown(str(error))
    except (RangeError, BrokenZipError) as error:
        notes.failures.append(shown(str(error)))
    return file.cost


def _look(path: str, file: RangedFile, notes: _Notes) -> None:
    head = file.read(0, _HEAD)
    size = file.size or 0
    notes.format = by_content(head, size, path)
    if notes.format is Format.TORCH_ZIP:
        _look_into_zip(file, size, notes)
    elif notes.format in {None, Format.PICKLE}:
        _look_into_stream(file, size, notes)
    else:
        notes.refusal = f"by its content it is {notes.format}, for which there is no scan"


def _look_into_zip(file: RangedFile, size: int, notes: _Notes) -> None:
    entries = torchzip.read_directory(file.read, size)
    notes.looked_at.append(f"the directory of {len(entries)} members")
    # torch looks for `data.pkl` in any letter case.
    pickles = [entry for entry in entries if entry.name.lower().endswith((b".pkl", b".pickle"))]
    if others := len(entries) - len(pickles):
        notes.not_looked_at.append(f"{others} members with names of other kinds, which can hold pickles, too")
    if skipped := pickles[MOST_MEMBERS:]:
        notes.failures.append(f"{len(skipped)} of {len(pickles)} pickles were not read")
    if not pickles:
        notes.refusal = "the zip has no member whose name is that of a pickle"
    for entry in pickles[:MOST_MEMBERS]:
        _look_into_member(file, entry, notes)


def _look_into_member(file: RangedFile, entry: Entry, notes: _Notes) -> None:
    title = shown(entry.title)
    content = torchzip.read_member(file.read, entry, MOST_BYTES_OF_A_PICKLE)
    if not content.data:
        notes.failures.append(f"{title}: {content.missing or 'it is empty'}")
        return
    if content.missing:
        notes.failures.append(f"{title}: {content.missing}")
    _note(title, content.data, read_pickles(content.data, deadline=file.deadline), notes)


def _look_into_stream(file: RangedFile, size: int, notes: _Notes) -> None:
    """The pickles that a file without a directory begins with, read on until they end or the cap."""
    for length in _STEPS:
        data = file.read(0, length)
        is_old_torch = data.startswith(_OLD_TORCH)
        most_pickles = _PICKLES_OF_OLD_TORCH if is_old_torch else None
        reading = read_pickles(data, most_pickles=most_pickles, deadline=file.deadline)
        if len(data) == size or (reading.broken and not reading.is_short) or reading.pickles == most_pickles:
            break
    if not reading.ops and not reading.globals:
        notes.refusal = "it does not begin with a pickle"
        return
    if is_old_torch:
        # A pickle that fails later would not be loaded by torch.load, so only the five count.
        data = data[: reading.end] if reading.pickles == most_pickles else data
    notes.format = Format.TORCH if is_old_torch else Format.PICKLE
    _note("the beginning of the file", data, reading, notes)
    if reading.pickles == most_pickles:
        notes.not_looked_at.append(f"{size - reading.end} bytes after the five pickles that torch.load reads")
    elif len(data) < size:
        notes.failures.append(f"only the first {len(data)} of {size} bytes were read")


def _note(title: str, data: bytes, reading: Reading, notes: _Notes) -> None:
    pickles = f"{reading.pickles} complete {'pickle' if reading.pickles == 1 else 'pickles'}"
    notes.looked_at.append(f"{title}: {reading.ops} opcodes, {pickles}")
    if reading.broken:
        notes.failures.append(f"{title}: not all of it could be read: {shown(reading.broken)}")
    for module, name in reading.globals:
        notes.globals.setdefault((module, name), judged(module, name))
    notes.opinions.append(second_opinion(data))


def _summary(notes: _Notes) -> Scan:
    found = sorted(notes.globals.values(), key=lambda each: (_DANGERS.index(each.danger), each.module, each.name))
    second = _worst(notes.opinions)
    outcome, reason = _outcome(found, second, notes)
    unseen = ("what the imported names do when they are called",) if found else ()
    coverage = Coverage(tuple(notes.looked_at), (*notes.failures, *notes.not_looked_at, *unseen))
    return Scan(METHOD, outcome, reason, notes.format, coverage, tuple(found), second)


def _outcome(found: list[Global], second: SecondOpinion | None, notes: _Notes) -> tuple[Outcome, str]:
    dangers = {each.danger for each in found}
    if Danger.DANGEROUS in dangers:
        return Outcome.DANGEROUS, ""
    # Of picklescan's word only "dangerous" counts: it calls every name suspicious that is not on its short list.
    if dangers & {Danger.SUSPICIOUS, Danger.UNKNOWN} or (second and second.outcome is Outcome.DANGEROUS):
        return Outcome.SUSPICIOUS, ""
    if notes.failures:
        return Outcome.FAILED, notes.failures[0]
    if notes.refusal:
        return Outcome.NOT_SCANNED, notes.refusal
    return Outcome.NOTHING_FOUND, ""


def _worst(opinions: list[SecondOpinion]) -> SecondOpinion | None:
    """One opinion for all pickles of the file: the worst outcome, with all names."""
    if not opinions:
        return None
    worst = min(opinions, key=lambda each: list(Outcome).index(each.outcome))
    return replace(worst, globals=tuple(dict.fromkeys(name for each in opinions for name in each.globals)))
