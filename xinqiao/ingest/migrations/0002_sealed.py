"""What is to be repaired in a delivery quotes what was delivered, so it is sealed; what was there is taken along."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models
from django.utils import timezone

from xinqiao.vault.sealing import seal
from xinqiao.vault.types import Sealing, delivery_subject


def _seal(apps: Any, schema_editor: Any) -> None:
    for row in apps.get_model("ingest", "Delivery").objects.order_by("pk").iterator():
        entry = Sealing(delivery_subject(row.id), f"ingest_delivery:groups:{row.id}", row.groups)
        row.groups_sealed = seal([entry], now=timezone.now())[0]
        row.save(update_fields=["groups_sealed"])


class Migration(migrations.Migration):
    dependencies = [("ingest", "0001_initial"), ("vault", "0001_vault")]

    operations = [
        migrations.AddField("Delivery", "groups_sealed", models.BinaryField(default=b"")),
        migrations.RunPython(_seal, migrations.RunPython.noop),
        migrations.RemoveField("Delivery", "groups"),
    ]
