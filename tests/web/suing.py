"""A loan in arrears that goes to court, for tests of pages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from tests.factories import uscc
from tests.market import drawn
from xinqiao.judicial.jobs import carry
from xinqiao.lending.loans import report_loans
from xinqiao.parties.actions import register_organisation
from xinqiao.parties.models import Organisation
from xinqiao.parties.types import OrganisationKind
from xinqiao.settlement import actions
from xinqiao.settlement.taking import take_event
from xinqiao.settlement.types import Terms, Told

BODIES = ("arbitration-demo", "notary-demo", "court-demo")
RECEIPT = "JJ20260099"
PDF = b"%PDF-1.7 sample "


def overdue(firm: str, *, now: datetime) -> None:
    """The bank has its code and a loan in arrears; the bodies are registered."""
    Organisation.objects.filter(code="bank-a").update(uscc=uscc(900))
    for code in BODIES:
        register_organisation(code, kind=OrganisationKind.JUDICIAL, name=f"Sample {code}", actor="t", now=now)
    late = {"overdue_days": 40, "overdue_fen": 120_000, "five_class": "special_mention"}
    loan = drawn(enterprise=firm, receipt_no=RECEIPT, credit_no="SX20260099", **late)
    report_loans([loan], institution="bank-a", actor="api:bank-a", now=now)


def brought(firm: str, *, now: datetime) -> str:
    """A lawsuit that the court sent back for supplement; its number."""
    overdue(firm, now=now)
    by: dict[str, Any] = {"actor": "person:1", "now": timezone.now()}
    where: dict[str, Any] = {"institution": "bank-a", **by}
    about = {"about": "loan", "number": RECEIPT, "body": "court-demo", "enterprise": firm}
    made = actions.draft("litigation", **about, **where).id
    actions.hand_in(made, "contract", name="contract.pdf", data=PDF, **where)
    terms = Terms(
        contract_no="SX20260099", principal_fen=80_000_000, rate_bp=420, overdue_rate_bp=630, address="1 Sample Road",
        counted_on=timezone.localdate(), facts="lent, due, asked for twice in writing, and still unpaid",
    )  # fmt: skip
    actions.state_terms(made, terms, **where)
    actions.step(made, "file", **where)
    carry(now=timezone.now())
    told = Told("return", timezone.localdate(), reason="Example")
    take_event(made, told, body="court-demo", **by)
    return made
