"""From the document to the veto and back: told, heard, reviewed by another, recorded, gone everywhere once ended."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.factories import registered, uscc
from xinqiao.config.cli import app
from xinqiao.evaluation.queries import current_result, evaluate
from xinqiao.evidence.queries import list_entries
from xinqiao.kernel.transitions import TransitionRefused
from xinqiao.records.types import AsOf
from xinqiao.sanctions import actions
from xinqiao.sanctions.jobs import record_sanctions
from xinqiao.sanctions.queries import get_sanction, list_sanctions, open_document
from xinqiao.sanctions.types import (
    Determination,
    EnteredBefore,
    InvalidDetermination,
    MayStillSpeak,
    ReviewedByAnother,
    SanctionState,
    UnknownSanction,
)

NOON = datetime.fromisoformat("2026-12-10T12:00:00+08:00")  # a Thursday; the third scorecard is in force
FIRM = uscc(1)
FIRST, SECOND = "person:101", "person:102"
FILE: dict[str, Any] = {"name": "determination.pdf", "data": b"%PDF-1.7 sample"}


@pytest.fixture
def firm(fresh_node: Path) -> str:
    registered(1, 2, now=NOON - timedelta(days=30))
    return FIRM


def determination(**changes: Any) -> Determination:
    return Determination(
        **{
            "enterprise": FIRM,
            "document_kind": "judgment",
            "document_no": "示认字〔2026〕1号",
            "determiner": "示例法院",
            "determined_on": date(2026, 12, 1),
            "conduct": "asset_transfer",
            "amount_fen": 500_000_00,
            "measures": ("M14",),
            "ends_on": date(2027, 12, 1),
            **changes,
        }
    )


def entered(now: datetime = NOON, **changes: Any) -> str:
    return actions.enter(determination(**changes), **FILE, actor=FIRST, now=now).id


def in_force(now: datetime = NOON, **changes: Any) -> str:
    number = entered(now, **changes)
    actions.notify(number, actor=FIRST, now=now)
    actions.give_statement(number, enterprise=FIRM, text="it was paid", actor="person:7", now=now)
    actions.approve(number, actor=SECOND, now=now)
    return number


def vetoes(now: datetime) -> list[str]:
    return list(current_result(FIRM, now=now)["vetoes"])


def test_a_sanction_in_force_is_a_veto_and_lifted_it_is_gone(firm: str) -> None:
    assert vetoes(NOON) == []
    number = in_force()
    assert record_sanctions(now=NOON) == 1 and record_sanctions(now=NOON) == 0
    later = NOON + timedelta(minutes=1)
    assert vetoes(later) == ["debt_evasion"] and current_result(FIRM, now=later)["grade"] == "D"
    after = later + timedelta(minutes=1)
    actions.lift(number, reason="paid in full", document="示解字〔2026〕1号", actor=SECOND, now=after)
    assert record_sanctions(now=after) == 1
    assert vetoes(after) == [], "and no row of it is left to read"
    then = evaluate(FIRM, AsOf(later.date(), later), "basic")
    assert then["vetoes"] == ["debt_evasion"], "what was known then can still be told"
    assert get_sanction(number).state is SanctionState.LIFTED


def test_before_the_review_nothing_follows_and_who_entered_does_not_review(firm: str) -> None:
    number = entered()
    assert list_sanctions(enterprise=FIRM) == [], "not told yet"
    with pytest.raises(UnknownSanction):
        open_document(number, enterprise=FIRM)
    told = actions.notify(number, actor=FIRST, now=NOON)
    assert told.due_on == date(2026, 12, 24) and [s.id for s in list_sanctions(enterprise=FIRM)] == [number]
    assert open_document(number, enterprise=FIRM) == ("determination.pdf", FILE["data"])
    with pytest.raises(UnknownSanction):
        actions.give_statement(number, enterprise=uscc(2), text="x", actor="person:9", now=NOON)
    actions.give_statement(number, enterprise=FIRM, text="it was paid", actor="person:7", now=NOON)
    with pytest.raises(ReviewedByAnother):
        actions.approve(number, actor=FIRST, now=NOON)
    assert record_sanctions(now=NOON) == 0 and vetoes(NOON) == []
    assert actions.drop(number, reason="it was paid", actor=SECOND, now=NOON).state is SanctionState.DROPPED


def test_time_for_the_statement_is_given_in_full(firm: str) -> None:
    number = entered()
    actions.notify(number, actor=FIRST, now=NOON)
    with pytest.raises(MayStillSpeak):
        actions.lapse_statement(number, actor=FIRST, now=NOON + timedelta(days=14))
    assert actions.lapse_statement(number, actor=FIRST, now=NOON + timedelta(days=15)).state is SanctionState.ANSWERED


def test_expired_and_annulled_it_is_taken_back(firm: str) -> None:
    first, second = in_force(), in_force(document_no="示认字〔2026〕2号", ends_on=date(2027, 1, 10))
    record_sanctions(now=NOON)
    after = datetime.fromisoformat("2027-01-11T00:10:00+08:00")
    assert record_sanctions(now=after) == 1 and get_sanction(second).state is SanctionState.EXPIRED
    assert vetoes(after + timedelta(minutes=1)) == ["debt_evasion"], "the other one stands"
    actions.annul(first, reason="retrial", document="示再字〔2027〕1号", actor=SECOND, now=after)
    record_sanctions(now=after + timedelta(minutes=2))
    assert vetoes(after + timedelta(minutes=3)) == []
    with pytest.raises(TransitionRefused):
        actions.lift(first, reason="x", document="y", actor=SECOND, now=after)


def test_a_document_is_entered_once_and_never_without_its_file(firm: str) -> None:
    number = entered()
    with pytest.raises(EnteredBefore) as refusal:
        entered()
    assert refusal.value.data["sanction"] == number
    with pytest.raises(InvalidDetermination):
        actions.enter(determination(document_no="x"), name="", data=b"", actor=FIRST, now=NOON)
    with pytest.raises(InvalidDetermination):
        late = entered(document_no="y", ends_on=date(2026, 12, 11))
        actions.notify(late, actor=FIRST, now=NOON)
        actions.give_statement(late, enterprise=FIRM, text="x", actor="person:7", now=NOON)
        actions.approve(late, actor=SECOND, now=NOON + timedelta(days=5))


def test_every_step_leaves_evidence_about_the_enterprise(firm: str) -> None:
    number = in_force()
    record_sanctions(now=NOON)
    actions.annul(number, reason="retrial", document="示再字〔2027〕1号", actor=SECOND, now=NOON)
    steps = [e.event for e in reversed(list_entries(limit=200)) if e.event.startswith("sanctions.")]
    assert steps == [
        f"sanctions.{s}" for s in ("entered", "notified", "stated", "put_in_force", "recorded", "annulled")
    ]


def test_the_command_line(firm: str) -> None:
    in_force()
    run = CliRunner()
    assert run.invoke(app, ["sanction", "list", "--open", "--json"]).exit_code == 0
    assert run.invoke(app, ["sanction", "list"]).exit_code == 0
    assert run.invoke(app, ["sanction", "record"]).exit_code == 0
