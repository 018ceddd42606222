import django.contrib.postgres.indexes
from django.db import migrations

# The days that lists are ordered by become tokens, as `incidents.tokens` makes them, of the rows that have none yet.
# Each statement is complete in itself: a row keeps what it had.
ADD = """
CREATE TEMPORARY TABLE day_tokens ON COMMIT DROP AS
SELECT number, until = 9223372036854775807 AND in_force AS counts, dimension::smallint AS dimension, value,
    (dimension << 56) | ('x' || left(encode(sha256(convert_to(value, 'UTF8')), 'hex'), 14))::bit(56)::bigint AS token
FROM incidents_searchrow, LATERAL (VALUES
    (18::bigint, to_char(published_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')),
    (19::bigint, to_char(modified_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')),
    (20::bigint, to_char(occurred_first, 'YYYY-MM-DD'))
) AS days(dimension, value)
WHERE NOT EXISTS (SELECT FROM unnest(tokens) AS token WHERE token >= 18::bigint << 56);

UPDATE incidents_searchrow row SET tokens = row.tokens || added.tokens
FROM (SELECT number, array_agg(token ORDER BY dimension) AS tokens FROM day_tokens GROUP BY number) AS added
WHERE row.number = added.number;

INSERT INTO incidents_facetcount AS kept (token, dimension, value, records)
SELECT token, dimension, value, count(*) FILTER (WHERE counts) FROM day_tokens GROUP BY token, dimension, value
ON CONFLICT (token) DO UPDATE SET records = kept.records + EXCLUDED.records;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0012_foreign"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="searchrow",
            name="search_words_and_tokens",
        ),
        migrations.RunSQL(ADD, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="searchrow",
            index=django.contrib.postgres.indexes.GinIndex(
                fastupdate=False, fields=["tokens", "words"], name="search_tokens_and_words"
            ),
        ),
    ]
