"""Bulk through the API: stored files with ranges and codings, and live exports of whatever the filters choose."""

import base64
import csv
import gzip
import hashlib
import io
import json

import pytest
import zstandard
from django.db import ProgrammingError, transaction
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from api.ranges import UnsatisfiableRangeError, coding_for, part_of
from incidents.exports import building, cells, live
from incidents.models import Incident
from incidents.publishing import publish
from lib.canonical import canonical_bytes
from tests import factories

pytestmark = pytest.mark.django_db
LINES = "/api/v1/exports/incidents.jsonl"


@pytest.fixture(autouse=True)
def _folder(settings, tmp_path):
    settings.EXPORT_ROOT = tmp_path


@pytest.fixture
def collection(monkeypatch):
    """Eleven records in pieces of four, stored; the bytes of the whole."""
    monkeypatch.setattr(building, "RECORDS_TOGETHER", 4)
    for number in range(11):
        publish(factories.record(title=f"Incident number {number}", severity="high" if number % 3 else "low"))
    building.refresh(going_on=lambda: None)
    return b"".join(bytes(row.document) + b"\n" for row in Incident.objects.order_by("pk"))


def get(path, **headers):
    """The answer, read to its end: a thread's connection carries one stream at a time."""
    answer = begun(path, **headers)
    answer.whole = b"".join(answer) if answer.streaming else answer.content
    return answer


def begun(path, **headers):
    return Client().get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})


def content(answer):
    return answer.whole


def unpacked(data, coding):
    if coding == "gzip":
        return gzip.decompress(data)
    return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data), read_across_frames=True).read()


class TestStored:
    @pytest.mark.usefixtures("collection")
    def test_the_list_says_what_there_is_and_every_word_is_true(self):
        answer = get("/api/v1/exports")
        assert answer.json()["log"]["number"] == 11
        assert answer.json()["licence"]["name"] == "CC-BY-4.0"
        names = {file["name"] for file in answer.json()["files"]}
        assert names >= {"incidents.jsonl", "incidents.csv.zst", "incidents.parquet", "withdrawn.jsonl.gz"}
        for file in answer.json()["files"]:
            body = content(get(file["url"]))
            assert (len(body), hashlib.sha256(body).hexdigest()) == (file["size"], file["sha256"])

    def test_before_anything_was_made_it_says_when_to_come_back(self):
        assert get("/api/v1/exports").json()["files"] == []
        answer = get(LINES)
        assert (answer.status_code, answer["Retry-After"]) == (503, "60")
        assert answer["Content-Type"] == "application/problem+json"

    @pytest.mark.parametrize(
        ("accepted", "coding"),
        [
            ("", ""),
            ("zstd, gzip", "zstd"),
            ("gzip, deflate, br", "gzip"),
            ("gzip;q=1.0, zstd;q=0.5", "gzip"),
            ("*", "zstd"),
            ("zstd;q=0, *", "gzip"),
            ("identity, gzip;q=0.5", ""),
            ("br", ""),
            ("gzip;q=0", ""),
        ],
    )
    def test_comes_in_the_coding_that_the_caller_likes_most(self, collection, accepted, coding):
        answer = get(LINES, accept_encoding=accepted)
        body = content(answer)
        assert answer.get("Content-Encoding", "") == coding
        assert "Accept-Encoding" in answer["Vary"]
        assert int(answer["Content-Length"]) == len(body)
        assert (unpacked(body, coding) if coding else body) == collection

    @pytest.mark.usefixtures("collection")
    def test_each_coding_has_an_etag_and_a_digest_of_its_own(self):
        tags = set()
        for coding in ("identity", "gzip", "zstd"):
            answer = get(LINES, accept_encoding=coding)
            digest = base64.b64encode(hashlib.sha256(content(answer)).digest()).decode()
            assert answer["Repr-Digest"] == f"sha-256=:{digest}:"
            tags.add(answer["ETag"])
            again = get(LINES, accept_encoding=coding, if_none_match=answer["ETag"])
            assert (again.status_code, content(again)) == (304, b"")
        assert len(tags) == 3

    @pytest.mark.parametrize("name", ["incidents.jsonl", "incidents.jsonl.gz", "incidents.jsonl.zst", "incidents.csv"])
    @pytest.mark.usefixtures("collection")
    def test_any_part_is_that_part(self, name):
        whole = content(get(f"/api/v1/exports/{name}"))
        middle = len(whole) // 2
        for asked, start, stop in (
            ("bytes=0-0", 0, 1),
            (f"bytes={middle}-", middle, len(whole)),
            ("bytes=-10", len(whole) - 10, len(whole)),
            (f"bytes=5-{len(whole) + 99}", 5, len(whole)),
            (f"bytes={middle}-{middle + 700}", middle, min(middle + 701, len(whole))),
        ):
            answer = get(f"/api/v1/exports/{name}", range=asked)
            assert answer.status_code == 206
            assert content(answer) == whole[start:stop]
            assert answer["Content-Range"] == f"bytes {start}-{stop - 1}/{len(whole)}"
            assert int(answer["Content-Length"]) == stop - start

    @pytest.mark.usefixtures("collection")
    def test_a_download_is_resumed_only_into_the_same_file(self):
        tag = get(LINES)["ETag"]
        assert get(LINES, range="bytes=100-", if_range=tag).status_code == 206
        publish(factories.record())
        building.refresh(going_on=lambda: None)
        for old in (tag, f"W/{tag}", "Sat, 01 Jan 2000 00:00:00 GMT", "nonsense"):
            answer = get(LINES, range="bytes=100-", if_range=old)
            assert answer.status_code == 200
            assert len(content(answer).splitlines()) == 12
        same = get(LINES)["Last-Modified"]
        assert get(LINES, range="bytes=100-", if_range=same).status_code == 206

    def test_a_range_after_the_end_is_a_problem_that_says_where_the_end_is(self, collection):
        answer = get(LINES, range=f"bytes={len(collection)}-")
        assert answer.status_code == 416
        assert answer["Content-Range"] == f"bytes */{len(collection)}"
        assert answer["Content-Type"] == "application/problem+json"

    @pytest.mark.parametrize("asked", ["bytes=1-2,4-5", "bytes=", "bytes=9-3", "items=1-2", "bytes=a-b", "nonsense"])
    def test_a_range_that_is_not_served_is_ignored(self, collection, asked):
        answer = get(LINES, range=asked)
        assert answer.status_code == 200
        assert content(answer) == collection

    @pytest.mark.usefixtures("collection")
    def test_its_head_says_the_same_without_a_body(self):
        full, head = get(LINES), Client().head(LINES)
        assert (head.status_code, head.content) == (200, b"")
        for name in ("Content-Length", "ETag", "Repr-Digest", "Content-Type"):
            assert head[name] == full[name]

    @pytest.mark.parametrize("name", ["nothing", "incidents.jsonl.bz2", "incidents.parquet.gz", "index.json", "lock"])
    @pytest.mark.usefixtures("collection")
    def test_what_is_not_an_export_is_not_served(self, name):
        assert get(f"/api/v1/exports/{name}").status_code == 404

    @pytest.mark.parametrize("name", ["..%2Findex.json", "%00", "a%2Fb"])
    @pytest.mark.usefixtures("collection")
    def test_no_name_leads_out_of_the_folder(self, name):
        assert get(f"/api/v1/exports/{name}").status_code == 404


class TestLive:
    @pytest.mark.usefixtures("collection")
    def test_json_lines_are_the_published_bytes_of_what_the_filters_choose(self):
        chosen = Incident.objects.filter(severity="low").order_by("pk")
        answer = get("/api/v1/incidents.jsonl?severity=low")
        assert content(answer) == b"".join(bytes(row.document) + b"\n" for row in chosen)
        assert answer["Content-Type"] == "application/jsonl"
        assert len(chosen) == 4
        assert (answer["Faultline-Records"], answer["Content-Length"]) == ("4", str(len(content(answer))))

    @pytest.mark.usefixtures("collection")
    def test_they_are_as_fresh_as_the_list(self):
        publish(factories.record(title="Published a moment ago"))
        assert b"Published a moment ago" in content(get("/api/v1/incidents.jsonl"))

    @pytest.mark.usefixtures("collection")
    def test_the_three_forms_hold_the_same_records(self):
        lines = content(get("/api/v1/incidents.jsonl?severity=high")).splitlines()
        text = content(get("/api/v1/incidents.csv?severity=high")).decode()
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        assert [canonical_bytes(cells.document_of(row)) for row in rows] == lines
        assert get("/api/v1/incidents.csv?severity=high")["Faultline-Records"] == str(len(rows))
        table = parquet.read_table(io.BytesIO(content(get("/api/v1/incidents.parquet?severity=high"))))
        assert table["digest"].to_pylist() == [hashlib.sha256(line).hexdigest() for line in lines]

    @pytest.mark.parametrize(
        ("accepted", "suffix"),
        [("application/jsonl", "jsonl"), ("text/csv", "csv"), ("application/vnd.apache.parquet", "parquet")],
    )
    @pytest.mark.usefixtures("collection")
    def test_the_list_answers_the_same_to_who_accepts_it(self, accepted, suffix):
        by_accept = get("/api/v1/incidents?severity=low", accept=accepted)
        by_suffix = get(f"/api/v1/incidents.{suffix}?severity=low")
        assert content(by_suffix) == content(by_accept)
        assert by_accept["Content-Type"] == by_suffix["Content-Type"]
        assert "Accept" in by_accept["Vary"]

    @pytest.mark.parametrize(
        "accepted", ["*/*", "application/json", "text/csv;q=0.1, application/json", "application/*"]
    )
    @pytest.mark.usefixtures("collection")
    def test_who_does_not_ask_for_another_form_gets_the_list(self, accepted):
        answer = get("/api/v1/incidents", accept=accepted)
        assert answer["Content-Type"] == "application/json"
        assert "Accept" in answer["Vary"]

    def test_without_any_record_the_files_are_whole_and_empty(self):
        assert content(get("/api/v1/incidents.jsonl")) == b""
        assert content(get("/api/v1/incidents.csv")) == cells.HEADER
        assert parquet.read_table(io.BytesIO(content(get("/api/v1/incidents.parquet")))).num_rows == 0

    @pytest.mark.usefixtures("collection")
    def test_an_unchanged_collection_costs_304(self):
        tag = get("/api/v1/incidents.csv")["ETag"]
        assert get("/api/v1/incidents.csv", if_none_match=tag).status_code == 304
        assert get("/api/v1/incidents.jsonl", if_none_match=tag).status_code == 200
        publish(factories.record())
        assert get("/api/v1/incidents.csv", if_none_match=tag).status_code == 200

    @pytest.mark.parametrize("query", ["severity=9", "limit=3", "cursor=x", "foo=bar", "q=%00", "kind=a&kind=b"])
    @pytest.mark.usefixtures("collection")
    def test_bad_arguments_are_problems(self, query):
        for suffix in ("jsonl", "csv", "parquet"):
            answer = get(f"/api/v1/incidents.{suffix}?{query}", accept="text/csv")
            assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")

    @pytest.mark.usefixtures("collection")
    def test_a_page_of_an_export_is_refused(self):
        assert get("/api/v1/incidents?limit=3", accept="text/csv").status_code == 400

    def test_more_at_once_than_a_process_serves_are_asked_to_come_again(self, collection, settings):
        for _ in range(settings.EXPORTS_AT_ONCE):
            assert live._places.acquire(blocking=False)
        refused = get("/api/v1/incidents.jsonl")
        live._places.release(settings.EXPORTS_AT_ONCE)
        assert (refused.status_code, refused["Retry-After"]) == (503, "60")
        assert content(get("/api/v1/incidents.jsonl")) == collection

    def test_a_question_that_the_database_gives_up_on_is_a_503(self, collection, settings, monkeypatch):
        slow = "SELECT document FROM incidents_incident WHERE pg_sleep(30) IS NOT NULL"
        settings.EXPORT_SECONDS = 1
        with monkeypatch.context() as patched:
            patched.setattr(live, "_PACKED", slow)
            answer = get("/api/v1/incidents.jsonl")
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        assert answer.json()["type"] == "/api/problems/busy"
        assert content(get("/api/v1/incidents.jsonl")) == collection


def test_a_stream_that_fails_to_begin_gives_its_place_back(settings, monkeypatch):
    monkeypatch.setattr(live, "_PACKED", "SELECT nonsense")
    for _ in range(settings.EXPORTS_AT_ONCE + 1):
        with pytest.raises(ProgrammingError, match="nonsense"), transaction.atomic():
            live.Stream(live.Wanted(), "jsonl")


@pytest.mark.django_db(transaction=True)
def test_a_reader_who_goes_away_frees_the_place_and_the_connection(settings, monkeypatch):
    for _ in range(5):
        publish(factories.record())
    monkeypatch.setattr("incidents.exports.copying.BYTES_AT_ONCE", 1)
    for _ in range(settings.EXPORTS_AT_ONCE + 1):
        answer = begun("/api/v1/incidents.jsonl")
        assert next(iter(answer)).startswith(b"{")
        answer.close()
    assert len(content(get("/api/v1/incidents.jsonl")).splitlines()) == 5


# --- Pure ----------------------------------------------------------------------------------------------------------
@given(st.text(max_size=40) | st.from_regex(r"bytes=\d{0,4}-\d{0,4}", fullmatch=True), st.integers(0, 3000))
def test_a_part_is_always_inside(header, size):
    try:
        part = part_of(header, size)
    except UnsatisfiableRangeError:
        return
    assert part is None or 0 <= part[0] < part[1] <= size


@given(st.text(max_size=60))
def test_no_accept_encoding_is_too_strange(header):
    assert coding_for(header, ("zstd", "gzip")) in {"", "zstd", "gzip"}


def test_the_manifest_and_the_files_are_described():
    paths = Client().get("/api/schema").json()["paths"]
    assert set(paths["/api/v1/exports/{name}"]["get"]["responses"]) >= {"200", "206", "416"}
    assert (
        "text/csv; charset=utf-8; header=present"
        in paths["/api/v1/incidents.csv"]["get"]["responses"]["200"]["content"]
    )
    assert json.dumps(paths["/api/v1/exports"])
