"""Which step leads where, who may take it, and what it must hold. Pure; never reads the clock."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from xinqiao.evaluation.types import Words
from xinqiao.kernel.errors import Problem
from xinqiao.kernel.transitions import Transitions
from xinqiao.violations.types import (
    CaseMeasure,
    CaseState,
    Effect,
    InvalidCase,
    OtherPersonDecides,
    Register,
    ViolationKind,
)

LONGEST = 500

CASE_TRANSITIONS = Transitions(
    {
        CaseState.OPENED: {"take_up": CaseState.INVESTIGATING, "dismiss": CaseState.UNFOUNDED},
        CaseState.INVESTIGATING: {"notify": CaseState.HEARING, "dismiss": CaseState.UNFOUNDED},
        CaseState.HEARING: {"state": CaseState.HEARD, "lapse": CaseState.HEARD},
        CaseState.HEARD: {"decide": CaseState.DECIDED, "dismiss": CaseState.UNFOUNDED},
        CaseState.DECIDED: {"carry_out": CaseState.IN_FORCE, "send_back": CaseState.HEARD},
        CaseState.IN_FORCE: {"appeal": CaseState.APPEALED, "close": CaseState.CLOSED},
        CaseState.APPEALED: {"uphold": CaseState.CLOSED, "overturn": CaseState.UNFOUNDED},
        CaseState.CLOSED: {},
        CaseState.UNFOUNDED: {},
    },
    names={
        "take_up": "受理",
        "notify": "告知",
        "state": "陈述申辩",
        "lapse": "期满不陈述",
        "decide": "决定",
        "carry_out": "执行",
        "send_back": "退回",
        "appeal": "申诉",
        "uphold": "维持",
        "overturn": "撤销",
        "close": "办结",
        "dismiss": "认定不成立",
        **{state: state.label for state in CaseState},
    },
)


@cache
def load_register(path: Path) -> Register:
    """``violations.toml``; raises KeyError or ValueError for a file that leaves something out."""
    raw = tomllib.loads(path.read_text("utf-8"))
    workdays = dict(raw["workdays"])
    if set(workdays) != {str(s) for s in CaseState} - {"closed", "unfounded"} or min(workdays.values()) < 1:
        raise ValueError(f"{path.name}: one number of working days, at least 1, for each step")
    kinds = {row["code"]: ViolationKind(row["code"], *(Words.of(row, x) for x in ("name", "says", "basis")))
             for row in raw["kinds"]}  # fmt: skip
    measures = {row["code"]: _measure(row) for row in raw["measures"]}
    return Register(kinds, measures, workdays, raw["complaint_days"])


def _measure(row: Mapping[str, Any]) -> CaseMeasure:
    effect = Effect(row["effect"])
    severe = row.get("severe", False)
    if effect is not Effect.NONE and not severe:
        raise ValueError(f"{row['code']}: a measure with an effect needs two people")
    return CaseMeasure(row["code"], Words.of(row, "name"), Words.of(row, "basis"), effect, severe)


def check_words(text: str, *, field: str = "reason") -> str:
    """The text without white space around it; raises InvalidCase when it says nothing or too much."""
    said = text.strip()
    if not 1 <= len(said) <= LONGEST:
        raise InvalidCase([Problem(field, "violations.text", f"{len(said)} / {LONGEST}")])
    return said


def check_kind(kind: str, register: Register) -> str:
    """The kind, if the content has it; raises InvalidCase."""
    if kind not in register.kinds:
        raise InvalidCase([Problem("kind", "violations.kind", kind[:40])])
    return kind


def check_measures(
    codes: Iterable[str], register: Register, *, document: str, party: str, member: bool = True
) -> tuple[CaseMeasure, ...]:
    """The measures of these codes in the content's order; raises InvalidCase with every fault.

    ``member``: whether the organisation was admitted, so that it can be suspended or leave; a department was not.
    """
    wanted = set(codes)
    faults = [Problem("measures", "violations.measure", code[:40]) for code in sorted(wanted - set(register.measures))]
    if not wanted:
        faults.append(Problem("measures", "violations.no_measure", "0"))
    found = tuple(m for code, m in register.measures.items() if code in wanted)
    effects = {m.effect for m in found}
    if Effect.REFERRAL in effects and not document.strip():
        faults.append(Problem("document", "violations.no_document", ""))
    if Effect.FREEZE in effects and not party.startswith(("api:", "person:")):
        faults.append(Problem("measures", "violations.no_party", party[:40]))
    if effects & {Effect.SUSPEND, Effect.REMOVE} and not member:
        faults.append(Problem("measures", "violations.no_member", ""))
    if {Effect.SUSPEND, Effect.REMOVE} <= effects:
        faults.append(Problem("measures", "violations.one_of", "suspend remove"))
    if faults:
        raise InvalidCase(faults)
    return found


def check_other_person(actor: str, *, before: Iterable[str]) -> None:
    """Raises OtherPersonDecides when the actor has acted in this case before."""
    if actor in set(before):
        raise OtherPersonDecides()
