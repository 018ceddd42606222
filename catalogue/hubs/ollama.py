"""Ollama: what people paste of ollama.com and its registry, and how the registry is asked.

Sources: names as `types/model/name.go`, manifests as `manifest/manifest.go`, the config as `types/model/config.go` of
ollama/ollama (MIT) have them; the registry itself publishes no schema. It answers by tag. By digest it once refused
with 500 (ollama/ollama#5298), so a digest that it does not show is looked for under `latest`, too.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import SplitResult, quote, unquote

from catalogue import asking
from catalogue.addresses import address_on
from catalogue.asking import Told, by_status, document
from catalogue.hub import Answer, Facts, Hub, HubFile, Knows, Outcome, Quota, Reference, UnreadableReferenceError
from catalogue.json_values import MalformedAnswerError, count, entries, line, lines, mapping, moment, text
from catalogue.purls import generic

MOST_BYTES = 4_000_000
DEFAULT_TAG = "latest"
_SITE = "https://ollama.com"
_REGISTRY = "https://registry.ollama.ai"
# Where the registry keeps blobs, as its makers say (ollama/ollama#4307); it redirects there.
BLOB_HOSTS = ("dd20bb891979d25aebc8bec07b2b3bbc.r2.cloudflarestorage.com",)
_MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"  # without it the registry calls them invalid
_LAYER_TYPE = "application/vnd.ollama.image."
_HOSTS = frozenset({"ollama.com", "www.ollama.com", "ollama.ai", "www.ollama.ai", "registry.ollama.ai"})
_SITE_PAGES = frozenset(
    {
        *("account", "api", "blog", "cloud", "connect", "contact", "discord", "docs", "download", "install", "library"),
        *("models", "pricing", "privacy", "public", "search", "settings", "signin", "signup", "terms", "turbo"),
    }
)
_NAMESPACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,79}")
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}")
_DIGEST = re.compile(r"(?:sha256[:-])?([0-9a-f]{64})", re.IGNORECASE)
_BLOB = re.compile(r"(?:sha256[:-])?([0-9a-f]{12,64})", re.IGNORECASE)
_BLOB_CHARACTERS = 12  # as the addresses of blobs on ollama.com have them
_LONGEST_STABLE_ID = 100
_LONGEST_NAME = 500
_NAME_SEGMENTS, _BLOB_SEGMENTS, _CALL_SEGMENTS = 2, 2, 4
# A layer has no file name. It is called after its kind, with the ending of the format that kind has.
_ENDINGS = {"model": ".gguf", "adapter": ".gguf", "projector": ".gguf", "tensor": ".safetensors", "params": ".json"}
_SAID_IN_CONFIG = ("model_format", "model_family", "model_families", "model_type", "file_type", "remote_host")
# The manifest, perhaps `latest` in its stead, the config and a licence share the time of one question.
_MOST_CALLS = 4


class Ollama:
    """Models in Ollama's registry, or in the mirror that FAULTLINE_HUB_OLLAMA_ENDPOINT names.

    A name is `namespace/model`, Ollama's own namespace being `library`. A revision is a tag, which can move, or the
    SHA-256 of a manifest, 64 hex digits. The registry tells no id that survives a rename: the name, in lower case, is
    the stable id.
    """

    slug = "ollama"
    title = "Ollama"
    example = "library/bert-1.5"
    knows = frozenset({Knows.FILES, Knows.DIGESTS, Knows.LICENCE})
    quota = Quota(20, 60.0)  # the registry documents none, and each question here is up to four of its calls

    def read(self, text: str) -> Reference | None:
        """An address on ollama.com or registry.ollama.ai, with or without https://, or an ollama:// one."""
        if text[:9].lower() == "ollama://":
            text = f"{_REGISTRY}/{text[9:]}"
        address = address_on(_HOSTS, text)
        return None if address is None else _read_address(address)

    def url(self, reference: Reference) -> str:
        """The page of the blob, the tag or the model. A manifest has no page: its digest follows the model's as #."""
        page = f"{_SITE}/{quote(reference.name)}"
        if _DIGEST.fullmatch(reference.revision):
            return f"{page}#sha256:{_spelled(reference.revision)}"
        tagged = f"{page}:{quote(reference.revision, safe='')}" if reference.revision else page
        is_blob = reference.file.startswith("blobs/")
        return f"{tagged}/{quote(reference.file)}" if is_blob else tagged

    def purl(self, reference: Reference) -> str:
        """`pkg:generic/ollama/{namespace}/{model}@sha256:{digest of the manifest}`: a convention of ours."""
        namespace, _, model = reference.name.partition("/")
        if not _NAMESPACE.fullmatch(namespace) or not _PART.fullmatch(model):
            return ""
        version = f"sha256:{_spelled(reference.revision)}" if self.is_immutable(reference.revision) else ""
        return generic(self.slug, reference.name, version, reference.file)

    def is_immutable(self, revision: str) -> bool:
        """Whether `revision` is the digest of a manifest."""
        return _DIGEST.fullmatch(revision) is not None

    def ask(self, reference: Reference) -> Answer:
        """The manifest, its config and its first licence, in up to four calls; ends in settings.HUB_TIMEOUT_SECONDS."""
        from catalogue import endpoints  # late: reading references needs no Django

        reference = replace(reference, revision=_spelled(reference.revision))
        registry = _Registry(endpoints.endpoint(self.slug, _REGISTRY), endpoints.token(self.slug), reference.name)
        told = registry.manifest(reference.revision)
        if isinstance(told, Answer):
            return told
        try:
            return registry.answer(told)
        except MalformedAnswerError as error:
            return Answer(Outcome.MALFORMED, detail=asking.in_one_line(error), endpoint=registry.endpoint)


HUB: Hub = Ollama()


# --- Asking --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Registry:
    """One model's part of a registry."""

    endpoint: str
    token: str
    name: str

    def manifest(self, revision: str) -> Told | Answer:
        """The manifest of a tag or with a digest, or why there is none."""
        is_digest = HUB.is_immutable(revision)
        digest = f"sha256:{revision}" if is_digest else ""
        told = self._ask(f"manifests/{digest or quote(revision or DEFAULT_TAG, safe='')}", digest)
        unshown = {Outcome.NOT_FOUND_OR_PRIVATE} | ({Outcome.TRANSIENT, Outcome.MALFORMED} if is_digest else set())
        if isinstance(told, Told) or not revision or told.outcome not in unshown:
            return told
        # Whether it lacks the model or only this revision, the registry does not tell.
        newest = self._ask(f"manifests/{DEFAULT_TAG}")
        if isinstance(newest, Answer) or _digest(newest.body) == digest:
            return newest
        return replace(told, outcome=Outcome.REVISION_NOT_FOUND)

    def answer(self, manifest: Told) -> Answer:
        """What a manifest and the blobs it points at say; raises MalformedAnswerError where it is no manifest."""
        said = document(manifest)
        if not isinstance(said.get("layers"), list):
            raise MalformedAnswerError("the answer is not a manifest with layers")
        layers = list(_layers(said["layers"]))
        config = self._blob(line(mapping(said.get("config")).get("digest")))
        if isinstance(config, Answer):
            return config
        licence = self._blob(next((layer.digest for layer in layers if layer.kind == "license"), ""))
        if isinstance(licence, Answer):
            return licence
        namespace = self.name.partition("/")[0]
        found = Facts(
            stable_id=_stable_id(self.name),
            name=self.name,
            revision=_spelled(_digest(manifest.body)),
            author="" if namespace == "library" else namespace,
            licence=_first_line(licence),
            tags=tuple(_said_in(config)),
            files=tuple(_files(layers)),
            modified_at=_pushed_at(manifest),
        )
        return Answer(Outcome.OK, facts=found, endpoint=self.endpoint, body=manifest.body)

    def _blob(self, digest: str) -> bytes | Answer:
        """A blob's content, b"" where there is none here to read, or an Answer where there may be another time."""
        if not HUB.is_immutable(digest):
            return b""
        told = self._ask(f"blobs/{digest}", digest)
        if isinstance(told, Told):
            return told.body
        return told if told.outcome in {Outcome.TRANSIENT, Outcome.RATE_LIMITED} else b""

    def _ask(self, path: str, digest: str = "") -> Told | Answer:
        """The content at `path`, which has the `digest` if one is given, or an Answer that says why not."""
        from django.conf import settings  # late: reading references needs no Django

        headers = {"Accept": _MANIFEST_TYPE} | ({"Authorization": f"Bearer {self.token}"} if self.token else {})
        told = asking.get(
            f"{self.endpoint}/v2/{quote(self.name)}/{path}",
            headers=headers,
            seconds=settings.HUB_TIMEOUT_SECONDS / _MOST_CALLS,
            most_bytes=MOST_BYTES,
            endpoint=self.endpoint,
            hosts=BLOB_HOSTS if path.startswith("blobs/") else (),
        )
        if isinstance(told, Answer):
            return told
        outcome = classify(told.status, had_token=bool(self.token))
        if outcome is not Outcome.OK:
            return asking.without_facts(outcome, told, *_problem(told), endpoint=self.endpoint)
        if digest and _digest(told.body) != digest:
            return Answer(Outcome.MALFORMED, detail="the content has another digest", endpoint=self.endpoint)
        return told


def classify(status: int, *, had_token: bool) -> Outcome:
    """How a question ended. The registry answers 401 for what only its owner may have, and 404 for what is missing."""
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN} and had_token:
        return Outcome.CREDENTIAL
    return by_status(status)


# --- What an answer means ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Layer:
    """One blob of a manifest; `digest` with `sha256:` before it, `name` only of tensors."""

    kind: str
    digest: str
    size: int | None
    name: str


def _layers(listed: list[Any]) -> Iterator[_Layer]:
    for layer in map(mapping, listed):
        media_type, digest = line(layer.get("mediaType")), line(layer.get("digest")).lower()
        if media_type.startswith(_LAYER_TYPE) and HUB.is_immutable(digest):
            kind = media_type.removeprefix(_LAYER_TYPE).partition(";")[0]
            yield _Layer(kind, digest, count(layer.get("size")), text(layer.get("name"))[:_LONGEST_NAME])


def _files(layers: list[_Layer]) -> list[HubFile]:
    files, seen = [], Counter[str]()
    for layer in layers:
        stem = layer.name or layer.kind
        seen[stem] += 1
        number = f"-{seen[stem]}" if seen[stem] > 1 else ""
        path = f"{stem}{number}{_ENDINGS.get(layer.kind, '')}"
        files.append(HubFile(path, layer.size, _spelled(layer.digest)))
    return sorted(files, key=lambda file: file.path)


def _said_in(config: bytes) -> Iterator[str]:
    """The config's own words, each as `key:value`."""
    try:
        said = mapping(json.loads(config))
    except (ValueError, RecursionError):
        return
    for key in _SAID_IN_CONFIG:
        yield from (f"{key}:{value}" for value in lines(said.get(key)))
    yield from (f"capability:{value}" for value in lines(said.get("capabilities")))


def _first_line(licence: bytes) -> str:
    return next(filter(None, map(line, licence.decode(errors="replace").splitlines())), "")


def _pushed_at(told: Told) -> datetime | None:
    seconds = told.headers.get("ollama-push-time", "")
    return moment(int(seconds)) if re.fullmatch(r"[0-9]{1,12}", seconds) else None


def _problem(told: Told) -> tuple[str, str]:
    """The code and message of the first error in the body."""
    try:
        error = next(iter(map(mapping, entries(document(told).get("errors")))), {})
    except MalformedAnswerError:
        return "", ""
    return line(error.get("code")), line(error.get("message"))


def _stable_id(name: str) -> str:
    stable_id = f"name:{name.lower()}"
    if len(stable_id) <= _LONGEST_STABLE_ID:
        return stable_id
    return f"name:sha256:{hashlib.sha256(name.lower().encode()).hexdigest()}"


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


# --- What people paste ---------------------------------------------------------------------------------------------


def _read_address(address: SplitResult) -> Reference:
    segments = [unquote(segment) for segment in address.path.split("/") if segment]
    if segments[:1] == ["v2"]:
        return _read_call(segments[1:])
    if address.hostname == "registry.ollama.ai":
        segments = ["library", *segments] if len(segments) == 1 else segments
    else:
        _refuse_other_pages(segments)
    if len(segments) < _NAME_SEGMENTS:
        raise UnreadableReferenceError("This is a page of Ollama, not a model.")
    namespace, tagged, *rest = segments
    model, at, digest = tagged.partition("@")
    model, _, tag = model.partition(":")
    if _DIGEST.fullmatch(address.fragment):
        at, digest = "@", address.fragment
    return _checked(f"{namespace}/{model}", digest if at else tag, _blob_in(rest))


def _refuse_other_pages(segments: list[str]) -> None:
    is_library = segments[:1] == ["library"] and len(segments) >= _NAME_SEGMENTS
    if not segments or (segments[0].lower() in _SITE_PAGES and not is_library):
        raise UnreadableReferenceError("This is a page of Ollama, not a model.")
    if len(segments) < _NAME_SEGMENTS:
        raise UnreadableReferenceError("This is the page of a user on Ollama: add the model's name.")


def _read_call(segments: list[str]) -> Reference:
    """Reads `{namespace}/{model}/manifests/{tag or digest}` and `.../blobs/{digest}`, the calls of the registry."""
    if len(segments) != _CALL_SEGMENTS or segments[2] not in {"manifests", "blobs"}:
        raise UnreadableReferenceError("This call of Ollama's registry is not about a model.")
    namespace, model, kind, last = segments
    return _checked(f"{namespace}/{model}", *((last, "") if kind == "manifests" else ("", _blob_in([kind, last]))))


def _blob_in(segments: list[str]) -> str:
    """The blob that a page is about, as a path; "" for the page of a model or its tags."""
    if not segments or segments == ["tags"]:
        return ""
    digest = _BLOB.fullmatch(segments[1]) if segments[0] == "blobs" and len(segments) == _BLOB_SEGMENTS else None
    if digest is None:
        raise UnreadableReferenceError("This page of Ollama is not a model or a file of one.")
    return f"blobs/{digest.group(1).lower()[:_BLOB_CHARACTERS]}"


def _checked(name: str, revision: str, file: str) -> Reference:
    namespace, _, model = name.partition("/")
    if not _NAMESPACE.fullmatch(namespace) or not _PART.fullmatch(model):
        raise UnreadableReferenceError("This is not a name a model on Ollama can have: write it as in `ollama run`.")
    if revision and not _PART.fullmatch(revision) and not _DIGEST.fullmatch(revision):
        raise UnreadableReferenceError("What follows the model's name is not a tag or a digest of Ollama.")
    return Reference(Ollama.slug, name, _spelled(revision), file)


def _spelled(revision: str) -> str:
    """A digest as 64 hex digits in lower case; a tag as it is."""
    digest = _DIGEST.fullmatch(revision)
    return digest.group(1).lower() if digest else revision
