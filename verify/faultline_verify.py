#!/usr/bin/env python3
"""Checks what a Faultline node says, without trusting it: one record with its proof, or a whole node by HTTP.

    python faultline_verify.py record FL-2026-XXXXXXXX.proof.json --vkey KEY
    python faultline_verify.py node https://faultline.example --vkey KEY --state seen.json

It shares no code with the node and needs nothing but Python 3.9 and `cryptography`. The rules are those of
docs/federation.md; the formats: c2sp.org/tlog-tiles, c2sp.org/tlog-checkpoint, c2sp.org/signed-note, RFC 9162,
RFC 7515, RFC 8037, RFC 8785.

KEY is the node's verifier key, which you have from its operators; without it the key that the node states now is taken,
and printed, so that you can pin it. With --witness KEY, once for each node, its cosignature of the checkpoint is
checked (c2sp.org/tlog-cosignature), and it is said how many there are; with --least N, fewer do not hold. With --state
the checkpoint is remembered, and the next one must continue it: only so is a log found out that was rewritten and
signed again.

Exit codes: 0 everything holds; 1 something does not; 2 the arguments or a file cannot be read; 3 the node does not
answer.
"""

import argparse
import base64
import concurrent.futures
import gzip
import hashlib
import http.client
import json
import os
import re
import struct
import sys
import threading
import time
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

HOLDS, DOES_NOT_HOLD, UNREADABLE, NO_ANSWER = range(4)
WIDTH = 256
LOG, WITNESS = 1, 4
KINDS = {LOG, WITNESS}
LAST_SECOND = 253402300799  # of the year 9999
MOST_BYTES = 512_000_000
SECONDS = 60
MEMBERS = {"record": {"publish", "revise", "retract"}, "erasure": {"erase"}, "keys": {"key"}}
STATUSES = {"publish": {"published"}, "revise": {"published", "disputed"}, "retract": {"withdrawn"}}


class DoesNotHold(Exception):
    """Something that is said does not hold; the message says what."""


class Void(DoesNotHold):
    """The key that signed an entry was revoked from there on."""


class Unreadable(Exception):
    """The arguments, or a file, cannot be read."""


class NoAnswer(Exception):
    """The node does not answer as a node does."""


def require(holds, what):
    """Raises DoesNotHold."""
    if not holds:
        raise DoesNotHold(what)


# --- Encodings -------------------------------------------------------------------------------------------------------
def sha256(data):
    return hashlib.sha256(data).digest()


def canonical(value):
    """RFC 8785, for values that hold no other numbers than integers: no document of a node does."""
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda member: member[0].encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(name)}:{canonical(one)}" for name, one in members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    require(not isinstance(value, float), "a document holds a number that is not whole")
    return json.dumps(value, ensure_ascii=False)


def parsed(text, what):
    try:
        value = json.loads(text)
        require(isinstance(value, dict), f"{what} is no JSON object")
        return value
    except (ValueError, RecursionError) as error:
        raise DoesNotHold(f"{what} is no JSON") from error


def from_base64url(text):
    try:
        data = base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
        require(base64.urlsafe_b64encode(data).rstrip(b"=").decode() == text, "base64url in another spelling")
        return data
    except (ValueError, AttributeError) as error:
        raise DoesNotHold("something is not base64url") from error


def from_base64(text):
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, TypeError) as error:
        raise DoesNotHold("something is not base64") from error


def check_signature(public, signature, signed, what):
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, signed)
    except (InvalidSignature, ValueError) as error:
        raise DoesNotHold(f"{what}: the signature does not verify") from error


# --- Trees (RFC 9162, 2.1) -------------------------------------------------------------------------------------------
def leaf_hash(leaf):
    return sha256(b"\x00" + leaf)


def node_hash(left, right):
    return sha256(b"\x01" + left + right)


def tree_root(hashes):
    """The root over any number of hashes: neighbours are joined, an odd one at the end rises as it is."""
    level = list(hashes)
    while len(level) > 1:
        paired = [node_hash(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
        level = paired + level[len(level) - len(level) % 2 :]
    return level[0] if level else sha256(b"")


def root_by_proof(index, size, leaf, path):
    """The root that an inclusion proof leads to, from the top: RFC 9162, 2.1.3.1 read backwards."""
    require(0 <= index < size, "the proof is of another tree")
    if size == 1:
        require(not path, "the inclusion proof has a wrong length")
        return leaf
    require(path, "the inclusion proof has a wrong length")
    split = 1 << ((size - 1).bit_length() - 1)
    if index < split:
        return node_hash(root_by_proof(index, split, leaf, path[:-1]), path[-1])
    return node_hash(path[-1], root_by_proof(index - split, size - split, leaf, path[:-1]))


# --- Keys and checkpoints --------------------------------------------------------------------------------------------
class Pin:
    """A verifier key (c2sp.org/signed-note): a name, and an Ed25519 key."""

    def __init__(self, text):
        match = re.fullmatch(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)", text.strip())
        try:
            data = base64.b64decode(match[3], validate=True) if match else b""
        except ValueError:
            data = b""
        if len(data) != 33 or data[0] not in KINDS or note_id(match[1], data[1:], data[0]).hex() != match[2]:
            raise Unreadable(f"{text!r} is no verifier key")
        self.name, self.public, self.kind = match[1], data[1:], data[0]


def pinned_log(text):
    pin = Pin(text)
    if pin.kind != LOG:
        raise Unreadable(f"{text!r} is the key of a witness, not of a log")
    return pin


def note_id(name, public, kind=1):
    return sha256(name.encode() + b"\n" + bytes([kind]) + public)[:4]


class Checkpoint:
    """Whose log, how many entries, and the root over them; and who signed that."""

    def __init__(self, note):
        self.text, blank, tail = note.rpartition("\n\n")
        self.text += "\n"
        lines = self.text.split("\n")
        require(blank and tail.endswith("\n") and len(lines) >= 4, "the checkpoint is no signed note")
        require(re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1]), "the checkpoint states no size")
        self.note, self.origin, self.size, self.root = note, lines[0], int(lines[1]), from_base64(lines[2])
        self.signatures = []
        for line in tail.split("\n")[:-1]:
            match = re.fullmatch("\N{EM DASH} (\\S+) (\\S+)", line)
            require(match, "a signature of the checkpoint is malformed")
            data = from_base64(match[2])
            self.signatures.append((match[1], data[:4], data[4:]))

    def is_signed_by(self, name, public):
        """Whether that key signed it; raises DoesNotHold where a signature says so and does not verify."""
        mine = self._by(name, note_id(name, public))
        for value in mine:
            check_signature(public, value, self.text.encode(), "the checkpoint")
        return bool(mine)

    def cosigned(self, name, public):
        """When that witness says to have seen it (POSIX time), or None; raises DoesNotHold as `is_signed_by` does."""
        seen = None
        for value in self._by(name, note_id(name, public, WITNESS)):
            require(len(value) == 72, f"the cosignature of {name} is malformed")
            seen = struct.unpack(">Q", value[:8])[0]
            signed = f"cosignature/v1\ntime {seen}\n{self.text}".encode()
            check_signature(public, value[8:], signed, f"the cosignature of {name}")
        return seen

    def _by(self, name, key_id):
        return [value for by, stated, value in self.signatures if (by, stated) == (name, key_id)]


def check_witnesses(checkpoint, texts, least):
    """That as many of these witnesses cosigned the checkpoint; says who did, and when."""
    keys = dict.fromkeys((witness_name(pin), pin.public) for pin in map(Pin, texts))
    names, holding = {name for name, _ in keys}, set()
    if checkpoint.origin in {f"{name}/log" for name in names}:
        raise Unreadable("a log is no witness of itself")
    if least > len(names):
        raise Unreadable(f"{least} cosignatures are asked for, and {len(names)} witnesses are named")
    for name, public in keys:
        seen = checkpoint.cosigned(name, public)
        if seen is not None:
            holding.add(name)
            say(f"cosigned by {name} at {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(min(seen, LAST_SECOND)))}")
    if names:
        say(f"{len(holding)} of {len(names)} witnesses cosigned the checkpoint of {checkpoint.size} entries")
    require(len(holding) >= least, f"fewer than {least} of the witnesses cosigned the checkpoint")


def witness_name(pin):
    """Of a node's log, its key as a witness follows: the same one, under the node's name."""
    return pin.name[: -len("/log")] if pin.kind == LOG and pin.name.endswith("/log") else pin.name


class Keys:
    """The keys that a log states, each with the entries it counts for."""

    def __init__(self, document):
        require(document.get("schema") == "faultline/keys/1", "the key event is of another version")
        self.origin, self.keys = document.get("origin"), {}
        for key in document["keys"]:
            public = from_base64url(key["jwk"]["x"])
            jwk = canonical({"crv": "Ed25519", "kty": "OKP", "x": key["jwk"]["x"]}).encode()
            kid = base64.urlsafe_b64encode(sha256(jwk)).rstrip(b"=").decode()
            require(kid == key["kid"] and len(public) == 32, "a key does not have the id that it states")
            self.keys[kid] = {**key, "public": public}

    def at(self, purpose, index):
        """The key that counts for an entry; None where it was revoked."""
        for key in self.keys.values():
            if key["purpose"] == purpose and key["start"] <= index and (key["end"] is None or index < key["end"]):
                return key
        return None

    def check_step(self, before, index, kids):
        """That this state may follow the one before, at that entry, signed by exactly these keys."""
        if before is None:
            require(
                index == 0 and all(k["start"] == 0 and k["end"] is None for k in self.keys.values()),
                "a log begins with its keys",
            )
            require(sorted(kids) == sorted(self.keys), "not every first key signed")
            return
        require(self.origin == before.origin and len(self.keys) > len(before.keys), "a key event takes something back")
        moved = []
        for (kid, old), (new_kid, new) in zip(before.keys.items(), self.keys.items()):
            require(kid == new_kid, "a key event leaves a key out")
            if old != new:
                moved.append(kid)
                ended = {**new, "end": None, "revoked": False}
                require(
                    ended == old and new["end"] is not None and new["end"] <= index,
                    "a key event changes a key that ended",
                )
        for kid in list(self.keys)[len(before.keys) :]:
            moved.append(kid)
            require(
                self.keys[kid]["start"] == index and self.keys[kid]["end"] is None, "a new key counts from elsewhere"
            )
        require(sorted(kids) == sorted(moved), "a key event is not signed by the keys that end and begin")

    def check_checkpoint(self, checkpoint, pin):
        """That the pinned key, or one that the log leads to from it, signed the checkpoint, and counts there."""
        require(pin.name == self.origin, f"the pinned key is one of {pin.name}, the log is {self.origin}")
        pinned = [key for key in self.keys.values() if key["public"] == pin.public and key["purpose"] == "log"]
        require(pinned, "the log does not know the pinned key: this is another log, or a rewritten one")
        key = self.at("log", checkpoint.size - 1)
        require(key, "the log's key was revoked here, and no other took its place")
        require(
            checkpoint.is_signed_by(self.origin, key["public"]), "the checkpoint is not signed by the key that counts"
        )
        if pinned[0]["revoked"]:
            say("the pinned key was revoked; pin the one that the node states now")


# --- Leaves and objects ----------------------------------------------------------------------------------------------
def read_leaf(data):
    leaf = parsed(data, "a leaf")
    require(
        leaf.keys() == {"v", "op", "id", "rev", "obj", "prev", "t"} and leaf["v"] == 1, "a leaf is of another version"
    )
    require(canonical(leaf).encode() == data and len(data) <= 1024, "a leaf is not in canonical form")
    return leaf


def read_object(text, leaf):
    """The payload of an object and its (kid, signed, signature); the text is what the leaf's digest is of."""
    require(sha256(text).hex() == leaf["obj"], "the object is not the one that the leaf names")
    jws = parsed(text, "an object")
    require(canonical(jws).encode() == text, "an object is not in canonical form")
    found = []
    try:
        for one in jws.get("signatures", [jws]):
            header = parsed(from_base64url(one["protected"]), "a protected header")
            require(
                header.keys() == {"alg", "kid"} and header["alg"] == "EdDSA", "a protected header is not one of a node"
            )
            signed = f"{one['protected']}.{jws['payload']}".encode()
            found.append((header["kid"], signed, from_base64url(one["signature"])))
        payload = from_base64url(jws["payload"])
    except (KeyError, TypeError, AttributeError) as error:
        raise DoesNotHold("an object is no JWS") from error
    content = parsed(payload, "a payload")
    require(canonical(content).encode() == payload, "a payload is not in canonical form")
    member = next((name for name, ops in MEMBERS.items() if leaf["op"] in ops), None)
    require(member and content.keys() == {member, "salt"}, "the payload is not what the leaf announces")
    require(len(from_base64url(content["salt"])) == 16, "the salt is not of 128 bits")
    return content[member], found


def check_record(index, leaf, text, keys):
    """The document of an entry, signed by the record key that counts there."""
    document, signatures = read_object(text, leaf)
    key = keys.at("record", index)
    if not key:
        raise Void("the key that signed it was revoked, and the record was not published again since")
    require([kid for kid, _, _ in signatures] == [key["kid"]], "it is not signed by the record key that counts")
    check_signature(key["public"], signatures[0][2], signatures[0][1], "the record")
    require(
        (document.get("id"), document.get("version")) == (leaf["id"], leaf["rev"]),
        "it is another record than the leaf says",
    )
    require(f"{document.get('origin')}/log" == keys.origin, "it is a record of another node")
    if leaf["op"] in STATUSES:
        require(document.get("status") in STATUSES[leaf["op"]], "its status is not what the leaf says was done")
    return document


def check_keys(index, leaf, text, before):
    """The keys that a key event states."""
    document, signatures = read_object(text, leaf)
    try:
        keys = Keys(document)
    except (KeyError, TypeError, AttributeError) as error:
        raise DoesNotHold("a key event cannot be read") from error
    for kid, signed, signature in signatures:
        require(kid in keys.keys, "a key event is signed by a key that it does not name")
        check_signature(keys.keys[kid]["public"], signature, signed, "a key event")
    if before is not False:
        keys.check_step(before, index, [kid for kid, _, _ in signatures])
    return keys


# --- One record ------------------------------------------------------------------------------------------------------
def verify_record(path, pin_text, check_cosigned):
    """Checks the file that `GET /api/v1/incidents/<id>/proof` answers."""
    try:
        with sys.stdin.buffer if path == "-" else open(path, "rb") as file:
            bundle = json.loads(file.read())
        if not isinstance(bundle, dict) or bundle.get("schema") != "faultline/proof/1":
            raise Unreadable(f"{path} holds no proof of a Faultline record")
        checkpoint, parts = Checkpoint(bundle["checkpoint"]), (bundle["keys"], bundle)
        for part in parts:
            require(part["object"] is not None, "the record was erased: there is nothing to verify")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable(f"{path}: {error}") from error
    leaves = [in_tree(part, checkpoint) for part in parts]
    keys = check_keys(parts[0]["index"], leaves[0], canonical(parts[0]["object"]).encode(), False)
    pin = pinned_log(pin_text) if pin_text else first_pin(checkpoint, keys)
    keys.check_checkpoint(checkpoint, pin)
    check_cosigned(checkpoint)
    leaf = leaves[1]
    require(leaf["id"] == bundle["id"], "the proof is of another record")
    document = check_record(bundle["index"], leaf, canonical(bundle["object"]).encode(), keys)
    what = "erasure" if leaf["op"] == "erase" else f"version {leaf['rev']}, {document.get('status')}"
    say(f"{leaf['id']}: {what}, entry {bundle['index']} of {checkpoint.size} in {checkpoint.origin}")


def in_tree(part, checkpoint):
    """The leaf of one half of the file, which its proof places in the tree."""
    leaf = part["leaf"].encode()
    path = [from_base64(one) for one in part["inclusion"]]
    require(len(path) <= 64, "the inclusion proof has a wrong length")
    root = root_by_proof(part["index"], checkpoint.size, leaf_hash(leaf), path)
    require(root == checkpoint.root, "the entry is not in the signed tree")
    return read_leaf(leaf)


def first_pin(checkpoint, keys):
    key = keys.at("log", checkpoint.size - 1)
    require(key, "the log's key was revoked here, and no other took its place")
    encoded = base64.b64encode(bytes([1]) + key["public"]).decode()
    pin = f"{keys.origin}+{note_id(keys.origin, key['public']).hex()}+{encoded}"
    say(f"no key was pinned; the one that the log itself states is\n{pin}")
    return Pin(pin)


# --- A whole node ----------------------------------------------------------------------------------------------------
class Node:
    """Asks one node over kept connections, one for each thread."""

    def __init__(self, address):
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise Unreadable(f"{address!r} is no web address")
        self._parts, self._local = parts, threading.local()

    def get(self, path, missing=()):
        """What the node answers to a path under its address; None for a status in `missing`."""
        for attempt in (1, 2, 3):
            try:
                status, content = self._ask(path)
            except (OSError, http.client.HTTPException) as error:
                self._local.connection = None
                if attempt == 3:
                    raise NoAnswer(f"{path}: {error or type(error).__name__}") from error
                time.sleep(attempt)
                continue
            if status in missing:
                return None
            if status == 200:
                return content
            if status != 503 or attempt == 3:
                raise NoAnswer(f"{path}: status {status}")
            time.sleep(attempt)
        raise NoAnswer(path)

    def _ask(self, path):
        if getattr(self._local, "connection", None) is None:
            kind = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
            self._local.connection = kind(self._parts.hostname, self._parts.port, timeout=SECONDS)
        connection = self._local.connection
        connection.request("GET", self._parts.path.rstrip("/") + path, headers={"Accept-Encoding": "gzip, identity"})
        response = connection.getresponse()
        content = response.read(MOST_BYTES)
        if response.getheader("Content-Length") and response.length:
            raise http.client.IncompleteRead(content)
        if response.getheader("Content-Encoding") == "gzip":
            content = gzip.decompress(content)
        return response.status, content


def tile_path(number):
    groups = [f"{number % 1000:03d}"]
    while number >= 1000:
        number //= 1000
        groups.append(f"x{number % 1000:03d}")
    return "/".join(reversed(groups))


def tiles(count):
    """The address and first index of each tile of a level with so many hashes."""
    for number in range((count + WIDTH - 1) // WIDTH):
        width = min(WIDTH, count - number * WIDTH)
        yield tile_path(number) + ("" if width == WIDTH else f".p/{width}"), number, width


def verify_node(address, pin_text, state_path, threads, check_cosigned):
    """Fetches everything that a node publishes of its log, and derives it again."""
    node, started = Node(address), time.monotonic()
    checkpoint = Checkpoint(node.get("/log/checkpoint").decode("utf-8", "replace"))
    seen = read_state(state_path)
    if seen and seen["origin"] != checkpoint.origin:
        raise DoesNotHold(f"what you saw before was {seen['origin']}, this is {checkpoint.origin}")
    walk = Walk(node, checkpoint, threads)
    walk.fetch_leaves()
    require(tree_root(walk.hashes) == checkpoint.root, "the entries do not have the root that the checkpoint signs")
    if seen:
        require(
            seen["size"] <= checkpoint.size, f"the log had {seen['size']} entries before, now it has {checkpoint.size}"
        )
        before = tree_root(walk.hashes[: seen["size"]])
        require(before.hex() == seen["root"], f"the first {seen['size']} entries are not those you saw before")
    walk.check_tiles()
    keys = walk.read_keys()
    pin = pinned_log(pin_text) if pin_text else first_pin(checkpoint, keys)
    keys.check_checkpoint(checkpoint, pin)
    check_cosigned(checkpoint)
    walk.check_objects(keys)
    for problem in walk.problems[:20]:
        say(problem)
    require(not walk.problems, f"{len(walk.problems)} entries do not hold")
    write_state(state_path, {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root.hex()})
    say(
        f"{checkpoint.origin}: {checkpoint.size} entries hold, {walk.erased} of their objects erased"
        f" ({time.monotonic() - started:.1f} s)"
    )


class Walk:
    """All entries of one log, up to its checkpoint."""

    def __init__(self, node, checkpoint, threads):
        self._node, self._size, self._threads = node, checkpoint.size, threads
        self.leaves, self.hashes, self.problems, self.erased = [], [], [], 0

    def _each(self, job, items):
        with concurrent.futures.ThreadPoolExecutor(self._threads) as pool:
            yield from pool.map(job, items)

    def fetch_leaves(self):
        """Every entry bundle."""
        for content, number in self._each(
            lambda one: (self._node.get(f"/log/tile/entries/{one[0]}"), one[1]), tiles(self._size)
        ):
            at, before = 0, len(self.leaves)
            while at < len(content):
                require(at + 2 <= len(content), "an entry bundle is cut off")
                length = struct.unpack(">H", content[at : at + 2])[0]
                self.leaves.append(content[at + 2 : at + 2 + length])
                at += 2 + length
            require(at == len(content), "an entry bundle is cut off")
            require(
                len(self.leaves) - before == min(WIDTH, self._size - number * WIDTH),
                "an entry bundle has a wrong length",
            )
        self.hashes = [leaf_hash(leaf) for leaf in self.leaves]
        self.leaves = [read_leaf(leaf) for leaf in self.leaves]

    def check_tiles(self):
        """Every tile of every level against the hashes of the entries."""
        hashes, level = self.hashes, 0
        while hashes:
            for (path, number, width), content in zip(
                tiles(len(hashes)),
                self._each(lambda one, level=level: self._node.get(f"/log/tile/{level}/{one[0]}"), tiles(len(hashes))),
            ):
                expected = b"".join(hashes[number * WIDTH : number * WIDTH + width])
                require(content == expected, f"tile {level}/{path} does not hold the hashes of the tree")
            full = len(hashes) // WIDTH
            hashes, level = [tree_root(hashes[at * WIDTH : (at + 1) * WIDTH]) for at in range(full)], level + 1

    def read_keys(self):
        """The last state of the keys, every step to it checked."""
        keys = None
        for index, leaf in enumerate(self.leaves):
            if leaf["op"] == "key":
                text = self._node.get(f"/log/object/{leaf['obj']}")
                keys = check_keys(index, leaf, text, keys)
        require(keys, "the log states no keys")
        return keys

    def check_objects(self, keys):
        """Every object against its leaf, its revision, and the key that counts there."""
        void = {}
        last, erased_at = {}, {leaf["id"]: index for index, leaf in enumerate(self.leaves) if leaf["op"] == "erase"}
        pages = self._each(lambda one: (self._node.get(f"/log/objects/{one[0]}"), one[1]), tiles(self._size))
        for content, number in pages:
            lines = content.split(b"\n")
            width = min(WIDTH, self._size - number * WIDTH)
            require(len(lines) == width + 1 and lines[-1] == b"", "a page of objects has a wrong length")
            for index, text in enumerate(lines[:-1], start=number * WIDTH):
                leaf = self.leaves[index]
                void.pop(leaf["id"], None)
                try:
                    check_order(leaf, last.get(leaf["id"]))
                    self._check_object(index, leaf, text, keys, erased_at)
                except Void as error:
                    void[leaf["id"]] = f"entry {index}, {leaf['id']}: {error}"
                except DoesNotHold as error:
                    self.problems.append(f"entry {index}, {leaf['id']}: {error}")
                last[leaf["id"]] = leaf
        self.problems += void.values()

    def _check_object(self, index, leaf, text, keys, erased_at):
        if text:
            require(
                leaf["op"] == "key" or index >= erased_at.get(leaf["id"], index), "it was erased, and is still served"
            )
            if leaf["op"] != "key":
                check_record(index, leaf, text, keys)
            return
        require(index < erased_at.get(leaf["id"], -1), "the object is missing, and nothing says that it was erased")
        gone = self._node.get(f"/log/object/{leaf['obj']}", missing={410})
        require(gone is None, "it was erased, and is still served")
        self.erased += 1


def check_order(leaf, before):
    """That a revision follows the one before of its id."""
    first = leaf["op"] == "publish" or (leaf["op"] == "key" and leaf["rev"] == 1)
    require(first == (before is None), "it is not what may happen to that id here")
    require((leaf["op"] == "key") == (leaf["id"] == "keys"), "the keys have an id of their own")
    require(before is None or before["op"] != "erase" or leaf["op"] == "erase", "it was erased before; that is final")
    require(leaf["rev"] == (before["rev"] + 1 if before else 1), "it does not follow the revision before")
    require(leaf["prev"] == (before["obj"] if before else None), "it does not name the revision before")


def read_state(path):
    if not path or not os.path.exists(path):
        return None
    try:
        with open(path, encoding="utf-8") as file:
            state = json.load(file)
        return {"origin": str(state["origin"]), "size": int(state["size"]), "root": str(state["root"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unreadable(f"{path}: {error}") from error


def write_state(path, state):
    if not path:
        return
    try:
        with open(f"{path}.new", "w", encoding="utf-8") as file:
            json.dump(state, file)
        os.replace(f"{path}.new", path)
    except OSError as error:
        raise Unreadable(f"{path}, which cannot be written: {error}") from error


def say(text):
    print(text, flush=True)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_subparsers(dest="what", required=True)
    record = what.add_parser("record", help="one record with its proof")
    record.add_argument("file", help="what /api/v1/incidents/<id>/proof answered; - reads it from standard input")
    node = what.add_parser("node", help="a whole node by HTTP")
    node.add_argument("address", help="for example https://faultline.example")
    node.add_argument("--state", help="a file that remembers what was seen")
    node.add_argument("--threads", type=int, choices=range(1, 17), metavar="1-16", default=4, help="4 without it")
    for each in (record, node):
        each.add_argument("--vkey", default="", help="the verifier key of the log")
        each.add_argument(
            "--witness", action="append", default=[], help="the verifier key of a node whose cosignature counts; repeat"
        )
        each.add_argument("--least", type=int, default=0, help="how many of them must have cosigned; 0 without it")
    given = parser.parse_args(arguments)

    def check_cosigned(checkpoint):
        check_witnesses(checkpoint, given.witness, given.least)

    try:
        if given.what == "record":
            verify_record(given.file, given.vkey, check_cosigned)
        else:
            verify_node(given.address, given.vkey, given.state, given.threads, check_cosigned)
    except DoesNotHold as error:
        print(f"does not hold: {error}", file=sys.stderr)
        return DOES_NOT_HOLD
    except UnicodeError:
        print("does not hold: a text of it is not Unicode", file=sys.stderr)
        return DOES_NOT_HOLD
    except Unreadable as error:
        print(f"cannot be read: {error}", file=sys.stderr)
        return UNREADABLE
    except NoAnswer as error:
        print(f"no answer: {error}", file=sys.stderr)
        return NO_ANSWER
    return HOLDS


if __name__ == "__main__":
    sys.exit(main())
