"""The two-sided ledger by program: a signed day goes in, the buckets that differ are opened, the lines are named."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Query, Router, Schema
from pydantic import StringConstraints

from xinqiao.parties.types import OrganisationFacts
from xinqiao.reconciliation.actions import hand_in, hands_in_for, open_buckets
from xinqiao.reconciliation.queries import get_hand_in, list_days, terms
from xinqiao.reconciliation.types import DayState, HandIn, MismatchKind
from xinqiao.web.api.v1 import schemas
from xinqiao.web.api.v1.calling import PROBLEMS, RECIPIENTS, caller_of, program
from xinqiao.web.templatetags.xinqiao import words
from xinqiao.web.words import translate

SCOPE = "accesses"
MOST_BUCKETS = 1 << 14
router = Router(tags=["daybooks"])
Root = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$", strict=True)]
BookLine = Annotated[str, StringConstraints(pattern=r"^[a-z]+\t[^\x00\n]{1,200}$", strict=True)]
Signed = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]*$", max_length=8192, strict=True)]


class DaybookIn(schemas.Input):
    """A day as the client library signs it: `statement` is a compact JWS of type `xinqiao-daybook+jws`."""

    statement: Signed
    roots: list[Root] = Field(max_length=MOST_BUCKETS)
    used: list[BookLine] = Field([], max_length=2_000_000)


class BucketIn(schemas.Input):
    """The lines of one bucket."""

    number: int = Field(ge=0, lt=MOST_BUCKETS)
    lines: list[BookLine] = Field(max_length=2_000_000)


class BucketsIn(schemas.Input):
    """The lines of buckets that were asked for."""

    buckets: list[BucketIn] = Field(min_length=1, max_length=MOST_BUCKETS)


class MismatchOut(Schema):
    """A line in which the two sides differ; `listed` is the caller's, `released` the node's."""

    kind: MismatchKind
    says: str
    access: str
    listed: str
    released: str


class DaybookOut(Schema):
    """A hand-in and what came of it; `open` are the buckets whose lines are still wanted."""

    id: str
    organisation: str
    day: date
    revision: int
    state: DayState
    received: int
    used: int
    open: list[int]
    mismatches: list[MismatchOut] = Field(description="At most 1000; `count` says how many there are")
    count: int
    handed_at: datetime
    correct_by: date | None
    case: str


class BookDayOut(Schema):
    """A day of the caller, or of a platform that it carries."""

    organisation: str
    day: date
    state: DayState
    due_on: date
    late: bool
    correct_by: date | None
    revision: int
    mismatches: int
    hand_in: str
    case: str


class UseOut(Schema):
    """A use that a line may name; `purposes` are those of a release that cover it, `*` all."""

    code: str
    says: str
    purposes: list[str]
    after_end: bool


def _caller(request: HttpRequest) -> OrganisationFacts:
    return caller_of(request, *RECIPIENTS, scope=SCOPE)


@router.get("", response={200: list[BookDayOut], **PROBLEMS})
def days(request: HttpRequest, limit: Annotated[int, Query(ge=1, le=400)] = 60) -> list[dict[str, Any]]:
    """The caller's days, the newest first, with those that are overdue."""
    found = list_days(organisations=hands_in_for(_caller(request).code), limit=limit)
    return [{name: getattr(day, name) for name in BookDayOut.model_fields} for day in found]


@router.post("", response={200: DaybookOut, **PROBLEMS})
def hand_over(request: HttpRequest, body: DaybookIn) -> dict[str, Any]:
    """Hand a day in. Asked again with the same statement it answers the same, so it needs no Idempotency-Key."""
    mine = hands_in_for(_caller(request).code)
    return _said(hand_in(body.model_dump(), organisations=mine, actor=program(request), now=timezone.now()))


@router.get("/uses", response={200: list[UseOut], **PROBLEMS})
def uses(request: HttpRequest) -> list[dict[str, Any]]:
    """The codes of uses."""
    _caller(request)
    return [
        {"code": u.code, "says": words(u.name), "purposes": sorted(u.purposes), "after_end": u.after_end}
        for u in terms().uses.values()
    ]


@router.get("/{daybook}", response={200: DaybookOut, **PROBLEMS})
def one(request: HttpRequest, daybook: str) -> dict[str, Any]:
    """One hand-in of the caller."""
    return _said(get_hand_in(daybook, organisations=hands_in_for(_caller(request).code)))


@router.post("/{daybook}/buckets", response={200: DaybookOut, **PROBLEMS})
def buckets(request: HttpRequest, daybook: str, body: BucketsIn) -> dict[str, Any]:
    """Open buckets: their lines must be those that were signed. Buckets that nobody asked for are passed over."""
    lines = {bucket.number: bucket.lines for bucket in body.buckets}
    by: dict[str, Any] = {"actor": program(request), "now": timezone.now()}
    return _said(open_buckets(daybook, lines, organisations=hands_in_for(_caller(request).code), **by))


def _said(found: HandIn) -> dict[str, Any]:
    plain = {name: getattr(found, name) for name in DaybookOut.model_fields if name != "mismatches"}
    lines = [
        {
            "kind": m.kind,
            "says": translate(m.kind.label),
            "access": m.access,
            "listed": m.listed,
            "released": m.released,
        }
        for m in found.mismatches
    ]
    return {**plain, "mismatches": lines}
