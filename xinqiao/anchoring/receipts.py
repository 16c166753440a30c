"""Chain receipts as documents that anybody can read, and what can be checked of one without the chain. Pure.

Of an EVM chain the receipt holds the event log itself, so that log, size and root are read from what the chain wrote;
that the chain still holds it is for ``eth_getTransactionReceipt`` to say. Platforms that take digests are asked by
their own public query, with the digest that the document names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xinqiao.anchoring.types import ChainReceipt, InvalidAnchor, Ledger, LedgerKind, Root
from xinqiao.kernel.canonical import base64_text, canonical_bytes, read_json, sha256_hex

VERSION = 1
# keccak-256 of Anchored(bytes32,uint256,bytes32,uint256)
TOPIC = "0xcaa0084f8d9da3b7262a03bacdd2470ee8b9bad83f9b13f2e876090a09562e75"


def receipt_document(ledger: Ledger, root: Root, receipt: ChainReceipt) -> bytes:
    """The document that is published and put into packages."""
    return canonical_bytes(
        {
            "v": VERSION,
            "ledger": ledger.name,
            "kind": ledger.kind,
            "origin": root.origin,
            "size": root.size,
            "root": base64_text(root.root),
            "sha256": root.sha256,
            "sm3": root.sm3,
            "ev_id": receipt.ev_id,
            "tx_hash": receipt.tx_hash,
            "block_height": receipt.block_height,
            "block_hash": receipt.block_hash,
            "chain_time": receipt.chain_time,
            "cert_no": "",
            "cert_file_hash": "",
            "raw": dict(receipt.raw),
            "raw_sha256": sha256_hex(canonical_bytes(dict(receipt.raw))),
        }
    )


def read_receipt(document: bytes) -> ChainReceipt:
    """The receipt in a document; raises InvalidAnchor."""
    try:
        told = read_json(document)
        return ChainReceipt(
            told["ev_id"], told["tx_hash"], told["block_height"], told["block_hash"], told["chain_time"], told["raw"]
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidAnchor(what=str(error)[:120]) from error


def check_document(document: bytes, root: Root) -> None:
    """That a document is whole and about this root; raises InvalidAnchor, NotCanonical."""
    told = read_json(document)
    if not isinstance(told, dict) or canonical_bytes(told) != document or told.get("v") != VERSION:
        raise InvalidAnchor(what="不是本版本的链上回执")
    raw = told["raw"]
    wanted = {
        "origin": root.origin,
        "size": root.size,
        "root": base64_text(root.root),
        "sha256": root.sha256,
        "sm3": root.sm3,
        "raw_sha256": sha256_hex(canonical_bytes(raw)),
    }
    for name, value in wanted.items():
        if told.get(name) != value:
            raise InvalidAnchor(what=name)
    said = tuple(told[name] for name in ("ev_id", "tx_hash", "block_height", "block_hash", "chain_time"))
    if _TOLD[LedgerKind(told["kind"])](raw, root) != said:
        raise InvalidAnchor(what="raw")


def check_event(log: Mapping[str, Any], root: Root) -> None:
    """That an event log of the contract says this log, size and root; raises InvalidAnchor."""
    topics, data = [str(topic).lower() for topic in log["topics"]], str(log["data"]).lower()
    if topics != [TOPIC, f"0x{root.log_id}", f"0x{root.size:064x}"]:
        raise InvalidAnchor(what="topics")
    if len(data) != 2 + 128 or data[2:66] != root.root.hex():
        raise InvalidAnchor(what="root")


def _evm(raw: Mapping[str, Any], root: Root) -> tuple[Any, ...]:
    told, block = raw["receipt"], raw["block"]
    logs = [log for log in told["logs"] if log["address"].lower() == raw["contract"].lower()]
    if len(logs) != 1 or int(told["status"], 16) != 1 or block["hash"] != told["blockHash"]:
        raise InvalidAnchor(what="status")
    check_event(logs[0], root)
    height = int(told["blockNumber"], 16)
    return "", told["transactionHash"], height, told["blockHash"], str(int(block["timestamp"], 16))


def _dac(raw: Mapping[str, Any], root: Root) -> tuple[Any, ...]:
    told = raw["evidence"]
    if told["file_hash"] != root.sm3:
        raise InvalidAnchor(what="file_hash")
    return told["ev_id"], told["tx_id"], told["block_height"], told["block_hash"], told["create_time"]


def _btoe(raw: Mapping[str, Any], root: Root) -> tuple[Any, ...]:
    asked, told = raw["request"], raw["response"]
    if (asked["EvidenceHash"], asked["HashType"]) != (root.sha256, 1):
        raise InvalidAnchor(what="EvidenceHash")
    return told["EvidenceId"], told["EvidenceTxHash"], told["BlockchainHeight"], "", told["EvidenceTime"]


def _xinghuo(raw: Mapping[str, Any], root: Root) -> tuple[Any, ...]:
    told = raw["evidence"]
    if (raw["request"]["hash"], told["hash"]) != (root.sm3, root.sm3):
        raise InvalidAnchor(what="hash")
    return (
        told["attestationId"],
        told["txHash"],
        told["blockHeight"],
        told.get("blockHash", ""),
        told["attestationTime"],
    )


_TOLD = {LedgerKind.EVM: _evm, LedgerKind.DAC: _dac, LedgerKind.BTOE: _btoe, LedgerKind.XINGHUO: _xinghuo}
