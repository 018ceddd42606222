"""A record as an image, for whoever shows a link to it (Open Graph protocol, `og:image`), drawn from its document.

It is drawn again for each version and kept by caches. A title in letters that our typefaces lack is left out, rather
than drawn as boxes: the id stands in its place.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_safe
from PIL import Image, ImageDraw, ImageFont

from incidents import search
from incidents.taxonomy import OWN, taxonomies
from website.vocabulary import code_words, term_text

WIDTH, HEIGHT = 1200, 630
MARGIN = 72
SECONDS_KEPT = 3600
# In every tag: another drawing of the same version is another image.
_DRAWING = 1
_PAPER, _INK, _SOFT, _FAULT = "#ffffff", "#17191d", "#575d66", "#c2410c"
_FONTS = Path(__file__).parent / "static" / "vendor"
_SERIF = "source-serif-4@5.3.1/source-serif-4-{}-wght-normal.woff2"
_SANS = "source-sans-3@5.3.0/source-sans-3-{}-wght-normal.woff2"
# Which of a typeface's two files has a letter: as `unicode-range` in the style sheet has it.
_LATIN = ((0x20, 0xFF), (0x2010, 0x2027), (0x2030, 0x205E), (0x20AC, 0x20AC), (0x2122, 0x2122))
_LATIN_EXTENDED = ((0x100, 0x24F), (0x1E00, 0x1E9F), (0x1EF2, 0x1EFF))
_MOST_LINES = 4


@dataclass(frozen=True)
class _Face:
    """A typeface at a size in pixels and a weight."""

    files: str
    size: int
    weight: int

    def runs(self, text: str) -> Iterator[tuple[str, ImageFont.FreeTypeFont]]:
        """Parts of the text, each with the file of the typeface that has its letters."""
        for extended, letters in groupby(text, lambda letter: _is_in(letter, _LATIN_EXTENDED)):
            file = self.files.format("latin-ext" if extended else "latin")
            yield "".join(letters), _font(file, self.size, self.weight)

    def width(self, text: str) -> float:
        """In pixels."""
        return sum(font.getlength(part) for part, font in self.runs(text))


_NAME, _MODELS, _FACTS = _Face(_SERIF, 34, 700), _Face(_SANS, 30, 400), _Face(_SANS, 27, 400)


@require_safe
def image(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """The image of the record as it stands, PNG, 1200 by 630; 304 where the caller has it."""
    incident = search.by_id(public_id)
    if incident is None:
        raise Http404
    incident = search.in_place_of(incident)
    tag = f'"{incident.digest[:32]}-{_DRAWING}-{get_language()}"'
    response = get_conditional_response(request, etag=tag) or HttpResponse(
        _png(json.loads(bytes(incident.document))), content_type="image/png"
    )
    patch_cache_control(response, public=True, max_age=SECONDS_KEPT)
    response["ETag"] = tag
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _png(record: dict[str, Any]) -> bytes:
    drawn = Image.new("RGB", (WIDTH, HEIGHT), _PAPER)
    pen = ImageDraw.Draw(drawn)
    pen.rectangle((0, 0, WIDTH, 14), fill=_FAULT)
    _line(pen, 62, settings.NODE_TITLE, _NAME, _INK)
    title = record["title"] if _can_be_drawn(record["title"]) else record["id"]
    # A title has 200 letters at most.
    face = _Face(_SERIF, next(size for longest, size in ((70, 66), (120, 54), (200, 46)) if len(title) <= longest), 700)
    top = 150
    for text in _wrapped(title, face):
        _line(pen, top, text, face, _INK)
        top += round(face.size * 1.2)
    names = ", ".join(named["name"] for named in record["affected"])
    if _can_be_drawn(names):
        _line(pen, HEIGHT - 160, _shortened(names, _MODELS), _MODELS, _INK)
    pen.line((MARGIN, HEIGHT - 108, WIDTH - MARGIN, HEIGHT - 108), fill=_SOFT, width=1)
    _line(pen, HEIGHT - 86, _facts(record), _FACTS, _SOFT)
    content = BytesIO()
    drawn.quantize(64).save(content, "PNG", optimize=True)
    return content.getvalue()


def _facts(record: dict[str, Any]) -> str:
    category = taxonomies()[OWN].term(record["category"])
    standing = "" if record["status"] == "published" else code_words(record["status"], "status").capitalize()
    severity = gettext("%(severity)s severity") % {"severity": code_words(record["severity"], "severity")}
    said = (
        standing,
        code_words(record["kind"], "kind").capitalize(),
        "" if record["severity"] == "unknown" else capfirst(severity),
        term_text(category.title, OWN) if category else "",
        record["id"],
    )
    return "  ·  ".join(part for part in said if part)


def _wrapped(text: str, face: _Face) -> list[str]:
    """The text in lines that fit, at most _MOST_LINES; what is more ends in an ellipsis."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and face.width(longer) > WIDTH - 2 * MARGIN:
            lines.append(word)
        else:
            lines[-1] = longer
    if len(lines) > _MOST_LINES:
        lines = [*lines[: _MOST_LINES - 1], f"{lines[_MOST_LINES - 1]} …"]
    return [_shortened(line, face) for line in lines]


def _shortened(text: str, face: _Face) -> str:
    kept = text
    while face.width(kept) > WIDTH - 2 * MARGIN:
        text = text[: len(text) * 9 // 10]
        kept = f"{text}…"
    return kept


def _line(pen: ImageDraw.ImageDraw, top: int, text: str, face: _Face, colour: str) -> None:
    left = MARGIN
    for part, font in face.runs(text):
        pen.text((left, top + face.size), part, font=font, fill=colour, anchor="ls")
        left += round(font.getlength(part))


@cache
def _font(file: str, size: int, weight: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.truetype(_FONTS / file, size)
    font.set_variation_by_axes([weight])
    return font


def _can_be_drawn(text: str) -> bool:
    return all(_is_in(letter, _LATIN) or _is_in(letter, _LATIN_EXTENDED) for letter in text)


def _is_in(letter: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= ord(letter) <= last for first, last in ranges)
