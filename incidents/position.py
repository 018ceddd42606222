"""Where the log stands, for the ETag of what is derived from all of it: known without asking each time.

Only the log says that something public has changed, so its last link is the tag. Each connection asks its own server
at most once in `KNOWN_SECONDS`. A tag is therefore never newer than the rows that are read after it: an answer under an
older tag is at worst fetched once more. An unchanged answer (304) may be as much as `KNOWN_SECONDS` behind. There is no
message that could be lost and nothing that a crash could leave wrong.
"""

from threading import local
from time import monotonic, time

from incidents.connection import public_connection, rows

KNOWN_SECONDS = 1.0
EDITION_SECONDS = 900
_HEAD = "SELECT chain FROM incidents_publication ORDER BY number DESC LIMIT 1"


class _Known(local):
    server: object = None
    until = 0.0
    link = ""


_known = _Known()


def position() -> str:
    """The chain digest of the log's last entry, "" before the first; read on the connection that reads the rows."""
    now, server = monotonic(), public_connection().connection
    if server is None or server is not _known.server or now >= _known.until:
        found = rows(_HEAD)
        _known.link = str(found[0][0]) if found else ""
        _known.server, _known.until = public_connection().connection, now + KNOWN_SECONDS
    return _known.link


def edition() -> str:
    """The same for lists, whose filters also follow what the catalogue learns: another each quarter of an hour."""
    return f"{position() or 'empty'}-{int(time() // EDITION_SECONDS):x}"


def forget() -> None:
    """Asks again next time: this thread has just appended to the log."""
    _known.until = 0.0
