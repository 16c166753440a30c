"""What the log speaks of: events, entries, receipts and findings. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from xinqiao.kernel.errors import Corrupt, NotFound, SourceFailed, XinqiaoError

EVENTS: dict[str, Event] = {}
_CODE = re.compile(r"[a-z][a-z_]*(\.[a-z][a-z_]*)+")


@dataclass(frozen=True, slots=True)
class Event:
    """A kind of act that leaves evidence. Making one registers it in ``EVENTS``.

    ``code`` is permanent: a context, a dot, and a verb in the past (``consent.granted``). ``access``: somebody read, or
    was refused to read, about the subject, so the entry belongs to the subject's chain of accesses. Raises ValueError
    when the code is spelled otherwise or is taken.
    """

    code: str
    name: str
    name_en: str
    access: bool = False

    def __post_init__(self) -> None:
        if not _CODE.fullmatch(self.code):
            raise ValueError(f"event code {self.code!r} is not words joined by dots")
        if self.code in EVENTS:
            raise ValueError(f"event code {self.code!r} is declared twice")
        EVENTS[self.code] = self


ERASED = Event("evidence.erased", "删除存证内容", "contents of a subject erased")
KEY_CHANGED = Event("evidence.key_changed", "更换日志密钥", "log key changed")
KEY_RETIRED = Event("evidence.key_retired", "停用旧日志密钥", "former log key destroyed")
WITNESS_CONFLICT = Event("evidence.witness_conflict", "见证人拒绝检查点", "checkpoint refused by a witness")


@dataclass(frozen=True, slots=True)
class EntryRef:
    """A recorded entry: its number in the database and its leaf bytes.

    ``disclosure`` shows what the leaf is about (``leaves.check_disclosure``): give each holder its parts only.
    """

    id: int
    leaf: bytes
    disclosure: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class EntryFacts:
    """An entry as its keeper may see it. ``leaf_index`` is None until the sequencer has placed it.

    Of an erased entry ``actor`` and ``subject`` are empty and ``body`` is None.
    """

    id: int
    at: datetime
    event: str
    actor: str
    subject: str
    body: Any
    leaf_index: int | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof of one entry for its holder.

    ``promise`` is a note the node signs at once over the leaf hash. ``proof`` is a C2SP ``tlog-proof`` text,
    None until the entry is under a signed checkpoint.
    """

    entry_id: int
    leaf: bytes
    leaf_hash: bytes
    origin: str
    promise: str
    proof: str | None

    def as_json(self) -> dict[str, Any]:
        """The receipt as plain JSON: what an answer carries and ``verify_receipt`` reads once made canonical."""
        return {
            "v": 1,
            "entry": self.entry_id,
            "origin": self.origin,
            "leaf": self.leaf.decode("utf-8"),
            "promise": self.promise,
            "proof": self.proof,
        }


@dataclass(frozen=True, slots=True)
class LogStatus:
    """How the log stands: entries recorded, entries under a checkpoint, and that checkpoint."""

    recorded: int
    size: int
    root: bytes | None
    signed_at: datetime | None
    vkey: str

    @property
    def waiting(self) -> int:
        """Entries recorded but not yet under a signed checkpoint."""
        return self.recorded - self.size


@dataclass(frozen=True, slots=True)
class Extract:
    """One entry as an outsider gets it. ``proof`` is a ``.tlog-proof``, empty until a checkpoint covers the entry."""

    entry: int
    at: datetime
    event: str
    leaf: bytes
    leaf_index: int | None
    disclosure: Mapping[str, Mapping[str, str]]
    proof: str
    size: int  # of the checkpoint that the proof is under


@dataclass(frozen=True, slots=True)
class StampFacts:
    """A time stamp on a checkpoint, as its files: what was stamped, the query, the response."""

    size: int
    authority: str
    at: datetime
    note: str
    query: bytes
    response: bytes


class EntryNotFound(NotFound):
    """There is no entry of this number."""

    code = "evidence.entry_not_found"
    title = "没有编号为 {entry} 的存证"


class ContentErased(NotFound):
    """The entry's content was erased with its subject's data; its leaf stays in the log."""

    code = "evidence.content_erased"
    title = "编号 {entry} 的存证内容已依法删除，日志中只保留加盐散列"


class NotInTransaction(XinqiaoError):
    """Evidence was to be recorded apart from the act it proves: a fault of the program."""

    code = "evidence.not_in_transaction"
    title = "存证必须与业务操作在同一事务中写入"
    next_step = "请联系节点运行人员：这是程序缺陷，操作没有生效"


class NotYetSigned(SourceFailed):
    """The log has no signed checkpoint yet; trying again in a second helps."""

    code = "evidence.not_yet_signed"
    title = "存证日志尚未签发检查点"
    next_step = "请稍候一秒再试"


class KeyChanged(Corrupt):
    """The log's key or name is not the one its checkpoints were signed with; data: ``origin``."""

    code = "evidence.key_changed"
    title = "存证日志 {origin} 的私钥或名称与最近检查点不符"
    next_step = "请从备份恢复 log.key 和 XINQIAO_LOG_ORIGIN；在此之前存证照常写入，但不签发检查点"
