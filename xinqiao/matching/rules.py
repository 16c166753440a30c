"""What a product, a condition and a need may be, and what a condition says of an enterprise. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from xinqiao.indicators.types import Kind
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.kernel.money import format_wan
from xinqiao.matching.refusals import (
    InvalidMatching,
    InvalidNeed,
)
from xinqiao.matching.types import (
    Basis,
    Checked,
    Condition,
    ConditionFacts,
    Firm,
    Fit,
    Guarantee,
    MatchingRules,
    Need,
    Outcome,
    Product,
    Told,
    Window,
)

SIZES = ("large", "medium", "small", "micro")
MOST_FEN, MOST_MONTHS, MOST_BP = 10**13, 360, 2_400
LONGEST_NAME, LONGEST_NOTE = 60, 500
NUMBERS = frozenset({Basis.SCORE, Basis.COVERAGE, Basis.AMOUNT, Basis.MONTHS})
PREFIXES = frozenset({Basis.INDUSTRY, Basis.DIVISION})
TERMS = frozenset({Basis.AMOUNT, Basis.MONTHS, Basis.GUARANTEE})
# Says what is wrong: field, code, a sentence that is translated where it is shown.
Say = Callable[..., None]
Facts = Mapping[str, ConditionFacts]


def judge(condition: Condition, firm: Firm, need: Need) -> Outcome:
    """What a condition says of an enterprise with a need; a fact that is not known leaves it open."""
    if condition.basis is Basis.GUARANTEE:
        return _said(bool({str(g) for g in need.guarantees} & set(condition.values)))
    if condition.basis is Basis.VETO:
        return _said(not set(condition.values) & set(firm.vetoes))
    value = _value(condition, firm, need)
    if value is None or value == "":
        return Outcome.OPEN
    if condition.basis in PREFIXES:
        return _said(str(value).startswith(condition.values))
    if condition.values:
        return _said(str(value) in condition.values)
    low, high = condition.at_least, condition.below
    number = value if isinstance(value, int) else Decimal(str(value))
    return _said((low is None or number >= low) and (high is None or number < high))


def _said(holds: bool) -> Outcome:
    return Outcome.PASSED if holds else Outcome.FAILED


# What a condition reads when it reads no indicator; products are many, so nothing is built for each.
_READS: Mapping[Basis, Callable[[Firm, Need], Any]] = {
    Basis.SCORE: lambda firm, need: firm.score,
    Basis.GRADE: lambda firm, need: firm.grade,
    Basis.COVERAGE: lambda firm, need: firm.coverage,
    Basis.SIZE: lambda firm, need: firm.size,
    Basis.INDUSTRY: lambda firm, need: firm.industry,
    Basis.DIVISION: lambda firm, need: firm.division,
    Basis.AMOUNT: lambda firm, need: need.amount_fen,
    Basis.MONTHS: lambda firm, need: need.months,
}


def _value(condition: Condition, firm: Firm, need: Need) -> Any:
    if condition.basis is Basis.INDICATOR:
        return firm.values.get(condition.indicator)
    return _READS[condition.basis](firm, need)


def worst_of(conditions: Iterable[Condition], firm: Firm, need: Need) -> Outcome:
    """What conditions say together: failed if one is, else open if one is."""
    found = {judge(one, firm, need) for one in conditions}
    return next((o for o in (Outcome.FAILED, Outcome.OPEN) if o in found), Outcome.PASSED)


def fit_of(product: Product, firm: Firm, need: Need) -> Fit:
    """A product held against an enterprise and its need, condition by condition."""
    return Fit(product, tuple(Checked(c, judge(c, firm, need)) for c in product.all_conditions))


def ranked(fits: Iterable[Fit], *, window: str = "") -> list[Fit]:
    """The order in which an enterprise sees products; nothing that an institution pays for is in it.

    What fits wholly comes first, then what lacks a fact, then by how many conditions fail; among equals the wanted
    thematic window, credit without security, the lower yearly cost, the quicker decision, the code.
    """
    rank = {Outcome.PASSED: 0, Outcome.OPEN: 1, Outcome.FAILED: 2}
    held = list(fits)
    order = {one.code: place for place, one in enumerate(in_order(fit.product for fit in held))}

    def key(fit: Fit) -> tuple[int | bool, ...]:
        elsewhere = bool(window) and window not in fit.product.windows
        return rank[fit.outcome], fit.failed, fit.open, elsewhere, order[fit.product.code]

    return sorted(held, key=key)


def in_order(products: Iterable[Product]) -> list[Product]:
    """Products in the order of what does not depend on who asks: credit first, then cost, promise to decide, code."""

    def key(one: Product) -> tuple[bool, int, int, str]:
        return Guarantee.CREDIT not in one.guarantees, one.cost_bp, one.decision_workdays, one.code

    return sorted(products, key=key)


def placed_because(fit: Fit, *, window: str = "") -> list[Phrase]:
    """Why a product stands where it stands, most weighty first."""
    one = fit.product
    if fit.outcome is Outcome.PASSED:
        found = [Phrase("符合全部 {count} 项条件", count=len(fit.checks))]
    elif fit.outcome is Outcome.OPEN:
        found = [Phrase("{count} 项条件缺少数据，其余符合", count=fit.open)]
    else:
        found = [Phrase("{count} 项条件不符合", count=fit.failed)]
    if window and window in one.windows:
        found.append(Phrase("属于所选专题"))
    if Guarantee.CREDIT in one.guarantees:
        found.append(Phrase("可用信用方式，不需抵押"))
    found.append(Phrase("年化总成本 {percent}% 起", percent=percent(one.cost_bp)))
    found.append(Phrase("承诺 {days} 个工作日内答复", days=one.decision_workdays))
    return found


def percent(bp: int) -> str:
    """Basis points as per cent with two places."""
    return f"{bp // 100}.{bp % 100:02d}"


def told(count: int, rules: MatchingRules) -> Told:
    """A count as an institution may know it."""
    return Told(count // rules.step * rules.step if count >= rules.floor else None, rules.floor)


def condition_document(condition: Condition) -> dict[str, Any]:
    """A condition as it is stored and published."""
    found: dict[str, Any] = {"basis": str(condition.basis)}
    if condition.indicator:
        found["indicator"] = condition.indicator
    if condition.at_least is not None:
        found["at_least"] = condition.at_least
    if condition.below is not None:
        found["below"] = condition.below
    if condition.values:
        found["values"] = list(condition.values)
    return found


def parse_conditions(raw: object, facts: Facts, grades: Sequence[str], say: Say, *, where: str) -> list[Condition]:
    """Conditions as written, those that can be read; ``say(field, code, pattern, **data)`` is told every fault."""
    if not isinstance(raw, list):
        say(where, "matching.list", "“{where}”应为条件的列表", where=where)
        return []
    found = []
    for number, row in enumerate(raw, 1):
        one = _condition(row, facts, grades, say, f"{where}.{number}")
        if one:
            found.append(one)
    if len({(c.basis, c.indicator) for c in found}) < len(found):
        say(where, "matching.doubled", "同一内容有两个条件，请合并为一个")
    return found


def _condition(raw: object, facts: Facts, grades: Sequence[str], say: Say, where: str) -> Condition | None:
    if not isinstance(raw, Mapping) or raw.get("basis") not in {str(b) for b in Basis} - {str(t) for t in TERMS}:
        say(where, "matching.basis", "条件要写明看什么：指标、评分、等级、覆盖度、规模、行业、地区或一票否决情形")
        return None
    extra = sorted(set(map(str, raw)) - {"basis", "indicator", "at_least", "below", "values"})
    if extra:
        say(where, "matching.extra", "不认识“{name}”", name="、".join(extra))
    basis, indicator = Basis(raw["basis"]), str(raw.get("indicator", ""))
    if (basis is Basis.INDICATOR) is not (indicator in facts):
        say(where, "matching.indicator", "没有指标“{name}”，或它不在现行评分卡", name=indicator or "—")
        return None
    low, high = raw.get("at_least"), raw.get("below")
    if any(b is not None and (isinstance(b, bool) or not isinstance(b, int)) for b in (low, high)):
        say(where, "matching.bound", "下限和上限应为整数")
        return None
    values = raw.get("values", [])
    if not isinstance(values, list) or not all(isinstance(v, str) and v for v in values):
        say(where, "matching.values", "“values”应为文字的列表")
        return None
    one = Condition(basis, indicator, low, high, tuple(dict.fromkeys(values)))
    return one if _consistent(one, facts, grades, say, where) else None


def _consistent(one: Condition, facts: Facts, grades: Sequence[str], say: Say, where: str) -> bool:
    """Whether a condition compares what can be compared, and can be met."""
    number = one.basis in NUMBERS or (one.basis is Basis.INDICATOR and facts[one.indicator].kind in _NUMERIC)
    if number and (one.values or (one.at_least is None and one.below is None)):
        say(where, "matching.range", "数值要写下限（at_least）或上限（below）")
        return False
    if not number and (not one.values or one.at_least is not None or one.below is not None):
        say(where, "matching.choice", "请列出可以接受的值（values）")
        return False
    if number and one.at_least is not None and one.below is not None and one.at_least >= one.below:
        say(where, "matching.empty", "下限不小于上限，没有企业能符合")
        return False
    allowed = {Basis.SIZE: SIZES, Basis.GRADE: tuple(grades)}.get(one.basis)
    unknown = [v for v in one.values if allowed is not None and v not in allowed]
    if unknown:
        say(where, "matching.value", "不认识“{name}”", name="、".join(unknown))
        return False
    return True


_NUMERIC = (Kind.INTEGER, Kind.DECIMAL)


def check_need(
    *,
    amount_fen: int | None,
    months: int | None,
    guarantees: Sequence[str],
    purpose: str,
    window: str,
    rules: MatchingRules,
) -> None:
    """Raises InvalidNeed with everything that is missing or out of bounds."""
    found: list[Problem] = []

    def say(field: str, pattern: Phrase) -> None:
        found.append(Problem(field=field, code="matching.need", message=pattern))

    if amount_fen is None or not 100_000 <= amount_fen <= MOST_FEN:
        say("amount", Phrase("金额请填 0.1 万元至 {most} 万元", most=format_wan(MOST_FEN)))
    if months is None or not 1 <= months <= MOST_MONTHS:
        say("months", Phrase("期限请填 1 至 {most} 个月", most=MOST_MONTHS))
    if not guarantees or any(g not in set(map(str, Guarantee)) for g in guarantees):
        say("guarantees", Phrase("请至少选一种可以提供的担保方式"))
    if not 2 <= len(purpose.strip()) <= LONGEST_NAME:
        say("purpose", Phrase("用途请用 2 至 {most} 字说明", most=LONGEST_NAME))
    if window and window not in {w.code for w in rules.windows}:
        say("window", Phrase("没有这个专题"))
    if found:
        raise InvalidNeed(found)


def need_is_open(need: Need, *, on: date) -> bool:
    """Whether a need still stands on a day."""
    return need.state == "open" and on <= need.until


@cache
def load_rules(path: Path) -> Mapping[str, Any]:
    """``matching.toml`` as written."""
    return tomllib.loads(path.read_text("utf-8"))


def parse_rules(raw: Mapping[str, Any], facts: Facts, grades: Sequence[str]) -> MatchingRules:
    """``matching.toml``; raises InvalidMatching with every fault."""
    problems: list[Problem] = []

    def say(field: str, code: str, pattern: str, **data: str) -> None:
        problems.append(Problem(field=field, code=code, message=Phrase(pattern, **data)))

    windows = []
    for row in raw["windows"]:
        conditions = parse_conditions(row.get("conditions", []), facts, grades, say, where=f"windows.{row['code']}")
        names = {key: row[key] for key in ("code", "name", "name_en", "says", "says_en")}
        windows.append(Window(**names, conditions=tuple(conditions)))
    limits = raw["limits"]
    if limits["floor"] < 2 or limits["step"] < 1 or limits["floor"] % limits["step"]:
        say("limits", "matching.floor", "下限至少为 2，并为步长的倍数")
    if problems:
        raise InvalidMatching(problems)
    return MatchingRules(windows=tuple(windows), **limits)
