"""Watch list and signals by program: a notice names a number, here is what it is about, under the caller's rights."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Field, Router, Schema

from xinqiao.kernel.identifiers import parse_uscc
from xinqiao.marks.queries import disputed_items
from xinqiao.monitoring.actions import end_watch, reply, watch_borrower
from xinqiao.monitoring.content import reply_reasons, signals
from xinqiao.monitoring.queries import get_told, list_told, list_watches
from xinqiao.monitoring.types import Push, Reply, Signal, SignalLevel, Watch, WatchEnd
from xinqiao.parties.types import OrganisationFacts, OrganisationKind
from xinqiao.release.types import Recipient
from xinqiao.web.api.v1 import schemas
from xinqiao.web.api.v1.calling import PROBLEMS, Key, admitted, answered_once, caller_of, program
from xinqiao.web.templatetags.xinqiao import words

SCOPE = "financing"
router = Router(tags=["monitoring"])
Line = schemas.Line


class WatchIn(schemas.Input):
    """A borrower to watch under its post-loan authorisation; what is outstanding in fen may be left out."""

    enterprise: Line
    exposure_fen: int | None = Field(None, ge=0, le=10**15)


class WatchOut(Schema):
    """A borrower on the caller's list."""

    id: int
    enterprise: str
    enterprise_name: str
    authorisation: str
    exposure_fen: int | None
    began_at: datetime
    ended_at: datetime | None
    end: WatchEnd | None


class ReplyIn(schemas.Input):
    """The caller's word on a signal, with a code of `GET /monitoring/reply-reasons`."""

    reply: Reply = Field(strict=False)
    reason: Line
    note: Line = Field("", max_length=300)


class ReplyReasonOut(Schema):
    """A coded reason of a reply."""

    code: str
    reply: Reply
    says: str


class SignalOut(Schema):
    """A signal as the gate lets the caller read it: what it rests on, until when it stands, what to do."""

    id: str
    enterprise: str
    rule: str
    rule_sha256: str
    name: str
    level: SignalLevel
    facts: dict[str, Any]
    next_step: str
    clause: str
    raised_at: datetime
    expires_on: date
    access: str = Field(description="Ledger line of the push; its receipt proves what was told")
    under_objection: list[str] = Field(description="Items it rests on that the enterprise disputes now")
    reply: Reply | None
    reason: str


def _caller(request: HttpRequest) -> OrganisationFacts:
    return caller_of(request, OrganisationKind.INSTITUTION, scope=SCOPE)


@router.get("/watches", response={200: list[WatchOut], **PROBLEMS})
def watches(request: HttpRequest) -> list[dict[str, Any]]:
    """The borrowers the caller watches."""
    return [_watch(one) for one in list_watches(organisation=_caller(request).code)]


@router.post("/watches", response={201: WatchOut, **PROBLEMS})
def watch(request: HttpRequest, body: WatchIn, key: Key) -> HttpResponse:
    """Watch a borrower; it ends by itself with the authorisation."""
    caller, code = admitted(_caller(request)), parse_uscc(body.enterprise).code

    def act() -> tuple[int, Any]:
        by: dict[str, Any] = {"actor": program(request), "now": timezone.now()}
        made = watch_borrower(caller.code, enterprise=code, exposure_fen=body.exposure_fen, **by)
        return 201, WatchOut(**_watch(made)).model_dump(mode="json")

    return answered_once(request, key, request.body, act)


@router.delete("/watches/{int:watch}", response={200: WatchOut, **PROBLEMS})
def stop(request: HttpRequest, watch: int) -> dict[str, Any]:
    """Watch a borrower no more."""
    caller = _caller(request)
    return _watch(end_watch(watch, organisation=caller.code, actor=program(request), now=timezone.now()))


@router.get("/signals", response={200: list[SignalOut], **PROBLEMS})
def told(request: HttpRequest, answered: bool = False) -> list[dict[str, Any]]:
    """Signals that stand and may be read now, the gravest first; `answered=true` those the caller has replied to."""
    recipient, now = Recipient.of(_caller(request)), timezone.now()
    return [_signal(*pair) for pair in list_told(recipient, now=now, answered=answered)]


@router.get("/signals/{signal}", response={200: SignalOut, **PROBLEMS})
def one(request: HttpRequest, signal: str) -> dict[str, Any]:
    """One signal; expired, withdrawn or no longer authorised, it is not found."""
    recipient = Recipient.of(_caller(request))
    return _signal(*get_told(signal, recipient=recipient, now=timezone.now()))


@router.get("/reply-reasons", response={200: list[ReplyReasonOut], **PROBLEMS})
def reasons(request: HttpRequest) -> list[dict[str, str]]:
    """The codes a reply may give."""
    _caller(request)
    return [{"code": r.code, "reply": str(r.reply), "says": words(r.name)} for r in reply_reasons()]


@router.post("/signals/{signal}/reply", response={200: SignalOut, **PROBLEMS})
def answer(request: HttpRequest, signal: str, body: ReplyIn, key: Key) -> HttpResponse:
    """Say what a signal was worth, once; it counts in the rule's precision."""
    recipient = Recipient.of(_caller(request))

    def act() -> tuple[int, Any]:
        now = timezone.now()
        said: dict[str, Any] = {"said": str(body.reply), "reason": body.reason, "note": body.note}
        reply(signal, recipient=recipient, **said, actor=program(request), now=now)
        found = get_told(signal, recipient=recipient, now=now)
        return 200, SignalOut(**_signal(*found)).model_dump(mode="json")

    return answered_once(request, key, request.body, act)


def _watch(found: Watch) -> dict[str, Any]:
    return {name: getattr(found, name) for name in WatchOut.model_fields}


def _signal(found: Signal, push: Push) -> dict[str, Any]:
    rule = signals().rule(found.rule)
    says = {key: words(getattr(rule, key)) if rule else "" for key in ("name", "next_step", "clause")}
    plain = ("id", "enterprise", "rule", "rule_sha256", "level", "raised_at", "expires_on")
    disputed = disputed_items(found.enterprise, known=timezone.now()) & set(rule.items if rule else ())
    told: dict[str, Any] = {
        "under_objection": sorted(disputed),
        "access": push.access,
        "reply": push.reply,
        "reason": push.reason,
    }
    return {**{name: getattr(found, name) for name in plain}, "facts": dict(found.facts), **says, **told}
