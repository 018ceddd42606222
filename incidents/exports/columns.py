"""Records as typed columns (Apache Parquet). Pure.

Lists of the record are lists of structs, so that `affected` can be unnested and filtered by any engine; moments are
timestamps in UTC; `occurred` stays text, because it may be a year or a month. `digest` is the SHA-256 of the record's
RFC 8785 bytes: what the log has.
"""

import hashlib
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.json as arrow_json
from pyarrow import parquet

# Documents of so many bytes, some 2,000 of them, make a group of rows: what a reader that wants a part of the file has
# to read at least, and what writing it holds in memory.
BYTES_TOGETHER = 3_000_000
_MOMENT = pa.timestamp("s", tz="UTC")


def _texts(*names: str) -> list[pa.Field]:
    return [pa.field(name, pa.string()) for name in names]


def _list(*fields: pa.Field) -> pa.ListType:
    return pa.list_(pa.struct(list(fields)))


_OBSERVED = pa.struct(
    [
        pa.field("at", _MOMENT),
        *_texts("revision", "licence"),
        pa.field("gated", pa.bool_()),
        pa.field("disabled", pa.bool_()),
    ]
)
_CHANGES = _list(pa.field("change", pa.string()), pa.field("noticed", _MOMENT), *_texts("before", "after"))
_AFFECTED = _list(
    *_texts("hub", "name", "stable_id", "revision", "purl"),
    pa.field("files", _list(*_texts("path", "sha256"))),
    *_texts("status", "match", "note"),
    pa.field("observed", _OBSERVED),
    pa.field("changes", _CHANGES),
    pa.field("fixed_in", pa.list_(pa.string())),
    pa.field("not_affected_in", pa.list_(pa.string())),
)
_STATEMENTS = _list(
    *_texts("by", "role"),
    pa.field("at", _MOMENT),
    pa.field("text", pa.string()),
    pa.field("statuses", _list(*_texts("hub", "name", "revision", "status", "fixed_in"))),
)
_DOCUMENT = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("version", pa.int32()),
        pa.field("status", pa.string()),
        pa.field("published", _MOMENT),
        pa.field("modified", _MOMENT),
        *_texts("occurred", "title", "kind", "category", "severity", "evidence_grade", "confidence"),
        pa.field("reproductions", pa.int32()),
        *_texts("summary", "description", "notice", "superseded_by"),
        pa.field("affected", _AFFECTED),
        pa.field("classifications", _list(*_texts("taxonomy", "term"))),
        pa.field("references", _list(*_texts("title", "publisher", "url", "date"))),
        pa.field("aliases", pa.list_(pa.string())),
        pa.field("statements", _STATEMENTS),
        *_texts("origin", "licence", "schema"),
    ]
)
SCHEMA = _DOCUMENT.append(pa.field("digest", pa.string()))


def table_of(documents: list[bytes]) -> pa.Table:
    """The documents (RFC 8785 bytes) as rows. Raises pyarrow.ArrowInvalid for one that has other members."""
    content = b"\n".join(documents)
    # One block: a document longer than a block would be an error.
    reading = arrow_json.ReadOptions(use_threads=False, block_size=len(content) + 1)
    parsing = arrow_json.ParseOptions(explicit_schema=_DOCUMENT, unexpected_field_behavior="error")
    table = arrow_json.read_json(pa.BufferReader(content), reading, parsing)
    digests = pa.array([hashlib.sha256(document).hexdigest() for document in documents])
    return table.append_column(SCHEMA.field("digest"), digests)


class Writer:
    """Writes a file, a group of rows at a time, to anything with `write`; it is whole once `close` was called."""

    def __init__(self, sink: Any) -> None:
        self._file = parquet.ParquetWriter(sink, SCHEMA, compression="zstd", use_dictionary=_REPEATED)
        self._waiting: list[bytes] = []
        self._size = 0

    def write(self, documents: Iterable[bytes]) -> None:
        """Takes documents in, and writes every group of rows that is full."""
        for document in documents:
            self._waiting.append(document)
            self._size += len(document)
            if self._size >= BYTES_TOGETHER:
                self._flush()

    def close(self) -> None:
        """Writes what is left, and the directory of the file."""
        if self._waiting:
            self._flush()
        self._file.close()

    def _flush(self) -> None:
        self._file.write_table(table_of(self._waiting))
        self._waiting, self._size = [], 0


# Columns whose values come again and again.
_REPEATED = ["status", "kind", "category", "severity", "evidence_grade", "confidence", "origin", "licence", "schema"]
