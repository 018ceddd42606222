"""GitHub, where some models are published as repositories: what people paste of it, and how it is asked.

Format: GitHub's REST API, version 2022-11-28: `GET /repos/{owner}/{repo}`, which redirects to `/repositories/{id}` once
the repository is renamed, and `GET /repos/{owner}/{repo}/commits/{ref}`; its page "Rate limits for the REST API".
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from catalogue import asking
from catalogue.asking import Told, by_status, document
from catalogue.hub import Answer, Facts, Hub, Knows, Outcome, Quota, Reference, UnreadableReferenceError
from catalogue.json_values import MalformedAnswerError, count, line, lines, mapping, moment, text
from catalogue.purls import Purl, build

MOST_BYTES = 2_000_000
# "Wait for at least one minute", where the answer does not say how long.
SECONDARY_LIMIT_SECONDS = 60.0
_SITE = "https://github.com"
_API = "https://api.github.com"
_JSON, _ONLY_SHA = "application/vnd.github+json", "application/vnd.github.sha"
_CALLS = 2  # of each question
_HOSTS = frozenset({"github.com", "www.github.com"})
_RAW_HOSTS = frozenset({"raw.githubusercontent.com", "media.githubusercontent.com"})
_SITE_PAGES = frozenset(
    {
        *("about", "apps", "blog", "codespaces", "collections", "contact", "copilot", "customer-stories", "dashboard"),
        *("enterprise", "events", "explore", "features", "issues", "join", "login", "marketplace", "models", "new"),
        *("notifications", "organizations", "orgs", "pricing", "pulls", "readme", "search", "security", "sessions"),
        *("settings", "signup", "site", "solutions", "sponsors", "stars", "team", "topics", "trending", "users"),
    }
)
_AT_REVISION = frozenset({"archive", "blame", "blob", "commit", "commits", "edit", "raw", "tarball", "tree", "zipball"})
_WITHOUT_FILE = frozenset({"archive", "commit", "tarball", "zipball"})
_OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_REPOSITORY = re.compile(r"(?!\.{1,2}$|.*\.git$)[A-Za-z0-9._-]{1,100}")
_SCP = re.compile(r"git@github\.com:(?P<path>[^?#]+)", re.IGNORECASE)
_ARCHIVE = re.compile(r"\.(zip|tar\.gz)$")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_NOT_IN_REVISIONS = re.compile(r"[\s~^:?*\[\\]|\.\.|^/|//|/$")
_LONGEST_REVISION = 200
_LONGEST_FILE = 1000


class GitHub:
    """Repositories on github.com. The stable id is the repository's number, which a rename leaves as it is."""

    slug = "github"
    title = "GitHub"
    example = "acme/bert-1.5"
    knows = frozenset({Knows.IDENTITY, Knows.REVISIONS, Knows.LICENCE, Knows.USE})
    quota = Quota(60 // _CALLS, 3600.0)  # anonymous questions from one address

    def read(self, text: str) -> Reference | None:
        """An address of a repository, a page or file of it, its API or its clone (https, ssh, or pip's git+https)."""
        if match := _SCP.fullmatch(text):
            return _read_path(_segments(match["path"]))
        host, segments = _place(text)
        if host in _HOSTS:
            return _read_path(segments)
        if host in _RAW_HOSTS:
            return _read_raw(segments[1:] if segments[:1] == ["media"] else segments)
        if host == "api.github.com" and segments[:1] == ["repos"]:
            return _named(segments[1:])
        if host == "codeload.github.com":
            return _read_path([*segments[:2], "archive", *segments[3:]])
        if host == "gist.github.com":
            raise UnreadableReferenceError("This is a gist on GitHub, not a repository.")
        return None

    def url(self, reference: Reference) -> str:
        """The page of the file, of the revision, or of the repository."""
        page = f"{_SITE}/{quote(reference.name)}"
        revision = quote(reference.revision or "HEAD", safe="")
        if reference.file:
            return f"{page}/blob/{revision}/{quote(reference.file)}"
        return f"{page}/tree/{revision}" if reference.revision else page

    def purl(self, reference: Reference) -> str:
        """As purl-spec's type `github`, in which owner and name are lower case."""
        owner, _, name = reference.name.lower().partition("/")
        version = reference.revision.lower() if self.is_immutable(reference.revision) else ""
        return build(Purl(self.slug, owner, name, version, subpath=reference.file))

    def is_immutable(self, revision: str) -> bool:
        """Whether `revision` is a full commit id."""
        return _COMMIT.fullmatch(revision.lower()) is not None

    def ask(self, reference: Reference) -> Answer:
        """Two calls, the repository and the commit at the revision; each ends in settings.HUB_TIMEOUT_SECONDS."""
        from catalogue import endpoints  # late: reading references needs no Django

        endpoint = endpoints.endpoint(self.slug, _API)
        token = endpoints.token(self.slug)
        told = _get(f"{endpoint}/repos/{quote(reference.name)}", _JSON, token, endpoint)
        if isinstance(told, Answer):
            return told
        answer = read_repository(told, name=reference.name, had_token=bool(token), endpoint=endpoint)
        if answer.facts is None:
            return answer
        revision = _spelled(reference.revision)
        path = f"/repos/{quote(answer.facts.name)}/commits/{quote(revision or 'HEAD', safe='')}"
        told = _get(endpoint + path, _ONLY_SHA, token, endpoint)
        if isinstance(told, Answer):
            return told
        return read_commit(answer, told, revision=revision, had_token=bool(token))


HUB: Hub = GitHub()


def _get(url: str, form: str, token: str, endpoint: str) -> Told | Answer:
    from django.conf import settings  # late: reading references needs no Django

    headers = {"Accept": form, "X-GitHub-Api-Version": "2022-11-28"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    seconds = settings.HUB_TIMEOUT_SECONDS
    return asking.get(url, headers=headers, seconds=seconds, most_bytes=MOST_BYTES, endpoint=endpoint)


# --- What an answer means ------------------------------------------------------------------------------------------


def read_repository(told: Told, *, name: str, had_token: bool, endpoint: str) -> Answer:
    """What the answer to the question about the repository means; facts without a revision."""
    message = _message(told)
    outcome = classify(told.status, told.headers, message, had_token=had_token)
    if outcome is not Outcome.OK:
        return _refusal(outcome, told, message, endpoint)
    try:
        found = facts(document(told))
    except MalformedAnswerError as error:
        return Answer(Outcome.MALFORMED, detail=asking.in_one_line(error), endpoint=endpoint)
    return Answer(_state(name, found), facts=found, quota=_quota(told.headers), endpoint=endpoint, body=told.body)


def read_commit(answer: Answer, told: Told, *, revision: str, had_token: bool) -> Answer:
    """`answer`, which has facts, with the commit that `revision` ("" is the default branch) leads to.

    A commit that is found need not be of this repository: GitHub also finds those of its forks.
    """
    message = _message(told)
    if told.status in _NO_SUCH_COMMIT:
        if revision:
            return _refusal(Outcome.REVISION_NOT_FOUND, told, message, answer.endpoint)
        return replace(answer, detail="the repository is empty", quota=_quota(told.headers))
    outcome = classify(told.status, told.headers, message, had_token=had_token)
    if outcome is not Outcome.OK or answer.facts is None:
        return _refusal(outcome, told, message, answer.endpoint)
    commit = line(told.body.decode(errors="replace")).lower()
    if not _COMMIT.fullmatch(commit):
        return Answer(Outcome.MALFORMED, detail="the answer is not a commit", endpoint=answer.endpoint)
    if _COMMIT.fullmatch(revision) and commit != revision:
        return Answer(Outcome.MALFORMED, detail="the answer is about another revision", endpoint=answer.endpoint)
    return replace(answer, facts=replace(answer.facts, revision=commit), quota=_quota(told.headers))


# 409 is an empty repository, 422 a text that is the id of no commit.
_NO_SUCH_COMMIT = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY})


def classify(status: int, headers: Mapping[str, str], message: str, *, had_token: bool) -> Outcome:
    """How a question ended; `message` is the one in the body, or "". `headers` ignores letter case."""
    if status in {HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS} and _is_limit(status, headers, message):
        return Outcome.RATE_LIMITED
    if status == HTTPStatus.FORBIDDEN:
        return _refused(message, had_token=had_token)
    if status == HTTPStatus.UNAUTHORIZED:
        return Outcome.CREDENTIAL
    return by_status(status)


def _is_limit(status: int, headers: Mapping[str, str], message: str) -> bool:
    no_calls_left = headers.get("x-ratelimit-remaining", "").strip() == "0"
    says_so = "rate limit" in message.lower() or "retry-after" in headers
    return status == HTTPStatus.TOO_MANY_REQUESTS or no_calls_left or says_so


def _refused(message: str, *, had_token: bool) -> Outcome:
    """A 403 that is no rate limit: a repository taken down, a token that may not, or a wall in front of the API."""
    if "access blocked" in message.lower():
        return Outcome.NOT_FOUND_OR_PRIVATE
    return Outcome.CREDENTIAL if had_token and message else Outcome.TRANSIENT


def _refusal(outcome: Outcome, told: Told, message: str, endpoint: str) -> Answer:
    answer = asking.without_facts(outcome, told, message, endpoint=endpoint)
    quota = _quota(told.headers)
    if outcome is not Outcome.RATE_LIMITED:
        return replace(answer, quota=quota)
    # The quota only tells of the primary limit; the secondary ones are reached with calls left.
    spent = quota if quota and not quota.calls else None
    wait = answer.retry_after or (spent.seconds if spent else SECONDARY_LIMIT_SECONDS)
    return replace(answer, quota=spent, retry_after=wait)


def _quota(headers: Mapping[str, str]) -> Quota | None:
    """Questions left and seconds to the reset, by X-RateLimit-Remaining and X-RateLimit-Reset (seconds since 1970)."""
    left, reset = headers.get("x-ratelimit-remaining", "").strip(), headers.get("x-ratelimit-reset", "").strip()
    if not re.fullmatch(r"[0-9]{1,9}", left) or not re.fullmatch(r"[0-9]{1,11}", reset):
        return None
    return Quota(int(left) // _CALLS, asking.seconds_until(datetime.fromtimestamp(int(reset), UTC)))


def _message(told: Told) -> str:
    if told.status == HTTPStatus.OK:
        return ""
    try:
        return line(document(told).get("message"))
    except MalformedAnswerError:
        return ""


def _state(name: str, found: Facts) -> Outcome:
    if found.disabled:
        return Outcome.DISABLED
    return Outcome.OK if found.name.lower() == name.lower() else Outcome.RENAMED


def facts(repository: dict[str, Any]) -> Facts:
    """The facts in a repository's document; raises MalformedAnswerError where it does not say who it is."""
    number, name = count(repository.get("id")), text(repository.get("full_name"))
    if not number or not _is_name(name):
        raise MalformedAnswerError("the answer has no id and full_name of a repository")
    return Facts(
        stable_id=str(number),
        name=name,
        revision="",
        author=line(mapping(repository.get("owner")).get("login")),
        licence=_licence(mapping(repository.get("license"))),
        private=repository.get("private") is True,
        disabled=repository.get("disabled") is True,
        likes=count(repository.get("stargazers_count")),
        tags=tuple(lines(repository.get("topics"))),
        files_complete=False,  # never asked for: they would come without SHA-256, and large ones as their pointers
        created_at=moment(repository.get("created_at")),
        modified_at=moment(repository.get("pushed_at")),
    )


def _licence(said: dict[str, Any]) -> str:
    """The SPDX id of the licence GitHub recognises; its name where it recognises none in the file there is."""
    spdx_id = line(said.get("spdx_id"))
    return spdx_id if spdx_id and spdx_id != "NOASSERTION" else line(said.get("name"))


# --- What people paste ---------------------------------------------------------------------------------------------


def _place(text: str) -> tuple[str, list[str]]:
    """The host and the decoded path segments of an address, with or without https://; "" for what is none."""
    text = text.removeprefix("git+")
    try:
        address = urlsplit(text if "://" in text else f"https://{text.removeprefix('//')}")
        host = address.hostname or ""
    except ValueError:
        return "", []
    return (host, _segments(address.path)) if address.scheme in {"http", "https", "git", "ssh"} else ("", [])


def _segments(path: str) -> list[str]:
    return [unquote(segment) for segment in path.split("/") if segment]


def _read_path(segments: list[str]) -> Reference:
    first = segments[0].lower() if segments else ""
    if not first or first in _SITE_PAGES:
        raise UnreadableReferenceError("This is a page of GitHub, not a repository.")
    if len(segments) == 1:
        raise UnreadableReferenceError(
            "This is the page of a user or an organisation on GitHub: add the repository's name."
        )
    if "@" in segments[1]:  # as pip pins it: git+https://github.com/a/b.git@v1
        name, _, pinned = "/".join(segments).partition("@")
        return _named(name.split("/"), pinned)
    section, rest = "".join(segments[2:3]), segments[3:]
    if section == "releases" and rest[:1] in (["tag"], ["download"]):
        return _named(segments[:2], "".join(rest[1:2]))
    if section not in _AT_REVISION:
        return _named(segments)
    revision, file = _revision_and_file(rest)
    if section in _WITHOUT_FILE:
        return _named(segments[:2], _ARCHIVE.sub("", revision))
    return _named(segments[:2], revision, file)


def _read_raw(segments: list[str]) -> Reference:
    revision, file = _revision_and_file(segments[2:])
    return _named(segments[:2], revision, file)


def _revision_and_file(segments: list[str]) -> tuple[str, str]:
    """A branch with a slash cannot be told from a folder, unless it is written refs/heads/a, which has none then."""
    if len(segments) > 2 and segments[0] == "refs" and segments[1] in {"heads", "tags"}:  # noqa: PLR2004 - refs, kind, name
        segments = segments[2:]
    return "".join(segments[:1]), "/".join(segments[1:])


def _named(segments: list[str], revision: str = "", file: str = "") -> Reference:
    name = "/".join(segments[:2]).removesuffix(".git")
    if not _is_name(name) or name.partition("/")[0].lower() in _SITE_PAGES:
        raise UnreadableReferenceError("This is not a name a repository on GitHub can have: write it as owner/name.")
    if len(revision) > _LONGEST_REVISION or not revision.isprintable() or _NOT_IN_REVISIONS.search(revision):
        raise UnreadableReferenceError("What follows the repository is not a revision: give a commit, branch or tag.")
    if len(file) > _LONGEST_FILE or not file.isprintable() or {".", ".."} & set(file.split("/")):
        raise UnreadableReferenceError("What follows the repository's revision is not a path of a file.")
    return Reference(GitHub.slug, name, _spelled(revision), file)


def _is_name(name: str) -> bool:
    owner, _, repository = name.partition("/")
    return bool(_OWNER.fullmatch(owner) and _REPOSITORY.fullmatch(repository))


def _spelled(revision: str) -> str:
    return revision.lower() if _COMMIT.fullmatch(revision.lower()) else revision
