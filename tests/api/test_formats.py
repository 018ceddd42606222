"""One incident in every format of the field, its versions, and what changed between them."""

import json

import jsonpatch
import pytest
from django.core.management import call_command
from django.test import Client

from incidents.format import formats
from incidents.models import Incident, Operation
from incidents.publishing import publish, revise
from incidents.record import Severity
from tests import factories
from tests.formats import VALIDATORS

pytestmark = pytest.mark.django_db
BASE = "/api/v1/incidents"


@pytest.fixture
def researcher():
    return Client()


def corrected(**changes):
    """A record of two versions: the first, and the second."""
    first = factories.record(aliases=("AIID-313",))
    publish(first)
    changed = {
        "version": 2,
        "modified": "2026-03-05T10:00:00Z",
        "notice": "Reworded.",
        "severity": Severity.MODERATE,
        **changes,
    }
    second = first.model_copy(update=changed)
    revise(Operation.CORRECT, first.__class__.model_validate(second.document()))
    return first, second


def alternates(answer):
    links = dict(link.strip().split(">; ", 1) for link in answer["Link"].split(", <"))
    return {address.lstrip("<"): said for address, said in links.items() if 'rel="alternate"' in said}


def test_every_record_of_the_starter_collection_is_valid_in_every_format(researcher):
    call_command("load_starter", verbosity=0)
    incidents = list(Incident.objects.all())
    assert len(incidents) > 40
    for incident in incidents:
        for suffix, one in formats().items():
            answer = researcher.get(f"{BASE}/{incident.public_id}.{suffix}")
            assert answer.status_code == 200
            assert answer["Content-Type"] == one.media_type
            VALIDATORS[suffix](answer.content)


@pytest.mark.parametrize("suffix", formats())
def test_suffix_and_accept_give_the_same_bytes(researcher, suffix):
    incident, one = publish(factories.record()).incident, formats()[suffix]
    by_suffix = researcher.get(f"{BASE}/{incident.public_id}.{suffix}")
    accepted = researcher.get(f"{BASE}/{incident.public_id}", headers={"Accept": one.media_type})
    bare = researcher.get(f"{BASE}/{incident.public_id}", headers={"Accept": one.media_type.partition(";")[0]})
    assert by_suffix.content == accepted.content == bare.content
    assert by_suffix["ETag"] == accepted["ETag"]
    assert accepted["Content-Location"].endswith(f"{BASE}/{incident.public_id}.{suffix}")
    assert "Accept" in accepted["Vary"]
    assert "Accept" not in by_suffix.get("Vary", "")


def test_each_format_has_its_own_tag_and_answers_304_to_it_alone(researcher):
    incident = publish(factories.record()).incident
    tags = {suffix: researcher.get(f"{BASE}/{incident.public_id}.{suffix}")["ETag"] for suffix in formats()}
    assert len(set(tags.values())) == len(tags)
    assert tags["json"] == f'"{incident.digest}"'
    address = f"{BASE}/{incident.public_id}"
    for tag, status in ((tags["bib"], 304), (tags["json"], 200)):
        answer = researcher.get(address, headers={"Accept": "application/x-bibtex", "If-None-Match": tag})
        assert answer.status_code == status
        assert "Accept" in answer["Vary"]


@pytest.mark.parametrize(
    ("accept", "suffix"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "json"),
        ("text/csv, application/x-bibtex;q=0.5", "csv"),
        ("application/x-bibtex;q=0.4, application/ld+json;q=0.8", "jsonld"),
        ("text/plain", "apa.txt"),
        ("application/stix+json;version=2.1", "stix.json"),
        ("application/vnd.cyclonedx+json; version=1.6", "cdx.json"),
        ("application/x-ndjson", "jsonl"),
    ],
)
def test_what_the_caller_likes_best_is_answered(researcher, accept, suffix):
    incident = publish(factories.record()).incident
    headers = {"Accept": accept} if accept else {}
    answer = researcher.get(f"{BASE}/{incident.public_id}", headers=headers)
    assert answer.status_code == 200
    assert answer["Content-Type"] == formats()[suffix].media_type


@pytest.mark.parametrize(
    "accept", ["image/png", "application/vnd.cyclonedx+json; version=1.2", "application/stix+json;version=2.0"]
)
def test_what_there_is_not_is_a_406_that_says_what_there_is(researcher, accept):
    incident = publish(factories.record()).incident
    answer = researcher.get(f"{BASE}/{incident.public_id}", headers={"Accept": accept})
    assert answer.status_code == 406
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == "/api/problems/not-acceptable"
    assert all(f"(.{suffix})" in answer.json()["detail"] for suffix in formats())
    assert "Accept" in answer["Vary"]


def test_every_other_format_is_linked_and_every_link_leads_somewhere(researcher):
    incident = publish(factories.record()).incident
    answer = researcher.get(f"{BASE}/{incident.public_id}.bib")
    found = alternates(answer)
    assert len(found) == len(formats()) - 1
    for address, said in found.items():
        linked = researcher.get(address.removeprefix("http://testserver"))
        assert linked.status_code == 200
        assert linked["Content-Type"].partition(";")[0] in said


def test_an_id_of_another_database_leads_to_ours_in_the_same_format(researcher):
    first, _ = corrected()
    answer = researcher.get(f"{BASE}/aiid-313.osv.json")
    assert (answer.status_code, answer["Location"]) == (302, f"{BASE}/{first.id}.osv.json")


@pytest.mark.parametrize("address", ["FL-2026-ZZZZZZZZ", "FL-2026-ZZZZZZZZ.bib", ".bib", "AIID-1.json", "%00.json"])
def test_what_is_not_there_is_a_404_in_any_format(researcher, address):
    answer = researcher.get(f"{BASE}/{address}")
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"


def test_head_is_get_without_the_body_and_options_says_what_may_be_done(researcher):
    first, _ = corrected()
    for address in (
        f"{BASE}/{first.id}",
        f"{BASE}/{first.id}.csv",
        f"{BASE}/{first.id}/versions",
        f"{BASE}/{first.id}/diff",
    ):
        got, head = researcher.get(address), researcher.head(address)
        assert head.content == b""
        assert head["ETag"] == got["ETag"]
        assert head["Content-Type"] == got["Content-Type"]
        assert head["Content-Length"] == str(len(got.content))
        options = researcher.options(address)
        assert (options.status_code, options.content) == (204, b"")
        assert options["Allow"] == "GET, HEAD, OPTIONS"
        assert researcher.post(address).status_code == 405


class TestVersions:
    """What was published stays readable."""

    def test_they_are_listed_with_what_was_done_and_each_digest(self, researcher):
        first, second = corrected()
        listed = researcher.get(f"{BASE}/{first.id}/versions").json()
        assert [(one["version"], one["operation"]) for one in listed["items"]] == [(1, "publish"), (2, "correct")]
        for one, record in zip(listed["items"], (first, second), strict=True):
            answer = researcher.get(one["url"].removeprefix("http://testserver"))
            assert answer.json() == record.document()
            assert answer["ETag"] == f'"{one["digest"]}"'
        assert researcher.get(f"{BASE}/AIID-313/versions").json() == listed

    def test_each_is_there_in_every_format_and_leads_to_its_neighbours(self, researcher):
        first, _ = corrected()
        cited = researcher.get(f"{BASE}/{first.id}/versions/1.bib")
        assert b"version 1, SHA-256" in cited.content
        assert f'/api/v1/incidents/{first.id}/versions/2>; rel="successor-version"' in cited["Link"]
        assert 'rel="predecessor-version"' not in cited["Link"]
        assert f'/api/v1/incidents/{first.id}>; rel="latest-version"' in cited["Link"]
        for suffix, valid in VALIDATORS.items():
            valid(researcher.get(f"{BASE}/{first.id}/versions/2.{suffix}").content)

    @pytest.mark.parametrize("version", ["0", "3", "-1", "x", "1e1", "99999999999999999999", "%D9%A1", "1.png"])
    def test_what_never_was_is_not_there(self, researcher, version):
        first, _ = corrected()
        assert researcher.get(f"{BASE}/{first.id}/versions/{version}").status_code == 404


class TestDiff:
    """What a correction changed."""

    def test_the_patch_makes_one_version_of_the_other(self, researcher):
        first, second = corrected()
        said = researcher.get(f"{BASE}/{first.id}/diff").json()
        assert (said["from"]["version"], said["to"]["version"]) == (1, 2)
        assert jsonpatch.apply_patch(first.document(), said["patch"]) == second.document()
        assert {"op": "replace", "path": "/severity", "value": "moderate"} in said["patch"]
        assert [one["field"] for one in said["fields"]] == ["notice", "severity"]
        assert said["fields"][1]["lines"] == [{"mark": "-", "text": "low"}, {"mark": "+", "text": "moderate"}]

    def test_backwards_too_and_from_a_version_to_itself_there_is_nothing(self, researcher):
        first, second = corrected()
        back = researcher.get(f"{BASE}/{first.id}/diff?from=2&to=1").json()
        assert jsonpatch.apply_patch(second.document(), back["patch"]) == first.document()
        same = researcher.get(f"{BASE}/{first.id}/diff?from=2&to=2").json()
        assert (same["patch"], same["fields"]) == ([], [])

    def test_the_patch_alone_for_who_accepts_it(self, researcher):
        first, second = corrected()
        answer = researcher.get(f"{BASE}/{first.id}/diff", headers={"Accept": "application/json-patch+json"})
        assert answer["Content-Type"] == "application/json-patch+json"
        assert jsonpatch.apply_patch(first.document(), json.loads(answer.content)) == second.document()
        assert "Accept" in answer["Vary"]

    @pytest.mark.parametrize(("query", "status"), [("from=x", 400), ("to=9", 404), ("from=0", 404), ("since=1", 400)])
    def test_versions_that_never_were_are_problems(self, researcher, query, status):
        first, _ = corrected()
        assert researcher.get(f"{BASE}/{first.id}/diff?{query}").status_code == status
