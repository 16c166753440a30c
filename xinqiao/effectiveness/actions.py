"""Verbs of effectiveness. Each is one transaction: check, change, record the evidence."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction

from xinqiao.effectiveness.models import MonthRow, OfficialRow
from xinqiao.effectiveness.queries import Page, as_csv, figure_facts, get_page, goals, last_day, table_of, until
from xinqiao.effectiveness.rules import measures
from xinqiao.effectiveness.types import (
    EXPORTED,
    MONTH_CLOSED,
    OFFICIAL_ENTERED,
    MonthClosed,
    MonthNotOver,
    OfficialFigure,
    WrongFigure,
)
from xinqiao.evidence.actions import record
from xinqiao.kernel.canonical import canonical_bytes, sha256_hex
from xinqiao.kernel.dated import beijing_day
from xinqiao.kernel.errors import Phrase, Problem

MOST_FEN, LONGEST = 10**17, 200
MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")


@transaction.atomic
def enter_official(
    series: str, *, on: date | None, value_fen: int | None, source: str, actor: str, now: datetime
) -> OfficialFigure:
    """Enter an official figure with its source and day; a later entry for the day corrects it, both stay.

    Raises WrongFigure with every fault.
    """
    problems: list[Problem] = []

    def say(field: str, pattern: Phrase) -> None:
        problems.append(Problem(field=field, code="effectiveness.figure", message=pattern))

    if series not in {s.code for s in goals().series}:
        say("series", Phrase("没有序列“{name}”", name=series))
    if on is None or on > beijing_day(now):
        say("on", Phrase("请填数字所属的日期，不晚于今天"))
    if value_fen is None or not 0 <= value_fen <= MOST_FEN:
        say("value", Phrase("请填不小于零的金额"))
    if not 2 <= len(source.strip()) <= LONGEST:
        say("source", Phrase("请写明来源，2 至 {most} 字", most=LONGEST))
    if problems:
        raise WrongFigure(problems)
    row = OfficialRow.objects.create(
        series=series, on=on, value_fen=value_fen, source=source.strip(), entered_by=actor, entered_at=now
    )
    body: dict[str, Any] = {"series": series, "on": str(on), "value_fen": value_fen, "source": row.source}
    record(OFFICIAL_ENTERED, actor=actor, subject="node", body=body, now=now)
    return figure_facts(row)


@transaction.atomic
def close_month(month: str, *, actor: str, now: datetime) -> str:
    """Close a month that is over: its numbers are frozen with their digest, later reports become adjustments.

    ``month`` is ``2026-11``. Returns the digest; raises MonthNotOver, MonthClosed.
    """
    if not _is_month(month) or beijing_day(now) <= last_day(month):
        raise MonthNotOver(month=month)
    page = get_page(now=now)
    made = measures(until(page.tables, month), on=last_day(month))
    document = {"month": month, "known_at": now.isoformat(), "measures": {m.facts.code: m.value for m in made}}
    written = canonical_bytes(document)
    digest = sha256_hex(written)
    try:
        with transaction.atomic():
            MonthRow.objects.create(
                month=month, document=written.decode(), sha256=digest, closed_by=actor, closed_at=now
            )
    except IntegrityError as twice:
        raise MonthClosed(month=month) from twice
    record(MONTH_CLOSED, actor=actor, subject="node", body={"month": month, "sha256": digest}, now=now)
    return digest


def _is_month(text: str) -> bool:
    return bool(MONTH.fullmatch(text))


def export(name: str, *, page: Page | None = None, actor: str, now: datetime) -> str:
    """The rows of a table as CSV, with the evidence of who took them out; raises UnknownTable."""
    table = table_of(name)
    found = page or get_page(now=now)
    text = as_csv(found.tables[table])
    with transaction.atomic():
        body = {"table": str(table), "rows": len(found.tables[table]), "sha256": sha256_hex(text.encode())}
        record(EXPORTED, actor=actor, subject="node", body=body, now=now)
    return text
