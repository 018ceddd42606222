"""Which network a request comes from, as coarse as a limit needs it: never a whole address."""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

UNKNOWN = "unknown"
_IPV4_BITS, _IPV6_BITS = 24, 48


def network_of(meta: Mapping[str, Any], *, proxies: int) -> str:
    """The client's /24 or /48, such as "192.0.2.0/24"; UNKNOWN where there is no address.

    `meta` is a WSGI environment. Each of our own `proxies` appends the address it was called from to X-Forwarded-For,
    so the client's is that many places from the right; what stands further left is whatever the client wrote.
    """
    address = str(meta.get("REMOTE_ADDR") or "")
    if proxies:
        told = [part.strip() for part in str(meta.get("HTTP_X_FORWARDED_FOR") or "").split(",")]
        address = told[-proxies] if len(told) >= proxies else address
    parsed = _parsed(address)
    if parsed is None:
        return UNKNOWN
    bits = _IPV4_BITS if isinstance(parsed, IPv4Address) else _IPV6_BITS
    rest = parsed.max_prefixlen - bits
    return f"{type(parsed)(int(parsed) >> rest << rest)}/{bits}"


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    """An address with or without a port or brackets; an IPv4 address mapped into IPv6 is the IPv4 address."""
    host = address.rpartition("]")[0].lstrip("[") if address.startswith("[") else address
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        parsed = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return (parsed.ipv4_mapped or parsed) if isinstance(parsed, IPv6Address) else parsed
