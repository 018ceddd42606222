"""The service and the files of OSV, as its tools use them."""

import csv
import hashlib
import io
import json
import threading
import zipfile
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from incidents import osv_files
from incidents.models import Incident, Operation, OsvRefresh
from incidents.publishing import publish, revise
from incidents.record import Status
from tests import factories
from tests.formats import VALIDATORS, schema

COMMITS = [letter * 40 for letter in "abc"]
COMMIT, OTHER, THIRD = COMMITS
NAME = "example-org/tiny-chat"
PURL = f"pkg:huggingface/{NAME}"


def affected(**values):
    return {"hub": "huggingface", "name": NAME, "match": "repository", "purl": PURL, **values}


def published(*models, **changes):
    return publish(factories.record(affected=models or (affected(),), **changes)).incident


def withdrawn(incident):
    record = factories.Record.model_validate_json(bytes(incident.document))
    document = record.document() | {"version": record.version + 1, "status": "withdrawn", "notice": "Wrong."}
    return revise(Operation.WITHDRAW, factories.Record.model_validate(document)).incident


def post(path, document, **headers):
    body = document if isinstance(document, str) else json.dumps(document)
    return Client().post(f"/osv/v1/{path}", body, content_type="application/json", headers=headers)


def found(query):
    answer = post("query", query)
    assert answer.status_code == 200, answer.content
    return [one["id"].removeprefix("x_") for one in answer.json().get("vulns", [])]


@pytest.mark.django_db
class TestQueries:
    """One query, and many."""

    def test_a_scanner_gets_from_packages_to_ids_to_records(self):
        incident = published()
        packages = [
            "pkg:pypi/requests@2.31.0",
            f"{PURL}@{COMMIT}",
            "pkg:npm/%40angular/core@1.0",
            PURL,
            "pkg:deb/debian/x@1%3A2",
        ]
        answer = post("querybatch", {"queries": [{"package": {"purl": purl}} for purl in packages]})
        results = answer.json()["results"]
        hit = {"id": f"x_{incident.public_id}", "modified": "2026-03-01T10:00:00Z"}
        assert results == [{}, {"vulns": [hit]}, {}, {"vulns": [hit]}, {}]
        assert answer["Cache-Control"] == "no-store"
        record = Client().get(f"/osv/v1/vulns/{hit['id']}")
        VALIDATORS["osv.json"](record.content)
        assert record.json()["affected"][0]["package"]["purl"] == PURL
        assert post("query", {"package": {"purl": PURL}}).json()["vulns"] == [record.json()]

    def test_a_version_is_asked_for_in_the_purl_or_beside_it_and_a_package_by_its_address_too(self):
        incident = published(affected(revision=COMMIT, match="revision"))
        here = [incident.public_id]
        address = {"name": f"https://huggingface.co/{NAME}", "ecosystem": "GIT"}
        assert found({"package": {"purl": f"{PURL}@{COMMIT}"}}) == here
        assert found({"package": {"purl": PURL}, "version": COMMIT}) == here
        assert found({"package": address}) == here
        assert found({"package": address, "version": COMMIT}) == here
        assert found({"package": address, "version": OTHER}) == []
        assert found({"package": {"name": NAME, "ecosystem": "PyPI"}}) == []

    def test_a_commit_is_enough(self):
        incident = published(affected(revision=COMMIT, match="revision"))
        assert found({"commit": COMMIT}) == found({"commit": COMMIT.upper()}) == [incident.public_id]
        assert found({"commit": OTHER}) == []

    def test_what_is_fixed_is_not_found_by_its_version(self):
        incident = published(affected(fixed_in=[OTHER], not_affected_in=[THIRD]))
        assert found({"package": {"purl": f"{PURL}@{COMMIT}"}}) == [incident.public_id]
        assert found({"package": {"purl": f"{PURL}@{OTHER}"}}) == []
        assert found({"package": {"purl": f"{PURL}@{THIRD}"}}) == []
        assert found({"package": {"purl": PURL}}) == [incident.public_id]

    def test_a_name_alone_and_a_withdrawn_record_answer_nothing(self):
        published({"name": "tiny-chat", "match": "name_only"})
        gone = withdrawn(published())
        assert found({"package": {"purl": PURL}}) == []
        record = Client().get(f"/osv/v1/vulns/x_{gone.public_id}").json()
        assert record["withdrawn"] == "2026-03-01T10:00:00Z"

    def test_more_than_a_page_goes_on_with_the_token(self, monkeypatch):
        monkeypatch.setattr("api.osv.MOST_IN_PAGE", 2)
        monkeypatch.setattr("api.osv.MOST_IN_BATCH", 3)
        ids = [f"x_{published().public_id}" for _ in range(5)]
        query, walked = {"package": {"purl": PURL}}, []
        while query:
            page = post("query", query).json()
            walked += [one["id"] for one in page["vulns"]]
            query = {**query, "page_token": page["next_page_token"]} if "next_page_token" in page else None
        assert walked == ids
        queries, walked = {0: {}, 1: {}, 2: {}}, {0: [], 1: [], 2: []}
        while queries:
            batch = [{"package": {"purl": PURL}, **token} for token in queries.values()]
            results = post("querybatch", {"queries": batch}).json()["results"]
            assert sum(len(one.get("vulns", [])) for one in results) <= 3
            for place, one in zip(list(queries), results, strict=True):
                walked[place] += [each["id"] for each in one.get("vulns", [])]
                queries[place] = {"page_token": one.get("next_page_token")}
            queries = {place: token for place, token in queries.items() if token["page_token"]}
        assert list(walked.values()) == [ids, ids, ids]

    def test_a_thousand_queries_cost_as_many_database_queries_as_one(self):
        published()
        counted = []
        for number in (1, 1000):
            queries = [{"package": {"purl": f"{PURL}@{n:040x}"}} for n in range(number - 1)] + [{"commit": COMMIT}]
            with CaptureQueriesContext(
                connection,
            ) as context:
                assert len(post("querybatch", {"queries": queries}).json()["results"]) == number
            counted.append(len(context))
        assert counted[0] == counted[1] <= 8

    @pytest.mark.parametrize(
        ("query", "message"),
        [
            ({}, "Invalid query."),
            ({"package": {"name": NAME}}, "Invalid query."),
            ({"version": "1"}, "Invalid query."),
            ({"package": {"purl": "tiny-chat"}}, "Invalid Package URL."),
            ({"package": {"purl": PURL, "name": NAME}}, "name specified in a PURL query"),
            ({"package": {"purl": PURL, "ecosystem": "GIT"}}, "ecosystem specified in a PURL query"),
            ({"package": {"purl": f"{PURL}@{COMMIT}"}, "version": OTHER}, "version specified in params and PURL query"),
            ({"commit": "main"}, "Invalid query: a commit is 40 or 64 hex digits, and has no version beside it."),
            ({"package": {"purl": PURL}, "page_token": "x"}, "Invalid page token."),
            ({"package": {"purl": PURL}, "page_token": "YWZ0ZXIgLTE="}, "Invalid page token."),
            ({"package": "x"}, None),
            ([], None),
            ("{", None),
        ],
    )
    def test_a_bad_query_is_a_400_as_osv_writes_it(self, query, message):
        answers = [post("query", query)]
        if message:
            answers.append(post("querybatch", {"queries": [{"package": {"purl": PURL}}, query]}))
        for answer in answers:
            assert answer.status_code == 400
            assert set(answer.json()) == {"code", "message"}
            assert answer.json()["code"] == 3
            assert message is None or answer.json()["message"] == message

    def test_other_errors_have_the_same_shape(self):
        assert post("querybatch", {"queries": [{}] * 1001}).json() == {"code": 3, "message": "Too many queries."}
        for address in ("v1/vulns/OSV-2020-1", "v1/vulns/x_FL-2026-ZZZZZZZZ", "v1/nothing", "x"):
            answer = Client().get(f"/osv/{address}")
            assert (answer.status_code, answer.json()["code"]) == (404, 5)
        assert Client().get("/osv/v1/query").json()["code"] == 12
        assert post("query", "x" * 2_000_001).status_code == 413

    def test_a_budget_used_up_says_when_to_come_back(self, settings):
        settings.API_LIMIT_ADDRESS = (1, 60)
        assert found({"package": {"purl": PURL}}) == []
        for refused in (post("query", {"package": {"purl": PURL}}), Client().get("/osv/v1/vulns/x_FL-2026-ZZZZZZZZ")):
            assert (refused.status_code, refused.json()["code"]) == (429, 8)
            assert 0 < int(refused["Retry-After"]) <= 60


MODELS = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["affected", "fixed", "under_investigation"]),
        "revision": st.sampled_from([None, *COMMITS]),
        "fixed_in": st.lists(st.sampled_from(COMMITS), max_size=1),
    }
)


class TestOneRule(TestCase):
    """The service answers what its records say when they are read as OSV."""

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(model=MODELS)
    def test_the_answer_is_what_the_record_says(self, model):
        incident = published(affected(**model))
        record = Client().get(f"/osv/v1/vulns/x_{incident.public_id}").json()
        schema("osv-1.7.5").validate(record)
        listed = any(entry.get("package", {}).get("purl") == PURL for entry in record["affected"])
        assert (incident.public_id in found({"package": {"purl": PURL}})) == listed
        for commit in COMMITS:
            if model["status"] == "affected":  # of what came before a fix alone, nobody knows without the repository
                said = any(self.includes(entry, commit) for entry in record["affected"])
                assert (incident.public_id in found({"package": {"purl": PURL}, "version": commit})) == said

    def includes(self, entry, commit):
        """By the schema's own words, of a repository whose history nobody has here: only commits named are known."""
        if commit in entry.get("versions", []):
            return True
        events = [event for one in entry.get("ranges", []) for event in one["events"]]
        return {"introduced": "0"} in events and {"fixed": commit} not in events


@pytest.fixture
def exports(settings, tmp_path):
    settings.EXPORT_ROOT = tmp_path / "exports"
    return settings.EXPORT_ROOT


def fetched(path):
    answer = Client().get(f"/osv/{path}")
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)


def archive(path):
    with zipfile.ZipFile(io.BytesIO(fetched(path))) as opened:
        assert opened.testzip() is None
        return {name: json.loads(opened.read(name)) for name in opened.namelist()}


def listed(path):
    return list(csv.reader(io.StringIO(fetched(path).decode())))


@pytest.mark.django_db
@pytest.mark.usefixtures("exports")
class TestFiles:
    """The whole collection."""

    def test_they_hold_every_record_where_osv_has_it(self):
        on_git, gone = published(), withdrawn(published(modified="2026-03-02T10:00:00Z"))
        elsewhere = published({"hub": "kaggle", "name": "o/m", "match": "repository"}, modified="2026-03-03T10:00:00Z")
        assert osv_files.refresh_due()
        names = [f"x_{one.public_id}.json" for one in (elsewhere, gone, on_git)]
        everything = archive("all.zip")
        assert list(everything) == names
        for document in everything.values():
            schema("osv-1.7.5").validate(document)
        assert "withdrawn" in everything[names[1]]
        assert list(archive("GIT/all.zip")) == names[1:]
        assert list(archive("[EMPTY]/all.zip")) == names[:1]
        assert fetched("ecosystems.txt") == b"GIT\n[EMPTY]\n"
        assert listed("modified_id.csv") == [
            ["2026-03-03T10:00:00Z", f"[EMPTY]/x_{elsewhere.public_id}"],
            ["2026-03-02T10:00:00Z", f"GIT/x_{gone.public_id}"],
            ["2026-03-01T10:00:00Z", f"GIT/x_{on_git.public_id}"],
        ]
        for modified, place in listed("modified_id.csv"):
            record = Client().get(f"/osv/{place}.json").json()
            assert record == everything[f"{place.partition('/')[2]}.json"]
            assert record["modified"] == modified
        assert Client().get(f"/osv/GIT/x_{elsewhere.public_id}.json").status_code == 404
        assert Client().get("/osv/PyPI/all.zip").status_code == 404

    def test_they_are_made_when_the_log_has_grown_and_not_otherwise(self, exports):
        published()
        assert osv_files.refresh_due()
        OsvRefresh.objects.update(due_at=timezone.now())
        made = [path.name for path in (exports / "osv").iterdir()]
        assert not osv_files.refresh_due()
        assert [path.name for path in (exports / "osv").iterdir()] == made
        published()
        assert osv_files.refresh_due()
        assert len(archive("all.zip")) == 2
        assert len(list((exports / "osv").glob("build-*"))) == 1

    def test_a_build_waits_so_that_it_takes_a_small_part_of_a_workers_time(self):
        published()
        osv_files.refresh_due()
        published()
        assert not osv_files.refresh_due()
        assert OsvRefresh.objects.get().due_at > timezone.now() + timedelta(seconds=5)

    def test_a_build_that_fails_leaves_the_files_and_tries_again(self, exports, monkeypatch):
        published()
        osv_files.refresh_due()
        before = fetched("all.zip")
        published()
        OsvRefresh.objects.update(due_at=timezone.now())
        with monkeypatch.context() as broken:
            broken.setattr(osv_files, "osv", lambda _: 1 / 0)
            assert osv_files.refresh_due()
        assert "ZeroDivisionError" in OsvRefresh.objects.get().last_error
        assert fetched("all.zip") == before
        assert len(list((exports / "osv").glob("build-*"))) == 1
        OsvRefresh.objects.update(due_at=timezone.now())
        assert osv_files.refresh_due()
        assert len(archive("all.zip")) == 2

    def test_readers_never_see_half_a_file_or_two_states_at_once(self):
        published()
        osv_files.build()
        stop, seen = threading.Event(), []

        def read():
            while not stop.is_set():
                stored = osv_files.stored("all.zip")
                try:
                    content = stored.path.read_bytes()
                except FileNotFoundError:
                    continue
                seen.append(hashlib.sha256(content).hexdigest() == stored.sha256)

        reader = threading.Thread(target=read)
        reader.start()
        for _ in range(30):
            osv_files.build()
        stop.set()
        reader.join()
        assert seen
        assert all(seen)

    def test_an_unchanged_file_costs_304_and_a_new_one_does_not(self):
        published()
        osv_files.build()
        first = Client().get("/osv/all.zip")
        assert first["ETag"] == f'"{hashlib.sha256(b"".join(first.streaming_content)).hexdigest()}"'
        for headers in ({"If-None-Match": first["ETag"]}, {"If-Modified-Since": first["Last-Modified"]}):
            assert Client().get("/osv/all.zip", headers=headers).status_code == 304
        head = Client().head("/osv/all.zip")
        assert head["Content-Length"] == first["Content-Length"]
        published()
        osv_files.build()
        assert Client().get("/osv/all.zip", headers={"If-None-Match": first["ETag"]}).status_code == 200
        assert Client().post("/osv/all.zip").status_code == 405

    def test_a_new_node_says_that_it_has_not_made_them_yet(self):
        answer = Client().get("/osv/all.zip")
        assert (answer.status_code, answer["Retry-After"]) == (503, "60")
        assert answer.json()["code"] == 14


@pytest.mark.django_db(transaction=True)
def test_publishing_wakes_the_worker_that_makes_them(monkeypatch):
    sent = []
    monkeypatch.setattr("celery.current_app.send_task", lambda task, **_: sent.append(task))
    published()
    assert "incidents.tasks.refresh_osv_files" in sent
    assert Incident.objects.get().status == Status.PUBLISHED
