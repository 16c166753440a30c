"""Whose turn it is, what admission is told, what the content may say, what an old hello looks like."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from xinqiao.kernel.errors import Phrase
from xinqiao.kernel.working_days import WorkCalendar
from xinqiao.plumbing.settings import content_dir
from xinqiao.probes.content import chosen, kit, load_kit
from xinqiao.probes.hello import accepted, client_hello, is_tls
from xinqiao.probes.kinds import load_kinds
from xinqiao.probes.kinds.keeping import hardest_day
from xinqiao.probes.platform.defects import FOUND_BY, Defect
from xinqiao.probes.refusals import AddressRefused, InvalidKit, TooSoon, UnknownProbe
from xinqiao.probes.rules import (
    check_address,
    check_askable,
    exit_status,
    is_due,
    is_public,
    probes_for,
    to_report,
    unreached,
)
from xinqiao.probes.types import Outcome, Result, Said

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def result(probe: str, outcome: Outcome) -> Result:
    """A result of that outcome."""
    return Result(probe, outcome, (), Said.of(Phrase("{n} 天", n=3)), 1)


def test_the_kit_declares_every_kind_and_each_can_fail() -> None:
    """Every probe of the engine is declared by the province; every one that a machine runs has a defect to prove it."""
    kinds = load_kinds()
    assert {probe.id for probe in kit().probes} == set(kinds)
    assert set(FOUND_BY) == set(Defect)
    assert set(FOUND_BY.values()) == {name for name, found in kinds.items() if not found.by_hand}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("every_hours = 24", "every_hours = 0"), "every_hours：应为正整数"),
        (('id = "dpop_replay"', 'id = "telepathy"'), "telepathy：没有这种探测"),
        (('id = "dpop_replay"', 'id = "canary"'), "canary：重复"),
        (("want = { millis = 1000 }", "want = { seconds = 1 }"), "revocation：不认识门槛 seconds"),
        (("want = { millis = 1000 }", "want = { seconds = 1 }"), "revocation：门槛 millis 应为正整数"),
        (("required = false\nafter = false", "required = true\nafter = false"), "由人核对的探测不能设为"),
    ],
)
def test_faults_of_the_kit_are_named(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    text = (content_dir() / "probes.toml").read_text("utf-8")
    path = tmp_path / "probes.toml"
    path.write_text(text.replace(*change), "utf-8")
    with pytest.raises(InvalidKit) as refused:
        load_kit(path)
    assert any(says in problem.message for problem in refused.value.problems)


def test_probes_are_chosen_by_name() -> None:
    assert [probe.id for probe in chosen(kit(), ["canary", "tls_floor"])] == ["tls_floor", "canary"]
    assert chosen(kit(), []) == kit().probes
    with pytest.raises(UnknownProbe):
        chosen(kit(), ["telepathy"])


@pytest.mark.parametrize(
    ("opens", "began", "asked", "due"),
    [
        (False, None, None, False),
        (False, None, NOW - HOUR, True),
        (False, NOW, NOW - HOUR, False),
        (True, None, None, True),
        (True, NOW - 23 * HOUR, None, False),
        (True, NOW - 24 * HOUR, None, True),
        (True, NOW - HOUR, NOW, True),
    ],
)
def test_whose_turn_it_is(opens: bool, began: datetime | None, asked: datetime | None, due: bool) -> None:
    """An applicant when somebody asks, a member at the cadence of the content as well."""
    assert is_due(kit(), opens=opens, began_at=began, asked_at=asked, now=NOW) is due


def test_nobody_asks_all_the_time() -> None:
    check_askable(kit(), asked_at=None, now=NOW)
    check_askable(kit(), asked_at=NOW - timedelta(minutes=10), now=NOW)
    with pytest.raises(TooSoon):
        check_askable(kit(), asked_at=NOW - timedelta(minutes=9), now=NOW)


def test_admission_is_told_of_failures_and_changes_only() -> None:
    """What could not be reached, was not run, or is not required, is no verdict on anybody."""
    results = [
        result("tls_floor", Outcome.PASSED),
        result("canary", Outcome.PASSED),
        result("deletion", Outcome.FAILED),
        result("overload", Outcome.COULD_NOT_REACH),
        result("contact_reached", Outcome.NOT_RUN),
    ]
    known = {"tls_floor": True, "canary": False}
    told = [(r.probe, passed) for r, passed in to_report(kit().probes, results, known)]
    assert told == [("canary", True), ("deletion", False)]
    optional = [replace(probe, required=False) for probe in kit().probes]
    assert to_report(optional, results, known) == []


def test_out_of_reach_is_an_outcome_of_its_own() -> None:
    away, byhand = result("canary", Outcome.COULD_NOT_REACH), result("contact_reached", Outcome.NOT_RUN)
    failed, passed = result("deletion", Outcome.FAILED), result("tls_floor", Outcome.PASSED)
    assert unreached([away, byhand]) and not unreached([away, passed]) and not unreached([byhand])
    assert (exit_status([passed, byhand]), exit_status([away, passed]), exit_status([away, failed])) == (0, 3, 1)


def test_after_admission_what_a_person_settles_is_left_out() -> None:
    after = {probe.id for probe in probes_for(kit(), opens=True)}
    assert {probe.id for probe in probes_for(kit(), opens=False)} - after == {"contact_reached", "offsite_restore"}


@pytest.mark.parametrize(
    "url", ["http://platform.example/x", "https://127.0.0.1:8443/", "https://a:b@platform.example/", "ftp://x", "x"]
)
def test_an_address_is_one_that_notices_could_go_to(url: str) -> None:
    with pytest.raises(AddressRefused):
        check_address(url, loopback=False)
    check_address("https://platform.example/credit", loopback=False)
    with pytest.raises(AddressRefused):
        check_address("http://127.0.0.1:8443/", loopback=True)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2400:3200::1", True),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("::1", False),
        ("::ffff:127.0.0.1", False),
        ("2002:7f00:1::", False),
        ("fe80::1%2", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),
    ],
)
def test_only_public_addresses_are_probed_from_the_server(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_a_hello_of_an_old_version_and_what_accepts_it() -> None:
    """The record of a server that agrees, one that refuses by an alert, and one that speaks something else."""
    hello = client_hello(0x0301, host="platform.example")
    assert hello[:3] == b"\x16\x03\x01" and b"platform.example" in hello
    assert len(hello) == 5 + int.from_bytes(hello[3:5], "big")
    assert b"127.0.0.1" not in client_hello(0x0301, host="127.0.0.1"), "an address is no server name"
    agreed = bytes.fromhex("16030100590200005503010000")
    assert accepted(agreed, 0x0301) and not accepted(agreed, 0x0302)
    assert not accepted(bytes.fromhex("15030100020246"), 0x0301) and is_tls(bytes.fromhex("15030100020246"))
    assert not accepted(b"HTTP/1.1 400 Bad", 0x0301) and not is_tls(b"HTTP/1.1")


def test_disputes_are_probed_where_counting_weekdays_is_too_late() -> None:
    """Before a weekend that is worked: whoever counts weekdays forwards after the last allowed day."""
    calendar = WorkCalendar.load(content_dir() / "calendar")
    plain = WorkCalendar.of([(year, (), ()) for year in calendar.years])
    day = hardest_day(calendar, 2)
    assert calendar.is_working_day(day) and plain.add(day, 2).on > calendar.add(day, 2).on
