"""Reads of proceedings, steps, papers and acts: facts, never rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, fields
from datetime import date, datetime
from typing import Any

from django.db.models import F, Q, QuerySet

from xinqiao.kernel.canonical import canonical_bytes, read_json
from xinqiao.kernel.dated import beijing_day
from xinqiao.lending.queries import find_loan, list_loans
from xinqiao.lending.types import Loan
from xinqiao.parties.queries import get_organisation
from xinqiao.plumbing.settings import content_dir
from xinqiao.settlement.checks import Filing, check_filing
from xinqiao.settlement.connections import list_connections
from xinqiao.settlement.content import load_settlement, with_connections
from xinqiao.settlement.models import ActRow, BodyRow, LineRow, PaperRow, ProceedingRow, StepRow
from xinqiao.settlement.refusals import InvalidBodies, UnknownPaper, UnknownProceeding
from xinqiao.settlement.types import (
    About,
    Body,
    BodyHealth,
    CheckLine,
    Guarantor,
    Paper,
    PaperKind,
    Payment,
    Proceeding,
    ProceedingKind,
    ProceedingState,
    Sending,
    SendState,
    Side,
    Step,
    Terms,
)
from xinqiao.settlement.words import SettlementRules
from xinqiao.vault.keeping import read_sealed
from xinqiao.vault.sealing import open_with, subject_keys
from xinqiao.vault.types import Sealing, enterprise_subject

APART = ("kind", "about", "state", "terms", "presence")
PLAIN = tuple(f.name for f in fields(Proceeding) if f.name not in APART)
ASKED = ("propose", "file")  # the steps by which an enterprise comes to know of a proceeding


def settlement_rules() -> SettlementRules:
    """The content's ``settlement.toml``, its bodies marked that are connected.

    A wrong file of connections marks none: it stops the messenger, which says so, not those who draft and decide.
    """
    rules = load_settlement(content_dir() / "settlement.toml")
    try:
        connected = [one.code for one in list_connections()]
    except InvalidBodies:
        connected = []
    return with_connections(rules, connected)


def find_body(code: str) -> Body | None:
    """A body by the code of its organisation."""
    return next((one for one in settlement_rules().bodies if one.code == code), None)


def list_proceedings(
    *,
    institution: str | None = None,
    enterprise: str | None = None,
    body: str | None = None,
    limit: int = 200,
) -> list[Proceeding]:
    """Proceedings, the newest first. An enterprise sees its own once it was asked, a body what was brought to it."""
    rows: QuerySet[ProceedingRow] = ProceedingRow.objects.order_by("-made_at", "-id")
    return facts_of(_seen_by(rows, institution, enterprise, body)[:limit])


def get_proceeding(
    proceeding: str, *, institution: str | None = None, enterprise: str | None = None, body: str | None = None
) -> Proceeding:
    """One proceeding; raises UnknownProceeding, also for another party's."""
    return facts_of([row_of(proceeding, institution=institution, enterprise=enterprise, body=body)])[0]


def row_of(
    proceeding: str,
    *,
    institution: str | None = None,
    enterprise: str | None = None,
    body: str | None = None,
    lock: bool = False,
) -> ProceedingRow:
    """The row, locked for a change when asked; raises UnknownProceeding."""
    rows = ProceedingRow.objects.select_for_update() if lock else ProceedingRow.objects.all()
    row = _seen_by(rows.filter(id=proceeding), institution, enterprise, body).first()
    if row is None:
        raise UnknownProceeding(proceeding=proceeding)
    return row


def _seen_by(
    rows: QuerySet[ProceedingRow], institution: str | None, enterprise: str | None, body: str | None
) -> QuerySet[ProceedingRow]:
    if institution is not None:
        rows = rows.filter(institution=institution)
    if enterprise is not None:
        rows = _asked(rows.filter(enterprise=enterprise))
    if body is not None:
        brought = ActRow.objects.filter(body=body, state=SendState.SENT).values("proceeding")
        rows = rows.filter(Q(body=body) | Q(court=body), id__in=brought)
    return rows


def _asked(rows: QuerySet[ProceedingRow]) -> QuerySet[ProceedingRow]:
    """Those that left the institution's desk: no drafts, and none that were withdrawn as drafts."""
    asked = StepRow.objects.filter(event__in=ASKED).values("proceeding")
    return rows.exclude(state=ProceedingState.DRAFT).filter(id__in=asked)


def facts_of(rows: Iterable[ProceedingRow]) -> list[Proceeding]:
    """Rows as facts; terms whose key was destroyed are empty."""
    listed = list(rows)
    keys = subject_keys({enterprise_subject(row.enterprise) for row in listed})
    return [_facts(row, keys) for row in listed]


def _facts(row: ProceedingRow, keys: dict[str, Any]) -> Proceeding:
    plain = {name: getattr(row, name) for name in PLAIN}
    entry = Sealing(enterprise_subject(row.enterprise), terms_place(row.id), sealed=row.terms)
    sealed = open_with(keys, entry) if row.terms else None
    seen = Sealing(enterprise_subject(row.enterprise), presence_place(row.id), sealed=row.presence)
    presence = open_with(keys, seen) if row.presence else None
    return Proceeding(
        **plain,
        presence=(presence or b"").decode(),
        kind=ProceedingKind(row.kind),
        about=About(row.about),
        state=ProceedingState(row.state),
        terms=read_terms(sealed) if sealed else Terms(),
    )


def is_erased(row: ProceedingRow) -> bool:
    """Whether the enterprise's key was destroyed after the proceeding was begun: its terms cannot be read again."""
    subject = enterprise_subject(row.enterprise)
    entry = Sealing(subject, terms_place(row.id), sealed=row.terms)
    return bool(row.terms) and open_with(subject_keys([subject]), entry) is None


def presence_place(proceeding: str) -> str:
    """The place that sealed words about the debtor's presence are bound to."""
    return f"proceeding:{proceeding}:presence"


def terms_place(proceeding: str) -> str:
    """The place that sealed terms are bound to."""
    return f"proceeding:{proceeding}:terms"


def terms_bytes(terms: Terms) -> bytes:
    """Terms as canonical JSON."""
    plain = asdict(terms)
    plain["counted_on"] = terms.counted_on.isoformat() if terms.counted_on else ""
    plain["payments"] = [{**asdict(one), "due_on": one.due_on.isoformat()} for one in terms.payments]
    return canonical_bytes(plain)


def read_terms(data: bytes) -> Terms:
    """Terms out of their canonical JSON."""
    raw = read_json(data)
    raw["counted_on"] = date.fromisoformat(raw["counted_on"]) if raw["counted_on"] else None
    raw["payments"] = tuple(Payment(**{**one, "due_on": date.fromisoformat(one["due_on"])}) for one in raw["payments"])
    raw["guarantors"] = tuple(Guarantor(**one) for one in raw["guarantors"])
    return Terms(**raw)


def list_steps(proceeding: Proceeding) -> list[Step]:
    """What happened, in order; what was told is empty once the enterprise's key was destroyed."""
    subject = enterprise_subject(proceeding.enterprise)
    keys = subject_keys([subject])
    steps = []
    for row in StepRow.objects.filter(proceeding=proceeding.id).order_by("number"):
        told = open_with(keys, Sealing(subject, step_place(proceeding.id, row.number), sealed=row.told))
        said = read_json(told) if told else {}
        steps.append(
            Step(
                row.number, row.event, ProceedingState(row.state), row.at, Side(row.side), row.actor,
                said.get("reason", ""), said.get("facts", {}), row.statement_sha256, row.entry,
            )
        )  # fmt: skip
    return steps


def step_place(proceeding: str, number: int) -> str:
    """The place that what a step told is bound to."""
    return f"proceeding:{proceeding}:step:{number}"


def list_papers(proceeding: str) -> list[Paper]:
    """The papers, in order of arrival."""
    return [paper_facts(row) for row in PaperRow.objects.filter(proceeding=proceeding).order_by("id")]


def read_paper(proceeding: Proceeding, paper: int) -> tuple[Paper, bytes]:
    """A paper with its bytes; raises UnknownPaper, also once the enterprise's key was destroyed."""
    row = PaperRow.objects.filter(proceeding=proceeding.id, id=paper).first()
    if row is None:
        raise UnknownPaper(paper=paper)
    subject = enterprise_subject(proceeding.enterprise)
    data = read_sealed(subject, row.path, place=paper_place(proceeding.id, row.sha256))
    if data is None:
        raise UnknownPaper(paper=paper)
    return paper_facts(row), data


def paper_place(proceeding: str, sha256: str) -> str:
    """The place that a paper's bytes are bound to."""
    return f"proceeding:{proceeding}:paper:{sha256}"


def paper_facts(row: PaperRow) -> Paper:
    """Facts of a row."""
    return Paper(
        row.pk, PaperKind(row.kind), row.name, row.sha256, row.sm3, row.size, Side(row.side), row.number, row.at,
        row.entry,
    )  # fmt: skip


def list_sendings(proceeding: str) -> list[Sending]:
    """The acts of a proceeding on their way, in order."""
    rows = ActRow.objects.filter(proceeding=proceeding).order_by("step", "made_at")
    return [sending_facts(row) for row in rows]


def sending_facts(row: ActRow) -> Sending:
    """Facts of a row."""
    return Sending(
        row.id, row.proceeding_id, row.body, row.act, SendState(row.state), row.attempts, row.next_at, row.said,
        row.receipt_sha256, row.made_at,
    )  # fmt: skip


def loan_of(found: Proceeding) -> Loan | None:
    """The loan of a proceeding as last fed back: by its receipt, else the one drawn under its application."""
    if found.receipt_no:
        return find_loan(found.receipt_no, institution=found.institution, enterprise=found.enterprise)
    loans = list_loans(institution=found.institution, enterprise=found.enterprise)
    return next((one for one in loans if one.report.application == found.number), None)


def list_about(numbers: Iterable[str], *, institution: str, enterprise: str) -> list[Proceeding]:
    """Proceedings about a loan or application by any of its numbers, mere drafts apart, the oldest first."""
    wanted = list(numbers)
    rows = ProceedingRow.objects.filter(Q(number__in=wanted) | Q(receipt_no__in=wanted), enterprise=enterprise)
    rows = _asked(rows.filter(institution=institution))
    return facts_of(rows.order_by("made_at", "id"))


def filing_of(found: Proceeding, *, today: date, court: str = "") -> Filing:
    """All that the checks of a proceeding look at."""
    rules = settlement_rules()
    bodies = {one.code: one for one in rules.bodies}
    loan = loan_of(found)
    same = Q(number=found.number)
    if loan is not None:
        same |= Q(receipt_no=loan.report.receipt_no)
        if loan.report.application:
            same |= Q(number=loan.report.application)
    others = ProceedingRow.objects.filter(same, institution=found.institution, enterprise=found.enterprise)
    return Filing(
        proceeding=found,
        loan=loan,
        papers=frozenset(one.kind for one in list_papers(found.id)),
        body=bodies.get(found.body),
        court=bodies.get(court or found.court),
        lender_code=get_organisation(found.institution).uscc,
        others=tuple(facts_of(others.exclude(id=found.id))),
        today=today,
        rules=rules,
    )


def checks_before(
    found: Proceeding, events: Iterable[str], *, now: datetime, court: str = ""
) -> dict[str, list[CheckLine]]:
    """What the checks before each of these steps say now; what they look at is read once."""
    filing = filing_of(found, today=beijing_day(now), court=court)
    return {event: check_filing(filing, event) for event in events}


def bodies_health() -> list[BodyHealth]:
    """How each connected body answers."""
    told = {row.code: row for row in BodyRow.objects.all()}
    lines = LineRow.objects.exclude(trouble="").order_by("-pk")
    troubles = dict(lines.values_list("body", "trouble"))  # of the oldest: it stays told while others go well
    found = []
    for body in settlement_rules().bodies:
        waiting = ActRow.objects.filter(body=body.code, state=SendState.WAITING).order_by("made_at")
        row = told.get(body.code)
        oldest = waiting.values_list("made_at", flat=True).first()
        answered, trouble = (row.answered_at, row.trouble) if row else (None, "")
        trouble = troubles.get(body.code, trouble)
        found.append(BodyHealth(body, waiting.count(), oldest, answered, trouble))
    return found


def with_due(limit: int = 200) -> list[Proceeding]:
    """Proceedings for the node, the least time left first."""
    rows = ProceedingRow.objects.order_by(F("due_on").asc(nulls_last=True), "-made_at", "id")
    return facts_of(rows.exclude(state=ProceedingState.DRAFT)[:limit])
