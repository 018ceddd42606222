"""CSL-JSON (the input of citeproc; schema csl-data.json 1.0): a list of one item, of the type `report`."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from incidents.citation import citation
from incidents.format import Format, Published, as_json


def _item(published: Published) -> dict[str, Any]:
    cited = citation(published)
    item: dict[str, Any] = {
        "id": cited.key,
        "type": "report",
        "title": cited.title,
        "author": [{"literal": cited.author}],
        "publisher": cited.author,
        "issued": {"date-parts": [[cited.year, cited.month, cited.day]]},
        "number": cited.key,
        "version": str(cited.version),
        "genre": "Incident record",
        "abstract": cited.abstract,
        "note": cited.note,
        "URL": cited.url,
    }
    return {**item, "status": cited.standing} if cited.standing else item


def _many(published: Iterable[Published]) -> Iterator[bytes]:
    before = b"["
    for one in published:
        yield before + json.dumps(_item(one), ensure_ascii=False).encode()
        before = b",\n"
    yield b"[]\n" if before == b"[" else b"]\n"


FORMAT = Format(
    title="CSL-JSON",
    media_type="application/vnd.citationstyles.csl+json",
    suffix="csl.json",
    one=lambda published: as_json([_item(published)]),
    many=_many,
)
