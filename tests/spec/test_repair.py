"""信用修复：三类失信信息的最短与最长公示期；不到期不受理，到最长期自动停止；修复即停止公示、共享和使用。

Credit repair: the shortest and longest terms of the three classes; none before its day, and at the longest term
publication, sharing and use stop by themselves.
"""

from __future__ import annotations

from datetime import date

import pytest

from xinqiao.plumbing.settings import content_dir
from xinqiao.repair.rules import TRANSITIONS, countdown, is_over, load_repair_rules
from xinqiao.repair.types import RepairState

RULES = load_repair_rules(content_dir() / "repair.toml")
ITEM = "penalty.decision"


@pytest.mark.parametrize(
    ("severity", "earliest", "latest"),
    [("轻微", "2026-05-31", "2026-08-31"), ("一般", "2026-08-31", "2027-05-31"), ("严重", "2027-05-31", "2029-05-31")],
)
def test_the_three_classes_and_their_terms(severity: str, earliest: str, latest: str) -> None:
    """轻微最长三个月，一般三个月至一年，严重一年至三年，自认定之日起算。

    Minor at most three months, general three months to a year, serious one to three years, from determination.
    """
    found = countdown(ITEM, {"decided_on": date(2026, 5, 31), "severity": severity}, "r", RULES)
    assert found is not None and found.latest_on is not None
    assert (found.earliest_on.isoformat(), found.latest_on.isoformat()) == (earliest, latest)
    assert not is_over(found, found.latest_on) and is_over(found, date.fromordinal(found.latest_on.toordinal() + 1))


def test_a_record_of_no_class_is_taken_for_general() -> None:
    """没有分级的处罚按一般失信信息计算，不作更重的推定。

    A penalty without a class counts as general, never as worse.
    """
    found = countdown(ITEM, {"decided_on": "2026-05-31", "severity": None}, "r", RULES)
    assert found is not None and found.severity.code == "general"


def test_what_has_ended_or_is_no_dishonesty_has_no_countdown() -> None:
    """已移出名单的记录和不属于失信信息的数据项没有修复倒计时。

    What has left its list, and what is no record of dishonesty, is not repaired.
    """
    assert countdown("list.serious", {"listed_on": "2026-05-31", "removed_on": "2026-06-01"}, "r", RULES) is None
    assert countdown("honour.award", {"decided_on": "2026-05-31"}, "r", RULES) is None


def test_who_determined_it_repairs_it() -> None:
    """谁认定、谁修复：申请只有准予、不予和撤回三种结果，都由一次办理产生。

    Granted, refused or taken back: an application ends once.
    """
    assert set(TRANSITIONS.events(RepairState.APPLIED)) == {"grant", "refuse", "take_back"}
    assert all(not TRANSITIONS.events(s) for s in RepairState if s is not RepairState.APPLIED)
