"""What a hub said and what changed stays as it was written, whatever code or an operator tries."""

import hashlib
import zlib

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.db.models import F, ProtectedError
from django.utils import timezone

from catalogue.forgetting import forget_unless_known
from catalogue.hub import Reference
from catalogue.lookups import look_up_due
from catalogue.models import Alias, Drift, Lookup, Model, RawAnswer, Snapshot
from catalogue.naming import name_model
from catalogue.profiles import profile_of
from tests.stand_ins.huggingface import StandInHub, example_model

pytestmark = pytest.mark.django_db
NAME = "example-org/tiny-chat"
KEPT = (Snapshot, Drift, RawAnswer)


@pytest.fixture
def hub(settings):
    settings.WAKES = {event: [] for event in settings.WAKES}
    with StandInHub([example_model(NAME)]) as hub:
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        name_model(Reference("huggingface", NAME))
        look_up_due()
        hub.put(example_model(NAME, cardData={"license": "mit"}))
        Lookup.objects.update(due_at=timezone.now())
        look_up_due()
        yield hub


def test_all_three_have_rows_here(hub):
    assert [table.objects.count() for table in KEPT] == [2, 1, 2]


@pytest.mark.parametrize("table", KEPT)
def test_no_row_is_changed(hub, table):
    column = {Snapshot: "licence", Drift: "before", RawAnswer: "sha256"}[table]
    with pytest.raises(IntegrityError, match=table._meta.db_table), transaction.atomic():
        table.objects.update(**{column: "other"})


@pytest.mark.parametrize("table", KEPT)
def test_no_row_is_deleted(hub, table):
    rows = table.objects.all()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        rows._raw_delete(rows.db)


@pytest.mark.parametrize("table", [*KEPT, Model])
def test_no_table_is_emptied(table):
    with connection.cursor() as cursor:
        for kept in KEPT:
            cursor.execute(f"ALTER TABLE {kept._meta.db_table} ENABLE TRIGGER never_emptied")
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            cursor.execute(f"TRUNCATE {table._meta.db_table} CASCADE")
        transaction.set_rollback(True)


def test_a_model_anything_is_kept_of_is_not_deleted(hub):
    with pytest.raises(ProtectedError), transaction.atomic():
        Model.objects.get().delete()


def test_a_name_that_turns_out_to_be_a_known_models_needs_no_row_rewritten(hub):
    before = list(Snapshot.objects.values_list("pk", "model_id")), list(Drift.objects.values_list("pk", "model_id"))
    hub.rename(NAME, "example-org/renamed-chat")
    placeholder = name_model(Reference("huggingface", "example-org/renamed-chat"))
    look_up_due()
    known = Alias.objects.get(pk=placeholder.pk).model
    assert known.aliases.count() == 2
    assert not Model.objects.filter(pk=placeholder.model_id).exclude(pk=known.pk).exists()
    after = Snapshot.objects.order_by("pk").values_list("pk", "model_id")
    assert list(after)[: len(before[0])] == before[0]
    assert list(Drift.objects.order_by("pk").values_list("pk", "model_id"))[: len(before[1])] == before[1]


@pytest.mark.usefixtures("hub")
class TestErasingAnAnswerAsReceived:
    def test_leaves_its_digest_and_what_was_read_of_it(self, capsys):
        bodies = [zlib.decompress(bytes(raw.body)) for raw in RawAnswer.objects.order_by("pk")]
        call_command("erase_raw_answers", NAME)
        assert capsys.readouterr().out == f"2 answers erased of {NAME}\n"
        assert [bytes(raw.body) for raw in RawAnswer.objects.all()] == [b"", b""]
        digests = list(RawAnswer.objects.order_by("pk").values_list("sha256", flat=True))
        assert digests == [hashlib.sha256(body).hexdigest() for body in bodies]
        assert Snapshot.objects.count() == 2
        call_command("erase_raw_answers", NAME)
        assert capsys.readouterr().out.startswith("0 answers")

    def test_leaves_nothing_to_judge_openness_by(self):
        model = Model.objects.get()
        assert profile_of(model) is not None
        call_command("erase_raw_answers", NAME)
        assert profile_of(model) is None

    def test_is_the_only_way_to_change_one(self):
        for changes in ({"body": b"other"}, {"body": b"", "sha256": "0" * 64}, {"body": b"", "id": F("id") + 1000}):
            with pytest.raises(IntegrityError, match="only the body"), transaction.atomic():
                RawAnswer.objects.update(**changes)

    @pytest.mark.parametrize(("words", "reason"), [("never/named", "Nothing is stored"), ("not a name", "name")])
    def test_says_what_it_does_not_know(self, words, reason):
        with pytest.raises(CommandError, match=reason):
            call_command("erase_raw_answers", words)


def forgetting(model):
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('faultline.forgetting', %s, true)", [str(model.pk)])


def test_what_the_public_may_see_is_not_forgotten(hub):
    model = Model.objects.get()
    Model.objects.update(shown=True)
    assert forget_unless_known([model]) == 0
    forgetting(model)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        RawAnswer.objects.all().delete()


def test_what_the_public_never_saw_is_forgotten_with_all_that_was_kept_of_it_and_nothing_else(hub):
    model, other = Model.objects.get(), name_model(Reference("huggingface", "example-org/other")).model
    hub.put(example_model("example-org/other"))
    look_up_due()
    forgetting(model)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        RawAnswer.objects.filter(snapshot__model=other).delete()
    assert forget_unless_known([model]) == 1
    assert [table.objects.count() for table in KEPT] == [1, 0, 1]
    assert Snapshot.objects.get().model_id == other.pk
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        RawAnswer.objects.all().delete()
