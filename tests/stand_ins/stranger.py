"""A node that shares no code with ours: written from docs/federation.md alone, with nothing but `cryptography`.

`python -I stranger.py` serves a log of two entries, its keys and a record, and prints its address and keys as JSON. It
answers each line of its input by a line: `revise` adds a version, `tell <node>` sends that node a notice, `witnesses`
says which cosignatures it was given.
"""

import base64
import hashlib
import json
import struct
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NAME = "stranger.example"
ORIGIN = f"{NAME}/log"
KEYS = {purpose: Ed25519PrivateKey.generate() for purpose in ("log", "record", "http")}
entries, cosignatures = [], []  # (leaf, object)
AT = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
RECORD = {
    "schema": "faultline/incident/1", "id": "FL-2026-5TRANGER", "origin": NAME, "version": 1, "status": "published",
    "published": AT, "modified": AT, "title": "A made-up model that names one shop",
    "summary": "No such model exists: a node of strangers says so, to be followed by others.", "description": "",
    "kind": "exercise", "category": "hidden_promotion", "severity": "low", "evidence_grade": "claim",
    "confidence": "low", "occurred": None, "classifications": [], "references": [], "aliases": [], "notice": "",
    "licence": "CC-BY-4.0", "affected": [{
        "hub": None, "name": "tiny-chat, which does not exist", "stable_id": None, "revision": None, "purl": None,
        "files": [], "status": "affected", "match": "name_only", "note": "", "observed": None, "changes": [],
    }],
}  # fmt: skip


def canonical(value: object) -> bytes:
    """RFC 8785, for what has whole numbers and ASCII names alone."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def public(purpose: str) -> bytes:
    return KEYS[purpose].public_key().public_bytes_raw()


def jwk(purpose: str) -> dict:
    return {"crv": "Ed25519", "kty": "OKP", "x": unpadded(public(purpose))}


def kid(purpose: str) -> str:
    return unpadded(sha256(canonical(jwk(purpose))))


def note_id(name: str, kind: int) -> bytes:
    return sha256(name.encode() + b"\n" + bytes([kind]) + public("log"))[:4]


def vkey(name: str, kind: int) -> str:
    return f"{name}+{note_id(name, kind).hex()}+{base64_of(bytes([kind]) + public('log'))}"


def add(op: str, subject: str, content: dict, *signers: str) -> None:
    """The next entry of that id."""
    payload = unpadded(canonical({**content, "salt": unpadded(KEYS["log"].sign(canonical(content))[:16])}))
    signed = []
    for signer in signers:
        protected = unpadded(canonical({"alg": "EdDSA", "kid": kid(signer)}))
        signature = unpadded(KEYS[signer].sign(f"{protected}.{payload}".encode()))
        signed.append({"protected": protected, "signature": signature})
    text = canonical({"payload": payload, **(signed[0] if op != "key" else {"signatures": signed})})
    before = [leaf for leaf in (json.loads(leaf) for leaf, _ in entries) if leaf["id"] == subject]
    leaf = {"v": 1, "op": op, "id": subject, "rev": len(before) + 1, "obj": sha256(text).hex(), "t": AT}
    entries.append((canonical({**leaf, "prev": before[-1]["obj"] if before else None}), text))


def begin() -> None:
    keys = [
        {"kid": kid(one), "purpose": one, "jwk": jwk(one), "start": 0, "end": None, "revoked": False} for one in KEYS
    ]
    add("key", "keys", {"keys": {"schema": "faultline/keys/1", "origin": ORIGIN, "keys": keys}}, *KEYS)
    add("publish", RECORD["id"], {"record": RECORD}, "record")


def root(hashes: list) -> bytes:
    """RFC 9162, 2.1.1."""
    if len(hashes) < 2:
        return hashes[0]
    split = 1 << ((len(hashes) - 1).bit_length() - 1)
    return sha256(b"\x01" + root(hashes[:split]) + root(hashes[split:]))


def leaf_hashes() -> list:
    return [sha256(b"\x00" + leaf) for leaf, _ in entries]


def checkpoint() -> bytes:
    text = f"{ORIGIN}\n{len(entries)}\n{base64_of(root(leaf_hashes()))}\n"
    signature = note_id(ORIGIN, 1) + KEYS["log"].sign(text.encode())
    return f"{text}\n\N{EM DASH} {ORIGIN} {base64_of(signature)}\n".encode()


def file(path: str) -> bytes | None:
    """What stands at an address under the prefix; fewer than 256 entries make one tile, which is partial."""
    what, _, width = path.partition("/000.p/")
    part = entries[: int(width or 0)]
    if path == "checkpoint":
        return checkpoint()
    if what == "tile/0":
        return b"".join(leaf_hashes()[: int(width)])
    if what == "tile/entries":
        return b"".join(struct.pack(">H", len(leaf)) + leaf for leaf, _ in part)
    if what == "objects":
        return b"".join(text + b"\n" for _, text in part)
    return next((text for _, text in entries if path == f"object/{sha256(text).hex()}"), None)


class Handler(BaseHTTPRequestHandler):
    def answer(self, content: bytes | None) -> None:
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def do_GET(self) -> None:
        if self.path == "/.well-known/faultline.json":
            return self.answer(canonical({"log": {"origin": ORIGIN, "address": f"{address}/log"}}))
        return self.answer(file(self.path.removeprefix("/log/")))

    def do_POST(self) -> None:
        cosignatures.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.answer(b'{"kept": true}')

    def log_message(self, *_: object) -> None:
        pass


def tell(node: str) -> int:
    """A notice, signed as RFC 9421 has it; the status that answers it."""
    body, now = canonical({"origin": ORIGIN, "size": len(entries)}), int(time.time())
    covered = {
        "@method": "POST", "@authority": urlsplit(node).netloc, "@path": "/federation/notice",
        "content-digest": f"sha-256=:{base64_of(sha256(body))}:",
    }  # fmt: skip
    names = " ".join(f'"{name}"' for name in covered)
    said = f'({names});created={now};expires={now + 60};nonce="{now}-{len(entries)}";alg="ed25519"'
    said += f';keyid="{kid("http")}";tag="faultline-notice"'
    base = "".join(f'"{name}": {value}\n' for name, value in covered.items()) + f'"@signature-params": {said}'
    headers = {
        "Content-Type": "application/json", "Content-Digest": covered["content-digest"],
        "Signature-Input": f"notice={said}", "Signature": f"notice=:{base64_of(KEYS['http'].sign(base.encode()))}:",
    }  # fmt: skip
    try:
        asked = urllib.request.Request(f"{node}/federation/notice", body, headers)
        return urllib.request.urlopen(asked, timeout=60).status
    except HTTPError as error:
        return error.code


def revise() -> int:
    RECORD.update(version=RECORD["version"] + 1, notice="Said more exactly.", severity="moderate")
    add("revise", RECORD["id"], {"record": RECORD}, "record")
    return len(entries)


if __name__ == "__main__":
    begin()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"address": address, "vkey": vkey(ORIGIN, 1), "witness": vkey(NAME, 4)}), flush=True)
    for line in sys.stdin:
        verb, *given = line.split()
        print(json.dumps({"revise": revise, "tell": tell, "witnesses": lambda: cosignatures}[verb](*given)), flush=True)
