"""The stored exports: what is in the files, when they change, and that nothing half made is ever seen."""

import gzip
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import zlib
from datetime import timedelta

import pytest
import zstandard
from django.utils import timezone
from pyarrow import parquet

from incidents.exports import building, refreshing, stored
from incidents.models import ExportRefresh, Incident, Operation
from incidents.publishing import publish, revise
from incidents.record import Record
from tests import factories
from tests.conftest import ROOT, environment

IN_FORCE, CSV, WITHDRAWN, PARQUET = "incidents.jsonl", "incidents.csv", "withdrawn.jsonl", "incidents.parquet"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.EXPORT_ROOT = tmp_path / "exports"
    return settings.EXPORT_ROOT / "collection"


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(building, "RECORDS_TOGETHER", 4)


def refresh():
    return building.refresh(going_on=lambda: None)


def published(count):
    return [publish(factories.record(title=f"Incident number {number}")).incident for number in range(count)]


def changed(incident, operation=Operation.CORRECT, **changes):
    document = {**json.loads(bytes(incident.document)), "version": incident.version + 1, "notice": "It was wrong."}
    revise(operation, Record.model_validate({**document, **changes}))
    incident.refresh_from_db()


def content(index, name=IN_FORCE, coding="zstd"):
    data = (stored.folder() / index.sheets[name].files[coding].path).read_bytes()
    if coding == "gzip":
        return gzip.decompress(data)
    return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data), read_across_frames=True).read()


def in_force():
    rows = Incident.objects.exclude(status="withdrawn").order_by("pk")
    return b"".join(bytes(row.document) + b"\n" for row in rows)


@pytest.mark.django_db
class TestFiles:
    def test_hold_every_record_in_force_byte_for_byte(self):
        published(5)
        index = refresh()
        assert content(index) == in_force()
        assert index.sheets[IN_FORCE].records == 5
        assert index.log_number == 5

    def test_say_their_size_and_digest_in_every_form(self):
        published(3)
        index = refresh()
        for name, sheet in index.sheets.items():
            for file in sheet.files.values():
                data = (stored.folder() / file.path).read_bytes()
                assert (len(data), hashlib.sha256(data).hexdigest()) == (file.size, file.sha256)
            if "zstd" in sheet.files:
                raw = content(index, name)
                assert content(index, name, "gzip") == raw
                assert (len(raw), hashlib.sha256(raw).hexdigest()) == (sheet.size, sheet.sha256)

    def test_of_an_empty_register_are_empty_and_readable(self):
        index = refresh()
        assert content(index) == content(index, IN_FORCE, "gzip") == b""
        assert content(index, CSV).startswith(b"id,version,")
        assert parquet.read_table(stored.folder() / index.sheets[PARQUET].files[""].path).num_rows == 0

    @pytest.mark.usefixtures("small_pieces")
    def test_are_one_gzip_member_because_many_clients_stop_after_the_first(self):
        published(9)
        sheet = refresh().sheets[IN_FORCE]
        assert len(sheet.pieces) > 2
        unpack = zlib.decompressobj(31)
        data = (stored.folder() / sheet.files["gzip"].path).read_bytes()
        assert hashlib.sha256(unpack.decompress(data)).hexdigest() == sheet.sha256
        assert unpack.eof
        assert unpack.unused_data == b""

    def test_leave_withdrawn_records_out_and_name_them_beside(self):
        kept, gone, merged = published(3)
        changed(gone, Operation.WITHDRAW, status="withdrawn")
        changed(merged, Operation.MERGE, status="withdrawn", superseded_by=kept.public_id)
        index = refresh()
        assert [json.loads(line)["id"] for line in content(index).splitlines()] == [kept.public_id]
        assert [json.loads(line) for line in content(index, WITHDRAWN).splitlines()] == [
            {"id": gone.public_id, "modified": "2026-03-01T10:00:00Z", "superseded_by": None, "version": 2},
            {"id": merged.public_id, "modified": "2026-03-01T10:00:00Z", "superseded_by": kept.public_id, "version": 2},
        ]
        table = parquet.read_table(stored.folder() / index.sheets[PARQUET].files[""].path)
        assert table["id"].to_pylist() == [kept.public_id]

    def test_keep_a_record_whose_text_speaks_of_withdrawn_ones(self):
        publish(factories.record(description='It says {"status":"withdrawn"} in a log.'))
        assert refresh().sheets[IN_FORCE].records == 1

    def test_parquet_has_the_same_records_with_types(self):
        incident = published(2)[0]
        index = refresh()
        table = parquet.read_table(stored.folder() / index.sheets[PARQUET].files[""].path)
        row = table.to_pylist()[0]
        assert row["id"] == incident.public_id
        assert row["published"].isoformat() == "2026-03-01T10:00:00+00:00"
        assert row["affected"][0]["name"] == "example-org/tiny-chat"
        assert row["digest"] == incident.digest


@pytest.mark.django_db
class TestRefreshing:
    @pytest.mark.usefixtures("small_pieces")
    def test_reads_only_the_pieces_that_changed_and_copies_the_others(self):
        incidents = published(13)
        first = refresh()
        changed(incidents[5], title="A better title for the sixth")
        before = {piece.number: piece for piece in first.sheets[IN_FORCE].pieces}
        index = refresh()
        touched = incidents[5].pk // 4
        for piece in index.sheets[IN_FORCE].pieces:
            assert (piece == before[piece.number]) == (piece.number != touched)
        assert content(index) == content(index, coding="gzip") == in_force()
        assert b"A better title" in content(index, CSV)

    @pytest.mark.usefixtures("small_pieces")
    def test_agrees_with_a_build_from_nothing_after_any_changes(self, folder):
        incidents = published(10)
        refresh()
        changed(incidents[0], title="A better title for the first")
        changed(incidents[9], Operation.WITHDRAW, status="withdrawn")
        published(3)
        step_by_step = refresh()
        (folder / stored.INDEX).unlink()
        at_one_go = refresh()
        for name in (IN_FORCE, CSV, WITHDRAWN):
            assert step_by_step.sheets[name].sha256 == at_one_go.sheets[name].sha256
            assert step_by_step.sheets[name].files == at_one_go.sheets[name].files

    def test_does_nothing_where_the_log_has_not_gone_on(self, folder):
        published(2)
        refresh()
        before = {path: path.stat().st_mtime_ns for path in folder.iterdir() if path.name != "lock"}
        refresh()
        assert {path: path.stat().st_mtime_ns for path in folder.iterdir() if path.name != "lock"} == before

    def test_leaves_nothing_in_the_folder_that_no_index_names(self, folder):
        published(1)
        refresh()
        (folder / "incidents.jsonl.zst.new").write_bytes(b"what a killed process left")
        published(1)
        index = refresh()
        named = {file.path for sheet in index.sheets.values() for file in sheet.files.values()}
        assert {path.name for path in folder.iterdir()} == named | {stored.INDEX, "lock"}

    @pytest.mark.parametrize("damage", ["cut short", "removed", "of another log", "written by other code"])
    def test_starts_anew_from_files_that_cannot_be_relied_on(self, folder, damage):
        published(3)
        index = refresh()
        path = folder / index.sheets[IN_FORCE].files["gzip"].path
        match damage:
            case "cut short":
                os.truncate(path, 10)
            case "removed":
                path.unlink()
            case "of another log":
                other = index.model_copy(update={"log_object": "0" * 64})
                (folder / stored.INDEX).write_text(other.model_dump_json())
            case "written by other code":
                (folder / stored.INDEX).write_text('{"form":0}')
        again = refresh()
        assert content(again, coding="gzip") == in_force()

    def test_a_withdrawal_empties_every_file_of_the_record_at_once(self, folder):
        secret = publish(factories.record(title="Names somebody who must not be named")).incident
        refreshing.refresh_due()
        assert ExportRefresh.objects.get().due_at > timezone.now() + timedelta(seconds=60)
        changed(secret, Operation.WITHDRAW, status="withdrawn", notice="It named a person.")
        assert refreshing.refresh_due()
        index = stored.read_index()
        assert index.sheets[PARQUET].log_number == 2
        assert secret.public_id.encode() not in content(index) + content(index, CSV)
        assert b"Names somebody" not in b"".join(path.read_bytes() for path in folder.iterdir())

    def test_a_parquet_file_that_was_dear_rests_but_never_keeps_what_was_withdrawn(self, folder):
        incidents = published(2)
        index = refresh()
        index.sheets[PARQUET].seconds = 1000
        (folder / stored.INDEX).write_text(index.model_dump_json())
        published(1)
        resting = refresh()
        assert (resting.log_number, resting.sheets[PARQUET].log_number) == (3, 2)
        changed(incidents[0], Operation.WITHDRAW, status="withdrawn")
        assert refresh().sheets[PARQUET].log_number == 4

    def test_a_failure_is_kept_on_the_row_and_tried_again(self, folder):
        folder.parent.mkdir(exist_ok=True)
        folder.write_text("a file where the folder should be")
        assert refreshing.refresh_due()
        row = ExportRefresh.objects.get()
        assert "FileExistsError" in row.last_error
        folder.unlink()
        row.retry_now()
        assert refreshing.refresh_due()
        assert ExportRefresh.objects.get().last_error == ""

    def test_waits_while_another_process_makes_the_files(self, folder):
        published(1)
        refresh()
        held = (
            "import fcntl,sys,time; f=open(sys.argv[1],'w'); fcntl.flock(f,2); print('held',flush=True); time.sleep(60)"
        )
        with subprocess.Popen([sys.executable, "-c", held, folder / "lock"], stdout=subprocess.PIPE) as other:
            other.stdout.readline()
            published(1)
            assert not refreshing.refresh_due()
            assert stored.read_index().log_number == 1
            assert ExportRefresh.objects.get().leased_until is None
            other.kill()

    def test_work_longer_than_a_lease_keeps_it_and_stops_where_it_was_lost(self, settings, monkeypatch):
        settings.LEASE_SECONDS = 1.2
        held = []

        def slow(*, going_on):
            for _ in range(6):
                time.sleep(0.4)
                going_on()
                held.append(ExportRefresh.objects.get().leased_until > timezone.now())
            ExportRefresh.objects.update(leased_until=timezone.now() + timedelta(seconds=99))
            time.sleep(0.4)
            going_on()

        monkeypatch.setattr(building, "refresh", slow)
        assert not refreshing.refresh_due()
        assert held == [True] * 6


@pytest.mark.django_db
def test_what_others_keep_beside_them_stays(folder):
    other = folder.parent / "osv" / "all.zip"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"zip")
    published(1)
    refresh()
    assert other.read_bytes() == b"zip"


def test_the_form_changes_with_what_a_line_of_csv_says():
    """Pieces of CSV are copied from file to file: whoever changes the columns raises `building.FORM`."""
    from incidents.exports.cells import HEADER

    forms = {1: "7c13"}
    assert hashlib.sha256(HEADER).hexdigest()[:4] == forms[building.FORM]


@pytest.mark.django_db(transaction=True)
class TestAsIsServed:
    def test_a_reader_sees_one_state_or_the_next_and_reads_it_to_its_end(self):
        published(3)
        refresh()
        stop, seen, wrong = threading.Event(), set(), []

        def read():
            while not stop.is_set():
                index = stored.read_index()
                try:
                    opened = stored.open_sheet(index.sheets[IN_FORCE], "gzip")
                except FileNotFoundError:
                    continue
                data = b"".join(opened.part(0, opened.size))
                opened.close()
                if hashlib.sha256(data).hexdigest() != opened.sha256:
                    wrong.append(index.log_number)
                seen.add(index.log_number)

        reader = threading.Thread(target=read)
        reader.start()
        for _ in range(15):
            published(1)
            refresh()
        stop.set()
        reader.join()
        assert wrong == []
        assert len(seen) > 2

    @pytest.mark.usefixtures("small_pieces")
    def test_killed_at_any_moment_leaves_the_old_state_or_the_new_whole(self, folder):
        published(8)
        refresh()
        program = (
            "import django; django.setup()\n"
            "from incidents.exports import building\n"
            "building.RECORDS_TOGETHER = 4\n"
            "print('begun', flush=True)\n"
            "building.refresh(going_on=lambda: None)\n"
        )
        for number in range(2):
            published(1)
            env = environment(FAULTLINE_EXPORT_ROOT=str(folder.parent), DJANGO_SETTINGS_MODULE="config.settings")
            with subprocess.Popen(
                [sys.executable, "-c", program], cwd=ROOT, env=env, stdout=subprocess.PIPE
            ) as process:
                process.stdout.readline()
                time.sleep(0.03 * number)
                process.send_signal(signal.SIGKILL)
            index = stored.read_index()
            whole = content(index)
            assert hashlib.sha256(whole).hexdigest() == index.sheets[IN_FORCE].sha256
            assert len(whole.splitlines()) == index.log_number
        index = refresh()
        assert content(index) == in_force()
        named = {file.path for sheet in index.sheets.values() for file in sheet.files.values()}
        assert {path.name for path in folder.iterdir()} == named | {stored.INDEX, "lock"}
