"""Hostile formulas are rejected or harmless, and an attack kit recovers no raw value inside the stated tolerance.

A sample province is evaluated and its grains measured. Families of hostile formulas are submitted to the same check
that takes an institution's; what passes is run on every kind of reading and must answer within the declared form and a
bound of time. Then five banks that pool their answers attack the values of enterprises: searching by thresholds, every
day of half a year, while the values move by amounts the attacker is told. What it can be sure of is an interval; a
value is recovered when that is no wider than the tolerance. The amounts stay within the grains by which what can be
read lies inside what occurs (``inside``): that is what the room promises. The rivals are the same attack on the same
values in the same run: without grain and budget, with the budget alone, with the grain alone. At last the attack goes
by way of the node itself.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from statistics import median
from typing import Any

from benchmarks.attack import DAYS, Attack, Room, Target
from benchmarks.figure import Figure
from benchmarks.hostile_families import hostile
from benchmarks.node import ACTOR, SEED, deliver_sample, fresh_node, write_sample

NAME = "hostile_formulas"
PROVINCE, TARGETS, RUNS = 2_500, 40, 200
LEAST, MOST_SECONDS, MOST_MS = 500, 0.25, 50
INPUTS = (
    "operation.sales_12m_fen",
    "operation.tax_paid_12m_fen",
    "operation.insured_persons",
    "operation.buyers",
    "operation.sales_change_percent",
    "fulfilment.premium_paid_percent",
)
BAR = f"at least {LEAST} hostile formulas rejected or harmless, 0 raw values recovered, p99 of a run <= {MOST_MS} ms"


def measure(scale: float) -> Figure:
    """Evaluate a province, submit the hostile, attack."""
    with fresh_node() as home:
        write_sample(home / "sample", firms=max(600, round(PROVINCE * scale)))
        deliver_sample(home / "sample")
        _prepare()
        tried = _submit_all()
        arms = _attack(max(8, round(TARGETS * scale)))
        node = _node(max(40, round(RUNS * scale)))
    return _figure(tried, arms, node, scale)


def _prepare() -> None:
    from xinqiao.evaluation.actions import run_evaluation
    from xinqiao.formulas.actions import measure_grains
    from xinqiao.records.types import AsOf

    now = datetime.now(UTC)
    run_evaluation(AsOf(now.date(), now), actor=ACTOR, now=now, progress=lambda _: None)
    measure_grains(actor=ACTOR, now=now)


@dataclass
class Tried:
    """What became of a family of hostile formulas."""

    rejected: int = 0
    harmless: int = 0
    harmful: int = 0
    worst: float = 0.0
    codes: Counter[str] = field(default_factory=Counter)


def _submit_all() -> dict[str, Tried]:
    """Every distinct hostile formula through the check, and through the evaluator where it passes."""
    from xinqiao.formulas.queries import formula_limits, inputs

    available, limits = inputs(now=datetime.now(UTC)), formula_limits()
    readings = list(_readings(available))
    found: dict[str, Tried] = {}
    seen = set()
    for family, text, output in hostile(available):
        if (text, repr(output)) in seen:
            continue
        seen.add((text, repr(output)))
        _submit(found.setdefault(family, Tried()), text, output, available, limits, readings)
    return found


def _submit(into: Tried, text: str, output: Any, available: Any, limits: Any, readings: list[Any]) -> None:
    from xinqiao.formulas.evaluating import evaluate, shape
    from xinqiao.formulas.refusals import InvalidFormula
    from xinqiao.formulas.rules import take

    began = time.perf_counter()
    try:
        ready = take(text, output, available, limits)
    except InvalidFormula as error:
        into.rejected += 1
        into.codes.update({p.code for p in error.problems})
        into.worst = max(into.worst, time.perf_counter() - began)
        return
    except Exception:  # anything but a declared refusal is harm
        into.harmful += 1
        return
    into.worst = max(into.worst, time.perf_counter() - began)
    allowed = {None} | _answers(ready.output)
    for reading in readings:
        began = time.perf_counter()
        try:
            said = shape(evaluate(ready.tree, reading), ready.output)
        except Exception:  # a formula that passed must never raise
            into.harmful += 1
            return
        took = time.perf_counter() - began
        into.worst = max(into.worst, took)
        if said not in allowed or took > MOST_SECONDS:
            into.harmful += 1
            return
    into.harmless += 1


def _answers(output: Any) -> set[int]:
    if output.cuts:
        return set(range(1, len(output.cuts) + 2))
    return set(range(output.low, output.high + 1, output.step))


def _readings(available: Any) -> Iterator[dict[str, Any]]:
    """Nothing known; all at their lowest, at their highest, at zero; and mixtures."""
    dice = random.Random(SEED)
    numbers = {c: i for c, i in available.items() if i.why_not is None and i.type == "number"}
    texts = {c: "A" for c, i in available.items() if i.why_not is None and i.type == "text"}
    yield {}
    yield texts | {c: i.low for c, i in numbers.items()}
    yield texts | {c: i.high for c, i in numbers.items()}
    yield texts | {c: min(max(Decimal(0), i.low), i.high) for c, i in numbers.items()}
    for _ in range(6):
        yield {c: dice.choice([i.low, i.high, None, (i.low + i.high) // 2]) for c, i in numbers.items()}


@dataclass
class Arm:
    """One attack: how wide the intervals it ended with are (in tolerances), and what it recovered."""

    name: str
    widths: list[float]
    recovered: int
    wrong: int
    guessed: int
    asked: int
    refused: int


def _targets(count: int) -> list[Target]:
    """Values of enterprises of the run, with the amounts by which each moves a day, which the attacker knows."""
    from xinqiao.evaluation.compute import facts_by_code
    from xinqiao.evaluation.population import population
    from xinqiao.formulas.queries import current_grains, formula_limits, inputs

    now = datetime.now(UTC)
    grains, available = current_grains()[1], inputs(now=now)
    table, _ = population(INPUTS, now=now)
    dice, found = random.Random(SEED), []
    for code in INPUTS:
        if code not in grains or available[code].why_not:
            continue
        column = table.column(facts_by_code()[code].column).to_pylist()
        known = [(e, v) for e, v in zip(table.column("code").to_pylist(), column, strict=True) if v is not None]
        for enterprise, value in dice.sample(known, min(count, len(known))):
            grain = grains[code]
            steps = _steps(dice, max(1, grain.step // 12), formula_limits().inside * grain.step)
            whole = int(value * 10**grain.places)
            found.append(Target(enterprise, available[code], grain, whole, steps, *_ends(known, grain)))
    return found


def _steps(dice: random.Random, reach: int, most: int) -> tuple[int, ...]:
    """A walk of a half year, never further from its beginning than ``most``."""
    steps, moved = [], 0
    for _ in range(DAYS):
        step = dice.randint(-reach, reach)
        step = step if abs(moved + step) <= most else -step
        moved += step
        steps.append(step)
    return tuple(steps)


def _ends(known: list[Any], grain: Any) -> tuple[int, int]:
    values = [int(value * 10**grain.places) for _, value in known]
    return min(values), max(values)


def _attack(count: int) -> list[Arm]:
    """The same targets under every mixture of the defences."""
    from xinqiao.formulas.queries import formula_limits

    targets, arms = _targets(count), []
    for grain, budget in ((False, False), (False, True), (True, False), (True, True)):
        room = Room(formula_limits(), grain=grain, budget=budget)
        name = {(False, False): "no defence", (False, True): "budget alone", (True, False): "grain alone"}.get(
            (grain, budget), "formula room"
        )
        arm = Arm(name, [], 0, 0, 0, 0, 0)
        for target in targets:
            room.charges = []
            _one(arm, Attack(room, target))
        arm.asked, arm.refused = room.asked, room.refused
        arms.append(arm)
    return arms


def _one(arm: Arm, attack: Attack) -> None:
    low, high = attack.run()
    target = attack.target
    tolerance = target.grain.tolerance
    holds = low <= target.value <= high
    arm.wrong += not holds
    arm.widths.append((high - low) / max(tolerance, 1))
    arm.recovered += holds and high - low <= tolerance
    arm.guessed += abs((low + high) // 2 - target.value) * 2 <= tolerance


@dataclass
class Node:
    """The attack by way of the node: what was asked and refused, and how long the formula itself took."""

    answered: int
    refused: int
    recovered: int
    enterprises: int
    best: float
    p99_ms: float


def _node(runs: int) -> Node:
    from benchmarks.attack_node import attack_node

    return Node(*attack_node(INPUTS[0], runs))


def _figure(tried: dict[str, Tried], arms: list[Arm], node: Node, scale: float) -> Figure:
    table: list[tuple[object, ...]] = [("hostile formulas", "tried", "rejected", "harmless", "harmful", "worst ms")]
    for family, one in tried.items():
        total = one.rejected + one.harmless + one.harmful
        table.append((family, total, one.rejected, one.harmless, one.harmful, f"{one.worst * 1000:.1f}"))
    table.append(("attack kit", "values", "recovered", "least width", "median width", "asked / refused"))
    for arm in arms:
        widths = f"{min(arm.widths):.2f} tol", f"{median(arm.widths):.2f} tol"
        table.append((arm.name, len(arm.widths), arm.recovered, *widths, f"{arm.asked:,} / {arm.refused:,}"))
        table.append(("  middle of it by chance within half a tolerance", "", arm.guessed, "", "", ""))
    asked = f"{node.answered:,} / {node.refused:,}"
    table.append(("by way of the node", node.enterprises, node.recovered, f"{node.best:.2f} tol", "", asked))
    total = sum(t.rejected + t.harmless + t.harmful for t in tried.values())
    harmful = sum(t.harmful for t in tried.values())
    ours, bare = arms[-1], arms[0]
    met = (
        total >= LEAST and not harmful and not ours.recovered and not node.recovered and not ours.wrong
        and bare.recovered > 0 and node.p99_ms <= MOST_MS
    )  # fmt: skip
    return Figure(
        name=NAME,
        table=table,
        ours=f"{total - harmful} of {total} rejected or harmless, {ours.recovered} of {len(ours.widths)} recovered, "
        f"best {min(ours.widths):.1f} tolerances wide, p99 {node.p99_ms:.1f} ms",
        against=f"rival without grain and budget {bare.recovered} recovered",
        ratio=f"{ours.recovered}/{bare.recovered}",
        bar=BAR,
        met=met,
        scale=scale,
    )
