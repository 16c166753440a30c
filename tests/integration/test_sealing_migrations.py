"""A node from before sealing is taken along: what lay open is sealed by the migrations, and nothing of it is left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import json
import xinqiao.config.boot
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

BEFORE = [("parties", "0002_no_api_keys"), ("consent", "0002_artefact"), ("ingest", "0001_initial")]
for app, name in [("evidence", "0011_one_statement"), *BEFORE]:
    call_command("migrate", app, name, verbosity=0)
then = MigrationExecutor(connection).loader.project_state(BEFORE).apps
now, digest = timezone.now(), "9" * 64
zero = dict.fromkeys(("days", "times", "data_months", "retention_days"), 0)


def insert(app, model, **values):
    return then.get_model(app, model).objects.create(**values)


insert("parties", "Person", id=7, username="13900001234", name="欧阳示例", identity_sha256=digest, password="p")
asked = insert("consent", "AuthorisationRequest", id="R1", items="[]", requested_at=now, answer_by=now, **zero)
insert(
    "consent", "AuthorisationRow", id="C1", request=asked, signatory=7, identity_sha256=digest, address="192.0.2.77",
    valid_from=now, valid_to=now.replace(year=now.year + 1), times_max=1, data_months=0, retention_days=0, items="[]",
    entry=1, power_purposes="[]",
)
group = {"field": "f", "field_name": "字段", "code": "required", "title": "t", "repair": "r", "rows": 1}
group |= {"returns": True, "samples": [[1, "慕容示例"]]}
insert(
    "ingest", "Delivery", id="D1", status="returned", received_at=now, delivered=1, accepted=0, returned=1, flagged=0,
    groups=json.dumps([group]), files="[]", mapping="[]", ignored_columns="[]",
)
call_command("migrate", verbosity=0)

from django.contrib.auth import get_user_model
from xinqiao.consent.models import AuthorisationRow
from xinqiao.consent.queries import signatory_sealings
from xinqiao.ingest.queries import get_outcome
from xinqiao.parties.queries import identity_digest, person_names
from xinqiao.vault.sealing import open_all

person = get_user_model().objects.get_by_natural_key("13900001234")
rows = []
with connection.cursor() as cursor:
    for table in connection.introspection.table_names(cursor):
        cursor.execute(f'SELECT * FROM "{table}"')
        rows += [str(value) for row in cursor.fetchall() for value in row]
print(json.dumps({
    "name": person_names([person])[7],
    "identity": identity_digest(7),
    "signatory": open_all(signatory_sealings(AuthorisationRow.objects.get(id="C1"))),
    "sample": get_outcome("D1", now=now).groups[0].samples[0][1],
    "open": [w for w in ("欧阳", "9" * 64, "192.0.2.77", "慕容", "13900001234") if any(w in r for r in rows)],
}))
"""


@pytest.mark.sqlite
def test_what_lay_open_is_sealed_and_readable(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XINQIAO_")}
    environment = {**kept, "XINQIAO_HOME": str(tmp_path / "node")}
    command = [sys.executable, "-c", PROGRAM]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout.splitlines()[-1]) == {
        "name": "欧阳示例",
        "identity": "9" * 64,
        "signatory": ["9" * 64, "192.0.2.77"],
        "sample": "慕容示例",
        "open": [],
    }
