"""星火·链网 星火印: ``/evidence/hash``, ``/evidence/info``; every request signed by SM2. Digests by SM3.

The headers ``request_id``, ``access_key``, ``nonce`` (Unix time, ±900 s) and ``signature`` (64 bytes, base64) are the
platform's published ones; what exactly is signed and the path of the query are a working draft, to be confirmed in its
test environment.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from xinqiao.anchoring.adapters.http import call, refused
from xinqiao.anchoring.types import ChainReceipt, InvalidAnchor, Ledger, LedgerUnreachable, Root, Sent
from xinqiao.kernel.canonical import base64_text
from xinqiao.kernel.sm2 import Sm2SigningKey
from xinqiao.plumbing.key_store import own_key

DONE, BEING_WRITTEN, NOT_THERE = "200", "1005", "1003"
TRY_AGAIN = ("500",)


class XinghuoLedger:
    """``access_key`` as the platform gives it for the node's public key (``keys/anchor-NAME.pem``)."""

    def __init__(self, ledger: Ledger, *, clock: Callable[[], float] = time.time) -> None:
        self._ledger, self._clock = ledger, clock
        self._key: Sm2SigningKey = own_key(f"anchor-{ledger.name}.pem")

    @property
    def public_pem(self) -> str:
        """What is handed to the platform."""
        return self._key.public.pem

    def submit(self, root: Root) -> Sent:
        """Deposit the digest; the number comes at once, the block later."""
        asked = {"hash": root.sm3, "hashType": "SM3", "name": f"{root.origin} {root.size}"}
        told = self._call("/evidence/hash", asked)
        return Sent(str(told["attestationId"]))

    def find(self, root: Root) -> str:
        """The platform cannot be asked by digest: sending again does no harm."""
        return ""

    def receipt(self, handle: str, root: Root) -> ChainReceipt | None:
        """The evidence once it is written; code 1005 says that it is being written still."""
        told = self._call("/evidence/info", {"attestationId": handle}, waiting=(BEING_WRITTEN,))
        if told is None or not told.get("txHash"):
            return None
        return ChainReceipt(
            ev_id=str(told["attestationId"]),
            tx_hash=str(told["txHash"]),
            block_height=int(told["blockHeight"]),
            block_hash=str(told.get("blockHash", "")),
            chain_time=str(told["attestationTime"]),
            raw={"request": {"hash": root.sm3, "hashType": "SM3"}, "evidence": told},
        )

    def verify(self, receipt: ChainReceipt, root: Root) -> None:
        """The platform still holds the evidence with this digest in that transaction."""
        told = self._call("/evidence/info", {"attestationId": receipt.ev_id}, waiting=(NOT_THERE,))
        if told is None or (told.get("hash"), told.get("txHash")) != (root.sm3, receipt.tx_hash):
            raise InvalidAnchor(what=receipt.ev_id)

    def _call(self, path: str, asked: dict[str, Any], *, waiting: tuple[str, ...] = ()) -> Any:
        body = json.dumps(asked, ensure_ascii=False, separators=(",", ":")).encode()
        request_id, nonce = secrets.token_hex(16), str(int(self._clock()))
        access_key = self._ledger.settings["access_key"]
        signed = self._key.sign(signed_text(request_id, access_key, nonce, body))
        headers = {
            "request_id": request_id,
            "access_key": access_key,
            "nonce": nonce,
            "signature": base64_text(plain_signature(signed)),
        }
        answer = call(self._ledger.name, "POST", f"{self._ledger.url}{path}", headers=headers, body=body)
        code = str(answer.body.get("code", ""))
        if code in waiting:
            return None
        if code in TRY_AGAIN:
            raise LedgerUnreachable(source=self._ledger.name, what=code, retry=True)
        if code != DONE:
            raise refused(self._ledger.name, f"{code} {answer.body.get('message', '')}")
        return answer.body["data"]


def signed_text(request_id: str, access_key: str, nonce: str, body: bytes) -> bytes:
    """What is signed of a request (working draft)."""
    return request_id.encode() + access_key.encode() + nonce.encode() + body


def plain_signature(der: bytes) -> bytes:
    """``r`` and ``s``, 32 bytes each, as the platform writes signatures."""
    r, s = decode_dss_signature(der)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")
