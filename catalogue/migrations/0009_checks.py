from pathlib import PurePosixPath

import django.db.models.deletion
from django.db import migrations, models

from catalogue.drift import WEIGHTS


def fill(apps, _editor):
    """From the files that each snapshot lists."""
    weight_file = apps.get_model("catalogue", "WeightFile")
    for snapshot in apps.get_model("catalogue", "Snapshot").objects.iterator():
        weight_file.objects.bulk_create(
            weight_file(snapshot=snapshot, path=file["path"][:1000], sha256=file["sha256"])
            for file in snapshot.files
            if file["sha256"] and PurePosixPath(file["path"]).suffix.lower() in WEIGHTS
        )


class Migration(migrations.Migration):
    dependencies = [("catalogue", "0008_append_only")]

    operations = [
        migrations.CreateModel(
            name="WeightFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("path", models.CharField(max_length=1000)),
                ("sha256", models.CharField(db_index=True, max_length=64)),
                (
                    "snapshot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="weight_files",
                        to="catalogue.snapshot",
                    ),
                ),
            ],
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
