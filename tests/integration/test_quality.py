"""Cards, findings and reminders on a real node: every figure is counted, and what it leaves out can be opened."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.factories import DAY, NOW, deliver, item, registration, uscc
from xinqiao.catalogue.load import load_catalogue
from xinqiao.evidence.queries import list_entries
from xinqiao.ingest.actions import undo_delivery
from xinqiao.kernel.dated import beijing_day
from xinqiao.kernel.transitions import TransitionRefused
from xinqiao.plumbing.settings import content_dir
from xinqiao.quality.actions import cross_check, end_outage, explain_finding, remind, report_outage
from xinqiao.quality.cards import make_cards
from xinqiao.quality.failing import failing_file, failing_page
from xinqiao.quality.jobs import daily_pass
from xinqiao.quality.queries import (
    card_history,
    get_card,
    get_finding,
    latest_cross_run,
    list_findings,
    list_reminders,
    list_sources,
)
from xinqiao.quality.types import (
    AlreadyDown,
    Aspect,
    Card,
    Finding,
    FindingState,
    NotConcerned,
    NothingWritten,
    ReminderKind,
    SourceState,
    UnknownCard,
    UnknownFinding,
    UnknownOutage,
)
from xinqiao.records.actions import audit_files, compact
from xinqiao.records.models import LakeFile

INSURANCE, TAX, REGISTRY = "social.insurance", "tax.payment", "registration.basic"
MONTHS = ("2026-08", "2026-09", "2026-10")


def insured(number: int, persons: int) -> dict[str, object]:
    return {"uscc": uscc(number), "month": "202610", "insured_persons": persons}


def taxed(number: int, paid: str, **values: str) -> dict[str, object]:
    return {"uscc": uscc(number), "month": "2026-10", "sales_fen": "1000", "paid_fen": paid, **values}


def clashing() -> None:
    """Two firms that insure forty people; one of them pays no tax."""
    deliver(REGISTRY, [registration(1), registration(2)])
    deliver(INSURANCE, [insured(1, 40), insured(2, 40)])
    deliver(TAX, [taxed(1, "0"), taxed(2, "310")])


def only(rule: str, *, provider: str | None = None) -> Finding:
    [found] = list_findings(rule=rule, provider=provider)
    return found


RULE = "cross.insured_without_tax"


def test_a_clash_is_found_with_its_values_and_kept_by_the_run(fresh_node: Path) -> None:
    clashing()
    run = cross_check(actor="t", now=NOW)
    found = only(RULE)
    assert (found.enterprise, found.state, found.first_run) == (uscc(1), FindingState.OPEN, run.id)
    whole = get_finding(found.id, whole=True)
    assert {v.code: v.value for v in whole.values} == {
        "operation.insured_persons": 40,
        "operation.tax_paid_12m_fen": 0,
    }
    assert (run.counts[RULE], run.subjects[INSURANCE], run.subjects[TAX]) == (1, 2, 2)
    [file] = LakeFile.objects.filter(batch=run.id)
    assert (file.row_count, audit_files()) == (sum(run.counts.values()), [])
    assert list_entries(event="quality.cross_checked")[0].body["counts"][RULE] == 1


def test_each_department_sees_its_own_values_and_no_others(fresh_node: Path) -> None:
    """Whose item it is sees that value; the other's, not public, is closed to it and to the node before the gate."""
    clashing()
    cross_check(actor="t", now=NOW)
    shown = {
        provider: {v.item: v.value for v in only(RULE, provider=provider).values if v.shown}
        for provider in ("human_resources", "tax_bureau", None)
    }
    assert shown == {"human_resources": {INSURANCE: 40}, "tax_bureau": {TAX: 0}, None: {}}
    assert list_findings(provider="customs") == []
    with pytest.raises(UnknownFinding):
        get_finding(only(RULE).id, provider="customs")


def test_a_code_that_the_registry_does_not_hold_is_found(fresh_node: Path) -> None:
    deliver(REGISTRY, [registration(1)])
    licence = {"document_no": "示许准字〔2026〕1号", "decided_on": "2026-05-01"}
    deliver("permit.licence", [{"uscc": uscc(n), **licence} for n in (1, 9)])
    cross_check(actor="t", now=NOW)
    found = only("cross.licence_unregistered")
    assert found.enterprise == uscc(9)
    assert [v.value for v in found.values] == [1, 0], "both items are public by law"


def test_without_the_registry_nobody_is_unregistered(fresh_node: Path) -> None:
    """What was never delivered says nothing: no finding is made of an absence that is ours."""
    licence = {"uscc": uscc(9), "document_no": "示许准字〔2026〕1号", "decided_on": "2026-05-01"}
    deliver("permit.licence", [licence])
    assert cross_check(actor="t", now=NOW).counts["cross.licence_unregistered"] == 0


def test_the_registry_long_overdue_says_nothing_about_who_is_missing(fresh_node: Path) -> None:
    deliver(REGISTRY, [registration(1)], now=NOW - 30 * DAY)
    deliver("permit.licence", [{"uscc": uscc(9), "document_no": "示1号", "decided_on": "2026-05-01"}])
    assert cross_check(actor="t", now=NOW).counts["cross.licence_unregistered"] == 0


def test_an_explained_finding_stays_explained_and_a_corrected_one_is_corrected(fresh_node: Path) -> None:
    clashing()
    cross_check(actor="t", now=NOW)
    found = only(RULE)
    explained = explain_finding(found.id, text="减免期", provider="tax_bureau", actor="person:1", now=NOW)
    assert (explained.state, explained.explained_by) == (FindingState.EXPLAINED, "tax_bureau")
    assert list_entries(event="quality.finding_explained")[0].body["explanation"] == "减免期"
    cross_check(actor="t", now=NOW + DAY / 24)
    assert only(RULE).state is FindingState.EXPLAINED
    deliver(TAX, [taxed(1, "99")], now=NOW + DAY / 12)
    cross_check(actor="t", now=NOW + DAY / 6)
    assert only(RULE).state is FindingState.CORRECTED
    deliver(TAX, [taxed(1, "0", due_fen="0")], now=NOW + DAY / 4)
    last = cross_check(actor="t", now=NOW + DAY / 2)
    again = only(RULE)
    assert (again.state, again.explanation, again.last_run) == (FindingState.OPEN, "", last.id)


def test_a_finding_is_not_corrected_because_a_source_went_away(fresh_node: Path) -> None:
    """An outage, or a delivery taken back: nobody can tell, so the question stays open."""
    clashing()
    cross_check(actor="t", now=NOW)
    report_outage(item(TAX), reason="机房搬迁", actor="t", now=NOW + DAY / 24)
    deliver(TAX, [taxed(1, "99")], now=NOW + DAY / 12)
    cross_check(actor="t", now=NOW + DAY / 6)
    assert only(RULE).state is FindingState.OPEN
    end_outage(item(TAX), actor="t", now=NOW + DAY / 4)
    cross_check(actor="t", now=NOW + DAY / 2)
    assert only(RULE).state is FindingState.CORRECTED


def test_only_who_is_asked_explains_and_with_words(fresh_node: Path) -> None:
    clashing()
    cross_check(actor="t", now=NOW)
    number = only(RULE).id
    by = {"actor": "t", "now": NOW}
    with pytest.raises(UnknownFinding):
        explain_finding(number, text="好", provider="customs", **by)  # type: ignore[arg-type]
    with pytest.raises(NothingWritten):
        explain_finding(number, text=" ", provider="tax_bureau", **by)  # type: ignore[arg-type]
    explain_finding(number, text="核实过", provider=None, **by)  # type: ignore[arg-type]
    with pytest.raises(TransitionRefused):
        explain_finding(number, text="再说", provider="tax_bureau", **by)  # type: ignore[arg-type]


def test_a_department_that_is_concerned_but_not_asked_does_not_explain(
    fresh_node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from xinqiao.indicators.registry import load_cross_rules

    clashing()
    cross_check(actor="t", now=NOW)
    rule = load_cross_rules()[RULE]
    monkeypatch.setattr(rule, "facts", replace(rule.facts, explain=("tax_bureau",)))
    with pytest.raises(NotConcerned):
        explain_finding(only(RULE).id, text="好", provider="human_resources", actor="t", now=NOW)


def faulty_tax(now: datetime = NOW) -> str:
    """Six rows: two whole, one with an empty field, one unreadable, one without its code, one twice."""
    whole = {"due_fen": "1", "arrears_fen": "0"}
    rows = [
        taxed(1, "0", **whole),
        taxed(2, "310", **whole),
        taxed(3, "310", due_fen="1"),
        taxed(4, "见附件", **whole),
        taxed(5, "1", **whole) | {"uscc": ""},
        taxed(2, "310", **whole),
    ]
    return deliver(TAX, rows, now=now).delivery


def figures(card: Card) -> dict[str, tuple[int, int]]:
    return {str(aspect): (f.good, f.total) for aspect, f in card.figures.items()}


def test_every_figure_of_a_card_is_counted(fresh_node: Path) -> None:
    """Six rows delivered, four fields optional, two required; each fault lowers one figure and no other."""
    deliver(REGISTRY, [registration(n) for n in range(1, 5)])
    deliver(INSURANCE, [insured(1, 40)])
    delivery = faulty_tax()
    cross_check(actor="t", now=NOW)
    make_cards(actor="t", now=NOW)
    card = get_card(TAX, day=beijing_day(NOW))
    assert (card.state, card.rows, card.usual, card.deliveries) == (SourceState.ON_TIME, 3, 0, (delivery,))
    assert figures(card) == {
        "on_time": (0, 0),
        "complete": (11 + 11, 12 + 12),  # one code missing of 2 x 6, one optional cell of 4 x 3
        "valid": (5, 6),
        "unique": (5, 6),
        "consistent": (2, 3),
    }
    assert (card.required.good, card.required.total) == (11, 12)


def test_every_figure_opens_the_rows_behind_it(fresh_node: Path) -> None:
    deliver(REGISTRY, [registration(n) for n in range(1, 5)])
    deliver(INSURANCE, [insured(1, 40)])
    delivery = faulty_tax()
    cross_check(actor="t", now=NOW)
    make_cards(actor="t", now=NOW)
    card = get_card(TAX, day=beijing_day(NOW), provider="tax_bureau")
    opened = {a: failing_page(card, a, provider="tax_bureau") for a in Aspect}
    assert {a: len(page.rows) for a, page in opened.items()} == {a: card.figures[a].failing for a in Aspect}, (
        "one line for each that is missing in the figure"
    )
    assert opened[Aspect.VALID].rows[0][:5] == (delivery, "4", "已缴税额", "金额写法无法识别", "见附件")
    assert opened[Aspect.COMPLETE].rows == (
        (delivery, "5", "", "统一社会信用代码"),
        (delivery, "3", uscc(3), "欠缴税额"),
    )
    assert opened[Aspect.UNIQUE].rows[0][:2] == (delivery, "2")
    assert opened[Aspect.CONSISTENT].rows[0][1] == uscc(1)
    assert "40" not in opened[Aspect.CONSISTENT].rows[0][2], "another department's value, not public"
    text = failing_file(card, Aspect.VALID, provider="tax_bureau").decode("utf-8-sig")
    assert text.splitlines()[0].startswith("报送,行,字段") and "见附件" in text


def test_the_node_sees_which_rows_fail_and_not_what_is_not_public(fresh_node: Path) -> None:
    faulty_tax()
    make_cards(actor="t", now=NOW)
    card = get_card(TAX, day=beijing_day(NOW))
    for aspect in (Aspect.VALID, Aspect.COMPLETE):
        text = failing_file(card, aspect, provider=None).decode("utf-8-sig")
        assert "见附件" not in text and uscc(3) not in text
    with pytest.raises(UnknownCard):
        get_card(TAX, day=beijing_day(NOW), provider="customs")


def test_a_file_for_a_spreadsheet_holds_no_formula(fresh_node: Path) -> None:
    deliver(TAX, [taxed(1, "=1+1")])
    make_cards(actor="t", now=NOW)
    card = get_card(TAX, day=beijing_day(NOW))
    assert "'=1+1" in failing_file(card, Aspect.VALID, provider="tax_bureau").decode("utf-8-sig")


def test_failing_rows_come_in_pages(fresh_node: Path) -> None:
    deliver(TAX, [taxed(n, "见附件") for n in range(120)])
    make_cards(actor="t", now=NOW)
    card = get_card(TAX, day=beijing_day(NOW))
    seen, start = [], 0
    while True:
        page = failing_page(card, Aspect.VALID, provider="tax_bureau", start=start)
        seen += [row[1] for row in page.rows]
        if page.after is None:
            break
        start = page.after
    assert seen == [str(n) for n in range(1, 121)] and page.total == 120


def test_cards_made_twice_are_the_same_cards_and_leave_one_entry(fresh_node: Path) -> None:
    clashing()
    first = daily_pass(actor="t", now=NOW)
    second = daily_pass(actor="t", now=NOW + DAY / 24)
    assert first == second and len(first) == len(load_catalogue(content_dir()).items)
    assert len(list_entries(event="quality.cards_made")) == 1
    assert len(list_entries(event="quality.cross_checked")) == 1, "items are checked against each other once a day"
    deliver(TAX, [taxed(1, "x")], now=NOW + DAY / 12)
    third = daily_pass(actor="t", now=NOW + DAY / 6)
    assert third != first and len(list_entries(event="quality.cards_made")) == 2
    assert len(card_history(TAX, until=beijing_day(NOW))) == 1


def test_cards_of_each_day_are_kept(fresh_node: Path) -> None:
    """The trend: what was worse stays on record when it is better."""
    faulty_tax(NOW)
    make_cards(actor="t", now=NOW)
    deliver(TAX, [taxed(n, "5") for n in range(4)], now=NOW + DAY)
    make_cards(actor="t", now=NOW + DAY)
    history = card_history(TAX, until=beijing_day(NOW + DAY))
    assert [c.figures[Aspect.VALID].hundredths for c in history] == [10_000, 8_333]


def test_the_on_time_figure_opens_the_deadlines_that_were_missed(fresh_node: Path) -> None:
    for back in (100, 70, 5):
        deliver(TAX, [taxed(back, "5", month="2026-05")], now=NOW - back * DAY)
    make_cards(actor="t", now=NOW)
    card = get_card(TAX, day=beijing_day(NOW))
    figure = card.figures[Aspect.ON_TIME]
    assert (figure.good, figure.total) == (1, 2)
    page = failing_page(card, Aspect.ON_TIME, provider="tax_bureau")
    assert page.rows == (("2026-10-21", "2026-11-15"),)


def test_compaction_changes_no_card(fresh_node: Path) -> None:
    for turn in range(3):
        faulty_tax(NOW - (3 - turn) * 3 * DAY)
        deliver(TAX, [taxed(turn, "7")], now=NOW - (3 - turn) * 3 * DAY + DAY)
    before = make_cards(actor="t", now=NOW)
    assert compact(item(TAX), older_than=DAY, actor="t", now=NOW) > 1
    assert make_cards(actor="t", now=NOW) == before
    last = list_sources([item(TAX)], on=beijing_day(NOW), known=NOW)[TAX].last_on
    assert last == beijing_day(NOW - 2 * DAY), "compacting is not delivering"


def weekly(rows: int, back: int) -> str:
    """A delivery of one row a firm, some weeks before."""
    base = back * 1000
    return deliver("permit.qualification", [
        {"uscc": uscc(base + n), "certificate_no": f"Q{base + n}", "qualification": "示例", "granted_on": "2026-01-02"}
        for n in range(rows)
    ], now=NOW - back * 7 * DAY).delivery  # fmt: skip


def test_a_delivery_well_below_what_is_usual_is_raised_once_and_settled_by_the_next(fresh_node: Path) -> None:
    for back in (5, 4, 3):
        weekly(10, back)
    small = weekly(6, 2)
    now = NOW - 14 * DAY
    [raised] = remind(make_cards(actor="t", now=now), actor="t", now=now)
    assert (raised.kind, raised.about, raised.rows, raised.usual) == (ReminderKind.SHRINKING, small, 6, 10)
    assert remind(make_cards(actor="t", now=now), actor="t", now=now) == []
    assert list_entries(event="quality.reminded")[0].body["about"] == small
    assert [r.about for r in list_reminders(provider=item("permit.qualification").department.code)] == [small]
    weekly(10, 1)
    assert remind(make_cards(actor="t", now=NOW - 6 * DAY), actor="t", now=NOW - 6 * DAY) == []
    assert list_reminders() == []


def test_a_missed_deadline_is_raised_to_the_provider_and_settled_by_the_delivery(fresh_node: Path) -> None:
    deliver(REGISTRY, [registration(1)], now=NOW - 4 * DAY)
    [raised] = daily(NOW)
    assert (raised.item, raised.kind, raised.about) == (REGISTRY, ReminderKind.LATE, "2026-11-17")
    assert daily(NOW + DAY / 24) == []
    deliver(REGISTRY, [registration(2)], now=NOW + DAY / 12)
    assert daily(NOW + DAY / 6) == []
    assert list_reminders() == [] and len(list_reminders(open_only=False)) == 1


def test_a_reminder_is_open_again_when_the_delivery_that_settled_it_is_taken_back(fresh_node: Path) -> None:
    deliver(REGISTRY, [registration(1)], now=NOW - 4 * DAY)
    daily(NOW)
    late = deliver(REGISTRY, [registration(2)], now=NOW + DAY / 24)
    daily(NOW + DAY / 12)
    assert list_reminders() == []
    undo_delivery(late.delivery, provider="market_regulation", actor="t", now=NOW + DAY / 6)
    assert daily(NOW + DAY / 4) == [], "it was raised before"
    assert [r.about for r in list_reminders()] == ["2026-11-17"]


def daily(now: datetime) -> list[object]:
    return list(remind(make_cards(actor="t", now=now), actor="t", now=now))


def test_an_undone_delivery_does_not_keep_a_deadline(fresh_node: Path) -> None:
    deliver(REGISTRY, [registration(1)], now=NOW - 4 * DAY)
    late = deliver(REGISTRY, [registration(2)], now=NOW)
    undo_delivery(late.delivery, provider="market_regulation", actor="t", now=NOW + timedelta(hours=1))
    known = {at: list_sources([item(REGISTRY)], on=beijing_day(NOW), known=at)[REGISTRY].state
             for at in (NOW - DAY / 24, NOW, NOW + timedelta(hours=2))}  # fmt: skip
    assert list(known.values()) == [SourceState.LATE, SourceState.ON_TIME, SourceState.LATE]


def test_an_outage_has_a_beginning_a_reason_and_an_end(fresh_node: Path) -> None:
    report_outage(item(TAX), reason="机房搬迁", actor="t", now=NOW)
    with pytest.raises(AlreadyDown):
        report_outage(item(TAX), reason="又停", actor="t", now=NOW)
    with pytest.raises(UnknownOutage):
        end_outage(item(REGISTRY), actor="t", now=NOW)
    end_outage(item(TAX), actor="t", now=NOW + DAY)
    states = {
        at: list_sources([item(TAX)], on=beijing_day(at), known=at)[TAX]
        for at in (NOW - DAY / 24, NOW + DAY / 2, NOW + DAY)
    }
    assert [s.state for s in states.values()] == [SourceState.NEVER, SourceState.DOWN, SourceState.NEVER]
    assert states[NOW + DAY / 2].reason == "机房搬迁"
    assert [e.event for e in list_entries()][:2] == ["quality.outage_ended", "quality.outage_reported"]


def test_a_planted_enterprise_is_no_finding(fresh_node: Path) -> None:
    """Canaries stay out of what departments are asked about."""
    from xinqiao.supervision.canaries import plant_canaries

    deliver(REGISTRY, [registration(1)])
    planted = plant_canaries(2, actor="t", now=NOW)
    run = cross_check(actor="t", now=NOW)
    assert run.subjects[REGISTRY] == 1
    assert not {f.enterprise for f in list_findings(limit=None)} & set(planted)
    assert latest_cross_run() == run
