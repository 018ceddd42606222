"""The settings of a node whose workers do lookups and nothing else: calls and snapshots can then be counted."""

from config.settings import *  # noqa: F403
from config.settings import CELERY_BEAT_SCHEDULE, WAKES

LOOK_UP = "catalogue.tasks.look_up_due_models"

WAKES = {event: [task for task in tasks if task == LOOK_UP] for event, tasks in WAKES.items()}
CELERY_BEAT_SCHEDULE = {LOOK_UP: CELERY_BEAT_SCHEDULE[LOOK_UP]}
