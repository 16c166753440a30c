"""Every item of the working sharing list loads, and says all that the engine derives from it."""

from __future__ import annotations

import re
import shutil
import unicodedata
from pathlib import Path

import pytest

from xinqiao.catalogue.load import load_catalogue
from xinqiao.catalogue.types import Absence, FieldType, InvalidContent, Item, Method, Openness, Role
from xinqiao.plumbing.settings import content_dir

CATALOGUE = load_catalogue(content_dir())
# The rows of the working list, A01 to R02.
ROWS = {
    *("A01", "A02", "A03", "A04", "A05", "B01", "B02", "B03", "C01", "C02", "C03", "C04", "D01", "D02"),
    *("E01", "E02", "E03", "E04", "F01", "G01", "H01", "H02", "H03", "I01", "J01", "J02", "K01", "K02", "K03"),
    *("L01", "L02", "M01", "N01", "O01", "P01", "Q01", "R01", "R02"),
}
GB = re.compile(r"GB(?:/T)? ?\d+(?:-\d{4})?")
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


def test_every_row_of_the_list_has_an_item_in_order() -> None:
    codes = [item.list_code for item in CATALOGUE]
    assert {item.row for item in CATALOGUE} == ROWS
    assert codes == sorted(codes)


def test_items_that_share_a_row_are_told_apart_by_a_letter() -> None:
    """One file a row has the row's number; several have a, b, c from a on, so that E03 never means one of them."""
    for row in ROWS:
        codes = [item.list_code for item in CATALOGUE if item.row == row]
        assert codes == ([row] if len(codes) == 1 else [row + letter for letter in "abcdefgh"[: len(codes)]])


def test_no_item_claims_a_standard_that_could_not_be_read() -> None:
    """Neither by its declaration nor in a sentence; GB/T 47286 is the one that most wants to be claimed."""
    unread = {s.code for s in CATALOGUE.standards if not s.read}
    assert {"GB/T 47286-2026", "GB/T 39441-2020", "GB/T 39443-2020"} <= unread
    read = {s.code for s in CATALOGUE.standards if s.read}
    for item in CATALOGUE:
        assert item.standards and set(item.standards) <= read, item.code
        texts = " ".join([item.basis, item.note, item.retention, *(f.note for f in item.fields)])
        assert set(GB.findall(texts)) <= read, item.code
    assert GB.findall("按GB/T 47286-2026报送") == ["GB/T 47286-2026"]


def test_a_claim_to_follow_an_unread_standard_is_refused(tmp_path: Path) -> None:
    shutil.copytree(content_dir() / "items", tmp_path / "items")
    for name in ("standards.toml", "lists.toml"):
        shutil.copy(content_dir() / name, tmp_path)
    path = tmp_path / "items" / "tax_bureau" / "tax.payment.toml"
    path.write_text(path.read_text("utf-8").replace('"GB 32100-2015"', '"GB/T 47286-2026"'), "utf-8")
    with pytest.raises(InvalidContent) as refused:
        load_catalogue(tmp_path)
    assert [(p.field, p.code) for p in refused.value.problems] == [("tax.payment", "standard")]


def test_items_of_interface_and_verification_say_how_they_are_delivered() -> None:
    """The engine takes in files: what is called or verified says how its answers become records."""
    assert {i.method for i in CATALOGUE} == set(Method)
    assert [i.code for i in CATALOGUE if i.method is not Method.COLLECT and not i.note] == []


def test_all_of_the_list_is_marked_as_our_working_draft() -> None:
    assert [i.code for i in CATALOGUE if not i.draft or "工作草案" not in i.basis] == []


def test_at_least_twenty_departments_and_utilities_provide() -> None:
    assert len({item.department.code for item in CATALOGUE}) >= 20
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
