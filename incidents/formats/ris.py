"""RIS (Research Information Systems), as the type RPRT: a tag of two letters and a value a line, ended by CRLF."""

from collections.abc import Iterable, Iterator

from incidents.citation import citation, one_line
from incidents.format import Format, Published


def _reference(published: Published) -> bytes:
    cited, record = citation(published), published.record
    tags = [
        ("TY", "RPRT"),
        ("ID", cited.key),
        ("AU", f"{cited.author},"),  # a comma alone: an organisation, not a person's surname first
        ("TI", cited.title),
        ("PY", str(cited.year)),
        ("DA", f"{cited.year}/{cited.month:02}/{cited.day:02}/"),
        ("PB", cited.author),
        ("SN", cited.key),
        ("ET", f"Version {cited.version}"),
        ("AB", cited.abstract),
        ("UR", cited.url),
        ("N1", cited.note),
        *(("KW", one_line(term)) for term in (record.category, record.kind)),
        ("ER", ""),
    ]
    return "".join(f"{tag}  - {value}\r\n" for tag, value in tags).encode()


def _many(published: Iterable[Published]) -> Iterator[bytes]:
    for one in published:
        yield _reference(one) + b"\r\n"


FORMAT = Format(
    title="RIS",
    media_type="application/x-research-info-systems",
    suffix="ris",
    one=_reference,
    many=_many,
)
