"""Terms of a record, what an application needs, what leads where. Pure; never reads the clock."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from xinqiao.kernel.dated import add_months
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.kernel.papers import paper_problems, words_problems
from xinqiao.kernel.transitions import Transitions
from xinqiao.repair.types import (
    Coded,
    Countdown,
    InvalidApplication,
    InvalidDecision,
    InvalidRepairRules,
    ItemTerms,
    RepairRules,
    RepairState,
    Severity,
)

TRANSITIONS = Transitions(
    {
        RepairState.APPLIED: {
            "grant": RepairState.GRANTED,
            "refuse": RepairState.REFUSED,
            "take_back": RepairState.TAKEN_BACK,
        },
        RepairState.GRANTED: {},
        RepairState.REFUSED: {},
        RepairState.TAKEN_BACK: {},
    },
    names={
        "grant": "准予修复",
        "refuse": "不予修复",
        "take_back": "撤回",
        **{state: state.label for state in RepairState},
    },
)


def countdown(item: str, row: Mapping[str, Any], ref: str, rules: RepairRules) -> Countdown | None:
    """The terms of a row (days as dates or ISO text); None where its item is not repaired, or it has ended already.

    Terms run from the day of determination (信用修复管理办法), in calendar months.
    """
    terms = rules.items.get(item)
    if terms is None or (terms.ended and row.get(terms.ended)):
        return None
    counted = _day(row.get(terms.counted_from))
    if counted is None:
        return None
    found = rules.classes[(terms.classes or {}).get(str(row.get(terms.by) or ""), terms.otherwise)]
    latest = None if found.max_months is None else add_months(counted, found.max_months)
    return Countdown(item, ref, found, counted, add_months(counted, found.min_months), latest)


def _day(value: object) -> date | None:
    if isinstance(value, date):
        return value
    return date.fromisoformat(value[:10]) if isinstance(value, str) and value else None


def is_over(found: Countdown, today: date) -> bool:
    """Whether the longest term has run, its last day included."""
    return found.latest_on is not None and today > found.latest_on


def check_application(text: str, papers: Mapping[str, tuple[str, bytes]], rules: RepairRules) -> None:
    """Raises InvalidApplication with everything an application lacks; ``papers`` by the code of the document."""
    problems = words_problems(text, code="repair")
    for document in rules.documents:
        name, data = papers.get(document.code, ("", b""))
        if not data:
            said = Phrase("缺少：{document}", document=document.says)
            problems.append(Problem(field=document.code, code="repair.document", message=said))
        else:
            problems += paper_problems(name, data, code="repair")
    if problems:
        raise InvalidApplication(problems)


def check_decision(text: str, *, refusal: str | None, rules: RepairRules) -> None:
    """Raises InvalidDecision with everything a decision lacks."""
    problems = words_problems(text, code="repair")
    if refusal is not None and refusal not in {r.code for r in rules.refusals}:
        problems.append(Problem(field="reason", code="repair.reason", message=Phrase("请选择理由")))
    if problems:
        raise InvalidDecision(problems)


@cache
def load_repair_rules(path: Path) -> RepairRules:
    """The content's rules; raises InvalidRepairRules with everything that is wrong."""
    raw = tomllib.loads(path.read_text("utf-8"))
    classes = {
        code: Severity(code, one["says"], one["says_en"], one["min_months"], one.get("max_months"))
        for code, one in raw["classes"].items()
    }
    items = {code: ItemTerms(**one) for code, one in raw["items"].items()}
    if problems := _problems(raw, classes, items):
        raise InvalidRepairRules(problems)
    return RepairRules(
        raw["draft"],
        raw["basis"],
        raw["basis_en"],
        raw["decide_workdays"],
        classes,
        tuple(Coded(**one) for one in raw["documents"]),
        tuple(Coded(**one) for one in raw["refusals"]),
        items,
    )


def _problems(raw: Mapping[str, Any], classes: Mapping[str, Severity], items: Mapping[str, ItemTerms]) -> list[Problem]:
    found = []
    if not isinstance(raw.get("decide_workdays"), int) or raw["decide_workdays"] < 1:
        found.append(Problem(field="decide_workdays", code="repair.days", message=Phrase("应为正整数")))
    for one in classes.values():
        if one.min_months < 0 or (one.max_months is not None and one.max_months < one.min_months):
            said = Phrase("最长期限短于最短期限")
            found.append(Problem(field=f"classes.{one.code}", code="repair.terms", message=said))
    for code, terms in items.items():
        for named in {terms.otherwise, *(terms.classes or {}).values()} - set(classes):
            said = Phrase("没有类别 {code}", code=named)
            found.append(Problem(field=f"items.{code}", code="repair.class", message=said))
    return found
