from django.db import migrations

from django_q.models.indexes import SparseIndex

QUEUE = {
    "django_q_due": ["state", "run_after"],
    "django_q_owner": ["claimed_by"],
    "django_q_waits": ["waits_for"],
    "django_q_chain": ["chain"],
}
HISTORY = {"django_q_hist_group": ["group"], "django_q_hist_chain": ["chain"]}

# Django gives each unique text on PostgreSQL a second index for LIKE. Ids and keys are never asked for by a part.
TWINS = """
SELECT indexname FROM pg_indexes WHERE schemaname = ANY (current_schemas(false))
AND tablename IN ('django_q_queue', 'django_q_history') AND indexname LIKE '%%\\_like'
"""


def drop_twins(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(TWINS)
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP INDEX {schema_editor.quote_name(name)}")


def replaced(model, indexes):
    for name, fields in indexes.items():
        yield migrations.RemoveIndex(model, name)
        yield migrations.AddIndex(model, SparseIndex(fields=fields, name=name))


class Migration(migrations.Migration):
    dependencies = [
        ("django_q", "0007_events"),
    ]

    operations = [
        *replaced("OrmQ", QUEUE),
        *replaced("Task", HISTORY),
        migrations.RunPython(drop_twins, migrations.RunPython.noop, elidable=False),
    ]
