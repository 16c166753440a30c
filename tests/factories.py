"""Small things tests are made of: deliveries, enterprises, times. Codes are generated, never real."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from xinqiao.catalogue.load import load_catalogue
from xinqiao.catalogue.types import Item
from xinqiao.ingest.actions import Upload, receive
from xinqiao.ingest.annotating import annotated_file
from xinqiao.ingest.types import Outcome
from xinqiao.kernel.identifiers import USCC_CHARS, make_uscc
from xinqiao.plumbing.settings import content_dir

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def item(code: str) -> Item:
    """An item of the content's sharing list."""
    return load_catalogue(content_dir()).item(code)


def uscc(number: int) -> str:
    """The ``number``-th generated code of a test."""
    body = "".join(USCC_CHARS[number // 31**place % 31] for place in range(5, -1, -1))
    return make_uscc("91", "610102", f"MAT{body}")


def csv_of(rows: Sequence[Mapping[str, object]]) -> bytes:
    """Rows (field code → written value) as a CSV with field codes for headers."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, names, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def deliver(code: str, rows: Sequence[Mapping[str, object]], *, now: datetime = NOW) -> Outcome:
    """Deliver rows of an item as its department does."""
    found = item(code)
    return receive(found, [Upload("test.csv", csv_of(rows))], provider=found.department.code, actor="person:1", now=now)


def annotated(delivery: str, **chosen: Any) -> tuple[str, bytes]:
    """The name and the bytes of the delivered file with its errors marked."""
    name, file = annotated_file(delivery, **chosen)
    with file:
        return name, file.read()


def registration(number: int, **values: object) -> dict[str, object]:
    """A row of the registry feed for the ``number``-th enterprise."""
    return {
        "uscc": uscc(number),
        "name": f"示例企业{number}",
        "registered_on": "2020-01-02",
        "capital": "100万人民币",
        "industry": "C3411",
        **values,
    }


def registered(*numbers: int, now: datetime = NOW) -> None:
    """Deliver registrations of these enterprises."""
    deliver("registration.basic", [registration(n) for n in numbers], now=now)
