"""What a page says, and in which language: its words outside elements that say they are in another one."""

import re
from html.parser import HTMLParser

_EMPTY = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "wbr"}
# Names, ids and code are in no language; neither is what a program reads.
_NO_WORDS = {"code", "pre", "script", "style", "option"}
_NO_WORDS_BY_CLASS = {"mono", "row-id", "digest", "model-name", "wordmark", "bottom-name"}
_DRAWN = {"svg", "rect", "line", "circle", "text", "path", "polyline", "g"}
_PLACES = ("x", "y", "x1", "x2", "y1", "y2", "width", "height", "cx", "cy", "viewbox", "points", "d", "transform")
_SPOKEN = ("aria-label", "alt", "placeholder", "title", "data-label")


class Reading(HTMLParser):
    """The words of a page in its own language, text by text; numbers of drawings apart.

    What is marked with a `lang` of its own is left out, for it is a quotation.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.language = ""
        self.texts: list[str] = []
        self.numbers: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "html":
            self.language = given["lang"]
        said = bool(self._open and self._open[-1][1]) or given.get("lang", self.language) != self.language
        classes = set(given.get("class", "").split())
        quiet = said or tag in _NO_WORDS or bool(classes & _NO_WORDS_BY_CLASS)
        if not quiet:
            self.texts += [given[name] for name in _SPOKEN if given.get(name)]
            self.texts += [given["content"]] if tag == "meta" and given.get("name") == "description" else []
        places = (
            "x",
            "y",
            "x1",
            "x2",
            "y1",
            "y2",
            "width",
            "height",
            "cx",
            "cy",
            "viewbox",
            "points",
            "d",
            "transform",
        )
        if tag in {"svg", "rect", "line", "circle", "text", "path", "polyline", "g"}:
            self.numbers += [given[name] for name in places if name in given]
        if tag not in _EMPTY:
            self._open.append((tag, quiet))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _EMPTY:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._open and not self._open[-1][1] and (text := " ".join(data.split())):
            self.texts.append(text)


# Words that sentences of English have, and that are no words of Spanish.
_ENGLISH = re.compile(
    r"\b(the|of|and|is|are|was|were|which|with|for|from|not|this|that|it|its|records?|yes|severity|where|what|who|"
    r"here|there|nothing|any|more|into|have|has|be|been|how|your|you|we|unknown|high|low|status|evidence)\b",
    re.IGNORECASE,
)
# Codes and addresses: what a program reads, as it reads it.
_CODES = re.compile(r"[\w-]*[._/][\w./-]*|\w+ (is one of|es uno de) .*|existen .*")


def english_in(page: str) -> list[str]:
    """The texts of a page that are English though the page says that it is in another language."""
    return [text for text in Reading(page).texts if _ENGLISH.search(_CODES.sub("", text))]
