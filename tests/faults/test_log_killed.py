"""Processes killed with SIGKILL while they publish or sign: no entry twice, no checkpoint that another contradicts."""

import signal

import pytest
from django.core.management import call_command

from incidents import checkpoints, guard, tree
from incidents.models import Publication
from incidents.publishing import publish
from lib import merkle
from lib.notes import parse_tree_head
from tests import factories
from tests.waiting import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)
SIGNING = (
    "before the guard",
    "in the middle of the guard",
    "before the world can read it",
    "after the world can read it",
)


@pytest.fixture
def killed(start, tmp_path, settings):
    """Runs a process to the step at which it dies."""

    def run(step, work):
        environment = {"FAULTLINE_LOG_ROOT": str(settings.LOG_ROOT), "DJANGO_SETTINGS_MODULE": "config.settings"}
        environment["FAULTLINE_NODE_KEYS"] = ",".join(settings.NODE_KEYS)
        process = start("tests.faults.die_at", step, work, log=tmp_path / "log.txt", **environment)
        assert process.wait(PATIENCE) == -signal.SIGKILL, (tmp_path / "log.txt").read_text()

    return run


@pytest.mark.parametrize("step", SIGNING)
def test_the_next_checkpoint_continues_whatever_was_signed(killed, step):
    publish(factories.record())
    first = checkpoints.sign_due()
    publish(factories.record())
    killed(step, "sign")
    remembered = guard.last_signed()
    # Whatever may have been seen is remembered; whatever is served was remembered first.
    assert checkpoints.latest().size <= remembered.size
    if remembered.size == tree.size():
        note = guard.last_note()
        checkpoints.sign_due()
        assert checkpoints.latest().note == note
    publish(factories.record())
    last = checkpoints.sign_due()
    for old in (parse_tree_head(first.note.partition("\n\n")[0] + "\n"), remembered):
        proof = tree.roots(merkle.consistency_ranges(old.size, last.size))
        merkle.check_consistency(old.size, old.root, last.size, bytes(last.root), proof)
    assert not list(guard.folder().glob("*.new")) or step == "in the middle of the guard"
    call_command("verify_log")


def test_what_was_not_committed_never_was(killed):
    publish(factories.record())
    checkpoints.sign_due()
    killed("before the commit", "publish")
    assert Publication.objects.count() == 1
    assert tree.size() == 2
    publish(factories.record(id="FL-2026-KKKKKKKK"))
    assert checkpoints.sign_due().size == 3
    call_command("verify_log")


def test_a_first_publication_that_died_leaves_keys_for_the_next(killed, settings, tmp_path):
    settings.LOG_ROOT, settings.NODE_KEYS = tmp_path / "own", []
    killed("with keys in files", "publish")
    assert tree.size() == 0
    publish(factories.record())
    assert checkpoints.sign_due().size == 2
    assert len(list((settings.LOG_ROOT / "keys").iterdir())) == 3
    call_command("verify_log")
