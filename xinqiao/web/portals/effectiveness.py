"""Effectiveness: the node's one page with the rows behind each number, and what anybody may read of it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xinqiao.effectiveness.actions import close_month, enter_official, export
from xinqiao.effectiveness.papers import monthly_report, report_name
from xinqiao.effectiveness.queries import (
    adjustments,
    closed_months,
    get_page,
    goals,
    list_figures,
    open_statistics,
    progress,
    recent_page,
)
from xinqiao.effectiveness.tiles import grid
from xinqiao.effectiveness.types import Cohort, Table, UnknownTable
from xinqiao.kernel.divisions import DivisionTable
from xinqiao.kernel.errors import Invalid
from xinqiao.parties.types import Role
from xinqiao.plumbing.settings import content_dir
from xinqiao.web.access import Acting, Portal, posted, public, requires
from xinqiao.web.middleware import error_context
from xinqiao.web.templatetags.xinqiao import word

NODE = requires(Portal.NODE, Role.OPERATOR, readers=(Role.AUDITOR,))
SPLITS = ("month", "unit", "county", "size", "institution", "first_loan")
SPLIT_ROWS = 130  # 107 counties and those elsewhere
COHORTS = 24


@NODE
@require_GET
def page(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Targets, official figures apart from the platform's, three coverages, the funnel, the tiles; the rows of each."""
    found = get_page(now=timezone.now())
    by = request.GET.get("by", "month") if request.GET.get("by", "month") in SPLITS else "month"
    months = closed_months()
    counties = found.tables[Table.COUNTIES]
    context: dict[str, Any] = {
        "page": found,
        "groups": found.grouped(),
        "progress": progress(found),
        "by": by,
        "cohorts": _named(found.cohorts(by)[-(COHORTS if by == "month" else SPLIT_ROWS) :], by, found.tables),
        "grid": grid(counties),
        "missing": _missing(found.tables),
        "tables": [(t, len(rows)) for t, rows in found.tables.items()],
        "months": months[:12],
        "adjusted": adjustments(months[0][0], found) if months else [],
    }
    return render(request, "node/effectiveness.html", context)


def _named(cohorts: list[Cohort], by: str, tables: Any) -> list[tuple[str, Cohort]]:
    """Cohorts with the name a person reads: of the county, the reporting unit, the institution, the size."""
    counties = tables[Table.COUNTIES]
    names = {
        "county": {r["county"]: r["name"] for r in counties},
        "unit": dict(DivisionTable.load(content_dir() / "divisions.toml").units),
        "institution": {r["institution"]: r["name"] for r in tables[Table.INSTITUTIONS]},
        "first_loan": {"1": _("首贷"), "0": _("非首贷"), "": _("尚未放款")},
        "size": {code: word(code) for code in ("large", "medium", "small", "micro")},
    }.get(by, {})
    return [(str(names.get(c.key, c.key)) or "—", c) for c in cohorts]


def _missing(tables: Any) -> dict[str, list[Any]]:
    """What is not covered yet, of each of the three coverages."""
    had = {r["department"] for r in tables[Table.SOURCES] if r["covered"]}
    return {
        "counties": [r for r in tables[Table.COUNTIES] if not r["covered"]],
        "sources": [r for r in tables[Table.SOURCES] if not r["covered"]],
        "departments": sorted({r["department_name"] for r in tables[Table.SOURCES] if r["department"] not in had}),
        "institutions": [r for r in tables[Table.INSTITUTIONS] if not r["covered"]],
    }


@NODE
@require_GET
def rows(request: HttpRequest, table: str, *, actor: Acting) -> HttpResponse:
    """The rows behind numbers, as a file; enterprises stand under keyed digests."""
    if table not in set(Table):
        raise UnknownTable(table=table)
    text = export(table, actor=actor.label, now=timezone.now())
    answer = HttpResponse("\ufeff" + text, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{table}-{timezone.localdate()}.csv"'
    return answer


@NODE
@require_http_methods(["GET", "POST"])
def official(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Official figures: entered with day and source; a later entry corrects, both stay."""
    context: dict[str, Any] = {"series": goals().series, "typed": {}}
    status = 200
    if request.method == "POST":
        try:
            enter_official(
                posted(request, "series", most=40),
                on=_day(posted(request, "on", most=10)),
                value_fen=_hundred_million(posted(request, "value", most=30)),
                source=posted(request, "source", most=300),
                actor=actor.label,
                now=timezone.now(),
            )
            messages.success(request, _("已录入并留痕"), extra_tags="good")
            return redirect("node-official")
        except Invalid as error:
            context |= {"error": error_context(error), "typed": request.POST}
            status = error.status
    context["figures"] = [(s, list_figures(s.code, limit=12)) for s in goals().series]
    return render(request, "node/official.html", context, status=status)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _hundred_million(text: str) -> int | None:
    """A hundred million yuan as typed, in fen."""
    try:
        fen = Decimal(text.replace(",", "").strip()) * 10_000_000_000
    except ArithmeticError:
        return None
    return int(fen) if fen.is_finite() and fen == fen.to_integral_value() and abs(fen) < 10**18 else None


@NODE
@require_POST
def close(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Close a month that is over."""
    month = posted(request, "month", most=7)
    close_month(month, actor=actor.label, now=timezone.now())
    messages.success(request, _("%(month)s 已结账；以后的更正列为调整") % {"month": month}, extra_tags="good")
    return redirect("node-effectiveness")


@NODE
@require_GET
def paper(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """The monthly report."""
    found = get_page(now=timezone.now())
    answer = HttpResponse(monthly_report(found), content_type="application/pdf")
    answer["Content-Disposition"] = f'attachment; filename="{report_name(found.at)}"'
    return answer


@public
@require_GET
def statistics(request: HttpRequest) -> HttpResponse:
    """Open statistics: coverage, and counts of which small cells are left out."""
    found = recent_page(now=timezone.now())
    coverage = [m for m in found.measures if m.facts.table in (Table.COUNTIES, Table.SOURCES, Table.INSTITUTIONS)]
    context = {"coverage": coverage, "open": open_statistics(found), "floor": goals().floor, "at": found.at}
    return render(request, "public/statistics.html", context)


@public
@require_GET
def statistics_file(request: HttpRequest) -> HttpResponse:
    """The same as a file."""
    found = open_statistics(recent_page(now=timezone.now()))
    lines = ["table,key,count"]
    lines += [f"{name},{key},{'' if n is None else n}" for name, counts in found.items() for key, n in counts.items()]
    answer = HttpResponse("\ufeff" + "\r\n".join(lines) + "\r\n", content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="statistics.csv"'
    return answer
