"""Clocks in working days and the definitions of loan statistics, from the texts they come from."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.market import drawn
from xinqiao.kernel.dated import BEIJING
from xinqiao.kernel.working_days import WorkCalendar
from xinqiao.lending.definitions import (
    UnknownDefinition,
    average_per_enterprise,
    credit_share,
    first_loan_rate,
    in_force,
    inclusive_limit,
    is_credit_loan,
    is_first_loan,
    is_inclusive,
    non_performing,
    weighted_rate,
)
from xinqiao.lending.papers import read_reports, report_document
from xinqiao.lending.refusals import InvalidLending
from xinqiao.lending.rules import (
    APPLICATION_TRANSITIONS,
    UNDER_WAY,
    clock_of,
    due_marks,
    load_lending,
    turn,
    worst_by_days,
)
from xinqiao.lending.types import ApplicationState, Clock, FiveClass, Holder, LoanReport, ReminderMark
from xinqiao.plumbing.settings import content_dir

RULES = load_lending(content_dir() / "lending.toml")
CALENDAR = WorkCalendar.load(content_dir() / "calendar")
TODAY = date(2026, 11, 20)


def at(text: str) -> datetime:
    """An instant in Beijing."""
    return datetime.fromisoformat(text).replace(tzinfo=BEIJING)


def loan(**changes: object) -> LoanReport:
    """A loan fed back, changed as told."""
    [found], problems = read_reports([drawn(**changes)], today=TODAY)
    assert problems == []
    return found


def test_the_day_of_receipt_is_not_counted_and_a_week_end_does_not_run() -> None:
    """Friday 20 November, five working days: until Friday 27; on Sunday nothing has run."""
    clock, since = Clock(Holder.ENTERPRISE, 5), at("2026-11-20T09:00")
    for now, due, percent, left, over in (
        ("2026-11-20T23:00", "2026-11-27", 0, 5, False),
        ("2026-11-22T12:00", "2026-11-27", 0, 5, False),
        ("2026-11-23T12:00", "2026-11-27", 10, 4, False),
        ("2026-11-25T12:00", "2026-11-27", 50, 2, False),
        ("2026-11-27T23:59", "2026-11-27", 99, 0, False),
        ("2026-11-28T00:00", "2026-11-27", 100, 0, True),
    ):
        found = turn(clock, since=since, now=at(now), calendar=CALENDAR)
        assert found is not None
        assert (found.due_on.isoformat(), found.elapsed_percent, found.workdays_left, found.over) == (
            due, percent, left, over,
        ), now  # fmt: skip


def test_make_up_days_and_holidays_count_as_the_notice_says() -> None:
    """Before the National Day of 2025: 28 September is worked, 1 to 8 October are not, 11 October is."""
    found = turn(
        Clock(Holder.INSTITUTION, 5), since=at("2025-09-27T10:00"), now=at("2025-09-28T10:00"), calendar=CALENDAR
    )
    assert found is not None and found.due_on == date(2025, 10, 10)


@given(st.integers(0, 16_000), st.integers(1, 15), st.integers(0, 600))
def test_time_never_runs_back(after: int, workdays: int, hours: int) -> None:
    """The share that has run only grows, is over exactly after the last day, and marks come in order."""
    begun = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=after)
    clock = Clock(Holder.INSTITUTION, workdays)
    first, later = (
        turn(clock, since=begun, now=begun + timedelta(hours=h), calendar=CALENDAR) for h in (hours, hours + 7)
    )
    assert first and later and first.elapsed_percent <= later.elapsed_percent
    assert first.over is ((begun + timedelta(hours=hours)).astimezone(BEIJING).date() > first.due_on)
    assert set(due_marks(first)) <= set(due_marks(later))
    assert (ReminderMark.OVER in due_marks(first)) is first.over


def test_a_quicker_promise_binds() -> None:
    """A product that promises three days is held to three, not to ten; one that promises twelve is held to ten."""
    for promised, held in ((3, 3), (12, 10)):
        found = clock_of(ApplicationState.REPORTED, RULES, decision_workdays=promised)
        assert found is not None and found.workdays == held


def test_every_state_under_way_has_a_way_out_for_the_enterprise() -> None:
    """Until the money is drawn the enterprise may always take its application back."""
    for state in UNDER_WAY:
        assert APPLICATION_TRANSITIONS.can(state, "withdraw"), state
        assert APPLICATION_TRANSITIONS.can(state, "decline"), state


@pytest.mark.parametrize(
    ("days", "at_worst"),
    [(0, "normal"), (1, "special_mention"), (90, "special_mention"), (91, "substandard"), (270, "substandard"),
     (271, "doubtful"), (360, "doubtful"), (361, "loss")],
)  # fmt: skip
def test_five_classes_by_days_past_due(days: int, at_worst: str) -> None:
    """Past due at least special mention, over 90 substandard, over 270 doubtful, over 360 loss, since 2023-07-01."""
    assert worst_by_days(days, date(2023, 7, 1), RULES) is FiveClass(at_worst)
    assert worst_by_days(days, date(2023, 6, 30), RULES) is FiveClass.PASS


def test_the_limit_of_inclusive_loans_depends_on_the_day_and_the_report() -> None:
    """10 million for the regulator; 20 million for the central bank since 2024."""
    million = 100_000_000
    assert inclusive_limit(RULES, "regulator", date(2024, 6, 1)) == 10 * million
    assert inclusive_limit(RULES, "central_bank", date(2023, 12, 31)) == 10 * million
    assert inclusive_limit(RULES, "central_bank", date(2024, 1, 1)) == 20 * million
    for name in ("regulator", "moon"):
        with pytest.raises(UnknownDefinition):
            inclusive_limit(RULES, name, date(2017, 1, 1))
    counts = {"total_credit_fen": 15 * million, "on": date(2026, 1, 1)}
    assert is_inclusive(RULES, "central_bank", size="small", sole=False, **counts)  # type: ignore[arg-type]
    assert not is_inclusive(RULES, "regulator", size="small", sole=False, **counts)  # type: ignore[arg-type]
    assert not is_inclusive(RULES, "central_bank", size="medium", sole=False, **counts)  # type: ignore[arg-type]
    assert is_inclusive(RULES, "central_bank", size="", sole=True, **counts)  # type: ignore[arg-type]


def test_credit_loans_are_those_of_code_d() -> None:
    """Whatever else secures a loan, it is no credit loan."""
    found = {code: is_credit_loan(loan(guarantee=code)) for code in ("A", "B01", "B99", "C01", "C99", "D", "E", "Z")}
    assert [code for code, counts in found.items() if counts] == ["D"]


def test_a_renewal_is_no_first_loan() -> None:
    """Nor is a loan after another one; a loan before it does not matter to the earlier."""
    new = loan(first_loan=False)
    earlier = loan(first_loan=False, drawn_on="2026-11-01", approved_on="2026-11-01")
    assert is_first_loan(new, earlier=[])
    assert not is_first_loan(new, earlier=[earlier])
    assert is_first_loan(earlier, earlier=[new])
    assert not is_first_loan(loan(first_loan=False, renewal=True), earlier=[])


def test_shares_are_exact() -> None:
    """Credit share and NPL by balance, first-loan rate by enterprise, rate by amount, average by borrower."""
    rows = [
        loan(balance_fen=30, five_class="normal", rate_bp=400, amount_fen=100),
        loan(balance_fen=60, guarantee="A", five_class="substandard", rate_bp=500, amount_fen=300, first_loan=False),
        loan(enterprise="91610102MAXAMPLE2H", balance_fen=0, first_loan=False, rate_bp=300, amount_fen=100),
    ]
    assert (credit_share(rows).bp, non_performing(rows).bp) == (3333, 6667)
    assert (first_loan_rate(rows).part, first_loan_rate(rows).whole) == (1, 2)
    assert weighted_rate(rows).part / weighted_rate(rows).whole == 440
    assert (average_per_enterprise(rows).part, average_per_enterprise(rows).whole) == (90, 1)
    assert credit_share([]).bp is None


def test_a_line_counts_from_its_approval_until_it_ends() -> None:
    """Settled or run out, it drops out."""
    one = loan()
    assert [in_force(one, date(2026, 11, d)) for d in (17, 18, 30)] == [False, True, True]
    assert not in_force(one, date(2027, 11, 19))
    settled = loan(balance_fen=0, settled_on="2026-11-20")
    assert in_force(settled, date(2026, 11, 19)) and not in_force(settled, TODAY)


def test_a_report_reads_back_as_it_was_written() -> None:
    """What is kept and digested says all that came."""
    document = report_document(loan())
    [again], problems = read_reports([{k: v for k, v in document.items() if v is not None}], today=TODAY)
    assert (again, problems) == (loan(), [])


def test_content_with_faults_names_all_of_them(tmp_path: Path) -> None:
    """A clock too few, a reason twice, days that fall."""
    text = (content_dir() / "lending.toml").read_text("utf-8")
    text = text.replace("accepted = {", "repaid = {").replace('code = "R02"', 'code = "R01"')
    text = text.replace("over_days = 90", "over_days = 900")
    (tmp_path / "lending.toml").write_text(text, "utf-8")
    with pytest.raises(InvalidLending) as wrong:
        load_lending(tmp_path / "lending.toml")
    assert sorted(p.field for p in wrong.value.problems) == ["classes", "clocks", "clocks", "reasons"]
