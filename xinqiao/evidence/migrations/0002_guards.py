"""The log's tables become append-only."""

from django.db import migrations

from xinqiao.evidence import guards


def install(apps, schema_editor):
    guards.install(schema_editor.connection)


def remove(apps, schema_editor):
    guards.remove(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("evidence", "0001_log")]
    operations = [migrations.RunPython(install, remove, elidable=False)]
