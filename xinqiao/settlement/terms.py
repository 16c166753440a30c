"""Whether what a creditor typed can be used at all; every fault at once. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.kernel.money import LIMIT_FEN
from xinqiao.kernel.papers import paper_problems
from xinqiao.settlement.refusals import InvalidTerms
from xinqiao.settlement.rules import LONGEST_REASON
from xinqiao.settlement.types import OF_PARTIES, PaperKind, Terms
from xinqiao.settlement.words import SettlementRules

MOST_RATE_BP = 100_000
MOST_PAYMENTS, MOST_GUARANTORS = 360, 20
LONGEST = {"contract_no": 60, "facts": 4000, "agreement": 1000, "address": 200}
_DIVISION = re.compile(r"\d{6}|")


def check_terms(terms: Terms, *, today: date, rules: SettlementRules) -> Terms:
    """The terms with white space around words gone; raises InvalidTerms with every fault."""
    faults: list[Problem] = []
    terms = _stripped(terms)

    def say(field: str, text: Phrase) -> None:
        faults.append(Problem(field, "settlement.field", text))

    for name in ("debt_fen", "principal_fen", "interest_fen", "fees_fen"):
        if not 0 <= getattr(terms, name) <= LIMIT_FEN:
            say(name, Phrase("金额不合理"))
    for name in ("rate_bp", "overdue_rate_bp"):
        if not 0 <= getattr(terms, name) <= MOST_RATE_BP:
            say(name, Phrase("利率不合理"))
    for name, most in LONGEST.items():
        if len(getattr(terms, name)) > most:
            say(name, Phrase("最多 {most} 字", most=most))
    if terms.counted_on is not None and terms.counted_on > today:
        say("counted_on", Phrase("计息截止日不能晚于今天"))
    if terms.verification and terms.verification not in rules.verifications:
        say("verification", Phrase("请从清单中选"))
    if terms.agreed_body and terms.agreed_body not in {one.code for one in rules.bodies}:
        say("agreed_body", Phrase("请从清单中选"))
    if not _DIVISION.fullmatch(terms.property_division):
        say("property_division", Phrase("区划代码为 6 位数字"))
    faults += _payment_faults(terms)
    if faults:
        raise InvalidTerms(faults)
    return terms


def _stripped(terms: Terms) -> Terms:
    guarantors = tuple(replace(one, name=one.name.strip(), code=one.code.strip()) for one in terms.guarantors)
    return replace(terms, guarantors=guarantors, **{name: getattr(terms, name).strip() for name in LONGEST})


def _payment_faults(terms: Terms) -> Iterable[Problem]:
    if len(terms.payments) > MOST_PAYMENTS:
        yield Problem("payments", "settlement.field", Phrase("最多 {most} 期", most=MOST_PAYMENTS))
    for number, one in enumerate(terms.payments, 1):
        if not (0 <= one.principal_fen <= LIMIT_FEN and 0 <= one.interest_fen <= LIMIT_FEN):
            yield Problem("payments", "settlement.field", Phrase("金额不合理"), row=number)
    days = [one.due_on for one in terms.payments]
    if days != sorted(set(days)):
        yield Problem("payments", "settlement.field", Phrase("各期到期日须递增"))
    if len(terms.guarantors) > MOST_GUARANTORS:
        yield Problem("guarantors", "settlement.field", Phrase("最多 {most} 名担保人", most=MOST_GUARANTORS))
    for number, person in enumerate(terms.guarantors, 1):
        if not 1 <= len(person.name) <= 100 or len(person.code) > 18:
            yield Problem("guarantors", "settlement.field", Phrase("请填写担保人名称"), row=number)


def check_paper(kind: str, name: str, data: bytes) -> PaperKind:
    """The kind of a paper, if it is one that may be handed in; raises InvalidTerms with every fault."""
    faults = paper_problems(name or "file", data, code="settlement")
    if kind not in {str(one) for one in OF_PARTIES}:
        faults.append(Problem("kind", "settlement.field", Phrase("请从清单中选")))
    if faults:
        raise InvalidTerms(faults)
    return PaperKind(kind)


def check_reason(text: str, *, needed: bool) -> str:
    """A reason without white space around it; raises InvalidTerms when it is too long, or missing where needed."""
    said = text.strip()
    if len(said) > LONGEST_REASON or (needed and not said):
        message = Phrase("请填写理由，最多 {most} 字", most=LONGEST_REASON)
        raise InvalidTerms([Problem("reason", "settlement.field", message)])
    return said
