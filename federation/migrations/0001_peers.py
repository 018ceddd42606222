import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

# Leaves, hashes and evidence are only ever added. Of an object the bytes may come later, as the leaf names them, and go
# once a later entry of that log says that the record is erased.
FORBID = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON federation_pulledentry
    FOR EACH ROW EXECUTE FUNCTION faultline_append_only();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON federation_pulledentry
    FOR EACH STATEMENT EXECUTE FUNCTION faultline_append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON federation_pulledhash
    FOR EACH ROW EXECUTE FUNCTION faultline_append_only();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON federation_pulledhash
    FOR EACH STATEMENT EXECUTE FUNCTION faultline_append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON federation_evidence
    FOR EACH ROW EXECUTE FUNCTION faultline_append_only();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON federation_evidence
    FOR EACH STATEMENT EXECUTE FUNCTION faultline_append_only();

ALTER TABLE federation_pulledentry ADD CONSTRAINT pulled_entry_leaf_bytes CHECK (octet_length(leaf) <= 65535);
ALTER TABLE federation_pulledhash ADD CONSTRAINT pulled_hash_bytes CHECK (octet_length(hash) = 32);
ALTER TABLE federation_pulledobject ADD CONSTRAINT pulled_object_digest
    CHECK (body IS NULL OR encode(sha256(body), 'hex') = digest);
CREATE FUNCTION faultline_pulled_object_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_erased boolean;
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.entry_id = OLD.entry_id AND NEW.digest = OLD.digest THEN
        SELECT EXISTS (
            SELECT 1 FROM federation_pulledentry entry JOIN federation_pulledentry erasure
                ON erasure.peer_id = entry.peer_id AND erasure.subject = entry.subject
            WHERE entry.id = OLD.entry_id AND erasure.op = 'erase' AND erasure.index > entry.index
        ) INTO is_erased;
        IF (NEW.body IS NULL AND is_erased) OR (OLD.body IS NULL AND NOT is_erased) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% rows are append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON federation_pulledobject
    FOR EACH ROW EXECUTE FUNCTION faultline_pulled_object_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON federation_pulledobject
    FOR EACH STATEMENT EXECUTE FUNCTION faultline_append_only();
"""
ALLOW = """
DROP TRIGGER never_emptied ON federation_pulledobject;
DROP TRIGGER append_only ON federation_pulledobject;
DROP FUNCTION faultline_pulled_object_change();
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("incidents", "0012_foreign"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Peer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("due_at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                ("leased_until", models.DateTimeField(blank=True, null=True)),
                ("attempts", models.PositiveIntegerField(default=0, help_text="Since the last success.")),
                (
                    "strikes",
                    models.PositiveIntegerField(
                        default=0, help_text="Leases in a row that ended without a verdict, or in an error."
                    ),
                ),
                (
                    "parked_at",
                    models.DateTimeField(blank=True, help_text="No longer tried until an operator says so.", null=True),
                ),
                ("last_error", models.CharField(blank=True, max_length=500)),
                (
                    "domain",
                    models.CharField(
                        help_text="The node's name, and its records' origin.", max_length=253, unique=True
                    ),
                ),
                (
                    "origin",
                    models.CharField(help_text="What its checkpoints call its log.", max_length=260, unique=True),
                ),
                (
                    "origin_digest",
                    models.CharField(
                        help_text="SHA-256 of the origin: its mirrors' place.", max_length=64, unique=True
                    ),
                ),
                (
                    "node_address",
                    models.CharField(
                        blank=True,
                        help_text="Where the node itself answers; empty where only a mirror of it is known.",
                        max_length=500,
                    ),
                ),
                (
                    "log_address",
                    models.CharField(help_text="The prefix of its log, or of a mirror of it.", max_length=500),
                ),
                ("vkey", models.CharField(help_text="The key that its operators gave by another way.", max_length=400)),
                (
                    "state",
                    models.CharField(
                        choices=[("followed", "Followed"), ("paused", "Paused"), ("removed", "Removed")],
                        default="followed",
                        max_length=10,
                    ),
                ),
                (
                    "acceptance",
                    models.CharField(
                        choices=[("publish", "Publish"), ("moderate", "Moderate"), ("reject", "Reject")],
                        default="moderate",
                        max_length=10,
                    ),
                ),
                (
                    "acceptance_by_category",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="Categories that are treated otherwise; what is below one, as it is.",
                    ),
                ),
                (
                    "licences",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40),
                        default=list,
                        help_text="Under which its records must be to be taken.",
                        size=None,
                    ),
                ),
                ("most_entries", models.PositiveIntegerField(default=10000, help_text="That one run reads.")),
                (
                    "most_object_bytes",
                    models.PositiveIntegerField(default=500000, help_text="Of a signed object; larger ones wait."),
                ),
                ("seen", models.BigIntegerField(default=0, help_text="Entries, as its last checkpoint has them.")),
                ("size", models.BigIntegerField(default=0, help_text="Entries verified and kept here.")),
                ("applied", models.BigIntegerField(default=0, help_text="Entries that took effect here.")),
                (
                    "history",
                    models.BigIntegerField(
                        default=0,
                        help_text="Entries when it was first read: withdrawals among them are none of today's.",
                    ),
                ),
                ("root", models.BinaryField(default=b"", help_text="Over the entries kept.")),
                (
                    "seen_note",
                    models.TextField(
                        blank=True, help_text="The last checkpoint of all, which begins with what is kept."
                    ),
                ),
                ("read_at", models.DateTimeField(blank=True, help_text="When it last answered well.", null=True)),
                (
                    "distrusted_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Since it contradicted itself: nothing of it is shown by itself from then on.",
                        null=True,
                    ),
                ),
            ],
            options={
                "ordering": ["domain"],
            },
        ),
        migrations.CreateModel(
            name="Evidence",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("checkpoints", "Checkpoints"), ("revisions", "Revisions")], max_length=12
                    ),
                ),
                (
                    "digest",
                    models.CharField(help_text="SHA-256 over both, so that the same is kept once.", max_length=64),
                ),
                ("first", models.TextField(help_text="What it signed before: a checkpoint, or a leaf.")),
                ("second", models.TextField(help_text="What does not go with it.")),
                ("proof", models.JSONField(default=dict, help_text="What shows that they do not go together.")),
                ("at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "verbose_name_plural": "evidence",
                "ordering": ["-pk"],
            },
        ),
        migrations.CreateModel(
            name="PulledEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("index", models.BigIntegerField()),
                ("leaf", models.BinaryField(help_text="RFC 8785 bytes, which the tree covers.")),
                (
                    "op",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("publish", "publish"),
                            ("revise", "revise"),
                            ("retract", "retract"),
                            ("erase", "erase"),
                            ("key", "key"),
                            ("snapshot", "snapshot"),
                            ("policy", "policy"),
                        ],
                        max_length=10,
                    ),
                ),
                ("subject", models.CharField(blank=True, help_text="The id whose revision this is.", max_length=1024)),
                ("revision", models.BigIntegerField(blank=True, null=True)),
                (
                    "object_digest",
                    models.CharField(blank=True, help_text="The object that the leaf names.", max_length=64),
                ),
                ("pulled_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "verbose_name_plural": "pulled entries",
                "ordering": ["peer", "index"],
            },
        ),
        migrations.CreateModel(
            name="PulledHash",
            fields=[
                (
                    "peer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="federation.peer"
                    ),
                ),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "peer", "level", "index", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("level", models.PositiveSmallIntegerField()),
                ("index", models.BigIntegerField()),
                ("hash", models.BinaryField()),
            ],
            options={
                "verbose_name_plural": "pulled hashes",
            },
        ),
        migrations.CreateModel(
            name="Run",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("success", "Success"),
                            ("partial", "Partial"),
                            ("held", "Held"),
                            ("failed", "Failed"),
                        ],
                        max_length=10,
                    ),
                ),
                ("via", models.CharField(blank=True, help_text="The address that it was read from.", max_length=500)),
                ("first", models.BigIntegerField(help_text="The first entry that it brought.")),
                ("end", models.BigIntegerField(help_text="The entry after the last one.")),
                ("counts", models.JSONField(default=dict, help_text="Entries by what became of them.")),
                ("withdrawals", models.PositiveIntegerField(default=0, help_text="Of records that are shown here.")),
                ("error", models.CharField(blank=True, max_length=500)),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField()),
                (
                    "decision",
                    models.CharField(
                        blank=True,
                        choices=[("released", "Released"), ("refused", "Refused"), ("undone", "Undone")],
                        max_length=10,
                    ),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-pk"],
            },
        ),
        migrations.CreateModel(
            name="Mirror",
            fields=[
                (
                    "peer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="mirror",
                        serialize=False,
                        to="federation.peer",
                    ),
                ),
                ("origin", models.CharField(max_length=260, unique=True)),
                (
                    "origin_digest",
                    models.CharField(help_text="SHA-256 of the origin: its address here.", max_length=64, unique=True),
                ),
                ("size", models.BigIntegerField(help_text="Entries that the note covers.")),
                ("note", models.TextField()),
            ],
        ),
        migrations.AddConstraint(
            model_name="peer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("applied__gte", 0), ("applied__lte", models.F("size")), ("size__lte", models.F("seen"))
                ),
                name="peer_reads_in_order",
            ),
        ),
        migrations.AddField(
            model_name="evidence",
            name="peer",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="evidence", to="federation.peer"
            ),
        ),
        migrations.CreateModel(
            name="Outcome",
            fields=[
                (
                    "entry",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="outcome",
                        serialize=False,
                        to="federation.pulledentry",
                    ),
                ),
                (
                    "verdict",
                    models.CharField(
                        choices=[
                            ("shown", "Shown"),
                            ("keys", "Keys"),
                            ("waiting", "Waiting"),
                            ("rejected", "Rejected"),
                            ("passed", "Passed"),
                            ("refused", "Refused"),
                            ("erased", "Erased"),
                            ("void", "Void"),
                            ("quarantined", "Quarantined"),
                        ],
                        max_length=12,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=500)),
                (
                    "follows",
                    models.BooleanField(
                        default=True, help_text="Whether its leaf may follow the one before of its id."
                    ),
                ),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="PulledObject",
            fields=[
                (
                    "entry",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="object",
                        serialize=False,
                        to="federation.pulledentry",
                    ),
                ),
                ("digest", models.CharField(help_text="SHA-256, as the leaf names it.", max_length=64)),
                ("body", models.BinaryField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name="pulledentry",
            name="peer",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="entries", to="federation.peer"
            ),
        ),
        migrations.AddField(
            model_name="run",
            name="decided_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="run",
            name="peer",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="runs", to="federation.peer"
            ),
        ),
        migrations.AddConstraint(
            model_name="evidence",
            constraint=models.UniqueConstraint(fields=("peer", "digest"), name="peer_evidence_once"),
        ),
        migrations.AddField(
            model_name="outcome",
            name="publication",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="pulled",
                to="incidents.publication",
            ),
        ),
        migrations.AddIndex(
            model_name="pulledentry",
            index=models.Index(fields=["peer", "subject", "index"], name="pulled_entry_by_subject"),
        ),
        migrations.AddIndex(
            model_name="pulledentry",
            index=models.Index(fields=["object_digest"], name="pulled_entry_by_object"),
        ),
        migrations.AddConstraint(
            model_name="pulledentry",
            constraint=models.UniqueConstraint(fields=("peer", "index"), name="pulled_entry_once"),
        ),
        migrations.AddConstraint(
            model_name="pulledentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("index__gte", 0)), name="pulled_entry_index_from_zero"
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["peer", "-id"], name="run_latest"),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(("end__gte", models.F("first"))), name="run_ends_after_its_beginning"
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(("state", "held"), ("decision", ""), _connector="OR"), name="run_decided_was_held"
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "failed"), _negated=True),
                    models.Q(("error", ""), _negated=True),
                    _connector="OR",
                ),
                name="run_failure_says_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.UniqueConstraint(
                condition=models.Q(("decision", ""), ("state", "held")),
                fields=("peer",),
                name="run_one_is_held_at_a_time",
            ),
        ),
        migrations.AddIndex(
            model_name="outcome",
            index=models.Index(fields=["verdict", "entry"], name="outcome_by_verdict"),
        ),
        migrations.AddConstraint(
            model_name="outcome",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("verdict__in", ["quarantined", "rejected", "refused", "void"]), _negated=True),
                    models.Q(("reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="outcome_says_why",
            ),
        ),
        migrations.RunSQL(FORBID, ALLOW),
    ]
