"""What institutions feed back: taken row by row, kept in full, and put into the records of the sharing list."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from xinqiao.catalogue.types import Item
from xinqiao.evidence.actions import record
from xinqiao.ingest.actions import Upload, receive
from xinqiao.ingest.types import Outcome
from xinqiao.kernel.canonical import canonical_bytes, sha256_hex
from xinqiao.kernel.dated import beijing_day
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.kernel.money import format_fen
from xinqiao.lending import queries
from xinqiao.lending.applications import disbursed
from xinqiao.lending.models import ApplicationRow, LoanReportRow, LoanRow
from xinqiao.lending.papers import read_reports, report_document
from xinqiao.lending.refusals import WrongReport
from xinqiao.lending.rules import SECURES
from xinqiao.lending.types import (
    LOAN_TOLD,
    LOANS_RECORDED,
    LOANS_REPORTED,
    LoanReport,
)
from xinqiao.parties.queries import get_organisation
from xinqiao.plumbing.locks import hold_name
from xinqiao.release.queries import list_accesses
from xinqiao.sharing.queries import current_list

MOST_ROWS = 5_000
BEFORE_LENDING = frozenset({"pre_loan", "approval", "guarantee"})
LINE, LOAN, REPAYMENT = "financing.credit_line", "financing.loan", "financing.repayment"
TOGETHER = 20_000


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a delivery of reports: how many were new, changed, the same as before; every fault of the rest."""

    new: int
    changed: int
    same: int
    problems: tuple[Problem, ...]


def report_loans(
    rows: Sequence[Mapping[str, Any]], *, institution: str, yuan: bool = False, actor: str, now: datetime
) -> Taken:
    """Take what an institution feeds back; rows without fault are taken, whatever is wrong with others.

    A receipt known already is continued or corrected; the same again changes nothing. Raises WrongReport when no row
    can be taken, PartyNotFound.
    """
    name = get_organisation(institution).name
    if not 1 <= len(rows) <= MOST_ROWS:
        message = Phrase("一次 1 至 {most} 行", most=MOST_ROWS)
        raise WrongReport([Problem(field="rows", code="lending.rows", message=message)])
    reports, problems = read_reports(rows, today=beijing_day(now), yuan=yuan)
    reports, moved = _of_the_same(reports, rows, institution)
    problems += moved
    if not reports:
        raise WrongReport(problems)
    counts = {"new": 0, "changed": 0, "same": 0}
    with transaction.atomic():
        hold_name(f"lending.reports {institution}")
        for report in reports:
            counts[_take(report, institution, actor, now)] += 1
        if counts["new"] or counts["changed"]:
            digests = sorted(sha256_hex(canonical_bytes(report_document(r))) for r in reports)
            body = {**counts, "institution": name, "reports_sha256": sha256_hex(canonical_bytes(digests))}
            record(LOANS_REPORTED, actor=actor, subject=institution, body=body, now=now)
    return Taken(**counts, problems=tuple(problems))


def _of_the_same(
    reports: list[LoanReport], rows: Sequence[Mapping[str, Any]], institution: str
) -> tuple[list[LoanReport], list[Problem]]:
    """Without reports that would move a loan to another enterprise: it stands in somebody's records already."""
    receipts = [r.receipt_no for r in reports]
    known = LoanRow.objects.filter(institution=institution, receipt_no__in=receipts)
    owners = dict(known.values_list("receipt_no", "enterprise"))
    moved = {r.receipt_no for r in reports if owners.get(r.receipt_no, r.enterprise) != r.enterprise}
    says = Phrase("该借据已登记在另一家企业名下；请结清原借据，另报一笔")
    problems = [
        Problem(field="enterprise", code="lending.moved", message=says, row=number)
        for number, row in enumerate(rows, 1)
        if str(row.get("receipt_no", "")).strip() in moved
    ]
    return [r for r in reports if r.receipt_no not in moved], problems


def _take(report: LoanReport, institution: str, actor: str, now: datetime) -> str:
    written = canonical_bytes(report_document(report))
    digest = sha256_hex(written)
    row = LoanRow.objects.select_for_update().filter(institution=institution, receipt_no=report.receipt_no).first()
    if row is not None:
        last = row.reports.order_by("-id").first()
        if last and last.sha256 == digest:
            return "same"
    values = asdict(report) | {"reported_at": now, "attributed": _attributed(report, institution)}
    if row is None:
        row = LoanRow.objects.create(institution=institution, first_reported_at=now, **values)
        found = "new"
    else:
        for name, value in values.items():
            setattr(row, name, value)
        row.save()
        found = "changed"
    told = {"institution": institution, "receipt_no": report.receipt_no, "report_sha256": digest}
    entry = record(LOAN_TOLD, actor=actor, subject=report.enterprise, body=told, now=now).id
    LoanReportRow.objects.create(
        loan=row, document=written.decode(), sha256=digest, reported_at=now, actor=actor, entry=entry
    )
    _move_application(report, institution, actor, now)
    return found


def _attributed(report: LoanReport, institution: str) -> str:
    """The application or the authorised read before the drawdown by which the loan counts as the platform's.

    Nothing that came after the drawdown counts, nothing older than the window, no application that the enterprise did
    not authorise, and no read for watching a loan that runs.
    """
    window = timedelta(days=queries.lending_rules().attribution_days)
    applied = ApplicationRow.objects.filter(
        institution=institution, enterprise=report.enterprise, steps__event="authorise"
    ).distinct()
    for row in sorted(applied, key=lambda row: (row.id != report.application, row.made_at)):
        if timedelta() <= report.drawn_on - beijing_day(row.made_at) <= window:
            return str(row.id)
    for access in list_accesses(enterprise=report.enterprise, recipient=institution, allowed=True, limit=200):
        days = report.drawn_on - beijing_day(access.at)
        if access.authorisation and access.purpose in BEFORE_LENDING and timedelta() <= days <= window:
            return access.id
    return ""


def _move_application(report: LoanReport, institution: str, actor: str, now: datetime) -> None:
    if not report.application:
        return
    row = (
        ApplicationRow.objects.select_for_update()
        .filter(id=report.application, institution=institution, enterprise=report.enterprise)
        .first()
    )
    if row:
        disbursed(row, actor=actor, now=now)


def record_loans(*, now: datetime) -> int:
    """Put reports that wait into the records, as deliveries of the access institutions; returns how many.

    Only items on the list in force are written; a report is marked in the transaction in which it is evidenced, so
    that after a crash the same bytes are delivered again and change nothing.
    """
    waiting = list(LoanReportRow.objects.filter(recorded="").select_related("loan").order_by("id")[:TOGETHER])
    if not waiting:
        return 0
    listed = {item.code: item for item in current_list()}
    names: dict[str, str] = {}
    deliveries = []
    for code, rows_of in ((LINE, _lines), (LOAN, _drawdowns), (REPAYMENT, _statuses)):
        if code not in listed:
            continue
        rows = [
            row
            for w in waiting
            for row in rows_of(queries.read_document(w.document), _name(w.loan.institution, names), w.reported_at)
        ]
        if rows:
            deliveries.append(_deliver(listed[code], rows, f"{waiting[0].pk}-{waiting[-1].pk}", now))
    numbers = [made.delivery for made in deliveries]
    with transaction.atomic():
        LoanReportRow.objects.filter(id__in=[w.pk for w in waiting]).update(recorded=",".join(numbers)[:60] or "-")
        returned = sum(made.delivered - made.accepted for made in deliveries)
        body = {"reports": len(waiting), "deliveries": numbers, "returned": returned}
        record(LOANS_RECORDED, actor="system:lending", subject="node", body=body, now=now)
    return len(waiting)


def _name(institution: str, names: dict[str, str]) -> str:
    if institution not in names:
        names[institution] = get_organisation(institution).name
    return names[institution]


def _lines(report: LoanReport, institution: str, at: datetime) -> Iterable[dict[str, str]]:
    yield {
        "uscc": report.enterprise,
        "line_no": report.credit_no,
        "institution": institution,
        "limit_fen": format_fen(report.limit_fen),
        "granted_on": (report.approved_on or report.drawn_on).isoformat(),
        "ends_on": report.due_on.isoformat(),
        "guarantee": _secured(report),
    }


def _drawdowns(report: LoanReport, institution: str, at: datetime) -> Iterable[dict[str, str]]:
    yield {
        "uscc": report.enterprise,
        "receipt_no": report.receipt_no,
        "institution": institution,
        "amount_fen": format_fen(report.amount_fen),
        "rate_percent": f"{report.rate_bp // 100}.{report.rate_bp % 100:02d}",
        "guarantee": _secured(report),
        "first_loan": "是" if report.first_loan else "否",
        "renewal": "是" if report.renewal else "否",
        "drawn_on": report.drawn_on.isoformat(),
        "due_on": report.due_on.isoformat(),
    }


def _statuses(report: LoanReport, institution: str, at: datetime) -> Iterable[dict[str, str]]:
    yield {
        "uscc": report.enterprise,
        "receipt_no": report.receipt_no,
        "month": f"{beijing_day(at):%Y%m}",
        "balance_fen": format_fen(report.balance_fen),
        "overdue_fen": format_fen(report.overdue_fen),
        "five_class": report.five_class.label,
    }


def _secured(report: LoanReport) -> str:
    """The word of the item for what secures a loan; other kinds of security are called combined."""
    secures = SECURES.get(report.guarantee)
    return secures.label if secures else "组合"


def _deliver(item: Item, rows: list[dict[str, str]], number: str, now: datetime) -> Outcome:
    out = io.StringIO(newline="")
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(out, names, restval="", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    upload = Upload(f"loans-{number}.csv", out.getvalue().encode())
    return receive(item, [upload], provider=item.department.code, actor="system:lending", now=now)
