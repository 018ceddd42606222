"""The models in a bill of materials: CycloneDX 1.4 to 1.7, SPDX 2.3 and SPDX 3.0, read as JSON. Pure.

The JSON is read as it is, not through a library's model of it: bills in use break their schema, and a component that a
library drops is one whose incidents nobody hears of.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from catalogue.components import Identity, references_of

MOST_COMPONENTS = 20_000
_DEEPEST = 50
_IS_DERIVED = frozenset({"descendant_of", "descendantof", "variant_of", "variantof"})  # from -> its base
_IS_BASE = frozenset({"ancestor_of", "ancestorof"})  # from -> what derives from it


# Why a document is not read.
NO_OBJECT = "A bill of materials is a JSON object."
NO_BILL = "This is neither CycloneDX (bomFormat) nor SPDX (spdxVersion or @graph) as JSON."
TOO_MANY = f"The bill has more than {MOST_COMPONENTS} components; check it in parts."


class UnreadableBomError(ValueError):
    """The document is no bill of materials of a form that is read here; the message says why."""


@dataclass(frozen=True)
class Component:
    """One component that names a model or a file's digest.

    `ref` is its bom-ref, SPDXID or spdxId, "" where it has none; `bases` are what the bill says it derives from.
    """

    ref: str
    name: str
    identities: tuple[Identity, ...]
    bases: tuple[Identity, ...] = ()


@dataclass(frozen=True)
class Bom:
    """A bill: its format ("CycloneDX" or "SPDX"), the version of that, how many components it has, and those read."""

    form: str
    version: str
    total: int
    components: tuple[Component, ...]


def read_bom(document: Any) -> Bom:
    """The components of a bill that say which model or file they are. Raises UnreadableBomError."""
    if not isinstance(document, Mapping):
        raise UnreadableBomError(NO_OBJECT)
    if str(document.get("bomFormat", "")).lower() == "cyclonedx":
        return _read("CycloneDX", document.get("specVersion"), _cyclonedx(document))
    if isinstance(document.get("spdxVersion"), str):
        return _read("SPDX", document["spdxVersion"].removeprefix("SPDX-"), _spdx2(document))
    if isinstance(document.get("@graph"), list):
        return _read("SPDX", "3.0", _spdx3(document["@graph"]))
    raise UnreadableBomError(NO_BILL)


_Found = tuple[str, Mapping[str, Any], list[Mapping[str, Any]]]  # ref, component, its bases


def _read(form: str, version: object, found: Iterable[_Found]) -> Bom:
    components, total = [], 0
    for ref, component, bases in found:
        total += 1
        if total > MOST_COMPONENTS:
            raise UnreadableBomError(TOO_MANY)
        if identities := references_of(component):
            derived_from = [identity for base in bases for identity in references_of(base)]
            name = _text(component.get("name")) or identities[0].text
            components.append(Component(ref, name[:300], tuple(identities), tuple(derived_from)))
    return Bom(form, _text(version), total, tuple(components))


def _cyclonedx(document: Mapping[str, Any]) -> Iterator[_Found]:
    metadata = document.get("metadata")
    subject = metadata.get("component") if isinstance(metadata, Mapping) else None
    waiting = [(component, 0) for component in [subject, *_list(document.get("components"))]]
    waiting.reverse()
    while waiting:
        component, depth = waiting.pop()
        if not isinstance(component, Mapping):
            continue
        pedigree = component.get("pedigree")
        bases = _mappings(pedigree.get("ancestors")) if isinstance(pedigree, Mapping) else []
        yield _text(component.get("bom-ref")), component, bases
        if depth < _DEEPEST:
            waiting += [(child, depth + 1) for child in reversed(_list(component.get("components")))]


def _spdx2(document: Mapping[str, Any]) -> Iterator[_Found]:
    elements = {
        _text(element.get("SPDXID")): element
        for element in [*_mappings(document.get("packages")), *_mappings(document.get("files"))]
    }
    edges = [
        (_text(edge.get("relationshipType")), _text(edge.get("spdxElementId")), [_text(edge.get("relatedSpdxElement"))])
        for edge in _mappings(document.get("relationships"))
    ]
    yield from _with_bases(elements, edges)


def _spdx3(graph: list[Any]) -> Iterator[_Found]:
    everything = _mappings(graph)
    kinds = ("package", "file")
    elements = {
        _id3(element): element for element in everything if _kind3(element).lower().endswith(kinds) and _id3(element)
    }
    edges = [
        (_text(edge.get("relationshipType")), _text(edge.get("from")), [_text(to) for to in _list(edge.get("to"))])
        for edge in everything
        if _kind3(edge).lower().endswith("relationship")
    ]
    yield from _with_bases(elements, edges)


def _with_bases(
    elements: Mapping[str, Mapping[str, Any]], edges: Iterable[tuple[str, str, list[str]]]
) -> Iterator[_Found]:
    bases: dict[str, list[str]] = {}
    for kind, near, far in edges:
        if kind.lower() in _IS_DERIVED:
            bases.setdefault(near, []).extend(far)
        elif kind.lower() in _IS_BASE:
            for derived in far:
                bases.setdefault(derived, []).append(near)
    for ref, element in elements.items():
        yield ref, element, [elements[base] for base in bases.get(ref, ()) if base in elements]


def _id3(element: Mapping[str, Any]) -> str:
    return _text(element.get("spdxId")) or _text(element.get("@id"))


def _kind3(element: Mapping[str, Any]) -> str:
    return _text(element.get("type")) or _text(element.get("@type"))


def _text(value: object) -> str:
    # JSON can escape half a surrogate pair, which nothing can encode.
    return value.strip().encode(errors="replace").decode() if isinstance(value, str) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [entry for entry in _list(value) if isinstance(entry, Mapping)]
