"""The log as a signed tree: its entries, its keys, its checkpoints, and what it refuses."""

import json
import threading
from itertools import pairwise
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from incidents import checkpoints, guard, key_events, keyring, log, search_rows, sequencing, showing, tree
from incidents.guard import LogRefusesError
from incidents.keys import Purpose
from incidents.leaves import BadLeafError, parse_leaf
from incidents.models import (
    Checkpoint,
    FacetCount,
    Fact,
    Incident,
    LogEntry,
    LogObject,
    Operation,
    Publication,
    RecordedName,
    TreeHash,
)
from incidents.publishing import ErasureReason, NotPublishableError, erase, mint_public_id, publish, revise
from incidents.record import Record, Status
from incidents.showing import Standing, Version
from lib import jws, merkle
from lib.canonical import canonical_bytes, digest
from lib.notes import open_note, parse_tree_head
from tests import factories

pytestmark = pytest.mark.django_db


def next_version(record, **changes):
    return Record.model_validate({**record.document(), "version": record.version + 1, **changes})


def corrected(record, **changes):
    better = next_version(record, notice="It was wrong.", **changes)
    return better, revise(Operation.CORRECT, better)


@pytest.fixture
def own_keys(settings, tmp_path):
    """A folder of this test's own, where the node makes its keys by itself."""
    settings.LOG_ROOT, settings.NODE_KEYS = tmp_path / "log", []
    return settings.LOG_ROOT


def signed_object(entry):
    return jws.read(bytes(LogObject.objects.get(digest=entry.object_digest).body))


class TestEntries:
    def test_a_leaf_names_the_signed_object_and_the_one_before(self):
        record = factories.record()
        first = publish(record)
        _, second = corrected(record, title="Better")
        leaf = json.loads(bytes(LogEntry.objects.get(pk=second.number).leaf))
        assert leaf == {
            "id": record.id,
            "obj": second.object_digest,
            "op": "revise",
            "prev": first.object_digest,
            "rev": 2,
            "t": "2026-03-01T10:00:00Z",
            "v": 1,
        }

    def test_the_object_is_the_record_with_a_salt_signed_by_the_record_key(self):
        entry = publish(factories.record())
        payload, signatures = signed_object(entry)
        key = sequencing.current_keys().in_force(Purpose.RECORD)
        jws.check_all(signatures, {key.kid: key.public})
        content = json.loads(payload)
        assert content.keys() == {"record", "salt"}
        assert canonical_bytes(content["record"]) == bytes(entry.document)
        assert len(jws.decode(content["salt"])) == 16

    def test_the_same_document_never_has_the_same_object(self):
        entries = [publish(factories.record(id=f"FL-2026-0000000{name}")) for name in "AB"]
        salts = {json.loads(signed_object(entry)[0])["salt"] for entry in entries}
        assert len(salts) == 2

    def test_no_title_stands_in_a_leaf(self):
        for entry in (publish(factories.record(title="A canary title")), publish(factories.record())):
            leaf = bytes(LogEntry.objects.get(pk=entry.number).leaf)
            assert b"canary" not in leaf
            assert len(leaf) <= 1024

    def test_the_longest_leaf_fits(self):
        entry = publish(factories.record())
        leaf = parse_leaf(bytes(LogEntry.objects.get(pk=entry.number).leaf))
        assert len(bytes(leaf)) < 400

    def test_a_leaf_of_another_spelling_is_none(self):
        data = bytes(LogEntry.objects.get(pk=publish(factories.record()).number).leaf)
        for wrong in (
            data + b" ",
            data.replace(b'"v":1', b'"v":2'),
            data.replace(b'"rev":1', b'"rev":1.0'),
            b"[]",
            b"{",
        ):
            with pytest.raises(BadLeafError):
                parse_leaf(wrong)

    def test_the_tree_is_over_the_leaves_across_full_tiles(self):
        publish(factories.record())
        grown = merkle.GrowingTree()
        for leaf in LogEntry.objects.order_by("index").values_list("leaf", flat=True):
            grown.add(merkle.leaf_hash(bytes(leaf)))
        for number in range(2, 600):
            tree_leaf = b"%d" % number
            LogObject.objects.create(digest=digest(tree_leaf), body=tree_leaf)
            LogEntry.objects.create(
                index=number,
                op="publish",
                subject=f"x{number}",
                revision=1,
                object_id=digest(tree_leaf),
                leaf=tree_leaf,
            )
            tree.add(number, tree_leaf)
            grown.add(merkle.leaf_hash(tree_leaf))
        assert tree.root(600) == grown.root()
        assert TreeHash.objects.filter(level=1).count() == 2
        assert len(tree.tile(1, 0, 256)) == 2 * 32

    def test_the_database_refuses_to_rewrite_any_of_it(self):
        publish(factories.record())
        checkpoints.sign_due()
        for change in (
            lambda: LogEntry.objects.update(leaf=b"x"),
            lambda: LogEntry.objects.all().delete(),
            lambda: TreeHash.objects.update(hash=bytes(32)),
            lambda: Checkpoint.objects.update(note="x"),
            lambda: LogObject.objects.update(body=None),
            lambda: LogObject.objects.update(body=b"x"),
            lambda: Publication.objects.update(document=b"", digest=""),
            lambda: LogObject.objects.create(digest="0" * 64, body=b"not that"),
            lambda: TreeHash.objects.create(level=0, index=99, hash=b"short"),
        ):
            with pytest.raises(IntegrityError), transaction.atomic():
                change()

    def test_a_publication_without_its_entry_is_none(self):
        entry = publish(factories.record())
        with pytest.raises(IntegrityError, match="publication_is_an_entry_somewhere"):
            Publication.objects.create(
                number=99,
                incident=entry.incident,
                operation="correct",
                version=2,
                at=entry.at,
                document=b"{}",
                digest="x",
                object_digest="x",
            )
        transaction.set_rollback(True)


@pytest.mark.usefixtures("own_keys")
class TestKeys:
    def test_a_new_log_begins_with_keys_that_only_this_account_reads(self, own_keys):
        entry = publish(factories.record())
        assert entry.number == 1
        first = LogEntry.objects.get(pk=0)
        assert (first.op, first.subject) == ("key", "keys")
        files = list((own_keys / "keys").iterdir())
        assert sorted(path.name.partition("-")[0] for path in files) == ["http", "log", "record"]
        assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
        assert own_keys.stat().st_mode & 0o777 == 0o700

    def test_keys_made_for_a_log_that_never_began_are_used_by_the_next(self, own_keys):
        with transaction.atomic():
            publish(factories.record())
            transaction.set_rollback(True)
        before = {path.name for path in (own_keys / "keys").iterdir()}
        publish(factories.record())
        assert {path.name for path in (own_keys / "keys").iterdir()} == before

    @pytest.mark.parametrize("purpose", list(Purpose))
    def test_a_rotated_key_counts_up_to_its_end(self, purpose):
        publish(factories.record())
        checkpoints.sign_due()
        before = sequencing.current_keys().in_force(purpose)
        rotated = key_events.rotate(purpose)
        publish(factories.record())
        checkpoints.sign_due()
        keys = sequencing.current_keys()
        assert rotated.index == 2
        assert keys.at(purpose, 1) != keys.at(purpose, 2)
        assert (keys.at(purpose, 1).public, keys.at(purpose, 1).end) == (before.public, 2)
        assert list(log.problems()) == []

    def test_who_pinned_the_key_before_can_open_the_next_checkpoint(self):
        publish(factories.record())
        old = checkpoints.note_keys(sequencing.current_keys())
        key_events.rotate(Purpose.LOG)
        note = checkpoints.sign_due().note
        assert parse_tree_head(open_note(note, old)).size == 3
        assert note.count("\N{EM DASH}") == 2

    def test_a_key_event_is_signed_by_the_key_that_ends_and_the_one_that_begins(self):
        publish(factories.record())
        before = sequencing.current_keys().in_force(Purpose.RECORD)
        entry = key_events.rotate(Purpose.RECORD)
        _, signatures = jws.read(bytes(entry.object.body))
        after = sequencing.current_keys().in_force(Purpose.RECORD)
        jws.check_all(signatures, {before.kid: before.public, after.kid: after.public})

    def test_what_a_revoked_key_signed_from_there_on_counts_once_it_is_published_again(self):
        records = [factories.record() for _ in range(3)]
        for record in records:
            publish(record)
        key_events.revoke(Purpose.RECORD, 2)
        said = "the key that signed it was revoked, and the record was not published again since"
        assert list(log.problems()) == [f"#2: {said}", f"#3: {said}"]
        corrected(records[1])
        erase(records[2].id, reason=ErasureReason.PERSON)
        assert list(log.problems()) == []

    def test_a_revoked_log_key_signs_no_more(self):
        publish(factories.record())
        checkpoints.sign_due()
        key_events.revoke(Purpose.LOG, 2)
        note = checkpoints.sign_due().note
        assert note.count("\N{EM DASH}") == 1
        assert list(log.problems()) == []

    def test_checkpoints_of_a_revoked_log_key_are_void_once_another_is_signed(self):
        publish(factories.record())
        checkpoints.sign_due()
        key_events.revoke(Purpose.LOG, 1)
        assert any("none was signed since" in problem for problem in log.problems())
        checkpoints.sign_due()
        assert list(log.problems()) == []

    @pytest.mark.parametrize("index", [-1, 3])
    def test_a_key_is_revoked_where_it_counts_and_nowhere_else(self, index):
        publish(factories.record())
        with pytest.raises(LogRefusesError, match="counts from entry 0"):
            key_events.revoke(Purpose.LOG, index)

    def test_keys_from_the_environment_need_no_file(self, settings, tmp_path):
        settings.LOG_ROOT, settings.NODE_KEYS = tmp_path, [jws.encode(bytes([number]) * 32) for number in (4, 5, 6)]
        publish(factories.record())
        checkpoints.sign_due()
        assert not (tmp_path / "keys").exists()

    @pytest.mark.parametrize("seeds", [["x"], ["AAAA"], ["é"]])
    def test_seeds_that_are_none_are_refused(self, settings, seeds):
        settings.NODE_KEYS = seeds
        with pytest.raises(LogRefusesError, match="FAULTLINE_NODE_KEYS"):
            publish(factories.record())

    def test_without_its_key_a_node_publishes_nothing(self, own_keys):
        publish(factories.record())
        for path in (own_keys / "keys").glob("record-*"):
            path.unlink()
        with pytest.raises(LogRefusesError, match="restore it"), transaction.atomic():
            publish(factories.record())
        assert Publication.objects.count() == 1

    def test_a_damaged_key_is_named(self, own_keys):
        publish(factories.record())
        path = next((own_keys / "keys").glob("record-*"))
        path.write_bytes(b"-----BEGIN")
        with pytest.raises(LogRefusesError, match=path.name):
            publish(factories.record())
        other = next((own_keys / "keys").glob("http-*"))
        path.write_bytes(other.read_bytes())
        with pytest.raises(LogRefusesError, match="not the one its name says"):
            publish(factories.record())

    def test_a_node_that_changes_its_name_is_told(self, settings):
        publish(factories.record())
        settings.LOG_ORIGIN = "another.example/log"
        with pytest.raises(LogRefusesError, match="set FAULTLINE_NODE_NAME back"):
            publish(factories.record())

    def test_the_command_makes_lists_rotates_and_revokes(self, capsys):
        with pytest.raises(CommandError, match="no keys yet"):
            call_command("node_key", "list")
        call_command("node_key", "generate")
        with pytest.raises(CommandError, match="rotate it"):
            call_command("node_key", "generate")
        call_command("node_key", "rotate", "log")
        call_command("node_key", "revoke", "record", "--from-index", "1")
        lines = capsys.readouterr().out.splitlines()[-6:]
        assert [line.split()[0] for line in lines] == ["log", "record", "http", "log", "record", "pin"]
        assert lines[1].endswith("to before 1, revoked")
        assert lines[-1].split()[1].startswith("test.faultline.example/log+")


class TestCheckpoints:
    def test_a_checkpoint_signs_what_is_there_once(self):
        publish(factories.record())
        made = checkpoints.sign_due()
        keys = sequencing.current_keys()
        head = parse_tree_head(open_note(made.note, checkpoints.note_keys(keys)))
        assert (head.origin, head.size, head.root) == ("test.faultline.example/log", 2, tree.root(2))
        assert guard.last_note() == made.note
        assert checkpoints.sign_due() is None

    def test_an_empty_log_is_not_signed(self):
        assert checkpoints.sign_due() is None

    def test_a_database_behind_what_was_signed_is_neither_signed_nor_appended_to(self):
        for _ in range(2):
            publish(factories.record())
        note = checkpoints.sign_due().note
        rewind(1)
        assert guard.last_note() == note
        for refused in (checkpoints.sign_due, lambda: publish(factories.record())):
            with pytest.raises(LogRefusesError, match=r"refill_log"), transaction.atomic():
                refused()

    def test_a_rewritten_database_is_not_signed(self):
        for _ in range(2):
            publish(factories.record())
        checkpoints.sign_due()
        note = guard.last_note()
        rewind(2)
        guard.remember("")
        for _ in range(3):
            publish(factories.record())
        guard.remember(note)
        with pytest.raises(LogRefusesError, match="the log was rewritten"):
            checkpoints.sign_due()
        assert "#2: this node signed another history up to here" in list(log.problems())

    def test_without_the_guard_nothing_is_signed_until_an_operator_says_so(self):
        publish(factories.record())
        checkpoints.sign_due()
        Path(guard.folder() / guard.NAME).unlink()
        publish(factories.record())
        with pytest.raises(LogRefusesError, match="--no-copy"):
            checkpoints.sign_due()
        call_command("refill_log", "--no-copy")
        assert checkpoints.latest().size == 3
        with pytest.raises(CommandError, match="nothing to accept"):
            call_command("refill_log", "--no-copy")

    def test_a_guard_that_holds_anything_else_is_named(self):
        publish(factories.record())
        guard.remember("something else")
        with pytest.raises(LogRefusesError, match="restore it"):
            checkpoints.sign_due()


def rewind(count):
    """The database as a backup of `count` entries has it."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        tables = ("publication", "logentry", "treehash", "logobject", "checkpoint")
        for table in tables:
            cursor.execute(f"ALTER TABLE incidents_{table} DISABLE TRIGGER append_only")
        cursor.execute("DELETE FROM incidents_searchrow")
        cursor.execute("DELETE FROM incidents_publication WHERE number >= %s", [count])
        cursor.execute("DELETE FROM incidents_logentry WHERE index >= %s", [count])
        cursor.execute("DELETE FROM incidents_treehash WHERE (index + 1) * 256 ^ level > %s", [count])
        cursor.execute("DELETE FROM incidents_logobject WHERE digest NOT IN (SELECT object_id FROM incidents_logentry)")
        cursor.execute("DELETE FROM incidents_checkpoint WHERE size > %s", [count])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE incidents_{table} ENABLE TRIGGER append_only")
    for model in (Fact, FacetCount, RecordedName):
        model.objects.all().delete()
    for incident in Incident.everything.all():
        last = incident.publications.order_by("number").last()
        if last is None:
            incident.delete()
            continue
        document, incident.status = bytes(last.document), Status.WITHDRAWN  # its names are counted anew
        record, standing = Record.model_validate_json(document), Standing(last.object_digest)
        showing.project([Version(incident, Operation.PUBLISH, record, document, standing, last.at)])
    search_rows.rebuild()


class TestErasure:
    def test_every_version_goes_and_the_entries_stay(self):
        record = factories.record(title="A canary title", aliases=("AIID-313",))
        publish(record)
        corrected(record, title="A second canary title")
        publish(factories.record())
        before = [bytes(leaf) for leaf in LogEntry.objects.order_by("index").values_list("leaf", flat=True)]
        entry = erase(record.id, reason=ErasureReason.PERSON)
        assert [bytes(leaf) for leaf in LogEntry.objects.order_by("index").values_list("leaf", flat=True)][:4] == before
        assert set(LogObject.objects.filter(body=None).values_list("entry__index", flat=True)) == {1, 2}
        assert all(not bytes(row.document) and not row.digest for row in entry.incident.publications.all())
        assert not Incident.objects.filter(public_id=record.id).exists()
        left = Incident.everything.get(public_id=record.id)
        assert (left.title, bytes(left.document)) == ("", b"")
        assert left.affected.count() == left.other_ids.count() == 0
        checkpoints.sign_due()
        assert list(log.problems()) == []

    def test_the_erasure_says_when_and_why_and_nothing_else(self):
        record = factories.record()
        publish(record)
        statement = json.loads(signed_object(erase(record.id, reason=ErasureReason.UNLAWFUL))[0])["erasure"]
        assert statement.pop("erased").endswith("Z")
        assert statement == {
            "id": record.id,
            "origin": "test.faultline.example",
            "reason": "unlawful",
            "schema": "faultline/erasure/1",
            "version": 2,
        }

    def test_it_is_final(self):
        record = factories.record()
        publish(record)
        erase(record.id, reason=ErasureReason.PERSON)
        with pytest.raises(NotPublishableError, match="erased already"):
            erase(record.id, reason=ErasureReason.PERSON)
        with pytest.raises(NotPublishableError, match="never published"):
            revise(Operation.CORRECT, next_version(record))
        with pytest.raises(NotPublishableError, match="already published"):
            publish(record)

    def test_only_the_origin_erases(self):
        record = factories.record(origin="elsewhere.example")
        publish(record)
        with pytest.raises(NotPublishableError, match=r"elsewhere\.example"):
            erase(record.id, reason=ErasureReason.PERSON)

    def test_the_verifier_sees_bytes_that_are_gone_without_an_erasure(self):
        entry = publish(factories.record())
        factories.rewrite(LogObject.objects.filter(digest=entry.object_digest), body=None)
        assert any("nothing in the log says" in problem for problem in log.problems())

    def test_an_erased_id_is_not_given_again(self, monkeypatch):
        from django.utils import timezone

        record = factories.record(id="FL-2026-00000000")
        publish(record)
        erase(record.id, reason=ErasureReason.PERSON)
        letters = iter("00000000" + "ABCDEFGH")
        monkeypatch.setattr("incidents.publishing.secrets.choice", lambda _letters: next(letters))
        assert mint_public_id(timezone.now().replace(year=2026)) == "FL-2026-ABCDEFGH"


class TestTheVerifierNames:
    @pytest.mark.parametrize(
        ("rows", "columns", "problem"),
        [
            (lambda: TreeHash.objects.filter(level=0, index=1), {"hash": bytes(32)}, "#1: hash 1 of level 0"),
            (lambda: LogEntry.objects.filter(index=2), {"op": "revise"}, "#2: the row says something else"),
            (lambda: LogEntry.objects.filter(index=2), {"leaf": b"{}"}, "#2: the entry is no leaf"),
            (lambda: Publication.objects.filter(number=2), {"digest": "0" * 64}, "#2: the document is not the one"),
            (lambda: Publication.objects.filter(number=2), {"operation": "withdraw"}, "#2: what was published is not"),
            (Checkpoint.objects.all, {"root": bytes(32), "note": "x"}, "this is no signed note"),
        ],
    )
    def test_what_was_changed(self, rows, columns, problem):
        for _ in range(2):
            publish(factories.record())
        checkpoints.sign_due()
        factories.rewrite(rows(), **columns)
        assert any(found.startswith(problem) or problem in found for found in log.problems())

    def test_an_object_signed_by_another_key(self, settings):
        publish(factories.record())
        keys = settings.NODE_KEYS
        settings.NODE_KEYS = []
        other = keyring.make(Purpose.RECORD)
        settings.NODE_KEYS = keys
        entry = LogEntry.objects.get(pk=1)
        payload, _ = jws.read(bytes(entry.object.body))
        forged = jws.sign(payload, other)
        leaf = json.loads(bytes(entry.leaf)) | {"obj": digest(forged)}
        LogObject.objects.create(digest=digest(forged), body=forged)
        factories.rewrite(LogEntry.objects.filter(index=1), object_id=digest(forged), leaf=canonical_bytes(leaf))
        assert any("signed by other keys" in problem for problem in log.problems())


@pytest.mark.django_db(transaction=True)
def test_while_many_publish_every_checkpoint_continues_the_one_before():
    """6 writers x 8 publications, a key that is rotated, two signers, all at once."""
    failures, finished = [], threading.Event()

    def run(work):
        try:
            work()
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    def write():
        for _ in range(8):
            publish(factories.record())

    def sign():
        while not finished.is_set():
            checkpoints.sign_due()

    writers = [threading.Thread(target=run, args=(write,)) for _ in range(6)]
    writers.append(threading.Thread(target=run, args=(lambda: key_events.rotate(Purpose.LOG),)))
    signers = [threading.Thread(target=run, args=(sign,)) for _ in range(2)]
    publish(factories.record())
    for thread in [*signers, *writers]:
        thread.start()
    for thread in writers:
        thread.join()
    finished.set()
    for thread in signers:
        thread.join()
    checkpoints.sign_due()
    assert failures == []
    made = list(Checkpoint.objects.order_by("size"))
    assert made[-1].size == 2 + 48 + 1
    assert len(made) > 2
    for old, new in pairwise(made):
        proof = tree.roots(merkle.consistency_ranges(old.size, new.size))
        merkle.check_consistency(old.size, bytes(old.root), new.size, bytes(new.root), proof)
    assert list(log.problems()) == []
