"""Moderators and workers while the log takes nothing: what was approved waits, and everybody is told why."""

import logging

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.urls import reverse
from django.utils import timezone

from incidents import checkpoints, guard
from incidents.models import Publication
from lib.notes import TreeHead, sign_note
from reports import release
from reports.models import Release, ReleaseState
from tests import factories

pytestmark = pytest.mark.django_db
ORIGIN = "test.faultline.example/log"


@pytest.fixture
def behind():
    """The node has signed more than its database holds."""
    key = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)
    guard.remember(sign_note(str(TreeHead(ORIGIN, 99, bytes(32))), [(ORIGIN, key)]))


def test_what_was_approved_waits_and_is_published_later(behind, settings):
    settings.UNDO_SECONDS = 30
    row = release.schedule(case=factories.worded_case(), verb="publish", by=factories.moderator())
    Release.objects.update(due_at=timezone.now())
    assert release.publish_due() == 0
    row.refresh_from_db()
    assert (row.state, row.strikes) == (ReleaseState.SCHEDULED, 0)
    assert "refill_log" in row.last_error
    (guard.folder() / guard.NAME).unlink()
    row.retry_now()
    assert release.publish_due() == 1


def test_a_moderator_reads_why(behind, signed_in):
    case = factories.worded_case()
    client = signed_in(factories.moderator())
    seen = client.get(reverse("admin:reports_case_change", args=[case.pk])).context["seen"]
    page = client.post(reverse("admin:reports_case_move", args=[case.pk, "publish"]), {"seen": seen}, follow=True)
    assert "restored from an older backup" in page.content.decode()
    assert not Publication.objects.exists()


def test_the_operators_read_why_nothing_is_signed(behind, caplog):
    with caplog.at_level(logging.ERROR):
        checkpoints.sign_or_say()
    assert "refill_log" in caplog.text
