from django.db import migrations, models
from django.db.models import F, Func

# `incidents.tokens.signature`, for what the database fills by itself.
SIGNATURE = """
CREATE FUNCTION faultline_signature(tokens bigint[]) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog AS $$
    SELECT coalesce(bit_or(1::bigint << ((token >> 23) % 55)::integer), 0)
    FROM unnest(tokens) AS token WHERE token < (8::bigint << 56)
$$;
"""


class Migration(migrations.Migration):
    """What a row is likely to have, in one number: a walk sees by it which rows need not be looked into."""

    dependencies = [("incidents", "0016_hidden_rows")]

    operations = [
        migrations.RunSQL(SIGNATURE, "DROP FUNCTION faultline_signature"),
        migrations.AddField(
            model_name="searchrow",
            name="signature",
            field=models.GeneratedField(
                expression=Func(F("tokens"), function="faultline_signature"),
                output_field=models.BigIntegerField(),
                db_persist=True,
                help_text="incidents.tokens.signature of its tokens.",
            ),
        ),
    ]
