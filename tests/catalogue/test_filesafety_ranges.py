"""Reading parts of files from a server that may do anything, and where its redirects may lead."""

import socket
import time
import tracemalloc

import pytest

from lib import http
from lib.http import address_kind, bounded_client
from lib.ranges import (
    USUAL,
    BudgetSpentError,
    Limits,
    RangeBrokenError,
    RangedFile,
    RangeError,
    RangesRefusedError,
)
from tests.stand_ins.ranges import StandInFiles
from tests.waiting import IN_TIME

CONTENT = bytes(range(256)) * 4096  # 1 MiB


@pytest.fixture
def site():
    with StandInFiles() as stand_in:
        yield stand_in


@pytest.fixture
def hub_and_cdn():
    with StandInFiles(host="localhost") as cdn, StandInFiles(cdn=cdn) as hub:
        yield hub, cdn


def test_reads_parts_and_the_end_and_knows_the_size(site):
    with RangedFile(site.put("f", CONTENT)) as file:
        assert file.size is None
        assert file.read(256, 4) == b"\x00\x01\x02\x03"
        assert file.size == len(CONTENT)
        assert file.read(len(CONTENT) - 2, 100) == b"\xfe\xff"
        assert file.read(len(CONTENT), 100) == b""
        assert (file.cost.requests, file.cost.bytes) == (2, 6)


def test_fetches_no_byte_twice(site):
    with RangedFile(site.put("f", CONTENT)) as file:
        assert file.read(0, 1000) == CONTENT[:1000]
        assert file.read(10, 50) == CONTENT[10:60]
        assert file.read(900, 300) == CONTENT[900:1200]
        assert file.read(900, 300) == CONTENT[900:1200]
    assert [asked for _, asked in site.requests] == ["bytes=0-999", "bytes=1000-1199"]


@pytest.mark.parametrize("fault", ["part", "ignores_ranges", "part_without_length"])
def test_reads_a_file_smaller_than_the_part_however_it_is_sent(site, fault):
    site.fault = fault
    with RangedFile(site.put("f", b"small")) as file:
        assert file.read(0, 1000) == b"small"
        assert file.size == 5


def test_follows_to_the_cdn_once_and_takes_no_token_there(hub_and_cdn):
    hub, cdn = hub_and_cdn
    with RangedFile(hub.put("f", CONTENT), headers={"Authorization": "Bearer secret"}) as file:
        assert file.read(0, 10) + file.read(500, 10) == CONTENT[:10] + CONTENT[500:510]
        assert file.cost.requests == 3
    assert hub.authorizations == ["Bearer secret"]
    assert cdn.authorizations == [None, None]


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        ("ignores_ranges", RangesRefusedError, "ignores ranges"),
        ("ignores_ranges_without_length", RangesRefusedError, "ignores ranges"),
        ("other_part", RangeBrokenError, "bytes 1-10"),
        ("later_part", RangeBrokenError, "bytes 1-9"),
        ("shorter_part", RangeBrokenError, "bytes 0-0"),
        ("no_content_range", RangeBrokenError, "which part"),
        ("several_parts", RangeBrokenError, "which part"),
        ("huge_numbers", RangeBrokenError, "which part"),
        ("endless_part", RangeBrokenError, "more than it said"),
        ("truncated", RangeBrokenError, "RemoteProtocolError"),
        ("compressed", RangesRefusedError, "compressed"),
        ("range_not_satisfiable", RangesRefusedError, "HTTP 416"),
        ("gated", RangesRefusedError, "HTTP 401"),
        ("rate_limited", RangesRefusedError, "HTTP 429"),
        ("unavailable", RangeBrokenError, "HTTP 503"),
        ("hang_up", RangeBrokenError, "RemoteProtocolError"),
    ],
)
def test_says_what_went_wrong_and_reads_little_of_it(site, fault, error, message):
    site.fault = fault
    with RangedFile(site.put("f", CONTENT)) as file:
        with pytest.raises(error, match=message):
            file.read(0, 10)
        assert file.cost.bytes < 70_000


def test_a_server_that_ignores_ranges_costs_no_memory(site, tmp_path):
    big = tmp_path / "big"
    with big.open("wb") as file:
        file.truncate(2_000_000_000)
    site.fault = "ignores_ranges"
    tracemalloc.start()
    started = time.monotonic()
    with RangedFile(site.put("f", big)) as file, pytest.raises(RangesRefusedError):
        file.read(0, 10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000
    assert time.monotonic() - started < IN_TIME
    assert site.bytes_sent < 20_000_000  # what fits between the two


@pytest.mark.parametrize("fault", ["changed", "lying_size"])
def test_notices_that_the_file_is_another_one_now(site, fault):
    site.fault, site.fault_after = fault, 1
    with RangedFile(site.put("f", CONTENT)) as file:
        file.read(0, 10)
        with pytest.raises(RangeBrokenError, match=r"changed|bytes here"):
            file.read(100, 10)


def test_notices_that_the_hub_and_the_cdn_tell_different_sizes(hub_and_cdn):
    hub, _ = hub_and_cdn
    hub.linked_size = 5
    with RangedFile(hub.put("f", CONTENT)) as file, pytest.raises(RangeBrokenError, match="1048576 bytes here and 5"):
        file.read(0, 10)
    with (
        RangedFile(hub.cdn.url + "/f", expected_size=7) as file,
        pytest.raises(RangeBrokenError, match="1048576 bytes here and 7"),
    ):
        file.read(0, 10)


@pytest.mark.parametrize("fault", ["slow", "dripping"])
def test_all_parts_together_end_in_time(site, fault):
    site.fault, site.fault_after = fault, 1
    started = time.monotonic()
    with RangedFile(site.put("f", CONTENT), limits=Limits(seconds=0.5)) as file:
        file.read(0, 10)
        with pytest.raises(RangeBrokenError, match="Timeout"):
            file.read(100, 10_000)
    assert time.monotonic() - started < IN_TIME


def test_the_time_is_one_for_all_parts(site):
    site.fault = "lagging"
    with RangedFile(site.put("f", CONTENT), limits=Limits(seconds=0.5)) as file:
        file.read(0, 10)
        with pytest.raises(RangeBrokenError, match="Timeout"):
            file.read(100, 10)


@pytest.mark.parametrize("limits", [Limits(most_requests=2), Limits(most_bytes=250)])
def test_asks_for_no_more_than_the_budget(site, limits):
    with RangedFile(site.put("f", CONTENT), limits=limits) as file:
        file.read(0, 100)
        file.read(1000, 100)
        with pytest.raises(BudgetSpentError, match="after 2 requests and 200 bytes"):
            file.read(2000, 100)
    assert len(site.requests) == 2


@pytest.mark.parametrize(
    "url", ["", "nonsense", "http://", "ftp://127.0.0.1/x", "http://127.0.0.1:99999/", "http://[::1"]
)
def test_an_address_that_is_none_is_an_error_of_ours(url):
    with pytest.raises(RangeError), RangedFile(url) as file:
        file.read(0, 10)


# --- Where redirects may lead --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("93.184.216.34", "public"),
        ("2606:2800:220:1::1", "public"),
        ("127.0.0.1", "loopback"),
        ("127.8.8.8", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("64:ff9b::7f00:1", "loopback"),
        ("2002:7f00:1::", "loopback"),
        ("10.0.0.1", "private"),
        ("172.16.0.1", "private"),
        ("192.168.1.1", "private"),
        ("::ffff:10.0.0.1", "private"),
        ("64:ff9b::a00:1", "private"),
        ("64:ff9b::5db8:d822", "public"),
        ("fd00:ec2::254", "private"),
        ("169.254.169.254", "link-local"),
        ("::ffff:169.254.169.254", "link-local"),
        ("64:ff9b::a9fe:a9fe", "link-local"),
        ("2002:a9fe:a9fe::1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("100.64.0.1", "shared"),
        ("100.100.100.200", "shared"),
        ("0.0.0.0", "reserved"),  # noqa: S104  # nothing binds to it
        ("::", "reserved"),
        ("224.0.0.1", "reserved"),
        ("ff02::1", "reserved"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
        ("::7f00:1", "reserved"),
        ("64:ff9b:1::7f00:1", "reserved"),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "reserved"),
        ("fec0::1", "reserved"),
    ],
)
def test_knows_the_network_of_an_address(address, kind):
    assert address_kind(address) == kind


@pytest.mark.parametrize(
    "location",
    [
        "http://10.0.0.1/x",
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:169.254.169.254]/x",
        "http://[64:ff9b::a9fe:a9fe]/x",
        "http://0.0.0.0/x",
        "http://2852039166/x",  # 169.254.169.254
        "https://10.0.0.1/x",
    ],
)
def test_a_redirect_into_another_network_is_refused_before_connecting(site, location, monkeypatch):
    connected = []
    connect = socket.create_connection
    monkeypatch.setattr(
        socket, "create_connection", lambda at, *rest, **more: connected.append(at[0]) or connect(at, *rest, **more)
    )
    site.fault, site.location = "elsewhere", location
    with RangedFile(site.put("f", CONTENT)) as file, pytest.raises(RangeBrokenError, match="RefusedAddressError"):
        file.read(0, 10)
    assert connected == ["127.0.0.1"]


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/x", "file:///etc/passwd", "http://[broken", "//", "https:///x"])
def test_a_redirect_to_another_scheme_or_to_nothing_is_refused(site, location):
    site.fault, site.location = "elsewhere", location
    with RangedFile(site.put("f", CONTENT)) as file, pytest.raises(RangeError):
        file.read(0, 10)


def resolving(monkeypatch, answers):
    """Lets names resolve to the next of their answers, and counts the questions."""
    asked = []
    real = socket.getaddrinfo

    def resolve(host, port, *rest, **more):
        asked.append(host)
        if host not in answers:
            return real(host, port, *rest, **more)
        addresses = answers[host].pop(0)
        return [entry for address in addresses for entry in real(address, port, type=socket.SOCK_STREAM)]

    monkeypatch.setattr(http, "getaddrinfo", resolve)
    return asked


def test_a_name_is_resolved_once_and_what_was_checked_is_connected_to(site, monkeypatch):
    asked = resolving(monkeypatch, {"hub.example": [["127.0.0.1"], ["10.0.0.1"]]})
    address = site.put("f", CONTENT).replace("127.0.0.1", "hub.example")
    with RangedFile(address) as file:
        assert file.read(0, 4) == CONTENT[:4]
    assert asked == ["hub.example"]


def test_one_bad_address_among_good_ones_is_enough_to_refuse(site, monkeypatch):
    resolving(monkeypatch, {"cdn.example": [["93.184.216.34", "10.0.0.1"]]})
    site.fault, site.location = "elsewhere", "https://cdn.example/f"
    with (
        RangedFile(site.put("f", CONTENT)) as file,
        pytest.raises(
            RangeBrokenError, match=r"RefusedAddressError: cdn\.example is in a network of kind private, public"
        ),
    ):
        file.read(0, 10)


def test_a_public_hub_leads_to_no_loopback_address(monkeypatch):
    backend = http._GuardedBackend("hub.example")
    monkeypatch.setattr(http._BoundedBackend, "connect_tcp", lambda _, host, *__: host)
    resolving(monkeypatch, {"hub.example": [["93.184.216.34"]], "cdn.example": [["127.0.0.1"], ["::1"]]})
    assert backend.connect_tcp("hub.example", 443) == "93.184.216.34"
    for _ in range(2):
        with pytest.raises(http.RefusedAddressError):
            backend.connect_tcp("cdn.example", 443)


def test_a_host_with_no_address_is_an_error_of_the_call(site):
    site.fault, site.location = "elsewhere", "https://nowhere.invalid/f"
    with RangedFile(site.put("f", CONTENT)) as file, pytest.raises(RangeBrokenError, match="ConnectError"):
        file.read(0, 10)


def test_an_https_hub_is_not_left_for_http():
    client = http.roaming_client(home="https://hub.example", seconds=1, most_bytes=10)
    request = client.build_request("GET", "https://hub.example/f")
    response = http.httpx2.Response(302, headers={"location": "http://cdn.example/f"}, request=request)
    with pytest.raises(http.OtherHostError, match="another scheme"):
        client.event_hooks["response"][0](response)


def test_the_client_that_stays_still_stays(site):
    site.fault, site.location = "elsewhere", "http://localhost:1/f"
    with bounded_client(seconds=USUAL.seconds, most_bytes=10) as client, pytest.raises(http.OtherHostError):
        client.get(site.put("f", CONTENT))
