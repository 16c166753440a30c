"""Evidence platforms for tests, each a process of its own that takes exactly the published fields and signatures.

``python -m tests.chain_peers FOLDER``: reads ``peers.json`` (keys, and what to do: ``down``, ``slow``) at every call,
prints its address. 华为云 DAC under ``/dac`` and ``/iam``, 腾讯云 BTOE under ``/``, 星火印 under ``/xinghuo``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tests.peer_process import change, serve, started
from xinqiao.kernel.sm2 import Sm2VerifyKey

HEX64 = re.compile(r"[0-9a-f]{64}")
SECRET_ID, SECRET_KEY, ACCESS_KEY = "AKIDexample", "a-secret-key", "2y7cg8kmoGDrDBXJLaizoD"
USER, PASSWORD, DOMAIN, PROJECT, CHAIN = "node", "a-password", "shaanxi", "0" * 32, "chain-1"
Reply = tuple[int, dict[str, Any], dict[str, str]]


class Evidence:
    """What a platform holds of one digest."""

    def __init__(self, digest: str, told: dict[str, Any], height: int) -> None:
        self.digest, self.told, self.height = digest, told, height
        self.id, self.tx = secrets.token_hex(16), secrets.token_hex(32)
        self.block = base64.b64encode(secrets.token_bytes(32)).decode()
        self.at, self.asked = time.time(), 0


class Platform:
    """All three, over one store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.held: dict[str, Evidence] = {}
        self.tokens: set[str] = set()

    @property
    def state(self) -> dict[str, Any]:
        """What the test wants of the peer now."""
        return dict(json.loads((self.folder / "peers.json").read_text("utf-8")))

    def keep(self, digest: str, told: dict[str, Any]) -> Evidence:
        made = Evidence(digest, told, len(self.held) + 1)
        self.held[made.id] = made
        return made

    def written(self, found: Evidence) -> bool:
        """Slow ledgers write at the third asking."""
        found.asked += 1
        return not self.state.get("slow") or found.asked > 2

    def iam(self, body: dict[str, Any]) -> Reply:
        wanted = {
            "auth": {
                "identity": {
                    "methods": ["password"],
                    "password": {"user": {"name": USER, "password": PASSWORD, "domain": {"name": DOMAIN}}},
                },
                "scope": {"project": {"id": PROJECT}},
            }
        }
        if body != wanted:
            return 401, {"error": {"code": 401, "message": "The username or password is wrong."}}, {}
        token = secrets.token_urlsafe(32)
        self.tokens = {token}
        return 201, {"token": {}}, {"X-Subject-Token": token}

    def dac(self, method: str, path: str, query: dict[str, str], headers: Any, body: dict[str, Any]) -> Reply:
        if headers.get("X-Auth-Token") not in self.tokens:
            return 401, {"error_code": "DAC.0401", "error_msg": "Incorrect IAM authentication information"}, {}
        base = f"/v1/{PROJECT}/chains/{CHAIN}"
        if method == "POST" and path == f"{base}/evidences":
            known = {"charge_type", "name", "file_hash", "platform_name", "data_type"}
            fits = set(body) <= known and HEX64.fullmatch(str(body.get("file_hash")))
            if not fits or not 4 <= len(body["name"]) <= 255 or body["data_type"] not in range(1, 6):
                return 400, {"error_code": "DAC.0400", "error_msg": "invalid parameter"}, {}
            made = self.keep(body["file_hash"], body)
            return 200, {"tx_id": made.tx, "ev_id": made.id}, {}
        if path == f"{base}/evidence/verification" and len(query) == 1:
            [(name, value)] = query.items()
            fields = {"file_hash": lambda e: e.digest, "tx_id": lambda e: e.tx, "ev_id": lambda e: e.id}
            found = next((e for e in self.held.values() if name in fields and fields[name](e) == value), None)
        else:
            found = self.held.get(path.removeprefix(f"{base}/evidences/"))
        if found is None:
            return 400, {"error_code": "DAC.0404", "error_msg": "evidence does not exist"}, {}
        told = {
            "name": found.told["name"], "ev_id": found.id, "charge_type": "normal", "tx_id": found.tx,
            "create_time": str(int(found.at * 1000)), "file_hash": found.digest, "user_addr": "a6d748b8faa23c8b",
        }  # fmt: skip
        if self.written(found):
            told |= {"block_hash": found.block, "block_height": found.height}
        return 200, told, {}

    def btoe(self, headers: Any, raw: bytes, body: dict[str, Any]) -> Reply:
        request = {"RequestId": secrets.token_hex(16)}

        def wrong(code: str) -> Reply:
            return 200, {"Response": {"Error": {"Code": code, "Message": code}, **request}}, {}

        if not _tc3(headers, raw):
            return wrong("AuthFailure.SignatureFailure")
        action = headers.get("X-TC-Action")
        spoken = action, headers.get("X-TC-Version")
        if spoken == ("CreateHashDepositNoCert", "2021-03-03"):
            if not set(body) <= {"EvidenceHash", "BusinessId", "HashType", "EvidenceInfo"} or not body.get(
                "EvidenceHash"
            ):
                return wrong("UnknownParameter")
            if len(body.get("BusinessId", "")) > 64 or body.get("HashType", 0) not in (0, 1, 2):
                return wrong("InvalidParameterValue")
            made = self.keep(body["EvidenceHash"], body)
            when = datetime.fromtimestamp(made.at, UTC).strftime("%Y-%m-%d %H:%M:%S")
            told = {"BusinessId": body.get("BusinessId"), "EvidenceId": made.id, "EvidenceTime": when}
            return (
                200,
                {"Response": {**told, "EvidenceTxHash": made.tx, "BlockchainHeight": made.height, **request}},
                {},
            )
        if spoken == ("VerifyEvidenceBlockChainTxHash", "2021-05-14"):
            found = next((e for e in self.held.values() if e.tx == body.get("EvidenceTxHash")), None)
            if found is None:
                return 200, {"Response": {"Result": False, "EvidenceTime": None, "EvidenceId": None, **request}}, {}
            return 200, {"Response": {"Result": True, "EvidenceTime": "", "EvidenceId": found.id, **request}}, {}
        return wrong("InvalidAction")

    def xinghuo(self, path: str, headers: Any, raw: bytes, body: dict[str, Any]) -> Reply:
        def say(code: str, data: Any = None) -> Reply:
            return 200, {"code": code, "data": data, "message": "" if code == "200" else code}, {}

        key, nonce, number = headers.get("access_key"), headers.get("nonce", "0"), headers.get("request_id", "")
        signature = base64.b64decode(headers.get("signature", ""))
        if (
            key != ACCESS_KEY
            or abs(time.time() - int(nonce)) > 900
            or not 1 <= len(number) <= 32
            or len(signature) != 64
        ):
            return say("403")
        public = Sm2VerifyKey.from_pem(self.state["xinghuo_pem"])
        der = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
        if not public.verify(der, number.encode() + key.encode() + nonce.encode() + raw):
            return say("403")
        if path == "/evidence/hash":
            if not HEX64.fullmatch(str(body.get("hash"))):
                return say("1001")
            return say("200", {"attestationId": self.keep(body["hash"], body).id})
        found = self.held.get(str(body.get("attestationId")))
        if path != "/evidence/info" or found is None:
            return say("1003")
        if not self.written(found):
            return say("1005")
        told = {"attestationId": found.id, "hash": found.digest, "txHash": found.tx, "blockHeight": found.height}
        return say("200", told | {"attestationTime": str(int(found.at * 1000))})


def _tc3(headers: Any, raw: bytes) -> bool:
    """The signature as the platform's documentation has it, over whatever headers the caller says it signed."""
    found = re.fullmatch(
        r"TC3-HMAC-SHA256 Credential=([^/]+)/(\d{4}-\d\d-\d\d)/btoe/tc3_request, SignedHeaders=([a-z0-9;-]+), "
        r"Signature=([0-9a-f]{64})",
        headers.get("Authorization", ""),
    )
    stamp = headers.get("X-TC-Timestamp", "0")
    if found is None or found[1] != SECRET_ID or abs(time.time() - int(stamp)) > 300:
        return False
    names = found[3].split(";")
    lines = "".join(f"{name}:{str(headers.get(name, '')).strip().lower()}\n" for name in names)
    canonical = f"POST\n/\n\n{lines}\n{found[3]}\n{hashlib.sha256(raw).hexdigest()}"
    scope = f"{found[2]}/btoe/tc3_request"
    signed = f"TC3-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = ("TC3" + SECRET_KEY).encode()
    for part in (found[2], "btoe", "tc3_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.compare_digest(hmac.new(key, signed.encode(), hashlib.sha256).hexdigest(), found[4])


def main() -> None:
    """Answer until killed."""
    platform = Platform(Path(sys.argv[1]))

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            body = json.loads(raw) if raw else {}
            if platform.state.get("down"):
                reply: Reply = (503, {}, {})
            elif parts.path == "/iam/v3/auth/tokens":
                reply = platform.iam(body)
            elif parts.path.startswith("/dac/"):
                reply = platform.dac(self.command, parts.path.removeprefix("/dac"), query, self.headers, body)
            elif parts.path.startswith("/xinghuo/"):
                reply = platform.xinghuo(parts.path.removeprefix("/xinghuo"), self.headers, raw, body)
            else:
                reply = platform.btoe(self.headers, raw, body)
            status, told, headers = reply
            data = json.dumps(told, ensure_ascii=False).encode()
            self.send_response(status)
            for name, value in {
                **headers,
                "Content-Type": "application/json",
                "Content-Length": str(len(data)),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = _answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    serve(Handler)


@dataclass(frozen=True, slots=True)
class Peer:
    """A running peer: its address, and its mind to be changed."""

    url: str
    folder: Path

    def tell(self, **state: Any) -> None:
        """Change what the peer does from the next call on."""
        change(self.folder / "peers.json", state)


@contextmanager
def running_peers(folder: Path) -> Iterator[Peer]:
    """The platforms in a process of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "peers.json").write_text("{}", "utf-8")
    with started("tests.chain_peers", str(folder)) as url:
        yield Peer(url, folder)


if __name__ == "__main__":
    main()
