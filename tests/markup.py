"""Whether a page is sound HTML: the errors of the standard's parser, and the rules of content that no parser knows.

`problems(page)` reads the page as a browser does (html5lib, WHATWG HTML 13.2) and names each parse error; then it looks
at what the standard's content models and WAI-ARIA ask of the tree: ids that are unique and exist where they are named,
controls with names, headings in order, nothing interactive in something interactive, lists and tables of their own
parts, dates that programs read. `tests/website/test_markup.py` shows that each rule finds its mistake.
"""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from xml.etree.ElementTree import Element

import html5lib
from html5lib.constants import E as PARSE_ERRORS

# "HTML, 3.2.5.2.7: interactive content"; a label holds its own control and is looked at by itself.
_INTERACTIVE = {"a", "button", "details", "embed", "iframe", "input", "select", "summary", "textarea"}
_CONTROLS = {"input", "select", "textarea"}
_NAMED_BY_THEMSELVES = {"hidden", "submit", "reset", "button"}
_OBSOLETE = {"acronym", "big", "center", "dir", "font", "frame", "frameset", "marquee", "strike", "tt"}
# Of which element the others may be children ("HTML, 4.4" and 4.9).
_PARTS = {
    "ul": {"li", "script", "template"},
    "ol": {"li", "script", "template"},
    "dl": {"dt", "dd", "div", "script", "template"},
    "tr": {"td", "th"},
    "select": {"option", "optgroup", "hr"},
}
_PHRASING_ONLY = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "span", "a", "button", "label", "summary", "strong", "em"}
_BLOCKS = {"div", "p", "ul", "ol", "dl", "table", "section", "article", "form", "figure", "pre", "blockquote"}
_REFERENCES = ("aria-labelledby", "aria-describedby", "aria-controls", "aria-owns", "aria-errormessage", "headers")
# A form gives refused text back as it was typed, control characters too.
_TYPED = "invalid-codepoint"
_MOMENT = re.compile(
    r"\d{4,}(-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:?\d\d)?)?)?)?|\d\d:\d\d|\d{4}-W\d\d|P\w+"
)
_LEVEL = re.compile(r"h([1-6])")


def problems(page: str) -> list[str]:
    """Everything wrong with the page, in words; empty for a sound one."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    tree = parser.parse(page)
    found = [
        f"line {place[0]}: {PARSE_ERRORS[code] % values}" for place, code, values in parser.errors if code != _TYPED
    ]
    root = tree if isinstance(tree, Element) else tree.getroot()
    for rule in _RULES:
        found += rule(root)
    return found


def elements(page: str) -> list[tuple[str, dict[str, str]]]:
    """Every element of the page in its order: the tag, and its attributes as they are written in HTML."""
    root = html5lib.parse(page, namespaceHTMLElements=False)
    return [(_tag(one), dict(one.attrib)) for one in root.iter()]


def _document(root: Element) -> Iterator[str]:
    if not root.get("lang"):
        yield "the page has no language"
    titles = [one for one in root.iter("title") if one in list(root.find("head") or ())]
    if len(titles) != 1 or not _text(titles[0]):
        yield "the page has no title, or several"
    levels = [int(found[1]) for one in root.iter() if (found := _LEVEL.fullmatch(_tag(one)))]
    if levels.count(1) != 1:
        yield "not one h1"
    for before, after in pairwise(levels):
        if after > before + 1:
            yield f"h{after} follows h{before}"


def _ids(root: Element) -> Iterator[str]:
    ids = [one.get("id", "") for one in root.iter() if one.get("id") is not None]
    for one in sorted(set(ids)):
        if ids.count(one) > 1:
            yield f"id {one} twice"
        if not one or re.search(r"\s", one):
            yield f"id {one!r} is empty or holds a space"
    known = set(ids)
    for element in root.iter():
        for name in _REFERENCES:
            for target in element.get(name, "").split():
                if target not in known:
                    yield f"{name} of <{_tag(element)}> names {target}, which is not there"
        href = element.get("href", "")
        if _tag(element) == "a" and href.startswith("#") and href != "#" and href[1:] not in known:
            yield f"a link leads to {href}, which is not there"


def _names(root: Element) -> Iterator[str]:
    by_id = {one.get("id"): one for one in root.iter() if one.get("id")}
    labelled: set[str] = set()
    inside: set[int] = set()
    for label in root.iter("label"):
        target = label.get("for")
        if target is not None and _tag(by_id.get(target, label)) not in {*_CONTROLS, "button", "output", "meter"}:
            yield f"a label is for {target}, which is no control"
        labelled.add(target or "")
        inside |= {id(one) for one in label.iter() if _tag(one) in _CONTROLS}
    for control in root.iter():
        if _tag(control) not in _CONTROLS or control.get("type") in _NAMED_BY_THEMSELVES:
            continue
        has_name = control.get("aria-label") or control.get("aria-labelledby") or id(control) in inside
        if not has_name and control.get("id", "") not in labelled - {""}:
            yield f"<{_tag(control)} name={control.get('name')}> has no label"
    for element in root.iter():
        if _tag(element) in {"a", "button", "summary"} and not _accessible_name(element, by_id):
            yield f"<{_tag(element)} {element.get('href', element.get('name', ''))}> says nothing"
        if _tag(element) == "img" and element.get("alt") is None:
            yield f"<img {element.get('src')}> has no alt"
        if _tag(element) == "svg" and element.get("role") == "img" and not _accessible_name(element, by_id):
            yield "a picture in SVG has no name"


def _nesting(root: Element) -> Iterator[str]:
    for outer in root.iter():
        tag = _tag(outer)
        if tag in {"a", "button", "label"}:
            allowed = _CONTROLS if tag == "label" else set()
            for inner in outer.iter():
                is_interactive = _tag(inner) in _INTERACTIVE - allowed and inner.get("type") != "hidden"
                if inner is not outer and (is_interactive or inner.get("tabindex") is not None):
                    yield f"<{_tag(inner)}> in <{tag}>"
        if tag in _PHRASING_ONLY and tag != "a":
            for inner in outer:
                if _tag(inner) in _BLOCKS:
                    yield f"<{_tag(inner)}> in <{tag}>"
        if tag in _OBSOLETE:
            yield f"<{tag}> is obsolete"
        for inner in outer:
            if tag in _PARTS and _tag(inner) not in _PARTS[tag]:
                yield f"<{_tag(inner)}> in <{tag}>"
            if _tag(inner) in {"dt", "dd"} and tag not in {"dl", "div"}:
                yield f"<{_tag(inner)}> in <{tag}>"


def _groups(root: Element) -> Iterator[str]:
    """A group of a definition list is terms and then what they mean ("HTML, 4.4.9")."""
    for one in root.iter("dl"):
        groups = [one] if any(_tag(part) == "dt" for part in one) else list(one.iter("div"))
        for group in groups:
            parts = "".join({"dt": "t", "dd": "d"}.get(_tag(part), "") for part in group)
            if not re.fullmatch(r"(t+d+)+" if group is one else r"t+d+", parts):
                yield f"a group of a definition list is {parts or 'empty'}: terms, then descriptions"


def _values(root: Element) -> Iterator[str]:
    for one in root.iter("time"):
        if not _MOMENT.fullmatch(one.get("datetime", _text(one))):
            yield f"no program reads the time {one.get('datetime')}"
    for one in root.iter("th"):
        if one.get("scope") not in {"col", "row", "colgroup", "rowgroup"}:
            yield f"the header {_text(one)} does not say of what"
    for one in root.iter("a"):
        if one.get("href") == "":
            yield "a link leads nowhere"


def _policy(root: Element) -> Iterator[str]:
    """Nothing inline that the Content Security Policy would refuse."""
    for one in root.iter():
        if one.get("style") is not None or _tag(one) == "style" or any(name.startswith("on") for name in one.keys()):  # noqa: SIM118 - attributes, not children
            yield f"inline style or handler on <{_tag(one)}>"
        is_ours = (one.get("src") or "").startswith("/static/")
        if _tag(one) == "script" and one.get("type") != "application/ld+json" and not is_ours:
            yield "a script that is not a file of ours"


_RULES: tuple[Callable[[Element], Iterator[str]], ...] = (_document, _ids, _names, _nesting, _groups, _values, _policy)


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else "#comment"


def _text(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def _accessible_name(element: Element, by_id: dict[str | None, Element]) -> str:
    """What assistive technology would say of it, nearly ("Accessible Name and Description Computation 1.2")."""
    referred = [_text(by_id[one]) for one in element.get("aria-labelledby", "").split() if one in by_id]
    pictured = [
        one.get("alt", "") or one.get("aria-label", "") for one in element.iter() if _tag(one) in {"img", "svg"}
    ]
    return " ".join([*referred, element.get("aria-label", ""), _text(element), *pictured]).strip()
