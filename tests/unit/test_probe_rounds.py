"""Rounds against platforms that answer, or do not: each defect found by its own probe and by no other. No database."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.platforms import Nonsense, YesMan, platform, round_of, served
from xinqiao.kernel.canonical import read_json
from xinqiao.probes.content import chosen, kit
from xinqiao.probes.platform.certificates import Authority
from xinqiao.probes.platform.defects import Defect
from xinqiao.probes.refusals import InvalidReport
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


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("authority"))


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


@pytest.mark.slow
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
