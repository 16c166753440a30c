"""What measures do outside this context: freezes of supervision, suspension and removal of admission."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from xinqiao.admission.actions import approve, propose, suspend_urgently
from xinqiao.admission.queries import find_member
from xinqiao.admission.types import MeasureKind, State
from xinqiao.supervision.actions import approve_freeze, lift_freeze, propose_freeze
from xinqiao.supervision.queries import get_freeze
from xinqiao.supervision.types import IN_FORCE
from xinqiao.violations.models import CaseRow
from xinqiao.violations.types import CaseMeasure, Effect


def take_effect(row: CaseRow, measures: Iterable[CaseMeasure], *, actor: str, now: datetime) -> str:
    """Do what the measures say; returns the number of the freeze, if one was made.

    Who decided stands as the one who proposed, ``actor`` as the second person, so that the checks of those contexts
    hold as they always do. Raises what they raise.
    """
    freeze = ""
    for effect in (m.effect for m in measures):
        if effect is Effect.FREEZE:
            made = propose_freeze(
                row.party, organisation=row.organisation, reason=row.decision, actor=row.decided_by, now=now
            )
            freeze = approve_freeze(made.id, actor=actor, now=now).id
        elif effect is Effect.SUSPEND:
            suspend_urgently(row.organisation, case=row.id, reason=row.decision, actor=actor, now=now)
        elif effect is Effect.REMOVE:
            asked = propose(row.organisation, MeasureKind.REMOVE, reason=row.decision, actor=row.decided_by, now=now)
            approve(asked.id, actor=actor, now=now)
    return freeze


def take_back(row: CaseRow, *, reason: str, actor: str, now: datetime) -> None:
    """Undo what can be undone: lift the freeze; propose the end of a suspension, which two people of admission decide.

    A removal stays: whoever comes back applies anew.
    """
    if row.freeze and get_freeze(row.freeze).state in IN_FORCE:
        lift_freeze(row.freeze, reason=reason, actor=actor, now=now)
    member = find_member(row.organisation)
    if "suspension" in row.measures and member is not None and member.state is State.SUSPENDED:
        propose(row.organisation, MeasureKind.RESTORE, reason=reason, actor=actor, now=now)
