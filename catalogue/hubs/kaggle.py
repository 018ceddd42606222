"""Kaggle Models: what people paste of it, and how it is asked.

A model on Kaggle has variations, each for a framework and with versions of its own: `owner/model/framework/variation`.
People name either; both are models here. The licence and the files are a variation's.

Sources: the REST forms of `ModelApiService` in kagglesdk (Apache-2.0), and kagglehub's handling of handles and errors.
"""

import base64
import re
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote

from catalogue import asking
from catalogue.addresses import address_on
from catalogue.asking import Told, by_status, document
from catalogue.hub import (
    Answer,
    BaseModelClaim,
    Facts,
    Hub,
    HubFile,
    Knows,
    Outcome,
    Quota,
    Reference,
    UnreadableReferenceError,
)
from catalogue.json_values import MalformedAnswerError, count, entries, line, mapping, moment, text
from catalogue.purls import Purl, build
from lib.refusal import Words

MOST_BYTES = 8_000_000
MOST_FILES = 1000
_SITE = "https://www.kaggle.com"
_HOSTS = frozenset({"kaggle.com", "www.kaggle.com"})
_NOT_MODELS = {
    "benchmarks": Words("a benchmark"),
    "c": Words("a competition"),
    "code": Words("a notebook"),
    "competitions": Words("a competition"),
    "datasets": Words("a dataset"),
    "discussions": Words("a discussion"),
    "kernels": Words("a notebook"),
    "learn": Words("a course"),
    "organizations": Words("the page of an organisation"),
}
_TABS = frozenset(
    {"code", "competitions", "data", "discussion", "get", "list", "model-card", "suggestions", "versions"}
)
_OF_A_VERSION = frozenset({"download", "files"})
_MODEL, _VARIATION = 2, 4  # how many parts their names have
_SLUG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,69}")
_FRAMEWORKS = frozenset(
    {
        *("coral", "flax", "gemmacpp", "ggml", "gguf", "jax", "keras", "maxtext", "mxnet", "onnx", "pax", "pytorch"),
        *(
            "scikitlearn",
            "tensorflow1",
            "tensorflow2",
            "tensorrtllm",
            "tfjs",
            "tflite",
            "transformers",
            "triton",
            "vllm",
        ),
    }
)
_VERSION = re.compile(r"[1-9][0-9]{0,8}")
_REVISION = re.compile(r"[\w.-]{1,200}", re.ASCII)
_LONGEST_FILE = 1000


class Kaggle:
    """Models on kaggle.com and their variations. A stable id is the number of the one or of the other."""

    slug = "kaggle"
    title = "Kaggle"
    example = "acme/bert/pyTorch/base-1.5"
    quota = Quota(30, 60.0)  # a guess to be polite by: the hub states no limit. A question is two calls
    knows = frozenset({Knows.IDENTITY, Knows.REVISIONS, Knows.FILES, Knows.LICENCE, Knows.USE, Knows.LINEAGE})

    def read(self, text: str) -> Reference | None:
        """An address on kaggle.com or of its API, a kaggle:// handle, or a whole handle with framework and version."""
        if text[:9].lower() == "kaggle://":
            return _read_handle([unquote(part) for part in text[9:].split("/") if part])
        address = address_on(_HOSTS, text)
        if address is not None:
            return _read_address(address)
        parts = text.split("/")
        return _read_handle(parts) if _is_whole_handle(parts) else None

    def url(self, reference: Reference) -> str:
        """The page of the model, of the variation, or of its version. Files have no page of their own."""
        page = f"{_SITE}/models/{quote(reference.name)}"
        return f"{page}/{quote(reference.revision)}" if reference.revision and _has_versions(reference.name) else page

    def purl(self, reference: Reference) -> str:
        """`pkg:generic/kaggle/{name's parts}@{version}?repository_url=https://www.kaggle.com`: our own convention.

        "" for a version of a whole model, which has none.
        """
        namespace, _, name = reference.name.rpartition("/")
        version = reference.revision if self.is_immutable(reference.revision) else ""
        if version and not _has_versions(reference.name):
            return ""
        place = {"repository_url": _SITE}
        return build(Purl("generic", f"{self.slug}/{namespace}", name, version, place, reference.file))

    def is_immutable(self, revision: str) -> bool:
        """Whether `revision` is a version's number. Other bytes are another version: kagglehub caches by it."""
        return _VERSION.fullmatch(revision) is not None

    def ask(self, reference: Reference) -> Answer:
        """One call for a model, two for a variation and its files; each ends in settings.HUB_TIMEOUT_SECONDS."""
        from catalogue import endpoints  # late: reading references needs no Django

        endpoint = endpoints.endpoint(self.slug, _SITE)
        token = endpoints.token(self.slug)
        told = _get(f"{endpoint}/api/v1/models/{quote(reference.name)}/get", token, endpoint)
        if isinstance(told, Answer):
            return told
        answer = read_model(told, reference=reference, had_token=bool(token), endpoint=endpoint)
        if answer.facts is None or not answer.facts.revision:
            return answer
        path = f"/api/v1/models/{quote(reference.name)}/{answer.facts.revision}/files?pageSize={MOST_FILES}"
        told = _get(endpoint + path, token, endpoint)
        if isinstance(told, Answer):
            return told
        return read_listing(answer, told, revision=reference.revision, had_token=bool(token))


HUB: Hub = Kaggle()


def _get(url: str, token: str, endpoint: str) -> Told | Answer:
    from django.conf import settings  # late: reading references needs no Django

    headers = {"Authorization": _authorization(token)} if token else {}
    seconds = settings.HUB_TIMEOUT_SECONDS
    return asking.get(url, headers=headers, seconds=seconds, most_bytes=MOST_BYTES, endpoint=endpoint)


def _authorization(token: str) -> str:
    """An API token, or a user's name and key with a colon between, as kaggle.json has them."""
    return f"Basic {base64.b64encode(token.encode()).decode()}" if ":" in token else f"Bearer {token}"


# --- What an answer means ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Problem:
    """What went wrong, by the body where it says, else by the status: the hub reports errors with status 200, too."""

    status: int
    message: str


def read_model(told: Told, *, reference: Reference, had_token: bool, endpoint: str) -> Answer:
    """What the answer about a model or variation means; the facts lack the files, and have the version to list."""
    found_problem = problem(told)
    outcome = classify(found_problem, had_token=had_token)
    if outcome is not Outcome.OK:
        return asking.without_facts(outcome, told, found_problem.message, endpoint=endpoint)
    try:
        read = variation_facts if _has_versions(reference.name) else model_facts
        found = read(document(told), reference.name)
    except MalformedAnswerError as error:
        return Answer(Outcome.MALFORMED, detail=asking.in_one_line(error), endpoint=endpoint)
    if reference.revision and not _has_version(found.revision, reference.revision):
        return Answer(Outcome.REVISION_NOT_FOUND, detail=f"the latest is {found.revision or 0}", endpoint=endpoint)
    found = replace(found, revision=reference.revision or found.revision)
    outcome = Outcome.OK if found.name.lower() == reference.name.lower() else Outcome.RENAMED
    return Answer(outcome, facts=found, endpoint=endpoint, body=told.body)


def _has_version(latest: str, asked: str) -> bool:
    return bool(latest and _VERSION.fullmatch(asked)) and int(asked) <= int(latest)


def read_listing(answer: Answer, told: Told, *, revision: str, had_token: bool) -> Answer:
    """`answer`, which has facts, with the files that `told` lists at their version; `revision` is the one asked for."""
    found_problem = problem(told)
    outcome = classify(found_problem, had_token=had_token)
    if revision and found_problem.status == HTTPStatus.NOT_FOUND:
        outcome = Outcome.REVISION_NOT_FOUND
    if outcome is Outcome.NOT_FOUND_OR_PRIVATE:
        return replace(answer, detail=line(f"files not listed: HTTP {told.status} {found_problem.message}"))
    if outcome is not Outcome.OK or answer.facts is None:
        return asking.without_facts(outcome, told, found_problem.message, endpoint=answer.endpoint)
    try:
        listed = document(told)
    except MalformedAnswerError as error:
        return Answer(Outcome.MALFORMED, detail=asking.in_one_line(error), endpoint=answer.endpoint)
    if not isinstance(listed.get("files"), list):
        return Answer(Outcome.MALFORMED, detail="the answer has no list of files", endpoint=answer.endpoint)
    if listed.get("nextPageToken"):
        return replace(answer, detail="listing incomplete: there are more pages")
    return replace(answer, facts=replace(answer.facts, files=files(listed), files_complete=True))


def problem(told: Told) -> Problem:
    """What went wrong, if anything; status 200 if nothing."""
    try:
        body = document(told)
    except MalformedAnswerError:
        return Problem(told.status, "")
    code = count(body.get("code")) or 0
    message = line(body.get("message")) or line(body.get("error"))
    if code >= HTTPStatus.BAD_REQUEST:
        return Problem(code, message)
    return Problem(told.status, "" if told.status == HTTPStatus.OK else message)


def classify(found: Problem, *, had_token: bool) -> Outcome:
    """How a question ended. The hub answers 403 about what is private and about what is not there."""
    if found.status == HTTPStatus.UNAUTHORIZED:
        return Outcome.CREDENTIAL if had_token else Outcome.NOT_FOUND_OR_PRIVATE
    if found.status == HTTPStatus.FORBIDDEN:
        # The hub says why it refuses; a refusal without a reason comes from a wall in front of it.
        return Outcome.NOT_FOUND_OR_PRIVATE if found.message else Outcome.TRANSIENT
    return by_status(found.status)


def model_facts(said: dict[str, Any], asked: str) -> Facts:
    """The facts in a model's document; raises MalformedAnswerError where it does not say who it is."""
    number, name = _number(said.get("id")), text(said.get("ref")) or asked
    if not number or not _is_name(name.split("/"), _MODEL):
        raise MalformedAnswerError("the answer has no id and ref of a model")
    instances = [mapping(entry) for entry in entries(said.get("instances"))]
    licences = sorted({line(entry.get("licenseName")) for entry in instances} - {""})
    categories = [mapping(entry) for entry in entries(said.get("tags"))]
    return Facts(
        stable_id=f"model/{number}",
        name=name,
        revision="",
        author=line(said.get("author")) or name.partition("/")[0],
        licence=line(", ".join(licences)),
        private=said.get("isPrivate") is True,
        likes=_number(said.get("voteCount")),
        tags=tuple(filter(None, (line(entry.get("ref")) or line(entry.get("name")) for entry in categories))),
        files_complete=False,  # they are its variations'
        created_at=moment(said.get("publishTime")),
        modified_at=moment(said.get("updateTime")),
    )


def variation_facts(said: dict[str, Any], asked: str) -> Facts:
    """The facts in a variation's document; raises MalformedAnswerError where it does not say who it is.

    The document names the variation only in the address it gives; where that is none, it is the one asked for.
    """
    number, version = _number(said.get("id")), _number(said.get("versionNumber"))
    if not number:
        raise MalformedAnswerError("the answer has no id of a variation")
    name = _name_in(text(said.get("url"))) or asked
    base = _base(mapping(said.get("baseModelInstanceInformation")), name)
    return Facts(
        stable_id=f"variation/{number}",
        name=name,
        revision=str(version) if version and _VERSION.fullmatch(str(version)) else "",
        author=name.partition("/")[0],
        licence=line(said.get("licenseName")),
        library=name.split("/")[2][:100],
        base_models=(BaseModelClaim(base),) if base else (),
        bases_claimed_by="hub" if base else "",
        files_complete=False,
    )


def _name_in(url: str) -> str:
    match = re.match(r"(?:https?://[^/?#]*)?/models/([^?#]*)", url)
    parts = _without_words(match[1].split("/"))[:_VARIATION] if match else []
    return "/".join(parts) if _is_name(parts, _VARIATION) else ""


def _base(said: dict[str, Any], own: str) -> str:
    """The name of the variation that `own` derives from; "" where the answer names none, or itself."""
    owner, model = text(mapping(said.get("owner")).get("slug")), text(said.get("modelSlug"))
    parts = [owner, model, _framework(text(said.get("framework"))), text(said.get("instanceSlug"))]
    base = "/".join(parts)
    return base if _is_name(parts, _VARIATION) and base.lower() != own.lower() else ""


def _framework(said: str) -> str:
    """As addresses spell it: the hub says pyTorch, or MODEL_FRAMEWORK_PY_TORCH."""
    if not said.startswith("MODEL_FRAMEWORK_"):
        return said
    first, *others = said.removeprefix("MODEL_FRAMEWORK_").lower().split("_")
    return "".join([first, *map(str.capitalize, others)])


def _number(value: Any) -> int | None:
    """A count. JSON made from protocol buffers writes large ones as texts."""
    return count(int(value)) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,16}", value) else count(value)


def files(listed: dict[str, Any]) -> tuple[HubFile, ...]:
    """The files in a listing, by path; the hub gives no digests."""
    found = {}
    for entry in map(mapping, entries(listed.get("files"))):
        path = text(entry.get("name"))
        if path and len(path) <= _LONGEST_FILE:
            found[path] = HubFile(path, _number(entry.get("size")))
    return tuple(found[path] for path in sorted(found))


# --- What people paste ---------------------------------------------------------------------------------------------


def _read_address(address: SplitResult) -> Reference:
    segments = [unquote(segment) for segment in address.path.split("/") if segment]
    if segments[:2] == ["api", "v1"]:
        segments = segments[2:]
    first = segments[0] if segments else ""
    if first in _NOT_MODELS:
        raise UnreadableReferenceError("This is %(what)s on Kaggle, not a model.", what=_NOT_MODELS[first])
    if first == "m":
        raise UnreadableReferenceError(
            "This short address on Kaggle hides which model it is: open it, and copy its own."
        )
    if first != "models" or len(segments) <= _MODEL:
        raise UnreadableReferenceError("This is a page of Kaggle, not a model.")
    return _read_handle(_without_words(segments[1:]), dict(parse_qsl(address.query)).get("select", ""))


def _without_words(parts: list[str]) -> list[str]:
    """The older addresses spell it out: owner/model/frameworks/f/variations/v/versions/1."""
    if parts[2:3] != ["frameworks"]:
        return parts
    words = {2: "frameworks", 4: "variations", 6: "versions"}
    return [part for place, part in enumerate(parts) if words.get(place) != part]


def _read_handle(parts: list[str], file: str = "") -> Reference:
    """Reads `owner/model[/framework/variation[/version[/download/path]]]`."""
    if parts[_MODEL : _MODEL + 1] and parts[_MODEL] in _TABS:
        parts = parts[:_MODEL]
    length = _VARIATION if len(parts) > _MODEL else _MODEL
    name, rest = parts[:length], parts[length:]
    if not _is_name(name, length):
        raise UnreadableReferenceError(
            "This is not a name a model on Kaggle can have: write it as owner/model/framework/variation."
        )
    revision = rest[0] if rest and rest[0] not in _TABS else ""
    if rest[1:2] and rest[1] in _OF_A_VERSION:
        file = "/".join(rest[2:]) or file
    if revision and not _REVISION.fullmatch(revision):
        raise UnreadableReferenceError("What follows the variation is not a version: give its number.")
    if len(file) > _LONGEST_FILE or not file.isprintable() or {".", ".."} & set(file.split("/")):
        raise UnreadableReferenceError("What follows the version is not a path of a file.")
    return Reference(Kaggle.slug, "/".join(name), revision, file)


def _is_name(parts: list[str], length: int) -> bool:
    has_framework = length == _VARIATION and parts[_MODEL : _MODEL + 1] != ["frameworks"]
    return len(parts) == length and all(map(_SLUG.fullmatch, parts)) and (length == _MODEL or has_framework)


def _has_versions(name: str) -> bool:
    return name.count("/") == _VARIATION - 1


def _is_whole_handle(parts: list[str]) -> bool:
    """Whether it can only be a handle of kagglehub's: a path on another hub has no framework and no number there."""
    return len(parts) == _VARIATION + 1 and parts[2].lower() in _FRAMEWORKS and bool(_VERSION.fullmatch(parts[4]))
