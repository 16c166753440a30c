"""What an entry's digests stand for moves to a table of its own, from which it can be erased."""

from django.db import migrations, models

from xinqiao.evidence import guards
from xinqiao.plumbing.blind_index import blind_index


def open_tables(apps, schema_editor):
    guards.remove(schema_editor.connection)


def move_contents(apps, schema_editor):
    entries, contents = apps.get_model("evidence", "Entry"), apps.get_model("evidence", "Content")
    batch = []
    for row in entries.objects.order_by("id").iterator(chunk_size=2000):
        key = blind_index("evidence.subject", row.subject)
        batch.append(
            contents(
                entry_id=row.id,
                actor=row.actor,
                subject=row.subject,
                subject_key=key,
                body=row.body,
                salts=row.salts,
            )
        )
    contents.objects.bulk_create(batch, batch_size=1000)


class Migration(migrations.Migration):
    dependencies = [("evidence", "0002_guards")]
    operations = [
        migrations.RunPython(open_tables, migrations.RunPython.noop),
        migrations.CreateModel(
            name="Chain",
            fields=[
                ("subject_key", models.BinaryField(max_length=16, primary_key=True, serialize=False)),
                ("count", models.BigIntegerField()),
                ("head", models.BinaryField()),
            ],
            options={"db_table": "evidence_chain"},
        ),
        migrations.CreateModel(
            name="Content",
            fields=[
                (
                    "entry",
                    models.OneToOneField(
                        on_delete=models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="content",
                        serialize=False,
                        to="evidence.entry",
                    ),
                ),
                ("actor", models.CharField(max_length=80)),
                ("subject", models.CharField(max_length=80)),
                ("subject_key", models.BinaryField(max_length=16)),
                ("body", models.BinaryField()),
                ("salts", models.BinaryField()),
                ("chain_number", models.BigIntegerField(null=True)),
            ],
            options={
                "db_table": "evidence_content",
                "indexes": [models.Index(fields=["subject", "-entry"], name="content_subject")],
            },
        ),
        migrations.CreateModel(
            name="Erasure",
            fields=[
                (
                    "entry",
                    models.OneToOneField(
                        on_delete=models.deletion.PROTECT, primary_key=True, serialize=False, to="evidence.entry"
                    ),
                ),
                ("subject_key", models.BinaryField(max_length=16)),
                ("at", models.DateTimeField()),
            ],
            options={"db_table": "evidence_erasure"},
        ),
        migrations.RunPython(move_contents, migrations.RunPython.noop),
    ]
