"""A simulated year of disputes at all hours: every deadline beside an independent calendar's, every breach seen.

Disputes are handed to platforms and institutions at random moments of two calendar years with all their holidays and
make-up days, and forwarded after random delays, many of them too late. The clocks run by the hour, as the worker runs
them by the minute. Each deadline is compared with what ``chinesecalendar``, another people's table of the same notices,
makes of it; each late hand-over must be on record as a breach within the hour after its deadline, and no other.
"""

from __future__ import annotations

import heapq
import random
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from benchmarks.figure import Figure
from benchmarks.node import ACTOR, SEED, fresh_node

NAME = "working_days_year"
DISPUTES, HOUR = 5_000, timedelta(hours=1)
FIRST, DAYS = date(2025, 1, 1), 365
BAR = f"{DISPUTES:,} disputes in a year with its holidays: 0 late hand-overs unnoticed, 0 deadlines that differ"


@dataclass
class Seen:
    """What a year came to."""

    disputes: int = 0
    late: int = 0
    unnoticed: int = 0
    untrue: int = 0
    differing: int = 0
    without_clock: int = 0
    reminders: int = 0
    slowest: timedelta = timedelta()


def measure(scale: float) -> Figure:
    """Let a year pass by the hour; compare deadlines and breaches with an independent calendar."""
    with fresh_node():
        began = time.perf_counter()
        seen = _year(max(50, round(DISPUTES * scale)))
        seconds = time.perf_counter() - began
    table = [
        ("disputes", f"{seen.disputes:,}"),
        ("handed over late", f"{seen.late:,}"),
        ("late and not on record within the hour", f"{seen.unnoticed:,}"),
        ("on record as late and not late", f"{seen.untrue:,}"),
        ("deadlines unlike chinesecalendar's", f"{seen.differing:,}"),
        ("open without a visible clock", f"{seen.without_clock:,}"),
        ("reminders given", f"{seen.reminders:,}"),
        ("a breach was on record after at most", f"{seen.slowest}"),
        ("the year took", f"{seconds:.0f} s"),
    ]
    wrong = seen.unnoticed + seen.untrue + seen.differing + seen.without_clock
    return Figure(
        name=NAME,
        table=[("what", "count"), *table],
        ours=f"{seen.unnoticed} unnoticed of {seen.late:,} late, {seen.differing} deadlines differ",
        against=f"rival chinesecalendar's deadlines for {seen.disputes:,} disputes",
        ratio=f"{(seen.disputes - seen.differing) / seen.disputes:.4f} equal",
        bar=BAR,
        met=wrong == 0 and seen.late > 0,
        scale=scale,
    )


def _year(count: int) -> Seen:
    from xinqiao.disputes.clocks import keep_clocks
    from xinqiao.disputes.filing import forward, receive_at
    from xinqiao.disputes.models import DisputeRow
    from xinqiao.disputes.queries import board, get_dispute
    from xinqiao.disputes.types import Channel, Claim, DisputeState
    from xinqiao.kernel.dated import BEIJING

    pick, seen = random.Random(SEED), Seen(disputes=count)
    start = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=BEIJING).astimezone(UTC)
    arrivals = sorted(start + timedelta(minutes=pick.randrange(DAYS * 24 * 60)) for _ in range(count))
    forwards: list[tuple[datetime, str]] = []
    last_days: dict[str, date] = {}
    now, number = start, 0
    while number < count or forwards:
        now += HOUR
        while number < count and arrivals[number] <= now:
            at = arrivals[number]
            claim = Claim("penalty.decision", "", "missing", "x")
            by: dict[str, Any] = {"channel": Channel.PLATFORM, "via": f"hub-{number % 7}", "actor": ACTOR}
            made = receive_at(claim, enterprise=_code(number), received_at=at, now=at, **by)
            last_days[made.id] = _independent(at.astimezone(BEIJING).date())
            seen.differing += made.forward_due_on != last_days[made.id]
            delay = timedelta(minutes=pick.choice((5, 60, 12 * 60, 24 * 60, 3 * 24 * 60, 9 * 24 * 60)) * pick.random())
            heapq.heappush(forwards, (at + delay, made.id))
            number += 1
        while forwards and forwards[0][0] <= now:
            at, dispute = heapq.heappop(forwards)
            if get_dispute(dispute).state is DisputeState.FILED:
                forward(dispute, actor=ACTOR, now=at)
        seen.reminders += keep_clocks(now=now)
        if now.hour == 4:
            waiting = DisputeRow.objects.filter(state=DisputeState.FILED).count()
            shown = sum(d.state is DisputeState.FILED for d, _ in board(now=now, limit=count))
            seen.without_clock += waiting - shown
            _settle(now)
    _judge(seen, last_days)
    return seen


def _code(number: int) -> str:
    from xinqiao.kernel.identifiers import USCC_CHARS, make_uscc

    body = "".join(USCC_CHARS[number // 31**place % 31] for place in range(5, -1, -1))
    return make_uscc("91", "610102", f"MAW{body}")


def _independent(day: date) -> date:
    """Two working days after a day, by the other calendar."""
    import chinese_calendar  # type: ignore[import-untyped]

    left = 2
    while left:
        day += timedelta(days=1)
        left -= chinese_calendar.is_workday(day)
    return day


def _settle(now: datetime) -> None:
    """What is with a provider is answered, so that only hand-overs are open."""
    from xinqiao.disputes.deciding import find_right
    from xinqiao.disputes.models import DisputeRow
    from xinqiao.disputes.types import DisputeState

    for dispute, provider in list(DisputeRow.objects.filter(state=DisputeState.SENT).values_list("id", "provider")):
        find_right(dispute, provider=provider, text="x", actor=ACTOR, now=now)


def _judge(seen: Seen, last_days: dict[str, date]) -> None:
    """Whether what was late is on record as late, and when; by the independent deadline."""
    from xinqiao.disputes.models import DisputeRow, ReminderRow
    from xinqiao.kernel.dated import BEIJING, beijing_day

    breaches = dict(ReminderRow.objects.filter(mark=100).values_list("dispute_id", "given_at"))
    for row in DisputeRow.objects.only("id", "forwarded_at", "late"):
        due = last_days[row.id]
        ends = datetime(due.year, due.month, due.day, tzinfo=BEIJING) + timedelta(days=1)
        late = row.forwarded_at is None or beijing_day(row.forwarded_at) > due
        seen.late += late
        known_at = breaches.get(row.id) or (row.forwarded_at if row.late else None)
        if late:
            noticed = row.late and known_at is not None and known_at - ends <= HOUR
            seen.unnoticed += not noticed
            if noticed and known_at is not None:
                seen.slowest = max(seen.slowest, known_at - ends)
        else:
            seen.untrue += row.late
