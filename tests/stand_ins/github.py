"""A stand-in for GitHub's REST API, over real HTTP on loopback.

In a test: `with StandInGitHub([example_repository("acme/bert")]) as hub: settings.HUB_ENDPOINTS = {"github": hub.url}`.
By hand:   `python -m tests.stand_ins.github --port 8903`.
"""

import argparse
import time
from collections.abc import Iterable
from urllib.parse import SplitResult, unquote

from tests.stand_ins.modelscope import PAGE, Answering, StandIn, digits


def example_repository(name: str, **overrides: object) -> dict:
    """A made-up repository's document in the form of GitHub's answers."""
    owner, _, repository = name.partition("/")
    return {
        "id": int(digits(name, 7), 16) + 1,
        "node_id": "R_made_up",
        "name": repository,
        "full_name": name,
        "private": False,
        "owner": {"login": owner, "id": 1, "type": "Organization"},
        "fork": False,
        "archived": False,
        "disabled": False,
        "default_branch": "main",
        "created_at": "2024-02-03T04:05:06Z",
        "updated_at": "2024-07-07T08:09:10Z",
        "pushed_at": "2024-06-07T08:09:10Z",
        "stargazers_count": 12,
        "license": {"key": "mit", "name": "MIT License", "spdx_id": "MIT"},
        "topics": ["bert", "nlp"],
        "visibility": "public",
    } | overrides


class StandInGitHub(StandIn):
    """Serves repositories; `commits` are the revisions by name, `commit_faults` what goes wrong with them."""

    def __init__(self, repositories: Iterable[dict] = (), *, port: int = 0) -> None:
        self.documents: dict[str, dict] = {}
        self.commits: dict[str, dict[str, str]] = {}
        self.commit_faults: dict[str, str] = {}
        self.left = 60
        super().__init__(_Handler, port=port)
        for document in repositories:
            self.add(document)

    def add(self, document: dict) -> None:
        """Adds a repository with one commit on main."""
        name = document["full_name"]
        self.documents[name] = document
        commit = digits(f"{name} 1", 40)
        self.commits[name] = {"HEAD": commit, "main": commit, "feature/one": commit, commit: commit, commit[:7]: commit}

    def rename(self, old: str, new: str) -> None:
        """Gives the repository a new name; the old one then redirects to its number."""
        self.documents[new] = self.documents.pop(old) | {"full_name": new}
        self.commits[new] = self.commits.pop(old)
        self.renamed[old] = new


class _Handler(Answering):
    hub: StandInGitHub

    def route(self, address: SplitResult) -> None:
        self.hub.left -= 1
        parts = [unquote(part) for part in address.path.split("/")[1:]]
        if parts[0] == "repositories":
            self.tell(200, next(d for d in self.hub.documents.values() if d["id"] == int(parts[1])))
        elif parts[0] == "repos" and len(parts) == 3:
            self.repository("/".join(parts[1:]))
        elif parts[0] == "repos" and parts[3] == "commits":
            self.commit("/".join(parts[1:3]), parts[4])
        else:
            self.say(404, {"Content-Type": "text/html"}, PAGE)

    def repository(self, name: str) -> None:
        if fault := self.hub.faults.get(name):
            return getattr(self, fault)()
        if name in self.hub.renamed:
            number = self.hub.documents[self.hub.renamed[name]]["id"]
            return self.say(
                301, {"Location": f"{self.hub.url}/repositories/{number}"}, b'{"message":"Moved Permanently"}'
            )
        for known, document in self.hub.documents.items():
            if known.lower() == name.lower():  # GitHub does not tell letter case apart, and does not redirect
                return self.tell(200, document)
        return self.private()

    def commit(self, name: str, revision: str) -> None:
        if fault := self.hub.commit_faults.get(name):
            return getattr(self, fault)()
        found = self.hub.commits[name].get(revision)
        if found is None:
            return self.tell(422, {"message": f"No commit found for SHA: {revision}"})
        if self.headers["Accept"] != "application/vnd.github.sha":
            return self.tell(200, {"sha": found, "files": []})
        return self.say(200, self.limits() | {"Content-Type": "application/vnd.github.sha"}, found.encode())

    def tell(self, status: int, document: object, headers: dict | None = None) -> None:
        super().tell(status, document, self.limits() | (headers or {}))

    def limits(self) -> dict:
        return {"X-RateLimit-Remaining": str(self.hub.left), "X-RateLimit-Reset": str(int(time.time()) + 600)}

    # What can go wrong, by name.

    def private(self) -> None:
        self.tell(404, {"message": "Not Found", "documentation_url": "https://docs.github.com/rest"})

    def taken_down(self) -> None:
        block = {"reason": "dmca", "created_at": "2024-01-01T00:00:00Z", "html_url": "https://github.com/github/dmca"}
        self.tell(451, {"message": "Repository access blocked", "block": block})

    def blocked(self) -> None:
        self.tell(403, {"message": "Repository access blocked", "block": {"reason": "tos"}})

    def bad_token(self) -> None:
        self.tell(401, {"message": "Bad credentials"})

    def token_too_narrow(self) -> None:
        self.tell(403, {"message": "Resource not accessible by personal access token"})

    def rate_limited(self) -> None:
        limit = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 900)}
        self.tell(403, {"message": "API rate limit exceeded for 192.0.2.1."}, limit)

    def secondary_limit(self) -> None:
        self.tell(403, {"message": "You have exceeded a secondary rate limit."}, {"Retry-After": "120"})

    def secondary_limit_without_a_time(self) -> None:
        self.tell(429, {"message": "You have exceeded a secondary rate limit."})

    def empty(self) -> None:
        self.tell(409, {"message": "Git Repository is empty."})

    def another_commit(self) -> None:
        self.say(200, {}, digits("another", 40).encode())

    def not_a_commit(self) -> None:
        self.say(200, {}, b"\x00\xff")


def main() -> None:
    """Serves a made-up repository until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8903)
    hub = StandInGitHub([example_repository("acme/bert")], port=parser.parse_args().port)
    print(f"{hub.url} serves {', '.join(hub.documents)}")
    hub.serve()


if __name__ == "__main__":
    main()
