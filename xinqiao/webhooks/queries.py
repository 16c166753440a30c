"""Reads of endpoints and messages."""

from __future__ import annotations

from django.db.models import F

from xinqiao.webhooks.models import Endpoint, Message
from xinqiao.webhooks.types import EndpointFacts, MessageFacts, MessageState


def list_endpoints(organisation: str) -> list[EndpointFacts]:
    """Endpoints of an organisation, those in use first."""
    rows = Endpoint.objects.filter(organisation=organisation).order_by(F("ended_at").desc(nulls_first=True), "id")
    return [endpoint_facts(row) for row in rows]


def list_messages(organisation: str, *, state: MessageState | None = None, limit: int = 100) -> list[MessageFacts]:
    """The latest notices to an organisation."""
    rows = Message.objects.select_related("endpoint").filter(endpoint__organisation=organisation)
    rows = rows if state is None else rows.filter(state=state)
    return [message_facts(row) for row in rows.order_by("-made_at", "-id")[:limit]]


def count_waiting(organisation: str) -> int:
    """How many notices still wait to go out to an organisation."""
    return Message.objects.filter(endpoint__organisation=organisation, state=MessageState.WAITING).count()


def endpoint_facts(row: Endpoint) -> EndpointFacts:
    """Facts of a row; never its secret."""
    return EndpointFacts(row.id, row.organisation, row.url, row.added_at, row.ended_at)


def message_facts(row: Message) -> MessageFacts:
    """Facts of a row."""
    return MessageFacts(
        id=row.id,
        endpoint=row.endpoint_id,
        organisation=row.endpoint.organisation,
        type=row.type,
        about=row.about,
        state=MessageState(row.state),
        made_at=row.made_at,
        attempts=row.attempts,
        next_at=row.next_at,
        last_answer=row.last_answer,
    )
