"""Verbs of webhooks."""

from __future__ import annotations

import base64
import secrets
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.db import connection, transaction

from xinqiao.evidence.actions import record
from xinqiao.plumbing.outgoing import STRAIGHT
from xinqiao.plumbing.settings import demo
from xinqiao.webhooks.models import Endpoint, Message
from xinqiao.webhooks.queries import endpoint_facts, message_facts
from xinqiao.webhooks.rules import check_url, headers, next_attempt, payload
from xinqiao.webhooks.types import (
    ENDPOINT_ADDED,
    ENDPOINT_ENDED,
    PUSHES_STOPPED,
    SECRET_CHANGED,
    EndpointFacts,
    MessageFacts,
    MessageState,
    NotDead,
    UnknownEndpoint,
)

OVERLAP = timedelta(days=7)  # both secrets sign for so long
PATIENCE = 10  # seconds an endpoint has to answer
CLAIM = timedelta(minutes=2)  # a claimed message is free again after this, should the sender die
BATCH = 20


@transaction.atomic
def add_endpoint(organisation: str, *, url: str, actor: str, now: datetime) -> tuple[EndpointFacts, str]:
    """Register where an organisation takes notices; gives the secret, which is shown this once.

    Raises EndpointRefused.
    """
    check_url(url, loopback=demo())
    row = Endpoint.objects.create(organisation=organisation, url=url, secret=_new_secret(), added_at=now)
    record(ENDPOINT_ADDED, actor=actor, subject=organisation, body={"endpoint": row.id, "url": url}, now=now)
    return endpoint_facts(row), row.secret


@transaction.atomic
def change_secret(endpoint: int, *, organisation: str, actor: str, now: datetime) -> str:
    """A new secret, shown this once; both sign for seven days. Raises UnknownEndpoint."""
    row = _own(endpoint, organisation)
    row.former, row.former_until, row.secret = row.secret, now + OVERLAP, _new_secret()
    row.save(update_fields=["secret", "former", "former_until"])
    record(SECRET_CHANGED, actor=actor, subject=organisation, body={"endpoint": row.id}, now=now)
    return str(row.secret)


@transaction.atomic
def end_endpoint(endpoint: int, *, organisation: str, actor: str, now: datetime) -> None:
    """Send nothing more there. Raises UnknownEndpoint."""
    row = _own(endpoint, organisation)
    row.ended_at, row.secret, row.former = now, "", ""
    row.save(update_fields=["ended_at", "secret", "former"])
    row.message_set.filter(state=MessageState.WAITING).update(state=MessageState.DEAD, next_at=None)
    record(ENDPOINT_ENDED, actor=actor, subject=organisation, body={"endpoint": row.id}, now=now)


def tell(organisation: str, kind: str, *, about: str, data: Mapping[str, str], now: datetime) -> int:
    """Put a notice into the queue of each of the organisation's endpoints; returns how many.

    Call in the transaction of what happened. A notice about the same thing that has not gone out yet is superseded,
    so a recipient never hears the older state after the newer one.
    """
    body = payload(kind, at=now, data=data)
    rows = list(Endpoint.objects.filter(organisation=organisation, ended_at=None))
    waiting = Message.objects.filter(endpoint__in=rows, about=about, state=MessageState.WAITING)
    waiting.update(state=MessageState.SUPERSEDED, next_at=None)
    for row in rows:
        Message.objects.create(
            id=f"msg_{secrets.token_hex(12)}",
            endpoint=row,
            type=kind,
            about=about,
            body=body,
            state=MessageState.WAITING,
            made_at=now,
            next_at=now,
        )
    return len(rows)


@transaction.atomic
def stop_pushes(organisation: str, *, actor: str, now: datetime) -> int:
    """Send nothing of what waits for an organisation; returns how many notices became dead letters.

    Endpoints stay, so that the organisation can have them sent again once it is let in again.
    """
    rows = Message.objects.filter(endpoint__organisation=organisation, state=MessageState.WAITING)
    count = rows.update(state=MessageState.DEAD, next_at=None)
    if count:
        record(PUSHES_STOPPED, actor=actor, subject=organisation, body={"messages": count}, now=now)
    return count


def take_back(about: Iterable[str]) -> int:
    """Send nothing of these things any more, not a dead letter again either; returns how many notices that were."""
    rows = Message.objects.filter(about__in=list(about), state__in=(MessageState.WAITING, MessageState.DEAD))
    return rows.update(state=MessageState.SUPERSEDED, next_at=None)


@transaction.atomic
def end_endpoints(organisation: str, *, actor: str, now: datetime) -> int:
    """End every endpoint of an organisation and what waits for them; returns how many endpoints."""
    rows = list(Endpoint.objects.filter(organisation=organisation, ended_at=None))
    for row in rows:
        end_endpoint(row.id, organisation=organisation, actor=actor, now=now)
    return len(rows)


def deliver_due(*, now: datetime) -> int:
    """Send what is due; returns how many were taken. Safe to run in several processes at once."""
    return sum(_deliver(row, now) for row in _claim(now))


def _claim(now: datetime) -> list[Message]:
    """Due messages, put out of reach of other senders while this one tries."""
    with transaction.atomic():
        due = Message.objects.filter(state=MessageState.WAITING, next_at__lte=now).order_by("next_at", "id")
        if connection.vendor == "postgresql":
            due = due.select_for_update(skip_locked=True)
        names = [row.id for row in due[:BATCH]]
        Message.objects.filter(id__in=names).update(next_at=now + CLAIM)
    return list(Message.objects.filter(id__in=names).select_related("endpoint").order_by("made_at", "id"))


def _deliver(row: Message, now: datetime) -> bool:
    status = _send(row, now)
    taken = 200 <= status < 300
    attempts = row.attempts + 1
    again = None if taken else next_attempt(attempts, failed_at=now)
    state = MessageState.DELIVERED if taken else MessageState.WAITING if again else MessageState.DEAD
    # A newer notice may have superseded it meanwhile: then that stands.
    Message.objects.filter(id=row.id, state=MessageState.WAITING).update(
        state=state, attempts=attempts, next_at=again, last_answer=str(status) if status else "no answer"
    )
    return taken


def _send(row: Message, now: datetime) -> int:
    """The status of the answer, 0 without one. Redirects are not followed: the address is what was registered."""
    point, body = row.endpoint, bytes(row.body)
    standing = [point.secret] if point.secret else []
    standing += [point.former] if point.former and point.former_until and point.former_until > now else []
    if not standing:
        return 0
    request = urllib.request.Request(
        point.url, data=body, headers=headers(row.id, body, secrets=standing, at=now), method="POST"
    )
    try:
        with STRAIGHT.open(request, timeout=PATIENCE) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except (OSError, ValueError):
        return 0


@transaction.atomic
def send_again(message: str, *, organisation: str, now: datetime) -> MessageFacts:
    """Try a dead letter again from the start. Raises UnknownEndpoint, NotDead."""
    rows = Message.objects.select_for_update(of=("self",)).select_related("endpoint")
    row = rows.filter(id=message, endpoint__organisation=organisation, endpoint__ended_at=None).first()
    if row is None:
        raise UnknownEndpoint(endpoint=message)
    if row.state != MessageState.DEAD:
        raise NotDead(message=message)
    row.state, row.attempts, row.next_at = MessageState.WAITING, 0, now
    row.save(update_fields=["state", "attempts", "next_at"])
    return message_facts(row)


def _own(endpoint: int, organisation: str) -> Endpoint:
    row = Endpoint.objects.select_for_update().filter(id=endpoint, organisation=organisation, ended_at=None).first()
    if row is None:
        raise UnknownEndpoint(endpoint=endpoint)
    return row


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode("ascii")
