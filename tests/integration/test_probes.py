"""What follows from a round: a signed report in the dossier, a verdict for admission, the next turn."""

from __future__ import annotations

import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.dossiers import FIRST, decide, fill_in
from tests.factories import NOW, uscc
from tests.platforms import platform, round_of
from xinqiao.admission import actions, applying, queries
from xinqiao.admission.models import AnswerRow
from xinqiao.admission.refusals import FileRefused, ProbesFailing
from xinqiao.admission.types import GapKind, MeasureKind, State
from xinqiao.evidence.keys import document_key
from xinqiao.evidence.queries import list_entries
from xinqiao.kernel.canonical import read_json
from xinqiao.parties.actions import register_organisation
from xinqiao.parties.types import OrganisationKind
from xinqiao.plumbing import settings as node_settings
from xinqiao.probes.actions import ask_round, file_round, probe_member, take_turn
from xinqiao.probes.content import chosen, kit
from xinqiao.probes.jobs import run_prober
from xinqiao.probes.platform.certificates import Authority
from xinqiao.probes.platform.defects import Defect
from xinqiao.probes.queries import list_due, list_reports, list_standings, open_report
from xinqiao.probes.refusals import InvalidReport, NoEndpoint, OtherEndpoint, TooSoon
from xinqiao.probes.reports import check_report, self_signed

BY_HAND = {"contact_reached", "offsite_restore"}
BY: dict[str, Any] = {"actor": "t", "now": NOW}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def applicant(fresh_node: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A node in which loopback may be probed, and a platform that has begun its application."""
    monkeypatch.setenv("XINQIAO_DEMO", "1")
    monkeypatch.setenv("XINQIAO_PROBE_ROOTS", str(authority.path))
    for cached in (node_settings.demo, node_settings.probe_roots):
        cached.cache_clear()
    register_organisation("hub", kind=OrganisationKind.PLATFORM, name="Hub", uscc=uscc(900), **BY)
    applying.begin("hub", **BY)
    yield "hub"
    for cached in (node_settings.demo, node_settings.probe_roots):
        cached.cache_clear()


@pytest.mark.django_db
class TestAdmission:
    @pytest.fixture(autouse=True)
    def _few(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Four probes are enough to see what follows from a report; the whole kit goes through the prober below."""
        few = replace(kit(), probes=chosen(kit(), ["tls_floor", "staff_log", "incident_drill", "contact_reached"]))
        for module in ("actions", "queries"):
            monkeypatch.setattr(f"xinqiao.probes.{module}.kit", lambda: few)

    def test_from_application_to_probation_and_watch(self, applicant: str, authority: Authority) -> None:
        """The report completes the dossier; a failed probe stands against the decision, and later puts under watch."""
        fill_in("hub", now=NOW)
        with platform(authority, Defect.STAFF_UNSEEN) as url:
            applying.save_answers("hub", {"endpoint": url}, **BY)
            made = probe_member("hub")
        dossier = queries.get_dossier("hub", now=made.at)
        assert dossier.files["endpoint"].id == made.evidence and made.counts["failed"] == 1
        assert queries.open_evidence(made.evidence)[1] == open_report(made.id)[1]
        later = made.at + timedelta(seconds=1)
        applying.submit("hub", actor="t", now=later)
        actions.assess("hub", reason="assessed", actor=FIRST, now=later)
        with pytest.raises(ProbesFailing) as refused:
            actions.propose("hub", MeasureKind.TRY_OUT, reason="x", actor=FIRST, now=later)
        assert [problem.field for problem in refused.value.problems] == ["staff_log"]
        _probed(authority, url)
        decide("hub", MeasureKind.TRY_OUT, now=later)
        assert queries.get_member("hub").state is State.PROBATION
        _probed(authority, url, Defect.DEAF)
        assert queries.get_member("hub").state is State.WATCHED
        assert [lapse.code for lapse in queries.list_lapses("hub", now=later)] == ["probe:incident_drill"]
        _probed(authority, url)
        decide("hub", MeasureKind.CLEAR, now=later)
        assert queries.get_member("hub").state is State.PROBATION
        assert {e.event for e in list_entries(limit=300)} >= {
            "probes.reported",
            "admission.probed",
            "admission.watched",
        }
        standing = next(s for s in list_standings("hub") if s.probe.id == "incident_drill")
        assert [outcome for _, outcome in standing.before] == ["passed", "failed", "passed", "passed"]

    def test_without_a_report_of_the_node_the_dossier_is_not_whole(self, applicant: str) -> None:
        """Nobody files it but the node."""
        applying.save_answers("hub", {"endpoint": "https://sandbox.platform.example/"}, **BY)
        gaps = {g.question.id: g.kind for g in queries.get_dossier("hub", now=NOW).gaps}
        assert gaps["endpoint"] is GapKind.NO_FILE
        with pytest.raises(FileRefused):
            applying.file_evidence("hub", "endpoint", name="r.pdf", data=b"%PDF", issued_on=NOW.date(), **BY)

    @pytest.mark.parametrize("url", ["http://hub.example/", "https://u:p@hub.example/", "ftp://hub.example/", "hub"])
    def test_an_address_that_will_not_do_is_not_kept(self, applicant: str, url: str) -> None:
        assert [p.field for p in applying.save_answers("hub", {"endpoint": url}, **BY)] == ["endpoint"]
        with pytest.raises(NoEndpoint):
            probe_member("hub")

    def test_out_of_reach_once_is_nothing_three_times_is_something(self, applicant: str, authority: Authority) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            url = f"https://localhost:{taken.getsockname()[1]}/"
        applying.save_answers("hub", {"endpoint": url}, **BY)
        for count in range(1, kit().unreached_rounds + 1):
            assert probe_member("hub").counts["failed"] == 0
            assert [p.probe for p in queries.list_probes("hub")] == (["reach"] if count == 3 else [])
        with platform(authority) as url:
            applying.save_answers("hub", {"endpoint": url}, **BY)
            probe_member("hub")
        assert all(p.passed for p in queries.list_probes("hub"))

    def test_a_report_of_another_address_is_not_filed(self, applicant: str, authority: Authority) -> None:
        with platform(authority) as url:
            found = round_of(url, authority, "tls_floor")
        applying.save_answers("hub", {"endpoint": "https://sandbox.platform.example/"}, **BY)
        with pytest.raises(OtherEndpoint):
            file_round("hub", found, **BY)
        assert list_reports("hub") == []

    def test_openssl_and_the_command_verify_a_report(
        self, applicant: str, authority: Authority, tmp_path: Path
    ) -> None:
        with platform(authority) as url:
            applying.save_answers("hub", {"endpoint": url}, **BY)
            file_round("hub", round_of(url, authority, "tls_floor"), **BY)
        data = open_report(list_reports("hub")[0].id)[1]
        assert check_report(data, vkeys=[document_key().vkey])[1]
        with pytest.raises(InvalidReport):
            check_report(data, vkeys=[self_key(data)])
        (tmp_path / "report.json").write_bytes(data)
        (tmp_path / "vkey").write_text(document_key().vkey + "\n", "utf-8")
        page = (Path(__file__).parents[2] / "docs" / "how-to" / "probes.md").read_text("utf-8")
        (block,) = [found for found in re.findall(r"```sh\n(.*?)```", page, re.S) if "openssl" in found]
        run = subprocess.run(["bash", "-ec", block], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert run.returncode == 0 and "Signature Verified Successfully" in run.stdout, run.stderr
        (tmp_path / "report.json").write_bytes(data.replace(b'"passed":1', b'"passed":2'))
        run = subprocess.run(["bash", "-ec", block], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert run.returncode != 0

    def test_a_round_is_asked_for_and_taken_once(self, applicant: str, authority: Authority) -> None:
        with platform(authority) as url:
            applying.save_answers("hub", {"endpoint": url}, **BY)
            assert list_due(now=NOW) == []
            ask_round("hub", **BY)
            with pytest.raises(TooSoon):
                ask_round("hub", actor="t", now=NOW + timedelta(minutes=1))
            assert list_due(now=NOW) == ["hub"]
            assert [take_turn("hub", now=NOW), take_turn("hub", now=NOW)] == [True, False]
            assert list_due(now=NOW) == []


def self_key(data: bytes) -> str:
    """A key that did not sign the report."""
    document, _ = check_report(data)
    return str(read_json(self_signed(document))["key"])


def _probed(authority: Authority, url: str, *defects: Defect) -> None:
    """The platform answers anew at another port, and is probed there."""
    with platform(authority, *defects) as now_at:
        row = queries.find_endpoint("hub")
        assert row is not None
        _move_endpoint(now_at)
        probe_member("hub")


def _move_endpoint(url: str, *, organisation: str = "hub") -> None:
    """While it is assessed a member cannot change its answers; here its address moves without it."""
    AnswerRow.objects.filter(question="endpoint", member__organisation=organisation).update(value=url)


def _begin(organisation: str) -> None:
    """One applicant more."""
    named = {"name": organisation.title(), "uscc": uscc(901)}
    register_organisation(organisation, kind=OrganisationKind.PLATFORM, **named, **BY)
    applying.begin(organisation, **BY)


class Looks(threading.Event):
    """A stop signal that lets the prober look so many times."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left

    def wait(self, timeout: float | None = None) -> bool:
        """True once the looks are used up."""
        self.left -= 1
        return self.left < 0


@pytest.mark.django_db(transaction=True)
def test_the_prober_works_through_whose_turn_it_is(applicant: str, authority: Authority) -> None:
    """What was asked for is done by the worker's loop, once, and an honest platform passes the whole kit."""
    with platform(authority) as url:
        applying.save_answers("hub", {"endpoint": url}, **BY)
        ask_round("hub", **BY)
        run_prober(Looks(2))
    assert [r.counts["passed"] for r in list_reports("hub")] == [len(kit().probes) - len(BY_HAND)]


@pytest.mark.django_db(transaction=True)
def test_what_fails_with_one_organisation_keeps_no_other_waiting(
    applicant: str, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    """An address that came to be refused (the setting changed) is logged; the prober goes on."""
    _begin("another")
    with platform(authority) as url:
        for code in ("another", "hub"):
            applying.save_answers(code, {"endpoint": url}, **BY)
            ask_round(code, **BY)
        _move_endpoint("http://hub.example/", organisation="another")
        run_prober(Looks(1))
    assert "another could not be probed" in caplog.text
    assert (len(list_reports("another")), len(list_reports("hub"))) == (0, 1)
