"""A small node with people in every portal; names are Latin, so that Chinese on an English page is a defect."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from tests.factories import deliver, registration, uscc
from tests.kept import laid_down
from tests.machines import Machine, register_client
from xinqiao.admission.actions import found
from xinqiao.catalogue.load import load_catalogue
from xinqiao.catalogue.types import Openness
from xinqiao.consent.actions import grant_authorisation, request_authorisation
from xinqiao.consent.queries import consent_text
from xinqiao.consent.types import Authorisation, Form, RequestFacts
from xinqiao.evidence.chain_keys import chain_key
from xinqiao.parties.actions import (
    add_member,
    register_enterprise,
    register_organisation,
    register_person,
)
from xinqiao.parties.types import OrganisationKind, Role
from xinqiao.plumbing.settings import content_dir
from xinqiao.release.actions import query
from xinqiao.release.types import Inquiry, NotReleased, Recipient, RecipientKind

FIRM, OTHER = uscc(1), uscc(2)
HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
PASSWORD = "a long pass phrase"
NON_PUBLIC = tuple(i.code for i in load_catalogue(content_dir()) if i.openness is not Openness.PUBLIC)
ORGANISATIONS = (
    ("bank-a", OrganisationKind.INSTITUTION, "Sample Bank"),
    ("bank-b", OrganisationKind.INSTITUTION, "Second Bank"),
    ("hub", OrganisationKind.PLATFORM, "Sample Platform"),
    ("node", OrganisationKind.NODE, "Sample Node"),
    ("court", OrganisationKind.JUDICIAL, "Sample Court"),
)
CLIENTS = ("bank-a", "bank-b", "hub", "tax_bureau", "market_regulation")
PEOPLE = (
    ("owner", Role.OWNER, None, FIRM),
    ("neighbour", Role.OWNER, None, OTHER),
    ("banker", Role.OFFICER, "bank-a", None),
    ("rival", Role.OFFICER, "bank-b", None),
    ("tax", Role.CLERK, "tax_bureau", None),
    ("registry", Role.CLERK, "market_regulation", None),
    ("operator", Role.OPERATOR, "node", None),
    ("auditor", Role.AUDITOR, "node", None),
    ("guard", Role.SECURITY, "node", None),
    ("judge", Role.MAGISTRATE, "court", None),
)


@dataclass(frozen=True, slots=True)
class Town:
    """The node of a test: when it was set up, and how to act in it."""

    now: datetime
    people: dict[str, int]
    clients: tuple[str, ...]

    def client(self, username: str, *, english: bool = False) -> Client:
        """A browser in which that person is signed in."""
        client = visitor(english=english)
        client.force_login(get_user_model().objects.get(pk=self.people[username]))
        return client

    def join(self, username: str, role: Role, organisation: str) -> None:
        """One person more."""
        by: dict[str, Any] = {"actor": "t", "now": self.now}
        self.people[username] = register_person(username, name=username.title(), password=PASSWORD, **by)
        add_member(self.people[username], role=role, organisation=organisation, **by)

    def api(self, organisation: str, *, headers: dict[str, str] | None = None) -> Machine:
        """A program of that organisation: it fetches a token when it first calls and signs every call."""
        return Machine(organisation, headers=headers)

    def ask(self, bank: str = "bank-a", *, firm: str = FIRM, times: int = 1) -> RequestFacts:
        """A bank's request for everything that is not public."""
        return request_authorisation(
            bank, enterprise=firm, purpose="approval", items=NON_PUBLIC, form=Form.REPORT,
            reason="loan application A-1", days=30, times=times, actor="t", now=self.now,
        )  # fmt: skip

    def grant(self, asked: RequestFacts, person: str = "owner") -> Authorisation:
        """The enterprise agrees."""
        shown = consent_text(asked.id, locale="zh")
        return grant_authorisation(
            asked.id, signatory=self.people[person], locale="zh", text_digest=shown.sha256, now=self.now
        )

    def read(self, firm: str = FIRM, *, authorisation: str = "") -> str:
        """A read by the first bank, or its refusal: number of the ledger line."""
        bank = Recipient(RecipientKind.INSTITUTION, "bank-a", "Sample Bank")
        inquiry = Inquiry(bank, firm, "approval", Form.REPORT, "api:bank-a", "api", authorisation=authorisation)
        try:
            return query(inquiry, now=self.now).access.id
        except NotReleased as refusal:
            return str(refusal.data["access"])


def visitor(*, english: bool = False) -> Client:
    """A browser in which nobody is signed in. Server faults are answers, as they are for a reader."""
    return Client(headers={"Accept-Language": "en" if english else "zh-Hans"}, raise_request_exception=True)


@pytest.fixture
def town(fresh_node: Path, settings: Any) -> Town:
    """Two enterprises with records, two banks, two departments, the node; everybody can sign in."""
    settings.PASSWORD_HASHERS = HASHERS
    return laid_down(set_up, fresh_node)


def set_up() -> Town:
    """Set the town up in an empty node."""
    now = timezone.now() - timedelta(hours=2)
    by = {"actor": "t", "now": now}
    departments = [(d.code, OrganisationKind.DEPARTMENT, d.name) for d in load_catalogue(content_dir()).departments]
    for code, kind, name in (*ORGANISATIONS, *departments):
        register_organisation(code, kind=kind, name=name, **by)
    for code in ("bank-a", "bank-b", "hub"):
        found(code, reason="connected before", **by)
    for code, name in ((FIRM, "Example Machinery"), (OTHER, "Example Trading")):
        register_enterprise(code, name=name, **by)
    people = {}
    for username, role, organisation, enterprise in PEOPLE:
        people[username] = register_person(username, name=username.title(), password=PASSWORD, **by)
        add_member(people[username], role=role, organisation=organisation, enterprise=enterprise, **by)
    for code in CLIENTS:
        register_client(code, **by)
    _records(now)
    chain_key()  # an RSA key: with the others, before the first test that reads
    return Town(now, people, CLIENTS)


def _records(now: datetime) -> None:
    """Registrations of both, a little of everything else for the first, with one row that is flagged."""
    names = {1: "Example Machinery", 2: "Example Trading", 3: "Example Builders"}
    deliver("registration.basic", [registration(n, name=name) for n, name in names.items()], now=now)
    months = ("2026-01", "2026-02", "2026-03")
    taxes = {"sales_fen": "98765.43", "due_fen": "1000", "paid_fen": "1000", "arrears_fen": "0"}
    deliver("tax.payment", [{"uscc": FIRM, "month": month, **taxes} for month in months], now=now)
    deliver("tax.credit_rating", [{"uscc": FIRM, "rated_on": "2026-04-30", "grade": "A"}], now=now)
    penalty = {"kind": "罚款", "severity": "一般", "decided_on": "2025-12-01", "fine_fen": "5000"}
    deliver("penalty.decision", [{"uscc": OTHER, "document_no": "P-1", **penalty}], now=now)
