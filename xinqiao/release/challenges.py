"""Questions of an enterprise about an access to it, and their answers by who looked."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from xinqiao.evidence.actions import record
from xinqiao.kernel.dated import beijing_day
from xinqiao.kernel.errors import Problem
from xinqiao.plumbing.calendar import work_calendar
from xinqiao.release.models import AccessLine, ChallengeRow
from xinqiao.release.queries import UnknownAccess
from xinqiao.release.types import (
    CHALLENGED,
    EXPLAINED,
    AlreadyChallenged,
    Challenge,
    ChallengeState,
    NothingSaid,
    RecipientKind,
    UnknownChallenge,
)

ANSWER_DAYS = 2  # working days, as for an objection (省级实施方案); our working draft for questions
LONGEST = 500
NODE = "node"


@transaction.atomic
def challenge_access(access: str, *, enterprise: str, text: str, actor: str, now: datetime) -> Challenge:
    """Ask why this access happened. Raises UnknownAccess, NothingSaid, AlreadyChallenged (one question an access)."""
    said = _said(text)
    line = AccessLine.objects.select_for_update().filter(id=access, enterprise=enterprise).first()
    if line is None:
        raise UnknownAccess(access=access)
    if ChallengeRow.objects.filter(access=line).exists():
        raise AlreadyChallenged(access=access)
    outside = line.recipient_kind in (RecipientKind.INSTITUTION, RecipientKind.PLATFORM, RecipientKind.DEPARTMENT)
    calendar = work_calendar()
    row = ChallengeRow.objects.create(
        access=line,
        asked_of=line.recipient_code if outside else NODE,
        text=said,
        state=ChallengeState.OPEN,
        asked_at=now,
        due_on=calendar.add(beijing_day(now), ANSWER_DAYS).on,
    )
    body = {"access": access, "asked_of": row.asked_of, "text": said, "due_on": row.due_on.isoformat()}
    record(CHALLENGED, actor=actor, subject=enterprise, body=body, now=now)
    return _facts(row)


@transaction.atomic
def explain_access(challenge: int, *, asked_of: str, text: str, actor: str, now: datetime) -> Challenge:
    """Answer a question that ``asked_of`` (an organisation's code, or ``node``) must answer.

    A later answer adds to what the evidence holds and replaces what the page shows. Raises UnknownChallenge,
    NothingSaid.
    """
    said = _said(text)
    rows = ChallengeRow.objects.select_for_update(of=("self",)).select_related("access")
    row = rows.filter(id=challenge, asked_of=asked_of).first()
    if row is None:
        raise UnknownChallenge(challenge=challenge)
    row.state, row.answer, row.answered_at = ChallengeState.ANSWERED, said, now
    row.save(update_fields=["state", "answer", "answered_at"])
    body = {"access": row.access_id, "text": said}
    record(EXPLAINED, actor=actor, subject=row.access.enterprise, body=body, now=now)
    return _facts(row)


def list_challenges(*, asked_of: str | None = None, enterprise: str | None = None, limit: int = 200) -> list[Challenge]:
    """Questions, those without an answer first, the most urgent on top."""
    rows = ChallengeRow.objects.select_related("access").order_by("-state", "due_on", "id")
    if asked_of is not None:
        rows = rows.filter(asked_of=asked_of)
    if enterprise is not None:
        rows = rows.filter(access__enterprise=enterprise)
    return [_facts(row) for row in rows[:limit]]


def challenge_of(access: str) -> Challenge | None:
    """The question asked about an access, if any."""
    row = ChallengeRow.objects.select_related("access").filter(access_id=access).first()
    return _facts(row) if row else None


def _said(text: str) -> str:
    said = text.strip()
    if not 1 <= len(said) <= LONGEST:
        raise NothingSaid([Problem(field="text", code="release.text", message=f"{len(said)} / {LONGEST}")])
    return said


def _facts(row: ChallengeRow) -> Challenge:
    return Challenge(
        id=row.id,
        access=row.access_id,
        enterprise=row.access.enterprise,
        asked_of=row.asked_of,
        text=row.text,
        state=ChallengeState(row.state),
        asked_at=row.asked_at,
        due_on=row.due_on,
        answer=row.answer,
        answered_at=row.answered_at,
    )
