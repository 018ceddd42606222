"""Waking workers after commit."""

import pytest
from django.db import transaction

from lib.wake import wake


def test_an_unknown_event_is_a_mistake_that_shows():
    with pytest.raises(KeyError):
        wake("nothing of the kind")


@pytest.mark.django_db
def test_a_lost_broker_costs_a_log_line_and_not_the_transaction(broker_gone, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True) as callbacks, transaction.atomic():
        wake("model named")
    assert callbacks
