"""What the Hugging Face Hub's answers about a model mean. Plain data: no network, no database, no Django.

Format: `GET /api/models/{id}` of the Hub, which has no published schema; its errors differ by `X-Error-Code`.
Nothing in an answer is trusted: what has the wrong type is dropped, and the rest stands if it says who it is.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # public, though not in an __all__

from catalogue.hub import Answer, BaseModelClaim, Facts, HubFile, Outcome, Quota, Reference

LONGEST_WAIT_SECONDS = 24 * 3600.0
_LARGEST_NUMBER = 2**53 - 1  # what JSON carries without loss
_LONGEST_LINE = 200
_LONGEST_PATH = 1000
_COMMIT = re.compile(r"[0-9a-f]{40}")
_LEFT = re.compile(r";\s*r\s*=\s*(\d{1,9})")
_RESET = re.compile(r";\s*t\s*=\s*(\d{1,9})")
_UNSTORABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_NO_ACCESS = frozenset({"GatedRepo", "RepoNotFound"})
_RELATIONS = frozenset({"finetune", "quantized", "adapter", "merge"})


class MalformedAnswerError(ValueError):
    """The document is not what the Hub says about a model."""


def is_name(text: str) -> bool:
    """Whether `text` can be a model's name: `organisation/name`, or the one word of an early model."""
    try:
        validate_repo_id(text)
    except HFValidationError:
        return False
    return True


def is_commit(revision: str) -> bool:
    """Whether `revision` is a full commit id in lower case."""
    return _COMMIT.fullmatch(revision) is not None


def read_answer(
    *,
    reference: Reference,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    had_token: bool,
    endpoint: str,
) -> Answer:
    """What the Hub's HTTP answer to a question about `reference` means. `headers` ignores letter case."""
    code = headers.get("x-error-code", "")
    message = headers.get("x-error-message", "")
    outcome = classify(status, code, message, had_token=had_token)
    if outcome is not Outcome.OK:
        detail = _line(" ".join(part for part in (f"HTTP {status}", code, message) if part))
        wait = _wait(outcome, headers)
        return Answer(outcome, detail=detail, retry_after=wait, quota=_quota(headers), endpoint=endpoint)
    try:
        found = facts(json.loads(body))
    except (ValueError, RecursionError) as error:
        return Answer(Outcome.MALFORMED, detail=_line(f"{type(error).__name__}: {error}"), endpoint=endpoint)
    if is_commit(reference.revision) and found.revision != reference.revision:
        return Answer(Outcome.MALFORMED, detail="the answer is about another revision", endpoint=endpoint)
    return Answer(_state(reference.name, found), facts=found, quota=_quota(headers), endpoint=endpoint, body=body)


def classify(status: int, code: str, message: str, *, had_token: bool) -> Outcome:
    """How the question ended; `code` and `message` are X-Error-Code and X-Error-Message, or ""."""
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return _refusal(status, code, message, had_token=had_token)
    if status == HTTPStatus.NOT_FOUND and code == "RevisionNotFound":
        return Outcome.REVISION_NOT_FOUND
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Outcome.TRANSIENT
    return _BY_STATUS.get(status, Outcome.MALFORMED)


_BY_STATUS: dict[int, Outcome] = {
    HTTPStatus.OK: Outcome.OK,
    HTTPStatus.NOT_FOUND: Outcome.NOT_FOUND_OR_PRIVATE,
    HTTPStatus.GONE: Outcome.NOT_FOUND_OR_PRIVATE,
    HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS: Outcome.NOT_FOUND_OR_PRIVATE,
    HTTPStatus.REQUEST_TIMEOUT: Outcome.TRANSIENT,
    HTTPStatus.TOO_EARLY: Outcome.TRANSIENT,
    HTTPStatus.TOO_MANY_REQUESTS: Outcome.RATE_LIMITED,
}


def _refusal(status: int, code: str, message: str, *, had_token: bool) -> Outcome:
    """With a valid token the Hub answers 404 for what is missing, so a 401 is then about the token."""
    if code in _NO_ACCESS or "disabled" in message.lower():
        return Outcome.NOT_FOUND_OR_PRIVATE
    if had_token or "invalid credentials" in message.lower():
        return Outcome.CREDENTIAL
    # The Hub itself answers 401; an anonymous 403 is a wall in front of it.
    return Outcome.NOT_FOUND_OR_PRIVATE if status == HTTPStatus.UNAUTHORIZED else Outcome.TRANSIENT


def _state(name: str, found: Facts) -> Outcome:
    if found.disabled:
        return Outcome.DISABLED
    if found.name.lower() != name.lower():
        return Outcome.RENAMED
    return Outcome.GATED if found.gated else Outcome.OK


def _wait(outcome: Outcome, headers: Mapping[str, str]) -> float | None:
    """Seconds the Hub asks to wait, by `Retry-After` or by the reset of its `RateLimit` (IETF draft)."""
    waits = _retry_after(headers.get("retry-after", "").strip())
    # The Hub states its rate limit with every answer; it is a wait only once the limit is reached.
    reset = _RESET.search(headers.get("ratelimit", ""))
    if reset and outcome is Outcome.RATE_LIMITED:
        waits.append(float(reset.group(1)))
    return min(max(waits), LONGEST_WAIT_SECONDS) if waits else None


def _quota(headers: Mapping[str, str]) -> Quota | None:
    """Calls left and seconds to the reset, by the `RateLimit` of the IETF draft: `"api";r=499;t=290`."""
    said = headers.get("ratelimit", "")
    left, reset = _LEFT.search(said), _RESET.search(said)
    return Quota(int(left[1]), min(float(reset[1]), LONGEST_WAIT_SECONDS)) if left and reset else None


def _retry_after(value: str) -> list[float]:
    if re.fullmatch(r"[0-9]{1,9}", value):
        return [float(value)]
    try:
        until = parsedate_to_datetime(value)
        return [max(0.0, (until - datetime.now(until.tzinfo)).total_seconds())]
    except (ValueError, OverflowError):
        return []


def facts(document: Any) -> Facts:
    """The facts in a model's document; raises MalformedAnswerError where it lacks a stable id or a name."""
    document = _mapping(document)
    stable_id, name = _line(document.get("_id")), _text(document.get("id"))
    if not stable_id or not is_name(name):
        raise MalformedAnswerError("the answer has no _id and id of a model")
    card = _mapping(document.get("cardData"))
    tags = tuple(_lines(document.get("tags")))
    commit = _line(document.get("sha")).lower()
    bases_claimed_by, base_models = _base_models(document, tags, card)
    return Facts(
        stable_id=stable_id[:100],
        name=name,
        revision=commit if is_commit(commit) else "",
        author=_line(document.get("author")),
        licence=_licence(card, tags),
        private=document.get("private") is True,
        gated=_gated(document.get("gated")),
        disabled=document.get("disabled") is True,
        downloads=_count(document.get("downloads")),
        likes=_count(document.get("likes")),
        pipeline=_line(document.get("pipeline_tag"))[:100],
        library=_line(document.get("library_name"))[:100],
        tags=tags,
        base_models=base_models,
        bases_claimed_by=bases_claimed_by,
        files=tuple(_files(document.get("siblings"))),
        created_at=_time(document.get("createdAt")),
        modified_at=_time(document.get("lastModified")),
    )


def _gated(value: Any) -> str:
    if value is True:
        return "manual"
    return value if value in ("auto", "manual") else ""


def _licence(card: dict[str, Any], tags: tuple[str, ...]) -> str:
    """The licence as claimed: an id, several joined by commas, or `other: its name`."""
    licences = _lines(card.get("license")) or [
        tag.removeprefix("license:") for tag in tags if tag.startswith("license:")
    ]
    named = _line(card.get("license_name"))
    if licences == ["other"] and named:
        return _line(f"other: {named}")
    return _line(", ".join(licences))


def _base_models(
    document: dict[str, Any], tags: tuple[str, ...], card: dict[str, Any]
) -> tuple[str, tuple[BaseModelClaim, ...]]:
    """The first source that names any base, and its bases: the Hub's list and tags follow renames, the card not."""
    own = _line(document.get("id")).lower()
    sources = (("hub", _listed_bases(document)), ("tag", _tagged_bases(tags)), ("card", _card_bases(card)))
    for source, claims in sources:
        bases = {claim.name.lower(): claim for claim in claims if is_name(claim.name) and claim.name.lower() != own}
        if bases:
            return source, tuple(bases.values())
    return "", ()


def _listed_bases(document: dict[str, Any]) -> Iterator[BaseModelClaim]:
    listed = _mapping(document.get("baseModels"))
    for model in _list(listed.get("models")):
        yield BaseModelClaim(_text(_mapping(model).get("id")), _relation(listed.get("relation")))


def _tagged_bases(tags: Iterable[str]) -> Iterator[BaseModelClaim]:
    # `base_model:a/b` comes beside `base_model:finetune:a/b`; the one that says more comes last, and wins.
    for tag in sorted((tag for tag in tags if tag.startswith("base_model:")), key=lambda tag: tag.count(":")):
        relation, colon, name = tag.removeprefix("base_model:").partition(":")
        yield BaseModelClaim(name, _relation(relation)) if colon else BaseModelClaim(relation)


def _card_bases(card: dict[str, Any]) -> Iterator[BaseModelClaim]:
    for name in _lines(card.get("base_model")):
        yield BaseModelClaim(name, _relation(card.get("base_model_relation")))


def _relation(value: Any) -> str:
    return value if isinstance(value, str) and value in _RELATIONS else ""


def _files(siblings: Any) -> list[HubFile]:
    files = {}
    for sibling in map(_mapping, _list(siblings)):
        path = _text(sibling.get("rfilename"))
        if path and len(path) <= _LONGEST_PATH:
            sha256 = _line(_mapping(sibling.get("lfs")).get("sha256")).lower()
            digest = sha256 if re.fullmatch(r"[0-9a-f]{64}", sha256) else None
            files[path] = HubFile(path, _count(sibling.get("size")), digest, _line(sibling.get("blobId")) or None)
    return [files[path] for path in sorted(files)]


def _count(value: Any) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST_NUMBER
    return value if is_count else None


def _time(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _lines(value: Any) -> list[str]:
    values = [value] if isinstance(value, str) else _list(value)
    return [line for line in map(_line, values) if line]


def _line(value: Any) -> str:
    return _text(value)[:_LONGEST_LINE]


def _text(value: Any) -> str:
    """`value` without what a database or canonical JSON cannot hold, if it is a text; else ""."""
    return _UNSTORABLE.sub("", value).strip() if isinstance(value, str) else ""
