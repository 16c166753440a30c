"""Makes the register of what the registry delivered, and puts it in use."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa

from xinqiao.catalogue.types import UnknownItem
from xinqiao.evidence.actions import record
from xinqiao.kernel.divisions import DivisionTable
from xinqiao.plumbing.editions import Editions
from xinqiao.plumbing.settings import content_dir
from xinqiao.records.queries import newest_file, standing_rows, without_planted
from xinqiao.sharing.queries import current_list
from xinqiao.subjects.assemble import ITEMS, subjects_of
from xinqiao.subjects.index import write_register
from xinqiao.subjects.models import SubjectRegister
from xinqiao.subjects.types import BUILT, RegisterFacts

EDITIONS = Editions("subjects", lock="subjects.register", rows=SubjectRegister)


def stamp() -> str:
    """What the register would be made of: changes when the registry delivered, retracted or undid something."""
    return " ".join(str(newest_file(code)) for code in ITEMS)


def rebuild_if_stale(*, actor: str, now: datetime) -> RegisterFacts | None:
    """Make the register anew when the registry delivered something since; None when it is fresh."""
    return None if EDITIONS.is_fresh(stamp()) else rebuild(actor=actor, now=now)


def rebuild(*, actor: str, now: datetime) -> RegisterFacts:
    """Make the register and put it in use."""
    made_of = stamp()
    subjects = subjects_of(*(_rows(code, columns, now) for code, columns in ITEMS.items()))
    divisions = DivisionTable.load(content_dir() / "divisions.toml")

    def publish(folder: str, names: int) -> None:
        SubjectRegister.objects.create(
            folder=folder, stamp=made_of, subjects=subjects.num_rows, names=names, built_at=now
        )
        body = {"folder": folder, "subjects": subjects.num_rows, "names": names}
        record(BUILT, actor=actor, subject="node", body=body, now=now)

    names = EDITIONS.make(lambda place: write_register(subjects, divisions, place), publish, now=now)
    return RegisterFacts(subjects.num_rows, names, now)


def _rows(code: str, columns: tuple[str, ...], now: datetime) -> pa.Table:
    """What stands of an item; nothing where the province's list does not have it."""
    try:
        item = current_list().item(code)
    except UnknownItem:
        return pa.table({name: pa.array([], pa.string()) for name in columns})
    rows = standing_rows(item, columns, known=now)
    return without_planted(rows).select(columns)
