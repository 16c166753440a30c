"""匹配先于披露：条件在节点内核对，企业逐家勾选之后机构才知道是谁；不符合与数据不足分得清，不通过要有具体理由。

Match before reveal: conditions are checked inside the node, and an institution learns who it is only once the
enterprise ticks it; not met and not known are told apart, and a refusal has specific reasons.
"""

from __future__ import annotations

import pytest

from tests.unit.test_product_conditions import firm, need, product
from xinqiao.lending.refusals import WrongReasons
from xinqiao.lending.rules import APPLICATION_TRANSITIONS, UNDER_WAY, check_reasons, load_lending
from xinqiao.lending.types import ApplicationState, Holder
from xinqiao.matching.rules import fit_of, told
from xinqiao.matching.types import Basis, Condition, MatchingRules, Outcome
from xinqiao.plumbing.settings import content_dir

RULES = load_lending(content_dir() / "lending.toml")


def test_missing_data_is_not_a_failed_condition() -> None:
    """数据不足不等于不符合：没有数据的条件是“数据不足”，不计为不符合。

    A condition whose fact is not known is open, never failed.
    """
    fit = fit_of(product("P", Condition(Basis.INDICATOR, "a.unknown", at_least=1)), firm(), need())
    assert (fit.outcome, fit.failed, fit.open) == (Outcome.OPEN, 0, 1)


def test_the_first_unmet_condition_is_named() -> None:
    """企业先看到第一项不符合的条件，再决定是否申请。

    The enterprise sees the first condition it fails before anything is sent.
    """
    low = Condition(Basis.SCORE, at_least=999)
    fit = fit_of(product("P", Condition(Basis.INDICATOR, "a.unknown", at_least=1), low), firm(), need())
    assert fit.first_unmet is not None and fit.first_unmet.condition == low


def test_small_counts_are_not_told() -> None:
    """机构只看到数量：少于下限的不显示，其余向下取整，推不出是哪一家。

    An institution sees counts only: none below the floor, the rest rounded down.
    """
    rules = MatchingRules(90, 3, 10, 10, 20, 12, 200, ())
    assert [told(n, rules).count for n in range(10)] == [None] * 10
    assert told(10, rules) == told(19, rules)


def test_a_refusal_has_one_to_four_specific_reasons() -> None:
    """不通过须选 1 至 4 条具体理由，每条都有下一步；“综合评分不足”不在其中。

    A refusal has one to four reasons of the list, each with a next step; "score too low" is not among them.
    """
    for codes in ([], ["R01", "R02", "R03", "R04", "R05"], ["score"]):
        with pytest.raises(WrongReasons):
            check_reasons(codes, RULES)
    assert all(reason.next_step for reason in RULES.reasons)
    assert not any("评分" in reason.says for reason in RULES.reasons)


def test_every_step_under_way_is_somebodys_turn() -> None:
    """在办的每一步都有人负责、有时限；企业在放款前随时可以撤回。

    Every step under way is somebody's turn within a time; until the money is drawn the enterprise may take it back.
    """
    assert set(RULES.clocks) == UNDER_WAY
    assert all(clock.holder is not Holder.NOBODY and clock.workdays > 0 for clock in RULES.clocks.values())
    assert all(APPLICATION_TRANSITIONS.can(state, "withdraw") for state in UNDER_WAY)
    assert not APPLICATION_TRANSITIONS.can(ApplicationState.DISBURSED, "withdraw")
