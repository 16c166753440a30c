"""The entry keeps only what the public log holds, and the tables become append-only again."""

from django.db import migrations

from xinqiao.evidence import guards


def guard_tables(apps, schema_editor):
    guards.install(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("evidence", "0003_content")]
    operations = [
        migrations.RemoveIndex(model_name="entry", name="entry_subject"),
        migrations.RemoveField(model_name="entry", name="actor"),
        migrations.RemoveField(model_name="entry", name="subject"),
        migrations.RemoveField(model_name="entry", name="body"),
        migrations.RemoveField(model_name="entry", name="salts"),
        migrations.RunPython(guard_tables, migrations.RunPython.noop),
    ]
