"""From a delivery to a signal: raised once, told through the gate, taken back with its records; nobody else hears."""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.factories import DAY, NOW, deliver, item, registered, uscc
from tests.kept import laid_down
from xinqiao.catalogue.load import load_catalogue
from xinqiao.catalogue.types import Openness
from xinqiao.consent.actions import grant_authorisation, request_authorisation, withdraw_authorisation
from xinqiao.consent.powers import invite
from xinqiao.consent.queries import consent_text, find_active
from xinqiao.consent.types import Authorisation, Form
from xinqiao.evaluation.actions import roll_back_run, run_evaluation
from xinqiao.evidence.chain_keys import chain_key
from xinqiao.evidence.queries import list_entries
from xinqiao.ingest.actions import retract_rows, undo_delivery
from xinqiao.monitoring import passing, scan
from xinqiao.monitoring.actions import (
    end_embargo,
    end_watch,
    propose_embargo,
    reply,
    settle_embargo,
    watch_borrower,
)
from xinqiao.monitoring.content import signals
from xinqiao.monitoring.jobs import monitor_borrowers
from xinqiao.monitoring.models import BookmarkRow, PushRow, SignalRow
from xinqiao.monitoring.passing import monitor, recompute, standing
from xinqiao.monitoring.pushing import push_waiting
from xinqiao.monitoring.queries import (
    get_told,
    list_about,
    list_told,
    list_watches,
    low_rules,
    precisions,
    raw_replies,
)
from xinqiao.monitoring.refusals import (
    AlreadyReplied,
    AlreadyWatched,
    InvalidEmbargo,
    InvalidReply,
    NotAdmittedToWatch,
    NotWatchable,
    SecondOfTwoNeeded,
    UnknownSignal,
    UnknownWatch,
    WrongExposure,
)
from xinqiao.monitoring.scan import find
from xinqiao.monitoring.types import PushState, SignalState, Watch, WatchEnd
from xinqiao.parties.actions import (
    add_member,
    register_enterprise,
    register_organisation,
    register_person,
    set_admitted,
)
from xinqiao.parties.queries import get_organisation
from xinqiao.parties.types import OrganisationKind, Role
from xinqiao.plumbing.settings import content_dir
from xinqiao.records.queries import standing_rows
from xinqiao.records.types import AsOf
from xinqiao.release.queries import access_bundle, list_accesses
from xinqiao.release.types import Recipient
from xinqiao.supervision.canaries import plant_canaries
from xinqiao.webhooks.actions import add_endpoint
from xinqiao.webhooks.queries import list_messages

FIRMS = tuple(uscc(n) for n in range(1, 5))
FIRM, OTHER = FIRMS[:2]
CLOSED = tuple(i.code for i in load_catalogue(content_dir()) if i.openness is not Openness.PUBLIC)
HOUR = timedelta(hours=1)
SEVERE = {"kind": "罚款", "severity": "严重", "decided_on": "2026-11-01", "fine_fen": "5000"}


@pytest.fixture
def owners(fresh_node: Path) -> dict[str, int]:
    """Four firms with owners, two banks; the first firm lets the first bank watch it."""
    return laid_down(_owners, fresh_node)


def _owners() -> dict[str, int]:
    by: dict[str, Any] = {"actor": "t", "now": NOW - 2 * DAY}
    registered(1, 2, 3, 4, now=by["now"])
    for code in ("bank-a", "bank-b"):
        register_organisation(code, kind=OrganisationKind.INSTITUTION, name=f"Name of {code}", **by)
        set_admitted(code, admitted=True, reason="t", **by)
    people = {}
    for number, firm in enumerate(FIRMS):
        register_enterprise(firm, name=f"Firm {number}", **by)
        people[firm] = register_person(f"owner{number}", name="陈", password="a-long-password", **by)
        add_member(people[firm], role=Role.OWNER, enterprise=firm, **by)
    chain_key()
    return people


def give(
    owners: dict[str, int], firm: str = FIRM, bank: str = "bank-a", *, items: tuple[str, ...] = CLOSED, **more: Any
) -> Authorisation:
    """The firm lets a bank watch it after the loan."""
    now = more.pop("now", NOW - DAY)
    asked = request_authorisation(
        bank, enterprise=firm, purpose=more.pop("purpose", "post_loan"), items=items, form=Form.REPORT,
        reason="loan A-1", days=365, times=50, actor="t", now=now,
    )  # fmt: skip
    shown = consent_text(asked.id, locale="zh")
    return grant_authorisation(asked.id, signatory=owners[firm], locale="zh", text_digest=shown.sha256, now=now)


def watched(owners: dict[str, int], firm: str = FIRM, bank: str = "bank-a", **more: Any) -> Watch:
    give(owners, firm, bank, **more)
    return watch_borrower(bank, enterprise=firm, exposure_fen=100_00, actor="person:9", now=NOW - HOUR)


def penalty(number: int, firm: str = FIRM, **values: str) -> dict[str, str]:
    return {"uscc": firm, "document_no": f"P-{number}", **SEVERE, **values}


def told(bank: str = "bank-a", now: datetime = NOW + HOUR) -> list[str]:
    return [signal.rule for signal, _ in list_told(Recipient.of(get_organisation(bank)), now=now)]


def passed(now: datetime = NOW + HOUR) -> list[str]:
    """A pass and its pushes; what the first bank may read then."""
    monitor(now=now)
    push_waiting(now=now)
    return told(now=now)


def test_nobody_is_watched_without_a_live_authorisation_for_it(owners: dict[str, int]) -> None:
    by: dict[str, Any] = {"enterprise": FIRM, "actor": "t", "now": NOW}
    with pytest.raises(NotWatchable):
        watch_borrower("bank-a", **by)
    request = give(owners, purpose="post_loan")
    withdraw_authorisation(request.id, signatory=owners[FIRM], now=NOW)
    with pytest.raises(NotWatchable):
        watch_borrower("bank-a", **by)
    with pytest.raises(NotWatchable):
        watch_borrower("bank-b", **by)
    set_admitted("bank-a", admitted=False, reason="t", actor="t", now=NOW)
    with pytest.raises(NotAdmittedToWatch):
        watch_borrower("bank-a", **by)


def test_an_authorisation_for_another_purpose_is_none(owners: dict[str, int]) -> None:
    now = NOW - DAY
    asked = request_authorisation(
        "bank-a", enterprise=FIRM, purpose="approval", items=CLOSED, form=Form.REPORT,
        reason="x", days=30, times=3, actor="t", now=now,
    )  # fmt: skip
    shown = consent_text(asked.id, locale="zh")
    grant_authorisation(asked.id, signatory=owners[FIRM], locale="zh", text_digest=shown.sha256, now=now)
    with pytest.raises(NotWatchable):
        watch_borrower("bank-a", enterprise=FIRM, actor="t", now=NOW)


def test_a_new_penalty_is_told_once_to_who_watches_and_to_the_firm(owners: dict[str, int]) -> None:
    deliver("penalty.decision", [penalty(1)], now=NOW - 2 * HOUR)
    watched(owners)
    with pytest.raises(AlreadyWatched):
        watch_borrower("bank-a", enterprise=FIRM, actor="t", now=NOW)
    assert passed(NOW) == [], "what was on record before the watch began is no news"
    deliver("penalty.decision", [penalty(2, document_no="P-2"), penalty(3, OTHER)], now=NOW)
    assert passed() == ["penalty.severe", "penalty.repeated"]
    assert SignalRow.objects.filter(enterprise=OTHER).count() == 0, "nobody watches it"
    again = monitor(now=NOW + 2 * HOUR)
    assert (again.enterprises, again.raised) == (0, 0)
    assert told("bank-b") == []
    signal, push = list_told(Recipient.of(get_organisation("bank-a")), now=NOW + HOUR)[0]
    assert signal.facts == {"on": "2026-11-01"} and push.watch.exposure_fen == 10_000
    (mine, pushes), _ = list_about(FIRM, now=NOW + HOUR)
    assert [p.watch.organisation for p in pushes] == ["bank-a"] and mine.rule in ("penalty.severe", "penalty.repeated")
    line = next(a for a in list_accesses(enterprise=FIRM) if a.id == push.access)
    assert (line.purpose, str(line.form), line.items) == ("post_loan", "derived", ("penalty.decision",))
    assert {e.event for e in list_entries(limit=50)} >= {"monitoring.watched", "monitoring.signal_raised"}


def test_figures_that_fell_are_told_without_a_figure(owners: dict[str, int]) -> None:
    watched(owners)
    months = [(2025, m) for m in range(1, 13)] + [(2026, m) for m in range(1, 5)]
    rows = [
        {
            "uscc": FIRM,
            "month": f"{y}-{m:02d}",
            "account_no": "6100000000001",
            "used_kwh": "77771" if y == 2025 else "11113",
        }
        for y, m in months
    ]
    outcome = deliver("utility.electricity", rows, now=NOW)
    assert outcome.accepted == len(rows), outcome
    assert passed() == ["utility.power_fall"]
    ((signal, push),) = list_told(Recipient.of(get_organisation("bank-a")), now=NOW + HOUR)
    assert signal.facts == {"month": "2026-03", "months": 3, "percent": 40}, "the first month of the fall, once"
    assert "7777" not in json.dumps(signal.facts) and "1111" not in json.dumps(signal.facts)
    assert find_active(recipient="bank-a", subject=FIRM, purpose="post_loan", now=NOW + HOUR).times_used == 1  # type: ignore[union-attr]
    assert next(a for a in list_accesses(enterprise=FIRM) if a.id == push.access).items == ("utility.electricity",)


def test_a_rule_is_told_only_where_the_authorisation_names_its_items(owners: dict[str, int]) -> None:
    watched(owners, items=("social.insurance",))
    seized = {"uscc": FIRM, "document_no": "D-1", "seized_on": "2026-11-02"}
    deliver("property.seizure", [seized], now=NOW)
    deliver("penalty.decision", [penalty(1)], now=NOW)
    assert passed() == ["penalty.severe"], "what is public needs no item named"
    assert SignalRow.objects.filter(rule="property.seizure").count() == 0


def test_ones_own_overdue_loan_is_no_news_and_anothers_is_not_named(owners: dict[str, int]) -> None:
    watched(owners)
    loans = [("R1000001", "Name of bank-a"), ("R1000002", "Name of bank-b")]
    loan = {"amount_fen": "1000", "drawn_on": "2026-01-05", "due_on": "2027-01-05"}
    deliver("financing.loan", [{"uscc": FIRM, "receipt_no": n, "institution": b, **loan} for n, b in loans], now=NOW)
    late = {"month": "2026-10", "balance_fen": "900", "due_fen": "10", "paid_fen": "0", "overdue_fen": "10"}
    outcome = deliver("financing.repayment", [{"uscc": FIRM, "receipt_no": n, **late} for n, _ in loans], now=NOW)
    assert outcome.accepted == 2
    assert passed() == ["financing.arrears_elsewhere"]
    ((signal, _),) = list_told(Recipient.of(get_organisation("bank-a")), now=NOW + HOUR)
    assert signal.facts == {"month": "2026-10"}


def test_a_retracted_row_takes_the_signal_back_and_the_holder_is_told(owners: dict[str, int]) -> None:
    watched(owners)
    add_endpoint("bank-a", url="https://bank.example/hook", actor="t", now=NOW)
    deliver("penalty.decision", [penalty(1)], now=NOW)
    assert passed() == ["penalty.severe"]
    found = item("penalty.decision")
    retract_rows(
        found, [{"uscc": FIRM, "document_no": "P-1"}], reason="wrong firm", provider=found.department.code,
        actor="t", now=NOW + 2 * HOUR,
    )  # fmt: skip
    assert passed(NOW + 3 * HOUR) == []
    signal = SignalRow.objects.get()
    assert signal.state == SignalState.WITHDRAWN
    with pytest.raises(UnknownSignal):
        get_told(signal.id, recipient=Recipient.of(get_organisation("bank-a")), now=NOW + 3 * HOUR)
    kinds = [(m.type, str(m.state)) for m in list_messages("bank-a")]
    assert sorted(kinds) == [("signal.raised", "superseded"), ("signal.withdrawn", "waiting")]
    assert list_about(FIRM, now=NOW + 3 * HOUR)[0][0].state is SignalState.WITHDRAWN, "the firm sees what became of it"
    deliver("penalty.decision", [penalty(1, fine_fen="6000")], now=NOW + 4 * HOUR)
    assert passed(NOW + 5 * HOUR) == ["penalty.severe"], "on record again, told again"
    assert SignalRow.objects.count() == 1


def test_a_withdrawn_delivery_takes_its_signals_back(owners: dict[str, int]) -> None:
    watched(owners)
    row = {"uscc": FIRM, "listed_on": "2026-11-01", "reason": "未按规定公示年度报告"}
    outcome = deliver("list.abnormal", [row], now=NOW)
    assert passed() == ["list.abnormal"]
    provider = item("list.abnormal").department.code
    undo_delivery(outcome.delivery, provider=provider, actor="t", now=NOW + 2 * HOUR)
    assert passed(NOW + 3 * HOUR) == []


def test_a_matter_that_is_settled_is_taken_back(owners: dict[str, int]) -> None:
    watched(owners)
    notice = {"uscc": FIRM, "announced_on": "2026-11-01", "tax_kind": "增值税", "arrears_fen": "100"}
    deliver("tax.arrears_notice", [notice], now=NOW)
    assert passed() == ["tax.arrears"]
    deliver("tax.arrears_notice", [{**notice, "cleared_on": "2026-11-10"}], now=NOW + 2 * HOUR)
    assert passed(NOW + 3 * HOUR) == []


def test_with_the_authorisation_everything_ends(owners: dict[str, int]) -> None:
    watch = watched(owners)
    add_endpoint("bank-a", url="https://bank.example/hook", actor="t", now=NOW)
    deliver("penalty.decision", [penalty(1)], now=NOW)
    assert passed() == ["penalty.severe"]
    signal = SignalRow.objects.get().id
    withdraw_authorisation(watch.authorisation, signatory=owners[FIRM], now=NOW + HOUR)
    with pytest.raises(UnknownSignal):
        get_told(signal, recipient=Recipient.of(get_organisation("bank-a")), now=NOW + HOUR)
    assert told() == [], "before any pass"
    deliver("penalty.decision", [penalty(2)], now=NOW + 2 * HOUR)
    done = monitor(now=NOW + 3 * HOUR)
    assert (done.ended, done.raised) == (1, 0)
    assert push_waiting(now=NOW + 3 * HOUR) == 0
    (ended,) = list_watches(organisation="bank-a", live=False)
    assert ended.end is WatchEnd.AUTHORISATION
    mine = {str(m.state) for m in list_messages("bank-a") if m.type.startswith("signal.")}
    assert mine == {"superseded"}, "the notice that waited is taken back"


def test_withdrawn_between_the_pass_and_the_push_is_refused_on_record(owners: dict[str, int]) -> None:
    watch = watched(owners)
    deliver("property.seizure", [{"uscc": FIRM, "document_no": "D-1", "seized_on": "2026-11-02"}], now=NOW)
    monitor(now=NOW + HOUR)
    withdraw_authorisation(watch.authorisation, signatory=owners[FIRM], now=NOW + HOUR)
    assert push_waiting(now=NOW + 2 * HOUR) == 0
    assert PushRow.objects.get().state == PushState.REFUSED
    assert list_accesses(enterprise=FIRM)[0].allowed is False


def test_a_suspended_institution_watches_nobody_and_reads_nothing(owners: dict[str, int]) -> None:
    watched(owners)
    deliver("penalty.decision", [penalty(1)], now=NOW)
    assert passed() == ["penalty.severe"]
    set_admitted("bank-a", admitted=False, reason="t", actor="t", now=NOW + HOUR)
    assert told() == []
    assert monitor(now=NOW + 2 * HOUR).ended == 1
    assert list_watches(organisation="bank-a") == []


def test_an_institution_ends_its_own_watch_only(owners: dict[str, int]) -> None:
    watch = watched(owners)
    with pytest.raises(UnknownWatch):
        end_watch(watch.id, organisation="bank-b", actor="t", now=NOW)
    assert end_watch(watch.id, organisation="bank-a", actor="t", now=NOW).end is WatchEnd.INSTITUTION
    deliver("penalty.decision", [penalty(1)], now=NOW)
    assert passed() == []


def test_an_expired_signal_cannot_be_read(owners: dict[str, int]) -> None:
    watched(owners)
    deliver("penalty.decision", [penalty(1)], now=NOW)
    assert passed() == ["penalty.severe"]
    row = SignalRow.objects.get()
    late = datetime.combine(row.expires_on + timedelta(days=1), NOW.timetz())
    assert told(now=late - DAY) == ["penalty.severe"] and told(now=late) == []
    with pytest.raises(UnknownSignal):
        get_told(row.id, recipient=Recipient.of(get_organisation("bank-a")), now=late)


def test_a_pass_that_dies_before_its_bookmark_loses_and_repeats_nothing(
    owners: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    watched(owners)
    watched(owners, OTHER)
    deliver("penalty.decision", [penalty(1), penalty(2, OTHER)], now=NOW)

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(passing, "LOT", 1)
        patch.setattr(passing, "_mark", dies)
        with pytest.raises(KeyboardInterrupt):
            monitor(now=NOW + HOUR)
    assert SignalRow.objects.count() == 2
    with monkeypatch.context() as patch:  # this time it dies with half of it written
        patch.setattr(passing, "_withdraw", dies)
        deliver("penalty.decision", [penalty(3)], now=NOW + 2 * HOUR)
        monitor(now=NOW + 3 * HOUR)
    assert standing(now=NOW + 3 * HOUR) == recompute(now=NOW + 3 * HOUR)
    assert SignalRow.objects.filter(rule="penalty.severe").count() == 3
    assert monitor(now=NOW + 4 * HOUR).raised == 0


def test_the_enterprise_is_told_later_only_by_two_people_on_a_legal_basis(owners: dict[str, int]) -> None:
    watched(owners)
    day = (NOW + 10 * DAY).date()
    with pytest.raises(InvalidEmbargo) as wrong:
        propose_embargo(FIRM, basis=" ", until=NOW.date(), actor="person:1", now=NOW)
    assert len(wrong.value.problems) == 2
    asked = propose_embargo(FIRM, basis="Criminal Procedure Law", until=day, actor="person:1", now=NOW)
    with pytest.raises(SecondOfTwoNeeded):
        settle_embargo(asked.id, approve=True, actor="person:1", now=NOW)
    settle_embargo(asked.id, approve=True, actor="person:2", now=NOW)
    before = len(list_accesses(enterprise=FIRM))
    deliver("penalty.decision", [penalty(1)], now=NOW)
    assert passed() == ["penalty.severe"], "the institution is told"
    push = PushRow.objects.get()
    assert list_about(FIRM, now=NOW + HOUR) == []
    assert push.access not in access_bundle(FIRM).decode("latin-1")
    if datetime.now(NOW.tzinfo) < NOW + 10 * DAY:
        assert len(list_accesses(enterprise=FIRM)) == before
    assert [a.id for a in list_accesses(recipient="bank-a")] == [push.access], "it is on the ledger all the same"
    assert len(list_about(FIRM, now=NOW + 12 * DAY)) == 1, "told when the embargo has ended"
    end_embargo(asked.id, actor="person:2", now=NOW + 2 * HOUR)
    assert len(list_about(FIRM, now=NOW + 2 * HOUR)) == 1, "or at once, when it is ended"
    deliver("penalty.decision", [penalty(2)], now=NOW + 3 * HOUR)
    passed(NOW + 4 * HOUR)
    assert len(list_about(FIRM, now=NOW + 4 * HOUR)) == 3


def test_a_signal_that_stands_again_is_held_back_by_an_embargo_too(owners: dict[str, int]) -> None:
    """Withdrawn, an embargo approved, on record again: the firm is not told before it ends."""
    watched(owners)
    deliver("penalty.decision", [penalty(1)], now=NOW)
    assert passed() == ["penalty.severe"]
    found = item("penalty.decision")
    key = [{"uscc": FIRM, "document_no": "P-1"}]
    by: dict[str, Any] = {"provider": found.department.code, "actor": "t", "now": NOW + 2 * HOUR}
    retract_rows(found, key, reason="wrong", **by)
    assert passed(NOW + 3 * HOUR) == []
    asked = propose_embargo(FIRM, basis="Law", until=(NOW + 10 * DAY).date(), actor="person:1", now=NOW + 3 * HOUR)
    settle_embargo(asked.id, approve=True, actor="person:2", now=NOW + 3 * HOUR)
    deliver("penalty.decision", [penalty(1, fine_fen="6000")], now=NOW + 4 * HOUR)
    assert passed(NOW + 5 * HOUR) == ["penalty.severe"]
    assert list_about(FIRM, now=NOW + 5 * HOUR) == []
    assert len(list_about(FIRM, now=NOW + 12 * DAY)) == 1


def test_a_wider_authorisation_brings_what_lay_there_already(owners: dict[str, int]) -> None:
    """What came while the item was not covered is told once it is, as a full recomputation says."""
    watched(owners, items=("social.insurance",))
    late = {"month": "2026-10", "balance_fen": "900", "due_fen": "10", "paid_fen": "0", "overdue_fen": "10"}
    deliver("financing.repayment", [{"uscc": FIRM, "receipt_no": "R1000002", **late}], now=NOW)
    assert passed() == []
    invite(FIRM, organisation="bank-a", signatory=owners[FIRM], now=NOW + HOUR)
    give(owners, now=NOW + HOUR)
    assert passed(NOW + 2 * HOUR) == ["financing.arrears_elsewhere"]
    assert recompute(now=NOW + 2 * HOUR) == standing(now=NOW + 2 * HOUR)


def test_an_exposure_is_not_below_zero(owners: dict[str, int]) -> None:
    """Refused before anybody is watched."""
    give(owners)
    with pytest.raises(WrongExposure):
        watch_borrower("bank-a", enterprise=FIRM, exposure_fen=-5, actor="person:9", now=NOW)


def test_precision_is_what_the_raw_replies_say(owners: dict[str, int]) -> None:
    watched(owners)
    deliver("penalty.decision", [penalty(n, decided_on=f"20{10 + n}-01-01") for n in range(1, 9)], now=NOW)
    assert passed() == ["penalty.severe"] * 8
    bank = Recipient.of(get_organisation("bank-a"))
    held = [signal.id for signal, _ in list_told(bank, now=NOW + HOUR)]
    by: dict[str, Any] = {"recipient": bank, "actor": "person:9", "now": NOW + HOUR}
    with pytest.raises(InvalidReply):
        reply(held[0], said="useful", reason="visited", **by)
    with pytest.raises(UnknownSignal):
        reply(
            held[0], **{**by, "recipient": Recipient.of(get_organisation("bank-b"))}, said="useful", reason="confirmed"
        )
    reply(held[0], said="acted", reason="visited", **by)
    with pytest.raises(AlreadyReplied):
        reply(held[0], said="useful", reason="confirmed", **by)
    for name in held[1:5]:
        reply(name, said="false_alarm", reason="not_material", note="paid", **by)
    one = next(p for p in precisions() if p.rule == "penalty.severe")
    raw = [said for rule, said in raw_replies() if rule == "penalty.severe"]
    useful = sum(said in ("useful", "acted") for said in raw)
    assert (one.told, one.replied, one.useful, one.percent) == (8, len(raw), useful, useful * 100 // len(raw))
    assert (one.replied, one.percent) == (5, 20) and low_rules(precisions()) == {"penalty.severe"}
    assert next(p for p in precisions(organisation="bank-b") if p.rule == "penalty.severe").told == 0
    assert len(told()) == 3


def test_invented_enterprises_raise_no_signal_whatever_their_records_say(owners: dict[str, int]) -> None:
    invented = set(plant_canaries(5, actor="t", now=NOW))
    rules, later = signals().rules, NOW + HOUR
    rows = standing_rows(item("registration.basic"), ["_enterprise"], known=later, enterprises=invented)
    assert set(rows.column("_enterprise").to_pylist()) == invented, "their records are there"
    assert list(find(rules, {rule.code: invented for rule in rules}, known=later)) == []
    assert recompute(now=later) == standing(now=later) == set()


def test_firms_without_a_row_of_an_item_have_none_and_no_fault(owners: dict[str, int]) -> None:
    """A file may span a firm's code and hold none of its rows."""
    deliver("penalty.decision", [penalty(1, uscc(1)), penalty(3, uscc(3))], now=NOW)
    for others in (set(), {uscc(number) for number in range(100, 200)}):
        asked = {uscc(2), *others}
        rows = standing_rows(item("penalty.decision"), ["_enterprise"], known=NOW + HOUR, enterprises=asked)
        assert rows.num_rows == 0 and "_first_at" in rows.column_names


def test_the_chore_passes_and_pushes(owners: dict[str, int]) -> None:
    watched(owners)
    deliver("penalty.decision", [penalty(1)], now=NOW)
    assert monitor_borrowers.func() == 1
    assert monitor_borrowers.func() == 0


def test_a_grade_that_fell_is_told_and_taken_back_with_its_run(owners: dict[str, int]) -> None:
    now = datetime.now(NOW.tzinfo)
    give(owners, now=now - 3 * HOUR)
    run = {"actor": "t", "progress": lambda _: None}
    run_evaluation(AsOf(now.date(), now - 2 * HOUR), now=now - 2 * HOUR, **run)
    watch_borrower("bank-a", enterprise=FIRM, actor="t", now=now - HOUR)
    newer = run_evaluation(AsOf(now.date(), now - HOUR / 2), now=now - HOUR / 2, afresh=True, **run)
    assert monitor(now=now).raised == 0, "the same grade is no fall"
    graded = {FIRM: ("A", "BB")}
    with pytest.MonkeyPatch.context() as patch:

        def grades(run_id: str) -> pa.Table:
            return pa.table({"_enterprise": list(graded), "grade": [g[run_id == newer.id] for g in graded.values()]})

        patch.setattr(scan, "grades_in", grades)
        patch.setattr(passing, "_stands", lambda _: ("other", *stands[1:3], "other"))
        stands = BookmarkRow.objects.values_list("lake", "rules_sha256", "list_sha256", "runs").get()
        monitor(now=now)
        assert standing(now=now) == recompute(now=now) != set()
        push_waiting(now=now)
        ((signal, push),) = list_told(Recipient.of(get_organisation("bank-a")), now=now)
    assert signal.facts == {"before": "A", "after": "BB"}
    assert "tax.payment" in next(a for a in list_accesses(enterprise=FIRM) if a.id == push.access).items
    roll_back_run(newer.id, actor="t", now=now)
    assert monitor(now=now + HOUR).withdrawn == 1
    assert standing(now=now + HOUR) == recompute(now=now + HOUR) == set()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_passes_equal_a_full_recomputation_on_random_histories(owners: dict[str, int], seed: int) -> None:
    """Deliveries, corrections, retractions, undone deliveries, watches that begin and end, in any order."""
    rng, now = random.Random(seed), NOW
    for firm in FIRMS[:3]:
        for bank in ("bank-a", "bank-b"):
            give(owners, firm, bank, items=CLOSED if rng.random() < 0.7 else ("social.insurance",))
    undoable = []
    for _ in range(14):
        now += HOUR
        step = rng.choice(("row", "row", "row", "power", "retract", "undo", "watch", "watch", "end", "withdraw"))
        firm, bank = rng.choice(FIRMS), rng.choice(("bank-a", "bank-b"))
        if step == "row":
            rows = [penalty(rng.randrange(4), firm, severity=rng.choice(("严重", "一般"))) for _ in range(2)]
            undoable.append(deliver("penalty.decision", rows, now=now).delivery)
        elif step == "power":
            low = rng.randrange(1, 12)
            rows = [
                {"uscc": firm, "month": f"{2024 + m // 12}-{m % 12 + 1:02d}", "account_no": "6100000000001",
                 "used_kwh": str(1000 if m < 12 + low else rng.choice((100, 900)))}
                for m in range(24)
            ]  # fmt: skip
            deliver("utility.electricity", rows, now=now)
        elif step == "retract":
            found = item("penalty.decision")
            keys = [{"uscc": firm, "document_no": f"P-{rng.randrange(4)}"}]
            retract_rows(found, keys, reason="x", provider=found.department.code, actor="t", now=now)
        elif step == "undo" and undoable:
            name = undoable.pop()
            undo_delivery(name, provider=item("penalty.decision").department.code, actor="t", now=now)
        elif step == "watch" and find_active(recipient=bank, subject=firm, purpose="post_loan", now=now):
            if firm not in {w.enterprise for w in list_watches(organisation=bank)}:
                watch_borrower(bank, enterprise=firm, actor="t", now=now)
        elif step == "end" and list_watches(organisation=bank):
            end_watch(list_watches(organisation=bank)[0].id, organisation=bank, actor="t", now=now)
        elif step == "withdraw" and rng.random() < 0.3:
            given = find_active(recipient=bank, subject=firm, purpose="post_loan", now=now)
            if given:
                withdraw_authorisation(given.id, signatory=owners[firm], now=now)
        if rng.random() < 0.7:
            monitor(now=now + HOUR / 2)
            assert standing(now=now + HOUR / 2) == recompute(now=now + HOUR / 2)
    monitor(now=now + HOUR)
    assert standing(now=now + HOUR) == recompute(now=now + HOUR)
    assert signals().rules
