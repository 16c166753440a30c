"""A notary office, an arbitration commission and a court for tests, each a process of its own with its own rules.

``python -m tests.judicial_peers KIND FOLDER``: speaks the protocol of ``docs/how-to/settlement.md`` from the other
side, knows nothing of the node's code, reads ``peer.json`` (keys, and how to misbehave) at every call, prints its
address. What its office decides is told to ``/_decide``.
"""

from __future__ import annotations

import hashlib
import json
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from standardwebhooks.webhooks import Webhook

from tests.peer_process import change, serve, started

# What each office takes, and only after what of its own decisions (None: as the first thing).
TAKES: dict[str, dict[str, tuple[str | None, ...]]] = {
    "notarisation": {"agree": (None,), "apply_certificate": ("notarise",), "perform": ("notarise", "issue"),
                     "withdraw": (None, "check"), "supply": (None, "check", "verify")},
    "arbitration": {"file": (None,), "supplement": ("return",), "withdraw": (None, "accept", "return"),
                    "object_online": (None, "accept", "return"), "supply": (None, "accept"),
                    "perform": ("award", "mediate")},
    "litigation": {"file": (None,), "supplement": ("return",), "withdraw": (None, "accept", "return"),
                   "file_enforcement": (None, "take_effect", "mediate"), "perform": ("accept_enforcement",)},
}  # fmt: skip
MUST_HOLD = {
    "agree": {"contract"}, "apply_certificate": {"package"}, "file": {"package", "contract"},
    "supplement": {"package"}, "file_enforcement": {"package"},
}  # fmt: skip
Reply = tuple[int, bytes]


class Refusal(Exception):
    """A status and what is wrong."""

    def __init__(self, status: int, *wrong: str) -> None:
        self.status, self.wrong = status, wrong


@dataclass
class Matter:
    """What the office has of one matter."""

    acts: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    decided: list[str] = field(default_factory=list)
    online: bool = True
    opened: bool = False


class Office:
    """One office over its store."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind, self.folder, self.lock = kind, folder, threading.Lock()
        self.files: dict[str, bytes] = {}
        self.matters: dict[str, Matter] = {}
        self.receipts: dict[str, tuple[str, str]] = {}

    @property
    def mind(self) -> dict[str, Any]:
        """Keys and what the test wants now."""
        return dict(json.loads((self.folder / "peer.json").read_text("utf-8")))

    def sign(self, claims: dict[str, Any], kind: str) -> str:
        key = OKPKey.import_key(self.mind["forged_key"] if self.mind.get("forge") else self.mind["key"])
        return jws.serialize_compact({"alg": "Ed25519", "typ": kind}, json.dumps(claims), key, algorithms=["Ed25519"])

    def read(self, token: str, kind: str) -> dict[str, Any]:
        """The claims of the node's signed text."""
        try:
            found = jws.deserialize_compact(token, OKPKey.import_key(self.mind["node"]), algorithms=["Ed25519"])
            claims = dict(json.loads(found.payload or b""))
        except (JoseError, ValueError) as error:
            raise Refusal(401, "signature") from error
        if found.headers().get("typ") != kind or claims.get("aud") != self.mind["code"]:
            raise Refusal(401, "not for this office")
        return claims

    def check_call(self, header: str, what: str) -> None:
        claims = self.read(header.removeprefix("Bearer "), "xinqiao-call+jws")
        if claims.get("what") != what or not claims["iat"] - 60 <= time.time() <= claims["exp"]:
            raise Refusal(401, "token")

    def put(self, sha256: str, data: bytes) -> dict[str, Any]:
        if hashlib.sha256(data).hexdigest() != sha256:
            raise Refusal(422, "digest")
        self.files[sha256] = data
        return {}

    def act(self, statement: str) -> dict[str, Any]:
        claims = self.read(statement, "xinqiao-act+jws")
        jti, matter = claims["jti"], self.matters.setdefault(claims["matter"], Matter())
        if jti in self.receipts:
            known, receipt = self.receipts[jti]
            if known != statement:
                raise Refusal(409, "the same key with another act")
            return {"receipt": receipt}
        self.check_act(claims, matter)
        matter.acts.append(claims["act"])
        matter.opened = True
        if claims["act"] == "object_online":
            matter.online = False
        told = {
            "iss": self.mind["code"], "aud": claims["iss"], "jti": jti, "matter": claims["matter"],
            "ref": f"{self.mind['code']}-{len(self.receipts) + 1:04d}", "at": datetime.now(UTC).isoformat(),
            "statement_sha256": hashlib.sha256(statement.encode()).hexdigest(),
        }  # fmt: skip
        receipt = self.sign(told, "xinqiao-receipt+jws")
        self.receipts[jti] = (statement, receipt)
        return {"receipt": receipt}

    def check_act(self, claims: dict[str, Any], matter: Matter) -> None:
        """What this office asks of an act before it takes it."""
        wrong = []
        after = TAKES[self.kind].get(claims["act"])
        last = matter.decided[-1] if matter.decided else None
        if after is None or last not in after:
            wrong.append(f"{claims['act']} after {last}")
        kinds = {one["kind"] for one in claims["files"]}
        wrong += [f"no {kind}" for kind in MUST_HOLD.get(claims["act"], set()) - kinds]
        wrong += [f"file {one['name']}" for one in claims["files"] if one["sha256"] not in self.files]
        if claims["act"] == "file_enforcement" and not (kinds >= {"deed", "certificate"} or "decision" in kinds):
            wrong.append("nothing to enforce")
        if claims["act"] in ("file", "supplement", "apply_certificate"):
            wrong += self.check_claim(claims)
        if not all(party["code"] for party in claims["parties"]):
            wrong.append("parties")
        if wrong or self.mind.get("refuse"):
            raise Refusal(422, *(wrong or [str(self.mind["refuse"])]))

    def check_claim(self, claims: dict[str, Any]) -> list[str]:
        """An award must be computable: the formula is evaluated for today and must give whole numbers of its parts."""
        terms, wrong = claims["terms"], []
        names = [part.strip() for part in claims["formula"].replace("×", "*").split("+")]
        try:
            fixed = sum(int(part) for part in names[:3])
            principal, rate, whole, year, days = (p.strip() for p in names[3].replace("/", "*").split("*"))
        except ValueError:
            return ["formula"]
        if fixed != terms["principal_fen"] + terms["interest_fen"] + terms["fees_fen"] or days != "d":
            wrong.append("formula")
        if (int(principal), int(rate)) != (terms["principal_fen"], terms["overdue_rate_bp"]):
            wrong.append("growth")
        if (int(whole), int(year)) != (10_000, 360) or not terms["counted_on"]:
            wrong.append("year")
        if self.kind == "arbitration" and not terms["agreement"]:
            wrong.append("agreement")
        return wrong

    def decide(self, told: dict[str, Any]) -> dict[str, Any]:
        """The office decides: one more signed event, its paper among the files, the node told."""
        matter = self.matters[told.pop("matter")]
        number = next(name for name, one in self.matters.items() if one is matter)
        before = hashlib.sha256(matter.events[-1].encode()).hexdigest() if matter.events else ""
        claims = {"iss": self.mind["code"], "aud": self.mind["node_code"], "matter": number,
                  "seq": len(matter.events) + 1, "prev": before, **told}  # fmt: skip
        paper = claims.pop("paper", None)
        if paper:
            data = paper["text"].encode("latin-1")
            digest = hashlib.sha256(data).hexdigest()
            self.files[digest] = data
            claims["file"] = {"kind": paper["kind"], "name": paper["name"], "sha256": digest}
        matter.events.append(self.sign(claims, "xinqiao-event+jws"))
        matter.decided.append(told["event"])
        self.knock(number)
        return {"seq": claims["seq"]}

    def knock(self, number: str) -> None:
        """A call-back, if the node can be reached; what it would have sent is kept either way."""
        body = json.dumps({"type": "matter.changed", "data": {"matter": number}}).encode()
        name, at = f"msg_{number}_{len(self.matters[number].events)}", datetime.now(UTC)
        signature = Webhook(self.mind["secret"]).sign(msg_id=name, timestamp=at, data=body.decode())
        headers = {"webhook-id": name, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}
        (self.folder / "knock.json").write_text(json.dumps({"body": body.decode(), "headers": headers}), "utf-8")
        if url := self.mind.get("call_back"):
            request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json", **headers})
            urllib.request.urlopen(request, timeout=5).close()

    def answer(self, method: str, path: str, token: str, data: bytes) -> Reply:
        """One call."""
        if path == "/_decide":
            return 200, json.dumps(self.decide(json.loads(data))).encode()
        if path == "/_unsay":
            found = self.matters[json.loads(data)["matter"]]
            return 200, json.dumps([found.events.pop(), found.decided.pop()]).encode()
        if path == "/_file":
            return 200, json.dumps(self.files[json.loads(data)["sha256"]].decode("latin-1")).encode()
        if path == "/_held":
            return 200, json.dumps({"held": json.loads(data)["sha256"] in self.files}).encode()
        if path == "/_state":
            return 200, json.dumps({n: vars(m) for n, m in self.matters.items()}).encode()
        self.check_call(token, f"{method} {path}")
        parts = path.partition("?")
        bits = parts[0].strip("/").split("/")
        if method == "PUT" and bits[:2] == ["v1", "files"]:
            return 200, json.dumps(self.put(bits[2], data)).encode()
        if method == "GET" and bits[:2] == ["v1", "files"]:
            spoilt = b"!" if self.mind.get("spoil") else b""
            return (200, self.files[bits[2]] + spoilt) if bits[2] in self.files else (404, b"{}")
        if bits[:2] == ["v1", "digests"]:
            return 200, json.dumps({"held": bits[2] in self.files}).encode()
        if (method, bits) == ("POST", ["v1", "acts"]):
            return 200, json.dumps(self.act(json.loads(data)["act"])).encode()
        if bits[:2] == ["v1", "matters"] and bits[3] == "events":
            after = int(parts[2].removeprefix("after="))
            found = self.matters.get(bits[2], Matter())
            return 200, json.dumps({"events": found.events[after:]}).encode()
        return 404, b"{}"


def main() -> None:
    """Answer until killed."""
    office = Office(sys.argv[1], Path(sys.argv[2]))

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if office.mind.get("down"):
                self.send_error(503)
                return
            try:
                with office.lock:
                    status, body = office.answer(self.command, self.path, self.headers.get("Authorization", ""), data)
            except Refusal as refusal:
                status, told = refusal.status, {"title": "refused", "problems": [{"message": w} for w in refusal.wrong]}
                body = json.dumps(told).encode()
            if (said := office.mind.get("say")) and self.path.startswith(said["path"]):
                status, body = said["status"], said["text"].encode("utf-8", "surrogatepass")
            if office.mind.get("lose_answers") and self.path == "/v1/acts":
                self.connection.close()  # it was taken, and the node never hears so
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(body) + office.mind.get("cut_off", 0)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = _answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    serve(Handler)


@dataclass(frozen=True, slots=True)
class Peer:
    """A running office: its code, address, public key, secret, and its mind to be changed."""

    code: str
    kind: str
    url: str
    folder: Path
    jwk: dict[str, Any]
    secret: str

    def tell(self, **mind: Any) -> None:
        """Change what it does from the next call on."""
        change(self.folder / "peer.json", mind)

    def decide(self, matter: str, event: str, on: str, **more: Any) -> None:
        """Its people decide."""
        self._post("/_decide", {"matter": matter, "event": event, "on": on, **more})

    def state(self, matter: str) -> dict[str, Any]:
        """What it has of a matter."""
        return dict(self.matters()[matter])

    def matters(self) -> dict[str, Any]:
        """All that it has."""
        return dict(self._post("/_state", {}))

    def held(self, data: bytes) -> bool:
        """Whether it has this file."""
        return bool(self._post("/_held", {"sha256": hashlib.sha256(data).hexdigest()})["held"])

    def unsay(self, matter: str) -> None:
        """Take its last decision back, as if it had never been told."""
        self._post("/_unsay", {"matter": matter})

    def file(self, sha256: str) -> bytes:
        """A file in its hands."""
        return str(self._post("/_file", {"sha256": sha256})).encode("latin-1")

    def knock(self) -> tuple[bytes, dict[str, str]]:
        """The last call-back as it was, or would have been, sent."""
        found = json.loads((self.folder / "knock.json").read_text("utf-8"))
        return found["body"].encode(), found["headers"]

    def _post(self, path: str, told: dict[str, Any]) -> Any:
        request = urllib.request.Request(self.url + path, data=json.dumps(told).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.loads(answer.read())


@contextmanager
def running_office(kind: str, code: str, folder: Path, *, node: dict[str, str], node_code: str) -> Iterator[Peer]:
    """An office in a process of its own. ``node`` is the node's public JWK."""
    folder.mkdir(parents=True, exist_ok=True)
    key, forged = OKPKey.generate_key("Ed25519"), OKPKey.generate_key("Ed25519")
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    mind = {"key": key.as_dict(private=True), "forged_key": forged.as_dict(private=True), "node": node, "code": code,
            "node_code": node_code, "secret": secret}  # fmt: skip
    (folder / "peer.json").write_text(json.dumps(mind), "utf-8")
    with started("tests.judicial_peers", kind, str(folder)) as url:
        public = {name: key.as_dict(private=False)[name] for name in ("kty", "crv", "x")}
        yield Peer(code, kind, url, folder, public, secret)


if __name__ == "__main__":
    main()
