"""Deleting what has reached the end of its term: every version of the row, bytes and all."""

from __future__ import annotations

from datetime import date, datetime

from xinqiao.catalogue.types import Item
from xinqiao.kernel.dated import beijing_day
from xinqiao.records.removing import all_rows, remove_rows
from xinqiao.retention.queries import retention_rules
from xinqiao.retention.rules import is_over
from xinqiao.retention.types import Deletion
from xinqiao.sharing.queries import item_ever

ACTOR = "system:retention"
CAUSE = "征信业管理条例第十六条"


def delete_expired_records(*, now: datetime) -> dict[str, int]:
    """Delete bad records of natural persons whose term has run; item → how many rows, versions counted each.

    A pass that finds nothing changes nothing. Items that have left the list are looked at too.
    """
    found = {}
    for code, rule in retention_rules().deletions.items():
        if count := _delete(item_ever(code), rule, now):
            found[code] = count
    return found


def _delete(item: Item, rule: Deletion, now: datetime) -> int:
    rules, today = retention_rules(), beijing_day(now)
    rows = all_rows(item, [rule.ended], prefix=rules.persons, now=now)
    newest: dict[object, date] = {}
    for row in rows:  # of a row's versions the latest end counts: a later one may say that it went on
        ended = row.get(rule.ended)
        if isinstance(ended, date):
            newest[row["_ref"]] = max(ended, newest.get(row["_ref"], ended))
    refs = {str(ref) for ref, ended in newest.items() if is_over(ended, rules, today=today)}
    if not refs:
        return 0
    return remove_rows(item, refs, prefix=rules.persons, cause=CAUSE, actor=ACTOR, now=now)
