"""CSV and Parquet: safe in a spreadsheet, and nothing of a record is lost or bent."""

import csv
import io
import json
import typing

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from incidents.exports import cells, columns
from incidents.record import Record
from lib.canonical import canonical_bytes
from tests import factories
from tests.lib.test_tables import DANGEROUS, NASTY


def read_back(data):
    return list(csv.DictReader(io.StringIO(data.decode(), newline=""), strict=True))


@st.composite
def records(draw):
    text = draw(NASTY)
    changes = {
        "title": f"{text} and more"[:200].ljust(5, "x"),
        "summary": f"{draw(NASTY)} and what else is to be said",
        "description": draw(NASTY),
        "notice": draw(NASTY),
        "occurred": draw(st.sampled_from([None, "2024", "2024-02", "2024-02-29"])),
        "reproductions": draw(st.none() | st.integers(0, 1000)),
        "aliases": tuple(draw(st.lists(NASTY.filter(lambda alias: len(alias) >= 3), max_size=2))),
        "affected": (
            {
                "hub": draw(st.sampled_from([None, "huggingface"])),
                "name": draw(NASTY.filter(bool)),
                "match": "revision",
                "note": draw(NASTY),
                "files": draw(st.sampled_from([(), ({"path": "=a", "sha256": "ab" * 32},)])),
                "observed": draw(st.sampled_from([None, {"at": "2024-01-01T00:00:00Z", "revision": ""}])),
                "fixed_in": draw(st.sampled_from([(), ("abc",)])),
            },
        ),
        "statements": draw(
            st.sampled_from([(), ({"by": "=x", "at": "2024-01-01T00:00:00Z", "text": "no", "statuses": []},)])
        ),
    }
    return factories.record(**changes)


@given(st.lists(records(), max_size=3))
@settings(max_examples=60, deadline=None)
def test_a_csv_read_back_is_the_records_byte_for_byte(found):
    documents = [canonical_bytes(record.document()) for record in found]
    data = cells.HEADER + cells.csv_of(documents)
    rows = read_back(data)
    assert [canonical_bytes(cells.document_of(row)) for row in rows] == documents
    for row in rows:
        assert not any(cell.startswith(DANGEROUS) for cell in row.values())


@given(st.lists(records(), min_size=1, max_size=3))
@settings(max_examples=40, deadline=None)
def test_parquet_has_every_value_of_the_records(found):
    documents = [canonical_bytes(record.document()) for record in found]
    table = columns.table_of(documents)
    for row, document in zip(table.to_pylist(), map(json.loads, documents), strict=True):
        for name in ("title", "summary", "occurred", "reproductions", "aliases"):
            assert row[name] == document.get(name)
        assert row["affected"][0]["files"] == document["affected"][0]["files"]
        assert row["affected"][0]["fixed_in"] == document["affected"][0].get("fixed_in")


def test_every_member_of_a_record_has_its_column_in_csv():
    known = {field.alias or name for name, field in Record.model_fields.items()}
    assert {*cells.TEXTS, *cells.NUMBERS, *cells.LISTS} == known
    assert set(cells.COLUMNS) == known | {"models"}


def test_every_member_of_a_record_has_its_type_in_parquet():
    def members(model):
        return {field.alias or name: field.annotation for name, field in model.model_fields.items()}

    def compare(model, fields):
        types = {field.name: field.type for field in fields}
        assert types.keys() == members(model).keys()
        for name, annotation in members(model).items():
            inner = nested(annotation)
            if inner:
                found = types[name].value_type if pa.types.is_list(types[name]) else types[name]
                compare(inner, list(found))

    def nested(annotation):
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return annotation
        return next(filter(None, map(nested, typing.get_args(annotation))), None)

    compare(Record, [field for field in columns.SCHEMA if field.name != "digest"])


def test_parquet_refuses_a_document_with_a_member_nobody_gave_a_column():
    document = canonical_bytes({**factories.record().document(), "unheard_of": 1})
    with pytest.raises(pa.ArrowInvalid, match=r"unexpected field|unheard_of"):
        columns.table_of([document])
