"""The register as files that are mapped into memory: looked up by identifier, searched by n-grams of names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xinqiao.kernel.divisions import DivisionTable
from xinqiao.kernel.grams import Grams, build, gram_keys
from xinqiao.kernel.identifiers import normalise_code
from xinqiao.plumbing.editions import save_table
from xinqiao.subjects.assemble import KINDS, identifiers_of, names_of
from xinqiao.subjects.names import NameParts, Places
from xinqiao.subjects.rules import Known, match, take_apart
from xinqiao.subjects.types import Asked, IdentifierKind, Matching

SIZE = 2
WIDTH = 18
LINKS = ("parent", "converted_from")
LOOKED_AT = 400  # names compared for one row, those with the most and rarest n-grams in common
MOST_POSTINGS = 40_000  # of n-grams that many names hold only the rarer ones are followed
AREA_BONUS = 4.0  # a name in the same county counts as if it had about one rare n-gram more in common
Ints = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Register:
    """A register in memory."""

    subjects: pa.Table
    names: pa.Table
    grams: Grams
    counties: Ints
    values: npt.NDArray[np.bytes_]
    of_value: Ints
    kinds: npt.NDArray[np.int8]
    orders: dict[str, Ints]
    former: pa.Array
    places: Places

    def find(self, value: str) -> list[tuple[IdentifierKind, int]]:
        """By which identifiers a value is known, and the number of the subject of each."""
        wanted = value.encode("ascii", "replace")
        if len(wanted) > WIDTH:
            return []
        low, high = (int(np.searchsorted(self.values, wanted, side)) for side in ("left", "right"))
        return [(KINDS[int(self.kinds[at])], int(self.of_value[at])) for at in range(low, high)]

    def row(self, number: int) -> dict[str, str]:
        """A subject's columns."""
        return {name: self.subjects.column(name)[number].as_py() for name in self.subjects.column_names}

    def linked(self, column: str, code: str) -> list[int]:
        """The numbers of the subjects that name this code in a column of links: a search by halves."""
        values, order = self.subjects.column(column), self.orders[column]
        low, high = 0, len(order)
        while low < high:
            middle = (low + high) // 2
            if values[int(order[middle])].as_py() < code:
                low = middle + 1
            else:
                high = middle
        found = []
        while low < len(order) and values[int(order[low])].as_py() == code:
            found.append(int(order[low]))
            low += 1
        return found

    def candidates(self, asked: Asked) -> Matching:
        """Subjects that a row without a code may be about."""
        taken = take_apart(asked, self.places)
        rows = self._blocked(taken.name.core, taken.division)
        return match(asked, self._known(rows), self.places)

    def _blocked(self, core: str, division: str) -> Ints:
        """Names with the most and the rarest n-grams in common; those of the same county first among equals."""
        postings = sorted(self._postings(core), key=len)
        kept: list[Ints] = []
        weights: list[npt.NDArray[np.float32]] = []
        followed = 0
        for rows in postings:
            if kept and followed + len(rows) > MOST_POSTINGS:
                break
            rows = rows[:MOST_POSTINGS]
            followed += len(rows)
            kept.append(rows)
            weights.append(np.full(len(rows), np.log2(1 + self.names.num_rows / len(rows)), np.float32))
        if not kept:
            return np.empty(0, np.int32)
        found, place = np.unique(np.concatenate(kept), return_inverse=True)
        score = np.bincount(place, weights=np.concatenate(weights), minlength=len(found))
        if division.isdigit():
            score += AREA_BONUS * (self.counties[found] == int(division))
        if len(found) > LOOKED_AT:
            found = found[np.argpartition(-score, LOOKED_AT)[:LOOKED_AT]]
        return found.astype(np.int32)

    def _postings(self, core: str) -> Iterable[Ints]:
        points = np.frombuffer(core.encode("utf-32-le"), np.uint32).astype(np.uint64)
        if len(points) < SIZE:
            return
        for key in np.unique(gram_keys(points, SIZE)):
            at = int(np.searchsorted(self.grams.keys, key))
            if at < len(self.grams.keys) and self.grams.keys[at] == key:
                yield self.grams.rows[self.grams.starts[at] : self.grams.starts[at + 1]]

    def _known(self, rows: Ints) -> list[Known]:
        names = self.names.take(pa.array(rows)).to_pydict()
        columns = ["code", "name", "division", "former_division", "address", "status"]
        subjects = self.subjects.select(columns).take(pa.array(names["subject"], pa.int32())).to_pydict()
        parts = map(
            NameParts, names["core"], names["form"], names["branch"], (tuple(p.split()) for p in names["places"])
        )
        columns = ("division", "former_division", "address", "status")
        rest = (subjects[name] for name in columns)
        return list(map(Known, subjects["code"], names["name"], subjects["name"], parts, *rest))


def write_register(subjects: pa.Table, divisions: DivisionTable, place: Path) -> int:
    """Write a register's files into an empty folder; how many names it has."""
    places = Places(divisions)
    names = names_of(subjects, places)
    identifiers = identifiers_of(subjects)
    build(names.column("core").combine_chunks(), size=SIZE).save(place, "names")
    np.save(place / "counties.npy", _counties(subjects, names, divisions))
    np.save(place / "values.npy", np.array(identifiers.column("value").to_pylist(), f"S{WIDTH}"))
    np.save(place / "of_value.npy", identifiers.column("subject").to_numpy())
    np.save(place / "kinds.npy", identifiers.column("kind").to_numpy())
    for link in LINKS:
        held = np.flatnonzero(pc.not_equal(subjects.column(link), "").to_numpy(zero_copy_only=False))
        order = pc.sort_indices(subjects.column(link).take(pa.array(held))).to_numpy()
        np.save(place / f"{link}.npy", held[order].astype(np.int32))
    for name, table in (("subjects", subjects), ("names", names)):
        save_table(table, place / f"{name}.arrow")
    return names.num_rows


def _counties(subjects: pa.Table, names: pa.Table, divisions: DivisionTable) -> Ints:
    """The division in force of each name's subject, as a number; 0 when unknown."""
    encoded = subjects.column("division").combine_chunks().dictionary_encode()
    current = [divisions.current(code) for code in encoded.dictionary.to_pylist()]
    numbers = np.array([int(code) if code.isdigit() else 0 for code in current], np.int32)
    of_subject = numbers[encoded.indices.to_numpy()] if len(numbers) else np.empty(0, np.int32)
    return of_subject[names.column("subject").to_numpy()]


@lru_cache(maxsize=2)
def open_register(place: Path, divisions: Path) -> Register:
    """Mapped into memory: processes of one machine share its pages."""
    tables = [pa.ipc.open_file(pa.memory_map(str(place / f"{n}.arrow"))).read_all() for n in ("subjects", "names")]
    counties, values, of_value, kinds = (
        np.load(place / f"{name}.npy", mmap_mode="r") for name in ("counties", "values", "of_value", "kinds")
    )
    former = values[np.asarray(kinds) == KINDS.index(IdentifierKind.FORMER_CODE)]
    return Register(
        subjects=tables[0],
        names=tables[1],
        grams=Grams.load(place, "names", size=SIZE),
        counties=counties,
        values=values,
        of_value=of_value,
        kinds=kinds,
        orders={link: np.load(place / f"{link}.npy", mmap_mode="r") for link in LINKS},
        former=pa.array([value.decode() for value in former.tolist()], pa.string()),
        places=Places(DivisionTable.load(divisions)),
    )


def search_all(register: Register, asked: Sequence[Asked]) -> list[Matching]:
    """Candidates of many rows; the same question is asked once."""
    answers = {one: register.candidates(one) for one in dict.fromkeys(asked)}
    return [answers[one] for one in asked]


def resolve(register: Register, text: str) -> dict[int, IdentifierKind]:
    """The subjects that a written code is or was the code of, each with the kind of code; most often one or none.

    Today's code goes before a former one, because a code may have been given again.
    """
    value = normalise_code(text)
    found = register.find(value) if value else []
    current = {number: kind for kind, number in found if kind is IdentifierKind.CODE}
    return current or {number: kind for kind, number in found}


def code_of(register: Register, number: int) -> str:
    """Today's code of a subject."""
    return str(register.subjects.column("code")[number].as_py())
