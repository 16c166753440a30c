"""Rows without a code: settled by identifiers, attached by name, or waiting for a person; nothing is lost."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.factories import DAY, NOW, annotated, deliver, item, registration, uscc
from xinqiao.evidence.queries import list_entries
from xinqiao.ingest.actions import receive_rows, retract_rows, undo_delivery
from xinqiao.ingest.match_queries import count_matches, get_match, list_matches
from xinqiao.ingest.matching import attach_row, send_back, undo_decision
from xinqiao.ingest.models import Delivery, RowMatch
from xinqiao.ingest.queries import get_outcome
from xinqiao.ingest.types import (
    DeliveryErased,
    DeliveryStatus,
    KeyTaken,
    Match,
    MatchState,
    NothingDecided,
    Outcome,
    UnknownMatch,
)
from xinqiao.kernel.transitions import TransitionRefused
from xinqiao.records.actions import audit_files, compact
from xinqiao.records.queries import current_rows, read_enterprise
from xinqiao.subjects.build import rebuild
from xinqiao.subjects.types import UnknownSubject
from xinqiao.vault.actions import erase_subject

RATING, TAX = "tax.credit_rating", "tax_bureau"
PERSON = {"actor": "person:7", "provider": TAX}
NAMES = {
    1: "西安示例安邦商贸有限公司",
    2: "宝鸡示例安邦商贸有限公司",
    3: "西安示例辰光面馆经营部",
    4: "西安示例德丰机械有限公司",
}
BOTH = "示例安邦商贸有限公司"  # without its place it may be either of the first two
LATER = NOW + 2 * DAY


@pytest.fixture(autouse=True)
def firms(fresh_node: Path) -> None:
    """Four firms; the first was renamed and recoded, the third is an individual business."""
    rows = [registration(n, name=name, division="610113", status="存续") for n, name in NAMES.items()]
    rows[2]["uscc"] = individual()
    deliver("registration.basic", rows)
    identity = {"uscc": uscc(1), "former_codes": uscc(101), "registration_no": "619900001234564"}
    deliver("registration.identity", [identity, {"uscc": uscc(4), "former_codes": uscc(102)}])
    rebuild(actor="t", now=NOW)


def individual() -> str:
    """The code of the individual business."""
    from xinqiao.kernel.identifiers import make_uscc

    return make_uscc("92", "610102", uscc(3)[8:17])


def rate(rows: list[Mapping[str, object]], *, days: int = 1) -> Outcome:
    """Deliver credit ratings, one for each row, of one day unless it says otherwise."""
    return deliver(RATING, [{"rated_on": "2026-04-30", "grade": "B", **row} for row in rows], now=NOW + days * DAY)


def grades(code: str, *, known: Any = None) -> list[object]:
    """The grades that stand of an enterprise."""
    tables = read_enterprise(code, [item(RATING)], known=known or NOW + 30 * DAY)
    return [row["grade"] for row in current_rows(tables[RATING], item(RATING))] if RATING in tables else []


def flags(code: str) -> list[object]:
    """The flags of an enterprise's rows."""
    return [r["_flags"] for r in read_enterprise(code, [item(RATING)], known=NOW + 30 * DAY)[RATING].to_pylist()]


def accounts(delivery: str) -> tuple[int, int, int]:
    """Accepted, returned and waiting rows; they always add up."""
    entry = Delivery.objects.get(pk=delivery)
    assert entry.accepted + entry.returned + entry.waiting == entry.delivered
    return entry.accepted, entry.returned, entry.waiting


def waiting(name: str = BOTH, **values: object) -> Match:
    """A row that waits."""
    outcome = rate([{"企业名称": name, "uscc": "", **values}])
    assert outcome.waiting == 1, outcome
    return list_matches(MatchState.WAITING, delivery=outcome.delivery)[0]


@pytest.mark.parametrize(
    ("row", "flag"),
    [
        ({"uscc": uscc(101)}, "subject.former_code"),
        ({"uscc": uscc(1)[8:17]}, "subject.organisation_code"),
        ({"uscc": "", "组织机构代码": f"{uscc(1)[8:16]}-{uscc(1)[16]}"}, "subject.organisation_code"),
        ({"uscc": "", "工商注册号": "619900001234564"}, "subject.registration_no"),
        ({"uscc": "无", "原代码": uscc(101).lower()}, "subject.former_code"),
        ({"uscc": "9161", "原代码": uscc(1)}, "subject.other_column"),
        ({"注册号": "619900001234564"}, "subject.registration_no"),
        ({"uscc": "", "企业名称": NAMES[1]}, "subject.name"),
        ({"企业名称": "西安示例安邦商貿有限責任公司"}, "subject.name"),
    ],
)
def test_a_row_that_can_be_settled_is_accepted_under_todays_code_with_a_flag(row: dict[str, object], flag: str) -> None:
    outcome = rate([row])
    assert (outcome.accepted, outcome.flagged, outcome.status) == (1, 1, DeliveryStatus.ACCEPTED), outcome.groups
    assert (grades(uscc(1)), flags(uscc(1))) == (["B"], [flag])
    assert [(g.code, g.returns) for g in outcome.groups] == [(flag, False)]
    assert outcome.ignored_columns == ()


def test_a_code_of_today_is_never_looked_at_again() -> None:
    outcome = rate([{"uscc": uscc(4), "企业名称": NAMES[1], "注册号": "619900001234564"}, {"uscc": uscc(999)}])
    assert (outcome.accepted, outcome.flagged, RowMatch.objects.count()) == (2, 0, 0)
    assert grades(uscc(4)) == grades(uscc(999)) == ["B"]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"uscc": "", "组织机构代码": uscc(2)[8:17], "注册号": "619900001234564"}, "subject.conflict"),
        ({"uscc": "", "企业名称": "王某某"}, "subject.person"),
        ({"uscc": "", "企业名称": "汉中天差地别果业专业合作社"}, "subject.nobody"),
        ({"uscc": "", "企业名称": ""}, "required"),
        ({"uscc": "12345", "企业名称": ""}, "uscc.form"),
    ],
)
def test_what_cannot_be_settled_comes_back_with_one_reason(row: dict[str, object], code: str) -> None:
    outcome = rate([row])
    assert (outcome.returned, outcome.waiting) == (1, 0)
    assert [group.code for group in outcome.groups] == [code]


def test_the_registry_says_who_is_who_and_is_not_asked() -> None:
    outcome = deliver("registration.basic", [registration(1, uscc="", name=NAMES[1])], now=LATER)
    assert (outcome.returned, outcome.waiting) == (1, 0)


def test_without_a_register_rows_come_back_as_before(fresh_node: Path) -> None:
    from xinqiao.subjects.models import SubjectRegister

    SubjectRegister.objects.all().delete()
    assert [g.code for g in rate([{"uscc": "", "企业名称": NAMES[1]}]).groups] == ["required"]
    assert rate([{"企业名称": NAMES[2]}]).returned == 1


def test_what_was_attached_by_name_is_on_record_and_listed() -> None:
    rows = [{"uscc": "", "企业名称": NAMES[1]}, {"uscc": "", "企业名称": BOTH}, {"uscc": uscc(4)}]
    outcome = rate(rows)
    assert accounts(outcome.delivery) == (2, 0, 1) and outcome.status is DeliveryStatus.PARTLY
    [attached] = list_matches(MatchState.ATTACHED, provider=TAX)
    assert (attached.automatic, attached.code, attached.row, attached.asked.name) == (True, uscc(1), 1, NAMES[1])
    assert attached.probability > 0.99 and attached.candidates[0].reasons
    body = list_entries(event="ingest.rows_matched")[0].body
    assert (body["automatic"], body["waiting"], body["model"]) == (1, 1, "names-1")
    assert count_matches(provider=TAX)[MatchState.WAITING] == 1
    assert NAMES[1] not in str([dict(r) for r in RowMatch.objects.values()]), "what was delivered lies sealed"


def test_a_person_attaches_a_waiting_row() -> None:
    match = waiting()
    assert [c.code for c in match.candidates[:2]] == sorted([uscc(1), uscc(2)])
    done = attach_row(match.id, code=uscc(2), now=LATER, **PERSON)
    assert (done.state, done.code, done.decided_by) == (MatchState.ATTACHED, uscc(2), "person:7")
    assert (grades(uscc(2)), grades(uscc(1)), flags(uscc(2))) == (["B"], [], ["subject.decided"])
    assert accounts(match.delivery) == (1, 0, 0)
    assert get_outcome(match.delivery, now=LATER).status is DeliveryStatus.ACCEPTED
    body = list_entries(event="ingest.row_attached")[0].body
    assert (body["enterprise"], set(body["candidates"])) == (uscc(2), {uscc(1), uscc(2)})
    assert not audit_files()


def test_an_individual_business_is_never_attached_without_a_person() -> None:
    match = waiting(NAMES[3])
    assert match.candidates[0].code == individual() and match.candidates[0].probability > 0.9
    attach_row(match.id, code=individual(), now=LATER, **PERSON)
    assert grades(individual()) == ["B"]


def test_a_subject_outside_the_candidates_may_be_named_but_must_exist_by_todays_code() -> None:
    match = waiting()
    for wrong, error in (("", NothingDecided), (uscc(999), UnknownSubject), (uscc(101), UnknownSubject)):
        with pytest.raises(error):
            attach_row(match.id, code=wrong, now=LATER, **PERSON)
    attach_row(match.id, code=uscc(4), now=LATER, **PERSON)
    assert grades(uscc(4)) == ["B"]


@pytest.mark.parametrize("none", [True, False])
def test_a_row_sent_back_is_in_the_file_to_repair_with_its_reason(none: bool) -> None:
    match = waiting()
    done = send_back(match.id, none_of_them=none, note="补代码", now=LATER, **PERSON)
    assert (done.state, accounts(match.delivery)) == (MatchState.SENT_BACK, (0, 1, 0))
    _, data = annotated(match.delivery, provider=TAX)
    text = data.decode("utf-8-sig")
    verdict = "复核认为不是任何候选主体" if none else "复核后退回"
    assert all(part in text for part in (BOTH, verdict, "补代码"))
    again = undo_decision(match.id, reason="看错了", now=LATER, **PERSON)
    assert (again.state, accounts(match.delivery)) == (MatchState.WAITING, (0, 0, 1))
    assert [e.event for e in list_entries(subject=TAX)[:2]] == ["ingest.row_detached", "ingest.row_returned"]


def test_a_waiting_row_is_not_in_the_file_to_repair_but_said_in_the_whole_one() -> None:
    match = waiting()
    _, returned = annotated(match.delivery, provider=TAX)
    _, whole = annotated(match.delivery, provider=TAX, only_returned=False)
    assert "示例安邦" not in returned.decode("utf-8-sig") and "等待认定主体" in whole.decode("utf-8-sig")


@pytest.mark.parametrize("compacted", [False, True])
def test_undoing_an_automatic_attachment_retracts_the_row_and_it_waits(compacted: bool) -> None:
    outcome = rate([{"uscc": "", "企业名称": NAMES[1]}, {"uscc": uscc(4)}])
    if compacted:
        rate([{"uscc": uscc(999)}], days=2)
        assert compact(item(RATING), older_than=DAY, actor="t", now=NOW + 9 * DAY)
    [match] = list_matches(MatchState.ATTACHED)
    again = undo_decision(match.id, reason="不是这家", now=NOW + 10 * DAY, **PERSON)
    assert (again.state, again.code, accounts(outcome.delivery)) == (MatchState.WAITING, "", (1, 0, 1))
    assert (grades(uscc(1)), grades(uscc(4))) == ([], ["B"])
    assert grades(uscc(1), known=NOW + 9 * DAY) == ["B"], "as known before"
    assert list_entries(event="ingest.row_detached")[0].body["undone"] == "retracted"
    attach_row(match.id, code=uscc(2), now=NOW + 11 * DAY, **PERSON)
    assert "B" in grades(uscc(2))


def test_undoing_puts_back_what_the_row_superseded_and_leaves_what_superseded_it() -> None:
    rate([{"uscc": uscc(1), "grade": "M"}])
    rate([{"uscc": "", "企业名称": NAMES[1], "grade": "C"}], days=2)
    assert grades(uscc(1)) == ["C"]
    [match] = list_matches(MatchState.ATTACHED)
    undo_decision(match.id, reason="x", now=NOW + 3 * DAY, **PERSON)
    assert grades(uscc(1)) == ["M"]
    attach_row(match.id, code=uscc(1), now=NOW + 3.5 * DAY, **PERSON)
    assert grades(uscc(1)) == ["C"], "what was put back is as old as it was"
    rate([{"uscc": "", "企业名称": NAMES[2], "grade": "C"}], days=4)
    rate([{"uscc": uscc(2), "grade": "A"}], days=5)
    undo_decision(list_matches(MatchState.ATTACHED)[0].id, reason="x", now=NOW + 6 * DAY, **PERSON)
    assert grades(uscc(2)) == ["A"]
    assert [e.body["undone"] for e in list_entries(event="ingest.row_detached")] == ["superseded", "restored"]


def test_a_row_that_waited_does_not_go_before_a_newer_one() -> None:
    match = waiting()
    rate([{"uscc": uscc(1), "grade": "A"}], days=2)
    with pytest.raises(KeyTaken):
        attach_row(match.id, code=uscc(1), now=NOW + 3 * DAY, **PERSON)
    assert (grades(uscc(1)), get_match(match.id).state) == (["A"], MatchState.WAITING)
    keys = [{"uscc": uscc(1), "rated_on": "2026-04-30"}]
    retract_rows(item(RATING), keys, reason="误报", provider=TAX, actor="t", now=NOW + 4 * DAY)


def test_in_one_delivery_a_row_with_a_code_goes_before_one_attached_by_name() -> None:
    outcome = rate([{"uscc": uscc(1), "grade": "A"}, {"uscc": "", "企业名称": NAMES[1], "grade": "C"}])
    assert grades(uscc(1)) == ["A"]
    assert accounts(outcome.delivery) == (1, 1, 0) and not RowMatch.objects.exists()
    assert {g.code for g in outcome.groups if g.returns} == {"row.key_repeated"}


def test_a_waiting_row_with_another_fault_comes_back_instead() -> None:
    outcome = rate([{"uscc": "", "企业名称": BOTH, "grade": "优"}])
    assert accounts(outcome.delivery) == (0, 1, 0)
    assert [g.code for g in outcome.groups] == ["choice.unknown"] and not RowMatch.objects.exists()


def test_undoing_a_delivery_takes_what_persons_attached_from_it() -> None:
    outcome = rate([{"uscc": "", "企业名称": BOTH}, {"uscc": "", "企业名称": NAMES[4]}])
    [match] = list_matches(MatchState.WAITING)
    now = NOW + DAY * 1.5
    attach_row(match.id, code=uscc(2), now=now, **PERSON)
    undo_delivery(outcome.delivery, provider=TAX, actor="person:7", now=now + DAY / 4)
    assert grades(uscc(2)) == grades(uscc(4)) == []
    assert set(RowMatch.objects.values_list("state", flat=True)) == {"void"}
    with pytest.raises(TransitionRefused):
        undo_decision(match.id, reason="x", now=LATER, **PERSON)


def test_a_delivery_of_which_every_row_waits_can_be_undone() -> None:
    match = waiting()
    undo_delivery(match.delivery, provider=TAX, actor="person:7", now=LATER)
    assert get_match(match.id).state is MatchState.VOID


def test_a_department_decides_its_own_rows_only_and_the_node_all() -> None:
    match = waiting()
    with pytest.raises(UnknownMatch):
        attach_row(match.id, code=uscc(1), provider="water_supply", actor="x", now=LATER)
    with pytest.raises(UnknownMatch):
        get_match(match.id, provider="water_supply")
    assert not list_matches(MatchState.WAITING, provider="water_supply")
    assert attach_row(match.id, code=uscc(1), actor="person:1", now=LATER).code == uscc(1)
    with pytest.raises(TransitionRefused):
        attach_row(match.id, code=uscc(2), actor="person:1", now=LATER)


def test_sending_back_and_undoing_need_a_reason() -> None:
    match = waiting()
    with pytest.raises(NothingDecided):
        send_back(match.id, none_of_them=False, note=" ", now=LATER, **PERSON)
    attach_row(match.id, code=uscc(1), now=LATER, **PERSON)
    with pytest.raises(NothingDecided):
        undo_decision(match.id, reason="", now=LATER, **PERSON)
    assert grades(uscc(1)) == ["B"]


def test_content_erased_by_law_leaves_the_row_and_nothing_to_attach() -> None:
    match = waiting()
    erase_subject(f"delivery:{match.delivery}", reason="x", actor="t", now=LATER)
    assert get_match(match.id).erased
    with pytest.raises(DeliveryErased):
        attach_row(match.id, code=uscc(1), now=LATER, **PERSON)
    send_back(match.id, none_of_them=True, note="", now=LATER, **PERSON)


def test_a_program_may_name_enterprises_as_files_do() -> None:
    rows = [{"rated_on": "2026-04-30", "grade": "B", "subject.name": NAMES[1], "subject.division": "雁塔区"}]
    outcome = receive_rows(item(RATING), rows, provider=TAX, actor="api:tax", now=LATER)
    assert (outcome.accepted, grades(uscc(1))) == (1, ["B"])


def test_the_queue_is_read_in_pages() -> None:
    outcome = rate([{"uscc": "", "企业名称": BOTH, "rated_on": f"2026-04-{d:02d}"} for d in range(1, 8)])
    first = list_matches(MatchState.WAITING, delivery=outcome.delivery, limit=4)
    rest = list_matches(MatchState.WAITING, after=first[-1].id, limit=4)
    assert [m.row for m in (*first, *rest)] == list(range(1, 8))


def test_rows_by_name_are_the_same_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {"企业名称": name, "uscc": "", "rated_on": f"2026-0{n}-30"}
        for n in (4, 5, 6)
        for name in [*NAMES.values(), BOTH]
    ]
    rows += [{"企业名称": "没有的示例公司", "uscc": ""}, {"uscc": uscc(101)}, {"uscc": uscc(2)}]
    whole = rate(rows)
    kept = list(RowMatch.objects.order_by("row").values_list("row", "state", "code", "likely_ppm"))
    undo_delivery(whole.delivery, provider=TAX, actor="t", now=NOW + DAY)
    for name, value in (("SMALL", 10), ("ingest_rows", lambda: 4)):
        monkeypatch.setattr(f"xinqiao.ingest.intake.{name}", value)
    pieces = rate(rows)
    told = ("delivered", "accepted", "returned", "waiting", "flagged", "groups")
    assert [getattr(pieces, name) for name in told] == [getattr(whole, name) for name in told]
    again = RowMatch.objects.filter(delivery=pieces.delivery).order_by("row")
    assert list(again.values_list("row", "state", "code", "likely_ppm")) == kept and whole.waiting and kept
