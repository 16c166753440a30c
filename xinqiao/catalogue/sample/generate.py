"""Generates a sample province chunk by chunk, so that memory does not grow with the number of firms."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

from xinqiao.catalogue.sample.activity import live
from xinqiao.catalogue.sample.codes import CAPACITY
from xinqiao.catalogue.sample.columns import Drawing
from xinqiao.catalogue.sample.delivery import CsvSink, Deliveries
from xinqiao.catalogue.sample.dirt import soil
from xinqiao.catalogue.sample.firms import Firms, Registered, draw_firms, draw_kinds, set_demo_kinds
from xinqiao.catalogue.sample.history import write_history
from xinqiao.catalogue.sample.identity import Texts, write_texts
from xinqiao.catalogue.sample.model import load_model
from xinqiao.catalogue.sample.plan import ItemPlan, make_plans
from xinqiao.catalogue.sample.registration import read_registrations
from xinqiao.catalogue.sample.rows import draw_rows
from xinqiao.catalogue.sample.spell import blanked, spell_days, words_at
from xinqiao.catalogue.sample.types import NEVER, FirmModel, Manifest
from xinqiao.catalogue.types import Catalogue, Role
from xinqiao.kernel.errors import Refused

CHUNK = 20_000
REGISTRATION = "registration.basic"
Progress = Callable[[str, int, int], None]


class SampleRefused(Refused):
    """The sample cannot be written there, or not with so many firms."""

    code = "catalogue.sample_refused"
    title = "不能生成示例数据：{reason}"
    next_step = "请换一个空文件夹，或调整企业数"


def generate(
    catalogue: Catalogue,
    folder: Path,
    *,
    firms: int,
    seed: int,
    until: date,
    content: Path,
    dirt: float = 0.0,
    months: int | None = None,
    registration: Path | None = None,
    progress: Progress | None = None,
) -> Manifest:
    """Write a sample of ``firms`` enterprises, dated up to ``until``, into an empty ``folder``.

    ``dirt`` is the share of rows with a defect, ``months`` how far back monthly series go, by default as the model has
    it. ``registration`` is a folder of registrations in the real layout
    to take districts, classes, capital and dates from. ``progress`` is told (item name, steps done, steps in all).
    Raises InvalidContent for a wrong declaration, SampleRefused for a folder in use or an impossible number.
    """
    model = load_model(content)
    model = replace(model, months=months) if months else model
    plans = make_plans(catalogue, model)
    _check(folder, firms)
    folder.mkdir(parents=True, exist_ok=True)
    writer = _Writer(model, plans, folder, seed=seed, until=until, dirt=dirt, progress=progress)
    chunks = _chunks(catalogue, model, firms=firms, seed=seed, registration=registration)
    for number, (first, count, given) in enumerate(chunks):
        writer.write_chunk(number, first, count, given, steps=-(-firms // CHUNK))
    return writer.finish()


def _check(folder: Path, firms: int) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise SampleRefused(reason=f"{folder} 不是空文件夹")
    if not 1 <= firms <= CAPACITY:
        raise SampleRefused(reason=f"企业数应在 1 到 {CAPACITY} 之间")


def _chunks(
    catalogue: Catalogue, model: FirmModel, *, firms: int, seed: int, registration: Path | None
) -> Iterator[tuple[int, int, Registered | None]]:
    """First number and size of each chunk; the demonstration firms always come first."""
    if registration is None:
        yield from ((first, min(CHUNK, firms - first), None) for first in range(0, firms, CHUNK))
        return
    first = min(len(model.demo_firms), firms)
    yield 0, first, None
    item = catalogue.item(REGISTRATION)
    rng = np.random.default_rng([seed, zlib.crc32(b"registration")])
    for given in read_registrations(registration, item, model, rng, firms=firms - first, chunk=CHUNK):
        yield first, len(given.class_), given
        first += len(given.class_)


class _Writer:
    """Draws chunks and writes them; keeps the open files and the row counters between chunks."""

    def __init__(
        self,
        model: FirmModel,
        plans: tuple[ItemPlan, ...],
        folder: Path,
        *,
        seed: int,
        until: date,
        dirt: float,
        progress: Progress | None,
    ) -> None:
        self.model, self.plans, self.folder = model, plans, folder
        self.seed, self.until, self.dirt = seed, until, dirt
        self.progress = progress
        self.deliveries = Deliveries(folder, until)
        self.outcomes = CsvSink(folder / "outcomes.csv", ["uscc", "archetype", "defaulted_on"])
        self.serials = {plan.item.code: 1 for plan in plans}

    def write_chunk(self, number: int, first: int, count: int, given: Registered | None, *, steps: int) -> None:
        """Draw ``count`` firms from number ``first`` on, and append their rows of every item."""
        rng = np.random.default_rng([self.seed, number])
        kinds = draw_kinds(self.model, rng, count, given)
        demos = set_demo_kinds(self.model, kinds) if first == 0 else 0
        registered_on = given.registered_on if given else None
        firms = draw_firms(self.model, rng, kinds, demos=demos, until=self.until, registered_on=registered_on)
        texts = write_texts(self.model, rng, firms, first=first, seed=self.seed, given=given)
        past = np.random.default_rng([self.seed, number, zlib.crc32(b"history")])
        texts |= write_history(self.model, past, firms, texts, first=first, seed=self.seed)
        activity = live(self.model, rng, firms, self.until)
        self._write_outcomes(firms, texts)
        for index, plan in enumerate(self.plans):
            own = np.random.default_rng([self.seed, number, zlib.crc32(plan.item.code.encode())])
            rows = draw_rows(self.model, own, plan, firms, activity, self.until)
            serial = self.serials[plan.item.code]
            drawing = Drawing(self.model, own, firms, texts, activity, rows, self.until, serial, self.seed)
            self._deliver(plan, drawing, given)
            self.serials[plan.item.code] += len(rows)
            if self.progress:
                self.progress(plan.item.name, number * len(self.plans) + index + 1, steps * len(self.plans))

    def _deliver(self, plan: ItemPlan, drawing: Drawing, given: Registered | None) -> None:
        if not len(drawing.rows):
            return
        columns = {plan.header(f): drawing.column(f) for f in plan.fields}
        day = plan.item.role(Role.OCCURRED_ON)
        if given is not None and plan.rows == "once" and day is not None and plan.header(day) in columns:
            stated = given.registered_on.is_valid().take(pa.array(drawing.rows.firm))
            columns[plan.header(day)] = blanked(columns[plan.header(day)], stated.to_numpy(zero_copy_only=False))
        years = drawing.rows.day.astype("datetime64[Y]").astype(np.int64) + 1970
        table = pa.table(columns)
        if self.dirt > 0:
            # Demonstration firms stay clean: their accounts must find every record.
            spared = drawing.firms.demo[drawing.rows.firm]
            table, years = soil(drawing.rng, plan, table, years, share=self.dirt, spared=spared)
        self.deliveries.write(plan, table, years)

    def _write_outcomes(self, firms: Firms, texts: Texts) -> None:
        archetype = words_at([a.code for a in self.model.archetypes], firms.kinds.archetype)
        defaulted = blanked(spell_days(firms.default, "iso"), firms.default < NEVER)
        self.outcomes.write(pa.table({"uscc": texts["uscc"], "archetype": archetype, "defaulted_on": defaulted}))

    def finish(self) -> Manifest:
        """Close every file and write the manifest."""
        self.outcomes.close()
        manifest = Manifest(
            firms=self.outcomes.rows,
            seed=self.seed,
            until=self.until,
            dirt=self.dirt,
            files=self.deliveries.close(),
            demo_firms=self.model.demo_firms[: self.outcomes.rows],
        )
        text = json.dumps(manifest.as_json(), ensure_ascii=False, indent=1, sort_keys=True)
        (self.folder / "manifest.json").write_text(text + "\n", encoding="utf-8")
        return manifest
