"""The database mode: two tables of an exchange database, one to read from, one to answer into.

``exchange_out (seq, item, row_json)`` grows at its end only, ``seq`` rising; ``exchange_receipt (first_seq, last_seq,
item, delivery, accepted, returned)`` is ours to write.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

import psycopg

from xinqiao.sources.types import Connection, Link, Unreachable

TOGETHER = 5_000
Line = tuple[int, str, Mapping[str, str]]


class ExchangeTables:
    """``address`` is ``postgresql://…`` or, to try it, ``sqlite:///file``."""

    def __init__(self, connection: Connection, link: Link) -> None:
        self._connection, self._address = connection, link.address
        self._mark = "%s" if link.address.startswith("postgresql") else "?"

    def check(self) -> None:
        """Whether the table can be read; raises Unreachable."""
        self.after(0, most=1)

    def after(self, seq: int, *, most: int = TOGETHER) -> list[Line]:
        """The next rows: number, item, fields in the spelling of a delivery. Raises Unreachable."""
        query = f"SELECT seq, item, row_json FROM exchange_out WHERE seq > {self._mark} ORDER BY seq LIMIT {most:d}"
        with self._open() as cursor:
            cursor.execute(query, (seq,))
            return [(int(number), str(item), _row(text)) for number, item, text in cursor.fetchall()]

    def acknowledge(self, first: int, last: int, item: str, delivery: str, accepted: int, returned: int) -> None:
        """Say what became of rows; saying it again changes nothing."""
        marks = ", ".join([self._mark] * 6)
        with self._open() as cursor:
            where = f"first_seq = {self._mark} AND item = {self._mark}"
            cursor.execute(f"DELETE FROM exchange_receipt WHERE {where}", (first, item))
            cursor.execute(
                f"INSERT INTO exchange_receipt VALUES ({marks})", (first, last, item, delivery, accepted, returned)
            )

    @contextmanager
    def _open(self) -> Iterator[Any]:
        seconds = self._connection.timeout_ms / 1000
        try:
            if self._address.startswith("postgresql"):
                with psycopg.connect(self._address, connect_timeout=max(2, round(seconds))) as line:
                    yield line.cursor()
            else:
                with closing(sqlite3.connect(urlsplit(self._address).path, timeout=seconds)) as file, file:
                    yield file.cursor()
        except (psycopg.Error, sqlite3.Error) as error:
            why = str(error).partition("\n")[0][:120]
            raise Unreachable(source=self._connection.name, why=why) from error


def _row(text: Any) -> Mapping[str, str]:
    """A row in the spelling of a delivery; one that is none goes on as it is, to be returned by its checks."""
    try:
        row = text if isinstance(text, dict) else json.loads(text)
    except (ValueError, TypeError, RecursionError):
        row = None
    if not isinstance(row, dict):
        return {"row_json": str(text)[:200]}
    return {str(name): "" if value is None else str(value) for name, value in row.items()}
