"""Statistics, organisations, terms, families, comparison, origins, data: the pages on the whole record."""

import csv
import gzip
import io
import re
from urllib.parse import urlsplit

import pytest

from catalogue.lookups import look_up_due
from incidents.exports import refreshing
from incidents.statistics import TooMuchWorkError
from tests import factories
from tests.stand_ins.huggingface import StandInHub, example_model
from tests.website.test_pages import problems_of, published, text_of
from website.public import home as home_page
from website.public import organisations as organisations_page
from website.public import statistics as statistics_page
from website.public.bars import Count, lying, strips, upright

pytestmark = pytest.mark.django_db


@pytest.fixture
def hub(settings):
    base = "org/base"
    models = [
        example_model("example-org/tiny-chat", tags=["base_model:quantized:org/between"]),
        example_model("org/between", tags=[f"base_model:finetune:{base}"]),
        example_model(base),
    ]
    with StandInHub(models) as stand_in:
        settings.HUB_ENDPOINTS = {"huggingface": stand_in.url}
        yield stand_in


PATHS = [
    "/",
    "/statistics/",
    "/statistics/?by=category&over=occurred_year",
    "/statistics/?by=organisation",
    "/statistics/?rates=organisation",
    "/organisations/",
    "/taxonomies/",
    "/taxonomies/faultline/",
    "/taxonomies/mitre-atlas/",
    "/taxonomies/faultline/backdoor/",
    "/taxonomies/faultline/backdoor.trigger/",
    "/compare/",
    "/compare/?m=example-org%2Ftiny-chat&m=no-such%2Fmodel",
    "/origins/",
    "/data/",
    "/about/",
]


@pytest.mark.parametrize("path", PATHS)
def test_pages_are_sound_html_on_an_empty_node_and_with_records(client, path):
    assert problems_of(client.get(path).content.decode()) == []
    published(category="backdoor.trigger", occurred="2024-03")
    response = client.get(path)
    assert response.status_code == 200
    assert problems_of(response.content.decode()) == []
    assert not response.cookies
    assert client.get(path, headers={"If-None-Match": response["ETag"]}).status_code == 304


@pytest.mark.parametrize(
    "path",
    [
        "/taxonomies/nope/",
        "/taxonomies/faultline/nope/",
        "/organisations/huggingface/nobody/",
        "/organisations/nohub/nobody/",
        "/families/huggingface/no/model/",
        "/families/nohub/no/model/",
        "/taxonomies/faultline/%00/",
    ],
)
def test_what_is_not_public_is_a_404(client, path):
    published()
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/statistics/?by=shoe_size",
        "/statistics/?by=category&severity=loud",
        "/statistics/?rates=shoes",
        "/statistics/?by=category&occurred=never",
        "/organisations/?hub=nope",
        "/organisations/?cursor=nope",
        "/compare/?m=a&m=b&m=c&m=d&m=e",
        "/compare/?m=a%00",
    ],
)
def test_what_means_nothing_is_a_400_page(client, path):
    response = client.get(path)
    assert response.status_code == 400
    assert problems_of(response.content.decode()) == []


# --- Statistics ------------------------------------------------------------------------------------------------------
def test_each_chart_has_its_table_its_csv_and_its_query_and_all_agree(client):
    published(category="bias", occurred="2022")
    published(category="bias", occurred="2024-01")
    published(category="misuse", occurred="2024-02-01")
    page = client.get("/statistics/?by=category").content.decode()
    table = re.findall(r"<tr><td>([^<]+)</td><td>(\d+)</td><td>(\d+)</td></tr>", page)
    assert {label: events for label, events, _ in table} == {"Bias and fairness": "2", "Misuse": "1"}
    address = urlsplit(re.search(r'href="(/statistics.csv[^"]+)"', page).group(1).replace("&amp;", "&"))
    rows = csv.DictReader(io.StringIO(client.get(f"{address.path}?{address.query}").content.decode()))
    assert {row["category"]: row["events"] for row in rows} == {"bias": "2", "misuse": "1"}
    exact = re.search(r'href="([^"]+)">The exact query', page).group(1).replace("&amp;", "&")
    answer = client.get(f"{urlsplit(exact).path}?{urlsplit(exact).query}").json()
    assert answer["total"]["events"] == 3
    assert len(re.findall(r'class="bar"', page)) == 2


def test_years_without_an_incident_are_drawn_as_such(client):
    published(occurred="2021")
    published(occurred="2024")
    page = client.get("/statistics/?over=occurred_year").content.decode()
    assert re.findall(r'text-anchor="middle">(20\d\d)<', page) == ["2021", "2022", "2023", "2024"]


def test_the_chart_of_the_overview_leads_to_itself_alone(client):
    published(category="bias", occurred="2022")
    page = client.get("/statistics/").content.decode()
    addresses = re.findall(r'href="(/statistics/\?[^"]+)">This chart alone', page)
    assert len(addresses) == 8
    for address in addresses:
        response = client.get(address.replace("&amp;", "&"))
        assert response.status_code == 200
        assert len(re.findall(r'<section class="panel', response.content.decode())) == 1


def test_arguments_that_say_nothing_are_dropped(client):
    moved = client.get("/statistics/?by=&kind=hazard&utm=1")
    assert (moved.status_code, moved["Location"]) == (301, "/statistics/?kind=hazard")


def test_a_count_that_takes_too_long_is_said_and_leaves_the_start_page_standing(client, monkeypatch):
    def too_long(_query):
        raise TooMuchWorkError("this takes too long to count: filter it")

    published()
    monkeypatch.setattr(statistics_page.counting, "count", too_long)
    assert client.get("/statistics/").status_code == 503
    assert client.get("/").status_code == 200


def test_bars_keep_their_proportions():
    chart = lying([Count("a", 10), Count("b", 5), Count("none", 0)])
    assert [bar.width / chart.width for bar in chart.bars] == [1, 0.5, 0]
    standing = upright([Count("a", 10), Count("b", 5)])
    assert standing.bars[0].height == 2 * standing.bars[1].height
    small = strips([(Count("row", 3), [Count("x", 3)]), (Count("other", 6), [Count("x", 6)])])
    assert small[1].chart.bars[0].height == 2 * small[0].chart.bars[0].height


@pytest.mark.parametrize("records", [1, 9])
def test_pages_cost_the_same_queries_however_many_records_there_are(client, records, django_assert_max_num_queries):
    for number in range(records):
        published(models=(f"org-{number}/model",), title=f"Record {number}")
    most = {
        "/": 45,
        "/statistics/": 70,
        "/organisations/": 4,
        "/taxonomies/": 3,
        "/organisations/huggingface/org-0/": 40,
    }
    for path, queries in most.items():
        with django_assert_max_num_queries(queries):
            assert client.get(path).status_code == 200


# --- Terms and organisations -----------------------------------------------------------------------------------------
def test_a_term_has_its_meaning_its_records_and_its_feed(client):
    published(title="A backdoor with a trigger", category="backdoor.trigger")
    published(title="A record of bias", category="bias")
    page = client.get("/taxonomies/faultline/backdoor/").content.decode()
    assert "A backdoor with a trigger" in page
    assert "A record of bias" not in page
    assert 'href="/incidents.atom?category=backdoor"' in page
    assert 'href="/taxonomies/faultline/backdoor.trigger/"' in page
    assert client.get("/incidents.atom?category=backdoor").status_code == 200


def test_terms_near_each_other_lead_to_each_other(client):
    page = client.get("/taxonomies/faultline/backdoor/").content.decode()
    near = re.findall(r'href="(/taxonomies/(?!faultline)[^/"]+/[^/"]+/)"', page)
    assert near
    assert 'href="/taxonomies/faultline/backdoor/"' in client.get(near[0]).content.decode()


def test_an_organisation_has_its_models_and_the_records_on_them(client):
    published(title="On one of them", models=("Example-Org/one",))
    published(title="On another organisation's", models=("other-org/one",))
    page = text_of(client.get("/organisations/huggingface/example-org/"))
    assert "On one of them" in page
    assert "On another organisation" not in page
    assert "Example-Org/one" in page
    moved = client.get("/organisations/huggingface/Example-Org/")
    assert moved["Location"] == "/organisations/huggingface/example-org/"


def test_an_organisation_counts_its_records_of_every_kind_and_says_which_are_incidents(client):
    published(models=("example-org/one",), kind="hazard")
    published(models=("example-org/one",), kind="incident")
    page = text_of(client.get("/organisations/huggingface/example-org/"))
    assert "Records that concern a model of this organisation: 2. Events of the kind incident: 1." in page


def test_what_is_not_drawn_on_the_start_page_is_counted(client, monkeypatch):
    monkeypatch.setattr(home_page, "_CATEGORIES", 1)
    for category in ("bias", "misuse", "misuse"):
        published(category=category, occurred="2024")
    page = client.get("/").content.decode()
    assert page.count('class="strip"') == 1
    assert "In the table alone: 1 more." in page


def test_organisations_are_paged(client, monkeypatch):
    monkeypatch.setattr(organisations_page, "_PER_PAGE", 2)
    for number in range(3):
        published(models=(f"org-{number}/model",))
    first = client.get("/organisations/?hub=huggingface").content.decode()
    following = re.search(r'rel="next" href="([^"]+)"', first).group(1).replace("&amp;", "&")
    second = client.get("/organisations/" + following).content.decode()
    assert "org-1" in first
    assert "org-2" not in first
    assert "org-2" in second


# --- Families and comparison -----------------------------------------------------------------------------------------
def test_a_family_is_a_drawn_tree_and_the_same_as_a_list(client, hub):
    published(title="On the derivative", models=("example-org/tiny-chat",))
    published(title="On the base", models=("org/base",))
    published(title="In between", models=("org/between",))
    look_up_due()
    page = client.get("/families/huggingface/org/base/").content.decode()
    assert problems_of(page) == []
    drawn = re.search(r'<svg class="family".*?</svg>', page, re.DOTALL).group()
    assert [name in drawn for name in ("org/base", "org/between", "example-org/tiny-chat")] == [True] * 3
    assert drawn.count('class="branch"') == 2
    assert 'href="/models/huggingface/example-org/tiny-chat/"' in page
    assert "derive from it, as their publishers claim: 2." in text_of(client.get("/families/huggingface/org/base/"))


def test_models_are_compared_side_by_side_and_not_ranked(client, hub):
    published(models=("example-org/tiny-chat",))
    published(models=("example-org/tiny-chat",), title="Another on the same")
    published(models=("org/base",))
    look_up_due()
    response = client.get("/compare/?m=example-org%2Ftiny-chat&m=huggingface%2Forg%2Fbase&m=no%2Fsuch")
    page = response.content.decode()
    assert problems_of(page) == []
    assert re.search(r"Records that concern it</th><td>2</td><td>1</td>", page)
    assert "This is no ranking." in page
    assert "<strong>no/such</strong>" in page


def test_a_model_that_only_a_pending_report_names_is_compared_like_one_that_nobody_named(client):
    published()
    factories.report(models=("example-org/only-reported",))
    named = client.get("/compare/?m=example-org%2Fonly-reported").content.decode()
    unknown = client.get("/compare/?m=example-org%2Fnobody-ever--named").content.decode()
    assert named.replace("only-reported", "X") == unknown.replace("nobody-ever--named", "X")


# --- Origins and data ------------------------------------------------------------------------------------------------
def test_origins_say_which_node_published_what(client, settings):
    published()
    page = text_of(client.get("/origins/"))
    assert settings.NODE_NAME in page
    assert "this node" in page


def test_data_lists_files_with_their_digest_once_they_are_made(client, settings, tmp_path):
    settings.EXPORT_ROOT = tmp_path
    assert "The files are made after the first publication." in text_of(client.get("/data/"))
    published()
    refreshing.refresh_due()
    page = client.get("/data/").content.decode()
    assert problems_of(page) == []
    address = re.search(r'href="(/api/v1/exports/incidents\.csv[^"]*)"', page).group(1)
    assert client.get(address).status_code == 200


# --- Answers ---------------------------------------------------------------------------------------------------------
def test_pages_travel_packed_where_the_caller_takes_it(client):
    published()
    plain = client.get("/about/")
    packed = client.get("/about/", headers={"Accept-Encoding": "br, gzip"})
    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content
    assert len(packed.content) < len(plain.content) / 2
    assert packed["Vary"] == plain["Vary"] == "Accept-Encoding"
    assert packed["ETag"] == plain["ETag"]
    for refusing in ("", "br", "gzip;q=0", "gzip; q=0.0, br", "xgzip"):
        assert "Content-Encoding" not in client.get("/about/", headers={"Accept-Encoding": refusing})
    kept = client.get("/about/", headers={"Accept-Encoding": "gzip", "If-None-Match": packed["ETag"]})
    assert (kept.status_code, kept["Vary"]) == (304, "Accept-Encoding")
