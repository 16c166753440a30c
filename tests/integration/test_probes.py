"""Probes against a platform that answers: each defect found by its own probe alone, and what follows from a report."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.dossiers import FIRST, decide, fill_in
from tests.factories import NOW, uscc
from tests.platforms import Nonsense, YesMan, served
from xinqiao.admission import actions, applying, queries
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
from xinqiao.probes.platform.server import running
from xinqiao.probes.queries import list_due, list_reports, list_standings, open_report
from xinqiao.probes.refusals import InvalidReport, NoEndpoint, OtherEndpoint, TooSoon
from xinqiao.probes.reports import check_report, document_of, self_signed
from xinqiao.probes.running import run_round
from xinqiao.probes.types import Outcome, Round

# The twelve that exchange practice names first; every other defect is run against its own probe below.
TWELVE = (
    Defect.OLD_TLS,
    Defect.REPLAY,
    Defect.NO_CLOCK,
    Defect.STALE_LIST,
    Defect.UNAUTHORISED,
    Defect.OTHER_SCREEN,
    Defect.SLOW_WITHDRAWAL,
    Defect.REFUSAL_AS_NO_DATA,
    Defect.LATE_DISPUTE,
    Defect.QUIET_DAYS,
    Defect.PARTIAL,
    Defect.KEEPS_AT_EXIT,
)
BY_HAND = {"contact_reached", "offsite_restore"}
BY: dict[str, Any] = {"actor": "t", "now": NOW}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("authority"))


@contextmanager
def platform(authority: Authority, *defects: Defect) -> Iterator[str]:
    with running(authority.path.parent, *defects, authority=authority) as (url, _):
        yield url


def round_of(url: str, authority: Authority, *names: str, **bounds: int) -> Round:
    """A round of some probes, or of all."""
    bounded = replace(kit(), **bounds)
    return run_round(url, bounded, chosen(bounded, names), trusted=authority.path, anywhere=True)


def failed(found: Round) -> set[str]:
    return {r.probe for r in found.results if r.outcome is Outcome.FAILED}


def shown(found: Round) -> str:
    return "\n".join(f"{r.probe} {r.outcome} {r.got.phrase} {r.sent}" for r in found.results)


def test_b13_an_honest_platform_passes_everything_a_machine_can_run(authority: Authority) -> None:
    told: list[str] = []
    with platform(authority) as url:
        found = run_round(
            url, kit(), kit().probes, trusted=authority.path, anywhere=True, told=lambda r: told.append(r.probe)
        )
    outcomes = {r.probe: r.outcome for r in found.results}
    assert {name for name, one in outcomes.items() if one is Outcome.NOT_RUN} == BY_HAND
    assert set(outcomes.values()) == {Outcome.PASSED, Outcome.NOT_RUN}, shown(found)
    assert sorted(told) == sorted(outcomes), "each result is told as it comes"
    assert (found.platform, found.environment, len(found.certificate)) == ("示例平台", "sandbox", 64)


def test_b13_each_of_twelve_defects_is_found_by_its_own_probe_and_by_no_other(authority: Authority) -> None:
    def matrix_row(defect: Defect) -> tuple[Defect, Round]:
        with platform(authority, defect) as url:
            return defect, round_of(url, authority)

    with ThreadPoolExecutor(3) as pool:
        rows = list(pool.map(matrix_row, TWELVE))
    wrong = {str(d): shown(found) for d, found in rows if failed(found) != {d.probe}}
    assert not wrong
    others = [r for _, found in rows for r in found.results if r.outcome is Outcome.COULD_NOT_REACH]
    assert not others and len({defect.probe for defect in TWELVE}) == 12


@pytest.mark.parametrize("defect", sorted(set(Defect) - set(TWELVE)))
def test_b13_every_other_defect_is_found_too(authority: Authority, defect: Defect) -> None:
    with platform(authority, defect) as url:
        found = round_of(url, authority, defect.probe, "query_period")
    assert failed(found) == {defect.probe}, shown(found)


def test_an_untrusted_root_fails_the_certificate_and_nothing_else(authority: Authority, tmp_path: Path) -> None:
    other = Authority.make(tmp_path)
    with platform(authority) as url:
        found = round_of(url, other, "tls_certificate", "tls_floor", "canary")
    assert failed(found) == {"tls_certificate"}


def test_a_platform_that_says_yes_to_everything_passes_nothing_that_it_must_do(authority: Authority) -> None:
    """Statuses and shapes as the contract has them, and nothing behind: only what it really does passes."""
    with served(authority, YesMan) as url:
        found = round_of(url, authority)
    passed = {r.probe for r in found.results if r.outcome is Outcome.PASSED}
    assert passed == {"tls_floor", "tls_certificate", "self_query"}, shown(found)
    assert failed(found) == {probe.id for probe in kit().probes} - passed - BY_HAND, shown(found)


def test_nonsense_passes_nothing_and_breaks_nothing(authority: Authority) -> None:
    with served(authority, Nonsense) as url:
        found = round_of(url, authority)
    outcomes = {r.probe: r.outcome for r in found.results}
    assert {name for name, one in outcomes.items() if one is Outcome.PASSED} == {"tls_floor", "tls_certificate"}
    assert len(outcomes) == len(kit().probes), shown(found)


class TestOutOfReach:
    """Nothing learnt is no verdict."""

    def test_nobody_listens(self, authority: Authority) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        found = round_of(f"https://localhost:{port}/x", authority)
        assert {r.outcome for r in found.results if r.probe not in BY_HAND} == {Outcome.COULD_NOT_REACH}

    def test_a_platform_without_the_contract(self, authority: Authority) -> None:
        with platform(authority) as url:
            found = round_of(url.removesuffix("/platform") + "/elsewhere", authority, "canary", "tls_certificate")
        assert [r.outcome for r in found.results] == [Outcome.PASSED, Outcome.COULD_NOT_REACH]
        assert "xinqiao-platform.json" in str(found.results[1].got.phrase)

    def test_a_server_that_says_nothing_is_given_up(self, authority: Authority) -> None:
        """It takes the connection and is silent: each probe, and the whole round, ends in time."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            began = time.monotonic()
            url = f"https://localhost:{silent.getsockname()[1]}/"
            found = round_of(url, authority, "canary", "deletion", probe_seconds=1, round_seconds=2)
        assert {r.outcome for r in found.results} == {Outcome.COULD_NOT_REACH}
        assert time.monotonic() - began < 5

    def test_a_private_address_is_not_probed_from_the_server(self, authority: Authority) -> None:
        with platform(authority) as url:
            found = run_round(url, kit(), chosen(kit(), ["canary"]), trusted=authority.path, anywhere=False)
        assert [r.outcome for r in found.results] == [Outcome.COULD_NOT_REACH]
        assert "不是公网地址" in str(found.results[0].got.phrase)


def test_the_sample_platform_is_a_program_of_its_own(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "xinqiao.probes.platform", "--folder", str(tmp_path), "--defect", "charges"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url, root = process.stdout.readline().strip(), Path(process.stdout.readline().strip())
            found = run_round(url, kit(), chosen(kit(), ["self_query"]), trusted=root, anywhere=True)
        finally:
            process.terminate()
    assert failed(found) == {"self_query"} and "500" in str(found.results[0].got.phrase)


def test_a_check_of_ones_own_says_that_no_node_stands_behind_it(authority: Authority) -> None:
    with platform(authority) as url:
        found = round_of(url, authority, "tls_floor")
    data = self_signed(document_of(found, kit().probes, organisation=""))
    document, known = check_report(data)
    assert not known and document["counts"]["passed"] == 1 and "self-check.invalid" in read_json(data)["key"]
    with pytest.raises(InvalidReport):
        check_report(data.replace(b'"passed":1', b'"passed":2'))
    with pytest.raises(InvalidReport):
        check_report(b"{}")


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


def _move_endpoint(url: str) -> None:
    """A member that has handed in does not answer questions any more; its address moves in the test alone."""
    from xinqiao.admission.models import AnswerRow

    AnswerRow.objects.filter(question="endpoint").update(value=url)


@pytest.mark.django_db(transaction=True)
def test_the_prober_works_through_whose_turn_it_is(applicant: str, authority: Authority) -> None:
    """The worker's thread: what was asked for is done, and the next look finds nothing to do."""
    with platform(authority) as url:
        applying.save_answers("hub", {"endpoint": url}, **BY)
        ask_round("hub", **BY)
        stop = threading.Event()
        thread = threading.Thread(target=run_prober, args=(stop,), kwargs={"interval": 0.05})
        thread.start()
        until = time.monotonic() + 20
        while not list_reports("hub") and time.monotonic() < until:
            time.sleep(0.1)
        stop.set()
        thread.join(20)
    assert [r.counts["passed"] for r in list_reports("hub")] == [len(kit().probes) - len(BY_HAND)]
