"""Proceedings from the draft to the court, by three offices that nobody here shares code with, and by hand."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.market import FIRM, Market
from tests.settling import BANK, CLAIM, DAY, DEED, LATER, bad_loan, by, connected, drafted, paper, rounds, state
from xinqiao.settlement import actions
from xinqiao.settlement.queries import get_proceeding, list_papers, list_sendings, list_steps
from xinqiao.settlement.types import ProceedingState, SendState

OWNER: dict[str, Any] = by(actor="person:9")


@pytest.fixture
def loan(market: Market) -> str:
    return bad_loan(market)


def test_a_deed_from_the_draft_to_the_court(loan: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(tmp_path, monkeypatch, "notary-demo", "court-demo") as offices:
        notary, court = offices["notary-demo"], offices["court-demo"]
        made = drafted("notarisation", "notary-demo", DEED, about="application", number=loan)
        actions.step(made.id, "propose", **BANK, **by())
        assert rounds() == 0 and state(made.id) == "proposed", "nothing goes out before the enterprise has agreed"
        actions.answer(made.id, "agree", enterprise=FIRM, **OWNER)
        rounds()
        assert notary.state(made.id)["acts"] == ["agree"]
        notary.decide(made.id, "check", DAY.isoformat(), presence="在线视频 2026-11-20 10:00，告知后果")
        notary.decide(made.id, "notarise", DAY.isoformat(), document_no="（2026）陕示证字1号",
                      presence="在线视频", paper=paper("deed"))  # fmt: skip
        rounds(LATER + timedelta(minutes=11))
        found = get_proceeding(made.id)
        assert (found.state, found.document_no, found.presence) == ("notarised", "（2026）陕示证字1号", "在线视频")
        assert "deed" in {one.kind for one in list_papers(made.id)}
        actions.step(made.id, "default", **BANK, **by())
        actions.state_terms(made.id, CLAIM, **BANK, **by())
        actions.step(made.id, "apply_certificate", **BANK, **by())
        rounds(LATER + timedelta(minutes=12))
        assert notary.state(made.id)["acts"] == ["agree", "apply_certificate"]
        notary.decide(made.id, "verify", DAY.isoformat())
        notary.decide(made.id, "issue", DAY.isoformat(), document_no="（2026）陕示执字1号", amount_fen=80_250_000,
                      paper=paper("certificate"))  # fmt: skip
        rounds(LATER + timedelta(minutes=30))
        assert state(made.id) == "certificate_issued"
        actions.step(made.id, "file_enforcement", court="court-demo", **BANK, **by())
        rounds(LATER + timedelta(minutes=31))
        assert court.state(made.id)["acts"] == ["file_enforcement"]
        court.decide(made.id, "accept_enforcement", DAY.isoformat(), document_no="（2026）陕示执1号")
        rounds(LATER + timedelta(minutes=50))
        assert get_proceeding(made.id).state is ProceedingState.COURT_ACCEPTED
        assert [s.side for s in list_steps(get_proceeding(made.id))] == [
            "creditor", "debtor", "body", "body", "creditor", "creditor", "body", "body", "creditor", "court",
        ]  # fmt: skip
        assert {one.state for one in list_sendings(made.id)} == {SendState.SENT}
