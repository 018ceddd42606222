"""Work as rows with a due time."""

from datetime import timedelta

import pytest
from django.utils import timezone

from catalogue.hub import Reference
from catalogue.models import Lookup
from catalogue.naming import name_model
from lib.due import LONGEST_WAIT, MOST_STRIKES, back_off, lease_next

pytestmark = pytest.mark.django_db


@pytest.fixture
def row():
    return Lookup.objects.get(alias=name_model(Reference("huggingface", "org/model")))


def reread(row):
    return Lookup.objects.get(pk=row.pk)


def expire(row):
    Lookup.objects.filter(pk=row.pk).update(leased_until=timezone.now() - timedelta(seconds=1))


def make_due(row):
    Lookup.objects.filter(pk=row.pk).update(due_at=timezone.now())


def test_a_leased_row_is_nobody_elses_until_the_lease_runs_out(row):
    assert lease_next(Lookup.objects.all()) == row
    assert lease_next(Lookup.objects.all()) is None
    expire(row)
    assert lease_next(Lookup.objects.all()) == row


def test_a_row_that_is_not_due_is_left_alone(row):
    Lookup.objects.update(due_at=timezone.now() + timedelta(minutes=1))
    assert lease_next(Lookup.objects.all()) is None


def test_done_starts_afresh(row):
    lease = lease_next(Lookup.objects.all())
    assert lease.done(next_due=timezone.now() + timedelta(days=1))
    after = reread(row)
    assert (after.attempts, after.strikes, after.leased_until, after.last_error) == (0, 0, None, "")


def test_what_was_made_due_while_it_was_worked_on_stays_due(row):
    lease = lease_next(Lookup.objects.all())
    make_due(row)
    assert lease.done(next_due=timezone.now() + timedelta(days=1))
    assert lease_next(Lookup.objects.all()) == row


def test_a_worker_that_lost_its_lease_changes_nothing(row):
    slow = lease_next(Lookup.objects.all())
    expire(row)
    quick = lease_next(Lookup.objects.all())
    assert not slow.done(next_due=timezone.now() + timedelta(days=1))
    assert reread(row).leased_until == quick.leased_until
    assert quick.done(next_due=timezone.now() + timedelta(days=1))


def test_the_other_sides_silence_is_waited_for_without_end(row):
    for _ in range(MOST_STRIKES * 3):
        make_due(row)
        assert lease_next(Lookup.objects.all()).postpone("no answer")
    after = reread(row)
    assert not after.is_parked
    assert after.last_error == "no answer"
    assert after.due_at <= timezone.now() + LONGEST_WAIT


def test_a_wait_the_other_side_asked_for_is_kept(row):
    lease_next(Lookup.objects.all()).postpone("slow down", at_least=900)
    assert reread(row).due_at > timezone.now() + timedelta(seconds=890)


def test_a_row_that_keeps_failing_is_parked_and_an_operator_can_retry_it(row):
    for _ in range(MOST_STRIKES):
        make_due(row)
        assert lease_next(Lookup.objects.all()).fail("broken")
    make_due(row)
    assert lease_next(Lookup.objects.all()) is None
    assert reread(row).is_parked
    reread(row).retry_now()
    assert lease_next(Lookup.objects.all()) == row


def test_a_row_that_kills_its_worker_is_parked_too(row):
    for _ in range(MOST_STRIKES):
        assert lease_next(Lookup.objects.all()) == row
        expire(row)
    assert lease_next(Lookup.objects.all()) is None
    assert reread(row).is_parked


def test_waits_grow_and_stay_under_an_hour():
    assert back_off(1) <= timedelta(seconds=2)
    assert timedelta(seconds=8) <= back_off(4) <= timedelta(seconds=16)
    assert all(back_off(many) <= LONGEST_WAIT for many in (12, 100, 10_000))
