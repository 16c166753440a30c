"""A read from outside: sources that are called at query time are asked first, then the gate answers."""

from __future__ import annotations

from datetime import datetime

from xinqiao.evaluation.compute import REGISTRATION
from xinqiao.records.queries import current_rows, is_planted, read_enterprise
from xinqiao.release.actions import ask_of, items_of, query
from xinqiao.release.queries import policy
from xinqiao.release.rules import judge
from xinqiao.release.types import Answer, Inquiry
from xinqiao.sharing.queries import current_list
from xinqiao.sources.actions import ask_sources
from xinqiao.sources.queries import called


def prepare(inquiry: Inquiry, *, now: datetime) -> None:
    """Ask the sources of the items asked for that are called at query time, if the gate would let the reader through.

    Call it before :func:`query`, outside of a transaction: sources are waited for, each within its time. Nobody is
    asked about a code that the registry does not hold.
    """
    items = items_of(inquiry)
    if not called(items) or not judge(policy(), ask_of(inquiry, items), now=now)[0].allow:
        return
    registration = current_list().item(REGISTRATION)
    tables = read_enterprise(inquiry.enterprise, [registration], known=now)
    held = current_rows(tables[registration.code], registration) if registration.code in tables else []
    if held:
        ask_sources(inquiry.enterprise, items, actor=inquiry.actor, now=now, planted=is_planted(held[0]))


def read(inquiry: Inquiry, *, now: datetime) -> Answer:
    """:func:`prepare`, then :func:`query`; raises what that raises."""
    prepare(inquiry, now=now)
    return query(inquiry, now=now)
