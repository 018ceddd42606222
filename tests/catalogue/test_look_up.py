"""`manage.py look_up`: what an operator reads."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from catalogue import limits
from catalogue.hub import Reference
from catalogue.lookups import look_up_due
from catalogue.models import Alias, Drift, Lookup, Model, Snapshot
from catalogue.naming import name_model
from lib.store import store
from tests.stand_ins.huggingface import StandInHub, example_file, example_model

NAME = "example-org/tiny-chat"


@pytest.fixture
def hub(settings):
    settings.WAKES = {"model named": [], "lookups left over": []}
    with StandInHub([example_model(NAME)]) as hub:
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        yield hub


def look_up(capsys, *words, **options):
    """What it prints, by what stands before the first two spaces or the colon."""
    call_command("look_up", *words, **options)
    return capsys.readouterr().out


def refusal(*words, **options):
    with pytest.raises(CommandError) as refused:
        call_command("look_up", *words, **options)
    assert refused.value.returncode == 1
    assert "\n" not in str(refused.value)
    return str(refused.value)


class TestAsking:
    def test_says_what_was_read_and_what_the_hub_says(self, hub, capsys):
        hub.put(example_model(NAME, gated="manual", tags=["base_model:finetune:acme/base"]))
        said = look_up(capsys, f"https://huggingface.co/{NAME}/blob/main/config.json")
        document = example_model(NAME)
        for line in (
            "hub         Hugging Face (huggingface)",
            f"name        {NAME}",
            "revision    main",
            "file        config.json",
            f"purl        pkg:huggingface/{NAME}#config.json",
            f"url         https://huggingface.co/{NAME}/blob/main/config.json",
            f"asked       {hub.url}",
            "outcome     gated",
            f"identity    {document['_id']}",
            f"commit      {document['sha']}",
            "licence     apache-2.0",
            "gated       manual",
            "disabled    no",
            "calls left  499",
            "bases, as claimed by tag: 1",
            "  acme/base (finetune)",
            "files: 4",
            f"  model.safetensors  {document['siblings'][3]['lfs']['sha256']}",
        ):
            assert line in said.splitlines()
        assert len(hub.requests) == 1

    @pytest.mark.django_db
    @pytest.mark.usefixtures("hub")
    def test_stores_nothing(self, capsys):
        look_up(capsys, NAME)
        assert not any(model.objects.exists() for model in (Model, Alias, Lookup, Snapshot))

    def test_shows_twenty_files_and_counts_them(self, hub, capsys):
        hub.put(example_model(NAME, siblings=[example_file(f"part-{n:02}.bin") for n in range(33)]))
        said = look_up(capsys, NAME)
        assert "files: 33\n" in said
        assert "part-19.bin" in said
        assert "part-20.bin" not in said
        assert "  and 13 more" in said

    def test_several_words_are_one_text(self):
        assert "more than one word" in refusal("two", "words")

    def test_what_others_wrote_does_not_steer_the_terminal(self, hub, capsys):
        licence = "mit\N{RIGHT-TO-LEFT OVERRIDE}\x9b31m"
        hub.put(example_model(NAME, cardData={"license": licence}))
        assert "licence     mit??31m\n" in look_up(capsys, NAME)

    def test_no_such_model_and_a_hub_in_trouble_are_one_line_and_exit_code_1(self, hub):
        assert refusal("nobody/nothing").startswith("not_found_or_private: HTTP 401")
        hub.fail(NAME, "unavailable")
        assert refusal(NAME) == "transient: HTTP 503"

    def test_takes_part_in_the_budget(self, hub):
        hub.allow(1, 60)
        call_command("look_up", NAME)
        assert refusal(NAME).endswith("its budget is used up.")
        assert len(hub.requests) == 1
        assert hub.refused == 0

    def test_says_that_the_circuit_is_open_and_reports_failures_to_it(self, hub):
        hub.fail(NAME, "unavailable")
        for _ in range(limits.FAILURES_TO_OPEN):
            refusal(NAME)
        assert refusal(NAME).startswith("Hugging Face may not be asked for")
        assert refusal(NAME).endswith("its circuit is open.")
        assert len(hub.requests) == limits.FAILURES_TO_OPEN

    def test_without_redis_asks_nothing(self, hub, settings):
        settings.CACHE_URL = "redis://127.0.0.1:9/1"
        store.cache_clear()
        try:
            assert "Redis" in refusal(NAME)
        finally:
            store.cache_clear()
        assert hub.requests == []

    @pytest.mark.parametrize("text", ["", "none", "https://example.org/a/b", "https://huggingface.co/datasets/a/b"])
    def test_what_names_no_model_is_one_line_and_exit_code_1(self, hub, text):
        assert refusal(text)
        assert hub.requests == []


@pytest.mark.django_db
class TestStored:
    def test_says_what_is_known_and_asks_nobody(self, hub, capsys):
        hub.rename(NAME, "new-org/tiny-chat")
        hub.put(
            example_model("new-org/tiny-chat", tags=["base_model:finetune:acme/base"], _id=example_model(NAME)["_id"])
        )
        hub.put(example_model("acme/adapter", tags=["base_model:adapter:new-org/tiny-chat"]))
        for name in (NAME, "acme/adapter"):
            name_model(Reference("huggingface", name))
        look_up_due()
        model = Alias.objects.get(name=NAME).model
        Drift.objects.create(model=model, change="licence_changed", before="mit", after="other")
        Lookup.objects.filter(alias__name=NAME).update(
            due_at=timezone.now() - timedelta(days=1), parked_at=timezone.now(), last_error="KeyError: x"
        )
        asked = len(hub.requests)
        said = look_up(capsys, NAME.upper(), stored=True)
        assert len(hub.requests) == asked
        assert f"identity    {model.stable_id}\n" in said
        assert "names: 2\n" in said
        assert f"huggingface: {NAME}: renamed, due " in said
        assert ", parked, KeyError: x" in said
        assert f"snapshots: 1\n  {timezone.now():%Y-%m-%d}" in said
        assert "licence changed" in said
        assert "mit -> other" in said
        assert "derives from: 1\n  acme/base  (finetune, 1 step)" in said
        assert "is the base of: 1\n  acme/adapter  (adapter, 1 step)" in said

    def test_a_model_nobody_named_is_one_line_and_exit_code_1(self, hub):
        assert refusal(NAME, stored=True) == f"Nothing is stored of {NAME}."
        assert hub.requests == []


@pytest.mark.django_db
def test_a_files_digest_leads_to_the_models_it_was_seen_in(hub, capsys):
    name_model(Reference("huggingface", NAME))
    look_up_due()
    weights = next(file for file in Snapshot.objects.get().files if file["path"] == "model.safetensors")
    out = look_up(capsys, f"sha256:{weights['sha256']}")
    assert NAME in out
    assert "model.safetensors" in out
    assert "No model is known here" in refusal("0" * 64)
