"""Reads: applications with their clocks and steps, loans, gaps to put right, lists of declarations."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import islice

from django.db.models import QuerySet

from xinqiao.kernel.dated import beijing_day
from xinqiao.kernel.working_days import WorkCalendar
from xinqiao.lending.models import ApplicationRow, DeclarationRow, LoanReportRow, LoanRow, StepRow
from xinqiao.lending.refusals import UnknownApplication, UnknownDeclaration
from xinqiao.lending.rules import UNDER_WAY, clock_of, load_lending, path_of, turn, worst_by_days
from xinqiao.lending.types import (
    Application,
    ApplicationState,
    Declaration,
    DeclineReason,
    FiveClass,
    Gap,
    GapKind,
    GuaranteeCode,
    LendingRules,
    ListState,
    Loan,
    LoanReport,
    Offer,
    Step,
    ToldReport,
    Turn,
    Verdict,
)
from xinqiao.parties.queries import is_excluded
from xinqiao.plumbing.calendar import work_calendar
from xinqiao.plumbing.settings import content_dir

ORDER = list(FiveClass)


def lending_rules() -> LendingRules:
    """The content's ``lending.toml``; raises InvalidLending."""
    return load_lending(content_dir() / "lending.toml")


def reasons_of(codes: Iterable[str]) -> list[DeclineReason]:
    """Coded reasons with their words; a code that has left the list keeps its code as its word."""
    known = {r.code: r for r in lending_rules().reasons}
    return [known.get(code, DeclineReason(code, code, code, "", "")) for code in codes]


def get_application(application: str, *, enterprise: str | None = None, institution: str | None = None) -> Application:
    """One application; raises UnknownApplication, also for one of another enterprise or institution."""
    return application_facts(row_of(application, enterprise=enterprise, institution=institution))


def row_of(
    application: str, *, enterprise: str | None = None, institution: str | None = None, lock: bool = False
) -> ApplicationRow:
    """The row of an application, locked for a change when asked; raises UnknownApplication."""
    rows = ApplicationRow.objects.select_for_update() if lock else ApplicationRow.objects.all()
    if enterprise is not None:
        rows = rows.filter(enterprise=enterprise)
    if institution is not None:
        rows = rows.filter(institution=institution)
    row = rows.filter(id=application).first()
    if row is None:
        raise UnknownApplication(application=application)
    return row


def list_applications(
    *,
    enterprise: str | None = None,
    institution: str | None = None,
    states: Iterable[ApplicationState] | None = None,
    after: str = "",
    limit: int = 200,
) -> list[Application]:
    """Applications, the newest first; ``after`` is the last one of the page before."""
    rows: QuerySet[ApplicationRow] = ApplicationRow.objects.order_by("-made_at", "-id")
    if enterprise is not None:
        rows = rows.filter(enterprise=enterprise)
    if institution is not None:
        rows = rows.filter(institution=institution)
    if states is not None:
        rows = rows.filter(state__in=list(states))
    if after:
        last = ApplicationRow.objects.filter(id=after).first()
        if last:
            rows = rows.filter(made_at__lte=last.made_at).exclude(made_at=last.made_at, id__gte=last.id)
    return [application_facts(row) for row in rows[:limit]]


def list_steps(application: str) -> list[Step]:
    """What happened to an application, in order."""
    rows = StepRow.objects.filter(application=application).order_by("id")
    return [Step(r.event, ApplicationState(r.state), r.at, r.actor) for r in rows]


def turn_of(application: Application, *, now: datetime, decision_workdays: int | None = None) -> Turn | None:
    """Whose turn an application is and how its clock stands; None where nobody's time runs."""
    promised = decision_workdays if decision_workdays is not None else _promised(application.id)
    clock = clock_of(application.state, lending_rules(), decision_workdays=promised)
    return turn(clock, since=application.since, now=now, calendar=work_calendar())


def _promised(application: str) -> int:
    return int(ApplicationRow.objects.values_list("decision_workdays", flat=True).get(id=application))


def with_turns(applications: Iterable[Application], *, now: datetime) -> list[tuple[Application, Turn | None]]:
    """Applications with their clocks, the least time left first, those without a clock last."""
    listed = list(applications)
    promised = dict(ApplicationRow.objects.filter(id__in=[a.id for a in listed]).values_list("id", "decision_workdays"))
    found = [(a, turn_of(a, now=now, decision_workdays=promised[a.id])) for a in listed]
    return sorted(found, key=lambda pair: (pair[1] is None, pair[1].due_on if pair[1] else date.max))


def overdue_applications(*, now: datetime, limit: int = 200) -> list[tuple[Application, Turn]]:
    """Applications whose clock has run out, for the node: the longest first."""
    rows = ApplicationRow.objects.filter(state__in=UNDER_WAY).order_by("since")[: limit * 5]
    found = [(a, t) for a, t in with_turns(map(application_facts, rows), now=now) if t and t.over]
    return found[:limit]


def application_facts(row: ApplicationRow) -> Application:
    """A stored application as its facts."""
    return Application(
        id=row.id,
        path=path_of(row.renews),
        need=row.need,
        renews=row.renews,
        enterprise=row.enterprise,
        enterprise_name=row.enterprise_name,
        institution=row.institution,
        product=row.product,
        product_version=row.product_version,
        product_name=row.product_name,
        amount_fen=row.amount_fen,
        months=row.months,
        purpose=row.purpose,
        state=ApplicationState(row.state),
        since=row.since,
        made_at=row.made_at,
        request=row.request,
        authorisation=row.authorisation,
        offer=_offer(row.offer),
        reasons=tuple(row.reasons),
        note=row.note,
    )


def _offer(raw: dict[str, object] | None) -> Offer | None:
    if not raw:
        return None
    return Offer(
        amount_fen=int(str(raw["amount_fen"])),
        months=int(str(raw["months"])),
        rate_bp=int(str(raw["rate_bp"])),
        guarantee=GuaranteeCode(raw["guarantee"]),
        note=str(raw["note"]),
        until=date.fromisoformat(str(raw["until"])),
    )


def application_history() -> list[dict[str, object]]:
    """Every application as a line of days: made, authorised, decided and how, due, drawn. For counting, not showing."""
    steps: dict[str, dict[str, datetime]] = {}
    for name, event, at in StepRow.objects.order_by("id").values_list("application_id", "event", "at"):
        steps.setdefault(name, {}).setdefault(event, at)
    rules, days = lending_rules(), work_calendar()
    return [
        _history(row, steps.get(row.id, {}), rules, days) for row in ApplicationRow.objects.order_by("made_at", "id")
    ]


def _history(
    row: ApplicationRow, steps: dict[str, datetime], rules: LendingRules, days: WorkCalendar
) -> dict[str, object]:
    decided = min((at for event, at in steps.items() if event in ("offer", "decline")), default=None)
    authorised = steps.get("authorise")
    wait = rules.clocks[ApplicationState.AUTHORISED].workdays + min(
        rules.clocks[ApplicationState.REPORTED].workdays, row.decision_workdays
    )
    return {
        "application": row.id,
        "enterprise": row.enterprise,
        "institution": row.institution,
        "path": str(path_of(row.renews)),
        "made_on": beijing_day(row.made_at),
        "authorised_on": beijing_day(authorised) if authorised else None,
        "offered_on": beijing_day(steps["offer"]) if "offer" in steps else None,
        "decided_on": beijing_day(decided) if decided else None,
        "decision": ("offer" if steps.get("offer") == decided else "decline") if decided else "",
        "due_on": days.add(beijing_day(authorised), wait).on if authorised else None,
        "drawn_on": beijing_day(steps["disburse"]) if "disburse" in steps else None,
        "state": row.state,
        "reasons": " ".join(row.reasons),
    }


def loans_known(*, at: datetime) -> list[tuple[Loan, LoanReport]]:
    """Every loan with its last report that had come by an instant; later ones are not known yet."""
    last: dict[int, LoanReportRow] = {}
    for report in LoanReportRow.objects.filter(reported_at__lte=at).select_related("loan").order_by("id"):
        last[report.loan_id] = report
    return [(loan_facts(r.loan), read_document(r.document)) for r in last.values()]


def read_document(text: str) -> LoanReport:
    """A report as it was kept."""
    raw = json.loads(text)
    days = {name: date.fromisoformat(raw[name]) if raw[name] else None for name in raw if name.endswith("_on")}
    codes = {"guarantee": GuaranteeCode(raw["guarantee"]), "five_class": FiveClass(raw["five_class"])}
    return LoanReport(**(raw | days | codes))


def list_loans(
    *, institution: str | None = None, enterprise: str | None = None, running: bool = False, limit: int = 500
) -> list[Loan]:
    """Loans as they stand by the last report, the newest drawdown first."""
    rows = LoanRow.objects.order_by("-drawn_on", "-id")
    if institution is not None:
        rows = rows.filter(institution=institution)
    if enterprise is not None:
        rows = rows.filter(enterprise=enterprise)
    if running:
        rows = rows.filter(settled_on=None)
    return [loan_facts(row) for row in rows[:limit]]


def find_loan(receipt_no: str, *, institution: str, enterprise: str) -> Loan | None:
    """The loan of that receipt, institution and enterprise, or None unless all three fit."""
    row = LoanRow.objects.filter(receipt_no=receipt_no, institution=institution, enterprise=enterprise).first()
    return loan_facts(row) if row else None


def list_reports(loan: int) -> list[ToldReport]:
    """Every report of a loan, in the order in which they came."""
    rows = LoanReportRow.objects.filter(loan=loan).order_by("id")
    return [ToldReport(row.document, row.sha256, row.reported_at, row.actor, row.entry) for row in rows]


def loan_facts(row: LoanRow) -> Loan:
    """A stored loan as its facts."""
    return Loan(row.pk, row.institution, report_of(row), row.attributed, row.reported_at, row.first_reported_at)


def report_of(row: LoanRow) -> LoanReport:
    """What the last report of a loan says."""
    return LoanReport(
        row.credit_no, row.receipt_no, row.enterprise, row.product, row.limit_fen, row.amount_fen, row.balance_fen,
        row.rate_bp, GuaranteeCode(row.guarantee), row.applied_on, row.approved_on, row.drawn_on, row.due_on,
        row.settled_on, row.first_loan, row.renewal, FiveClass(row.five_class), row.overdue_days,
        row.overdue_fen, row.purpose_industry, row.division, row.application, row.authorisation,
    )  # fmt: skip


def reconciliation(institution: str, *, now: datetime) -> list[Gap]:
    """What an institution has to feed back or put right today, the oldest first.

    Held against its own loans and applications only: what another institution lent is not its to know.
    """
    today, rules = beijing_day(now), lending_rules()
    found = [*_not_disbursed(institution, today, rules)]
    rows = list(LoanRow.objects.filter(institution=institution))
    applied = {row.id: row for row in ApplicationRow.objects.filter(institution=institution)}
    first: dict[str, date] = {}
    for row in rows:
        first[row.enterprise] = min(first.get(row.enterprise, row.drawn_on), row.drawn_on)
    for row in rows:
        found += _gaps_of(row, today, rules, first[row.enterprise])
        if row.application:
            found += _against_offer(row, applied.get(row.application))
    return sorted(found, key=lambda gap: (gap.since, gap.kind, gap.about))


def _not_disbursed(institution: str, today: date, rules: LendingRules) -> Iterable[Gap]:
    accepted = ApplicationRow.objects.filter(institution=institution, state=ApplicationState.ACCEPTED)
    for row in accepted:
        due = work_calendar().add(beijing_day(row.since), rules.feedback_workdays).on
        if due < today:
            yield Gap(GapKind.NOT_DISBURSED, row.id, row.enterprise, due)


def _gaps_of(row: LoanRow, today: date, rules: LendingRules, first_on: date) -> Iterable[Gap]:
    report = report_of(row)

    def gap(kind: GapKind, since: date, detail: str = "") -> Gap:
        return Gap(kind, report.receipt_no, report.enterprise, since, detail)

    reported = beijing_day(row.reported_at)
    running = report.settled_on is None
    if running and (reported.year, reported.month) < (today.year, today.month):
        yield gap(GapKind.NOT_UPDATED, today.replace(day=1), reported.isoformat())
    at_best = worst_by_days(report.overdue_days, reported, rules)
    if ORDER.index(report.five_class) < ORDER.index(at_best):
        yield gap(GapKind.CLASS_TOO_GOOD, reported, at_best.label)
    if running and report.due_on < today and report.overdue_days == 0 and report.balance_fen:
        yield gap(GapKind.PAST_DUE, report.due_on)
    if report.first_loan and first_on < report.drawn_on:
        yield gap(GapKind.FIRST_LOAN, reported)


def _against_offer(row: LoanRow, applied: ApplicationRow | None) -> Iterable[Gap]:
    report, on = report_of(row), beijing_day(row.reported_at)
    if applied is None or applied.enterprise != report.enterprise:
        yield Gap(GapKind.UNKNOWN_APPLICATION, report.receipt_no, report.enterprise, on, report.application)
        return
    offer = _offer(applied.offer)
    if offer and (report.amount_fen > offer.amount_fen or report.rate_bp > offer.rate_bp):
        yield Gap(GapKind.OVER_OFFER, report.receipt_no, report.enterprise, on, report.application)


def get_declaration(declaration: str, *, enterprise: str | None = None) -> Declaration:
    """One declaration; raises UnknownDeclaration."""
    rows = DeclarationRow.objects.filter(id=declaration)
    row = (rows if enterprise is None else rows.filter(enterprise=enterprise)).first()
    if row is None:
        raise UnknownDeclaration(declaration=declaration)
    return declaration_facts(row)


def list_declarations(
    *,
    enterprise: str | None = None,
    institution: str | None = None,
    state: ListState | None = None,
    on: date | None = None,
    limit: int = 500,
) -> list[Declaration]:
    """Declarations, the newest first; an institution sees recommended ones that name it, while they stand."""
    rows = DeclarationRow.objects.order_by("-declared_at", "-id")
    if enterprise is not None:
        rows = rows.filter(enterprise=enterprise)
    if institution is not None:
        rows = rows.filter(state=ListState.RECOMMENDED)
    if state is not None:
        rows = rows.filter(state=state)
    if on is not None:
        rows = rows.filter(until__gte=on)
    if institution is None:
        return [declaration_facts(row) for row in rows[:limit]]
    if is_excluded(institution):
        return []
    mine = (row for row in rows.iterator() if institution in row.institutions)
    return [declaration_facts(row) for row in islice(mine, limit)]


def declaration_facts(row: DeclarationRow) -> Declaration:
    """A stored declaration as its facts."""
    return Declaration(
        id=row.id,
        enterprise=row.enterprise,
        enterprise_name=row.enterprise_name,
        state=ListState(row.state),
        institutions=tuple(row.institutions),
        tests={code: Verdict(state) for code, state in row.tests.items()},
        notes=dict(row.notes),
        declared_at=row.declared_at,
        decided_by=row.decided_by,
        until=row.until,
        reason=row.reason,
    )


def decision_days(institution: str, *, now: datetime, days: int = 365) -> int | None:
    """Median days an institution took from authorisation to offer or refusal; None with fewer than five decided."""
    steps = StepRow.objects.filter(
        application__institution=institution, at__gte=now - timedelta(days=days), event__in=("offer", "decline")
    )
    begun = dict(
        StepRow.objects.filter(application__institution=institution, event="authorise").values_list(
            "application_id", "at"
        )
    )
    taken = sorted((s.at - begun[s.application_id]).days for s in steps if s.application_id in begun)
    return taken[len(taken) // 2] if len(taken) >= 5 else None
