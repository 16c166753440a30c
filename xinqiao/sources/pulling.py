"""The file and the database mode: what lies there is taken as deliveries, once, and acknowledged."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby

from django.db.models import Max

from xinqiao.catalogue.types import Item
from xinqiao.ingest.actions import Upload, receive
from xinqiao.ingest.types import Outcome
from xinqiao.kernel.errors import XinqiaoError
from xinqiao.sharing.queries import current_list
from xinqiao.sources.adapters.database import ExchangeTables, Line
from xinqiao.sources.adapters.files import FileInbox, Offered, digest_of
from xinqiao.sources.models import PulledRow
from xinqiao.sources.queries import linked
from xinqiao.sources.types import Connection, Mode, Pulled, UnknownConnection, Unreachable

NUMBER = "seq"
LONGEST_NAME = 200


def pull(code: str, *, now: datetime) -> Pulled:
    """Take what a connection has to give. A fault of one file is told and keeps no other waiting; nothing is lost.

    Raises UnknownConnection, Unreachable.
    """
    connection, link = linked(code)
    if connection.mode is Mode.FILE:
        return _pull_files(connection, FileInbox(connection, link), now)
    if connection.mode is Mode.DATABASE:
        return _pull_rows(connection, ExchangeTables(connection, link), now)
    raise UnknownConnection(connection=code)


def _pull_files(connection: Connection, inbox: FileInbox, now: datetime) -> Pulled:
    taken = frozenset(PulledRow.objects.filter(connection=connection.code).values_list("name", flat=True))
    outcomes, faults = list[Outcome](), list[str]()
    for offered in inbox.offered(taken=taken):
        try:
            outcomes.append(_take_file(connection, inbox, offered, now))
        except XinqiaoError as error:
            faults.append(f"{_legible(offered.name)}：{error.message}")
        except OSError as error:  # gone or closed to us since it was listed
            faults.append(f"{_legible(offered.name)}：{error.strerror or type(error).__name__}")
    return _pulled(connection, outcomes, faults)


def _take_file(connection: Connection, inbox: FileInbox, offered: Offered, now: datetime) -> Outcome:
    """One file received, acknowledged and remembered; or refused, acknowledged, and raised again."""
    if len(offered.name) > LONGEST_NAME or _legible(offered.name) != offered.name:
        raise Unreachable(source=connection.name, why="file name")
    try:
        outcome = _receive_file(connection, offered, now)
    except XinqiaoError as error:
        inbox.acknowledge(offered.name, {"state": "refused", "code": error.code, "message": error.message})
        raise
    inbox.acknowledge(offered.name, _receipt(outcome))
    PulledRow.objects.get_or_create(
        connection=connection.code,
        name=offered.name,
        defaults={"sha256": offered.sha256, "delivery": outcome.delivery, "taken_at": now},
    )
    return outcome


def _legible(name: str) -> str:
    """A name as it can be stored and told: front-end machines also write names in GBK."""
    return name.encode("utf-8", "replace").decode("utf-8")


def _receive_file(connection: Connection, offered: Offered, now: datetime) -> Outcome:
    item = _item(connection, offered.item)
    if digest_of(offered.path) != offered.sha256:
        raise Unreachable(source=connection.name, why=f"{offered.name} sha256")
    upload = Upload(offered.name.partition("__")[2] or offered.name, offered.path)
    return receive(item, [upload], provider=item.department.code, actor=f"source:{connection.code}", now=now)


def _item(connection: Connection, code: str) -> Item:
    """An item that comes by this connection; raises UnknownItem, UnknownConnection."""
    item = current_list().item(code)
    if item.code not in connection.items:
        raise UnknownConnection(connection=f"{connection.code} {code}")
    return item


def _receipt(outcome: Outcome) -> dict[str, object]:
    numbers = {name: getattr(outcome, name) for name in ("delivered", "accepted", "returned", "waiting")}
    return {"state": str(outcome.status), "delivery": outcome.delivery, "item": outcome.item, **numbers}


def _pull_rows(connection: Connection, tables: ExchangeTables, now: datetime) -> Pulled:
    rows = PulledRow.objects.filter(connection=connection.code)
    position = rows.aggregate(last=Max("position"))["last"] or 0
    outcomes, faults = list[Outcome](), list[str]()
    while lines := tables.after(position):
        # One item after another, in the order of the rows: a later row must not overtake an earlier one of its item.
        for code, run in groupby(lines, key=lambda line: line[1]):
            part = list(run)
            first, position = part[0][0], part[-1][0]
            delivery, accepted, returned = "", 0, len(part)
            try:
                outcome = _receive_rows(connection, code, part, now)
                delivery, accepted, returned = outcome.delivery, outcome.accepted, outcome.returned
                outcomes.append(outcome)
            except XinqiaoError as error:
                faults.append(f"{first}-{position} {code}：{error.message}")
            tables.acknowledge(first, position, code, delivery, accepted, returned)
            PulledRow.objects.get_or_create(
                connection=connection.code,
                name=f"{first}-{position}",
                defaults={"position": position, "delivery": delivery, "taken_at": now},
            )
    return _pulled(connection, outcomes, faults)


def _receive_rows(connection: Connection, code: str, lines: Sequence[Line], now: datetime) -> Outcome:
    item = _item(connection, code)
    upload = Upload(f"{lines[0][0]}-{lines[-1][0]}.csv", _as_csv([(number, row) for number, _, row in lines]))
    return receive(item, [upload], provider=item.department.code, actor=f"source:{connection.code}", now=now)


def _as_csv(rows: Sequence[tuple[int, Mapping[str, str]]]) -> bytes:
    """Rows with their numbers: taken twice they are the same bytes, said again later they are not."""
    names = list(dict.fromkeys(name for _, row in rows for name in row))
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, [*names, NUMBER], restval="", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows({**row, NUMBER: number} for number, row in rows)
    return out.getvalue().encode()


def _pulled(connection: Connection, outcomes: Sequence[Outcome], faults: Sequence[str]) -> Pulled:
    accepted, returned = sum(o.accepted for o in outcomes), sum(o.returned for o in outcomes)
    return Pulled(connection.code, len(outcomes), accepted, returned, tuple(faults))
