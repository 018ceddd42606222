"""A database restored from an old backup: what it lacks comes back from a copy of the log, checked."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from incidents import checkpoints, guard, key_events, log
from incidents.keys import Purpose
from incidents.models import Incident, LogEntry, Operation, Publication
from incidents.publishing import ErasureReason, erase, publish, revise
from incidents.record import Record
from tests import factories
from tests.incidents.test_log import rewind

pytestmark = pytest.mark.django_db


@pytest.fixture
def mirror(tmp_path):
    """A folder served as plain files, as any web server mirrors a log; `keep` copies what this node serves."""
    folder = tmp_path / "mirror"
    handler = partial(SimpleHTTPRequestHandler, directory=folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def keep():
        size = checkpoints.sign_due() and checkpoints.latest().size
        for path in ("checkpoint", f"tile/entries/000.p/{size}", f"objects/000.p/{size}"):
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(Client().get(f"/log/{path}").content)
        return folder

    keep.address = f"http://127.0.0.1:{server.server_port}"
    yield keep
    server.shutdown()
    thread.join()
    server.server_close()


def next_version(record, **changes):
    return Record.model_validate({**record.document(), "version": record.version + 1, **changes})


def told():
    """What the world reads of the log."""
    rows = Publication.objects.order_by("number")
    published = [(row.number, row.operation, row.version, bytes(row.document), row.object_digest) for row in rows]
    served = Incident.objects.order_by("public_id").values_list("public_id", "digest", "status", "superseded_by")
    return published, list(served)


def a_full_log():
    """One of everything that can happen to a record."""
    first, second, third, fourth = (factories.record() for _ in range(4))
    for record in (first, second, third, fourth):
        publish(record)
    corrected = next_version(first, title="Better", notice="Wrong.")
    revise(Operation.CORRECT, corrected)
    revise(Operation.DISPUTE, next_version(corrected, status="disputed", notice="They disagree."))
    merged = next_version(second, status="withdrawn", notice="The same.", superseded_by=first.id)
    revise(Operation.MERGE, merged)
    revise(Operation.RESTORE, next_version(merged, status="published", notice="Not the same.", superseded_by=None))
    revise(Operation.WITHDRAW, next_version(third, status="withdrawn", notice="It did not happen."))
    erase(fourth.id, reason=ErasureReason.PERSON)


def test_everything_that_the_backup_lacks_comes_back_as_it_was(mirror, capsys):
    a_full_log()
    mirror()
    before = told()
    rewind(2)
    call_command("refill_log", mirror.address)
    assert capsys.readouterr().out.startswith("9 entries added")
    assert told() == before
    assert list(log.problems()) == []
    assert publish(factories.record()).number == 11
    assert checkpoints.sign_due().size == 12


def test_a_second_time_adds_nothing(mirror, capsys):
    a_full_log()
    mirror()
    call_command("refill_log", mirror.address)
    assert capsys.readouterr().out.startswith("0 entries added")


def test_keys_that_were_rotated_since_come_back(mirror, settings, tmp_path):
    settings.LOG_ROOT, settings.NODE_KEYS = tmp_path / "log", []
    publish(factories.record())
    checkpoints.sign_due()
    key_events.rotate(Purpose.RECORD)
    key_events.rotate(Purpose.LOG)
    publish(factories.record())
    mirror()
    rewind(2)
    call_command("refill_log", mirror.address)
    assert list(log.problems()) == []
    assert LogEntry.objects.count() == 5


def change_entries(folder):
    path = next(folder.glob("tile/entries/000.p/*"))
    path.write_bytes(path.read_bytes().replace(b"publish", b"retract"))


def change_objects(folder):
    path = next(folder.glob("objects/000.p/*"))
    lines = path.read_bytes().split(b"\n")
    lines[3] = lines[2]
    path.write_bytes(b"\n".join(lines))


def hide_an_object(folder):
    path = next(folder.glob("objects/000.p/*"))
    lines = path.read_bytes().split(b"\n")
    lines[3] = b""
    path.write_bytes(b"\n".join(lines))


def shorten(folder):
    path = next(folder.glob("tile/entries/000.p/*"))
    path.write_bytes(path.read_bytes()[:-300])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (change_entries, "entry"),
        (change_objects, "not the one that the leaf names"),
        (hide_an_object, "lacks objects"),
        (shorten, "cut off"),
        (lambda folder: (folder / "checkpoint").write_text("x"), "no signed note"),
        (lambda folder: (folder / "checkpoint").unlink(), "status 404"),
    ],
)
def test_a_copy_that_lies_changes_nothing(mirror, change, said):
    for _ in range(4):
        publish(factories.record())
    change(mirror())
    rewind(2)
    with pytest.raises(CommandError, match=said):
        call_command("refill_log", mirror.address)
    assert LogEntry.objects.count() == 2
    assert guard.last_signed().size == 5


def test_a_copy_with_less_than_was_signed_does_not_do(mirror):
    publish(factories.record())
    mirror()
    publish(factories.record())
    checkpoints.sign_due()
    rewind(1)
    with pytest.raises(CommandError, match="less than this node has signed"):
        call_command("refill_log", mirror.address)


def test_an_address_where_nobody_answers_is_one_line(free_port):
    publish(factories.record())
    with pytest.raises(CommandError, match="checkpoint"):
        call_command("refill_log", f"http://127.0.0.1:{free_port()}")
