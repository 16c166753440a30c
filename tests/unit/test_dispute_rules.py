"""Rules of disputes: after hours, differences of answers, bad content."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest

from xinqiao.corrections.differing import differences
from xinqiao.disputes.refusals import InvalidDisputes
from xinqiao.disputes.rules import changed_fields, counted_from, load_dispute_rules, marks_due
from xinqiao.disputes.types import AfterHours
from xinqiao.kernel.dated import BEIJING
from xinqiao.kernel.papers import kind_of
from xinqiao.kernel.working_days import WorkCalendar
from xinqiao.plumbing.settings import content_dir

PATH = content_dir() / "disputes.toml"
RULES = load_dispute_rules(PATH)
DAYS = WorkCalendar.load(content_dir() / "calendar")


@pytest.mark.parametrize(
    ("moment", "same", "later"),
    [
        ("2026-11-20T08:00", "2026-11-20", "2026-11-20"),  # early on a Friday
        ("2026-11-20T17:30", "2026-11-20", "2026-11-23"),  # at closing time
        ("2026-11-21T10:00", "2026-11-21", "2026-11-23"),  # Saturday
        ("2026-09-20T10:00", "2026-09-20", "2026-09-20"),  # a Sunday that is worked
        ("2026-10-03T10:00", "2026-10-03", "2026-10-08"),  # within the long holiday
    ],
)
def test_after_hours_counts_as_the_content_says(moment: str, same: str, later: str) -> None:
    at = datetime.fromisoformat(moment).replace(tzinfo=BEIJING)
    assert counted_from(at, replace(RULES, after_hours=AfterHours.SAME_DAY), DAYS) == date.fromisoformat(same)
    assert counted_from(at, replace(RULES, after_hours=AfterHours.NEXT_WORKDAY), DAYS) == date.fromisoformat(later)


def test_marks_are_due_once_the_weightiest_first() -> None:
    assert marks_due(49, ()) == [] and marks_due(80, ()) == [80, 50]
    assert marks_due(100, (50,)) == [100, 80] and marks_due(99, (50, 80)) == []


def test_files_are_told_by_how_they_begin() -> None:
    assert (kind_of(b"%PDF-1"), kind_of(b"\x89PNG\r\n\x1a\n"), kind_of(b"MZ")) == ("pdf", "png", None)


def test_a_correction_names_what_it_writes_otherwise() -> None:
    assert changed_fields({"a": "1", "b": "2"}, {"a": " 1 ", "b": "3", "c": ""}) == {"b": "3"}


def answer(**changes: object) -> dict[str, object]:
    block = {"item": "x", "state": "value", "rows": [{"n": 1}, {"n": 2}], "figures": [{"code": "c", "value": 1}]}
    result = {"score": 700, "grade": "A", "coverage": 90, "vetoes": [], "indicators": [{"code": "c", "value": 1}]}
    return {"items": [block | changes], "evaluation": result, "scenarios": []}


def test_rows_differ_by_content_and_lines_by_name() -> None:
    assert differences(answer(), answer()) == []
    found = differences(answer(), answer(rows=[{"n": 3}, {"n": 2}], figures=[{"code": "c", "value": 2}]))
    assert [(c.where, c.said, c.right) for c in found] == [
        ("items/x/rows", {"n": 1}, {"n": 3}),
        ("items/x/figures/c", {"code": "c", "value": 1}, {"code": "c", "value": 2}),
    ]
    [gone] = differences(answer(), answer(rows=[{"n": 2}]))
    assert (gone.said, gone.right) == ({"n": 1}, None)


def test_a_difference_in_what_has_no_name_is_not_passed_over() -> None:
    [found] = differences(answer(), answer() | {"obligations": ["more"]})
    assert found.where == "document"


def test_wrong_content_is_told_whole(tmp_path: Path) -> None:
    text = (
        PATH.read_text("utf-8").replace("forward_workdays = 2", "forward_workdays = 0").replace('"same_day"', '"never"')
    )
    path = tmp_path / "disputes.toml"
    path.write_text(text.replace('code = "not_ours"', 'code = "wrong_value"'), "utf-8")
    with pytest.raises(InvalidDisputes) as caught:
        load_dispute_rules(path)
    assert {p.field for p in caught.value.problems} == {"forward_workdays", "after_hours", "grounds"}
