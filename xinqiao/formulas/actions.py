"""Submitting a formula, reviewing it by another person, measuring grains, stopping a formula."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pyarrow.compute as pc
from django.db import transaction
from django.db.models import Max

from xinqiao.evaluation.peers import integers
from xinqiao.evaluation.population import comparable, population
from xinqiao.evaluation.types import NoRun
from xinqiao.evidence.actions import record
from xinqiao.formulas.models import FormulaRow, GrainRow
from xinqiao.formulas.queries import (
    PLACES,
    as_formula,
    checked,
    closed_items,
    current_grains,
    formula_limits,
    inputs,
    public_items,
)
from xinqiao.formulas.refusals import InvalidFormula, NothingToMeasure, TooManyFormulas, UnknownFormula
from xinqiao.formulas.rules import TRANSITIONS, check_reason, check_reviewer, measure_grain, take
from xinqiao.formulas.types import (
    GRAINED,
    REVIEWED,
    SUBMITTED,
    WITHDRAWN,
    Checked,
    Document,
    Formula,
    FormulaState,
    Grain,
)
from xinqiao.kernel.canonical import canonical_bytes, sha256_hex
from xinqiao.kernel.dated import new_number
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.plumbing.locks import hold_name

OPEN = (FormulaState.SUBMITTED, FormulaState.APPROVED)
LONGEST_NAME = 60


def try_formula(text: str, output: Mapping[str, Any], *, now: datetime) -> Checked:
    """What a submission would be judged as; keeps nothing. Raises InvalidFormula."""
    return take(text, output, inputs(now=now), formula_limits())


@transaction.atomic
def submit_formula(
    text: str, output: Mapping[str, Any], *, name: str, purpose: str, institution: str, actor: str, now: datetime
) -> Formula:
    """Take a formula, or its next version when the institution has one of that name; a node person reviews it.

    Raises InvalidFormula with every fault, TooManyFormulas.
    """
    said = " ".join(name.split())
    if not 1 <= len(said) <= LONGEST_NAME or not said.isprintable():
        message = Phrase("名称应为 1 至 {most} 字", most=LONGEST_NAME)
        raise InvalidFormula([Problem(field="name", code="length", message=message)])
    found = try_formula(text, output, now=now)
    hold_name(f"formulas:{institution}")
    mine = FormulaRow.objects.filter(institution=institution)
    most = formula_limits().most_open
    if mine.filter(state__in=OPEN).count() >= most:
        raise TooManyFormulas(most=most)
    number = (mine.filter(name=said).aggregate(newest=Max("number"))["newest"] or 0) + 1
    body = _body(text, found, said, number, purpose, institution)
    row = FormulaRow.objects.create(
        id=new_number("F", now, size=5),
        institution=institution,
        name=said,
        number=number,
        purpose=purpose,
        state=FormulaState.SUBMITTED,
        sha256=sha256_hex(body),
        body=body.decode(),
        reach=_reach(found),
        submitted_by=actor,
        submitted_at=now,
    )
    record(SUBMITTED, actor=actor, subject=institution, body=_said(row), now=now)
    return as_formula(row)


def _body(text: str, found: Checked, name: str, number: int, purpose: str, institution: str) -> bytes:
    items = sorted({item for one in found.inputs for item in one.items})
    return canonical_bytes({
        "v": 1, "institution": institution, "name": name, "number": str(number), "purpose": purpose, "text": text,
        "output": found.output.document(), "inputs": [one.code for one in found.inputs], "items": items,
    })  # fmt: skip


def _reach(found: Checked) -> Document:
    """What the analysis said, for the pages: exact numbers as text."""
    reach = found.reach
    return {
        "low": str(reach.span.low),
        "high": str(reach.span.high),
        "values": found.output.values,
        "inputs": {
            one.code: {
                "swing": str(reach.swing.get(one.code, 0)),
                "nudge": str(reach.nudge.get(one.code, 0)),
                "grain": str(one.grain),
                "closed": bool(one.closed),
            }
            for one in found.inputs
        },
    }


@transaction.atomic
def review_formula(formula: str, *, approve: bool, reason: str, actor: str, now: datetime) -> Formula:
    """A node person other than who submitted lets the formula run, or does not, and says why.

    Raises UnknownFormula, TransitionRefused, AnotherPersonReviews, ReviewReasonNeeded; InvalidFormula where it does not
    pass the bounds of now.
    """
    row, said = _held(formula), check_reason(reason)
    check_reviewer(row.submitted_by, actor)
    after = TRANSITIONS.check(FormulaState(row.state), "approve" if approve else "reject")
    if approve:
        checked(as_formula(row), now=now)
        FormulaRow.objects.filter(
            institution=row.institution, name=row.name, state=FormulaState.APPROVED
        ).update(state=FormulaState.RETIRED)  # fmt: skip
    row.state, row.reviewed_by, row.reviewed_at, row.reason = after, actor, now, said
    row.save(update_fields=["state", "reviewed_by", "reviewed_at", "reason"])
    body = _said(row) | {"approved": approve, "reason": said}
    record(REVIEWED, actor=actor, subject=row.institution, body=body, now=now)
    return as_formula(row)


@transaction.atomic
def withdraw_formula(formula: str, *, institution: str, actor: str, now: datetime) -> Formula:
    """The institution stops a formula; answers given stay on record. Raises UnknownFormula, TransitionRefused."""
    row = _held(formula)
    if row.institution != institution:
        raise UnknownFormula(formula=formula)
    row.state = TRANSITIONS.check(FormulaState(row.state), "retire")
    row.save(update_fields=["state"])
    record(WITHDRAWN, actor=actor, subject=institution, body=_said(row), now=now)
    return as_formula(row)


def _held(formula: str) -> FormulaRow:
    found = FormulaRow.objects.filter(id=formula).first()
    if found is None:
        raise UnknownFormula(formula=formula)
    hold_name(f"formulas:{found.institution}")
    found.refresh_from_db()
    return found


def _said(row: FormulaRow) -> Document:
    return {"formula": row.id, "name": row.name, "number": row.number, "sha256": row.sha256}


@transaction.atomic
def measure_grains(*, actor: str, now: datetime) -> Mapping[str, Grain]:
    """Measure anew in which grain every non-public indicator is read, over the newest published run.

    A rare act: each new grain lets a patient asker compare two readings. Raises NothingToMeasure.
    """
    limits = formula_limits()
    public = public_items()
    wanted = {c: f for c, f in comparable(now=now).items() if closed_items(f, public) and f.unit in limits.least}
    try:
        table, run = population(sorted(wanted), now=now)
    except NoRun:
        raise NothingToMeasure() from None
    grains = []
    for code, facts in sorted(wanted.items()):
        values = integers(pc.drop_null(table.column(facts.column)).combine_chunks()).tolist()
        if len(values) >= limits.fewest:
            grains.append(measure_grain(code, values, PLACES[facts.kind], limits.least[facts.unit], limits))
    rows: list[Document] = [{name: getattr(g, name) for name in Grain.__slots__} for g in grains if g]
    body = canonical_bytes({"v": 1, "grains": rows})
    digest = sha256_hex(body)
    GrainRow.objects.create(run=run, sha256=digest, body=body.decode(), measured_at=now, measured_by=actor)
    record(GRAINED, actor=actor, subject="node", body={"run": run, "sha256": digest, "indicators": len(rows)}, now=now)
    return current_grains()[1]
