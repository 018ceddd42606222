"""Browsing: facets, canonical addresses, densities, and the same view in every form."""

import csv
import io
import json
import re
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from incidents import feeds, log
from reports import workflow
from reports.models import Case
from tests import factories
from tests.website.test_pages import problems_of, published, text_of

pytestmark = pytest.mark.django_db

ATOM = "{http://www.w3.org/2005/Atom}"


def parsed(content: bytes) -> ET.Element:
    return ET.fromstring(content)  # noqa: S314 - made by us


def facet(page: str, name: str) -> dict[str, str]:
    """The choices of a facet with their counts."""
    found = re.findall(rf'name="{name}" value="([^"]+)"[^>]*>.*?<span class="tally-count">([^<]*)<', page, re.DOTALL)
    return dict(found)


def titles(page: str) -> list[str]:
    return re.findall(r'<h3 class="row-title"><a [^>]*>([^<]*)</a>', page)


# --- One address a view ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("asked", "canonical"),
    [
        ("utm_source=elsewhere", ""),
        ("q=&category=&severity=high", "severity=high"),
        ("severity=low,high", "severity=high&severity=low"),
        ("severity=low&category=bias&severity=low", "category=bias&severity=low"),
        ("sort=published&order=desc&density=full", ""),
        ("sort=relevance", ""),
        ("q=shop&sort=relevance&unknown=%00", "q=shop&sort=relevance"),
    ],
)
def test_an_address_that_says_more_than_it_means_leads_to_the_one_of_its_view(client, asked, canonical):
    published()
    for path in ("/incidents/", "/incidents.json"):
        moved = client.get(f"{path}?{asked}")
        assert moved.status_code == 301
        assert moved["Location"] == (f"{path}?{canonical}" if canonical else path)
        assert client.get(moved["Location"]).status_code == 200


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["q", "severity", "model", "licence", "as_of", "cursor", "sort", "order", "x", "term"]),
            st.text(max_size=12).filter(lambda text: text.isprintable()) | st.sampled_from(["high,low", "1", "desc"]),
        ),
        max_size=5,
    )
)
def test_no_address_leads_in_circles_or_breaks(client, pairs):
    query = {}
    for name, value in pairs:
        query.setdefault(name, []).append(value)
    response = client.get("/incidents/", query)
    if response.status_code == 301:
        response = client.get(response["Location"])
    assert response.status_code in {200, 400}


@pytest.mark.parametrize(
    "query", ["sort=loudest", "order=up", "density=huge", "as_of=999", "as_of=soon", "occurred_from=never", "term=x:y"]
)
def test_values_that_mean_nothing_are_a_400_in_every_form(client, query):
    published()
    page = client.get(f"/incidents/?{query}")
    assert page.status_code == 400
    assert "That address is not right" in page.content.decode()
    if not query.startswith("density"):
        problem = client.get(f"/incidents.json?{query}")
        assert (problem.status_code, problem["Content-Type"]) == (400, "application/problem+json")
        assert problem.json()["detail"]


# --- Facets ----------------------------------------------------------------------------------------------------------
def test_facets_count_what_each_choice_leaves(client):
    published(category="bias", severity="low", models=("example-org/one",))
    published(category="bias", severity="high", models=("example-org/two",))
    published(category="backdoor.trigger", severity="high", models=("other-org/three",))
    page = client.get("/incidents/").content.decode()
    assert facet(page, "category") == {"bias": "2", "backdoor": "1", "backdoor.trigger": "1"}
    assert facet(page, "severity") == {"high": "2", "low": "1"}
    assert facet(page, "organisation") == {"example-org": "2", "other-org": "1"}
    narrowed = client.get("/incidents/?category=bias").content.decode()
    assert facet(narrowed, "severity") == {"high": "1", "low": "1"}
    assert facet(narrowed, "organisation") == {"example-org": "2"}


def test_a_facet_in_use_still_shows_what_else_there_is_to_choose(client):
    published(title="A low one", severity="low")
    published(title="A high one", severity="high")
    page = client.get("/incidents/?severity=high").content.decode()
    assert titles(page) == ["A high one"]
    assert facet(page, "severity") == {"high": "1", "low": "1"}
    assert re.search(r'name="severity" value="high" checked', page)
    both = client.get("/incidents/?severity=high&severity=low").content.decode()
    assert set(titles(both)) == {"A low one", "A high one"}


def test_a_choice_that_nothing_has_stays_to_be_taken_back(client):
    published()
    page = client.get("/incidents/?organisation=nobody").content.decode()
    assert "No record matches." in page
    assert facet(page, "organisation")["nobody"] == "0"


def test_years_are_counted_by_when_it_occurred_and_chosen_in_the_address(client):
    published(title="In a month", occurred="2023-05")
    published(title="In a year", occurred="2023")
    published(title="On a day", occurred="2024-02-29")
    published(title="Nobody knows when", occurred=None)
    page = client.get("/incidents/").content.decode()
    years = re.findall(r'href="(\?occurred_from=[^"]+)"[^>]*>(\d{4})</a> <span class="tally-count">(\d+)', page)
    assert [(year, count) for _, year, count in years] == [("2024", "1"), ("2023", "2")]
    chosen = client.get("/incidents/" + years[1][0].replace("&amp;", "&")).content.decode()
    assert set(titles(chosen)) == {"In a month", "In a year"}
    assert re.search(r'href="\?" rel="nofollow" aria-current="true">2023<', chosen)


@pytest.mark.parametrize("records", [1, 12])
def test_the_list_costs_the_same_queries_however_many_records_there_are(client, records, django_assert_max_num_queries):
    for number in range(records):
        published(title=f"Record {number}", category="bias", severity="low", models=(f"example-org/model-{number}",))
    with django_assert_max_num_queries(12):
        client.get("/incidents/?category=bias&severity=low")
    with django_assert_max_num_queries(8):
        client.get("/incidents/")


# --- Densities, order, state -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("density", ["full", "compact", "table"])
def test_every_density_shows_the_same_records(client, density):
    ids = {published(title=f"Record {number}").public_id for number in range(3)}
    page = client.get("/incidents/", {"density": density} if density != "full" else {})
    assert set(re.findall(r"/incidents/(FL-[^/]+)/", page.content.decode())) == ids
    assert problems_of(page.content.decode()) == []


def test_density_and_order_are_kept_by_the_form_and_by_the_links(client):
    for number in range(21):
        published(title=f"Record {number}", severity="low")
    page = client.get("/incidents/?severity=low&sort=modified&density=compact").content.decode()
    assert '<input type="hidden" name="density" value="compact">' in page
    assert '<option value="modified" selected>' in page
    following = re.search(r'rel="next" href="([^"]+)"', page).group(1).replace("&amp;", "&")
    asked = dict(parse_qsl(following[1:]))
    assert (asked["sort"], asked["density"], asked["severity"]) == ("modified", "compact", "low")
    assert client.get("/incidents/" + following).status_code == 200


def test_a_pinned_view_never_drifts(client):
    published(title="There before")
    page = client.get("/incidents/?severity=low").content.decode()
    pinned = urlsplit(re.search(r'href="([^"]+)" rel="nofollow">Open the pinned view', page).group(1))
    cited = f"{pinned.path}?{pinned.query}".replace("&amp;", "&")
    assert f"as_of={log.head().number}" in cited
    assert log.head().object_digest in page
    published(title="Came later")
    assert titles(client.get(cited).content.decode()) == ["There before"]
    assert titles(client.get("/incidents/?severity=low").content.decode()) == ["Came later", "There before"]
    form = cited.replace("/incidents/", "/incidents.csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(client.get(form)).decode())))
    assert [row["title"] for row in rows] == ["There before"]


# --- Other forms -----------------------------------------------------------------------------------------------------
def test_json_has_the_rows_of_the_page_and_leads_on(client):
    for number in range(21):
        published(title=f"Record {number}")
    answer = client.get("/incidents.json?severity=low")
    assert answer["Access-Control-Allow-Origin"] == "*"
    content = answer.json()
    shown = titles(client.get("/incidents/?severity=low").content.decode())
    assert [item["title"] for item in content["items"]] == shown
    assert content["total"] == {"value": 21, "basis": "exact"}
    following = urlsplit(content["next"])
    rest = client.get(f"{following.path}?{following.query}").json()
    assert [item["title"] for item in rest["items"]] == ["Record 0"]
    assert rest["next"] is None


def test_files_have_every_record_of_the_view(client):
    expected = {published(title=f'=Record "{number}"', category="bias").public_id for number in range(23)}
    published(title="Of another category", category="misuse")
    answer = client.get("/incidents.csv?category=bias")
    assert answer["Faultline-Records"] == "23"
    rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))
    assert {row["id"] for row in rows} == expected
    assert all(row["title"].startswith("'=") for row in rows)
    lines = b"".join(client.get("/incidents.ndjson?category=bias")).decode().splitlines()
    assert {json.loads(line)["id"] for line in lines} == expected


def test_atom_feed_has_stable_ids_and_tells_of_disputes(client):
    first = published(title="The first of two")
    published(title="The second of two")
    before = parsed(client.get("/incidents.atom").content)
    ids = {entry.find(f"{ATOM}title").text: entry.find(f"{ATOM}id").text for entry in before.findall(f"{ATOM}entry")}
    case = Case.objects.get(incident=first)
    workflow.dispute(case=case, by=factories.senior_moderator(), notice="The publisher disagrees.")
    answer = client.get("/incidents.atom")
    assert answer["Content-Type"] == "application/atom+xml"
    entries = parsed(answer.content).findall(f"{ATOM}entry")
    now = {entry.find(f"{ATOM}title").text: entry.find(f"{ATOM}id").text for entry in entries}
    assert now["[disputed] The first of two"] == ids["The first of two"]
    assert now["The second of two"] == ids["The second of two"]
    assert client.get("/incidents.atom", headers={"If-None-Match": answer["ETag"]}).status_code == 304


def test_json_feed_of_a_query_says_where_its_page_is(client):
    incident = published(title="A record of bias", category="bias")
    published(title="Another", category="misuse")
    feed = client.get("/incidents.feed.json?category=bias").json()
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["home_page_url"] == "http://testserver/incidents/?category=bias"
    assert [item["url"] for item in feed["items"]] == [f"http://testserver/incidents/{incident.public_id}/"]


@given(st.text(max_size=80), st.text(max_size=80))
def test_an_atom_feed_is_xml_whatever_a_record_says(title, summary):
    document = factories.record().model_dump(mode="json") | {"title": title, "summary": summary, "notice": ""}
    feed = feeds.Feed("All", "https://a.example/f", "https://a.example/", "https://a.example", "A")
    entry = parsed(feeds.atom(feed, [document])).find(f"{ATOM}entry")
    assert entry is not None
    assert entry.find(f"{ATOM}id").text == feeds.entry_id(document)


def test_an_empty_node_has_empty_files_and_feeds(client):
    assert client.get("/incidents.json").json()["items"] == []
    assert b"".join(client.get("/incidents.ndjson")) == b""
    assert client.get("/incidents.feed.json").json()["items"] == []
    assert parsed(client.get("/incidents.atom").content).findall(f"{ATOM}entry") == []


def test_there_is_no_other_form(client):
    assert client.get("/incidents.exe").status_code == 404
    assert "CSV" in text_of(client.get("/incidents/"))
