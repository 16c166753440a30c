"""The protocol over HTTP as a real program calls it, and the pages on which links are made and held objects settled."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from tests.machines import keep_connections
from tests.machines import key as machine_key
from tests.peers import Peer, product
from tests.web.conftest import Town
from xinqiao.admission.actions import approve, propose
from xinqiao.admission.types import MeasureKind
from xinqiao.federation import keys
from xinqiao.federation.adapters.peer import NodeProgram, PeerAbove
from xinqiao.federation.collecting import publish_documents
from xinqiao.federation.linking import client_id
from xinqiao.federation.queries import get_link, link_state, list_held, list_links
from xinqiao.federation.refusals import ClockDiffers, PeerRefuses, PeerUnreachable
from xinqiao.federation.rules import card_bytes, fingerprint
from xinqiao.federation.types import Answer, Link, Side, SyncState
from xinqiao.federation.wire import page_as_json, read_page
from xinqiao.oauth.caller import Answer as Answered

BASE = "/api/v1/federation"


@dataclass(slots=True)
class Wire(NodeProgram):
    """A node's program whose calls go into Django's test client instead of a socket; ``key`` signs as the peer."""

    signer: Any = None
    fails: bool = False
    date: str = ""

    def assertion(self) -> str:
        """Signed by the peer under test."""
        with (
            patch.object(keys, "own_key", lambda *_: self.signer),
            patch("xinqiao.federation.adapters.peer.own_key", lambda *_: self.signer),
        ):
            return NodeProgram.assertion(self)

    def reach(self, method: str, url: str, *, data: bytes | None, headers: dict[str, str]) -> Answered:
        """The answer of the site."""
        if self.fails:
            raise ConnectionResetError()
        path = url.removeprefix("http://testserver")
        kind = headers.pop("Content-Type", "application/json")
        answer = Client(headers=headers).generic(method, path, data or b"", content_type=kind)
        found = {name.lower(): value for name, value in answer.headers.items()}
        if self.date:
            found["date"] = self.date
        return Answered(answer.status_code, found, answer.content)


@pytest.fixture
def city(town: Town) -> Iterator[tuple[Peer, PeerAbove]]:
    """A city linked below the town's node, and its view of the node above."""
    keep_connections()
    peer = Peer()
    peer.link(Side.BELOW, now=town.now)
    seen = replace(get_link("xian"), name="province", url="http://testserver", side=Side.ABOVE)
    yield peer, port_of(peer, seen)


def port_of(peer: Peer, link: Link) -> PeerAbove:
    """The city's port to this node."""
    port = PeerAbove(link)
    port.program = Wire(client_id(peer.code, peer.card.keys[0].key), {}, "http://testserver", signer=peer.key)
    return port


def test_a_node_below_hands_over_fetches_answers_and_compares(city: tuple[Peer, PeerAbove]) -> None:
    peer, port = city
    page = peer.page([peer.object("product", "p", product()), peer.signed("{")], to="shaanxi")
    receipt = port.push(page)
    assert (receipt.cursor, receipt.chain) == (2, page.chain)
    assert [(a.seq, a.state, a.problems[0].code) for a in receipt.answers] == [
        (2, SyncState.HELD, "federation.not_canonical")
    ]
    publish_documents(now=timezone.now())
    down = port.pull(0)
    assert {json.loads(e.object)["kind"] for e in down.entries} == {"catalogue", "guideline"}
    assert port.pull(down.seq).entries == () and get_link("xian").waiting == 0
    port.answer([Answer(1, SyncState.HELD)])
    theirs = port.state()
    assert theirs == link_state("xian") and [k.kind for k in theirs["received"]] == ["product"]


def test_a_page_survives_the_wire(city: tuple[Peer, PeerAbove]) -> None:
    page = city[0].page([city[0].object("product", "p", product())])
    assert read_page(json.loads(json.dumps(page_as_json(page)))) == page


def test_exchange_8_07_a_suspended_platform_is_not_heard_from_the_next_call_on(city: tuple[Peer, PeerAbove]) -> None:
    """Its tokens are dead and it gets no others that open anything; restored, it goes on where it was."""
    peer, port = city
    port.push(peer.page([peer.object("product", "p", product())], to="shaanxi"))
    now = timezone.now()
    made = propose("xian", MeasureKind.SUSPEND, reason="leak", actor="person:901", now=now)
    approve(made.id, actor="person:902", now=now)
    page = peer.page([peer.object("product", "q", product())], to="shaanxi")
    for call in (lambda: port.push(page), lambda: port.pull(0), port.state):
        with pytest.raises(PeerRefuses) as refused:
            call()
        assert refused.value.data["answer"] == "admission.not_open"
    made = propose("xian", MeasureKind.RESTORE, reason="mended", actor="person:901", now=now)
    approve(made.id, actor="person:902", now=now)
    assert port.push(page).cursor == 2


def test_what_goes_wrong_is_told_apart(city: tuple[Peer, PeerAbove]) -> None:
    """No line, a clock that is wrong, a key that nobody knows, a gap: each says what to do."""
    _, port = city
    wire = port.program
    assert isinstance(wire, Wire)
    wire.fails = True
    with pytest.raises(PeerUnreachable) as gone:
        port.pull(0)
    assert gone.value.data["why"] == "ConnectionResetError" and gone.value.retry
    wire.fails = False
    with pytest.raises(PeerRefuses) as gap:
        port.pull(99)
    assert gap.value.data["answer"] == "federation.feed_shorter"
    wire.token, wire.date = "", "Fri, 20 Nov 2026 02:00:00 GMT"
    wire.signer = Peer().key
    with pytest.raises(ClockDiffers) as clock:
        port.pull(0)
    assert clock.value.data["seconds"] != 0
    wire.date = ""
    with pytest.raises(PeerRefuses) as key:
        port.pull(0)
    assert key.value.data["answer"] == "oauth.invalid_client"


def test_an_old_call_cannot_be_made_again(city: tuple[Peer, PeerAbove]) -> None:
    """A proof is good once: the same request sent again opens nothing."""
    _, port = city
    port.pull(0)
    wire, sent = port.program, []
    real = Wire.send

    def keeping(self: Wire, method: str, url: str, *, data: bytes | None, headers: dict[str, str]) -> Answered:
        sent.append((method, url, data, dict(headers)))
        return real(self, method, url, data=data, headers=headers)

    with patch.object(Wire, "send", keeping):
        port.pull(0)
    method, url, data, headers = sent[-1]
    again = wire.send(method, url, data=data, headers=headers)
    assert again.status == 401 and json.loads(again.body)["code"] == "oauth.invalid_dpop_proof"


def test_other_programs_have_no_business_here(town: Town, city: tuple[Peer, PeerAbove]) -> None:
    """A bank, and a platform's program without the scope, are refused; a platform that is no node has no link."""
    for who, code in (("bank-a", "api.wrong_kind"), ("hub", "oauth.insufficient_scope")):
        for path in ("/objects", "/state"):
            answer = town.api(who).get(BASE + path)
            assert (answer.status_code, answer.json()["code"]) == (403, code)
    assert machine_key("hub")


@pytest.mark.parametrize("body", [{}, {"sender": "xian"}, []])
def test_a_body_of_another_form_is_a_problem_document(city: tuple[Peer, PeerAbove], body: Any) -> None:
    answer = city[1].program.call("POST", f"{BASE}/objects", data=json.dumps(body).encode())
    assert answer.status == 422 and json.loads(answer.body)["code"] == "api.malformed"


def test_a_link_is_made_stopped_and_ended_in_the_portal(town: Town) -> None:
    peer = Peer("nation")
    operator, guard = town.client("operator"), town.client("guard")
    card = SimpleUploadedFile("card.json", card_bytes(peer.card))
    assert operator.post("/node/federation/", {"card": card, "side": "above"}).status_code == 302
    page = operator.get("/node/federation/links/nation/").content.decode()
    assert "您提出的连接须由另一人确认" in page and "对方读出的指纹" not in page
    assert fingerprint(peer.card) not in guard.get("/node/federation/links/nation/").content.decode()
    typed = {"step": "confirm", "fingerprint": fingerprint(peer.card)}
    assert operator.post("/node/federation/links/nation/", typed).status_code == 403
    assert guard.post("/node/federation/links/nation/", typed | {"fingerprint": "0000"}).status_code == 403
    assert guard.post("/node/federation/links/nation/", typed).status_code == 302
    for step, state in (("pause", "paused"), ("resume", "active"), ("end", "ended")):
        operator.post("/node/federation/links/nation/", {"step": step, "reason": "trial"})
        assert list_links(ended=True)[-1].state == state
    assert operator.post("/node/federation/", {"side": "above"}).status_code == 422
    assert json.loads(operator.get("/node/federation/card.json").content)["node"] == "shaanxi"


def test_held_objects_are_shown_with_reasons_and_settled(town: Town, city: tuple[Peer, PeerAbove]) -> None:
    peer, port = city
    port.push(peer.page([peer.object("product", "p", product() | {"months_to": -5, "more": 1})], to="shaanxi"))
    [held] = list_held()
    operator = town.client("operator")
    page = operator.get("/node/federation/").content.decode()
    assert "应为 0 到 600 的整数" in page and "没有这个字段" in page and "国家平台的内部接口未公开" in page
    address = f"/node/federation/held/{held.id}/"
    assert "months_to" in operator.get(address).content.decode()
    assert "仍不能收下" in operator.post(address, {"step": "retry"}, follow=True).content.decode()
    assert operator.post(address, {"step": "drop"}).status_code == 422
    operator.post(address, {"step": "drop", "reason": "sent by mistake"})
    assert not list_held()
    assert town.client("auditor").get("/node/federation/").status_code == 200
    assert town.client("auditor").post(address, {"step": "retry"}).status_code == 404


def test_a_lag_over_the_setting_is_an_alarm_on_the_first_page(town: Town, city: tuple[Peer, PeerAbove]) -> None:
    publish_documents(now=timezone.now() - timedelta(hours=1))
    page = town.client("operator").get("/node/").content.decode()
    assert "同步滞后超过设定" in page and city[0].code.title() in page
    assert asdict(get_link("xian"))["out_acked"] == 0
