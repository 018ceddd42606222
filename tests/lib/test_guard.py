"""The guard on addresses where it matters: on a host where somebody does listen at private and at public ones."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from lib.http import OtherHostError, RefusedAddressError, bounded_client, outward_client, roaming_client
from tests import namespaces

pytestmark = pytest.mark.skipif(bool(namespaces.why_not()), reason=namespaces.why_not())

# The first two are public; in the namespace they lead nowhere else. The others are those of a cloud, a home, a carrier.
PUBLIC, OTHER_PUBLIC = "93.184.215.14", "93.184.215.15"
METADATA, PRIVATE, SHARED = "169.254.169.254", "192.168.7.1", "100.64.0.7"
BOUNDS = {"seconds": 10, "most_bytes": 1000}


class Network:
    """A server at each of these addresses, which keeps who asked for what; `/to/...` redirects there."""

    def __init__(self, host: namespaces.Host) -> None:
        self.host, self.asked = host, []
        self._servers = [host.inside(lambda at=at: self._serve(at)) for at in self.addresses()]

    @staticmethod
    def addresses() -> tuple[str, ...]:
        return PUBLIC, OTHER_PUBLIC, METADATA, PRIVATE, SHARED, "127.0.0.1"

    def _serve(self, address: str) -> ThreadingHTTPServer:
        network = self
        if address != "127.0.0.1":
            self.host.ip("address", "add", f"{address}/32", "dev", "lo")

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                network.asked.append(address)
                target = self.path.removeprefix("/to/")
                self.send_response(302 if target != self.path else 200)
                if target != self.path:
                    self.send_header("Location", f"http://{target}/")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer((address, 80), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    def stop(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def get(self, client: Any, url: str) -> int:
        """The status; asked from that host."""
        return int(self.host.inside(lambda: client.get(url).status_code))


@pytest.fixture
def network() -> Iterator[Network]:
    with namespaces.hosts("guard") as (host,):
        network = Network(host)
        yield network
        network.stop()


def test_strangers_addresses_lead_to_public_networks_alone(network):
    client = outward_client(**BOUNDS)
    assert network.get(client, f"http://{PUBLIC}/") == 200
    for address in (METADATA, PRIVATE, SHARED, "127.0.0.1"):
        with pytest.raises(RefusedAddressError):
            network.get(client, f"http://{address}/")
    for spelling in ("2130706433", "0x7f000001", "127.1", "[::ffff:192.168.7.1]", "localhost"):
        with pytest.raises(RefusedAddressError):
            network.get(client, f"http://{spelling}/")
    assert network.get(client, f"http://{PUBLIC}/to/{METADATA}") == 302
    assert network.asked == [PUBLIC, PUBLIC]
    # Somebody was there each time, for whoever is not guarded.
    for address in (METADATA, PRIVATE, SHARED, "127.0.0.1"):
        assert network.get(bounded_client(**BOUNDS), f"http://{address}/") == 200


def test_a_redirect_leads_from_a_public_host_to_no_other_kind(network):
    client = roaming_client(home=f"http://{PUBLIC}/", **BOUNDS)
    assert network.get(client, f"http://{PUBLIC}/to/{OTHER_PUBLIC}") == 200
    for address in (METADATA, PRIVATE, SHARED, "127.0.0.1"):
        with pytest.raises(RefusedAddressError):
            network.get(client, f"http://{PUBLIC}/to/{address}")
    with pytest.raises(OtherHostError):
        network.get(bounded_client(**BOUNDS), f"http://{PUBLIC}/to/{OTHER_PUBLIC}")
    assert set(network.asked) == {PUBLIC, OTHER_PUBLIC}


def test_a_home_in_a_private_network_leads_to_that_kind_and_to_public_hosts(network):
    client = roaming_client(home=f"http://{PRIVATE}/", **BOUNDS)
    assert network.get(client, f"http://{PRIVATE}/to/{PUBLIC}") == 200
    with pytest.raises(RefusedAddressError):
        network.get(client, f"http://{PRIVATE}/to/{METADATA}")
    assert METADATA not in network.asked
