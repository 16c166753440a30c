"""A node of tests: holds a key of its own, signs objects and pages as a real one, and keeps its feed in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from xinqiao.admission.actions import found
from xinqiao.federation.keys import own_card
from xinqiao.federation.linking import confirm_link, propose_link
from xinqiao.federation.rules import (
    OBJECT_CONTEXT,
    card_bytes,
    entries_of,
    fingerprint,
    link_on,
    object_bytes,
    origin_of_chain,
    page_bytes,
)
from xinqiao.federation.types import Card, Envelope, Link, NodeKey, NodeLevel, Page, Side
from xinqiao.kernel.canonical import base64_text
from xinqiao.kernel.crypto import SigningKey
from xinqiao.kernel.suites import INTL
from xinqiao.parties.actions import register_organisation
from xinqiao.parties.types import OrganisationKind

MADE = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
FIRST, SECOND = "person:1", "person:2"


@dataclass(slots=True)
class Peer:
    """A node on the other end of a link; ``feed`` are texts with their signatures."""

    code: str = "xian"
    level: NodeLevel = NodeLevel.CITY
    key: SigningKey = field(default_factory=SigningKey.generate)
    feed: list[tuple[str, str]] = field(default_factory=list)

    @property
    def card(self) -> Card:
        """Its card."""
        key = NodeKey("intl", base64_text(self.key.public.raw))
        return Card(self.code, self.code.title(), self.level, "610100", f"https://{self.code}.example", (key,))

    def link(self, side: Side, *, now: datetime, admit: bool = True) -> Link:
        """Join it with the node under test: it stands on that side."""
        if side is Side.BELOW and admit:
            register_organisation(self.code, kind=OrganisationKind.PLATFORM, name=self.code, actor=FIRST, now=now)
            found(self.code, reason="connected before", actor=FIRST, now=now)
        propose_link(card_bytes(self.card), side=side, actor=FIRST, now=now)
        return confirm_link(self.code, fingerprint=fingerprint(self.card), actor=SECOND, now=now)

    def sign(self, message: bytes) -> str:
        """Its signature."""
        return base64_text(INTL.sign(message, key=self.key))

    def signed(self, text: str) -> tuple[str, str]:
        """A text as an object of its feed, whatever it holds."""
        return text, self.sign(OBJECT_CONTEXT + text.encode())

    def object(
        self,
        kind: str,
        name: str,
        body: Mapping[str, Any],
        *,
        version: int = 1,
        origin: str = "",
        retracted: bool = False,
    ) -> tuple[str, str]:
        """A signed object."""
        envelope = Envelope(kind, origin or self.code, name, version, MADE, retracted, dict(body))
        return self.signed(object_bytes(envelope).decode())

    def page(
        self, objects: Sequence[tuple[str, str]] = (), *, after: int | None = None, to: str = "", **changed: Any
    ) -> Page:
        """Put objects at the end of the feed and give the page behind a place, by default the place before them."""
        start = len(self.feed) if after is None else after
        self.feed += objects
        receiver = to or own_card().node
        chain = origin_of_chain(self.code, receiver)
        for text, _ in self.feed[:start]:
            chain = link_on(chain, text)
        before, entries = chain, self.feed[start:]
        for text, _ in entries:
            chain = link_on(chain, text)
        end = len(self.feed)
        page = Page(
            self.code, receiver, start, before, entries_of(start + 1, entries), end, chain, end, MADE.isoformat(), ""
        )
        page = replace(page, **changed)
        return replace(page, signature=self.sign(page_bytes(page)))


def product(name: str = "一号") -> dict[str, Any]:
    """The body of a product."""
    numbers = {"amount_from_fen": 1, "amount_to_fen": 2, "months_from": 3, "months_to": 36}
    texts = {"name": name, "institution": "示例银行", "guarantee": ["信用"], "divisions": ["610100"]}
    return {**numbers, "rate_from_bp": 320, "rate_to_bp": 580, **texts, "offered_from": "2026-01-05"}


def registration(uscc: str, name: str = "示例企业", platform: str = "xian") -> dict[str, Any]:
    """The body of a registration."""
    facts = {"uscc": uscc, "name": name, "division": uscc[2:8], "platform": platform}
    return facts | {"registered_at": "2026-01-05T00:00:00+00:00"}


def authorisation(uscc: str, *items: str, platform: str = "xian") -> dict[str, Any]:
    """The body of an authorisation."""
    instants = {"valid_from": "2026-01-05T00:00:00+00:00", "valid_to": "2027-01-05T00:00:00+00:00"}
    digests = {"list_sha256": "0" * 64, "text_sha256": "1" * 64}
    return {
        "subject": uscc, "recipient": "bank-a", "purpose": "approval", "items": list(items or ("tax.payment",)),
        "form": "report", "status": "active", "times_max": 3, "template": "credit_query", "template_version": "1",
        "platform": platform, **instants, **digests,
    }  # fmt: skip


def outcome(uscc: str, given: str, **changed: Any) -> dict[str, Any]:
    """The body of an outcome."""
    facts = {"uscc": uscc, "authorisation": given, "receipt_no": "JJ2026000001", "institution": "示例银行"}
    numbers = {"amount_fen": 100_000_050, "rate_bp": 410, "guarantee": "信用", "first_loan": True}
    return {**facts, **numbers, "drawn_on": "2026-03-01", **changed}
