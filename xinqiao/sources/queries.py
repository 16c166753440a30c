"""Connections that lead somewhere here, what sources said last, how they stand."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from django.db.models import Q

from xinqiao.catalogue.load import load_catalogue
from xinqiao.catalogue.types import Item, Method
from xinqiao.kernel.errors import Problem
from xinqiao.plumbing.settings import content_dir, sources_file
from xinqiao.sources.models import CircuitRow, HeardRow, PastHeardRow, PulledRow
from xinqiao.sources.rules import load_calling, parse_links
from xinqiao.sources.types import (
    Calling,
    Circuit,
    Connection,
    Heard,
    HeardState,
    InvalidConnections,
    Link,
    Mode,
    Standing,
    UnknownConnection,
)


def calling() -> Calling:
    """How sources are called; raises InvalidConnections."""
    return _content(content_dir() / "sources.toml")[0]


def connections() -> tuple[Connection, ...]:
    """Every connection that the content declares; none where it has no such file."""
    path = content_dir() / "sources.toml"
    return _content(path)[1] if path.exists() else ()


@lru_cache(maxsize=4)
def _content(path: Path) -> tuple[Calling, tuple[Connection, ...]]:
    return load_calling(path, load_catalogue(content_dir()))


def links() -> dict[str, Link]:
    """Connection → where it leads here; empty without XINQIAO_SOURCES. Raises InvalidConnections.

    Read anew when the file changes, so an address can be changed without a restart.
    """
    path = sources_file()
    if path is None:
        return {}
    try:
        stamp = path.stat()
        return _links(path, stamp.st_mtime_ns, stamp.st_size)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidConnections([Problem(field="XINQIAO_SOURCES", code="sources.file", message=str(error))]) from error


@lru_cache(maxsize=4)
def _links(path: Path, _changed: int, _size: int) -> dict[str, Link]:
    return parse_links(path.read_text("utf-8"), connections())


def linked(code: str) -> tuple[Connection, Link]:
    """A connection and where it leads; raises UnknownConnection."""
    found = next((one for one in connections() if one.code == code), None)
    if found is None or code not in links():
        raise UnknownConnection(connection=code)
    return found, links()[code]


def called(items: Iterable[Item]) -> dict[str, Connection]:
    """Item → the connection by which it is called here, of the items shared by call or verification."""
    leads = links()
    if not leads:
        return {}
    wanted = {item.code for item in items if item.method is not Method.COLLECT}
    services = [one for one in connections() if one.mode is Mode.SERVICE and one.code in leads]
    return {item: one for one in services for item in one.items if item in wanted}


def heard(enterprise: str, items: Iterable[Item], *, now: datetime, past: bool = False) -> dict[str, Heard]:
    """Item → what its source said, of the items that are called here; never asked, or too long ago, is unreachable.

    ``past``: as it had been said by ``now``, whatever was said since.
    """
    here = called(items)
    if not here:
        return {}
    believed = Q(enterprise=enterprise, item__in=list(here), good_until__gt=now)
    if past:
        believed &= Q(asked_at__lte=now)
    found = {row.item: heard_facts(row) for row in HeardRow.objects.filter(believed)}
    if past:
        earlier = PastHeardRow.objects.filter(believed).order_by("asked_at", "id")
        found = {row.item: heard_facts(row) for row in earlier} | found
    return {item: found.get(item) or Heard(item, HeardState.UNREACHABLE, now, now) for item in here}


def heard_facts(row: HeardRow | PastHeardRow) -> Heard:
    """Facts of a row."""
    return Heard(row.item, HeardState(row.state), row.asked_at, row.good_until, row.detail)


def circuit_of(connection: str) -> Circuit:
    """Where a connection stands; one never called is closed."""
    row = CircuitRow.objects.filter(connection=connection).first()
    return circuit_facts(row) if row else Circuit(connection)


def circuit_facts(row: CircuitRow) -> Circuit:
    """Facts of a row."""
    return Circuit(row.connection, row.failures, row.opened_at, row.last_ok_at, row.last_error)


def standing() -> list[Standing]:
    """Every connection with how it stands here."""
    leads = links()
    return [Standing(one, one.code in leads, circuit_of(one.code), *last_pulled(one.code)) for one in connections()]


def last_pulled(connection: str) -> tuple[datetime | None, int]:
    """When a connection was last pulled from with something to take, and how many files or runs it was in all."""
    rows = PulledRow.objects.filter(connection=connection)
    newest = rows.order_by("-taken_at").values_list("taken_at", flat=True).first()
    return newest, rows.count()
