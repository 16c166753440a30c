"""The register's content, its table of steps, and what a decision must hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from xinqiao.kernel.transitions import TransitionRefused
from xinqiao.plumbing.settings import content_dir
from xinqiao.violations.rules import (
    CASE_TRANSITIONS,
    check_kind,
    check_measures,
    check_other_person,
    check_words,
    load_register,
)
from xinqiao.violations.types import ENDED, CaseState, InvalidCase, OtherPersonDecides

PATH = content_dir() / "violations.toml"
REGISTER = load_register(PATH)


def test_the_policys_five_and_the_ledger_are_kinds_with_a_basis() -> None:
    assert set(REGISTER.kinds) == {
        "unlawful_obtaining", "spreading", "leaking", "selling", "open_supply", "ledger_mismatch",
    }  # fmt: skip
    assert all(kind.basis.zh and kind.basis.en for kind in REGISTER.kinds.values())
    assert [m.code for m in REGISTER.measures.values()] == ["warning", "limit", "suspension", "exit", "referral"]
    assert [m.severe for m in REGISTER.measures.values()] == [False, True, True, True, True]


def test_nobody_is_decided_on_unheard() -> None:
    """Every way from the beginning to a measure leads through the hearing."""
    for state in (CaseState.OPENED, CaseState.INVESTIGATING, CaseState.HEARING):
        with pytest.raises(TransitionRefused):
            CASE_TRANSITIONS.check(state, "decide")
    assert CASE_TRANSITIONS.events(CaseState.HEARING) == ("state", "lapse")
    assert all(not CASE_TRANSITIONS.events(state) for state in ENDED)


def test_a_decision_names_measures_of_the_list_and_what_they_need() -> None:
    found = check_measures(["suspension", "warning"], REGISTER, document="", party="")
    assert [m.code for m in found] == ["warning", "suspension"]
    with pytest.raises(InvalidCase) as refusal:
        check_measures(["referral", "limit", "flogging", "suspension", "exit"], REGISTER, document=" ", party="node")
    assert {p.code for p in refusal.value.problems} == {
        "violations.measure", "violations.no_document", "violations.no_party", "violations.one_of",
    }  # fmt: skip
    with pytest.raises(InvalidCase):
        check_measures([], REGISTER, document="", party="")


def test_words_kinds_and_people_are_checked() -> None:
    assert check_words(" x ") == "x"
    for text in (" ", "x" * 501):
        with pytest.raises(InvalidCase):
            check_words(text)
    with pytest.raises(InvalidCase):
        check_kind("rudeness", REGISTER)
    with pytest.raises(OtherPersonDecides):
        check_other_person("person:1", before=["person:1"])


@pytest.mark.parametrize(
    ("old", "new"),
    [("heard = 10", "heard = 0"), ("appealed = 10", ""), ('severe = true\neffect = "suspend"', 'effect = "suspend"')],
)
def test_content_that_leaves_something_out_is_refused(tmp_path: Path, old: str, new: str) -> None:
    text = PATH.read_text("utf-8")
    assert old in text
    (tmp_path / "violations.toml").write_text(text.replace(old, new), "utf-8")
    with pytest.raises(ValueError, match=r"violations|suspension"):
        load_register(tmp_path / "violations.toml")
