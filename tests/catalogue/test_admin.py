"""The catalogue in the console: how the hubs do, and the read-only lists."""

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from catalogue import limits
from catalogue.admin.hub_states import hub_rows
from catalogue.hub import Answer, Outcome, Quota, Reference
from catalogue.models import Alias, Drift, Inspection, Lineage, Lookup
from catalogue.naming import name_model
from lib.store import store
from tests import factories

pytestmark = pytest.mark.django_db

PAGE = "/console/catalogue/lookup/hubs/"
HUB = "huggingface"


@pytest.fixture(autouse=True)
def _no_wakes(settings):
    settings.WAKES = {"model named": [], "lookups left over": []}


def lookups(count, prefix="a", **changes):
    """So many lookups at Hugging Face with those columns."""
    for number in range(count):
        alias = name_model(Reference(HUB, f"{prefix}/m-{number}"))
        Lookup.objects.filter(alias=alias).update(**{"due_at": timezone.now() + timedelta(days=1), **changes})


def row(slug=HUB):
    return next(row for row in hub_rows() if row.slug == slug)


def text_of(page):
    return " ".join(re.sub(r"<[^>]+>", " ", page.content.decode()).split())


def press(client, verb, slug=HUB):
    return client.post(f"{PAGE}{slug}/{verb}/", follow=True)


def open_circuit():
    for _ in range(limits.FAILURES_TO_OPEN):
        limits.learn(HUB, Answer(Outcome.TRANSIENT))


class TestRows:
    def test_count_what_is_due_under_way_and_parked_and_the_last_answers(self):
        now = timezone.now()
        lookups(2, "due", due_at=now - timedelta(hours=3))
        lookups(1, "lost", due_at=now, leased_until=now - timedelta(seconds=1), outcome="transient")
        lookups(1, "held", due_at=now, leased_until=now + timedelta(minutes=1), outcome="ok")
        lookups(1, "parked", due_at=now - timedelta(days=9), parked_at=now, outcome="ok")
        lookups(1, "later", outcome="gated")
        found = row()
        assert (found.due, found.under_way, found.parked) == (3, 1, 1)
        assert now - timedelta(hours=3) == found.oldest
        assert dict(found.outcomes) == {"not asked yet": 2, "ok": 2, "transient": 1, "gated": 1}

    def test_a_hub_without_lookups_is_there_and_empty(self):
        assert (row().due, row().oldest, row().state.calls_left) == (0, None, None)

    def test_a_hub_that_is_no_longer_installed_is_shown_without_buttons(self, signed_in):
        lookups(1, parked_at=timezone.now())
        Alias.objects.update(hub="closed-hub")
        assert row("closed-hub").parked == 1
        page = signed_in(factories.operator()).get(PAGE)
        assert "no such hub here" in page.content.decode()
        assert "closed-hub/retry-parked" not in page.content.decode()

    def test_take_one_query_however_many_lookups(self):
        lookups(3)
        with CaptureQueriesContext(
            connection,
        ) as few:
            hub_rows()
        lookups(30, "b", outcome="ok")
        with CaptureQueriesContext(connection) as many:
            hub_rows()
        assert len(few) == len(many) == 1


class TestPage:
    def test_shows_the_queue_the_budget_and_an_open_circuit(self, signed_in):
        lookups(2, due_at=timezone.now() - timedelta(hours=3), outcome="transient")
        limits.learn(HUB, Answer(Outcome.OK, quota=Quota(321, 60)))
        open_circuit()
        page = text_of(signed_in(factories.operator()).get(PAGE))
        assert re.search(
            r"Hugging Face 2 3.hours 0 0 transient: 2 321 open for (5\d|60) s, after 5 failures in a row", page
        )

    def test_is_linked_from_the_lookups(self, signed_in):
        for user in (factories.operator(), factories.moderator()):
            assert f'href="{PAGE}"' in signed_in(user).get("/console/catalogue/lookup/").content.decode()

    def test_has_no_inline_style_or_script(self, signed_in):
        lookups(1, parked_at=timezone.now())
        open_circuit()
        page = signed_in(factories.operator()).get(PAGE)
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=\"|javascript:|<script(?![^>]*\ssrc=)", page.content.decode())
        assert "unsafe" not in page["Content-Security-Policy"]

    def test_takes_the_same_queries_with_more_rows(self, signed_in):
        client = signed_in(factories.operator())
        lookups(1)
        client.get(PAGE)
        with CaptureQueriesContext(connection) as few:
            client.get(PAGE)
        lookups(25, "b", parked_at=timezone.now(), outcome="ok")
        with CaptureQueriesContext(connection) as many:
            client.get(PAGE)
        assert len(few) == len(many)

    def test_without_redis_still_answers_and_says_so(self, signed_in, settings):
        client = signed_in(factories.operator())
        settings.CACHE_URL = "redis://127.0.0.1:9/1"
        store.cache_clear()
        try:
            assert "Redis does not answer" in text_of(client.get(PAGE))
            assert "Redis does not answer: nothing was changed." in text_of(press(client, "close-circuit"))
        finally:
            store.cache_clear()
        assert not LogEntry.objects.exists()


class TestButtons:
    def test_close_circuit_lets_the_hub_be_asked_and_is_recorded(self, signed_in):
        open_circuit()
        user = factories.operator()
        page = press(signed_in(user), "close-circuit")
        assert "Hugging Face: Circuit closed." in text_of(page)
        assert limits.wait_before_asking(HUB) == 0
        entry = LogEntry.objects.get()
        assert (entry.user_id, entry.object_repr, entry.change_message) == (user.pk, "Hugging Face", "Circuit closed.")

    def test_retry_parked_makes_the_hubs_parked_lookups_due_and_is_recorded(self, signed_in):
        parked = {"parked_at": timezone.now(), "strikes": 8, "attempts": 8}
        lookups(3, **parked)
        lookups(1, "other", **parked)
        Alias.objects.filter(name="other/m-0").update(hub="ollama")
        lookups(1, "later")
        page = press(signed_in(factories.operator()), "retry-parked")
        assert "Parked lookups due now: 3." in text_of(page)
        due = Lookup.objects.filter(due_at__lte=timezone.now(), parked_at=None, strikes=0, attempts=0)
        assert set(due.values_list("alias__name", flat=True)) == {"a/m-0", "a/m-1", "a/m-2"}
        assert Lookup.objects.exclude(parked_at=None).get().alias.name == "other/m-0"
        assert LogEntry.objects.get().change_message == "Parked lookups due now: 3."

    def test_are_shown_where_they_do_something(self, signed_in):
        client = signed_in(factories.operator())
        assert (
            "<form" not in client.get(PAGE).content.decode().partition('id="content-main"')[2].partition("</main>")[0]
        )
        lookups(1, parked_at=timezone.now())
        open_circuit()
        shown = client.get(PAGE).content.decode()
        assert f'action="{PAGE}{HUB}/retry-parked/"' in shown
        assert f'action="{PAGE}{HUB}/close-circuit/"' in shown

    def test_a_moderator_sees_the_page_and_no_buttons(self, signed_in):
        lookups(1, parked_at=timezone.now())
        open_circuit()
        client = signed_in(factories.moderator())
        assert "retry-parked" not in client.get(PAGE).content.decode()
        for verb in ("close-circuit", "retry-parked"):
            assert press(client, verb).status_code == 403
        assert limits.state(HUB).open_seconds > 0
        assert Lookup.objects.get().is_parked
        assert not LogEntry.objects.exists()

    def test_only_by_post_with_a_token_and_only_what_there_is(self, signed_in):
        client = signed_in(factories.operator())
        assert client.get(f"{PAGE}{HUB}/close-circuit/").status_code == 405
        assert press(client, "close-circuit", "no-such-hub").status_code == 404
        assert press(client, "explode").status_code == 404
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(factories.operator(), backend="accounts.roles.RoleBackend")
        assert strict.post(f"{PAGE}{HUB}/close-circuit/").status_code == 403

    def test_nobody_else(self):
        for address in (PAGE, f"{PAGE}{HUB}/close-circuit/"):
            for answer in (Client().get(address), Client().post(address)):
                assert answer["Location"].startswith("/console/login/")


class TestInspections:
    LIST = "/console/catalogue/inspection/"

    @pytest.fixture
    def parked(self):
        model = name_model(Reference(HUB, "acme/slow")).model
        changes = {"parked_at": timezone.now(), "strikes": 8, "attempts": 8, "last_error": "<b>broke"}
        return Inspection.objects.create(model=model, revision="c" * 40, **changes)

    def test_operators_retry_them_and_it_is_recorded(self, signed_in, settings, parked):
        settings.WAKES = {**settings.WAKES, "model looked up": []}
        client = signed_in(factories.operator())
        assert "&lt;b&gt;broke" in client.get(f"{self.LIST}?parked=yes").content.decode()
        client.post(self.LIST, {"action": "retry_now", "_selected_action": [parked.pk]})
        parked.refresh_from_db()
        assert (parked.parked_at, parked.strikes, parked.attempts) == (None, 0, 0)
        assert LogEntry.objects.get().change_message == "Retry now."

    def test_moderators_only_read_them(self, signed_in, parked):
        client = signed_in(factories.moderator())
        assert "acme/slow" in client.get(self.LIST).content.decode()
        client.post(self.LIST, {"action": "retry_now", "_selected_action": [parked.pk]})
        assert client.post(f"{self.LIST}{parked.pk}/change/", {"strikes": 0}).status_code == 403
        parked.refresh_from_db()
        assert parked.is_parked


class TestLists:
    @pytest.fixture
    def client(self, signed_in):
        user = User.objects.create_superuser("root", password=factories.PASSWORD)
        return signed_in(user)

    @pytest.fixture
    def claims(self):
        child, base = (name_model(Reference(HUB, name)) for name in ("acme/child", "acme/base"))
        Drift.objects.create(model=child.model, change="licence_changed", before="mit", after="other")
        Lineage.objects.create(child=child.model, base=base, relation="finetune", claimed_by="tag")

    @pytest.mark.usefixtures("claims")
    @pytest.mark.parametrize(
        ("name", "model", "says"), [("drift", Drift, "licence"), ("lineage", Lineage, "acme/base")]
    )
    def test_drift_and_lineage_can_be_read_and_searched_and_nothing_else(self, client, name, model, says):
        address = f"/console/catalogue/{name}/"
        assert says in client.get(address).content.decode()
        assert says in client.get(f"{address}?q=acme").content.decode()
        assert "acme/child" not in text_of(client.get(f"{address}?q=nobody")).partition("lineage")[2]
        one = f"{address}{model.objects.get().pk}/"
        assert client.get(f"{one}change/").status_code == 200
        for refused in (f"{address}add/", f"{one}delete/"):
            assert client.get(refused).status_code == 403
        assert client.post(f"{one}change/", {"relation": "merge"}).status_code == 403

    def test_they_take_the_same_queries_with_more_rows(self, client):
        def count(name):
            with CaptureQueriesContext(connection) as queries:
                client.get(f"/console/catalogue/{name}/")
            return len(queries)

        def add(prefix):
            for number in range(5):
                child = name_model(Reference(HUB, f"{prefix}/{number}")).model
                Drift.objects.create(model=child, change="gone")
                base = name_model(Reference(HUB, f"{prefix}/base-{number}"))
                Lineage.objects.create(child=child, base=base, claimed_by="hub")

        add("first")
        count("drift")
        few = count("drift"), count("lineage")
        add("second")
        assert few == (count("drift"), count("lineage"))
