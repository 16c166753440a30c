"""Acts remember their step instead of its words, and where a proceeding goes back to; presence is sealed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("settlement", "0001_initial")]

    operations = [
        migrations.RemoveField("actrow", "reason"),
        migrations.AddField("actrow", "step", models.IntegerField(default=0)),
        migrations.AddField("actrow", "stood_since", models.DateTimeField(null=True)),
        migrations.AddField("actrow", "stood_due", models.DateField(null=True)),
        migrations.RemoveField("proceedingrow", "presence"),
        migrations.AddField("proceedingrow", "presence", models.BinaryField(default=b"")),
    ]
