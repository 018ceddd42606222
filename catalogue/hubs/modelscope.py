"""ModelScope: what people paste of modelscope.cn, and how it is asked.

Sources: the answers of `GET /openapi/v1/models/{owner}/{name}` and of `GET /api/v1/models/{owner}/{name}/repo/files`
as the public clients (modelscope_hub, MIT; dingospeed) read them. The hub publishes no schema of them. modelscope.ai
is another catalogue.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode

from catalogue import asking
from catalogue.addresses import address_on
from catalogue.asking import Told, by_status, document
from catalogue.hub import Answer, Facts, Hub, HubFile, Knows, Outcome, Quota, Reference, UnreadableReferenceError
from catalogue.json_values import MalformedAnswerError, count, line, lines, mapping, moment, text
from catalogue.purls import Purl, build
from lib.refusal import Words

MOST_BYTES = 8_000_000
# A listing of a whole repository ends here without a word.
MOST_ENTRIES = 3000
DEFAULT_BRANCH = "master"
_SITE = "https://modelscope.cn"
_HOSTS = frozenset({"modelscope.cn", "www.modelscope.cn"})
_OTHER_CATALOGUE = frozenset({"modelscope.ai", "www.modelscope.ai"})
_NOT_MODELS = {
    "collections": Words("a collection"),
    "datasets": Words("a dataset"),
    "learn": Words("a course"),
    "mcp": Words("an MCP server"),
    "organization": Words("the page of an organisation"),
    "papers": Words("a paper"),
    "profile": Words("the page of a user"),
    "skills": Words("a skill"),
    "studios": Words("a studio"),
}
_AT_REVISION = frozenset({"blob", "raw", "resolve", "tree"})
_NAME = re.compile(r"(?!.*\.git$)[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}/[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHORT_COMMIT = re.compile(r"[0-9a-f]{7,40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NOT_IN_REVISIONS = re.compile(r"[\s~^:?*\[\\]|\.\.")
_LONGEST_STABLE_ID = 100
_LONGEST_REVISION = 200
_LONGEST_FILE = 1000


class ModelScope:
    """Models on modelscope.cn, or on the mirror that FAULTLINE_HUB_MODELSCOPE_ENDPOINT names.

    The hub tells no id that survives a rename: the name, in lower case, is the stable id.
    """

    slug = "modelscope"
    title = "ModelScope"
    example = "acme/bert-1.5"
    quota = Quota(30, 60.0)  # a guess to be polite by: the hub states no limit. A question is two calls
    knows = frozenset({Knows.REVISIONS, Knows.FILES, Knows.DIGESTS, Knows.LICENCE, Knows.GATING, Knows.USE})

    def read(self, text: str) -> Reference | None:
        """An address on modelscope.cn: of a page, a file, a clone or the API, with or without https://."""
        address = address_on(_HOSTS | _OTHER_CATALOGUE, text)
        return None if address is None else _read_address(address)

    def url(self, reference: Reference) -> str:
        """The page of the file, of the revision, or of the repository."""
        page = f"{_SITE}/models/{quote(reference.name)}"
        if reference.file:
            revision = quote(reference.revision or DEFAULT_BRANCH, safe="")
            return f"{page}/file/view/{revision}/{quote(reference.file)}"
        return f"{page}/files?{urlencode({'version': reference.revision})}" if reference.revision else page

    def purl(self, reference: Reference) -> str:
        """`pkg:generic/modelscope/{owner}/{name}@{commit}?repository_url=https://modelscope.cn`: our own convention."""
        owner, _, name = reference.name.partition("/")
        version = _spelled(reference.revision) if self.is_immutable(reference.revision) else ""
        place = {"repository_url": _SITE}
        return build(Purl("generic", f"{self.slug}/{owner}", name, version, place, reference.file))

    def is_immutable(self, revision: str) -> bool:
        """Whether `revision` is a full commit id."""
        return _COMMIT.fullmatch(revision.lower()) is not None

    def ask(self, reference: Reference) -> Answer:
        """Two calls, the model and its files at the revision; each ends in settings.HUB_TIMEOUT_SECONDS."""
        from catalogue import endpoints  # late: reading references needs no Django

        reference = replace(reference, revision=_spelled(reference.revision))
        endpoint = endpoints.endpoint(self.slug, _SITE)
        token = endpoints.token(self.slug)
        told = _get(f"{endpoint}/openapi/v1/models/{quote(reference.name)}", token, endpoint)
        if isinstance(told, Answer):
            return told
        answer = read_model(told, name=reference.name, had_token=bool(token), endpoint=endpoint)
        if answer.facts is None:
            return answer
        told = _get(endpoint + _listing_path(answer.facts.name, reference.revision), token, endpoint)
        if isinstance(told, Answer):
            return told
        return read_listing(answer, told, revision=reference.revision, had_token=bool(token))


HUB: Hub = ModelScope()


def _get(url: str, token: str, endpoint: str) -> Told | Answer:
    from django.conf import settings  # late: reading references needs no Django

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    seconds = settings.HUB_TIMEOUT_SECONDS
    return asking.get(url, headers=headers, seconds=seconds, most_bytes=MOST_BYTES, endpoint=endpoint)


def _listing_path(name: str, revision: str) -> str:
    query = urlencode({"Revision": revision or DEFAULT_BRANCH, "Recursive": "True"})
    return f"/api/v1/models/{quote(name)}/repo/files?{query}"


# --- What an answer means ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Listing:
    """The files at a revision; `files` is empty unless `is_whole`. `commit` is "" where it cannot be told."""

    files: tuple[HubFile, ...]
    commit: str
    is_whole: bool


def read_model(told: Told, *, name: str, had_token: bool, endpoint: str) -> Answer:
    """What the answer to the question about the model means. The facts lack the files, and say so."""
    code, message = _problem(told)
    outcome = classify(told.status, code, had_token=had_token)
    if outcome is not Outcome.OK:
        return asking.without_facts(outcome, told, code, message, endpoint=endpoint)
    try:
        found = facts(document(told))
    except MalformedAnswerError as error:
        return Answer(Outcome.MALFORMED, detail=asking.in_one_line(error), endpoint=endpoint)
    return Answer(_state(name, found), facts=found, endpoint=endpoint, body=told.body)


def read_listing(answer: Answer, told: Told, *, revision: str, had_token: bool) -> Answer:
    """`answer`, which has facts, with the files that `told` lists at `revision` ("" is the default branch)."""
    code, message = _problem(told)
    outcome = classify(told.status, code, had_token=had_token)
    if outcome is Outcome.NOT_FOUND_OR_PRIVATE and not (revision and told.status == HTTPStatus.NOT_FOUND):
        return replace(answer, detail=line(f"files not listed: HTTP {told.status} {code} {message}"))
    if outcome is Outcome.NOT_FOUND_OR_PRIVATE:
        outcome = Outcome.REVISION_NOT_FOUND
    if outcome is not Outcome.OK:
        return asking.without_facts(outcome, told, code, message, endpoint=answer.endpoint)
    try:
        found = listing(document(told))
    except MalformedAnswerError as error:
        return Answer(Outcome.MALFORMED, detail=asking.in_one_line(error), endpoint=answer.endpoint)
    return _with_listing(answer, found, revision)


def _with_listing(answer: Answer, found: Listing | None, revision: str) -> Answer:
    if answer.facts is None or (found is None and revision):
        return Answer(Outcome.REVISION_NOT_FOUND, detail="no files at this revision", endpoint=answer.endpoint)
    if found is None:
        return replace(answer, detail=f"no files on {DEFAULT_BRANCH}")
    commit = revision if HUB.is_immutable(revision) else found.commit
    detail = "" if found.is_whole else f"listing incomplete: it ends at {MOST_ENTRIES} entries"
    known = replace(answer.facts, revision=commit, files=found.files, files_complete=found.is_whole)
    return replace(answer, facts=known, detail=detail)


def classify(status: int, code: str, *, had_token: bool) -> Outcome:
    """How a question ended; `code` is the error's code in the body, or ""."""
    if code in {"InvalidAuthentication", "Unauthorized"} or (status == HTTPStatus.UNAUTHORIZED and not code):
        return Outcome.CREDENTIAL if had_token else Outcome.NOT_FOUND_OR_PRIVATE
    if code in _BY_CODE:
        return _BY_CODE[code]
    if status == HTTPStatus.FORBIDDEN:
        # The hub says why it refuses; a refusal without a code comes from a wall in front of it.
        return Outcome.NOT_FOUND_OR_PRIVATE if code else Outcome.TRANSIENT
    if status == HTTPStatus.OK and code:
        return Outcome.MALFORMED
    return by_status(status)


_BY_CODE = {
    "ResourceNotFound": Outcome.NOT_FOUND_OR_PRIVATE,
    "OperationNotAllowed": Outcome.NOT_FOUND_OR_PRIVATE,
    "RateLimitExceed": Outcome.RATE_LIMITED,
    "QuotaLimitExceed": Outcome.RATE_LIMITED,
}


def _problem(told: Told) -> tuple[str, str]:
    """The code and message of an error in either form of the hub's answers; "" and "" where it reports success."""
    try:
        body = document(told)
    except MalformedAnswerError:
        return "", ""
    failed = body.get("success") is False or body.get("Success") is False
    if told.status == HTTPStatus.OK and not failed:
        return "", ""
    nested = mapping(body.get("error"))
    codes = (body.get("code"), body.get("error_code"), nested.get("code"), body.get("Code"))
    messages = (body.get("message"), nested.get("message"), body.get("Message"))
    code = next((str(code) for code in codes if isinstance(code, str | int) and code), "unknown")
    return line(code, 60), next(filter(None, map(line, messages)), "")


def _state(name: str, found: Facts) -> Outcome:
    if found.name.lower() != name.lower():
        return Outcome.RENAMED
    return Outcome.GATED if found.gated else Outcome.OK


def facts(answer: dict[str, Any]) -> Facts:
    """The facts in a model's document; raises MalformedAnswerError where it does not say who it is."""
    said = mapping(answer.get("data"))
    name = text(said.get("id"))
    if not _NAME.fullmatch(name):
        raise MalformedAnswerError("the answer has no id of a model")
    tags = tuple(lines(said.get("tags")))
    return Facts(
        stable_id=_stable_id(name),
        name=name,
        revision="",
        files_complete=False,
        author=name.partition("/")[0],
        licence=line(", ".join(lines(said.get("license")))),
        private=said.get("private") is True,
        gated=_gated(said),
        likes=count(said.get("likes")),  # its downloads are not those of 30 days
        pipeline=next(iter(lines(said.get("tasks"))), "")[:100],
        library=next(_tagged(tags, "library:"), "")[:100],
        tags=tags,
        created_at=moment(said.get("created_at")),
        modified_at=moment(said.get("last_modified")),
    )


def _stable_id(name: str) -> str:
    stable_id = f"name:{name.lower()}"
    if len(stable_id) <= _LONGEST_STABLE_ID:
        return stable_id
    return f"name:sha256:{hashlib.sha256(name.lower().encode()).hexdigest()}"


def _gated(said: dict[str, Any]) -> str:
    """The hub does not say who lets people in; where signing in is all it takes, nobody has to."""
    if said.get("gated") is True:
        return "manual"
    return "auto" if said.get("login_required") is True else ""


def _tagged(tags: Iterable[str], prefix: str) -> Iterator[str]:
    return (tag.removeprefix(prefix) for tag in tags if tag.startswith(prefix))


def listing(answer: dict[str, Any]) -> Listing | None:
    """The files in a listing; None where there is no such revision, which the hub answers with 200 and no files."""
    said = answer.get("Data")
    if not isinstance(said, dict) or "Files" not in said:
        raise MalformedAnswerError("the answer has no list of files")
    if said["Files"] is None:
        return None
    if not isinstance(said["Files"], list):
        raise MalformedAnswerError("the answer's list of files is none")
    blobs = [entry for entry in map(mapping, said["Files"]) if entry.get("Type") != "tree"]
    is_whole = len(said["Files"]) < MOST_ENTRIES
    files = {file.path: file for file in map(_file, blobs) if file} if is_whole else {}
    return Listing(tuple(files[path] for path in sorted(files)), _commit(said, blobs), is_whole)


def _file(entry: dict[str, Any]) -> HubFile | None:
    path = text(entry.get("Path"))
    if not path or len(path) > _LONGEST_FILE:
        return None
    sha256 = line(entry.get("Sha256")).lower()
    return HubFile(path, count(entry.get("Size")), sha256 if _SHA256.fullmatch(sha256) else None)


def _commit(said: dict[str, Any], blobs: list[dict[str, Any]]) -> str:
    """The commit of the listing. The hub may shorten it; each file has, in full, the commit it last changed in."""
    latest = mapping(said.get("LatestCommitter"))
    commit = line(latest.get("Id")).lower()
    if _COMMIT.fullmatch(commit):
        return commit
    short = line(latest.get("ShortId")).lower()
    if not _SHORT_COMMIT.fullmatch(short):
        return ""
    commits = {line(entry.get("Revision")).lower() for entry in blobs}
    fitting = [commit for commit in commits if commit.startswith(short) and _COMMIT.fullmatch(commit)]
    return fitting[0] if len(fitting) == 1 else ""


# --- What people paste ---------------------------------------------------------------------------------------------


def _read_address(address: SplitResult) -> Reference:
    if address.hostname in _OTHER_CATALOGUE:
        raise UnreadableReferenceError(
            "modelscope.ai is another catalogue than modelscope.cn, and cannot be looked up."
        )
    segments = [unquote(segment) for segment in address.path.split("/") if segment]
    if segments[:2] in (["api", "v1"], ["openapi", "v1"]):
        segments = segments[2:]
    if segments[:1] == ["models"]:
        segments = segments[1:]
    else:
        _refuse_other_pages(segments)
    name = "/".join(segments[:2]).removesuffix(".git")
    query = {key.lower(): value for key, value in parse_qsl(address.query)}
    revision, file = _revision_and_file(segments[2:])
    revision = revision or query.get("version") or query.get("revision") or ""
    return _checked(name, revision, file or query.get("filename") or query.get("filepath") or "")


def _refuse_other_pages(segments: list[str]) -> None:
    """Raises UnreadableReferenceError unless it is the address that git clones from."""
    first = segments[0] if segments else ""
    if first in _NOT_MODELS:
        raise UnreadableReferenceError("This is %(what)s on ModelScope, not a model.", what=_NOT_MODELS[first])
    if len(segments) != len(("owner", "name")) or not segments[1].endswith(".git"):
        raise UnreadableReferenceError("This is a page of ModelScope, not a model.")


def _revision_and_file(segments: list[str]) -> tuple[str, str]:
    if segments[:2] == ["file", "view"]:
        segments = segments[1:]
    elif not segments or segments[0] not in _AT_REVISION:
        return "", ""
    return "".join(segments[1:2]), "/".join(segments[2:])


def _checked(name: str, revision: str, file: str) -> Reference:
    if not _NAME.fullmatch(name):
        raise UnreadableReferenceError("This is not a name a model on ModelScope can have: write it as owner/name.")
    if len(revision) > _LONGEST_REVISION or not revision.isprintable() or _NOT_IN_REVISIONS.search(revision):
        raise UnreadableReferenceError("What follows the model's name is not a revision: give a commit or a branch.")
    if len(file) > _LONGEST_FILE or not file.isprintable() or {".", ".."} & set(file.split("/")):
        raise UnreadableReferenceError("What follows the model's revision is not a path of a file.")
    return Reference(ModelScope.slug, name, _spelled(revision), file)


def _spelled(revision: str) -> str:
    return revision.lower() if _COMMIT.fullmatch(revision.lower()) else revision
