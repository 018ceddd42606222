"""The moderation console: Django's admin as a face over the verbs of `reports.workflow`."""

from reports.admin import activities, cases, queue, releases

__all__ = ["activities", "cases", "queue", "releases"]
