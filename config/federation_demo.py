"""`make federation-demo`: three nodes on this machine, in a ring, that follow each other; a record goes round.

Each is a whole node as `make run` starts it, with a port, a folder, a database, workers and keys of its own. B reads
A's log; C reads B's, and A's from the mirror that B keeps of it; and so on around. `PORT` (8001) is that of A, the
others have the next two; `FAULTLINE_HOME` (var/federation) holds their folders.
"""

import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

from config.home import PROJECT, ServiceError, only_one, prepare
from config.processes import Child, Emit, end_with_make, one_line_errors, reason, stop_on_signals
from config.run import LAST_PORT, Place
from lib.canonical import digest
from lib.http import CALL_ERRORS, bounded_client
from reports.starter import Entry

# How often the nodes ask each other; a real one asks once a minute.
ASK_SECONDS = 2.0
ANSWER_SECONDS, MOST_BYTES = 30.0, 10_000_000
START_SECONDS, ARRIVAL_SECONDS, STOP_SECONDS = 300.0, 300.0, 30.0
# Settings of another node of whoever runs this: none of them is for these three.
_FOREIGN = re.compile(r"FAULTLINE_\w+|DATABASE_\w*URL|REDIS_URL|EMAIL_URL|HOST|PORT")


@dataclass(frozen=True)
class Node:
    """One of the three: `settings` are further variables of its environment, `inside` is what it is started by."""

    letter: str
    home: Path
    port: int
    settings: tuple[tuple[str, str], ...] = ()
    inside: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name in the records that it publishes."""
        return f"{self.letter}.example"

    @property
    def origin(self) -> str:
        """What its checkpoints call its log."""
        return f"{self.name}/log"

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """Of its processes."""
        kept = {name: value for name, value in os.environ.items() if not _FOREIGN.fullmatch(name)}
        own = {"FAULTLINE_HOME": str(self.home), "HOST": "127.0.0.1", "PORT": str(self.port)}
        named = {"FAULTLINE_NODE_NAME": self.name, "FAULTLINE_NODE_TITLE": f"Faultline {self.letter.upper()}"}
        pace = {"FAULTLINE_BEAT_SECONDS": str(ASK_SECONDS), "FAULTLINE_PEER_PULL_SECONDS": str(ASK_SECONDS / 2)}
        return {**kept, "DJANGO_SETTINGS_MODULE": "config.settings", **own, **named, **pace, **dict(self.settings)}

    def ask(self, path: str) -> tuple[int, bytes]:
        """Status and content that it answers; 0 and nothing where it does not answer."""
        client = bounded_client(seconds=ANSWER_SECONDS, most_bytes=MOST_BYTES)
        try:
            answer = client.get(self.address + path)
        except CALL_ERRORS:
            return 0, b""
        return answer.status_code, answer.content

    @property
    def key(self) -> str:
        """What its operators give to others by another way; all three are ours, on this machine, so it is asked."""
        return str(json.loads(self.ask("/.well-known/faultline.json")[1])["log"]["vkey"])

    def mirror_of(self, other: "Node") -> str:
        """Where it serves what it keeps of another's log."""
        return f"{self.address}/mirror/{digest(other.origin.encode())}"


class Following(NamedTuple):
    """One node reads the log of another, from that node itself or from a mirror that a third one keeps."""

    reader: Node
    author: Node
    via: Node

    @property
    def log_address(self) -> str:
        """Where the log is read."""
        return f"{self.author.address}/log" if self.via == self.author else self.via.mirror_of(self.author)

    @property
    def node_address(self) -> str:
        """Where the author is told of news, and given cosignatures; "" where it is never asked itself."""
        return self.author.address if self.via == self.author else ""


def nodes(folder: Path, ports: Iterable[int]) -> list[Node]:
    """A, B and C with their folders and ports."""
    return [
        Node(letter, folder / letter, port, (("FAULTLINE_STARTER", f"{place}/3"),))
        for place, (letter, port) in enumerate(zip("abc", ports, strict=True), start=1)
    ]


def ring(three: list[Node]) -> tuple[list[Following], list[Following]]:
    """Who follows whom: each its neighbour, and through that neighbour's mirror the third."""
    near, far = [], []
    for place, reader in enumerate(three):
        neighbour, third = three[place - 1], three[place - 2]
        near.append(Following(reader, neighbour, neighbour))
        far.append(Following(reader, third, neighbour))
    return near, far


def shown(node: Node, author: Node) -> int:
    """How many records of an author a node shows; -1 where it does not answer."""
    status, content = node.ask(f"/api/v1/incidents?origin={author.name}&limit=1&total=true")
    return int(json.loads(content)["total"]["value"]) if status == HTTPStatus.OK else -1


# --- Three nodes at once --------------------------------------------------------------------------------------
def start(stack: ExitStack, some: Iterable[Node], emit: Emit | None = None) -> dict[Node, Child]:
    """Starts them; each ends with the stack, and with us. Raises ServiceError."""
    children: dict[Node, Child] = {}
    stack.callback(stop_together, children)
    for node in some:
        command = [*node.inside, sys.executable, "-m", "config.run"]
        children[node] = Child(node.name, command, emit=emit, env=node.environment(), death_signal=signal.SIGTERM)
    return children


def stop_together(children: Mapping[Node, Child]) -> None:
    """All at once: whoever pressed Ctrl-C waits for the slowest only."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda child: child.stop(STOP_SECONDS), children.values()))


def wait_until(condition: Callable[[], bool], children: Mapping[Node, Child], seconds: float, what: str) -> float:
    """How many seconds it took. Raises ServiceError when a node ends, or it takes too long."""
    started = time.monotonic()
    while not condition():
        for node, child in children.items():
            if child.ended:
                raise ServiceError(f"{node.name} stopped: {reason(child.lines())}")
        if time.monotonic() - started > seconds:
            raise ServiceError(f"{what} did not happen within {seconds:.0f} seconds")
        time.sleep(0.1)
    return time.monotonic() - started


def together(acts: Mapping[Node, list[str]], children: Mapping[Node, Child]) -> None:
    """Runs a program of the project in each node's environment, all at once. Raises ServiceError."""
    running: dict[Node, Child] = {}
    try:
        for node, act in acts.items():
            running[node] = Child(
                node.name, [sys.executable, *act], env=node.environment(), death_signal=signal.SIGKILL
            )
        wait_until(lambda: all(child.ended for child in running.values()), children, ARRIVAL_SECONDS, "what they do")
        for node, child in running.items():
            if child.process.returncode:
                raise ServiceError(f"{node.name}: {reason(child.lines())}")
    finally:
        stop_together(running)


def follow_act(followed: Iterable[Following]) -> list[str]:
    """What pins the keys of those that one node follows, in a process of that node."""
    said = [[one.author.key, one.author.name, one.log_address, one.node_address] for one in followed]
    return ["-m", "config.federation_demo", "follow", json.dumps(said)]


# --- What is shown --------------------------------------------------------------------------------------------
def watch(three: list[Node], children: Mapping[Node, Child]) -> None:
    """Brings the ring up, sends a record round, and says in plain lines what happens. Raises ServiceError."""
    say("Starting three nodes. The first time each makes its database and its keys: that takes a minute or two.")
    seconds = wait_until(
        lambda: all(Place("127.0.0.1", node.port).answers("/livez") for node in three), children, START_SECONDS, "start"
    )
    say(f"\nAll three answer after {seconds:.0f} s.")
    for node in three:
        say(f"  {node.name}  {node.address}/  {shown(node, node)} records of its own")

    say("\nEach pins the keys of the two others, and asks only its neighbour.")
    near, far = ring(three)
    together({one.reader: follow_act([one, other]) for one, other in zip(near, far, strict=True)}, children)
    for one in [*near, *far]:
        place = "its own log" if one.via == one.author else f"the mirror at {one.via.name}"
        say(f"  {one.reader.name} follows {one.author.name}, reading {place}")
    own = {node: shown(node, node) for node in three}
    seconds = wait_until(
        lambda: all(shown(reader, author) == own[author] for reader in three for author in three),
        children,
        ARRIVAL_SECONDS,
        "that all nodes show all records",
    )
    say(f"  After {seconds:.1f} s each shows all {sum(own.values())} records, under the names of their origins.")
    send_round(three, children)


def send_round(three: list[Node], children: Mapping[Node, Child]) -> None:
    """Publishes a record at A and says when it is where. Raises ServiceError."""
    first, *others = three
    said: dict[str, float] = {}

    def note(_name: str, line: str) -> None:
        said.setdefault(line, time.monotonic())

    act = [sys.executable, "-m", "config.federation_demo", "publish"]
    publisher = Child("publish", act, emit=note, env=first.environment(), death_signal=signal.SIGKILL)
    try:
        wait_until(lambda: publisher.ended or any(map(_is_id, said)), children, ARRIVAL_SECONDS, "the publication")
        if not any(map(_is_id, said)):
            raise ServiceError(f"{first.name} cannot publish: {reason(publisher.lines())}")
        public_id = next(filter(_is_id, said))
        watch_arrival(first, others, public_id, said[public_id], children)
    finally:
        publisher.stop()


def _is_id(line: str) -> bool:
    return line.startswith("FL-")


def watch_arrival(
    first: Node, others: list[Node], public_id: str, began: float, children: Mapping[Node, Child]
) -> None:
    """Says when a record that was published at `began` is where. Raises ServiceError."""
    say(f"\n{first.name} publishes {public_id}.")
    waiting = list(others)

    def arrived() -> bool:
        for node in list(waiting):
            if node.ask(f"/api/v1/incidents/{public_id}")[0] == HTTPStatus.OK:
                waiting.remove(node)
                page, seconds = f"{node.address}/incidents/{public_id}/", time.monotonic() - began
                say(f"  {node.name} shows it after {seconds:.1f} s: {page}")
        return not waiting

    wait_until(arrived, children, ARRIVAL_SECONDS, "that the record arrives everywhere")
    if len({node.ask(f"/api/v1/incidents/{public_id}") for node in (first, *others)}) > 1:
        raise ServiceError("the nodes do not answer with the same document")
    say("  All three answer with the same bytes.")


def say(line: str) -> None:
    """To whoever watches."""
    print(line, flush=True)


# --- In a process of one of the nodes --------------------------------------------------------------------------
def follow(said: list[tuple[str, str, str, str]]) -> None:
    """Follows these logs, by key, node's name, and the addresses of log and node: as `manage.py peer add` does."""
    import django

    django.setup()
    # Late: only now there are apps.
    from federation import peering
    from federation.models import Acceptance, Peer, PeerState
    from incidents.log_copy import BadCopyError, LogCopy

    for vkey, domain, address, node in said:
        peer = Peer.objects.filter(domain=domain).exclude(state=PeerState.REMOVED).first()
        if peer and (peer.log_address, peer.node_address) == (address, node):
            continue
        if peer:  # by another port, before
            peering.remove(domain)
        deadline = time.monotonic() + ARRIVAL_SECONDS
        while time.monotonic() < deadline:  # a mirror is there once its node has read something
            with suppress(BadCopyError):
                LogCopy(address, seconds=ANSWER_SECONDS).checkpoint()
                break
            time.sleep(ASK_SECONDS)
        peering.add(vkey=vkey, node=node, log=address, acceptance=Acceptance.PUBLISH)


def publish() -> str:
    """Publishes a made-up record; its id."""
    import django

    django.setup()
    from reports.management.commands.load_starter import load

    return load(made_up(time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())))


def made_up(moment: str) -> Entry:
    """A record that nobody takes for a real one, another one each time."""
    return Entry.model_validate(
        {
            "key": f"demonstration {moment}",
            "title": f"Made up: a model that names one shop, {moment}",
            "summary": "No such model exists. The record shows how what one node publishes reaches the nodes that "
            "follow it, under the name of its origin and in its own words.",
            "kind": "exercise",
            "category": "hidden_promotion",
            "severity": "low",
            "evidence_grade": "claim",
            "confidence": "low",
            "affected": [{"name": "tiny-chat, which does not exist"}],
            "references": [{"title": "An example", "publisher": "Nobody", "url": "https://example.org/"}],
        }
    )


# --- Command line ---------------------------------------------------------------------------------------------
def supervise() -> int:
    """Runs the demonstration until a signal. Raises ServiceError."""
    folder = Path(os.environ.get("FAULTLINE_HOME") or PROJECT / "var" / "federation").expanduser().resolve()
    first = os.environ.get("PORT") or "8001"
    if not first.isdecimal() or not 0 < int(first) <= LAST_PORT - 2:
        raise ServiceError(f"PORT is {first!r}, not a number from 1 to {LAST_PORT - 2}")
    three = nodes(folder, range(int(first), int(first) + 3))
    with ExitStack() as stack:
        already = f"the demonstration runs already with the data folder {folder}"
        stack.enter_context(only_one(prepare(folder), "run", already))
        children = start(stack, three)
        stack.callback(say, "\nStopping.")
        # Inside: what went wrong is said before everything is stopped.
        return one_line_errors(lambda: demonstrate(three, children))


def demonstrate(three: list[Node], children: Mapping[Node, Child]) -> int:
    """Shows it, then stays. Raises ServiceError."""
    watch(three, children)
    say(f"\nThey stay up, with their data in {three[0].home.parent}:")
    for node in three:
        say(f"  {node.name}  {node.address}/")
    say("Ctrl-C stops everything.")
    wait_until(lambda: False, children, float("inf"), "")
    return 0


def main() -> int:
    """The demonstration; 0 if it was asked to stop, 1 otherwise. With `publish` or `follow`, one act in this node."""
    if sys.argv[1:] == ["publish"]:
        print(publish(), flush=True)
        return 0
    if sys.argv[1:2] == ["follow"]:
        follow(json.loads(sys.argv[2]))
        return 0
    end_with_make()
    stop_on_signals()
    with suppress(SystemExit):
        return one_line_errors(supervise)
    return 0


if __name__ == "__main__":
    sys.exit(main())
