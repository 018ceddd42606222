"""The moderation console: Django's admin as a face over the verbs of `reports.workflow`."""

from reports.admin import activities, cases, erasures, evidence, queue, releases

__all__ = ["activities", "cases", "erasures", "evidence", "queue", "releases"]
