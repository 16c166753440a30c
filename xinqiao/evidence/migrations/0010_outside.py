"""What others say of the checkpoints: cosignatures of witnesses, time stamps."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("evidence", "0004_entry"),
    ]

    operations = [
        migrations.CreateModel(
            name="Outsider",
            fields=[
                ("name", models.CharField(max_length=80, primary_key=True, serialize=False)),
                ("size", models.BigIntegerField(default=0)),
                ("tried_at", models.DateTimeField()),
                ("trouble", models.TextField(default="")),
                ("conflict", models.BooleanField(default=False)),
            ],
            options={
                "db_table": "evidence_outsider",
            },
        ),
        migrations.CreateModel(
            name="Cosignature",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key_id", models.CharField(max_length=8)),
                ("line", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "checkpoint",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="evidence.checkpoint"),
                ),
            ],
            options={
                "db_table": "evidence_cosignature",
                "constraints": [models.UniqueConstraint(fields=("checkpoint", "key_id"), name="cosignature_once")],
            },
        ),
        migrations.CreateModel(
            name="Stamp",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("authority", models.CharField(max_length=40)),
                ("query", models.BinaryField()),
                ("response", models.BinaryField()),
                ("at", models.DateTimeField()),
                (
                    "checkpoint",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="evidence.checkpoint"),
                ),
            ],
            options={
                "db_table": "evidence_stamp",
                "constraints": [models.UniqueConstraint(fields=("checkpoint", "authority"), name="stamp_once")],
            },
        ),
    ]
