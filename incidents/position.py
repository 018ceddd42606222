"""Where the log stands, for the ETag of what is derived from all of it: known without asking each time.

Each connection asks its own server at most once in `KNOWN_SECONDS`. What is known is therefore never newer than the
rows read after it: an answer under an older tag is at worst fetched once more. An unchanged answer (304) may be as much
as `KNOWN_SECONDS` behind. There is no message that could be lost, and nothing that a crash could leave wrong.
"""

from dataclasses import dataclass
from threading import local
from time import monotonic

from incidents.connection import public_connection, rows

KNOWN_SECONDS = 1.0
_HEAD = "SELECT number, object_digest FROM incidents_publication ORDER BY number DESC LIMIT 1"


@dataclass(frozen=True)
class LogHead:
    """The last publication: its number, and the digest of its signed object; 0 and "" before the first."""

    number: int
    object_digest: str

    @property
    def tag(self) -> str:
        """The ETag of what follows from the log up to there."""
        # The number too: an operator can have an earlier version of another node's record shown again.
        return f"{self.number}-{self.object_digest[:32]}" if self.number else "empty"


class _Known(local):
    server: object = None
    until = 0.0
    head = LogHead(0, "")


_known = _Known()


def read_head() -> LogHead:
    """Where the log stands now, on the server that public reads go to."""
    found = rows(_HEAD)
    return LogHead(*found[0]) if found else LogHead(0, "")


def known_head() -> LogHead:
    """Where the log stood at most `KNOWN_SECONDS` ago, on the connection that reads the rows."""
    now, server = monotonic(), public_connection().connection
    if server is None or server is not _known.server or now >= _known.until:
        _known.head = read_head()
        _known.server, _known.until = public_connection().connection, now + KNOWN_SECONDS
    return _known.head


def forget() -> None:
    """Asks again next time: this thread has just appended to the log."""
    _known.until = 0.0
