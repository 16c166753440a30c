"""A run remembers its parts, so that it can go on, and the run whose values it takes over."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("evaluation", "0001_initial")]
    operations = [
        migrations.AddField(
            model_name="evaluationrun", name="base", field=models.CharField(blank=True, default="", max_length=40)
        ),
        migrations.AddField(model_name="evaluationrun", name="changed", field=models.TextField(default="[]")),
        migrations.AddField(
            model_name="evaluationrun",
            name="content_sha256",
            field=models.CharField(blank=True, default="", max_length=64),
        ),
        migrations.AddField(model_name="evaluationrun", name="done", field=models.IntegerField(default=0)),
        migrations.AddField(model_name="evaluationrun", name="spans", field=models.TextField(default="[]")),
    ]
