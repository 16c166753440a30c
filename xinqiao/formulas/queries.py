"""Reads: bounds, grains, indicators as formulas may use them, formulas and their answers."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from xinqiao.catalogue.types import Openness
from xinqiao.evaluation.population import comparable
from xinqiao.formulas.content import load_limits
from xinqiao.formulas.models import FormulaRow, GrainRow, RunRow
from xinqiao.formulas.onnx_models import is_model, model_tree
from xinqiao.formulas.parsing import parse
from xinqiao.formulas.reading import Say, lines, output_aloud
from xinqiao.formulas.refusals import UnknownFormula
from xinqiao.formulas.rules import read_output, take
from xinqiao.formulas.types import Checked, Formula, FormulaLimits, FormulaState, Grain, Input, Inputs, Ran, Type
from xinqiao.indicators.derive import peers_among
from xinqiao.indicators.registry import load_indicators
from xinqiao.indicators.types import IndicatorFacts, Kind
from xinqiao.kernel.errors import Phrase
from xinqiao.plumbing.settings import content_dir
from xinqiao.sharing.queries import current_list

PLACES = {Kind.INTEGER: 0, Kind.DECIMAL: 4}


def formula_limits() -> FormulaLimits:
    """``formulas.toml``; raises InvalidFormulaRules."""
    return load_limits(content_dir() / "formulas.toml")


def current_grains() -> tuple[str, Mapping[str, Grain]]:
    """The digest of the newest measurement, and indicator → grain; empty when none was made."""
    row = GrainRow.objects.order_by("-id").first()
    return (row.sha256, _grains(row.sha256, row.body)) if row else ("", {})


@lru_cache(maxsize=8)
def _grains(sha256: str, body: str) -> Mapping[str, Grain]:
    return {one["indicator"]: Grain(**one) for one in json.loads(body)["grains"]}


def public_items() -> frozenset[str]:
    """The items of the list in force that are wholly public."""
    return frozenset(item.code for item in current_list() if item.openness is Openness.PUBLIC)


def closed_items(facts: IndicatorFacts, public: Collection[str]) -> tuple[str, ...]:
    """The items of an indicator that are not wholly public."""
    return tuple(code for code in dict.fromkeys(facts.items) if code not in public)


def inputs(*, now: datetime) -> dict[str, Input]:
    """Every indicator of the scorecard in force, as a formula may use it or with the reason why it may not."""
    limits, (_, grains), public = formula_limits(), current_grains(), public_items()
    peers = {one.facts.code for one in peers_among([r.indicator for r in load_indicators().values()])}
    return {
        code: _input(one, limits, grains.get(code), closed_items(one, public), peer=code in peers)
        for code, one in comparable(now=now).items()
    }


def _input(
    facts: IndicatorFacts, limits: FormulaLimits, grain: Grain | None, closed: tuple[str, ...], *, peer: bool
) -> Input:
    text = facts.kind is Kind.TEXT
    made: dict[str, Any] = {
        "code": facts.code,
        "name": facts.name,
        "name_en": facts.name_en,
        "unit": facts.unit,
        "type": Type.TEXT if text else Type.NUMBER,
        "items": facts.items,
        "closed": closed,
        "months": facts.months or 0,
    }
    if facts.kind is Kind.DATE:
        return Input(**made, why_not=Phrase("“{name}”是日期，公式不用日期", name=facts.name))
    if closed and peer:  # a second view of a value that has a grain of its own: together they would tell more
        return Input(**made, why_not=Phrase("“{name}”是同业位次，公式不用；请用它所依据的指标", name=facts.name))
    if closed and facts.unit not in limits.least:
        why = Phrase("“{name}”非公开且取值很少，任何回答都会说出原值，不能用", name=facts.name)
        return Input(**made, why_not=why)
    if closed and grain is None:
        return Input(**made, why_not=Phrase("“{name}”还没有测定颗粒，或有值的企业太少、取值太集中", name=facts.name))
    if text:
        return Input(**made)
    places = PLACES[facts.kind]
    if grain and closed:
        low, high, step = (Decimal(n).scaleb(-places) for n in (grain.low, grain.top, grain.step))
        return Input(**made, low=low, high=high, places=places, grain=step)
    low, high = map(Decimal, limits.ranges[facts.unit])
    return Input(**made, low=low, high=high, places=places)


def as_formula(row: FormulaRow) -> Formula:
    """A stored formula as its facts."""
    body = json.loads(row.body)
    return Formula(
        id=row.id,
        institution=row.institution,
        name=row.name,
        number=row.number,
        purpose=row.purpose,
        text=body["text"],
        output=body["output"],
        inputs=tuple(body["inputs"]),
        items=tuple(body["items"]),
        state=FormulaState(row.state),
        sha256=row.sha256,
        reach=row.reach,
        submitted_by=row.submitted_by,
        submitted_at=row.submitted_at,
        reviewed_by=row.reviewed_by,
        reviewed_at=row.reviewed_at,
        reason=row.reason,
    )


def get_formula(formula: str, *, institution: str = "") -> Formula:
    """One formula, of an institution where one is named; raises UnknownFormula."""
    row = FormulaRow.objects.filter(id=formula).first()
    if row is None or (institution and row.institution != institution):
        raise UnknownFormula(formula=formula)
    return as_formula(row)


def list_formulas(*, institution: str = "", state: FormulaState | None = None) -> list[Formula]:
    """Formulas, newest first."""
    rows = FormulaRow.objects.order_by("-submitted_at", "-number")
    if institution:
        rows = rows.filter(institution=institution)
    if state:
        rows = rows.filter(state=state)
    return [as_formula(row) for row in rows]


def list_runs(*, enterprise: str = "", institution: str = "", limit: int = 50) -> list[Ran]:
    """Answers handed over, newest first: about an enterprise, or to an institution."""
    rows = RunRow.objects.select_related("formula").defer("formula__body", "formula__reach").order_by("-id")
    if enterprise:
        rows = rows.filter(enterprise=enterprise)
    if institution:
        rows = rows.filter(formula__institution=institution)
    return [
        Ran(r.formula_id, r.formula.name, r.formula.institution, r.enterprise, r.at, r.result, r.coverage, r.access,
            r.fresh)
        for r in rows[:limit]
    ]  # fmt: skip


def checked(formula: Formula, *, now: datetime) -> Checked:
    """The formula checked again under the bounds, grains and list of now; raises InvalidFormula."""
    available, limits = inputs(now=now), formula_limits()
    key = json.dumps(formula.output, sort_keys=True)
    used = tuple(available[code] for code in formula.inputs if code in available)
    return _checked(formula.text, key, used, limits)


@lru_cache(maxsize=256)
def _checked(text: str, output: str, used: tuple[Input, ...], limits: FormulaLimits) -> Checked:
    available: Inputs = {one.code: one for one in used}
    return take(text, json.loads(output), available, limits)


def reading_of(formula: Formula, names: Mapping[str, str], say: Say) -> tuple[list[str], str]:
    """A formula in plain words: its terms, and the form of its answer. It passed the check when it was taken."""
    limits = formula_limits()
    output = read_output(formula.output, limits, [])
    tree = model_tree(formula.text) if is_model(formula.text) else parse(formula.text, limits)
    return lines(tree, names, say), output_aloud(output, say) if output else ""
