"""Canary enterprises: whole, plausible and nobody's. Whoever looks at one goes through codes or copies a list."""

from __future__ import annotations

import csv
import json
import secrets
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from django.db import transaction

from xinqiao.catalogue.sample.generate import REGISTRATION, generate
from xinqiao.evidence.actions import record
from xinqiao.ingest.actions import Upload
from xinqiao.ingest.planting import known_of, plant
from xinqiao.kernel.canonical import sha256_hex
from xinqiao.kernel.dated import beijing_day
from xinqiao.plumbing.settings import content_dir
from xinqiao.sharing.queries import current_list
from xinqiao.supervision.models import CanaryRow
from xinqiao.supervision.types import CANARY_PLANTED, CanariesRefused

MOST = 500
SPARE = 4  # firms drawn for each canary wanted: some are in trouble, or known already


def plant_canaries(count: int, *, actor: str, now: datetime) -> list[str]:
    """Draw ``count`` invented firms with histories, put them into the records and remember which they are.

    Their codes come from blocks that no authority has issued; chance decides, so that nobody can compute them. Which
    they are is told to nobody: the evidence holds a digest. Raises CanariesRefused.
    """
    if not 1 <= count <= MOST:
        raise CanariesRefused(why=f"1–{MOST}")
    catalogue = current_list()
    until = beijing_day(now).replace(day=1) - timedelta(days=1)
    with tempfile.TemporaryDirectory(prefix="xinqiao-") as place:
        folder = Path(place) / "sample"
        generate(
            catalogue, folder, firms=count * SPARE, seed=secrets.randbelow(2**31), until=until, content=content_dir()
        )
        deliveries = [
            (item, [Upload(p.name, p.read_bytes()) for p in sorted((folder / item.code).glob("*"))])
            for item in catalogue
            if (folder / item.code).is_dir()
        ]
        chosen = _choose(folder, count, now)
    if len(chosen) < count:
        raise CanariesRefused(why=f"{len(chosen)} < {count}")
    with transaction.atomic():
        CanaryRow.objects.bulk_create(CanaryRow(enterprise=code, planted_at=now) for code in chosen)
        plant(deliveries, enterprises=chosen, actor=actor, now=now)
        salted = sha256_hex(json.dumps([secrets.token_hex(16), chosen]).encode())
        body = {"count": count, "salted_sha256": salted}
        record(CANARY_PLANTED, actor=actor, subject="node", body=body, now=now)
    return chosen


def _choose(folder: Path, count: int, now: datetime) -> list[str]:
    """Firms of the drawing, none in trouble and none that the records know."""
    with (folder / "outcomes.csv").open(encoding="utf-8", newline="") as file:
        codes = [row["uscc"] for row in csv.DictReader(file) if not row["defaulted_on"]]
    secrets.SystemRandom().shuffle(codes)
    registration = current_list().item(REGISTRATION)
    taken = set(known_of(codes[: 2 * count], registration=registration, now=now))
    return [code for code in codes[: 2 * count] if code not in taken][:count]
