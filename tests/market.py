"""A market as tests need it: a product and a loan as they are handed in, firms, banks, an owner who answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.factories import DAY, NOW, registered, uscc
from xinqiao.consent.actions import grant_authorisation
from xinqiao.consent.queries import consent_text
from xinqiao.consent.types import Form
from xinqiao.evaluation.actions import run_evaluation
from xinqiao.kernel.dated import beijing_day
from xinqiao.lending.applications import opt_in
from xinqiao.lending.following import note_answer
from xinqiao.lending.types import Application, GuaranteeCode, Offer
from xinqiao.matching.actions import post_need, publish_product
from xinqiao.matching.queries import find_open_need, firm_of
from xinqiao.matching.types import Firm, Need, Product
from xinqiao.parties.actions import (
    add_member,
    register_enterprise,
    register_organisation,
    register_person,
    set_admitted,
)
from xinqiao.parties.types import OrganisationKind, Role
from xinqiao.records.types import AsOf
from xinqiao.release.reading import read
from xinqiao.release.types import Inquiry, Recipient, RecipientKind

FIRMS = 30
FIRM = uscc(1)
BANKS = ("bank_a", "bank_b", "bank_c", "bank_d")
TODAY = beijing_day(NOW)
BY = {"actor": "person:9", "now": NOW}


def product(**changes: Any) -> dict[str, Any]:
    """A product that every firm of these tests fits, changed as told."""
    return {
        "name": "示例流水贷",
        "amount_from_fen": 1_000_000,
        "amount_to_fen": 500_000_000,
        "months_from": 1,
        "months_to": 36,
        "rate_from_bp": 350,
        "rate_to_bp": 500,
        "guarantees": ["credit"],
        "decision_workdays": 5,
        "conditions": [{"basis": "indicator", "indicator": "identity.age_months", "at_least": 12}],
        "offered_from": "2026-01-01",
        **changes,
    }


def drawn(application: str = "", **changes: Any) -> dict[str, Any]:
    """A drawdown as the API takes it."""
    return {
        "credit_no": "SX20260001", "receipt_no": "JJ20260001", "enterprise": FIRM, "limit_fen": 80_000_000,
        "amount_fen": 80_000_000, "balance_fen": 80_000_000, "rate_bp": 420, "guarantee": "D",
        "approved_on": "2026-11-18", "drawn_on": "2026-11-19", "due_on": "2027-11-18", "first_loan": True,
        "renewal": False, "five_class": "normal", "overdue_days": 0,
        "overdue_fen": 1_000 if changes.get("overdue_days") else 0, "application": application,
    } | changes  # fmt: skip


@dataclass
class Market:
    """A node with thirty evaluated firms, one of them registered with its owner, and four admitted banks."""

    owner: int
    products: Mapping[str, Product]

    def firm(self, number: int = 1, now: datetime = NOW) -> Firm:
        """A firm as conditions look at it: by the gate, from its own file."""
        own = Recipient(RecipientKind.ENTERPRISE, uscc(number), "", enterprise=uscc(number))
        asked = Inquiry(own, uscc(number), "self", Form.DERIVED, "person:1", "portal", evaluation_only=True)
        return firm_of(read(asked, now=now).document["evaluation"], now=now)

    def need(self, number: int = 1, **changes: Any) -> Need:
        """A need of a firm, posted."""
        asked: dict[str, Any] = {
            "amount_fen": 100_000_000,
            "months": 12,
            "guarantees": ["credit"],
            "purpose": "流动资金",
        }
        return post_need(uscc(number), **(asked | changes), actor="person:1", now=NOW)

    def opt_in(self, bank: str = "bank_a", need: Need | None = None) -> Application:
        """The firm chooses a bank's product."""
        wanted = need or find_open_need(FIRM, now=NOW) or self.need()
        chosen = self.products[bank]
        return opt_in(chosen.code, need=wanted.id, firm=self.firm(), actor="person:1", signatory=self.owner, now=NOW)

    def authorise(self, application: Application, now: datetime = NOW) -> Application:
        """The firm answers the request of an application."""
        shown = consent_text(application.request, locale="zh")
        grant_authorisation(application.request, signatory=self.owner, locale="zh", text_digest=shown.sha256, now=now)
        found = note_answer(application.request, now=now)
        assert found is not None
        return found


def open_market() -> Market:
    """Set the market up in an empty node."""
    registered(*range(1, FIRMS + 1), now=NOW - DAY)
    run_evaluation(AsOf(TODAY, NOW), actor="t", now=NOW, progress=lambda _: None)
    products = {}
    for code in BANKS:
        register_organisation(code, kind=OrganisationKind.INSTITUTION, name=f"示例{code}", actor="t", now=NOW)
        set_admitted(code, admitted=True, reason="t", actor="t", now=NOW)
        products[code] = publish_product(product(name=f"{code}流水贷"), institution=code, **BY)
    for number in range(1, FIRMS + 1):
        register_enterprise(uscc(number), name=f"示例企业{number}", actor="t", now=NOW)
    owner = register_person("owner", name="陈", password="a-long-password", actor="t", now=NOW)
    add_member(owner, role=Role.OWNER, enterprise=FIRM, actor="t", now=NOW)
    return Market(owner, products)


def terms(**changes: Any) -> Offer:
    """An offer within its product."""
    made: dict[str, Any] = {
        "amount_fen": 80_000_000, "months": 12, "rate_bp": 420, "guarantee": GuaranteeCode.CREDIT, "note": "",
        "until": TODAY + timedelta(days=15),
    }  # fmt: skip
    return Offer(**(made | changes))
