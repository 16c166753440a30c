"""Indicators of the province written by hand as DuckDB SQL: the rival of ``province_batch``, and what it is checked by.

One grouped query an item over its files, for the day and instant of the view, as a good analyst would write them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from xinqiao.kernel.dated import add_months

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

REGISTRY = "registration.basic"


def _percent(part: str, whole: str) -> str:
    return f"CASE WHEN {whole} > 0 THEN least(({part})::HUGEINT * 100.0 / {whole}, 99999) END"


def _paid(months: str) -> str:
    return _percent(f"sum(paid_fen) FILTER ({months})", f"sum(due_fen) FILTER ({months})")


def _change(value: str, recent: str, before: str) -> str:
    old = f"avg({value}) FILTER ({before})"
    return f"CASE WHEN {old} > 0 THEN least((avg({value}) FILTER ({recent}) - {old}) * 100.0 / {old}, 99999) END"


M3, M6, M12, M24 = (f"WHERE month > $m{n} AND month <= $day" for n in (3, 6, 12, 24))
M12_15, M12_18, M6_12, M12_24 = (
    f"WHERE month > $m{far} AND month <= $m{near}" for near, far in ((12, 15), (12, 18), (6, 12), (12, 24))
)
UNPAID = f"count(*) FILTER ({M12} AND paid_fen < due_fen)"

# Item → indicator → SQL over its rows. Where an item is a complete list, no row means none.
QUERIES: Mapping[str, Mapping[str, str]] = {
    REGISTRY: {
        "identity.age_months": "max(datediff('month', registered_on, $day) - (day(registered_on) > day($day))::INT)",
        "identity.capital_fen": "max(capital_fen) FILTER (WHERE capital_currency = 'CNY')",
    },
    "registration.changes": {
        "identity.changes_24m": "count(*) FILTER (WHERE changed_on > $m24 AND changed_on <= $day)",
    },
    "tax.payment": {
        "operation.sales_12m_fen": f"sum(sales_fen) FILTER ({M12})",
        "operation.sales_change_percent": _change("sales_fen", M12, M12_24),
        "operation.active_months_12m": f"count(*) FILTER ({M12} AND sales_fen > 0)",
        "operation.worst_month_percent": _percent(
            f"min(sales_fen) FILTER ({M12}) * count(sales_fen) FILTER ({M12})", f"sum(sales_fen) FILTER ({M12})"
        ),
        "operation.tax_paid_12m_fen": f"sum(paid_fen) FILTER ({M12})",
        "fulfilment.tax_paid_percent": _paid(M12),
        "fulfilment.tax_arrears_12m_fen": f"sum(arrears_fen) FILTER ({M12})",
        "fulfilment.tax_unpaid_months": UNPAID,
    },
    "social.insurance": {
        "operation.insured_persons": f"max_by(insured_persons, month) FILTER ({M12})",
        "operation.insured_change_percent": _change("insured_persons", M3, M12_15),
        "fulfilment.premium_paid_percent": _paid(M12),
        "fulfilment.premium_unpaid_months": UNPAID,
    },
    "utility.electricity": {
        "operation.kwh_change_percent": _change("used_kwh", M6, M12_18),
        "fulfilment.electricity_paid_percent": _paid(M12),
        "fulfilment.electricity_unpaid_months": UNPAID,
    },
    "tax.invoices": {
        "operation.invoiced_12m_fen": f"sum(invoiced_fen) FILTER ({M12})",
        "operation.invoice_change_percent": _change("invoiced_fen", M6, M6_12),
        "operation.buyers": f"max_by(buyers, month) FILTER ({M6} AND buyers IS NOT NULL)",
    },
    "housing.fund": {
        "operation.fund_depositors": f"max_by(depositors, month) FILTER ({M12})",
        "fulfilment.fund_unpaid_months": UNPAID,
    },
    "social.medical": {"fulfilment.medical_paid_percent": _paid(M12)},
    "utility.water": {"fulfilment.water_paid_percent": _paid(M12)},
    "penalty.decision": {
        "public_credit.penalties_24m": "count(*) FILTER (WHERE decided_on > $m24 AND decided_on <= $day)",
    },
}
NONE_IS_ZERO = ("identity.changes_24m", "public_credit.penalties_24m")
INDICATORS = [code for columns in QUERIES.values() for code in columns]


def compute(
    db: DuckDBPyConnection, files: Mapping[str, Sequence[str]], *, day: date, known: datetime, out: str
) -> None:
    """Write the values of every registered enterprise into one Parquet file."""
    months = {f"m{n}": add_months(day, -n) for n in (3, 6, 12, 15, 18, 24)}
    names = [item for item in QUERIES if files.get(item)]
    for item in names:
        columns = ", ".join(f'{sql} AS "{code}"' for code, sql in QUERIES[item].items())
        text = (
            f'CREATE TEMP TABLE "{item}" AS SELECT _enterprise, {columns} FROM read_parquet($files) '
            "WHERE _recorded_at <= $known AND _op = 'put' AND (_occurred_on IS NULL OR _occurred_on <= $day) "
            "GROUP BY _enterprise"
        )
        given = {"day": day, "known": known, "files": list(files[item]), **months}
        db.execute(text, {name: value for name, value in given.items() if f"${name}" in text})
    chosen = [_chosen(code) for item in names for code in QUERIES[item]]
    joins = " ".join(f'LEFT JOIN "{item}" USING (_enterprise)' for item in names if item != REGISTRY)
    db.execute(
        f"COPY (SELECT _enterprise, {', '.join(chosen)} FROM \"{REGISTRY}\" {joins}) TO '{out}' (FORMAT parquet)"
    )
    for item in names:
        db.execute(f'DROP TABLE "{item}"')


def _chosen(code: str) -> str:
    return f'coalesce("{code}", 0) AS "{code}"' if code in NONE_IS_ZERO else f'"{code}"'
