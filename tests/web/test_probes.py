"""Probe results where people see them: at the node, and at the organisation they are about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.web.conftest import Town
from xinqiao.admission import applying
from xinqiao.admission.queries import get_member
from xinqiao.admission.types import State
from xinqiao.evidence.queries import list_entries
from xinqiao.kernel.errors import Phrase
from xinqiao.parties.types import Role
from xinqiao.probes.actions import file_round
from xinqiao.probes.content import kit
from xinqiao.probes.types import Outcome, Result, Round, Said

URL = "https://sandbox.hub.example/contract"
GOT = Phrase("撤回 {millis} 毫秒后仍能查询", millis=1046)


@pytest.fixture
def probed(town: Town) -> str:
    """The hub, with a round in which one probe failed; the number of its report."""
    town.join("hub-keeper", Role.OPERATOR, "hub")
    now = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
    applying.save_answers("hub", {"endpoint": URL}, actor="t", now=town.now)
    results = tuple(
        Result(
            probe.id,
            Outcome.FAILED if probe.id == "revocation" else Outcome.PASSED if probe.required else Outcome.NOT_RUN,
            ("POST queries → 200 ×11",),
            Said.of(GOT if probe.id == "revocation" else Phrase("没有授权的数据项没有给出")),
            12,
        )
        for probe in kit().probes
    )
    found = Round(URL, "Sample Platform", "sandbox", "00" * 32, now, now, results)
    return file_round("hub", found, actor="t", now=town.now).id


def test_both_sides_see_the_result_what_to_fix_and_the_report(town: Town, probed: str) -> None:
    places = {"operator": "/node/admission/hub/probes/", "hub-keeper": "/institution/probes/"}
    for person, path in places.items():
        page = town.client(person).get(path).content.decode()
        for text in (
            "撤回 1046 毫秒后仍能查询",
            "收到撤回通知即清除缓存",
            "POST queries → 200 ×11",
            "未执行",
            URL,
            probed,
        ):
            assert text in page, (person, text)
        english = town.client(person, english=True).get(path).content.decode()
        assert "Queries still worked 1046 ms after the withdrawal" in english
    reports = {"operator": "/node/probe-reports", "hub-keeper": "/institution/probe-reports"}
    papers = [town.client(person).get(f"{at}/{probed}/") for person, at in reports.items()]
    assert papers[0].content == papers[1].content and probed in papers[0]["Content-Disposition"]
    assert town.client("banker").get(f"/institution/probe-reports/{probed}/").status_code == 404
    assert get_member("hub").state is State.WATCHED, "a failed probe of a member puts it under watch"
    assert "/node/admission/hub/probes/" in town.client("operator").get("/node/admission/hub/").content.decode()


def test_either_side_asks_for_a_round_and_not_twice(town: Town, probed: str) -> None:
    operator, keeper = town.client("operator"), town.client("hub-keeper")
    assert keeper.post("/institution/probes/").status_code == 302
    assert "已要求，等待开始" in operator.get("/node/admission/hub/probes/").content.decode()
    refused = operator.post("/node/admission/hub/probes/again/")
    assert refused.status_code == 409 and "10 分钟内已经要求过一次探测" in refused.content.decode()
    assert town.client("auditor").post("/node/admission/hub/probes/again/").status_code in (403, 404)
    assert "probes.asked" in {entry.event for entry in list_entries(limit=50)}


def test_without_an_address_there_is_nothing_to_ask(town: Town) -> None:
    answer = town.client("operator").post("/node/admission/hub/probes/again/")
    assert answer.status_code == 409 and "没有填写平台沙箱地址" in answer.content.decode()


def test_the_wizard_takes_no_file_for_what_the_node_files(town: Town, probed: str) -> None:
    page: Any = town.client("hub-keeper").get("/institution/admission/technical/").content.decode()
    assert f"{probed}.json" in page and 'name="file-endpoint"' not in page and 'name="endpoint"' in page
