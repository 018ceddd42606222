"""A reference as text, in the style of APA (Publication Manual, 7th edition, 10.4: reports by an organisation)."""

from collections.abc import Iterable, Iterator
from datetime import date

from incidents.citation import citation
from incidents.format import Format, Published


def _reference(published: Published) -> bytes:
    cited = citation(published)
    day = f"{date(2000, cited.month, 1):%B} {cited.day}"
    kind = f"{cited.standing.capitalize()} incident record" if cited.standing else "Incident record"
    title = cited.title.rstrip(".")
    reference = f"{cited.author}. ({cited.year}, {day}). {title} ({cited.key}, Version {cited.version}) [{kind}]."
    return f"{reference} {cited.url}\n".encode()


def _many(published: Iterable[Published]) -> Iterator[bytes]:
    yield from map(_reference, published)


FORMAT = Format(
    title="APA",
    media_type="text/x-bibliography; style=apa; charset=utf-8",
    suffix="apa.txt",
    one=_reference,
    many=_many,
    also=("text/x-bibliography", "text/plain"),
)
