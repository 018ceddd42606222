"""What the Hugging Face Hub's answers about a model mean. Plain data: no network, no database, no Django.

Format: `GET /api/models/{id}` of the Hub, which has no published schema; its errors differ by `X-Error-Code`.
Nothing in an answer is trusted: what has the wrong type is dropped, and the rest stands if it says who it is.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # public, though not in an __all__

from catalogue.asking import LONGEST_WAIT_SECONDS, by_status, in_one_line, retry_after
from catalogue.hub import Answer, BaseModelClaim, Facts, HubFile, Outcome, Quota, Reference
from catalogue.json_values import MalformedAnswerError, count, entries, line, lines, mapping, moment, text

_LONGEST_PATH = 1000
_COMMIT = re.compile(r"[0-9a-f]{40}")
_LEFT = re.compile(r";\s*r\s*=\s*(\d{1,9})")
_RESET = re.compile(r";\s*t\s*=\s*(\d{1,9})")
_NO_ACCESS = frozenset({"GatedRepo", "RepoNotFound"})
_RELATIONS = frozenset({"finetune", "quantized", "adapter", "merge"})


def is_name(name: str) -> bool:
    """Whether `name` can be a model's name: `organisation/name`, or the one word of an early model."""
    try:
        validate_repo_id(name)
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
        detail = line(" ".join(part for part in (f"HTTP {status}", code, message) if part))
        wait = _wait(outcome, headers)
        return Answer(outcome, detail=detail, retry_after=wait, quota=_quota(headers), endpoint=endpoint)
    try:
        found = facts(json.loads(body))
    except (ValueError, RecursionError) as error:
        return Answer(Outcome.MALFORMED, detail=in_one_line(error), endpoint=endpoint)
    if is_commit(reference.revision) and found.revision != reference.revision:
        return Answer(Outcome.MALFORMED, detail="the answer is about another revision", endpoint=endpoint)
    return Answer(_state(reference.name, found), facts=found, quota=_quota(headers), endpoint=endpoint, body=body)


def classify(status: int, code: str, message: str, *, had_token: bool) -> Outcome:
    """How the question ended; `code` and `message` are X-Error-Code and X-Error-Message, or ""."""
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return _refusal(status, code, message, had_token=had_token)
    if status == HTTPStatus.NOT_FOUND and code == "RevisionNotFound":
        return Outcome.REVISION_NOT_FOUND
    return by_status(status)


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
    waits = [wait for wait in [retry_after(headers)] if wait is not None]
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


def facts(document: Any) -> Facts:
    """The facts in a model's document; raises MalformedAnswerError where it lacks a stable id or a name."""
    document = mapping(document)
    stable_id, name = line(document.get("_id")), text(document.get("id"))
    if not stable_id or not is_name(name):
        raise MalformedAnswerError("the answer has no _id and id of a model")
    card = mapping(document.get("cardData"))
    tags = tuple(lines(document.get("tags")))
    commit = line(document.get("sha")).lower()
    bases_claimed_by, base_models = _base_models(document, tags, card)
    return Facts(
        stable_id=stable_id[:100],
        name=name,
        revision=commit if is_commit(commit) else "",
        author=line(document.get("author")),
        licence=_licence(card, tags),
        private=document.get("private") is True,
        gated=_gated(document.get("gated")),
        disabled=document.get("disabled") is True,
        downloads=count(document.get("downloads")),
        likes=count(document.get("likes")),
        pipeline=line(document.get("pipeline_tag"))[:100],
        library=line(document.get("library_name"))[:100],
        tags=tags,
        base_models=base_models,
        bases_claimed_by=bases_claimed_by,
        files=tuple(_files(document.get("siblings"))),
        files_complete=isinstance(document.get("siblings"), list),
        created_at=moment(document.get("createdAt")),
        modified_at=moment(document.get("lastModified")),
    )


def _gated(value: Any) -> str:
    if value is True:
        return "manual"
    return value if value in ("auto", "manual") else ""


def _licence(card: dict[str, Any], tags: tuple[str, ...]) -> str:
    """The licence as claimed: an id, several joined by commas, or `other: its name`."""
    licences = lines(card.get("license")) or [
        tag.removeprefix("license:") for tag in tags if tag.startswith("license:")
    ]
    named = line(card.get("license_name"))
    if licences == ["other"] and named:
        return line(f"other: {named}")
    return line(", ".join(licences))


def _base_models(
    document: dict[str, Any], tags: tuple[str, ...], card: dict[str, Any]
) -> tuple[str, tuple[BaseModelClaim, ...]]:
    """The first source that names any base, and its bases: the Hub's list and tags follow renames, the card not."""
    own = line(document.get("id")).lower()
    sources = (("hub", _listed_bases(document)), ("tag", _tagged_bases(tags)), ("card", _card_bases(card)))
    for source, claims in sources:
        bases = {claim.name.lower(): claim for claim in claims if is_name(claim.name) and claim.name.lower() != own}
        if bases:
            return source, tuple(bases.values())
    return "", ()


def _listed_bases(document: dict[str, Any]) -> Iterator[BaseModelClaim]:
    listed = mapping(document.get("baseModels"))
    for model in entries(listed.get("models")):
        yield BaseModelClaim(text(mapping(model).get("id")), _relation(listed.get("relation")))


def _tagged_bases(tags: Iterable[str]) -> Iterator[BaseModelClaim]:
    # `base_model:a/b` comes beside `base_model:finetune:a/b`; the one that says more comes last, and wins.
    for tag in sorted((tag for tag in tags if tag.startswith("base_model:")), key=lambda tag: tag.count(":")):
        relation, colon, name = tag.removeprefix("base_model:").partition(":")
        yield BaseModelClaim(name, _relation(relation)) if colon else BaseModelClaim(relation)


def _card_bases(card: dict[str, Any]) -> Iterator[BaseModelClaim]:
    for name in lines(card.get("base_model")):
        yield BaseModelClaim(name, _relation(card.get("base_model_relation")))


def _relation(value: Any) -> str:
    return value if isinstance(value, str) and value in _RELATIONS else ""


def _files(siblings: Any) -> list[HubFile]:
    files = {}
    for sibling in map(mapping, entries(siblings)):
        path = text(sibling.get("rfilename"))
        if path and len(path) <= _LONGEST_PATH:
            sha256 = line(mapping(sibling.get("lfs")).get("sha256")).lower()
            digest = sha256 if re.fullmatch(r"[0-9a-f]{64}", sha256) else None
            files[path] = HubFile(path, count(sibling.get("size")), digest, line(sibling.get("blobId")) or None)
    return [files[path] for path in sorted(files)]
