"""The archived Atom feed: a reader who follows `prev-archive` has the whole log; pages never change once full."""

import pytest
from django.test import Client
from lxml import etree

from incidents.models import Operation
from incidents.publishing import publish, revise
from tests import factories

pytestmark = pytest.mark.django_db
NAMES = {"a": "http://www.w3.org/2005/Atom", "fh": "http://purl.org/syndication/history/1.0"}


def read(address):
    answer = Client().get(address)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/atom+xml"
    return etree.fromstring(answer.content), answer


def link(feed, rel):
    found = feed.find(f"a:link[@rel='{rel}']", NAMES)
    return None if found is None else found.get("href")


def ids(feed):
    return [one.text for one in feed.iterfind("a:entry/a:id", NAMES)]


@pytest.fixture
def _short_pages(monkeypatch):
    monkeypatch.setattr("federation.archive.PER_PAGE", 4)


@pytest.mark.usefixtures("_short_pages")
@pytest.mark.parametrize("count", [0, 1, 4, 5, 12])
def test_following_the_archives_gives_everything_once(count, settings):
    settings.BASE_URL = ""
    published = [publish(factories.record()).incident.public_id for _ in range(count)]
    feed, _ = read("/feeds/archive.atom")
    seen = ids(feed)
    assert feed.find("fh:archive", NAMES) is None
    while before := link(feed, "prev-archive"):
        feed, _ = read(before)
        assert feed.find("fh:archive", NAMES) is not None
        seen += ids(feed)
    assert seen == [f"/incidents/{public_id}/" for public_id in reversed(published)]


@pytest.mark.usefixtures("_short_pages")
def test_a_full_page_never_changes_and_one_that_is_not_full_is_no_archive():
    first = publish(factories.record()).incident
    for _ in range(4):
        publish(factories.record())
    _, before = read("/feeds/archive/1.atom")
    revise(
        Operation.WITHDRAW,
        factories.record(id=first.public_id, version=2, status="withdrawn", notice="It was not true."),
    )
    assert read("/feeds/archive/1.atom")[1].content == before.content
    for page in (0, 2, 99, 10**30):
        assert Client().get(f"/feeds/archive/{page}.atom").status_code == 404
    newest, answer = read("/feeds/archive.atom")
    assert newest.findtext("a:entry/a:title", namespaces=NAMES) == f"Withdrawn: {first.public_id}"
    again = Client().get("/feeds/archive.atom", headers={"If-None-Match": answer["ETag"]})
    assert again.status_code == 304


def test_it_holds_what_rfc_4287_asks_for_whatever_the_words():
    publish(factories.record(title="A \x03 title <b>&amp;</b> \ufffe"))
    feed, _ = read("/feeds/archive.atom")
    for name in ("id", "title", "updated", "author/a:name", "entry/a:id", "entry/a:title", "entry/a:updated"):
        assert feed.findtext(f"a:{name}", namespaces=NAMES)
    assert feed.findtext("a:entry/a:title", namespaces=NAMES) == "A  title <b>&amp;</b> "
    assert link(feed, "self") == link(feed, "current")
