"""What can go wrong between the node and a body: silence, lost answers, refusals, forged and impossible words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from tests.judicial_peers import Peer
from tests.kept import laid_down
from tests.market import FIRM, open_market
from tests.settling import AGREED, BANK, DAY, LATER, PDF, bad_loan, by, connected, drafted, paper, rounds, state
from xinqiao.evidence.queries import list_entries
from xinqiao.kernel.transitions import TransitionRefused
from xinqiao.plumbing import settings as node
from xinqiao.settlement import actions
from xinqiao.settlement.adapters import rest
from xinqiao.settlement.calling import take_call_back
from xinqiao.settlement.dispatch import ask_due, send_due, wait_after
from xinqiao.settlement.queries import bodies_health, get_proceeding, list_papers, list_sendings, list_steps
from xinqiao.settlement.refusals import ByProgram, CallBackRefused, InvalidBodies, StillPending
from xinqiao.settlement.taking import take_event
from xinqiao.settlement.types import PaperKind, Proceeding, SendState, Told
from xinqiao.vault.actions import erase_subject
from xinqiao.vault.types import enterprise_subject
from xinqiao.webhooks.actions import add_endpoint
from xinqiao.webhooks.queries import list_messages

SECONDS, MINUTES = timedelta(seconds=1), timedelta(minutes=11)
COMMISSION = "arbitration-demo"
OWNER: dict[str, Any] = by(actor="person:9")


def _lent() -> str:
    return bad_loan(open_market())


@pytest.fixture
def office(fresh_node: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    """A loan in arrears, and a commission that can be told to misbehave."""
    laid_down(_lent, fresh_node)
    with connected(tmp_path, monkeypatch, COMMISSION) as offices:
        yield offices[COMMISSION]


def filed() -> Proceeding:
    made = drafted("arbitration", COMMISSION, AGREED)
    return actions.step(made.id, "file", **BANK, **by())


def trouble() -> str:
    return next(one.trouble for one in bodies_health() if one.body.code == COMMISSION)


def events(name: str) -> int:
    return len(list_entries(event=f"settlement.{name}", limit=500))


def test_an_office_that_is_down_gets_everything_once_when_it_is_back(office: Peer) -> None:
    office.tell(down=True)
    made, at = filed(), LATER
    for attempt in range(1, 4):
        assert rounds(at) == 0 and rounds(at) == 0, "the second round has nothing that is due"
        [act] = list_sendings(made.id)
        assert (act.state, act.attempts) == (SendState.WAITING, attempt)
        assert act.next_at == at + wait_after(attempt) and "503" in act.said and "503" in trouble()
        at = act.next_at
    assert [wait_after(n) for n in (1, 2, 3, 99)] == [5 * SECONDS, 10 * SECONDS, 20 * SECONDS, timedelta(hours=1)]
    health = next(one for one in bodies_health() if one.body.code == COMMISSION)
    assert (health.waiting, health.oldest, health.answered_at) == (1, LATER, None)
    with pytest.raises(StillPending):
        actions.step(made.id, "withdraw", **BANK, **by())
    packages = [one.kind for one in list_papers(made.id)].count(PaperKind.PACKAGE)
    office.tell(down=False)
    assert rounds(at) == 1 and rounds(at + timedelta(hours=2)) == 0
    assert office.state(made.id)["acts"] == ["file"] and trouble() == "" and events("handed_over") == 1
    assert [one.kind for one in list_papers(made.id)].count(PaperKind.PACKAGE) == packages == 1, "packed once"


def test_what_waits_for_an_office_when_the_enterprise_is_erased_is_never_sent(office: Peer) -> None:
    office.tell(down=True)
    made = filed()
    rounds()
    erase_subject(enterprise_subject(FIRM), actor="t", reason="t", now=LATER)
    office.tell(down=False)
    rounds(LATER + MINUTES)
    assert [one.state for one in list_sendings(made.id)] == [SendState.REFUSED]
    assert office.matters() == {}


def test_further_papers_go_to_the_office_without_a_step_and_its_words_to_the_bank(office: Peer) -> None:
    add_endpoint("bank_a", url="https://bank.example/hook", actor="t", now=LATER)
    made = filed()
    rounds()
    actions.hand_in(made.id, "dunning", name="demand.pdf", data=PDF + b"demand", **BANK, **by())
    assert actions.supply(made.id, **BANK, **by()).state == "filed"
    rounds()
    assert office.state(made.id)["acts"] == ["file", "supply"] and office.held(PDF + b"demand")
    office.decide(made.id, "accept", DAY.isoformat())
    rounds(LATER + MINUTES)
    assert [one.about for one in list_messages("bank_a") if one.type == "proceeding.changed"] == [made.id]
    with pytest.raises(ByProgram):
        take_event(made.id, Told("dismiss", DAY, reason="by hand"), body=COMMISSION, **by())
    office.decide(made.id, "award", DAY.isoformat(), document_no="1", paper=paper("decision"))
    rounds(LATER + 2 * MINUTES)
    with pytest.raises(TransitionRefused):
        actions.supply(made.id, **BANK, **by())


def test_an_answer_lost_after_the_act_was_taken_is_the_same_receipt_later(office: Peer) -> None:
    office.tell(lose_answers=True)
    made = filed()
    assert rounds() == 0 and office.state(made.id)["acts"] == ["file"]
    assert [one.state for one in list_sendings(made.id)] == [SendState.WAITING]
    office.tell(lose_answers=False)
    assert rounds(LATER + 5 * SECONDS) == 1
    assert office.state(made.id)["acts"] == ["file"], "one act, whatever was sent"
    [act] = list_sendings(made.id)
    assert act.state is SendState.SENT and len(act.receipt_sha256) == 64 and act.said == "arbitration-demo-0001"


def test_what_the_office_does_not_take_comes_back_with_its_reason(office: Peer) -> None:
    office.tell(refuse="材料不全\x00\ud800")
    made = filed()
    assert rounds() == 0
    found, [act] = get_proceeding(made.id), list_sendings(made.id)
    assert (found.state, found.due_on, act.state) == ("draft", None, SendState.REFUSED)
    assert "422 材料不全??" in act.said and trouble() == "" and events("sent_back") == 1
    office.tell(refuse="")
    actions.step(made.id, "file", **BANK, **by())
    assert rounds() == 1 and office.state(made.id)["acts"] == ["file"]
    office.decide(made.id, "accept", DAY.isoformat())
    rounds(LATER + MINUTES)
    office.tell(refuse="已开庭")
    actions.object_online(made.id, enterprise=FIRM, reason="要求线下", **OWNER)
    rounds(LATER + MINUTES)
    found = get_proceeding(made.id)
    assert (found.state, found.offline) == ("accepted", False), "it may be objected again"


def test_a_refusal_that_is_cut_off_or_a_receipt_that_is_none_is_tried_again(office: Peer) -> None:
    made, at = filed(), LATER
    nested = "[" * 200_000
    for said in (
        {"forge": True},
        {"say": {"path": "/v1/acts", "status": 422, "text": "{"}, "cut_off": 9},
        {"say": {"path": "/v1/acts", "status": 200, "text": "{"}, "cut_off": 0},
        {"say": {"path": "/v1/acts", "status": 500, "text": nested}, "cut_off": 0},
        {"say": {"path": "/v1/acts", "status": 200, "text": nested}},
        {"say": {"path": "/v1/acts", "status": 200, "text": "[]"}},
        {"say": {"path": "/v1/acts", "status": 200, "text": '{"receipt": 5}'}},
        {"say": {"path": "/v1/acts", "status": 200, "text": '{"receipt": "e30.e30.e30"}'}},
    ):
        office.tell(**said)
        assert rounds(at) == 0 and state(made.id) == "filed", said
        [act] = list_sendings(made.id)
        assert act.state is SendState.WAITING and act.next_at is not None and act.said == trouble() != "", said
        at = act.next_at
    office.tell(forge=False, say=None)
    assert rounds(at + timedelta(hours=1)) == 0, "the receipt was signed by another key, and stays the same"
    office.tell(say={"path": "/v1/acts", "status": 422, "text": nested})
    assert rounds(at + timedelta(hours=3)) == 0 and state(made.id) == "draft"


@contextmanager
def told(office: Peer, matter: str, event: str = "accept", **more: Any) -> Iterator[None]:
    """A decision that is not to be taken; taken back at the end."""
    office.decide(matter, event, more.pop("on", DAY.isoformat()), **more)
    yield
    office.unsay(matter)


def test_of_words_that_do_not_hold_nothing_is_taken_and_the_line_asks_again(office: Peer) -> None:
    made = filed()
    assert rounds() == 1
    before, papers, at = list_steps(get_proceeding(made.id)), list_papers(made.id), LATER
    wrong: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("signature", {"forge": True}, {}), ("seq", {}, {"seq": 2}), ("seq", {}, {"seq": True}),
        ("prev", {}, {"prev": "0" * 64}), ("aud", {}, {"aud": "another"}),
        ("file", {"spoil": True}, {"paper": paper("notice")}), 
        ("“作出裁决”", {}, {"event": "award", "document_no": "1", "paper": paper("decision")}),
        ("“执行立案”", {}, {"event": "accept_enforcement"}), ("2 处", {}, {"event": "not_accept", "on": "2020-01-01"}),
        ("1 处", {}, {"paper": paper("certificate")}), ("1 处", {}, {"paper": {**paper("notice"), "text": "MZ"}}),
        ("on", {}, {"on": "tomorrow"}), ("amount_fen", {}, {"amount_fen": 1.5}), ("event", {}, {"event": "declare"}),
        ("reason", {}, {"reason": "\x00"}), ("file", {}, {"paper": paper("notice", name="\ud800.pdf")}),
    ]  # fmt: skip
    for said, mind, more in wrong:
        office.tell(**{"forge": False, "spoil": False, **mind})
        at += MINUTES
        with told(office, made.id, **more):
            assert rounds(at) == 0, (said, more)
            assert said in trouble(), (said, more, trouble())
            assert list_steps(get_proceeding(made.id)) == before and list_papers(made.id) == papers
        at += MINUTES
        assert rounds(at) == 0 and trouble() == "", "asked again, and well"
    office.tell(forge=False, spoil=False)
    office.decide(made.id, "accept", DAY.isoformat())
    assert rounds(at + MINUTES) == 1 and state(made.id) == "accepted"


def test_trouble_about_one_matter_is_told_while_other_calls_go_well(office: Peer) -> None:
    made = filed()
    rounds()
    with told(office, made.id, prev="0" * 64):
        rounds(LATER + MINUTES)
        actions.object_online(made.id, enterprise=FIRM, reason="要求线下", **OWNER)
        assert send_due(pack=lambda *_: None, now=LATER + MINUTES) == 1
        assert "prev" in trouble()


def test_an_acceptance_that_crosses_a_withdrawal_is_moot_unless_the_withdrawal_is_sent_back(office: Peer) -> None:
    made = filed()
    rounds()
    office.decide(made.id, "accept", DAY.isoformat())
    office.tell(refuse="已受理")
    actions.step(made.id, "withdraw", **BANK, **by())
    assert rounds(LATER + SECONDS) == 1 and state(made.id) == "accepted", "back where it stood, and heard at once"
    office.decide(made.id, "award", DAY.isoformat(), document_no="1", paper=paper("decision"))
    office.tell(refuse="")
    with office_down(office):
        actions.step(made.id, "withdraw", **BANK, **by())
        rounds(LATER + MINUTES)
    office.unsay(made.id)
    assert rounds(LATER + 2 * MINUTES) == 1 and office.state(made.id)["acts"] == ["file", "withdraw"]
    office.decide(made.id, "award", DAY.isoformat(), document_no="1", paper=paper("decision"))
    assert take_call_back(COMMISSION, *office.knock(), now=LATER + 2 * MINUTES)
    assert rounds(LATER + 2 * MINUTES) == 0 and (state(made.id), trouble()) == ("withdrawn", "")


@contextmanager
def office_down(office: Peer) -> Iterator[None]:
    office.tell(down=True)
    yield
    office.tell(down=False)


def test_answers_that_nobody_can_read_are_trouble_and_pass(office: Peer) -> None:
    made = filed()
    rounds()
    path, at = f"/v1/matters/{made.id}", LATER
    for text in ("[" * 200_000, '{"events": ' + "[" * 100_000, '{"events": [1]}', "x" * (2 << 20), '{"events": ["."]}',
                 json.dumps({"events": ["eyJhbGciOiJcdTAwMDAifQ.e30.e30"]})):  # fmt: skip
        at += timedelta(hours=2)
        office.tell(say={"path": path, "status": 200, "text": text})
        assert rounds(at) == 0 and trouble() != "" and "\x00" not in trouble(), text[:40]
    office.tell(say=None)
    office.decide(made.id, "accept", DAY.isoformat())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rest, "LONGEST_SECONDS", -1.0)
        assert rounds(at + timedelta(hours=2)) == 0 and "too long" in trouble()
    assert rounds(at + timedelta(hours=4)) == 1 and trouble() == ""


def test_a_signed_call_back_has_the_node_ask_at_once_and_counts_once(office: Peer) -> None:
    made = filed()
    rounds()
    assert rounds() == 0
    office.decide(made.id, "accept", DAY.isoformat())
    assert rounds(LATER + SECONDS) == 0, "not yet its turn"
    data, headers = office.knock()
    for bad, code, named in (
        (data.replace(b"changed", b"chanted"), COMMISSION, headers), (data, "court-demo", headers),
        (data, "?", headers),
        (data, COMMISSION, {**headers, "webhook-id": "msg_other"}), (data, COMMISSION, {}),
        (b" " * 20_000, COMMISSION, headers), (data, COMMISSION, _signed(data, "whsec_" + "QUFB" * 8)),
    ):  # fmt: skip
        with pytest.raises(CallBackRefused):
            take_call_back(code, bad, named, now=LATER)
    for text in (b"[", b"[" * 15_000, b'{"data": {"matter": "\\u0000"}}', b'{"data": []}'):
        with pytest.raises(CallBackRefused):
            take_call_back(COMMISSION, text, _signed(text, office.secret), now=LATER)
    assert rounds(LATER + SECONDS) == 0, "nothing of it was believed"
    assert take_call_back(COMMISSION, data, headers, now=LATER + SECONDS)
    assert rounds(LATER + SECONDS) == 1 and state(made.id) == "accepted"
    assert not take_call_back(COMMISSION, data, headers, now=LATER + SECONDS)
    assert ask_due(now=LATER + SECONDS) == 0
    foreign = b'{"data": {"matter": "Z20260101-00000000"}}'
    assert take_call_back(COMMISSION, foreign, _signed(foreign, office.secret), now=LATER), "known to nobody: no harm"


def _signed(data: bytes, secret: str) -> dict[str, str]:
    at = datetime.now(UTC)
    signature = Webhook(secret).sign(msg_id=f"msg_{hash(data)}", timestamp=at, data=data.decode())
    return {
        "webhook-id": f"msg_{hash(data)}",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }


def test_a_sender_that_was_overtaken_undoes_nothing(office: Peer) -> None:
    """While one messenger packs, another sends; the first then meets an office that is down, or that says no."""
    made = filed()

    def slow(_found: Proceeding, _body: str, _now: datetime) -> bytes | None:
        assert rounds(LATER + timedelta(minutes=6)) == 1, "the claim has run out"
        office.tell(say={"path": "/v1/acts", "status": 422, "text": "{}"})
        return None

    assert send_due(pack=slow, now=LATER) == 0
    office.tell(say=None)
    assert state(made.id) == "filed" and [one.state for one in list_sendings(made.id)] == [SendState.SENT]
    assert events("handed_over") == 1 and events("sent_back") == 0
    office.decide(made.id, "accept", DAY.isoformat())
    office.decide(made.id, "award", DAY.isoformat(), document_no="1", paper=paper("decision"))
    assert _overtaken(office, lambda: rounds(LATER + 2 * MINUTES)) == 0
    assert state(made.id) == "awarded" and trouble() == "", "who came second is in no trouble"
    assert len([s for s in list_steps(get_proceeding(made.id)) if s.side == "body"]) == 2


def _overtaken(office: Peer, other: Callable[[], int]) -> int:
    """Ask, while another messenger takes the same events after they were fetched."""
    fetch, once = rest.RestBody.events, list[int]()

    def events(self: rest.RestBody, proceeding: str, *, after: int) -> list[str]:
        found = fetch(self, proceeding, after=after)
        if not once:
            once.append(1)
            assert other() == 3
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rest.RestBody, "events", events)
        return ask_due(now=LATER + 2 * MINUTES)


def test_acts_of_a_proceeding_keep_their_order_and_an_objection_goes_with_what_was_refused(office: Peer) -> None:
    office.tell(down=True)
    made = filed()
    actions.object_online(made.id, enterprise=FIRM, reason="要求线下", **OWNER)
    rounds()
    office.tell(down=False, refuse="材料不全")
    rounds(LATER + 5 * SECONDS)
    assert [(one.act, one.state) for one in list_sendings(made.id)] == [
        ("file", SendState.REFUSED), ("object_online", SendState.REFUSED),
    ]  # fmt: skip
    office.tell(refuse="", down=True)
    actions.step(made.id, "file", **BANK, **by())
    rounds(LATER + 6 * SECONDS)
    office.tell(down=False)
    rounds(LATER + MINUTES, count=2)
    assert office.state(made.id)["acts"] == ["file"] and get_proceeding(made.id).offline, "said with the filing itself"


def test_a_wrong_file_of_connections_stops_the_messenger_only(office: Peer) -> None:
    made = drafted("litigation", "court-demo", replace(AGREED, agreement="", agreed_body=""))
    file = node.bodies_file()
    assert file is not None
    good = file.read_text()
    file.write_text("[[bodies]]\ncode = 5\n")
    actions.step(made.id, "file", **BANK, **by())
    assert state(made.id) == "filed", "who files or decides is not stopped"
    with pytest.raises(InvalidBodies):
        rounds()
    file.write_text(good)
    assert rounds() == 1


def test_while_that_file_is_wrong_what_a_body_has_to_learn_waits_for_it(office: Peer) -> None:
    made, file = filed(), node.bodies_file()
    assert file is not None and rounds() == 1
    good = file.read_text()
    file.write_text("[[bodies]]\ncode = 5\n")
    actions.object_online(made.id, enterprise=FIRM, reason="要求线下", **OWNER)
    assert [one.state for one in list_sendings(made.id)] == [SendState.SENT, SendState.WAITING]
    file.write_text(good)
    rounds(LATER + MINUTES)
    assert office.state(made.id)["acts"] == ["file", "object_online"]
