"""What banks feed back: row by row, held against offers, attributed, put into the records."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.factories import DAY, NOW, item, uscc
from tests.market import BY, FIRM, TODAY, Market, drawn, terms
from xinqiao.consent.actions import request_authorisation
from xinqiao.consent.queries import get_request
from xinqiao.consent.types import Form, RequestState
from xinqiao.lending import queries
from xinqiao.lending.applications import answer, decline, offer
from xinqiao.lending.loans import record_loans, report_loans
from xinqiao.lending.refusals import (
    OfferRanOut,
    WrongReport,
)
from xinqiao.lending.types import (
    Answer,
    ApplicationState,
    GapKind,
)
from xinqiao.records.queries import current_rows, read_enterprise


def test_faulty_rows_come_back_and_the_others_are_taken(market: Market) -> None:
    """Every fault by row and field; the same delivery again changes nothing; nothing at all is an error."""
    rows = [
        drawn(),
        drawn(receipt_no="JJ2026002", enterprise="91610131MAYDEM0150", guarantee="X", drawn_on="2026-13-01"),
        drawn(receipt_no="JJ2026003", balance_fen=90_000_000),
        drawn(receipt_no="JJ2026004", first_loan="也许", surplus=1),
        drawn(receipt_no="JJ2026001", renewal=True),
        drawn(),
    ]
    taken = report_loans(rows, institution="bank_a", **BY)
    assert taken.new == 1
    found = {(p.row, p.field) for p in taken.problems}
    assert found == {
        (2, "enterprise"), (2, "guarantee"), (2, "drawn_on"), (3, "balance_fen"), (4, "first_loan"), (4, "surplus"),
        (5, "first_loan"), (6, "receipt_no"),
    }  # fmt: skip
    again = report_loans([drawn()], institution="bank_a", **BY)
    assert (again.new, again.changed, again.same) == (0, 0, 1)
    with pytest.raises(WrongReport):
        report_loans([drawn(amount_fen="viel")], institution="bank_a", **BY)
    with pytest.raises(WrongReport):
        report_loans([], institution="bank_a", **BY)


def test_a_table_in_yuan_says_the_same_as_the_api_in_fen(market: Market) -> None:
    """800,000.00 yuan at 4.20 % are 80,000,000 fen at 420 basis points."""
    table = drawn() | {"limit_fen": "800,000.00", "amount_fen": "800000", "balance_fen": "800000.00", "rate_bp": "4.2%"}
    table |= {"first_loan": "是", "renewal": "否", "five_class": "正常", "overdue_days": "0"}
    report_loans([table], institution="bank_a", yuan=True, **BY)
    assert report_loans([drawn()], institution="bank_a", **BY).same == 1


def test_the_daily_list_names_what_to_put_right(market: Market) -> None:
    """Accepted and not drawn, silent for a month, a class too good, called first, dearer than offered, past due."""
    application = market.authorise(market.opt_in())
    offer(application.id, terms(), institution="bank_a", **BY)
    answer(application.id, Answer.ACCEPT, enterprise=FIRM, signatory=market.owner, **BY)
    later = NOW + timedelta(days=40)
    assert [g.kind for g in queries.reconciliation("bank_a", now=later)] == [GapKind.NOT_DISBURSED]
    report_loans([drawn(application.id, rate_bp=450)], institution="bank_a", **BY)
    bad = drawn(
        receipt_no="JJ2026002",
        overdue_days=95,
        five_class="special_mention",
        drawn_on="2026-11-20",
        due_on="2026-11-25",
    )
    quiet = drawn(
        receipt_no="JJ2026003", first_loan=False, due_on="2026-12-01", drawn_on="2026-11-01", approved_on="2026-11-01"
    )
    wrong = drawn("A20000101-00000000", receipt_no="JJ2026004", enterprise=uscc(2))
    report_loans([bad, quiet, wrong], institution="bank_a", **BY)
    today = {(g.about, g.kind) for g in queries.reconciliation("bank_a", now=NOW)}
    assert today == {
        ("JJ20260001", GapKind.OVER_OFFER), ("JJ20260001", GapKind.FIRST_LOAN), ("JJ2026002", GapKind.CLASS_TOO_GOOD),
        ("JJ2026002", GapKind.FIRST_LOAN), ("JJ2026004", GapKind.UNKNOWN_APPLICATION),
    }  # fmt: skip
    kinds = [g.kind for g in queries.reconciliation("bank_a", now=later)]
    assert kinds.count(GapKind.NOT_UPDATED) == 4 and GapKind.PAST_DUE in kinds
    assert queries.reconciliation("bank_b", now=later) == []


def test_loans_fed_back_become_records(market: Market) -> None:
    """The three items of the sharing list hold what the bank reported, delivered once."""
    late = {"overdue_days": 3, "overdue_fen": 1_200_00, "five_class": "special_mention"}
    report_loans([drawn(first_loan=False, **late)], institution="bank_a", **BY)
    assert record_loans(now=NOW) == 1
    assert record_loans(now=NOW) == 0
    items = [item(code) for code in ("financing.credit_line", "financing.loan", "financing.repayment")]
    tables = read_enterprise(FIRM, items, known=NOW + DAY)
    line, loan, status = (current_rows(tables[i.code], i)[0] for i in items)
    assert (line["limit_fen"], loan["amount_fen"], loan["guarantee"]) == (80_000_000, 80_000_000, "信用")
    assert (str(loan["rate_percent"]).rstrip("0"), loan["first_loan"], status["five_class"]) == ("4.2", False, "关注")
    assert status["overdue_fen"] == 1_200_00


def test_a_loan_is_attributed_only_to_what_went_before_it(market: Market) -> None:
    """An authorised application within the window counts; none, one not authorised, one after the drawdown does not."""
    report_loans(
        [drawn(receipt_no="JJ2026000", drawn_on="2026-11-01", approved_on="2026-11-01")], institution="bank_a", **BY
    )
    market.authorise(market.opt_in())
    market.opt_in("bank_c")
    report_loans([drawn(receipt_no="JJ2026004")], institution="bank_c", **BY)
    report_loans([drawn(receipt_no="JJ2026001")], institution="bank_a", **BY)
    now = NOW + timedelta(days=30)
    report_loans(
        [drawn(receipt_no="JJ2026002", drawn_on="2026-12-01", approved_on=None)],
        institution="bank_a",
        actor="p",
        now=now,
    )
    report_loans(
        [drawn(receipt_no="JJ2026003", drawn_on="2026-12-01", approved_on=None)],
        institution="bank_b",
        actor="p",
        now=now,
    )
    found = {loan.report.receipt_no: bool(loan.attributed) for loan in queries.list_loans(enterprise=FIRM)}
    assert found == {"JJ2026000": False, "JJ2026001": False, "JJ2026002": True, "JJ2026003": False} | {
        "JJ2026004": False
    }


def test_a_bank_is_told_nothing_of_another_banks_loans(market: Market) -> None:
    """A first-loan flag that another bank's loan contradicts is no question to ask by feeding loans back."""
    earlier = {"drawn_on": "2026-10-05", "approved_on": "2026-10-05", "first_loan": False}
    report_loans([drawn(**earlier)], institution="bank_a", **BY)
    report_loans([drawn(receipt_no="JJ2026002", drawn_on="2026-11-06", approved_on=None)], institution="bank_b", **BY)
    assert queries.reconciliation("bank_b", now=NOW) == []


def test_a_loan_does_not_move_to_another_enterprise(market: Market) -> None:
    """It stands in somebody's records: the row comes back, the others are taken."""
    report_loans([drawn()], institution="bank_a", **BY)
    taken = report_loans([drawn(enterprise=uscc(2)), drawn(receipt_no="JJ2026002")], institution="bank_a", **BY)
    assert taken.new == 1 and [(p.row, p.field) for p in taken.problems] == [(1, "enterprise")]
    assert {x.report.enterprise for x in queries.list_loans(institution="bank_a")} == {FIRM}


def test_an_application_is_repaid_when_its_last_receipt_is(market: Market) -> None:
    """Two drawdowns under one application: one settled leaves it running."""
    application = market.authorise(market.opt_in())
    offer(application.id, terms(), institution="bank_a", **BY)
    answer(application.id, Answer.ACCEPT, enterprise=FIRM, signatory=market.owner, **BY)
    both = [drawn(application.id), drawn(application.id, receipt_no="JJ2026002")]
    report_loans(both, institution="bank_a", **BY)
    settled = {"balance_fen": 0, "settled_on": "2026-11-20"}
    report_loans([both[1] | settled], institution="bank_a", **BY)
    assert queries.get_application(application.id).state is ApplicationState.DISBURSED
    report_loans([both[0] | settled], institution="bank_a", **BY)
    assert queries.get_application(application.id).state is ApplicationState.REPAID


def test_an_offer_that_has_run_out_is_not_taken(market: Market) -> None:
    """Also before the chore has marked it."""
    application = market.authorise(market.opt_in())
    offer(application.id, terms(until=TODAY), institution="bank_a", **BY)
    with pytest.raises(OfferRanOut):
        answer(application.id, Answer.ACCEPT, enterprise=FIRM, signatory=market.owner, actor="p", now=NOW + DAY)


def test_each_application_has_a_request_of_its_own(market: Market) -> None:
    """A request for another purpose is not taken for it; a refusal takes the open request back."""
    asked = {"purpose": "post_loan", "items": ["tax.payment"], "form": Form.REPORT, "reason": "贷后"}
    other = request_authorisation("bank_a", enterprise=FIRM, **asked, actor="t", now=NOW)  # type: ignore[arg-type]
    application = market.opt_in()
    assert application.request != other.id and get_request(application.request).scope.purpose == "approval"
    decline(application.id, reasons=["R12"], institution="bank_a", **BY)
    assert get_request(application.request).state is RequestState.CANCELLED
