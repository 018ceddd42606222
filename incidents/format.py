"""The contract every format fulfils: a published record in, bytes out.

A format is one file in `incidents/formats/` that defines `FORMAT`; nothing else registers it. Pure: the same record
gives the same bytes on the same node, whenever and however often it is asked for. What a format has no word for goes
into the extension that it provides for, in our own terms (`beyond`), and is never pressed into a word that means
something else.
"""

import json
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

from incidents.record import Record
from lib.canonical import digest
from lib.registry import plugins

DEFAULT = "json"
# RFC 9562, 5.5: the namespace of every name-based UUID of ours, itself one of the URN below.
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:faultline:incident:1")
_HOST = re.compile(r"https?://[^/?#]*")
_HALF_A_TRIPLET = re.compile(r"%(?![0-9A-Fa-f]{2})")
_IN_PATHS = "%/:=&?~+!$,;'@()*"
_IN_HOSTS = _IN_PATHS + "[]"


@dataclass(frozen=True)
class Node:
    """The node that serves a record: its web address without a final slash, what people call it, and its name.

    Without a name every record is taken for its own.
    """

    address: str
    title: str
    name: str = ""


@dataclass(frozen=True)
class Published:
    """One version of a record as it was published: its RFC 8785 bytes, and the node they are read from."""

    document: bytes
    node: Node

    @cached_property
    def record(self) -> Record:
        """The document as a value."""
        return Record.model_validate_json(self.document)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the document, 64 hex digits, as the log has it."""
        return digest(self.document)

    @property
    def page(self) -> str:
        """Where people read it."""
        return f"{self.node.address}/incidents/{self.record.id}/"


@dataclass(frozen=True)
class Format:
    """A way to write records.

    `media_type` is answered and `also` are accepted beside it; `suffix` ends addresses, without its dot. `many` writes
    several records as one document, piece by piece, where the format has such a thing. `extension` says where what the
    format has no word for is kept; "" where it is left out.
    """

    title: str
    media_type: str
    suffix: str
    one: Callable[[Published], bytes]
    many: Callable[[Iterable[Published]], Iterator[bytes]] | None = None
    also: tuple[str, ...] = ()
    extension: str = ""


def formats() -> dict[str, Format]:
    """Every format by its suffix, the stored document first."""
    found = {one.suffix: one for one in plugins("incidents.formats", "FORMAT").values()}
    return {DEFAULT: found.pop(DEFAULT), **found}


def without_suffix(address: str) -> tuple[str, Format | None]:
    """The id in the last part of an address, and the format its suffix asks for; None where it has none."""
    endings = sorted(formats(), key=len, reverse=True)  # .osv.json before .json
    suffix = next((one for one in endings if address.endswith(f".{one}")), "")
    return (address.removesuffix(f".{suffix}"), formats()[suffix]) if suffix else (address, None)


def beyond(published: Published, *said: str) -> dict[str, Any]:
    """The document without the members that a format has said in its own words, and the digest of all of it."""
    document: dict[str, Any] = json.loads(published.document)
    return {name: value for name, value in document.items() if name not in said} | {"sha256": published.digest}


def as_json(value: Any) -> bytes:
    """JSON for people, too: indented, in the order of its making."""
    return json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"


def as_uri(address: str) -> str:
    """A web address with what RFC 3986 does not allow where it stands percent-encoded."""
    start = _HOST.match(address)
    end = start.end() if start else 0
    before, mark, fragment = _HALF_A_TRIPLET.sub("%25", address[end:]).partition("#")
    return quote(address[:end], safe=_IN_HOSTS) + quote(before, safe=_IN_PATHS) + mark + quote(fragment, safe=_IN_PATHS)


def named(*parts: str) -> str:
    """The name-based UUID (RFC 9562, 5.5) of something of ours."""
    return str(uuid.uuid5(NAMESPACE, "\n".join(parts)))


def prose(published: Published) -> str:
    """Summary, description and notice as one Markdown text."""
    record = published.record
    return "\n\n".join(text for text in (record.summary, record.description, record.notice) if text)
