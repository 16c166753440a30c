"""Each sentinel speaks of what it is for, and of nothing that an honest day looks like."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from tests.factories import uscc
from xinqiao.kernel.working_days import WorkCalendar
from xinqiao.plumbing.settings import content_dir
from xinqiao.supervision.rules import (
    check_other_person,
    check_said,
    findings,
    is_off_duty,
    load_watching,
    neighbours,
)
from xinqiao.supervision.types import Known, Look, NoReason, SecondPersonNeeded, Sentinel

WATCHING = load_watching(content_dir() / "sentinels.toml")
CALENDAR = WorkCalendar.load(content_dir() / "calendar")
NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)  # a Friday, 12:00 in Beijing
NIGHT = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)  # Saturday, 02:00
FAR = 7919  # codes so far apart are no neighbours


def look(number: int, *, at: datetime = NOON, enterprise: str = "", **facts: object) -> Look:
    """The number-th look of a party, a second after the one before."""
    values = {"purpose": "public", "authorisation": "", "allowed": True} | facts
    return Look(f"A{number}", at + timedelta(seconds=number), enterprise or uscc(1 + number * FAR), **values)  # type: ignore[arg-type]


def said(looks: Iterable[Look], known: Known, *, now: datetime | None = None) -> set[Sentinel]:
    """Which sentinels speak just after the last look."""
    seen = list(looks)
    found = findings(seen, known, WATCHING, CALENDAR, now=now or seen[-1].at)
    return {finding.sentinel for finding in found}


def firms(count: int) -> list[str]:
    return [look(n).enterprise for n in range(count)]


def test_a_day_of_honest_work_raises_nothing() -> None:
    """Forty firms looked up, most of them asked afterwards, reports read under authorisations."""
    looks = [look(n, at=NOON + timedelta(minutes=5 * n)) for n in range(40)]
    late = NOON + timedelta(minutes=201)
    looks += [
        look(50 + n, at=late, enterprise=looks[n].enterprise, purpose="approval", authorisation=f"Z{n}")
        for n in range(30)
    ]
    firms_asked = frozenset(one.enterprise for one in looks[:30])
    known = Known(applied=firms_asked, purposes={"approval": 900, "public": 1200}, night={})
    assert said(looks, known) == set()


def slowly(count: int, *, since: datetime = NOON) -> list[Look]:
    """Looks at different firms, half an hour apart."""
    return [look(n, at=since + timedelta(minutes=30 * n)) for n in range(count)]


def test_queries_with_no_application_behind_them_at_once() -> None:
    """Eight firms within minutes of which nothing was ever asked, honest work in between or not."""
    assert said([look(n) for n in range(8)], Known()) == {Sentinel.NO_APPLICATION}
    assert said([look(n) for n in range(7)], Known()) == set()
    assert said([look(n) for n in range(10)], Known(applied=frozenset(firms(10)[4:6]))) == {Sentinel.NO_APPLICATION}
    assert said([look(n) for n in range(12)], Known(applied=frozenset(firms(12)[4:8]))) == set()


def test_queries_with_no_application_behind_them_slowly() -> None:
    """The last ten firms of the day, all without an application; one with an application explains the row."""
    assert said(slowly(10), Known()) == {Sentinel.NO_APPLICATION}
    assert said(slowly(9), Known()) == set()
    assert said(slowly(12), Known(applied=frozenset({slowly(12)[5].enterprise}))) == set()


def test_honest_work_of_the_same_day_hides_nothing() -> None:
    """Thirty firms with applications in the morning, eight without at noon."""
    morning = [look(n, at=NOON - timedelta(hours=3)) for n in range(30)]
    looks = [*morning, *(look(100 + n) for n in range(8))]
    assert said(looks, Known(applied=frozenset(firms(30)))) == {Sentinel.NO_APPLICATION}


def test_a_read_under_an_authorisation_is_its_own_application() -> None:
    looks = [look(n, purpose="approval", authorisation=f"Z{n}") for n in range(20)]
    assert said(looks, Known()) == set()


def test_enumeration_by_neighbouring_codes() -> None:
    """One code after the other; the last two characters are check characters and say nothing of the order."""
    looks = [look(n, enterprise=uscc(5000 + 31 * 3 * n)) for n in range(7)]
    assert said(looks, Known()) == {Sentinel.ENUMERATION}
    assert neighbours([one.enterprise for one in looks]) == 6


def test_the_same_firm_again_is_no_neighbour() -> None:
    assert neighbours([uscc(7)] * 20) == 0
    assert said([look(n, enterprise=uscc(7)) for n in range(30)], Known()) == set()


def test_enumeration_by_codes_that_do_not_exist() -> None:
    looks = [look(n, unknown=True, allowed=False) for n in range(5)]
    assert Sentinel.ENUMERATION in said(looks, Known())
    mistyped = [look(n, unknown=n % 12 == 0, allowed=n % 12 != 0) for n in range(60)]
    applied = frozenset(one.enterprise for one in mistyped)
    assert said(mistyped[:59], Known(applied=applied)) == set(), "one in twelve is a slip of the hand"


def test_enumeration_by_numbers() -> None:
    asked = frozenset(firms(60))
    assert said([look(n) for n in range(60)], Known(applied=asked)) == {Sentinel.ENUMERATION}
    assert said([look(n) for n in range(59)], Known(applied=asked)) == set()


def test_off_hours_burst() -> None:
    """Ten at two in the morning from somebody who never worked at night; a night batch that is usual stays quiet."""
    looks = [look(n, at=NIGHT) for n in range(10)]
    known = Known(applied=frozenset(firms(10)))
    assert said(looks, known) == {Sentinel.OFF_HOURS}
    assert said(looks[:9], known) == set()
    assert said([look(n) for n in range(10)], known) == set()
    usual = Known(applied=frozenset(firms(10)), night={2: 40})
    assert said(looks, usual) == set()
    evenings = Known(applied=frozenset(firms(10)), night={21: 40})
    assert said(looks, evenings) == {Sentinel.OFF_HOURS}, "late evenings are no habit of two in the morning"
    many = [look(n, at=NIGHT, purpose="post_loan", authorisation="Z") for n in range(120)]
    assert said(many, usual) == {Sentinel.OFF_HOURS}, "far more than the usual batch"


@pytest.mark.parametrize(
    ("at", "off"),
    [
        (NOON, False),
        (NIGHT, True),
        (datetime(2026, 10, 1, 2, tzinfo=UTC), True),  # national day, ten in the morning
        (datetime(2026, 10, 10, 2, tzinfo=UTC), False),  # a Saturday that is worked
        (datetime(2026, 11, 19, 23, 29, tzinfo=UTC), True),
        (datetime(2026, 11, 19, 23, 30, tzinfo=UTC), False),
    ],
)
def test_duty_follows_the_calendar_of_working_days(at: datetime, off: bool) -> None:
    assert is_off_duty(at, WATCHING, CALENDAR) is off


def test_purpose_drift() -> None:
    """A team that always approves loans suddenly monitors: a purpose never had, or another mixture."""
    habit = {"approval": 300, "pre_loan": 100, "public": 800}
    strange = [look(n, purpose="post_loan", authorisation="Z") for n in range(8)]
    assert said(strange, Known(purposes=habit)) == {Sentinel.PURPOSE_DRIFT}
    assert said(strange[:7], Known(purposes=habit)) == set()
    mixture = [look(n, purpose="pre_loan", authorisation="Z") for n in range(12)]
    assert said(mixture, Known(purposes={"approval": 300, "pre_loan": 20})) == {Sentinel.PURPOSE_DRIFT}
    assert said(strange, Known(purposes={"approval": 12})) == set(), "too little to be a habit"


def test_use_after_withdrawal() -> None:
    """Three attempts half an hour and more after it; a program that is about to learn of it is not accused."""
    ended = {"Z1": NOON}
    late = [look(1900 + n, purpose="approval", authorisation="Z1", allowed=False) for n in range(3)]
    applied = frozenset(one.enterprise for one in late)
    assert said(late, Known(applied=applied, withdrawn=ended)) == {Sentinel.AFTER_WITHDRAWAL}
    assert said(late[:2], Known(applied=applied, withdrawn=ended)) == set()
    early = [look(n, purpose="approval", authorisation="Z1", allowed=False) for n in range(3)]
    assert said(early, Known(applied=applied, withdrawn=ended)) == set()


def test_one_look_at_a_canary_is_enough() -> None:
    planted = Known(canaries=frozenset({uscc(99)}))
    assert said([look(1, enterprise=uscc(99))], planted) == {Sentinel.CANARY}
    assert said([look(1, enterprise=uscc(98))], planted) == set()


def test_what_lies_outside_the_window_no_longer_counts() -> None:
    looks = [look(n) for n in range(10)]
    assert said(looks, Known(), now=NOON + timedelta(hours=25)) == set()


def test_a_finding_names_the_looks_that_count_against_the_party() -> None:
    asked = look(0)
    looks = [asked, *(look(n) for n in range(1, 12))]
    found = findings(looks, Known(applied=frozenset({asked.enterprise})), WATCHING, CALENDAR, now=looks[-1].at)
    assert [f.sentinel for f in found] == [Sentinel.NO_APPLICATION]
    assert set(found[0].looks) == set(looks[1:])
    assert found[0].figures == {"enterprises": 12, "without_application": 11}


def test_two_people_are_two() -> None:
    check_other_person("person:2", before=["person:1"])
    with pytest.raises(SecondPersonNeeded):
        check_other_person("person:1", before=["person:1", "person:2"])


@pytest.mark.parametrize("text", ["", "   ", "x" * 501])
def test_every_step_has_its_reason_in_words(text: str) -> None:
    with pytest.raises(NoReason):
        check_said(text)
    assert check_said("  why ") == "why"
