"""A source in service mode: ``python -m tests.exchange.service PORT SECRET``; its data and its moods are set over HTTP.

``POST /data`` takes ``{item: {enterprise: [row, …]}}``; ``POST /mood`` one of ok, down, slow, drip, garbage, forged,
other, replayed; ``POST /silent`` the items it does not answer about. A verification compares digests of its own rows
with the claims it is sent.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.exchange.spelling import claims
from xinqiao.sources.adapters.service import HEADERS, answer_to


class Source(BaseHTTPRequestHandler):
    """One connection to it."""

    secret: ClassVar[str] = ""
    data: ClassVar[dict[str, dict[str, list[dict[str, str]]]]] = {}
    mood: ClassVar[str] = "ok"
    silent: ClassVar[list[str]] = []
    asked: ClassVar[int] = 0
    last: ClassVar[tuple[bytes, dict[str, str]] | None] = None

    def do_GET(self) -> None:
        """Alive, and how often it was asked."""
        down = self.mood == "down" and self.path == "/v1/alive"
        self._send(503 if down else 200, json.dumps({"asked": Source.asked}).encode())

    def do_POST(self) -> None:
        """A question, or what it is told to be."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/data":
            Source.data = json.loads(body)
            self._send(200, b"{}")
        elif self.path == "/silent":
            Source.silent = json.loads(body)
            self._send(200, b"{}")
        elif self.path == "/mood":
            Source.mood = json.loads(body)
            self._send(200, b"{}")
        else:
            self._answer(body)

    def handle(self) -> None:
        """Who asks may have gone by the time a slow answer is sent."""
        with suppress(ConnectionError):
            super().handle()

    def _answer(self, body: bytes) -> None:
        Source.asked += 1
        try:
            question = Webhook(self.secret).verify(body, {name: self.headers.get(name, "") for name in HEADERS})
        except WebhookVerificationError:
            self._send(401, b"{}")
            return
        if question["item"] in self.silent:
            self._send(503, b"{}")
            return
        if self.mood in ("down", "garbage"):
            self._send(503 if self.mood == "down" else 200, b"<html>maintenance</html>")
            return
        if self.mood == "slow":
            time.sleep(5)
        secret = "whsec_Zm9yZ2VkZm9yZ2VkZm9yZ2VkZm9yZ2Vk" if self.mood == "forged" else self.secret
        made = answer_to(question, secret, **self._content(question))
        if self.mood == "replayed" and Source.last:
            made = Source.last
        Source.last = made
        self._send(200, *made)

    def _content(self, question: dict[str, Any]) -> dict[str, Any]:
        rows = self.data.get(question["item"], {}).get(question["enterprise"], [])
        if question["method"] == "verify":
            return {"state": "match" if claims(question["item"], rows) == question["claims"] else "mismatch"}
        if self.mood == "other":
            rows = [{**row, "uscc": "91610102MAT0000013"} for row in rows]
        return {"state": "rows", "rows": rows} if rows else {"state": "none"}

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.mood == "drip" and headers:
            for at in range(len(body)):
                self.wfile.write(body[at : at + 1])
                self.wfile.flush()
                time.sleep(0.2)
            return
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        """Quiet."""


if __name__ == "__main__":
    Source.secret = sys.argv[2]
    claims("property.title", [])  # the list is read before anybody waits for an answer
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Source).serve_forever()
