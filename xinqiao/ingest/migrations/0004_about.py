from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ingest", "0003_row_match"),
    ]

    operations = [
        migrations.AddField(
            model_name="delivery",
            name="about",
            field=models.CharField(blank=True, default="", max_length=18),
        ),
    ]
