"""Another node's log, over real HTTP: made by itself, honest unless a test says otherwise.

It has no database: entries in a list, and every file computed from them when it is asked for.
"""

import json
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from incidents.keys import Key, KeySet, Purpose
from incidents.leaves import KEYS, Leaf, LeafOp, salted
from incidents.record import Record
from lib import jws
from lib.canonical import canonical_bytes, digest
from lib.merkle import GrowingTree, leaf_hash, perfect_root, tile_path
from lib.notes import NoteKey, TreeHead, sign_note
from tests import factories

AT = "2026-03-01T10:00:00Z"


@dataclass
class Entry:
    """A leaf's bytes and its object's; None where it was erased."""

    leaf: bytes
    text: bytes | None


class Log:
    """A node's log as it would sign it."""

    def __init__(self, name: str = "other.example") -> None:
        self.name, self.origin, self.clock = name, f"{name}/log", AT
        self.private = {purpose: Ed25519PrivateKey.generate() for purpose in Purpose}
        self.keys = KeySet(
            self.origin, tuple(Key(one, jws.public_bytes(private), 0) for one, private in self.private.items())
        )
        self.entries: list[Entry] = []
        self.last: dict[str, Leaf] = {}
        self.records: dict[str, Record] = {}
        self.append(LeafOp.KEY, KEYS, salted("keys", self.keys.document()), list(self.private.values()))

    @property
    def vkey(self) -> str:
        """What its operators give to others."""
        return str(NoteKey(self.origin, jws.public_bytes(self.private[Purpose.LOG])))

    def append(
        self, op: LeafOp, subject: str, payload: bytes, signers: list[Ed25519PrivateKey] | None = None, **said: Any
    ) -> Leaf:
        """The next entry of that id; `said` are members of the leaf that say something else than they should."""
        text = jws.sign(payload, *(signers or [self.private[Purpose.RECORD]]))
        before = self.last.get(subject)
        values = {"rev": before.rev + 1 if before else 1, "prev": before.obj if before else None, **said}
        leaf = Leaf(op, subject, values["rev"], said.get("obj", digest(text)), values["prev"], self.clock)
        self.entries.append(Entry(bytes(leaf), text))
        self.last[subject] = leaf
        return leaf

    def publish(self, **changes: Any) -> Record:
        """A new record."""
        record = factories.record(origin=self.name, **changes)
        self.append(LeafOp.PUBLISH, record.id, salted("record", canonical_bytes(record.document())))
        self.records[record.id] = record
        return record

    def revise(self, record: Record, op: LeafOp = LeafOp.REVISE, **changes: Any) -> Record:
        """Its next version."""
        last = self.records[record.id]
        said = {"notice": "Better known now.", **changes}
        following = Record.model_validate({**last.document(), "version": last.version + 1, **said})
        self.append(op, record.id, salted("record", canonical_bytes(following.document())))
        self.records[record.id] = following
        return following

    def retract(self, record: Record) -> Record:
        """Withdraws it."""
        return self.revise(record, LeafOp.RETRACT, status="withdrawn", notice="It did not happen.")

    def erase(self, record: Record) -> None:
        """Erases it: every object of it goes."""
        version = self.last[record.id].rev + 1
        said = {"erased": AT, "id": record.id, "origin": self.name, "reason": "person", "version": version}
        statement = canonical_bytes({"schema": "faultline/erasure/1", **said})
        for entry in self.entries:
            if json.loads(entry.leaf)["id"] == record.id:
                entry.text = None
        self.append(LeafOp.ERASE, record.id, salted("erasure", statement))

    def rotate(self, purpose: Purpose, *, revoked_from: int | None = None) -> None:
        """Puts another key in the place of one."""
        old, new = self.private[purpose], Ed25519PrivateKey.generate()
        at = len(self.entries)
        self.keys = self.keys.replaced(purpose, jws.public_bytes(new), at=at, from_index=revoked_from)
        self.private[purpose] = new
        self.append(LeafOp.KEY, KEYS, salted("keys", self.keys.document()), [old, new])

    def root(self, size: int) -> bytes:
        """Of its first entries."""
        tree = GrowingTree()
        for entry in self.entries[:size]:
            tree.add(leaf_hash(entry.leaf))
        return tree.root()

    def checkpoint(self, size: int | None = None) -> str:
        """Signed by the key in force."""
        size = len(self.entries) if size is None else size
        head = TreeHead(self.origin, size, self.root(size))
        return sign_note(str(head), [(self.origin, self.private[Purpose.LOG])])

    def file(self, path: str) -> bytes | None:
        """What the specification has at that place below the log's prefix."""
        if path == "checkpoint":
            return self.checkpoint().encode()
        if path.startswith("object/"):
            return self._object(path.removeprefix("object/"))
        if path.startswith("tile/entries/"):
            part = self._part(path.removeprefix("tile/entries/"))
            return b"".join(struct.pack(">H", len(one.leaf)) + one.leaf for one in part)
        if path.startswith("objects/"):
            return b"".join((one.text or b"") + b"\n" for one in self._part(path.removeprefix("objects/")))
        if path.startswith("tile/"):
            return self._tile(*path.removeprefix("tile/").split("/", 1))
        return None

    def _object(self, sha256: str) -> bytes | None:
        found = [one.text for one in self.entries if json.loads(one.leaf)["obj"] == sha256]
        return found[0] if found else None

    def _part(self, place: str) -> list[Entry]:
        number, width = _numbers(place)
        return self.entries[number * 256 : number * 256 + width]

    def _tile(self, level: str, place: str) -> bytes:
        number, width = _numbers(place)
        hashes = [leaf_hash(entry.leaf) for entry in self.entries]
        for _ in range(int(level)):
            full = len(hashes) // 256
            hashes = [perfect_root(hashes[at * 256 : at * 256 + 256]) for at in range(full)]
        return b"".join(hashes[number * 256 : number * 256 + width])


def _numbers(place: str) -> tuple[int, int]:
    path, _, width = place.partition(".p/")
    number = next(one for one in range(4000) if tile_path(one) == path)
    return number, int(width) if width else 256


class Node:
    """A log where others can read it, and those that it mirrors, by the SHA-256 of their origin.

    `faults` answer in place of it, by the beginning of the path.
    """

    def __init__(self, log: Log | None = None, host: str = "127.0.0.1") -> None:
        self.log = log or Log()
        self.mirrors: dict[str, Log] = {}
        self.faults: dict[str, Callable[[bytes], tuple[int, bytes]]] = {}
        self.asked: list[str] = []
        self.posted: list[tuple[str, dict[str, str], bytes]] = []
        self.takes = 202
        node = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, content = node.answer(self.path)
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                node.posted.append((self.path, dict(self.headers.items()), body))
                self.send_response(node.takes)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer((host, 0), Handler)
        self.address = f"http://{host}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def answer(self, path: str) -> tuple[int, bytes]:
        """Status and content."""
        self.asked.append(path)
        if path == "/.well-known/faultline.json":
            stated = {"log": {"origin": self.log.origin, "address": f"{self.address}/log"}}
            return 200, json.dumps(stated).encode()
        place = path.removeprefix("/log/")
        content = self.log.file(place) if path.startswith("/log/") else None
        if path.startswith("/mirror/"):
            which, _, place = path.removeprefix("/mirror/").partition("/")
            content = self.mirrors[which].file(place) if which in self.mirrors else None
        for beginning, fault in self.faults.items():
            if place.startswith(beginning):
                return fault(content or b"")
        return (200, content) if content is not None else (404, b"")

    def stop(self) -> None:
        """Nobody answers there any more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
