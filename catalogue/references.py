"""One resolver for what people paste, read into a Reference.

It reads a hub's addresses, `organisation/name`, the one-word names of early models, `ollama run ...`, and package URLs
as `catalogue.purls` reads them. The SHA-256 of a file names bytes and no model: `file_digest` reads it.
"""

import re
from dataclasses import replace
from urllib.parse import urlsplit

from catalogue.hub import Hub, Reference, UnreadableReferenceError, hubs
from catalogue.purls import Purl, UnreadablePurlError, parse
from lib.refusal import Words

MOST_CHARACTERS = 2000
_WRAPPING = " \t\r\n<>\"'`"
_ENDINGS = _WRAPPING + ".,;"
_BARE = re.compile(r"[^\s/@:.?#]+/[^\s/@:?#]+(@\S+)?")
_ONE_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{64})", re.IGNORECASE)
# A prompt may follow the name. Of the options only those without a value may come before it.
_OLLAMA = re.compile(r"(?:\$ )?ollama (?:run|pull|show) (?:--(?:insecure|verbose|nowordwrap) )*([^\s-]\S*)(?: .*)?")
_HUB_SLUG = re.compile(r"[a-z0-9]{1,40}")
_NO_ANSWERS = frozenset({"n/a", "none/none", "and/or"})
# Only for addresses that no hub recognises.
_HOSTS_WITHOUT_LOOKUP = {
    "gitcode.com": "GitCode",
    "gitee.com": "Gitee",
    "gitlab.com": "GitLab",
    "openxlab.org.cn": "OpenXLab",
    "replicate.com": "Replicate",
}
_HOW = Words("Write organisation/name as on Hugging Face, the address of the model's page, or a package URL (pkg:...).")


def read(text: str) -> Reference:
    """The model that `text` names; raises UnreadableReferenceError for any other text."""
    text = text.lstrip(_WRAPPING).rstrip(_ENDINGS)
    if not text:
        raise UnreadableReferenceError("No model is named. %(how)s", how=_HOW)
    if len(text) > MOST_CHARACTERS:
        raise UnreadableReferenceError(
            "This is too long to name a model (more than %(most)s characters).", most=MOST_CHARACTERS
        )
    if file_digest(text):
        raise UnreadableReferenceError(
            "This is the SHA-256 of a file: it does not say which model has it. %(how)s", how=_HOW
        )
    text = _named_by_command(text)
    if text.split() != [text]:
        raise UnreadableReferenceError(
            "This is more than one word, so it is not certain which model is meant. %(how)s", how=_HOW
        )
    if text[:4].lower() == "pkg:":
        return _checked(_read_purl(text))
    for hub in hubs().values():
        reference = hub.read(text)
        if reference is not None:
            return _checked(reference)
    return _checked(_read_bare(text))


def file_digest(text: str) -> str | None:
    """The SHA-256 that `text` is, 64 hex digits in lower case, with or without `sha256:` before it; else None."""
    found = _DIGEST.fullmatch(text.strip())
    return found.group(1).lower() if found else None


def at_revision(reference: Reference, revision: str) -> Reference:
    """The same model and file at `revision`; raises UnreadableReferenceError where the hub has no such revisions."""
    if not revision.isprintable():
        raise UnreadableReferenceError("What follows the model's name is not a revision: give a commit or a branch.")
    return _as_the_hub_reads_it(hubs()[reference.hub], replace(reference, revision=revision, file=""), reference.file)


def _named_by_command(text: str) -> str:
    """The address of the model that an `ollama run` command names; any other text as it is."""
    command = _OLLAMA.fullmatch(" ".join(text.split())) if "ollama" in text else None
    if command is None:
        return text
    name = command.group(1).strip(_WRAPPING)
    # As Ollama does: a first part that looks like a host is one, hf.co among them; all else is its own registry's.
    first, slash, _ = name.partition("/")
    return name if slash and ("." in first or ":" in first) else f"registry.ollama.ai/{name}"


def _checked(reference: Reference) -> Reference:
    """Refuses what no address could carry: a name that means a page of the hub, a path with more than one spelling."""
    if "/" in reference.name:
        _as_the_hub_reads_it(hubs()[reference.hub], Reference(reference.hub, reference.name), "")
    if reference.file and not all(part.strip() and part not in {".", ".."} for part in reference.file.split("/")):
        raise UnreadableReferenceError("What follows the model's revision is not a path of a file.")
    return reference


def _read_bare(text: str) -> Reference:
    _refuse_addresses(text)
    if _BARE.fullmatch(text) and text.lower() not in _NO_ANSWERS:
        reference = hubs()["huggingface"].read(f"hf://{text}")
        if reference is not None and reference.name == text.partition("@")[0]:
            return reference
    if "/" in text:
        raise UnreadableReferenceError("This is not the name of a model. %(how)s", how=_HOW)
    return _read_one_word(text)


def _read_one_word(text: str) -> Reference:
    """One of the models on Hugging Face from before organisations existed."""
    if _ONE_WORD.fullmatch(text):
        try:
            reference = hubs()["huggingface"].read(f"https://huggingface.co/{text}")
        except UnreadableReferenceError:
            reference = None
        if reference is not None:
            return reference
    raise UnreadableReferenceError("One word alone is not certain to be a model. %(how)s", how=_HOW)


def _refuse_addresses(text: str) -> None:
    """Raises UnreadableReferenceError for a web address: no hub has recognised it."""
    try:
        host = urlsplit(text if "://" in text else f"https://{text}").hostname or ""
    except ValueError:
        raise UnreadableReferenceError("This address cannot be read. %(how)s", how=_HOW) from None
    for known, title in _HOSTS_WITHOUT_LOOKUP.items():
        if host == known or host.endswith(f".{known}"):
            raise UnreadableReferenceError("Models on this hub cannot be looked up yet: %(hub)s.", hub=title)
    if "://" in text or text.lower().startswith("www."):
        raise UnreadableReferenceError("This address is on no hub of models that is known here. %(how)s", how=_HOW)


def _read_purl(text: str) -> Reference:
    try:
        purl = parse(text)
    except UnreadablePurlError as error:
        raise UnreadableReferenceError(error.sentence, **error.values) from None
    hub, name = _hub_and_name(purl)
    _refuse_other_endpoints(purl, hub)
    return _as_the_hub_reads_it(hub, Reference(hub.slug, name, purl.version), purl.subpath)


def _hub_and_name(purl: Purl) -> tuple[Hub, str]:
    slug, namespace = purl.type, purl.namespace
    if slug == "generic":
        slug, _, namespace = namespace.partition("/")
    elif not namespace:
        raise UnreadableReferenceError("This package URL lacks the part before the name, the organisation.")
    hub = hubs().get(slug)
    if hub is None:
        kind = slug if _HUB_SLUG.fullmatch(slug) else purl.type[:40]
        raise UnreadableReferenceError(
            "Models cannot be looked up yet by this kind of package URL: %(kind)s.", kind=kind
        )
    return hub, f"{namespace}/{purl.name}" if namespace else purl.name


def _refuse_other_endpoints(purl: Purl, hub: Hub) -> None:
    endpoint = purl.qualifiers.get("repository_url", "")
    if endpoint and not _is_endpoint(endpoint, hub):
        raise UnreadableReferenceError("This package URL is about another server than %(hub)s's own.", hub=hub.title)


def _is_endpoint(address: str, hub: Hub) -> bool:
    """Whether the hub's example model, at `address` instead of the hub's own, is still that model to the hub."""
    example = Reference(hub.slug, hub.example)
    try:
        host = urlsplit(address if "://" in address else f"https://{address}").netloc
        return hub.read(urlsplit(hub.url(example))._replace(netloc=host).geturl()) == example
    except ValueError:
        return False


def _as_the_hub_reads_it(hub: Hub, named: Reference, file: str) -> Reference:
    """`named`, provided its page's address reads back as the same name: then the hub's own rules hold."""
    reference = hub.read(hub.url(named))
    if reference is None or reference.name != named.name or (reference.revision != "") != (named.revision != ""):
        raise UnreadableReferenceError("This name or revision is not one a model on %(hub)s can have.", hub=hub.title)
    if not file.isprintable() or len(file) > MOST_CHARACTERS:
        raise UnreadableReferenceError("The path that is given is not that of a file.")
    return replace(reference, file=file) if file != reference.file else reference
