"""What a moderator released of a red-team tool's result file. Life: `reports.excerpts`."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from reports.models.case import Case
from reports.models.evidence import Evidence

MOST_CHARACTERS = 4000


class Excerpt(models.Model):
    """A prompt, an answer or both, that become part of a case's public wording. Goes with the file it is from."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="excerpts")
    evidence = models.ForeignKey(Evidence, on_delete=models.CASCADE, related_name="excerpts")
    number = models.PositiveSmallIntegerField(help_text="Of the attempt among those that are shown of the file.")
    tool = models.CharField(max_length=100)
    probe = models.CharField(max_length=200, blank=True)
    prompt = models.TextField(max_length=MOST_CHARACTERS, blank=True)
    output = models.TextField(max_length=MOST_CHARACTERS, blank=True)
    released_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    released_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["case", "evidence", "number"], name="excerpt_once"),
            models.CheckConstraint(condition=~Q(prompt="") | ~Q(output=""), name="excerpt_says_something"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number + 1} of file {self.evidence_id}"
