"""The whole record as an archived Atom feed (RFC 4287, RFC 5005 section 4): the log in pages. Only erasure, or
hiding a record of another node, changes one.

Page n holds what was published as entries (n-1)*100+1 to n*100 of the log, and is complete for ever once it is full;
the feed itself is the newest page. Of an erased record only its entries are left, and say no more than that. An entry's
id is its record's: who reads on finds the later version, which stands in place of the earlier one.
"""

import json
from collections.abc import Sequence
from typing import Any

from federation.oai.xml import Element, add, add_to, as_bytes, root
from incidents.format import Node
from incidents.models import Operation
from incidents.publishing import instant
from incidents.record import Status
from incidents.stored import Entry

PER_PAGE = 100
ATOM = "http://www.w3.org/2005/Atom"
_HISTORY = "http://purl.org/syndication/history/1.0"
_BEGINNING = "1970-01-01T00:00:00Z"


def newest_page(number: int) -> int:
    """The page that a log of so many entries ends in."""
    return max(-(-number // PER_PAGE), 1)


def address(node: Node, page: int) -> str:
    """Where a page is, for ever."""
    return f"{node.address}/feeds/archive/{page}.atom"


def feed(node: Node, entries: Sequence[Entry], *, page: int, is_archive: bool) -> bytes:
    """A page as Atom, newest entry first. `is_archive`: full, and asked for by its own address.

    An archive does not lead on to the next one: that link alone would come to change.
    """
    element = root("feed", ATOM, "", {"fh": _HISTORY})
    own = address(node, page) if is_archive else f"{node.address}/feeds/archive.atom"
    add(element, "id", f"{node.address}/feeds/archive.atom")
    add(element, "title", f"{node.title}: every incident, every version")
    add(element, "updated", instant(entries[-1].at) if entries else _BEGINNING)
    add(add(element, "author"), "name", node.title)
    add(element, "rights", "CC BY 4.0")
    add(element, "link", rel="self", type="application/atom+xml", href=own)
    add(element, "link", rel="current", type="application/atom+xml", href=f"{node.address}/feeds/archive.atom")
    if is_archive:
        add_to(element, _HISTORY, "archive")
    if page > 1:
        add(element, "link", rel="prev-archive", type="application/atom+xml", href=address(node, page - 1))
    # Of two versions of one second only the later one: entries of one id differ in `updated` (RFC 4287, 4.1.1).
    different = {(entry.public_id, instant(entry.at)): entry for entry in entries}
    for entry in sorted(different.values(), key=lambda one: -one.number):
        _add_entry(element, node, entry)
    return as_bytes(element)


def _add_entry(element: Element, node: Node, entry: Entry) -> None:
    if entry.document:
        _add_version(element, node, entry)
        return
    row = add(element, "entry")
    add(row, "id", f"{node.address}/incidents/{entry.public_id}/")
    is_erased = entry.operation == Operation.ERASE
    add(row, "title", f"Erased: {entry.public_id}" if is_erased else f"Not shown: {entry.public_id}")
    add(row, "updated", instant(entry.at))
    said = "This record was erased." if is_erased else "This node decided not to show this record."
    add(row, "summary", said, type="text")
    add(row, "link", rel="alternate", type="text/html", href=f"{node.address}/incidents/{entry.public_id}/")


def _add_version(element: Element, node: Node, entry: Entry) -> None:
    document: dict[str, Any] = json.loads(entry.document)
    withdrawn = document["status"] == Status.WITHDRAWN
    row = add(element, "entry")
    add(row, "id", f"{node.address}/incidents/{entry.public_id}/")
    add(row, "title", f"Withdrawn: {entry.public_id}" if withdrawn else document["title"])
    add(row, "published", document["published"])
    add(row, "updated", instant(entry.at))
    add(row, "category", term=document["category"], scheme=f"{node.address}/about/#category")
    add(row, "summary", document["notice"] if withdrawn else document["summary"], type="text")
    add(row, "link", rel="alternate", type="text/html", href=f"{node.address}/incidents/{entry.public_id}/")
    version = f"{node.address}/api/v1/incidents/{entry.public_id}/versions/{entry.version}"
    add(row, "link", rel="related", type="application/json", href=version)
