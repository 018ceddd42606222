"""A record in the format that a caller asks for: by the suffix of the address, else by Accept (RFC 9110, 12)."""

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from api.errors import Problem
from api.reading import json_bytes
from incidents.format import DEFAULT, Format, Published, formats
from incidents.this_node import this_node
from lib.canonical import digest


def accepted(request: HttpRequest) -> Format:
    """The format the caller likes best, the stored document where all are alike. Raises Problem (406)."""
    offered: dict[str, Format] = {}
    for one in formats().values():
        written = one.media_type.partition("; charset")[0]
        for name in (one.media_type, written, written.partition(";")[0], *one.also):
            offered.setdefault(name, one)
    chosen = request.get_preferred_type(list(offered))
    if chosen is None:
        there_is = ", ".join(f"{one.media_type} (.{suffix})" for suffix, one in formats().items())
        raise Problem("not-acceptable", f"There is none of what you accept. There is {there_is}.", status=406)
    return offered[chosen]


def headers_of(chosen: Format, address: str, links: tuple[str, ...] = ()) -> dict[str, str]:
    """The Link to every other format of what is at this path, after `links`."""
    alternates = [
        f'<{settings.BASE_URL}{address}.{suffix}>; rel="alternate"; type="{one.media_type.partition(";")[0]}"'
        for suffix, one in formats().items()
        if one is not chosen
    ]
    return {"Link": ", ".join([*links, *alternates])}


def location_of(chosen: Format, address: str) -> dict[str, str]:
    """Where what was negotiated has an address of its own."""
    return {"Content-Location": f"{settings.BASE_URL}{address}.{chosen.suffix}"}


def representation(
    request: HttpRequest, document: bytes, address: str, asked: Format | None, links: tuple[str, ...] = ()
) -> HttpResponseBase:
    """A stored document as the answer, in the format asked for, else in the one accepted.

    `address` is the path without a suffix. The ETag is a digest of the answer itself, so that each format has its own;
    that of the stored document is the one in the log. `links` are values of Link beside those to the other formats.
    """
    chosen = asked or accepted(request)
    published = Published(document, this_node())
    content = chosen.one(published)
    headers = headers_of(chosen, address, links)
    if asked is None:
        headers |= {"Vary": "Accept", **location_of(chosen, address)}
    etag = published.digest if chosen.suffix == DEFAULT else digest(content)
    return json_bytes(request, content, etag=etag, content_type=chosen.media_type, headers=headers)
