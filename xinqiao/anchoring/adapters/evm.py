"""Ethereum JSON-RPC: the anchor contract on FISCO BCOS 3, Besu or geth.

Receipts and event logs only, never ``eth_call``: some nodes answer it wrongly for calls with arguments. Transactions
are of the legacy kind with a fixed gas limit, which all of these take. The account's key is a file of the node's.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xinqiao.anchoring.receipts import TOPIC, check_event
from xinqiao.anchoring.types import (
    ChainReceipt,
    InvalidAnchor,
    Ledger,
    LedgerRefused,
    LedgerUnreachable,
    Root,
    Sent,
)
from xinqiao.kernel.crypto import save_private
from xinqiao.plumbing import settings as node

if TYPE_CHECKING:
    from web3 import HTTPProvider, Web3

CONTRACT = Path(__file__).parents[1] / "contract" / "XinqiaoAnchor.json"
GAS = 200_000
DEPLOY_GAS = 1_000_000
PATIENCE_SECONDS = 10


class EvmLedger:
    """``contract`` is the contract's address; ``from_block`` where to look for its events from; ``confirmations``."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._contract = ledger, ledger.settings.get("contract", "")
        self._from_block = int(ledger.settings.get("from_block", "0"))
        self._confirmations = int(ledger.settings.get("confirmations", "1"))

    def submit(self, root: Root) -> Sent:
        """Send the transaction; its hash is the handle."""
        anchor = self._abi.encode_abi("anchor", args=[bytes.fromhex(root.log_id), root.size, root.root])
        return Sent(self._send({"to": self._address, "data": anchor}, GAS))

    def find(self, root: Root) -> str:
        """The transaction whose event says this size of this log."""
        wanted = {
            "address": self._address,
            "topics": [TOPIC, f"0x{root.log_id}", f"0x{root.size:064x}"],
            "fromBlock": hex(self._from_block),
            "toBlock": "latest",
        }
        logs = self._rpc("eth_getLogs", [wanted])
        return str(logs[0]["transactionHash"]) if logs else ""

    def receipt(self, handle: str, root: Root) -> ChainReceipt | None:
        """The receipt with its block, once so many blocks stand on it; raises LedgerRefused when it was reverted."""
        told = self._rpc("eth_getTransactionReceipt", [handle])
        if told is None:
            return None
        if int(told["status"], 16) != 1:
            raise LedgerRefused(source=self._ledger.name, what=f"reverted {handle}", retry=False)
        height = int(self._rpc("eth_blockNumber", []), 16)
        if height - int(told["blockNumber"], 16) + 1 < self._confirmations:
            return None
        block = self._block(told)
        raw = {"contract": self._address, "chain_id": self._chain_id, "receipt": _plain(told), "block": block}
        made = ChainReceipt(
            ev_id="",
            tx_hash=handle,
            block_height=int(told["blockNumber"], 16),
            block_hash=told["blockHash"],
            chain_time=str(int(block["timestamp"], 16)),
            raw=raw,
        )
        self._check_log(told, root)
        return made

    def verify(self, receipt: ChainReceipt, root: Root) -> None:
        """The chain still holds the transaction in that block, and its event says the root."""
        told = self._rpc("eth_getTransactionReceipt", [receipt.tx_hash])
        if told is None or told["blockHash"] != receipt.block_hash or int(told["status"], 16) != 1:
            raise InvalidAnchor(what=receipt.tx_hash)
        self._block(told)
        self._check_log(told, root)

    def deploy(self) -> str:
        """Put the contract on the chain; its address."""
        handle = self._send({"data": _artefact()["bytecode"]}, DEPLOY_GAS)
        told = self._web3.eth.wait_for_transaction_receipt(handle, timeout=60)  # type: ignore[arg-type]
        if not told["contractAddress"] or told["status"] != 1:
            raise LedgerRefused(source=self._ledger.name, what="contract", retry=False)
        return str(told["contractAddress"])

    @property
    def account(self) -> str:
        """The address that pays and keeps the log."""
        return str(self._account.address)

    def _check_log(self, told: Mapping[str, Any], root: Root) -> None:
        logs = [log for log in told["logs"] if log["address"].lower() == self._address.lower()]
        if len(logs) != 1:
            raise InvalidAnchor(what=str(told["transactionHash"]))
        check_event(logs[0], root)

    def _block(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """The block at the receipt's height, which must be the one that the receipt names."""
        block = self._rpc("eth_getBlockByNumber", [told["blockNumber"], False])
        if block is None or block["hash"] != told["blockHash"]:
            raise InvalidAnchor(what=str(told["blockHash"]))
        kept = ("number", "hash", "parentHash", "timestamp", "receiptsRoot", "transactionsRoot", "stateRoot")
        return {name: block[name] for name in kept if name in block}

    def _send(self, what: Mapping[str, Any], gas: int) -> str:
        eth = self._web3.eth
        try:
            made = {
                **what,
                "value": 0,
                "gas": gas,
                "gasPrice": int(self._rpc("eth_gasPrice", []), 16),
                "nonce": int(self._rpc("eth_getTransactionCount", [self.account, "pending"]), 16),
                "chainId": self._chain_id,
            }
            signed = eth.account.sign_transaction(made, self._account.key)
        except (TypeError, ValueError) as error:
            raise LedgerRefused(source=self._ledger.name, what=str(error)[:200], retry=False) from error
        return str(self._rpc("eth_sendRawTransaction", ["0x" + signed.raw_transaction.hex().removeprefix("0x")]))

    def _rpc(self, method: str, params: list[Any]) -> Any:
        """One call; what the node says is wrong is its refusal, anything else that it is away."""
        try:
            answer = self._web3.provider.make_request(method, params)  # type: ignore[arg-type]
        except Exception as error:  # the HTTP library has a family of its own for every way to be away
            said = f"{type(error).__name__}: {error}"[:200]
            raise LedgerUnreachable(source=self._ledger.name, what=said, retry=True) from error
        if "error" in answer:
            raise LedgerRefused(source=self._ledger.name, what=str(answer["error"])[:200], retry=False)
        return answer["result"]

    @cached_property
    def _web3(self) -> Web3:
        import requests

        provider_of, client_of = _web3()
        session = requests.Session()
        session.trust_env = False  # no proxy
        options = {"timeout": PATIENCE_SECONDS}
        provider = provider_of(
            self._ledger.url, request_kwargs=options, session=session, exception_retry_configuration=None
        )
        return client_of(provider)

    @cached_property
    def _abi(self) -> Any:
        return self._web3.eth.contract(abi=_artefact()["abi"])

    @cached_property
    def _address(self) -> str:
        _, client_of = _web3()
        try:
            return str(client_of.to_checksum_address(self._contract))
        except ValueError as error:
            raise LedgerRefused(source=self._ledger.name, what="contract", retry=False) from error

    @cached_property
    def _chain_id(self) -> int:
        return int(self._rpc("eth_chainId", []), 16)

    @cached_property
    def _account(self) -> Any:
        return self._web3.eth.account.from_key(_key(f"anchor-{self._ledger.name}.secp256k1"))


def _artefact() -> dict[str, Any]:
    return dict(json.loads(CONTRACT.read_text(encoding="utf-8")))


def _key(name: str) -> bytes:
    """The account's key, made on first use."""
    path = node.keys_dir() / name
    if not path.exists():
        with suppress(FileExistsError):  # another process of the node was first
            save_private(path, os.urandom(32).hex().encode())
    return bytes.fromhex(path.read_text(encoding="ascii").strip())


def _plain(told: Mapping[str, Any]) -> dict[str, Any]:
    """The receipt as the node spelled it, without what is long and proves nothing."""
    return {name: value for name, value in told.items() if name != "logsBloom"}


def _web3() -> tuple[type[HTTPProvider], type[Web3]]:
    """Provider and client of the library, loaded when first needed.

    One of its parts raises the interpreter's limit of recursion to 100,000 as it loads, and then deeply nested JSON
    from outside ends the process instead of being refused: the limit is put back.
    """
    limit = sys.getrecursionlimit()
    try:
        from web3 import HTTPProvider, Web3
    finally:
        sys.setrecursionlimit(limit)
    return HTTPProvider, Web3
