"""The attack by way of the node: five banks with authorisations submit, are approved, run and pool their answers."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from benchmarks.attack import BANKS, Attack, Target
from benchmarks.figure import percentile
from benchmarks.node import ACTOR, SEED

PURPOSE = "post_loan"
NODE_PERSON = "system:second"


@dataclass
class NodeRoom:
    """The formula room of a running node: every question is a formula submitted, approved and run through the gate."""

    limits: Any
    given: dict[tuple[str, str], str]
    grain: bool = True
    answered: int = 0
    refused: int = 0
    seconds: list[float] = field(default_factory=list)

    def ask(self, target: Target, cuts: list[int], bank: str, day: int) -> int | None:
        """The band that the node answers, or None when it refuses."""
        from xinqiao.formulas.actions import review_formula, submit_formula, withdraw_formula
        from xinqiao.release.types import NotReleased

        now = datetime.now(UTC)
        written = [str(Decimal(cut).scaleb(-target.grain.places)) for cut in cuts]
        output = {"kind": "bands", "cuts": written}
        made = submit_formula(
            target.input.code, output, name=f"{self.answered}", purpose=PURPOSE, institution=bank, actor=bank, now=now
        )
        review_formula(made.id, approve=True, reason="measured", actor=NODE_PERSON, now=now)
        try:
            return self.run(made.id, target.enterprise, bank)
        except NotReleased as refusal:
            assert refusal.rule == "formula_budget", refusal.rule
            self.refused += 1
            return None
        finally:
            withdraw_formula(made.id, institution=bank, actor=bank, now=now)

    def run(self, formula: str, enterprise: str, bank: str) -> int | None:
        """One run, timed besides the gate."""
        from xinqiao.formulas.running import run_formula
        from xinqiao.parties.queries import get_organisation
        from xinqiao.release.types import Recipient

        with beside_the_gate(self.seconds):
            answer = run_formula(
                formula, recipient=Recipient.of(get_organisation(bank)), enterprise=enterprise,
                authorisation=self.given[bank, enterprise], actor=bank, channel="api", now=datetime.now(UTC),
            )  # fmt: skip
        self.answered += 1
        result: int | None = answer.document["result"]
        return result


@contextmanager
def beside_the_gate(seconds: list[float]) -> Iterator[None]:
    """Time what happens within but for the gate's own answer."""
    from xinqiao.formulas import running

    spent, gate = [0.0], running.disclose

    def timed(*given: Any, **named: Any) -> Any:
        began = time.perf_counter()
        try:
            return gate(*given, **named)
        finally:
            spent[0] += time.perf_counter() - began

    running.disclose = timed
    began = time.perf_counter()
    try:
        yield
    finally:
        running.disclose = gate
        seconds.append(time.perf_counter() - began - spent[0])


def attack_node(code: str, runs: int) -> tuple[int, int, int, int, float, float]:
    """Answered, refused, values recovered, enterprises attacked, the least width in tolerances, p99 in ms."""
    from xinqiao.evaluation.compute import facts_by_code
    from xinqiao.evaluation.population import population
    from xinqiao.formulas.queries import current_grains, formula_limits, inputs

    now = datetime.now(UTC)
    one, grain = inputs(now=now)[code], current_grains()[1][code]
    table, _ = population([code], now=now)
    column = table.column(facts_by_code()[code].column).to_pylist()
    known = [(e, int(v)) for e, v in zip(table.column("code").to_pylist(), column, strict=True) if v is not None]
    ends = min(v for _, v in known), max(v for _, v in known)
    chosen = random.Random(SEED).sample(sorted(known), 8)
    room = NodeRoom(formula_limits(), _authorised([e for e, _ in chosen], one.items))
    recovered, widths = 0, []
    for enterprise, value in chosen:
        low, high = Attack(room, Target(enterprise, one, grain, value, (0,), *ends)).run(days=1)
        widths.append((high - low) / grain.tolerance)
        recovered += low <= value <= high and high - low <= grain.tolerance
    _spend(room, chosen, one)
    answered, refused = room.answered, room.refused
    _repeat(room, chosen, one, runs)
    return answered, refused, recovered, len(chosen), min(widths), percentile(room.seconds, 0.99) * 1000


def _spend(room: NodeRoom, chosen: list[tuple[str, int]], one: Any) -> None:
    """Go on asking what is known already until every bank is refused: the budget ends it."""
    from xinqiao.formulas.queries import current_grains

    enterprise, value = chosen[0]
    grain = current_grains()[1][one.code]
    target = Target(enterprise, one, grain, value, (0,), 0, 0)
    places = list(range(grain.low + grain.step, grain.top + 1, grain.step))
    for bank in BANKS:
        for n in range(6):
            room.ask(target, places[n % len(places) : n % len(places) + 9], bank, 0)


def _repeat(room: NodeRoom, chosen: list[tuple[str, int]], one: Any, runs: int) -> None:
    """An honest formula run again and again: after the first time it costs nothing."""
    from xinqiao.formulas.actions import review_formula, submit_formula

    now, bank = datetime.now(UTC), BANKS[0]
    middle = int((one.low + one.high) // 2)
    made = submit_formula(
        f"if {one.code} > {middle} then 1 else 0", {"kind": "bands", "cuts": ["1"]}, name="honest", purpose=PURPOSE,
        institution=bank, actor=bank, now=now,
    )  # fmt: skip
    review_formula(made.id, approve=True, reason="measured", actor=NODE_PERSON, now=now)
    for n in range(runs):
        room.run(made.id, chosen[1 + n % (len(chosen) - 1)][0], bank)


def _authorised(enterprises: list[str], items: tuple[str, ...]) -> dict[tuple[str, str], str]:
    """Every bank's authorisation by every enterprise."""
    from xinqiao.consent.actions import grant_authorisation, request_authorisation
    from xinqiao.consent.queries import consent_text
    from xinqiao.consent.types import Form
    from xinqiao.parties.actions import (
        add_member,
        register_enterprise,
        register_organisation,
        register_person,
        set_admitted,
    )
    from xinqiao.parties.types import OrganisationKind, Role

    by: dict[str, Any] = {"actor": ACTOR, "now": datetime.now(UTC)}
    found = {}
    for bank in BANKS:
        register_organisation(bank, kind=OrganisationKind.INSTITUTION, name=bank, **by)
        set_admitted(bank, admitted=True, reason="measured", **by)
    for number, firm in enumerate(enterprises):
        register_enterprise(firm, name=f"firm {number}", **by)
        owner = register_person(f"owner{number}", name="陈", password="a-long-password", **by)
        add_member(owner, role=Role.OWNER, enterprise=firm, **by)
        for bank in BANKS:
            asked = request_authorisation(
                bank, enterprise=firm, purpose=PURPOSE, items=items, form=Form.REPORT, reason="measured", days=30,
                times=50, **by,
            )  # fmt: skip
            shown = consent_text(asked.id, locale="zh")
            given = grant_authorisation(
                asked.id, signatory=owner, locale="zh", text_digest=shown.sha256, now=datetime.now(UTC)
            )
            found[bank, firm] = given.id
    return found
