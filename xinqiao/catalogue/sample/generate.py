"""Generates a sample province chunk by chunk, so that memory does not grow with the number of firms."""

from __future__ import annotations

import json
import shutil
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

from xinqiao.catalogue.sample.activity import live
from xinqiao.catalogue.sample.codes import CAPACITY
from xinqiao.catalogue.sample.columns import Drawing
from xinqiao.catalogue.sample.delivery import CsvSink, Deliveries, by_file
from xinqiao.catalogue.sample.dirt import soil
from xinqiao.catalogue.sample.firms import Firms, Registered, draw_firms, draw_kinds, set_demo_kinds
from xinqiao.catalogue.sample.history import write_history
from xinqiao.catalogue.sample.identity import Texts, write_texts
from xinqiao.catalogue.sample.model import load_model
from xinqiao.catalogue.sample.parts import OUTCOMES, Parts
from xinqiao.catalogue.sample.plan import ItemPlan, make_plans
from xinqiao.catalogue.sample.registration import read_registrations
from xinqiao.catalogue.sample.rows import draw_rows
from xinqiao.catalogue.sample.spell import blanked, spell_days, words_at
from xinqiao.catalogue.sample.types import NEVER, FirmModel, Manifest
from xinqiao.catalogue.types import Catalogue, Role
from xinqiao.kernel.digesting import tree_digest
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

    One that was stopped on the way goes on when it is asked for again, to the same bytes. ``dirt`` is the share of
    rows with a defect, ``months`` how far back monthly series go, by default as the model has it. ``registration`` is a
    folder of registrations in the real layout to take districts, classes, capital and dates from. ``progress`` is told
    (item name, steps done, steps in all).
    Raises InvalidContent for a wrong declaration, SampleRefused for a folder in use or an impossible number.
    """
    model = load_model(content)
    model = replace(model, months=months) if months else model
    plans = make_plans(catalogue, model)
    asked = {"firms": firms, "seed": seed, "until": until.isoformat(), "dirt": dirt, "months": model.months}
    drawn_by = tree_digest([(content, (".toml",)), (Path(__file__).parent, (".py",))])
    asked |= {"registration": str(registration or ""), "content": drawn_by}
    parts = Parts(folder, asked)
    _check(folder, firms, parts)
    parts.begin()
    expected = -(-firms // CHUNK)
    writer = _Writer(
        model, plans, folder, parts, seed=seed, until=until, dirt=dirt, progress=progress, expected=expected
    )
    chunks = _chunks(catalogue, model, firms=firms, seed=seed, registration=registration)
    count = 0
    for number, (first, size, given) in enumerate(chunks):
        writer.write_chunk(number, first, size, given)
        count = number + 1
    return writer.finish(count)


def _check(folder: Path, firms: int, parts: Parts) -> None:
    if not 1 <= firms <= CAPACITY:
        raise SampleRefused(reason=f"企业数应在 1 到 {CAPACITY} 之间")
    if folder.exists() and any(folder.iterdir()) and not parts.fits:
        raise SampleRefused(reason=f"{folder} 不是空文件夹")


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
    """Draws chunks, keeps the row counters between them, and writes the files of all."""

    def __init__(
        self,
        model: FirmModel,
        plans: tuple[ItemPlan, ...],
        folder: Path,
        parts: Parts,
        *,
        seed: int,
        until: date,
        dirt: float,
        progress: Progress | None,
        expected: int,
    ) -> None:
        self.model, self.plans, self.folder, self.parts = model, plans, folder, parts
        self.seed, self.until, self.dirt = seed, until, dirt
        self.progress, self.expected = progress, expected
        self.serials = {plan.item.code: 1 for plan in plans}

    def write_chunk(self, number: int, first: int, count: int, given: Registered | None) -> None:
        """Draw ``count`` firms from number ``first`` on with their rows of every item, unless they are there."""
        held = self.parts.serials_after(number)
        if held is None:
            self.parts.open()
            self._draw(number, first, count, given)
            self.parts.close(number, self.serials)
            return
        self.serials = held
        self._tell("已有的部分", (number + 1) * len(self.plans))

    def _draw(self, number: int, first: int, count: int, given: Registered | None) -> None:
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
            self._tell(plan.item.name, number * len(self.plans) + index + 1)

    def _tell(self, name: str, done: int) -> None:
        """A chunk takes a step for every item, and one when the files are written."""
        if self.progress:
            self.progress(name, done, self.expected * (len(self.plans) + 1))

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
        for stem, rows in by_file(plan, table, years):
            self.parts.add(plan.item.code, stem, rows)

    def _write_outcomes(self, firms: Firms, texts: Texts) -> None:
        archetype = words_at([a.code for a in self.model.archetypes], firms.kinds.archetype)
        defaulted = blanked(spell_days(firms.default, "iso"), firms.default < NEVER)
        table = pa.table({"uscc": texts["uscc"], "archetype": archetype, "defaulted_on": defaulted})
        self.parts.add(OUTCOMES, OUTCOMES, table)

    def _append(self, number: int, deliveries: Deliveries, outcomes: CsvSink) -> None:
        plans = {plan.item.code: plan for plan in self.plans}
        for item, stem, table in self.parts.read(number):
            if item == OUTCOMES:
                outcomes.write(table)
            else:
                deliveries.append(plans[item], stem, table)

    def finish(self, count: int) -> Manifest:
        """Write the files of all ``count`` chunks, then the manifest; what a stopped attempt wrote of them goes."""
        for plan in self.plans:
            shutil.rmtree(self.folder / plan.item.code, ignore_errors=True)
        deliveries = Deliveries(self.folder, self.until)
        outcomes = CsvSink(self.folder / "outcomes.csv", ["uscc", "archetype", "defaulted_on"])
        with ExitStack() as opened:
            opened.callback(outcomes.close)
            opened.callback(deliveries.close)
            for number in range(count):
                self._tell("写入文件", count * len(self.plans) + number + 1)
                self._append(number, deliveries, outcomes)
        manifest = Manifest(
            firms=outcomes.rows,
            seed=self.seed,
            until=self.until,
            dirt=self.dirt,
            files=deliveries.close(),
            demo_firms=self.model.demo_firms[: outcomes.rows],
        )
        text = json.dumps(manifest.as_json(), ensure_ascii=False, indent=1, sort_keys=True)
        (self.folder / "manifest.json").write_text(text + "\n", encoding="utf-8")
        self.parts.remove()
        return manifest
