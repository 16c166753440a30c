"""All enterprises at once, in three steps that each fit in memory: values part by part, places, scores.

*Values* of a span of enterprises come from one grouped pass over each item. *Places* among peers need the whole
province, but only the compared columns of it. *Scores* are again computed span by span. What lies between the steps is
written by the engine to files, so that no step holds the province and none is done twice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from xinqiao.catalogue.types import Item
from xinqiao.indicators.authoring import Declared, Derived, Indicator
from xinqiao.indicators.compute import ARROW, item_pass, newest_column, of_item, rows_column, settle
from xinqiao.indicators.derive import GROUP, SIZE, in_order, over_rows, peers_among, ranked, with_derived
from xinqiao.indicators.engine import session
from xinqiao.indicators.scoring import scored
from xinqiao.indicators.types import Scoring
from xinqiao.indicators.views import SUBJECT, local_frame, province_view
from xinqiao.records.queries import list_views
from xinqiao.records.types import AsOf

TOGETHER = 9
Frame = DataFrame
Narrow = Callable[[Frame], Frame]


@dataclass(frozen=True, slots=True)
class Span:
    """Enterprises whose code is at least ``first`` and less than ``below``; None = open on that side."""

    first: str | None = None
    below: str | None = None

    def of(self, frame: DataFrame) -> DataFrame:
        """The rows of a frame that are about them. Files are sorted by enterprise, so the rest is not read."""
        if self.first is not None:
            frame = frame.filter(F.col(SUBJECT) >= self.first)
        if self.below is not None:
            frame = frame.filter(F.col(SUBJECT) < self.below)
        return frame


ALL = Span()


def spans(codes: pa.Array, count: int) -> list[Span]:
    """``count`` spans of about as many of the sorted ``codes`` each, together open on both sides."""
    cuts = sorted({codes[len(codes) * k // count].as_py() for k in range(1, count)}) if len(codes) >= count else []
    return [Span(first, below) for first, below in zip([None, *cuts], [*cuts, None], strict=True)]


class Province:
    """What one scoring makes of every enterprise of the ``registry`` item, as of one view.

    Of an ``unsettled`` item (its source is long overdue, or down) a missing row no longer means that there is none. One
    that is ``shut`` is not read, as if it had never been delivered.
    """

    def __init__(
        self,
        items: Sequence[Item],
        indicators: Sequence[Declared],
        scoring: Scoring,
        as_of: AsOf,
        *,
        registry: str,
        unsettled: Collection[str] = (),
        shut: Collection[str] = (),
    ) -> None:
        self.items, self.indicators, self.scoring, self.as_of = items, in_order(indicators), scoring, as_of
        self.registry = next(item for item in items if item.code == registry)
        self.unsettled, self.shut = unsettled, shut
        self._peers = peers_among(indicators)

    @property
    def is_registered(self) -> bool:
        """Whether the registry was ever delivered: without it there is nobody to evaluate."""
        return bool(list_views(self.registry.code, known=self.as_of.known))

    def codes(self) -> pa.Array:
        """The enterprises, sorted; none when the registry was never delivered."""
        view = self._view(self.registry, ALL.of)
        if view is None:
            return pa.array([], pa.string())
        return view.select(SUBJECT).toArrow().column(0).combine_chunks().sort()

    def values(self, span: Span = ALL, *, among: Sequence[str] | None = None) -> DataFrame:
        """One row per enterprise of the span with everything that does not depend on others.

        ``among`` leaves only these enterprises. The registry must have been delivered.
        """
        narrow = _narrowed(span, among)
        views = {item.code: self._view(item, narrow) for item in self.items}
        population = views[self.registry.code]
        assert population is not None, "nothing is registered"
        passes = [
            item_pass(view, item, of_item(item, self.indicators), self.as_of)
            for item in self.items
            if (view := views[item.code]) is not None
        ]
        frame = _beside(population.select(SUBJECT), passes)
        delivered = {code for code, view in views.items() if view is not None}
        settled = settle(frame, self.items, delivered, self.indicators, self.unsettled)
        return with_derived(settled, self.indicators, self.scoring).select(*self.value_columns)

    @cached_property
    def value_columns(self) -> list[str]:
        """The columns of :meth:`values`, in order."""
        counted = [c(item) for item in self.items for c in (rows_column, newest_column)]
        values = [i.facts.column for i in self.indicators if i not in self._peers]
        return [SUBJECT, *counted, *values, SIZE, *([GROUP] if self._peers else [])]

    def places(self, values: DataFrame) -> DataFrame | None:
        """The places of every enterprise among its peers, from the values of all; None when the scoring has none."""
        if not self._peers:
            return None
        compared = list(dict.fromkeys(p.of.facts.column for p in self._peers))
        placed = ranked(values.select(SUBJECT, GROUP, *compared), self._peers)
        return placed.select(SUBJECT, *(p.facts.column for p in self._peers))

    def scored(self, values: DataFrame, places: DataFrame | None) -> DataFrame:
        """Values and places with points, score, coverage and grade."""
        return scored(values if places is None else values.join(places, SUBJECT, "left"), self.scoring)

    def faults(self, span: Span) -> dict[str, str]:
        """Indicator code → why it cannot be computed over the span: each alone, when together they fail."""
        found = {}
        for item in self.items:
            view = self._view(item, span.of)
            chosen = of_item(item, self.indicators)
            if view is None or not chosen or self._fault(view, item, chosen) is None:
                continue
            alone = ((one, self._fault(view, item, [one])) for one in chosen)
            found |= {one.facts.code: why for one, why in alone if why}
        return found | self._faults_derived()

    def _fault(self, view: DataFrame, item: Item, chosen: Sequence[Indicator]) -> str | None:
        try:
            item_pass(view, item, chosen, self.as_of).agg(*(F.count(i.facts.column) for i in chosen)).collect()
        except Exception as error:  # whatever a formula of somebody else's may raise, here or in the engine
            return _first_line(error)
        return None

    def _faults_derived(self) -> dict[str, str]:
        """Derived indicators that fail as they are planned, over inputs that are not known."""
        rows = over_rows(self.indicators)
        frame = local_frame(session(), pa.table({i.facts.column: pa.nulls(1, ARROW[i.facts.kind]) for i in rows}))
        found = {}
        for one in (i for i in self.indicators if isinstance(i, Derived)):
            try:
                frame.select(one.column()).collect()
            except Exception as error:  # as above
                found[one.facts.code] = _first_line(error)
        return found

    def _view(self, item: Item, narrow: Narrow) -> DataFrame | None:
        if item.code in self.shut:
            return None
        return province_view(session(), item, self.as_of, narrow=narrow)


def frame_at(urls: Sequence[str]) -> DataFrame:
    """The rows of files that the engine wrote."""
    return session().read.parquet(*urls)


def write_frame(frame: DataFrame, url: str) -> None:
    """Have the engine write a frame into a new folder. Read once soon after, it need not be small."""
    frame.write.parquet(url, compression="snappy")


def without(frame: DataFrame, enterprises: Sequence[str]) -> DataFrame:
    """The rows about other enterprises."""
    return frame.join(_named(enterprises), SUBJECT, "left_anti")


def _named(enterprises: Sequence[str]) -> DataFrame:
    return local_frame(session(), pa.table({SUBJECT: pa.array(enterprises, pa.string())}))


def _beside(population: DataFrame, passes: Sequence[DataFrame]) -> DataFrame:
    """All passes beside the population, null where one has no line of an enterprise.

    Joined in groups, because each join carries along every column joined before it: a third less time.
    """
    groups = []
    for first in range(0, len(passes), TOGETHER):
        group = population
        for one in passes[first : first + TOGETHER]:
            group = group.join(one, SUBJECT, "left")
        groups.append(group)
    return reduce(lambda left, right: left.join(right, SUBJECT), groups)


def _narrowed(span: Span, among: Sequence[str] | None) -> Narrow:
    if among is None:
        return span.of
    chosen = _named(among)
    return lambda frame: span.of(frame).join(chosen, SUBJECT, "left_semi")


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
