"""The moderation console: Django's admin as a face over the verbs of `reports.workflow`."""

from reports.admin import activities, cases, erasures, evidence, imports, queue, releases

__all__ = ["activities", "cases", "erasures", "evidence", "imports", "queue", "releases"]
