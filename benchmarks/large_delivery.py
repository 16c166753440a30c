"""Writes a large delivery of one item as a CSV: two years of electricity bills, in the order a billing system has them.

The rows of a month follow each other; within it accounts come in no order of their enterprises' codes. Some faults of
each usual kind are planted, so that it is known how many rows must come back.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from xinqiao.catalogue.sample.codes import make_codes

ITEM = "utility.electricity"
HEADER = ("统一社会信用代码", "户号", "电费年月", "用电量", "应缴电费", "实缴电费", "缴费日期")
CODE, ACCOUNT, MONTH, USED, DUE, PAID, PAID_ON = range(len(HEADER))
MONTHS = 24
SEED = 20260101
SHARE = 10_000  # one fault of each kind in so many rows
FAULTS = (
    (CODE, "9161", "uscc.form"),
    (ACCOUNT, "户12", "pattern"),
    (MONTH, "202513", "date.form"),
    (USED, "若干", "number.form"),
    (USED, "-5", "number.below"),
    (DUE, "见附件", "money.form"),
    (PAID_ON, "2025-02-30", "date.form"),
)
DOUBTFUL, MISFIT, COPY, AGAIN = "uscc.check_digit", "row.columns", "row.duplicate", "row.key_repeated"
CLASSES = np.frombuffer(b"91", np.uint8)
DIVISION = np.frombuffer(b"610113", np.uint8)
Columns = list[pa.Array]


@dataclass(frozen=True, slots=True)
class Written:
    """What stands in the file: all its rows, those that must come back, and how many break each rule."""

    rows: int
    faulty: int
    broken: dict[str, int]


def write_delivery(path: Path, rows: int) -> Written:
    """Write about ``rows`` rows and the planted faults, month by month."""
    rng = np.random.default_rng(SEED)
    firms = max(SHARE // 10, rows // MONTHS)
    each = max(1, firms // SHARE)
    codes = codes_of(firms)
    with path.open("wb") as out:
        out.write((",".join(HEADER) + "\n").encode())
        for number in range(MONTHS):
            columns = _month(rng, codes, number)
            chosen = rng.choice(firms, each * (len(FAULTS) + 4), replace=False).reshape(-1, each)
            _plant(columns, chosen)
            again = [column.take(pa.array(chosen[-2:].ravel())) for column in columns]
            again[USED] = pa.concat_arrays([again[USED].slice(0, each), pa.array(["7"] * each)])
            for part in (columns, again):
                pacsv.write_csv(pa.table(part, names=HEADER), out, OPTIONS)
            for row in chosen[-3].tolist():
                out.write((",".join(column[row].as_py() for column in columns) + ",多\n").encode())
    broken = Counter([code for _, _, code in FAULTS] + [DOUBTFUL, MISFIT, COPY, AGAIN])
    planted = {code: count * each * MONTHS for code, count in broken.items()}
    returned = sum(planted.values()) - planted[DOUBTFUL]
    return Written((firms + 3 * each) * MONTHS, returned, planted)


OPTIONS = pacsv.WriteOptions(include_header=False, quoting_style="none")


def codes_of(firms: int) -> pa.Array:
    """The codes of so many enterprises, in no order."""
    letters = [np.broadcast_to(part, (firms, len(part))) for part in (CLASSES, DIVISION)]
    made = make_codes(np.arange(firms, dtype=np.int64), seed=SEED, classes=letters[0], divisions=letters[1])
    order = np.random.default_rng(SEED).permutation(firms)
    return pa.array(np.ascontiguousarray(made[order]).view("S18").ravel().astype("U18"), pa.string())


def _month(rng: np.random.Generator, codes: pa.Array, number: int) -> Columns:
    count = len(codes)
    month = np.datetime64("2024-01", "M") + number
    accounts = pa.array(np.arange(count) + 6_100_000_000).cast(pa.string())
    used = np.floor(rng.lognormal(8, 1.2, count)).astype(np.int64)
    fen = used * 68
    paid = rng.random(count) < 0.97
    due = _yuan(fen)
    days = (month + 1).astype("datetime64[D]") + rng.integers(2, 28, count)
    return [
        codes,
        accounts,
        pa.array([str(month).replace("-", "")] * count),
        pa.array(used).cast(pa.string()),
        due,
        pc.if_else(pa.array(paid), due, "0.00"),
        pc.if_else(pa.array(paid), pa.array(days).cast(pa.string()), ""),
    ]


def _yuan(fen: np.ndarray) -> pa.Array:
    cents = pc.utf8_lpad(pa.array(fen % 100).cast(pa.string()), 2, "0")
    return pc.binary_join_element_wise(pa.array(fen // 100).cast(pa.string()), cents, ".")


def _plant(columns: Columns, chosen: np.ndarray) -> None:
    """Put each fault into rows of its own, and a wrong check digit into others."""
    for (column, text, _), rows in zip(FAULTS, chosen, strict=False):
        columns[column] = _replaced(columns[column], rows, [text] * len(rows))
    rows = np.sort(chosen[len(FAULTS)])
    sound = columns[CODE].take(pa.array(rows)).to_pylist()
    columns[CODE] = _replaced(columns[CODE], rows, [code[:-1] + ("0" if code[-1] != "0" else "1") for code in sound])


def _replaced(column: pa.Array, rows: np.ndarray, texts: list[str]) -> pa.Array:
    """The column with other texts in some rows, in ascending order of the rows."""
    mask = np.zeros(len(column), bool)
    mask[rows] = True
    return pc.replace_with_mask(column, mask, pa.array(texts))
