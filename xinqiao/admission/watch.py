"""The automatic pass: what has lapsed puts a member under watch, and after the grace period suspends it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from xinqiao.admission.actions import put_under_watch, suspend_lapsed
from xinqiao.admission.content import bar
from xinqiao.admission.effects import tell_enterprises
from xinqiao.admission.models import MemberRow
from xinqiao.admission.queries import lapses_of
from xinqiao.admission.rules import out_of_grace
from xinqiao.admission.types import OPEN_STATES, Member, State
from xinqiao.kernel.dated import beijing_day

ACTOR = "system:admission"


def watch_members(*, now: datetime) -> list[Member]:
    """Look at every member that is open, each in a transaction of its own; gives those whose state changed.

    May run twice without harm: what is watched already is left until its grace period ends.
    """
    codes = list(MemberRow.objects.filter(state__in=OPEN_STATES).order_by("id").values_list("organisation", flat=True))
    found = [changed for code in codes if (changed := _look_at(code, now))]
    tell_enterprises(actor=ACTOR, now=now)  # also what a process that died had still to say
    return found


@transaction.atomic
def _look_at(code: str, now: datetime) -> Member | None:
    row = MemberRow.objects.select_for_update().filter(organisation=code, state__in=OPEN_STATES).first()
    if row is None:
        return None
    today = beijing_day(now)
    found = lapses_of(row, on=today)
    reason, codes = "；".join(lapse.says for lapse in found)[:500], [lapse.code for lapse in found]
    if not found:
        return None
    if row.state != State.WATCHED:
        return put_under_watch(row, reason=reason, lapses=codes, actor=ACTOR, now=now)
    if row.watched_at is not None and out_of_grace(bar(), beijing_day(row.watched_at), on=today):
        return suspend_lapsed(row, reason=reason, lapses=codes, actor=ACTOR, now=now)
    return None
