import django.db.models.deletion
from django.db import migrations, models

FORBID = """
CREATE FUNCTION catalogue_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF catalogue_is_forgotten((to_jsonb(OLD) ->> 'model_id')::bigint, (to_jsonb(OLD) ->> 'snapshot_id')::bigint) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION '% rows are append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE FUNCTION catalogue_is_forgotten(about bigint, of_snapshot bigint) RETURNS boolean LANGUAGE sql AS $$
    SELECT EXISTS (
        SELECT FROM catalogue_model model
        WHERE NOT model.shown AND NOT model.watched
          AND model.id::text = current_setting('faultline.forgetting', true)
          AND model.id = COALESCE(about, (SELECT model_id FROM catalogue_snapshot WHERE id = of_snapshot)))
$$;

CREATE FUNCTION catalogue_erase_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF length(NEW.body) > 0 OR (NEW.id, NEW.snapshot_id, NEW.sha256) IS DISTINCT FROM (OLD.id, OLD.snapshot_id, OLD.sha256)
    THEN
        RAISE EXCEPTION 'of % rows only the body may change, and only to nothing', TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON catalogue_snapshot
    FOR EACH ROW EXECUTE FUNCTION catalogue_append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON catalogue_drift
    FOR EACH ROW EXECUTE FUNCTION catalogue_append_only();
CREATE TRIGGER append_only BEFORE DELETE ON catalogue_rawanswer
    FOR EACH ROW EXECUTE FUNCTION catalogue_append_only();
CREATE TRIGGER erase_only BEFORE UPDATE ON catalogue_rawanswer
    FOR EACH ROW EXECUTE FUNCTION catalogue_erase_only();

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON catalogue_snapshot
    FOR EACH STATEMENT EXECUTE FUNCTION catalogue_append_only();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON catalogue_drift
    FOR EACH STATEMENT EXECUTE FUNCTION catalogue_append_only();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON catalogue_rawanswer
    FOR EACH STATEMENT EXECUTE FUNCTION catalogue_append_only();
"""

ALLOW = """
DROP TRIGGER never_emptied ON catalogue_rawanswer;
DROP TRIGGER never_emptied ON catalogue_drift;
DROP TRIGGER never_emptied ON catalogue_snapshot;
DROP TRIGGER erase_only ON catalogue_rawanswer;
DROP TRIGGER append_only ON catalogue_rawanswer;
DROP TRIGGER append_only ON catalogue_drift;
DROP TRIGGER append_only ON catalogue_snapshot;
DROP FUNCTION catalogue_erase_only();
DROP FUNCTION catalogue_append_only();
DROP FUNCTION catalogue_is_forgotten(bigint, bigint);
"""


class Migration(migrations.Migration):
    """What a hub said, and what changed, cannot be rewritten; of an answer as received the body can be erased.

    A model the public may not see is the exception: all of it goes when nobody names it any more.
    """

    dependencies = [("catalogue", "0007_attestation")]

    operations = [
        migrations.AlterField(
            model_name="drift",
            name="model",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="drift", to="catalogue.model"
            ),
        ),
        migrations.AlterField(
            model_name="rawanswer",
            name="snapshot",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="raw", to="catalogue.snapshot"
            ),
        ),
        migrations.AlterField(
            model_name="rawanswer",
            name="body",
            field=models.BinaryField(help_text="zlib (RFC 1950); empty once it was erased."),
        ),
        migrations.RunSQL(FORBID, ALLOW),
    ]
