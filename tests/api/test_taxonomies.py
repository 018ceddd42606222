"""Taxonomies through the API: terms with their crosswalks, and how many records stand under each."""

import random

import pytest
from django.test import Client

from incidents.models import Publication
from incidents.taxonomy import taxonomies
from tests.incidents.recount import event_of, in_force, publish_random, read_all

pytestmark = pytest.mark.django_db

ADDRESS = "/api/v1/taxonomies"


def get(path=""):
    answer = Client().get(f"{ADDRESS}{path}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def terms_of(document, taxonomy):
    own = {document["category"]} if taxonomy == "faultline" else set()
    return own | {one["term"] for one in document["classifications"] if one["taxonomy"] == taxonomy}


def test_counts_are_those_of_a_recount_over_the_documents():
    publish_random(random.Random(5), 80)
    documents = read_all(Client())
    events = event_of(documents)
    live = [document for document in documents if in_force(document)]
    for taxonomy in ("faultline", "mit-risk"):
        known = taxonomies()[taxonomy]
        served = get(f"/{taxonomy}")
        assert served["log_number"] == Publication.objects.count()
        for term in served["terms"]:
            below = {term["code"]}
            while more := {t.code for t in known.terms if t.parent in below} - below:
                below |= more
            for name, codes in (("direct", {term["code"]}), ("with_descendants", below)):
                found = [document for document in live if terms_of(document, taxonomy) & codes]
                incidents = {events[one["id"]] for one in found if one["kind"] == "incident"}
                assert (term["records"][name], term["incidents"][name]) == (len(found), len(incidents)), term["code"]
    totals = {one["id"]: one["records"] for one in get()["items"]}
    assert totals["faultline"] == len(live)
    assert totals["mit-risk"] == len([one for one in live if terms_of(one, "mit-risk")]) > 0
    assert totals["oecd-harm"] == 0


def test_each_term_has_an_address_and_the_crosswalk_leads_both_ways():
    deepfake = get("/faultline/terms/misuse.deepfake")
    assert deepfake["term"]["parent"] == "misuse"
    assert deepfake["term"] in get("/faultline")["terms"]
    assert "misuse.deepfake" in get("/faultline/terms/misuse")["term"]["children"]
    elsewhere = next(one for one in deepfake["term"]["crosswalk"] if one["taxonomy"] == "avid-sep")
    answer = Client().get(elsewhere["address"]).json()
    assert answer["term"]["title"] == elsewhere["title"]
    assert ("faultline", "misuse.deepfake") in [(one["taxonomy"], one["code"]) for one in answer["term"]["crosswalk"]]


@pytest.mark.parametrize(
    "path", ["/nothing", "/faultline/terms/nothing", "/nothing/terms/misuse", "/faultline/terms/%00"]
)
def test_what_there_is_not_gets_a_problem(path):
    answer = Client().get(f"{ADDRESS}{path}")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
