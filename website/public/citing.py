"""How a view of the list is cited: the state of the log it shows, pinned, so that the citation never drifts."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.urls import reverse
from django.utils import translation

from incidents.citation import one_line
from incidents.formats.bibtex import plain
from incidents.models import Publication
from lib.canonical import digest
from website.language import without_prefix
from website.public.answers import query
from website.public.facets import TITLES, label_of
from website.public.list_views import View

_EMPTY = "empty log"


@dataclass(frozen=True)
class Cited:
    """The parts of a citation, and as text in APA style; `object_digest` is that of the signed object there.

    `at` is when the state shown was reached, None for the empty log; `drifts` says that the choice rests on what hubs
    say of models, which is no part of the log and is known only as of now.
    """

    author: str
    title: str
    url: str
    number: int
    object_digest: str
    at: datetime | None
    drifts: bool

    @property
    def apa(self) -> str:
        """One paragraph."""
        year = f" ({self.at.year}, {self.at:%B} {self.at.day})" if self.at else " (n.d.)"
        return f"{self.author}.{year}. {self.title} [Data set]. {self.note}. {self.url}"

    @property
    def bibtex(self) -> str:
        """An entry of the type `misc`."""
        fields = {"author": f"{{{plain(self.author)}}}", "title": f"{{{plain(self.title)}}}"}
        fields |= {"year": str(self.at.year), "month": str(self.at.month)} if self.at else {}
        fields |= {"howpublished": f"\\url{{{self.url}}}", "note": plain(self.note)}
        lines = [f"  {name:<12} = {{{value}}}" for name, value in fields.items()]
        return f"@misc{{view-{self.number}-{digest(self.url.encode())[:8]},\n" + ",\n".join(lines) + "\n}\n"

    @property
    def note(self) -> str:
        """Which state it is."""
        return f"State of the public log at entry {self.number}, signed object {self.object_digest or _EMPTY}"


def cited(view: View) -> Cited:
    """How this view is cited. One query."""
    entry = Publication.objects.filter(number=view.number).values_list("object_digest", "at").first()
    object_digest, at = entry or ("", None)
    return Cited(
        author=one_line(settings.NODE_TITLE),
        title=title_of(view),
        url=settings.BASE_URL + without_prefix(reverse("website:incidents")) + query(view.pinned),
        number=view.number,
        object_digest=object_digest,
        at=at,
        drifts=view.wanted.depends_on_catalogue,
    )


def title_of(view: View) -> str:
    """What the view is of, in one line; in English, as citations and feeds are the same in every language."""
    with translation.override(settings.LANGUAGE_CODE):
        return _title(view)


def _title(view: View) -> str:
    chosen = [
        f"{str(TITLES.get(name, name)).lower()} {' or '.join(label_of(name, one) for one in values)}"
        for name, values in view.given.items()
    ]
    return one_line("Incidents in open AI models" + (f": {'; '.join(chosen)}" if chosen else ""))
