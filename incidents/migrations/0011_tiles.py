import django.db.models.deletion
from django.db import migrations, models

import incidents.record

# What is always true of the tree's rows.
CONSTRAIN = """
ALTER TABLE incidents_logentry ADD CONSTRAINT log_entry_leaf_bytes CHECK (octet_length(leaf) BETWEEN 1 AND 1024);
ALTER TABLE incidents_logobject ADD CONSTRAINT log_object_digest
    CHECK (body IS NULL OR encode(sha256(body), 'hex') = digest);
ALTER TABLE incidents_treehash ADD CONSTRAINT tree_hash_bytes CHECK (octet_length(hash) = 32);
ALTER TABLE incidents_incident ADD CONSTRAINT incident_erased_has_no_document
    CHECK (erased_at IS NULL OR octet_length(document) = 0);
"""
UNCONSTRAIN = """
ALTER TABLE incidents_incident DROP CONSTRAINT incident_erased_has_no_document;
"""

# Entries, hashes and checkpoints are only ever added. Of an object the bytes may go, of a publication its document and
# digest, and that only once the log says that the record is erased.
FORBID = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON incidents_logentry
    FOR EACH ROW EXECUTE FUNCTION faultline_append_only();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON incidents_logentry
    FOR EACH STATEMENT EXECUTE FUNCTION faultline_append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON incidents_treehash
    FOR EACH ROW EXECUTE FUNCTION faultline_append_only();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON incidents_treehash
    FOR EACH STATEMENT EXECUTE FUNCTION faultline_append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON incidents_checkpoint
    FOR EACH ROW EXECUTE FUNCTION faultline_append_only();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON incidents_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION faultline_append_only();

CREATE FUNCTION faultline_object_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.body IS NULL AND NEW.digest = OLD.digest AND EXISTS (
        SELECT 1 FROM incidents_logentry entry JOIN incidents_logentry erasure ON erasure.subject = entry.subject
        WHERE entry.object_id = OLD.digest AND erasure.op = 'erase' AND erasure.index > entry.index) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% rows are append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON incidents_logobject
    FOR EACH ROW EXECUTE FUNCTION faultline_object_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON incidents_logobject
    FOR EACH STATEMENT EXECUTE FUNCTION faultline_append_only();

CREATE FUNCTION faultline_publication_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.document = '' AND NEW.digest = ''
        AND to_jsonb(NEW) - ARRAY['document', 'digest'] = to_jsonb(OLD) - ARRAY['document', 'digest']
        AND EXISTS (
            SELECT 1 FROM incidents_publication erasure
            WHERE erasure.incident_id = OLD.incident_id AND erasure.operation = 'erase') THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% rows are append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
DROP TRIGGER append_only ON incidents_publication;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON incidents_publication
    FOR EACH ROW EXECUTE FUNCTION faultline_publication_change();
"""
ALLOW = """
DROP TRIGGER append_only ON incidents_publication;
DROP FUNCTION faultline_publication_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON incidents_publication
    FOR EACH ROW EXECUTE FUNCTION faultline_append_only();
DROP TRIGGER never_emptied ON incidents_logobject;
DROP TRIGGER append_only ON incidents_logobject;
DROP FUNCTION faultline_object_change();
"""

TIE = """
ALTER TABLE incidents_publication ADD CONSTRAINT publication_is_entry
    FOREIGN KEY (number) REFERENCES incidents_logentry (index) DEFERRABLE INITIALLY DEFERRED;
"""
UNTIE = "ALTER TABLE incidents_publication DROP CONSTRAINT publication_is_entry;"


def give_entries(apps, editor):
    """What was published before there was a tree gets its entry, in the order and under the number that it had."""
    published = apps.get_model("incidents", "Publication").objects
    if not published.exists():
        return
    from incidents import sequencing
    from incidents.leaves import salted
    from incidents.publishing import LEAF_OPS, instant

    editor.execute("ALTER TABLE incidents_publication DISABLE TRIGGER append_only")
    for row in published.order_by("number").select_related("incident").iterator():
        op, subject = LEAF_OPS[row.operation], row.incident.public_id
        payload = salted("record", bytes(row.document))
        entry = sequencing.append(op, subject, row.version, payload, at=instant(row.at))
        if entry.index != row.number:
            raise RuntimeError(f"publication {row.number} would become entry {entry.index}: is one missing before it?")
        published.filter(pk=row.pk).update(object_digest=entry.object_id)
    editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    editor.execute("ALTER TABLE incidents_publication ENABLE TRIGGER append_only")


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0010_harvest"),
    ]

    operations = [
        migrations.CreateModel(
            name="Checkpoint",
            fields=[
                ("size", models.BigIntegerField(primary_key=True, serialize=False)),
                ("root", models.BinaryField()),
                ("note", models.TextField(help_text="The signed note (c2sp.org/tlog-checkpoint).")),
                ("signed_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["-size"],
            },
        ),
        migrations.CreateModel(
            name="LogEntry",
            fields=[
                ("index", models.BigIntegerField(primary_key=True, serialize=False)),
                (
                    "op",
                    models.CharField(
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
                ("subject", models.CharField(help_text="The id whose revision this is.", max_length=64)),
                ("revision", models.PositiveIntegerField()),
                ("leaf", models.BinaryField(help_text="RFC 8785 bytes, which the tree covers.")),
            ],
            options={
                "verbose_name_plural": "log entries",
                "ordering": ["index"],
            },
        ),
        migrations.CreateModel(
            name="LogObject",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                (
                    "body",
                    models.BinaryField(help_text="The JWS, exactly as signed; empty once it is erased.", null=True),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TreeHash",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "level", "index", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("level", models.PositiveSmallIntegerField()),
                ("index", models.BigIntegerField()),
                ("hash", models.BinaryField()),
            ],
            options={
                "verbose_name_plural": "tree hashes",
            },
        ),
        migrations.RemoveField(
            model_name="publication",
            name="chain",
        ),
        migrations.AddField(
            model_name="incident",
            name="erased_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="publication",
            name="object_digest",
            field=models.CharField(
                default="", help_text="SHA-256 of the signed object that the entry names.", max_length=64
            ),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="publication",
            name="digest",
            field=models.CharField(blank=True, help_text="SHA-256 of the document.", max_length=64),
        ),
        migrations.AlterField(
            model_name="publication",
            name="document",
            field=models.BinaryField(help_text="RFC 8785 bytes of this version; empty once the record is erased."),
        ),
        migrations.AlterField(
            model_name="publication",
            name="number",
            field=models.BigIntegerField(help_text="The entry's index in the log.", primary_key=True, serialize=False),
        ),
        migrations.AlterField(
            model_name="publication",
            name="operation",
            field=models.CharField(
                choices=[
                    ("publish", "Publish"),
                    ("correct", "Correct"),
                    ("dispute", "Dispute"),
                    ("withdraw", "Withdraw"),
                    ("merge", "Merge"),
                    ("restore", "Restore"),
                    ("erase", "Erase"),
                ],
                max_length=10,
            ),
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("erased_at", None),
                    models.Q(("digest", ""), ("status", incidents.record.Status["WITHDRAWN"]), ("title", "")),
                    _connector="OR",
                ),
                name="incident_erased_is_empty",
            ),
        ),
        migrations.AddField(
            model_name="logentry",
            name="object",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="entry", to="incidents.logobject"
            ),
        ),
        migrations.AddConstraint(
            model_name="logentry",
            constraint=models.UniqueConstraint(fields=("subject", "revision"), name="log_entry_revision"),
        ),
        migrations.AddConstraint(
            model_name="logentry",
            constraint=models.CheckConstraint(condition=models.Q(("index__gte", 0)), name="log_entry_index_from_zero"),
        ),
        migrations.RunSQL(CONSTRAIN, UNCONSTRAIN),
        migrations.RunSQL(FORBID, ALLOW),
        migrations.RunPython(give_entries, migrations.RunPython.noop),
        migrations.RunSQL(TIE, UNTIE),
    ]
