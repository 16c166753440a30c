"""谁产生、谁提供、谁负责 / Who produces data provides it and answers for it.

省级实施方案；国办发〔2021〕52号。
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from tests.factories import DAY, NOW, deliver, item, registration, uscc
from xinqiao.catalogue.load import load_catalogue
from xinqiao.evidence.queries import list_entries
from xinqiao.ingest.actions import receive, undo_delivery
from xinqiao.ingest.types import RULES, DeliveryStatus, NotYourItem
from xinqiao.kernel.dated import beijing_day
from xinqiao.plumbing.settings import content_dir
from xinqiao.quality.queries import list_sources
from xinqiao.quality.types import SourceState
from xinqiao.records.queries import current_rows, read_enterprise

CATALOGUE = load_catalogue(content_dir())
REGISTRY = "registration.basic"


def standing(number: int) -> list[str]:
    """Names of an enterprise that stand in the registry."""
    found = item(REGISTRY)
    tables = read_enterprise(uscc(number), [found], known=NOW + 9 * DAY)
    return [str(r["name"]) for r in current_rows(tables[REGISTRY], found)] if tables else []


def test_every_item_names_content_method_department_and_deadline() -> None:
    """清单的每一项写明内容、方式、责任部门和时限 / Each item names its content, method, department and deadline."""
    for listed in CATALOGUE:
        assert listed.fields
        assert listed.method
        assert listed.department.name
        assert listed.due.period


def test_only_the_responsible_department_provides(fresh_node: Path) -> None:
    """只有责任部门能报送 / Only the responsible department delivers."""
    for listed in CATALOGUE:
        other = next(d.code for d in CATALOGUE.departments if d != listed.department)
        with pytest.raises(NotYourItem):
            receive(listed, [], provider=other, actor="t", now=NOW)


def test_every_row_delivered_is_accounted_for(fresh_node: Path) -> None:
    """报送的每一行都有下落：收下加退回等于报送 / Accepted plus returned is delivered, always."""
    rows = [registration(1), registration(1), registration(2, uscc="坏"), registration(3, name="")]
    outcome = deliver(REGISTRY, rows)
    assert outcome.accepted + outcome.returned == outcome.delivered == len(rows)


def test_a_faulty_row_does_not_hold_up_the_good_ones(fresh_node: Path) -> None:
    """一行有错不耽误其余的行 / A faulty row does not hold up the good ones."""
    assert deliver(REGISTRY, [registration(1), registration(2, uscc="坏")]).status is DeliveryStatus.PARTLY
    assert standing(1) == ["示例企业1"]


def test_every_rule_says_how_to_repair() -> None:
    """每条检查都说明怎么改 / Every check says how to repair."""
    assert all(rule.title and rule.repair for rule in RULES.values())


def test_an_empty_delivery_removes_nothing(fresh_node: Path) -> None:
    """空报送不删除任何数据 / An empty delivery removes nothing."""
    deliver(REGISTRY, [registration(1)])
    assert deliver(REGISTRY, [], now=NOW + DAY).status is DeliveryStatus.EMPTY
    assert standing(1) == ["示例企业1"]


def test_nothing_is_overwritten_and_a_delivery_can_be_taken_back(fresh_node: Path) -> None:
    """不覆盖；24 小时内可以撤销，此前的数据恢复有效 / Nothing is overwritten; undone within 24 hours."""
    deliver(REGISTRY, [registration(1, name="旧名")])
    later = deliver(REGISTRY, [registration(1, name="新名")], now=NOW + DAY)
    undo_delivery(later.delivery, provider=item(REGISTRY).department.code, actor="t", now=NOW + DAY * 1.5)
    assert standing(1) == ["旧名"]


def test_each_delivery_leaves_evidence_in_the_same_act(fresh_node: Path) -> None:
    """每次报送与其存证同时生效 / A delivery and its evidence come into being together."""
    outcome = deliver(REGISTRY, [registration(1)])
    delivered = list_entries(event="ingest.delivered")[0].body
    registered = list_entries(event="records.file_registered")[0].body
    assert (delivered["delivery"], registered["batch"]) == (outcome.delivery, outcome.delivery)
    assert (delivered["accepted"], registered["rows"]) == (1, 1)


def test_a_provider_answers_for_its_deadline(fresh_node: Path) -> None:
    """到期未报即为逾期，报到即恢复 / Past its deadline a source is late; a delivery makes it on time again."""
    deliver(REGISTRY, [registration(1)])
    monday = NOW + 3 * DAY  # delivered on a Friday: due on Saturday, which ends with Monday
    states = [_state(day * DAY + monday) for day in (0, 1)]
    deliver(REGISTRY, [registration(2)], now=monday + DAY)
    assert [*states, _state(monday + DAY)] == [SourceState.ON_TIME, SourceState.LATE, SourceState.ON_TIME]


def _state(now: datetime) -> SourceState:
    return list_sources([item(REGISTRY)], on=beijing_day(now), known=now)[REGISTRY].state


def test_a_source_that_fails_its_duty_makes_none_into_not_known(fresh_node: Path) -> None:
    """来源逾期已久，没有记录就是未知，不是没有 / Of a source long overdue a missing record is not known, never none."""
    deliver(REGISTRY, [registration(1)])
    source = list_sources([item(REGISTRY)], on=beijing_day(NOW + 30 * DAY), known=NOW + 30 * DAY)[REGISTRY]
    assert (source.settled, source.why) == (False, "source_late")
