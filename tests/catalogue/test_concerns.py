"""Names for moderators to look at: noted where they come up, once, and settled by a verdict."""

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.db.models import Q
from django.test import Client
from django.utils import timezone

from accounts.models import Role
from catalogue import concerns
from catalogue.concerns import note_look_alikes_of, open_concerns, settle
from catalogue.hub import Outcome, Reference
from catalogue.lookalikes import LETTER_MISSING, OTHER_REPOSITORY, SAME_LOOK
from catalogue.lookups import look_up_due
from catalogue.models import Alias, Concern, ConcernKind, Lookup, Model, Verdict
from catalogue.naming import name_model
from reports import workflow
from tests import factories
from tests.stand_ins.huggingface import StandInHub, example_model

pytestmark = pytest.mark.django_db

KNOWN, IMITATION = "EleutherAI/gpt-j-6b", "EleuterAI/gpt-j-6B"
LIST = "/console/catalogue/concern/"


@pytest.fixture(autouse=True)
def _no_wakes(settings):
    settings.WAKES = {event: [] for event in settings.WAKES}


@pytest.fixture
def hub(settings):
    with StandInHub([example_model(KNOWN), example_model("example-org/tiny-chat")]) as hub:
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        yield hub


def name(text, hub="huggingface"):
    return name_model(Reference(hub, text))


def watched(text, hub="huggingface"):
    alias = name(text, hub)
    Model.objects.filter(pk=alias.model_id).update(watched=True)
    alias.model.refresh_from_db()
    return alias


def look_again():
    Lookup.objects.update(due_at=timezone.now())
    look_up_due()


def noted():
    rows = Concern.objects.order_by("pk").select_related("alias", "other")
    return [(row.alias.name, row.other.name, row.detail) for row in rows]


class TestLookAlikes:
    @pytest.mark.parametrize(
        ("new", "known", "reason"),
        [
            (IMITATION, KNOWN, LETTER_MISSING),
            ("meta-1lama/Llama-2-7b", "meta-llama/Llama-2-7b", SAME_LOOK),
            ("meta-1lama/Llama-2-7bb", "meta-llama/Llama-2-7b", OTHER_REPOSITORY),
            ("gpt-2", "gpt2", SAME_LOOK),
        ],
    )
    def test_a_new_name_is_compared_with_watched_models(self, new, known, reason):
        watched(known)
        name(new)
        assert noted() == [(new, known, reason)]

    def test_it_is_another_model_still(self):
        known = watched(KNOWN)
        assert name(IMITATION).model != known.model

    def test_a_name_of_a_model_that_nobody_published_on_is_no_original(self):
        name(KNOWN)
        name(IMITATION)
        assert noted() == []

    def test_neither_is_one_on_another_hub_nor_a_mirror_nor_a_sibling(self):
        watched(KNOWN)
        name(IMITATION, "modelscope")
        name("mirrors/gpt-j-6b")
        name("EleutherAI/gpt-j-7b")
        assert noted() == []

    def test_publishing_compares_the_model_with_the_names_known_before(self):
        name(IMITATION)
        factories.published_case(reported=factories.report(models=(KNOWN,)))
        assert noted() == [(IMITATION, KNOWN, LETTER_MISSING)]
        name(IMITATION)
        note_look_alikes_of(Alias.objects.get(name=KNOWN).model)
        assert Concern.objects.count() == 1

    def test_two_watched_models_are_one_concern(self):
        watched(KNOWN)
        note_look_alikes_of(watched(IMITATION).model)
        note_look_alikes_of(Alias.objects.get(name=KNOWN).model)
        assert Concern.objects.count() == 1

    def test_what_was_settled_stays_settled(self):
        known = watched(KNOWN)
        name(IMITATION)
        settle(Concern.objects.get(), by_name="mira", verdict=Verdict.DIFFERENT)
        note_look_alikes_of(known.model)
        assert not open_concerns().exists()

    def test_names_that_the_hub_shows_to_be_one_models_are_settled_by_it(self, hub):
        hub.put(example_model("Eleuther-AI/gpt-j-6b"))
        watched("Eleuther-AI/gpt-j-6b")
        look_up_due()
        hub.rename("Eleuther-AI/gpt-j-6b", "EleutherAI/gpt-j-6b")
        name("EleutherAI/gpt-j-6b")
        assert open_concerns().count() == 1
        look_again()
        concern = Concern.objects.get()
        assert (concern.settled_by, concern.verdict) == ("the hub", Verdict.SAME_PUBLISHER)

    def test_a_watched_name_that_turns_out_to_be_a_known_models_makes_that_one_an_original(self, hub):
        name(KNOWN)
        look_up_due()
        name(IMITATION)
        assert noted() == []
        hub.renamed["old-org/gpt-j-6b"] = KNOWN
        watched("old-org/gpt-j-6b")
        look_again()
        assert Alias.objects.get(name=KNOWN).model.watched
        assert noted() == [(IMITATION, KNOWN, LETTER_MISSING)]

    def test_a_name_that_comes_to_a_watched_model_is_compared_like_its_others(self, hub):
        watched(KNOWN)
        look_up_due()
        name("old-0rg/gpt-j-6b")
        hub.renamed["old-org/gpt-j-6b"] = KNOWN
        name("old-org/gpt-j-6b")
        assert noted() == []
        look_again()
        assert noted() == [("old-0rg/gpt-j-6b", "old-org/gpt-j-6b", SAME_LOOK)]

    def test_a_model_renamed_to_look_like_a_watched_one_is_noted(self, hub):
        watched(KNOWN)
        name("example-org/tiny-chat")
        look_up_due()
        hub.rename("example-org/tiny-chat", IMITATION)
        look_again()
        assert noted() == [(IMITATION, KNOWN, LETTER_MISSING)]

    def test_comparing_is_bounded(self, monkeypatch):
        monkeypatch.setattr(concerns, "MOST_COMPARED", 3)
        known = watched("meta-llama/Llama-2-7b")
        for number in range(6):
            name(f"meta-llama{'-' * number}x/Llama-2-7b")
        Concern.objects.all().delete()
        note_look_alikes_of(known.model)
        assert Concern.objects.count() == 3

    def test_candidates_are_found_by_indices(self):
        alias = watched(KNOWN)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO catalogue_alias (hub, name, skeleton, model_id, first_seen_at)"
                " SELECT 'huggingface', 'org' || n || '/model', 'org' || n %% 999 || '/model' || n, %s, now()"
                " FROM generate_series(1, 20000) n",
                [alias.model_id],
            )
            cursor.execute("ANALYZE catalogue_alias")
        name = concerns._Name(alias.pk, alias.hub, alias.name, alias.skeleton, alias.model_id)
        plan = concerns._sharing_a_part([name], Q()).explain()
        assert "on catalogue_alias_repository" in plan
        assert "on catalogue_alias_skeleton" in plan

    def test_the_migration_fills_what_was_there_before(self):
        name(KNOWN)
        Alias.objects.update(skeleton="")
        import_module("catalogue.migrations.0004_concern").fill_skeletons(apps, None)
        assert Alias.objects.get().skeleton == "eleutheral/gptj6b"


class TestMoved:
    @pytest.fixture
    def moved(self, hub):
        name("example-org/tiny-chat")
        look_up_due()
        hub.put(example_model("example-org/tiny-chat", _id="f" * 24))
        look_again()
        return Concern.objects.get()

    def test_a_name_that_leads_to_another_stable_id_is_noted_once(self, moved):
        before = example_model("example-org/tiny-chat")["_id"]
        assert (moved.kind, moved.other) == (ConcernKind.MOVED, None)
        assert moved.detail == f"example-org/tiny-chat, id {'f' * 24}; it was id {before}"
        assert Lookup.objects.get().outcome == Outcome.MOVED_TO_OTHER_MODEL
        look_again()
        assert Concern.objects.get().noted_at == moved.noted_at

    def test_a_redirect_is_the_same(self, hub):
        hub.put(example_model("other-org/tiny-chat"))
        name("example-org/tiny-chat")
        look_up_due()
        hub.models.pop("example-org/tiny-chat")
        hub.renamed["example-org/tiny-chat"] = "other-org/tiny-chat"
        look_again()
        assert Concern.objects.get().detail.startswith("other-org/tiny-chat, id ")
        assert Model.objects.get().name == "example-org/tiny-chat"

    def test_it_stays_settled_until_it_leads_elsewhere_again(self, hub, moved):
        settle(moved, by_name="mira", verdict=Verdict.SAME_PUBLISHER)
        look_again()
        assert not open_concerns().exists()
        hub.put(example_model("example-org/tiny-chat", _id="e" * 24))
        look_again()
        again = open_concerns().get()
        assert (again.pk, again.settled_by, again.verdict) == (moved.pk, "", "")
        assert "e" * 24 in again.detail


class TestSettling:
    @pytest.fixture
    def concern(self):
        watched(KNOWN)
        name(IMITATION)
        return Concern.objects.get()

    def press(self, client, action, *rows):
        answers = {"action": action, "_selected_action": [row.pk for row in rows]}
        page = client.post(LIST, answers, follow=True)
        return [str(message) for message in page.context["messages"]] if page.context else []

    @pytest.mark.parametrize("verdict", Verdict)
    def test_a_moderator_settles_with_a_verdict(self, signed_in, concern, verdict):
        action = f"settle_{verdict.value.replace(' ', '_')}"
        assert self.press(signed_in(factories.moderator()), action, concern) == ["Settled: 1."]
        concern.refresh_from_db()
        assert (concern.verdict, concern.settled_by) == (verdict, "mira")
        assert concern.settled_at
        assert LogEntry.objects.get().change_message == f"Settled: {verdict}."

    def test_the_first_verdict_stands(self, signed_in, concern):
        self.press(signed_in(factories.moderator()), "settle_imitation", concern)
        said = self.press(signed_in(factories.second_moderator()), "settle_different", concern)
        assert said == ["Settled before, and left as they were: 1."]
        concern.refresh_from_db()
        assert (concern.verdict, concern.settled_by) == (Verdict.IMITATION, "mira")

    def test_operators_neither_see_nor_settle(self, signed_in, concern):
        client = signed_in(factories.operator())
        assert client.get(LIST).status_code == 403
        self.press(client, "settle_different", concern)
        assert open_concerns().exists()

    def test_rows_cannot_be_changed_otherwise(self, signed_in, concern):
        root = factories.account("root", Role.SENIOR_MODERATOR)
        root.is_superuser = True
        root.save()
        client = signed_in(root)
        assert client.get(f"{LIST}add/").status_code == 403
        assert client.post(f"{LIST}{concern.pk}/delete/", {"post": "yes"}).status_code == 403
        assert client.post(f"{LIST}{concern.pk}/change/", {"verdict": "different"}).status_code == 403
        assert open_concerns().exists()

    @pytest.mark.usefixtures("concern")
    def test_the_list_shows_names_and_reasons(self, signed_in):
        client = signed_in(factories.moderator())
        page = client.get(f"{LIST}?settled_at__isempty=1&q=gpt-j").content.decode()
        assert f"looks like {KNOWN}: one letter missing" in page
        assert IMITATION in page


def test_nothing_of_it_is_public():
    watched(IMITATION)
    reported = factories.report(models=(KNOWN,))
    factories.published_case(reported=reported)
    receipt = workflow.submit(submission=factories.submission(models=(KNOWN,)), source="form").receipt
    assert open_concerns().exists()
    client = Client()
    model = f"models/huggingface/{KNOWN}"
    pages = [client.get(url) for url in ("/", "/incidents/", f"/{model}/", "/api/v1/incidents", "/api/v1/changes")]
    pages += [client.get(f"/api/v1/{model}"), client.post("/report/status/", {"receipt": receipt})]
    for page in pages:
        assert page.status_code == 200
        assert "EleuterAI" not in page.content.decode()
        assert "one letter" not in page.content.decode()
