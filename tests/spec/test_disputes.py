"""异议：两个工作日内转送节点，标注、核查、书面答复；更正告知曾经得到错误信息的机构。

Disputes: at the node within two working days, marked, checked, answered in writing; a correction is told to everybody
who was given the wrong information.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from xinqiao.disputes.rules import TRANSITIONS, answer_due_on, counted_from, is_late, load_dispute_rules, turn_of
from xinqiao.disputes.types import OPEN, DisputeState, Holder
from xinqiao.kernel.dated import BEIJING
from xinqiao.kernel.working_days import WorkCalendar
from xinqiao.plumbing.settings import content_dir

RULES = load_dispute_rules(content_dir() / "disputes.toml")
DAYS = WorkCalendar.load(content_dir() / "calendar")


def at(day: str, hour: int = 10) -> datetime:
    return datetime.fromisoformat(day).replace(hour=hour, tzinfo=BEIJING)


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2026-02-13", "2026-02-24"), ("2025-09-30", "2025-10-10"), ("2025-09-26", "2025-09-29"),
        ("2026-09-18", "2026-09-21"), ("2026-04-30", "2026-05-07"), ("2022-12-30", "2023-01-04"),
        ("2024-02-08", "2024-02-18"), ("2026-01-01", "2026-01-05"),
    ],
)  # fmt: skip
def test_two_working_days_to_hand_over(received: str, due: str) -> None:
    """平台、接入机构收到异议后两个工作日内转送节点；当日不计，调休上班日计入，法定节假日不计。

    Two working days from receipt, that day not counted; make-up working days count, holidays do not.
    """
    assert DAYS.add(counted_from(at(received), RULES, DAYS), RULES.forward_workdays).on.isoformat() == due
    last = date.fromisoformat(due)
    assert not is_late(at(due, 23), last) and is_late(at(due) + timedelta(days=1), last)


def test_the_clock_is_shown_and_belongs_to_somebody() -> None:
    """每一步写明轮到谁、还剩几个工作日；转送方、责任部门和企业各有各的时限。

    Every open state says whose turn it is and what is left of the time.
    """
    holders = {}
    for state in OPEN:
        turn = turn_of(state, RULES, begun=date(2026, 11, 20), now=at("2026-11-21"), calendar=DAYS)
        assert turn is not None and not turn.over
        holders[state] = turn.holder
    assert set(holders.values()) == set(Holder)


def test_a_written_answer_within_twenty_days() -> None:
    """收到异议之日起二十日内书面答复（参照征信业管理条例第二十五条）。

    The written answer is due twenty calendar days from receipt.
    """
    assert answer_due_on(date(2026, 11, 1), RULES) == date(2026, 11, 21)


def test_a_finding_always_ends_in_an_answer() -> None:
    """有误必更正，无误即解除标注，无法核实则附企业声明；之后都要答复。

    Wrong is corrected, right is unmarked, undecidable carries the statement; each then is answered.
    """
    steps = {"confirm_error": "update", "confirm_right": "unmark", "leave_open": "record"}
    for finding, consequence in steps.items():
        state = TRANSITIONS.check(DisputeState.SENT, finding)
        assert TRANSITIONS.events(state) == (consequence,)
        assert TRANSITIONS.events(TRANSITIONS.check(state, consequence)) == ("answer",)


def test_a_receipt_counts_in_beijing() -> None:
    """时限按北京时间计算，不随服务器所在时区变化。

    Days are days in Beijing.
    """
    assert counted_from(datetime(2026, 11, 19, 16, 30, tzinfo=UTC), RULES, DAYS) == date(2026, 11, 20)
