"""Corrections by program: answers of the node that turned out wrong or may be used no more, and the word on them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Router, Schema

from xinqiao.corrections.acknowledging import acknowledge
from xinqiao.corrections.queries import get_notice, list_notices
from xinqiao.corrections.types import CorrectionKind, Notice, NoticeState
from xinqiao.evidence.queries import receipt
from xinqiao.parties.types import OrganisationFacts
from xinqiao.web.api.v1.calling import PROBLEMS, RECIPIENTS, caller_of, program

SCOPE = "disputes"
router = Router(tags=["corrections"])


class CorrectionOut(Schema):
    """An answer of the node that does not hold; `changes` only where the authorisation still stands."""

    id: int
    kind: CorrectionKind
    cause: str = Field(description="Number of the dispute or repair behind it")
    enterprise: str
    item: str
    access: str = Field(description="Ledger line of that answer")
    accessed_at: datetime
    changes: list[dict[str, Any]]
    state: NoticeState
    sent_at: datetime
    acknowledge_by: date
    acknowledged_at: datetime | None
    receipt: dict[str, Any] | None = Field(
        None, description="Signed proof of what was told, where one correction is asked for"
    )


def _caller(request: HttpRequest) -> OrganisationFacts:
    """A suspended party too: it still has to acknowledge what it was told."""
    return caller_of(request, *RECIPIENTS, scope=SCOPE)


@router.get("", response={200: list[CorrectionOut], **PROBLEMS})
def corrections(request: HttpRequest, waiting: bool = True) -> list[dict[str, Any]]:
    """Corrections told to the caller, the most urgent first; `waiting=false` those acknowledged too."""
    return [_correction(one) for one in list_notices(recipient=_caller(request).code, waiting=waiting)]


@router.get("/{int:correction}", response={200: CorrectionOut, **PROBLEMS})
def correction(request: HttpRequest, correction: int) -> dict[str, Any]:
    """One correction with its receipt."""
    found = get_notice(correction, recipient=_caller(request).code)
    return _correction(found) | {"receipt": receipt(found.entry).as_json()}


@router.post("/{int:correction}/acknowledge", response={200: CorrectionOut, **PROBLEMS})
def know(request: HttpRequest, correction: int) -> dict[str, Any]:
    """Say that the correction is known and acted upon; said twice it changes nothing."""
    caller = _caller(request)
    return _correction(acknowledge(correction, recipient=caller.code, actor=program(request), now=timezone.now()))


def _correction(found: Notice) -> dict[str, Any]:
    plain = set(CorrectionOut.model_fields) - {"acknowledge_by", "receipt", "changes"}
    changes = [dict(change) for change in found.changes]
    return {**{name: getattr(found, name) for name in plain}, "acknowledge_by": found.due_on, "changes": changes}
