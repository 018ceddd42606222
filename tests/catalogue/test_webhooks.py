"""Webhooks of the Hugging Face Hub: read tolerantly, believed never, and made into one due row."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from catalogue import lookups, webhooks
from catalogue.hub import Reference
from catalogue.lookups import look_up_due
from catalogue.models import Alias, Lookup, Model, Snapshot
from catalogue.naming import name_model
from tests.stand_ins.huggingface import StandInHub, digits, example_model

ADDRESS = "/hooks/huggingface"
SECRET = "a shared secret, with an umlaut: ü"
NAME = "example-org/tiny-chat"


def event(name=NAME, **changes):
    """A push to main, as the Hub documents it."""
    return {
        "event": {"action": "update", "scope": "repo.content"},
        "repo": {
            "type": "model",
            "name": name,
            "id": digits(name, 24),
            "private": False,
            "url": {"web": f"https://huggingface.co/{name}", "api": f"https://huggingface.co/api/models/{name}"},
            "headSha": "c379e821c9c95d613899e8c4343e4bfee2b0c600",
            "owner": {"id": "61d2000c3c2083e1c08af22d"},
        },
        "updatedRefs": [{"ref": "refs/heads/main", "oldSha": "ce9a4674" * 5, "newSha": "575db8b7" * 5}],
        "webhook": {"id": "6390e855e30d9209411de93b", "version": 3},
        **changes,
    }


def of_scope(scope, action="update", **changes):
    return event(event={"action": action, "scope": scope}, updatedRefs=None, **changes)


def post(body, secret=SECRET, content_type="application/json", **headers):
    content = body if isinstance(body, bytes | str) else json.dumps(body)
    # A server hands the bytes of a header over as Latin-1.
    given = {} if secret is None else {"X-Webhook-Secret": secret.encode().decode("latin-1")}
    return Client().post(ADDRESS, content, content_type=content_type, headers={**given, **headers})


@pytest.fixture
def _secret(settings):
    settings.HUB_WEBHOOK_SECRETS = {"huggingface": SECRET}


@pytest.fixture
def lookup(db, settings, _secret):
    """A model answered an hour ago and due tomorrow."""
    settings.WAKES = {"model named": [], "lookups left over": []}
    name_model(Reference("huggingface", NAME))
    Lookup.objects.update(**answered(3600))
    return Lookup.objects.get()


def answered(seconds_ago):
    now = timezone.now()
    return {"answered_at": now - timedelta(seconds=seconds_ago), "due_at": now + timedelta(days=1)}


def is_due(lookup):
    lookup.refresh_from_db()
    return lookup.due_at <= timezone.now()


class TestDoor:
    def test_without_a_secret_there_is_no_such_address(self, settings):
        settings.HUB_WEBHOOK_SECRETS = {}
        for answer in (post(event()), post(event(), secret=""), Client().get(ADDRESS), Client().options(ADDRESS)):
            assert answer.status_code == 404
            assert answer["Content-Type"] == "application/problem+json"

    @pytest.mark.parametrize("secret", [None, "", "wrong", SECRET[:-1], SECRET + "x", "\x80\xff"])
    def test_a_wrong_secret_is_refused_before_anything_is_read(self, lookup, secret):
        for body in (event(), b"{not json", b" " * 300_000):
            answer = post(body, secret=secret)
            assert answer.status_code == 403
            assert answer["Content-Type"] == "application/problem+json"
            assert answer.json()["type"] == "/api/problems/wrong-secret"
        assert not is_due(lookup)

    @pytest.mark.usefixtures("_secret")
    @pytest.mark.parametrize(
        ("body", "content_type", "status"),
        [
            (b"{not json", "application/json", 400),
            (b"\xff\xfe", "application/json", 400),
            (b"[" * 100_000, "application/json", 400),
            (b"a=b", "application/x-www-form-urlencoded", 415),
            (b" " * 300_000, "application/json", 413),
        ],
    )
    def test_a_body_that_is_no_event_is_a_problem(self, body, content_type, status):
        answer = post(body, content_type=content_type)
        assert answer.status_code == status
        assert answer["Content-Type"] == "application/problem+json"

    @pytest.mark.usefixtures("_secret")
    def test_only_post_and_not_in_the_public_document(self):
        assert Client().get(ADDRESS, headers={"X-Webhook-Secret": "wrong"}).status_code == 403
        given = {"X-Webhook-Secret": SECRET.encode().decode("latin-1")}
        assert Client().get(ADDRESS, headers=given).status_code == 405
        assert "hooks" not in Client().get("/api/schema").content.decode()

    @pytest.mark.usefixtures("lookup")
    def test_a_known_model_an_unknown_one_and_no_event_at_all_get_the_same_answer(self):
        bodies = (event(), event("somebody/else"), event(repo={"type": "dataset", "name": NAME}), {}, [], None, 1, b"")
        answers = [post(body) for body in bodies]
        assert {(answer.status_code, answer.content) for answer in answers} == {(202, b"{}")}
        assert [sorted(answer.headers) for answer in answers] == [sorted(answers[0].headers)] * len(answers)
        assert Alias.objects.get().name == NAME
        assert Model.objects.count() == Lookup.objects.count() == 1


class TestWhatBecomesDue:
    @pytest.mark.parametrize(
        "told",
        [
            event(),
            event(NAME.upper(), repo=event()["repo"] | {"name": NAME.upper(), "id": "0" * 24}),
            of_scope("repo", action="delete"),
            of_scope("repo", action="create"),
            of_scope("repo.config", updatedConfig={"private": True}),
            of_scope("repo.config.gating"),
            of_scope("repo", action="move", movedTo={"name": "new-org/tiny-chat", "owner": {"id": "1"}}),
            of_scope("repo", repo={"type": "model", "name": "old/name"}, movedTo={"name": NAME}),
            of_scope("something.new", action="transmogrify"),
            {"repo": {"type": "model", "name": NAME}},
            event(updatedRefs="nonsense", event=["nonsense"]),
            event(updatedRefs=[{"ref": "refs/pr/1"}, {"ref": "refs/heads/main", "newSha": None}]),
        ],
    )
    def test_at_once(self, lookup, told):
        assert post(told).status_code == 202
        assert is_due(lookup)

    @pytest.mark.parametrize(
        "told",
        [
            event("example-org/other"),
            event(repo=event()["repo"] | {"type": "dataset"}),
            event(repo=event()["repo"] | {"name": NAME + "\x00"}),
            of_scope("discussion", action="create"),
            of_scope("discussion.comment"),
            event(updatedRefs=[{"ref": "refs/pr/1", "oldSha": None, "newSha": "a" * 40}]),
            event(updatedRefs=[{"ref": "refs/tags/v1"}]),
        ],
    )
    def test_not(self, lookup, told):
        assert post(told).status_code == 202
        assert not is_due(lookup)

    def test_a_new_name_of_a_model_that_is_known_by_its_id(self, lookup):
        Model.objects.update(stable_id=digits(NAME, 24))
        post(event(repo=event()["repo"] | {"name": "new-org/tiny-chat"}))
        assert is_due(lookup)
        assert Alias.objects.count() == 1

    def test_no_parked_one(self, lookup):
        Lookup.objects.update(parked_at=timezone.now())
        post(event())
        assert not is_due(lookup)

    def test_no_pinned_revision(self, lookup):
        pinned = Lookup.objects.create(alias=lookup.alias, revision="b" * 40, **answered(3600))
        post(event())
        assert is_due(lookup)
        assert not is_due(pinned)

    def test_a_delete_event_asks_the_hub_which_knows_better(self, lookup, settings):
        with StandInHub([example_model(NAME)]) as hub:
            settings.HUB_ENDPOINTS = {"huggingface": hub.url}
            post(of_scope("repo", action="delete"))
            assert look_up_due() == 1
        lookup.refresh_from_db()
        assert lookup.outcome == "ok"
        assert Snapshot.objects.count() == 1


class TestStorm:
    @pytest.fixture
    def wakes(self, monkeypatch):
        sent = []
        monkeypatch.setattr(lookups, "wake", sent.append)
        return sent

    def test_two_hundred_events_are_one_due_row_and_one_wake(self, lookup, wakes):
        post(event())
        lookup.refresh_from_db()
        first = lookup.due_at
        for number in range(200):
            post(event(repo=event()["repo"] | {"headSha": digits(str(number), 40)}))
        lookup.refresh_from_db()
        assert lookup.due_at == first
        assert len(wakes) == 1

    def test_a_model_that_answered_just_now_is_asked_once_more_soon_after(self, lookup, wakes):
        Lookup.objects.update(**answered(10))
        for _ in range(3):
            post(event())
        lookup.refresh_from_db()
        assert lookup.due_at == lookup.answered_at + webhooks.SETTLED_AFTER
        assert timedelta(0) < lookup.due_at - timezone.now() <= timedelta(seconds=20)
        assert wakes == []

    def test_one_that_is_due_sooner_keeps_its_time(self, lookup):
        soon = timezone.now() + timedelta(seconds=5)
        Lookup.objects.update(answered_at=timezone.now(), due_at=soon)
        post(event())
        lookup.refresh_from_db()
        assert lookup.due_at == soon

    def test_one_never_answered_is_due_at_once(self, lookup):
        Lookup.objects.update(answered_at=None)
        post(event())
        assert is_due(lookup)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["event", "repo", "name", "type", "id", "ref", "updatedRefs", "movedTo", "scope"]), inner
        )
    ),
    max_leaves=15,
)


@given(json_values)
def test_reading_raises_nothing_and_names_only_texts(document):
    read = webhooks.read_event(document)
    assert read is None or all(isinstance(name, str) and name for name in read.names)


@given(json_values, json_values, json_values)
def test_reading_an_event_with_anything_in_its_members(first, second, third):
    read = webhooks.read_event(event(event=first, updatedRefs=second, movedTo=third))
    assert read is not None
    assert read.names[0] == NAME
    assert read.commit == "c379e821c9c95d613899e8c4343e4bfee2b0c600"
    assert read.may_change_the_model in {True, False}
