"""What finds texts and links that are alike. Made by `reports.duplicates`."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from incidents.models import Incident
from reports.models.report import Report


class Fingerprint(models.Model):
    """Of one report or of one public record: its links without their decoration, and its wording as numbers."""

    report = models.OneToOneField(Report, on_delete=models.CASCADE, null=True, blank=True, related_name="fingerprint")
    incident = models.OneToOneField(Incident, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    links = ArrayField(models.TextField(), default=list)
    signature = ArrayField(models.IntegerField(), default=list)
    bands = ArrayField(models.IntegerField(), default=list)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(report__isnull=True) ^ Q(incident__isnull=True), name="fingerprint_of_one"
            ),
        ]
        indexes = [
            GinIndex(fields=["links"], name="fingerprint_links"),
            GinIndex(fields=["bands"], name="fingerprint_bands"),
        ]
