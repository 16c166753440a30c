"""Every number of the effectiveness page, and the same numbers by DuckDB from the exported files alone.

The rival knows the files and the formulas shown beside each number, and nothing of the product: SQL over CSV.
"""

from __future__ import annotations

import random
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.figure import Figure
from benchmarks.node import ACTOR, SEED, database_name, deliver_sample, fresh_node, write_sample

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

NAME = "effectiveness_recompute"
BAR = "every number of the page equal to its recomputation from the exported rows"
FIRMS, REGISTERED, LOANS = 20_000, 10_000, 15_000
BANKS, READ, INDIVIDUALS = 12, 60, 400


def measure(scale: float) -> Figure:
    """Fill a node, make the page, export every table, compute all numbers again from the files."""
    with fresh_node() as home:
        write_sample(home / "sample", firms=max(400, round(FIRMS * scale)))
        deliver_sample(home / "sample")
        now = datetime.now(UTC)
        counts = _fill(max(200, round(REGISTERED * scale)), max(300, round(LOANS * scale)), now)
        ours = _ours(home, datetime.now(UTC))
        rival = _rival(home / "export", now.date())
        database = database_name()
    shown = ours["values"]
    differ = sorted(code for code in shown if rival["values"].get(code) != shown[code])
    zero = [code for code, value in shown.items() if not value]
    return Figure(
        name=NAME,
        table=[
            ("", "seconds", "what"),
            ("page", f"{ours['page']:.2f}", f"{len(shown)} numbers, funnel and rows, {database}"),
            ("export", f"{ours['export']:.2f}", f"{ours['rows']:,} rows in {ours['files']} files, with evidence"),
            ("DuckDB", f"{rival['seconds']:.2f}", "the same numbers by SQL over the files"),
            ("firms", f"{counts['firms']:,}", "registered"),
            ("applications", f"{counts['applications']:,}", ""),
            ("loans", f"{counts['loans']:,}", "fed back"),
            ("differ", str(len(differ)), ", ".join(differ) or "none"),
            ("empty", str(len(zero)), ", ".join(zero) or "none"),
        ],
        ours=f"{len(shown) - len(differ)} of {len(shown)} numbers equal, page {ours['page']:.2f} s",
        against=f"rival DuckDB over the files {rival['seconds']:.2f} s",
        ratio=f"{ours['page'] / rival['seconds']:.1f}",
        bar=BAR,
        met=not differ and not zero,
        scale=scale,
    )


def _fill(registered: int, loans: int, now: datetime) -> dict[str, int]:
    """Firms register, apply, are decided on, borrow; banks feed back loans, some that came by themselves."""
    from xinqiao.admission.actions import found
    from xinqiao.evaluation.actions import run_evaluation
    from xinqiao.evaluation.population import population
    from xinqiao.parties.actions import register_enterprise, register_organisation
    from xinqiao.parties.types import OrganisationKind
    from xinqiao.records.types import AsOf

    run_evaluation(AsOf(now.date(), now), actor=ACTOR, now=now, progress=lambda _: None)
    for number in range(BANKS):
        code = f"bank_{number}"
        register_organisation(code, kind=OrganisationKind.INSTITUTION, name=f"示例银行{number}", actor=ACTOR, now=now)
        found(code, reason="基准测试", actor=ACTOR, now=now)
    chance, codes = random.Random(SEED), population([], now=now)[0].column("code").to_pylist()[:registered]
    codes += [_individual(number) for number in range(INDIVIDUALS)]
    for code in codes:
        since = now - timedelta(days=chance.randint(30, 700))
        register_enterprise(code, name=f"示例企业{code[-6:]}", actor=ACTOR, now=since)
    applications = _apply(codes, chance, now)
    _publish(now)
    _read(codes[:READ], now)
    return {"firms": len(codes), "applications": applications, "loans": _lend(codes, loans, chance, now)}


def _publish(now: datetime) -> None:
    from xinqiao.matching.actions import publish_product

    raw = {
        "name": "示例流水贷", "amount_from_fen": 1, "amount_to_fen": 10**12, "months_from": 1, "months_to": 36,
        "rate_from_bp": 300, "rate_to_bp": 600, "guarantees": ["credit"], "decision_workdays": 5, "conditions": [],
        "offered_from": now.date().isoformat(),
    }  # fmt: skip
    for number in range(BANKS - 2):
        publish_product(raw, institution=f"bank_{number}", actor=ACTOR, now=now)


def _read(codes: list[str], now: datetime) -> None:
    """Authorisations asked for, given and read under, by the verbs."""
    from xinqiao.consent.actions import grant_authorisation, request_authorisation
    from xinqiao.consent.queries import consent_text
    from xinqiao.consent.types import Form
    from xinqiao.parties.actions import add_member, register_person
    from xinqiao.parties.types import Role
    from xinqiao.release.actions import query
    from xinqiao.release.types import Inquiry, Recipient, RecipientKind

    owner = register_person("owner", name="陈", password="a-long-password", actor=ACTOR, now=now)
    bank = Recipient(RecipientKind.INSTITUTION, "bank_0", "示例银行0")
    for code in codes:
        add_member(owner, role=Role.OWNER, enterprise=code, actor=ACTOR, now=now)
        asked = request_authorisation(
            "bank_0", enterprise=code, purpose="approval", items=["tax.payment"], form=Form.REPORT, reason="贷款",
            actor=ACTOR, now=now,
        )  # fmt: skip
        digest = consent_text(asked.id, locale="zh").sha256
        given = grant_authorisation(asked.id, signatory=owner, locale="zh", text_digest=digest, now=now)
        query(Inquiry(bank, code, "approval", Form.REPORT, ACTOR, "api", authorisation=given.id), now=now)


def _apply(codes: list[str], chance: random.Random, now: datetime) -> int:
    """Applications and their steps, put down at once: what they are made of is what the verbs write."""
    from xinqiao.lending.models import ApplicationRow, StepRow

    rows, steps = [], []
    for number, code in enumerate(codes):
        if chance.random() > 0.6:
            continue
        made = now - timedelta(days=chance.randint(5, 650), hours=chance.randint(0, 20))
        row = ApplicationRow(
            id=f"A{number:08d}", enterprise=code, enterprise_name="x", institution=f"bank_{chance.randrange(BANKS)}",
            product="P", product_version=1, product_name="x", amount_fen=10**8, months=12, purpose="x",
            decision_workdays=chance.randint(1, 10), state="declined", since=made, made_at=made,
        )  # fmt: skip
        rows.append(row)
        at = made
        events = ["opt_in", "authorise", chance.choice(["offer", "decline"])][: chance.randint(1, 3)]
        for event in events:
            steps.append(StepRow(application=row, event=event, state="x", at=at, actor="x"))
            at += timedelta(days=chance.randint(0, 12))
    ApplicationRow.objects.bulk_create(rows, batch_size=2000)
    StepRow.objects.bulk_create(steps, batch_size=2000)
    return len(rows)


def _lend(codes: list[str], loans: int, chance: random.Random, now: datetime) -> int:
    from xinqiao.lending.loans import report_loans

    today, taken = now.date(), 0
    for bank in range(BANKS):
        rows = [_loan(bank, n, chance, codes, today) for n in range(loans // BANKS)]
        for start in range(0, len(rows), 2000):
            taken += report_loans(rows[start : start + 2000], institution=f"bank_{bank}", actor=ACTOR, now=now).new
    return taken


def _individual(number: int) -> str:
    """The code of an individual business, of which the sample province has none."""
    from xinqiao.kernel.identifiers import organisation_check_character, uscc_check_character

    body = f"MA{number:06d}"
    first17 = f"92610102{body}{organisation_check_character(body)}"
    return first17 + uscc_check_character(first17)


def _loan(bank: int, number: int, chance: random.Random, codes: list[str], today: date) -> dict[str, Any]:
    drawn = today - timedelta(days=chance.randint(0, 500))
    amount = chance.randint(10, 1500) * 1_000_000
    late = chance.choice([0] * 20 + [30, 100, 300, 400])
    classes = ((360, "loss"), (270, "doubtful"), (90, "substandard"), (0, "special_mention"))
    found = next((name for over, name in classes if late > over), "normal")
    return {
        "credit_no": f"SX{bank}{number}", "receipt_no": f"JJ{bank:02d}{number:06d}", "enterprise": chance.choice(codes),
        "limit_fen": amount * 2, "amount_fen": amount, "balance_fen": chance.choice([0, amount // 2, amount]),
        "rate_bp": chance.randint(300, 700), "guarantee": chance.choice(["D", "D", "A", "B01", "C99", "E"]),
        "drawn_on": drawn.isoformat(), "due_on": (drawn + timedelta(days=720)).isoformat(),
        "first_loan": chance.random() < 0.2, "renewal": False, "five_class": found,
        "overdue_days": late, "overdue_fen": late * 100,
    }  # fmt: skip


def _ours(home: Path, now: datetime) -> dict[str, Any]:
    from xinqiao.effectiveness.actions import export
    from xinqiao.effectiveness.queries import get_page
    from xinqiao.effectiveness.types import Table

    began = time.perf_counter()
    page = get_page(now=now)
    page.cohorts("month")
    made = time.perf_counter()
    (home / "export").mkdir()
    for table in Table:
        text = export(str(table), page=page, actor=ACTOR, now=now)
        (home / "export" / f"{table}.csv").write_text(text, "utf-8")
    return {
        "values": {m.facts.code: m.value for m in page.measures},
        "page": made - began,
        "export": time.perf_counter() - made,
        "rows": sum(map(len, page.tables.values())),
        "files": len(page.tables),
    }


# Number → SQL over the files: a count or sum, or (part, whole, scale) of a share.
MINE, YEAR = "loans WHERE attributed = 1", "extract(year FROM drawn_on)"
FIRST = "first_loan = 1 AND sole = 0"
SQL: dict[str, str | tuple[str, str, int]] = {
    "counties_covered": ("sum(covered) FROM counties", "count(*) FROM counties", 10_000),
    "sources_covered": ("count(DISTINCT department) FROM sources WHERE covered = 1",
                        "count(DISTINCT department) FROM sources", 10_000),
    "items_collected": ("sum(covered) FROM sources", "count(*) FROM sources", 10_000),
    "institutions_covered": ("sum(covered) FROM institutions", "count(*) FROM institutions", 10_000),
    "registered": "count(*) FROM enterprises",
    "authorised": "count(authorised_on) FROM enterprises",
    "authorisation_rate": ("count(authorised_on) FROM enterprises", "count(*) FROM enterprises", 10_000),
    "products": "sum(products) FROM institutions",
    "queries": "coalesce(sum(allowed), 0) FROM accesses",
    "applications": "count(*) FROM applications",
    "decided": "count(decided_on) FROM applications",
    "decided_in_time": ("count(*) FROM applications WHERE decided_on <= due_on",
                        "count(decided_on) FROM applications WHERE due_on IS NOT NULL", 10_000),
    "offer_rate": ("count(*) FROM applications WHERE decision = 'offer'",
                   "count(decided_on) FROM applications", 10_000),
    "lent": f"sum(amount_fen) FROM {MINE}",
    "lent_this_year": f"sum(amount_fen) FROM {MINE} AND {YEAR} = $year",
    "balance": f"sum(balance_fen) FROM {MINE}",
    "borrowers": f"count(DISTINCT enterprise) FROM {MINE} AND balance_fen > 0",
    "average": (f"sum(balance_fen) FROM {MINE}", f"count(DISTINCT enterprise) FROM {MINE} AND balance_fen > 0", 1),
    "rate": (f"sum(amount_fen::HUGEINT * rate_bp) FROM {MINE} AND {YEAR} = $year",
             f"sum(amount_fen) FROM {MINE} AND {YEAR} = $year", 1),
    "npl": (f"sum(balance_fen) FROM {MINE} AND five_class IN ('substandard', 'doubtful', 'loss')",
            f"sum(balance_fen) FROM {MINE}", 10_000),
    "credit_balance": f"sum(balance_fen) FROM {MINE} AND guarantee = 'D'",
    "credit_share": (f"sum(balance_fen) FROM {MINE} AND guarantee = 'D'", f"sum(balance_fen) FROM {MINE}", 10_000),
    "credit_lent_share": (f"sum(amount_fen) FROM {MINE} AND guarantee = 'D'", f"sum(amount_fen) FROM {MINE}", 10_000),
    "small_credit_balance": f"sum(balance_fen) FROM {MINE} AND guarantee = 'D' AND size IN ('small', 'micro')",
    "small_credit_share": (f"sum(balance_fen) FROM {MINE} AND guarantee = 'D' AND size IN ('small', 'micro')",
                           f"sum(balance_fen) FROM {MINE} AND guarantee = 'D'", 10_000),
    "first_loans": f"count(DISTINCT enterprise) FROM {MINE} AND {YEAR} = $year AND {FIRST}",
    "first_loans_before": f"count(DISTINCT enterprise) FROM {MINE} AND {YEAR} = $year - 1 AND {FIRST}",
    "first_loans_sole": f"count(DISTINCT enterprise) FROM {MINE} AND {YEAR} = $year AND first_loan = 1 AND sole = 1",
    "first_loan_rate": (f"count(DISTINCT enterprise) FROM {MINE} AND {YEAR} = $year AND {FIRST}",
                        f"count(DISTINCT enterprise) FROM {MINE} AND {YEAR} = $year AND sole = 0", 10_000),
    "inclusive_regulator": f"sum(balance_fen) FROM {MINE} AND inclusive_regulator = 1",
    "inclusive_central_bank": f"sum(balance_fen) FROM {MINE} AND inclusive_central_bank = 1",
}  # fmt: skip


def _rival(folder: Path, on: date) -> dict[str, Any]:
    import duckdb

    connection, began = duckdb.connect(), time.perf_counter()
    for path in sorted(folder.glob("*.csv")):
        if path.stat().st_size:
            connection.execute(f"CREATE TABLE {path.stem} AS SELECT * FROM read_csv('{path}', sample_size = -1)")
        else:
            connection.execute(f"CREATE TABLE {path.stem} (allowed BIGINT)")
    values = {code: _value(connection, text, on.year) for code, text in SQL.items()}
    return {"values": values, "seconds": time.perf_counter() - began}


def _value(connection: DuckDBPyConnection, text: str | tuple[str, str, int], year: int) -> int | None:
    def one(part: str) -> int:
        row = connection.execute(f"SELECT {part}".replace("$year", str(year))).fetchone()
        assert row is not None
        return int(row[0] or 0)

    if isinstance(text, str):
        return one(text)
    part, whole = one(text[0]), one(text[1])
    return (2 * part * text[2] + whole) // (2 * whole) if whole else None
