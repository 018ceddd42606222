import django.contrib.postgres.indexes
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("catalogue", "0008_append_only"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="snapshot",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["files"], name="catalogue_snapshot_files", opclasses=["jsonb_path_ops"]
            ),
        ),
    ]
