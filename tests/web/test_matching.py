"""Subject matching over HTTP: the department decides its own rows, the node all of them, and nobody else any."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from tests.factories import csv_of, deliver, item, registration, uscc
from tests.web.conftest import FIRM, OTHER, Town
from xinqiao.evidence.queries import list_entries
from xinqiao.ingest.match_queries import get_match, list_matches
from xinqiao.ingest.types import MatchState
from xinqiao.parties.actions import add_member
from xinqiao.parties.queries import list_memberships
from xinqiao.parties.types import Role
from xinqiao.records.queries import current_rows, read_enterprise
from xinqiao.subjects.build import rebuild

RATING = "tax.credit_rating"
SECRET = "2026-05-31"


@pytest.fixture
def queue(town: Town) -> int:
    """A row that waits, delivered through the portal by the tax bureau."""
    branch = {"uscc": FIRM, "branch_uscc": uscc(31), "branch_name": "Example Machinery Branch"}
    deliver("registration.branches", [branch], now=town.now)
    deliver("registration.identity", [{"uscc": FIRM, "former_codes": uscc(301)}], now=town.now)
    rebuild(actor="t", now=timezone.now())
    row = {"uscc": "", "rated_on": SECRET, "grade": "B", "企业名称": "Example Machinery"}
    answer = town.client("tax").post(
        reverse("department-upload", args=[RATING]), {"files": _file(csv_of([row]))}, follow=True
    )
    assert "待认定主体" in answer.content.decode()
    return list_matches(MatchState.WAITING)[0].id


def _file(data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("rows.csv", data)


def grades(code: str) -> list[object]:
    """What stands of an enterprise."""
    known = timezone.now() + timedelta(hours=1)
    return [r["grade"] for r in current_rows(read_enterprise(code, [item(RATING)], known=known)[RATING], item(RATING))]


def test_a_clerk_sees_the_row_beside_its_candidates_and_picks_one(town: Town, queue: int) -> None:
    tax = town.client("tax")
    listed = tax.get(reverse("department-matches")).content.decode()
    assert "Example Machinery" in listed and reverse("department-match", args=[queue]) in listed
    page = tax.get(reverse("department-match", args=[queue])).content.decode()
    assert FIRM in page and "字号和行业一致" in page and SECRET in page
    before = grades(FIRM)
    answer = tax.post(reverse("department-match", args=[queue]), {"step": "attach", "code": FIRM})
    assert answer.status_code == 302 and len(grades(FIRM)) == len(before) + 1
    entry = list_entries(event="ingest.row_attached")[0]
    assert (entry.actor, entry.body["enterprise"]) == (f"person:{town.people['tax']}", FIRM)


def test_a_decision_without_a_choice_is_explained_on_the_page(town: Town, queue: int) -> None:
    tax = town.client("tax")
    answer = tax.post(reverse("department-match", args=[queue]), {"step": "attach"})
    assert answer.status_code == 422 and "没有选择主体" in answer.content.decode()
    answer = tax.post(reverse("department-match", args=[queue]), {"step": "attach", "other": "x" * 30})
    assert answer.status_code == 404 and "主体库中没有" in answer.content.decode()
    answer = tax.post(reverse("department-match", args=[queue]), {"step": "send_back"})
    assert answer.status_code == 422
    assert get_match(queue).state is MatchState.WAITING


def test_the_node_decides_too_and_sees_only_what_names_the_enterprise(town: Town, queue: int) -> None:
    operator = town.client("operator")
    page = operator.get(reverse("node-match", args=[queue])).content.decode()
    assert "Example Machinery" in page and SECRET not in page
    operator.post(reverse("node-match", args=[queue]), {"step": "attach", "other": OTHER})
    assert get_match(queue).code == OTHER
    shown = operator.get(reverse("node-matches") + "?state=attached").content.decode()
    assert OTHER in shown
    page = operator.get(reverse("node-match", args=[queue])).content.decode()
    assert "撤销认定" in page and 'type="radio"' not in page
    operator.post(reverse("node-match", args=[queue]), {"step": "undo", "note": "认错了"})
    assert get_match(queue).state is MatchState.WAITING and "B" not in grades(OTHER)


def test_a_row_sent_back_stands_in_the_file_to_repair(town: Town, queue: int) -> None:
    tax = town.client("tax")
    tax.post(reverse("department-match", args=[queue]), {"step": "send_back", "note": "请补代码"})
    delivery = get_match(queue).delivery
    page = tax.get(reverse("department-delivery", args=[delivery])).content.decode()
    assert "已退回 1" in page
    file = tax.get(reverse("department-annotated", args=[delivery])).getvalue().decode("utf-8-sig")
    assert "请补代码" in file and "Example Machinery" in file


def test_rows_of_one_department_are_not_there_for_another_or_for_readers(town: Town, queue: int) -> None:
    registry = town.client("registry")
    assert "Example Machinery" not in registry.get(reverse("department-matches")).content.decode()
    for method in ("get", "post"):
        answer = getattr(registry, method)(reverse("department-match", args=[queue]), {"step": "attach", "code": FIRM})
        assert answer.status_code == 404
    assert town.client("auditor").get(reverse("node-matches")).status_code == 200
    assert town.client("auditor").post(reverse("node-match", args=[queue]), {"step": "none"}).status_code == 404
    for stranger in ("banker", "owner"):
        for name in ("department-matches", "node-matches", "node-subject"):
            assert town.client(stranger).get(reverse(name)).status_code == 404
    assert get_match(queue).state is MatchState.WAITING


def test_odd_addresses_of_the_list_are_the_first_page(town: Town, queue: int) -> None:
    tax = town.client("tax")
    for query in ("?state=void", "?state=x", "?after=-1", "?after=9e9", f"?after={'9' * 40}", "?delivery=%00x"):
        assert tax.get(reverse("department-matches") + query).status_code == 200
    assert tax.get("/department/matching/99999999/").status_code == 404


def test_the_register_shows_who_a_code_is(town: Town, queue: int) -> None:
    operator = town.client("operator")
    page = operator.get(reverse("node-subject") + f"?code={uscc(301)}").content.decode()
    assert FIRM in page and "按曾用代码找到" in page and "Example Machinery Branch" in page
    branch = operator.get(reverse("node-subject") + f"?code={uscc(31)}").content.decode()
    assert "隶属企业" in branch and f"?code={FIRM}" in branch
    assert operator.get(reverse("node-subject") + "?code=%00%00").status_code == 200
    assert operator.get(reverse("node-subject") + f"?code={uscc(999)}").status_code == 404


def test_without_a_register_the_page_says_what_to_do(town: Town) -> None:
    answer = town.client("operator").get(reverse("node-subject") + f"?code={FIRM}")
    assert answer.status_code == 503 and "xinqiao subject --rebuild" in answer.content.decode()


def test_a_delivery_with_rows_attached_by_name_leads_to_them(town: Town, fresh_node: Path) -> None:
    registry_row = registration(41, name="西安示例安邦商贸有限公司", status="存续")
    deliver("registration.basic", [registry_row], now=town.now)
    rebuild(actor="t", now=timezone.now())
    row = {"uscc": "", "rated_on": SECRET, "grade": "B", "企业名称": "西安示例安邦商贸有限责任公司"}
    tax = town.client("tax")
    page = tax.post(reverse("department-upload", args=[RATING]), {"files": _file(csv_of([row]))}, follow=True)
    assert "已认定 1" in page.content.decode() and "已按名称自动认定主体" in page.content.decode()
    listed = tax.get(reverse("department-matches") + "?state=attached").content.decode()
    assert "自动" in listed and uscc(41) in listed


def test_a_reader_of_the_department_sees_the_list_but_decides_nothing(town: Town, queue: int) -> None:
    add_member(
        town.people["neighbour"], role=Role.AUDITOR, organisation="tax_bureau", enterprise=None, actor="t", now=town.now
    )
    client = town.client("neighbour")
    session = client.session
    chosen = next(m for m in list_memberships(town.people["neighbour"], now=timezone.now()) if m.organisation)
    session["membership"] = chosen.id
    session.save()
    assert client.get(reverse("department-matches")).status_code == 200
    assert client.post(reverse("department-match", args=[queue]), {"step": "none"}).status_code == 404
