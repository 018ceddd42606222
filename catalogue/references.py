"""One resolver for what people paste: a hub URL, `org/name`, or a package URL, read into a Reference.

Format: package URLs as purl-spec (ECMA-427) defines them; hubs without a type of their own are
`pkg:generic/<hub>/...`.
"""

import re
from dataclasses import replace
from urllib.parse import urlsplit

from packageurl import PackageURL

from catalogue.hub import Hub, Reference, UnreadableReferenceError, hubs

MOST_CHARACTERS = 2000
_WRAPPING = " \t\r\n<>\"'`"
_ENDINGS = _WRAPPING + ".,;"
_BARE = re.compile(r"[^\s/@:.?#]+/[^\s/@:?#]+(@\S+)?")
_NO_ANSWERS = frozenset({"n/a", "none/none", "and/or"})
_HOSTS_WITHOUT_LOOKUP = {
    "civitai.com": "Civitai",
    "gitcode.com": "GitCode",
    "gitee.com": "Gitee",
    "github.com": "GitHub",
    "gitlab.com": "GitLab",
    "kaggle.com": "Kaggle",
    "modelscope.ai": "ModelScope",
    "modelscope.cn": "ModelScope",
    "ollama.ai": "Ollama",
    "ollama.com": "Ollama",
    "openxlab.org.cn": "OpenXLab",
    "replicate.com": "Replicate",
}
_HOW = "Write organisation/name as on Hugging Face, the address of the model's page, or a package URL (pkg:...)."


def read(text: str) -> Reference:
    """The model that `text` names; raises UnreadableReferenceError for any other text."""
    text = text.lstrip(_WRAPPING).rstrip(_ENDINGS)
    if not text:
        raise UnreadableReferenceError(f"No model is named. {_HOW}")
    if len(text) > MOST_CHARACTERS:
        raise UnreadableReferenceError(f"This is too long to name a model (more than {MOST_CHARACTERS} characters).")
    if any(character.isspace() for character in text):
        raise UnreadableReferenceError(f"This is more than one word, so it is not certain which model is meant. {_HOW}")
    if text[:4].lower() == "pkg:":
        return _read_purl(text)
    for hub in hubs().values():
        reference = hub.read(text)
        if reference is not None:
            return reference
    return _read_bare(text)


def _read_bare(text: str) -> Reference:
    _refuse_addresses(text)
    if _BARE.fullmatch(text) and text.lower() not in _NO_ANSWERS:
        reference = hubs()["huggingface"].read(f"hf://{text}")
        if reference is not None and reference.name == text.partition("@")[0]:
            return reference
    if "/" in text:
        raise UnreadableReferenceError(f"This is not the name of a model. {_HOW}")
    raise UnreadableReferenceError(f"One word alone is not certain to be a model. {_HOW}")


def _refuse_addresses(text: str) -> None:
    """Raises UnreadableReferenceError for a web address: no hub has recognised it."""
    try:
        host = urlsplit(text if "://" in text else f"https://{text}").hostname or ""
    except ValueError:
        raise UnreadableReferenceError(f"This address cannot be read. {_HOW}") from None
    for known, title in _HOSTS_WITHOUT_LOOKUP.items():
        if host == known or host.endswith(f".{known}"):
            raise UnreadableReferenceError(f"Models on this hub cannot be looked up yet: {title}.")
    if "://" in text or text.lower().startswith("www."):
        raise UnreadableReferenceError(f"This address is on no hub of models that is known here. {_HOW}")


def _read_purl(text: str) -> Reference:
    try:
        purl = PackageURL.from_string("pkg:" + text[4:])
    except ValueError:
        raise UnreadableReferenceError(
            "This is not a package URL: write pkg:huggingface/organisation/name@commit."
        ) from None
    hub, name = _hub_and_name(purl)
    _refuse_other_endpoints(purl, hub)
    return _as_the_hub_reads_it(hub, Reference(hub.slug, name, purl.version or ""), purl.subpath or "")


def _hub_and_name(purl: PackageURL) -> tuple[Hub, str]:
    slug, namespace = purl.type, purl.namespace or ""
    if slug == "generic":
        slug, _, namespace = namespace.partition("/")
    elif not namespace:
        raise UnreadableReferenceError("This package URL lacks the part before the name, the organisation.")
    hub = hubs().get(slug)
    if hub is None:
        raise UnreadableReferenceError(f"Models cannot be looked up yet by this kind of package URL: {slug[:60]}.")
    return hub, f"{namespace}/{purl.name}" if namespace else purl.name


def _refuse_other_endpoints(purl: PackageURL, hub: Hub) -> None:
    endpoint = purl.qualifiers.get("repository_url", "")
    if endpoint and _host(endpoint) != _host(hub.url(Reference(hub.slug, "any/model"))):
        raise UnreadableReferenceError(f"This package URL is about another server than {hub.title}'s own.")


def _host(address: str) -> str:
    try:
        return urlsplit(address if "://" in address else f"https://{address}").hostname or ""
    except ValueError:
        return ""


def _as_the_hub_reads_it(hub: Hub, named: Reference, file: str) -> Reference:
    """`named`, provided its page's address reads back as the same name: then the hub's own rules hold."""
    reference = hub.read(hub.url(named))
    if reference is None or reference.name != named.name or (reference.revision != "") != (named.revision != ""):
        raise UnreadableReferenceError(f"The name in this package URL is not one a model on {hub.title} can have.")
    if not file.isprintable() or len(file) > MOST_CHARACTERS:
        raise UnreadableReferenceError("The path in this package URL is not that of a file.")
    return replace(reference, file=file)
