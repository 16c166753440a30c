"""One probe's sandbox at a platform: opened by the contract, proved by DPoP, with a clock and a node of its own.

The prober plays three parts: the node (what it answers, its notices), an enterprise, and an officer of a bank. Each
probe opens a sandbox for itself, so that what one does no other sees.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey

from xinqiao.kernel.canonical import base64_text, sha256_hex
from xinqiao.kernel.dated import BEIJING
from xinqiao.kernel.errors import Phrase
from xinqiao.oauth.jose import Unreadable, candidates, claims_of, header_of
from xinqiao.oauth.rules import digest
from xinqiao.probes.types import CONTRACT, DISCOVERY
from xinqiao.probes.wire import Answer, Target, Unreached, Wire, encoded
from xinqiao.webhooks.rules import headers, payload

ALGORITHM = "ES256"
AWAY = (502, 503, 504)
MOST_STEPS = 60
PURPOSE, OTHER_PURPOSE = "approval", "marketing"
FIRM, OTHER_FIRM, CANARY = "91610102MAPROBE010", "91610102MAPROBE029", "91610102MAPROBE037"
BANK = "probe-bank"
# What the sandbox's node knows of each enterprise: made up, and told to the platform by the prober.
FACTS: dict[str, Any] = {
    "tax.payment": {"value": "1250000"},
    "social.insured": {"value": "37"},
    "penalty.decision": {"verified_none": True},
    "power.usage": {"not_known": "late"},
}
ITEMS = ("tax.payment", "social.insured", "penalty.decision", "power.usage")
NARROW = ITEMS[:2]


class Failed(Exception):
    """The platform answered, and not as it must; ``says`` is what came back."""

    def __init__(self, says: Phrase) -> None:
        self.says = says
        super().__init__(says)


class NotRun(Exception):
    """This cannot be settled from here; ``says`` is why."""

    def __init__(self, says: Phrase) -> None:
        self.says = says
        super().__init__(says)


def proof(
    key: ECKey, method: str, url: str, *, token: str = "", iat: float | None = None, jti: str | None = None
) -> str:
    """A DPoP proof (RFC 9449); ``iat`` in seconds of Unix time, now by default."""
    claims: dict[str, Any] = {"htm": method, "htu": url.partition("?")[0]}
    claims |= {"iat": int(time.time() if iat is None else iat), "jti": jti or secrets.token_hex(16)}
    claims |= {"ath": digest(token)} if token else {}
    header = {"alg": ALGORITHM, "typ": "dpop+jwt", "jwk": key.as_dict(private=False)}
    return jws.serialize_compact(header, json.dumps(claims), key)


def discover(wire: Wire) -> dict[str, Any]:
    """The discovery document. Raises Unreached when there is none: then nothing is learnt of what it would name."""
    answer = wire.call("GET", DISCOVERY, headers={})
    found = answer.json
    if answer.status != 200 or found.get("contract") != CONTRACT or not isinstance(found.get("paths"), dict):
        raise Unreached(
            Phrase("{path} 没有本约定的说明（回答 {status}）", path=wire.target.path + DISCOVERY, status=answer.status)
        )
    return found


@dataclass(slots=True)
class Sandbox:
    """A probe's own sandbox. ``steps`` are what was sent and what status came back, for the report."""

    wire: Wire
    about: dict[str, Any] = field(default_factory=dict)
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256"))
    token: str = ""
    session: str = ""
    steps: list[str] = field(default_factory=list)
    now: datetime = datetime(2026, 3, 2, 9, 0, tzinfo=BEIJING)  # a Monday
    list_version: str = "2026-1"
    _secret: str = field(default_factory=lambda: "whsec_" + base64_text(secrets.token_bytes(32)))

    @property
    def target(self) -> Target:
        """Where the platform answers."""
        return self.wire.target

    def open(self, *, at: datetime | None = None) -> None:
        """Read the discovery document and open the sandbox. Raises Unreached, Failed."""
        self.about = discover(self.wire)
        self.now = at or self.now
        wanted = {
            "starts_at": self.now.isoformat(),
            "notice_secret": self._secret,
            "list": {"version": self.list_version, "items": list(ITEMS)},
            "recipient": BANK,
            "enterprises": [FIRM, OTHER_FIRM, CANARY],
        }
        answer = self.must(201, self.call("POST", "sessions", wanted))
        self.token, self.session = str(answer.json.get("access_token", "")), str(answer.json.get("session", ""))
        if not self.token or not self.session:
            raise Failed(Phrase("开启沙箱的回答没有 session 或 access_token"))
        for firm in (FIRM, OTHER_FIRM, CANARY):
            self.node_answers(firm, {"items": FACTS})

    def close(self) -> None:
        """Give the sandbox back; a platform that does not answer any more is left as it is."""
        if self.session:
            with suppress(Unreached, Failed):
                self.call("DELETE", "sessions", tail=f"/{self.session}")

    def path(self, name: str) -> str:
        """The path of a part of the contract; raises Failed when the discovery document names none."""
        found = self.about["paths"].get(name)
        if not isinstance(found, str) or not found.startswith("/") or found.startswith("//"):
            raise Failed(Phrase("约定说明里没有“{name}”的路径", name=name))
        return found

    def call(self, method: str, name: str, body: Any = None, *, tail: str = "", made: str = "") -> Answer:
        """Call a part of the contract with a proof (``made`` beforehand, or made now). Raises Unreached."""
        path = self.path(name) + tail
        answer = self.wire.call(
            method, path, headers=self.head(method, path, made), body=None if body is None else encoded(body)
        )
        self.note(f"{method} {name}{tail.partition('?')[0][:1] and '/…'}", answer)
        if answer.status in AWAY:
            raise Unreached(
                Phrase("平台或其前端答复暂不可用（{status}，{step}）", status=answer.status, step=f"{method} {name}")
            )
        return answer

    def head(self, method: str, path: str, made: str = "") -> dict[str, str]:
        """The headers of a call: content type, proof, token."""
        url = f"https://{self.target.name}{self.target.path}{path}"
        found = {"Content-Type": "application/json", "DPoP": made or proof(self.key, method, url, token=self.token)}
        return found | ({"Authorization": f"DPoP {self.token}"} if self.token else {})

    def proof(self, method: str, name: str, *, iat: float | None = None) -> str:
        """A proof for a call that is sent later, or twice."""
        url = f"https://{self.target.name}{self.target.path}{self.path(name)}"
        return proof(self.key, method, url, token=self.token, iat=iat)

    def note(self, step: str, answer: Answer) -> None:
        """Remember a step for the report; a repeated one is counted."""
        line = f"{step} → {answer.status}"
        before, _, times = self.steps[-1].partition(" ×") if self.steps else ("", "", "")
        if before == line:
            self.steps[-1] = f"{line} ×{int(times or 1) + 1}"
        elif len(self.steps) < MOST_STEPS:
            self.steps.append(line)

    def must(self, status: int, answer: Answer) -> Answer:
        """The answer, when it has the status that the contract says; raises Failed naming the step."""
        if answer.status != status:
            step = self.steps[-1].partition(" → ")[0] if self.steps else ""
            why = answer.text[:120] or "—"
            raise Failed(
                Phrase("{step} 应答 {status}，实答 {got}：{why}", step=step, status=status, got=answer.status, why=why)
            )
        return answer

    # The node's part.
    def node_answers(self, enterprise: str, answer: Mapping[str, Any]) -> None:
        """Say what the node answers about an enterprise in this sandbox."""
        self.must(204, self.call("POST", "node", {"enterprise": enterprise, **answer}))

    def notice(self, kind: str, data: Mapping[str, str], *, forged: bool = False) -> Answer:
        """Send a notice as the node does (Standard Webhooks); ``forged`` signs with another secret."""
        message, at = f"msg_{secrets.token_hex(12)}", datetime.now(UTC)
        body = payload(kind, at=at, data=data)
        secret = "whsec_" + base64_text(secrets.token_bytes(32)) if forged else self._secret
        path = f"{self.path('notices')}/{self.session}"
        answer = self.wire.call("POST", path, headers=headers(message, body, secrets=[secret], at=at), body=body)
        self.note(f"POST notices {kind}", answer)
        return answer

    def moved(self, to: datetime) -> None:
        """Move the sandbox's clock on; what falls due on the way is done."""
        self.must(204, self.call("POST", "clock", {"now": to.isoformat()}))
        self.now = to

    def days(self, count: float) -> None:
        """Move the clock on by days."""
        self.moved(self.now + timedelta(days=count))

    def outbox(self, kind: str) -> list[dict[str, Any]]:
        """What the platform has sent to its node of a kind, in order: claims that its own key signed. Raises Failed."""
        answer = self.must(200, self.call("GET", "outbox"))
        messages = answer.json.get("messages")
        if not isinstance(messages, list) or not all(isinstance(m, str) for m in messages):
            raise Failed(Phrase("发件箱不是签名消息的列表"))
        return [claims for claims in map(self.signed, messages) if claims.get("kind") == kind]

    def signed(self, token: Any) -> dict[str, Any]:
        """The claims of what a key of the discovery document signed; raises Failed."""
        keys = self.about.get("jwks", {}).get("keys", []) if isinstance(self.about.get("jwks"), dict) else []
        with suppress(Unreadable, KeyError, AttributeError):
            known = [(str(key.get("kid", "")), key) for key in keys if isinstance(key, dict)]
            for jwk in candidates(known, header_of(str(token))):
                with suppress(Unreadable):
                    return claims_of(str(token), jwk)
        raise Failed(Phrase("平台签发的内容不能用其公布的公钥验证"))

    # The enterprise's and the officer's parts.
    def authorise(self, enterprise: str = FIRM, *, items: tuple[str, ...] = ITEMS, times: int = 20) -> str:
        """An enterprise agrees on the platform's screen; the authorisation's number."""
        return str(self.signed(self.agreed(self.screen(enterprise, items=items, times=times)))["id"])

    def screen(self, enterprise: str = FIRM, *, items: tuple[str, ...] = ITEMS, times: int = 20) -> str:
        """The number of the screen on which an enterprise is asked."""
        asked = {"enterprise": enterprise, "recipient": BANK, "purpose": PURPOSE, "items": list(items)}
        answer = self.must(201, self.call("POST", "screens", {**asked, "period_days": 30, "times": times}))
        return str(answer.json.get("screen", ""))

    def agreed(self, screen: str) -> str:
        """The signed authorisation that follows from agreeing on a screen."""
        answer = self.must(201, self.call("POST", "authorisations", {"screen": screen, "signer": "legal_person"}))
        return str(answer.json.get("artefact", ""))

    def query(
        self,
        authorisation: str,
        enterprise: str = FIRM,
        *,
        purpose: str = PURPOSE,
        items: tuple[str, ...] = ITEMS,
    ) -> Answer:
        """An officer asks for a report. 429 is waited for as long as it says."""
        wanted = {"enterprise": enterprise, "purpose": purpose, "items": list(items), "recipient": BANK}
        wanted |= {"authorisation": authorisation} if authorisation else {}
        for _ in range(5):
            answer = self.call("POST", "queries", wanted)
            if answer.status != 429:
                break
            time.sleep(min(self.wire.left(), retry_after(answer) or 1))
        return answer

    def report(self, authorisation: str, **more: Any) -> Answer:
        """A report that must be given: raises Failed when it is not."""
        return self.must(200, self.query(authorisation, **more))

    def refused(self, answer: Answer, *, when: Phrase) -> Answer:
        """The answer, when it is a refusal; raises Failed when something was answered, or nothing was decided."""
        if answer.status == 200 or not 400 <= answer.status < 500 or answer.status in (404, 405, 429):
            raise Failed(Phrase("{when}，平台应拒绝，实答 {got}", when=when, got=answer.status))
        return answer


def retry_after(answer: Answer) -> int | None:
    """Seconds of a Retry-After header; None without a sensible one."""
    found = answer.headers.get("retry-after", "")
    return int(found) if found.isdecimal() and len(found) < 6 else None


def answered_items(answer: Answer) -> dict[str, Any]:
    """The items of a report or self-query."""
    found = answer.json.get("items")
    return found if isinstance(found, dict) else {}


def chain_hash(entry: Mapping[str, Any], *, canonical: Any) -> str:
    """What an entry of a chained log is known by: SHA-256 of its canonical form without the field ``hash``."""
    return sha256_hex(canonical({k: v for k, v in entry.items() if k != "hash"}))
