"""Makes the register of what the registry delivered, and puts it in use."""

from __future__ import annotations

import secrets
import shutil
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from django.db import transaction

from xinqiao.catalogue.load import load_catalogue
from xinqiao.catalogue.types import UnknownItem
from xinqiao.evidence.actions import record
from xinqiao.kernel.divisions import DivisionTable
from xinqiao.plumbing import settings as node
from xinqiao.plumbing.locks import hold_name
from xinqiao.records.queries import PLANTED_BATCH, newest_file, standing_rows
from xinqiao.subjects.assemble import ITEMS, subjects_of
from xinqiao.subjects.index import write_register
from xinqiao.subjects.models import SubjectRegister
from xinqiao.subjects.types import BUILT, RegisterFacts

KEPT = 2  # the one in use, and the one that readers may still have open


def folder_of(name: str) -> Path:
    """Where the files of a register lie."""
    return node.home() / "subjects" / name


def stamp() -> str:
    """What the register would be made of: changes when the registry delivered, retracted or undid something."""
    return " ".join(str(newest_file(code)) for code in ITEMS)


def rebuild_if_stale(*, actor: str, now: datetime) -> RegisterFacts | None:
    """Make the register anew when the registry delivered something since; None when it is fresh."""
    newest = SubjectRegister.objects.order_by("-id").first()
    if newest is not None and newest.stamp == stamp():
        return None
    return rebuild(actor=actor, now=now)


def rebuild(*, actor: str, now: datetime) -> RegisterFacts:
    """Make the register and put it in use. Files are whole before the row that names them."""
    made_of = stamp()
    subjects = subjects_of(*(_rows(code, columns, now) for code, columns in ITEMS.items()))
    folder = f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    place = folder_of(folder)
    place.mkdir(parents=True)
    names = write_register(subjects, DivisionTable.load(node.content_dir() / "divisions.toml"), place)
    with transaction.atomic():
        hold_name("subjects.register")
        SubjectRegister.objects.create(
            folder=folder, stamp=made_of, subjects=subjects.num_rows, names=names, built_at=now
        )
        body = {"folder": folder, "subjects": subjects.num_rows, "names": names}
        record(BUILT, actor=actor, subject="node", body=body, now=now)
        old = list(SubjectRegister.objects.order_by("-id")[KEPT:])
        SubjectRegister.objects.filter(id__in=[o.id for o in old]).delete()
    for gone in old:
        shutil.rmtree(folder_of(gone.folder), ignore_errors=True)
    return RegisterFacts(subjects.num_rows, names, now)


def _rows(code: str, columns: tuple[str, ...], now: datetime) -> pa.Table:
    """What stands of an item; nothing where the province's list does not have it."""
    try:
        item = load_catalogue(node.content_dir()).item(code)
    except UnknownItem:
        return pa.table({name: pa.array([], pa.string()) for name in columns})
    rows = standing_rows(item, columns, known=now)
    # What the node planted itself must not be met by an honest row.
    return rows.filter(pc.invert(pc.starts_with(rows.column("_batch"), pattern=PLANTED_BATCH))).select(columns)
