"""People's names and identity digests are sealed, user names kept as blind indexes; what was there is taken along."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models
from django.utils import timezone

from xinqiao.plumbing.blind_index import blind_index
from xinqiao.vault.sealing import seal
from xinqiao.vault.types import Sealing, person_subject


def _seal(apps: Any, schema_editor: Any) -> None:
    for row in apps.get_model("parties", "Person").objects.order_by("pk").iterator():
        subject, place = person_subject(row.pk), f"parties_person:{{}}:{row.pk}".format
        values = [
            Sealing(subject, place("name"), row.name),
            Sealing(subject, place("identity"), row.identity_sha256),
        ]
        row.name_sealed, row.identity_sealed = seal(values, now=timezone.now())
        row.username_index = blind_index("parties.username", row.username).hex()
        row.save(update_fields=["name_sealed", "identity_sealed", "username_index"])


class Migration(migrations.Migration):
    dependencies = [("parties", "0002_no_api_keys"), ("vault", "0001_vault")]

    operations = [
        migrations.AddField("Person", "name_sealed", models.BinaryField(default=b"")),
        migrations.AddField("Person", "identity_sealed", models.BinaryField(default=b"")),
        migrations.AddField("Person", "username_index", models.CharField(max_length=32, null=True)),
        migrations.RunPython(_seal, migrations.RunPython.noop),
        migrations.AlterField("Person", "username_index", models.CharField(max_length=32, unique=True)),
        migrations.RemoveField("Person", "name"),
        migrations.RemoveField("Person", "identity_sha256"),
        migrations.RemoveField("Person", "username"),
    ]
