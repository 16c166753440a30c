"""From what the registry delivered to subjects, their names and their identifiers, as columns. No database."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xinqiao.subjects.names import NameParts, Places, parse_name
from xinqiao.subjects.types import IdentifierKind

SEVERAL = re.compile(r"[;；、,，\s]+")
SUBJECTS = pa.schema(
    [
        (name, pa.string())
        for name in (
            *("code", "name", "status", "division", "former_division", "address", "organisation_code"),
            *("registration_no", "former_names", "former_codes", "parent", "converted_from"),
        )
    ]
)
NAMES = pa.schema(
    [
        ("subject", pa.int32()),
        *((name, pa.string()) for name in ("name", "core", "form", "branch")),
        ("places", pa.string()),
    ]
)
KINDS = tuple(IdentifierKind)
IDENTIFIERS = pa.schema([("value", pa.string()), ("subject", pa.int32()), ("kind", pa.int8())])
BASIC = ("uscc", "name", "status", "division", "address")
IDENTITY = ("uscc", "registration_no", "former_names", "former_codes", "converted_from", "former_division")
BRANCHES = ("branch_uscc", "branch_name", "branch_status", "branch_division", "uscc")
# The registry's items that say who is who, with the columns taken; the codes in them are what they are.
ITEMS = {
    "registration.basic": BASIC,
    "registration.identity": IDENTITY,
    "registration.branches": BRANCHES,
}


def subjects_of(basic: pa.Table, identity: pa.Table, branches: pa.Table) -> pa.Table:
    """One row a subject by code: registered enterprises, and branches that have no registration of their own."""
    own = basic.select(BASIC).rename_columns(["code", *BASIC[1:]])
    columns = ["code", "name", "status", "division", "parent"]
    offices = branches.select(BRANCHES).rename_columns(columns).group_by("code", use_threads=False)
    offices = offices.aggregate([(name, "last") for name in columns[1:]]).rename_columns(columns)
    unregistered = offices.filter(pc.invert(pc.is_in(offices.column("code"), value_set=_column(own, "code"))))
    parents = offices.select(["code", "parent"])
    known = identity.select(IDENTITY).rename_columns(["code", *IDENTITY[1:]])
    both = pa.concat_tables([own, unregistered.drop(["parent"])], promote_options="default")
    joined = both.join(known, "code").join(parents, "code").sort_by("code")
    organisation = pc.utf8_slice_codeunits(joined.column("code"), 8, 17)
    joined = joined.append_column("organisation_code", organisation)
    columns = [pc.fill_null(joined.column(f.name).cast(f.type), "") for f in SUBJECTS]
    return pa.table(columns, schema=SUBJECTS).combine_chunks()


def _column(table: pa.Table, name: str) -> pa.Array:
    column = table.column(name)
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def several(text: str) -> tuple[str, ...]:
    """The parts of a cell that holds several names or codes."""
    return tuple(part for part in SEVERAL.split(text) if part)


def names_of(subjects: pa.Table, places: Places) -> pa.Table:
    """Every current and former name taken apart, with the number of its subject."""
    current = subjects.column("name").to_pylist()
    lines = [(n, name) for n, name in enumerate(current) if name]
    former = subjects.column("former_names").to_pylist()
    lines += [(n, name) for n, cell in enumerate(former) if cell for name in several(cell) if name != current[n]]
    parts = [parse_name(name, places) for _, name in lines]
    return _names([n for n, _ in lines], [name for _, name in lines], parts)


def _names(numbers: Sequence[int], names: Sequence[str], parts: Sequence[NameParts]) -> pa.Table:
    columns = {
        "subject": pa.array(numbers, pa.int32()),
        "name": pa.array(names, pa.string()),
        "core": pa.array([p.core for p in parts], pa.string()),
        "form": pa.array([p.form for p in parts], pa.string()),
        "branch": pa.array([p.branch for p in parts], pa.string()),
        "places": pa.array([" ".join(p.places) for p in parts], pa.string()),
    }
    return pa.table(columns, schema=NAMES)


def identifiers_of(subjects: pa.Table) -> pa.Table:
    """Every code by which a subject is or was known, by value."""
    every = np.arange(subjects.num_rows, dtype=np.int32)
    parts = [
        (subjects.column(name), every, KINDS.index(kind))
        for name, kind in (
            ("code", IdentifierKind.CODE),
            ("organisation_code", IdentifierKind.ORGANISATION_CODE),
            ("registration_no", IdentifierKind.REGISTRATION_NO),
        )
    ]
    cells = subjects.column("former_codes").to_pylist()
    former = [(code.upper(), n) for n, cell in enumerate(cells) if cell for code in several(cell)]
    codes, numbers = ([value for value, _ in former], [n for _, n in former])
    parts.append((pa.array(codes, pa.string()), np.array(numbers, np.int32), KINDS.index(IdentifierKind.FORMER_CODE)))
    tables = []
    for values, numbers_, kind in parts:
        values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
        tables.append(
            pa.table(
                [values, pa.array(numbers_, pa.int32()), pa.array(np.full(len(values), kind, np.int8))],
                schema=IDENTIFIERS,
            )
        )
    found = pa.concat_tables(tables)
    return found.filter(pc.not_equal(found.column("value"), "")).sort_by("value").combine_chunks()
