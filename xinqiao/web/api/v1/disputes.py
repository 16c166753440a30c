"""Disputes by program: forwarded within two working days, followed to the answer."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Field, Router, Schema
from pydantic import AwareDatetime

from xinqiao.disputes.filing import forward, receive_at
from xinqiao.disputes.queries import dispute_rules, get_dispute, list_disputes, turn_at
from xinqiao.disputes.refusals import InvalidClaim
from xinqiao.disputes.types import Channel, Claim, Dispute, DisputeState, Holder, Verdict
from xinqiao.kernel.identifiers import parse_uscc
from xinqiao.parties.types import OrganisationFacts, OrganisationKind
from xinqiao.web.api.v1 import schemas
from xinqiao.web.api.v1.calling import PROBLEMS, RECIPIENTS, Key, answered_once, caller_of, program
from xinqiao.web.api.v1.files import bytes_of
from xinqiao.web.words import is_english

SCOPE = "disputes"
router = Router(tags=["disputes"])
Line = schemas.Line


class FileIn(schemas.Input):
    """A file that supports the claim: PDF, JPG or PNG, at most 5 MB, in base64."""

    name: Line = Field(max_length=200)
    base64: Line = Field(max_length=7_000_000)


class DisputeIn(schemas.Input):
    """What an enterprise says is wrong, as it was handed to the caller.

    `received_at` is when: the two working days run from then. `forward=false` registers it with its clock only.
    """

    enterprise: Line
    item: Line
    ground: Line = Field(description="A code of `GET /disputes/grounds`")
    text: Line = Field(max_length=1000)
    received_at: AwareDatetime | None = Field(None, strict=False)
    forward: bool = True
    files: list[FileIn] = Field(default=[], max_length=5)


class DisputeTurnOut(Schema):
    """Whose turn a dispute is and until when."""

    holder: Holder
    due_on: date
    elapsed_percent: int
    workdays_left: int
    over: bool
    provisional: bool


class DisputeOut(Schema):
    """A dispute that came through the caller."""

    id: str
    enterprise: str
    item: str
    ground: str
    text: str
    state: DisputeState
    received_at: datetime
    forward_due_on: date
    provisional: bool = Field(description="The notice of a year's working days is still missing")
    forwarded_at: datetime | None
    late: bool
    answer_due_on: date | None
    verdict: Verdict | None = Field(description="The answer itself is for the enterprise alone")
    turn: DisputeTurnOut | None


class GroundOut(Schema):
    """A coded claim."""

    code: str
    says: str


def _caller(request: HttpRequest) -> OrganisationFacts:
    """A suspended party too: it still has to forward what it received."""
    return caller_of(request, *RECIPIENTS, scope=SCOPE)


@router.get("/grounds", response={200: list[GroundOut], **PROBLEMS})
def grounds(request: HttpRequest) -> list[dict[str, str]]:
    """The codes a claim may give."""
    _caller(request)
    return [{"code": g.code, "says": g.says_en if is_english() else g.says} for g in dispute_rules().grounds]


@router.post("", response={201: DisputeOut, **PROBLEMS})
def take(request: HttpRequest, body: DisputeIn, key: Key) -> HttpResponse:
    """Hand over a dispute that an enterprise handed to the caller."""
    caller, code = _caller(request), parse_uscc(body.enterprise).code
    channel = Channel.PLATFORM if caller.kind is OrganisationKind.PLATFORM else Channel.INSTITUTION
    files = [(file.name, bytes_of(file.base64, file.name, error=InvalidClaim)) for file in body.files]

    def act() -> tuple[int, Any]:
        by: dict[str, Any] = {"actor": program(request), "now": timezone.now()}
        claim = Claim(body.item, "", body.ground, body.text)
        where: dict[str, Any] = {"enterprise": code, "channel": channel, "via": caller.code}
        made = receive_at(claim, **where, received_at=body.received_at or by["now"], files=files, **by)
        if body.forward:
            made = forward(made.id, via=caller.code, **by)
        return 201, DisputeOut(**_dispute(made)).model_dump(mode="json")

    return answered_once(request, key, request.body, act, together=True)


@router.get("", response={200: list[DisputeOut], **PROBLEMS})
def through_caller(request: HttpRequest) -> list[dict[str, Any]]:
    """Disputes that came through the caller, the newest first, two hundred at most."""
    return [_dispute(one) for one in list_disputes(via=_caller(request).code)]


@router.get("/{dispute}", response={200: DisputeOut, **PROBLEMS})
def one(request: HttpRequest, dispute: str) -> dict[str, Any]:
    """One dispute that came through the caller."""
    return _dispute(get_dispute(dispute, via=_caller(request).code))


@router.post("/{dispute}/forward", response={200: DisputeOut, **PROBLEMS})
def hand_over(request: HttpRequest, dispute: str) -> dict[str, Any]:
    """Forward a dispute that was registered before."""
    caller = _caller(request)
    return _dispute(forward(dispute, via=caller.code, actor=program(request), now=timezone.now()))


def _dispute(found: Dispute) -> dict[str, Any]:
    turn = turn_at(found, now=timezone.now())
    claim = {"item": found.claim.item, "ground": found.claim.ground, "text": found.claim.text}
    plain = set(DisputeOut.model_fields) - {*claim, "turn"}
    told = {name: getattr(turn, name) for name in DisputeTurnOut.model_fields} if turn else None
    return {**{name: getattr(found, name) for name in plain}, **claim, "turn": told}
