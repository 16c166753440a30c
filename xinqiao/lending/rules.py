"""What leads where, whose turn it is and until when, what a refusal needs. Pure; never reads the clock."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from pathlib import Path as FilePath
from typing import Any

from xinqiao.kernel.dated import beijing_day
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.kernel.transitions import Transitions
from xinqiao.kernel.working_days import WorkCalendar
from xinqiao.lending.refusals import InvalidLending, WrongOffer, WrongReasons
from xinqiao.lending.types import (
    ApplicationState,
    Clock,
    DeclineReason,
    FiveClass,
    GuaranteeCode,
    Holder,
    LendingRules,
    ListState,
    Offer,
    Path,
    RecommendationTest,
    ReminderMark,
    Turn,
)
from xinqiao.matching.types import (
    Guarantee,
    Product,
)

_S = ApplicationState
APPLICATION_TRANSITIONS = Transitions(
    {
        _S.OPTED_IN: {
            "authorise": _S.AUTHORISED,
            "decline": _S.DECLINED,
            "withdraw": _S.WITHDRAWN,
            "lapse": _S.LAPSED,
        },
        _S.AUTHORISED: {
            "report": _S.REPORTED,
            "offer": _S.OFFERED,
            "decline": _S.DECLINED,
            "withdraw": _S.WITHDRAWN,
        },
        _S.REPORTED: {"offer": _S.OFFERED, "decline": _S.DECLINED, "withdraw": _S.WITHDRAWN},
        _S.OFFERED: {
            "accept": _S.ACCEPTED,
            "refuse": _S.REFUSED,
            "decline": _S.DECLINED,
            "withdraw": _S.WITHDRAWN,
            "lapse": _S.LAPSED,
        },
        _S.ACCEPTED: {"disburse": _S.DISBURSED, "decline": _S.DECLINED, "withdraw": _S.WITHDRAWN},
        _S.DISBURSED: {"repay": _S.REPAID, "renew": _S.RENEWED},
        _S.REPAID: {},
        _S.RENEWED: {},
        _S.DECLINED: {},
        _S.REFUSED: {},
        _S.WITHDRAWN: {},
        _S.LAPSED: {},
    },
    names={
        "authorise": "授权",
        "report": "查阅报告",
        "offer": "报价",
        "decline": "不通过",
        "accept": "接受",
        "refuse": "不接受",
        "withdraw": "撤回",
        "lapse": "失效",
        "disburse": "放款",
        "repay": "结清",
        "renew": "续贷",
        **{state: state.label for state in ApplicationState},
    },
)
DECLARATION_TRANSITIONS = Transitions(
    {
        ListState.DECLARED: {"recommend": ListState.RECOMMENDED, "return": ListState.RETURNED},
        ListState.RECOMMENDED: {"end": ListState.ENDED},
        ListState.RETURNED: {},
        ListState.ENDED: {},
    },
    names={"recommend": "推荐", "return": "退回", "end": "到期", **{state: state.label for state in ListState}},
)
UNDER_WAY = frozenset({_S.OPTED_IN, _S.AUTHORISED, _S.REPORTED, _S.OFFERED, _S.ACCEPTED})
MARKS = ((100, ReminderMark.OVER), (80, ReminderMark.MOST), (50, ReminderMark.HALF))
MOST_REASONS, LONGEST = 4, 300
# The security a product may name, as the codes of the statistics.
SECURES: Mapping[GuaranteeCode, Guarantee] = {
    GuaranteeCode.CREDIT: Guarantee.CREDIT,
    GuaranteeCode.PLEDGE: Guarantee.PLEDGE,
    GuaranteeCode.REAL_ESTATE: Guarantee.MORTGAGE,
    GuaranteeCode.OTHER_MORTGAGE: Guarantee.MORTGAGE,
    GuaranteeCode.JOINT: Guarantee.SURETY,
    GuaranteeCode.OTHER_SURETY: Guarantee.SURETY,
    GuaranteeCode.COMBINED: Guarantee.COMBINED,
}


def clock_of(state: ApplicationState, rules: LendingRules, *, decision_workdays: int) -> Clock | None:
    """Whose turn a state is and for how long; an institution that promised a quicker decision is held to it."""
    clock = rules.clocks.get(state)
    if clock and state is _S.REPORTED:
        return Clock(clock.holder, min(clock.workdays, decision_workdays))
    return clock


def turn(clock: Clock | None, *, since: datetime, now: datetime, calendar: WorkCalendar) -> Turn | None:
    """How a clock stands: the day it began is not counted, it ends with the last working day (Civil Code 201)."""
    if clock is None:
        return None
    run = calendar.progress(beijing_day(since), clock.workdays, now=now)
    return Turn(
        holder=clock.holder,
        due_on=run.due_on,
        elapsed_percent=run.percent,
        workdays_left=run.workdays_left,
        over=run.over,
        provisional=run.provisional,
    )


def due_marks(found: Turn | None) -> list[ReminderMark]:
    """The reminders that are due by now, the weightiest first."""
    if found is None or found.holder is Holder.NOBODY:
        return []
    return [mark for percent, mark in MARKS if found.elapsed_percent >= percent]


def check_reasons(codes: Iterable[str], rules: LendingRules) -> tuple[str, ...]:
    """One to four codes of the list, in its order; raises WrongReasons."""
    known = [reason.code for reason in rules.reasons]
    given = set(codes)
    problems = [Problem(field="reasons", code="lending.reason", message=c) for c in sorted(given - set(known))]
    if not 1 <= len(given) <= MOST_REASONS:
        message = Phrase("已选 {count} 条，应为 1 至 {most} 条", count=len(given), most=MOST_REASONS)
        problems.append(Problem(field="reasons", code="lending.reasons", message=message))
    if problems:
        raise WrongReasons(problems)
    return tuple(code for code in known if code in given)


def check_offer(offer: Offer, *, product: Product | None, asked_fen: int, today: date, renewing: bool = False) -> None:
    """Raises WrongOffer with everything that goes beyond the product, or beyond what was asked."""
    found: list[Problem] = []

    def say(field: str, pattern: Phrase) -> None:
        found.append(Problem(field=field, code="lending.offer", message=pattern))

    if not 0 < offer.amount_fen <= asked_fen:
        say("amount", Phrase("金额应大于零，不高于申请金额"))
    if not 1 <= offer.months <= 360:
        say("months", Phrase("期限请填 1 至 {most} 个月", most=360))
    if offer.until < today:
        say("until", Phrase("有效期不能早于今天"))
    if len(offer.note) > LONGEST:
        say("note", Phrase("说明最多 {most} 字", most=LONGEST))
    if not 0 <= offer.rate_bp <= 2_400:
        say("rate", Phrase("年利率请填 0 至 24"))
    elif product and not renewing and offer.rate_bp > product.rate_to_bp:
        say("rate", Phrase("年利率高于产品公布的上限"))
    if product and not renewing and SECURES.get(offer.guarantee) not in product.guarantees:
        say("guarantee", Phrase("担保方式不在产品公布的范围"))
    if found:
        raise WrongOffer(found)


def worst_by_days(overdue_days: int, on: date, rules: LendingRules) -> FiveClass:
    """The best class that the days past due allow on a day; before the first rule nothing is asked."""
    floors: tuple[tuple[int, FiveClass], ...] = ()
    for since, rows in rules.classes:
        if since <= on:
            floors = rows
    found = FiveClass.PASS
    for over_days, at_worst in floors:
        if overdue_days > over_days:
            found = at_worst
    return found


@cache
def load_lending(path: FilePath) -> LendingRules:
    """``lending.toml``; raises InvalidLending with every fault."""
    raw = tomllib.loads(path.read_text("utf-8"))
    problems = [Problem(field=where, code="lending.content", message=why) for where, why in _faults(raw)]
    if problems:
        raise InvalidLending(problems)
    return LendingRules(
        clocks={_S(state): Clock(Holder(c["holder"]), c["workdays"]) for state, c in raw["clocks"].items()},
        offer_days=raw["offer_days"],
        attribution_days=raw["attribution_days"],
        feedback_workdays=raw["feedback_workdays"],
        recommendation_days=raw["recommendation_days"],
        reasons=tuple(DeclineReason(**row) for row in raw["reasons"]),
        tests=tuple(_test(row) for row in raw["tests"]),
        inclusive={
            name: tuple((row["since"], row["most_yuan"] * 100) for row in rows)
            for name, rows in raw["inclusive"].items()
        },
        classes=tuple(
            (row["since"], tuple((f["over_days"], FiveClass(f["class"])) for f in row["floors"]))
            for row in raw["classes"]
        ),
    )


def _test(raw: Mapping[str, Any]) -> RecommendationTest:
    words = {key: raw[key] for key in ("code", "name", "name_en", "says", "says_en")}
    return RecommendationTest(**words, conditions=tuple(raw.get("conditions", ())))


def _faults(raw: Mapping[str, Any]) -> Iterable[tuple[str, Phrase]]:
    for state in sorted({*raw["clocks"]} ^ {str(s) for s in UNDER_WAY}):
        yield "clocks", Phrase("每个在办状态须有且只有一个时限：{name}", name=state)
    for name in ("reasons", "tests"):
        yield from _doubled(name, [row["code"] for row in raw[name]])
    for name, rows in (*raw["inclusive"].items(), ("classes", raw["classes"])):
        days = [row["since"] for row in rows]
        if days != sorted(set(days)):
            yield name, Phrase("生效日期须逐行递增：{name}", name=name)
    for row in raw["classes"]:
        bounds = [f["over_days"] for f in row["floors"]]
        if bounds != sorted(set(bounds)):
            yield "classes", Phrase("逾期天数须逐行递增")


def _doubled(name: str, codes: Sequence[str]) -> Iterable[tuple[str, Phrase]]:
    for code in sorted({c for c in codes if codes.count(c) > 1}):
        yield name, Phrase("代码重复：{name}", name=code)


def path_of(renews: str) -> Path:
    """The path of an application: a renewal names what it renews."""
    return Path.RENEWAL if renews else Path.NEW
