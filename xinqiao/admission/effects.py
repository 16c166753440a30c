"""What a change of state does outside this context: the gate, tokens, pushes, authorisations, enterprises."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from xinqiao.admission.content import bar
from xinqiao.admission.models import MemberRow, NoticeRow
from xinqiao.admission.queries import is_open
from xinqiao.admission.rules import ADMISSION_TRANSITIONS
from xinqiao.admission.types import HANDED_OVER, OPEN_STATES, TOLD, NoticeKind, Route, State
from xinqiao.consent.actions import request_authorisation
from xinqiao.consent.removal import affected_enterprises, list_held, void_authorisations
from xinqiao.consent.types import AlreadyRequested, Authorisation, BeyondCeiling
from xinqiao.evidence.actions import record
from xinqiao.kernel.canonical import sha256_hex
from xinqiao.kernel.dated import beijing_day
from xinqiao.oauth.actions import end_clients, end_tokens
from xinqiao.parties.actions import set_admitted, set_route
from xinqiao.parties.queries import get_organisation
from xinqiao.webhooks.actions import end_endpoints, stop_pushes

HANDOVER_REASON = "原机构已退出，请求由本机构接续办理"


def move(
    row: MemberRow, event: str, *, reason: str, actor: str, now: datetime, successor: str = "", quiet: bool = False
) -> None:
    """Lead a member to the state that ``event`` leads to, with everything that follows from it.

    Call in the transaction of the act, with the row held. ``quiet`` tells no enterprise, for a step that another
    follows at once. Raises TransitionRefused.
    """
    row.state = ADMISSION_TRANSITIONS.check(State(row.state), event)
    row.since, row.reason = now, reason[:500]
    row.save()
    settle(row, reason=reason, actor=actor, now=now, successor=successor, quiet=quiet)


def settle(row: MemberRow, *, reason: str, actor: str, now: datetime, successor: str = "", quiet: bool = False) -> None:
    """Make the gate, and all that hangs on it, agree with where a member stands; hosted platforms follow their host."""
    code = row.organisation
    was, opens = get_organisation(code).admitted, _gate_open(row)
    set_route(code, via=bar().host if row.route == Route.HOSTED else "", actor=actor, now=now)
    set_admitted(code, admitted=opens, reason=reason, actor=actor, now=now)
    if row.state == State.REMOVED:
        _leave(row, reason=reason, successor=successor, actor=actor, now=now)
    elif was and not opens:
        end_tokens(code, reason="organisation suspended", actor=actor, now=now)
        stop_pushes(code, actor=actor, now=now)
        _note(row, "" if quiet else NoticeKind.SUSPENDED)
    elif opens and not was and affected_enterprises(code, now=now):  # nobody knows of a member that is new
        _note(row, NoticeKind.RESTORED)
    if code == bar().host:
        for hosted in MemberRow.objects.select_for_update().filter(route=Route.HOSTED).order_by("id"):
            settle(hosted, reason=reason, actor=actor, now=now)


def _gate_open(row: MemberRow) -> bool:
    return row.state in OPEN_STATES and (row.route == Route.DIRECT or is_open(bar().host))


def _note(row: MemberRow, kind: NoticeKind | str) -> None:
    """That enterprises are to be told, in a transaction after this one: a suspension does not wait for thousands."""
    row.untold = str(kind)
    row.save(update_fields=["untold"])


@transaction.atomic
def tell_enterprises(*, actor: str, now: datetime) -> int:
    """Tell whom a suspension or its end concerns, where that is still to be done; returns how many organisations."""
    rows = list(MemberRow.objects.select_for_update().exclude(untold="").order_by("id"))
    for row in rows:
        _tell(row, NoticeKind(row.untold), affected_enterprises(row.organisation, now=now), actor, now)
        _note(row, "")
    return len(rows)


def _leave(row: MemberRow, *, reason: str, successor: str, actor: str, now: datetime) -> None:
    """Nothing of the organisation stays: clients, endpoints, requests, authorisations; a successor asks anew."""
    _note(row, "")
    code = row.organisation
    firms, held = affected_enterprises(code, now=now), list_held(code, now=now)
    end_clients(code, reason=reason[:200], actor=actor, now=now)
    end_endpoints(code, actor=actor, now=now)  # first, so that no notice about what follows waits for it
    void_authorisations(code, reason=reason, actor=actor, now=now)
    row.delete_by, row.deleted_at, row.deletion_statement = beijing_day(now) + timedelta(bar().deletion_days), None, ""
    row.save(update_fields=["delete_by", "deleted_at", "deletion_statement"])
    asked = _hand_over(held, code, successor, actor, now) if successor else set()
    _tell(row, NoticeKind.REMOVED, [f for f in firms if f not in asked], actor, now)
    _tell(row, NoticeKind.HANDED_OVER, sorted(asked), actor, now)


def _hand_over(held: list[Authorisation], code: str, successor: str, actor: str, now: datetime) -> set[str]:
    """Ask each enterprise whether the successor may go on, for what is left; gives the enterprises that were asked.

    An enterprise that the successor asked within 30 days is not asked again. Nothing is taken over without its word.
    """
    asked: set[str] = set()
    for one in held:
        try:
            request_authorisation(
                successor,
                enterprise=one.subject,
                purpose=one.purpose,
                items=one.items,
                form=one.form,
                reason=HANDOVER_REASON,
                days=max(1, (one.valid_to - now).days),
                times=one.times_max - one.times_used,
                product=one.product,
                actor=actor,
                now=now,
            )
        except (AlreadyRequested, BeyondCeiling):
            continue
        asked.add(one.subject)
    body = {"successor": successor, "held": len(held), "asked": len(asked)}
    record(HANDED_OVER, actor=actor, subject=code, body=body, now=now)
    return asked


def _tell(row: MemberRow, kind: NoticeKind, firms: list[str], actor: str, now: datetime) -> None:
    """Put a notice into each enterprise's portal; the evidence holds how many and the digest of their codes."""
    if not firms:
        return
    told = {"organisation": row.organisation, "organisation_name": row.name, "kind": kind, "at": now}
    NoticeRow.objects.bulk_create([NoticeRow(enterprise=firm, **told) for firm in firms], batch_size=500)
    body = {"kind": str(kind), "enterprises": len(firms), "sha256": sha256_hex("\n".join(firms).encode())}
    record(TOLD, actor=actor, subject=row.organisation, body=body, now=now)
