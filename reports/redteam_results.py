"""The contract of a red-team adapter: a tool's result file in, what it measured out. Plain data, no database.

An adapter is one file in `reports/redteam/` that defines `ADAPTER`. Files come from strangers, so
`reports.redteam_draft` has them read in a confined process; adapters take whatever JSON holds and never raise for it.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from lib.confined import RefusedFileError
from lib.registry import plugins

MOST_METRICS = 200
MOST_ATTEMPTS = 20
MOST_MODELS = 20
MOST_CHARACTERS = 4000


@dataclass(frozen=True)
class Metric:
    """How often a probe got through, as a detector judged: `hits` of `total`; or a `score` as the tool gives it.

    What is not known is None: a tool that says only one of both says nothing of the other.
    """

    probe: str
    detector: str = ""
    hits: int | None = None
    total: int | None = None
    score: float | None = None


@dataclass(frozen=True)
class Attempt:
    """One prompt that got through, and what the model answered: private until a moderator releases it."""

    probe: str
    prompt: str
    output: str


@dataclass(frozen=True)
class Results:
    """What a file says. `models` are as the tool names them, without its own prefixes; `date` is YYYY-MM-DD or ""."""

    tool: str
    version: str = ""
    date: str = ""
    models: tuple[str, ...] = ()
    metrics: tuple[Metric, ...] = ()
    attempts: tuple[Attempt, ...] = ()


@dataclass(frozen=True)
class Parsed:
    """A file's JSON: the `rows` that are objects if it is JSON lines, else one `document`."""

    document: Any = None
    rows: tuple[dict[str, Any], ...] = ()


class Adapter(Protocol):
    """One tool. `slug` equals the file's name."""

    slug: str
    title: str

    def read(self, parsed: Parsed) -> Results | None:
        """What the file says; None if it is not this tool's."""
        ...


def adapters() -> dict[str, Adapter]:
    """Every adapter, by slug."""
    return plugins("reports.redteam", "ADAPTER")


def read(content: bytes) -> Results | None:
    """What the file says, by the first adapter that knows it; None if none does. Raises RefusedFileError."""
    parsed = _parsed(content)
    return next((found for adapter in adapters().values() if (found := adapter.read(parsed))), None)


def read_confined(content: bytes) -> tuple[dict[str, Any], bytes]:
    """What the confined process does: `read`, as plain values under `results`."""
    results = read(content)
    return {"results": asdict(results) if results else None}, b""


def from_plain(plain: Mapping[str, Any]) -> Results:
    """The Results that `read_confined` made plain."""
    return Results(
        tool=plain["tool"],
        version=plain["version"],
        date=plain["date"],
        models=tuple(plain["models"]),
        metrics=tuple(Metric(**metric) for metric in plain["metrics"]),
        attempts=tuple(Attempt(**attempt) for attempt in plain["attempts"]),
    )


# --- What adapters share: reading JSON that may hold anything --------------------------------------------------------
def an_object(value: Any) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def a_list(value: Any) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def a_text(value: Any, most: int = 200) -> str:
    """The value as text of at most so many characters if it is text or a number, else ""."""
    return str(value)[:most] if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def a_count(value: Any) -> int | None:
    """The value if it is a whole number from 0, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def a_number(value: Any) -> float | None:
    """The value if it is a finite number, else None."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < 1e15 else None  # noqa: PLR2004 - NaN and infinity are beyond too


def a_date(value: Any) -> str:
    """The day that a date and time of ISO 8601 begins with, else ""."""
    day = a_text(value)[:10]
    year, month, rest = day[:4], day[5:7], day[8:10]
    is_day = (year + month + rest).isdigit() and day[4:5] + day[7:8] == "--" and "01" <= month <= "12"
    return day if is_day and "01" <= rest <= "31" else ""


def said(value: Any) -> str:
    """A prompt or an answer as text, however it is wrapped: a message, parts, or the last turn of a conversation."""
    for _depth in range(8):
        if isinstance(value, list):
            value = value[-1] if value else ""
        elif isinstance(value, dict):
            value = next((value[key] for key in ("text", "content", "turns", "raw", "output") if value.get(key)), "")
        else:
            break
    return a_text(value, MOST_CHARACTERS)


def distinct(names: Iterable[str]) -> tuple[str, ...]:
    """The names that are not empty, each once, in order, not more than are taken."""
    return tuple(dict.fromkeys(name for name in names if name))[:MOST_MODELS]


def _parsed(content: bytes) -> Parsed:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise RefusedFileError("The file is no text, so it is no result file.") from error
    try:
        return Parsed(document=json.loads(text))
    except RecursionError as error:
        raise RefusedFileError("The JSON is nested too deeply.") from error
    except ValueError:
        return Parsed(rows=tuple(_rows(text)))


def _rows(text: str) -> Iterable[dict[str, Any]]:
    for line in text.split("\n"):
        if line.strip():
            try:
                row = json.loads(line)
            except RecursionError as error:
                raise RefusedFileError("The JSON is nested too deeply.") from error
            except ValueError as error:
                raise RefusedFileError("The file is neither JSON nor JSON lines.") from error
            if isinstance(row, dict):
                yield row
