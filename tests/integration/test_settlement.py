"""Proceedings from the draft to the court, by three offices that nobody here shares code with, and by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from tests.factories import uscc
from tests.judicial_peers import Peer
from tests.kept import laid_down
from tests.market import FIRM, open_market
from tests.settling import (
    AGREED,
    BANK,
    CLAIM,
    DAY,
    DEED,
    LATER,
    bad_loan,
    by,
    connected,
    drafted,
    paper,
    rounds,
    state,
)
from xinqiao.consent.types import Form
from xinqiao.evidence.actions import sequence_all
from xinqiao.evidence.queries import list_entries
from xinqiao.evidence.verify import verify_folder
from xinqiao.judicial.queries import node_trust
from xinqiao.judicial.verifying import verify_package
from xinqiao.kernel.transitions import TransitionRefused
from xinqiao.plumbing.settings import evidence_dir
from xinqiao.release.actions import query
from xinqiao.release.types import Inquiry, Recipient, RecipientKind
from xinqiao.settlement import actions
from xinqiao.settlement.queries import (
    get_proceeding,
    list_about,
    list_papers,
    list_proceedings,
    list_sendings,
    list_steps,
    read_paper,
)
from xinqiao.settlement.refusals import (
    InvalidTerms,
    NotReady,
    NotTheirStep,
    ProceedingStands,
    UnknownPaper,
    UnknownProceeding,
)
from xinqiao.settlement.taking import take_event
from xinqiao.settlement.types import PaperKind, Proceeding, ProceedingState, Terms, Told
from xinqiao.vault.actions import erase_subject
from xinqiao.vault.types import enterprise_subject

OWNER: dict[str, Any] = by(actor="person:9")
MINUTES = timedelta(minutes=11)  # longer than a body is left unasked
PDF = b"%PDF-1.7 decided by hand"


def _lent() -> str:
    return bad_loan(open_market())


@pytest.fixture
def loan(fresh_node: Path) -> str:
    """A loan in arrears; number of the application."""
    return laid_down(_lent, fresh_node)


def results() -> list[tuple[str, ...]]:
    """The records of results about the firm, as the enterprise itself reads them."""
    own = Recipient(RecipientKind.ENTERPRISE, FIRM, "", enterprise=FIRM)
    now = LATER + timedelta(hours=12)
    told = query(Inquiry(own, FIRM, "self", Form.DETAIL, "person:9", "portal"), now=now).document
    found = next(one for one in told["items"] if one["item"] == "settlement.result")
    rows = found.get("rows", [])
    assert found["state"] == ("value" if rows else "not_known")
    names = ("kind", "outcome", "document_no", "decided_by", "amount_fen")
    assert all(row["basis"] for row in rows), "each with its legal basis"
    return [tuple(str(row[name]) for name in names) for row in sorted(rows, key=lambda row: str(row["result_no"]))]


def unseen(number: str, **seen_by: str) -> bool:
    """Whether a party neither finds nor opens a proceeding."""
    if number in {one.id for one in list_proceedings(**seen_by)}:  # type: ignore[arg-type]
        return False
    with pytest.raises(UnknownProceeding):
        get_proceeding(number, **seen_by)  # type: ignore[arg-type]
    return True


def decided(number: str, event: str, *, body: str = "court-demo", **more: Any) -> Proceeding:
    """A body's staff enter what was decided."""
    told = Told(**{"event": event, "on": DAY, **more})
    return take_event(number, told, body=body, **by(actor="person:77"))


def _notarised(number: str, notary: Peer) -> None:
    """Sent back once, agreed to again, drawn up."""
    answer_by = get_proceeding(number).due_on
    notary.tell(refuse="请补充授权")
    actions.answer(number, "agree", enterprise=FIRM, **OWNER)
    rounds()
    back = get_proceeding(number)
    assert (back.state, back.due_on) == ("proposed", answer_by), "as it stood, the clock too"
    notary.tell(refuse="")
    actions.answer(number, "agree", enterprise=FIRM, **OWNER)
    rounds()
    assert notary.state(number)["acts"] == ["agree"]
    notary.decide(number, "check", DAY.isoformat(), presence="在线视频 2026-11-20 10:00，告知后果")
    notary.decide(number, "notarise", DAY.isoformat(), document_no="（2026）陕示证字1号", presence="在线视频　告知",
                  paper=paper("deed"))  # fmt: skip
    rounds(LATER + MINUTES)
    found = get_proceeding(number)
    assert (found.state, found.document_no) == ("notarised", "（2026）陕示证字1号")
    assert found.presence == "在线视频　告知" and "deed" in {one.kind for one in list_papers(number)}


def _certified(number: str, notary: Peer) -> None:
    """In default; the certificate asked for in vain, then for good."""
    actions.step(number, "default", **BANK, **by())
    actions.state_terms(number, replace(CLAIM, debt_fen=1, payments=()), **BANK, **by())
    assert get_proceeding(number).terms.payments == DEED.payments, "the deed's own terms stay"
    notary.tell(refuse="缺催告凭证")
    actions.step(number, "apply_certificate", **BANK, **by())
    rounds(LATER + timedelta(minutes=12))
    back = get_proceeding(number)
    assert (back.state, back.applied_on) == ("defaulted", None), "what was not taken interrupts no period"
    notary.tell(refuse="")
    actions.step(number, "apply_certificate", **BANK, **by())
    rounds(LATER + timedelta(minutes=13))
    assert notary.state(number)["acts"] == ["agree", "apply_certificate"]
    notary.decide(number, "verify", DAY.isoformat())
    notary.decide(number, "issue", DAY.isoformat(), document_no="（2026）陕示执字1号", amount_fen=80_250_000,
                  paper=paper("certificate"))  # fmt: skip
    rounds(LATER + 3 * MINUTES)
    assert state(number) == "certificate_issued"
    moved = replace(CLAIM, principal_fen=1, address="陕西省西安市示例路2号")
    after = actions.state_terms(number, moved, **BANK, **by()).terms
    assert (after.principal_fen, after.address) == (CLAIM.principal_fen, moved.address), "decided is decided"


def _enforced(number: str, court: Peer) -> bytes:
    """Brought to the court, enforced, performed; the package in the court's hands."""
    actions.step(number, "file_enforcement", court="court-demo", **BANK, **by())
    rounds(LATER + 3 * MINUTES)
    assert court.state(number)["acts"] == ["file_enforcement"]
    court.decide(number, "accept_enforcement", DAY.isoformat(), document_no="（2026）陕示执1号")
    rounds(LATER + 5 * MINUTES)
    found = get_proceeding(number)
    assert found.state is ProceedingState.COURT_ACCEPTED and found.due_on == DAY + timedelta(days=15)
    actions.step(number, "perform", **BANK, **by())
    rounds(LATER + 5 * MINUTES)
    assert court.state(number)["acts"] == ["file_enforcement", "perform"], "the court that enforces is told"
    return court.file(next(one.sha256 for one in reversed(list_papers(number)) if one.kind is PaperKind.PACKAGE))


def test_a_deed_from_the_draft_to_the_court(loan: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(tmp_path, monkeypatch, "notary-demo", "court-demo") as offices:
        made = drafted("notarisation", "notary-demo", DEED, about="application", number=loan)
        with pytest.raises(ProceedingStands):
            drafted("notarisation", "notary-demo", DEED)  # the same debt by its receipt
        actions.step(made.id, "propose", **BANK, **by())
        assert rounds() == 0 and state(made.id) == "proposed", "nothing goes out before the enterprise has agreed"
        assert unseen(made.id, body="notary-demo") and not unseen(made.id, enterprise=FIRM)
        _notarised(made.id, offices["notary-demo"])
        _certified(made.id, offices["notary-demo"])
        held = _enforced(made.id, offices["court-demo"])
    assert [s.side for s in list_steps(get_proceeding(made.id))] == [
        "creditor", "debtor", "debtor", "body", "body", "creditor", "creditor", "creditor", "body", "body",
        "creditor", "court", "creditor",
    ]  # fmt: skip
    sent = [one.state for one in list_sendings(made.id)]
    assert sent == ["refused", "sent", "refused", "sent", "sent", "sent"]
    assert results() == [
        ("赋强公证", "出具执行证书", "（2026）陕示执字1号", "示例公证处", "80250000"),
        ("赋强公证", "执行立案", "（2026）陕示执1号", "示例法院", "None"),
        ("赋强公证", "履行完毕", "（2026）陕示执1号", "示例bank_a", "None"),
    ]
    _shown_by(held)


def _shown_by(package: bytes) -> None:
    """What the court can verify and read without the node."""
    verdict = verify_package(package, trust=node_trust())
    assert verdict.ok, verdict
    with ZipFile(BytesIO(package)) as opened:
        told = json.loads(opened.read("evidence.json"))
    names = {one["name"] for one in told["items"]}
    assert {"合同 contract.pdf", "公证书 （2026）陕示证字1号", "执行证书 （2026）陕示执字1号"} <= names
    assert told["notary"] == {
        "office": "示例公证处", "certificate_no": "（2026）陕示证字1号", "date": DAY.isoformat(), "verify_url": "",
    }  # fmt: skip
    assert told["matter"]["enforceable"] == "（2026）陕示证字1号"


def test_an_arbitration_returned_objected_to_awarded_and_enforced(
    loan: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connected(tmp_path, monkeypatch, "arbitration-demo", "court-demo") as offices:
        commission, court = offices["arbitration-demo"], offices["court-demo"]
        made = drafted("arbitration", "arbitration-demo", AGREED)
        assert unseen(made.id, enterprise=FIRM) and unseen(made.id, body="arbitration-demo")
        assert unseen(made.id, institution="bank_b") and not unseen(made.id, institution="bank_a")
        with pytest.raises(UnknownProceeding):
            actions.step(made.id, "file", institution="bank_b", **by())
        actions.step(made.id, "file", **BANK, **by())
        assert get_proceeding(made.id).due_on == DAY + timedelta(days=5)
        assert not unseen(made.id, enterprise=FIRM) and unseen(made.id, enterprise=uscc(2))
        assert unseen(made.id, body="arbitration-demo"), "nothing was brought to it yet"
        assert rounds() == 1 and not unseen(made.id, body="arbitration-demo") and unseen(made.id, body="court-demo")
        commission.decide(made.id, "return", DAY.isoformat(), reason="请补充利息计算\n（第二条）")
        rounds(LATER + MINUTES)
        assert list_steps(get_proceeding(made.id))[-1].reason == "请补充利息计算\n（第二条）"
        actions.state_terms(made.id, replace(AGREED, interest_fen=1_100_000), **BANK, **by())
        actions.step(made.id, "supplement", **BANK, **by())
        rounds(LATER + MINUTES)
        with pytest.raises(InvalidTerms):
            actions.object_online(made.id, enterprise=FIRM, reason=" ", **OWNER)
        actions.object_online(made.id, enterprise=FIRM, reason="要求线下开庭", **OWNER)
        with pytest.raises(TransitionRefused):
            actions.object_online(made.id, enterprise=FIRM, reason="再次", **OWNER)
        rounds(LATER + MINUTES)
        told = commission.state(made.id)
        assert told["acts"] == ["file", "supplement", "object_online"] and told["online"] is False
        commission.decide(made.id, "accept", DAY.isoformat())
        commission.decide(made.id, "award", DAY.isoformat(), document_no="示裁〔2026〕1号", amount_fen=80_150_000,
                          perform_by=(DAY + timedelta(days=10)).isoformat(), paper=paper("decision"))  # fmt: skip
        assert rounds(LATER + 3 * MINUTES) == 3, "two events and a result"
        assert state(made.id) == "awarded"
        actions.step(made.id, "file_enforcement", court="court-demo", **BANK, **by())
        rounds(LATER + 3 * MINUTES)
        assert court.state(made.id)["acts"] == ["file_enforcement"]
        court.decide(made.id, "reject_enforcement", DAY.isoformat(), reason="仲裁程序违法")
        rounds(LATER + 5 * MINUTES)
    assert results() == [
        ("线上仲裁", "作出裁决", "示裁〔2026〕1号", "示例仲裁委员会", "80150000"),
        ("线上仲裁", "驳回或不予执行", "示裁〔2026〕1号", "示例法院", "None"),
    ]
    held = next(one for one in reversed(list_papers(made.id)) if one.kind is PaperKind.PACKAGE)
    with ZipFile(BytesIO(read_paper(get_proceeding(made.id), held.id)[1])) as package:
        assert json.loads(package.read("evidence.json"))["matter"]["dispute_clause"] == AGREED.agreement
    again = drafted("litigation", "court-demo", CLAIM)
    assert actions.step(again.id, "file", **BANK, **by()).state == "filed", "an award not enforced frees the claim"


def test_a_suit_at_a_court_without_connection_goes_through_the_hands_of_its_staff(loan: str) -> None:
    made = drafted("litigation", "court-demo", CLAIM)
    actions.step(made.id, "file", **BANK, **by())
    with pytest.raises(UnknownProceeding):
        decided(made.id, "accept")
    assert rounds() == 1 and [one.receipt_sha256 for one in list_sendings(made.id)] == [""]
    assert PaperKind.PACKAGE in {one.kind for one in list_papers(made.id)}
    with pytest.raises(UnknownProceeding):
        decided(made.id, "accept", body="arbitration-demo")
    for wrong in ("supplement", "withdraw", "accept_enforcement", "nonsense"):
        with pytest.raises((NotTheirStep, TransitionRefused)):
            decided(made.id, wrong)
    with pytest.raises(InvalidTerms) as refusal:
        decided(made.id, "judge", on=DAY + timedelta(days=1), presence="x" * 201, amount_fen=-1)
    assert {p.field for p in refusal.value.problems} == {"on", "file", "document_no", "presence", "amount_fen"}
    decided(made.id, "accept", name="受理通知书.pdf", data=PDF)
    assert list_papers(made.id)[-1].kind is PaperKind.NOTICE
    with pytest.raises(InvalidTerms):
        decided(made.id, "appeal", name="x.pdf", data=PDF, paper=PaperKind.CERTIFICATE)
    paper_of = {"paper": PaperKind.DECISION, "name": "判决书.pdf", "data": PDF, "document_no": "（2026）陕示民初2号"}
    decided(made.id, "judge", amount_fen=80_250_000, **paper_of)
    assert results() == [], "a judgment counts when it takes effect"
    decided(made.id, "take_effect", amount_fen=80_250_000)
    actions.step(made.id, "file_enforcement", court="court-demo", **BANK, **by())
    rounds()
    decided(made.id, "accept_enforcement")
    rounds()
    assert rounds() == 0, "nothing is recorded twice"
    assert [row[1:4] for row in results()] == [
        ("判决生效", "（2026）陕示民初2号", "示例法院"), ("执行立案", "（2026）陕示民初2号", "示例法院"),
    ]  # fmt: skip
    _erased(made.id)


def _erased(number: str) -> None:
    """With the key of the enterprise its papers and terms are gone; what waits is not sent; the log stands."""
    actions.step(number, "perform", **BANK, **by())
    erase_subject(enterprise_subject(FIRM), actor="t", reason="t", now=LATER)
    found = get_proceeding(number)
    assert found.terms == Terms() and {s.reason for s in list_steps(found)} == {""}
    assert all(not step.facts for step in list_steps(found))
    for kept in list_papers(number):
        with pytest.raises(UnknownPaper):
            read_paper(found, kept.id)
    before = results()
    rounds()
    assert (state(number), results()) == ("performed", before), "what is erased enters no records"
    sequence_all(now=LATER)
    assert verify_folder(evidence_dir()).ok


def test_a_withdrawn_draft_was_never_anybodys_business(loan: str) -> None:
    made = drafted("arbitration", "arbitration-demo", AGREED)
    actions.step(made.id, "withdraw", **BANK, **by())
    rounds()
    assert list_sendings(made.id) == [], "the commission that never saw it is told nothing"
    assert unseen(made.id, enterprise=FIRM) and unseen(made.id, body="arbitration-demo")
    assert list_about([made.number], institution="bank_a", enterprise=FIRM) == []
    with pytest.raises(TransitionRefused):
        actions.state_terms(made.id, AGREED, **BANK, **by())


def test_nothing_is_filed_that_is_not_ready_and_what_is_not_answered_lapses(loan: str) -> None:
    made = drafted("arbitration", "arbitration-demo", replace(AGREED, agreement="", principal_fen=80_000_000))
    with pytest.raises(NotReady) as refusal:
        actions.step(made.id, "file", **BANK, **by())
    assert {p.field for p in refusal.value.problems} == {"within_balance", "agreement"}
    assert state(made.id) == "draft" and not list_sendings(made.id)
    deed = drafted("notarisation", "notary-demo", DEED, about="application", number=loan)
    actions.step(deed.id, "propose", **BANK, **by())
    assert rounds(LATER + timedelta(days=15)) == 0 and state(deed.id) == "proposed"
    assert rounds(LATER + timedelta(days=16)) == 1 and state(deed.id) == "lapsed"
    steps = [e.body["event"] for e in reversed(list_entries(event="settlement.stepped"))]
    assert steps == ["propose", "lapse"]
