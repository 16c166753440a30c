"""Each kind of rule finds what it is for; a wrong file is refused with every fault at once."""

from __future__ import annotations

import copy
import tomllib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from xinqiao.catalogue.load import load_catalogue
from xinqiao.kernel.dated import add_months
from xinqiao.monitoring.content import faults_in, found_in, reply_reasons, signals
from xinqiao.monitoring.refusals import InvalidReply
from xinqiao.monitoring.rules import (
    KNOWN,
    check_reply,
    concerns,
    fall_findings,
    grade_findings,
    is_low,
    occasion,
    record_findings,
)
from xinqiao.monitoring.types import Finding, Precision, Reply, RuleKind, SignalRule
from xinqiao.plumbing.settings import content_dir

CATALOGUE = load_catalogue(content_dir())
RULES = {rule.code: rule for rule in signals().rules}
AT = datetime(2026, 11, 1, tzinfo=UTC)


def months(rule: SignalRule, values: list[int | None], *, first: date = date(2025, 1, 1)) -> list[str]:
    """The months with which a fall begins."""
    rows = [(add_months(first, n), value) for n, value in enumerate(values)]
    table = pa.table(
        {
            "_enterprise": pa.array(["F"] * len(rows), pa.string()),
            "_occurred_on": pa.array([month for month, _ in rows], pa.date32()),
            rule.value: pa.array([value for _, value in rows], pa.int64()),
            KNOWN: pa.array([AT] * len(rows), pa.timestamp("us", tz="UTC")),
        }
    )
    found = fall_findings(rule, table)
    assert all(one.known_at == AT for one in found)
    return [one.key for one in found]


@pytest.mark.parametrize("code", sorted(RULES))
def test_examples_of_a_rule_hold(code: str) -> None:
    rule = RULES[code]
    assert len(rule.examples) >= 1
    for example in rule.examples:
        assert len(found_in(rule, example, CATALOGUE)) == example.expect


def test_there_are_rules_of_every_kind_and_level() -> None:
    assert len(RULES) >= 15
    assert {rule.kind for rule in RULES.values()} == set(RuleKind)
    assert len({rule.level for rule in RULES.values()}) == 3
    assert all(rule.clause.en and rule.next_step.en and rule.expires_workdays for rule in RULES.values())


def test_a_fall_begins_once_and_what_is_missing_has_not_fallen() -> None:
    rule = replace(RULES["utility.power_fall"], months=1, percent=50, least=10)
    full: list[int | None] = [100] * 12
    assert months(rule, [*full, 50, 40, 100, 49]) == ["2026-01", "2026-04"], "once a fall, again after a recovery"
    assert months(rule, [*full, 51]) == []
    assert months(rule, [*full, None, None]) == []
    assert months(rule, [5, *full[1:], 1]) == [], "below the least nothing is said"
    assert months(rule, [0, *full[1:], 0]) == []
    assert months(rule, full) == []


def test_many_records_count_back_from_their_own_day() -> None:
    rule = RULES["penalty.repeated"]
    days = [date(2024, 1, 1), date(2024, 12, 1), date(2026, 2, 1), None]
    table = pa.table(
        {
            "_enterprise": pa.array(["F"] * 4, pa.string()),
            "_occurred_on": pa.array(days, pa.date32()),
            "document_no": pa.array(["1", "2", "3", "4"], pa.string()),
            KNOWN: pa.array([AT] * 4, pa.timestamp("us", tz="UTC")),
        }
    )
    (one,) = record_findings(rule, table, key=["document_no"], public=True)
    assert (one.key, one.facts["on"]) == (occasion(["2"]), "2024-12-01")


def test_a_grade_that_is_none_is_no_fall() -> None:
    rule = RULES["credit.grade_fall"]
    older = pa.table({"_enterprise": ["a", "b", "c"], "grade": ["A", "NR", "A"]})
    newer = pa.table({"_enterprise": ["a", "b", "c", "d"], "grade": ["D", "D", "AA", "D"]})
    found = grade_findings(rule, older, newer, order=("AA", "A", "D"), run="r", known_at=AT)
    assert [(one.enterprise, one.facts) for one in found] == [("a", {"before": "A", "after": "D"})]


def test_what_was_on_record_before_or_is_ones_own_is_no_news() -> None:
    one = Finding("F", "r", "k", AT, {}, party="bank-a")
    assert concerns(one, began_at=AT - timedelta(seconds=1), names=["bank-b"])
    assert not concerns(one, began_at=AT, names=["bank-b"])
    assert not concerns(one, began_at=AT - timedelta(seconds=1), names=["bank-a", "x"])


def test_a_reply_needs_a_reason_of_its_own() -> None:
    reasons = {reason.code: reason.reply for reason in reply_reasons()}
    assert check_reply("acted", "visited", " x ", reasons=reasons) == (Reply.ACTED, "x")
    with pytest.raises(InvalidReply) as wrong:
        check_reply("acted", "seasonal", "x" * 501, reasons=reasons)
    assert {problem.field for problem in wrong.value.problems} == {"reason", "note"}
    with pytest.raises(InvalidReply):
        check_reply("", "", "", reasons=reasons)


def test_precision_is_low_only_once_enough_was_said() -> None:
    few = Precision("r", 9, {"useful": 1, "false_alarm": 3})
    many = Precision("r", 9, {"useful": 1, "false_alarm": 3, "known_before": 1})
    assert (few.percent, many.percent, Precision("r", 3, {}).percent) == (25, 20, None)
    assert [is_low(p, low_percent=30, least_replies=5) for p in (few, many)] == [False, True]


def test_every_fault_of_a_file_is_named_with_its_place() -> None:
    raw: dict[str, Any] = copy.deepcopy(tomllib.loads((content_dir() / "signals.toml").read_text("utf-8")))
    assert list(faults_in(raw, CATALOGUE)) == []
    rules = raw["rules"]
    rules[0]["when"] = [{"field": "severity", "among": ["致命"]}, {"field": "nothing", "empty": True}]
    rules[1]["item"] = "no.item"
    rules[2] |= {"level": "purple", "name_en": ""}
    rules[3]["expires_workdays"] = 0
    rules[4]["code"] = rules[5]["code"]
    rules[6]["examples"] = [{"rows": [], "expect": 1}]
    pledged = next(rule for rule in rules if rule["item"] == "pledge.equity")
    pledged["when"] = [{"field": "pledgor", "empty": True}]
    raw["low_percent"] = 0
    raw["reasons"] = raw["reasons"][:1]
    said = [f"{where}: {fault}" for where, fault in faults_in(raw, CATALOGUE)]
    for text in ("no choice 致命", "no field nothing", "no item no.item", "level is one of", "name in both", "above 0"):
        assert any(text in line for line in said), text
    for text in ("stands twice", "0 signals, expected 1", "pledgor is personal", "low_percent", "every reply needs"):
        assert any(text in line for line in said), text
