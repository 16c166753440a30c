"""Checks a tree before it may run: types, spans, decimals, and how far each input can move the outcome. Pure.

The analysis is sound, not exact: what it says an expression can do, the expression at most does. So a formula that
passes never divides by zero, never grows beyond its bounds and never raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, localcontext

from xinqiao.formulas.evaluating import EXACT
from xinqiao.formulas.types import Fault, FormulaLimits, Inputs, Node, Reach, Span, Type
from xinqiao.kernel.errors import Phrase

ZERO = Decimal(0)
NOTHING = Span(ZERO, ZERO)
MOST_PLACES = 18
Moves = Mapping[str, Decimal]
SAME = {"=", "!="}
ORDER = {"<", "<=", ">", ">="}
TRUTHS = {"and", "or", "not"}


class _Fails(Exception):
    """A part has a fault that was already said; what contains it cannot be judged."""


def analyse(tree: Node, inputs: Inputs, limits: FormulaLimits) -> tuple[Reach | None, list[Fault]]:
    """What the tree can do, or None, and every fault found."""
    checker = _Checker(inputs, limits)
    with localcontext(EXACT):
        try:
            return checker.reach(tree), checker.faults
        except _Fails:
            return None, checker.faults


def walk(tree: Node) -> Iterable[Node]:
    """Every node of a tree."""
    waiting = [tree]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += one.parts


def inputs_of(tree: Node) -> tuple[str, ...]:
    """Codes of the indicators a tree reads, each once."""
    return tuple(sorted({str(n.value) for n in walk(tree) if n.kind == "input"}))


def _added(parts: Sequence[Moves]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for part in parts:
        for code, move in part.items():
            found[code] = found.get(code, ZERO) + move
    return found


def _greatest(parts: Sequence[Moves]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for part in parts:
        for code, move in part.items():
            found[code] = max(found.get(code, ZERO), move)
    return found


def _scaled(moves: Moves, by: Decimal) -> dict[str, Decimal]:
    return {code: move * by for code, move in moves.items()}


def _size(span: Span) -> Decimal:
    return max(abs(span.low), abs(span.high))


def _hull(spans: Iterable[Span]) -> Span:
    held = list(spans)
    return Span(min(s.low for s in held), max(s.high for s in held))


class _Checker:
    """Goes through the tree from the leaves; says every fault and goes on where it can."""

    def __init__(self, inputs: Inputs, limits: FormulaLimits) -> None:
        self.inputs, self.limits, self.faults = inputs, limits, list[Fault]()
        self.most = Decimal(10) ** limits.most_power

    def say(self, node: Node, fault: str, message: Phrase) -> _Fails:
        """Note a fault; what it gives is to be raised."""
        self.faults.append(Fault(node.at, fault, message))
        return _Fails()

    def reach(self, node: Node) -> Reach:
        """What a node can do; raises _Fails after saying why it cannot be judged."""
        if node.kind in ("number", "text", "truth"):
            return self.constant(node)
        if node.kind == "input":
            return self.input(node)
        if node.kind == "known":
            self.input(node.parts[0])
            moves = {str(node.parts[0].value): ZERO}
            return Reach(Type.TRUTH, NOTHING, swing=moves, nudge=moves)
        parts = self.parts(node)
        found = RULES[node.kind](self, node, parts)
        if _size(found.span) >= self.most:
            raise self.say(
                node, "overflow", Phrase("结果可能达到 10 的 {power} 次方；请缩小", power=self.limits.most_power)
            )
        if found.places > MOST_PLACES:
            raise self.say(node, "places", Phrase("小数位数超过 {most} 位；请用 divide 取整", most=MOST_PLACES))
        width = found.span.width
        if found.type is not Type.NUMBER:
            return found
        return Reach(
            found.type,
            found.span,
            found.places,
            {code: min(move, width) for code, move in found.swing.items()},
            {code: min(move, width) for code, move in found.nudge.items()},
        )

    def parts(self, node: Node) -> list[Reach]:
        """What the parts can do; faults in all of them are said before the node is given up."""
        found, failed = [], False
        for part in node.parts:
            try:
                found.append(self.reach(part))
            except _Fails:
                failed = True
        if failed:
            raise _Fails
        return found

    def constant(self, node: Node) -> Reach:
        if node.kind == "number":
            value = Decimal(node.value)  # type: ignore[arg-type]
            return Reach(Type.NUMBER, Span(value, value), max(0, -int(value.as_tuple().exponent)))
        return Reach(Type.TEXT if node.kind == "text" else Type.TRUTH, NOTHING)

    def input(self, node: Node) -> Reach:
        code = str(node.value)
        one = self.inputs.get(code)
        if one is None:
            raise self.say(node, "no_input", Phrase("没有指标 {code}；可用的指标见语言说明", code=code))
        if one.why_not is not None:
            self.faults.append(Fault(node.at, "input", one.why_not))
            raise _Fails
        if one.type is Type.TEXT:  # any other text is one step away
            return Reach(Type.TEXT, NOTHING, swing={code: Decimal(1)}, nudge={code: Decimal(1)})
        span = Span(one.low, one.high)
        nudge = one.grain or Decimal(1).scaleb(-one.places)
        return Reach(one.type, span, one.places, {code: span.width}, {code: min(nudge, span.width)})

    def want(self, node: Node, parts: Iterable[Reach], type_: Type) -> None:
        """Every part has the type, else it is said of each that has not."""
        failed = None
        for at, part in zip(node.parts, parts, strict=False):
            if part.type is not type_:
                failed = self.say(
                    at,
                    "type",
                    Phrase(
                        "{name} 这里要“{want}”，写的是“{got}”", name=node.kind, want=type_.label, got=part.type.label
                    ),
                )
        if failed:
            raise failed

    def total(self, node: Node, parts: list[Reach]) -> Reach:
        self.want(node, parts, Type.NUMBER)
        signs = [1, -1] if node.kind == "-" else [1] * len(parts)
        ends = [(p.span.low, p.span.high) if s > 0 else (-p.span.high, -p.span.low) for s, p in
                zip(signs, parts, strict=True)]  # fmt: skip
        span = Span(sum((low for low, _ in ends), ZERO), sum((high for _, high in ends), ZERO))
        return self.moved(span, max(p.places for p in parts), parts, _added)

    def moved(
        self, span: Span, places: int, parts: Sequence[Reach], join: Callable[[Sequence[Moves]], dict[str, Decimal]]
    ) -> Reach:
        """A number whose inputs move it as its parts do, joined."""
        return Reach(Type.NUMBER, span, places, join([p.swing for p in parts]), join([p.nudge for p in parts]))

    def product(self, node: Node, parts: list[Reach]) -> Reach:
        self.want(node, parts, Type.NUMBER)
        a, b = parts
        ends = [x * y for x in (a.span.low, a.span.high) for y in (b.span.low, b.span.high)]
        left, right = _size(b.span), _size(a.span)
        return Reach(
            Type.NUMBER,
            Span(min(ends), max(ends)),
            a.places + b.places,
            _added([_scaled(a.swing, left), _scaled(b.swing, right)]),
            _added([_scaled(a.nudge, left), _scaled(b.nudge, right)]),
        )

    def quotient(self, node: Node, parts: list[Reach]) -> Reach:
        self.want(node, parts, Type.NUMBER)
        a, b = parts
        if b.span.low <= 0 <= b.span.high:
            raise self.say(node.parts[1], "zero", Phrase("除数可能为零；请写成 max(除数, 1) 这样不含零的式子"))
        ends = [x / y for x in (a.span.low, a.span.high) for y in (b.span.low, b.span.high)]
        unit = Decimal(1).scaleb(-node.places)
        span = Span(min(ends) - unit, max(ends) + unit)
        if _size(span) >= self.most:
            raise self.say(
                node, "overflow", Phrase("结果可能达到 10 的 {power} 次方；请缩小", power=self.limits.most_power)
            )
        least = min(abs(b.span.low), abs(b.span.high))
        through = dict.fromkeys(b.swing, span.width)  # what moves the divisor may move the whole
        moves = [
            _added([{c: m / least + unit for c, m in part.items()}, through]) for part in (a.swing, a.nudge)
        ]  # fmt: skip
        return Reach(Type.NUMBER, span, node.places, *moves)

    def extreme(self, node: Node, parts: list[Reach]) -> Reach:
        self.want(node, parts, Type.NUMBER)
        pick = min if node.kind == "min" else max
        span = Span(pick(p.span.low for p in parts), pick(p.span.high for p in parts))
        return self.moved(span, max(p.places for p in parts), parts, _greatest)

    def sign(self, node: Node, parts: list[Reach]) -> Reach:
        self.want(node, parts, Type.NUMBER)
        low, high = parts[0].span.low, parts[0].span.high
        if node.kind == "negative":
            return self.moved(Span(-high, -low), parts[0].places, parts, _added)
        least = ZERO if low <= 0 <= high else min(abs(low), abs(high))
        return self.moved(Span(least, _size(parts[0].span)), parts[0].places, parts, _added)

    def truth(self, node: Node, parts: list[Reach]) -> Reach:
        if node.kind in TRUTHS:
            self.want(node, parts, Type.TRUTH)
        elif node.kind in SAME:
            self.want(node, parts, parts[0].type)
        else:
            self.want(node, parts, Type.NUMBER)
        moves = _greatest([p.swing for p in parts])  # what it reads may turn it over
        return Reach(Type.TRUTH, NOTHING, swing=moves, nudge=moves)

    def choice(self, node: Node, parts: list[Reach]) -> Reach:
        self.want(node, parts[:1], Type.TRUTH)
        one, other = parts[1:]
        return self.either(node, one, other, parts[0].swing)

    def either(self, node: Node, one: Reach, other: Reach, turns: Moves) -> Reach:
        """One or the other; ``turns`` are the inputs that decide which."""
        if one.type is not other.type:
            raise self.say(
                node.parts[-1],
                "type",
                Phrase("两个结果一个是“{one}”、一个是“{other}”", one=one.type.label, other=other.type.label),
            )
        span = _hull([one.span, other.span])
        jump = {code: span.width for code, move in turns.items() if move}
        return Reach(
            one.type,
            span,
            max(one.places, other.places),
            _greatest([one.swing, other.swing, jump]),
            _greatest([one.nudge, other.nudge, jump]),
        )

    def instead(self, node: Node, parts: list[Reach]) -> Reach:
        # Whether the first is known does not hang on its value, so nothing turns the choice.
        return self.either(node, parts[0], parts[1], {})

    def binned(self, node: Node, parts: list[Reach]) -> Reach:
        self.want(node, parts[:1], Type.NUMBER)
        span = _hull(p.span for p in parts[1:])
        moves = dict.fromkeys(parts[0].swing, span.width)
        return Reach(Type.NUMBER, span, max(p.places for p in parts[1:]), moves, moves)


RULES: Mapping[str, Callable[[_Checker, Node, list[Reach]], Reach]] = {
    **dict.fromkeys(("+", "-", "sum"), _Checker.total),
    "*": _Checker.product,
    "divide": _Checker.quotient,
    **dict.fromkeys(("min", "max"), _Checker.extreme),
    **dict.fromkeys(("abs", "negative"), _Checker.sign),
    **dict.fromkeys((*SAME, *ORDER, *TRUTHS, "between"), _Checker.truth),
    "if": _Checker.choice,
    "coalesce": _Checker.instead,
    "bins": _Checker.binned,
}
