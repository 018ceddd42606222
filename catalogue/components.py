"""Which model a component of a bill of materials is: CycloneDX 1.4 to 1.7, SPDX 2.3 and SPDX 3.0. Pure.

A component says who it is in several ways, more and less exact, and any of them may be missing, wrong, or no text at
all. Read are: CycloneDX components, SPDX 2.3 packages, and SPDX 3.0 elements such as `ai_AIPackage`, as JSON has them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from catalogue.hub import Reference, UnreadableReferenceError, hubs
from catalogue.references import at_revision, file_digest, read

_MOST_ENTRIES = 100  # of one list in a component
_MODEL_TYPES = frozenset({"machine-learning-model", "ai_aipackage", "aipackage"})
_ADDRESS_TYPES = ("distribution", "vcs", "model-card", "website")  # of CycloneDX externalReferences, best first
_PURL_TYPES = frozenset({"purl", "packageurl", "package-url"})
_DIGEST_FIELDS = (
    ("hashes", "alg", "content"),  # CycloneDX
    ("checksums", "algorithm", "checksumValue"),  # SPDX 2.3
    ("verifiedUsing", "algorithm", "hashValue"),  # SPDX 3.0
)
_SHA256 = frozenset({"sha256", "sha-256"})
_GIT = re.compile(r"git\+(https?://[^\s@#]+)(?:@([^\s@#]+))?(?:#\S*)?")


class Exactness(IntEnum):
    """How much an identity pins down, the most exact first."""

    REVISION = 0  # a model at bytes that cannot change
    DIGEST = 1  # the SHA-256 of a file, of whatever model
    MOVING = 2  # a model at a branch or a tag
    MODEL = 3  # a model
    NAME = 4  # a model, if the name is one on Hugging Face


@dataclass(frozen=True)
class Identity:
    """What one statement of a component says it is: a model, or the digest (64 hex digits) of one of its files.

    `rests_on` names the fields, `text` is what they say.
    """

    exactness: Exactness
    rests_on: str
    text: str
    reference: Reference | None = None
    digest: str = ""


def references_of(component: Mapping[str, Any]) -> list[Identity]:
    """Every identity that can be read from the component, the most exact first, each said once."""
    version = next(_texts(component, "version", "versionInfo", "software_packageVersion", "packageVersion"), "")
    found = [
        *(_identity(field, text, version) for field, text in _purls(component)),
        *(_identity(field, text, version) for field, text in _addresses(component)),
        *(Identity(Exactness.DIGEST, field, text, digest=digest) for field, text, digest in _digests(component)),
        *(_identity(field, text, version, Exactness.NAME) for field, text in _names(component)),
    ]
    distinct: dict[object, Identity] = {}
    for identity in sorted((one for one in found if one), key=lambda one: one.exactness):
        distinct.setdefault(identity.reference or identity.digest, identity)
    return list(distinct.values())


def _identity(field: str, text: str, version: str, at_best: Exactness = Exactness.REVISION) -> Identity | None:
    """What `text` names, at the component's version if that is a commit and the text names none."""
    try:
        reference = _read(text)
    except UnreadableReferenceError:
        return None
    if not reference.revision and hubs()[reference.hub].is_immutable(version):
        reference, field = _at(reference, version), f"{field} and version"
    return Identity(max(_exactness(reference), at_best), field, text, reference)


def _exactness(reference: Reference) -> Exactness:
    if hubs()[reference.hub].is_immutable(reference.revision):
        return Exactness.REVISION
    return Exactness.MOVING if reference.revision else Exactness.MODEL


def _read(text: str) -> Reference:
    """As `references.read`, and SPDX's `git+https://...@revision#path`."""
    located = _GIT.fullmatch(text)
    if located is None:
        return read(text)
    address, revision = located.groups()
    reference = read(address)
    return at_revision(reference, revision) if revision else reference


def _at(reference: Reference, version: str) -> Reference:
    try:
        return at_revision(reference, version)
    except UnreadableReferenceError:
        return reference


def _purls(component: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for field in ("purl", "software_packageUrl", "packageUrl"):
        yield from ((field, text) for text in _texts(component, field))
    for entry in _entries(component, "externalRefs"):
        if _kind(entry, "referenceType") in _PURL_TYPES:
            yield from (("externalRefs", text) for text in _texts(entry, "referenceLocator"))
    for entry in _entries(component, "externalIdentifier"):
        if _kind(entry, "externalIdentifierType") in _PURL_TYPES:
            yield from (("externalIdentifier", text) for text in _texts(entry, "identifier"))


def _addresses(component: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    listed = _entries(component, "externalReferences")
    for kind in _ADDRESS_TYPES:
        for entry in listed:
            if _kind(entry, "type") == kind:
                yield from ((f"externalReferences ({kind})", text) for text in _texts(entry, "url"))
    for field in ("downloadLocation", "software_downloadLocation", "homepage", "software_homePage", "homePage"):
        yield from ((field, text) for text in _texts(component, field))
    for entry in _entries(component, "externalRef"):
        yield from (("externalRef", text) for text in _texts(entry, "locator"))


def _digests(component: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """The field, its text and the SHA-256 of every digest given: of the component, or of what it is distributed as."""
    references = _entries(component, "externalReferences")
    for part in (component, *(entry for entry in references if _kind(entry, "type") == "distribution")):
        for field, algorithm, value in _DIGEST_FIELDS:
            for entry in _entries(part, field):
                text = next(_texts(entry, value), "")
                digest = file_digest(text) if _kind(entry, algorithm) in _SHA256 else None
                if digest:
                    yield field, text, digest


def _names(component: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """`organisation/name`, of models only: in other ecosystems that is how packages are called."""
    if not {_kind(component, "type"), _kind(component, "@type")} & _MODEL_TYPES:
        return
    name, group = next(_texts(component, "name"), ""), next(_texts(component, "group"), "")
    if "/" in name:
        yield "name", name
    elif name and group:
        yield "group and name", f"{group}/{name}"


def _texts(mapping: Mapping[str, Any], *fields: str) -> Iterator[str]:
    """The texts of the fields, each of which may hold one or a list of them."""
    for field in fields:
        value = mapping.get(field)
        for text in value[:_MOST_ENTRIES] if isinstance(value, list) else [value]:
            if isinstance(text, str) and text.strip():
                yield text.strip()


def _entries(mapping: Mapping[str, Any], field: str) -> list[Mapping[str, Any]]:
    """The objects of a field that holds one or a list of them."""
    value = mapping.get(field)
    listed = value[:_MOST_ENTRIES] if isinstance(value, list) else [value]
    return [entry for entry in listed if isinstance(entry, dict)]


def _kind(mapping: Mapping[str, Any], field: str) -> str:
    """A field that holds one word, in lower case; of an IRI its last part."""
    return next(_texts(mapping, field), "").rpartition("/")[2].lower()
