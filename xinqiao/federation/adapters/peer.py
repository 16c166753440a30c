"""A node above that speaks this protocol: FAPI 2.0 (private_key_jwt, DPoP) with the node's own key, over HTTPS."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any, TypeVar

from xinqiao.federation.keys import own_card, own_key
from xinqiao.federation.linking import client_id
from xinqiao.federation.refusals import ClockDiffers, PeerRefuses, PeerUnreachable
from xinqiao.federation.rules import SKEW
from xinqiao.federation.types import Answer, KindState, Link, Page, Receipt
from xinqiao.federation.wire import answers_as_json, page_as_json, read_page, read_receipt
from xinqiao.oauth.caller import Answer as Answered
from xinqiao.oauth.caller import Program
from xinqiao.oauth.jose import compact

BASE = "/api/v1/federation"
Read = TypeVar("Read")


@dataclass(slots=True)
class NodeProgram(Program):
    """A program whose assertions are signed by the node's federation key, wherever that lies."""

    skew: float = 0.0

    def assertion(self) -> str:
        """A signed statement of who calls, for this server, once, for a minute."""
        header, claims = json.dumps({"alg": "EdDSA"}), json.dumps(self.claims())
        return compact(header.encode(), claims.encode(), sign=own_key().sign)

    def send(self, method: str, url: str, *, data: bytes | None, headers: dict[str, str]) -> Answered:
        """Send, and look at the other's clock."""
        answer = self.reach(method, url, data=data, headers=headers)
        try:
            there = parsedate_to_datetime(answer.headers["date"])
            self.skew = (datetime.now(UTC) - there).total_seconds()
        except (KeyError, ValueError, TypeError):
            self.skew = 0.0
        return answer

    def reach(self, method: str, url: str, *, data: bytes | None, headers: dict[str, str]) -> Answered:
        """The other's answer over the line."""
        return Program.send(self, method, url, data=data, headers=headers)


@dataclass(slots=True)
class PeerAbove:
    """The node above of a link; keeps its token from call to call."""

    link: Link
    program: NodeProgram = field(init=False)

    def __post_init__(self) -> None:
        card = own_card()
        self.program = NodeProgram(client_id(card.node, card.keys[0].key), {}, self.link.url)

    def pull(self, after: int, *, replay: bool = False) -> Page:
        """The page of its feed behind a place."""
        return self._read(read_page, "GET", f"/objects?after={after}" + ("&replay=true" if replay else ""))

    def push(self, page: Page) -> Receipt:
        """Hand a page over."""
        return self._read(read_receipt, "POST", "/objects", page_as_json(page))

    def answer(self, answers: Sequence[Answer]) -> None:
        """Tell what became of objects that were pulled."""
        self._read(dict, "POST", "/answers", {"answers": answers_as_json(answers)})

    def state(self) -> dict[str, list[KindState]]:
        """What it has ``sent`` and ``received`` over the link, by kind."""
        found = self._read(dict, "GET", "/state")
        return {way: [KindState(**kind) for kind in found[way]] for way in ("sent", "received")}

    def _read(self, read: Any, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
        answer = self._call(method, BASE + path, data)
        if answer.status >= 400:
            raise self._refusal(answer)
        try:
            return read(json.loads(answer.body))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._unreachable("answer is not of this protocol") from error

    def _call(self, method: str, path: str, data: bytes | None) -> Answered:
        """Once more with a new token when the old one has died."""
        try:
            answer = self.program.call(method, path, data=data)
            if answer.status == 401:
                self.program.token = ""
                answer = self.program.call(method, path, data=data)
        except PermissionError as error:
            raise self._not_let_in(str(error)) from error
        except (OSError, HTTPException, ValueError) as error:
            self.program.token = ""
            raise self._unreachable(type(getattr(error, "reason", error)).__name__) from error
        return answer

    def _not_let_in(self, said: str) -> Exception:
        """The token endpoint's refusal; a wrong clock is told as such, for it looks like a wrong key."""
        if wrong := self._wrong_clock():
            return wrong
        try:
            found = dict(json.loads(said))
        except ValueError:
            found = {}
        why = str(found.get("title") or found.get("error_description") or "")[:300]
        code = str(found.get("error_uri", "")).rpartition("#")[2] or str(found.get("error", ""))
        return PeerRefuses(source=self.link.name, why=why, answer=code[:60], retry=True)

    def _wrong_clock(self) -> Exception | None:
        if abs(self.program.skew) <= SKEW.total_seconds():
            return None
        return ClockDiffers(source=self.link.name, seconds=round(self.program.skew), retry=True)

    def _refusal(self, answer: Answered) -> Exception:
        if answer.status >= 500:
            return self._unreachable(f"HTTP {answer.status}")
        if answer.status == 401 and (wrong := self._wrong_clock()):
            return wrong
        try:
            found = dict(json.loads(answer.body))
        except ValueError:
            found = {}
        why, code = str(found.get("title", ""))[:300], str(found.get("code", answer.status))[:60]
        return PeerRefuses(source=self.link.name, why=why, answer=code, retry=True)

    def _unreachable(self, why: str) -> PeerUnreachable:
        return PeerUnreachable(source=self.link.name, why=why, retry=True)
