"""The formula room from submission to a receipt: reviewed by another, by the gate, charged once, refused in time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from benchmarks.node import deliver_sample, write_sample
from tests import onnx_files
from tests.factories import DAY, deliver
from tests.kept import laid_down
from xinqiao.consent.actions import grant_authorisation, request_authorisation, withdraw_authorisation
from xinqiao.consent.queries import consent_text
from xinqiao.consent.types import Authorisation, Form
from xinqiao.evaluation.actions import run_evaluation
from xinqiao.evaluation.population import population
from xinqiao.evaluation.queries import published_result
from xinqiao.evidence.chain_keys import chain_key
from xinqiao.evidence.queries import list_entries
from xinqiao.formulas.actions import measure_grains, review_formula, submit_formula, withdraw_formula
from xinqiao.formulas.onnx_models import written
from xinqiao.formulas.queries import current_grains, get_formula, inputs, list_formulas, list_runs
from xinqiao.formulas.refusals import (
    AnotherPersonReviews,
    InvalidFormula,
    NothingToMeasure,
    NotRunnable,
    TooManyFormulas,
    UnknownFormula,
)
from xinqiao.formulas.running import BudgetSpent, run_formula, shift_of
from xinqiao.formulas.types import FormulaState
from xinqiao.kernel.transitions import TransitionRefused
from xinqiao.parties.actions import (
    add_member,
    register_enterprise,
    register_organisation,
    register_person,
    set_admitted,
)
from xinqiao.parties.types import OrganisationKind, Role
from xinqiao.records.types import AsOf
from xinqiao.release.queries import list_accesses
from xinqiao.release.types import Answer, NotReleased, Recipient, RecipientKind

BANKS = tuple(f"bank-{n}" for n in range(5))
INPUT, ITEMS = "operation.insured_persons", ("social.insurance",)
ONE = {"kind": "bands", "cuts": ["1"]}


@pytest.fixture
def firms(fresh_node: Path) -> dict[str, Any]:
    """A small evaluated province, five banks, and an enterprise with its owner."""
    return laid_down(_province, fresh_node)


def _province() -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        write_sample(Path(folder), firms=150, seed=11, months=15)
        deliver_sample(Path(folder))
    now = datetime.now(UTC)
    run_evaluation(AsOf(now.date(), now), actor="t", now=now, progress=lambda _: None)
    table, _ = population([INPUT], now=now)
    known = zip(table.column("code").to_pylist(), table.column(INPUT.replace(".", "__")).to_pylist(), strict=True)
    firm = sorted(code for code, value in known if value)[0]
    by: dict[str, Any] = {"actor": "t", "now": now}
    for bank in BANKS:
        register_organisation(bank, kind=OrganisationKind.INSTITUTION, name=f"Name of {bank}", **by)
        set_admitted(bank, admitted=True, reason="t", **by)
    register_enterprise(firm, name="Firm", **by)
    owner = register_person("owner", name="陈", password="a-long-password", **by)
    add_member(owner, role=Role.OWNER, enterprise=firm, **by)
    chain_key()
    return {"firm": firm, "owner": owner}


def now_() -> datetime:
    return datetime.now(UTC)


def give(firms: dict[str, Any], bank: str = "bank-0", *, items: tuple[str, ...] = ITEMS) -> Authorisation:
    asked = request_authorisation(
        bank, enterprise=firms["firm"], purpose="post_loan", items=items, form=Form.REPORT, reason="x", days=365,
        times=50, actor="t", now=now_(),
    )  # fmt: skip
    shown = consent_text(asked.id, locale="zh")
    return grant_authorisation(
        asked.id, signatory=firms["owner"], locale="zh", text_digest=shown.sha256, now=now_()
    )  # fmt: skip


def text_of(name: str = "middle") -> str:
    """A formula that says on which side of a reading an enterprise lies."""
    grain = current_grains()[1][INPUT]
    cut = {"middle": grain.low + grain.step, "top": grain.top}[name]
    return f"if {INPUT} >= {cut} then 1 else 0"


def approved(bank: str = "bank-0", text: str = "", output: Any = ONE, name: str = "scale") -> str:
    made = submit_formula(
        text or text_of(), output, name=name, purpose="post_loan", institution=bank, actor="person:1", now=now_()
    )
    return review_formula(made.id, approve=True, reason="read", actor="person:2", now=now_()).id


def ran(firms: dict[str, Any], formula: str, given: str, bank: str = "bank-0", now: datetime | None = None) -> Answer:
    bank_ = Recipient(RecipientKind.INSTITUTION, bank, f"Name of {bank}")
    return run_formula(
        formula, recipient=bank_, enterprise=firms["firm"], authorisation=given, actor="person:1", channel="portal",
        now=now or now_(),
    )  # fmt: skip


def test_a_model_brought_as_a_file_answers_by_the_same_way(firms: dict[str, Any]) -> None:
    """Submitted, reviewed, run through the gate under the authorisation, charged once, read as words."""
    measure_grains(actor="person:9", now=now_())
    second = "operation.insured_change_percent"
    ready = inputs(now=now_())
    assert ready[INPUT].why_not is None and ready[second].why_not is None
    high = [float(ready[code].high - ready[code].low) for code in (INPUT, second)]
    data = onnx_files.linear(*(4 / width for width in high))
    formula = approved(text=written([INPUT, second], data), output={"kind": "bands", "cuts": ["0.5"]}, name="model")
    kept = get_formula(formula)
    assert kept.inputs == tuple(sorted([INPUT, second])) and kept.items == ITEMS
    given = give(firms)
    answer = ran(firms, formula, given.id)
    assert answer.document["result"] in (1, 2, None) and answer.receipt
    again = ran(firms, formula, given.id)
    assert again.document["result"] == answer.document["result"]
    withdraw_authorisation(given.id, signatory=firms["owner"], now=now_())
    with pytest.raises(NotReleased):
        ran(firms, formula, given.id)


def test_from_submission_to_an_answer_with_its_receipt(firms: dict[str, Any]) -> None:
    with pytest.raises(NothingToMeasure):
        _without_run()
    assert inputs(now=now_())[INPUT].why_not is not None
    measure_grains(actor="person:9", now=now_())
    made = submit_formula(
        text_of(), ONE, name="scale", purpose="post_loan", institution="bank-0", actor="person:1", now=now_()
    )
    assert made.state is FormulaState.SUBMITTED and made.items == ITEMS and made.reach["values"] == 2
    given = give(firms)
    with pytest.raises(NotRunnable):
        ran(firms, made.id, given.id)
    with pytest.raises(AnotherPersonReviews):
        review_formula(made.id, approve=True, reason="x", actor="person:1", now=now_())
    review_formula(made.id, approve=True, reason="read", actor="person:2", now=now_())
    answer = ran(firms, made.id, given.id)
    said = answer.document
    assert said["result"] in (1, 2) and said["coverage"] == 100 and said["formula"]["sha256"] == made.sha256
    assert answer.receipt and answer.access.allowed and answer.access.cause == "scale v1"
    value = next(i["value"] for i in published_result(firms["firm"])["indicators"] if i["code"] == INPUT)  # type: ignore[index]
    grain = current_grains()[1][INPUT]
    read = min(max(value, grain.low), grain.top) - grain.low + shift_of(firms["firm"], grain)
    assert said["result"] == (2 if read // grain.step >= 1 else 1)
    assert list_runs(enterprise=firms["firm"])[0].access == answer.access.id
    assert list_accesses(enterprise=firms["firm"])[0].id == answer.access.id
    events = {entry.event for entry in list_entries()}
    assert {"formulas.grained", "formulas.submitted", "formulas.reviewed", "release.granted"} <= events


def _without_run() -> None:
    from xinqiao.evaluation.models import EvaluationRun

    held = list(EvaluationRun.objects.values_list("id", "status"))
    EvaluationRun.objects.update(status="failed")
    try:
        measure_grains(actor="t", now=now_())
    finally:
        for key, status in held:
            EvaluationRun.objects.filter(id=key).update(status=status)


def test_nothing_is_said_without_an_authorisation_that_covers_what_is_read(firms: dict[str, Any]) -> None:
    measure_grains(actor="t", now=now_())
    formula, given = approved(), give(firms)
    with pytest.raises(NotReleased):
        ran(firms, formula, "")
    other = give(firms, "bank-1", items=("tax.payment",))
    mine = approved("bank-1")
    with pytest.raises(NotReleased):
        ran(firms, mine, other.id, "bank-1")
    with pytest.raises(UnknownFormula):
        ran(firms, formula, other.id, "bank-1")
    withdraw_authorisation(given.id, signatory=firms["owner"], now=now_())
    with pytest.raises(NotReleased) as refused:
        ran(firms, formula, given.id)
    lines = list_accesses(enterprise=firms["firm"])
    assert [line.allowed for line in lines] == [False] * 3 and not list_runs(enterprise=firms["firm"])
    assert refused.value.data["access"] == lines[0].id


def test_an_answer_stands_while_the_facts_do_and_costs_once(firms: dict[str, Any]) -> None:
    measure_grains(actor="t", now=now_())
    formula, given = approved(), give(firms)
    first = ran(firms, formula, given.id)
    again = [ran(firms, formula, given.id, now=now_() + n * timedelta(seconds=1)) for n in range(12)]
    assert {a.document["result"] for a in again} == {first.document["result"]}
    assert {a.document["made_at"] for a in again} == {first.document["made_at"]}
    assert [r.fresh for r in list_runs(enterprise=firms["firm"])] == [False] * 12 + [True]


def test_facts_that_change_are_not_told_on_the_same_day(firms: dict[str, Any]) -> None:
    measure_grains(actor="t", now=now_())
    formula, given = approved(text=text_of("top")), give(firms)
    assert ran(firms, formula, given.id).document["result"] == 1
    month = f"{now_().date().replace(day=1) - timedelta(days=1):%Y-%m}"
    deliver(
        "social.insurance", [{"uscc": firms["firm"], "month": month, "insured_persons": "90000"}], now=now_()
    )  # fmt: skip
    today = ran(firms, formula, given.id)
    assert today.document["result"] == 1
    later = ran(firms, formula, given.id, now=now_() + DAY)
    assert later.document["result"] == 2 and [r.fresh for r in list_runs()] == [True, False, True]


def test_the_budget_ends_what_one_bank_and_all_banks_together_are_told(firms: dict[str, Any]) -> None:
    measure_grains(actor="t", now=now_())
    grain = current_grains()[1][INPUT]
    places = list(range(grain.low + grain.step, grain.top + 1, grain.step))
    told: dict[str, int] = {}
    for bank in BANKS:
        given = give(firms, bank).id
        for n in range(16):
            cuts = [str(place) for place in places[n % len(places) :]][:9]
            formula = approved(bank, INPUT, {"kind": "bands", "cuts": cuts}, name=f"n{n}")
            try:
                ran(firms, formula, given, bank)
            except BudgetSpent as spent:
                assert spent.data["on"] > now_().date().isoformat() and spent.receipt
                withdraw_formula(formula, institution=bank, actor="t", now=now_())
                break
            told[bank] = told.get(bank, 0) + 1
            withdraw_formula(formula, institution=bank, actor="t", now=now_())
    assert all(count >= 3 for count in list(told.values())[:3]) and sum(told.values()) < 16 * len(BANKS)
    assert told.get("bank-4", 0) < told["bank-0"], "five banks together are told no more than is allowed in all"
    refused = [line for line in list_accesses(enterprise=firms["firm"]) if not line.allowed]
    assert {line.rule for line in refused} == {"formula_budget"}


def test_a_new_version_retires_the_old_one_and_shares_its_budget(firms: dict[str, Any]) -> None:
    measure_grains(actor="t", now=now_())
    first, second = approved(), approved(text=f"{text_of()} + 0")
    assert get_formula(first).state is FormulaState.RETIRED
    assert (get_formula(second).number, get_formula(second).state) == (2, FormulaState.APPROVED)
    with pytest.raises(TransitionRefused):
        review_formula(second, approve=False, reason="x", actor="person:2", now=now_())
    with pytest.raises(UnknownFormula):
        withdraw_formula(second, institution="bank-1", actor="t", now=now_())
    assert len(list_formulas(institution="bank-0")) == 2 and not list_formulas(state=FormulaState.SUBMITTED)


def test_what_cannot_be_taken_is_refused(firms: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    measure_grains(actor="t", now=now_())
    by: dict[str, Any] = {"purpose": "post_loan", "institution": "bank-0", "actor": "t", "now": now_()}
    for text, name in (("1", "x"), (text_of(), ""), (text_of(), "x" * 61), ("operation.sales_percentile", "x")):
        with pytest.raises(InvalidFormula):
            submit_formula(text, ONE, name=name, **by)
    for n in range(20):
        submit_formula(text_of(), ONE, name=f"n{n}", **by)
    with pytest.raises(TooManyFormulas):
        submit_formula(text_of(), ONE, name="more", **by)


def test_the_shift_is_each_enterprises_own_and_stays(firms: dict[str, Any]) -> None:
    measure_grains(actor="t", now=now_())
    grain = current_grains()[1]["operation.sales_12m_fen"]
    found = {firm: shift_of(firm, grain) for firm in (firms["firm"], "x", "y", "z")}
    assert len(set(found.values())) == 4 and all(0 <= shift < grain.step for shift in found.values())
    assert found == {firm: shift_of(firm, grain) for firm in found}
    assert Decimal(grain.step) > grain.tolerance * 3
