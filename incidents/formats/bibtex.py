"""BibTeX, as the entry type `misc`."""

import re
from collections.abc import Iterable, Iterator

from incidents.citation import citation
from incidents.format import Format, Published

_SPECIAL = re.compile(r"[&%$#_]")
# BibTeX counts braces before TeX sees them, whether or not a backslash is before one.
_BRACES = str.maketrans({"{": "\\textbraceleft{}", "}": "\\textbraceright{}"})


def _entry(published: Published) -> bytes:
    cited = citation(published)
    fields = {
        "author": f"{{{plain(cited.author)}}}",
        "title": f"{{{plain(cited.title)}}}",  # its capitals are its own
        "year": str(cited.year),
        "month": str(cited.month),
        "howpublished": f"\\url{{{cited.url}}}",
        "note": plain(cited.note),
    }
    lines = [f"  {name:<12} = {{{value}}}" for name, value in fields.items()]
    return (f"@misc{{{cited.key},\n" + ",\n".join(lines) + "\n}\n").encode()


def plain(text: str) -> str:
    """The text with what TeX would read as a command taken out or escaped."""
    plain = text.replace("\\", "/").replace("~", "-").replace("^", " ")
    return _SPECIAL.sub(lambda special: f"\\{special.group()}", plain).translate(_BRACES)


def _many(published: Iterable[Published]) -> Iterator[bytes]:
    for one in published:
        yield _entry(one) + b"\n"


FORMAT = Format(title="BibTeX", media_type="application/x-bibtex", suffix="bib", one=_entry, many=_many)
