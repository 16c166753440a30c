"""Makes the index: registration and the last run, side by side, in the order in which they are found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xinqiao.directory.letters import initials
from xinqiao.directory.models import DirectoryIndex
from xinqiao.directory.types import BUILT, IndexFacts
from xinqiao.evaluation.register import register, register_stamp
from xinqiao.evidence.actions import record
from xinqiao.kernel.grams import build
from xinqiao.plumbing.editions import Editions, save_table

EDITIONS = Editions("directory", lock="directory.index", rows=DirectoryIndex)
NAME_SIZE, LETTER_SIZE = 2, 3
Progress = Callable[[str], None]


def rebuild_if_stale(*, actor: str, now: datetime) -> IndexFacts | None:
    """Make the index anew when a run was published or registrations were delivered since; None when it is fresh."""
    return None if EDITIONS.is_fresh(register_stamp()) else rebuild(actor=actor, now=now)


def rebuild(*, actor: str, now: datetime, progress: Progress = lambda _: None) -> IndexFacts:
    """Make the index and put it in use."""
    stamp = register_stamp()
    progress("读取登记信息和评价结果")
    table, run = register(now=now)
    facts = IndexFacts(table.num_rows, run, now)

    def write(place: Path) -> None:
        progress("编制索引")
        _write(_ordered(table), place)

    def publish(folder: str, _: None) -> None:
        DirectoryIndex.objects.create(folder=folder, stamp=stamp, run=run, enterprises=facts.enterprises, built_at=now)
        body = {"folder": folder, "run": run, "enterprises": facts.enterprises}
        record(BUILT, actor=actor, subject="node", body=body, now=now)

    EDITIONS.make(write, publish, now=now)
    return facts


def folded(names: pa.Array) -> pa.Array:
    """Names as they are compared: full-width as half-width, without blanks, capitals, one kind of brackets."""
    return pc.utf8_upper(pc.replace_substring_regex(pc.utf8_normalize(names, form="NFKC"), r"[\s·]", ""))


def _ordered(table: pa.Table) -> pa.Table:
    """Shortest names first: of all that hold a text the shortest fit it best."""
    names = folded(table.column("name").combine_chunks().fill_null(""))
    table = table.append_column("folded", names).append_column("letters", initials(names))
    lengths = pc.utf8_length(names)
    order = pc.sort_indices(
        pa.table({"length": lengths, "code": table.column("code")}),
        sort_keys=[("length", "ascending"), ("code", "ascending")],
    )
    return table.take(order).combine_chunks()


def _write(table: pa.Table, place: Path) -> None:
    build(_column(table, "folded"), size=NAME_SIZE).save(place, "names")
    build(_column(table, "letters"), size=LETTER_SIZE).save(place, "letters")
    by_code = pc.sort_indices(table.column("code"))
    np.save(place / "by_code.npy", by_code.to_numpy().astype(np.int32))
    scored = pa.table({"score": table.column("score"), "code": table.column("code")})
    by_score = pc.sort_indices(scored, sort_keys=[("score", "descending"), ("code", "ascending")])  # no score: last
    np.save(place / "by_score.npy", by_score.to_numpy().astype(np.int32))
    save_table(table, place / "rows.arrow")


def _column(table: pa.Table, name: str) -> pa.Array:
    column = table.column(name)
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
