"""Rates through the API: derived again from what the public documents and the models' own pages say."""

import csv
import io
from datetime import UTC, date, datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalogue.hub import BaseModelClaim, Reference
from catalogue.lineage import keep_claims
from catalogue.models import Model, Snapshot, UseCount
from catalogue.naming import name_model
from incidents import exposure
from incidents.models import Fact, Incident
from incidents.publishing import publish
from tests import factories
from tests.incidents.recount import event_of, read_all

pytestmark = pytest.mark.django_db

ADDRESS = "/api/v1/statistics/rates"
TODAY = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _today(monkeypatch):
    """The window of months follows the clock; the collection does not."""
    monkeypatch.setattr(exposure.timezone, "now", lambda: TODAY)


def model(name, *bases):
    """A model that its hub has described."""
    found = name_model(Reference("huggingface", name)).model
    Snapshot.objects.create(model=found, revision="f" * 40, name=name)
    keep_claims(found, [BaseModelClaim(base, "finetune") for base in bases], "tag")
    return found


def record(*names, month=3, day=1, **changes):
    moment = f"2026-{month:02d}-{day:02d}T10:00:00Z"
    affected = [{"hub": "huggingface", "name": name, "match": "repository"} for name in names]
    values = {"published": moment, "modified": moment, "affected": affected, **changes}
    return publish(factories.record(**values)).incident


def use(name, *months, downloads=1_000_000):
    """The same count in two weeks of each month: the later is the month's."""
    for month in months:
        for day, count in ((9, 5), (18, downloads)):
            UseCount.objects.create(model=Model.objects.get(name=name), day=date(2026, month, day), downloads=count)


def rows(**query):
    answer = Client().get(ADDRESS, query)
    assert answer.status_code == 200, answer.content
    return {row["name"]: row for row in answer.json()["rows"]}


def recount(names):
    """A group's exposed events, months and downloads, from the log and the models' public weeks."""
    documents = [one for one in read_all(Client()) if one["status"] != "withdrawn" and one["kind"] == "incident"]
    events = event_of(documents)
    exposed, months, downloads = set(), 0, 0
    for name in names:
        weeks = Client().get(f"/api/v1/models/huggingface/{name}").json()["use"]
        known = {week["week"][:7]: week["downloads"] for week in weeks if week["downloads"] is not None}
        months += len(known)
        downloads += sum(known.values())
        exposed |= {
            events[one["id"]]
            for one in documents
            if one["published"][:7] in known
            and any(m["name"] == name and m["status"] != "not_affected" for m in one["affected"])
        }
    return len(exposed), months, downloads


@pytest.fixture
def collection():
    """Two families: one with incidents enough for a rate, one without."""
    for name, *bases in (("org/base",), ("org/chat", "org/base"), ("new/quant", "org/chat"), ("lone/one",)):
        model(name, *bases)
    for number in range(12):
        record("org/chat", month=3 + number % 3, day=2)
    record("org/base", "new/quant", aliases=("AIID-1",))
    record("new/quant", aliases=("AIID-1",))
    record("new/quant", kind="hazard")
    record("new/quant", month=8)
    record("lone/one")
    use("org/chat", 3, 4, 5)
    use("new/quant", 3, 4, downloads=500_000)
    use("lone/one", 3)


@pytest.mark.usefixtures("collection")
class TestACollection:
    def test_a_family_is_counted_as_its_public_documents_say(self):
        row = rows()["org/base"]
        assert (row["models"], row["events"]) == (3, 14)
        assert (row["exposed_events"], row["model_months"], row["downloads"]) == (13, 5, 4_000_000)
        assert recount(["org/base", "org/chat", "new/quant"]) == (13, 5, 4_000_000)

    def test_the_rate_has_its_exact_interval(self):
        rate = rows()["org/base"]["per_million_downloads"]
        assert rate["rate"] == pytest.approx(13 / 4)
        # Garwood's limits of 13 events: 6.922 and 22.230.
        assert (rate["lower"], rate["upper"]) == pytest.approx((6.922 / 4, 22.230 / 4), abs=0.001)
        assert rows()["org/base"]["per_model"]["rate"] == pytest.approx(14 / 3, rel=1e-5)

    def test_few_events_give_counts_and_no_rate(self):
        row = rows()["lone/one"]
        assert (row["events"], row["exposed_events"], row["downloads"]) == (1, 1, 1_000_000)
        assert (row["per_million_downloads"], row["per_model"]) == (None, None)
        assert row["withheld"] == "fewer than 10 events while use is known"

    def test_groups_are_organisations_and_models_too(self):
        by_organisation = rows(by="organisation")
        assert {name: row["models"] for name, row in by_organisation.items()} == {"org": 2, "new": 1, "lone": 1}
        assert by_organisation["org"]["exposed_events"] == 12
        assert recount(["new/quant"]) == tuple(
            rows(by="model")["new/quant"][name] for name in ("exposed_events", "model_months", "downloads")
        )

    def test_a_merge_is_in_every_family_it_comes_from(self):
        model("merged/two", "org/base", "lone/one")
        record("merged/two")
        assert {name: row["models"] for name, row in rows().items()} == {"org/base": 4, "lone/one": 2}

    def test_models_that_derive_from_each_other_are_families_of_their_own(self):
        first, _ = model("round/a"), model("round/b", "round/a")
        keep_claims(first, [BaseModelClaim("round/b")], "tag")
        record("round/a")
        assert rows()["round/a"]["models"] == 2

    def test_use_that_is_not_public_is_no_exposure(self):
        before = rows()["org/base"]["downloads"]
        use("org/base", 1, 2)
        assert rows()["org/base"]["downloads"] == before
        factories.rewrite(Snapshot.objects.filter(model__name="new/quant"), private=True)
        assert (
            rows()["org/base"]["downloads"] == before - 1_000_000 == recount(["org/base", "org/chat", "new/quant"])[2]
        )

    def test_csv_has_the_same_rows(self):
        found = list(csv.DictReader(io.StringIO(Client().get(ADDRESS, {"format": "csv"}).content.decode())))
        as_json = rows()
        assert {row["name"]: row["exposed_events"] for row in found} == {
            name: str(row["exposed_events"]) for name, row in as_json.items()
        }
        assert float(found[0]["per_million_downloads_rate"]) == as_json["org/base"]["per_million_downloads"]["rate"]
        assert found[1]["per_million_downloads_rate"] == ""

    @pytest.mark.parametrize("by", exposure.GROUPS)
    def test_it_costs_the_same_however_many_groups_there_are(self, by):
        lengths = []
        for number in (0, 5):
            for each in range(number):
                model(f"more-{each}/model", "org/base" if each % 2 else f"far-{each}/base")
                record(f"more-{each}/model")
            with CaptureQueriesContext(connection) as queries:
                rows(by=by)
            lengths.append(len(queries))
        assert lengths[0] == lengths[1] <= 12

    def test_it_says_what_it_does_not_mean(self):
        document = Client().get(ADDRESS).json()
        assert (document["first_month"], document["last_month"]) == ("2024-11", "2026-10")
        assert document["log_number"] == Incident.objects.count() == Fact.objects.count()
        assert "2(200)" in document["rule"]
        assert len(document["caveats"]) >= 5


def test_of_nothing_there_are_none():
    assert rows() == {}


@pytest.mark.parametrize("query", ["by=hub", "limit=21", "foo=1"])
def test_what_cannot_be_answered_gets_a_problem(query):
    assert Client().get(f"{ADDRESS}?{query}").status_code == 400


@pytest.mark.parametrize(
    ("today", "months"),
    [
        (date(2026, 1, 31), (202401, 202512)),
        (date(2026, 2, 1), (202402, 202601)),
        (date(2026, 12, 1), (202412, 202611)),
    ],
)
def test_the_window_is_the_two_years_before_this_month(today, months):
    assert exposure.window(today) == months
