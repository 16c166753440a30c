"""One declaration, many derivations: schema, template, wording, deadline; and every fault named at once."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from python_calamine import CalamineWorkbook

from xinqiao.catalogue.load import load_catalogue, parse_due
from xinqiao.catalogue.rules import Timeliness, duty, next_due
from xinqiao.catalogue.schema import arrow_schema, consent_wording, json_schema
from xinqiao.catalogue.template import xlsx_template
from xinqiao.catalogue.types import Due, InvalidContent, Openness, UnknownField, UnknownItem
from xinqiao.ingest.mapping import map_columns
from xinqiao.kernel.working_days import WorkCalendar
from xinqiao.plumbing.settings import content_dir

CATALOGUE = load_catalogue(content_dir())
CALENDAR = WorkCalendar.load(content_dir() / "calendar")

DECLARATION = """
code = "demo.item"
list_code = "X01"
name = "示例项"
name_en = "demo item"
department = "tax_bureau"
method = "collect"
due = "monthly+15d"
openness = "mixed"
absence = "not_known"
basis = "示例"
key = ["uscc", "month"]
retention = "5 年"
[fields]
uscc = { type = "uscc", name = "代码", name_en = "code", role = "enterprise" }
month = { type = "month", name = "月份", name_en = "month", role = "occurred_on" }
grade = { type = "choice", name = "等级", name_en = "grade", choices = ["A", "B"], public_when = ["A"] }
paid_fen = { type = "money", name = "缴纳额", name_en = "paid" }
"""


def content(folder: Path, text: str) -> Path:
    """A content folder with one item."""
    (folder / "items" / "tax_bureau").mkdir(parents=True)
    (folder / "items" / "departments.toml").write_text('[tax_bureau]\nname = "税务"\nname_en = "tax"\n', "utf-8")
    (folder / "items" / "tax_bureau" / "demo.toml").write_text(text, "utf-8")
    return folder


def test_a_declaration_gives_the_stored_schema(tmp_path: Path) -> None:
    item = load_catalogue(content(tmp_path, DECLARATION)).item("X01")
    assert arrow_schema(item) == pa.schema(
        [("uscc", pa.string()), ("month", pa.date32()), ("grade", pa.string()), ("paid_fen", pa.int64())]
    )


def test_openness_is_settled_per_value(tmp_path: Path) -> None:
    item = load_catalogue(content(tmp_path, DECLARATION)).item("demo.item")
    grade, paid = item.field("grade"), item.field("paid_fen")
    assert item.openness_of(grade, "A") is Openness.PUBLIC
    assert item.openness_of(grade, "B") is Openness.NON_PUBLIC
    assert item.openness_of(paid, 1) is Openness.NON_PUBLIC


def test_the_template_can_be_filled_in_and_delivered_as_it_is() -> None:
    for item in CATALOGUE:
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(xlsx_template(item))).get_sheet_by_index(0)
        header = [str(cell) for cell in sheet.to_python()[0]]
        assert map_columns(item, header, {}) == {f.code: f.name for f in item.fields}


def test_the_same_item_gives_the_same_template() -> None:
    item = CATALOGUE.item("E01")
    assert xlsx_template(item) == xlsx_template(item)


def test_the_api_schema_names_what_is_required() -> None:
    for item in CATALOGUE:
        schema = json_schema(item)
        assert set(schema["required"]) == {f.code for f in item.fields if f.required}
        assert set(schema["properties"]) == {f.code for f in item.fields}


def test_consent_wording_says_what_and_from_whom_in_both_languages() -> None:
    item = CATALOGUE.item("H01")
    assert item.department.name in consent_wording(item)
    assert item.department.name_en in consent_wording(item, english=True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('type = "month"', 'type = "text"'), "occurred_on is a date or a month"),
        (("paid_fen", "paid"), "end its name in _fen"),
        (('public_when = ["A"]', 'public_when = ["Z"]'), "unknown choice"),
        (('key = ["uscc", "month"]', 'key = ["uscc", "nothing"]'), "unknown field 'nothing'"),
        (('openness = "mixed"', 'openness = "public"'), "openness per field"),
        (('retention = "5 年"', 'retention = "5 年"\ncolour = "red"'), "unknown key 'colour'"),
        (('role = "enterprise"', "required = true"), "0 fields have role enterprise"),
        (('due = "monthly+15d"', 'due = "sometimes"'), "sometimes"),
        (('department = "tax_bureau"', 'department = "nobody"'), "nobody"),
    ],
)
def test_a_contradiction_is_refused_by_name(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    with pytest.raises(InvalidContent) as caught:
        load_catalogue(content(tmp_path, DECLARATION.replace(*change)))
    assert any(words in p.message for p in caught.value.problems)


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    text = DECLARATION.replace("paid_fen", "paid").replace('["A"]', '["Z"]')
    with pytest.raises(InvalidContent) as caught:
        load_catalogue(content(tmp_path, text))
    assert len(caught.value.problems) == 2


def test_unknown_names_say_so() -> None:
    with pytest.raises(UnknownItem):
        CATALOGUE.item("Z99")
    with pytest.raises(UnknownField):
        CATALOGUE.item("E01").field("nothing")


@pytest.mark.parametrize(
    ("due", "last", "expected"),
    [
        ("daily", "2026-11-20", "2026-11-21"),
        ("weekly", "2026-11-20", "2026-11-27"),
        ("monthly+15d", "2026-11-20", "2026-12-16"),
        ("yearly+120d", "2026-04-15", "2027-05-01"),
        ("7wd", "2026-09-18", "2026-09-29"),  # Sunday 09-20 is worked, 09-25 to 09-27 are off
    ],
)
def test_the_next_deadline(due: str, last: str, expected: str) -> None:
    assert next_due(parse_due(due), date.fromisoformat(last), CALENDAR) == date.fromisoformat(expected)


def test_where_an_item_stands() -> None:
    due, today = Due("monthly", 15), date(2026, 12, 14)
    stands = [
        duty(due, last, today, CALENDAR).timeliness for last in (None, date(2026, 10, 1), date(2026, 11, 3), today)
    ]
    assert stands == [Timeliness.NEVER, Timeliness.LATE, Timeliness.SOON, Timeliness.ON_TIME]
