"""The index of placed entries gets a condition that SQLite recognises in queries; before, it scanned the whole log."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("evidence", "0011_one_statement")]
    operations = [
        migrations.RemoveConstraint(model_name="entry", name="entry_placed"),
        migrations.AddConstraint(
            model_name="entry",
            constraint=models.UniqueConstraint(
                condition=models.Q(("leaf_index__isnull", False)), fields=("leaf_index",), name="entry_placed"
            ),
        ),
    ]
