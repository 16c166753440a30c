"""From a product and a need to a loan that is repaid: match before reveal, clocks, refusals, feedback, records."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.factories import DAY, NOW, deliver, uscc
from tests.market import BANKS, BY, FIRM, TODAY, Market, drawn, product, terms
from xinqiao.consent.actions import grant_authorisation, withdraw_authorisation
from xinqiao.consent.queries import consent_text, get_authorisation, get_request, list_requests
from xinqiao.consent.types import AuthorisationStatus, Form, RequestState
from xinqiao.evidence.queries import list_entries
from xinqiao.kernel.dated import beijing_day
from xinqiao.kernel.transitions import TransitionRefused
from xinqiao.lending import queries
from xinqiao.lending.applications import answer, decline, offer, opt_in, start_renewal
from xinqiao.lending.declarations import decide_declaration, declare
from xinqiao.lending.following import follow, remind
from xinqiao.lending.loans import report_loans
from xinqiao.lending.refusals import (
    AppliedAlready,
    DoesNotFit,
    NotRenewable,
    TooManyOptIns,
    UnknownApplication,
    WrongDeclaration,
    WrongOffer,
    WrongReasons,
)
from xinqiao.lending.types import (
    Answer,
    ApplicationState,
    GuaranteeCode,
    ListState,
    Verdict,
)
from xinqiao.matching.actions import (
    close_need,
    expire_needs,
    post_need,
    publish_product,
    tell_demand,
    try_reach,
    withdraw_product,
)
from xinqiao.matching.queries import find_open_need, fits, get_product, list_products, list_versions
from xinqiao.matching.refusals import (
    InvalidNeed,
    InvalidProduct,
    NeedOpen,
    NotAnInstitution,
    NothingEvaluated,
    TooManyTrials,
    UnknownNeed,
    UnknownProduct,
)
from xinqiao.matching.types import (
    Basis,
    Condition,
    Outcome,
)
from xinqiao.parties.actions import (
    set_admitted,
)
from xinqiao.release.reading import read
from xinqiao.release.types import Inquiry, Recipient, RecipientKind
from xinqiao.webhooks.actions import add_endpoint
from xinqiao.webhooks.queries import list_messages


def events() -> list[str]:
    """The kinds of evidence so far."""
    return [entry.event for entry in list_entries()]


def test_a_firm_sees_why_before_anything_is_sent(market: Market) -> None:
    """Every product with each condition; the first thing failed is named; no request, no notice, no application."""
    strict = product(name="只贷大企业", conditions=[{"basis": "size", "values": ["large"]}])
    old = product(name="十年老店贷", conditions=[
        {"basis": "indicator", "indicator": "identity.age_months", "at_least": 120},
        {"basis": "industry", "values": ["A"]},
    ])  # fmt: skip
    publish_product(strict, institution="bank_a", **BY)
    publish_product(old, institution="bank_b", **BY)
    need = market.need()
    found = fits(market.firm(), need, now=NOW)
    assert [f.outcome for f in found] == [Outcome.PASSED] * 4 + [Outcome.OPEN, Outcome.FAILED]
    unmet = found[-1].first_unmet
    assert unmet is not None and unmet.condition.indicator == "identity.age_months"
    assert found[-2].first_unmet and found[-2].first_unmet.condition.basis is Basis.SIZE, "not known is not failed"
    assert list_requests(enterprise=FIRM) == [] and queries.list_applications(enterprise=FIRM) == []


def test_an_institution_cannot_tell_two_candidates_apart(market: Market) -> None:
    """What the bank is told is byte for byte the same whichever firm it is that has the need, until one opts in."""
    told = []
    for number in (2, 3):
        need = market.need(number)
        told.append([(p.code, a, b) for p, a, b in tell_demand("bank_a", **BY)])
        close_need(need.id, enterprise=uscc(number), **BY)
    assert told[0] == told[1]
    assert all(fitting.count is None for _, fitting, _ in told[0]), "one firm is below the floor"
    assert queries.list_applications(institution="bank_a") == [] == list_messages("bank_a")
    application = market.opt_in()
    assert [a.enterprise for a in queries.list_applications(institution="bank_a")] == [FIRM]
    assert queries.list_applications(institution="bank_b") == []
    with pytest.raises(UnknownApplication):
        queries.get_application(application.id, institution="bank_b")


def test_demand_is_told_in_steps_above_a_floor(market: Market) -> None:
    """Twenty-three needs are told as twenty; nine are not told."""
    for number in range(2, 11):
        market.need(number)
    assert [a.count for _, a, _ in tell_demand("bank_a", **BY)] == [None]
    for number in range(11, 25):
        market.need(number)
    assert [a.count for _, a, _ in tell_demand("bank_a", **BY)] == [None], "once a day"
    later: dict[str, Any] = {"actor": "p", "now": NOW + DAY}
    assert [a.count for _, a, _ in tell_demand("bank_a", **later)] == [20]
    assert "matching.demand_told" in events()


def test_a_threshold_search_over_demand_finds_no_value(market: Market) -> None:
    """A bank that knows nine of ten moves a bound over versions and days: it finds the tenth within five per cent at
    best, and a second one asking the same learns no more."""
    from xinqiao.matching import queries as matching_queries

    for number in range(2, 12):
        market.need(number)
    exact = {uscc(n): market.firm(n).values["identity.age_months"] for n in range(2, 12)}
    found = []
    for low in range(60, 110):
        conditions = [{"basis": "indicator", "indicator": "identity.age_months", "at_least": low}]
        one = publish_product(product(name=f"试探{low}", conditions=conditions), institution="bank_a", **BY)
        fitting, _ = matching_queries.demand([one], now=NOW)[one.code]
        found.append(fitting)
        withdraw_product(one.code, institution="bank_a", **BY)
    assert len(set(exact.values())) == 1 and len(set(found)) > 3, "ten equal values are told as different ones"
    assert found == sorted(found, reverse=True) and found[0] == 10 and found[-1] == 0


def test_new_products_are_trials_of_conditions(market: Market) -> None:
    """Beyond the day's trials a new product is not counted; versions of one are counted once."""
    for number in range(2, 25):
        market.need(number)
    code = market.products["bank_a"].code
    for rate in range(300, 310):
        again = product(name="bank_a流水贷", rate_from_bp=rate)
        publish_product(again, institution="bank_a", code=code, **BY)
    made = [publish_product(product(name=f"第{n}款"), institution="bank_a", **BY) for n in range(25)]
    counts = [fitting.count for _, fitting, _ in tell_demand("bank_a", **BY)]
    assert (len(counts), counts.count(20), counts.count(None)) == (1 + len(made), 20, 6)
    with pytest.raises(TooManyTrials):
        try_reach([Condition(Basis.DIVISION, values=("61",))], institution="bank_a", **BY)


def test_reach_is_rounded_and_trials_are_limited(market: Market) -> None:
    """A bank that tries conditions learns tens, and not for ever."""
    everyone = [Condition(Basis.INDICATOR, "identity.age_months", at_least=12)]
    found = try_reach(everyone, institution="bank_a", **BY)
    assert (found.enterprises.count, found.together.count) == (30, 30)
    nobody = try_reach([*everyone, Condition(Basis.INDUSTRY, values=("A",))], institution="bank_a", **BY)
    assert (nobody.together.count, [t.count for _, t in nobody.each]) == (None, [30, None])
    with pytest.raises(TooManyTrials):
        for _ in range(20):
            try_reach(everyone, institution="bank_a", **BY)
    assert try_reach(everyone, institution="bank_b", **BY).together.count == 30


def test_nothing_is_matched_before_anything_is_evaluated(fresh_node: Path) -> None:
    """Counts say that there is no evaluation, not that nobody fits."""
    with pytest.raises(NothingEvaluated):
        try_reach([Condition(Basis.DIVISION, values=("61",))], institution="bank_a", **BY)


def test_the_whole_way_to_a_loan_and_its_end(market: Market) -> None:
    """Opted in, authorised, read, offered, accepted, drawn, repaid: every step, its time and its evidence."""
    add_endpoint("bank_a", url="https://bank.example/hook", actor="t", now=NOW)
    application = market.opt_in()
    asked = get_request(application.request)
    assert (asked.scope.organisation, asked.scope.product, asked.scope.purpose) == (
        "bank_a",
        application.id,
        "approval",
    )
    application = market.authorise(application)
    assert application.state is ApplicationState.AUTHORISED and application.authorisation
    bank = Recipient(RecipientKind.INSTITUTION, "bank_a", "示例bank_a")
    asked_for = Inquiry(
        bank, FIRM, "approval", Form.REPORT, "person:2", "portal", authorisation=application.authorisation
    )
    read(asked_for, now=NOW)
    assert follow(application.id, now=NOW).state is ApplicationState.REPORTED
    with pytest.raises(WrongOffer) as wrong:
        dear = terms(rate_bp=600, amount_fen=200_000_000, guarantee=GuaranteeCode.PLEDGE)
        offer(application.id, dear, institution="bank_a", **BY)
    assert {p.field for p in wrong.value.problems} == {"rate", "amount", "guarantee"}
    offered = offer(application.id, terms(), institution="bank_a", **BY)
    assert offered.offer == terms()
    accepted = answer(application.id, Answer.ACCEPT, enterprise=FIRM, signatory=market.owner, **BY)
    assert accepted.state is ApplicationState.ACCEPTED
    taken = report_loans([drawn(application.id)], institution="bank_a", **BY)
    assert (taken.new, taken.changed, taken.same, taken.problems) == (1, 0, 0, ())
    assert queries.get_application(application.id).state is ApplicationState.DISBURSED
    settled = drawn(application.id, balance_fen=0, settled_on="2026-11-20")
    assert report_loans([settled], institution="bank_a", **BY).changed == 1
    assert queries.get_application(application.id).state is ApplicationState.REPAID
    steps = [s.event for s in queries.list_steps(application.id)]
    assert steps == ["opt_in", "authorise", "report", "offer", "accept", "disburse", "repay"]
    assert {"lending.opted_in", "lending.offered", "lending.moved_on", "lending.loans_reported"} <= set(events())
    notices = [m for m in list_messages("bank_a") if m.type == "application.changed"]
    assert notices and all(FIRM not in str(asdict(m)) for m in notices), "a notice names numbers, nobody's code"


def test_a_refusal_needs_coded_reasons_and_opens_a_second_look(market: Market) -> None:
    """Free words alone are no reason; the firm sees each code's next step and may go elsewhere at once."""
    application = market.authorise(market.opt_in())
    for reasons in ([], ["R99"], ["R01", "R02", "R03", "R04", "R05"]):
        with pytest.raises(WrongReasons):
            decline(application.id, reasons=reasons, note="综合评分不足", institution="bank_a", **BY)
    said = decline(application.id, reasons=["R03", "R01"], institution="bank_a", **BY)
    assert said.reasons == ("R01", "R03") and said.state is ApplicationState.DECLINED
    assert all(r.next_step and r.next_step_en for r in queries.reasons_of(said.reasons))
    second = market.opt_in("bank_b")
    assert second.institution == "bank_b"
    with pytest.raises(TransitionRefused):
        offer(application.id, terms(), institution="bank_a", **BY)


def test_a_suspended_institution_makes_no_offer(market: Market) -> None:
    """It may still say no, so that nobody is left waiting."""
    application = market.authorise(market.opt_in())
    set_admitted("bank_a", admitted=False, reason="t", actor="t", now=NOW)
    with pytest.raises(NotAnInstitution):
        offer(application.id, terms(), institution="bank_a", **BY)
    assert decline(application.id, reasons=["R12"], institution="bank_a", **BY).state is ApplicationState.DECLINED


def test_up_to_three_by_explicit_choice(market: Market) -> None:
    """A fourth bank waits until one of three has answered; the same bank is not asked twice."""
    for bank in BANKS[:3]:
        market.opt_in(bank)
    with pytest.raises(TooManyOptIns):
        market.opt_in("bank_d")
    with pytest.raises(AppliedAlready):
        market.opt_in("bank_a")
    mine = queries.list_applications(enterprise=FIRM)
    answer(mine[0].id, Answer.WITHDRAW, enterprise=FIRM, signatory=market.owner, **BY)
    assert get_request(mine[0].request).state is RequestState.DECLINED, "the open request is answered with it"
    assert market.opt_in("bank_d").state is ApplicationState.OPTED_IN


def test_what_fails_a_condition_cannot_be_sent(market: Market) -> None:
    """A firm that fails is not revealed by trying."""
    closed = publish_product(product(conditions=[{"basis": "industry", "values": ["A"]}]), institution="bank_a", **BY)
    need = market.need()
    with pytest.raises(DoesNotFit):
        opt_in(closed.code, need=need.id, firm=market.firm(), actor="p", signatory=market.owner, now=NOW)
    with pytest.raises(UnknownNeed):
        opt_in(closed.code, need=need.id, firm=market.firm(2), actor="p", signatory=market.owner, now=NOW)
    withdraw_product(market.products["bank_a"].code, institution="bank_a", **BY)
    with pytest.raises(UnknownProduct):
        market.opt_in("bank_a", need)
    set_admitted("bank_b", admitted=False, reason="t", actor="t", now=NOW)
    with pytest.raises(UnknownProduct):
        market.opt_in("bank_b", need)
    assert sorted(p.institution for p in list_products(on=TODAY)) == ["bank_a", "bank_c", "bank_d"]


def test_taking_an_application_back_ends_the_authorisation(market: Market) -> None:
    """The bank's next read is refused."""
    application = market.authorise(market.opt_in())
    answer(application.id, Answer.WITHDRAW, enterprise=FIRM, signatory=market.owner, **BY)
    assert get_authorisation(application.authorisation).status is AuthorisationStatus.WITHDRAWN
    with pytest.raises(UnknownApplication):
        answer(application.id, Answer.WITHDRAW, enterprise=uscc(2), signatory=market.owner, **BY)


def test_reminders_at_half_at_most_and_when_time_is_up(market: Market) -> None:
    """Five working days of the firm, from Friday 20 November: each mark once, and the node sees what is over."""
    application = market.opt_in()
    given = []
    for hours in range(0, 12 * 24, 6):
        now = NOW + timedelta(hours=hours)
        given += [(hours, count) for count in [remind(now=now)] if count]
    days = [hours / 24 for hours, _ in given]
    assert len(days) == 3 and all(count == 1 for _, count in given)
    assert 4 < days[0] < 6 and 6 < days[1] < 7 and 7.5 < days[2] < 8.5, days  # a week-end lies between
    late = queries.overdue_applications(now=NOW + timedelta(days=9))
    assert [a.id for a, _ in late] == [application.id]
    assert queries.overdue_applications(now=NOW + timedelta(days=5)) == []


def test_all_that_moved_is_found_at_once(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answered elsewhere, read, withdrawn, run out: one pass over parts of two moves each, a second pass nothing."""
    from xinqiao.lending import following

    monkeypatch.setattr(following, "TOGETHER", 2)
    first, second, third = (market.opt_in(bank) for bank in BANKS[:3])
    shown = consent_text(first.request, locale="zh")
    grant_authorisation(first.request, signatory=market.owner, locale="zh", text_digest=shown.sha256, now=NOW)
    second = market.authorise(second)
    withdraw_authorisation(second.authorisation, signatory=market.owner, now=NOW)
    assert following.follow_all(now=NOW) == 2 and following.follow_all(now=NOW) == 0
    states = {a.id: a.state for a in queries.list_applications(enterprise=FIRM)}
    assert (states[first.id], states[second.id], states[third.id]) == ("authorised", "withdrawn", "opted_in")
    offer(first.id, terms(until=TODAY), institution="bank_a", **BY)
    assert following.follow_all(now=NOW + timedelta(days=40)) == 2
    assert {queries.get_application(a.id).state for a in (first, third)} == {ApplicationState.LAPSED}


def test_an_unanswered_request_and_an_old_offer_lapse(market: Market) -> None:
    """Nothing hangs for ever."""
    first = market.opt_in()
    assert follow(first.id, now=NOW + timedelta(days=31)).state is ApplicationState.LAPSED
    second = market.authorise(market.opt_in("bank_b"))
    offer(second.id, terms(until=TODAY), institution="bank_b", **BY)
    assert follow(second.id, now=NOW).state is ApplicationState.OFFERED
    assert follow(second.id, now=NOW + DAY).state is ApplicationState.LAPSED


def test_renewal_is_its_own_path(market: Market) -> None:
    """From three months before the end, not while past due; the new loan settles the old and is no first loan."""
    application = market.authorise(market.opt_in())
    offer(application.id, terms(), institution="bank_a", **BY)
    answer(application.id, Answer.ACCEPT, enterprise=FIRM, signatory=market.owner, **BY)
    renew = {"enterprise": FIRM, "actor": "p", "signatory": market.owner}
    with pytest.raises(NotRenewable):
        start_renewal(application.id, now=NOW, **renew)
    report_loans([drawn(application.id, overdue_days=10)], institution="bank_a", **BY)
    near = NOW + timedelta(days=300)
    with pytest.raises(NotRenewable, match="逾期"):
        start_renewal(application.id, now=near, **renew)
    report_loans([drawn(application.id)], institution="bank_a", **BY)
    with pytest.raises(NotRenewable, match="到期前"):
        start_renewal(application.id, now=NOW, **renew)
    again = start_renewal(application.id, now=near, **renew)
    assert (again.path, again.renews, again.amount_fen) == ("renewal", application.id, 80_000_000)
    with pytest.raises(AppliedAlready):
        start_renewal(application.id, now=near, **renew)
    again = market.authorise(again, now=near)
    offer(again.id, terms(until=beijing_day(near)), institution="bank_a", actor="p", now=near)
    answer(again.id, Answer.ACCEPT, enterprise=FIRM, signatory=market.owner, actor="p", now=near)
    on = beijing_day(near).isoformat()
    new = drawn(
        again.id,
        receipt_no="JJ2026009",
        first_loan=False,
        renewal=True,
        drawn_on=on,
        approved_on=on,
        due_on="2028-09-01",
    )
    report_loans([new], institution="bank_a", actor="p", now=near)
    assert queries.get_application(application.id).state is ApplicationState.RENEWED
    assert queries.get_application(again.id).state is ApplicationState.DISBURSED


def test_products_have_versions_and_say_every_fault(market: Market) -> None:
    """The same text again is no version; a faulty one names all its faults; applications keep the version they saw."""
    code = market.products["bank_a"].code
    same = publish_product(product(name="bank_a流水贷"), institution="bank_a", code=code, **BY)
    assert same.version == 1
    newer = publish_product(product(name="bank_a流水贷", rate_from_bp=300), institution="bank_a", code=code, **BY)
    assert (newer.version, get_product(code, version=1).rate_from_bp, len(list_versions(code))) == (2, 350, 2)
    faulty = product(
        name="", months_from=40, rate_to_bp=9000, guarantees=["gold"], surplus=1, offered_until="2025-01-01",
        conditions=[
            {"basis": "indicator", "indicator": "identity.secret", "at_least": 1},
            {"basis": "indicator", "indicator": "identity.age_months", "at_least": 10, "below": 5},
            {"basis": "grade", "values": ["AAAA"]}, {"basis": "amount", "at_least": 1},
            {"basis": "indicator", "indicator": "fulfilment.tax_grade", "at_least": 1}, 7,
        ],
    )  # fmt: skip
    with pytest.raises(InvalidProduct) as wrong:
        publish_product(faulty, institution="bank_a", **BY)
    fields = {p.field for p in wrong.value.problems}
    assert {"name", "months_to", "rate_to_bp", "guarantees", "surplus", "offered_until"} <= fields
    assert {f"conditions.{n}" for n in range(1, 7)} <= fields
    with pytest.raises(UnknownProduct):
        publish_product(product(), institution="bank_b", code=code, **BY)


def test_one_need_stands_at_a_time(market: Market) -> None:
    """A second is refused while the first stands; an expired one makes room; faults are named together."""
    need = market.need()
    with pytest.raises(NeedOpen):
        market.need()
    late = NOW + timedelta(days=91)
    assert find_open_need(FIRM, now=late) is None
    assert expire_needs(now=late) == 1
    again: dict[str, Any] = {"amount_fen": 2_000_000, "months": 6, "guarantees": ["credit"], "purpose": "备货"}
    assert post_need(FIRM, **again, actor="p", now=late).id != need.id
    with pytest.raises(InvalidNeed) as wrong:
        market.need(2, amount_fen=None, months=0, guarantees=["gold"], purpose="", window="moon")
    assert {p.field for p in wrong.value.problems} == {"amount", "months", "guarantees", "purpose", "window"}


def test_recommendation_by_five_tests(market: Market) -> None:
    """What data tells is told by data; the rest a person confirms with grounds; only banks the firm named see it."""
    need, firm = market.need(), market.firm()
    with pytest.raises(WrongDeclaration):
        declare(need.id, firm=firm, institutions=["bank_x"], **BY)
    made = declare(need.id, firm=firm, institutions=["bank_a", "bank_b"], **BY)
    assert set(made.tests) == {"operating", "premises", "need", "credit", "use"}
    assert made.tests["premises"] is Verdict.TO_CONFIRM and Verdict.NOT_MET not in made.tests.values()
    open_ones = [code for code, state in made.tests.items() if state is Verdict.TO_CONFIRM]
    yes = dict.fromkeys(open_ones, True)
    with pytest.raises(WrongDeclaration) as wrong:
        decide_declaration(made.id, confirmed={}, notes={}, **BY)
    assert {p.field for p in wrong.value.problems} >= set(open_ones)
    with pytest.raises(WrongDeclaration):
        decide_declaration(made.id, confirmed=yes, notes={}, **BY)
    done = decide_declaration(made.id, confirmed=yes, notes=dict.fromkeys(open_ones, "走访核实"), **BY)
    assert done.state is ListState.RECOMMENDED and done.until is not None and done.until > date(2027, 1, 1)
    assert [d.enterprise for d in queries.list_declarations(institution="bank_a", on=TODAY)] == [FIRM]
    set_admitted("bank_b", admitted=False, reason="t", actor="t", now=NOW)
    assert queries.list_declarations(institution="bank_b", on=TODAY) == [], "who is out learns nobody's name"
    assert queries.list_declarations(institution="bank_c") == []
    with pytest.raises(TransitionRefused):
        decide_declaration(made.id, confirmed=yes, notes={}, **BY)


def test_a_failed_test_sends_the_declaration_back(market: Market) -> None:
    """With the reason, which is asked for."""
    row = {"uscc": FIRM, "listed_on": "2026-01-05", "reason": "通过登记的住所无法联系"}
    later = NOW + timedelta(minutes=1)
    assert deliver("list.abnormal", [row], now=later).accepted == 1
    made = declare(market.need().id, firm=market.firm(now=later), institutions=["bank_a"], **BY)
    assert made.tests["operating"] is Verdict.NOT_MET
    open_ones = [code for code, state in made.tests.items() if state is Verdict.TO_CONFIRM]
    said = {"confirmed": dict.fromkeys(open_ones, True), "notes": dict.fromkeys(open_ones, "已核实")}
    with pytest.raises(WrongDeclaration):
        decide_declaration(made.id, **said, **BY)  # type: ignore[arg-type]
    back = decide_declaration(made.id, **said, reason="列入经营异常名录", **BY)  # type: ignore[arg-type]
    assert back.state is ListState.RETURNED
