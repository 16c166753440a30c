"""The steps of a run between the engine and the lake: values span by span, places, the file of results.

What a step made is durable, so a run that is killed goes on after the last span it finished. A run that follows another
of the same day, card and content computes only the enterprises whose records changed and takes the rest from that one.
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from xinqiao.evaluation.models import EvaluationRun
from xinqiao.indicators.province import Frame, Province, Span, frame_at, spans, without, write_frame
from xinqiao.kernel.errors import Phrase
from xinqiao.plumbing.ahead import one_ahead
from xinqiao.plumbing.settings import evaluation_rows
from xinqiao.records.lake import SCRATCH, lake
from xinqiao.records.queries import standing_row_count, touched_enterprises
from xinqiao.records.types import FileFacts

Progress = Callable[[str], None]
FEW = 10  # per cent of the records: when more than that changed, all are computed again
OVERLAP = timedelta(hours=1)  # a delivery is registered at most so long after the time it bears


def score_table(province: Province) -> pa.Table:
    """All enterprises scored at once, sorted by code, for a province that fits in memory; published nowhere."""
    folder = f"{SCRATCH}/once-{secrets.token_hex(4)}"
    try:
        write_frame(province.values(), lake().url(f"{folder}/values"))
        values = frame_at([lake().url(f"{folder}/values")])
        write_frame(province.scored(values, province.places(values)), lake().url(f"{folder}/scored"))
        return lake().read(f"{folder}/scored").sort_by("_enterprise")
    finally:
        lake().remove_folder(folder)


class Steps:
    """The work of one run. What is finished stands in the run's row and in its own folder of the lake."""

    def __init__(self, run: EvaluationRun, province: Province, *, progress: Progress) -> None:
        self.run, self.province, self.progress = run, province, progress
        self.grades: Counter[str] = Counter()
        self.failing = Span()  # where the engine is at work

    def compute(self, base: EvaluationRun | None) -> None:
        """Write the values of every enterprise, then their places; what an earlier start finished stays."""
        if self.run.spans == "[]":
            self._plan(base)
        todo = self._taken_over(base) if base and self.run.base else self._all_spans()
        for number in range(self.run.done, len(todo)):
            self.progress(Phrase("计算指标（{n}/{all}）", n=number + 1, all=len(todo)))
            todo[number]()
            self.run.done = number + 1
            self.run.save(update_fields=["done"])
        self.progress(Phrase("同业比较"))
        values = self._values()
        places = self.province.places(frame_at(values)) if values else None
        if places is not None:
            self._write("places", places)

    def _plan(self, base: EvaluationRun | None) -> None:
        """Decide once into which spans the enterprises fall, and whether the base run answers for most of them."""
        items = [item.code for item in self.province.items]
        rows = standing_row_count(items, known=self.run.known_at)
        planned = spans(self.province.codes(), max(1, -(-rows // evaluation_rows())))
        self.run.spans = json.dumps([[span.first, span.below] for span in planned])
        if base:
            changed = touched_enterprises(items, since=base.known_at - OVERLAP, most=rows * FEW // 100)
            if changed is not None:
                self.run.base, self.run.changed = base.id, json.dumps(sorted(changed))
        self.run.save(update_fields=["spans", "base", "changed"])

    def _spans(self) -> list[Span]:
        return [Span(first, below) for first, below in json.loads(self.run.spans)]

    def _all_spans(self) -> list[Callable[[], None]]:
        return [partial(self._values_of, number, span) for number, span in enumerate(self._spans())]

    def _values_of(self, number: int, span: Span) -> None:
        self.failing = span
        self._write(f"values/{number:03d}", self.province.values(span))

    def _taken_over(self, base: EvaluationRun) -> list[Callable[[], None]]:
        """The values of the enterprises that changed, and those of the others as the base run has them."""
        changed: list[str] = json.loads(self.run.changed)
        return [partial(self._values_again, changed), partial(self._values_kept, base, changed)]

    def _values_again(self, changed: list[str]) -> None:
        self._write("values/changed", self.province.values(among=changed))

    def _values_kept(self, base: EvaluationRun, changed: list[str]) -> None:
        kept = frame_at([lake().url(base.path)]).select(*self.province.value_columns)
        self._write("values/kept", without(kept, changed))

    def _write(self, name: str, frame: Frame) -> None:
        lake().remove_folder(self._place(name))
        write_frame(frame, lake().url(self._place(name)))

    def _values(self) -> list[str]:
        folder = self._place("values")
        places = [f"{folder}/{name}" for name in lake().list_folders(folder)]
        return [lake().url(place) for place in places if lake().has_rows(place)]

    def _place(self, name: str) -> str:
        return f"{SCRATCH}/{self.run.id}/{name}"

    def write_results(self, path: str) -> FileFacts | None:
        """Score span by span into one file of results, sorted by enterprise; None where nobody is left."""
        found = self._values()
        return lake().write_parts(self._scored(frame_at(found)), path) if found else None

    def _scored(self, values: Frame) -> Iterator[pa.Table]:
        """The results span by span; the engine is at the next one while the caller writes this one."""
        todo = self._spans()
        stamp = pa.scalar(self.run.started_at, pa.timestamp("us", tz="UTC"))
        places = self._place("places")
        placed = frame_at([lake().url(places)]) if lake().has_folder(places) else None
        tables = (self._score(values, placed, span, number, len(todo)) for number, span in enumerate(todo, start=1))
        for table in one_ahead(tables):
            self.grades.update({c["values"]: c["counts"] for c in pc.value_counts(table["grade"]).to_pylist()})
            yield table.append_column("_recorded_at", pa.repeat(stamp, table.num_rows))

    def _score(self, values: Frame, placed: Frame | None, span: Span, number: int, count: int) -> pa.Table:
        self.progress(Phrase("评分（{n}/{all}）", n=number, all=count))
        of_span = None if placed is None else span.of(placed)
        self._write("scored", self.province.scored(span.of(values), of_span))
        return lake().read(self._place("scored")).sort_by("_enterprise")

    def clear(self) -> None:
        """Remove what lay between the steps."""
        lake().remove_folder(f"{SCRATCH}/{self.run.id}")
