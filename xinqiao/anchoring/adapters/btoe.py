"""腾讯云区块链可信取证 (BTOE): CreateHashDepositNoCert (2021-03-03), VerifyEvidenceBlockChainTxHash (2021-05-14).

Signed by TC3-HMAC-SHA256. The receipt comes with the first answer. Digests by SHA-256 (``HashType`` 1).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from xinqiao.anchoring.adapters.http import call, refused
from xinqiao.anchoring.types import ChainReceipt, InvalidAnchor, Ledger, LedgerUnreachable, Root, Sent

SERVICE, ALGORITHM = "btoe", "TC3-HMAC-SHA256"
VERSIONS = {"CreateHashDepositNoCert": "2021-03-03", "VerifyEvidenceBlockChainTxHash": "2021-05-14"}
TYPE = "application/json"
TRY_AGAIN = ("RequestLimitExceeded", "InternalError", "ResourceUnavailable")


class BtoeLedger:
    """``secret_id``, ``secret_key`` and ``region`` as the platform gives them."""

    def __init__(self, ledger: Ledger, *, clock: Callable[[], float] = time.time) -> None:
        self._ledger, self._told, self._clock = ledger, ledger.settings, clock

    def submit(self, root: Root) -> Sent:
        """Deposit the digest; evidence number, transaction and height come back at once."""
        asked = {
            "EvidenceHash": root.sha256,
            "BusinessId": f"{root.log_id[:16]}-{root.size}"[:64],
            "HashType": 1,
            "EvidenceInfo": f"{root.origin} {root.size}",
        }
        told = self._call("CreateHashDepositNoCert", asked)
        receipt = ChainReceipt(
            ev_id=str(told["EvidenceId"]),
            tx_hash=str(told["EvidenceTxHash"]),
            block_height=int(told["BlockchainHeight"]),
            block_hash="",
            chain_time=str(told["EvidenceTime"]),
            raw={"request": asked, "response": told},
        )
        return Sent(receipt.ev_id, receipt)

    def find(self, root: Root) -> str:
        """The platform cannot be asked by digest for the evidence number: sending again does no harm."""
        return ""

    def receipt(self, handle: str, root: Root) -> ChainReceipt | None:
        """Nothing is ever pending here; what was not answered is sent again."""
        return None

    def verify(self, receipt: ChainReceipt, root: Root) -> None:
        """VerifyEvidenceBlockChainTxHash: the transaction is there and belongs to this evidence."""
        told = self._call("VerifyEvidenceBlockChainTxHash", {"EvidenceTxHash": receipt.tx_hash})
        if told.get("Result") is not True or told.get("EvidenceId") != receipt.ev_id:
            raise InvalidAnchor(what=receipt.tx_hash)

    def _call(self, action: str, asked: dict[str, Any]) -> dict[str, Any]:
        body = json.dumps(asked, ensure_ascii=False).encode()
        host = urlsplit(self._ledger.url).netloc
        seconds = int(self._clock())
        headers = {
            "Content-Type": TYPE,
            "Host": host,
            "X-TC-Action": action,
            "X-TC-Version": VERSIONS[action],
            "X-TC-Timestamp": str(seconds),
            "X-TC-Region": self._told.get("region", "ap-beijing"),
            "Authorization": self._authorization(host, body, seconds),
        }
        answer = call(self._ledger.name, "POST", f"{self._ledger.url}/", headers=headers, body=body)
        told = answer.body.get("Response", {})
        if "Error" in told:
            code = str(told["Error"].get("Code", ""))
            if code.startswith(TRY_AGAIN):
                raise LedgerUnreachable(source=self._ledger.name, what=code, retry=True)
            raise refused(self._ledger.name, f"{code} {told['Error'].get('Message', '')}")
        return dict(told)

    def _authorization(self, host: str, body: bytes, seconds: int) -> str:
        day = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
        return tc3_authorization(
            self._told["secret_id"], self._told["secret_key"], host=host, body=body, seconds=seconds, day=day
        )


def tc3_authorization(secret_id: str, secret_key: str, *, host: str, body: bytes, seconds: int, day: str) -> str:
    """The header ``Authorization`` of TC3-HMAC-SHA256 over content type, host and body."""
    scope = f"{day}/{SERVICE}/tc3_request"
    canonical = f"POST\n/\n\ncontent-type:{TYPE}\nhost:{host}\n\ncontent-type;host\n{hashlib.sha256(body).hexdigest()}"
    to_sign = f"{ALGORITHM}\n{seconds}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"TC3{secret_key}".encode()
    for part in (day, SERVICE, "tc3_request"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    signature = hmac.digest(key, to_sign.encode(), hashlib.sha256).hex()
    return f"{ALGORITHM} Credential={secret_id}/{scope}, SignedHeaders=content-type;host, Signature={signature}"
