"""Reads of the register: facts, never rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.db.models import F

from xinqiao.plumbing.settings import content_dir
from xinqiao.violations.models import CaseRow
from xinqiao.violations.rules import load_register
from xinqiao.violations.types import ENDED, Case, CaseState, Register, Source, UnknownCase

PUBLISHED = (CaseState.IN_FORCE, CaseState.APPEALED, CaseState.CLOSED)
COLUMNS = tuple(Case.__dataclass_fields__)


def register() -> Register:
    """The content's ``violations.toml``."""
    return load_register(content_dir() / "violations.toml")


def list_cases(
    *, organisation: str | None = None, ended: bool | None = None, states: Iterable[CaseState] = (), limit: int = 200
) -> list[Case]:
    """Cases, the least time left first; an organisation's own view holds what it was told of, and what became of that.

    ``ended`` = only those that are over, or only those that are not.
    """
    rows = CaseRow.objects.order_by(F("due_on").asc(nulls_last=True), "-opened_at", "id")
    if organisation is not None:
        rows = rows.filter(organisation=organisation).exclude(notice="")
    if ended is not None:
        rows = rows.filter(state__in=ENDED) if ended else rows.exclude(state__in=ENDED)
    if states:
        rows = rows.filter(state__in=list(states))
    return [case_facts(row) for row in rows[:limit]]


def get_case(case: str, *, organisation: str | None = None) -> Case:
    """One case, for an organisation only once it was told of it; raises UnknownCase."""
    rows = CaseRow.objects.filter(id=case)
    row = (rows.filter(organisation=organisation).exclude(notice="") if organisation is not None else rows).first()
    if row is None:
        raise UnknownCase(case=case)
    return case_facts(row)


def find_case(source: Source, reference: str) -> Case | None:
    """The case that was opened on that thing, or None."""
    row = CaseRow.objects.filter(source=source, reference=reference).first()
    return case_facts(row) if row else None


def published_rows() -> list[dict[str, str]]:
    """Kind, measure and year of every measure that was carried out and stands, for counting in public."""
    rows = CaseRow.objects.filter(state__in=PUBLISHED).order_by("carried_out_at")
    return [
        {"kind": row.kind, "measure": measure, "year": str(row.carried_out_at.year)}
        for row in rows
        for measure in row.measures
        if row.carried_out_at
    ]


def count_by_state() -> dict[str, int]:
    """How many cases stand where."""
    return dict(Counter(CaseRow.objects.values_list("state", flat=True)))


def case_facts(row: CaseRow) -> Case:
    """Facts of a row."""
    found = {name: getattr(row, name) for name in COLUMNS}
    found |= {"source": Source(row.source), "state": CaseState(row.state), "measures": tuple(row.measures)}
    return Case(**found)
