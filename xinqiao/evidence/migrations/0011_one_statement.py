"""An entry is written in one statement, with no hash beside the leaf, fewer indexes and no foreign key to check."""

import django.db.models.deletion
from django.db import migrations, models

from xinqiao.evidence import guards


def open_tables(apps, schema_editor):
    guards.remove(schema_editor.connection)


def guard_tables(apps, schema_editor):
    guards.install(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("evidence", "0010_outside")]
    operations = [
        migrations.RunPython(open_tables, guard_tables),
        migrations.AlterField(
            model_name="content",
            name="entry",
            field=models.OneToOneField(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                primary_key=True,
                related_name="content",
                serialize=False,
                to="evidence.entry",
            ),
        ),
        migrations.RemoveField(model_name="entry", name="leaf_hash"),
        migrations.AlterField(model_name="entry", name="leaf_index", field=models.BigIntegerField(null=True)),
        migrations.AddConstraint(
            model_name="entry",
            constraint=models.UniqueConstraint(
                condition=models.Q(("leaf_index", None), _negated=True),
                fields=("leaf_index",),
                name="entry_placed",
            ),
        ),
        migrations.RunPython(guard_tables, open_tables),
    ]
