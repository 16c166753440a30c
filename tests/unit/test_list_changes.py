"""What two versions of the list differ in, what may not differ, and which files make a version."""

from __future__ import annotations

import io
import zipfile
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.catalogue.changes import ChangeKind, carries, changes, faults
from xinqiao.catalogue.load import list_digest, list_files, parse_catalogue
from xinqiao.catalogue.types import Catalogue, InvalidContent
from xinqiao.kernel.working_days import WorkCalendar
from xinqiao.plumbing.settings import content_dir
from xinqiao.stewardship.rules import check_change, load_reminding, packed, reminder_due, with_uploads
from xinqiao.stewardship.types import DutyReminder, ListRefused, NothingChanges, ReminderKind, UnreadableList

FILES = list_files(content_dir())
LIST = parse_catalogue(FILES)
TAX = "items/tax_bureau/tax.payment.toml"
CALENDAR = WorkCalendar.load(content_dir() / "calendar")
RULE = load_reminding(content_dir() / "duties.toml")


def edited(name: str, *pairs: tuple[str, str]) -> Catalogue:
    """The list with texts of one file replaced."""
    text = FILES[name]
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return parse_catalogue({**FILES, name: text})


def test_the_digest_of_a_list_is_that_of_its_item_files_by_sha256sum() -> None:
    """As anybody prints it: names within ``items``, in order, each with its own digest."""
    import hashlib

    names = sorted(p.relative_to(content_dir() / "items").as_posix() for p in (content_dir() / "items").rglob("*.toml"))
    lines = [f"{hashlib.sha256((content_dir() / 'items' / n).read_bytes()).hexdigest()}  {n}\n" for n in names]
    assert list_digest(FILES) == hashlib.sha256("".join(lines).encode()).hexdigest() == LIST.sha256


def test_a_removed_an_added_and_a_changed_item_are_told_apart() -> None:
    """Each with what is different, and by the number in the list."""
    without = parse_catalogue({name: text for name, text in FILES.items() if name != TAX})
    assert [(c.kind, c.item.code) for c in changes(LIST, without)] == [(ChangeKind.REMOVED, "tax.payment")]
    assert [(c.kind, c.item.code) for c in changes(without, LIST)] == [(ChangeKind.ADDED, "tax.payment")]
    [change] = changes(LIST, edited(TAX, ('due = "monthly+20d"', 'due = "monthly+10d"')))
    [difference] = change.differences
    found = (change.kind, difference.attribute, difference.before, difference.after)
    assert found == (ChangeKind.CHANGED, "due", "monthly+20d", "monthly+10d")
    assert changes(LIST, LIST) == ()


def test_a_field_that_becomes_public_is_named() -> None:
    """Opening is what a second person must not overlook; closing is not said to be opening."""
    opened = edited(TAX, ('openness = "non_public"', 'openness = "public"'))
    [change] = changes(LIST, opened)
    assert set(change.wider) == {f.code for f in LIST.item("tax.payment").fields}
    [back] = changes(opened, LIST)
    assert back.wider == ()
    rating = "items/tax_bureau/tax.credit_rating.toml"
    [one] = changes(LIST, edited(rating, ('public_when = ["A"]', 'public_when = ["A", "B"]')))
    assert one.wider == ("grade",)


def test_rows_that_are_recorded_are_not_respelled_and_the_registry_stays() -> None:
    """All faults at once; none for what only adds or describes."""
    retyped = edited(TAX, ('[fields.sales_fen]\ntype = "money"', '[fields.sales_fen]\ntype = "integer"'))
    assert [p.code for p in faults(LIST, retyped)] == ["stored"]
    registry = "items/market_regulation/registration.basic.toml"
    without = parse_catalogue({name: text for name, text in FILES.items() if name != registry})
    assert [p.code for p in faults(LIST, without, needed=["registration.basic"])] == ["needed"]
    rekeyed = edited(TAX, ('key = ["uscc", "month"]', 'key = ["uscc"]'))
    assert [p.code for p in faults(LIST, rekeyed)] == ["key"]
    assert faults(LIST, edited(TAX, ('due = "monthly+20d"', 'due = "monthly+10d"'))) == []
    with pytest.raises(ListRefused) as refused:
        check_change(LIST, without, needed=["registration.basic"])
    assert refused.value.problems[0].field == "registration.basic"
    with pytest.raises(NothingChanges):
        check_change(LIST, LIST, needed=[])


def test_what_is_written_over_an_item_needs_its_fields_as_they_were_declared() -> None:
    """A field more does no harm; one less does."""
    item = LIST.item("tax.payment")
    more = edited(
        TAX, ("[fields.uscc]", '[fields.remark]\ntype = "text"\nname = "备注"\nname_en = "remark"\n\n[fields.uscc]')
    )
    assert carries(more.item("tax.payment"), item) and not carries(item, more.item("tax.payment"))


def test_files_are_put_in_place_by_what_they_declare() -> None:
    """A .toml adds or changes an item wherever it came from; a code takes one off; a .zip is the whole list."""
    changed = FILES[TAX].replace('due = "monthly+20d"', 'due = "monthly+10d"')
    files = with_uploads(FILES, [("whatever.toml", changed.encode())], ["utility.gas"])
    assert "items/gas_supply/utility.gas.toml" not in files
    assert files[TAX] == changed
    assert with_uploads({}, [("list.zip", packed(FILES))]) == FILES
    moved = changed.replace('department = "tax_bureau"', 'department = "finance"')
    files = with_uploads(FILES, [("tax.payment.toml", moved.encode())])
    assert TAX not in files and parse_catalogue(files).item("tax.payment").department.code == "finance"


def test_what_is_no_list_is_refused_with_every_fault() -> None:
    """A broken archive, a file that is none, an item that is not there; a list with a stray file."""
    with pytest.raises(UnreadableList) as refused:
        with_uploads(FILES, [("a.zip", b"no"), ("b.toml", b"\xff"), ("c.toml", b"code = 1")], ["no.such"])
    assert [p.field for p in refused.value.problems] == ["a.zip", "b.toml", "c.toml", "no.such"]
    with pytest.raises(InvalidContent) as stray:
        parse_catalogue({**FILES, "../secret.toml": "x = 1"})
    assert [p.field for p in stray.value.problems] == ["../secret.toml"]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("items/x/y.toml", b"a" * 5_000_000)
    with pytest.raises(UnreadableList):
        with_uploads(FILES, [("bomb.zip", out.getvalue())])


@given(st.dates(date(2026, 1, 1), date(2026, 10, 31)), st.integers(0, 60), st.sets(st.integers(0, 80)))
def test_a_provider_is_reminded_on_working_days_and_never_twice_for_the_same(
    start: date, wait: int, missed: set[int]
) -> None:
    """Whatever days the node was down: each step before once, every so many days after, the lead department once."""
    due_on, said = start + timedelta(days=wait), list[DutyReminder]()
    for day in range(80):
        today = start + timedelta(days=day)
        if day in missed:
            continue
        found = reminder_due(due_on, today, CALENDAR, RULE, said)
        assert found is None or CALENDAR.is_working_day(today)
        if found:
            said.append(DutyReminder("x", "y", found[0], due_on, found[1], None))  # type: ignore[arg-type]
    soon = [r.workdays for r in said if r.kind is ReminderKind.SOON]
    assert len(soon) <= len(RULE.before) and soon == sorted(soon, reverse=True)
    escalated = [r for r in said if r.kind is ReminderKind.ESCALATED]
    assert len(escalated) <= 1 and all(-r.workdays >= RULE.escalate_after for r in escalated)
    pressed = [-r.workdays for r in said if r.kind is ReminderKind.LATE]
    assert all(after - before >= RULE.every for before, after in pairwise(pressed))
    if not missed:
        assert said and escalated


@pytest.mark.parametrize(
    ("name", "old", "new", "fault"),
    [
        (TAX, 'code = "tax.payment"', 'code = "../../tax"', "is not like tax.payment"),
        (TAX, 'name_en = "', 'names_en = "', "name_en must be a text"),
        (TAX, "draft = ", "examples = 5\ndraft = ", "tax.payment.toml"),
        ("standards.toml", "[[standards]]", "[[standards", "standards.toml"),
        ("lists.toml", "[[lists]]", "[[lists", "lists.toml"),
        ("items/departments.toml", "name_en = ", "english = ", "name_en must be a text"),
    ],
)
def test_whatever_is_in_the_files_the_answer_is_a_list_of_problems(name: str, old: str, new: str, fault: str) -> None:
    """A code that leads out of the lake, a key misspelt, a file beside the items that cannot be read."""
    assert old in FILES[name]
    with pytest.raises(InvalidContent) as refused:
        parse_catalogue({**FILES, name: FILES[name].replace(old, new, 1)})
    assert any(fault in str(p.message) for p in refused.value.problems)


def test_everything_that_is_missing_in_a_declaration_is_said_at_once() -> None:
    """Of the item and of its fields, of another kind than it should be, and a table that nests without end."""
    lines = ["code = 5", 'key = "uscc"', 'department = "tax_bureau"', "[fields.uscc]", "pattern = 7"]
    with pytest.raises(InvalidContent) as refused:
        parse_catalogue({**FILES, TAX: "\n".join(lines)})
    said = {str(p.message).partition(": ")[2] for p in refused.value.problems}
    assert {"code must be a text", "name_en must be a text", "key must be a list of texts"} <= said
    assert {"fields.uscc: type must be a text", "fields.uscc: pattern must be a str"} <= said
    for text in ("fields = 3", "x = " + "[" * 5000, FILES[TAX].replace("[fields.", '[fields."a b".', 1)):
        with pytest.raises(InvalidContent):
            parse_catalogue({**FILES, TAX: text})
    field = '[fields.no]\ntype = "code"\nname = "号"\nname_en = "no"\npattern = "("\n\n[fields.uscc]'
    pattern = FILES[TAX].replace("[fields.uscc]", field)
    with pytest.raises(InvalidContent) as unread:
        parse_catalogue({**FILES, TAX: pattern})
    assert any("the pattern cannot be read" in str(p.message) for p in unread.value.problems)


def test_a_damaged_archive_is_unreadable_whatever_in_it_is_damaged() -> None:
    """One byte at a time: never anything but the list itself, or a refusal that says so."""
    whole = packed({name: FILES[name] for name in list(FILES)[:3]})
    for at in range(0, len(whole), 97):
        broken = bytearray(whole)
        broken[at] ^= 0xFF
        try:
            with_uploads({}, [("a.zip", bytes(broken))])
        except UnreadableList as error:
            assert error.problems
