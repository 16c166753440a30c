"""Master keys and data keys."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [("evidence", "0010_outside")]  # keys are made with evidence, by migrations of other tables too

    operations = [
        migrations.CreateModel(
            name="MasterKey",
            fields=[
                ("generation", models.PositiveIntegerField(primary_key=True, serialize=False)),
                ("made_at", models.DateTimeField()),
                ("retired_at", models.DateTimeField(null=True)),
            ],
            options={"db_table": "vault_master_key"},
        ),
        migrations.CreateModel(
            name="DataKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("subject", models.CharField(max_length=60)),
                ("version", models.PositiveIntegerField()),
                ("suite", models.CharField(max_length=8)),
                ("master", models.PositiveIntegerField()),
                ("wrapped", models.BinaryField()),
                ("made_at", models.DateTimeField()),
                ("destroyed_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "vault_data_key",
                "indexes": [
                    models.Index(fields=["master", "id"], condition=models.Q(destroyed_at=None), name="data_key_master")
                ],
                "constraints": [models.UniqueConstraint(fields=["subject", "version"], name="data_key_version")],
            },
        ),
    ]
