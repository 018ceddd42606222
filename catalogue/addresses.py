"""An address as people paste it, with or without its scheme."""

from collections.abc import Set as AbstractSet
from urllib.parse import SplitResult, urlsplit


def address_on(hosts: AbstractSet[str], text: str) -> SplitResult | None:
    """`text` as an http(s) address on one of `hosts` (in lower case); None where it is none."""
    try:
        address = urlsplit(text if "://" in text else f"https://{text.removeprefix('//')}")
        is_theirs = address.scheme in {"http", "https"} and address.hostname in hosts
    except ValueError:
        return None
    return address if is_theirs else None
