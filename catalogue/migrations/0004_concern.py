import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.db import migrations, models

from catalogue.lookalikes import skeleton

BATCH = 2000


def fill_skeletons(apps, _schema_editor):
    """What every name known so far looks like."""
    aliases = apps.get_model("catalogue", "Alias").objects
    batch = []
    for alias in aliases.filter(skeleton="").only("pk", "name").iterator(chunk_size=BATCH):
        alias.skeleton = skeleton(alias.name)
        batch.append(alias)
        if len(batch) == BATCH:
            aliases.bulk_update(batch, ["skeleton"])
            batch = []
    aliases.bulk_update(batch, ["skeleton"])


class Migration(migrations.Migration):
    dependencies = [
        ("catalogue", "0003_inspection"),
    ]

    operations = [
        migrations.AddField(
            model_name="alias",
            name="skeleton",
            field=models.CharField(
                blank=True, db_index=True, default="", help_text="What the name looks like.", max_length=300
            ),
        ),
        migrations.AddIndex(
            model_name="alias",
            index=models.Index(
                django.db.models.functions.text.Substr(
                    "skeleton",
                    models.expressions.CombinedExpression(
                        django.db.models.functions.text.StrIndex("skeleton", models.Value("/")), "+", models.Value(1)
                    ),
                ),
                name="catalogue_alias_repository",
            ),
        ),
        migrations.CreateModel(
            name="Concern",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("look_alike", "looks like another model"),
                            ("moved_to_other_model", "now leads to another model"),
                        ],
                        max_length=30,
                    ),
                ),
                ("detail", models.CharField(help_text="One line: why.", max_length=1000)),
                ("noted_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("settled_at", models.DateTimeField(blank=True, null=True)),
                ("settled_by", models.CharField(blank=True, max_length=150)),
                (
                    "verdict",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("different", "Different models, no imitation"),
                            ("imitation", "An imitation"),
                            ("same publisher", "The same publisher's"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "alias",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="concerns", to="catalogue.alias"
                    ),
                ),
                (
                    "other",
                    models.ForeignKey(
                        blank=True,
                        help_text="The name it could be taken for.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="likenesses",
                        to="catalogue.alias",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("settled_at", None)), fields=["noted_at"], name="catalogue_concern_open"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("kind", "alias", "other"), name="catalogue_concern_once", nulls_distinct=False
                    )
                ],
            },
        ),
        migrations.RunPython(fill_skeletons, migrations.RunPython.noop, elidable=True),
    ]
