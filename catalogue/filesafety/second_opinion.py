"""What picklescan says of the same bytes, and whether it read them.

picklescan 1.0.5 gives "no issues, no error" for a stream it could not read, unless a name came before the break. So
its word counts only where our own reader came to the end of the same bytes.
"""

import io
import logging
from importlib.metadata import version

from picklescan import scanner

from catalogue.filesafety.findings import Danger, Global, Outcome, SecondOpinion, shown
from catalogue.filesafety.opcodes import read_pickles

MOST_OPS = 200_000  # it keeps all of them in memory, about 200 bytes each
_DANGERS = {
    scanner.SafetyLevel.Innocuous: Danger.ORDINARY,
    scanner.SafetyLevel.Suspicious: Danger.SUSPICIOUS,
    scanner.SafetyLevel.Dangerous: Danger.DANGEROUS,
}
_TOOL = f"picklescan {version('picklescan')}"
# It logs strangers' names unescaped.
logging.getLogger("picklescan").addFilter(lambda _: False)


def second_opinion(data: bytes) -> SecondOpinion:
    """picklescan's opinion of a stream of pickles; failed where it did not read all of it. Never raises."""
    reading = read_pickles(data, most_ops=MOST_OPS)
    if reading.is_capped:
        return SecondOpinion(_TOOL, Outcome.NOT_SCANNED, f"it would be too much work: {reading.broken}")
    if not reading.pickles and not reading.broken:
        return SecondOpinion(_TOOL, Outcome.FAILED, "there is no pickle")
    try:
        result = scanner.scan_pickle_bytes(io.BytesIO(data), "pickle")
    except Exception as error:  # noqa: BLE001  # it raises whatever hostile bytes make Python raise
        return SecondOpinion(_TOOL, Outcome.FAILED, shown(f"it raised {type(error).__name__}: {error}"))
    names = tuple(_global(found) for found in sorted(result.globals, key=lambda each: (each.module, each.name)))
    return SecondOpinion(_TOOL, *_outcome(result, names, reading.broken, len(reading.globals)), names)


def _global(found: scanner.Global) -> Global:
    return Global(shown(str(found.module)), shown(str(found.name)), _DANGERS[found.safety])


def _outcome(
    result: scanner.ScanResult, names: tuple[Global, ...], broken: str, names_we_found: int
) -> tuple[Outcome, str]:
    if any(name.danger is Danger.DANGEROUS for name in names):
        return Outcome.DANGEROUS, shown(broken)
    if result.scan_err or broken:
        return Outcome.FAILED, shown(f"it did not read all of it: {broken or 'unknown error'}")
    if names_we_found and not names:
        return Outcome.FAILED, "it saw none of the names"
    if any(name.danger is Danger.SUSPICIOUS for name in names):
        return Outcome.SUSPICIOUS, ""
    return Outcome.NOTHING_FOUND, ""
