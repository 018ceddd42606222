"""How a view of the list is cited: the state of the log it shows, pinned, so that the citation never drifts."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import translation

from incidents.citation import one_line
from incidents.formats.bibtex import plain
from incidents.models import Publication
from lib.canonical import digest
from website.language import without_prefix
from website.public import permalinks
from website.public.answers import query
from website.public.facets import TITLES, label_of
from website.public.list_views import View

_EMPTY = "empty log"


@dataclass(frozen=True)
class Cited:
    """The parts of a citation, and as text in APA style; `object_digest` is that of the signed object there.

    `number` is that of the state, the place among all that became public here; `index` that of the object's entry in
    the log of `origin`. `at` is when the state shown was reached, None for the empty log; `drifts` says that the choice
    rests on what hubs say of models, which is no part of the log and is known only as of now. `permalink` is short and
    leads to `url`.
    """

    author: str
    title: str
    url: str
    number: int
    index: int
    origin: str
    object_digest: str
    at: datetime | None
    drifts: bool
    permalink: str

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
        signed = f"signed object {self.object_digest or _EMPTY}"
        if (self.index, self.origin) == (self.number, settings.NODE_NAME):
            return f"State of the public log at entry {self.number}, {signed}"
        state = f"State {self.number} of what is public on {settings.NODE_NAME}"
        return f"{state}, entry {self.index} of the log of {self.origin}, {signed}"


def cited(view: View) -> Cited:
    """How this view is cited. One query."""
    entries = Publication.objects.filter(number=view.number).annotate(index=Coalesce("entry_id", "index_at_origin"))
    entry = entries.values_list("index", "incident__origin", "object_digest", "at").first()
    index, origin, object_digest, at = entry or (view.number, settings.NODE_NAME, "", None)
    return Cited(
        author=one_line(settings.NODE_TITLE),
        title=title_of(view),
        url=settings.BASE_URL + without_prefix(reverse("website:incidents")) + query(view.pinned),
        number=view.number,
        index=index,
        origin=origin,
        object_digest=object_digest,
        at=at,
        drifts=view.wanted.depends_on_catalogue,
        permalink=settings.BASE_URL + reverse("website:permalink", args=[permalinks.written(view.pinned)]),
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
