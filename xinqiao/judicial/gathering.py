"""What the node holds about a matter, gathered into pieces of material.

A collector is a function from a matter to pieces; a further context (disputes …) hands in its own by one more entry in
``COLLECTORS``. A collector only reads, and says of each piece which log entry tells of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from xinqiao.consent.queries import authorisation_as_json
from xinqiao.evidence.queries import list_entries
from xinqiao.evidence.types import EntryFacts
from xinqiao.judicial.gathering_disputes import collect_dispute, dispute_matter
from xinqiao.judicial.gathering_settlement import clauses_of, collect_settlement
from xinqiao.judicial.refusals import UnknownMatter
from xinqiao.judicial.types import Material, Matter, MatterKind, Party, Phase
from xinqiao.kernel.canonical import canonical_bytes
from xinqiao.kernel.errors import NotFound
from xinqiao.lending.queries import find_loan, get_application, list_reports, list_steps, read_document
from xinqiao.lending.types import Application, FiveClass, Loan
from xinqiao.parties.queries import enterprise_names, get_organisation
from xinqiao.release.queries import list_accesses

Collector = Callable[[Matter], Iterable[Material]]
MOST_READS = 100
NODE = "省级节点"


def find_matter(kind: MatterKind, *, enterprise: str, institution: str, number: str) -> Matter:
    """The loan, application or dispute, only if everything said of it fits; raises UnknownMatter."""
    if kind is MatterKind.LOAN:
        loan = find_loan(number, institution=institution, enterprise=enterprise)
        if loan is None:
            raise UnknownMatter()
        return _loan(loan)
    try:
        if kind is MatterKind.DISPUTE:
            return dispute_matter(number, enterprise)
        return _application(get_application(number, enterprise=enterprise, institution=institution or None))
    except NotFound as error:
        raise UnknownMatter() from error


def gather(matter: Matter) -> list[Material]:
    """All pieces, by stage of the business and then by time."""
    found = [piece for collect in COLLECTORS for piece in collect(matter)]
    order = list(Phase)
    return sorted(found, key=lambda piece: (order.index(piece.phase), piece.collected_at, piece.stem))


def _loan(loan: Loan) -> Matter:
    report = loan.report
    facts: dict[str, object] = {
        "contract_no": report.credit_no,
        "product": report.product,
        "limit_fen": report.limit_fen,
        "amount_fen": report.amount_fen,
        "balance_fen": report.balance_fen,
        "rate_bp": report.rate_bp,
        "guarantee": report.guarantee.label,
        "approved_on": _day(report.approved_on),
        "drawn_on": _day(report.drawn_on),
        "due_on": _day(report.due_on),
        "settled_on": _day(report.settled_on),
        "five_class": report.five_class.label,
        "overdue_days": report.overdue_days,
        "overdue_fen": report.overdue_fen,
        "application": report.application,
        "authorisation": report.authorisation or _authorisation_of(report.application),
        **clauses_of(
            tuple(n for n in (report.receipt_no, report.application) if n),
            institution=loan.institution,
            enterprise=report.enterprise,
        ),
    }
    return Matter(
        kind=MatterKind.LOAN,
        number=report.receipt_no,
        enterprise=report.enterprise,
        institution=loan.institution,
        parties=_parties(report.enterprise, loan.institution),
        facts=facts,
        authorisation=str(facts["authorisation"]),
        application=report.application,
        from_on=report.applied_on or report.drawn_on,
        to_on=report.settled_on,
    )


def _application(made: Application) -> Matter:
    facts: dict[str, object] = {
        "product": made.product_name,
        "asked_fen": made.amount_fen,
        "months": made.months,
        "purpose": made.purpose,
        "state": made.state.label,
        "made_at": made.made_at.isoformat(),
        "authorisation": made.authorisation,
        **clauses_of((made.id,), institution=made.institution, enterprise=made.enterprise),
    }
    return Matter(
        kind=MatterKind.APPLICATION,
        number=made.id,
        enterprise=made.enterprise,
        institution=made.institution,
        parties=_parties(made.enterprise, made.institution),
        facts=facts,
        authorisation=made.authorisation,
        application=made.id,
        from_on=None,
        to_on=None,
    )


def _parties(enterprise: str, institution: str) -> tuple[Party, ...]:
    lender = get_organisation(institution)
    name = enterprise_names([enterprise]).get(enterprise, "")
    return (Party("出借方", lender.name, lender.uscc), Party("借款方", name, enterprise))


def _authorisation_of(application: str) -> str:
    if not application:
        return ""
    try:
        return get_application(application).authorisation
    except NotFound:
        return ""


def _day(value: Any) -> str:
    return value.isoformat() if value else ""


def _consent(matter: Matter) -> Iterator[Material]:
    """The authorisation as signed, the exact text that was shown, and what became of it."""
    if not matter.authorisation:
        return
    try:
        paper = authorisation_as_json(matter.authorisation)
    except NotFound:
        return
    document = paper["document"]
    if document["subject"] != matter.enterprise:  # an institution may have written another firm's number
        return
    about = {"authorisation": document["id"], "source": "授权管理", "collector": f"person:{document['signatory']}"}
    granted = datetime.fromisoformat(document["valid_from"])
    yield Material(
        Phase.AUTHORISED, "授权书全文（签署人所见）", "authorisation-text", "txt", document["text"].encode(),
        granted, entries=(document["entry"],), bound="text_sha256", **about,
    )  # fmt: skip
    yield Material(
        Phase.AUTHORISED, "授权书（各项内容与节点签名）", "authorisation", "json", canonical_bytes(paper), granted,
        entries=(document["entry"],), **about,
    )  # fmt: skip
    history = [
        *_about(matter, "consent.shown", request=document["request"]),
        *_about(matter, "consent.withdrawn", authorisation=document["id"]),
        *_about(matter, "consent.expired", authorisation=document["id"]),
        *_about(matter, "consent.superseded", authorisation=document["id"]),
    ]
    if history:
        yield _told(Phase.AUTHORISED, "授权书展示、撤回与到期记录", "authorisation-history", history, about)


def _application_steps(matter: Matter) -> Iterator[Material]:
    """Each step of the application with its time; the offer, its acceptance."""
    if not matter.application:
        return
    try:
        made = get_application(matter.application, enterprise=matter.enterprise)
    except NotFound:
        return
    codes = ("lending.opted_in", "lending.offered", "lending.moved_on", "lending.declined")
    entries = [e for code in codes for e in _about(matter, code, application=made.id)]
    steps = [
        {"event": s.event, "state": s.state.label, "at": s.at.isoformat(), "by": s.actor} for s in list_steps(made.id)
    ]
    offer = made.offer
    body = {
        "application": made.id,
        "product": made.product_name,
        "amount_fen": made.amount_fen,
        "months": made.months,
        "purpose": made.purpose,
        "steps": steps,
        "offer": None
        if offer is None
        else {
            "amount_fen": offer.amount_fen,
            "months": offer.months,
            "rate_bp": offer.rate_bp,
            "guarantee": offer.guarantee.label,
            "until": offer.until.isoformat(),
        },
    }
    yield Material(
        Phase.APPLIED, "融资申请与各步记录", "application", "json", canonical_bytes(body), made.made_at,
        collector=NODE, source="融资对接", entries=tuple(e.id for e in entries),
    )  # fmt: skip
    reminded = _about(matter, "lending.reminded", application=made.id)
    if reminded:
        yield _told(Phase.DELIVERED, "办理提醒的发出记录", "reminders", reminded, {"source": "融资对接"})


def _reads(matter: Matter) -> Iterator[Material]:
    """Who asked under the authorisation, what the answer's digest was; refusals too."""
    if not matter.authorisation:
        return
    found = list_accesses(enterprise=matter.enterprise, authorisation=matter.authorisation, limit=MOST_READS)
    if not found:
        return
    lines = [
        {
            "access": a.id,
            "at": a.at.isoformat(),
            "recipient": a.recipient_name,
            "actor": a.actor,
            "purpose": a.purpose,
            "form": str(a.form),
            "items": list(a.items),
            "allowed": a.allowed,
            "reason": a.reason,
        }
        for a in found
    ]
    yield Material(
        Phase.EVALUATED, "查询记录（答复摘要见存证条目）", "accesses", "json", canonical_bytes(lines), found[0].at,
        collector=NODE, source="授权共享", authorisation=matter.authorisation, entries=tuple(a.entry for a in found),
    )  # fmt: skip


def _loan_reports(matter: Matter) -> Iterator[Material]:
    """Every report of the loan as the institution handed it in: the drawdown, then repayment and arrears."""
    if matter.kind is not MatterKind.LOAN:
        return
    loan = find_loan(matter.number, institution=matter.institution, enterprise=matter.enterprise)
    for number, told in enumerate(list_reports(loan.id) if loan else [], 1):
        report = read_document(told.document)
        late = report.overdue_days > 0 or report.five_class not in (FiveClass.PASS, FiveClass.SPECIAL_MENTION)
        phase = Phase.OVERDUE if late else Phase.DISBURSED if number == 1 else Phase.REPAID
        yield Material(
            phase, f"机构反馈的贷款状态（第 {number} 次）", f"loan-report-{number:02d}", "json",
            told.document.encode(), told.reported_at, collector=told.actor, source=f"接入机构 {matter.institution}",
            entries=() if told.entry is None else (told.entry,), bound="" if told.entry is None else "report_sha256",
        )  # fmt: skip


COLLECTORS: tuple[Collector, ...] = (
    _consent, _application_steps, _reads, _loan_reports, collect_dispute, collect_settlement,
)  # fmt: skip


def _about(matter: Matter, event: str, **named: str) -> list[EntryFacts]:
    """Entries of an event about the enterprise whose body names these things."""
    found = list_entries(subject=matter.enterprise, event=event, limit=500)
    return [e for e in reversed(found) if e.body and all(e.body.get(name) == value for name, value in named.items())]


def _told(phase: Phase, name: str, stem: str, entries: list[EntryFacts], about: dict[str, str]) -> Material:
    """A piece that only lists what entries tell."""
    lines = [{"entry": e.id, "at": e.at.isoformat(), "event": e.event, "actor": e.actor} for e in entries]
    return Material(
        phase, name, stem, "json", json.dumps(lines, ensure_ascii=False, indent=1).encode(), entries[-1].at,
        entries=tuple(e.id for e in entries), **{"collector": NODE, **about},
    )  # fmt: skip
