"""Endpoints, messages and what became of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from xinqiao.evidence.types import Event
from xinqiao.kernel.errors import Invalid, NotFound, Refused

ENDPOINT_ADDED = Event("webhooks.endpoint_added", "登记通知地址", "webhook endpoint added")
ENDPOINT_ENDED = Event("webhooks.endpoint_ended", "停用通知地址", "webhook endpoint ended")
PUSHES_STOPPED = Event("webhooks.pushes_stopped", "停发待送通知", "waiting notices stopped")
SECRET_CHANGED = Event("webhooks.secret_changed", "更换通知密钥", "webhook secret changed")


class MessageState(StrEnum):
    """Where a message stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    SUPERSEDED = "superseded"  # a newer one about the same thing was made before it went out
    DEAD = "dead"  # not taken for three days

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"waiting": "待送达", "delivered": "已送达", "superseded": "已被更新的通知取代", "dead": "未能送达"}[
            self
        ]


@dataclass(frozen=True, slots=True)
class EndpointFacts:
    """Where an organisation takes notices. ``ended_at`` None = in use."""

    id: int
    organisation: str
    url: str
    added_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class MessageFacts:
    """A notice to one endpoint: ``about`` is the number of the request or authorisation it is about."""

    id: str
    endpoint: int
    organisation: str
    type: str
    about: str
    state: MessageState
    made_at: datetime
    attempts: int
    next_at: datetime | None
    last_answer: str


class EndpointRefused(Invalid):
    """The address cannot take notices; every fault is named."""

    code = "webhooks.endpoint_refused"
    title = "通知地址有 {count} 处不符合要求"
    next_step = "请使用 https 地址（本机演示可用 http），不带账号、口令和片段"


class UnknownEndpoint(NotFound):
    """There is no such endpoint or message of this organisation; data: ``endpoint``."""

    code = "webhooks.unknown"
    title = "没有编号为 {endpoint} 的通知地址或通知"


class NotDead(Refused):
    """Only what could not be delivered is sent again; data: ``message``."""

    code = "webhooks.not_dead"
    title = "通知 {message} 不是未能送达的通知"
    next_step = "等待重试即可；已送达的不再重发"
    status = 409
