"""How a record is cited: what the citation formats have in common."""

from dataclasses import dataclass

from incidents.format import Published
from incidents.record import Status


@dataclass(frozen=True)
class Citation:
    """The parts of a citation. `year`, `month` and `day` are of the version cited; texts are a line each."""

    key: str
    author: str
    title: str
    year: int
    month: int
    day: int
    version: int
    standing: str  # "disputed" or "withdrawn"; "" where nothing is to be said
    url: str
    note: str
    abstract: str


def citation(published: Published) -> Citation:
    """The record's version as it is cited: the number and digest keep a citation exact when it is corrected later."""
    record = published.record
    year, month, day = (int(part) for part in record.modified[:10].split("-"))
    standing = "" if record.status is Status.PUBLISHED else str(record.status)
    return Citation(
        key=record.id,
        author=one_line(author_of(published)),
        title=one_line(record.title),
        year=year,
        month=month,
        day=day,
        version=record.version,
        standing=standing,
        url=published.page,
        note=f"Incident record {record.id}, version {record.version}{f', {standing}' if standing else ''}, "
        f"SHA-256 {published.digest}",
        abstract=one_line(record.summary),
    )


def author_of(published: Published) -> str:
    """Who is cited: the node that published the record, which may be another than the one that it is read from."""
    node, origin = published.node, published.record.origin
    return node.title if origin == node.name or not node.name else origin


def one_line(text: str) -> str:
    """The text without line breaks and other control characters, which these formats cannot hold."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
