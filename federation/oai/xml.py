"""XML 1.0 elements, without the characters that it cannot hold."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from lxml import etree

Element = Any  # lxml has no public name for what it makes

XSI = "http://www.w3.org/2001/XMLSchema-instance"
# Whatever is not a Char (XML 1.0, 2.2).
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    """The text without characters that no XML document may hold."""
    return _FORBIDDEN.sub("", text)


def root(tag: str, namespace: str, schema: str, prefixes: Mapping[str, str] = MappingProxyType({})) -> Element:
    """An element that says by which schema to read it, if any. `prefixes` are of namespaces beside its own."""
    names: dict[str | None, str] = {None: namespace, "xsi": XSI} if schema else {None: namespace}
    names.update(prefixes.items())
    element = etree.Element(f"{{{namespace}}}{tag}", nsmap=names)
    if schema:
        element.set(f"{{{XSI}}}schemaLocation", f"{namespace} {schema}")
    return element


def add(parent: Element, tag: str, text: str = "", **attributes: str) -> Element:
    """A new last child in the parent's namespace."""
    return add_to(parent, str(etree.QName(parent).namespace), tag, text, **attributes)


def add_to(parent: Element, namespace: str, tag: str, text: str = "", **attributes: str) -> Element:
    """A new last child in any namespace."""
    child = etree.SubElement(parent, f"{{{namespace}}}{tag}")
    child.text = clean(text) or None
    for name, value in attributes.items():
        child.set(name, clean(value))
    return child


def as_bytes(element: Element) -> bytes:
    """The document, in UTF-8."""
    return bytes(etree.tostring(element, encoding="UTF-8", xml_declaration=True))
