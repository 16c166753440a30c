"""Numbers from rows, and nothing but rows: whoever holds the exported rows computes the same. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from statistics import median_low

from xinqiao.effectiveness.numbers import BY_CODE, MEASURES
from xinqiao.effectiveness.types import (
    Cohort,
    Goals,
    InvalidTargets,
    Measure,
    Row,
    Rows,
    Series,
    Stage,
    Table,
    Target,
)
from xinqiao.kernel.errors import Phrase, Problem

SMALL = ("small", "micro")
NPL = ("substandard", "doubtful", "loss")
STAGES = ("registered", "authorised", "applied", "credited", "drawn")
# Numbers that a later report of an earlier month may change: what happened in it, not how things stand now.
FLOWS = ("lent", "lent_this_year", "first_loans", "applications", "registered")


def measures(tables: Mapping[Table, Rows], *, on: date) -> list[Measure]:
    """Every number of the page, from the rows; ``on`` is the day of the report, whose year is this year."""
    made: dict[str, tuple[int, int | None]] = {}
    made |= _coverage(tables)
    made |= _use(tables)
    made |= _lending([r for r in tables[Table.LOANS] if r["attributed"]], on.year)
    return [Measure(facts, *made[facts.code]) for facts in MEASURES]


def _coverage(tables: Mapping[Table, Rows]) -> dict[str, tuple[int, int | None]]:
    counties, sources, institutions = (tables[t] for t in (Table.COUNTIES, Table.SOURCES, Table.INSTITUTIONS))
    return {
        "counties_covered": (_count(counties, "covered"), len(counties)),
        "sources_covered": (
            len({r["department"] for r in sources if r["covered"]}),
            len({r["department"] for r in sources}),
        ),
        "items_collected": (_count(sources, "covered"), len(sources)),
        "institutions_covered": (_count(institutions, "covered"), len(institutions)),
        "products": (_sum(institutions, "products"), None),
    }


def _use(tables: Mapping[Table, Rows]) -> dict[str, tuple[int, int | None]]:
    firms, applied = tables[Table.ENTERPRISES], tables[Table.APPLICATIONS]
    authorised = _count(firms, "authorised_on")
    decided = [r for r in applied if r["decided_on"]]
    timed = [r for r in decided if r["due_on"]]
    return {
        "registered": (len(firms), None),
        "authorised": (authorised, None),
        "authorisation_rate": (authorised, len(firms)),
        "queries": (_sum(tables[Table.ACCESSES], "allowed"), None),
        "applications": (len(applied), None),
        "decided": (len(decided), None),
        "decided_in_time": (sum(str(r["decided_on"]) <= str(r["due_on"]) for r in timed), len(timed)),
        "offer_rate": (sum(r["decision"] == "offer" for r in decided), len(decided)),
    }


def _lending(loans: Rows, year: int) -> dict[str, tuple[int, int | None]]:
    now, before = _drawn_in(loans, year), _drawn_in(loans, year - 1)
    credit = [r for r in loans if r["guarantee"] == "D"]
    small = [r for r in credit if r["size"] in SMALL]
    balance = _sum(loans, "balance_fen")
    owing = len({r["enterprise"] for r in loans if r["balance_fen"]})
    first = {r["enterprise"] for r in now if r["first_loan"] and not r["sole"]}
    made: dict[str, tuple[int, int | None]] = {
        "lent": (_sum(loans, "amount_fen"), None),
        "lent_this_year": (_sum(now, "amount_fen"), None),
        "balance": (balance, None),
        "borrowers": (owing, None),
        "average": (balance, owing),
        "npl": (_sum([r for r in loans if r["five_class"] in NPL], "balance_fen"), balance),
        "credit_balance": (_sum(credit, "balance_fen"), None),
        "credit_share": (_sum(credit, "balance_fen"), balance),
        "credit_lent_share": (_sum(credit, "amount_fen"), _sum(loans, "amount_fen")),
        "small_credit_balance": (_sum(small, "balance_fen"), None),
        "small_credit_share": (_sum(small, "balance_fen"), _sum(credit, "balance_fen")),
        "first_loans": (len(first), None),
        "first_loans_before": (len({r["enterprise"] for r in before if r["first_loan"] and not r["sole"]}), None),
        "first_loans_sole": (len({r["enterprise"] for r in now if r["first_loan"] and r["sole"]}), None),
        "first_loan_rate": (len(first), len({r["enterprise"] for r in now if not r["sole"]})),
    }
    for name in ("regulator", "central_bank"):
        chosen = [r for r in loans if r[f"inclusive_{name}"]]
        made[f"inclusive_{name}"] = (_sum(chosen, "balance_fen"), None)
    return made | {"rate": _weighted(now)}


def _weighted(loans: Rows) -> tuple[int, int | None]:
    """A rate is kept in basis points already: the weighted sum by 10,000, so that the share reads in basis points."""
    weighted = sum(_int(r["amount_fen"]) * _int(r["rate_bp"]) for r in loans)
    return weighted, 10_000 * _sum(loans, "amount_fen")


def _drawn_in(loans: Rows, year: int) -> list[Row]:
    return [r for r in loans if str(r["drawn_on"])[:4] == str(year)]


def _int(value: object) -> int:
    return int(str(value)) if value not in ("", None) else 0


def _count(rows: Rows, name: str) -> int:
    return sum(bool(r[name]) for r in rows)


def _sum(rows: Iterable[Row], name: str) -> int:
    return sum(_int(r[name]) for r in rows)


def funnel(firms: Rows, *, by: str) -> list[Cohort]:
    """How far enterprises came, by the month they registered in or by any other column; the newest cohort last.

    A cohort is of those registered together; each step counts only who reached the one before, with the median days
    between the two (the lower of the middle ones).
    """
    groups: dict[str, list[Row]] = {}
    for row in firms:
        key = str(row["registered_on"])[:7] if by == "month" else str(row[by])
        groups.setdefault(key, []).append(row)
    return [Cohort(key, tuple(_stages(rows))) for key, rows in sorted(groups.items())]


def _stages(rows: list[Row]) -> Iterable[Stage]:
    reached = rows
    for number, code in enumerate(STAGES):
        days: list[int] = []
        if number:
            before = f"{STAGES[number - 1]}_on"
            reached = [r for r in reached if r[f"{code}_on"]]
            days = [_days(str(r[before]), str(r[f"{code}_on"])) for r in reached]
        yield Stage(code, len(reached), median_low(days) if days else None)


def _days(first: str, last: str) -> int:
    return (date.fromisoformat(last) - date.fromisoformat(first)).days


def open_counts(rows: Rows, *, by: str, floor: int) -> dict[str, int | None]:
    """Counts that anybody may read: cells below the floor are left out, and further small ones with them until what is
    left out together is at least the floor for every cell, so that a total tells nothing of one."""
    found: dict[str, int] = {}
    for row in rows:
        found[str(row[by])] = found.get(str(row[by]), 0) + 1
    hidden = {key for key, count in found.items() if count < floor}
    for key in sorted(found.keys() - hidden, key=lambda key: (found[key], key)):
        if not hidden or (len(hidden) > 1 and sum(found[k] for k in hidden) >= floor * len(hidden)):
            break
        hidden.add(key)
    return {key: None if key in hidden else count for key, count in sorted(found.items())}


@cache
def load_goals(path: Path) -> Goals:
    """``targets.toml``; raises InvalidTargets with every fault."""
    raw = tomllib.loads(path.read_text("utf-8"))
    problems: list[Problem] = []

    def say(field: str, pattern: Phrase) -> None:
        problems.append(Problem(field=field, code="effectiveness.target", message=pattern))

    series = tuple(Series(**row) for row in raw["series"])
    targets = tuple(Target(**row) for row in raw["targets"])
    known = {s.code for s in series}
    for one in targets:
        _check_target(one, known, say)
    if raw["floor"] < 2:
        say("floor", Phrase("公开统计的下限至少为 2"))
    if problems:
        raise InvalidTargets(problems)
    return Goals(raw["floor"], targets, series)


def _check_target(one: Target, known: set[str], say: Callable[[str, Phrase], None]) -> None:
    for name in (one.series, one.of):
        if name and name not in known:
            say(one.code, Phrase("没有序列“{name}”", name=name))
    if one.measure and one.measure not in BY_CODE:
        say(one.code, Phrase("没有指标“{name}”", name=one.measure))
    if bool(one.series) is bool(one.measure):
        say(one.code, Phrase("目标要么看官方口径，要么看平台口径"))
    if sum(v is not None for v in (one.at_least, one.at_least_fen, one.at_least_bp)) != 1:
        say(one.code, Phrase("目标值要写且只写一个"))
