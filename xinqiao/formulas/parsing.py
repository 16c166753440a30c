"""Reads the text of a formula into a tree: a bounded recursive descent over a fixed set of words. Pure.

No loops, no names but indicators, no attribute access, no calls but those listed. Every bound is kept while reading,
so that no text costs more than its length allows.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from xinqiao.formulas.types import Fault, FormulaLimits, Node
from xinqiao.kernel.errors import Phrase

TOKEN = re.compile(
    r"(?P<space>[ \t\r\n]+)|(?P<number>\d+(?:\.\d+)?)|(?P<name>[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)?)"
    r'|(?P<text>"[A-Za-z0-9_+\-]{0,40}")|(?P<sign><=|>=|!=|[-+*(),:<>=])',
    re.ASCII,
)
WORDS = frozenset({"if", "then", "else", "and", "or", "not", "true", "false"})
COMPARISONS = frozenset({"<", "<=", ">", ">=", "=", "!="})
# Calls that take expressions only, with how many.
CALLS = {"min": (2, 20), "max": (2, 20), "sum": (2, 30), "abs": (1, 1), "between": (3, 3), "coalesce": (2, 2)}


class Unreadable(Exception):
    """The text cannot be read on from here."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Token:
    """A word, number or sign at its place."""

    kind: str
    text: str
    at: int


def parse(text: str, limits: FormulaLimits) -> Node:
    """The tree of a formula. Raises Unreadable at the first place that cannot be read."""
    if len(text) > limits.longest:
        raise _stop(limits.longest, "too_long", Phrase("公式超过 {most} 个字符；请缩短", most=limits.longest))
    reader = _Reader(_tokens(text), limits)
    tree = reader.expression(0)
    if reader.now.kind != "end":
        raise reader.unexpected()
    return tree


def _stop(at: int, code: str, message: Phrase) -> Unreadable:
    return Unreadable(Fault(at, code, message))


def _tokens(text: str) -> list[Token]:
    found, at = [], 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            shown = text[at] if text[at].isprintable() else f"U+{ord(text[at]):04X}"
            raise _stop(at, "character", Phrase("“{character}”不是公式的字符；请按语言说明改写", character=shown))
        kind = match.lastgroup or ""
        if kind != "space":
            word = match[0]
            found.append(Token("word" if kind == "name" and word in WORDS else kind, word, at))
        at = match.end()
    return [*found, Token("end", "", len(text))]


class _Reader:
    """Walks the tokens once; ``depth`` is how deep an expression lies."""

    def __init__(self, tokens: list[Token], limits: FormulaLimits) -> None:
        self.tokens, self.limits, self.place, self.nodes = tokens, limits, 0, 0

    @property
    def now(self) -> Token:
        return self.tokens[self.place]

    def unexpected(self) -> Unreadable:
        one = self.now
        if one.kind == "end":
            return _stop(one.at, "ends", Phrase("公式在这里没有写完；请补全"))
        return _stop(one.at, "unexpected", Phrase("这里不应是“{word}”；请检查括号、逗号和运算符", word=one.text))

    def at(self, *texts: str) -> bool:
        return self.now.kind in ("word", "sign") and self.now.text in texts

    def take(self) -> Token:
        one = self.now
        self.place += one.kind != "end"
        return one

    def expect(self, text: str) -> None:
        if not self.at(text):
            raise self.unexpected()
        self.take()

    def node(self, kind: str, at: int, *parts: Node, **more: object) -> Node:
        self.nodes += 1
        if self.nodes > self.limits.most_nodes:
            raise _stop(at, "too_large", Phrase("公式超过 {most} 个运算；请拆成几个公式", most=self.limits.most_nodes))
        return Node(kind, at, parts, **more)  # type: ignore[arg-type]

    def expression(self, depth: int) -> Node:
        if depth > self.limits.deepest:
            raise _stop(self.now.at, "too_deep", Phrase("嵌套超过 {most} 层；请展平", most=self.limits.deepest))
        if not self.at("if"):
            return self.either(depth)
        at = self.take().at
        parts = [self.expression(depth + 1)]
        for word in ("then", "else"):
            self.expect(word)
            parts.append(self.expression(depth + 1))
        return self.node("if", at, *parts)

    def either(self, depth: int) -> Node:
        return self.chain(("or",), lambda: self.chain(("and",), lambda: self.negated(depth)))

    def chain(self, signs: tuple[str, ...], operand: Callable[[], Node]) -> Node:
        """Operands joined by the same rank of signs, from the left."""
        left = operand()
        while self.at(*signs):
            sign = self.take()
            left = self.node(sign.text, sign.at, left, operand())
        return left

    def negated(self, depth: int) -> Node:
        if depth > self.limits.deepest:
            raise _stop(self.now.at, "too_deep", Phrase("嵌套超过 {most} 层；请展平", most=self.limits.deepest))
        if self.at("not"):
            at = self.take().at
            return self.node("not", at, self.negated(depth + 1))
        left = self.total(depth)
        if not self.at(*COMPARISONS):
            return left
        sign = self.take()
        return self.node(sign.text, sign.at, left, self.total(depth))

    def total(self, depth: int) -> Node:
        return self.chain(("+", "-"), lambda: self.chain(("*",), lambda: self.signed(depth)))

    def signed(self, depth: int) -> Node:
        if not self.at("-"):
            return self.leaf(depth)
        if depth > self.limits.deepest:
            raise _stop(self.now.at, "too_deep", Phrase("嵌套超过 {most} 层；请展平", most=self.limits.deepest))
        at = self.take().at
        return self.node("negative", at, self.signed(depth + 1))

    def leaf(self, depth: int) -> Node:
        one = self.take()
        if one.kind == "number":
            return self.node("number", one.at, value=self.number(one))
        if one.kind == "text":
            return self.node("text", one.at, value=one.text[1:-1])
        if one.kind == "word" and one.text in ("true", "false"):
            return self.node("truth", one.at, value=one.text == "true")
        if one.kind == "sign" and one.text == "(":
            inside = self.expression(depth + 1)
            self.expect(")")
            return inside
        if one.kind == "name":
            return self.call(one, depth) if self.at("(") else self.node("input", one.at, value=one.text)
        self.place -= one.kind != "end"
        raise self.unexpected()

    def number(self, token: Token) -> Decimal:
        whole, _, places = token.text.partition(".")
        if len(whole) > self.limits.most_digits or len(places) > self.limits.most_places:
            raise _stop(
                token.at,
                "too_many_digits",
                Phrase(
                    "常数最多 {digits} 位整数、{places} 位小数",
                    digits=self.limits.most_digits,
                    places=self.limits.most_places,
                ),
            )
        return Decimal(token.text)

    def literal(self) -> Decimal:
        """A number written out, perhaps negative."""
        negative = self.at("-")
        if negative:
            self.take()
        if self.now.kind != "number":
            raise self.unexpected()
        value = self.number(self.take())
        return -value if negative else value

    def call(self, name: Token, depth: int) -> Node:
        self.expect("(")
        if name.text == "known":
            made = self.known(name)
        elif name.text == "divide":
            made = self.divide(name, depth)
        elif name.text == "bins":
            made = self.bins(name, depth)
        elif name.text in CALLS:
            made = self.plain(name, depth)
        else:
            raise _stop(name.at, "no_call", Phrase("没有名为 {name} 的运算；可用的运算见语言说明", name=name.text))
        self.expect(")")
        return made

    def known(self, name: Token) -> Node:
        if self.now.kind != "name":
            raise self.unexpected()
        one = self.take()
        return self.node("known", name.at, self.node("input", one.at, value=one.text))

    def plain(self, name: Token, depth: int) -> Node:
        parts = [self.expression(depth + 1)]
        while self.at(","):
            self.take()
            parts.append(self.expression(depth + 1))
        least, most = CALLS[name.text]
        if not least <= len(parts) <= most:
            raise _stop(
                name.at, "count", Phrase("{name} 应有 {least} 到 {most} 个参数", name=name.text, least=least, most=most)
            )
        return self.node(name.text, name.at, *parts)

    def divide(self, name: Token, depth: int) -> Node:
        parts = []
        for _ in range(2):
            parts.append(self.expression(depth + 1))
            self.expect(",")
        one = self.now
        places = self.literal()
        if places != int(places) or not 0 <= places <= self.limits.most_places:
            raise _stop(one.at, "places", Phrase("小数位数应是 0 到 {most} 的整数", most=self.limits.most_places))
        return self.node("divide", name.at, *parts, places=int(places))

    def bins(self, name: Token, depth: int) -> Node:
        """``bins(x, 10: 5, 20: 8, else: 12)``: below 10 gives 5, below 20 gives 8, else 12."""
        inner, cuts, points = self.expression(depth + 1), list[Decimal](), list[Node]()
        while True:
            self.expect(",")
            last = self.at("else")
            if last:
                self.take()
            else:
                cuts.append(self.literal())
            self.expect(":")
            at = self.now.at
            points.append(self.node("number", at, value=self.literal()))
            if last:
                break
        if not cuts or len(points) > self.limits.most_bins or cuts != sorted(set(cuts)):
            raise _stop(name.at, "bins", Phrase("bins 应有 2 到 {most} 档，上限从小到大", most=self.limits.most_bins))
        return self.node("bins", name.at, inner, *points, cuts=tuple(cuts))
