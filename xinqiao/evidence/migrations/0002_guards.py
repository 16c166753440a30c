"""Once made the log append-only; the triggers of a node made since then come with the tables they guard (0004)."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("evidence", "0001_log")]
    operations = []
