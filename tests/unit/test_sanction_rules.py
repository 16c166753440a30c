"""What a determination must hold, the content's 14 measures, and how a sanction stands in the records."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.factories import item, uscc
from xinqiao.plumbing.settings import content_dir
from xinqiao.sanctions.rules import (
    SANCTION_TRANSITIONS,
    check_determination,
    check_said,
    load_sanctions,
    record_row,
    unknown_choices,
)
from xinqiao.sanctions.types import Determination, InvalidDetermination, MeasureGroup, SanctionState

PATH = content_dir() / "sanctions.toml"
LISTED = load_sanctions(PATH)
TODAY = date(2026, 12, 10)
GOOD = Determination(
    enterprise=uscc(1), document_kind="judgment", document_no="示认字〔2026〕1号", determiner="示例法院",
    determined_on=date(2026, 12, 1), conduct="asset_transfer", amount_fen=100, measures=("M14", "M07"),
    ends_on=date(2028, 12, 1),
)  # fmt: skip


def checked(**changes: Any) -> Determination:
    file = {"name": changes.pop("name", "d.pdf"), "data": changes.pop("data", b"%PDF")}
    return check_determination(replace(GOOD, **changes), LISTED, **file, today=TODAY)


def test_fourteen_measures_in_three_groups_each_with_a_basis() -> None:
    groups = [m.group for m in LISTED.measures.values()]
    assert [groups.count(g) for g in MeasureGroup] == [6, 6, 2]
    assert all(m.basis.zh and m.basis.en for m in LISTED.measures.values())


def test_what_can_be_determined_can_be_recorded() -> None:
    found = item(LISTED.item)
    choices = {f.code: f.choices for f in found.fields}
    assert unknown_choices(LISTED, choices) == []
    row = record_row(checked(), "S1", LISTED)
    assert set(row) <= {f.code for f in found.fields} and row["measures"] == "M07 M14"
    assert set(found.key) <= set(row)


def test_a_determination_as_it_should_be_is_taken_with_its_code_tidied() -> None:
    assert checked(enterprise=f" {uscc(1).lower()} ").enterprise == uscc(1)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"enterprise": "9161"}, "enterprise"),
        ({"document_kind": "hearsay"}, "document_kind"),
        ({"conduct": "rudeness"}, "conduct"),
        ({"document_no": " "}, "document_no"),
        ({"determiner": "x" * 121}, "determiner"),
        ({"measures": ()}, "measures"),
        ({"measures": ("M15",)}, "measures"),
        ({"amount_fen": -1}, "amount"),
        ({"determined_on": date(2026, 12, 11)}, "determined_on"),
        ({"ends_on": date(2026, 12, 1)}, "ends_on"),
        ({"ends_on": date(2029, 12, 2)}, "ends_on"),
        ({"determined_on": date.max, "ends_on": date.max}, "determined_on"),
        ({"name": "d.txt"}, "file"),
        ({"data": b""}, "file"),
    ],
)
def test_what_is_lacking_is_named(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidDetermination) as refusal:
        checked(**changes)
    assert field in {p.field for p in refusal.value.problems}


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InvalidDetermination) as refusal:
        checked(enterprise="x", conduct="y", measures=(), name="", data=b"")
    assert len(refusal.value.problems) == 4


def test_nothing_is_in_force_unheard_and_what_ended_stays_ended() -> None:
    for state in (SanctionState.ENTERED, SanctionState.NOTIFIED):
        assert not SANCTION_TRANSITIONS.can(state, "approve")
    for state in (SanctionState.DROPPED, SanctionState.EXPIRED, SanctionState.LIFTED, SanctionState.ANNULLED):
        assert SANCTION_TRANSITIONS.events(state) == ()
    with pytest.raises(InvalidDetermination):
        check_said(" ")


def test_content_with_thirteen_measures_is_refused(tmp_path: Path) -> None:
    text = PATH.read_text("utf-8")
    (tmp_path / "sanctions.toml").write_text(text[: text.rindex("[[measures]]")], "utf-8")
    with pytest.raises(ValueError, match="14"):
        load_sanctions(tmp_path / "sanctions.toml")
