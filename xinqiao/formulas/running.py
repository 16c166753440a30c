"""Running a formula about one enterprise: read in the grain, answered in the declared form, charged, by the gate."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction

from xinqiao.consent.queries import find_authorisation
from xinqiao.consent.types import Form
from xinqiao.evaluation.queries import current_result
from xinqiao.evaluation.types import Document
from xinqiao.formulas.evaluating import evaluate, shape
from xinqiao.formulas.models import AnswerRow, ChargeRow, RunRow
from xinqiao.formulas.queries import checked, current_grains, formula_limits, get_formula
from xinqiao.formulas.refusals import InvalidFormula, NotRunnable
from xinqiao.formulas.rules import grained, millibits, over_budget
from xinqiao.formulas.types import Charge, Checked, Formula, FormulaState, Grain, Input, Type, Value
from xinqiao.kernel.dated import beijing_day
from xinqiao.kernel.errors import Phrase
from xinqiao.plumbing.blind_index import blind_index
from xinqiao.plumbing.locks import hold_name
from xinqiao.release.actions import ask_of, items_of, refused
from xinqiao.release.disclosing import disclose
from xinqiao.release.queries import policy
from xinqiao.release.reading import prepare
from xinqiao.release.rules import judge
from xinqiao.release.types import Answer, Inquiry, NotReleased, Recipient, Rule
from xinqiao.sharing.queries import current_list
from xinqiao.sources.queries import heard


class BudgetSpent(NotReleased):
    """Answers about the enterprise have told as much as they may for now; carries the refusal's ledger line."""

    code = "formulas.budget_spent"
    title = "公式对这家企业的回答已到重构预算，{on} 起可再问"
    clause = "不得向接入机构提供非公开原始明细（省级实施方案）"
    next_step = "请沿用已有的回答；到期后再运行，或减少分档"

    def __init__(self, refusal: NotReleased, *, on: str) -> None:
        super().__init__(
            rule=refusal.rule, reason=str(refusal.data["reason"]), clause=refusal.rule_clause,
            next_step=refusal.rule_next_step, access=str(refusal.data["access"]), receipt=refusal.receipt,
            disclosure=refusal.disclosure,
        )  # fmt: skip
        self.data["on"] = on


BUDGET = "formula_budget"
# Kept in the ledger line, so without the date.
SPENT = Rule(
    id=BUDGET,
    recipients=frozenset(),
    openness=frozenset(),
    forms=frozenset(),
    states=frozenset(),
    allow=False,
    reason=Phrase("公式对这家企业的回答已到重构预算"),
    clause=BudgetSpent.clause,
    next_step=BudgetSpent.next_step,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a formula reads of an enterprise, in its grain, and why the rest is not known."""

    values: Mapping[str, Value]
    missing: Mapping[str, str]

    @property
    def coverage(self) -> int:
        """How many per cent of its inputs are known."""
        return 100 * len(self.values) // (len(self.values) + len(self.missing))


@dataclass(frozen=True, slots=True)
class Said:
    """A formula's answer, and whether it was made now or stands from before."""

    result: int | None
    coverage: int
    missing: Mapping[str, str]
    made_at: datetime
    fresh: bool


def run_formula(
    formula: str, *, recipient: Recipient, enterprise: str, authorisation: str, actor: str, channel: str, now: datetime
) -> Answer:
    """What the formula says of an enterprise, under its authorisation and through the gate.

    An answer stands for the day and for as long as what was read stays the same; only a new one is charged. Raises
    UnknownFormula, NotRunnable, NotReleased (by the gate, or when the budget is used up), UnknownEnterprise.
    """
    found = get_formula(formula, institution=recipient.code)
    if found.state is not FormulaState.APPROVED:
        raise NotRunnable(formula=formula, why=found.state.label)
    if not set(found.items) <= {item.code for item in current_list()}:
        raise NotRunnable(formula=formula, why=Phrase("数据项已不在现行清单"))
    inquiry = Inquiry(
        recipient, enterprise, found.purpose, Form.DERIVED, actor, channel,
        items=found.items, authorisation=authorisation, cause=f"{found.name} v{found.number}",
    )  # fmt: skip
    rule, _ = judge(policy(), ask_of(inquiry, items_of(inquiry)), now=now)
    if not rule.allow:
        raise refused(inquiry, items_of(inquiry), rule, policy(), now)
    try:
        ready = checked(found, now=now)
    except InvalidFormula as error:
        raise NotRunnable(formula=formula, why=error.problems[0].message) from None
    prepare(inquiry, now=now)
    reading = _read(ready, inquiry, now)
    return _answered(found, ready, reading, inquiry, now)


def _read(ready: Checked, inquiry: Inquiry, now: datetime) -> Reading:
    """The inputs as the evaluation of now knows them, each non-public number in its grain."""
    authorised = find_authorisation(inquiry.authorisation)
    said = heard(inquiry.enterprise, items_of(inquiry), now=now)
    closed = {code: one.why for code, one in said.items() if one.why}
    result = current_result(
        inquiry.enterprise, now=now, closed=closed, answered=said.keys() - closed.keys()
    )  # fmt: skip
    lines = {line["code"]: line for line in result["indicators"]}
    _, grains = current_grains()
    values: dict[str, Value] = {}
    missing: dict[str, str] = {}
    for one in ready.inputs:
        line = lines.get(one.code, {})
        if one.closed and authorised and one.months > authorised.data_months:
            missing[one.code] = "beyond_authorisation"
        elif line.get("value") is None:
            missing[one.code] = str(line.get("why", "not_known"))
        else:
            values[one.code] = as_read(one, line["value"], grains.get(one.code), inquiry.enterprise)
    return Reading(values, missing)


def as_read(one: Input, value: int | str, grain: Grain | None, enterprise: str) -> Value:
    """A value as a formula reads it: exact and within its range if public, else in its grain."""
    if one.type is Type.TEXT:
        return str(value)
    if not one.closed:
        return min(max(Decimal(value), one.low), one.high)
    assert grain is not None
    whole = int(Decimal(value).scaleb(grain.places))
    return Decimal(grained(whole, grain, shift_of(enterprise, grain))).scaleb(-grain.places)


def shift_of(enterprise: str, grain: Grain) -> int:
    """The secret by which an enterprise's value is shifted before it is put in its grain: always the same one."""
    drawn = blind_index("formulas.shift", f"{enterprise}|{grain.indicator}")
    return int.from_bytes(drawn[:8]) * grain.step >> 64


def _answered(found: Formula, ready: Checked, reading: Reading, inquiry: Inquiry, now: datetime) -> Answer:
    """Charge and hand over in one transaction; a refusal is written in it and raised after."""
    with transaction.atomic():
        hold_name(f"formulas:{inquiry.enterprise}")
        said = _standing(found, reading, inquiry.enterprise, now)
        free_at = None
        if said is None:
            said, free_at = _made(found, ready, reading, inquiry, now)
        try:
            if free_at:
                spent = refused(inquiry, items_of(inquiry), SPENT, policy(), now)
                raise BudgetSpent(spent, on=beijing_day(free_at).isoformat())
            answer = disclose(inquiry, _document(found, said, inquiry, now), now=now)
        except NotReleased as error:
            refusal = error
        else:
            _keep(found, ready, said, reading, inquiry, answer, now)
            return answer
    raise refusal


def _standing(found: Formula, reading: Reading, enterprise: str, now: datetime) -> Said | None:
    """The answer given before, where it was given today or what was read is still the same."""
    row = AnswerRow.objects.filter(formula=found.id, enterprise=enterprise).first()
    if row is None:
        return None
    if beijing_day(row.made_at) != beijing_day(now) and row.read_sha256 != _digest(found, reading, enterprise):
        return None
    return Said(row.result, row.coverage, row.missing, row.made_at, fresh=False)


def _digest(found: Formula, reading: Reading, enterprise: str) -> str:
    """Of what was read, keyed by the node: the stored digest tells nothing to who reads the table."""
    read = {code: None if value is None else str(value) for code, value in reading.values.items()}
    text = json.dumps([enterprise, found.sha256, read, dict(reading.missing)], sort_keys=True)
    return blind_index("formulas.read", text).hex()


def _made(
    found: Formula, ready: Checked, reading: Reading, inquiry: Inquiry, now: datetime
) -> tuple[Said, datetime | None]:
    """A new answer; with it the time from which the budget allows it, or None when it does now."""
    limits = formula_limits()
    since = now - timedelta(days=limits.window_days)
    rows = ChargeRow.objects.filter(enterprise=inquiry.enterprise, at__gt=since)
    charges = [Charge(r.institution, r.item, r.millibits, r.at) for r in rows]
    cost = millibits(ready.output.values)
    free_at = over_budget(charges, found.institution, _charged(ready), cost, limits, now)
    result = shape(evaluate(ready.tree, reading.values), ready.output)
    return Said(result, reading.coverage, reading.missing, now, fresh=True), free_at


def _charged(ready: Checked) -> list[str]:
    """The non-public items that the answer may tell of: indicators of one item share its budget."""
    return sorted({item for one in ready.inputs for item in one.closed})


def _document(found: Formula, said: Said, inquiry: Inquiry, now: datetime) -> Document:
    return {
        "v": 1,
        "enterprise": inquiry.enterprise,
        "purpose": inquiry.purpose,
        "form": str(inquiry.form),
        "asked_at": now.isoformat(),
        "formula": {
            "id": found.id, "name": found.name, "number": str(found.number), "sha256": found.sha256,
            "output": found.output,
        },
        "result": said.result,
        "state": "value" if said.result is not None else "not_known",
        "coverage": said.coverage,
        "missing": [{"code": code, "why": why} for code, why in sorted(said.missing.items())],
        "made_at": said.made_at.isoformat(),
    }  # fmt: skip


def _keep(
    found: Formula, ready: Checked, said: Said, reading: Reading, inquiry: Inquiry, answer: Answer, now: datetime
) -> None:
    if said.fresh:
        AnswerRow.objects.update_or_create(
            formula_id=found.id,
            enterprise=inquiry.enterprise,
            defaults={
                "read_sha256": _digest(found, reading, inquiry.enterprise),
                "result": said.result,
                "coverage": said.coverage,
                "missing": dict(said.missing),
                "made_at": now,
            },
        )
        cost = millibits(ready.output.values)
        ChargeRow.objects.bulk_create(
            ChargeRow(
                enterprise=inquiry.enterprise, item=item, institution=found.institution, formula=found.id,
                millibits=cost, at=now,
            )
            for item in _charged(ready)
        )  # fmt: skip
    RunRow.objects.create(
        formula_id=found.id, enterprise=inquiry.enterprise, at=now, result=said.result, coverage=said.coverage,
        access=answer.access.id, fresh=said.fresh,
    )  # fmt: skip
