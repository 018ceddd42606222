"""The stored documents, one a line (JSON Lines, jsonlines.org): canonical bytes hold no line break."""

from collections.abc import Iterable, Iterator

from incidents.format import Format, Published


def _many(published: Iterable[Published]) -> Iterator[bytes]:
    for one in published:
        yield one.document + b"\n"


FORMAT = Format(
    title="JSON Lines",
    media_type="application/jsonl",
    suffix="jsonl",
    one=lambda published: published.document + b"\n",
    many=_many,
    also=("application/x-ndjson",),
)
