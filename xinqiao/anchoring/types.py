"""Ledgers, the roots that go on them, and the receipts that come back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from xinqiao.kernel.canonical import sha256_hex, sm3_hex
from xinqiao.kernel.errors import Corrupt, Invalid, SourceFailed


class LedgerKind(StrEnum):
    """What kind of ledger takes the roots."""

    EVM = "evm"  # Ethereum JSON-RPC: FISCO BCOS 3, Besu, geth
    DAC = "dac"  # 华为云数字资产链 可信存证
    BTOE = "btoe"  # 腾讯云区块链可信取证
    XINGHUO = "xinghuo"  # 星火·链网 星火印

    @property
    def label(self) -> str:
        """The words a person reads."""
        return {
            "evm": "以太坊接口的链",
            "dac": "华为云可信存证",
            "btoe": "腾讯云区块链存证",
            "xinghuo": "星火印",
        }[self]


class AnchorState(StrEnum):
    """Where an anchor stands."""

    SENDING = "sending"  # may or may not have reached the ledger
    PENDING = "pending"  # the ledger has taken it and not written it yet
    CONFIRMED = "confirmed"
    LOST = "lost"  # never came onto the ledger; a later root was sent in its place

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"sending": "发送中", "pending": "待上链", "confirmed": "已上链", "lost": "未上链"}[self]


@dataclass(frozen=True, slots=True)
class Root:
    """What is anchored: the tree head of a signed checkpoint."""

    origin: str
    size: int
    root: bytes
    text: str  # the checkpoint's text, which the log signs

    @property
    def log_id(self) -> str:
        """The log's number on a chain: SHA-256 of its name, hexadecimal."""
        return sha256_hex(self.origin.encode())

    @property
    def sha256(self) -> str:
        """Digest of the text, for ledgers that take digests."""
        return sha256_hex(self.text.encode())

    @property
    def sm3(self) -> str:
        """The same by SM3."""
        return sm3_hex(self.text.encode())


@dataclass(frozen=True, slots=True)
class Sent:
    """What a ledger made of a root: its handle for asking later, and the receipt if it wrote at once."""

    handle: str
    receipt: ChainReceipt | None = None


@dataclass(frozen=True, slots=True)
class ChainReceipt:
    """A ledger's receipt. ``raw`` is what was sent and what it answered, as plain JSON; the rest is read from it.

    What a platform does not tell stays empty; ``block_height`` is then 0.
    """

    ev_id: str
    tx_hash: str
    block_height: int
    block_hash: str
    chain_time: str
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ledger:
    """A configured ledger: its short name, kind, address and whatever else its kind needs."""

    name: str
    kind: LedgerKind
    url: str
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AnchorFacts:
    """An anchor on a ledger. ``document`` is the receipt as published, canonical JSON, empty until confirmed."""

    ledger: str
    kind: LedgerKind
    size: int
    state: AnchorState
    sent_at: datetime
    confirmed_at: datetime | None
    document: bytes


@dataclass(frozen=True, slots=True)
class LedgerFacts:
    """How a ledger answered last; ``trouble`` is empty when well, ``size`` the last checkpoint confirmed on it."""

    name: str
    size: int
    tried_at: datetime
    trouble: str


class AnchorLedger(Protocol):
    """A ledger as the node speaks to it. Every verb raises LedgerUnreachable or LedgerRefused."""

    def submit(self, root: Root) -> Sent:
        """Hand a root over."""

    def find(self, root: Root) -> str:
        """The handle of a root handed over before, empty when the ledger has none or cannot tell."""

    def receipt(self, handle: str, root: Root) -> ChainReceipt | None:
        """The receipt once the ledger has written the root, None while it has not."""

    def verify(self, receipt: ChainReceipt, root: Root) -> None:
        """Ask the ledger whether a receipt still stands; raises InvalidAnchor."""


class LedgerUnreachable(SourceFailed):
    """A ledger did not answer; data: ``source``, ``what``. Trying again helps."""

    code = "anchoring.unreachable"
    title = "区块链 {source} 没有应答：{what}"
    next_step = "无需处理：恢复后自动补送，存证和检查点照常；长期不通请检查网络与 XINQIAO_ANCHORS"


class LedgerRefused(SourceFailed):
    """A ledger answered and did not take the root; data: ``source``, ``what``."""

    code = "anchoring.refused"
    title = "区块链 {source} 拒绝了存证：{what}"
    next_step = "请核对账户、余额、合约地址和签名密钥；存证和检查点照常"


class InvalidAnchor(Corrupt):
    """A chain receipt is not about the root that it should be about; data: ``what``."""

    code = "anchoring.invalid_anchor"
    title = "链上回执不成立：{what}"
    clause = "人民法院在线诉讼规则第十六条"
    next_step = "请向该链重新查询；若链上另有记载，请立即通知节点运行人员"


class InvalidLedgers(Invalid):
    """The file of ledgers is wrong; data: ``file``."""

    code = "anchoring.invalid_ledgers"
    title = "区块链设置文件有 {count} 处错误"
    next_step = "请按 docs/how-to/anchor-the-log.md 改正 XINQIAO_ANCHORS 所指的文件"
