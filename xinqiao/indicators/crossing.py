"""Rules across items: what two departments say of one enterprise and cannot, or seldom can, both be true.

A rule is declared over measures, each of the rows of one item and written as an indicator is; so the session that
evaluates the province looks for contradictions in the same way, one grouped pass an item. A measure that is not known
makes no finding: nobody is asked to explain what nobody said.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import reduce

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from xinqiao.catalogue.types import Item
from xinqiao.indicators.authoring import Indicator
from xinqiao.indicators.compute import item_pass, rows_column
from xinqiao.indicators.engine import session
from xinqiao.indicators.types import CrossFacts, DerivedExample, Severity
from xinqiao.indicators.views import SUBJECT, province_view
from xinqiao.records.queries import PLANTED_BATCH
from xinqiao.records.types import AsOf


@dataclass(slots=True, eq=False)
class CrossRule:
    """A declared rule with the measures it compares; ``formula`` takes their columns in order, true is a clash."""

    facts: CrossFacts
    inputs: tuple[Indicator, ...]
    formula: Callable[..., Column]
    examples: list[DerivedExample] = field(default_factory=list)

    def example(self, *values: object, expect: bool) -> None:
        """State that these values of the measures, in their order, are a clash or not; None is a value not known."""
        self.examples.append(DerivedExample(values, expect))

    def column(self) -> Column:
        """Whether the values clash; a formula that cannot tell says no."""
        clash = self.formula(*(F.col(i.facts.column) for i in self.inputs))
        return F.coalesce(clash.cast("boolean"), F.lit(False)).alias(self.facts.column)


def cross_rule(
    *,
    code: str,
    name: str,
    name_en: str,
    of: Sequence[Indicator],
    severity: Severity,
    explain: Sequence[str],
    basis: str,
    since: str,
) -> Callable[[Callable[..., Column]], CrossRule]:
    """Declare a rule over measures of at least two items; ``explain`` are the departments asked.

    A measure's ``none`` is its value where the item was delivered and holds nothing of the enterprise. Raises
    ValueError at import for measures of one item only.
    """
    items = tuple(dict.fromkeys(i.facts.item for i in of))
    if len(items) < 2:
        raise ValueError(f"{code}: a rule across items looks at two items at least")
    facts = CrossFacts(code, name, name_en, severity, basis, date.fromisoformat(since), items, tuple(explain))
    return lambda formula: CrossRule(facts, tuple(of), formula)


@dataclass(frozen=True, slots=True)
class Crossed:
    """What a run over the province found: a row an enterprise with some clash, and how many enterprises an item has.

    ``found`` has the subject, the column of every rule and of every measure.
    """

    found: pa.Table
    subjects: dict[str, int]


def cross_province(
    items: Sequence[Item], rules: Sequence[CrossRule], as_of: AsOf, *, unsettled: Collection[str] = ()
) -> Crossed:
    """Look for clashes over every enterprise that any of the items names, registered or not.

    Of an ``unsettled`` item (late, or its source down) a missing row says nothing. Rows that the node planted itself
    are left out: nobody could explain them.
    """
    measures = list({id(m): m for rule in rules for m in rule.inputs}.values())
    passes: dict[str, DataFrame] = {}
    for item in items:
        view = province_view(session(), item, as_of)
        if view is not None:
            own = view.filter(~F.col("_batch").startswith(PLANTED_BATCH))
            passes[item.code] = item_pass(own, item, [m for m in measures if m.facts.item == item.code], as_of)
    if not passes:
        return Crossed(pa.table({}), {})
    joined = reduce(lambda a, b: a.join(b, SUBJECT, "full"), passes.values())
    values = joined.select(SUBJECT, *(_settled(m, passes, unsettled) for m in measures))
    marked = values.select("*", *(rule.column() for rule in rules))
    clashes = marked.filter(reduce(lambda a, b: a | b, (F.col(rule.facts.column) for rule in rules)))
    return Crossed(clashes.toArrow().sort_by(SUBJECT), _subjects(items, passes, joined))


def _subjects(items: Sequence[Item], passes: dict[str, DataFrame], joined: DataFrame) -> dict[str, int]:
    """Of how many enterprises each delivered item has rows."""
    counts = [F.count(rows_column(item)).alias(rows_column(item)) for item in items if item.code in passes]
    [row] = joined.agg(*counts).collect()
    return {item.code: int(row[rows_column(item)]) for item in items if item.code in passes}


def _settled(measure: Indicator, passes: dict[str, DataFrame], unsettled: Collection[str]) -> Column:
    """A measure where its item was delivered; null where not. Without a row: its ``none``, if the item is settled."""
    facts = measure.facts
    if facts.item not in passes:
        return F.lit(None).cast(facts.kind.value).alias(facts.column)
    if facts.none is None or facts.item in unsettled:
        return F.col(facts.column)
    return F.coalesce(F.col(facts.column), F.lit(facts.none).cast(facts.kind.value)).alias(facts.column)
