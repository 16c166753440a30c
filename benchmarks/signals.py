"""From a batch of 100,000 new records to the signals about the watched firms it touches, beside a full recomputation.

A generated province; most of its firms are watched by a bank, each under an authorisation of its own. Then several
departments deliver at once: penalties, listings, enforcement cases, tax notices, and lower figures of power use and
staff. Measured is one pass from the accepted deliveries to the last signal written with its evidence; a full
recomputation of every rule over every watched firm follows in the same run, and both must agree. The pushes through the
gate come after and are timed apart.
"""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from benchmarks.busy import BANK
from benchmarks.figure import Figure
from benchmarks.node import ACTOR, SEED, database_name, deliver_sample, fresh_node, write_sample

NAME = "signals"
FIRMS, WATCHED, RECORDS = 25_000, 20_000, 100_000
LIMIT = 60.0
PUSHED = 2_000  # pushes that are timed
BAR = f"signals of {RECORDS:,} new records within {LIMIT:g} s, equal to a full recomputation"
# Of 100 records of the batch, how many are of which item.
SHARES = {
    "penalty.decision": 20,
    "judicial.enforced": 10,
    "list.abnormal": 10,
    "tax.arrears_notice": 16,
    "utility.electricity": 24,
    "social.insurance": 20,
}
MONTHS = {"utility.electricity": 3, "social.insurance": 2}  # months that are corrected downwards


@dataclass(frozen=True, slots=True)
class Took:
    """What one run measured."""

    records: int
    touched: int
    raised: int
    ingest: float
    signals: float
    full: float
    told: int
    pushes: float
    again: int
    differ: int
    standing: int


def measure(scale: float) -> Figure:
    """Fill a province, watch most of it, deliver the batch, time the pass and the full recomputation."""
    with fresh_node() as home:
        firms = max(200, round(FIRMS * scale))
        write_sample(home / "sample", firms=firms)
        deliver_sample(home / "sample")
        shutil.rmtree(home / "sample")
        codes = _watch(max(100, round(WATCHED * scale)))
        took = _batch(codes, max(500, round(RECORDS * scale)))
        table = _table(took, firms, len(codes), database_name())
    return Figure(
        name=NAME,
        table=table,
        ours=f"{took.signals:.1f} s for {took.records:,} records, {took.raised:,} signals",
        against=f"floor full recomputation {took.full:.1f} s, {took.differ} differences",
        ratio=f"{took.signals / took.full:.2f}",
        bar=BAR,
        met=took.signals <= LIMIT and took.differ == 0 and took.again == 0 and took.raised > 0,
        scale=scale,
    )


def _table(took: Took, firms: int, watched: int, database: str) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = [("", "value"), ("enterprises, of which watched", f"{firms:,}, {watched:,}")]
    rows += [("database", database), ("records of the batch", f"{took.records:,}")]
    rows += [("their check and acceptance, s", f"{took.ingest:.1f}")]
    rows += [("watched enterprises touched", f"{took.touched:,}"), ("signals raised", f"{took.raised:,}")]
    rows += [("deliveries accepted to signals written, s", f"{took.signals:.1f}")]
    rows += [("full recomputation, finding alone, s", f"{took.full:.1f}")]
    rows += [("signals that stand", f"{took.standing:,}"), ("that differ from the recomputation", took.differ)]
    rows += [("raised by a second pass", took.again)]
    rows += [("pushes through the gate, each recorded", f"{took.told:,} in {took.pushes:.1f} s")]
    return rows


def _watch(count: int) -> list[str]:
    """Let a bank watch that many firms, each under an authorisation copied from one that was granted in full."""
    from benchmarks.busy import grant_all
    from xinqiao.config.demo import ensure_accounts
    from xinqiao.evaluation.compute import REGISTRATION
    from xinqiao.monitoring.actions import watch_borrower
    from xinqiao.records.queries import standing_rows
    from xinqiao.sharing.queries import current_list

    now = datetime.now(UTC)
    ensure_accounts({}, now=now)
    known = standing_rows(current_list().item(REGISTRATION), ["_enterprise"], known=now)
    codes = sorted(set(known.column("_enterprise").to_pylist()))
    chosen = random.Random(SEED).sample(codes, min(count, len(codes)))
    (first,) = grant_all(chosen[:1], now=now)
    _copies(first.authorisation, chosen[1:], now)
    for code in chosen:
        watch_borrower(BANK, enterprise=code, exposure_fen=10_000_000, actor=ACTOR, now=datetime.now(UTC))
    return chosen


def _copies(granted: str, firms: Sequence[str], now: datetime) -> None:
    from xinqiao.consent.models import AuthorisationRequest, AuthorisationRow
    from xinqiao.parties.actions import register_enterprise

    row = AuthorisationRow.objects.get(id=granted)
    for number, firm in enumerate(firms):
        register_enterprise(firm, name=f"示例企业{number}", actor=ACTOR, now=now)
    asked = [_copy(row.request, id=f"{row.request_id}-{n}", enterprise=firm) for n, firm in enumerate(firms)]
    AuthorisationRequest.objects.bulk_create(asked)
    given = [
        _copy(row, id=f"{row.id}-{n}", request_id=request.id, subject=firm)
        for n, (firm, request) in enumerate(zip(firms, asked, strict=True))
    ]
    AuthorisationRow.objects.bulk_create(given)


def _copy(row: Any, **changes: Any) -> Any:
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    return type(row)(**{**values, **changes})


def _batch(codes: Sequence[str], records: int) -> Took:
    """Deliver the batch, pass, recompute, push."""
    from xinqiao.ingest.actions import Upload, receive
    from xinqiao.monitoring.passing import monitor, recompute, standing
    from xinqiao.monitoring.pushing import push_waiting
    from xinqiao.sharing.queries import current_list

    monitor(now=datetime.now(UTC))  # what was on record before is no news
    rng, accepted, began = random.Random(SEED), 0, time.monotonic()
    for code, share in SHARES.items():
        item, wanted = current_list().item(code), records * share // 100
        rows = list(_rows(code, codes, wanted, rng))
        upload = Upload(f"{code}.csv", _csv(rows))
        now = datetime.now(UTC)
        accepted += receive(item, [upload], provider=item.department.code, actor=ACTOR, now=now).accepted
    delivered = time.monotonic()
    done = monitor(now=datetime.now(UTC))
    raised = time.monotonic()
    wanted_now = recompute(now=datetime.now(UTC))
    full = time.monotonic() - raised
    have = standing(now=datetime.now(UTC))
    again = monitor(now=datetime.now(UTC)).raised
    pushed = time.monotonic()
    told = push_waiting(now=datetime.now(UTC), limit=PUSHED)
    return Took(
        records=accepted,
        touched=done.enterprises,
        raised=done.raised,
        ingest=delivered - began,
        signals=raised - delivered,
        full=full,
        told=told,
        pushes=time.monotonic() - pushed,
        again=again,
        differ=len(wanted_now ^ have),
        standing=len(have),
    )


def _rows(code: str, firms: Sequence[str], wanted: int, rng: random.Random) -> Iterator[dict[str, object]]:
    """New records of an item: events on chosen firms, or the last months' figures again, for some much lower."""
    if code in MONTHS:
        yield from _lower(code, firms, wanted, rng)
        return
    today = datetime.now(UTC).date()
    for number in range(wanted):
        on = (today - timedelta(days=rng.randrange(1, 60))).isoformat()
        yield {"uscc": rng.choice(firms), **_event(code, number, on, rng)}


def _event(code: str, number: int, on: str, rng: random.Random) -> dict[str, object]:
    if code == "penalty.decision":
        severity = rng.choices(("轻微", "一般", "严重"), (50, 45, 5))[0]
        return {"document_no": f"BENCH-{number}", "decided_on": on, "kind": "罚款", "severity": severity}
    if code == "judicial.enforced":
        return {"case_no": f"BENCH-{number}", "filed_on": on, "amount_fen": "1000"}
    if code == "list.abnormal":
        return {"listed_on": on, "reason": "未按规定公示年度报告"}
    return {"announced_on": on, "tax_kind": rng.choice(("增值税", "企业所得税", "其他")), "arrears_fen": "1000"}


def _lower(code: str, firms: Sequence[str], wanted: int, rng: random.Random) -> Iterator[dict[str, object]]:
    from xinqiao.records.queries import standing_rows
    from xinqiao.sharing.queries import current_list

    value, extra = ("used_kwh", ["account_no"]) if code == "utility.electricity" else ("insured_persons", [])
    columns = ["_enterprise", "month", value, *extra]
    table = standing_rows(current_list().item(code), columns, known=datetime.now(UTC), enterprises=set(firms))
    newest = max(table.column("month").to_pylist())
    months = {_back(newest, n) for n in range(MONTHS[code])}
    rows = [row for row in table.select(columns).to_pylist() if row["month"] in months and row[value] is not None]
    factor = {firm: 0.35 if rng.random() < 0.25 else 0.97 for firm in sorted(firms)}
    for row in rows[:wanted]:
        lower = int(row[value] * factor[row["_enterprise"]])
        yield {
            "uscc": row["_enterprise"], "month": f"{row['month']:%Y-%m}", value: lower, **{c: row[c] for c in extra}
        }  # fmt: skip


def _back(month: date, count: int) -> date:
    from xinqiao.kernel.dated import add_months

    return add_months(month, -count)


def _csv(rows: Sequence[dict[str, object]]) -> bytes:
    import csv
    import io

    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]), restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()
