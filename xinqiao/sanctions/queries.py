"""Reads of sanctions: facts, never rows."""

from __future__ import annotations

from django.db.models import F

from xinqiao.plumbing.settings import content_dir
from xinqiao.sanctions.models import SanctionRow
from xinqiao.sanctions.rules import load_sanctions
from xinqiao.sanctions.types import Sanction, SanctionList, SanctionState, UnknownSanction
from xinqiao.vault.keeping import read_sealed
from xinqiao.vault.types import enterprise_subject

COLUMNS = tuple(Sanction.__dataclass_fields__)
OPEN = (SanctionState.ENTERED, SanctionState.NOTIFIED, SanctionState.ANSWERED, SanctionState.IN_FORCE)


def sanction_list() -> SanctionList:
    """The content's ``sanctions.toml``."""
    return load_sanctions(content_dir() / "sanctions.toml")


def list_sanctions(*, enterprise: str | None = None, open_only: bool = False, limit: int = 200) -> list[Sanction]:
    """Sanctions, the least time left first; an enterprise's own are those that it was told of."""
    rows = SanctionRow.objects.order_by(F("due_on").asc(nulls_last=True), "-entered_at", "id")
    if enterprise is not None:
        rows = rows.filter(enterprise=enterprise, told=True)
    if open_only:
        rows = rows.filter(state__in=OPEN)
    return [sanction_facts(row) for row in rows[:limit]]


def get_sanction(sanction: str, *, enterprise: str | None = None) -> Sanction:
    """One sanction, for an enterprise only its own once it was told; raises UnknownSanction."""
    return sanction_facts(_row(sanction, enterprise))


def open_document(sanction: str, *, enterprise: str | None = None) -> tuple[str, bytes]:
    """Name and bytes of the determination document; raises UnknownSanction (also after an erasure)."""
    row = _row(sanction, enterprise)
    data = read_sealed(enterprise_subject(row.enterprise), row.path, place=place_of(row.id))
    if data is None:
        raise UnknownSanction(sanction=sanction)
    return row.name, data


def place_of(sanction: str) -> str:
    """The place that sealed bytes are bound to."""
    return f"sanction:{sanction}"


def _row(sanction: str, enterprise: str | None) -> SanctionRow:
    rows = SanctionRow.objects.filter(id=sanction)
    row = (rows.filter(enterprise=enterprise, told=True) if enterprise is not None else rows).first()
    if row is None:
        raise UnknownSanction(sanction=sanction)
    return row


def sanction_facts(row: SanctionRow) -> Sanction:
    """Facts of a row."""
    found = {name: getattr(row, name) for name in COLUMNS}
    return Sanction(**{**found, "measures": tuple(row.measures), "state": SanctionState(row.state)})
