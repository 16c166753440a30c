"""What an authorisation holds of its signatory is sealed under the signatory's key; what was there is taken along."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models
from django.utils import timezone

from xinqiao.vault.sealing import seal
from xinqiao.vault.types import Sealing, person_subject


def _seal(apps: Any, schema_editor: Any) -> None:
    for row in apps.get_model("consent", "AuthorisationRow").objects.order_by("pk").iterator():
        subject, place = person_subject(row.signatory), f"consent_authorisation:{{}}:{row.id}".format
        values = [
            Sealing(subject, place("identity"), row.identity_sha256),
            Sealing(subject, place("address"), row.address),
        ]
        row.identity_sealed, row.address_sealed = seal(values, now=timezone.now())
        row.save(update_fields=["identity_sealed", "address_sealed"])


class Migration(migrations.Migration):
    dependencies = [("consent", "0002_artefact"), ("vault", "0001_vault")]

    operations = [
        migrations.AddField("AuthorisationRow", "identity_sealed", models.BinaryField(default=b"")),
        migrations.AddField("AuthorisationRow", "address_sealed", models.BinaryField(default=b"")),
        migrations.RunPython(_seal, migrations.RunPython.noop),
        migrations.RemoveField("AuthorisationRow", "identity_sha256"),
        migrations.RemoveField("AuthorisationRow", "address"),
    ]
