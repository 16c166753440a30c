"""Every item of the working sharing list loads, and says all that the engine derives from it."""

from __future__ import annotations

import unicodedata

import pytest

from xinqiao.catalogue.load import load_catalogue
from xinqiao.catalogue.types import Absence, FieldType, Item, Openness, Role
from xinqiao.plumbing.settings import content_dir

CATALOGUE = load_catalogue(content_dir())
# The rows of the list that the first release of this content must have.
FIRST = {"A01", "A02", "B01", "B02", "C01", "C02", "D01", "E01", "E02", "E03", "F01", "G01", "H01", "K01"}
COMPLETE_LISTS = {
    "penalty.decision",
    "list.abnormal",
    "list.serious",
    "judicial.dishonest",
    "tax.arrears_notice",
}

every_item = pytest.mark.parametrize("item", CATALOGUE.items, ids=lambda item: item.code)


def _heading(text: str) -> str:
    return unicodedata.normalize("NFKC", text).replace(" ", "").casefold()


def test_the_list_has_its_first_fourteen_items_in_order() -> None:
    codes = [item.list_code for item in CATALOGUE]
    assert set(codes) >= FIRST
    assert codes == sorted(codes)


def test_at_least_nine_departments_and_utilities_provide() -> None:
    assert len({item.department.code for item in CATALOGUE}) >= 9
    assert all(CATALOGUE.of_department(department.code) for department in CATALOGUE.departments)


def test_complete_lists_answer_verified_none_and_monthly_series_do_not() -> None:
    for item in CATALOGUE:
        monthly = any(f.type is FieldType.MONTH for f in item.fields)
        if item.code in COMPLETE_LISTS:
            assert item.absence is Absence.VERIFIED_NONE, item.code
        if monthly:
            assert (item.absence, item.openness) == (Absence.NOT_KNOWN, Openness.NON_PUBLIC), item.code


@every_item
def test_texts_are_given_in_chinese_and_english(item: Item) -> None:
    names = [(item.name, item.name_en), (item.department.name, item.department.name_en)]
    for name, name_en in names + [(f.name, f.name_en) for f in item.fields]:
        assert name and name_en and name_en.isascii()
    assert item.basis and item.retention
    assert not item.draft or "工作草案" in item.basis


@every_item
def test_the_folder_is_the_department_and_the_file_the_item(item: Item) -> None:
    assert (content_dir() / "items" / item.department.code / f"{item.code}.toml").is_file()


@every_item
def test_one_heading_means_one_field(item: Item) -> None:
    headings = [_heading(text) for f in item.fields for text in (f.name, *f.aliases)]
    assert sorted(headings) == sorted(set(headings))


@every_item
def test_key_fields_are_required_and_a_day_is_known(item: Item) -> None:
    assert all(item.field(code).required for code in item.key)
    assert item.role(Role.OCCURRED_ON) is not None


@every_item
def test_examples_show_one_good_row_and_two_faults(item: Item) -> None:
    verdicts = [example.expect for example in item.examples]
    assert "ok" in verdicts
    assert sum(v != "ok" for v in verdicts) >= 2
    for verdict in verdicts:
        field, _, code = verdict.partition(": ")
        assert verdict == "ok" or (item.field(field) and code), verdict


def test_the_registration_feed_maps_every_heading() -> None:
    item = CATALOGUE.item("registration.basic")
    known = {text for f in item.fields for text in (f.name, *f.aliases)}
    feed = "企业名称,统一社会信用代码,注册日期,企业类型,法人代表,注册资金,经营范围,所在省份,地区,注册地址"
    assert set(feed.split(",")) <= known
    assert {f.code for f in item.fields if f.required} == {"uscc", "name"}
