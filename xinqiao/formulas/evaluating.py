"""What a checked formula gives for the values of one enterprise: exact, bounded, and never an error. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext

from xinqiao.formulas.onnx_models import outcome_of
from xinqiao.formulas.types import Node, Output, OutputKind, Value

# Checked formulas stay below 10^30 with at most 18 decimals: every sum and product fits exactly.
EXACT = Context(prec=80, rounding=ROUND_HALF_EVEN, Emax=999_999, Emin=-999_999)
Read = Mapping[str, Value]
Number = Callable[[Decimal, Decimal], Value]

PAIRS: Mapping[str, Number] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "and": lambda a, b: bool(a and b),
    "or": lambda a, b: bool(a or b),
}
MANY: Mapping[str, Callable[..., Value]] = {
    **PAIRS,
    "not": lambda a: not a,
    "negative": lambda a: -a,
    "abs": abs,
    "min": lambda *parts: min(parts),
    "max": lambda *parts: max(parts),
    "sum": lambda *parts: sum(parts, Decimal(0)),
    "between": lambda x, low, high: low <= x <= high,
}


def evaluate(tree: Node, read: Read) -> Value:
    """The value of a checked formula; None where something it needs is not known."""
    with localcontext(EXACT):
        return _value(tree, read)


def _value(node: Node, read: Read) -> Value:
    if node.kind in ("number", "text", "truth"):
        return node.value
    if node.kind == "input":
        return read.get(str(node.value))
    if node.kind == "model":
        return outcome_of(node, read)
    if node.kind == "known":
        return read.get(str(node.parts[0].value)) is not None
    first = _value(node.parts[0], read)
    if node.kind == "coalesce":
        return _value(node.parts[1], read) if first is None else first
    if first is None:
        return None
    if node.kind == "if":
        return _value(node.parts[1 if first else 2], read)
    if node.kind == "bins":
        place = sum(first >= cut for cut in node.cuts)  # type: ignore[operator]
        return node.parts[1 + place].value
    rest = [_value(part, read) for part in node.parts[1:]]
    if None in rest:
        return None
    if node.kind == "divide":
        return _quotient(Decimal(first), Decimal(rest[0] or 0), node.places)
    return MANY[node.kind](first, *rest)


def _quotient(value: Decimal, by: Decimal, places: int) -> Decimal | None:
    """Rounded half to even at ``places``; the check has shown that ``by`` is not zero."""
    return (value / by).quantize(Decimal(1).scaleb(-places)) if by else None


def shape(value: Value, output: Output) -> int | None:
    """The declared answer that a value becomes: a band from 1, or a score on its step between its bounds."""
    if value is None or isinstance(value, str):
        return None
    number = Decimal(value)
    if output.kind is OutputKind.BANDS:
        return 1 + sum(number >= cut for cut in output.cuts)
    kept = min(max(number, Decimal(output.low)), Decimal(output.high))
    return output.low + int((kept - output.low) // output.step) * output.step
