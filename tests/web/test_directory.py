"""Finding by name, code and initials; lists counted first, each enterprise on them told who looked."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from tests.factories import deliver, registration, uscc
from tests.kept import laid_down
from tests.web.conftest import FIRM, HASHERS, Town, set_up
from xinqiao.directory.actions import EXPORT_MOST, export, list_page
from xinqiao.directory.build import rebuild, rebuild_if_stale
from xinqiao.directory.queries import count_by_grade, find_enterprises, index_facts, list_by_facts
from xinqiao.directory.types import Facts, NoDirectory, TooMany, TooShort
from xinqiao.evaluation.actions import run_evaluation
from xinqiao.evidence.queries import list_entries
from xinqiao.records.types import AsOf
from xinqiao.release.queries import list_accesses
from xinqiao.release.types import NotReleased, Recipient, RecipientKind
from xinqiao.supervision.canaries import plant_canaries

NODE = Recipient(RecipientKind.NODE, "node", "Sample Node")
BANK = Recipient(RecipientKind.INSTITUTION, "bank-a", "Sample Bank")
NAMES = {
    10: "西安示例商贸有限公司",
    11: "西安示例商贸有限公司雁塔分公司",
    12: "延安果业（集团）有限公司",
    13: "ABC科技有限公司",
}


@pytest.fixture
def indexed(fresh_node: Path, settings: Any) -> Town:
    """The town's firms and four with Chinese names, evaluated and indexed."""
    settings.PASSWORD_HASHERS = HASHERS
    return laid_down(_indexed, fresh_node)


def _indexed() -> Town:
    town = set_up()
    rows = [registration(n, name=name, division="610113") for n, name in NAMES.items()]
    deliver("registration.basic", rows, now=town.now)
    now = timezone.now()
    run_evaluation(AsOf(timezone.localdate(), now), actor="t", now=now, progress=lambda _: None)
    rebuild(actor="t", now=now)
    return town


def names(text: str) -> list[str]:
    return [entry.name for entry in find_enterprises(text).entries]


def test_by_a_piece_of_the_name_the_shortest_first(indexed: Town) -> None:
    assert names("示例商贸") == [NAMES[10], NAMES[11]]
    assert names("西安 雁塔") == [NAMES[11]]
    assert names("果业(集团)") == names("果业（集团）") == [NAMES[12]]
    assert names("没有此名") == []


def test_by_initials_letters_of_the_name_and_beginnings_of_the_code(indexed: Town) -> None:
    assert names("xasl") == [NAMES[10], NAMES[11]]
    assert names("abc") == [NAMES[13]]
    assert "Example Machinery" in names("example")
    assert [e.code for e in find_enterprises(uscc(10).lower()).entries] == [uscc(10)]
    assert find_enterprises("9161").total == 7


@pytest.mark.parametrize("text", ["", " ", "西", "x"])
def test_too_little_finds_nothing_and_says_so(indexed: Town, text: str) -> None:
    with pytest.raises(TooShort):
        find_enterprises(text)


def test_the_portal_and_the_api_find_alike_and_what_was_typed_is_on_record(indexed: Town) -> None:
    page = indexed.client("banker").get("/institution/find/", {"uscc": "示例商贸"}).content.decode()
    assert NAMES[10] in page and f"/institution/enterprises/{uscc(10)}/" in page
    answer = indexed.api("bank-a").get("/api/v1/enterprises", {"q": "xasl"}).json()
    assert [row["name"] for row in answer["rows"]] == [NAMES[10], NAMES[11]] and answer["total"] == 2
    searched = list_entries(event="directory.searched")
    assert [e.body["text"] for e in searched] == ["xasl", "示例商贸"] and searched[0].subject == "bank-a"
    assert indexed.api("tax_bureau").get("/api/v1/enterprises", {"q": "xasl"}).status_code == 403


def test_a_node_without_an_index_says_how_to_make_one(town: Town) -> None:
    with pytest.raises(NoDirectory):
        find_enterprises("示例")
    assert town.client("banker").get("/institution/find/", {"uscc": "示例"}).status_code == 503


def test_counts_before_names_and_each_name_is_a_read_the_enterprise_sees(indexed: Town) -> None:
    operator = indexed.client("operator")
    before = len(list_accesses(enterprise=FIRM))
    page = operator.get("/node/lists/").content.decode()
    assert "7" in page and NAMES[10] not in page, "counting shows nobody"
    assert len(list_accesses(enterprise=FIRM)) == before
    refused = operator.post("/node/lists/", {"step": "show", "cause": " "})
    assert refused.status_code == 422 and NAMES[10] not in refused.content.decode()
    shown = operator.post("/node/lists/", {"step": "show", "cause": "coverage check"}).content.decode()
    assert NAMES[10] in shown
    line = list_accesses(enterprise=FIRM)[0]
    assert (line.purpose, line.cause, line.recipient_code) == ("node_duty", "coverage check", "node")


def test_filters_are_what_they_say(indexed: Town) -> None:
    everyone = list_by_facts(Facts())
    assert everyone.total == 7 == sum(count_by_grade(Facts()).values())
    scores = [line.score for line in everyone.lines]
    assert scores == sorted(scores, reverse=True)
    best = everyone.lines[0]
    assert best.entry.code in {
        x.entry.code for x in list_by_facts(Facts(grades=(best.grade,), score_from=best.score)).lines
    }
    assert list_by_facts(Facts(score_from=best.score + 1)).total == 0
    assert list_by_facts(Facts(division="6101")).total == 4 and list_by_facts(Facts(division="6102")).total == 0
    assert list_by_facts(Facts(industry="C34")).total == 7 and list_by_facts(Facts(industry="F")).total == 0


def test_pages_follow_without_gap_or_repeat(indexed: Town) -> None:
    whole = [line.entry.code for line in list_by_facts(Facts()).lines]
    seen: list[str] = []
    after = ""
    while True:
        page = list_by_facts(Facts(), after=after, most=2)
        seen += [line.entry.code for line in page.lines]
        if not (after := page.after):
            break
    assert seen == whole


def test_a_bank_gets_no_list_and_the_attempt_is_on_record(indexed: Town) -> None:
    """Evaluated facts of firms that did not authorise it: the gate says no, and nobody of the list is shown."""
    with pytest.raises(NotReleased):
        list_page(Facts(), recipient=BANK, cause="marketing", actor="person:1", now=timezone.now())
    refusals = list_accesses(recipient="bank-a", allowed=False)
    assert len(refusals) == 1 and refusals[0].purpose == "node_duty"


def test_an_export_is_on_record_before_it_is_a_file(indexed: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int]] = []
    by: dict[str, Any] = {"recipient": NODE, "cause": "yearly check", "actor": "person:1", "now": timezone.now()}
    data = export(Facts(), progress=lambda done, all_: told.append((done, all_)), **by)
    assert data.startswith(b"\xef\xbb\xbf") and len(data.decode("utf-8-sig").splitlines()) == 8 and told == [(7, 7)]
    assert list_accesses(enterprise=FIRM)[0].channel == "export"
    assert list_entries(event="directory.exported")[0].body["enterprises"] == 7
    answer = indexed.client("operator").post("/node/lists/", {"step": "export", "cause": "again"})
    assert answer["Content-Type"].startswith("text/csv") and answer.content.decode("utf-8-sig").count("\n") == 8
    monkeypatch.setattr("xinqiao.directory.actions.EXPORT_MOST", 6)
    with pytest.raises(TooMany):
        export(Facts(), **by)
    assert EXPORT_MOST == 10_000


def test_no_cell_is_taken_for_a_formula(indexed: Town) -> None:
    deliver("registration.basic", [registration(20, name="=HYPERLINK(1)")], now=timezone.now() - timedelta(minutes=1))
    now = timezone.now()
    run_evaluation(AsOf(timezone.localdate(), now), actor="t", now=now, progress=lambda _: None)
    rebuild(actor="t", now=now)
    by: dict[str, Any] = {"recipient": NODE, "cause": "check", "actor": "person:1", "now": now}
    assert "'=HYPERLINK(1)" in export(Facts(), **by).decode("utf-8-sig")


def test_the_index_follows_what_is_delivered_and_leaves_canaries_out(indexed: Town) -> None:
    now = timezone.now()
    assert rebuild_if_stale(actor="t", now=now) is None
    planted = plant_canaries(1, actor="t", now=now)
    deliver("registration.basic", [registration(30, name="汉中新设茶业")], now=now)
    assert rebuild_if_stale(actor="t", now=timezone.now()) is not None
    assert names("新设茶业") == ["汉中新设茶业"] and not find_enterprises(planted[0]).entries
    facts = index_facts()
    assert facts is not None and facts.enterprises == 8


@pytest.mark.parametrize("query", ["score_from=x", "score_from=-1", "coverage_from=1e9", "score_to=٣"])
def test_a_filter_that_cannot_be_read_is_named(indexed: Town, query: str) -> None:
    answer = indexed.client("operator").get(f"/node/lists/?{query}")
    assert answer.status_code == 422 and "directory.wrong_filter" not in answer.content.decode().split("<h1>")[0]
