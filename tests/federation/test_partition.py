"""A node whose way to another is gone: what it sends there is lost without a word, as firewalls and dead routers do.

C is a real node on a host of its own. A and B are on two others, and B mirrors A. Who refuses is answered at once; who
drops keeps each caller waiting until its patience ends, and that must hold up nothing else.
"""

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from config import federation_demo
from lib.canonical import digest
from tests import namespaces
from tests.federation.test_ring import Hand, copy_database, drop_database, version
from tests.federation.test_ring import own_settings as settings_of
from tests.stand_ins.node import Log, Node
from tests.waiting import wait_for

pytestmark = [
    pytest.mark.xdist_group("federation"),
    pytest.mark.skipif(bool(namespaces.why_not()), reason=namespaces.why_not()),
]

A, B, C_TO_A, C_TO_B = "10.77.1.1", "10.77.2.1", "10.77.1.2", "10.77.2.2"
PATIENCE = 2


class Apart:
    """C with its hand, A and B, and the cables between them."""

    def __init__(self, stack: ExitStack, c: federation_demo.Node, hosts: list[namespaces.Host], folder: Any) -> None:
        self.c, (self.at_a, self.at_b, self.at_c) = c, hosts
        namespaces.cable(self.at_c, C_TO_A, self.at_a, A)
        namespaces.cable(self.at_c, C_TO_B, self.at_b, B)
        self.a = self.at_a.inside(lambda: Node(Log("a.example"), A))
        self.b = self.at_b.inside(lambda: Node(Log("b.example"), B))
        stack.callback(self.a.stop)
        stack.callback(self.b.stop)
        self.b.mirrors[digest(self.a.log.origin.encode())] = self.a.log
        self.children = federation_demo.start(stack, [c], lambda *_: None)
        self.hand = Hand(c, folder / "hand.txt")
        stack.callback(self.hand.end)
        wait_for(lambda: self.ask("/livez")[0] == 200)
        for node in (self.a, self.b):
            self.hand("follow", vkey=node.log.vkey, log=f"{node.address}/log", node=node.address)

    def ask(self, path: str) -> tuple[int, bytes]:
        """What C answers on its own host."""
        return self.at_c.inside(lambda: self.c.ask(path))

    def document(self, public_id: str) -> dict[str, Any] | None:
        status, content = self.ask(f"/api/v1/incidents/{public_id}")
        return json.loads(content) if status == 200 else None

    def wait(self, condition: Callable[[], Any]) -> float:
        """Until it holds; how many seconds that took. The workers are woken each second, as by a fast beat."""
        began, woken = time.monotonic(), 0.0

        def looked() -> Any:
            nonlocal woken
            found = condition()
            if not found and time.monotonic() - woken > 1:
                woken = time.monotonic()
                self.hand("wake_up")
            return found

        wait_for(looked)
        return time.monotonic() - began

    def publish(self, node: Node) -> str:
        return node.log.publish().id

    def await_shown(self, *ids: str) -> float:
        return self.wait(lambda: all(version(1)(self.document(public_id)) for public_id in ids))

    def await_run(self, via: str) -> None:
        """Until a run that read A's log there has ended well: what it brought is shown a moment before."""
        self.wait(lambda: self.hand("last_run", domain="a.example").items() >= {"via": via, "state": "success"}.items())

    def peer(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.hand("peers")[f"{name}.example"]
        return found

    def cut(self, host: namespaces.Host, address: str) -> None:
        """Nothing from that host reaches C: whoever calls it hears nothing, not even that nobody is there."""
        namespaces.cut(host, address)
        target = self.a if host is self.at_a else self.b
        port = int(target.address.rpartition(":")[2])
        with pytest.raises(TimeoutError):
            self.at_c.inside(lambda: socket.create_connection((A if target is self.a else B, port), 0.5))


@pytest.fixture
def apart(django_db_setup: None, django_db_blocker: Any, tmp_path: Any) -> Iterator[Apart]:
    name = f"apart_c_{os.getpid()}"
    with ExitStack() as stack:
        with django_db_blocker.unblock():
            copy_database(name)
        stack.callback(drop_database, name, django_db_blocker)
        hosts = stack.enter_context(namespaces.hosts("a", "b", "c"))
        chosen = {**settings_of(name), "FAULTLINE_PEER_TIMEOUT_SECONDS": str(PATIENCE)}
        c = federation_demo.Node("c", tmp_path / "c", 8000, tuple(chosen.items()), tuple(hosts[2].command))
        yield Apart(stack, c, hosts, tmp_path)


def test_what_is_cut_off_comes_by_another_way_and_holds_nothing_up(apart):
    first = [apart.publish(apart.a), apart.publish(apart.b)]
    apart.await_shown(*first)
    apart.await_run(via=f"{apart.a.address}/log")
    mirror = f"{apart.b.address}/mirror/{digest(apart.a.log.origin.encode())}"

    # A is gone for C; B still hears it, and C hears B.
    apart.cut(apart.at_a, C_TO_A)
    told = len(apart.a.posted)
    relayed = apart.publish(apart.a)
    apart.await_shown(relayed)
    apart.await_run(via=mirror)
    assert f"{A}:" in apart.peer("a")["error"]
    assert apart.peer("a")["lag"] == 0
    beside = apart.publish(apart.b)
    apart.await_shown(beside)
    assert min(apart.hand("publish")["longest"] for _ in range(3)) < 1
    assert apart.ask("/livez")[0] == 200

    # Now both are gone. C waits, says so, and serves what it has.
    apart.cut(apart.at_b, C_TO_B)
    late = [apart.publish(apart.a), apart.publish(apart.b)]
    apart.wait(lambda: all(apart.hand("last_run", domain=f"{name}.example")["state"] == "failed" for name in "ab"))
    assert [apart.document(public_id) for public_id in late] == [None, None]
    assert min(apart.hand("publish")["longest"] for _ in range(3)) < 1
    shown = json.loads(apart.ask("/api/v1/incidents?origin=a.example,b.example")[1])["items"]
    assert {one["id"] for one in shown} == {*first, relayed, beside}
    assert len(apart.a.posted) == told

    # And back: what was missed arrives, at first hand, and A and B hear at last what C had to tell them.
    namespaces.mend(apart.at_a, C_TO_A)
    namespaces.mend(apart.at_b, C_TO_B)
    for name in "ab":
        apart.hand("resume", domain=f"{name}.example")  # or it would be asked only after its back-off
    apart.await_shown(*late)
    apart.await_run(via=f"{apart.a.address}/log")
    apart.wait(lambda: [(apart.peer(name)["lag"], apart.peer(name)["error"]) for name in "ab"] == [(0, "")] * 2)
    apart.hand("tell_now")
    wait_for(lambda: any(path == "/federation/notice" for path, _, _ in apart.a.posted[told:]))
    assert apart.hand("outcomes", domain="a.example") == ["keys", "shown", "shown", "shown"]
    assert apart.hand("outcomes", domain="b.example") == ["keys", "shown", "shown", "shown"]
