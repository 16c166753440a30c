"""The content's ``settlement.toml``: bodies, the words of checks, ways of verifying, terms. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from xinqiao.evaluation.types import Words
from xinqiao.settlement.checks import NAMES
from xinqiao.settlement.rules import RESULTS
from xinqiao.settlement.types import Body, ProceedingKind
from xinqiao.settlement.words import CheckWords, SettlementRules

NUMBERS = (
    "agree_days", "oppose_days", "annul_months", "enforcement_years", "limitation_years", "most_cost_bp",
    "days_in_year",
)  # fmt: skip


@cache
def load_settlement(path: Path) -> SettlementRules:
    """The file; raises KeyError or ValueError for one that leaves a check, a basis or a number out."""
    raw = tomllib.loads(path.read_text("utf-8"))
    missing = sorted({*NAMES} - set(raw["checks"])) + sorted(RESULTS - set(raw["basis"]))
    if missing:
        raise ValueError(f"{path.name}: without words for {', '.join(missing)}")
    return SettlementRules(
        item=raw["item"],
        bodies=tuple(_body(row) for row in raw["bodies"]),
        checks={code: _check(row) for code, row in raw["checks"].items()},
        verifications={code: Words.of(row, "name") for code, row in raw["verifications"].items()},
        basis={code: Words.of(row, "name") for code, row in raw["basis"].items()},
        accept_days={ProceedingKind(kind): int(days) for kind, days in raw["accept_days"].items()},
        **{name: int(raw[name]) for name in NUMBERS},
    )


def with_connections(rules: SettlementRules, connected: Iterable[str]) -> SettlementRules:
    """The same, its bodies marked that are spoken to by program."""
    codes = set(connected)
    return replace(rules, bodies=tuple(replace(one, connected=one.code in codes) for one in rules.bodies))


def _body(row: Mapping[str, Any]) -> Body:
    divisions = tuple(row["divisions"])
    if not divisions or not all(divisions):
        raise ValueError(f"{row['code']}: a body serves some division")
    return Body(row["code"], ProceedingKind(row["kind"]), row["name"], divisions, name_en=row["name_en"])


def _check(row: Mapping[str, Any]) -> CheckWords:
    return CheckWords(Words.of(row, "name"), Words.of(row, "clause"), Words.of(row, "next_step"))
