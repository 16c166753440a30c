"""Reads: the page's numbers, the rows behind them, targets, official figures, closed months, open statistics."""

from __future__ import annotations

import csv
import io
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from xinqiao.effectiveness.gathering import gather
from xinqiao.effectiveness.models import MonthRow, OfficialRow
from xinqiao.effectiveness.rules import FLOWS, funnel, load_goals, measures, open_counts
from xinqiao.effectiveness.types import (
    Adjustment,
    Cohort,
    Goals,
    Measure,
    OfficialFigure,
    Progress,
    Row,
    Rows,
    Table,
    Target,
    UnknownTable,
)
from xinqiao.kernel.dated import add_months, beijing_day
from xinqiao.plumbing.settings import content_dir


@dataclass(frozen=True, slots=True)
class Page:
    """The page of effect: numbers and the rows they are made of, as known at one instant."""

    measures: tuple[Measure, ...]
    tables: Mapping[Table, Rows]
    at: datetime

    def grouped(self) -> list[tuple[str, list[Measure]]]:
        """The numbers under their headings."""
        groups: dict[str, list[Measure]] = {}
        for one in self.measures:
            groups.setdefault(one.facts.group, []).append(one)
        return list(groups.items())

    def cohorts(self, by: str = "month") -> list[Cohort]:
        """The funnel by month of registration, county, institution, size or first loan."""
        return funnel(self.tables[Table.ENTERPRISES], by=by)


def goals() -> Goals:
    """The content's ``targets.toml``; raises InvalidTargets."""
    return load_goals(content_dir() / "targets.toml")


def get_page(*, now: datetime) -> Page:
    """Every number with its rows."""
    tables = gather(now=now) | {Table.OFFICIAL: official_rows()}
    return Page(tuple(measures(tables, on=beijing_day(now))), tables, now)


def recent_page(*, now: datetime) -> Page:
    """The page as it was at the beginning of the hour: for pages that anybody may ask for as often as they like."""
    with _ONE:  # whoever comes while it is made waits for it
        return _page_of_hour(now.replace(minute=0, second=0, microsecond=0))


_ONE = threading.Lock()


@lru_cache(maxsize=1)
def _page_of_hour(hour: datetime) -> Page:
    return get_page(now=hour)


def official_rows() -> Rows:
    """Every official figure as entered, in order of entry."""
    return [
        {
            "series": row.series,
            "on": row.on.isoformat(),
            "value_fen": row.value_fen,
            "source": row.source,
            "entered_by": row.entered_by,
            "entered_at": row.entered_at.isoformat(),
        }
        for row in OfficialRow.objects.order_by("id")
    ]


def latest_figure(series: str) -> OfficialFigure | None:
    """The newest day's figure of a series; of two entries for a day the later."""
    row = OfficialRow.objects.filter(series=series).order_by("-on", "-id").first()
    return figure_facts(row) if row else None


def list_figures(series: str, *, limit: int = 60) -> list[OfficialFigure]:
    """Figures of a series, the newest day first, corrections above what they correct."""
    return [figure_facts(row) for row in OfficialRow.objects.filter(series=series).order_by("-on", "-id")[:limit]]


def figure_facts(row: OfficialRow) -> OfficialFigure:
    """A stored figure as its facts."""
    return OfficialFigure(row.series, row.on, row.value_fen, row.source, row.entered_by, row.entered_at)


def progress(page: Page) -> list[Progress]:
    """Where each target stands. An official target never takes a number of the platform, nor the other way round."""
    return [_progress(one, page) for one in goals().targets]


def _progress(target: Target, page: Page) -> Progress:
    over = beijing_day(page.at) > target.until
    if target.measure:
        found = next(m for m in page.measures if m.facts.code == target.measure)
        return Progress(target, found.value, beijing_day(page.at), "", over)
    figure = latest_figure(target.series)
    if figure is None:
        return Progress(target, None, None, "", over)
    if not target.of:
        return Progress(target, figure.value_fen, figure.on, figure.source, over)
    whole = next((f for f in list_figures(target.of) if f.on == figure.on), None)
    if whole is None or not whole.value_fen:
        return Progress(target, None, None, "", over)
    return Progress(target, figure.value_fen * 10_000 // whole.value_fen, figure.on, figure.source, over)


def table_of(name: str) -> Table:
    """A table by its name; raises UnknownTable."""
    if name not in set(Table):
        raise UnknownTable(table=name)
    return Table(name)


def as_csv(rows: Rows) -> str:
    """Rows as a file, the columns in their order; an empty table has no columns."""
    out = io.StringIO(newline="")
    if rows:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return out.getvalue()


def closed_months() -> list[tuple[str, str, datetime]]:
    """(month, digest, closed at), the newest first."""
    return list(MonthRow.objects.order_by("-month").values_list("month", "sha256", "closed_at"))


def adjustments(month: str, page: Page) -> list[Adjustment]:
    """Numbers of a closed month that reports since then have changed: what happened in it, as it is known now."""
    row = MonthRow.objects.filter(month=month).first()
    if row is None:
        return []
    closed = json.loads(row.document)["measures"]
    now = {m.facts.code: m.value for m in measures(until(page.tables, month), on=last_day(month))}
    return [Adjustment(code, closed.get(code), now[code]) for code in FLOWS if closed.get(code) != now[code]]


def until(tables: Mapping[Table, Rows], month: str) -> dict[Table, Rows]:
    """The tables without what happened after a month."""
    days = {Table.ENTERPRISES: "registered_on", Table.LOANS: "drawn_on", Table.APPLICATIONS: "made_on"}
    cut = {t: [_known_by(r, month) for r in tables[t] if str(r[day])[:7] <= month] for t, day in days.items()}
    accesses = [r for r in tables[Table.ACCESSES] if str(r["month"]) <= month]
    return {**tables, **cut, Table.ACCESSES: accesses}


def _known_by(row: Row, month: str) -> Row:
    """A row without the days that came after a month; due days are known before they come."""
    later = {n for n, v in row.items() if n.endswith("_on") and n != "due_on" and str(v)[:7] > month}
    gone = {"decision": ""} if "decided_on" in later else {}
    return {**row, **dict.fromkeys(later, ""), **gone} if later else row


def last_day(month: str) -> date:
    """The last day of ``2026-11``."""
    year, number = int(month[:4]), int(month[5:7])
    return date(year + number // 12, number % 12 + 1, 1) - (date(2000, 1, 2) - date(2000, 1, 1))


def open_statistics(page: Page) -> dict[str, dict[str, int | None]]:
    """What anybody may read: counts of enterprises by reporting unit and month, small cells left out.

    Up to the end of last month: what is told anew once a month shows no single step of anybody.
    """
    floor, month = goals().floor, f"{add_months(beijing_day(page.at), -1):%Y-%m}"
    firms = until(page.tables, month)[Table.ENTERPRISES]
    units = {str(r["county"]): str(r["unit"]) for r in page.tables[Table.COUNTIES]}
    named = [{**r, "unit": units.get(str(r["county"]), "—"), "month": str(r["registered_on"])[:7]} for r in firms]
    return {
        "registered_by_unit": open_counts(named, by="unit", floor=floor),
        "registered_by_month": open_counts(named, by="month", floor=floor),
        "authorised_by_unit": open_counts([r for r in named if r["authorised_on"]], by="unit", floor=floor),
        "borrowed_by_unit": open_counts([r for r in named if r["drawn_on"]], by="unit", floor=floor),
    }
