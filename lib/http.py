"""The guarded door out: an HTTP client that no answer can hold up, fill up, or lead to another host.

Time is bounded on the connection itself: a caller, or a library it uses, may pass `timeout=None`, and the
timeouts of single reads never end an answer that drips. Certificates are always checked, against the roots of the
machine and those that `trust_also` adds; what is asked over https is never asked over http.
"""

import ssl
from collections.abc import Callable, Collection, Iterable, Iterator
from contextvars import ContextVar
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from pathlib import Path
from socket import SOCK_STREAM, getaddrinfo
from time import monotonic

import httpcore2
import httpx2

_MOST_REDIRECTS = 5
_MOST_ADDRESSES = 4  # that are tried for one host
_IDLE_SECONDS = 5.0
_PUBLIC = "public"
_SHARED_V4 = IPv4Network("100.64.0.0/10")  # carriers' and clouds' own
_GLOBAL_V6 = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_deadline: ContextVar[float] = ContextVar("deadline", default=float("inf"))
_also_trusted: list[str] = []  # certificates, PEM


class AnswerTooLargeError(httpx2.TransportError):
    """The answer, decompressed, is larger than the client accepts."""


class OtherHostError(httpx2.TransportError):
    """The answer redirects to another scheme, host or port."""


class RefusedAddressError(httpx2.TransportError):
    """A host is in a network that only this machine, or its neighbours, can reach."""


# Whatever a call of a client from here may raise.
CALL_ERRORS = (httpx2.HTTPError, httpx2.InvalidURL)


def trust_also(bundle: Path) -> None:
    """Trusts the authorities in a file of PEM certificates beside the machine's own, for every client from now on.

    It is read once: a file that goes away later changes nothing. Raises ValueError where it cannot be read as that.
    """
    try:
        # OpenSSL takes ASCII only; what else there is can only be in comments.
        certificates = bundle.read_text("ascii", errors="backslashreplace")
        _trusting((certificates,))
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise ValueError(f"{bundle} is no readable file of PEM certificates: {error}") from error
    _also_trusted.append(certificates)


def bounded_client(*, seconds: float, most_bytes: int) -> httpx2.Client:
    """A client whose calls end within `seconds` in all (looking up the host's address excepted).

    Answers have at most `most_bytes` once decompressed; redirects stay on the same scheme, host and port;
    proxies and passwords of the environment are not used. Calls raise what httpx2 raises, AnswerTooLargeError
    and OtherHostError included.
    """
    return _client(_BoundedTransport(seconds, most_bytes, _BoundedBackend()), seconds, _refuse_other_hosts)


def roaming_client(
    *, home: str, seconds: float, most_bytes: int, hosts: Collection[str] | None = None
) -> httpx2.Client:
    """As `bounded_client`, but redirects may leave the host: over https or the scheme of `home`, to public addresses.

    With `hosts` they lead to these alone, and within the host of `home`. `home` is an address the operator chose: its
    own host is always reached, and if that is in a network which is not public, hosts in networks of that one kind are,
    too. Calls raise CALL_ERRORS, RefusedAddressError included.
    """
    url = httpx2.URL(home)
    backend = _GuardedBackend(url.raw_host.decode("ascii"))

    def refuse_other_places(response: httpx2.Response) -> None:
        target = _redirect_target(response)
        if target and (target.scheme not in {"https", url.scheme} or not target.host):
            raise OtherHostError(f"redirected to another scheme: {target.scheme[:20]}")
        if target and hosts is not None and target.host not in {*hosts, url.host}:
            raise OtherHostError(f"redirected to another host: {target.host[:200]}")

    return _client(_BoundedTransport(seconds, most_bytes, backend), seconds, refuse_other_places)


def outward_client(*, seconds: float, most_bytes: int, also: Collection[str] = ()) -> httpx2.Client:
    """A client for addresses that strangers gave: bounded, to public addresses alone, and no redirect is followed.

    `also` names further kinds of network that it may reach (`address_kind`). Calls raise CALL_ERRORS,
    RefusedAddressError included.
    """
    transport = _BoundedTransport(seconds, most_bytes, _GuardedBackend("", also=also))
    return httpx2.Client(transport=transport, trust_env=False, timeout=seconds, follow_redirects=False)


def address_kind(text: str) -> str:
    """The network an IP address is in: public, loopback, link-local, shared, private or reserved.

    An IPv4 address inside an IPv6 one (mapped, 6to4, NAT64) is what counts, for that is where packets end.
    """
    address = _innermost(ip_address(text))
    if address.is_loopback:
        return "loopback"
    if address.is_link_local:
        return "link-local"
    if address.is_multicast or address.is_unspecified or address.is_reserved or _is_odd_v6(address):
        return "reserved"
    if isinstance(address, IPv4Address) and address in _SHARED_V4:
        return "shared"
    return _PUBLIC if address.is_global else "private"


def _innermost(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_odd_v6(address: IPv4Address | IPv6Address) -> bool:
    """Whether it is neither of the addresses IANA gives out nor private: Teredo, IPv4-compatible, site-local, ..."""
    if isinstance(address, IPv4Address):
        return False
    return address.teredo is not None or (address not in _GLOBAL_V6 and not address.is_private)


def _client(transport: "_BoundedTransport", seconds: float, refuse: Callable[[httpx2.Response], None]) -> httpx2.Client:
    return httpx2.Client(
        transport=transport,
        trust_env=False,
        timeout=seconds,
        follow_redirects=True,
        max_redirects=_MOST_REDIRECTS,
        event_hooks={"response": [refuse]},
    )


@lru_cache(maxsize=2)
def _trusting(certificates: tuple[str, ...]) -> ssl.SSLContext:
    """The machine's roots and these; raises ValueError or ssl.SSLError for what is no certificate.

    Made once and shared: to read the roots takes longer than most calls.
    """
    context = httpx2.create_ssl_context()
    for text in certificates:
        context.load_verify_locations(cadata=text)
    return context


def _refuse_other_hosts(response: httpx2.Response) -> None:
    target = _redirect_target(response)
    if target and _origin(target) != _origin(response.request.url):
        raise OtherHostError(f"redirected to another host: {target.host[:200]}")


def _redirect_target(response: httpx2.Response) -> httpx2.URL | None:
    if not response.has_redirect_location:
        return None
    try:
        return response.request.url.join(response.headers["location"])
    except httpx2.InvalidURL as error:
        raise OtherHostError("redirected to an unreadable address") from error


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


class _BoundedTransport(httpx2.HTTPTransport):
    """Puts the deadline of the whole call on every connection it opens, and the cap on every answer."""

    def __init__(self, seconds: float, most_bytes: int, backend: "_BoundedBackend") -> None:
        tls = _trusting(tuple(_also_trusted))
        super().__init__(verify=tls)
        # The pool is replaced because a network backend is the one place that sees every wait.
        self._pool = httpcore2.ConnectionPool(ssl_context=tls, keepalive_expiry=_IDLE_SECONDS, network_backend=backend)
        self._seconds = seconds
        self._most_bytes = most_bytes

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        # Redirects copy the extensions of the request before them, so that all hops share one deadline.
        _deadline.set(request.extensions.setdefault("deadline", monotonic() + self._seconds))
        request.extensions["timeout"] = {**request.extensions.get("timeout", {}), "pool": self._seconds}
        response = super().handle_request(request)
        return _CappedResponse(response, self._most_bytes)


class _CappedResponse(httpx2.Response):
    """A response that stops being read once it is too large, counted after decompression."""

    def __init__(self, response: httpx2.Response, most_bytes: int) -> None:
        super().__init__(
            response.status_code,
            headers=response.headers,
            stream=response.stream,
            extensions=response.extensions,
        )
        self._most_bytes = most_bytes

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        total = 0
        for chunk in super().iter_bytes(chunk_size):
            total += len(chunk)
            if total > self._most_bytes:
                raise AnswerTooLargeError(f"the answer is larger than {self._most_bytes} bytes")
            yield chunk


class _BoundedBackend(httpcore2.NetworkBackend):
    """The usual sockets; every wait ends at the deadline of the call."""

    def __init__(self) -> None:
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        stream = self._sockets.connect_tcp(host, port, _time_left(timeout), local_address, socket_options)
        return _BoundedStream(stream)

    def sleep(self, seconds: float) -> None:
        self._sockets.sleep(_time_left(seconds))


class _GuardedBackend(_BoundedBackend):
    """Connects to the home host, and to hosts whose addresses are public, of the home's kind, or of one in `also`."""

    def __init__(self, home: str, *, also: Collection[str] = ()) -> None:
        super().__init__()
        self._home = home
        self._allowed = {_PUBLIC, *also}

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        addresses = _resolve(host, port)
        kinds = {address_kind(address) for address in addresses}
        if host == self._home:
            self._allowed |= kinds
        if not kinds <= self._allowed:
            raise RefusedAddressError(f"{host[:200]} is in a network of kind {', '.join(sorted(kinds))}")
        # To the addresses that were checked, not to the name: it may have others a moment later.
        for address in addresses[:-1]:
            try:
                return super().connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore2.ConnectError:
                continue
        return super().connect_tcp(addresses[-1], port, timeout, local_address, socket_options)


def _resolve(host: str, port: int) -> list[str]:
    """The first few different addresses of `host`; raises httpcore2.ConnectError where it has none."""
    try:
        found = getaddrinfo(host, port, type=SOCK_STREAM)
    except (OSError, ValueError) as error:
        raise httpcore2.ConnectError(f"{host[:200]} has no address: {error}") from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not addresses:
        raise httpcore2.ConnectError(f"{host[:200]} has no address")
    return addresses[:_MOST_ADDRESSES]


class _BoundedStream(httpcore2.NetworkStream):
    """A connection whose reads and writes end at the deadline of the call it serves now."""

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _time_left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _time_left(timeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return _BoundedStream(self._stream.start_tls(ssl_context, server_hostname, _time_left(timeout)))

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


def _time_left(timeout: float | None) -> float:
    left = _deadline.get() - monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout("the time for the whole call is over")
    return left if timeout is None else min(left, timeout)
