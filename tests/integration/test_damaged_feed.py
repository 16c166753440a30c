"""The real registration feed with damage planted: no wrong row is accepted as right, each returned one says why.

What is wrong is judged apart from the checks: by the identifiers of the kernel, by the calendar, by what was planted.
"""

from __future__ import annotations

import csv
import gzip
import io
import random
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests.factories import NOW, annotated, item
from tests.shared_data import shared_data
from xinqiao.ingest.actions import Upload, receive
from xinqiao.ingest.intake import take_in
from xinqiao.ingest.queries import list_problems
from xinqiao.ingest.types import RULES
from xinqiao.kernel.identifiers import USCC_CHARS, uscc_check_character

ROWS = 62_146
EACH = 40  # rows damaged in each way
CODE, NAME, ON = "统一社会信用代码", "企业名称", "注册日期"
DAMAGE = {
    "uscc.form": (CODE, lambda v: v[:-1]),
    "required": (NAME, lambda _: ""),
    "date.form": (ON, lambda _: "2019-02-30"),
    "date.future": (ON, lambda _: "2031-01-01"),
    "date.too_old": (ON, lambda _: "1899-12-30"),
    "text.too_long": ("经营范围", lambda _: "长" * 4001),
}
MISFIT, COPY, AGAIN = "row.columns", "row.duplicate", "row.key_repeated"


def feed() -> tuple[list[str], list[list[str]]]:
    """Header and rows of all years, as they were delivered."""
    header: list[str] = []
    rows: list[list[str]] = []
    for path in sorted(shared_data("registration").glob("*.csv.gz")):
        with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as stream:
            lines = csv.reader(stream)
            header = next(lines)
            rows += lines
    return header, rows


def planted(header: list[str], rows: list[list[str]]) -> dict[int, str]:
    """Damage rows in place and add some at the end: number of the row (from 1) → the rule it breaks."""
    chance = random.Random(7)
    chosen = chance.sample(range(len(rows)), EACH * (len(DAMAGE) + 1))
    broken: dict[int, str] = {}
    for code, (column, change) in DAMAGE.items():
        for place in (chosen.pop() for _ in range(EACH)):
            rows[place][header.index(column)] = change(rows[place][header.index(column)])
            broken[place + 1] = code
    for place in (chosen.pop() for _ in range(EACH)):
        rows[place].append("多出的一列")
        broken[place + 1] = MISFIT
    whole = [n for n in range(len(rows)) if n + 1 not in broken]
    for number, place in enumerate(chance.sample(whole, 2 * EACH)):
        line = list(rows[place])
        if number % 2:
            line[header.index(NAME)] += "（更名）"
        rows.append(line)
        broken[place + 1] = AGAIN if number % 2 else COPY
    return broken


def as_file(header: list[str], rows: list[list[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([header, *rows])
    return gzip.compress(out.getvalue().encode("utf-8"), 1)


@pytest.mark.slow
def test_no_wrong_row_of_the_feed_is_accepted_as_right_and_every_returned_row_says_why(fresh_node: Path) -> None:
    header, rows = feed()
    assert len(rows) == ROWS
    damaged = planted(header, rows)
    registry = item("registration.basic")
    upload = Upload("feed.csv.gz", as_file(header, rows))
    outcome = receive(registry, [upload], provider=registry.department.code, actor="t", now=NOW)
    assert outcome.delivered == ROWS + 2 * EACH == outcome.accepted + outcome.returned
    problems = list_problems(outcome.delivery).to_pylist()
    said: dict[int, set[str]] = {}
    for line in problems:
        said.setdefault(line["row"], set()).add(line["code"])
    assert [n for n, code in damaged.items() if code not in said.get(n, set())] == [], "each planted fault is named"
    returned = {n for n, codes in said.items() if any(RULES[c].returns for c in codes)}
    assert set(damaged) <= returned and len(returned) == outcome.returned, "and every returned row says why"
    assert all(RULES[line["code"]].title and RULES[line["code"]].repair for line in problems)
    check_accepted(upload, returned)
    _, data = annotated(outcome.delivery)
    lines = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))[1:]
    assert len(lines) == outcome.returned and all(line[-1] for line in lines), "on the file that goes back too"


def check_accepted(upload: Upload, returned: set[int]) -> None:
    """Every accepted row is right, or is flagged as doubtful; none of them was returned, no code stands twice."""
    with take_in(item("registration.basic"), [upload], {}, NOW) as intake:
        accepted = pa.concat_tables(intake.accepted())
    assert returned.isdisjoint(accepted.column("_row").to_pylist())
    assert accepted.num_rows == len(accepted.column("uscc").unique())
    flags = accepted.column("_flags").to_pylist()
    wrong = [
        (code, flag)
        for code, flag in zip(accepted.column("uscc").to_pylist(), flags, strict=True)
        if len(code) != 18
        or set(code) - set(USCC_CHARS)
        or (uscc_check_character(code[:17]) != code[17]) is not flagged(flag)
    ]
    assert wrong == [], "a code is well formed, and flagged exactly when its check digit is wrong"
    assert pc.all(pc.greater(pc.utf8_length(accepted.column("name")), 0)).as_py()
    days = accepted.column("registered_on")
    assert pc.min(days).as_py() >= date(1900, 1, 1) and pc.max(days).as_py() <= NOW.date()


def flagged(flag: str | None) -> bool:
    return "uscc.check_digit" in (flag or "").split(";")
