"""Notices to a real receiver on loopback, checked by a verifier nobody here wrote."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.db import transaction
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from xinqiao.plumbing import settings as node
from xinqiao.webhooks.actions import add_endpoint, change_secret, deliver_due, end_endpoint, send_again, tell
from xinqiao.webhooks.queries import list_endpoints, list_messages
from xinqiao.webhooks.rules import WAITS
from xinqiao.webhooks.types import EndpointRefused, MessageState, NotDead, UnknownEndpoint

BY: dict[str, Any] = {"actor": "api:bank-a"}

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("evidence_folder")]


@dataclass
class Receiver:
    """What a bank's server got, and what it answers."""

    url: str = ""
    status: int = 204
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A server of the bank's own on loopback, as in a demonstration."""
    monkeypatch.setenv("XINQIAO_DEMO", "1")
    node.demo.cache_clear()
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.got.append((dict(self.headers.items()), body))
            self.send_response(found.status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_args: Any) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}/hook"
    yield found
    server.shutdown()
    server.server_close()
    thread.join()
    node.demo.cache_clear()


def _tell(kind: str, *, about: str = "R1", now: datetime) -> None:
    with transaction.atomic():
        tell("bank-a", kind, about=about, data={"request": about}, now=now)


def test_a_notice_arrives_signed_and_thin(receiver: Receiver) -> None:
    """Another's verifier accepts it; changed, or under another secret, it does not; it holds numbers only."""
    now = datetime.now(UTC)
    _, secret = add_endpoint("bank-a", url=receiver.url, now=now, **BY)
    _tell("authorisation.granted", now=now)
    assert deliver_due(now=now) == 1
    headers, body = receiver.got[0]
    assert Webhook(secret).verify(body, headers) == {
        "type": "authorisation.granted", "timestamp": now.isoformat(), "data": {"request": "R1"},
    }  # fmt: skip
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body.replace(b"R1", b"R2"), headers)
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 44).verify(body, headers)
    assert list_messages("bank-a")[0].state is MessageState.DELIVERED
    assert deliver_due(now=now + timedelta(days=1)) == 0


def test_both_secrets_sign_while_one_is_changed(receiver: Receiver) -> None:
    """For seven days the old and the new one verify; after them the new one alone."""
    now = datetime.now(UTC)
    made, old = add_endpoint("bank-a", url=receiver.url, now=now, **BY)
    new = change_secret(made.id, organisation="bank-a", now=now - timedelta(days=6), **BY)
    _tell("authorisation.granted", now=now)
    deliver_due(now=now)
    headers, body = receiver.got[-1]
    assert Webhook(old).verify(body, headers) == Webhook(new).verify(body, headers)
    change_secret(made.id, organisation="bank-a", now=now - timedelta(days=8), **BY)
    _tell("authorisation.withdrawn", now=now)
    deliver_due(now=now)
    headers, body = receiver.got[-1]
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(body, headers)


def test_a_server_that_fails_is_tried_for_three_days_then_it_is_a_dead_letter(receiver: Receiver) -> None:
    """Each wait is kept; a dead letter can be sent again, anything else cannot."""
    start = now = datetime.now(UTC)
    add_endpoint("bank-a", url=receiver.url, now=now, **BY)
    receiver.status = 500
    _tell("authorisation.granted", now=now)
    for wait in WAITS:
        deliver_due(now=now)
        assert deliver_due(now=now + wait - timedelta(milliseconds=1)) == 0
        now += wait
    deliver_due(now=now)
    found = list_messages("bank-a")[0]
    assert (found.state, found.attempts) == (MessageState.DEAD, len(WAITS) + 1)
    assert len(receiver.got) == len(WAITS) + 1
    assert timedelta(hours=72) <= now - start <= timedelta(hours=80)
    receiver.status = 200
    send_again(found.id, organisation="bank-a", now=now)
    assert deliver_due(now=now) == 1
    with pytest.raises(NotDead):
        send_again(found.id, organisation="bank-a", now=now)
    with pytest.raises(UnknownEndpoint):
        send_again(found.id, organisation="bank-b", now=now)


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    """The address is the one registered; a redirect is a failure like any other."""
    now = datetime.now(UTC)
    add_endpoint("bank-a", url=receiver.url, now=now, **BY)
    receiver.status = 307
    _tell("authorisation.granted", now=now)
    assert deliver_due(now=now) == 0
    assert [len(receiver.got), list_messages("bank-a")[0].last_answer] == [1, "307"]


def test_exchange_8_11_no_older_state_after_a_newer_one(receiver: Receiver) -> None:
    """Bug of others: ACTIVE was told after COMPLETED. A notice that has not gone out is superseded by the newer."""
    now = datetime.now(UTC)
    add_endpoint("bank-a", url=receiver.url, now=now, **BY)
    receiver.status = 503
    _tell("authorisation.granted", now=now)
    deliver_due(now=now)
    receiver.status = 204
    _tell("authorisation.withdrawn", now=now + timedelta(seconds=1))
    _tell("authorisation.granted", about="R2", now=now + timedelta(seconds=1))
    deliver_due(now=now + timedelta(days=1))
    told = [(json.loads(body)["type"], json.loads(body)["data"]["request"]) for _, body in receiver.got[1:]]
    assert sorted(told) == [("authorisation.granted", "R2"), ("authorisation.withdrawn", "R1")]
    assert {m.state for m in list_messages("bank-a")} == {MessageState.DELIVERED, MessageState.SUPERSEDED}


def test_nothing_goes_to_an_endpoint_that_was_ended(receiver: Receiver) -> None:
    """Ending stops what waits too."""
    now = datetime.now(UTC)
    made, _ = add_endpoint("bank-a", url=receiver.url, now=now, **BY)
    _tell("authorisation.granted", now=now)
    end_endpoint(made.id, organisation="bank-a", now=now, **BY)
    _tell("authorisation.withdrawn", now=now)
    assert deliver_due(now=now) == 0
    assert receiver.got == []
    assert list_endpoints("bank-a")[0].ended_at is not None


def test_nobody_answers(receiver: Receiver) -> None:
    """A closed port is a failure to be tried again, not an error of the node."""
    now = datetime.now(UTC)
    add_endpoint("bank-a", url="http://127.0.0.1:9/hook", now=now, **BY)
    _tell("authorisation.granted", now=now)
    assert deliver_due(now=now) == 0
    assert list_messages("bank-a")[0].last_answer == "no answer"


@pytest.mark.parametrize(
    ("url", "faults"),
    [
        ("ftp://bank.example/hook", 1),
        ("http://bank.example/hook", 1),
        ("https://user:word@bank.example/hook#part", 1),
        ("http://user:word@bank.example/ hook", 3),
        ("https://[::1", 1),
        ("", 1),
        ("https://127.0.0.1/hook", 1),
        ("http://localhost:8000/hook", 1),
    ],
)
def test_an_address_that_cannot_be_is_refused_with_every_fault(url: str, faults: int) -> None:
    """Only https, nothing secret in it, never this machine outside a demonstration."""
    with pytest.raises(EndpointRefused) as caught:
        add_endpoint("bank-a", url=url, now=datetime.now(UTC), **BY)
    assert len(caught.value.problems) == faults
