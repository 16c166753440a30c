"""华为云 可信存证 (DAC): AddEvidence, ShowDedicateEvidence, ValidateEvidence; a token of IAM. Digests by SM3."""

from __future__ import annotations

import json
from typing import Any

from xinqiao.anchoring.adapters.http import Answered, call, refused
from xinqiao.anchoring.types import ChainReceipt, InvalidAnchor, Ledger, LedgerUnreachable, Root, Sent

OTHER_DATA = 5


class DacLedger:
    """``project``, ``chain``, ``iam`` (its address), ``domain``, ``user``, ``password`` and ``platform`` as named."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._told = ledger, ledger.settings
        self._token = ""

    def submit(self, root: Root) -> Sent:
        """AddEvidence: the SM3 of the checkpoint's text."""
        body = {
            "charge_type": "normal",
            "name": f"{root.origin} {root.size}"[:255],
            "file_hash": root.sm3,
            "platform_name": self._told.get("platform", "")[:255],
            "data_type": OTHER_DATA,
        }
        answer = self._call("POST", "/evidences", body)
        return Sent(str(answer["ev_id"]))

    def find(self, root: Root) -> str:
        """ValidateEvidence by the digest: what an earlier try may have left."""
        answer = self._ask("GET", f"/evidence/verification?file_hash={root.sm3}", None)
        return str(answer.body.get("ev_id", "")) if answer.status == 200 else ""

    def receipt(self, handle: str, root: Root) -> ChainReceipt | None:
        """ShowDedicateEvidence; there is no block before it is written."""
        told = self._call("GET", f"/evidences/{handle}", None)
        if not told.get("block_hash"):
            return None
        return ChainReceipt(
            ev_id=str(told["ev_id"]),
            tx_hash=str(told["tx_id"]),
            block_height=int(told["block_height"]),
            block_hash=str(told["block_hash"]),
            chain_time=str(told["create_time"]),
            raw={"evidence": told},
        )

    def verify(self, receipt: ChainReceipt, root: Root) -> None:
        """ValidateEvidence by the transaction: it names the same digest and evidence."""
        answer = self._ask("GET", f"/evidence/verification?tx_id={receipt.tx_hash}", None)
        if answer.status != 200 or (answer.body.get("file_hash"), answer.body.get("ev_id")) != (
            root.sm3,
            receipt.ev_id,
        ):
            raise InvalidAnchor(what=receipt.tx_hash)

    def _call(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        answer = self._ask(method, path, body)
        if answer.status != 200:
            raise refused(self._ledger.name, f"{answer.body.get('error_code')} {answer.body.get('error_msg')}")
        return dict(answer.body)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> Answered:
        """One call; a token that has expired is asked for again, once."""
        url = f"{self._ledger.url}/v1/{self._told['project']}/chains/{self._told['chain']}{path}"
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        for last in (False, True):
            headers = {"X-Auth-Token": self._token or self._sign_in()}
            answer = call(self._ledger.name, method, url, headers=headers, body=data)
            if answer.status != 401 or last:
                return answer
            self._token = ""
        raise AssertionError("unreachable")

    def _sign_in(self) -> str:
        domain = {"name": self._told["domain"]}
        user = {"name": self._told["user"], "password": self._told["password"], "domain": domain}
        body = {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": user}},
                "scope": {"project": {"id": self._told["project"]}},
            }
        }
        answer = call(self._ledger.name, "POST", f"{self._told['iam']}/v3/auth/tokens", body=json.dumps(body).encode())
        self._token = answer.headers.get("x-subject-token", "")
        if answer.status != 201 or not self._token:
            raise LedgerUnreachable(source=self._ledger.name, what=f"IAM {answer.status}", retry=True)
        return self._token
