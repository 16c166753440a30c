"""The whole artefact: power, product, platform and list of each authorisation; signing powers and invitations."""

from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

SOURCES = {"owner": "legal_representative", "delegate": "agent"}


def _name_sources(apps: Any, schema_editor: Any) -> None:
    rows = apps.get_model("consent", "AuthorisationRow").objects
    for role, source in SOURCES.items():
        rows.filter(power_source=role).update(power_source=source)
    for row in rows.select_related("request").filter(reason=""):
        row.reason = row.request.reason
        row.save(update_fields=["reason"])


def _added(model: str, **fields: models.Field) -> list[migrations.AddField]:
    return [
        migrations.AddField(model_name=model, name=name, field=field, preserve_default=field.null)
        for name, field in fields.items()
    ]


class Migration(migrations.Migration):
    dependencies = [("consent", "0001_consent")]

    operations = [
        migrations.RenameField("AuthorisationRow", "power", "power_source"),
        migrations.AlterField("AuthorisationRow", "power_source", models.CharField(max_length=24)),
        *_added(
            "AuthorisationRow",
            power_purposes=models.TextField(default="[]"),
            power_until=models.DateTimeField(null=True),
            identity=models.CharField(max_length=24, default="password"),
            identity_sha256=models.CharField(max_length=64, blank=True, default=""),
            reason=models.CharField(max_length=200, default=""),
            product=models.CharField(max_length=60, blank=True, default=""),
            platform=models.CharField(max_length=40, blank=True, default=""),
            list_sha256=models.CharField(max_length=64, default=""),
            address=models.CharField(max_length=45, blank=True, default=""),
        ),
        *_added(
            "AuthorisationRequest",
            product=models.CharField(max_length=60, blank=True, default=""),
            platform=models.CharField(max_length=40, blank=True, default=""),
        ),
        migrations.RunPython(_name_sources, migrations.RunPython.noop),
        migrations.CreateModel(
            name="SigningPowerRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("enterprise", models.CharField(max_length=18)),
                ("person", models.BigIntegerField()),
                ("purposes", models.TextField()),
                ("granted_by", models.BigIntegerField()),
                ("granted_at", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "consent_power",
                "indexes": [models.Index(fields=["enterprise", "person"], name="power_person")],
            },
        ),
        migrations.CreateModel(
            name="InvitationRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("enterprise", models.CharField(max_length=18)),
                ("organisation", models.CharField(max_length=40)),
                ("invited_at", models.DateTimeField()),
                ("until", models.DateTimeField()),
                (
                    "request",
                    models.OneToOneField(
                        null=True, on_delete=django.db.models.deletion.PROTECT, to="consent.authorisationrequest"
                    ),
                ),
            ],
            options={
                "db_table": "consent_invitation",
                "indexes": [models.Index(fields=["enterprise", "organisation"], name="invitation_pair")],
            },
        ),
    ]
