"""Marks of a read, and traces made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xinqiao.plumbing.blind_index import blind_index
from xinqiao.tracing.marks import block_mark, ordered
from xinqiao.tracing.models import TraceRow
from xinqiao.tracing.types import BlockMark, Carrier, Trace, TracedRead, UnknownTrace

USE = "tracing.mark"


def keyed(access: str) -> bytes:
    """The key of a read's marks; what gives it lies in the key store."""
    return blind_index(USE, access)


def mark_of(access: str) -> Callable[[str], BlockMark]:
    """The marks of a read on a page, by list code."""
    key = keyed(access)
    return lambda code: block_mark(key, code)


def marked(document: Any, access: str) -> Any:
    """A document as it is sent to its recipient: equal to what was signed, in an order of the read's own."""
    return ordered(document, keyed(access))


def list_traces(*, limit: int = 100) -> list[Trace]:
    """Traces, the newest first."""
    return [trace_facts(row) for row in TraceRow.objects.order_by("-made_at")[:limit]]


def get_trace(trace: str) -> Trace:
    """One trace; raises UnknownTrace."""
    row = TraceRow.objects.filter(id=trace).first()
    if row is None:
        raise UnknownTrace(trace=trace)
    return trace_facts(row)


def trace_facts(row: TraceRow) -> Trace:
    """Facts of a row."""
    return Trace(
        id=row.id,
        name=row.name,
        sha256=row.sha256,
        made_at=row.made_at,
        made_by=row.made_by,
        candidates=row.candidates,
        needed=row.needed,
        reads=tuple(TracedRead(**{**read, "carrier": Carrier(read["carrier"])}) for read in row.reads),
        printed=tuple(row.printed),
    )
