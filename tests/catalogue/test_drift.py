"""What changed of a model since it was first seen."""

from datetime import timedelta

import pytest
from django.utils import timezone

from catalogue.drift import Change, differences
from catalogue.hub import Reference
from catalogue.lookups import look_up_due
from catalogue.models import Drift, Lookup, RawAnswer, Snapshot, UseCount
from catalogue.naming import name_model
from catalogue.snapshots import GONE_AFTER, GONE_AFTER_TIMES
from tests.stand_ins.huggingface import StandInHub, digits, example_file, example_model

pytestmark = pytest.mark.django_db
NAME = "example-org/tiny-chat"


@pytest.fixture
def hub(settings):
    with StandInHub([example_model(NAME)]) as hub:
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        name_model(Reference("huggingface", NAME))
        look_up_due()
        yield hub


def look_again():
    Lookup.objects.update(due_at=timezone.now())
    look_up_due()


def changes():
    return list(Drift.objects.order_by("pk").values_list("change", flat=True))


def files(**changed):
    kept = {file["rfilename"]: file for file in example_model(NAME)["siblings"]}
    return [file for file in {**kept, **changed}.values() if file]


def test_the_first_snapshot_is_no_drift(hub):
    assert changes() == []


def test_replaced_weights_are_named_file_by_file(hub):
    other = example_file("model.safetensors", 5_000_000_000, is_large=True)
    other["lfs"]["sha256"] = digits("other weights", 64)
    hub.put(example_model(NAME, sha="b" * 40, siblings=files(**{"model.safetensors": other})))
    look_again()
    assert changes() == [Change.WEIGHTS_REPLACED]
    assert Drift.objects.get().after == "model.safetensors"


def test_removed_files_and_a_rewritten_card(hub):
    card = {**example_file("README.md", 5000), "blobId": "c" * 40}
    hub.put(example_model(NAME, sha="b" * 40, siblings=files(**{"README.md": card, "config.json": None})))
    look_again()
    assert changes() == [Change.FILES_REMOVED, Change.CARD_REWRITTEN]
    assert Drift.objects.first().before == "config.json"


def test_licence_gating_owner_and_state(hub):
    hub.put(example_model(NAME, cardData={"license": "mit"}, gated="manual", author="other-org", disabled=True))
    look_again()
    assert changes() == [Change.LICENCE_CHANGED, Change.GATING_CHANGED, Change.DISABLED, Change.OWNER_CHANGED]
    licence = Drift.objects.get(change=Change.LICENCE_CHANGED)
    assert (licence.before, licence.after) == ("apache-2.0", "mit")


def test_a_rename(hub):
    hub.rename(NAME, "new-org/tiny-chat")
    look_again()
    assert Change.RENAMED in changes()


def test_use_is_a_series_by_day_and_no_drift(hub):
    hub.put(example_model(NAME, downloads=9_999, likes=99))
    look_again()
    assert changes() == []
    assert list(UseCount.objects.values_list("downloads", "likes")) == [(9_999, 99)]


def test_the_answer_is_kept_as_received_with_its_digest(hub):
    import zlib

    from lib.canonical import digest

    raw = RawAnswer.objects.get()
    body = zlib.decompress(bytes(raw.body))
    assert digest(body) == raw.sha256
    assert b'"siblings"' in body


def test_a_listing_that_is_not_whole_is_no_removal(hub):
    known = Snapshot.objects.get()
    known.files_complete = False
    whole = Snapshot(files=[], licence="apache-2.0", name=NAME, author="example-org")
    assert Change.FILES_REMOVED not in {one.change for one in differences(known, whole)}


def test_gone_takes_repeated_refusals_over_days_and_an_answer_takes_it_back(hub):
    hub.fail(NAME, "private")
    for _ in range(GONE_AFTER_TIMES * 2):
        look_again()
    assert changes() == []
    Lookup.objects.update(missing_since=timezone.now() - GONE_AFTER - timedelta(hours=1))
    look_again()
    look_again()
    assert changes() == [Change.GONE]
    hub.faults.clear()
    look_again()
    assert changes() == [Change.GONE, Change.BACK]
    assert Lookup.objects.get().times_missing == 0


def test_a_hub_in_trouble_is_no_evidence_of_anything(hub):
    hub.fail(NAME, "unavailable")
    for _ in range(GONE_AFTER_TIMES):
        look_again()
    assert Lookup.objects.get().times_missing == 0
