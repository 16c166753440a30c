"""Connections to sources, what is asked and what they say. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from xinqiao.evidence.types import Event
from xinqiao.kernel.errors import Invalid, NotFound, SourceFailed

SOURCES_ASKED = Event("sources.asked", "向来源查询", "sources asked about an enterprise")
CIRCUIT_OPENED = Event("sources.circuit_opened", "来源熔断", "calls to a source stopped for a while")
CIRCUIT_CLOSED = Event("sources.circuit_closed", "来源恢复", "calls to a source resumed")


class Mode(StrEnum):
    """How a source is connected: the three modes of exchange."""

    FILE = "file"
    DATABASE = "database"
    SERVICE = "service"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"file": "文件交换", "database": "数据库交换", "service": "服务接口"}[self]


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection that the content declares; it works where the deployment says where it leads to."""

    code: str
    name: str
    name_en: str
    mode: Mode
    items: tuple[str, ...]
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class Calling:
    """How sources are called; from ``sources.toml``. ``kept_hours``: by the rhythm of an item's deadline."""

    together: int
    failures: int
    rest_seconds: int
    believed_seconds: int
    kept_hours: Mapping[str, int]
    basis: str
    draft: bool


@dataclass(frozen=True, slots=True)
class Link:
    """Where a connection leads in this deployment. ``secret``: what both sides sign by, in service mode."""

    address: str
    secret: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """One item about one enterprise. ``claims``: digests of the rows on record, where they are only verified."""

    id: str
    item: str
    enterprise: str
    method: str
    claims: tuple[str, ...] = ()


class ReplyState(StrEnum):
    """What a source says."""

    ROWS = "rows"
    NONE = "none"  # the source has nothing about the enterprise
    MATCH = "match"  # what is on record is what the source has
    MISMATCH = "mismatch"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. Rows are spelled as in a delivery; ``since``: all from that day on, None = all there are."""

    state: ReplyState
    rows: tuple[Mapping[str, str], ...] = ()
    since: date | None = None


class HeardState(StrEnum):
    """What is known of an item of an enterprise from asking its source."""

    ANSWERED = "answered"
    CONFIRMED = "confirmed"
    NOT_CONFIRMED = "not_confirmed"  # the source has something else than what is on record
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Heard:
    """The last answer about an item of an enterprise; good until then."""

    item: str
    state: HeardState
    asked_at: datetime
    good_until: datetime
    detail: str = ""

    @property
    def why(self) -> str:
        """Why the item is not known, as answers and evaluations spell it; empty when it is."""
        return {
            HeardState.NOT_CONFIRMED: "not_confirmed",
            HeardState.UNREACHABLE: "source_unreachable",
        }.get(self.state, "")


@dataclass(frozen=True, slots=True)
class Circuit:
    """Whether a connection is called. ``opened_at`` None = it is."""

    connection: str
    failures: int = 0
    opened_at: datetime | None = None
    last_ok_at: datetime | None = None
    last_error: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a connection stands here: whether it leads anywhere, its circuit, when it was last pulled from, how often."""

    connection: Connection
    linked: bool
    circuit: Circuit
    pulled_at: datetime | None
    pulled: int


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull took: files or runs of rows, and how many rows were accepted and returned."""

    connection: str
    taken: int
    accepted: int
    returned: int
    faults: tuple[str, ...] = ()


class InvalidConnections(Invalid):
    """``sources.toml`` or the deployment's file of addresses contradicts itself; every fault."""

    code = "sources.invalid_connections"
    title = "来源连接有 {count} 处错误"
    next_step = "请按下列说明修改 sources.toml 或 XINQIAO_SOURCES 所指的文件"


class UnknownConnection(NotFound):
    """There is no such connection, or it leads nowhere here; data: ``connection``."""

    code = "sources.unknown_connection"
    title = "没有可用的来源连接 {connection}"
    next_step = "请运行 xinqiao source list 查看连接，或在 XINQIAO_SOURCES 中写明地址"


class Unreachable(SourceFailed):
    """A source did not answer, or not in a way that can be taken; data: ``source``, ``why``."""

    code = "sources.unreachable"
    title = "来源 {source} 没有给出可用的答复：{why}"
    next_step = "稍后会自动再试；若持续不通，请联系来源的运行人员"

    def __init__(self, *, source: str, why: str, **data: Any) -> None:
        super().__init__(retry=True, source=source, why=why, **data)
