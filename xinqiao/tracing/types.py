"""Marks, traces and what they name; events and refusals. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from xinqiao.evidence.types import Event
from xinqiao.kernel.errors import Invalid, NotFound


class Carrier(StrEnum):
    """By what a copy named a read."""

    DIGEST = "digest"  # the document itself, unaltered: its digest stands in the ledger
    TEXT = "text"  # small choices in what a page says of each item
    ORDER = "order"  # the order of names in JSON objects

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"digest": "文件摘要", "text": "文字标记", "order": "次序标记"}[self]


@dataclass(frozen=True, slots=True)
class BlockMark:
    """Three choices in the line above an item on a page; all false = no mark."""

    latest: bool = False  # 最新归集 for 最近归集
    bar: bool = False  # a bar for the middle dot
    slash: bool = False  # slashes in the date


@dataclass(frozen=True, slots=True)
class Copy:
    """A found copy as it is read: its text, the JSON values in it, enterprises and access numbers printed on it."""

    text: str
    values: tuple[Any, ...]
    enterprises: frozenset[str]
    printed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """The marks that a copy still shows: (which bits, their values) of text by item, orders of names by place."""

    bits: Mapping[str, tuple[int, int]]
    orders: frozenset[tuple[str, tuple[str, ...]]]

    @property
    def count(self) -> int:
        """How many bits of text there are."""
        return sum(mask.bit_count() for mask, _ in self.bits.values())


@dataclass(frozen=True, slots=True)
class TracedRead:
    """A read that a copy came from: ``agree`` of ``shown`` marks; ``bits`` is how strongly, in powers of two.

    An unrelated read agrees so well with a chance of at most ``2 ** -bits``.
    """

    access: str
    carrier: Carrier
    agree: int
    shown: int
    bits: float


@dataclass(frozen=True, slots=True)
class Trace:
    """What a found copy named. ``needed`` are the bits below which no read is named, for so many ``candidates``."""

    id: str
    name: str
    sha256: str
    made_at: datetime
    made_by: str
    candidates: int
    needed: float
    reads: tuple[TracedRead, ...]
    printed: tuple[str, ...]


TRACED = Event("tracing.traced", "追查外泄副本", "found copy traced")


class UnknownTrace(NotFound):
    """There is no such trace, or it did not name that read; data: ``trace``."""

    code = "tracing.unknown"
    title = "没有编号为 {trace} 的溯源，或它没有指向这次查询"


class UnreadableCopy(Invalid):
    """The file cannot be read, or is too large."""

    code = "tracing.unreadable"
    title = "文件不能读取（{count} 处）"
    next_step = "请提供文本、HTML、PDF 或 JSON 文件，不超过 20 MB；扫描件和截图请先识别成文字"
