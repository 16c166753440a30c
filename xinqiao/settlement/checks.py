"""What must be right before something is filed, so that no office has to send it back. Pure; the words are content.

Each check is a function from what is known to a verdict. ``CHECKS`` names those of a step; all are made, never only the
first that fails (公证法 37; 公证债权文书执行规定 2-6, 9, 12-13; 仲裁法; 仲裁裁决执行规定 3; 民事诉讼法 122, 126).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from xinqiao.kernel.dated import add_months, beijing_day
from xinqiao.lending.types import FiveClass, Loan
from xinqiao.settlement.claims import counted_total
from xinqiao.settlement.types import (
    Body,
    CheckLine,
    CheckVerdict,
    PaperKind,
    Proceeding,
    ProceedingKind,
    ProceedingState,
)
from xinqiao.settlement.words import SettlementRules

PASSED, WARNED, FAILED = CheckVerdict.PASSED, CheckVerdict.WARNED, CheckVerdict.FAILED
LEAST_FACTS = 20
S = ProceedingState


@dataclass(frozen=True, slots=True)
class Filing:
    """All that the checks look at. ``others`` are the institution's other proceedings on the same loan."""

    proceeding: Proceeding
    loan: Loan | None
    papers: frozenset[PaperKind]
    body: Body | None
    court: Body | None
    lender_code: str
    others: tuple[Proceeding, ...]
    today: date
    rules: SettlementRules


Check = Callable[[Filing], CheckVerdict]


def _stops(wrong: bool) -> CheckVerdict:
    return FAILED if wrong else PASSED


def _warns(doubtful: bool) -> CheckVerdict:
    return WARNED if doubtful else PASSED


def _end(day: date, months: int) -> date:
    """The last day of a period; the last of all for what would end later."""
    try:
        return add_months(day, months)
    except ValueError:
        return date.max


def parties(found: Filing) -> CheckVerdict:
    """Both parties are named with their codes."""
    return _stops(not found.lender_code or not found.proceeding.enterprise)


def right_body(found: Filing) -> CheckVerdict:
    """The body is one that does this."""
    return _stops(found.body is None or found.body.kind is not found.proceeding.kind)


def payment(found: Filing) -> CheckVerdict:
    """The deed has payments of money whose principals sum to the whole."""
    terms = found.proceeding.terms
    due = sum(one.principal_fen for one in terms.payments)
    return _stops(terms.debt_fen <= 0 or due != terms.debt_fen)


def acceptance(found: Filing) -> CheckVerdict:
    """The debtor accepts enforcement in writing."""
    return _stops(not found.proceeding.terms.acceptance)


def contract(found: Filing) -> CheckVerdict:
    """The contract itself is there."""
    return _stops(PaperKind.CONTRACT not in found.papers)


def verification(found: Filing) -> CheckVerdict:
    """The way to verify a default is agreed."""
    return _stops(found.proceeding.terms.verification not in found.rules.verifications)


def guarantee(found: Filing) -> CheckVerdict:
    """A guarantee outside the deed is not enforced with it."""
    return _warns(any(not one.in_deed for one in found.proceeding.terms.guarantors))


def cost(found: Filing) -> CheckVerdict:
    """The whole cost a year stays under what courts look at."""
    terms, most = found.proceeding.terms, found.rules.most_cost_bp
    return _warns(max(terms.rate_bp, terms.overdue_rate_bp) > most)


def default(found: Filing) -> CheckVerdict:
    """The loan is in default by what the institution itself fed back (法释〔2018〕10号: nothing before a dispute)."""
    if found.loan is None:
        return FAILED
    report = found.loan.report
    late = report.overdue_days > 0 and report.overdue_fen > 0
    bad = report.five_class in (FiveClass.SUBSTANDARD, FiveClass.DOUBTFUL, FiveClass.LOSS)
    unpaid = report.due_on < found.today and report.balance_fen > 0
    return _stops(report.settled_on is not None or not (late or bad or unpaid))


def computable(found: Filing) -> CheckVerdict:
    """What is owed can be computed for any day from the numbers stated."""
    terms = found.proceeding.terms
    counted = terms.counted_on is not None and terms.counted_on <= found.today
    return _stops(not counted or terms.principal_fen <= 0 or counted_total(terms) <= 0)


def within_balance(found: Filing) -> CheckVerdict:
    """The principal is not more than the balance last fed back."""
    balance = found.loan.report.balance_fen if found.loan else 0
    return _stops(found.proceeding.terms.principal_fen > balance)


def dunning(found: Filing) -> CheckVerdict:
    """The debtor was asked to pay before."""
    return _warns(PaperKind.DUNNING not in found.papers)


def claim_facts(found: Filing) -> CheckVerdict:
    """The claim has facts and reasons."""
    return _stops(len(found.proceeding.terms.facts.strip()) < LEAST_FACTS)


def evidence(found: Filing) -> CheckVerdict:
    """There is evidence besides the node's own package: the contract at least."""
    return contract(found)


def agreement(found: Filing) -> CheckVerdict:
    """There is an agreement to arbitrate, and it chose this commission."""
    terms = found.proceeding.terms
    return _stops(not terms.agreement.strip() or terms.agreed_body != found.proceeding.body)


def no_agreement(found: Filing) -> CheckVerdict:
    """No court hears what the parties agreed to arbitrate: an agreed body is a court or nobody."""
    agreed = found.proceeding.terms.agreed_body
    bodies = {one.code: one.kind for one in found.rules.bodies}
    return _stops(bool(agreed) and bodies.get(agreed) is ProceedingKind.ARBITRATION)


def not_notarised(found: Filing) -> CheckVerdict:
    """A debt in an enforceable deed is enforced, not sued for, until the certificate or the enforcement was refused."""
    ended = (S.CERTIFICATE_REFUSED, S.COURT_REJECTED, S.NOT_NOTARISED, S.DECLINED, S.LAPSED, S.WITHDRAWN, S.PERFORMED)
    before = (S.DRAFT, S.PROPOSED, S.APPLIED, S.CHECKED)
    deeds = [one for one in found.others if one.kind is ProceedingKind.NOTARISATION]
    return _stops(any(one.state not in (*ended, *before) for one in deeds))


def no_parallel(found: Filing) -> CheckVerdict:
    """The same claim is not before another body, nor decided already."""
    free = (S.DRAFT, S.WITHDRAWN, S.NOT_ACCEPTED, S.DISMISSED, S.ANNULLED)
    refused = (ProceedingKind.ARBITRATION, S.COURT_REJECTED)  # an award that is not enforced leaves the claim open
    brought = [one for one in found.others if one.kind is not ProceedingKind.NOTARISATION]
    return _stops(any(one.state not in free and (one.kind, one.state) != refused for one in brought))


def address(found: Filing) -> CheckVerdict:
    """It is known where the debtor is served."""
    return _warns(not found.proceeding.terms.address.strip() and PaperKind.ADDRESS not in found.papers)


def competence(found: Filing) -> CheckVerdict:
    """The court is of the debtor's domicile (the division in its code) or of where property lies, or it judged."""
    if found.court is None or found.court.kind is not ProceedingKind.LITIGATION:
        return FAILED
    if found.proceeding.kind is ProceedingKind.LITIGATION and found.court.code == found.proceeding.body:
        return PASSED  # the court that judged enforces, wherever the debtor lives (民事诉讼法 235)
    places = (found.proceeding.enterprise[2:8], found.proceeding.terms.property_division)
    return _stops(not any(place and place.startswith(found.court.divisions) for place in places))


def jurisdiction(found: Filing) -> CheckVerdict:
    """The court sued in is the agreed one, or of the defendant's domicile."""
    if found.proceeding.terms.agreed_body == found.proceeding.body:
        return PASSED
    return _stops(found.body is None or not found.proceeding.enterprise[2:8].startswith(found.body.divisions))


def limitation(found: Filing) -> CheckVerdict:
    """Three years from the day it was due; a demand may have interrupted them (民法典 188, 195)."""
    due = found.loan.report.due_on if found.loan else found.today
    return _warns(found.today > _end(due, 12 * found.rules.limitation_years))


def both_documents(found: Filing) -> CheckVerdict:
    """The notarised deed and the execution certificate are both held."""
    return _stops(not {PaperKind.DEED, PaperKind.CERTIFICATE} <= found.papers)


def decision(found: Filing) -> CheckVerdict:
    """The award, judgment or mediation document is held."""
    return _stops(PaperKind.DECISION not in found.papers)


def period(found: Filing) -> CheckVerdict:
    """Within two years of the last day of each performance period, which applying for the certificate interrupts.

    A decision that names no last day is to be performed once it is there.
    """
    proceeding, months = found.proceeding, 12 * found.rules.enforcement_years
    if proceeding.kind is not ProceedingKind.NOTARISATION:
        last = proceeding.perform_by or beijing_day(proceeding.since)
        return _stops(found.today > _end(last, months))
    applied = proceeding.applied_on or found.today

    def is_late(due: date) -> bool:
        return applied > _end(due, months) or found.today > _end(max(applied, due), months)

    late = [is_late(one.due_on) for one in proceeding.terms.payments] or [is_late(applied)]
    return FAILED if all(late) else _warns(any(late))


def presence(found: Filing) -> CheckVerdict:
    """How the debtor took part at the notary is on record: without it enforcement may be opposed."""
    return _warns(not found.proceeding.presence)


_DEED: tuple[Check, ...] = (parties, right_body, payment, acceptance, contract, verification, guarantee, cost)
_CLAIM: tuple[Check, ...] = (parties, right_body, default, claim_facts, computable, within_balance, evidence)
_ARBITRATION: tuple[Check, ...] = (*_CLAIM, agreement, not_notarised, no_parallel, address, cost)
_LITIGATION: tuple[Check, ...] = (
    *_CLAIM, jurisdiction, no_agreement, not_notarised, no_parallel, limitation, address, cost,
)  # fmt: skip
CHECKS: Mapping[tuple[ProceedingKind, str], tuple[Check, ...]] = {
    (ProceedingKind.NOTARISATION, "propose"): _DEED,
    (ProceedingKind.NOTARISATION, "default"): (default,),
    (ProceedingKind.NOTARISATION, "apply_certificate"): (default, computable, within_balance, dunning, period),
    (ProceedingKind.NOTARISATION, "file_enforcement"): (
        competence, both_documents, parties, payment, acceptance, guarantee, period, presence,
    ),
    **{(ProceedingKind.ARBITRATION, step): _ARBITRATION for step in ("file", "supplement")},
    (ProceedingKind.ARBITRATION, "file_enforcement"): (competence, decision, computable, period),
    **{(ProceedingKind.LITIGATION, step): _LITIGATION for step in ("file", "supplement")},
    (ProceedingKind.LITIGATION, "file_enforcement"): (competence, decision, computable, period),
}  # fmt: skip
NAMES = tuple(sorted({check.__name__ for checks in CHECKS.values() for check in checks}))


def check_filing(found: Filing, event: str) -> list[CheckLine]:
    """Every check of a step with what it found, in order; none for a step that needs no check."""
    checks = CHECKS.get((found.proceeding.kind, event), ())
    lines = []
    for check in checks:
        words = found.rules.checks[check.__name__]
        lines.append(CheckLine(check.__name__, check(found), words.name, words.clause, words.next_step))
    return lines
