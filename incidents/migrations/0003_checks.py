import json

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models


def fill(apps, _editor):
    """From the documents, whose models were projected in their order."""
    for incident in apps.get_model("incidents", "Incident").objects.iterator():
        named = json.loads(bytes(incident.document))["affected"]
        for row, model in zip(incident.affected.order_by("pk"), named, strict=True):
            row.file_paths = [file["path"] for file in model["files"]]
            row.file_digests = [file["sha256"] for file in model["files"] if file["sha256"]]
            row.save(update_fields=["file_paths", "file_digests"])


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0002_append_only"),
    ]

    operations = [
        migrations.AddField(
            model_name="affected",
            name="file_digests",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=64), blank=True, default=list, help_text="SHA-256.", size=None
            ),
        ),
        migrations.AddField(
            model_name="affected",
            name="file_paths",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=1000), blank=True, default=list, size=None
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="affected",
            index=django.contrib.postgres.indexes.GinIndex(fields=["file_digests"], name="affected_by_digest"),
        ),
    ]
