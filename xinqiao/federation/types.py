"""Nodes, links, objects and pages as the rest of the system sees them; events. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from xinqiao.evidence.types import Event
from xinqiao.kernel.errors import Problem

Body = Mapping[str, Any]


class NodeLevel(StrEnum):
    """Where a node stands in the network."""

    NATION = "nation"
    PROVINCE = "province"
    CITY = "city"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"nation": "国家平台", "province": "省级节点", "city": "市级平台"}[self]


class Side(StrEnum):
    """Where the peer of a link stands, seen from here."""

    ABOVE = "above"
    BELOW = "below"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"above": "上级", "below": "下级"}[self]


class LinkState(StrEnum):
    """Where a link stands."""

    PROPOSED = "proposed"
    ACTIVE = "active"
    PAUSED = "paused"
    DECLINED = "declined"
    ENDED = "ended"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {
            "proposed": "待确认",
            "active": "已连通",
            "paused": "已暂停",
            "declined": "未通过",
            "ended": "已终止",
        }[self]


STANDING = frozenset({LinkState.PROPOSED, LinkState.ACTIVE, LinkState.PAUSED})


class SyncState(StrEnum):
    """Where an object stands on its way over a link, as its sender knows."""

    QUEUED = "queued"
    SENT = "sent"  # in a page that was not answered yet
    ACKNOWLEDGED = "acknowledged"  # the peer keeps it; an older version is not applied
    APPLIED = "applied"
    HELD = "held"  # the peer keeps it aside, with its problems
    REFUSED = "refused"  # another object stands under the same version

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {
            "queued": "待发送",
            "sent": "已发送",
            "acknowledged": "已确认",
            "applied": "已应用",
            "held": "被搁置",
            "refused": "被拒绝",
        }[self]


class HeldState(StrEnum):
    """Where an object stands that was not taken in."""

    HELD = "held"
    RELEASED = "released"  # taken in after all
    SUPERSEDED = "superseded"  # a later version was taken in
    REFUSED = "refused"  # a second object under a version that is taken
    DROPPED = "dropped"  # a person gave it up, with a reason

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {
            "held": "待处理",
            "released": "已补收",
            "superseded": "已有新版",
            "refused": "版本冲突",
            "dropped": "已放弃",
        }[self]


class Verdict(StrEnum):
    """What an object is to a node that may know others under its name."""

    NEW = "new"  # later than all that is known
    OLDER = "older"
    KNOWN = "known"
    FORKED = "forked"  # the version is known with another content


@dataclass(frozen=True, slots=True)
class NodeKey:
    """A public key of a node: the suite and the bytes in base64."""

    suite: str
    key: str


@dataclass(frozen=True, slots=True)
class Card:
    """What a node says of itself to one it wants to be linked with. ``url`` is empty for who never answers calls."""

    node: str
    name: str
    level: NodeLevel
    division: str
    url: str
    keys: tuple[NodeKey, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A link with its cursors: what was received, what was given a place, what the peer has confirmed.

    ``out_seq - out_acked`` objects are on their way; ``oldest`` is since when the first of them waits.
    """

    id: int
    peer: str
    name: str
    side: Side
    state: LinkState
    level: NodeLevel
    url: str
    adapter: str
    fingerprint: str
    kinds: tuple[str, ...]
    proposed_by: str
    proposed_at: datetime
    confirmed_by: str
    confirmed_at: datetime | None
    reason: str
    in_seq: int
    out_seq: int
    out_sent: int
    out_acked: int
    behind: int
    contact_at: datetime | None
    tried_at: datetime | None
    trouble: Problem | None
    failures: int
    next_at: datetime | None
    oldest: datetime | None = None

    @property
    def waiting(self) -> int:
        """Objects that the peer has not confirmed."""
        return self.out_seq - self.out_acked

    def lag(self, now: datetime) -> timedelta:
        """How long the first object that is not confirmed has been waiting."""
        return max(now - self.oldest, timedelta(0)) if self.oldest else timedelta(0)


@dataclass(frozen=True, slots=True)
class Draft:
    """An object to be published: ``id`` is its name within the kind. ``retracted``: what it said no longer holds."""

    kind: str
    id: str
    body: Body
    retracted: bool = False


@dataclass(frozen=True, slots=True)
class Envelope:
    """An object of the network as its origin signed it. ``made_at`` is the origin's time."""

    kind: str
    origin: str
    id: str
    version: int
    made_at: datetime
    retracted: bool
    body: Body

    @property
    def name(self) -> tuple[str, str, str]:
        """Under which name its versions stand."""
        return self.kind, self.origin, self.id


@dataclass(frozen=True, slots=True)
class Kept:
    """An object as it is kept: the envelope, its digest, when it came and over which link (empty = made here)."""

    envelope: Envelope
    sha256: str
    at: datetime
    via: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One place of a feed: the canonical text of an object and its origin's signature in base64."""

    seq: int
    object: str
    signature: str


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of a feed behind ``after``: ``before`` and ``chain`` are the chain's values at its ends.

    ``head`` is the last place the feed has by now. ``signature`` is the sender's, over all but the entries, which the
    chain binds.
    """

    sender: str
    receiver: str
    after: int
    before: str
    entries: tuple[Entry, ...]
    seq: int
    chain: str
    head: int
    at: str
    signature: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one place of a feed that was not simply applied."""

    seq: int
    state: SyncState
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a receiver answers to a page: its cursor, and what was not simply applied."""

    cursor: int
    chain: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """An object that was not taken in, with every problem. Names are empty where it could not be read."""

    id: int
    peer: str
    seq: int
    state: HeldState
    kind: str
    origin: str
    object_id: str
    version: int
    sha256: str
    problems: tuple[Problem, ...]
    at: datetime
    settled_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class KindState:
    """The state of one kind on one link: how many objects, and the digest over their sorted SHA-256."""

    kind: str
    count: int
    sha256: str


LINK_PROPOSED = Event("federation.link_proposed", "提出节点连接", "link proposed")
LINK_CONFIRMED = Event("federation.link_confirmed", "确认节点连接", "link confirmed")
LINK_DECLINED = Event("federation.link_declined", "否决节点连接", "link declined")
LINK_PAUSED = Event("federation.link_paused", "暂停节点连接", "link paused")
LINK_RESUMED = Event("federation.link_resumed", "恢复节点连接", "link resumed")
LINK_ENDED = Event("federation.link_ended", "终止节点连接", "link ended")
PUBLISHED = Event("federation.published", "发布同步对象", "objects published")
RECEIVED = Event("federation.received", "接收同步对象", "objects received")
HELD = Event("federation.held", "搁置同步对象", "objects held")
FORKED = Event("federation.forked", "拒绝版本冲突的对象", "second object of one version refused")
RELEASED = Event("federation.released", "补收被搁置的对象", "held object taken in")
DROPPED = Event("federation.dropped", "放弃被搁置的对象", "held object given up")
REPLAYED = Event("federation.replayed", "重放同步序列", "feed replayed")
HANDED = Event("federation.outcomes_handed", "融资结果转交归集", "outcomes handed to ingest")
