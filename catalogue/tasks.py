"""What the workers run. Nothing imports this module."""

from celery import shared_task

from catalogue import inspections, lookups, traits
from lib.wake import wake


@shared_task
def look_up_due_models() -> None:
    """Asks the hubs about every model that is due."""
    if lookups.look_up_due():
        wake("model looked up")


@shared_task
def inspect_due_models() -> None:
    """Takes a closer look at every model that is due."""
    inspections.inspect_due(then=traits.note)
