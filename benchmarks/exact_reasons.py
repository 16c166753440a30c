"""Reasons that sum to the score exactly, for every firm of a province, and scores made again from frozen versions.

A sample province is delivered and evaluated; a scenario model is trained on what its institutions fed back, signed off
by a second person and put in use. Of the basic evaluation and of the model every firm's contributions are summed in
exact integers and compared with the score; then evaluations are made again from the frozen versions and compared byte
for byte. The floor is the sum alone, over the same columns in memory.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from benchmarks.figure import Figure
from benchmarks.node import ACTOR, SEED, deliver_sample, fresh_node, write_sample

NAME = "exact_reasons"
FIRMS, AGAIN = 100_000, 10_000
SCENARIO = "post_loan_watch"
BAR = f"all sums exact for {FIRMS:,} firms, {AGAIN:,} evaluations the same bytes again"


def measure(scale: float) -> Figure:
    """Load, evaluate, train; then sum, evaluate all again and compare."""
    firms, asked = max(2_500, round(FIRMS * scale)), max(200, round(AGAIN * scale))
    with fresh_node() as home:
        write_sample(home / "sample", firms=firms)
        deliver_sample(home / "sample")
        as_of, model = _prepare()
        basic, floor = _basic_sums()
        scenario, took = _scenario_sums(model)
        chosen = _chosen(asked)
        before = _documents(chosen, model)
        began = time.perf_counter()
        _evaluate(as_of)
        second = time.perf_counter() - began
        after = _documents(chosen, model)
    same = sum(one.digest == other.digest for one, other in zip(before, after, strict=True))
    exact = sum(one.exact for one in before)
    table = [
        ("", "firms", "right", "seconds"),
        ("basic evaluation, points sum to the score", f"{firms:,}", f"{basic:,}", f"{floor:.2f}"),
        ("scenario model, base and contributions sum to it", f"{firms:,}", f"{scenario:,}", f"{took:.2f}"),
        ("documents, reasons shown, others and base sum to it", f"{asked:,}", f"{exact:,}", ""),
        ("evaluated again, both documents the same bytes", f"{asked:,}", f"{same:,}", f"{second:.2f}"),
    ]
    return Figure(
        name=NAME,
        table=table,
        ours=f"{basic:,} and {scenario:,} of {firms:,} sums exact, {same:,} of {asked:,} equal",
        against=f"floor the sum alone {floor:.2f} s, ours with the score {took:.2f} s",
        ratio=f"{took / floor:.1f}",
        bar=BAR,
        met=basic == scenario == firms and same == exact == asked,
        scale=scale,
    )


@dataclass(frozen=True)
class Made:
    """The bytes of a firm's two documents, and whether the scenario's reasons sum to its score."""

    digest: str
    exact: bool


def _evaluate(as_of: Any) -> None:
    from xinqiao.evaluation.actions import run_evaluation

    run_evaluation(as_of, actor=ACTOR, now=datetime.now(UTC), progress=lambda _: None, afresh=True)


def _prepare() -> tuple[Any, str]:
    from xinqiao.records.types import AsOf
    from xinqiao.scenarios.actions import promote, sign_off, train_model

    now = datetime.now(UTC)
    as_of = AsOf(now.date(), now)
    _evaluate(as_of)
    made = train_model(SCENARIO, actor=ACTOR, now=now)
    sign_off(made.id, reason="measured", actor="system:second", now=now)
    promote(made.id, actor="system:second", now=now)
    return as_of, made.id


def _basic_sums() -> tuple[int, float]:
    """How many firms' points sum to the score of the run; the seconds of the sum alone."""
    import numpy as np

    from xinqiao.evaluation.queries import get_scorecard, latest_path
    from xinqiao.indicators.scoring import points_column
    from xinqiao.records.lake import lake

    card = get_scorecard(on=datetime.now(UTC).date())
    names = [points_column(one.code) for one in card.indicators]
    table = lake().columns(latest_path()[1], ["score", *names])
    columns = [table.column(name).fill_null(0).to_numpy().astype(np.int64) for name in names]
    began = time.perf_counter()
    total = np.sum(columns, axis=0)
    took = time.perf_counter() - began
    return int((total == table.column("score").to_numpy()).sum()), took


def _scenario_sums(model: str) -> tuple[int, float]:
    """How many firms' base and contributions, column by column, sum to the score that the frozen model gives to the
    firm's values alone; the seconds of scoring all."""
    from xinqiao.evaluation.compute import facts_by_code
    from xinqiao.evaluation.queries import latest_path
    from xinqiao.records.lake import lake
    from xinqiao.scenarios.model import Model
    from xinqiao.scenarios.queries import frozen, province_scores

    began = time.perf_counter()
    table, _ = province_scores(SCENARIO)
    took = time.perf_counter() - began
    one = Model.read(frozen(model)["model"])
    parts = [table.column(name).to_pylist() for name in table.column_names if name.startswith("points__")]
    facts = facts_by_code()
    values = lake().columns(latest_path()[1], [facts[code].column for code in one.indicators])
    lines = zip(*(values.column(facts[code].column).to_pylist() for code in one.indicators), strict=True)
    rows = zip(lines, zip(*parts, strict=True), table.column("score").to_pylist(), strict=True)
    return sum(
        one.base + sum(points) == score == one.score(dict(zip(one.indicators, line, strict=True)))
        for line, points, score in rows
    ), took


def _chosen(count: int) -> list[str]:
    from xinqiao.evaluation.queries import latest_path
    from xinqiao.records.lake import lake

    enterprises = lake().columns(latest_path()[1], ["_enterprise"]).column(0).to_pylist()
    return random.Random(SEED).sample(sorted(enterprises), min(count, len(enterprises)))


def _documents(chosen: list[str], model: str) -> list[Made]:
    """Of each firm the published evaluation and what the frozen model says of it."""
    from xinqiao.evaluation.queries import published_result
    from xinqiao.kernel.canonical import canonical_bytes, sha256_hex
    from xinqiao.scenarios.queries import again

    found = []
    for enterprise in chosen:
        evaluation = published_result(enterprise)
        assert evaluation is not None
        said = again(evaluation, model)
        parts = sum(reason["points"] for reason in (*said["up"], *said["down"])) + said["others"] + said["base"]
        # Where too little is known no score is shown; its parts sum to it all the same.
        exact = said["score"] is None or parts == said["score"]
        found.append(Made(sha256_hex(canonical_bytes(evaluation) + canonical_bytes(said)), exact))
    return found
