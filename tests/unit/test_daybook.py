"""The form of a day that both sides compute, and the comparison of two sets of lines, exact whatever the order."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.client.daybook import (
    MOST_DEPTH,
    PER_BUCKET,
    Daybook,
    access_of,
    bucket_of,
    depth_for,
    in_buckets,
    lost_line,
    received_line,
    tree_root,
    used_line,
)
from xinqiao.plumbing.settings import content_dir
from xinqiao.reconciliation.rules import (
    bounds_of,
    check_lines,
    check_roots,
    check_uses,
    compare_received,
    compare_uses,
    differs,
    expected_line,
    load_terms,
    read_statement,
)
from xinqiao.reconciliation.types import InvalidDaybook, Mismatch, MismatchKind
from xinqiao.release.types import Released

DAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
TERMS = load_terms(content_dir() / "reconciliation.toml")


def release(number: int, at: datetime = NOON, *, purpose: str = "approval", authorisation: str = "Z1") -> Released:
    return Released(f"A{number}", at, f"{number:064x}", purpose, "report", authorisation)


def book(numbers: Any, uses: Any = ()) -> Daybook:
    lines = frozenset(expected_line(release(n)) for n in numbers)
    return Daybook("bank-a", DAY, lines, frozenset(uses))


def compared(listed: set[str], released: dict[str, Released], others: dict[str, Released] | None = None) -> set[Any]:
    expected = [expected_line(one) for one in released.values()]
    found = compare_received(listed, expected, day=DAY, elsewhere=lambda names: others or {})
    return {(m.kind, m.access) for m in found}


@given(st.lists(st.integers(0, 10**6), max_size=300))
def test_the_same_lines_in_any_order_and_number_make_the_same_day(numbers: list[int]) -> None:
    shuffled = numbers * 2
    random.Random(1).shuffle(shuffled)
    assert book(numbers).statement(1) == book(shuffled).statement(1)
    assert tree_root(expected_line(release(n)) for n in shuffled) == tree_root(
        expected_line(release(n)) for n in set(numbers)
    )


@given(st.sets(st.integers(0, 10**6), min_size=1, max_size=400), st.data())
def test_only_the_bucket_of_what_differs_differs(numbers: set[int], data: Any) -> None:
    gone = data.draw(st.sampled_from(sorted(numbers)))
    depth = depth_for(len(numbers))
    whole = in_buckets((expected_line(release(n)) for n in numbers), depth)
    less = in_buckets((expected_line(release(n)) for n in numbers - {gone}), depth)
    differing = [n for n, (a, b) in enumerate(zip(whole, less, strict=True)) if tree_root(a) != tree_root(b)]
    assert differing == [bucket_of(f"A{gone}", depth)]


def test_depth_keeps_buckets_small_and_is_bounded() -> None:
    assert depth_for(0) == depth_for(PER_BUCKET) == 0
    assert depth_for(PER_BUCKET + 1) == 1
    assert depth_for(10**9) == MOST_DEPTH
    assert all(bucket_of(f"A{n}", 0) == 0 for n in range(50))


def test_each_kind_of_difference_is_named() -> None:
    released = {f"A{n}": release(n) for n in range(6)}
    others = {"A8": release(8, NOON + timedelta(days=1)), "A9": release(9)}
    right = expected_line(release(0))
    listed = {
        right,
        received_line("A1", "f" * 64, "approval", "report"),
        received_line("A2", f"{2:064x}", "post_loan", "report"),
        lost_line("A3"),
        received_line("A7", f"{7:064x}", "approval", "report"),
        expected_line(others["A8"]),
        expected_line(others["A9"]),  # through a channel that need not be listed, and true
        lost_line("A0"),
    }
    kinds = MismatchKind
    assert compared(listed, released, others) == {
        (kinds.ALTERED, "A0"),  # arrived and lost at once
        (kinds.ALTERED, "A1"),
        (kinds.ALTERED, "A2"),
        (kinds.NOT_DELIVERED, "A3"),
        (kinds.OMITTED, "A4"),
        (kinds.OMITTED, "A5"),
        (kinds.INVENTED, "A7"),
        (kinds.WRONG_DAY, "A8"),
    }


@given(st.sets(st.integers(0, 500)), st.sets(st.integers(0, 500)))
def test_comparison_equals_set_difference(released: set[int], listed: set[int]) -> None:
    """An independent word for the same: plain sets of numbers."""
    found = compared({expected_line(release(n)) for n in listed}, {f"A{n}": release(n) for n in released})
    omitted = {(MismatchKind.OMITTED, f"A{n}") for n in released - listed}
    assert found == omitted | {(MismatchKind.INVENTED, f"A{n}") for n in listed - released}


def test_uses_are_held_against_release_purpose_and_withdrawal() -> None:
    released = {
        "A1": release(1),
        "A2": release(2, authorisation="Z2"),
        "A3": release(3, NOON + timedelta(days=1)),
        "A4": release(4, purpose="evaluation"),
    }
    withdrawn = {"Z2": NOON - timedelta(days=1)}
    lines = [used_line("A1", "decision"), used_line("A2", "decision"), used_line("A2", "deleted")]
    lines += [used_line("A3", "decision"), used_line("A4", "decision"), used_line("A5", "decision")]
    lines += [used_line("A1", "resale")]
    found = compare_uses(lines, day=DAY, released=released, withdrawn=withdrawn, uses=TERMS.uses)
    kinds = MismatchKind
    assert {(m.kind, m.access, m.listed.split("\t")[2]) for m in found} == {
        (kinds.USE_FOR_OTHER, "A1", "resale"),
        (kinds.USE_AFTER_END, "A2", "decision"),
        (kinds.USE_WITHOUT_RELEASE, "A3", "decision"),
        (kinds.USE_FOR_OTHER, "A4", "decision"),
        (kinds.USE_WITHOUT_RELEASE, "A5", "decision"),
    }
    same_day = compare_uses(lines[1:2], day=DAY, released=released, withdrawn={"Z2": NOON}, uses=TERMS.uses)
    assert same_day == [], "the day on which it was taken back is not held against anybody"


def test_a_few_lost_answers_are_no_difference() -> None:
    lost = [Mismatch(MismatchKind.NOT_DELIVERED, f"A{n}", "", "") for n in range(TERMS.lost_at_most)]
    assert not differs(lost, TERMS)
    assert differs([*lost, lost[0]], TERMS)
    assert differs([Mismatch(MismatchKind.OMITTED, "A1", "", "")], TERMS)


def test_a_day_is_a_day_in_beijing() -> None:
    since, until = bounds_of(DAY)
    assert since == datetime(2026, 11, 19, 16, 0, tzinfo=UTC) and until - since == timedelta(days=1)


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"revision": 0},
        {"received": -1},
        {"received": True},
        {"depth": 3},
        {"day": "20.11.2026"},
        {"root": "00"},
        {"used_root": "zz"},
        {"more": 1},
        {"used": "1"},
    ],
)
def test_a_statement_that_is_none_is_refused(change: dict[str, Any]) -> None:
    claims = book(range(10)).statement(1) | change
    with pytest.raises(InvalidDaybook):
        read_statement(claims, signed="x", client="bank-a")


def test_roots_and_uses_must_be_those_signed() -> None:
    mine = book(range(300), [used_line("A1", "decision")])
    statement = read_statement(mine.statement(1), signed="x", client="bank-a")
    roots = [root.hex() for root in mine.roots]
    assert check_roots(roots, statement) == mine.roots
    assert check_uses(mine.used, statement) == sorted(mine.used)
    for wrong in (roots[:-1], roots[::-1], ["00", *roots[1:]], ["zz", *roots[1:]]):
        with pytest.raises(InvalidDaybook):
            check_roots(wrong, statement)
    for uses in ([], [used_line("A2", "decision")], [*mine.used, "used\tA1"]):
        with pytest.raises(InvalidDaybook):
            check_uses(uses, statement)


@pytest.mark.parametrize("line", ["", "received\tA1", "lost\tA1\tx", "used\tA1\tdecision", "lost\tA 1", "lost\tA1\n"])
def test_lines_of_another_form_are_refused(line: str) -> None:
    with pytest.raises(InvalidDaybook):
        check_lines([line], used=False, field="buckets")
    assert access_of(lost_line("A1")) == "A1"
