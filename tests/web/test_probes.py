"""Probe results where people see them: at the node, and at the organisation they are about."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from tests.dossiers import fill_in
from tests.factories import uscc
from tests.platforms import platform
from tests.web.conftest import Town
from xinqiao.admission import applying
from xinqiao.admission.queries import get_member, list_measures
from xinqiao.admission.types import State
from xinqiao.evidence.queries import list_entries
from xinqiao.kernel.errors import Phrase
from xinqiao.parties.actions import register_organisation
from xinqiao.parties.types import OrganisationKind, Role
from xinqiao.probes.actions import file_round, probe_member
from xinqiao.probes.content import kit
from xinqiao.probes.platform.certificates import Authority
from xinqiao.probes.platform.defects import Defect
from xinqiao.probes.queries import list_due
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


def test_an_honest_platform_goes_from_application_by_report_to_probation_and_a_failure_to_the_watch(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole way through both portals, against the sample platform over TLS."""
    authority = Authority.make(tmp_path)
    monkeypatch.setattr("xinqiao.probes.actions.demo", lambda: True)
    monkeypatch.setattr("xinqiao.admission.applying.demo", lambda: True)
    monkeypatch.setattr("xinqiao.probes.actions.probe_roots", lambda: authority.path)
    now, own, at = timezone.now(), "/institution/admission/", "/node/admission/city-hub/"
    register_organisation("city-hub", kind=OrganisationKind.PLATFORM, name="City", uscc=uscc(8), actor="t", now=now)
    town.join("writer", Role.OPERATOR, "city-hub")
    writer, operator, guard = (town.client(who) for who in ("writer", "operator", "guard"))
    writer.post(own, {"step": "begin"})
    fill_in("city-hub", now=now)
    with platform(authority) as url:
        assert writer.post(f"{own}technical/", {"endpoint": url}).status_code == 302
        assert writer.post("/institution/probes/").status_code == 302 and "city-hub" in list_due(now=timezone.now())
        probe_member("city-hub")
    assert writer.post(own, {"step": "submit"}).status_code == 302
    assert "24" in operator.get(f"{at}probes/").content.decode()
    operator.post(at, {"step": "assess", "reason": "assessed"})
    operator.post(at, {"step": "try_out", "reason": "every probe passed"})
    (waiting,) = list_measures(pending=True)
    assert guard.post(at, {"step": "approve", "measure": waiting.id}).status_code == 302
    assert get_member("city-hub").state is State.PROBATION
    with platform(authority, Defect.QUIET_DAYS) as url:
        assert writer.post(f"{own}technical/", {"endpoint": url}).status_code == 302
        probe_member("city-hub")
    assert get_member("city-hub").state is State.WATCHED
    assert "缺少这些天的日志摘要" in writer.get("/institution/probes/").content.decode()
