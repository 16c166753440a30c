"""Credit repair on real records: not before its day, then publication, sharing and use stop in one moment."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.factories import DAY, NOW, deliver, item, registered, uscc
from tests.integration.test_disputes import ITEM, as_of_bank, block, give
from tests.integration.test_disputes import owner as owner
from xinqiao.consent.types import Form
from xinqiao.corrections.queries import list_notices
from xinqiao.corrections.rippling import ripple_waiting
from xinqiao.corrections.types import CorrectionKind
from xinqiao.evaluation.queries import current_result
from xinqiao.kernel.transitions import TransitionRefused
from xinqiao.records.queries import rows_now
from xinqiao.release.actions import query
from xinqiao.release.types import Inquiry, Recipient, RecipientKind
from xinqiao.repair.actions import apply, grant, refuse, take_back
from xinqiao.repair.ending import end_terms
from xinqiao.repair.queries import countdowns, get_repair, list_papers, list_repairs, read_paper, repair_rules
from xinqiao.repair.types import (
    AppliedAlready,
    InvalidApplication,
    InvalidDecision,
    NotRepairable,
    Repair,
    RepairState,
    TooEarly,
    UnknownRepair,
)

FIRM = uscc(1)
PAPERS = {"performance": ("paid.pdf", b"%PDF-1 paid"), "commitment": ("promise.pdf", b"%PDF-1 promise")}
PROVIDER = item(ITEM).department.code
LATER = datetime(2027, 9, 1, 2, 0, tzinfo=UTC)  # a year after the penalty, which is of the serious class


def ref(now: datetime = NOW) -> str:
    [row] = rows_now(FIRM, item(ITEM), known=now)
    return str(row["_ref"])


def applied(now: datetime = LATER, **changes: Any) -> Repair:
    values: dict[str, Any] = {"enterprise": FIRM, "name": "示例企业1", "text": "已缴清", "papers": PAPERS} | changes
    return apply(ITEM, ref(now), actor="person:9", now=now, **values)


def test_the_own_file_tells_class_first_day_and_last(owner: int) -> None:
    me = Recipient(RecipientKind.ENTERPRISE, FIRM, FIRM, enterprise=FIRM)
    answer = query(Inquiry(me, FIRM, "self", Form.DETAIL, "person:9", "portal"), now=NOW + DAY)
    [found] = countdowns(answer.document)
    assert (found.item, found.severity.code, found.ref) == (ITEM, "serious", ref())
    assert (found.earliest_on, found.latest_on) == (date(2027, 9, 1), date(2029, 9, 1))


def test_not_before_its_day_and_not_without_the_documents(owner: int) -> None:
    with pytest.raises(TooEarly) as early:
        applied(LATER - DAY)
    assert early.value.data["earliest"] == "2027-09-01"
    with pytest.raises(InvalidApplication) as caught:
        applied(papers={"performance": ("a.exe", b"MZ")}, text="")
    assert {p.code for p in caught.value.problems} == {"repair.text", "repair.file_kind", "repair.document"}
    with pytest.raises(NotRepairable):
        apply(ITEM, "0" * 32, enterprise=FIRM, name="", text="x", papers=PAPERS, actor="t", now=LATER)
    made = applied()
    with pytest.raises(AppliedAlready):
        applied()
    assert [p.document for p in list_papers(made.id)] == ["commitment", "performance"]
    paper = list_papers(made.id)[1]
    assert read_paper(made, paper.id) == ("paid.pdf", "pdf", b"%PDF-1 paid")
    with pytest.raises(UnknownRepair):
        get_repair(made.id, provider="tax_bureau")


def test_granted_it_stops_everywhere_at_once_and_the_holders_are_told(owner: int) -> None:
    other = {"uscc": uscc(2), "document_no": "P-2", "kind": "罚款", "decided_on": "2027-08-01", "fine_fen": "1"}
    deliver(ITEM, [other], now=LATER - 2 * DAY)  # its source keeps its duty: no record means that there is none
    bank = as_of_bank(authorisation=give(owner, now=LATER - 2 * DAY))
    told = query(bank, now=LATER - DAY).access
    before = current_result(FIRM, now=LATER)["score"]
    made = applied()
    with pytest.raises(InvalidDecision):
        grant(made.id, provider=PROVIDER, text=" ", actor="person:3", now=LATER)
    done = grant(made.id, provider=PROVIDER, text="准予", actor="person:3", now=LATER)
    assert done.state is RepairState.GRANTED and done.score_before == before
    assert done.score_after is not None and done.score_after > before
    after = LATER + timedelta(minutes=1)
    assert block(as_of_bank("other"), after)["rows"] == [] and block(bank, after)["state"] == "verified_none"
    assert current_result(FIRM, now=after)["score"] == done.score_after
    assert ripple_waiting(now=after) == 1
    [notice] = list_notices(cause=made.id)
    assert notice.kind is CorrectionKind.REPAIRED and notice.access == told.id
    with pytest.raises(TransitionRefused):
        take_back(made.id, enterprise=FIRM, actor="person:9", now=after)


def test_refused_for_a_coded_reason_the_record_stands(owner: int) -> None:
    made = applied()
    by: dict[str, Any] = {"provider": PROVIDER, "actor": "person:3", "now": LATER}
    with pytest.raises(InvalidDecision):
        refuse(made.id, reason="because", text="x", **by)
    done = refuse(made.id, reason="not_performed", text="尚欠 1 万元", **by)
    assert done.state is RepairState.REFUSED and block(as_of_bank(), LATER + DAY)["rows"]
    again = applied(LATER + DAY)
    assert take_back(again.id, enterprise=FIRM, actor="person:9", now=LATER + DAY).state is RepairState.TAKEN_BACK
    assert [r.state for r in list_repairs(enterprise=FIRM)] == [RepairState.REFUSED, RepairState.TAKEN_BACK]


def test_at_its_longest_term_a_record_stops_by_itself(fresh_node: Path) -> None:
    registered(1, 2, 3)
    same = {"kind": "罚款", "fine_fen": "1"}
    rows = [
        {"uscc": uscc(1), "document_no": "a", "severity": "轻微", "decided_on": "2026-08-20", **same},
        {"uscc": uscc(2), "document_no": "b", "severity": "一般", "decided_on": "2026-08-20", **same},
        {"uscc": uscc(3), "document_no": "c", "severity": "", "decided_on": "2025-11-19", **same},
    ]
    deliver(ITEM, rows)
    deliver("list.abnormal", [{"uscc": uscc(1), "listed_on": "2015-07-09", "reason": "通过登记的住所无法联系"}])
    soon = NOW + timedelta(hours=1)
    assert end_terms(now=soon) == {ITEM: 1}, "the one of a year ago; another on the day after its last"
    assert end_terms(now=soon) == {}
    assert end_terms(now=NOW + DAY) == {ITEM: 1}
    left = {n: bool(rows_now(uscc(n), item(ITEM), known=NOW + DAY)) for n in (1, 2, 3)}
    assert left == {1: False, 2: True, 3: False}
    assert rows_now(uscc(1), item("list.abnormal"), known=NOW + DAY), "that one ends only by being put right"
    assert rows_now(uscc(3), item(ITEM), known=NOW), "what was known before is still known to have been"
    assert repair_rules().draft
