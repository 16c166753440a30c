"""What is wrong in a delivery: counted by how it is repaired, and kept line by line, on disk once it is much."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from xinqiao.catalogue.types import Item
from xinqiao.ingest.spill import Place, Spill
from xinqiao.ingest.types import RULES, RepairGroup

SAMPLES = 5


class Findings:
    """Problems as they are found (``row, field, code, value``), of which at most so many lines stay in memory."""

    def __init__(self, most: int, spill: Spill) -> None:
        self._most, self._spill = most, spill
        self._held: list[pa.Table] = []
        self._places: list[Place] = []
        self._counts: Counter[tuple[str, str]] = Counter()
        self._samples: defaultdict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)

    @property
    def lines(self) -> int:
        """How many there are."""
        return self._counts.total()

    def add(self, problems: pa.Table) -> None:
        """Take in some more."""
        if not problems.num_rows:
            return
        for line in problems.group_by(["field", "code"]).aggregate([("row", "count")]).to_pylist():
            self._count(problems, line["field"], line["code"], line["row_count"])
        self._held.append(problems)
        if sum(table.num_rows for table in self._held) > self._most:
            self._places.append(self._spill.put(pa.concat_tables(self._held)))
            self._held = []

    def _count(self, problems: pa.Table, field: str, code: str, rows: int) -> None:
        """The first rows of each kind are its samples, whatever order they are found in."""
        kind = (field, code)
        self._counts[kind] += rows
        same = problems.filter(pc.and_(pc.equal(problems["field"], field), pc.equal(problems["code"], code)))
        first = same.take(
            pc.select_k_unstable(same, k=min(SAMPLES, rows), sort_keys=[("row", "ascending")])
        ).to_pylist()
        known = [*self._samples[kind], *((line["row"], line["value"] or "") for line in first)]
        self._samples[kind] = sorted(known, key=lambda sample: sample[0])[:SAMPLES]

    def tables(self) -> Iterator[pa.Table]:
        """All of them, in the order they were found."""
        yield from map(self._spill.get, self._places)
        yield from self._held

    def groups(self, item: Item) -> tuple[RepairGroup, ...]:
        """Problems grouped by how to repair them, the most frequent first."""
        names = {fld.code: fld.name for fld in item.fields}
        groups = []
        for (field, code), rows in self._counts.items():
            rule = RULES[code]
            groups.append(
                RepairGroup(
                    field=field,
                    field_name=names.get(field, field),
                    code=rule.code,
                    title=rule.title,
                    repair=rule.repair,
                    rows=rows,
                    returns=rule.returns,
                    samples=tuple(self._samples[field, code]),
                )
            )
        return tuple(sorted(groups, key=lambda g: (not g.returns, -g.rows, g.field, g.code)))
