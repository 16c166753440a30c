"""Rules of retention. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xinqiao.kernel.errors import Invalid


@dataclass(frozen=True, slots=True)
class Deletion:
    """Rows of an item that are deleted: ``ended`` is the field with the day on which the conduct ended."""

    item: str
    ended: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept whatever is deleted, for how many years at least, and why."""

    what: str
    what_en: str
    years: int
    basis: str
    basis_en: str


@dataclass(frozen=True, slots=True)
class RetentionRules:
    """``retention.toml``: ``persons`` is how codes of natural persons begin, ``years`` counts from the end."""

    draft: bool
    basis: str
    years: int
    persons: str
    deletions: Mapping[str, Deletion]
    kept: tuple[Kept, ...]


class InvalidRetention(Invalid):
    """``retention.toml`` contradicts itself."""

    code = "retention.invalid_content"
    title = "retention.toml 有 {count} 处错误"
    next_step = "请按所列位置改正；可运行 xinqiao content check 复查"
