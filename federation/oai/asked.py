"""What a harvester asks: the arguments of a request, read once and completely (OAI-PMH 2.0, 2.4, 3.1 and 4)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, datetime, timedelta

from federation.oai.metadata import PREFIXES
from incidents.harvest import Place, Wanted
from lib.cursors import BadCursorError, read_cursor, write_cursor

LISTS = ("ListIdentifiers", "ListRecords")
_SELECTION = frozenset({"from", "until", "set"})
# Of each verb: what it must have, and what it may have.
_ARGUMENTS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "Identify": (frozenset(), frozenset()),
    "ListMetadataFormats": (frozenset(), frozenset({"identifier"})),
    "ListSets": (frozenset(), frozenset({"resumptionToken"})),
    "ListIdentifiers": (frozenset({"metadataPrefix"}), _SELECTION),
    "ListRecords": (frozenset({"metadataPrefix"}), _SELECTION),
    "GetRecord": (frozenset({"metadataPrefix", "identifier"}), frozenset()),
}
_DAY, _SECOND = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII), re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_SET_NAME = re.compile(r"(origin|category):([A-Za-z0-9_.!~*'()-]+(?::[A-Za-z0-9_.!~*'()-]+)*)")
LONGEST_ARGUMENT = 2000


class OaiError(ValueError):
    """An error of the protocol; `code` is one of those of its section 3.6."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Walk:
    """A list that somebody goes through, and how far they are: `after` is None at its beginning."""

    prefix: str
    selection: Mapping[str, str]
    after: Place | None = None
    seen: int = 0

    @property
    def wanted(self) -> Wanted:
        """What is in the list. Raises OaiError."""
        since, until = self.selection.get("from", ""), self.selection.get("until", "")
        if since and until and len(since) != len(until):
            raise OaiError("badArgument", "from and until have different granularities")
        first, last = (_moment(since) if since else None), (_last_moment(until) if until else None)
        if first and last and first > last:
            raise OaiError("badArgument", "from is later than until")
        return Wanted(first, last, **_set(self.selection["set"]) if "set" in self.selection else {})

    def token(self, after: Place, seen: int) -> str:
        """The resumption token of what follows `after`. It carries its request, never ages, and can be used again."""
        moment = after.datestamp.isoformat()
        return write_cursor("harvest", self.prefix, dict(self.selection), moment, after.number, seen)


def arguments(given: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The arguments of a request, `verb` among them, each allowed there and there once. Raises OaiError."""
    found = dict(given)
    verbs = [value for name, value in given if name == "verb"]
    if len(verbs) != 1 or verbs[0] not in _ARGUMENTS:
        raise OaiError("badVerb", "there must be one verb, and it must be one of OAI-PMH 2.0")
    must, may = _ARGUMENTS[verbs[0]]
    names = {name for name, _ in given if name != "verb"}
    if len(found) != len(given):
        raise OaiError("badArgument", "an argument is given more than once")
    if any(len(value) > LONGEST_ARGUMENT for value in found.values()):
        raise OaiError("badArgument", f"an argument is longer than {LONGEST_ARGUMENT} characters")
    if verbs[0] in LISTS and "resumptionToken" in names:
        must, may = frozenset({"resumptionToken"}), frozenset()
    if unknown := names - must - may:
        raise OaiError("badArgument", f"{verbs[0]} takes no {', '.join(sorted(unknown))} here")
    if missing := must - names:
        raise OaiError("badArgument", f"{verbs[0]} needs {', '.join(sorted(missing))}")
    return found


def walk(found: Mapping[str, str]) -> Walk:
    """The list that the arguments of ListIdentifiers or ListRecords name, or their token continues. Raises OaiError."""
    if "resumptionToken" in found:
        return resumed(found["resumptionToken"])
    known_prefix(found["metadataPrefix"])
    return Walk(found["metadataPrefix"], {name: found[name] for name in sorted(_SELECTION) if name in found})


def known_prefix(prefix: str) -> None:
    """Raises OaiError for a metadata format that is not offered."""
    if prefix not in PREFIXES:
        raise OaiError("cannotDisseminateFormat", f"the formats are {', '.join(PREFIXES)}")


def resumed(token: str) -> Walk:
    """The walk that a token of ours continues. Raises OaiError."""
    try:
        prefix, selection, datestamp, number, seen = read_cursor("harvest", token)
    except BadCursorError as error:
        raise OaiError("badResumptionToken", "this node made no such token") from error
    return Walk(prefix, selection, Place(datetime.fromisoformat(datestamp), number), seen)


def _set(name: str) -> dict[str, str]:
    """`category:backdoor:malicious_file` is our `backdoor.malicious_file`: sets have their parts between colons."""
    match = _SET_NAME.fullmatch(name)
    if match is None:
        raise OaiError("badArgument", "sets are origin:<node> and category:<category>")
    return {match[1]: match[2].replace(":", ".")}


def _moment(text: str) -> datetime:
    try:
        if _DAY.fullmatch(text):
            return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
        if _SECOND.fullmatch(text):
            return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        pass
    raise OaiError("badArgument", "dates are written YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ")


def _last_moment(text: str) -> datetime:
    first = _moment(text)
    return first + timedelta(days=1, seconds=-1) if _DAY.fullmatch(text) and first.year < MAXYEAR else first
