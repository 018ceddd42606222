"""Following a long log over real HTTP: entries read and verified per second, shown per second, bytes, memory, growth.

Run by hand: `make bench ARGS="-k federation"`. FAULTLINE_BENCH_ENTRIES sets the sizes, comma-separated. The last one
times records on their way around a ring of three real nodes.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.db import connection

from config.home import PROJECT
from federation import applying, following, peering
from federation.models import Acceptance, Outcome, Verdict
from incidents.log_copy import LogCopy
from tests.conftest import environment
from tests.federation.test_ring import Ring, ring, version
from tests.waiting import wait_for

__all__ = ["ring"]  # a fixture

SIZES = [int(size) for size in os.environ.get("FAULTLINE_BENCH_ENTRIES", "1000,10000").split(",")]
TABLES = ("federation_pulledentry", "federation_pulledobject", "federation_pulledhash", "federation_outcome")


def forget_peak():
    """The kernel's high-water mark of this process begins anew (proc(5), clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


def peak():
    """The most memory that this process has had in use, in MB."""
    line = next(one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def spent():
    """Processor seconds of this process and of the server's that answers it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return time.process_time() + (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def on_disk():
    """Bytes of what was received and what became of it, indexes included."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {' + '.join(f'''pg_total_relation_size('{table}')''' for table in TABLES)}")
        return cursor.fetchone()[0]


@pytest.fixture
def served(tmp_path, free_port):
    """Files on a plain web server."""
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(tmp_path)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield f"http://127.0.0.1:{port}"
    server.kill()
    server.wait()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.django_db(transaction=True)
def test_catching_up(served, tmp_path, size):
    command = [sys.executable, "-m", "tests.bench.long_log", str(tmp_path), str(size)]
    changes = {"DJANGO_SETTINGS_MODULE": "config.settings"}
    made = subprocess.run(command, cwd=PROJECT, env=environment(**changes), capture_output=True, check=True)
    said = json.loads(made.stdout)
    before = on_disk()
    peer = peering.add(vkey=said["vkey"], log=served, acceptance=Acceptance.PUBLISH)

    resting, began, started = forget_peak(), spent(), time.monotonic()
    reading = following.open_copy(peer, LogCopy(served))
    while following.read_on(peer, reading):
        pass
    read, read_peak, read_spent = time.monotonic() - started, peak(), spent() - began

    forget_peak()
    began, started, locked = spent(), time.monotonic(), [0.0]
    while applying.apply_next(peer):
        locked.append(time.monotonic() - started - sum(locked))
    shown, shown_peak, shown_spent = time.monotonic() - started, peak(), spent() - began

    assert (peer.size, peer.applied) == (size, size)
    assert Outcome.objects.filter(verdict=Verdict.SHOWN).count() == size - 1
    print(
        f"\n{size:>7,} entries of {said['bytes'] / size:,.0f} bytes: read and verified in {read:.1f} s"
        f" ({size / read:,.0f}/s; {size / read_spent:,.0f} a processor second;"
        f" {read_peak - resting:+.0f} MB over {resting:.0f} MB);"
        f" shown in {shown:.1f} s ({size / shown:,.0f}/s; {size / shown_spent:,.0f} a processor second;"
        f" {shown_peak - resting:+.0f} MB; a transaction took {statistics.median(locked[1:]):.2f} s,"
        f" {max(locked):.2f} at most); {(on_disk() - before) / size:,.0f} bytes an entry on disk"
    )


def test_from_the_first_node_to_the_third(ring: Ring):
    hops = {"b": [], "c": []}
    for _ in range(10):
        (public_id,) = ring.publish("a")
        started = time.monotonic()
        for letter, seconds in hops.items():
            wait_for(lambda letter=letter, public_id=public_id: version(1)(ring.document(letter, public_id)))
            seconds.append(time.monotonic() - started)
    for letter, seconds in hops.items():
        print(
            f"\nfrom A to {letter.upper()}: median of 10 {statistics.median(seconds):.1f} s, most {max(seconds):.1f} s"
        )
