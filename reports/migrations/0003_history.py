import hashlib
import secrets
from datetime import UTC

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from lib.canonical import canonical_bytes, digest

# The advisory lock is held to the end of the commit that runs this trigger: numbers follow commit order.
CHAIN = """
CREATE FUNCTION faultline_link_activity(activity bigint, digest text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    last reports_activitylink%ROWTYPE;
    next bigint;
    leaf text;
BEGIN
    PERFORM pg_advisory_xact_lock(7265104);
    SELECT * INTO last FROM reports_activitylink ORDER BY number DESC LIMIT 1;
    next := coalesce(last.number, 0) + 1;
    leaf := format('{"activity":%s,"digest":"%s","number":%s}', activity, digest, next);
    INSERT INTO reports_activitylink (number, activity_id, chain) VALUES (next, activity,
        encode(sha256(decode(coalesce(last.chain, repeat('00', 32)), 'hex') || convert_to(leaf, 'UTF8')), 'hex'));
END $$;

CREATE FUNCTION faultline_link_new_activity() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM faultline_link_activity(NEW.id, NEW.digest);
    RETURN NULL;
END $$;

DO $$
DECLARE
    activity record;
BEGIN
    FOR activity IN SELECT id, digest FROM reports_activity ORDER BY id LOOP
        PERFORM faultline_link_activity(activity.id, activity.digest);
    END LOOP;
END $$;
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;

CREATE CONSTRAINT TRIGGER link AFTER INSERT ON reports_activity DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION faultline_link_new_activity();
"""
UNCHAIN = """
DROP TRIGGER link ON reports_activity;
DROP FUNCTION faultline_link_new_activity();
DROP FUNCTION faultline_link_activity(bigint, text);
"""

# Whoever erases a note takes its salt, too; nothing else of an activity ever changes.
FORBID = """
CREATE FUNCTION faultline_activity_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.note = '' AND NEW.note_salt = ''
        AND to_jsonb(NEW) - ARRAY['note', 'note_salt'] = to_jsonb(OLD) - ARRAY['note', 'note_salt'] THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% rows are append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON reports_activity
    FOR EACH ROW EXECUTE FUNCTION faultline_activity_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON reports_activitylink
    FOR EACH ROW EXECUTE FUNCTION faultline_append_only();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON reports_activity
    FOR EACH STATEMENT EXECUTE FUNCTION faultline_append_only();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON reports_activitylink
    FOR EACH STATEMENT EXECUTE FUNCTION faultline_append_only();
"""
ALLOW = """
DROP TRIGGER never_emptied ON reports_activitylink;
DROP TRIGGER never_emptied ON reports_activity;
DROP TRIGGER append_only ON reports_activitylink;
DROP TRIGGER append_only ON reports_activity;
DROP FUNCTION faultline_activity_change();
"""
AS_BEFORE = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON reports_activity
    FOR EACH ROW EXECUTE FUNCTION faultline_append_only();
"""


def digest_what_is_there(apps, _schema_editor):
    """As `reports.history` does when an activity is written."""
    for activity in apps.get_model("reports", "Activity").objects.order_by("pk").iterator():
        if activity.note:
            activity.note_salt = secrets.token_hex(16)
            salted = bytes.fromhex(activity.note_salt) + activity.note.encode()
            activity.note_digest = hashlib.sha256(salted).hexdigest()
        activity.digest = digest(
            canonical_bytes(
                {
                    "actor": activity.actor_id,
                    "actor_name": activity.actor_name,
                    "after": activity.after,
                    "at": activity.at.astimezone(UTC).isoformat(timespec="microseconds"),
                    "before": activity.before,
                    "case": activity.case_id,
                    "note": activity.note_digest,
                    "report": activity.report_id,
                    "verb": activity.verb,
                }
            )
        )
        activity.save(update_fields=["note_salt", "note_digest", "digest"])


class Migration(migrations.Migration):
    """The chain over all activities, and the erasures that it survives."""

    dependencies = [
        ("reports", "0002_append_only"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ActivityLink",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("chain", models.CharField(max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name="Erasure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("reporter", "The reporter asked for it"),
                            ("person", "A person named in it asked for it"),
                            ("unlawful", "It must not be kept by law"),
                        ],
                        max_length=20,
                    ),
                ),
                ("asked_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("done_at", models.DateTimeField(blank=True, null=True)),
                ("dropped_at", models.DateTimeField(blank=True, null=True)),
                ("erased", models.JSONField(blank=True, default=dict, help_text="How many rows of each kind.")),
            ],
            options={
                "ordering": ["-asked_at", "-pk"],
                "permissions": [("erase", "Can ask for an erasure and confirm somebody else's")],
            },
        ),
        migrations.AlterModelOptions(
            name="activity",
            options={
                "ordering": ["pk"],
                "permissions": [
                    ("view_metrics", "Can see how the queue does"),
                    ("view_team", "Can see what each moderator did"),
                ],
                "verbose_name_plural": "activities",
            },
        ),
        migrations.AddField(
            model_name="activity",
            name="digest",
            field=models.CharField(
                default="", editable=False, help_text="What it covers: reports.history.", max_length=64
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="activity",
            name="note_digest",
            field=models.CharField(blank=True, editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name="activity",
            name="note_salt",
            field=models.CharField(blank=True, editable=False, help_text="Goes with the note.", max_length=32),
        ),
        migrations.RunSQL("DROP TRIGGER append_only ON reports_activity;", AS_BEFORE),
        migrations.RunPython(digest_what_is_there, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="activity",
            constraint=models.CheckConstraint(
                condition=models.Q(("digest", ""), _negated=True), name="activity_has_digest"
            ),
        ),
        migrations.AddField(
            model_name="activitylink",
            name="activity",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="link", to="reports.activity"
            ),
        ),
        migrations.AddField(
            model_name="erasure",
            name="asked_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="erasure",
            name="confirmed_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="erasure",
            name="report",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="erasures", to="reports.report"
            ),
        ),
        migrations.AddConstraint(
            model_name="erasure",
            constraint=models.CheckConstraint(
                condition=models.Q(("confirmed_by", models.F("asked_by")), _negated=True), name="erasure_two_people"
            ),
        ),
        migrations.AddConstraint(
            model_name="erasure",
            constraint=models.CheckConstraint(
                condition=models.Q(("done_at__isnull", True), ("confirmed_by__isnull", False), _connector="XOR"),
                name="erasure_done_is_confirmed",
            ),
        ),
        migrations.AddConstraint(
            model_name="erasure",
            constraint=models.CheckConstraint(
                condition=models.Q(("done_at__isnull", True), ("dropped_at__isnull", True), _connector="OR"),
                name="erasure_done_or_dropped",
            ),
        ),
        migrations.AddConstraint(
            model_name="erasure",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason__in", ["reporter", "person", "unlawful"])), name="erasure_reason"
            ),
        ),
        migrations.AddConstraint(
            model_name="erasure",
            constraint=models.UniqueConstraint(
                condition=models.Q(("done_at", None), ("dropped_at", None)), fields=("report",), name="erasure_one_open"
            ),
        ),
        migrations.RunSQL(CHAIN, UNCHAIN),
        migrations.RunSQL(FORBID, ALLOW),
    ]
