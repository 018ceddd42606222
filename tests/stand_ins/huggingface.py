"""A stand-in for the Hugging Face Hub's API and its files, over real HTTP on loopback.

In a test: `with StandInHub([example_model("acme/bert")]) as hub: settings.HUB_ENDPOINTS = {"huggingface": hub.url}`.
By hand:   `python -m tests.stand_ins.huggingface --port 8901`.
"""

import argparse
import gzip
import hashlib
import json
import math
import threading
import time
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.stand_ins.ranges import StandInFiles
from tests.waiting import IN_TIME

TOO_MUCH = 9_000_000
RATE_LIMIT = '"{bucket}";r={left};t={reset}'
SCANNERS = ("avScan", "jFrogScan", "pickleImportScan", "protectAiScan", "virusTotalScan")
# What `expand[]=` may ask for, as far as the stand-in knows it.
EXPANDABLE = {
    *(
        "author",
        "baseModels",
        "cardData",
        "childrenModelCount",
        "config",
        "createdAt",
        "disabled",
        "downloads",
        "gated",
    ),
    *("gguf", "lastModified", "library_name", "likes", "model-index", "pipeline_tag", "private", "safetensors"),
    *("sha", "siblings", "tags", "transformersInfo"),
}
PAGE = b"<!doctype html><title>Hugging Face</title><p>We will be back soon.</p>"


def digits(text: str, length: int) -> str:
    """`length` hex digits that depend on `text` alone."""
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def example_file(path: str, size: int = 1234, *, is_large: bool = False) -> dict:
    """A file as the Hub lists it with `blobs=true`; large ones have a SHA-256."""
    entry = {"rfilename": path, "size": size, "blobId": digits(path, 40)}
    if is_large:
        entry["lfs"] = {"sha256": digits(path, 64), "size": size, "pointerSize": 135}
    return entry


def example_model(name: str, **overrides: object) -> dict:
    """A made-up model's document in the form of the Hub's answers."""
    document = {
        "_id": digits(name, 24),
        "id": name,
        "modelId": name,
        "author": name.partition("/")[0],
        "sha": digits(f"{name} 1", 40),
        "private": False,
        "gated": False,
        "disabled": False,
        "createdAt": "2024-02-03T04:05:06.000Z",
        "lastModified": "2024-06-07T08:09:10.000Z",
        "downloads": 4321,
        "likes": 12,
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["transformers", "safetensors", "license:apache-2.0", "region:us"],
        "cardData": {"license": "apache-2.0", "language": ["en"]},
        "config": {"architectures": ["LlamaForCausalLM"], "model_type": "llama"},
        "model-index": None,
        "spaces": [],
        "siblings": [
            example_file(".gitattributes"),
            example_file("README.md", 5000),
            example_file("config.json", 700),
            example_file("model.safetensors", 5_000_000_000, is_large=True),
        ],
        "usedStorage": 5_000_006_934,
    }
    return document | overrides


def example_verdict(status: str = "safe", **scanners: dict) -> dict:
    """What the Hub says of a file's safety: `status` by every scanner, but for those that say something else."""
    return {"status": status} | {scanner: {"status": status} for scanner in SCANNERS} | scanners


class StandInHub:
    """Serves models; `requests` lists (method, path with query), `authorizations` what each call carried."""

    def __init__(self, models: Iterable[dict] = (), *, port: int = 0) -> None:
        self.models: dict[str, list[dict]] = {}  # by name, every commit's document, the newest last
        self.renamed: dict[str, str] = {}
        self.faults: dict[str, str] = {}
        self.recorded: dict[str, tuple[int, dict, bytes]] = {}
        self.tokens: set[str] = set()
        # Beside the models themselves; a question's fault, by its kind, is a method of the handler.
        self.children: dict[str, dict] = {}
        self.organisations: dict[str, dict] = {}
        self.users: set[str] = set()
        self.discussions: dict[str, int] = {}
        self.datasets: set[str] = set()
        self.unscanned: set[str] = set()  # models whose scans are not done
        self.verdicts: dict[tuple[str, str], dict] = {}  # by model and path
        self.contents: dict[tuple[str, str], bytes | Path] = {}  # by model and path
        self.cdn: StandInFiles | None = None  # where large files are redirected to
        self.question_faults: dict[str, str] = {}
        self.requests: list[tuple[str, str]] = []
        self.authorizations: list[str | None] = []
        self.bytes_sent = 0
        self.refused = 0
        self.allow(500, 300.0)
        for document in models:
            self.put(document)
        self._server = _Server(("127.0.0.1", port), type("Handler", (_Handler,), {"hub": self}))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "StandInHub":
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def serve(self) -> None:
        """Answers until the hub is left or the process is interrupted."""
        self._server.serve_forever(poll_interval=0.02)

    def put(self, document: dict) -> None:
        """Adds a model, or a new commit of one."""
        self.models.setdefault(document["id"], []).append(document)

    def allow(self, calls: int, seconds: float) -> None:
        """A fixed window: this many calls in so many seconds, from the first one on; more are refused."""
        self._window, self._calls, self._seconds = (0.0, 0), calls, seconds
        self._counting = threading.Lock()

    def count(self) -> tuple[int, float]:
        """Counts one call: what is left (-1 if it is refused), and seconds to the reset."""
        with self._counting:
            now, (ends, used) = time.monotonic(), self._window
            if now >= ends:
                ends, used = now + self._seconds, 0
            self._window = (ends, min(used + 1, self._calls))
            return (self._calls - used - 1 if used < self._calls else -1), ends - now

    def put_file(self, name: str, path: str, content: bytes | Path, verdict: dict | None = None) -> None:
        """Adds a file to the newest commit of a model, to be downloaded; a large one where there is a CDN."""
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        entry = example_file(path, size, is_large=self.cdn is not None)
        document = self.models[name][-1]
        others = [each for each in document["siblings"] if each["rfilename"] != path]
        self.models[name][-1] = document | {"siblings": [*others, entry]}
        self.contents[name, path] = content
        if verdict:
            self.verdicts[name, path] = verdict

    def fail_question(self, kind: str, fault: str) -> None:
        """From now on one kind of question goes wrong for every model: expand, state, commits, ..., resolve."""
        self.question_faults[kind] = fault

    def questions(self) -> list[str]:
        """The kinds of the questions so far, in order; "model" is the one that lookups ask."""
        return [question(path)[0] for _, path in self.requests]

    def move_on(self, name: str) -> str:
        """Adds a commit on main; its id."""
        sha = digits(f"{name} {len(self.models[name]) + 1}", 40)
        self.put(self.models[name][-1] | {"sha": sha})
        return sha

    def rename(self, old: str, new: str) -> None:
        """Gives the model a new name; the old one then redirects."""
        self.models[new] = [document | {"id": new, "modelId": new} for document in self.models.pop(old)]
        self.renamed[old] = new

    def fail(self, name: str, fault: str) -> None:
        """From now on answers for `name` go wrong: `fault` is a method of the handler, or "" for none."""
        self.faults[name] = fault

    def replay(self, folder: Path) -> list[str]:
        """Serves recorded answers as they were, partial ones left out; the names they are about."""
        names = []
        for file in sorted(folder.glob("*.json")):
            recording = json.loads(file.read_text())
            address = urlsplit(recording["request"].partition(" ")[2])
            if address.query:
                continue
            body = recording["body"]
            content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            kept = ("content-type", "location", "etag", "x-error-code", "x-error-message")
            headers = {name: value for name, value in recording["headers"].items() if name in kept}
            self.recorded[address.path] = (recording["status"], headers, content)
            names.append(address.path.removeprefix("/api/models/"))
        return names


def question(address: str) -> tuple[str, str, str]:
    """What a path asks: the kind, the name it is about, and the rest; kind "" for what is no question."""
    path, _, query = address.partition("?")
    segments = path.strip("/").split("/")
    if segments[:2] == ["api", "models"]:
        return _model_question(segments[2:], query)
    if segments[0] == "api" and segments[-1] == "overview" and len(segments) == 4:
        return segments[1], unquote(segments[2]), ""
    if segments[:2] == ["api", "datasets"]:
        return "datasets", unquote("/".join(segments[2:])), ""
    if "resolve" in segments[1:3]:
        at = segments.index("resolve", 1)
        return "resolve", unquote("/".join(segments[:at])), "/".join(segments[at + 1 :])
    return "", "", ""


def _model_question(segments: list[str], query: str) -> tuple[str, str, str]:
    for length in (2, 1):
        section = "".join(segments[length : length + 1])
        if section in {"commits", "discussions", "paths-info"}:
            return section, unquote("/".join(segments[:length])), unquote("/".join(segments[length + 1 :]))
    name, _, revision = "/".join(segments).partition("/revision/")
    kind = "expand" if "expand" in query else "state" if "securityStatus=true" in query else "model"
    return kind, unquote(name), unquote(revision)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """Says nothing of clients that hang up first."""


class _Handler(BaseHTTPRequestHandler):
    hub: StandInHub
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    bucket = "api"
    body = b""

    def do_GET(self) -> None:
        self.hub.requests.append((self.command, self.path))
        self.hub.authorizations.append(self.headers.get("Authorization"))
        address = urlsplit(self.path)
        kind, name, rest = question(self.path)
        self.bucket = "resolvers" if kind == "resolve" else "api"
        self.left, self.reset = self.hub.count()
        if self.left < 0:
            self.hub.refused += 1
            self.error(429, "", "Too many requests")
        elif address.path in self.hub.recorded:
            self.say(*self.hub.recorded[address.path])
        elif fault := self.hub.question_faults.get(kind):
            getattr(self, fault)()
        elif kind == "model":
            self.answer(name, rest, "blobs=true" in address.query)
        elif kind:
            self.answer_question(kind, name, rest)
        else:
            self.say(404, {"Content-Type": "text/html"}, PAGE)

    def do_POST(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.do_GET()

    def answer_question(self, kind: str, name: str, rest: str) -> None:
        if kind in {"organizations", "users", "datasets"}:
            return getattr(self, kind)(name)
        if name in self.hub.renamed:
            return self.redirect(name, self.hub.renamed[name])
        if name not in self.hub.models:
            return self.private()
        return getattr(self, kind.replace("-", "_"))(name, rest)

    def document(self, name: str, revision: str) -> dict | None:
        """The commit a revision stands for; None, and the answer that there is none."""
        newest = self.hub.models[name][-1]
        for document in self.hub.models[name]:
            if revision == document["sha"]:
                return document
        if revision in {"", "main"}:
            return newest
        return self.error(404, "RevisionNotFound", f"Invalid rev id: {revision}")

    def expand(self, name: str, revision: str) -> None:
        asked = parse_qs(urlsplit(self.path).query).get("expand[]", [])
        if unknown := set(asked) - EXPANDABLE:
            return self.error(400, "", f"Invalid expand: {', '.join(unknown)}")
        document = self.document(name, revision)
        if document is None:
            return None
        document = document | {"childrenModelCount": self.hub.children.get(name, {})}
        return self.json({key: document[key] for key in ("_id", "id", *asked) if key in document})

    def state(self, name: str, revision: str) -> None:
        if document := self.document(name, revision):
            issues = [
                {"path": path, "level": verdict["status"]}
                for (model, path), verdict in self.hub.verdicts.items()
                if model == name and verdict["status"] in {"unsafe", "suspicious", "caution"}
            ]
            status = {"scansDone": name not in self.hub.unscanned, "filesWithIssues": issues}
            self.json(document | {"securityRepoStatus": status})

    def organizations(self, name: str) -> None:
        if name in self.hub.organisations:
            return self.json({"name": name, "fullname": name.title()} | self.hub.organisations[name])
        return self.error(404, "", "This organization does not exist")

    def users(self, name: str) -> None:
        if name in self.hub.users:
            return self.json({"user": name, "fullname": "Somebody's Real Name", "numModels": 3, "isPro": False})
        return self.error(404, "", "This user does not exist")

    def datasets(self, name: str) -> None:
        if name in self.hub.datasets:
            return self.json({"_id": digits(name, 24), "id": name, "gated": False})
        return self.private()

    def discussions(self, name: str, _: str) -> None:
        count = self.hub.discussions.get(name, 0)
        self.json({"discussions": [], "count": count, "start": 0, "numClosedDiscussions": count // 2})

    def commits(self, name: str, revision: str) -> None:
        document = self.document(name, revision)
        if document is None:
            return
        if document["gated"]:
            self.gated()
            return
        ids = [each["sha"] for each in self.hub.models[name]]
        listed = ids[: ids.index(document["sha"]) + 1][::-1]
        limit = int(parse_qs(urlsplit(self.path).query).get("limit", ["50"])[0])
        commits = [
            {"id": sha, "title": "Upload model", "message": "", "authors": [{"user": "somebody"}], "date": "2024-06-07"}
            for sha in listed[: min(limit, 1000)]
        ]
        self.json(commits, {"X-Total-Count": str(len(listed))})

    def paths_info(self, name: str, revision: str) -> None:
        document = self.document(name, revision)
        if document is None:
            return
        form = parse_qs(self.body.decode())
        asked, expand = form.get("paths", []), form.get("expand") == ["true"]
        if not 0 < len(asked) <= 2000:
            self.error(400, "", "paths must have 1 to 2000 entries")
            return
        files = {each["rfilename"]: each for each in document["siblings"]}
        self.json([self.path_info(name, files[path], expand=expand) for path in asked if path in files])

    def path_info(self, name: str, file: dict, *, expand: bool) -> dict:
        told = {"type": "file", "oid": file["blobId"], "size": file["size"], "path": file["rfilename"]}
        if expand:
            usual = {"status": "unscanned"} if name in self.hub.unscanned else example_verdict()
            told["lastCommit"] = {"id": digits(name, 40), "title": "Upload model", "date": "2024-06-07T08:09:10.000Z"}
            told["securityFileStatus"] = self.hub.verdicts.get((name, file["rfilename"]), usual)
        return told

    def resolve(self, name: str, rest: str) -> None:
        revision, _, path = rest.partition("/")
        document = self.document(name, unquote(revision))
        if document is None:
            return
        if document["gated"] or document["disabled"]:
            self.gated()
            return
        content = self.hub.contents.get((name, unquote(path)))
        if content is None:
            self.error(404, "EntryNotFound", "Entry not found")
        elif self.hub.cdn and path != "README.md":
            place = self.hub.cdn.put(f"{quote(name)}/{path}", content)
            size = len(content) if isinstance(content, bytes) else content.stat().st_size
            told = {"X-Linked-Size": str(size), "X-Repo-Commit": document["sha"]}
            self.say(302, told | {"Location": place}, b"Found. Redirecting")
        else:
            self.say(200, {"Content-Type": "text/plain; charset=utf-8"}, content)

    def json(self, document: object, headers: dict | None = None) -> None:
        self.say(
            200, {"Content-Type": "application/json; charset=utf-8"} | (headers or {}), json.dumps(document).encode()
        )

    def answer(self, name: str, revision: str, with_blobs: bool) -> None:
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if token and token not in self.hub.tokens:
            return self.error(401, "", "Invalid credentials in Authorization header")
        if fault := self.hub.faults.get(name):
            return getattr(self, fault)()
        if name in self.hub.renamed:
            return self.redirect(name, self.hub.renamed[name])
        if name not in self.hub.models:
            return self.other_letter_case_or_missing(name, token)
        return self.model(name, revision, with_blobs)

    def model(self, name: str, revision: str, with_blobs: bool) -> None:
        commits = {document["sha"]: document for document in self.hub.models[name]}
        newest = self.hub.models[name][-1]
        document = newest if revision in {"", "main", "refs/pr/3"} else commits.get(revision)
        if document is None:
            return self.error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        if not with_blobs and isinstance(document.get("siblings"), list):
            document = document | {"siblings": [{"rfilename": f["rfilename"]} for f in document["siblings"]]}
        return self.say(200, {"Content-Type": "application/json; charset=utf-8"}, json.dumps(document).encode())

    def other_letter_case_or_missing(self, name: str, token: str) -> None:
        for known in self.hub.models:
            if known.lower() == name.lower():
                return self.redirect(name, known)
        if token:
            return self.error(404, "RepoNotFound", "Repository not found")
        return self.private()

    def redirect(self, old: str, new: str) -> None:
        self.say(307, {"Location": self.path.replace(f"/{old}", f"/{new}", 1)}, b"Moved")

    def error(self, status: int, code: str, message: str, headers: dict | None = None) -> None:
        told = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {}) | (headers or {})
        self.say(status, {"Content-Type": "application/json"} | told, json.dumps({"error": message}).encode())

    def say(self, status: int, headers: dict, body: bytes) -> None:
        self.start(status, headers, len(body))
        self.wfile.write(body)
        self.hub.bytes_sent += len(body)

    def start(self, status: int, headers: dict, length: int) -> None:
        self.send_response(status)
        # Whole seconds, rounded up: a caller that waits as told is never early.
        limit = {
            "RateLimit": RATE_LIMIT.format(bucket=self.bucket, left=max(self.left, 0), reset=math.ceil(self.reset))
        }
        for name, value in (limit | headers | {"Content-Length": str(length)}).items():
            self.send_header(name, value)
        self.end_headers()

    # What can go wrong, by name.

    def private(self) -> None:
        self.error(401, "", "Invalid username or password.")

    def gated(self) -> None:
        self.error(401, "GatedRepo", "Access to this model is restricted and you are not in the authorized list")

    def forbidden(self) -> None:
        self.say(403, {"Content-Type": "text/html"}, PAGE)

    def taken_down(self) -> None:
        self.error(451, "", "Unavailable For Legal Reasons")

    def rate_limited(self) -> None:
        self.error(429, "", "Too many requests", {"RateLimit": '"api";r=0;t=55'})

    def rate_limited_the_old_way(self) -> None:
        self.error(429, "", "Too many requests", {"RateLimit": "", "Retry-After": "120"})

    def rate_limited_for_ever(self) -> None:
        self.error(429, "", "Too many requests", {"RateLimit": "", "Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"})

    def unavailable(self) -> None:
        self.say(503, {"Content-Type": "text/html"}, PAGE)

    def html(self) -> None:
        self.say(200, {"Content-Type": "text/html"}, PAGE)

    def a_list(self) -> None:
        self.say(200, {"Content-Type": "application/json"}, b"[]")

    def deeply_nested(self) -> None:
        self.say(200, {"Content-Type": "application/json"}, b"[" * 200_000)

    def truncated(self) -> None:
        self.start(200, {"Content-Type": "application/json"}, 5000)
        self.wfile.write(b'{"_id": "65')
        self.close_connection = True

    def hang_up(self) -> None:
        self.close_connection = True

    def slow(self) -> None:
        time.sleep(2 * IN_TIME)
        self.close_connection = True

    def dripping_headers(self) -> None:
        self.drip(b"HTTP/1.1 200 OK\r\nX-Waiting: " + b"." * 1000)

    def dripping_body(self) -> None:
        self.start(200, {"Content-Type": "application/json"}, 5000)
        self.drip(b"{" + b" " * 1000)

    def drip(self, data: bytes) -> None:
        self.close_connection = True
        for byte in data:
            try:
                self.wfile.write(bytes([byte]))
            except OSError:
                return
            time.sleep(0.05)

    def huge(self) -> None:
        try:
            self.say(200, {"Content-Type": "application/json"}, b" " * TOO_MUCH)
        except OSError:
            self.close_connection = True

    def inflating(self) -> None:
        body = gzip.compress(b" " * TOO_MUCH)
        self.say(200, {"Content-Type": "application/json", "Content-Encoding": "gzip"}, body)

    def elsewhere(self) -> None:
        self.say(307, {"Location": "http://127.0.0.2:9/api/models/a/b"}, b"Moved")

    def without_tls(self) -> None:
        self.say(307, {"Location": f"{self.hub.url}{self.path}".replace("https://", "http://")}, b"Moved")

    def in_circles(self) -> None:
        self.say(307, {"Location": self.path}, b"Moved")


def main() -> None:
    """Serves a few made-up models until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8901)
    hub = StandInHub(
        [
            example_model("acme/llama-7b"),
            example_model("acme/llama-7b-chat", tags=["base_model:acme/llama-7b", "base_model:finetune:acme/llama-7b"]),
            example_model("acme/gated", gated="manual"),
            example_model("acme/disabled", disabled=True),
        ],
        port=parser.parse_args().port,
    )
    print(f"{hub.url} serves {', '.join(hub.models)}")
    hub.serve()


if __name__ == "__main__":
    main()
