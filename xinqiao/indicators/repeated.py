"""What formulas repeat, computed once: repeated parts of columns become columns of their own that come before.

An engine plans every place at which a formula repeats a part of itself. For the province that is nothing beside the
work; for one enterprise it is most of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from google.protobuf.message import Message
from pyspark.sql.connect import proto

LEAST = 12  # parts of fewer nodes cost less than a column that is carried along
# Functions that compute their first argument always and the others only sometimes: what stands there alone may be a
# division that the condition guards.
_GUARDING = frozenset({"when", "if", "coalesce", "ifnull", "nvl", "nvl2", "and", "or", "try"})


@dataclass(slots=True)
class _Part:
    """A part of some columns, noted once wherever it stands."""

    message: proto.Expression
    inner: tuple[_Part, ...]
    places: int = 0  # at which it stands in other parts, each of these counted once
    always: bool = False  # computed at one place at least, whatever conditions say
    nodes: int = 0  # that are left of it when what is lifted out of it is one node
    level: int = -1  # of the columns that come before, when it is one of them
    name: str = ""


def in_levels(
    columns: Sequence[proto.Expression], prefix: str
) -> tuple[list[list[proto.Expression]], list[proto.Expression]]:
    """Columns with their repeated parts replaced, and these parts, named ``prefix`` and a number, level by level.

    A level names columns of what is given and of the levels before it.
    """
    noted: dict[object, _Part] = {}
    roots = [_noted(column, noted) for column in columns]
    for root in roots:
        _mark_always(root)
    levels: list[list[proto.Expression]] = []
    for part in noted.values():  # what a part is made of is noted before it
        part.nodes = 1 + sum(1 if inner.name else inner.nodes for inner in part.inner)
        below = max((_height(inner) for inner in part.inner), default=0)
        if part.inner and part.always and part.places > 1 and part.nodes >= LEAST:
            if below == len(levels):
                levels.append([])
            name = f"{prefix}{sum(map(len, levels))}"
            levels[below].append(named(_made(part), name))
            part.name, part.level = name, below
    return levels, [_made(root) for root in roots]


def _height(part: _Part) -> int:
    """How many levels must come before a column that names this part."""
    return part.level + 1 if part.name else max((_height(inner) for inner in part.inner), default=0)


def _noted(message: proto.Expression, noted: dict[object, _Part]) -> _Part:
    inner = tuple(_noted(one, noted) for one in _inner(message))
    bare = proto.Expression()
    bare.CopyFrom(message)
    for one in _inner(bare):
        one.Clear()
    key = bare.SerializeToString(deterministic=True), tuple(map(id, inner))
    if key not in noted:
        noted[key] = _Part(message, inner)
        for one in inner:
            one.places += 1
    return noted[key]


def _mark_always(part: _Part) -> None:
    if part.always:
        return
    part.always = True
    guarding = (
        part.message.WhichOneof("expr_type") == "unresolved_function"
        and part.message.unresolved_function.function_name.lower() in _GUARDING
    )
    for inner in part.inner[:1] if guarding else part.inner:
        _mark_always(inner)


def _made(part: _Part) -> proto.Expression:
    """The part's message, with the columns that come before in the places of what was lifted out of it."""
    if part.name:
        return attribute(part.name)
    made = proto.Expression()
    made.CopyFrom(part.message)
    for place, inner in zip(_inner(made), part.inner, strict=True):
        if inner.inner:
            place.CopyFrom(_made(inner))
    return made


def _inner(message: proto.Expression) -> Iterator[proto.Expression]:
    """The expressions directly within one; nothing of a kind not known here."""
    kind = message.WhichOneof("expr_type")
    if kind == "alias":
        yield message.alias.expr
    elif kind == "cast":
        yield message.cast.expr
    elif kind == "unresolved_function":
        yield from message.unresolved_function.arguments


def parts_of(message: Message) -> Iterator[Message]:
    """The messages directly within one."""
    for field, value in message.ListFields():
        if field.message_type is not None:
            yield from value if field.is_repeated else (value,)


def attribute(name: str) -> proto.Expression:
    """The column of that name."""
    return proto.Expression(unresolved_attribute=proto.Expression.UnresolvedAttribute(unparsed_identifier=name))


def named(message: proto.Expression, name: str) -> proto.Expression:
    """An expression as the column of that name."""
    return proto.Expression(alias=proto.Expression.Alias(expr=message, name=[name]))
