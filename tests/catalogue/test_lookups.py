"""The standing job, against a stand-in hub over real HTTP."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from catalogue.hub import Outcome, Reference
from catalogue.lookups import look_up_due
from catalogue.models import Alias, Lookup, Model, Snapshot
from catalogue.naming import find_alias, name_model
from tests.stand_ins.huggingface import StandInHub, example_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def hub(settings):
    with StandInHub([example_model("example-org/tiny-chat")]) as hub:
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        yield hub


def name(text, revision=""):
    return name_model(Reference("huggingface", text, revision))


def make_due():
    Lookup.objects.update(due_at=timezone.now())


def outcome(alias):
    return Lookup.objects.get(alias__name=alias, revision="").outcome


def test_what_the_hub_says_is_kept_with_the_commit_and_the_files(hub):
    name("example-org/tiny-chat")
    assert look_up_due() == 1
    model, snapshot = Model.objects.get(), Snapshot.objects.get()
    expected = example_model("example-org/tiny-chat")
    assert model.stable_id == expected["_id"]
    assert snapshot.revision == expected["sha"]
    assert (snapshot.licence, snapshot.downloads) == ("apache-2.0", 4321)
    assert {file["path"] for file in snapshot.files} >= {"config.json", "model.safetensors"}
    assert [file for file in snapshot.files if file["sha256"]]


def test_asking_again_keeps_nothing_new_until_something_that_matters_changed(hub):
    name("example-org/tiny-chat")
    look_up_due()
    hub.put(example_model("example-org/tiny-chat", downloads=999_999, likes=77))
    make_due()
    look_up_due()
    assert Snapshot.objects.count() == 1
    hub.move_on("example-org/tiny-chat")
    make_due()
    look_up_due()
    assert Snapshot.objects.count() == 2


def test_a_reported_revision_is_asked_for_by_itself(hub):
    first = example_model("example-org/tiny-chat")["sha"]
    hub.move_on("example-org/tiny-chat")
    name("example-org/tiny-chat", first)
    assert look_up_due() == 2
    assert Snapshot.objects.get(revision_asked=first).revision == first
    assert Snapshot.objects.get(revision_asked="").revision != first


def test_a_renamed_model_is_one_model_with_two_names(hub):
    hub.rename("example-org/tiny-chat", "new-org/tiny-chat")
    name("example-org/tiny-chat")
    name("new-org/tiny-chat")
    look_up_due()
    assert Model.objects.get().name == "new-org/tiny-chat"
    assert {alias.model for alias in Alias.objects.all()} == {Model.objects.get()}
    assert outcome("example-org/tiny-chat") == Outcome.RENAMED


def test_a_name_that_comes_to_lead_to_another_model_is_not_merged(hub):
    name("example-org/tiny-chat")
    look_up_due()
    before = Model.objects.get().stable_id
    hub.put(example_model("example-org/tiny-chat", _id="f" * 24))
    make_due()
    look_up_due()
    assert outcome("example-org/tiny-chat") == Outcome.MOVED_TO_OTHER_MODEL
    assert Model.objects.get().stable_id == before
    assert Snapshot.objects.count() == 1


@pytest.mark.parametrize("fault", ["unavailable", "html", "truncated", "hang_up"])
def test_a_hub_in_trouble_delays_and_loses_nothing(hub, fault):
    hub.fail("example-org/tiny-chat", fault)
    name("example-org/tiny-chat")
    look_up_due()
    lookup = Lookup.objects.get()
    assert lookup.due_at > timezone.now()
    assert lookup.last_error
    assert not lookup.is_parked
    hub.faults.clear()
    make_due()
    look_up_due()
    assert Snapshot.objects.count() == 1


def test_an_unreachable_hub_is_the_same(settings):
    settings.HUB_ENDPOINTS = {"huggingface": "http://127.0.0.1:9"}
    name("example-org/tiny-chat")
    look_up_due()
    assert Lookup.objects.get().outcome == Outcome.TRANSIENT


def test_private_or_missing_is_never_called_gone_and_keeps_the_last_snapshot(hub):
    name("example-org/tiny-chat")
    look_up_due()
    hub.fail("example-org/tiny-chat", "private")
    make_due()
    look_up_due()
    assert outcome("example-org/tiny-chat") == Outcome.NOT_FOUND_OR_PRIVATE
    assert Snapshot.objects.count() == 1


def test_our_own_error_ends_the_lease_and_counts(hub, monkeypatch):
    def broken(*_arguments):
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr("catalogue.snapshots.keep", broken)
    name("example-org/tiny-chat")
    look_up_due()
    lookup = Lookup.objects.get()
    assert (lookup.strikes, lookup.leased_until) == (1, None)
    assert "a mistake of ours" in lookup.last_error


def test_letter_case_does_not_make_another_model(hub):
    assert name("Example-Org/Tiny-Chat") == name("example-org/tiny-chat")
    assert find_alias("huggingface", "EXAMPLE-ORG/TINY-CHAT") == Alias.objects.get()


@pytest.mark.django_db(transaction=True)
def test_twenty_transactions_that_name_one_model_at_once_make_one(settings):
    settings.WAKES = {"model named": []}
    together, failures = threading.Barrier(20), []

    def name_it(number):
        try:
            together.wait()
            with transaction.atomic():
                name("example-org/tiny-chat" if number % 2 else "Example-Org/Tiny-Chat")
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=name_it, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert (Alias.objects.count(), Model.objects.count(), Lookup.objects.count()) == (1, 1, 1)


@pytest.mark.django_db(transaction=True)
def test_four_workers_share_what_is_due_and_ask_once_each(settings):
    settings.WAKES = {"model named": []}
    names = [f"example-org/model-{number}" for number in range(40)]
    with StandInHub([example_model(each) for each in names]) as hub:
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        for each in names:
            name(each)

        def work():
            look_up_due()
            connection.close()

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(hub.requests) == len(names)
    assert Snapshot.objects.count() == len(names)
    assert not Lookup.objects.filter(due_at__lte=timezone.now() + timedelta(hours=1)).exists()
