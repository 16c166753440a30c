"""A formula in plain words, made from its tree: what the enterprise and the reviewer read. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from xinqiao.formulas.onnx_models import digest_of
from xinqiao.formulas.types import Node, Output, OutputKind

# A pattern and what fills it → a sentence in the reader's language.
Say = Callable[[str, Mapping[str, Any]], str]
PATTERNS: Mapping[str, str] = {
    "+": "{a} 加 {b}",
    "-": "{a} 减 {b}",
    "*": "{a} 乘以 {b}",
    "<": "{a} 小于 {b}",
    "<=": "{a} 不大于 {b}",
    ">": "{a} 大于 {b}",
    ">=": "{a} 不小于 {b}",
    "=": "{a} 等于 {b}",
    "!=": "{a} 不等于 {b}",
    "and": "（{a}）并且（{b}）",
    "or": "（{a}）或者（{b}）",
    "not": "并非（{a}）",
    "negative": "负的 {a}",
    "abs": "{a} 的绝对值",
    "between": "{a} 在 {b} 到 {c} 之间",
    "coalesce": "{a}（不知道时取 {b}）",
    "known": "{a} 为已知",
    "if": "如果 {a}，取 {b}，否则取 {c}",
    "divide": "{a} 除以 {b}（保留 {places} 位小数）",
    "min": "{all} 中最小的",
    "max": "{all} 中最大的",
    "sum": "{all} 之和",
    "bins": "{a} 分档：{steps}，其余计 {last}",
    "step": "小于 {cut} 计 {points}",
    "model": "机构提交的 ONNX 模型（文件摘要 {sha256}）读取 {all} 后给出的数",
    "true": "真",
    "false": "假",
    "bands": "只给出第几档（共 {count} 档，界限 {cuts}），1 档最低",
    "score": "只给出 {low} 到 {high} 的整数，每 {step} 一级",
}


def aloud(node: Node, names: Mapping[str, str], say: Say) -> str:
    """A part of a formula as words; ``names`` are the indicators' in the reader's language, ``say`` translates."""
    if node.kind == "input":
        return f"“{names.get(str(node.value), str(node.value))}”"
    if node.kind == "truth":
        return say(PATTERNS["true" if node.value else "false"], {})
    if node.kind in ("number", "text"):
        return number(node.value) if isinstance(node.value, Decimal) else f"“{node.value}”"
    parts = [aloud(part, names, say) for part in node.parts]
    filled: dict[str, Any] = dict(zip("abc", parts, strict=False)) | {"all": tuple(parts), "places": node.places}
    if node.kind == "model":
        filled["sha256"] = digest_of(str(node.value))[:16]
    if node.kind == "bins":
        steps = [
            say(PATTERNS["step"], {"cut": number(cut), "points": points})
            for cut, points in zip(node.cuts, parts[1:], strict=False)
        ]
        filled |= {"steps": tuple(steps), "last": parts[-1]}
    return say(PATTERNS[node.kind], filled)


def number(value: Decimal) -> str:
    """A constant with its thousands apart."""
    return f"{value:,f}"


def lines(tree: Node, names: Mapping[str, str], say: Say) -> list[str]:
    """The formula's terms, one to a line: what is added up at its root."""
    if tree.kind in ("+", "sum"):
        return [line for part in tree.parts for line in lines(part, names, say)]
    return [aloud(tree, names, say)]


def output_aloud(output: Output, say: Say) -> str:
    """In which form the answer leaves."""
    if output.kind is OutputKind.BANDS:
        cuts = tuple(number(cut) for cut in output.cuts)
        return say(PATTERNS["bands"], {"count": output.values, "cuts": cuts})
    return say(PATTERNS["score"], {"low": output.low, "high": output.high, "step": output.step})
