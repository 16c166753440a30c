"""What the content's ``settlement.toml`` says, read. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xinqiao.evaluation.types import Words
from xinqiao.settlement.types import Body, ProceedingKind


@dataclass(frozen=True, slots=True)
class CheckWords:
    """A check as the content words it."""

    name: Words
    clause: Words
    next_step: Words


@dataclass(frozen=True, slots=True)
class SettlementRules:
    """``settlement.toml``: bodies, words of checks, ways of verifying, terms. Days are calendar days."""

    item: str
    bodies: tuple[Body, ...]
    checks: Mapping[str, CheckWords]
    verifications: Mapping[str, Words]
    basis: Mapping[str, Words]  # of what enters the records, by event
    agree_days: int
    accept_days: Mapping[ProceedingKind, int]
    oppose_days: int
    annul_months: int
    enforcement_years: int
    limitation_years: int
    most_cost_bp: int
    days_in_year: int
