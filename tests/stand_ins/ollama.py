"""A stand-in for Ollama's registry, over real HTTP on loopback.

In a test: `with StandInRegistry(["library/bert"]) as hub: settings.HUB_ENDPOINTS = {"ollama": hub.url}`.
By hand:   `python -m tests.stand_ins.ollama --port 8905`.
"""

import argparse
import hashlib
import json
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from tests.stand_ins import huggingface
from tests.stand_ins.huggingface import PAGE, StandInHub, digits
from tests.stand_ins.ranges import StandInFiles

LICENCE = b"\n  MADE-UP COMMUNITY LICENSE AGREEMENT  \n\nYou may.\n"
PUSHED_AT = 1717747750


def digest_of(content: bytes) -> str:
    """The digest that content is addressed by."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def example_config(**overrides: object) -> dict:
    """A config as the registry has it of a quantised model."""
    return {
        "model_format": "gguf",
        "model_family": "bert",
        "model_families": ["bert"],
        "model_type": "1.2B",
        "file_type": "Q8_0",
        "capabilities": ["tools"],
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": []},
    } | overrides


def layer(kind: str, content: bytes, size: int | None = None, **more: object) -> dict:
    """A layer as a manifest lists it."""
    media_type = f"application/vnd.ollama.image.{kind}"
    return {"mediaType": media_type, "digest": digest_of(content), "size": size or len(content)} | more


class StandInRegistry(StandInHub):
    """Serves models; `manifests` by name and tag, `blobs` by digest. By digest it refuses, unless `serves_digests`."""

    def __init__(self, models: Iterable[str] = (), *, port: int = 0) -> None:
        self.manifests: dict[tuple[str, str], bytes] = {}
        self.blobs: dict[str, bytes] = {}
        self.blob_faults: dict[str, str] = {}
        self.storage: StandInFiles | None = None  # where blobs are redirected to
        self.serves_digests = False
        self.required_token = ""
        super().__init__(port=port)
        self._server.RequestHandlerClass = type("Handler", (_Handler,), {"hub": self})
        for name in models:
            self.push(name)

    def push(
        self, name: str, tag: str = "latest", *, config: dict | None = None, layers: list[dict] | None = None
    ) -> str:
        """Puts a model under a tag; the digest of its manifest."""
        said = json.dumps(config or example_config()).encode()
        weights = digits(f"{name} {tag}", 64).encode()
        if layers is None:
            layers = [layer("model", weights, 1_300_000_000), layer("license", LICENCE), layer("params", b"{}")]
        self.blobs |= {digest_of(content): content for content in (said, LICENCE, b"{}")}
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": {
                "mediaType": "application/vnd.docker.container.image.v1+json",
                "digest": digest_of(said),
                "size": len(said),
            },
            "layers": layers,
        }
        self.manifests[name, tag] = json.dumps(manifest).encode()
        return digest_of(self.manifests[name, tag])


class _Handler(huggingface._Handler):
    hub: StandInRegistry
    left, reset = 499, 290.0  # what Hugging Face says with every answer

    def do_GET(self) -> None:  # noqa: N802 - the name that http.server calls
        self.hub.requests.append((self.command, self.path))
        self.hub.authorizations.append(self.headers.get("Authorization"))
        segments = unquote(urlsplit(self.path).path).strip("/").split("/")
        if segments[0] != "v2" or len(segments) != 5:
            return self.say(404, {"Content-Type": "text/html"}, PAGE)
        if self.hub.required_token and self.headers.get("Authorization") != f"Bearer {self.hub.required_token}":
            return self.private()
        name, kind, asked = f"{segments[1]}/{segments[2]}", segments[3], segments[4]
        return self.manifest(name, asked) if kind == "manifests" else self.blob(name, asked)

    def manifest(self, name: str, asked: str) -> None:
        if fault := self.hub.faults.get(name):
            return getattr(self, fault)()
        if "manifest.v2" not in self.headers.get("Accept", ""):
            return self.problem(404, "MANIFEST_INVALID", "manifest invalid")
        found = self.hub.manifests.get((name, asked))
        if asked.startswith("sha256:"):
            if not self.hub.serves_digests:
                return self.internal_error()
            found = {digest_of(manifest): manifest for manifest in self.hub.manifests.values()}.get(asked)
        if found is None:
            return self.missing()
        headers = {"ollama-content-digest": digest_of(found), "ollama-push-time": str(PUSHED_AT)}
        return self.say(200, {"Content-Type": "text/plain; charset=utf-8"} | headers, found)

    def blob(self, name: str, digest: str) -> None:
        if fault := self.hub.blob_faults.get(name):
            return getattr(self, fault)()
        if digest not in self.hub.blobs:
            return self.problem(404, "BLOB_UNKNOWN", "blob unknown to registry")
        if self.hub.storage:
            place = self.hub.storage.put(f"blobs/{digest}", self.hub.blobs[digest])
            return self.say(307, {"Location": f"{place}?X-Amz-Signature=made-up"}, b"")
        return self.say(200, {"Content-Type": "application/octet-stream"}, self.hub.blobs[digest])

    def problem(self, status: int, code: str, message: str, headers: dict | None = None) -> None:
        body = json.dumps({"errors": [{"code": code, "message": message, "detail": {}}]}).encode()
        self.say(status, {"Content-Type": "application/json"} | (headers or {}), body)

    # What can go wrong, by name; more of it in the stand-in this one inherits from.

    def missing(self) -> None:
        self.problem(404, "MANIFEST_UNKNOWN", "manifest unknown")

    def in_storage(self) -> None:
        self.say(307, {"Location": self.hub.storage.put("manifest", b"{}")}, b"")

    def taken_down(self) -> None:
        self.problem(410, "MANIFEST_UNKNOWN", "taken down")

    def private(self) -> None:
        challenge = {"www-authenticate": f'Bearer realm="{self.hub.url}/token",service="ollama.com",scope="pull"'}
        self.problem(401, "UNAUTHORIZED", "authentication required", challenge)

    def internal_error(self) -> None:
        self.problem(500, "INTERNAL_ERROR", "internal error")

    def rate_limited(self) -> None:
        self.problem(429, "TOOMANYREQUESTS", "too many requests", {"Retry-After": "55"})

    def other_content(self) -> None:
        self.say(200, {"Content-Type": "application/octet-stream"}, b'{"model_family": "other"}')

    def an_image(self) -> None:
        self.say(200, {"Content-Type": "application/json"}, b'{"schemaVersion": 1, "fsLayers": []}')


def main() -> None:
    """Serves a few made-up models until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8905)
    hub = StandInRegistry(["library/bert", "acme/bert-chat"], port=parser.parse_args().port)
    hub.push("library/bert", "1b")
    print(f"{hub.url} serves {', '.join(f'{name}:{tag}' for name, tag in hub.manifests)}")
    hub.serve()


if __name__ == "__main__":
    main()
