"""The scanner itself: what it must find in an answer, and what it must let pass."""

from __future__ import annotations

import pytest

from tests.scanner import off_list, off_list_of_page
from xinqiao.catalogue.load import list_files, parse_catalogue
from xinqiao.plumbing.settings import content_dir

LIST = parse_catalogue(list_files(content_dir()))
TAX = "tax.payment"


@pytest.mark.parametrize(
    ("block", "found"),
    [
        ({"item": TAX, "rows": [{"month": "2026-01", "sales_fen": 1}]}, []),
        ({"item": TAX, "rows": [{"month": "2026-01", "profit_fen": 1}]}, [f"{TAX}.profit_fen"]),
        ({"item": "tax.secret", "rows": []}, ["tax.secret"]),
    ],
)
def test_what_is_not_listed_is_found_at_any_depth(block: dict[str, object], found: list[str]) -> None:
    """In a block among others, inside a document."""
    whole = {"document": {"items": [{**block, "state": "value", "provider": "x"}]}}
    assert list(off_list(whole, LIST)) == found


def test_a_value_that_rests_on_an_item_off_the_list_is_found() -> None:
    """But not one that says it is not known."""
    files = {name: text for name, text in list_files(content_dir()).items() if not name.endswith(f"/{TAX}.toml")}
    without = parse_catalogue(files)
    from xinqiao.evaluation.compute import facts_by_code

    code = next(code for code, facts in facts_by_code().items() if TAX in facts.items)
    known = {"code": code, "state": "value", "value": 3}
    assert list(off_list([known], without)) == [f"{code} of {TAX}"] and list(off_list([known], LIST)) == []
    assert list(off_list([{**known, "state": "not_known", "value": None}], without)) == []


def test_a_column_of_a_page_is_known_by_its_marks() -> None:
    """The table names the item, the heading the field."""
    page = '<table data-item="{}"><thead><tr><th data-field="{}">x</th></tr></thead></table>'
    assert list(off_list_of_page(page.format(TAX, "sales_fen"), LIST)) == []
    assert list(off_list_of_page(page.format(TAX, "profit"), LIST)) == [f"{TAX}.profit"]
