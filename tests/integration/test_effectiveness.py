"""Whether it works: every number again from its exported rows, official figures apart, months closed."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import median_low
from typing import Any

import pytest
from django.db import connection

from tests.factories import NOW, uscc
from tests.market import BY, FIRM, Market, drawn, terms
from xinqiao.effectiveness.actions import close_month, enter_official, export
from xinqiao.effectiveness.papers import monthly_report
from xinqiao.effectiveness.queries import (
    adjustments,
    as_csv,
    get_page,
    goals,
    list_figures,
    open_statistics,
    progress,
)
from xinqiao.effectiveness.rules import load_goals, open_counts
from xinqiao.effectiveness.types import InvalidTargets, MonthClosed, MonthNotOver, Table, UnknownTable, WrongFigure
from xinqiao.evidence.queries import list_entries
from xinqiao.lending.applications import answer, decline, offer
from xinqiao.lending.loans import report_loans
from xinqiao.lending.types import Answer
from xinqiao.plumbing.settings import content_dir

LATER = NOW + timedelta(days=20)


@pytest.fixture
def busy(market: Market) -> Market:
    """A market with a firm that borrowed by the platform, refusals, and loans that came without it."""
    first = market.authorise(market.opt_in())
    offer(first.id, terms(), institution="bank_a", **BY)
    answer(first.id, Answer.ACCEPT, enterprise=FIRM, signatory=market.owner, **BY)
    second = market.authorise(market.opt_in("bank_b"))
    decline(second.id, reasons=["R01"], institution="bank_b", **BY)
    market.opt_in("bank_c")
    report_loans([drawn(first.id, drawn_on="2026-11-20", approved_on="2026-11-20")], institution="bank_a", **BY)
    other = {"drawn_on": "2025-06-01", "approved_on": "2025-06-01", "due_on": "2026-12-01", "first_loan": True}
    rows = [
        drawn(receipt_no=f"JJ20260{n}", enterprise=uscc(n), guarantee="A", balance_fen=n * 100, **other)
        for n in range(2, 9)
    ]
    report_loans(rows, institution="bank_b", **BY)
    return market


def total(rows: list[dict[str, str]], name: str) -> int:
    """Sum of a column of a file."""
    return sum(int(r[name]) for r in rows)


def share(part: int, whole: int, scale: int = 10_000) -> int | None:
    """A share rounded half up, None of nothing."""
    return (part * scale * 2 + whole) // (whole * 2) if whole else None


def from_rows(files: dict[str, str], on: date) -> dict[str, int | None]:
    """Every number recomputed by a reader who has the files and the formulas, and none of the product's code."""
    t = {name: list(csv.DictReader(io.StringIO(text))) for name, text in files.items()}
    mine = [r for r in t["loans"] if r["attributed"] == "1"]
    return from_use(t) | from_loans(mine, on.year)


def from_use(t: dict[str, list[dict[str, str]]]) -> dict[str, int | None]:
    """Coverage and use."""
    firms, applied, counties = t["enterprises"], t["applications"], t["counties"]
    decided = [r for r in applied if r["decided_on"]]
    timed = [r for r in decided if r["due_on"]]
    departments = {r["department"] for r in t["sources"]}
    had = {r["department"] for r in t["sources"] if r["covered"] == "1"}
    authorised = [r for r in firms if r["authorised_on"]]
    return {
        "counties_covered": share(total(counties, "covered"), len(counties)),
        "sources_covered": share(len(had), len(departments)),
        "items_collected": share(total(t["sources"], "covered"), len(t["sources"])),
        "institutions_covered": share(total(t["institutions"], "covered"), len(t["institutions"])),
        "registered": len(firms),
        "authorised": len(authorised),
        "authorisation_rate": share(len(authorised), len(firms)),
        "products": total(t["institutions"], "products"),
        "queries": total(t["accesses"], "allowed"),
        "applications": len(applied),
        "decided": len(decided),
        "decided_in_time": share(sum(r["decided_on"] <= r["due_on"] for r in timed), len(timed)),
        "offer_rate": share(sum(r["decision"] == "offer" for r in decided), len(decided)),
    }


def from_loans(mine: list[dict[str, str]], year: int) -> dict[str, int | None]:
    """What the platform brought about."""
    now = [r for r in mine if r["drawn_on"].startswith(str(year))]
    before = [r for r in mine if r["drawn_on"].startswith(str(year - 1))]
    credit = [r for r in mine if r["guarantee"] == "D"]
    small = [r for r in credit if r["size"] in ("small", "micro")]
    bad = [r for r in mine if r["five_class"] in ("substandard", "doubtful", "loss")]
    owing = {r["enterprise"] for r in mine if r["balance_fen"] != "0"}
    legal = [r for r in now if r["sole"] == "0"]
    first = {r["enterprise"] for r in legal if r["first_loan"] == "1"}
    earlier = [r for r in before if r["sole"] == "0" and r["first_loan"] == "1"]
    inclusive = {n: [r for r in mine if r[f"inclusive_{n}"] == "1"] for n in ("regulator", "central_bank")}
    return {
        "lent": total(mine, "amount_fen"),
        "lent_this_year": total(now, "amount_fen"),
        "balance": total(mine, "balance_fen"),
        "borrowers": len(owing),
        "average": share(total(mine, "balance_fen"), len(owing), 1),
        "rate": share(sum(int(r["amount_fen"]) * int(r["rate_bp"]) for r in now), total(now, "amount_fen"), 1),
        "npl": share(total(bad, "balance_fen"), total(mine, "balance_fen")),
        "credit_balance": total(credit, "balance_fen"),
        "credit_share": share(total(credit, "balance_fen"), total(mine, "balance_fen")),
        "credit_lent_share": share(total(credit, "amount_fen"), total(mine, "amount_fen")),
        "small_credit_balance": total(small, "balance_fen"),
        "small_credit_share": share(total(small, "balance_fen"), total(credit, "balance_fen")),
        "first_loans": len(first),
        "first_loans_before": len({r["enterprise"] for r in earlier}),
        "first_loans_sole": len({r["enterprise"] for r in now if r["first_loan"] == "1" and r["sole"] == "1"}),
        "first_loan_rate": share(len(first), len({r["enterprise"] for r in legal})),
        "inclusive_regulator": total(inclusive["regulator"], "balance_fen"),
        "inclusive_central_bank": total(inclusive["central_bank"], "balance_fen"),
    }


def test_every_number_comes_again_from_its_exported_rows(busy: Market) -> None:
    """No number of the page is left out, and none is all zero by accident."""
    page = get_page(now=NOW)
    files = {str(table): export(str(table), actor="p", now=NOW) for table in Table}
    shown = {m.facts.code: m.value for m in page.measures}
    assert from_rows(files, NOW.date()) == shown
    assert (shown["lent"], shown["applications"], shown["decided"], shown["offer_rate"]) == (80_000_000, 3, 2, 5000)
    assert (shown["credit_share"], shown["first_loans"], shown["borrowers"]) == (10_000, 1, 1)
    assert shown["registered"] == 30 and shown["institutions_covered"] == 10_000
    assert [e.event for e in list_entries()].count("effectiveness.exported") == len(Table)


def test_rows_name_no_enterprise(busy: Market) -> None:
    """Neither code nor name stands in any file; one enterprise has one digest in all of them."""
    files = {str(table): export(str(table), actor="p", now=NOW) for table in Table}
    for text in files.values():
        assert not any(uscc(n) in text for n in range(1, 31)) and "示例企业" not in text
    digests = [
        {r["enterprise"] for r in csv.DictReader(io.StringIO(files[t]))}
        for t in ("enterprises", "loans", "applications")
    ]
    assert len(digests[0]) == 30 and digests[1] <= digests[0] and digests[2] <= digests[0]


def test_the_funnel_counts_who_went_on_and_how_long_it_took(busy: Market) -> None:
    """Each step only of those who reached the one before; medians from the exported days."""
    page = get_page(now=NOW)
    [cohort] = page.cohorts("month")
    assert [(s.code, s.reached) for s in cohort.stages] == [
        ("registered", 30), ("authorised", 1), ("applied", 1), ("credited", 1), ("drawn", 1),
    ]  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(as_csv(page.tables[Table.ENTERPRISES]))))
    days = [
        date.fromisoformat(r["authorised_on"]) - date.fromisoformat(r["registered_on"])
        for r in rows
        if r["authorised_on"]
    ]
    assert cohort.stages[1].median_days == median_low(d.days for d in days)
    assert {c.key: c.stages[0].reached for c in page.cohorts("institution")} == {"": 29, "bank_a": 1}
    assert sum(c.stages[0].reached for c in page.cohorts("size")) == 30


def test_loans_without_the_platform_are_in_the_rows_and_in_no_number(busy: Market) -> None:
    """Seven loans of another bank came without an application or a read before them."""
    page = get_page(now=NOW)
    loans = page.tables[Table.LOANS]
    assert (len(loans), sum(bool(r["attributed"]) for r in loans)) == (8, 1)


def test_official_figures_stand_apart_and_are_corrected_by_another_entry(busy: Market) -> None:
    """A target of the official series takes only what was entered; both entries of a day stay."""

    def enter(series: str, value: int, source: str = "监管统计 2026-10") -> None:
        enter_official(series, on=date(2026, 10, 31), value_fen=value, source=source, **BY)

    before = {p.target.code: p.value for p in progress(get_page(now=NOW))}
    assert before == {"credit_loan_balance": None, "sme_share": None, "registered": 30}
    enter("credit_loan_balance", 110_000_000_000_000)
    enter("credit_loan_balance", 121_000_000_000_000, "更正")
    enter("sme_credit_loan_balance", 24_200_000_000_000)
    found = {p.target.code: p for p in progress(get_page(now=NOW))}
    assert found["credit_loan_balance"].value == 121_000_000_000_000
    assert (found["credit_loan_balance"].source, found["credit_loan_balance"].reached_bp) == ("更正", 10_083)
    assert (found["sme_share"].value, found["registered"].value) == (2000, 30)
    assert all(p.over for p in found.values()), "every target's day has passed: result against target"
    assert [f.value_fen for f in list_figures("credit_loan_balance")] == [121_000_000_000_000, 110_000_000_000_000]
    with pytest.raises(WrongFigure) as wrong:
        enter_official("moon", on=date(2030, 1, 1), value_fen=None, source="", **BY)
    assert {p.field for p in wrong.value.problems} == {"series", "on", "value", "source"}


def test_a_closed_month_stays_and_later_reports_are_adjustments(busy: Market) -> None:
    """What was closed is not changed; a drawdown reported late is shown as the difference."""
    with pytest.raises(MonthNotOver):
        close_month("2026-11", **BY)
    for wrong in ("2026-13", "now", "2099-01", "0000-01", "9999-12", "２０２６-０１"):
        with pytest.raises(MonthNotOver):
            close_month(wrong, actor="p", now=LATER)
    close_month("2026-11", actor="p", now=LATER)
    with pytest.raises(MonthClosed):
        close_month("2026-11", actor="p", now=LATER)
    assert adjustments("2026-11", get_page(now=LATER)) == []
    application = busy.authorise(busy.opt_in("bank_d"))
    late = drawn(application.id, receipt_no="JJLATE", drawn_on="2026-11-28", approved_on=None, first_loan=False)
    report_loans([late], institution="bank_d", actor="p", now=LATER)
    changed = {a.code: (a.closed, a.now) for a in adjustments("2026-11", get_page(now=LATER))}
    assert changed["lent"] == (80_000_000, 160_000_000) and changed["applications"] == (3, 4)


def test_open_statistics_keep_small_cells() -> None:
    """A cell below the floor is left out, and others with it until a total tells nothing of one."""

    def told(floor: int = 5, **cells: int) -> dict[str, int | None]:
        rows: list[dict[str, Any]] = [{"unit": u} for u, n in cells.items() for _ in range(n)]
        return open_counts(rows, by="unit", floor=floor)

    assert told(a=9, b=3, c=6, d=20) == {"a": None, "b": None, "c": None, "d": 20}
    assert told(a=9, b=1, c=1, d=30) == {"a": None, "b": None, "c": None, "d": None}, "two of one would be one each"
    assert told(a=9, b=8) == {"a": 9, "b": 8} and told() == {}


def test_open_statistics_of_a_market(busy: Market) -> None:
    """Told once a month: nothing of this month yet; next month thirty firms, and not the one that borrowed."""
    assert open_statistics(get_page(now=NOW))["registered_by_unit"] == {}
    found = open_statistics(get_page(now=LATER))
    assert found["registered_by_unit"] == {"西安市": 30}
    assert found["borrowed_by_unit"] == {"西安市": None} == found["authorised_by_unit"]
    assert goals().floor >= 2


def test_the_monthly_report_is_paper_with_the_same_bytes(busy: Market) -> None:
    """A PDF with the numbers; made twice it is the same."""
    page = get_page(now=NOW)
    made = monthly_report(page)
    assert made.startswith(b"%PDF") and monthly_report(page) == made


def test_asking_for_rows_that_are_not_there(fresh_node: Path) -> None:
    """A name of no table is refused; an empty node has a page all the same."""
    with pytest.raises(UnknownTable):
        export("secrets", actor="p", now=NOW)
    page = get_page(now=NOW)
    assert {m.facts.code: m.value for m in page.measures}["registered"] == 0 and page.cohorts() == []
    assert connection.vendor in ("sqlite", "postgresql") and isinstance(page.at, datetime)


def test_faulty_targets_are_named_together(tmp_path: Path) -> None:
    """A series that is none, a measure that is none, two values, a floor of one."""
    text = (content_dir() / "targets.toml").read_text("utf-8")
    text = text.replace("floor = 5", "floor = 1").replace('measure = "registered"', 'measure = "moon"')
    text = text.replace('of = "credit_loan_balance"', 'of = "moon"')
    text = text.replace("at_least = 100_000", "at_least = 100_000\nat_least_bp = 1")
    (tmp_path / "targets.toml").write_text(text, "utf-8")
    with pytest.raises(InvalidTargets) as wrong:
        load_goals(tmp_path / "targets.toml")
    assert sorted(p.field for p in wrong.value.problems) == ["floor", "registered", "registered", "sme_share"]
