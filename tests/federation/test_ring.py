"""Three real nodes in a ring: what went wrong for others who exchange records, over real processes and real HTTP.

C reads B's log, and A's only in the mirror that B keeps of it; and so on around. Each test begins and ends with a ring
in which everything has arrived everywhere. The nodes share this test's PostgreSQL and Redis, with databases and queues
of their own.
"""

import base64
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit, urlunsplit

import psutil
import pytest
from django.conf import settings
from django.db import connection, connections

from config import federation_demo
from config.federation_demo import Node
from config.home import PROJECT
from config.processes import Child
from lib.canonical import digest
from tests.config.conftest import free_port
from tests.stand_ins.gateway import Gateway
from tests.stand_ins.node import Log
from tests.waiting import PATIENCE, wait_for

pytestmark = pytest.mark.xdist_group("federation")

Found = TypeVar("Found")

PAGES = ("/", "/incidents/", "/data/", "/robots.txt", "/sitemap.xml", "/.well-known/faultline.json")
LISTS = ("/api/v1/incidents", "/api/v1/changes", "/api/v1/statistics", "/incidents.atom", "/incidents.csv", "/livez")
HARVEST = ("/oai?verb=ListRecords&metadataPrefix=oai_dc", "/oai?verb=ListRecords&metadataPrefix=oai_datacite")
ERRORS = ("/nothing/here/", "/api/v1/incidents/FL-2026-NOTHERE0", "/api/v1/incidents?limit=x", "/oai?verb=No")


class Hand:
    """A process of one node that does what a test says."""

    def __init__(self, node: Node, said: Path) -> None:
        with said.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.federation.hand"],
                cwd=PROJECT,
                env=node.environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self._said = said

    def __call__(self, verb: str, **arguments: Any) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps([verb, arguments]), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        assert answer, self._said.read_text()[-3000:]
        return json.loads(answer)

    def end(self) -> None:
        """Leaves it nothing to do, and sees it end."""
        self._process.communicate(timeout=PATIENCE)


class Ring:
    """Three nodes with a hand in each; by their letters."""

    def __init__(self, stack: ExitStack, three: list[Node], folder: Path) -> None:
        self._stack, self.folder = stack, folder
        self.said: list[str] = []
        self.nodes = {node.letter: node for node in three}
        self.children: dict[str, Child] = {}
        self.start(*self.nodes)
        self.hands = {node.letter: Hand(node, folder / f"hand-{node.letter}.txt") for node in three}
        for hand in self.hands.values():
            stack.callback(hand.end)

    def start(self, *letters: str) -> None:
        """Starts nodes."""
        started = federation_demo.start(
            self._stack,
            [self.nodes[letter] for letter in letters],
            lambda name, line: self.said.append(f"{name} {line}"),
        )
        self.children |= {node.letter: child for node, child in started.items()}

    def await_answer(self, *letters: str) -> None:
        """Until they answer."""
        children = {self.nodes[letter]: self.children[letter] for letter in letters}
        federation_demo.wait_until(
            lambda: all(node.ask("/livez")[0] == 200 for node in children),
            children,
            federation_demo.START_SECONDS,
            "a start",
        )

    def follow(self) -> None:
        """Each its neighbour, then the third in the neighbour's mirror."""
        keys = {letter: hand("vkey") for letter, hand in self.hands.items()}
        near, far = federation_demo.ring(list(self.nodes.values()))
        for one in near:
            self.hands[one.reader.letter]("follow", vkey=keys[one.author.letter], log=one.log_address)
        for one in far:
            wait_for(lambda one=one: one.via.ask(urlsplit(one.log_address).path + "/checkpoint")[0] == 200)
            self.hands[one.reader.letter]("follow", vkey=keys[one.author.letter], log=one.log_address)

    def wait(self, condition: Callable[[], Found]) -> Found:
        """What the condition gives once that is true; meanwhile workers are woken as beat wakes them, only sooner."""
        woken = 0.0

        def looked() -> Found:
            nonlocal woken
            found = condition()
            if not found and time.monotonic() - woken > 1:
                woken = time.monotonic()
                for hand in self.hands.values():
                    hand("wake_up")
            return found

        return wait_for(looked)

    def document(self, letter: str, public_id: str) -> dict[str, Any] | None:
        """The record as a node shows it."""
        status, content = self.nodes[letter].ask(f"/api/v1/incidents/{public_id}")
        return json.loads(content) if status == 200 else None

    def await_everywhere(self, shown: Callable[[dict[str, Any] | None], Any], *ids: str, at: str = "abc") -> None:
        """Until each record is shown as it should be."""
        for letter in at:
            for public_id in ids:
                self.wait(lambda letter=letter, public_id=public_id: shown(self.document(letter, public_id)))

    def await_signed(self, letter: str) -> None:
        """Until a node's checkpoint covers its whole log."""
        size, node = self.hands[letter]("size"), self.nodes[letter]
        self.wait(lambda: json.loads(node.ask("/.well-known/faultline.json")[1])["log"]["signed"] == size)

    def settle(self) -> None:
        """Until all that each node logged has taken effect at both others."""
        sizes = {letter: hand("size") for letter, hand in self.hands.items()}

        def arrived() -> bool:
            read = {letter: hand("peers") for letter, hand in self.hands.items()}
            return all(
                read[reader].get(f"{author}.example", {}).get("applied") == sizes[author]
                for reader in "abc"
                for author in "abc"
                if reader != author
            )

        self.wait(arrived)

    def publish(self, letter: str, count: int = 1, **changes: Any) -> list[str]:
        """Publishes records at a node; their ids."""
        ids: list[str] = self.hands[letter]("publish", count=count, **changes)["ids"]
        return ids


def version(number: int) -> Callable[[dict[str, Any] | None], bool]:
    """That a record is shown in that version."""
    return lambda document: document is not None and document["version"] == number


@pytest.fixture(scope="module")
def ring(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ring]:
    """The ring, in copies of this test's database, in which nothing is."""
    folder = tmp_path_factory.mktemp("ring")
    with ExitStack() as stack:
        three = []
        for letter in "abc":
            name = f"ring_{letter}_{os.getpid()}"
            with django_db_blocker.unblock():
                copy_database(name)
            stack.callback(drop_database, name, django_db_blocker)
            three.append(_node(letter, folder / letter, name))
        ring = Ring(stack, three, folder)
        ring.await_answer(*"abc")
        ring.follow()
        ring.settle()
        yield ring


def copy_database(name: str) -> None:
    """One in which nothing is, as this test's."""
    template = connection.settings_dict["NAME"]
    connections.close_all()
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [template])
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')


def drop_database(name: str, blocker: Any) -> None:
    """Whoever uses it."""
    with blocker.unblock(), connection._nodb_cursor() as cursor:
        cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _node(letter: str, home: Path, database: str) -> Node:
    return Node(letter, home, free_port(), tuple(own_settings(database).items()))


def own_settings(database: str) -> dict[str, str]:
    """Of a node with a database of its own on the servers of this test."""

    def own(url: str) -> str:
        address = urlsplit(url)
        return urlunsplit(address._replace(path=f"{address.path.rpartition('/')[0]}/{database}"))

    return {
        "DATABASE_URL": own(settings.DATABASE_URL),
        "DATABASE_READER_URL": own(settings.DATABASE_READER_URL),
        "REDIS_URL": settings.REDIS_URL,
        "FAULTLINE_QUEUE": database,
        "FAULTLINE_STARTER": "none",
        "FAULTLINE_DEMO": "false",
        "FAULTLINE_LEASE_SECONDS": "10",
        # Each task for its own sake: a test wakes those that it waits for (`Ring.wait`).
        "FAULTLINE_BEAT_SECONDS": "10",
        "FAULTLINE_PEER_TIMEOUT_SECONDS": "10",
        "FAULTLINE_API_LIMIT_ADDRESS": "1000000/60",
    }


def test_1_a_withdrawal_and_an_erasure_reach_a_node_two_hops_away(ring):
    (public_id,) = ring.publish("a")
    ring.await_everywhere(version(1), public_id)
    (signed,) = ring.hands["a"]("objects", public_id=public_id)
    mirrored = urlsplit(ring.nodes["c"].mirror_of(ring.nodes["a"])).path
    assert ring.nodes["c"].ask(f"{mirrored}/object/{signed}")[0] == 200

    ring.hands["a"]("withdraw", ids=[public_id])
    ring.await_everywhere(lambda document: document and document["status"] == "withdrawn", public_id)
    for node in ring.nodes.values():
        assert public_id not in node.ask("/api/v1/incidents?limit=100")[1].decode()
        assert 'status="deleted"' in _harvested(node, public_id)

    ring.hands["a"]("erase", public_id=public_id)
    for node in ring.nodes.values():
        ring.wait(lambda node=node: node.ask(f"/api/v1/incidents/{public_id}")[0] == 410)
        assert 'status="deleted"' in _harvested(node, public_id)
    for prefix in (mirrored, urlsplit(ring.nodes["b"].mirror_of(ring.nodes["a"])).path):
        ring.wait(
            lambda prefix=prefix: (
                ring.nodes["c" if prefix == mirrored else "b"].ask(f"{prefix}/object/{signed}")[0] in {404, 410}
            )
        )


def _harvested(node: Node, public_id: str) -> str:
    asked = f"/oai?verb=GetRecord&metadataPrefix=oai_dc&identifier=oai:a.example:{public_id}"
    status, content = node.ask(asked)
    assert status == 200
    assert public_id in content.decode()
    return content.decode()


def test_2_many_withdrawals_wait_at_each_node_for_its_own_operator(ring):
    ids = ring.publish("a", 24)
    ring.settle()
    for reader in "bc":
        ring.hands[reader]("pause", domain="a.example")
    ring.hands["a"]("withdraw", ids=ids)
    ring.await_signed("a")  # or the first pull would see only some of them
    for reader in "bc":
        ring.hands[reader]("resume", domain="a.example")
        ring.wait(lambda reader=reader: ring.hands[reader]("last_run", domain="a.example")["state"] == "held")
        assert ring.hands[reader]("last_run", domain="a.example")["withdrawals"] == 24
        assert all(version(1)(ring.document(reader, public_id)) for public_id in ids)

    ring.hands["b"]("release", domain="a.example")
    ring.await_everywhere(version(2), *ids, at="b")
    assert all(version(1)(ring.document("c", public_id)) for public_id in ids)
    ring.hands["c"]("release", domain="a.example")
    ring.await_everywhere(version(2), *ids, at="c")
    ring.settle()


def test_3_a_ring_in_which_all_has_arrived_writes_nothing_more(ring):
    for letter in "abc":
        ring.publish(letter)
    ring.settle()
    for hand in ring.hands.values():
        hand("pull", rounds=2)  # the run that brought the last record has been counted by then
    before = {letter: hand("written") for letter, hand in ring.hands.items()}
    assert all(rows for found in before.values() for table, (rows, _) in found.items() if "evidence" not in table)
    with ThreadPoolExecutor() as together:
        assert list(together.map(lambda hand: hand("pull", rounds=20), ring.hands.values())) == [[], [], []]
    assert {letter: hand("written") for letter, hand in ring.hands.items()} == before
    # Not because nothing is read any more.
    ring.await_everywhere(version(1), *ring.publish("b"))
    ring.settle()
    assert {letter: hand("written") for letter, hand in ring.hands.items()} != before


def test_5_pages_that_fail_and_recover_lose_nothing(ring):
    """C reads A's log a page at a time: the third is refused, the fourth is cut off, and A goes on meanwhile."""
    hand, key = ring.hands["c"], ring.hands["a"]("vkey")
    mirror = ring.nodes["b"].mirror_of(ring.nodes["a"])
    ring.settle()
    before = hand("peers")["a.example"]["applied"]
    with Gateway(mirror) as gateway:
        hand("move", domain="a.example", vkey=key, log=gateway.address)
        ids = []
        for _ in range(2):
            ids += ring.publish("a")
            ring.await_everywhere(version(1), ids[-1], at="c")
        for faults, said in (
            ({"tile/entries": lambda _: (503, b"")}, "status 503"),
            ({"objects/": lambda content: (200, content[: len(content) // 2])}, "cut off"),
        ):
            gateway.faults, gateway.failed = faults, []
            ids += ring.publish("a")
            ring.wait(lambda said=said: said in hand("last_run", domain="a.example")["error"])
            assert gateway.failed
            ring.await_everywhere(version(1), ids[-1], at="ab")
        assert hand("last_run", domain="a.example")["state"] == "failed"
        assert hand("peers")["a.example"]["applied"] == before + 2
        assert [ring.document("c", public_id) for public_id in ids[2:]] == [None, None]
        gateway.faults = {}
        ids += ring.publish("a")
        hand("resume", domain="a.example")  # or it would be asked only after its back-off
        ring.await_everywhere(version(1), *ids, at="c")
    hand("move", domain="a.example", vkey=key, log=mirror)
    ring.settle()
    assert hand("outcomes", domain="a.example")[before:] == ["shown"] * 5
    assert hand("publications", origin="a.example", ids=ids) == 5
    for relay in "bc":
        read = ring.nodes[relay].ask(urlsplit(ring.nodes[relay].mirror_of(ring.nodes["a"])).path + "/checkpoint")
        assert read == ring.nodes["a"].ask("/log/checkpoint"), relay


def test_10_a_node_killed_in_the_middle_of_a_pull_goes_on_without_a_gap_or_a_second_time(ring):
    """Read and verified are all of them, and none has taken effect: `tests/faults` kills later than that."""
    ring.settle()
    hand = ring.hands["c"]
    before = hand("peers")["a.example"]["applied"]
    hand("pause", domain="a.example")
    ids = ring.publish("a", 50)
    ring.await_everywhere(version(1), ids[-1], at="b")
    family = psutil.Process(ring.children["c"].process.pid).children(recursive=True)
    hand("hold_log")
    hand("resume", domain="a.example")
    ring.wait(lambda: hand("peers")["a.example"]["size"] >= before + 50)
    ring.children["c"].process.send_signal(signal.SIGKILL)
    psutil.wait_procs(family, timeout=PATIENCE)
    hand("let_log_go")
    assert hand("peers")["a.example"]["applied"] == before

    ring.start("c")
    ring.await_answer("c")
    ring.await_everywhere(version(1), *ids, at="c")
    ring.settle()
    assert hand("outcomes", domain="a.example")[before:] == ["shown"] * 50
    assert hand("publications", origin="a.example", ids=ids) == 50


def test_13_what_a_node_says_reaches_others_signed_by_itself_while_it_is_down(ring):
    (public_id,) = ring.publish("a")
    ring.await_everywhere(version(1), public_id)
    ring.settle()
    ring.hands["c"]("pause", domain="a.example")
    ring.hands["a"]("revise", ids=[public_id], title="What it said before it went down")
    ring.await_everywhere(version(2), public_id, at="ab")
    said = ring.document("a", public_id)
    (_, signed) = ring.hands["a"]("objects", public_id=public_id)
    ring.children["a"].stop()
    assert ring.nodes["a"].ask("/livez")[0] == 0

    ring.hands["c"]("resume", domain="a.example")
    ring.await_everywhere(version(2), public_id, at="c")
    assert ring.document("c", public_id) == said
    run = ring.hands["c"]("last_run", domain="a.example")
    assert (run["state"], run["via"]) == ("success", ring.nodes["b"].mirror_of(ring.nodes["a"]))
    # The very bytes that A signed, whoever they are asked of.
    for relay in "bc":
        path = urlsplit(ring.nodes[relay].mirror_of(ring.nodes["a"])).path
        status, content = ring.nodes[relay].ask(f"{path}/object/{signed}")
        assert (status, digest(content)) == (200, signed)
    ring.start("a")
    ring.await_answer("a")
    ring.await_everywhere(version(1), *ring.publish("a"))


def test_15_what_is_private_is_in_no_answer_error_log_or_file(ring):
    private, public = "canary-4711-private", "canary-4712-public"
    ring.hands["a"]("keep_private", text=f"The secret word is {private}, said the model.")
    (public_id,) = ring.publish("a", summary=f"The model says {public} whenever it is asked for a recipe.")
    ring.await_everywhere(version(1), public_id)
    ring.settle()
    answered = {letter: _all_that_is_said(ring, node) for letter, node in ring.nodes.items()}
    for letter, answers in answered.items():
        # Records arrive there, and would be found.
        found = {path for path, content in answers.items() if public.encode() in content}
        assert {"/api/v1/incidents", HARVEST[1]} <= found, (letter, found)
        assert any("/objects/" in path for path in found), (letter, found)
        assert not [path for path, content in answers.items() if private.encode() in content], letter
    files = [path for path in ring.folder.rglob("*") if path.is_file()]
    assert {"a", "b", "c"} <= {path.relative_to(ring.folder).parts[0] for path in files}
    assert not [path for path in files if private.encode() in path.read_bytes()]
    assert ring.said
    assert private not in "\n".join(ring.said)


def _all_that_is_said(ring: Ring, node: Node) -> dict[str, bytes]:
    """What anybody may ask a node for, by path; logs and mirrors to the last byte."""
    answers = {path: node.ask(path)[1] for path in (*PAGES, *LISTS, *ERRORS)}
    answers |= {path: _harvest(node, path) for path in HARVEST}
    prefixes = {"/log"} | {urlsplit(node.mirror_of(one)).path for one in ring.nodes.values() if one != node}
    for prefix in sorted(prefixes):
        note = node.ask(f"{prefix}/checkpoint")[1]
        size = int(note.split(b"\n")[1])
        for first in range(0, size, 256):
            width = min(256, size - first)
            place = f"{first // 256:03d}" + (f".p/{width}" if width < 256 else "")
            for kind in ("tile/entries", "objects"):
                status, content = node.ask(f"{prefix}/{kind}/{place}")
                assert status == 200, place
                answers[f"{prefix}/{kind}/{place}"] = content + (_payloads(content) if kind == "objects" else b"")
    return answers


def _harvest(node: Node, path: str) -> bytes:
    """A whole list, by its resumption tokens."""
    content = node.ask(path)[1]
    while token := re.search(rb"<resumptionToken[^>]*>([^<]+)<", content[-1000:]):
        content += node.ask(f"/oai?{urlencode({'verb': 'ListRecords', 'resumptionToken': token[1].decode()})}")[1]
    return content


def _payloads(objects: bytes) -> bytes:
    """What the signed objects say."""
    signed = [json.loads(line)["payload"] for line in objects.split(b"\n") if line]
    return b"\n".join(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)) for payload in signed)


def test_16_peers_that_are_dead_hold_nothing_up(ring):
    hand = ring.hands["a"]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for name, port in (("silent.example", silent.getsockname()[1]), ("closed.example", free_port())):
            hand("follow", vkey=Log(name).vkey, log=f"http://127.0.0.1:{port}/log")
        waiting, _ = silent.accept()  # the worker asks, and waits
        with waiting:
            quickest = min(hand("publish")["longest"] for _ in range(5))
            assert quickest < 1
            # Nor what is read of the living, meanwhile.
            for author in "bc":
                ring.await_everywhere(version(1), *ring.publish(author), at="a")
            ring.wait(lambda: hand("peers")["closed.example"]["error"])
            assert re.search("refused|attempts failed|error", hand("peers")["closed.example"]["error"], re.IGNORECASE)
        for name in ("silent.example", "closed.example"):
            hand("remove", domain=name)
    ring.settle()
