"""The rows that numbers are made of, gathered from the contexts that hold them.

Enterprises stand under keyed digests: rows can be counted, joined with each other and taken out, and name nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

import pyarrow as pa

from xinqiao.consent.queries import first_given
from xinqiao.effectiveness.types import Row, Rows, Table
from xinqiao.evaluation.population import population
from xinqiao.evaluation.types import NoRun
from xinqiao.kernel.dated import beijing_day
from xinqiao.kernel.divisions import DivisionTable
from xinqiao.lending.definitions import in_force, is_inclusive
from xinqiao.lending.queries import application_history, lending_rules, loans_known
from xinqiao.lending.types import Loan, LoanReport
from xinqiao.matching.queries import list_products
from xinqiao.parties.queries import list_enterprises, list_organisations
from xinqiao.parties.types import EnterpriseFacts, OrganisationKind
from xinqiao.plumbing.blind_index import blind_index
from xinqiao.plumbing.settings import content_dir
from xinqiao.quality.queries import list_sources
from xinqiao.quality.types import SourceState
from xinqiao.release.queries import authorised_reads_by_month
from xinqiao.sharing.queries import current_list

USE = "effectiveness.enterprise"
SOLE = "92"  # individual businesses, by the first two digits of the code
PAGE = 5_000
BIG = ("large", "medium")  # a first-loan enterprise is small or micro, or an individual business


class Places:
    """Division, size and reporting unit of enterprises."""

    def __init__(self, now: datetime) -> None:
        self.table = DivisionTable.load(content_dir() / "divisions.toml")
        try:
            found, _ = population([], now=now)
        except NoRun:
            found = pa.table({name: pa.array([], pa.string()) for name in ("code", "division", "size_class")})
        names = ("code", "division", "size_class")
        columns = [found.column(name).to_pylist() for name in names]
        self._known = {code: (division, size) for code, division, size in zip(*columns, strict=True)}

    def of(self, enterprise: str) -> tuple[str, str, str]:
        """County in force today, reporting unit and size; the code's own division where nothing is evaluated."""
        division, size = self._known.get(enterprise, (None, None))
        county = self.table.current(division or enterprise[2:8])
        return county, self.table.reporting_unit(county), size if size and size != "unknown" else ""


def gather(*, now: datetime) -> dict[Table, Rows]:
    """Every table as it is known at an instant."""
    on, places = beijing_day(now), Places(now)
    loans = loans_known(at=now)
    applications = application_history()
    firms = _firms()
    return {
        Table.ENTERPRISES: _enterprises(firms, applications, [x for x, _ in loans if x.attributed], places),
        Table.LOANS: _loans(loans, places, on),
        Table.APPLICATIONS: _applications(applications),
        Table.OFFICIAL: [],
        Table.COUNTIES: _counties(firms, places),
        Table.SOURCES: _sources(on, now),
        Table.INSTITUTIONS: _institutions(on),
        Table.ACCESSES: [{"month": m, "purpose": p, "allowed": n} for m, p, n in authorised_reads_by_month()],
    }


def pseudonym(enterprise: str) -> str:
    """Under what an enterprise stands in the rows: the same in every table, and nobody's name."""
    return blind_index(USE, enterprise).hex()


def _firms() -> list[EnterpriseFacts]:
    found: list[EnterpriseFacts] = []
    while page := list_enterprises(after=found[-1].uscc if found else "", limit=PAGE):
        found += page
    return found


def _day(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else ""


def _enterprises(
    firms: list[EnterpriseFacts], applications: list[dict[str, object]], loans: list[Loan], places: Places
) -> Rows:
    given = first_given()
    first: dict[str, dict[str, object]] = {}
    credited: dict[str, date] = {}
    for row in applications:
        code, offered = str(row["enterprise"]), row["offered_on"]
        first.setdefault(code, row)
        if isinstance(offered, date):
            credited[code] = min(credited.get(code, offered), offered)
    drawn: dict[str, Loan] = {}
    for loan in sorted(loans, key=lambda x: x.report.drawn_on):
        drawn.setdefault(loan.report.enterprise, loan)
    return [_enterprise(f, given, first, credited, drawn, places) for f in firms]


def _enterprise(
    firm: EnterpriseFacts,
    given: Mapping[str, datetime],
    first: Mapping[str, Row],
    credited: Mapping[str, date],
    drawn: Mapping[str, Loan],
    places: Places,
) -> Row:
    county, unit, size = places.of(firm.uscc)
    applied, loan = first.get(firm.uscc), drawn.get(firm.uscc)
    since = given.get(firm.uscc)
    return {
        "enterprise": pseudonym(firm.uscc),
        "county": county,
        "unit": unit,
        "size": size,
        "registered_on": _day(beijing_day(firm.registered_at)),
        "authorised_on": _day(beijing_day(since)) if since else "",
        "applied_on": _day(applied["made_on"]) if applied else "",
        "credited_on": _day(credited.get(firm.uscc)),
        "drawn_on": _day(loan.report.drawn_on) if loan else "",
        "institution": loan.institution if loan else str(applied["institution"]) if applied else "",
        "first_loan": int(loan.report.first_loan) if loan else "",
    }


def _loans(loans: list[tuple[Loan, LoanReport]], places: Places, on: date) -> Rows:
    rules = lending_rules()
    credit: dict[str, dict[tuple[str, str], int]] = {}
    for loan, report in loans:
        granted = report.limit_fen if in_force(report, on) else 0
        if granted or report.balance_fen:  # what has fallen due and is still owed is credit all the same
            lines = credit.setdefault(report.enterprise, {})
            line = (loan.institution, report.credit_no)
            lines[line] = max(lines.get(line, 0), granted, report.balance_fen)
    first: dict[str, date] = {}
    for _, report in loans:  # of all institutions: a flag that an earlier loan contradicts does not count
        first[report.enterprise] = min(first.get(report.enterprise, report.drawn_on), report.drawn_on)
    rows = []
    for number, (loan, report) in enumerate(loans, 1):
        county, unit, size = places.of(report.enterprise)
        total = sum(credit.get(report.enterprise, {}).values())
        sole = report.enterprise.startswith(SOLE)
        counts = {
            f"inclusive_{name}": int(is_inclusive(rules, name, total_credit_fen=total, size=size, sole=sole, on=on))
            for name in rules.inclusive
        }
        rows.append(
            {
                "loan": number,
                "enterprise": pseudonym(report.enterprise),
                "institution": loan.institution,
                "county": county,
                "unit": unit,
                "size": size,
                "drawn_on": _day(report.drawn_on),
                "due_on": _day(report.due_on),
                "settled_on": _day(report.settled_on),
                "amount_fen": report.amount_fen,
                "balance_fen": report.balance_fen,
                "rate_bp": report.rate_bp,
                "guarantee": str(report.guarantee),
                "sole": int(sole),
                "first_loan": int(
                    report.first_loan and first[report.enterprise] == report.drawn_on and size not in BIG
                ),
                "renewal": int(report.renewal),
                "five_class": str(report.five_class),
                "overdue_days": report.overdue_days,
                "total_credit_fen": total,
                **counts,
                "attributed": int(bool(loan.attributed)),
            }
        )
    return rows


def _applications(history: list[dict[str, object]]) -> Rows:
    days = ("made_on", "authorised_on", "decided_on", "due_on", "drawn_on")
    return [
        {
            "application": number,
            "enterprise": pseudonym(str(row["enterprise"])),
            "institution": row["institution"],
            "path": row["path"],
            **{name: _day(row[name]) for name in days},
            "decision": row["decision"],
            "state": row["state"],
            "reasons": row["reasons"],
        }
        for number, row in enumerate(history, 1)
    ]


def _counties(firms: list[EnterpriseFacts], places: Places) -> Rows:
    counted: dict[str, int] = {}
    for firm in firms:
        county = places.of(firm.uscc)[0]
        counted[county] = counted.get(county, 0) + 1
    return [
        {
            "county": row.code,
            "name": row.names[-1][1],
            "unit": places.table.units.get(row.reporting_unit, row.reporting_unit),
            "registered": counted.get(row.code, 0),
            "covered": int(counted.get(row.code, 0) > 0),
        }
        for row in places.table.counties()
    ]


def _sources(on: date, now: datetime) -> Rows:
    listed = current_list()
    states = list_sources(listed, on=on, known=now)
    return [
        {
            "department": item.department.code,
            "department_name": item.department.name,
            "item": item.code,
            "item_name": item.name,
            "last_on": _day(states[item.code].last_on),
            "covered": int(states[item.code].state is not SourceState.NEVER),
        }
        for item in listed
    ]


def _institutions(on: date) -> Rows:
    offered: dict[str, int] = {}
    for product in list_products(on=on):
        offered[product.institution] = offered.get(product.institution, 0) + 1
    return [
        {
            "institution": o.code,
            "name": o.name,
            "admitted": int(o.admitted),
            "products": offered.get(o.code, 0),
            "covered": int(o.admitted and offered.get(o.code, 0) > 0),
        }
        for o in list_organisations(kind=OrganisationKind.INSTITUTION)
    ]
