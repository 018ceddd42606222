"""The Hugging Face Hub: what people paste of it, and how it is asked."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import quote, unquote, urlencode

import httpx2
from huggingface_hub import constants, get_session, set_client_factory
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # public, though not in an __all__

from catalogue.addresses import address_on
from catalogue.asking import Told, in_one_line
from catalogue.hub import (
    Address,
    Answer,
    Details,
    Facts,
    Hub,
    Knows,
    Outcome,
    Quota,
    Reference,
    UnreadableReferenceError,
)
from catalogue.huggingface_answers import is_commit, is_name, read_answer
from catalogue.huggingface_calls import Calls, inspect
from catalogue.huggingface_evidence import evidence_of
from catalogue.purls import huggingface
from lib.http import AnswerTooLargeError, OtherHostError, bounded_client
from lib.refusal import Words

MOST_BYTES = 8_000_000
_SITE = "https://huggingface.co"
# What a model's document has without being asked, but for its files; the Hub answers exactly what `expand[]` names.
_ALL_BUT_FILES = urlencode(
    [
        ("expand[]", field)
        for field in (
            *("author", "baseModels", "cardData", "config", "createdAt", "disabled", "downloads", "gated", "gguf"),
            *("lastModified", "library_name", "likes", "model-index", "pipeline_tag", "private", "safetensors", "sha"),
            *("tags", "transformersInfo"),
        )
    ]
)
_HOSTS = frozenset({"huggingface.co", "www.huggingface.co", "hf.co", "www.hf.co"})
_NOT_MODELS = {
    "datasets": Words("a dataset"),
    "spaces": Words("a Space"),
    "collections": Words("a collection"),
    "papers": Words("a paper"),
    "buckets": Words("a storage bucket"),
    "kernels": Words("a kernel"),
}
_SITE_PAGES = frozenset(
    {
        *("api", "blog", "chat", "docs", "enterprise", "join", "learn", "login", "models", "new"),
        *("organizations", "posts", "pricing", "search", "settings", "tasks"),
    }
)
_PROFILE_TABS = frozenset(
    {"activity", "collections", "datasets", "followers", "following", "likes", "models", "papers", "spaces"}
)
_AT_REVISION = frozenset({"blame", "blob", "commit", "commits", "raw", "resolve", "revision", "tree"})
_OF_REPOSITORY = frozenset({"colab", "discussions", "edit", "settings", "upload"})
# The models from before organisations existed. Any other lone word in an address is somebody's profile.
_EARLY_MODEL = re.compile(
    r"(ctrl|distilgpt2|gpt2|openai-gpt|camembert-base|distilroberta-base)"
    r"|(albert|bert|distilbert|gpt2|roberta|t5|transfo-xl|xlm|xlnet)-[\w.-]+"
)
_APPENDED = re.compile(r"(\.git|:[\w.-]+)$")  # of clone addresses; and a quantisation, as Ollama writes it
_LONGEST_REVISION = 200
_LONGEST_FILE = 1000
_NOT_IN_REVISIONS = re.compile(r"[\s~^:?*\[\\]|\.\.")


class HuggingFace:
    """Models on huggingface.co, or on the mirror that FAULTLINE_HUB_HUGGINGFACE_ENDPOINT names."""

    slug = "huggingface"
    title = "Hugging Face"
    example = "acme/bert-1.5"
    knows = frozenset(Knows)
    quota = Quota(500, 300.0)  # anonymous calls of the API from one address, as documented in September 2025
    evidence = staticmethod(evidence_of)

    def read(self, text: str) -> Reference | None:
        """An address on huggingface.co or hf.co, with or without https://, or an hf:// one."""
        if text[:5].lower() == "hf://":
            return _read_hf_uri(text[5:])
        segments = _path_on_site(text)
        return None if segments is None else _read_path(segments)

    def url(self, reference: Reference) -> str:
        """The page of the file, of the revision, or of the repository."""
        page = f"{_SITE}/{quote(reference.name)}"
        revision = quote(reference.revision or "main", safe="")
        if reference.file:
            return f"{page}/blob/{revision}/{quote(reference.file)}"
        return f"{page}/tree/{revision}" if reference.revision else page

    def purl(self, reference: Reference) -> str:
        """As purl-spec's type `huggingface`; "" for the one-word names, which it has no form for."""
        namespace, slash, name = reference.name.partition("/")
        if not slash:
            return ""
        version = _spelled(reference.revision) if self.is_immutable(reference.revision) else ""
        return huggingface(namespace, name, version, reference.file)

    def is_immutable(self, revision: str) -> bool:
        """Whether `revision` is a full commit id."""
        return is_commit(revision.lower())

    def ask(self, reference: Reference) -> Answer:
        """One call of the Hub's model API, files' digests included; ends in settings.HUB_TIMEOUT_SECONDS.

        Where that answer is larger than MOST_BYTES, the model's files are too many to list here: a second call asks for
        the rest, and the listing is not complete.
        """
        from catalogue import endpoints  # late: reading references needs no Django

        reference = replace(reference, revision=_spelled(reference.revision))
        endpoint = endpoints.endpoint(self.slug, _SITE)
        token = endpoints.token(self.slug)
        path = endpoint + _api_path(reference)
        try:
            told = _tell("GET", f"{path}?blobs=true", token)
        except AnswerTooLargeError:
            told = _tell_or_too_large("GET", f"{path}?{_ALL_BUT_FILES}", token)
        if isinstance(told, Answer):
            return replace(told, endpoint=endpoint)
        return read_answer(
            reference=reference,
            status=told.status,
            headers=told.headers,
            body=told.body,
            had_token=bool(token),
            endpoint=endpoint,
        )

    def inspect(self, reference: Reference, facts: Facts, may_ask: Callable[[], bool]) -> Details:
        """Three to eight calls as a rule, each of which ends in settings.HUB_TIMEOUT_SECONDS."""
        from catalogue import endpoints  # late: reading references needs no Django

        endpoint, token = endpoints.endpoint(self.slug, _SITE), endpoints.token(self.slug)

        def send(path: str, form: Mapping[str, str | list[str]] | None) -> Told | Answer:
            return _tell_or_too_large("POST" if form else "GET", endpoint + path, token, form)

        return inspect(Calls(send, may_ask, had_token=bool(token)), reference, facts)

    def address(self, reference: Reference) -> Address:
        """The Hub's own address of the file; for large ones it redirects to other hosts."""
        from catalogue import endpoints  # late: reading references needs no Django

        path = f"{quote(reference.name)}/resolve/{quote(reference.revision or 'main', safe='')}/{quote(reference.file)}"
        return Address(f"{endpoints.endpoint(self.slug, _SITE)}/{path}", _headers(endpoints.token(self.slug)))


HUB: Hub = HuggingFace()


def _api_path(reference: Reference) -> str:
    path = f"/api/models/{quote(reference.name)}"
    if reference.revision:
        path += f"/revision/{quote(reference.revision, safe='')}"
    return path


def _tell_or_too_large(
    method: str, url: str, token: str, form: Mapping[str, str | list[str]] | None = None
) -> Told | Answer:
    """As `_tell`; an Answer without facts where it is too large, too."""
    try:
        return _tell(method, url, token, form)
    except AnswerTooLargeError as error:
        return Answer(Outcome.MALFORMED, detail=in_one_line(error))


def _tell(method: str, url: str, token: str, form: Mapping[str, str | list[str]] | None = None) -> Told | Answer:
    """The whole answer, redirects followed; an Answer without facts where it is no whole answer.

    Raises AnswerTooLargeError, for there may be a smaller question.
    """
    try:
        with get_session().stream(method, url, headers=_headers(token), data=form) as response:
            return Told(response.status_code, response.headers, _whole(response))
    except AnswerTooLargeError:
        raise
    except (OtherHostError, httpx2.DecodingError, httpx2.TooManyRedirects) as error:
        return Answer(Outcome.MALFORMED, detail=in_one_line(error))
    except httpx2.HTTPError as error:
        return Answer(Outcome.TRANSIENT, detail=in_one_line(error))


def _whole(response: httpx2.Response) -> bytes:
    try:
        return response.read()
    except httpx2.RemoteProtocolError as error:
        raise httpx2.DecodingError(f"the answer breaks off: {error}") from error


def _headers(token: str) -> dict[str, str]:
    return build_hf_headers(token=token or False, library_name="faultline", library_version="0.1")


def _client() -> httpx2.Client:
    from django.conf import settings  # late: reading references needs no Django

    return bounded_client(seconds=settings.HUB_TIMEOUT_SECONDS, most_bytes=MOST_BYTES)


# The library sends no telemetry, no token it finds lying about, and nothing unbounded. After a fork it reconnects by
# itself. Here and not in the environment, because that is read once, by whichever module imports the library first.
constants.HF_HUB_DISABLE_TELEMETRY = True
constants.HF_HUB_DISABLE_IMPLICIT_TOKEN = True
set_client_factory(_client)


def _path_on_site(text: str) -> list[str] | None:
    """The decoded path segments of an address on the Hub's site; None for any other text."""
    address = address_on(_HOSTS, text)
    return None if address is None else [unquote(segment) for segment in address.path.split("/") if segment]


def _read_path(segments: list[str]) -> Reference:
    if segments[:2] == ["api", "models"] and segments[2:]:
        segments = segments[2:]
    _refuse_other_pages(segments)
    length = 1 if _is_one_word(segments) else 2
    name = _APPENDED.sub("", "/".join(segments[:length]))
    section, rest = "".join(segments[length : length + 1]), segments[length + 1 :]
    if section in _AT_REVISION:
        revision, file = _revision_and_file(rest)
        return _checked(name, revision, "" if section == "commit" else file)
    if section and section not in _OF_REPOSITORY:
        raise UnreadableReferenceError(
            "This page of Hugging Face (%(page)s) is not a model or a file of one.", page=section[:40]
        )
    return _checked(name)


def _refuse_other_pages(segments: list[str]) -> None:
    first = segments[0] if segments else ""
    if first in _NOT_MODELS:
        raise UnreadableReferenceError("This is %(what)s on Hugging Face, not a model.", what=_NOT_MODELS[first])
    if not first or first in _SITE_PAGES:
        raise UnreadableReferenceError("This is a page of Hugging Face, not a model.")
    is_profile = segments[1] in _PROFILE_TABS if len(segments) > 1 else not _EARLY_MODEL.fullmatch(first)
    if is_profile:
        raise UnreadableReferenceError(
            "This is the page of a user or an organisation on Hugging Face: add the model's name."
        )


def _is_one_word(segments: list[str]) -> bool:
    return len(segments) == 1 or segments[1] in _AT_REVISION | {"discussions"}


def _read_hf_uri(path: str) -> Reference:
    """Reads `[models/]name[@revision][/file]`, the form of the Hub's file system."""
    kind, _, rest = path.partition("/")
    if kind in _NOT_MODELS:
        raise UnreadableReferenceError("This is %(what)s on Hugging Face, not a model.", what=_NOT_MODELS[kind])
    path = rest if kind == "models" else path
    name, at, tail = path.partition("@")
    if at and name.count("/") <= 1:
        revision, file = _revision_and_file([unquote(segment) for segment in tail.split("/") if segment])
        return _checked(name, revision, file)
    segments = [segment for segment in path.split("/") if segment]
    return _checked("/".join(segments[:2]), file="/".join(segments[2:]))


def _revision_and_file(segments: list[str]) -> tuple[str, str]:
    # Of all revisions only refs/pr/1 and its like have slashes, and people paste them undecoded and decoded.
    length = 3 if segments[:1] == ["refs"] else 1
    return "/".join(segments[:length]), "/".join(segments[length:])


def _checked(name: str, revision: str = "", file: str = "") -> Reference:
    if not is_name(name):
        raise UnreadableReferenceError(
            "This is not a name a model on Hugging Face can have: write it as organisation/name."
        )
    if len(revision) > _LONGEST_REVISION or not revision.isprintable() or _NOT_IN_REVISIONS.search(revision):
        raise UnreadableReferenceError("What follows the model's name is not a revision: give a commit or a branch.")
    if len(file) > _LONGEST_FILE or not file.isprintable() or ".." in file.split("/"):
        raise UnreadableReferenceError("What follows the model's revision is not a path of a file.")
    return Reference(HuggingFace.slug, name, _spelled(revision), file)


def _spelled(revision: str) -> str:
    return revision.lower() if is_commit(revision.lower()) else revision
