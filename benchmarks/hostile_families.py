"""Families of hostile formulas: what somebody would write who wants the raw value, the node's time, or its insides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

BANDS: dict[str, Any] = {"kind": "bands", "cuts": ["10", "20", "30"]}
SCORE: dict[str, Any] = {"kind": "score", "low": 0, "high": 100, "step": 5}
Hostile = Iterator[tuple[str, str, Mapping[str, Any]]]


def hostile(available: Mapping[str, Any]) -> Hostile:
    """(family, text, declared output) of every hostile formula; ``available`` are the inputs there are."""
    closed = [c for c, i in available.items() if i.closed and i.why_not is None]
    barred = [c for c, i in available.items() if i.why_not is not None]
    for family in (_identity, _weights, _combs, _outputs, _code, _deep, _long, _huge, _zero, _unicode, _types, _timing):
        for text, output in family(closed, available):
            yield family.__name__.removeprefix("_"), text, output
    for code in barred:
        for text in (code, f"if {code} = 1 then 1 else 0", f"if known({code}) then 1 else 2", f'{code} = "B"'):
            yield "barred inputs", text, BANDS


def _identity(closed: list[str], available: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The value itself, disguised."""
    for code in closed:
        one = available[code]
        span, fine = one.high - one.low, one.grain / 3
        fitted = {"kind": "bands", "cuts": [str((one.low + fine * n).quantize(one.grain)) for n in range(1, 10)]}
        narrow = {"kind": "bands", "cuts": [str(int(one.low) + n) for n in range(1, 10)]}
        for text in (code, f"{code} + 0", f"max({code}, 0)", f"--{code}", f"if true then {code} else 0"):
            yield text, SCORE
            yield text, narrow
        yield f"divide({code}, {max(int(span // 100), 1)}, 0)", SCORE
        yield f"coalesce({code}, 0)", fitted


def _weights(closed: list[str], available: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """One value outweighs all others put beside it."""
    for one, other in pairwise(closed):
        yield f"{one} * 1000000 + {other} * 0.000001", SCORE
        yield f"sum({one}, {other} * 0)", SCORE
        yield f"if {one} > 0 then 100 else min({other}, 1)", SCORE


def _combs(closed: list[str], available: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Thresholds set for a search closer than a value may be told."""
    for code in closed:
        one = available[code]
        for part in (2, 7, 100):
            gap = one.grain / part
            cuts = [(one.low + gap * n).quantize(one.grain / one.grain) for n in range(1, 6)]
            if len(set(cuts)) < 2:
                continue
            steps = ", ".join(f"{cut}: {n * 10}" for n, cut in enumerate(sorted(set(cuts))))
            yield f"bins({code}, {steps}, else: 90)", BANDS
            chain = "0"
            for n, cut in enumerate(sorted(set(cuts))):
                chain = f"if {code} >= {cut} then {n * 10} else ({chain})"
            yield chain, BANDS


def _outputs(closed: list[str], available: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """More answers than are allowed, or none at all."""
    text = f"min({closed[0]}, 50)"
    many = [str(n) for n in range(400)]
    for output in (
        {}, {"kind": "raw"}, {"kind": "text"}, {"kind": "bands"}, {"kind": "bands", "cuts": []},
        {"kind": "bands", "cuts": many}, {"kind": "bands", "cuts": ["2", "1"]}, {"kind": "bands", "cuts": ["1", "1"]},
        {"kind": "bands", "cuts": ["NaN"]}, {"kind": "bands", "cuts": ["Infinity"]}, {"kind": "bands", "cuts": ["1e9"]},
        {"kind": "bands", "cuts": "123"}, {"kind": "bands", "cuts": [["1"]]}, {"kind": "bands", "cuts": [None]},
        {"kind": "score", "low": 0, "high": 10**9, "step": 1}, {"kind": "score", "low": 0, "high": 100, "step": 0},
        {"kind": "score", "low": 0, "high": 100, "step": -1}, {"kind": "score", "low": 100, "high": 0, "step": 5},
        {"kind": "score", "low": 0, "high": 100}, {"kind": "score", "low": "0", "high": "9", "step": "1"},
        {"kind": "score", "low": True, "high": 9, "step": 1}, {"kind": "score", "low": 0.0, "high": 9.5, "step": 0.1},
        {"kind": "score", "low": -(10**40), "high": 10**40, "step": 10**39}, {"kind": ["score"]}, {"kind": None},
    ):  # fmt: skip
        yield text, output


def _code(closed: list[str], available: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Ways into the program that runs it."""
    code = closed[0]
    texts = (
        "import os", "__import__('os')", "eval(1)", "exec(1)", "open(1)", "print(1)", "globals()", "lambda: 1",
        "yield 1", f"{code}.__class__", f"{code}.value", f"{code}[0]", f"getattr({code}, 1)", "().__class__", "{}",
        "[1]", "{{7*7}}", "${7*7}", "#{1}", "`id`", "$(id)", "1; 2", "x = 1", "a := 1", "while true: 1",
        "for x in y: 1", "def f(): 1", "f'{1}'", "'a'", '"a" + "b"', '"%s" % 1', "1 if true else 2", "1 ** 9",
        "1 // 2", "1 / 2", "1 % 2", "1 << 99", "1 & 2", "1 | 2", "~1", "1 @ 2", "1e400", "0x10", "1_000", "1j",
        "nan", "inf", "none", "null", "Decimal(1)", "select 1", "1 -- comment", "1 # comment", "/* */ 1",
        "'; drop table x; --", "../../etc/passwd", "%00", "\\u0041", "enterprise", "self", "node", "records.read(1)",
        "os.system", f"raw({code})", f"print({code})", f"text({code})", f"log({code})", f"sleep({code})", "random()",
        "now()", f"run({code})", f"known({code}, 1)", "known(1)", "known()", "bins()", "bins(1)",
        f"bins({code}, else: 1)", f"bins({code}, 5: 1)", f"bins({code}, 5: {code}, else: 1)",
        f"bins({code}, {code}: 1, else: 2)", "min()", "min(1)", "max(1)", "abs()", "abs(1, 2)", "between(1, 2)",
        "divide(1, 2)", f"divide(1, 2, {code})", "divide(1, 2, -1)", "divide(1, 2, 99)", "divide(1, 2, 1.5)", "if",
        "if 1", "if true then 1", "then", "else", "and", "or", "not", "", " ", "\n", "(", ")", "()", "1 2", "1 +",
        "+ 1", "* 1", "1 < 2 < 3", "= 1", "1 == 1", "1 <> 1", "!1", "? 1", "@x", "a.b.c.d", ".", "..", "a.", ".a",
        "A.B", "_x", "1.", ".5",
    )  # fmt: skip
    yield from ((text, BANDS) for text in texts)


def _deep(closed: list[str], available: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Nesting that would exhaust the stack."""
    for depth in (17, 40, 200, 900, 1_900):
        yield "(" * depth + closed[0] + ")" * depth, BANDS
        yield "-" * depth + closed[0], BANDS
        yield "not " * depth + "true", BANDS
        yield "abs(" * depth + "1" + ")" * depth, BANDS
        yield "if true then 1 else " * depth + "0", BANDS
        yield "(" * depth, BANDS


def _long(closed: list[str], available: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """More text, operations, digits or inputs than are allowed."""
    for size in (301, 1_000, 1_900, 50_000, 1_000_000):
        yield "+".join(["1"] * size), BANDS
        yield "1" * size, BANDS
        yield " " * size + "1", BANDS
        yield "0." + "1" * size, BANDS
        yield "a" * size, BANDS
        yield '"' + "a" * size + '"', BANDS
        yield f"min({', '.join(['1'] * size)})", BANDS
    yield " + ".join(closed), BANDS


def _huge(closed: list[str], available: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Numbers that grow."""
    for code in closed:
        for times in (3, 6, 20):
            yield " * ".join([code] * times), SCORE
        yield f"{code} * 999999999999999 * 999999999999999", SCORE
    for digits in (16, 40, 400):
        yield f"{'9' * digits} + {closed[0]}", BANDS
    for times in (3, 5, 30):
        yield " * ".join(["999999999999999"] * times), BANDS
        yield " * ".join(["0.000001"] * times) + f" * {closed[0]}", BANDS


def _zero(closed: list[str], available: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Division by nothing."""
    for one, other in pairwise(closed):
        yield f"divide({one}, {other} - {other}, 2)", BANDS
        yield f"divide({one}, {one} * 0, 0)", SCORE
    for text in ("divide(1, 0, 2)", "divide(0, 0, 0)", "divide(1, 0.000001 - 0.000001, 6)", "divide(1, -0, 1)"):
        yield f"{text} + {closed[0]}", BANDS


def _unicode(closed: list[str], available: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Characters that look like others, or like nothing."""
    code = closed[0]
    marks = "\u200b\u200d\u2060\ufeff\u202e\u2066\u00a0\u3000\u00ad\u0000\u001b\u007f\u2028\u0301\ud800"
    for mark in marks:
        yield code[:4] + mark + code[4:], BANDS
        yield f"{code}{mark}+ 1", BANDS
    for sign in ("１", "²", "①", "٣", "Ⅷ", "½", "，", "（", "）", "＋", "×", "÷", "−", "–", "≥", "∞", "“", "’", "。"):
        yield f"{code} + {sign}", BANDS
    yield code.replace("e", "е").replace("o", "о"), BANDS
    yield code.upper(), BANDS
    yield code.replace("a", "ａ"), BANDS


def _types(closed: list[str], available: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """One type passed off as another."""
    code = closed[0]
    for text in (
        "true", "false", '"A"', f'{code} = "A"', f'{code} + "A"', f"{code} + true", f"if {code} then 1 else 2",
        f"not {code}", f"{code} and true", "abs(true)", 'min("A", "B")', '"A" < "B"', "true < false",
        'if true then 1 else "A"', f"if true then {code} else false", f'coalesce({code}, "A")', f"{code} = true",
        'between("A", "B", "C")', "bins(true, 1: 1, else: 2)", "-true", '-"A"', "sum(1, true)", "1", "1 + 1",
        f"({code} > 1) * 5", 'divide("A", 1, 1)', "divide(1, true, 1)",
    ):  # fmt: skip
        yield text, BANDS


def _timing(closed: list[str], available: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """A value told by the time the answer takes: heavy work behind a condition."""
    for code in closed:
        one = available[code]
        middle = ((one.low + one.high) / 2).quantize(one.grain / one.grain)
        heavy = " + ".join(["abs(1)"] * 140)
        yield f"if {code} > {middle} then {heavy} else 0", BANDS
        yield f"if {code} > {middle} then {heavy} + {heavy} else 0", BANDS
        yield f"if known({code}) then 0 else {heavy}", BANDS
        yield f"if known({code}) then 100 else 0", SCORE
