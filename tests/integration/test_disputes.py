"""Disputes on real records: marked at once, checked, put right, and told to everybody who was told wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.factories import DAY, NOW, deliver, item, registered, uscc
from tests.kept import laid_down
from xinqiao.catalogue.load import load_catalogue
from xinqiao.catalogue.types import Openness
from xinqiao.consent.actions import grant_authorisation, request_authorisation, withdraw_authorisation
from xinqiao.consent.queries import consent_text
from xinqiao.consent.types import Form
from xinqiao.corrections.acknowledging import acknowledge
from xinqiao.corrections.queries import list_notices
from xinqiao.corrections.rippling import ripple_waiting
from xinqiao.corrections.types import NoticeState
from xinqiao.disputes.clocks import keep_clocks
from xinqiao.disputes.deciding import ask_more, find_right, find_wrong, leave_open, reject
from xinqiao.disputes.filing import ask_review, file_dispute, forward, receive_at, supply, withdraw
from xinqiao.disputes.queries import (
    board,
    get_dispute,
    list_files,
    list_steps,
    read_file,
    turn_at,
)
from xinqiao.disputes.refusals import (
    DisputedAlready,
    InvalidClaim,
    InvalidFinding,
    ReviewClosed,
    RowMoved,
    SecondLook,
    UnknownDispute,
)
from xinqiao.disputes.settling import settle_corrected
from xinqiao.disputes.types import Channel, Claim, Dispute, DisputeState, Holder, Verdict
from xinqiao.evidence.chain_keys import chain_key
from xinqiao.evidence.queries import list_entries
from xinqiao.ingest.correcting import written_row
from xinqiao.kernel.errors import Invalid
from xinqiao.kernel.transitions import TransitionRefused
from xinqiao.marks.queries import disputed_items
from xinqiao.parties.actions import (
    add_member,
    register_enterprise,
    register_organisation,
    register_person,
    set_admitted,
)
from xinqiao.parties.types import OrganisationKind, Role
from xinqiao.plumbing.settings import content_dir
from xinqiao.records.queries import rows_now
from xinqiao.release.actions import query
from xinqiao.release.queries import list_accesses
from xinqiao.release.replaying import answered_lines, is_reproduced
from xinqiao.release.types import Inquiry, Recipient, RecipientKind

FIRM = uscc(1)
BANKS = ("bank", "other")
ITEM = "penalty.decision"
NON_PUBLIC = tuple(i.code for i in load_catalogue(content_dir()) if i.openness is not Openness.PUBLIC)
PENALTY = {
    "uscc": FIRM,
    "document_no": "P-1",
    "kind": "罚款",
    "severity": "严重",
    "decided_on": "2026-09-01",
    "fine_fen": "5000",
}
PDF = ("paid.pdf", b"%PDF-1.7 receipt")


@pytest.fixture
def owner(fresh_node: Path) -> int:
    """A registered firm with a penalty, its owner and two admitted banks."""
    return laid_down(_owner, fresh_node)


def _owner() -> int:
    registered(1, 2)
    deliver(ITEM, [PENALTY])
    for bank in BANKS:
        register_organisation(bank, kind=OrganisationKind.INSTITUTION, name=f"示例银行 {bank}", actor="t", now=NOW)
        set_admitted(bank, admitted=True, reason="t", actor="t", now=NOW)
    register_enterprise(FIRM, name="示例企业1", actor="t", now=NOW)
    person = register_person("owner", name="陈", password="a-long-password", actor="t", now=NOW)
    add_member(person, role=Role.OWNER, enterprise=FIRM, actor="t", now=NOW)
    chain_key()
    return person


def ref(now: datetime = NOW) -> str:
    """The penalty's reference as it stands."""
    [row] = rows_now(FIRM, item(ITEM), known=now)
    return str(row["_ref"])


def filed(now: datetime = NOW + DAY, **changes: Any) -> Dispute:
    claim = Claim(**{"item": ITEM, "ref": ref(now), "ground": "outdated", "text": "罚款已缴清", **changes})
    return file_dispute(claim, enterprise=FIRM, name="示例企业1", files=[PDF], actor="person:9", now=now)


def as_of_bank(code: str = "bank", authorisation: str = "", form: Form = Form.REPORT) -> Inquiry:
    recipient = Recipient(RecipientKind.INSTITUTION, code, f"示例银行 {code}")
    values: dict[str, Any] = {"authorisation": authorisation} if authorisation else {"public_only": True}
    purpose = "approval" if authorisation else "public"
    return Inquiry(recipient, FIRM, purpose, form, f"api:{code}", "api", **values)


def give(person: int, bank: str = "bank", *, now: datetime = NOW) -> str:
    asked = request_authorisation(
        bank, enterprise=FIRM, purpose="approval", items=NON_PUBLIC, form=Form.REPORT,
        reason="贷款 A-1", days=30, times=3, actor=f"api:{bank}", now=now,
    )  # fmt: skip
    shown = consent_text(asked.id, locale="zh")
    return grant_authorisation(asked.id, signatory=person, locale="zh", text_digest=shown.sha256, now=now).id


def block(inquiry: Inquiry, now: datetime, code: str = ITEM) -> dict[str, Any]:
    return next(b for b in query(inquiry, now=now).document["items"] if b["item"] == code)


def right(now: datetime, **changes: str) -> dict[str, str]:
    """The penalty as it stands, written, with what is to be changed."""
    [row] = rows_now(FIRM, item(ITEM), known=now)
    return written_row(item(ITEM), row) | changes


def test_filed_by_the_enterprise_it_is_marked_in_every_answer_and_with_the_provider_at_once(owner: int) -> None:
    authorised = as_of_bank(authorisation=give(owner))
    assert "marks" not in block(authorised, NOW + DAY)
    made = filed(NOW + 2 * DAY)
    assert made.state is DisputeState.SENT and made.forwarded_at == NOW + 2 * DAY and not made.late
    assert [s.state for s in list_steps(made)] == ["filed", "forwarded", "marked", "sent"]
    answer = query(authorised, now=NOW + 3 * DAY).document
    told = next(b for b in answer["items"] if b["item"] == ITEM)
    assert told["marks"][0]["dispute"] == made.id and told["marks"][0]["row"] == 0
    assert answer["evaluation"]["under_objection"] == [ITEM]
    own = Recipient(RecipientKind.ENTERPRISE, FIRM, FIRM, enterprise=FIRM)
    mine = query(Inquiry(own, FIRM, "self", Form.DETAIL, "person:9", "portal"), now=NOW + 3 * DAY).document
    shown = next(b for b in mine["items"] if b["item"] == ITEM)
    assert shown["refs"] == [made.claim.ref] and shown["marks"]
    ((listed, turn),) = board(now=NOW + 3 * DAY, provider=item(ITEM).department.code)
    assert listed.id == made.id and turn.holder is Holder.PROVIDER and not turn.over
    assert {e.event.split(".")[0] for e in list_entries(subject=FIRM)} >= {"dispute", "marks"}


def test_a_mark_tells_nobody_of_a_row_the_gate_keeps_back(owner: int) -> None:
    deliver("tax.credit_rating", [{"uscc": FIRM, "rated_on": "2026-04-30", "grade": "B"}])
    [row] = rows_now(FIRM, item("tax.credit_rating"), known=NOW + DAY)
    filed(item="tax.credit_rating", ref=row["_ref"], ground="wrong_value")
    outside = block(as_of_bank(), NOW + 2 * DAY, "tax.credit_rating")
    assert outside["state"] == "not_known" and "marks" not in outside
    inside = block(as_of_bank(authorisation=give(owner), form=Form.DERIVED), NOW + 2 * DAY, "tax.credit_rating")
    assert inside["marks"]


def test_bad_claims_are_told_whole_and_nothing_is_kept(owner: int) -> None:
    claim = Claim(ITEM, ref(), "because", " ")
    big = ("big.png", b"\x89PNG\r\n\x1a\n" + bytes(6 << 20))
    with pytest.raises(InvalidClaim) as caught:
        file_dispute(claim, enterprise=FIRM, name="", files=[big, ("a.exe", b"MZ")], actor="t", now=NOW)
    codes = {p.code for p in caught.value.problems}
    assert codes == {"dispute.ground", "dispute.text", "dispute.file_size", "dispute.file_kind"}
    with pytest.raises(RowMoved):
        filed(ref="0" * 32)
    made = filed()
    with pytest.raises(DisputedAlready) as again:
        filed()
    assert again.value.data["dispute"] == made.id
    assert filed(ref="", ground="missing").id != made.id, "the item as a whole is another matter"


def test_files_are_sealed_and_read_back(owner: int) -> None:
    made = filed()
    [file] = list_files(made.id)
    name, kind, data = read_file(made, file.id)
    assert (name, kind, data) == ("paid.pdf", "pdf", PDF[1])
    with pytest.raises(UnknownDispute):
        read_file(replace(made, id="D-other"), file.id)


def test_through_a_platform_the_clock_runs_from_its_receipt_and_a_breach_is_noticed(owner: int) -> None:
    received = datetime(2026, 9, 30, 8, 0, tzinfo=UTC)  # Wednesday before the long holiday
    claim = Claim(ITEM, "", "missing", "少一条记录")
    by: dict[str, Any] = {"enterprise": FIRM, "channel": Channel.PLATFORM, "via": "hub", "received_at": received}
    made = receive_at(claim, **by, actor="api:hub", now=received)
    assert made.state is DisputeState.FILED and made.forward_due_on.isoformat() == "2026-10-09"
    turn = turn_at(made, now=received + 8 * DAY)
    assert turn and turn.holder is Holder.CHANNEL and 0 < turn.elapsed_percent < 80
    assert keep_clocks(now=received + timedelta(days=8, hours=9)) == 1, "half of it"
    assert keep_clocks(now=received + timedelta(days=8, hours=9)) == 0
    late = datetime(2026, 10, 9, 16, 1, tzinfo=UTC)  # a minute into the day after
    assert keep_clocks(now=late) == 1
    taken = get_dispute(made.id)
    assert taken.state is DisputeState.SENT and taken.late, "the node takes over, and the breach stays on record"
    assert disputed_items(FIRM, known=late) == {ITEM}


def test_forwarded_in_time_it_is_not_late(owner: int) -> None:
    claim = Claim(ITEM, ref(), "wrong_value", "金额不对")
    by: dict[str, Any] = {"enterprise": FIRM, "channel": Channel.INSTITUTION, "via": "bank", "received_at": NOW}
    made = receive_at(claim, **by, actor="api:bank", now=NOW + timedelta(hours=1))
    with pytest.raises(UnknownDispute):
        forward(made.id, via="other", actor="api:other", now=NOW + DAY)
    assert not forward(made.id, via="bank", actor="api:bank", now=NOW + DAY).late
    with pytest.raises(TransitionRefused):
        forward(made.id, via="bank", actor="api:bank", now=NOW + DAY)
    with pytest.raises(InvalidClaim):
        receive_at(replace(claim, ground="not_ours"), **{**by, "received_at": NOW + DAY}, actor="t", now=NOW)


def test_a_corrected_record_reaches_everybody_who_was_told_and_nobody_else(owner: int) -> None:
    given, other = give(owner), give(owner, "other")
    told = query(as_of_bank(authorisation=given), now=NOW + DAY).access
    verified = query(as_of_bank("other", other, Form.VERIFY), now=NOW + DAY).access
    public = query(as_of_bank("other"), now=NOW + DAY + timedelta(hours=1)).access
    made = filed(NOW + 2 * DAY)
    when = NOW + 3 * DAY
    provider = item(ITEM).department.code
    done = find_wrong(
        made.id,
        provider=provider,
        text="核实为一般违法",
        right=right(when, severity="一般"),
        actor="person:3",
        now=when,
    )
    assert done.state is DisputeState.ANSWERED and done.verdict is Verdict.ERROR and done.score_before is not None
    after = block(as_of_bank("other"), when + timedelta(minutes=1))
    assert "marks" not in after and after["rows"][0]["severity"] == "一般"
    assert ripple_waiting(now=when + timedelta(minutes=1)) == 2
    notices = {n.access: n for n in list_notices(cause=made.id)}
    assert set(notices) == {told.id, public.id}, "a verification that there is a record was right all along"
    assert verified.id not in notices
    changed = {str(c["where"]) for c in notices[told.id].changes}
    assert f"items/{ITEM}/rows" in changed and "evaluation/score" in changed
    [row] = [c for c in notices[public.id].changes if c["where"] == f"items/{ITEM}/rows"]
    assert row["said"]["severity"] == "严重" and row["right"]["severity"] == "一般"  # type: ignore[index]
    assert settle_corrected(now=when + timedelta(minutes=2)) == 1
    final = get_dispute(made.id)
    assert final.state is DisputeState.NOTIFIED and (final.score_after or 0) > (final.score_before or 0)
    assert ripple_waiting(now=when + DAY) == 0
    lines = [a for a in list_accesses(enterprise=FIRM) if a.purpose == "correction"]
    assert {a.recipient_code for a in lines} == {"bank", "other"}, "the enterprise sees who was told"


def test_whose_authorisation_was_withdrawn_learns_that_it_was_wrong_and_no_new_value(owner: int) -> None:
    given = give(owner)
    query(as_of_bank(authorisation=given), now=NOW + DAY)
    withdraw_authorisation(given, signatory=owner, now=NOW + DAY)
    made, when = filed(NOW + 2 * DAY), NOW + 3 * DAY
    by: dict[str, Any] = {"provider": item(ITEM).department.code, "actor": "person:3", "now": when}
    find_wrong(made.id, text="不存在该处罚", right=None, **by)
    ripple_waiting(now=when)
    [notice] = list_notices(cause=made.id)
    assert notice.changes == () and notice.state is NoticeState.SENT
    known = acknowledge(notice.id, recipient="bank", actor="api:bank", now=when + DAY)
    assert known.state is NoticeState.ACKNOWLEDGED
    assert block(as_of_bank("other"), when + DAY)["rows"] == []


def test_what_anybody_was_told_can_be_told_again_after_all_that(owner: int) -> None:
    given = give(owner)
    for hour in range(1, 4):
        query(as_of_bank("other"), now=NOW + timedelta(hours=hour))
    query(as_of_bank(authorisation=given), now=NOW + DAY)
    made, when = filed(NOW + 2 * DAY), NOW + 3 * DAY
    query(as_of_bank(authorisation=given), now=when - timedelta(hours=1))
    by: dict[str, Any] = {"provider": item(ITEM).department.code, "actor": "person:3", "now": when}
    find_wrong(made.id, text="不存在该处罚", right=None, **by)
    ripple_waiting(now=when)
    query(as_of_bank("other"), now=when + DAY)
    lines = list(answered_lines(since=NOW, until=when + 2 * DAY))
    assert len(lines) >= 8 and all(is_reproduced(line.id) for line in lines)


def test_right_unmarks_undecidable_leaves_the_enterprises_own_words(owner: int) -> None:
    by: dict[str, Any] = {"provider": item(ITEM).department.code, "actor": "person:3"}
    made = filed()
    with pytest.raises(InvalidFinding):
        find_right(made.id, text="", now=NOW + 2 * DAY, **by)
    done = find_right(made.id, text="经查无误", now=NOW + 2 * DAY, **by)
    assert done.answer == "经查无误" and "marks" not in block(as_of_bank(), NOW + 2 * DAY)
    again = ask_review(made.id, enterprise=FIRM, text="有新证据", actor="person:9", now=NOW + 3 * DAY)
    assert again.state is DisputeState.SENT and block(as_of_bank(), NOW + 3 * DAY)["marks"]
    with pytest.raises(SecondLook):
        leave_open(made.id, text="无法核实", now=NOW + 4 * DAY, **by)
    left = leave_open(made.id, text="档案已毁", now=NOW + 4 * DAY, **by | {"actor": "person:4"})
    assert left.verdict is Verdict.UNDECIDABLE
    [mark] = block(as_of_bank(), NOW + 5 * DAY)["marks"]
    assert mark["kind"] == "statement" and mark["statement"] == "罚款已缴清"
    with pytest.raises(ReviewClosed):
        ask_review(made.id, enterprise=FIRM, text="再看一次", actor="person:9", now=NOW + 5 * DAY)


def test_asked_for_more_the_enterprise_supplies_or_it_goes_on_without(owner: int) -> None:
    by: dict[str, Any] = {"provider": item(ITEM).department.code, "actor": "person:3"}
    made = filed()
    asked = ask_more(made.id, text="请提供缴款书", now=NOW + 2 * DAY, **by)
    turn = turn_at(asked, now=NOW + 2 * DAY)
    assert asked.state is DisputeState.ASKED and turn and turn.holder is Holder.ENTERPRISE
    given = supply(made.id, enterprise=FIRM, text="见附件", files=[PDF], actor="person:9", now=NOW + 3 * DAY)
    assert given.state is DisputeState.SENT and len(list_files(made.id)) == 2
    ask_more(made.id, text="还缺一页", now=NOW + 4 * DAY, **by)
    keep_clocks(now=NOW + 30 * DAY)
    assert get_dispute(made.id).state is DisputeState.SENT
    assert withdraw(made.id, enterprise=FIRM, actor="person:9", now=NOW + 31 * DAY).state is DisputeState.WITHDRAWN
    assert "marks" not in block(as_of_bank(), NOW + 31 * DAY)


def test_not_admitted_for_a_coded_reason(owner: int) -> None:
    made = filed()
    with pytest.raises(InvalidClaim):
        reject(made.id, reason="nonsense", text="x", actor="person:5", now=NOW + DAY)
    done = reject(made.id, reason="not_data", text="对处罚决定本身不服", actor="person:5", now=NOW + DAY)
    assert done.state is DisputeState.REJECTED and done.rejection == "not_data"
    assert "marks" not in block(as_of_bank(), NOW + 2 * DAY)


def test_a_correction_is_checked_as_a_delivery_is_and_fails_whole(owner: int) -> None:
    made, when = filed(), NOW + 2 * DAY
    by: dict[str, Any] = {"provider": item(ITEM).department.code, "actor": "person:3", "now": when}
    with pytest.raises(Invalid) as caught:
        find_wrong(made.id, text="改", right=right(when, decided_on="2026-13-40"), **by)
    assert [p.field for p in caught.value.problems] == ["decided_on"]
    with pytest.raises(InvalidFinding):
        find_wrong(made.id, text="改", right=right(when), **by)
    assert get_dispute(made.id).state is DisputeState.SENT and block(as_of_bank(), when)["marks"]
    moved = find_wrong(made.id, text="文号有误", right=right(when, document_no="P-2"), **by)
    assert moved.verdict is Verdict.ERROR
    assert [r["document_no"] for r in block(as_of_bank(), when)["rows"]] == ["P-2"], "the old number went with the row"


def test_a_missing_record_is_put_in(owner: int) -> None:
    made, when = filed(item="honour.award", ref="", ground="missing"), NOW + 2 * DAY
    found = item("honour.award")
    values = {f.code: "" for f in found.fields} | json.loads(json.dumps(dict(found.examples[0].row)))
    values[found.subject.code] = FIRM
    by: dict[str, Any] = {"provider": found.department.code, "actor": "person:3", "now": when}
    done = find_wrong(made.id, text="补录", right=values, **by)
    assert done.verdict is Verdict.ERROR
    assert len(rows_now(FIRM, found, known=when)) == 1
