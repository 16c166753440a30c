"""A profile shows what its answer holds: known parts, tags with their value, dates, and no relation by a name."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.factories import uscc
from xinqiao.catalogue.load import load_catalogue
from xinqiao.evaluation.compute import facts_by_code, scorecards
from xinqiao.evaluation.profile import NODES, Profile, load_profile, profile
from xinqiao.plumbing.settings import content_dir
from xinqiao.web.radar import radar

CONTENT = load_profile(content_dir() / "profile.toml")
CARD = scorecards()[-1]
ITEMS = {item.code: item for item in load_catalogue(content_dir())}
TODAY = date(2026, 11, 20)


def line(code: str, value: Any, state: str = "value") -> dict[str, Any]:
    return {"code": code, "value": value, "state": state, "points": 1, "maximum": 2}


def evaluation(*lines: dict[str, Any], coverage: int = 70) -> dict[str, Any]:
    parts = [{"code": d.code, "points": 30, "maximum": 100, "known_maximum": 90} for d in CARD.dimensions]
    parts[-1] |= {"points": 0, "known_maximum": 0}
    return {"dimensions": parts, "indicators": list(lines), "coverage": coverage}


def made(*blocks: dict[str, Any], scored: dict[str, Any] | None = None, **more: Any) -> Profile:
    values: dict[str, Any] = {"medians": {}, "peers": 0, "today": TODAY, **more}
    return profile({"evaluation": scored, "items": list(blocks)}, CONTENT, CARD, ITEMS, **values)


def test_content_names_indicators_of_the_card_and_items_of_the_list() -> None:
    assert len(CONTENT.tags) >= 10 and len({kind.code for kind in CONTENT.kinds}) == 6
    assert {tag.indicator for tag in CONTENT.tags} <= set(facts_by_code())
    assert {item for kind in CONTENT.kinds for item in kind.items} <= set(ITEMS)
    used = {indicator.code for indicator in CARD.indicators}
    assert {tag.indicator for tag in CONTENT.tags} <= used, "a tag that no evaluation can give"


def test_axes_stand_beside_the_median_and_unknown_is_not_zero() -> None:
    first, last = CARD.dimensions[0].code, CARD.dimensions[-1].code
    found = made(scored=evaluation(), medians={first: 41}, peers=7)
    assert 3 <= len(found.axes) <= 8 and found.peers == 7
    assert (found.axes[0].percent, found.axes[0].median) == (33, 41)
    assert (found.axes[-1].code, found.axes[-1].percent, found.axes[-1].median) == (last, None, None)


def test_a_firm_without_peers_has_no_median_and_is_drawn_all_the_same() -> None:
    found = made(scored=evaluation())
    assert found.peers == 0 and all(axis.median is None for axis in found.axes)
    drawing = radar(found.axes, title="t")
    assert drawing.startswith("<svg") and "script" not in drawing and drawing.count("<text") == len(found.axes)


def test_a_tag_holds_with_its_value_and_never_for_what_is_not_known() -> None:
    found = made(
        scored=evaluation(
            line("identity.age_months", 120),
            line("operation.sales_change_percent", "-30.0000"),
            line("public_credit.penalties_24m", None, "not_known"),
            line("fulfilment.tax_grade", "B"),
        )
    )
    assert [(tag.rule.code, tag.value) for tag in found.tags] == [
        ("long_standing", 120),
        ("sales_falling", "-30.0000"),
    ]


def test_no_relation_is_made_by_a_name() -> None:
    """A shareholder that is called like a listed enterprise, or like a person elsewhere, is nobody here."""
    names = {"item": "registration.shareholders", "rows": [{"shareholder": uscc(7), "kind": "企业法人"}]}
    branches = {
        "item": "registration.branches",
        "rows": [
            {"uscc": uscc(1), "branch_uscc": uscc(2), "branch_name": "示例企业3"},
            {"uscc": uscc(1), "branch_uscc": "9161", "branch_name": "示例企业4"},
            {"uscc": uscc(1), "branch_uscc": None, "branch_name": "示例企业5"},
        ],
    }
    found = made(names, branches)
    assert [(one.code, one.field) for one in found.relations] == [(uscc(2), "branch_uscc")]


def test_many_relations_are_grouped() -> None:
    rows = [{"branch_uscc": uscc(10 + n)} for n in range(NODES + 1)]
    found = made({"item": "registration.branches", "rows": rows})
    assert found.relations == () and found.groups == (("registration.branches:branch_uscc", NODES + 1),)
    assert len(made({"item": "registration.branches", "rows": rows[:NODES]}).relations) == NODES


def test_the_timeline_holds_only_dates_of_rows_in_the_answer_and_marks_what_lies_ahead() -> None:
    licence = {"decided_on": "2026-01-02", "valid_to": "2029-01-01", "authority": "2026-05-05"}
    found = made({"item": "permit.licence", "rows": [licence]}, {"item": "financing.loan", "figures": []})
    assert [(str(e.on), e.field, e.ahead) for e in found.events] == [
        ("2029-01-01", "valid_to", True),
        ("2026-01-02", "decided_on", False),
    ]


@pytest.mark.parametrize(("coverage", "word"), [(80, "high"), (79, "medium"), (59, "low")])
def test_confidence_follows_coverage(coverage: int, word: str) -> None:
    assert made(scored=evaluation(coverage=coverage)).confidence == word
    assert made().confidence == "low"
