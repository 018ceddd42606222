"""An erased record: nothing that finds, counts, exports or serves records knows a word of it any more."""

import json
import zipfile
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from incidents import checkpoints, log, osv_files, search_rows
from incidents.exports import building, stored
from incidents.format import formats
from incidents.models import (
    ExportRefresh,
    FacetCount,
    Fact,
    Incident,
    Operation,
    OsvRefresh,
    RecordedName,
    SearchRefresh,
    SearchRow,
)
from incidents.publishing import ErasureReason, erase, instant, publish, revise
from incidents.record import AffectedModel, Match, Record
from tests import factories
from tests.incidents.test_refilling import mirror, told  # noqa: F401 - a fixture

CANARY = "quetzal-7f3a"

pytestmark = pytest.mark.django_db


def record(name, **changes):
    model = AffectedModel(hub="huggingface", name=name, match=Match.REPOSITORY)
    return factories.record(affected=(model,), **changes)


def canary(**changes):
    """A record with a word in each place that is found or counted, published and corrected."""
    made = record(f"{CANARY}/model", title=f"Title {CANARY}", summary=f"It says {CANARY} in every answer.", **changes)
    publish(made)
    corrected = {**made.document(), "version": 2, "notice": f"Not {CANARY}.", "title": f"Better {CANARY}"}
    revise(Operation.CORRECT, Record.model_validate(corrected))
    return made


def erased(made):
    return erase(made.id, reason=ErasureReason.PERSON)


def tables_with(word):
    """The tables of public records with that word in any column, in bytes as well as in text."""
    found = set()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table.startswith("incidents_"):
                cursor.execute(f"SELECT FROM {table} WHERE {table}::text ~ %s", [f"{word}|{word.encode().hex()}"])
                found |= {table} if cursor.rowcount else set()
    return found


def projections():
    """What counts and finds records, but for what numbers of the log say."""
    return (
        sorted(FacetCount.objects.values_list("dimension", "value", "records")),
        sorted(Fact.objects.values_list("incident", "event", "hubs", "organisations", "terms")),
        sorted(RecordedName.objects.values_list("hub", "name_key", "name", "named", "concerned")),
        sorted(SearchRow.objects.values_list("incident", "in_force", "tokens")),
        sorted(SearchRefresh.objects.values_list("incident")),
    )


def test_everything_is_as_if_it_had_never_been_counted():
    publish(record("org/shared", aliases=("AIID-1",)))
    publish(record("org/other", aliases=("AIID-2",)))
    before = projections()
    made = canary(aliases=("AIID-1", "AIID-2", f"AIID-{CANARY}"))
    assert len(set(Fact.objects.values_list("event", flat=True))) == 1
    assert projections() != before
    erased(made)
    assert projections() == before
    assert tables_with(CANARY) == set()


def test_a_name_that_another_record_has_stays_with_that_one():
    publish(record(f"{CANARY}/model"))
    before = projections()
    erased(canary())
    assert projections() == before


def test_a_withdrawn_record_is_not_discounted_twice():
    publish(record("org/model"))
    before = projections()
    made = canary()
    gone = {**made.document(), "version": 3, "status": "withdrawn", "notice": f"Not {CANARY}."}
    revise(Operation.WITHDRAW, Record.model_validate(gone))
    erased(made)
    assert projections() == before
    assert tables_with(CANARY) == set()


def test_deriving_everything_again_brings_nothing_back():
    publish(record("org/model"))
    erased(canary())
    before = projections()
    assert search_rows.rebuild() == 1
    assert projections() == before


class TestOverHttp:
    @pytest.fixture
    def gone(self):
        made = canary()
        erased(made)
        checkpoints.sign_due()
        return made.id

    @pytest.mark.parametrize(
        "address", ["", "/versions", "/versions/1", "/versions/3", "/diff", *(f".{suffix}" for suffix in formats())]
    )
    def test_every_address_of_it_answers_410(self, gone, address):
        answer = Client().get(f"/api/v1/incidents/{gone}{address}")
        assert (answer.status_code, answer.json()["type"]) == (410, "/api/problems/erased")
        assert answer["Content-Type"] == "application/problem+json"

    def test_osv_and_the_page_answer_410_too(self, gone):
        answer = Client().get(f"/osv/v1/vulns/x_{gone}")
        assert (answer.status_code, answer.json()) == (410, {"code": 5, "message": "This record was erased."})
        page = Client().get(f"/incidents/{gone}/")
        assert page.status_code == 410
        assert "was erased" in page.content.decode()

    def test_the_proof_is_that_of_the_erasure(self, gone):
        assert '"op":"erase"' in Client().get(f"/api/v1/incidents/{gone}/proof").json()["leaf"]

    @pytest.mark.usefixtures("gone")
    def test_the_log_hands_its_entries_out_without_a_word(self):
        entries = Client().get("/api/v1/changes").json()["entries"]
        assert [(entry["operation"], entry["document"], entry["digest"]) for entry in entries] == [
            ("publish", None, ""),
            ("correct", None, ""),
            ("erase", None, ""),
        ]
        assert all(len(entry["object"]) == 64 for entry in entries)

    @pytest.mark.parametrize("as_of", ["", "1", "2", "3"])
    @pytest.mark.usefixtures("gone")
    def test_no_list_holds_it_not_even_one_of_the_past(self, as_of):
        answer = Client().get("/api/v1/incidents", {"as_of": as_of} if as_of else {})
        assert (answer.status_code, answer.json()["items"]) == (200, [])


class TestFiles:
    @pytest.fixture(autouse=True)
    def _folder(self, settings, tmp_path):
        settings.EXPORT_ROOT = tmp_path

    def words(self):
        index = stored.read_index()
        return b"".join(
            bytes(part)
            for sheet in index.sheets.values()
            for coding in sheet.files
            if coding in {"", "zstd"}
            for part in stored.open_sheet(sheet, "").part(0, sheet.size)
        )

    def test_the_stored_exports_are_made_without_it_at_once(self):
        kept = record("org/model")
        publish(kept)
        made = canary()
        building.refresh(going_on=lambda: None)
        assert CANARY.encode() in self.words()
        ExportRefresh.objects.get_or_create(pk=1)
        ExportRefresh.objects.update(due_at=timezone.now() + timedelta(hours=1))
        erased(made)
        assert ExportRefresh.objects.get().due_at <= timezone.now()
        building.refresh(going_on=lambda: None)
        assert CANARY.encode() not in self.words()
        assert kept.id.encode() in self.words()
        sheet = stored.read_index().sheets["withdrawn.jsonl"]
        (line,) = b"".join(stored.open_sheet(sheet, "").part(0, sheet.size)).splitlines()
        said = json.loads(line)
        assert (said["id"], said["version"], said["superseded_by"]) == (made.id, 3, None)
        assert said["modified"] == instant(Incident.everything.get(public_id=made.id).modified_at)

    def test_the_osv_files_are_made_without_it_at_once(self):
        publish(record("org/model"))
        made = canary()
        assert osv_files.refresh_due()
        OsvRefresh.objects.update(due_at=timezone.now() + timedelta(hours=1))
        erased(made)
        assert osv_files.refresh_due()
        with zipfile.ZipFile(osv_files.stored("all.zip").path) as archive:
            assert len(archive.namelist()) == 1
            assert all(
                made.id not in name and made.id.encode() not in archive.read(name) for name in archive.namelist()
            )

    def test_the_exports_and_the_osv_files_leave_each_other_alone(self):
        publish(record("org/model"))
        assert osv_files.refresh_due()
        index = building.refresh(going_on=lambda: None)
        assert index.log_number == 1
        assert osv_files.stored("all.zip").path.is_file()

    def test_no_live_export_holds_it(self):
        erased(canary())
        for suffix in ("jsonl", "csv"):
            answer = Client().get(f"/api/v1/incidents.{suffix}")
            assert CANARY.encode() not in b"".join(answer.streaming_content)


def test_a_backup_from_before_the_erasure_forgets_it_again(mirror):  # noqa: F811 - the fixture
    publish(record("org/model"))
    made = canary()
    backup = transaction.savepoint()
    erased(made)
    mirror()
    after = (told(), projections())
    transaction.savepoint_rollback(backup)
    assert "incidents_searchrow" in tables_with(CANARY)
    call_command("refill_log", mirror.address)
    assert (told(), projections()) == after
    assert tables_with(CANARY) == set()
    assert not Incident.objects.filter(public_id=made.id).exists()
    assert list(log.problems()) == []
