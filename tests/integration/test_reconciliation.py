"""Two ledgers: what a bank says it received and used against what the node released, until a case or none."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.machines import key, register_client
from xinqiao.admission.actions import found as found_member
from xinqiao.client.book import Book, NotHandedIn
from xinqiao.client.daybook import Daybook, lost_line, received_line, sign, used_line
from xinqiao.config.cli import app
from xinqiao.evidence.queries import list_entries
from xinqiao.oauth.actions import end_client
from xinqiao.parties.actions import register_organisation, set_route
from xinqiao.parties.types import OrganisationKind
from xinqiao.reconciliation.actions import hand_in, hand_in_file, hands_in_for, open_buckets
from xinqiao.reconciliation.jobs import settle_days
from xinqiao.reconciliation.queries import find_day, get_hand_in, list_days, terms
from xinqiao.reconciliation.types import (
    DayNotOver,
    DayState,
    HandIn,
    InvalidDaybook,
    MismatchKind,
    NotTheNextRevision,
    Superseded,
    UnknownHandIn,
)
from xinqiao.release.models import AccessLine
from xinqiao.violations.queries import get_case, list_cases

DAY = date(2026, 11, 19)  # a Thursday
MIDNIGHT = datetime.fromisoformat("2026-11-20T00:00:00+08:00")
MORNING = datetime.fromisoformat("2026-11-20T09:00:00+08:00")
CALL: dict[str, Any] = {"actor": "api:bank-a"}


@pytest.fixture
def banks(fresh_node: Path) -> None:
    """Two banks with programs, the hub, and a platform that the hub carries."""
    by: dict[str, Any] = {"actor": "t", "now": MIDNIGHT - timedelta(days=30)}
    kinds = {"bank-a": OrganisationKind.INSTITUTION, "bank-b": OrganisationKind.INSTITUTION}
    kinds |= {"hub": OrganisationKind.PLATFORM, "city": OrganisationKind.PLATFORM, "node": OrganisationKind.NODE}
    for code, kind in kinds.items():
        register_organisation(code, kind=kind, name=code, **by)
    for code in ("bank-a", "bank-b", "hub"):
        found_member(code, reason="connected before", **by)
        register_client(code, **by)
    set_route("city", via="hub", **by)


def private(name: str) -> dict[str, Any]:
    found = key(name)
    return {**found.as_dict(private=True), "kid": found.thumbprint(), "alg": "ES256"}


def released(numbers: Iterable[int], *, to: str = "bank-a", at: datetime | None = None, channel: str = "api") -> None:
    """Ledger lines as the gate writes them, a second apart."""
    start = at or MIDNIGHT - timedelta(hours=12)
    AccessLine.objects.bulk_create(
        AccessLine(
            id=f"A20261119-{n:010x}", at=start + timedelta(seconds=i), enterprise="91610102MAXAMPLE2H",
            recipient_kind=OrganisationKind.INSTITUTION, recipient_code=to, recipient_name=to, actor=f"api:{to}",
            purpose="approval", form="report", items="[]", authorisation="Z1", allowed=True, rule="r", reason="",
            clause="", policy_sha256="", answer_sha256=f"{n:064x}", entry=n + 1, channel=channel,
        )
        for i, n in enumerate(numbers)
    )  # fmt: skip


def line(number: int) -> str:
    return received_line(f"A20261119-{number:010x}", f"{number:064x}", "approval", "report")


def book(numbers: Iterable[int], *more: str, uses: Iterable[str] = (), of: str = "bank-a", on: date = DAY) -> Daybook:
    return Daybook(of, on, frozenset([*map(line, numbers), *more]), frozenset(uses))


def handed(mine: Daybook, revision: int = 1, *, by: str = "bank-a", now: datetime = MORNING) -> HandIn:
    """Hand in, and open the buckets that are asked for, in two calls."""
    organisations = hands_in_for(by)
    found = hand_in(mine.signed(revision, key=private(by)), organisations=organisations, **CALL, now=now)
    while found.open:
        lines = mine.buckets(found.open[: max(1, len(found.open) // 2)])
        found = open_buckets(found.id, lines, organisations=organisations, **CALL, now=now)
    return found


def kinds(found: HandIn) -> list[str]:
    return [str(m.kind) for m in found.mismatches]


def test_equal_ledgers_agree_without_a_line_being_sent(banks: None) -> None:
    released(range(500))
    found = hand_in(
        book(range(499, -1, -1)).signed(1, key=private("bank-a")), organisations=("bank-a",), **CALL, now=MORNING
    )
    assert (found.state, found.open, found.opened, found.count) == (DayState.AGREED, (), 0, 0)
    assert [e.event for e in list_entries(limit=2)] == ["reconciliation.compared", "reconciliation.handed_in"]
    assert settle_days(now=MORNING + timedelta(days=40)) == []


def test_only_buckets_that_differ_are_opened_and_every_line_is_named(banks: None) -> None:
    released(range(1000))
    found = handed(book(set(range(1000)) - {3, 4}, line(2001)))
    assert found.state is DayState.DIFFERS and found.opened <= 3 and found.opened < 16
    assert sorted(kinds(found)) == ["invented", "omitted", "omitted"]
    assert {m.access[-3:] for m in found.mismatches} == {"003", "004", "7d1"}
    day = find_day("bank-a", DAY)
    assert day and (str(day.due_on), str(day.correct_by)) == ("2026-11-23", "2026-11-24")


def test_a_corrected_day_is_no_case_and_one_left_is_one_case(banks: None) -> None:
    released(range(100))
    handed(book(range(98)))
    assert handed(book(range(100)), 2).state is DayState.AGREED
    assert settle_days(now=MORNING + timedelta(days=20)) == [] == list_cases()
    released(range(200, 300), to="bank-b")
    other = Daybook("bank-b", DAY, frozenset(map(line, range(200, 299))), frozenset())
    assert handed(other, by="bank-b").state is DayState.DIFFERS
    assert settle_days(now=datetime.fromisoformat("2026-11-24T23:59:00+08:00")) == [], "it may still be corrected"
    (number,) = settle_days(now=datetime.fromisoformat("2026-11-25T00:01:00+08:00"))
    case = get_case(number)
    assert (case.kind, case.organisation, case.facts["mismatches"]) == ("ledger_mismatch", "bank-b", {"omitted": 1})
    assert settle_days(now=MORNING + timedelta(days=20)) == [], "once"
    again = handed(Daybook("bank-b", DAY, frozenset(map(line, range(200, 300))), frozenset()), 2, by="bank-b")
    assert again.count == 0 and again.state is DayState.CASE, "a case is for a person to end"


def test_midnight_is_in_beijing_and_by_the_nodes_clock(banks: None) -> None:
    """The last microsecond belongs to one day, the next to the other; the book goes by the time on the receipt."""
    released([1], at=MIDNIGHT - timedelta(microseconds=1))
    released([2], at=MIDNIGHT)
    later = MORNING + timedelta(days=1)
    assert handed(book([1]), now=later).state is DayState.AGREED
    assert handed(book([2], on=DAY + timedelta(days=1)), now=later).state is DayState.AGREED
    wrong = handed(book([1, 2]), 2, now=later)
    assert kinds(wrong) == ["wrong_day"]


def test_a_day_is_handed_in_when_it_is_over(banks: None) -> None:
    with pytest.raises(DayNotOver):
        handed(book([]), now=MIDNIGHT + timedelta(minutes=9))
    assert handed(book([]), now=MIDNIGHT + timedelta(minutes=10)).state is DayState.AGREED


def test_portal_looks_need_not_be_listed_and_may_be(banks: None) -> None:
    released([1])
    released([2, 3], channel="portal")
    assert handed(book([1, 2])).state is DayState.AGREED


def test_the_same_hand_in_again_is_answered_the_same_and_another_needs_the_next_number(banks: None) -> None:
    released(range(10))
    signed = book(range(10)).signed(1, key=private("bank-a"))
    first = hand_in(signed, organisations=("bank-a",), **CALL, now=MORNING)
    assert hand_in(signed, organisations=("bank-a",), **CALL, now=MORNING + timedelta(hours=1)) == first
    for revision in (1, 3):
        with pytest.raises(NotTheNextRevision):
            handed(book(range(9)), revision)


def test_lines_are_taken_only_as_they_were_signed(banks: None) -> None:
    released(range(10))
    mine, organisations = book(range(9)), ("bank-a",)
    found = hand_in(mine.signed(1, key=private("bank-a")), organisations=organisations, **CALL, now=MORNING)
    assert found.open == (0,)
    for lines in (mine.bucket(0)[:-1], [*mine.bucket(0), line(9)], ["rubbish"]):
        with pytest.raises(InvalidDaybook):
            open_buckets(found.id, {0: lines}, organisations=organisations, **CALL, now=MORNING)
    with pytest.raises(UnknownHandIn):
        open_buckets(found.id, {0: mine.bucket(0)}, organisations=("bank-b",), **CALL, now=MORNING)
    handed(book(range(10)), 2)
    with pytest.raises(Superseded):
        open_buckets(found.id, {0: mine.bucket(0)}, organisations=organisations, **CALL, now=MORNING)


def test_a_statement_counts_only_under_a_key_in_use_of_who_may_hand_it_in(banks: None) -> None:
    released([1])
    mine = book([1])
    with pytest.raises(InvalidDaybook):  # another bank's key
        hand_in(mine.signed(1, key=private("bank-b")), organisations=("bank-a",), **CALL, now=MORNING)
    with pytest.raises(InvalidDaybook):  # another bank's day
        hand_in(mine.signed(1, key=private("bank-b")), organisations=("bank-b",), **CALL, now=MORNING)
    good = mine.signed(1, key=private("bank-a"))
    head, body, signature = good["statement"].split(".")
    for bad in (f"{head}.{body}.{signature[:-4]}AAAA", f"{head}.{body}", "", "x" * 9000):
        with pytest.raises(InvalidDaybook):
            hand_in({**good, "statement": bad}, organisations=("bank-a",), **CALL, now=MORNING)
    assertion = sign(mine.statement(1), key=private("bank-a"))
    assert assertion != good["statement"], "ES256 signs anew each time"
    end_client("bank-a", reason="x", actor="t", now=MORNING)
    with pytest.raises(InvalidDaybook):
        hand_in(good, organisations=("bank-a",), **CALL, now=MORNING)


def test_uses_are_checked_and_a_few_lost_answers_are_let_pass(banks: None) -> None:
    released(range(20))
    name = "A20261119-{:010x}".format
    uses = [used_line(name(1), "decision"), used_line(name(900), "decision"), used_line(name(2), "evaluation")]
    found = handed(book(range(17), *(lost_line(name(n)) for n in (17, 18, 19)), uses=uses[:1]))
    assert found.state is DayState.AGREED and kinds(found) == ["not_delivered"] * 3
    again = handed(book(range(16), *(lost_line(name(n)) for n in (16, 17, 18, 19)), uses=uses), 2)
    assert again.state is DayState.DIFFERS and kinds(again).count("not_delivered") == 4
    assert MismatchKind.USE_WITHOUT_RELEASE in {m.kind for m in again.mismatches}
    assert used_line(name(2), "evaluation") not in {m.listed for m in again.mismatches}


def test_a_day_that_never_comes_is_told_and_then_a_case(banks: None) -> None:
    released(range(5))
    assert settle_days(now=datetime.fromisoformat("2026-11-23T23:00:00+08:00")) == [] == list_days()
    assert settle_days(now=datetime.fromisoformat("2026-11-24T00:01:00+08:00")) == []
    day = find_day("bank-a", DAY)
    assert day and day.state is DayState.OVERDUE and list_entries(limit=1)[0].event == "reconciliation.fell_overdue"
    late = handed(book(range(5)), now=datetime.fromisoformat("2026-11-25T10:00:00+08:00"))
    assert late.state is DayState.AGREED and find_day("bank-a", DAY).late  # type: ignore[union-attr]
    released(range(10, 15), to="bank-b")
    settle_days(now=datetime.fromisoformat("2026-11-25T00:01:00+08:00"))
    (case,) = settle_days(now=datetime.fromisoformat("2026-11-26T00:01:00+08:00"))
    assert get_case(case).organisation == "bank-b"


def test_days_before_daybooks_were_asked_for_are_not_overdue(banks: None) -> None:
    first = terms().since
    start = datetime(first.year, first.month, first.day, tzinfo=MIDNIGHT.tzinfo)
    released([1], at=start - timedelta(seconds=1))
    released([2], to="bank-b", at=start)
    settle_days(now=start + timedelta(days=12))
    assert [d.organisation for d in list_days()] == ["bank-b"]


def test_a_day_whose_lines_are_never_shown_is_a_case(banks: None) -> None:
    released(range(5))
    hand_in(book(range(4)).signed(1, key=private("bank-a")), organisations=("bank-a",), **CALL, now=MORNING)
    assert len(settle_days(now=MORNING + timedelta(days=10))) == 1


def test_the_host_hands_in_for_the_platform_it_carries(banks: None) -> None:
    released(range(5), to="city")
    mine = book(range(4), of="city")
    assert hands_in_for("hub") == ("hub", "city")
    assert handed(mine, by="hub").state is DayState.DIFFERS
    (case,) = settle_days(now=MORNING + timedelta(days=10))
    assert (get_case(case).organisation, get_case(case).facts["organisation"]) == ("hub", "city")


def test_a_file_opens_its_own_buckets(banks: None) -> None:
    released(range(300))
    data = json.dumps(book(range(299)).file(1, key=private("bank-a"))).encode()
    found = hand_in_file(data, organisations=("bank-a",), actor="person:1", now=MORNING)
    assert kinds(found) == ["omitted"] and not found.open and get_hand_in(found.id) == found
    for bad in (b"", b"[]", b'{"statement": 1}'):
        with pytest.raises(InvalidDaybook):
            hand_in_file(bad, organisations=("bank-a",), actor="person:1", now=MORNING)


def test_a_book_survives_a_line_that_a_crash_cut_off(tmp_path: Path) -> None:
    mine = Book(tmp_path / "book.jsonl")
    mine.use("A1", "decision", organisation="bank-a", at=MIDNIGHT.astimezone(UTC) - timedelta(seconds=1))
    mine.lose("A2", organisation="bank-a", day=DAY)
    with mine.path.open("a") as file:
        file.write('{"t": "used", "organis')
    day = mine.day("bank-a", DAY)
    assert (day.used, day.received) == ({used_line("A1", "decision")}, {lost_line("A2")})
    assert not mine.day("bank-b", DAY).received and issubclass(NotHandedIn, Exception)


def test_the_command_line_of_both_sides(banks: None, tmp_path: Path) -> None:
    released(range(3))
    book_file, key_file, to = tmp_path / "book", tmp_path / "key.json", tmp_path / "day.json"
    key_file.write_text(json.dumps({"client_id": "bank-a", "key": private("bank-a")}))
    run = CliRunner()
    name = "A20261119-{:010x}".format
    told = run.invoke(app, ["daybook", "use", str(book_file), name(1), "decision", "--organisation", "bank-a"])
    assert told.exit_code == 0, told.output
    args = ["daybook", "make", str(book_file), "2026-11-19", "--organisation", "bank-a", "--client", str(key_file)]
    assert run.invoke(app, [*args, "--out", str(to)]).exit_code == 0
    found = hand_in_file(to.read_bytes(), organisations=("bank-a",), actor="person:1", now=MORNING)
    assert kinds(found) == ["omitted"] * 3
    assert json.loads(run.invoke(app, ["reconcile", "list", "--open", "--json"]).output)[0]["mismatches"] == 3
    assert run.invoke(app, ["reconcile", "settle"]).exit_code == 0
    assert run.invoke(app, ["supervision", "cases", "--json"]).exit_code == 0
    assert run.invoke(app, ["daybook", "note", str(book_file), "--answer", str(to), "--vkey", "x"]).exit_code == 1
