"""Bodies and answers of version 1. Codes are stable; texts are in Chinese (or English by Accept-Language)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from ninja import Field, Schema
from pydantic import ConfigDict, StringConstraints

# What no database keeps is no text.
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", strict=True)]


class Input(Schema):
    """A body sent to the node: types as declared, nothing unknown, so that a misspelt field is told."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ProblemItem(Schema):
    """One thing wrong with an input."""

    field: str
    code: str
    message: str
    row: int | None = None


class ProblemDocument(Schema):
    """An error as RFC 9457 describes it, with what to do next."""

    type: str
    title: str
    status: int
    code: str
    detail: str = ""
    clause: str = ""
    next_step: str = ""
    instance: str = ""
    access: str = Field("", description="Ledger line of a refusal")
    problems: list[ProblemItem] = []


class RepairGroupOut(Schema):
    """Problems of one kind in one field."""

    field: str
    code: str
    title: str
    repair: str
    rows: int
    returns: bool
    samples: list[tuple[int, str]]


class DeliveryOut(Schema):
    """What became of a delivery: accepted + returned + waiting = delivered."""

    delivery: str
    item: str
    status: str
    delivered: int
    accepted: int
    returned: int
    flagged: int
    groups: list[RepairGroupOut]
    ignored_columns: list[str]
    received_at: datetime
    undo_until: datetime | None
    repeated: bool
    waiting: int


class DeliveryRows(Input):
    """Rows of one item, each value in its written spelling (see the item's JSON schema in the catalogue)."""

    item: Line = Field(max_length=60)
    rows: list[dict[str, str]] = Field(max_length=100_000)


class CreditQuery(Input):
    """What is asked for (RFC 9396): of whom, for what, which items, in which form, for how long and how often."""

    type: Literal["credit_query"]
    enterprise: Line = Field(max_length=40, description="Unified social credit code")
    purpose: Line = Field(max_length=30)
    items: list[Line] = Field(min_length=1, max_length=100)
    form: str = Field("report", pattern="^(verify|derived|report|detail)$")
    reason: Line = Field(max_length=200)
    period: int | None = Field(None, ge=1, le=3650, description="Days from the grant; by default the most allowed")
    times: int | None = Field(None, ge=1, le=1000)
    product: Line = Field("", max_length=60, description="The asker's number of the product or application")


class AuthorisationRequestIn(Input):
    """A request for an enterprise's authorisation; the firm decides in its portal, the asker polls or is told."""

    authorization_details: list[CreditQuery] = Field(min_length=1, max_length=1)


class AuthorisationRequestOut(Schema):
    """Where a request stands; ``authorisation`` is set once it is granted."""

    id: str
    state: str
    enterprise: str
    purpose: str
    items: list[str]
    form: str
    requested_at: datetime
    answer_by: datetime
    answered_at: datetime | None
    answer_reason: str
    authorisation: str
    product: str
    poll_after: int | None = Field(description="Seconds until asking again makes sense; null once it is answered")


class WebhookIn(Input):
    """Where notices are to go."""

    url: str = Field(max_length=300)


class WebhookOut(Schema):
    """An endpoint; ``secret`` (Standard Webhooks, ``whsec_``) only in the answer that made it."""

    id: int
    url: str
    added_at: datetime
    ended_at: datetime | None
    secret: str | None = None


class NoticeOut(Schema):
    """A notice and what became of it."""

    id: str
    endpoint: int
    type: str
    about: str
    state: str
    made_at: datetime
    attempts: int
    next_at: datetime | None
    last_answer: str


class ReportQuery(Input):
    """A read about one enterprise. Without ``items``: everything the authorisation covers."""

    enterprise: Line = Field(max_length=40)
    purpose: Line = Field(max_length=30)
    form: str = Field("report", pattern="^(verify|derived|report|detail)$")
    authorisation: Line = Field("", max_length=40)
    items: list[Line] | None = Field(None, max_length=100)
    hosted: Line = Field("", max_length=40, description="Code of the platform that reads, when the caller hosts it")


class AnswerOut(Schema):
    """What left the gate, with its ledger line, a signed evidence receipt and what shows that it is about this."""

    access: str
    document: dict[str, Any]
    receipt: dict[str, Any] = Field(description="The node's promise to log the entry; check it before using the answer")
    disclosure: dict[str, dict[str, str]] = Field(
        description="Content and salt of the leaf's parts `subject` and `body`; `body.answer_sha256` is the document's"
    )


class ReceiptOut(Schema):
    """The evidence receipt of an entry in canonical JSON: check it with ``python -m xinqiao.evidence.verify``."""

    v: int
    entry: int
    origin: str
    leaf: str
    promise: str
    proof: str | None = Field(None, description="Inclusion proof, once a signed checkpoint covers the entry")


class AccessOut(Schema):
    """A line of the ledger."""

    id: str
    at: datetime
    enterprise: str
    purpose: str
    form: str
    items: list[str]
    authorisation: str
    allowed: bool
    rule: str
    reason: str
    clause: str
    via: str = Field(description="The platform that called for the recipient; empty when it called itself")


class AccessPage(Schema):
    """A page of the ledger; ``next`` is the cursor of the page after it."""

    rows: list[AccessOut]
    next: str | None


class ItemOut(Schema):
    """An item of the sharing list with the JSON schema of its rows."""

    code: str
    list_code: str
    name: str
    name_en: str
    provider: str
    method: str
    openness: str
    row_schema: dict[str, Any]


class EntryOut(Schema):
    """An enterprise as anybody may find it: public by law."""

    code: str
    name: str
    division: str
    industry: str
    status: str
    registered_on: date | None = None


class FoundOut(Schema):
    """Enterprises that match, the shortest names first; `total` is null when there are more than were counted."""

    rows: list[EntryOut]
    total: int | None = None
