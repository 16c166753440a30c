"""What leads where, when a day counts, what a claim needs. Pure; never reads the clock."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from xinqiao.disputes.refusals import InvalidClaim, InvalidDisputes, InvalidFinding
from xinqiao.disputes.types import (
    AfterHours,
    Channel,
    Claim,
    DisputeRules,
    DisputeState,
    Ground,
    Holder,
    Rejection,
    Turn,
)
from xinqiao.kernel.dated import BEIJING, beijing_day
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.kernel.papers import paper_problems, words_problems
from xinqiao.kernel.transitions import Transitions
from xinqiao.kernel.working_days import WorkCalendar

_S = DisputeState
_CHECKED = {
    "confirm_error": _S.ERROR,
    "confirm_right": _S.RIGHT,
    "leave_open": _S.UNDECIDABLE,
    "ask": _S.ASKED,
    "reject": _S.REJECTED,
    "withdraw": _S.WITHDRAWN,
}
TRANSITIONS = Transitions(
    {
        _S.FILED: {"forward": _S.FORWARDED, "withdraw": _S.WITHDRAWN},
        _S.FORWARDED: {"mark": _S.MARKED},
        _S.MARKED: {"send": _S.SENT},
        _S.SENT: _CHECKED,
        _S.ASKED: {"supply": _S.SENT, "lapse": _S.SENT, "withdraw": _S.WITHDRAWN},
        _S.ERROR: {"update": _S.UPDATED},
        _S.RIGHT: {"unmark": _S.UNMARKED},
        _S.UNDECIDABLE: {"record": _S.RECORDED},
        _S.UPDATED: {"answer": _S.ANSWERED},
        _S.UNMARKED: {"answer": _S.ANSWERED},
        _S.RECORDED: {"answer": _S.ANSWERED},
        _S.ANSWERED: {"review": _S.FORWARDED, "notify": _S.NOTIFIED},
        _S.NOTIFIED: {},
        _S.REJECTED: {},
        _S.WITHDRAWN: {},
    },
    names={
        "forward": "转送节点",
        "mark": "标注",
        "send": "送核查",
        "confirm_error": "确认有误",
        "confirm_right": "确认无误",
        "leave_open": "无法核实",
        "ask": "请企业补充",
        "reject": "不予受理",
        "withdraw": "撤回",
        "supply": "补充材料",
        "lapse": "补充期满",
        "update": "更正",
        "unmark": "解除标注",
        "record": "附企业声明",
        "answer": "答复",
        "review": "申请复核",
        "notify": "告知使用方",
        **{state: state.label for state in DisputeState},
    },
)
MARKS = (50, 80, 100)  # percent of a clock at which whoever's turn it is is reminded; at 100 it is a breach
MOST_FILES = 5
FORWARDING = frozenset({Channel.INSTITUTION, Channel.PLATFORM})


def counted_from(at: datetime, rules: DisputeRules, calendar: WorkCalendar) -> date:
    """The day on which a dispute counts as received: its day in Beijing, or by the content's rule the next working day.

    The period begins on the day after (Civil Code art. 201).
    """
    local, day = at.astimezone(BEIJING), beijing_day(at)
    if rules.after_hours is AfterHours.SAME_DAY:
        return day
    if calendar.is_working_day(day):
        if local.time() < rules.closes:
            return day
        return calendar.add(day, 1).on
    return calendar.add(day, 1).on


def turn_of(
    state: DisputeState, rules: DisputeRules, *, begun: date, now: datetime, calendar: WorkCalendar
) -> Turn | None:
    """How the clock of a state stands, ``begun`` being the day it was entered; None where nobody is waited for."""
    days = {
        _S.FILED: (Holder.CHANNEL, rules.forward_workdays),
        _S.SENT: (Holder.PROVIDER, rules.verify_workdays),
        _S.ASKED: (Holder.ENTERPRISE, rules.supply_workdays),
    }
    if state not in days:
        return None
    holder, workdays = days[state]
    run = calendar.progress(begun, workdays, now=now)
    return Turn(holder, run.due_on, run.percent, run.workdays_left, run.over, run.provisional)


def answer_due_on(counted: date, rules: DisputeRules) -> date:
    """The last day for the written answer (征信业管理条例 art. 25, by analogy): calendar days, receipt not counted."""
    return counted + timedelta(days=rules.answer_days)


def is_late(forwarded_at: datetime, due_on: date) -> bool:
    """Whether a dispute was handed over after the last day of its period (which ends at 24:00, Civil Code art. 203)."""
    return beijing_day(forwarded_at) > due_on


def day_begins(day: date) -> datetime:
    """The first instant of a day in Beijing."""
    return datetime.combine(day, time(), BEIJING)


def check_claim(claim: Claim, rules: DisputeRules, files: Sequence[tuple[str, bytes]]) -> None:
    """Raises InvalidClaim with everything that is wrong with a claim and its files (name, bytes)."""
    problems = []
    if claim.ground not in {g.code for g in rules.grounds}:
        problems.append(Problem(field="ground", code="dispute.ground", message=Phrase("请选择理由")))
    problems += check_words(claim.text)
    problems += check_files(files)
    if problems:
        raise InvalidClaim(problems)


def check_words(text: str) -> list[Problem]:
    """What is wrong with an explanation."""
    return words_problems(text, code="dispute")


def check_files(files: Sequence[tuple[str, bytes]], *, held: int = 0) -> list[Problem]:
    """What is wrong with files that would be added to ``held`` others."""
    problems = []
    if held + len(files) > MOST_FILES:
        message = Phrase("附件至多 {most} 个", most=MOST_FILES)
        problems.append(Problem(field="files", code="dispute.files", message=message))
    for name, data in files:
        problems += paper_problems(name, data, code="dispute")
    return problems


def check_finding(text: str, *, corrects: bool, changes: bool) -> None:
    """Raises InvalidFinding for a finding without words, or a correction that corrects nothing."""
    problems = check_words(text)
    if corrects and not changes:
        said = Phrase("更正后的内容与原记录相同")
        problems.append(Problem(field="row", code="dispute.unchanged", message=said))
    if problems:
        raise InvalidFinding(problems)


def check_rejection(code: str, rules: DisputeRules) -> Rejection:
    """The coded reason; raises InvalidClaim."""
    found = next((one for one in rules.rejections if one.code == code), None)
    if found is None:
        raise InvalidClaim([Problem(field="reason", code="dispute.rejection", message=Phrase("请选择理由"))])
    return found


def marks_due(percent: int, given: Iterable[int]) -> list[int]:
    """The reminders that a clock has reached and that were not given, the latest first."""
    had = set(given)
    return [mark for mark in reversed(MARKS) if percent >= mark and mark not in had]


def changed_fields(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """The fields of a row that a correction writes otherwise, with what it writes."""
    return {code: text.strip() for code, text in after.items() if text.strip() != before.get(code, "").strip()}


@cache
def load_dispute_rules(path: Path) -> DisputeRules:
    """The content's rules; raises InvalidDisputes with everything that is wrong."""
    raw = tomllib.loads(path.read_text("utf-8"))
    problems = _problems(raw)
    if problems:
        raise InvalidDisputes(problems)
    return DisputeRules(
        draft=raw["draft"],
        basis=raw["basis"],
        basis_en=raw["basis_en"],
        **{name: raw[name] for name in _DAYS},
        opens=time.fromisoformat(raw["opens"]),
        closes=time.fromisoformat(raw["closes"]),
        after_hours=AfterHours(raw["after_hours"]),
        grounds=tuple(Ground(**one) for one in raw["grounds"]),
        rejections=tuple(Rejection(**one) for one in raw["rejections"]),
    )


_DAYS = ("forward_workdays", "verify_workdays", "answer_days", "supply_workdays", "review_days")


def _problems(raw: Mapping[str, Any]) -> list[Problem]:
    found = [
        Problem(field=name, code="dispute.days", message=Phrase("应为正整数"))
        for name in _DAYS
        if not isinstance(raw.get(name), int) or raw[name] < 1
    ]
    if raw.get("after_hours") not in set(AfterHours):
        found.append(Problem(field="after_hours", code="dispute.after_hours", message=Phrase("只能是所列取值之一")))
    for name in ("grounds", "rejections"):
        codes = [one.get("code") for one in raw.get(name, [])]
        if not codes or len(set(codes)) != len(codes):
            found.append(Problem(field=name, code="dispute.codes", message=Phrase("缺少代码或代码重复")))
    return found
