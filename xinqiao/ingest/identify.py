"""Whose row it is, where the unified code is missing, ill-formed or no longer in use: identifiers first, then the name.

A row with a readable code of today is not looked at. The registry's own items are left as they are: they say who is
who.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from threading import Condition
from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xinqiao.catalogue.types import Item
from xinqiao.ingest.columns import Mask, clean, spelled_codes
from xinqiao.ingest.mapping import Columns
from xinqiao.ingest.types import Unidentified
from xinqiao.subjects.assemble import ITEMS as REGISTRY
from xinqiao.subjects.index import Register, code_of, resolve
from xinqiao.subjects.types import Asked, IdentifierKind, Matching

MOST_BY_NAME = 20_000  # different questions of one file that are looked for by name
BY_KIND = {
    IdentifierKind.CODE: "subject.other_column",
    IdentifierKind.FORMER_CODE: "subject.former_code",
    IdentifierKind.ORGANISATION_CODE: "subject.organisation_code",
    IdentifierKind.REGISTRATION_NO: "subject.registration_no",
}
CODES = ("subject.organisation_code", "subject.registration_no", "subject.former_code")


@dataclass(frozen=True, slots=True)
class Identified:
    """The subject column with what was found out put in: ``codes`` as text, rules by row, rows that wait.

    ``by_name`` rows were attached by name alone, so a row with a code goes before them under the same key.
    """

    codes: pa.Array
    written: pa.Array
    flags: Mapping[str, Mask]
    waiting: Mask
    by_name: Mask
    found: tuple[Unidentified, ...]


class Questions:
    """What is asked of the register about one file: each question once, so many at most, in the order of its rows.

    Pieces of the file are looked at side by side; where a row must be looked for, each waits for those before it.
    """

    def __init__(self, register: Register) -> None:
        self.register = register
        self._answers: dict[Asked, Matching] = {}
        self._ended, self._out_of_turn, self._changed = 0, set[int](), Condition()

    def wait_for_turn(self, piece: int) -> None:
        """Return once all pieces before this one (from 0) have ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended >= piece)

    def end(self, piece: int) -> None:
        """A piece asks no more; every piece must end, also one that failed."""
        with self._changed:
            self._out_of_turn.add(piece)
            while self._ended in self._out_of_turn:
                self._out_of_turn.remove(self._ended)
                self._ended += 1
            self._changed.notify_all()

    def answer(self, asked: Asked) -> Matching | None:
        """Who may be meant; None when too many different questions were asked before."""
        if asked not in self._answers:
            if len(self._answers) >= MOST_BY_NAME:
                return None
            self._answers[asked] = self.register.candidates(asked)
        return self._answers[asked]


class _Work:
    """What is found out row by row."""

    def __init__(self, questions: Questions, size: int) -> None:
        self.questions = questions
        self.size = size
        self.codes: dict[int, str | None] = {}
        self.flags: dict[str, list[int]] = {}
        self.waiting: list[int] = []
        self.found: list[Unidentified] = []

    def flag(self, rule: str, at: int) -> None:
        """Note a rule at a place."""
        self.flags.setdefault(rule, []).append(at)

    def mask(self, places: list[int]) -> Mask:
        """Places as a mask over the rows."""
        made: Mask = np.zeros(self.size, dtype=bool)
        made[places] = True
        return made

    def by_code(self, at: int, texts: Iterator[str]) -> bool:
        """Whether identifiers settle the row: by one subject, or by two that contradict each other."""
        subjects: dict[int, IdentifierKind] = {}
        for text in texts:
            subjects = {**resolve(self.questions.register, text), **subjects}
        if not subjects:
            return False
        if len(subjects) > 1:
            self.flag("subject.conflict", at)
            return True
        [(number, kind)] = subjects.items()
        self.codes[at] = code_of(self.questions.register, number)
        self.flag(BY_KIND[kind], at)
        return True

    def by_name(self, at: int, row: int, asked: Asked, values: Mapping[str, str]) -> None:
        """Attach the row, let it wait, or leave it to be returned."""
        answer = self.questions.answer(asked)
        if answer is None:
            self.flag("subject.too_many", at)
            return
        if not answer.candidates:
            self.flag("subject.person" if answer.person else "subject.nobody", at)
            return
        self.found.append(Unidentified(row, asked, values, answer.candidates, answer.automatic))
        self.codes[at] = answer.candidates[0].code if answer.automatic else None
        if answer.automatic:
            self.flag("subject.name", at)
        else:
            self.waiting.append(at)


def identify(
    item: Item,
    table: pa.Table,
    mapping: Mapping[str, str],
    columns: Columns,
    rows: pa.Array,
    questions: Questions,
    piece: int = 0,
) -> Identified | None:
    """Find the subject of every row without a readable code of today; None where every row has one.

    ``piece`` numbers the pieces of the file that ``questions`` are about.
    """
    if item.code in REGISTRY:
        return None
    written = _text(table, mapping.get(item.subject.code))
    codes, former, open_ = _sorted_out(written, questions.register)
    if not (former | open_).any():
        return None
    questions.wait_for_turn(piece)
    work = _Work(questions, table.num_rows)
    for at in np.flatnonzero(former).tolist():
        # Its own column is an identifier like the others; a former code that two had is settled by no one.
        work.by_code(at, iter((codes[at].as_py(),)))
    _open_rows(work, table, mapping, columns, rows, written, open_)
    changed = dict(sorted(work.codes.items()))
    if changed:
        where = pa.array(work.mask(list(changed)))
        written_codes = pc.replace_with_mask(written, where, pa.array(list(changed.values()), pa.string()))
    else:
        written_codes = written
    flags = {rule: work.mask(places) for rule, places in work.flags.items()}
    by_name = flags.get("subject.name", work.mask([]))
    return Identified(written_codes, written, flags, work.mask(work.waiting), by_name, tuple(work.found))


def _text(table: pa.Table, header: str | None) -> pa.Array:
    if header is None:
        return pa.nulls(table.num_rows, pa.string())
    column = table.column(header)
    return clean(column.combine_chunks() if table.num_rows else pa.array([], pa.string()))


def _sorted_out(written: pa.Array, register: Register) -> tuple[pa.Array, Mask, Mask]:
    """The codes as they are compared, which of them are former ones, and which rows have none that can be read."""
    codes, formed, _ = spelled_codes(written)
    former = pc.is_in(codes, value_set=register.former)
    former = pc.and_(former, pc.invert(_is_todays(codes, former, register)))
    return codes, _mask(former), ~formed


def _is_todays(words: pa.Array, former: pa.Array, register: Register) -> pa.Array:
    """A code that was given again is its holder's of today."""
    verdicts = np.zeros(len(words), dtype=bool)
    for at in np.flatnonzero(former.to_numpy(zero_copy_only=False)):
        verdicts[at] = any(kind is IdentifierKind.CODE for kind, _ in register.find(words[int(at)].as_py()))
    return pa.array(verdicts)


def _mask(verdicts: pa.Array) -> Mask:
    return cast(Mask, pc.fill_null(verdicts, False).to_numpy(zero_copy_only=False))


def _open_rows(
    work: _Work,
    table: pa.Table,
    mapping: Mapping[str, str],
    columns: Columns,
    rows: pa.Array,
    written: pa.Array,
    open_: Mask,
) -> None:
    places = np.flatnonzero(open_)
    chosen = pa.array(places)
    part = table.take(chosen)
    cells = {name: _text(part, header).to_pylist() for name, header in columns.items()}
    own = {code: part.column(header).to_pylist() for code, header in mapping.items()}
    texts, numbers = written.take(chosen).to_pylist(), rows.take(chosen).to_pylist()
    for n, at in enumerate(places.tolist()):
        given = (texts[n], *(cells[name][n] for name in CODES if name in cells))
        if work.by_code(at, (text for text in given if text)):
            continue
        name, division, address = (
            cells[key][n] if key in cells else None for key in ("subject.name", "subject.division", "subject.address")
        )
        if name:
            values = {code: column[n] for code, column in own.items()}
            work.by_name(at, numbers[n], Asked(name, division or "", address or ""), values)
