"""A model's badge: a small neutral image that says how many incidents are on record, for a README or a model card.

It is the same for a model nobody has ever named: it tells nothing of reports that wait, and can be put up before there
is anything to say.
"""

from dataclasses import dataclass

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from catalogue.hub import hubs
from incidents.badges import Tally, tally
from incidents.public_models import resolve
from website.public.answers import cached

SECONDS_KEPT = 3600
LONGEST_NAME = 300
_NARROW = frozenset("iljtfr.,:;'|!()[] 1")
# Pixels of a letter of Verdana at 11 pixels, roughly; `textLength` makes every browser keep to it.
_WIDE_LETTER, _NARROW_LETTER, _PADDING = 7.1, 4.6, 8


@dataclass(frozen=True)
class Half:
    """One side of a badge: its text, where it starts, how wide it and the text are, in pixels."""

    text: str
    left: int
    width: int

    @property
    def middle(self) -> float:
        """Where the text's middle is."""
        return self.left + self.width / 2

    @property
    def text_width(self) -> int:
        """Without the room beside it."""
        return self.width - 2 * _PADDING


@require_safe
def badge(request: HttpRequest, hub: str, name: str) -> HttpResponseBase:
    """The badge as SVG, for everybody to show and keep for an hour. 404 for a hub that is not known."""
    if hub not in hubs() or len(name) > LONGEST_NAME:
        raise Http404
    said = words(tally(resolve(hub, name)))
    label = _half(settings.NODE_TITLE, 0)
    value = _half(said, label.width)
    context = {"label": label, "value": value, "width": label.width + value.width}
    content = render_to_string("website/badge.svg", context)
    response = HttpResponse(content, content_type="image/svg+xml")
    response["Access-Control-Allow-Origin"] = "*"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return cached(request, response, seconds=SECONDS_KEPT)


def words(counted: Tally) -> str:
    """What a badge says."""
    if not counted.newest:
        return _("no incidents on record")
    number = counted.incidents
    return ngettext("%(number)d incident, %(month)s", "%(number)d incidents, last %(month)s", number) % {
        "number": number,
        "month": f"{counted.newest:%Y-%m}",
    }


def _half(text: str, left: int) -> Half:
    letters = sum(_NARROW_LETTER if letter in _NARROW else _WIDE_LETTER for letter in text)
    return Half(text, left, round(letters) + 2 * _PADDING)
