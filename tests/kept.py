"""A node that is set up once in a run and laid down again for every test that begins with it.

Setting one up takes most of a second, nearly all of it in steps that each test would repeat; its rows and files are
laid down in milliseconds. They are what was made, value for value, in the test's own transaction and its own folder.
"""

from __future__ import annotations

import io
import os
import sqlite3
import tarfile
import time
from collections.abc import Callable
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from django.db import connection, transaction

T = TypeVar("T")
FRESH_SECONDS = 240.0  # the times of a node count from its making: one that was made longer ago is made anew


@dataclass(frozen=True, slots=True)
class Kept:
    """What setting up gave, the statements that lay its rows down, its files as an archive; when it was made."""

    value: Any
    statements: tuple[str, ...]
    files: bytes
    made: float


_KEPT: dict[tuple[Any, ...], Kept] = {}


def laid_down(build: Callable[[], T], home: Path) -> T:
    """What ``build`` returns, with its rows in the database and its files in ``home``: the folder of a fresh node.

    ``build`` runs once every few minutes, and once more for every other setting of the environment.
    """
    inside = str(home)
    settings = {k: v for k, v in os.environ.items() if k.startswith("XINQIAO_") and not v.startswith(inside)}
    key = (build, *sorted(settings.items()))
    kept = _KEPT.get(key)
    if kept is None or time.monotonic() - kept.made > FRESH_SECONDS:
        kept = _KEPT[key] = _built(build, home)
        return deepcopy(kept.value)  # type: ignore[no-any-return]
    with transaction.atomic(), connection.cursor() as cursor:  # tables name each other, in whatever order they come
        for statement in kept.statements:
            cursor.execute(statement)
    with tarfile.open(fileobj=io.BytesIO(kept.files)) as archive:
        archive.extractall(home, filter="fully_trusted")  # modes and times as they were: keys are for one user's eyes
    return deepcopy(kept.value)  # type: ignore[no-any-return]


def write_empty_database(file: Path) -> None:
    """A copy of the run's empty SQLite database, every migration in it, for a process of its own to open."""
    file.parent.mkdir(parents=True, exist_ok=True)
    connection.ensure_connection()
    with closing(sqlite3.connect(file)) as target:
        target.executescript("\n".join(connection.connection.iterdump()))


def _built(build: Callable[[], Any], home: Path) -> Kept:
    """Set the node up, and keep what it wrote beyond what any fresh node has."""
    began, before, held = time.monotonic(), _rows(), set(home.rglob("*"))
    value = build()
    statements, name = [], connection.ops.quote_name
    for table, (columns, rows) in _rows().items():
        found = before.get(table, ((), ()))[1]
        assert set(found) <= set(rows), f"setting a node up changed or removed rows of {table}"
        new = [row for row in rows if row not in set(found)]
        if new:
            statements.append(f"INSERT INTO {name(table)} ({', '.join(columns)}) VALUES {', '.join(new)}")
            statements += _numbering(table)
    files = io.BytesIO()
    with tarfile.open(fileobj=files, mode="w") as archive:
        for path in sorted(set(home.rglob("*")) - held):
            archive.add(path, path.relative_to(home), recursive=False)
    return Kept(value, tuple(statements), files.getvalue(), began)


def _rows() -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Of every table: its columns, and its rows as the database itself writes them in SQL."""
    tables, name = {}, connection.ops.quote_name
    literal = "quote_nullable({}::text)" if connection.vendor == "postgresql" else "quote({})"
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            columns = tuple(name(c.name) for c in connection.introspection.get_table_description(cursor, table))
            cursor.execute(f"SELECT {', '.join(literal.format(c) for c in columns)} FROM {name(table)}")
            rows = tuple(f"({', '.join(row)})" for row in cursor.fetchall())
            tables[table] = columns, rows
    return tables


def _numbering(table: str) -> list[str]:
    """PostgreSQL would go on numbering where it was, which after an emptied table is before these rows."""
    if connection.vendor != "postgresql":
        return []
    name = connection.ops.quote_name
    with connection.cursor() as cursor:
        numbered = connection.introspection.get_sequences(cursor, table)
    text = "SELECT setval(pg_get_serial_sequence('{0}', '{1}'), max({2})) FROM {0}"
    return [text.format(name(table), n["column"], name(n["column"])) for n in numbered]
