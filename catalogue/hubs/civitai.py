"""Civitai: what people paste of civitai.com, and how it is asked.

Sources: the routes `api/v1/models/[id]` and `shared/utils/air` of civitai/civitai (Apache-2.0) and the reference on
developer.civitai.com. Nothing in an answer is trusted.
"""

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import SplitResult, parse_qs, quote, unquote, urlencode

from catalogue import asking
from catalogue.addresses import address_on
from catalogue.asking import Told, by_status, document
from catalogue.hub import Answer, Facts, Hub, HubFile, Knows, Outcome, Quota, Reference, UnreadableReferenceError
from catalogue.json_values import MalformedAnswerError, count, entries, line, lines, mapping, moment, text
from catalogue.purls import generic

MOST_BYTES = 8_000_000
_SITE = "https://civitai.com"
# One catalogue under several names: the others show more or less of what is for adults.
_HOSTS = frozenset({f"{www}civitai.{end}" for www in ("", "www.") for end in ("com", "green", "red")})
_ID = re.compile(r"[1-9][0-9]{0,9}")
_LARGEST_ID = 2**31 - 1
_VERSION = re.compile(r"[a-z0-9_.-]{1,64}")
_AIR = re.compile(r"(?:urn:)?air:[\w-]+:[\w-]+:civitai:([0-9]+)(?:@([0-9]+))?(?:[:.+][\w.:+-]*)?", re.IGNORECASE)
_BY_VERSION = (["model-versions"], ["download", "models"])
_SHA256 = re.compile(r"[0-9A-Fa-f]{64}")
_BYTES_IN_KB = 1024
_LONGEST_PATH = 1000
_WITHDRAWN = frozenset({"Archived", "TakenDown"})
_PERMISSIONS = ("allowNoCredit", "allowCommercialUse", "allowDerivatives", "allowDifferentLicense")


class Civitai:
    """Models on civitai.com, or on the mirror that FAULTLINE_HUB_CIVITAI_ENDPOINT names.

    A model's name here is its number, for its title is neither unique nor lasting. A revision is the number of a
    version. It is not immutable: publishers can add files to a version and take files from it.
    """

    slug = "civitai"
    title = "Civitai"
    example = "4384"
    # Not lineage: of a base it names the family ("SD 1.5"), no model.
    knows = frozenset({Knows.IDENTITY, Knows.FILES, Knows.DIGESTS, Knows.LICENCE, Knows.USE, Knows.SCANS})
    quota = Quota(60, 60.0)  # the site documents none

    def read(self, text: str) -> Reference | None:
        """An address on civitai.com, with or without https://, or the model's AIR (urn:air:...)."""
        air = _AIR.fullmatch(text)
        if air:
            return _checked(air.group(1), air.group(2) or "")
        address = address_on(_HOSTS, text)
        return None if address is None else _read_address(address)

    def url(self, reference: Reference) -> str:
        """The page of the model, at the version if one is named."""
        page = f"{_SITE}/models/{quote(reference.name, safe='')}"
        return f"{page}?{urlencode({'modelVersionId': reference.revision})}" if reference.revision else page

    def purl(self, reference: Reference) -> str:
        """`pkg:generic/civitai/{number}`, without a version, as none is immutable: a convention of ours."""
        return generic(self.slug, reference.name, file=reference.file)

    def is_immutable(self, revision: str) -> bool:  # noqa: ARG002 - the contract's
        """Never: the files of a version can change."""
        return False

    def ask(self, reference: Reference) -> Answer:
        """One call of the site's API; ends in settings.HUB_TIMEOUT_SECONDS."""
        from django.conf import settings  # late: reading references needs no Django

        from catalogue import endpoints

        endpoint, token = endpoints.endpoint(self.slug, _SITE), endpoints.token(self.slug)
        told = asking.get(
            f"{endpoint}/api/v1/models/{quote(reference.name, safe='')}",
            headers={"Authorization": f"Bearer {token}"} if token else {},
            seconds=settings.HUB_TIMEOUT_SECONDS,
            most_bytes=MOST_BYTES,
            endpoint=endpoint,
        )
        if isinstance(told, Answer):
            return told
        return read_answer(told, reference=reference, had_token=bool(token), endpoint=endpoint)


HUB: Hub = Civitai()


# --- What an answer means ------------------------------------------------------------------------------------------


def read_answer(told: Told, *, reference: Reference, had_token: bool, endpoint: str) -> Answer:
    """What the site's answer to a question about `reference` means."""
    outcome = classify(told.status, had_token=had_token)
    if outcome is not Outcome.OK:
        return asking.without_facts(outcome, told, _problem(told), endpoint=endpoint)
    try:
        said = document(told)
        version = _version(said, reference.revision)
        if version is None:
            return Answer(Outcome.REVISION_NOT_FOUND, detail="no such version is published", endpoint=endpoint)
        found = facts(said, version)
    except MalformedAnswerError as error:
        return Answer(Outcome.MALFORMED, detail=asking.in_one_line(error), endpoint=endpoint)
    if found.name != reference.name:
        return Answer(Outcome.MALFORMED, detail="the answer is about another model", endpoint=endpoint)
    outcome = Outcome.DISABLED if found.disabled else Outcome.OK
    return Answer(outcome, facts=found, endpoint=endpoint, body=told.body)


def classify(status: int, *, had_token: bool) -> Outcome:
    """How a question ended. Models are public: a 401 is about the token, and a 404 may be about where we ask from."""
    if status == HTTPStatus.UNAUTHORIZED or (status == HTTPStatus.FORBIDDEN and had_token):
        return Outcome.CREDENTIAL
    return by_status(status)


def facts(said: dict[str, Any], version: dict[str, Any]) -> Facts:
    """The facts in a model's document at one of its versions; raises MalformedAnswerError where it has no number."""
    number = _number(said)
    files = [mapping(file) for file in entries(version.get("files"))]
    return Facts(
        stable_id=number,
        name=number,
        revision=str(count(version.get("id")) or ""),
        author=line(mapping(said.get("creator")).get("username")),
        licence=_permissions(said),
        disabled=line(said.get("mode")) in _WITHDRAWN,
        likes=count(mapping(said.get("stats")).get("thumbsUpCount")),
        tags=tuple(_tags(said, version, files)),
        files=tuple(_files(files)),
        # An archived model's files are left out, and a version that is published has at least one.
        files_complete=bool(files),
        modified_at=moment(version.get("publishedAt")),
    )


def _version(said: dict[str, Any], asked: str) -> dict[str, Any] | None:
    """The version asked for, or the first, which is the newest; {} where none was asked for and none is shown."""
    versions = [mapping(version) for version in entries(said.get("modelVersions"))]
    if not asked:
        return versions[0] if versions else {}
    return next((version for version in versions if str(count(version.get("id"))) == asked), None)


def _number(said: dict[str, Any]) -> str:
    number = count(said.get("id"))
    if not number:
        raise MalformedAnswerError("the answer has no id of a model")
    return str(number)


def _permissions(said: dict[str, Any]) -> str:
    """What the publisher allows, in the site's own words: there is no licence by name."""
    found = []
    for key in _PERMISSIONS:
        value = said.get(key)
        if isinstance(value, bool):
            found.append(f"{key}: {'yes' if value else 'no'}")
        elif isinstance(value, str | list):
            uses = [use for entry in lines(value) for use in re.findall(r"[A-Za-z]+", entry)]
            found.append(f"{key}: {', '.join(uses) or 'None'}")
    return line("; ".join(found))


def _tags(said: dict[str, Any], version: dict[str, Any], files: list[dict[str, Any]]) -> Iterator[str]:
    """The site's tags, and what it says that has no place of its own, as `key:value`."""
    yield from lines(said.get("tags"))
    named = (("title", said.get("name")), ("type", said.get("type")), ("mode", said.get("mode")))
    of_version = (
        ("version", version.get("name")),
        ("base-model", version.get("baseModel")),
        ("usage", version.get("usageControl")),
    )
    yield from (line(f"{key}:{line(value)}") for key, value in named + of_version if line(value))
    yield from (key for key in ("nsfw", "poi", "minor") if said.get(key) is True)
    for file in files:
        for key, field in (("pickle-scan", "pickleScanResult"), ("virus-scan", "virusScanResult")):
            if line(file.get(field)):
                yield line(f"{key}:{line(file.get(field))}:{line(file.get('name'))}")


def _files(listed: list[dict[str, Any]]) -> list[HubFile]:
    files: dict[str, HubFile] = {}
    for entry in listed:
        path = text(entry.get("name"))
        if path and len(path) <= _LONGEST_PATH:
            sha256 = line(mapping(entry.get("hashes")).get("SHA256")).lower()
            digest = sha256 if _SHA256.fullmatch(sha256) else None
            files.setdefault(path, HubFile(path, _bytes(entry.get("sizeKB")), digest))
    return [files[path] for path in sorted(files)]


def _bytes(kilobytes: Any) -> int | None:
    try:
        return count(round(float(kilobytes) * _BYTES_IN_KB))
    except (TypeError, ValueError, OverflowError):
        return None


def _problem(told: Told) -> str:
    try:
        return line(document(told).get("error"))
    except MalformedAnswerError:
        return ""


# --- What people paste ---------------------------------------------------------------------------------------------


def _read_address(address: SplitResult) -> Reference:
    segments = [unquote(segment) for segment in address.path.split("/") if segment]
    if segments[:1] == ["api"]:
        segments = segments[2:] if segments[1:2] == ["v1"] else segments[1:]
    if any(segments[: len(start)] == start for start in _BY_VERSION):
        raise UnreadableReferenceError(
            "This address on Civitai names a version and not its model: give the address of the model's page."
        )
    if segments[:1] != ["models"] or not segments[1:]:
        raise UnreadableReferenceError("This is a page of Civitai, not a model.")
    return _checked(segments[1], _asked_version(address.query))


def _asked_version(query: str) -> str:
    try:
        return parse_qs(query, max_num_fields=50).get("modelVersionId", [""])[0]
    except ValueError:
        raise UnreadableReferenceError("This address on Civitai cannot be read.") from None


def _checked(number: str, version: str) -> Reference:
    if not _ID.fullmatch(number) or int(number) > _LARGEST_ID:
        raise UnreadableReferenceError("A model on Civitai has a number: give the address of its page.")
    if version and not _VERSION.fullmatch(version):
        raise UnreadableReferenceError("What follows the model's number is not a version on Civitai.")
    return Reference(Civitai.slug, number, version)
