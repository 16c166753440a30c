"""What leads where in a notarisation, an arbitration and a suit, the checks before each filing, what is owed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import item, uscc
from xinqiao.kernel.transitions import TransitionRefused
from xinqiao.lending.types import FiveClass, GuaranteeCode, Loan, LoanReport
from xinqiao.plumbing.settings import content_dir
from xinqiao.settlement import checks
from xinqiao.settlement.checks import CHECKS, NAMES, Filing, check_filing
from xinqiao.settlement.claims import counted_total, formula, owed_on
from xinqiao.settlement.content import load_settlement
from xinqiao.settlement.refusals import InvalidTerms, NotTheirStep
from xinqiao.settlement.rules import (
    DECISIONS,
    EVENTS,
    RESULTS,
    TAKEN_BY,
    WITH_PAPER,
    WITH_REASON,
    check_side,
    due_after,
    is_over,
    may_object_online,
    receiver_of,
    steps_for,
    table_of,
)
from xinqiao.settlement.terms import check_paper, check_reason, check_terms
from xinqiao.settlement.types import (
    About,
    Body,
    CheckVerdict,
    Guarantor,
    PaperKind,
    Payment,
    Proceeding,
    ProceedingKind,
    ProceedingState,
    Side,
    Terms,
)

S, K = ProceedingState, ProceedingKind
RULES = load_settlement(content_dir() / "settlement.toml")
TODAY = date(2028, 3, 1)
AT = datetime(2028, 3, 1, 4, tzinfo=UTC)
ALL = frozenset(PaperKind)
PASSED, WARNED, FAILED = CheckVerdict.PASSED, CheckVerdict.WARNED, CheckVerdict.FAILED
NOTARY, COMMISSION, COURT = RULES.bodies
ELSEWHERE = Body("far-court", K.LITIGATION, "外省法院", ("31",))
TERMS = Terms(
    contract_no="SX1", debt_fen=100, principal_fen=90, rate_bp=420, overdue_rate_bp=630, acceptance=True,
    payments=(Payment(date(2026, 3, 1), 40, 3), Payment(date(2027, 3, 1), 60, 2)), verification="letter",
    guarantors=(Guarantor("示例担保", uscc(9), True),), interest_fen=5, fees_fen=1, counted_on=date(2028, 2, 1),
    facts="借款到期后经两次催告仍未归还，依合同请求归还。", agreement="提交示例仲裁委员会仲裁。",
    agreed_body="arbitration-demo", address="西安市示例路1号",
)  # fmt: skip
REPORT = LoanReport(
    credit_no="SX1", receipt_no="JJ1", enterprise=uscc(1), product="", limit_fen=100, amount_fen=100, balance_fen=90,
    rate_bp=420, guarantee=GuaranteeCode.CREDIT, applied_on=None, approved_on=None, drawn_on=date(2025, 3, 1),
    due_on=date(2027, 3, 1), settled_on=None, first_loan=True, renewal=False, five_class=FiveClass.PASS,
    overdue_days=0, overdue_fen=0, purpose_industry="", division="", application="", authorisation="",
)  # fmt: skip
# Paths that together take every step of every table, and where they end.
BROUGHT = {
    "withdraw": S.WITHDRAWN, "file withdraw": S.WITHDRAWN, "file return withdraw": S.WITHDRAWN,
    "file not_accept": S.NOT_ACCEPTED, "file return not_accept": S.NOT_ACCEPTED, "file accept dismiss": S.DISMISSED,
    "file return supplement accept withdraw": S.WITHDRAWN, "file accept mediate perform": S.PERFORMED,
    "file accept mediate file_enforcement accept_enforcement reject_enforcement": S.COURT_REJECTED,
}  # fmt: skip
NOTARISED = "propose agree check notarise"
CERTIFIED = f"{NOTARISED} default apply_certificate verify issue"
PATHS = {
    K.NOTARISATION: {
        "withdraw": S.WITHDRAWN, "propose withdraw": S.WITHDRAWN, "propose agree withdraw": S.WITHDRAWN,
        "propose decline": S.DECLINED, "propose lapse": S.LAPSED, "propose agree turn_down": S.NOT_NOTARISED,
        "propose agree check turn_down": S.NOT_NOTARISED,
        "propose agree check withdraw": S.WITHDRAWN, f"{NOTARISED} perform": S.PERFORMED,
        f"{NOTARISED} default perform": S.PERFORMED,
        f"{NOTARISED} default apply_certificate refuse_certificate": S.CERTIFICATE_REFUSED,
        f"{NOTARISED} default apply_certificate verify refuse_certificate": S.CERTIFICATE_REFUSED,
        f"{CERTIFIED} perform": S.PERFORMED,
        f"{CERTIFIED} file_enforcement reject_enforcement": S.COURT_REJECTED,
        f"{CERTIFIED} file_enforcement accept_enforcement perform": S.PERFORMED,
        f"{CERTIFIED} file_enforcement accept_enforcement reject_enforcement": S.COURT_REJECTED,
    },
    K.ARBITRATION: {
        **BROUGHT,
        "file accept award perform": S.PERFORMED,
        "file accept award annul": S.ANNULLED, "file accept award file_enforcement annul": S.ANNULLED,
        "file accept award file_enforcement accept_enforcement annul": S.ANNULLED,
        "file accept award file_enforcement reject_enforcement": S.COURT_REJECTED,
        "file accept award file_enforcement accept_enforcement perform": S.PERFORMED,
    },
    K.LITIGATION: {
        **BROUGHT,
        "file accept judge take_effect file_enforcement accept_enforcement perform": S.PERFORMED,
        "file accept judge appeal take_effect perform": S.PERFORMED, "file accept judge appeal dismiss": S.DISMISSED,
        "file accept judge appeal mediate file_enforcement reject_enforcement": S.COURT_REJECTED,
    },
}  # fmt: skip


def proceeding(kind: K = K.NOTARISATION, **changes: Any) -> Proceeding:
    body = {K.NOTARISATION: NOTARY, K.ARBITRATION: COMMISSION, K.LITIGATION: COURT}[kind]
    made: dict[str, Any] = {
        "id": "Z1", "kind": kind, "institution": "bank_a", "enterprise": uscc(1), "about": About.LOAN, "number": "JJ1",
        "receipt_no": "JJ1", "body": body.code, "court": "", "state": S.DRAFT, "since": AT, "due_on": None,
        "offline": False, "applied_on": None, "perform_by": None, "presence": "在线视频", "document_no": "",
        "made_at": AT, "made_by": "t", "terms": TERMS,
    }  # fmt: skip
    return Proceeding(**(made | changes))


def filing(kind: K = K.NOTARISATION, loan: dict[str, Any] | None = None, **changes: Any) -> Filing:
    """A filing that every check of its kind passes; ``loan``, ``terms`` and ``p`` change parts of it."""
    report = replace(REPORT, **{"overdue_days": 31, "overdue_fen": 10, **(loan or {})})
    terms = replace(TERMS, **({"agreed_body": ""} if kind is K.LITIGATION else {}) | changes.pop("terms", {}))
    made: dict[str, Any] = {
        "proceeding": proceeding(kind, terms=terms, **changes.pop("p", {})),
        "loan": Loan(1, "bank_a", report, "", AT, AT), "papers": ALL, "lender_code": uscc(900),
        "body": {K.NOTARISATION: NOTARY, K.ARBITRATION: COMMISSION, K.LITIGATION: COURT}[kind], "court": COURT,
        "others": (), "today": TODAY, "rules": RULES,
    }  # fmt: skip
    return Filing(**(made | changes))


def walk(kind: K, path: str) -> list[ProceedingState]:
    states = [S.DRAFT]
    for event in path.split():
        states.append(table_of(kind).check(states[-1], event))
    return states


@pytest.mark.parametrize("kind", K)
def test_every_path_ends_where_the_law_has_it_end_and_together_they_take_every_step(kind: K) -> None:
    taken = set()
    for path, end in PATHS[kind].items():
        states = walk(kind, path)
        assert states[-1] is end and is_over(kind, end), path
        taken |= set(zip(states, path.split(), strict=False))
    seen = {(state, event) for state in {s for p in PATHS[kind] for s in walk(kind, p)}
            for event in table_of(kind).events(state)}  # fmt: skip
    assert seen == taken, "no step is left out"
    with pytest.raises(TransitionRefused):
        walk(kind, "accept_enforcement")


def test_a_step_is_taken_by_its_side_only() -> None:
    assert set(TAKEN_BY) == set(EVENTS)
    for event, taker in TAKEN_BY.items():
        check_side(event, taker)
        for side in set(Side) - {taker}:
            with pytest.raises(NotTheirStep):
                check_side(event, side)
    assert steps_for(K.NOTARISATION, S.PROPOSED, Side.DEBTOR) == ("agree", "decline")
    assert steps_for(K.NOTARISATION, S.COURT_FILED, Side.BODY) == (), "the notary does not decide for the court"


def test_who_learns_of_a_step() -> None:
    def told(event: str, before: ProceedingState = S.ACCEPTED) -> str:
        return receiver_of(event, before, body="b", court="c")

    assert [told(e) for e in ("file", "agree", "withdraw", "object_online")] == ["b"] * 4
    assert told("file_enforcement") == "c" and told("propose") == told("default") == told("accept") == ""
    assert (told("perform", S.AWARDED), told("perform", S.COURT_ACCEPTED)) == ("b", "c"), "the court that enforces"


def test_the_clocks_of_the_law() -> None:
    on = date(2026, 11, 30)

    def due(event: str, kind: K) -> date | None:
        return due_after(event, kind, on=on, rules=RULES)

    assert due("file", K.ARBITRATION) == due("supplement", K.ARBITRATION) == on + timedelta(days=5)
    assert due("file", K.LITIGATION) == on + timedelta(days=7)
    assert due("propose", K.NOTARISATION) == due("agree", K.NOTARISATION) == on + timedelta(days=15)
    assert due("accept_enforcement", K.NOTARISATION) == on + timedelta(days=15), "to oppose"
    assert due("accept_enforcement", K.ARBITRATION) is None
    assert due("award", K.ARBITRATION) == date(2027, 2, 28), "three months to have it set aside"


def test_objecting_to_going_on_online_ends_with_the_decision() -> None:
    may = {state for state in S if may_object_online(K.ARBITRATION, state)}
    assert may == {S.FILED, S.RETURNED, S.ACCEPTED}
    assert not any(may_object_online(kind, state) for kind in (K.NOTARISATION, K.LITIGATION) for state in S)


def test_all_checks_pass_where_everything_is_right() -> None:
    for kind, event in CHECKS:
        lines = check_filing(filing(kind, p={"applied_on": TODAY} if event == "file_enforcement" else {}), event)
        assert [line.code for line in lines if line.verdict is not PASSED] == [], (kind, event)
        assert lines and all(line.name.zh and line.clause.zh and line.next_step.zh and line.name.en for line in lines)


OTHER = proceeding(K.ARBITRATION, id="Z0")
WRONG: list[tuple[Callable[[Filing], CheckVerdict], CheckVerdict, Filing]] = [
    (checks.parties, FAILED, filing(lender_code="")),
    (checks.right_body, FAILED, filing(body=None)),
    (checks.right_body, FAILED, filing(body=COURT)),
    (checks.payment, FAILED, filing(terms={"debt_fen": 101})),
    (checks.payment, FAILED, filing(terms={"debt_fen": 0, "payments": ()})),
    (checks.acceptance, FAILED, filing(terms={"acceptance": False})),
    (checks.contract, FAILED, filing(papers=ALL - {PaperKind.CONTRACT})),
    (checks.evidence, FAILED, filing(papers=ALL - {PaperKind.CONTRACT})),
    (checks.verification, FAILED, filing(terms={"verification": ""})),
    (checks.guarantee, WARNED, filing(terms={"guarantors": (Guarantor("某", "", True), Guarantor("某", "", False))})),
    (checks.cost, WARNED, filing(terms={"overdue_rate_bp": 2401})),
    (checks.default, FAILED, filing(loan={"overdue_days": 0, "overdue_fen": 0, "due_on": TODAY})),
    (checks.default, FAILED, filing(loan={"overdue_fen": 0, "due_on": TODAY})),
    (checks.default, FAILED, filing(loan={"settled_on": TODAY})),
    (checks.default, FAILED, filing(loan={"overdue_days": 0, "overdue_fen": 0, "balance_fen": 0})),
    (checks.default, FAILED, replace(filing(), loan=None)),
    (checks.computable, FAILED, filing(terms={"counted_on": None})),
    (checks.computable, FAILED, filing(terms={"counted_on": TODAY + timedelta(days=1)})),
    (checks.computable, FAILED, filing(terms={"principal_fen": 0})),
    (checks.within_balance, FAILED, filing(terms={"principal_fen": 91})),
    (checks.within_balance, FAILED, replace(filing(), loan=None)),
    (checks.dunning, WARNED, filing(papers=ALL - {PaperKind.DUNNING})),
    (checks.claim_facts, FAILED, filing(terms={"facts": "  欠款不还  " + " " * 20})),
    (checks.agreement, FAILED, filing(K.ARBITRATION, terms={"agreement": " "})),
    (checks.agreement, FAILED, filing(K.ARBITRATION, terms={"agreed_body": "another-commission"})),
    (checks.no_agreement, FAILED, filing(K.LITIGATION, terms={"agreed_body": "arbitration-demo"})),
    (checks.address, WARNED, filing(terms={"address": ""}, papers=ALL - {PaperKind.ADDRESS})),
    (checks.competence, FAILED, filing(court=None)),
    (checks.competence, FAILED, filing(court=COMMISSION)),
    (checks.competence, FAILED, filing(court=ELSEWHERE, terms={"property_division": "440100"})),
    (checks.jurisdiction, FAILED, filing(K.LITIGATION, body=ELSEWHERE, p={"body": "far-court"})),
    (checks.limitation, WARNED, filing(loan={"due_on": date(2025, 2, 28)})),
    (checks.both_documents, FAILED, filing(papers=ALL - {PaperKind.CERTIFICATE})),
    (checks.both_documents, FAILED, filing(papers=ALL - {PaperKind.DEED})),
    (checks.decision, FAILED, filing(papers=ALL - {PaperKind.DECISION})),
    (checks.presence, WARNED, filing(p={"presence": ""})),
    (checks.not_notarised, FAILED, filing(others=(proceeding(state=S.NOTARISED),))),
    (checks.no_parallel, FAILED, filing(others=(replace(OTHER, state=S.FILED),))),
    (checks.period, FAILED, filing(terms={"payments": (Payment(date(2026, 2, 28), 100, 0),)})),
]
RIGHT: list[tuple[Callable[[Filing], CheckVerdict], Filing]] = [
    (checks.default, filing(loan={"overdue_days": 0, "overdue_fen": 0, "due_on": TODAY, "five_class": FiveClass.LOSS})),
    (checks.default, filing(loan={"overdue_days": 0, "overdue_fen": 0, "due_on": TODAY - timedelta(days=1)})),
    (checks.within_balance, filing(terms={"principal_fen": 90})),
    (checks.cost, filing(terms={"overdue_rate_bp": 2400})),
    (checks.no_agreement, filing(K.LITIGATION, terms={"agreed_body": "court-demo"})),
    (checks.address, filing(terms={"address": ""})),
    (checks.competence, filing(court=ELSEWHERE, terms={"property_division": "310101"})),
    (checks.competence, filing(K.LITIGATION, court=ELSEWHERE, p={"body": "far-court"})),
    (checks.jurisdiction, filing(K.LITIGATION, body=ELSEWHERE, p={"body": "far-court"},
                                 terms={"agreed_body": "far-court"})),
    (checks.limitation, filing(loan={"due_on": date(2025, 3, 1)})),
    (checks.limitation, filing(loan={"due_on": date.max})),
    (checks.no_parallel, filing(others=(proceeding(state=S.NOTARISED),))),
    (checks.period, filing(terms={"payments": (Payment(date.max, 100, 0),)})),
]  # fmt: skip


@pytest.mark.parametrize(("check", "verdict", "found"), WRONG, ids=lambda v: getattr(v, "__name__", ""))
def test_each_check_sees_what_is_wrong(
    check: Callable[..., CheckVerdict], verdict: CheckVerdict, found: Filing
) -> None:
    assert check(found) is verdict


@pytest.mark.parametrize(("check", "found"), RIGHT, ids=lambda v: getattr(v, "__name__", ""))
def test_and_lets_pass_what_is_just_right(check: Callable[..., CheckVerdict], found: Filing) -> None:
    assert check(found) is PASSED


def test_no_check_is_without_a_case_that_it_stops_or_warns_of() -> None:
    assert {check.__name__ for check, _, _ in WRONG} == set(NAMES)


def test_a_standing_deed_blocks_suing_until_the_certificate_or_the_enforcement_was_refused() -> None:
    def verdict(state: ProceedingState) -> CheckVerdict:
        return checks.not_notarised(filing(K.LITIGATION, others=(proceeding(id="Z0", state=state),)))

    blocking = {state for state in S if verdict(state) is FAILED and state in {s for p in PATHS[K.NOTARISATION]
                for s in walk(K.NOTARISATION, p)}}  # fmt: skip
    assert blocking == {S.NOTARISED, S.DEFAULTED, S.CERTIFICATE_APPLIED, S.VERIFIED, S.CERTIFICATE_ISSUED,
                        S.COURT_FILED, S.COURT_ACCEPTED}  # fmt: skip


def test_one_claim_is_before_one_body() -> None:
    def verdict(kind: K, state: ProceedingState) -> CheckVerdict:
        return checks.no_parallel(filing(K.LITIGATION, others=(proceeding(kind, id="Z0", state=state),)))

    for state in (S.DRAFT, S.WITHDRAWN, S.NOT_ACCEPTED, S.DISMISSED, S.ANNULLED, S.COURT_REJECTED):
        assert verdict(K.ARBITRATION, state) is PASSED, state
    for state in (S.FILED, S.RETURNED, S.ACCEPTED, S.AWARDED, S.MEDIATED, S.COURT_FILED, S.PERFORMED):
        assert verdict(K.ARBITRATION, state) is FAILED, state
    assert verdict(K.LITIGATION, S.COURT_REJECTED) is FAILED, "a judgment stays decided"


def test_two_years_from_each_performance_period_interrupted_by_asking_for_the_certificate() -> None:
    """Periods end on 2028-03-01 and 2029-03-01."""

    def on(today: date, applied: date | None = None) -> CheckVerdict:
        return checks.period(replace(filing(p={"applied_on": applied}), today=today))

    first, second = date(2028, 3, 1), date(2029, 3, 1)
    day = timedelta(days=1)
    assert on(first) is PASSED
    assert on(first + day) is WARNED, "the first payment can no longer be enforced"
    assert on(second) is WARNED and on(second + day) is FAILED
    assert on(date(2030, 3, 1), applied=first) is PASSED, "interrupted on the last day, and two years more"
    assert on(date(2030, 3, 2), applied=first) is FAILED
    assert on(date(2030, 3, 1), applied=first + day) is WARNED
    assert on(date(2029, 2, 1), applied=date(2027, 1, 31)) is WARNED, "of what fell due later two years run from then"
    assert on(second + day, applied=second + day) is FAILED, "asked too late"


@pytest.mark.parametrize("kind", [K.ARBITRATION, K.LITIGATION])
def test_two_years_from_the_last_day_of_a_decision_or_from_the_day_it_came(kind: K) -> None:
    def on(today: date, last: date | None) -> CheckVerdict:
        since = datetime(2026, 2, 28, 17, tzinfo=UTC)  # already the first of March in Beijing
        return checks.period(replace(filing(kind, p={"perform_by": last, "since": since}), today=today))

    assert on(date(2028, 5, 31), date(2026, 5, 31)) is PASSED
    assert on(date(2028, 6, 1), date(2026, 5, 31)) is FAILED
    assert on(date(2028, 3, 1), None) is PASSED and on(date(2028, 3, 2), None) is FAILED


@given(
    principal=st.integers(0, 10**17), fixed=st.integers(0, 10**12), rate=st.integers(0, 100_000),
    days=st.integers(0, 40_000), year=st.sampled_from([360, 365]),
)  # fmt: skip
def test_what_is_owed_is_what_anybody_computes_from_the_formula(
    principal: int, fixed: int, rate: int, days: int, year: int
) -> None:
    terms = replace(TERMS, principal_fen=principal, interest_fen=fixed, fees_fen=7, overdue_rate_bp=rate,
                    counted_on=date(2026, 1, 1))  # fmt: skip
    owed = owed_on(terms, date(2026, 1, 1) + timedelta(days=days), days_in_year=year)
    exact = principal + fixed + 7 + Fraction(principal * rate * days, 10_000 * year)
    assert owed == (2 * exact + 1) // 2, "rounded half up"
    said = Fraction(0)
    for part in formula(terms, days_in_year=year).split("+"):
        first, *rest = part.replace("d", str(days)).replace("×", "* ").replace("/", "/ ").split()
        value = Fraction(Decimal(first))
        for sign, number in zip(rest[::2], rest[1::2], strict=True):
            value = value * int(number) if sign == "*" else value / int(number)
        said += value
    assert said == exact


def test_a_claim_is_counted_from_its_day_on() -> None:
    assert owed_on(TERMS, date(2028, 2, 1), days_in_year=360) == counted_total(TERMS) == 96
    for terms, day in ((TERMS, date(2028, 1, 31)), (replace(TERMS, counted_on=None), TODAY)):
        with pytest.raises(ValueError, match="counted"):
            owed_on(terms, day, days_in_year=360)


def test_what_enters_the_records_has_a_basis_and_a_name_that_the_item_knows() -> None:
    outcome, kind = (item(RULES.item).field(name) for name in ("outcome", "kind"))
    assert {EVENTS[event] for event in RESULTS} == set(outcome.choices)
    assert {one.label for one in K} == set(kind.choices)
    assert all(RULES.basis[event].zh and RULES.basis[event].en for event in RESULTS)
    assert RESULTS | set(WITH_PAPER) | WITH_REASON <= set(EVENTS)
    assert all(TAKEN_BY[event] in (Side.BODY, Side.COURT) for event in (*DECISIONS, *WITH_PAPER, *WITH_REASON))


def test_every_fault_of_terms_is_told_at_once_and_white_space_goes() -> None:
    bad = Terms(
        contract_no="x" * 61, debt_fen=-1, principal_fen=10**17 + 1, rate_bp=-1, overdue_rate_bp=100_001,
        payments=(Payment(TODAY, -1, 0), Payment(TODAY, 0, 0)), verification="x",
        guarantors=(Guarantor(" ", "", True),), interest_fen=-1, fees_fen=-1, counted_on=TODAY + timedelta(days=1),
        facts="x" * 4001,
        agreement="x" * 1001, agreed_body="x", address="x" * 201, property_division="6101",
    )  # fmt: skip
    with pytest.raises(InvalidTerms) as refusal:
        check_terms(bad, today=TODAY, rules=RULES)
    named = {problem.field for problem in refusal.value.problems}
    assert named == {f for f in Terms.__dataclass_fields__ if f != "acceptance"}
    assert [p.row for p in refusal.value.problems if p.field == "payments"] == [1, None], "a line, and their order"
    loose = replace(TERMS, facts=f"  {TERMS.facts}\n", address=" 某路 ", guarantors=(Guarantor(" 某 ", " 1 ", True),))
    good = check_terms(loose, today=TODAY, rules=RULES)
    assert (good.facts, good.address, good.guarantors[0].name) == (TERMS.facts, "某路", "某")


def test_papers_and_reasons_of_parties() -> None:
    assert check_paper("dunning", "d.pdf", b"%PDF-1.7") is PaperKind.DUNNING
    assert check_reason(" 因故 ", needed=True) == "因故" and check_reason("", needed=False) == ""
    large = b"%PDF-" + b"0" * (5 << 20)
    wrong: list[Callable[[], object]] = [
        lambda: check_paper("deed", "d.pdf", b"%PDF-1.7"), lambda: check_paper("contract", "d.pdf", b"MZ"),
        lambda: check_paper("contract", "d.pdf", large), lambda: check_reason("x" * 501, needed=False),
        lambda: check_reason(" ", needed=True),
    ]  # fmt: skip
    for check in wrong:
        with pytest.raises(InvalidTerms):
            check()
