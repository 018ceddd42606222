"""Records as feeds: Atom (RFC 4287) and JSON Feed (version 1.1, jsonfeed.org). Both pure: documents in, bytes out."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

from incidents.citation import one_line
from incidents.format import named

ATOM, JSON_FEED = "application/atom+xml", "application/feed+json"
_NAMESPACE = "http://www.w3.org/2005/Atom"
LICENCE = "https://creativecommons.org/licenses/by/4.0/"
_EPOCH = datetime.fromtimestamp(0, UTC).isoformat().replace("+00:00", "Z")

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Feed:
    """What a feed says of itself: its title, its own address, that of its page, and of the records' node, absolute."""

    title: str
    address: str
    page: str
    node: str
    author: str


def entry_id(document: Document) -> str:
    """A record's id in every feed of every node: a name-based UUID of where it was published, and its number there."""
    return f"urn:uuid:{named('feed', document['origin'], document['id'])}"


def atom(feed: Feed, documents: Sequence[Document]) -> bytes:
    """The feed as Atom: an entry a record, dated by its last change."""
    ET.register_namespace("", _NAMESPACE)
    root = ET.Element(f"{{{_NAMESPACE}}}feed", {"{http://www.w3.org/XML/1998/namespace}lang": "en"})
    _add(root, "id", f"urn:uuid:{named('feed', feed.address)}")
    _add(root, "title", feed.title)
    _add(root, "updated", max((document["modified"] for document in documents), default=_EPOCH))
    _add(root, "link", rel="self", type=ATOM, href=feed.address)
    _add(root, "link", rel="alternate", type="text/html", href=feed.page)
    _add(_add(root, "author"), "name", feed.author)
    _add(root, "rights", f"CC BY 4.0, {LICENCE}")
    for document in documents:
        _entry(root, feed, document)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def json_feed(feed: Feed, documents: Sequence[Document]) -> bytes:
    """The feed as JSON Feed: an item a record."""
    content = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": feed.page,
        "feed_url": feed.address,
        "language": "en",
        "authors": [{"name": feed.author, "url": f"{feed.node}/"}],
        "items": [item(feed.node, document) for document in documents],
    }
    return json.dumps(content, ensure_ascii=False).encode()


def _entry(root: ET.Element, feed: Feed, document: Document) -> None:
    entry = _add(root, "entry")
    _add(entry, "id", entry_id(document))
    _add(entry, "title", _heading(document))
    _add(entry, "published", document["published"])
    _add(entry, "updated", document["modified"])
    _add(entry, "link", rel="alternate", type="text/html", href=_page(feed.node, document))
    _add(entry, "link", rel="alternate", type="application/json", href=f"{feed.node}/api/v1/incidents/{document['id']}")
    for term in _tags(document):
        _add(entry, "category", term=term)
    _add(entry, "summary", one_line(_summary(document)))


def item(node: str, document: Document) -> dict[str, Any]:
    """A record as an item of JSON Feed; `node` is the address of the node that serves it."""
    return {
        "id": entry_id(document),
        "url": _page(node, document),
        "title": _heading(document),
        "content_text": _summary(document),
        "date_published": document["published"],
        "date_modified": document["modified"],
        "tags": _tags(document),
    }


def _add(parent: ET.Element, name: str, text: str = "", **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, f"{{{_NAMESPACE}}}{name}", attributes)
    element.text = one_line(text) or None  # XML 1.0 has no way to write most control characters
    return element


def _page(node: str, document: Document) -> str:
    return f"{node}/incidents/{document['id']}/"


def _heading(document: Document) -> str:
    """The title; what a reader of the feed has to know first stands before it."""
    standing = "" if document["status"] == "published" else f"[{document['status']}] "
    return one_line(f"{standing}{document['title']}")


def _summary(document: Document) -> str:
    return "\n\n".join(text for text in (document["notice"], document["summary"]) if text)


def _tags(document: Document) -> list[str]:
    return [one_line(document[name]) for name in ("category", "kind", "severity", "evidence_grade")]
