"""All firms with a need each against 500 products, then one firm against them through the gate; counts as DuckDB's.

The rival is DuckDB: the same conditions as one SQL statement over the same columns in memory, which only counts the
firms that fit each product; ours also keeps every firm's first unmet condition and its ten best products in order.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from benchmarks.figure import Figure, percentile
from benchmarks.node import ACTOR, SEED, database_name, deliver_sample, fresh_node, write_sample

if TYPE_CHECKING:
    from xinqiao.matching.batch import Many
    from xinqiao.matching.types import (
        Condition,
        Need,
        Product,
    )

NAME = "matching"
BAR = "≤ 20 s for 100,000 firms × 500 products, one firm p95 ≤ 200 ms, counts and single firms equal"
FIRMS, PRODUCTS, BANKS, ASKED, BEST = 100_000, 500, 25, 200, 10
LONGEST, SLOWEST = 20.0, 0.2


def measure(scale: float) -> Figure:
    """Load and evaluate a province, publish the products, match them with everybody and with one at a time."""
    firms = max(400, round(FIRMS * scale))
    with fresh_node() as home:
        write_sample(home / "sample", firms=firms)
        deliver_sample(home / "sample")
        now = datetime.now(UTC)
        _evaluate(now)
        products = _publish(now)
        needs = _needs(now)
        found = _match(needs, products, now)
        rival = _rival(found["many"], products)
        single = _single(needs, products, found, max(20, round(ASKED * min(1.0, scale * 10))))
        database = database_name()
    equal = rival["counts"] == found["counts"]
    slow = percentile(single["seconds"], 0.95)
    return Figure(
        name=NAME,
        table=[
            ("", "seconds", "what"),
            ("columns", f"{found['read']:.2f}", f"{len(needs):,} firms with a need, from the published run"),
            ("match", f"{found['match']:.2f}", f"{len(products)} products, worst outcome and first unmet condition"),
            ("order", f"{found['order']:.2f}", f"the {BEST} best of each firm"),
            ("DuckDB", f"{rival['seconds']:.2f}", "the same conditions in SQL, counts only, columns in memory"),
            ("one firm, median", f"{percentile(single['seconds'], 0.5):.3f}", f"by the gate, {database}"),
            ("one firm, p95", f"{slow:.3f}", f"{len(single['seconds'])} random firms"),
            ("fits in all", f"{sum(found['counts']):,}", f"equal to DuckDB's: {equal}"),
            ("single = batch", f"{single['equal']:,}", f"of {single['checked']:,} firm-products, and order"),
        ],
        ours=f"{found['seconds']:.2f} s for {len(needs):,} firms × {len(products)}, one firm p95 {slow * 1000:.0f} ms",
        against=f"rival DuckDB counts only {rival['seconds']:.2f} s",
        ratio=f"{found['seconds'] / rival['seconds']:.1f}",
        bar=BAR,
        met=equal
        and found["seconds"] <= LONGEST
        and slow <= SLOWEST
        and single["equal"] == single["checked"] > 0
        and sum(found["counts"]) > 0,
        scale=scale,
    )


def _evaluate(now: datetime) -> None:
    from xinqiao.evaluation.actions import run_evaluation
    from xinqiao.records.types import AsOf

    run_evaluation(AsOf(now.date(), now), actor=ACTOR, now=now, progress=lambda _: None)


def _publish(now: datetime) -> list[Product]:
    """Products of generated institutions, their bounds drawn from what the firms' values are."""
    from xinqiao.admission.actions import found
    from xinqiao.matching.actions import publish_product
    from xinqiao.matching.queries import list_products
    from xinqiao.parties.actions import register_organisation
    from xinqiao.parties.types import OrganisationKind

    chance, bounds = random.Random(SEED), _quantiles(now)
    for number in range(BANKS):
        code, kind = f"bench_bank_{number}", OrganisationKind.INSTITUTION
        register_organisation(code, kind=kind, name=f"示例银行{number}", actor=ACTOR, now=now)
        found(code, reason="基准测试", actor=ACTOR, now=now)
    for number in range(PRODUCTS):
        raw = _product(number, chance, bounds, now.date())
        publish_product(raw, institution=f"bench_bank_{number % BANKS}", actor=ACTOR, now=now)
    return list_products(on=now.date())


def _quantiles(now: datetime) -> dict[str, list[int]]:
    """Indicator → some of its values, for those that are numbers."""
    import numpy as np

    from xinqiao.evaluation.population import comparable, population

    facts = comparable(now=now)
    table, _ = population(list(facts), now=now)
    found = {}
    for code, one in facts.items():
        column = table.column(one.column).drop_null()
        if str(one.kind) in ("bigint", "decimal(12,4)") and len(column):
            values = np.array([int(v) for v in column.to_pylist()])
            found[code] = sorted({int(v) for v in np.quantile(values, [0.1, 0.25, 0.4, 0.6])})
    return found


def _product(number: int, chance: random.Random, bounds: dict[str, list[int]], today: date) -> dict[str, Any]:
    conditions: list[dict[str, Any]] = [
        {"basis": "indicator", "indicator": code, "at_least": chance.choice(values)}
        for code, values in chance.sample(sorted(bounds.items()), chance.randint(2, 6))
    ]
    if chance.random() < 0.5:
        conditions.append({"basis": "grade", "values": ["AAA", "AA", "A", "BBB", "BB"]})
    if chance.random() < 0.4:
        conditions.append({"basis": "size", "values": ["small", "micro"]})
    if chance.random() < 0.3:
        conditions.append({"basis": "industry", "values": chance.sample(["A", "C", "F", "G", "I", "M"], 3)})
    if chance.random() < 0.3:
        conditions.append({"basis": "division", "values": ["6101", "6103", "6104"]})
    if chance.random() < 0.5:
        conditions.append({"basis": "veto", "values": ["serious_list", "dishonest_debtor"]})
    low = chance.choice([10, 50, 100]) * 1_000_000
    return {
        "name": f"示例产品{number:03d}",
        "amount_from_fen": low,
        "amount_to_fen": low * chance.choice([5, 20, 100]),
        "months_from": chance.choice([1, 6, 12]),
        "months_to": chance.choice([24, 36, 60]),
        "rate_from_bp": chance.randint(280, 600),
        "rate_to_bp": 700,
        "fee_bp": chance.choice([0, 0, 50]),
        "guarantees": chance.sample(["credit", "mortgage", "pledge", "surety"], 2),
        "decision_workdays": chance.randint(1, 10),
        "conditions": conditions,
        "offered_from": today.isoformat(),
        "note": "",
    }


def _needs(now: datetime) -> list[Need]:
    """A need of every evaluated firm."""
    from xinqiao.evaluation.population import population
    from xinqiao.matching.types import Guarantee, Need, NeedState

    chance = random.Random(SEED + 1)
    table, _ = population([], now=now)
    guarantees, until = tuple(Guarantee), now.date() + timedelta(days=90)
    return [
        Need(
            f"N{number}", code, chance.randint(5, 500) * 1_000_000, chance.choice([6, 12, 24, 36, 60]),
            tuple(chance.sample(guarantees, 2)), "流动资金", "", NeedState.OPEN, now, until,
        )
        for number, code in enumerate(table.column("code").to_pylist())
    ]  # fmt: skip


def _match(needs: list[Need], products: list[Product], now: datetime) -> dict[str, Any]:
    import numpy as np

    from xinqiao.matching.batch import PASSED, best
    from xinqiao.matching.queries import many_of
    from xinqiao.matching.rules import in_order

    began = time.perf_counter()
    ordered = in_order(products)
    many = many_of(needs, ordered, now=now)
    read = time.perf_counter()
    matched = [many.match(one) for one in ordered]
    counts = {one.code: int(np.count_nonzero(m.outcome == PASSED)) for one, m in zip(ordered, matched, strict=True)}
    done = time.perf_counter()
    tops = np.concatenate([rows for _, rows in best(many, ordered, most=BEST)])
    end = time.perf_counter()
    return {
        "many": many, "ordered": ordered, "matched": matched, "tops": tops, "now": now,
        "counts": [counts[one.code] for one in products],
        "read": read - began, "match": done - read, "order": end - done, "seconds": end - began,
    }  # fmt: skip


def _rival(many: Many, products: Sequence[Product]) -> dict[str, Any]:
    """Counts by one SQL statement over the same columns."""
    import duckdb

    connection = duckdb.connect()
    connection.register("source", many.table)
    connection.execute("CREATE TABLE firms AS SELECT * FROM source")
    sums = ",\n".join(f"count(*) FILTER (WHERE {' AND '.join(_sql(p))})" for p in products)
    began = time.perf_counter()
    row = connection.execute(f"SELECT {sums} FROM firms").fetchone()
    assert row is not None
    return {"counts": list(row), "seconds": time.perf_counter() - began}


def _sql(product: Product) -> Iterator[str]:
    from xinqiao.matching.batch import COLUMNS, guarantee_bits
    from xinqiao.matching.rules import PREFIXES
    from xinqiao.matching.types import Basis

    def one(condition: Condition) -> str:
        basis = condition.basis
        if basis is Basis.GUARANTEE:
            return f"need_guarantees & {guarantee_bits(condition.values)} <> 0"
        if basis is Basis.VETO:
            return " AND ".join(f"coalesce(veto__{v}, 0) = 0" for v in condition.values)
        name = condition.indicator.replace(".", "__") if condition.indicator else COLUMNS[basis]
        if basis in PREFIXES:
            return "(" + " OR ".join(f"starts_with({name}, '{v}')" for v in condition.values) + ")"
        if condition.values:
            return f"{name} IN ({', '.join(repr(v) for v in condition.values)})"
        low = [f"{name} >= {condition.at_least}"] if condition.at_least is not None else []
        high = [f"{name} < {condition.below}"] if condition.below is not None else []
        return " AND ".join(low + high)

    return map(one, product.all_conditions)


def _single(needs: list[Need], products: list[Product], found: dict[str, Any], asked: int) -> dict[str, Any]:
    """Firms one by one through the gate, as the portal does; the same outcomes and the same order as in the batch."""
    from xinqiao.consent.types import Form
    from xinqiao.matching.batch import OUTCOMES
    from xinqiao.matching.queries import firm_of, fits
    from xinqiao.release.reading import read
    from xinqiao.release.types import Inquiry, Recipient, RecipientKind

    places = {code: n for n, code in enumerate(found["many"].table.column("code").to_pylist())}
    number = {one.code: n for n, one in enumerate(found["ordered"])}
    seconds, equal, checked = [], 0, 0
    for need in random.Random(SEED + 2).sample(needs, min(asked, len(needs))):
        began = time.perf_counter()
        own = Recipient(RecipientKind.ENTERPRISE, need.enterprise, "", enterprise=need.enterprise)
        now = datetime.now(UTC)
        inquiry = Inquiry(own, need.enterprise, "self", Form.DERIVED, ACTOR, "portal", evaluation_only=True)
        answer = read(inquiry, now=now)
        made = fits(firm_of(answer.document["evaluation"], now=now), need, now=now)
        seconds.append(time.perf_counter() - began)
        place = places[need.enterprise]
        for fit in made:
            batch = found["matched"][number[fit.product.code]]
            first = fit.checks.index(fit.first_unmet) if fit.first_unmet else -1
            equal += fit.outcome is OUTCOMES[batch.outcome[place]] and first == batch.first[place]
            checked += 1
        checked += 1
        equal += [number[f.product.code] for f in made[:BEST]] == found["tops"][place].tolist()
    return {"seconds": seconds, "equal": equal, "checked": checked}
