"""What rows need before they enter the records: the context of checks, system columns, a number for their delivery."""

from __future__ import annotations

import secrets
from datetime import datetime

import pyarrow as pa

from xinqiao.catalogue.types import Item, Role
from xinqiao.ingest.checks import Checked
from xinqiao.ingest.columns import Context
from xinqiao.ingest.types import RULES, DeliveryStatus
from xinqiao.kernel.dated import BEIJING, beijing_day
from xinqiao.kernel.divisions import DivisionTable
from xinqiao.kernel.errors import Invalid, Phrase, Problem
from xinqiao.plumbing.settings import content_dir
from xinqiao.records.queries import stored_schema
from xinqiao.records.types import Op


def new_number(now: datetime) -> str:
    """A number for a delivery: its time in Beijing, and enough chance never to meet another."""
    return f"{now.astimezone(BEIJING):%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"


def check_context(now: datetime) -> Context:
    """What checks need to know besides the rows."""
    return Context(today=beijing_day(now), divisions=DivisionTable.load(content_dir() / "divisions.toml"))


def with_system_columns(item: Item, own: pa.Table, delivery: str, now: datetime) -> pa.Table:
    """Accepted rows with the columns that make them bitemporal."""
    occurred = item.role(Role.OCCURRED_ON)
    if occurred:
        own = own.append_column("_occurred_on", own.column(occurred.code))
    return as_stored(item, own, delivery, Op.PUT, now)


def as_stored(item: Item, own: pa.Table, batch: str, op: Op, now: datetime) -> pa.Table:
    """Rows of a batch in the columns of the lake; those that they do not have are null."""
    schema = stored_schema(item)
    fixed = {
        "_enterprise": own.column(item.subject.code),
        "_recorded_at": pa.repeat(pa.scalar(now, pa.timestamp("us", tz="UTC")), own.num_rows),
        "_batch": pa.repeat(pa.scalar(batch), own.num_rows),
        "_op": pa.repeat(pa.scalar(str(op)), own.num_rows),
    }

    def column(name: str, kind: pa.DataType) -> pa.Array:
        if name in fixed:
            return fixed[name]
        return own.column(name) if name in own.schema.names else pa.nulls(own.num_rows, kind)

    return pa.table([column(f.name, f.type) for f in schema], schema=schema)


def status_of(delivered: int, returned: int, waiting: int = 0) -> DeliveryStatus:
    """What became of a delivery, by its accounts."""
    if not delivered:
        return DeliveryStatus.EMPTY
    if returned == delivered:
        return DeliveryStatus.RETURNED
    return DeliveryStatus.PARTLY if returned or waiting else DeliveryStatus.ACCEPTED


def raise_problems(item: Item, checked: Checked) -> None:
    """Raise Invalid with every problem of a checked table that returns a row."""
    problems = [
        Problem(
            row=p["row"],
            field=p["field"],
            code=p["code"],
            message=Phrase("{problem}：{value}", problem=RULES[p["code"]].title, value=p["value"] or ""),
        )
        for p in checked.problems.to_pylist()
        if RULES[p["code"]].returns
    ]
    if problems:
        raise Invalid(problems)
