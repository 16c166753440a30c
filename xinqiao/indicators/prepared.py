"""Columns as the messages they are sent as: made once and sent often, and split where an aggregate ends.

Making the messages of a scorecard's columns costs this process more than all else that one enterprise asks of it, and
the engine plans what stands around an aggregate again for every place in which a formula repeats it. Both are done
without knowing any formula: the messages are Spark Connect's public ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message
from pyspark.sql import Column, DataFrame
from pyspark.sql.connect import proto
from pyspark.sql.connect.column import Column as ConnectColumn
from pyspark.sql.connect.expressions import Expression

from xinqiao.indicators.repeated import attribute, in_levels, named, parts_of

# Of Spark's aggregates those that a formula over rows may well use. One that is missing here is not split off, which
# costs time and changes nothing.
_AGGREGATES = """
any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or collect_list collect_set corr count count_if covar_pop
covar_samp every first kurtosis last max max_by mean median min min_by mode percentile regr_count regr_intercept
regr_slope skewness some std stddev stddev_pop stddev_samp sum try_avg try_sum var_pop var_samp variance
"""
AGGREGATES = frozenset(_AGGREGATES.split())


class Prepared(Expression):
    """An expression that is the message it is sent as."""

    def __init__(self, message: proto.Expression) -> None:
        super().__init__()
        self._message = message

    def to_plan(self, session: Any) -> proto.Expression:
        """The message; whoever asks copies it."""
        return self._message

    def __repr__(self) -> str:
        return "Prepared"


def prepare(column: Column) -> Column:
    """The same column, its message made."""
    return _column(_message(column))


@dataclass(frozen=True, slots=True)
class Steps:
    """Aggregating columns in steps: ``before`` is computed of the rows, ``aggregates`` of both, ``between`` of the
    aggregates, level by level, ``after`` of all these. ``reads`` are the columns of the rows that they name."""

    before: list[Column]
    aggregates: list[Column]
    between: list[list[Column]]
    after: list[Column]
    reads: frozenset[str]

    def of(self, frame: DataFrame, *group: str) -> DataFrame:
        """The columns over a frame, grouped."""
        rows = frame.select("*", *self.before) if self.before else frame
        found = rows.groupBy(*group).agg(*self.aggregates)
        for level in self.between:
            found = found.select("*", *level)
        return found.select(*group, *self.after)


def in_steps(columns: Sequence[Column], prefix: str) -> Steps:
    """Named aggregating columns as plain aggregates, each once, and what comes of these.

    What is between is named ``prefix`` and a number. A column that cannot be split is an aggregate as a whole.
    """
    leaves: dict[bytes, proto.Expression] = {}
    after, reads = [], set()
    for column in columns:
        whole = _message(column)
        reads |= set(_attributes(whole))
        rest, found = _split(whole, prefix, leaves)
        if rest is None:
            leaves[f"{prefix}{len(leaves)}".encode()] = whole
            after.append(attribute(_name(whole)))
        else:
            leaves |= found
            after.append(rest)
    before = _told_apart(list(leaves.values()), prefix)
    levels, after = in_levels(after, f"{prefix}as")
    between = [[_column(part) for part in level] for level in levels]
    return Steps(before, [*map(_column, leaves.values())], between, [*map(_column, after)], frozenset(reads))


def _split(
    whole: proto.Expression, prefix: str, known: dict[bytes, proto.Expression]
) -> tuple[proto.Expression | None, dict[bytes, proto.Expression]]:
    """What is left when every aggregate is a column of its own, and the aggregates not known before; None when columns
    of the rows remain outside of them."""
    found: dict[bytes, proto.Expression] = {}
    rest = proto.Expression()
    rest.CopyFrom(whole)
    for part in _outermost(rest):
        if part.WhichOneof("expr_type") == "unresolved_attribute":
            return None, {}
        key = part.SerializeToString(deterministic=True)
        leaf = known.get(key) or found.get(key)
        if leaf is None:
            leaf = found[key] = named(part, f"{prefix}{len(known) + len(found)}")
        part.CopyFrom(attribute(_name(leaf)))
    return rest, found


def _told_apart(leaves: Sequence[proto.Expression], prefix: str) -> list[Column]:
    """Give aggregates that differ only in the types of their arguments arguments of different names; returns these.

    Sail takes two such aggregates for one and refuses both.
    """
    alike: dict[bytes, list[proto.Expression]] = {}
    for leaf in leaves:
        bare = proto.Expression()
        bare.CopyFrom(leaf.alias.expr)
        _strip_casts(bare)
        alike.setdefault(bare.SerializeToString(deterministic=True), []).append(leaf)
    before = []
    for leaf in (leaf for group in alike.values() if len(group) > 1 for leaf in group):
        for argument in leaf.alias.expr.unresolved_function.arguments:
            name = f"{prefix}of{len(before)}"
            before.append(_column(named(argument, name)))
            argument.CopyFrom(attribute(name))
    return before


def _strip_casts(message: Message) -> None:
    while isinstance(message, proto.Expression) and message.WhichOneof("expr_type") == "cast":
        inner = proto.Expression()
        inner.CopyFrom(message.cast.expr)
        message.CopyFrom(inner)
    for part in parts_of(message):
        _strip_casts(part)


def _outermost(message: Message) -> Iterator[proto.Expression]:
    """The aggregates, and the columns outside of them."""
    if isinstance(message, proto.Expression):
        kind = message.WhichOneof("expr_type")
        if kind == "unresolved_attribute" or (
            kind == "unresolved_function" and message.unresolved_function.function_name.lower() in AGGREGATES
        ):
            yield message
            return
    for part in parts_of(message):
        yield from _outermost(part)


def _attributes(message: Message) -> Iterator[str]:
    if isinstance(message, proto.Expression) and message.WhichOneof("expr_type") == "unresolved_attribute":
        yield message.unresolved_attribute.unparsed_identifier
    for part in parts_of(message):
        yield from _attributes(part)


def _message(column: Column) -> proto.Expression:
    made: proto.Expression = column.to_plan(None)  # type: ignore[operator]  # formulas of ours register no functions
    return made


def _column(message: proto.Expression) -> Column:
    return ConnectColumn(Prepared(message))


def _name(message: proto.Expression) -> str:
    return str(message.alias.name[0])
