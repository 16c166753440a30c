"""What a rule finds in records, when a reply or an embargo is whole. Pure; never reads the clock.

Findings depend on the records known and on nothing else: no window counts from today, so that what a pass over the
enterprises touched finds is what a pass over all of them finds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xinqiao.kernel.canonical import sha256_hex
from xinqiao.kernel.dated import add_months, beijing_day
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.kernel.transitions import Transitions
from xinqiao.monitoring.refusals import InvalidEmbargo, InvalidReply, SecondOfTwoNeeded
from xinqiao.monitoring.types import Condition, EmbargoState, Finding, Precision, Reply, SignalRule

KNOWN = "_first_at"  # when the first row of a key was recorded
LONGEST_NOTE, LONGEST_BASIS = 500, 300
SPAN = 4_096  # enterprises whose months are laid out at once
EMBARGO_TRANSITIONS = Transitions(
    {
        EmbargoState.PROPOSED: {"approve": EmbargoState.APPROVED, "decline": EmbargoState.DECLINED},
        EmbargoState.APPROVED: {"end": EmbargoState.ENDED},
        EmbargoState.DECLINED: {},
        EmbargoState.ENDED: {},
    },
    names={
        "approve": "批准",
        "decline": "不批准",
        "end": "提前结束",
        **{state: state.label for state in EmbargoState},
    },
)


def columns_of(rule: SignalRule) -> tuple[str, ...]:
    """The columns of its item's standing rows that a rule reads, besides the key."""
    named = [c.field for c in rule.conditions] + list(rule.first_of) + ([rule.value] if rule.value else [])
    return tuple(dict.fromkeys(["_enterprise", "_occurred_on", *named]))


def record_findings(
    rule: SignalRule, rows: pa.Table, *, key: Sequence[str], public: bool, parties: Mapping[str, str] | None = None
) -> list[Finding]:
    """A finding for each standing row of the rule's item that meets its conditions, or for the n-th within a time.

    ``key`` are the item's key columns; ``public`` whether the day may be told (else the month is). ``parties`` tells
    whose record a row is, by the joined value of ``rule.elsewhere.by`` with the enterprise.
    """
    met = rows
    for condition in rule.conditions:
        met = met.filter(_holds(met, condition))
    wanted = list(dict.fromkeys(["_enterprise", "_occurred_on", KNOWN, *key, *rule.first_of]))
    found = sorted(met.select(wanted).to_pylist(), key=lambda r: (r["_enterprise"], _day(r), str([r[k] for k in key])))
    found = list(_first_of(found, rule.first_of)) if rule.first_of else found
    found = list(_often(found, rule)) if rule.at_least > 1 else found
    return [_record(rule, row, key=rule.first_of or key, public=public, parties=parties) for row in found]


def _holds(rows: pa.Table, condition: Condition) -> pa.Array:
    column = rows.column(condition.field)
    if condition.empty:
        return pc.is_null(column)
    if condition.above is not None:
        return pc.fill_null(pc.greater(column, condition.above), False)
    return pc.is_in(column, value_set=pa.array(condition.among, column.type))


def _day(row: Mapping[str, Any]) -> date:
    return row["_occurred_on"] or date.min


def _first_of(rows: Iterable[Mapping[str, Any]], fields: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """Of rows in order of their days, the first of each enterprise and value."""
    seen = set()
    for row in rows:
        place = (row["_enterprise"], *(row[f] for f in fields))
        if place not in seen:
            seen.add(place)
            yield row


def _often(rows: Iterable[Mapping[str, Any]], rule: SignalRule) -> Iterator[Mapping[str, Any]]:
    """Rows that are at least the n-th of their enterprise within the months up to their day."""
    days: dict[str, list[date]] = {}
    for row in rows:
        if row["_occurred_on"] is None:
            continue
        before = days.setdefault(row["_enterprise"], [])
        before.append(_day(row))
        if len(before) - bisect_right(before, add_months(_day(row), -rule.within_months)) >= rule.at_least:
            yield row


def _record(
    rule: SignalRule, row: Mapping[str, Any], *, key: Sequence[str], public: bool, parties: Mapping[str, str] | None
) -> Finding:
    on = row["_occurred_on"]
    facts: dict[str, str | int] = {}
    if on is not None:
        facts = {"on": on.isoformat()} if public else {"month": f"{on:%Y-%m}"}
    if rule.at_least > 1:
        facts |= {"at_least": rule.at_least, "within_months": rule.within_months}
    party = ""
    if rule.elsewhere and parties is not None:
        party = parties.get(f"{row['_enterprise']}\x1f{row[rule.elsewhere.by]}", "")
    return Finding(row["_enterprise"], rule.code, occasion(row[name] for name in key), row[KNOWN], facts, party)


def occasion(values: Iterable[object]) -> str:
    """A digest of what tells one record of an enterprise from another: a document number is not for others' eyes."""
    return sha256_hex("\x1f".join("" if value is None else str(value) for value in values).encode())[:32]


def fall_findings(rule: SignalRule, rows: pa.Table) -> list[Finding]:
    """A finding for each month with which the sum of the last months comes to have fallen, and had not before.

    Both spans must be known month by month: what was not delivered has not fallen.
    """
    rows = rows.filter(pc.and_(pc.is_valid(rows.column(rule.value)), pc.is_valid(rows.column("_occurred_on"))))
    firms = rows.column("_enterprise").combine_chunks().dictionary_encode()
    codes = firms.indices.to_numpy(zero_copy_only=False)
    day = rows.column("_occurred_on").combine_chunks()
    months = pc.add(pc.multiply(pc.year(day), 12), pc.subtract(pc.month(day), 1)).to_numpy(zero_copy_only=False)
    values = rows.column(rule.value).cast(pa.int64()).to_numpy()
    known = rows.column(KNOWN).cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy()
    found: list[Finding] = []
    order = np.argsort(codes, kind="stable")
    names, ordered = firms.dictionary.to_pylist(), codes[order]
    for first in range(0, len(names), SPAN):
        low, high = np.searchsorted(ordered, [first, first + SPAN])
        part = order[low:high]
        found += _fallen(
            rule, names[first : first + SPAN], codes[part] - first, months[part], values[part], known[part]
        )
    return found


def _fallen(rule: SignalRule, names: Sequence[str], firms: Any, months: Any, values: Any, known: Any) -> list[Finding]:
    if not len(months):
        return []
    base = int(months.min())
    shape = (len(names), int(months.max()) - base + 1)
    total, since = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    there = np.zeros(shape, np.bool_)
    np.add.at(total, (firms, months - base), values)
    np.maximum.at(since, (firms, months - base), known)
    there[firms, months - base] = True
    falls = _falls(rule, total, there)
    begins = falls.copy()
    begins[:, 1:] &= ~falls[:, :-1]
    return [_fall(rule, names[firm], base + int(month), int(since[firm, month])) for firm, month in np.argwhere(begins)]


def _falls(rule: SignalRule, total: Any, there: Any) -> Any:
    """Of each enterprise and month, whether the months up to it fell against the same of the year before."""
    width = total.shape[1]
    falls = np.zeros(total.shape, np.bool_)
    for month in range(12 + rule.months - 1, width):
        now, before = slice(month - rule.months + 1, month + 1), slice(month - rule.months - 11, month - 11)
        sums, earlier = total[:, now].sum(axis=1), total[:, before].sum(axis=1)
        whole = there[:, now].all(axis=1) & there[:, before].all(axis=1)
        enough = (earlier >= rule.least) & (earlier > 0)
        falls[:, month] = whole & enough & (sums * 100 <= earlier * (100 - rule.percent))
    return falls


def _fall(rule: SignalRule, enterprise: str, month: int, known: int) -> Finding:
    text = f"{month // 12:04d}-{month % 12 + 1:02d}"
    facts: dict[str, str | int] = {"month": text, "months": rule.months, "percent": rule.percent}
    return Finding(enterprise, rule.code, text, _instant(known), facts)


def _instant(micros: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=micros)


def grade_findings(
    rule: SignalRule, older: pa.Table, newer: pa.Table, *, order: Sequence[str], run: str, known_at: datetime
) -> list[Finding]:
    """A finding for each enterprise whose grade in the newer run is worse by the rule's steps or more.

    ``order`` are the grades from best to worst; a grade that is not among them (not rated) is neither better nor worse.
    """
    ranks = {grade: rank for rank, grade in enumerate(order)}
    before = dict(zip(older.column("_enterprise").to_pylist(), older.column("grade").to_pylist(), strict=True))
    found = []
    for firm, grade in zip(newer.column("_enterprise").to_pylist(), newer.column("grade").to_pylist(), strict=True):
        earlier = before.get(firm)
        if earlier in ranks and grade in ranks and ranks[grade] - ranks[earlier] >= rule.steps:
            found.append(Finding(firm, rule.code, run, known_at, {"before": earlier, "after": grade}))
    return found


def concerns(finding: Finding, *, began_at: datetime, names: Iterable[str]) -> bool:
    """Whether a finding is news to a watch: on record since it began, and not the watcher's own record."""
    return finding.known_at > began_at and not (finding.party and finding.party in set(names))


def is_low(precision: Precision, *, low_percent: int, least_replies: int) -> bool:
    """Whether enough was said of a rule to call its precision low."""
    percent = precision.percent
    return percent is not None and precision.replied >= least_replies and percent < low_percent


def check_reply(reply: str, reason: str, note: str, *, reasons: Mapping[str, Reply]) -> tuple[Reply, str]:
    """The reply and its note, both whole; raises InvalidReply with every fault. ``reasons``: code → its reply."""
    problems = []
    if reply not in set(Reply):
        problems.append(Problem("reply", "monitoring.reply", Phrase("请选择处置结果")))
    elif reasons.get(reason) != reply:
        problems.append(Problem("reason", "monitoring.reason", Phrase("请选择与处置结果对应的原因")))
    if len(note.strip()) > LONGEST_NOTE:
        problems.append(Problem("note", "monitoring.note", Phrase("说明不超过 {most} 字", most=LONGEST_NOTE)))
    if problems:
        raise InvalidReply(problems)
    return Reply(reply), note.strip()


def check_embargo(basis: str, until: date | None, *, most_days: int, now: datetime) -> str:
    """The legal basis, whole; raises InvalidEmbargo with every fault."""
    problems, today = [], beijing_day(now)
    if not 1 <= len(basis.strip()) <= LONGEST_BASIS:
        problems.append(
            Problem("basis", "monitoring.basis", Phrase("请用 1 至 {most} 字写明法律依据", most=LONGEST_BASIS))
        )
    if until is None or not today < until <= today + timedelta(days=most_days):
        problems.append(
            Problem("until", "monitoring.until", Phrase("截止日期须在今天之后、{days} 天之内", days=most_days))
        )
    if problems:
        raise InvalidEmbargo(problems)
    return basis.strip()


def check_second(actor: str, *, proposed_by: str) -> None:
    """Raises SecondOfTwoNeeded when one person would do both."""
    if actor == proposed_by:
        raise SecondOfTwoNeeded()
