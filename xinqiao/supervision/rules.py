"""What counts as suspicious, and who may stop whom. Pure; never reads the clock."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from xinqiao.kernel.dated import BEIJING
from xinqiao.kernel.errors import Problem
from xinqiao.kernel.identifiers import USCC_CHARS
from xinqiao.kernel.transitions import Transitions
from xinqiao.kernel.working_days import WorkCalendar
from xinqiao.supervision.types import (
    AlertState,
    Finding,
    FreezeState,
    Known,
    Look,
    NoReason,
    SecondPersonNeeded,
    Sentinel,
    Trigger,
    Watching,
)

LONGEST = 500
PUBLIC = "public"  # looks at what is public by law carry this purpose
NEAR = 9  # two codes are neighbours when their serial parts differ by no more
_VALUES = {character: value for value, character in enumerate(USCC_CHARS)}

ALERT_TRANSITIONS = Transitions(
    {
        AlertState.OPEN: {"dismiss": AlertState.DISMISSED, "act": AlertState.ACTED},
        AlertState.DISMISSED: {},
        AlertState.ACTED: {},
    },
    names={"dismiss": "排除", "act": "提请冻结", **{state: state.label for state in AlertState}},
)
FREEZE_TRANSITIONS = Transitions(
    {
        FreezeState.PROPOSED: {"approve": FreezeState.FROZEN, "decline": FreezeState.DECLINED},
        FreezeState.FROZEN: {"appeal": FreezeState.APPEALED, "lift": FreezeState.LIFTED},
        FreezeState.APPEALED: {"uphold": FreezeState.FROZEN, "lift": FreezeState.LIFTED},
        FreezeState.DECLINED: {},
        FreezeState.LIFTED: {},
    },
    names={
        "approve": "批准",
        "decline": "不批准",
        "appeal": "申诉",
        "uphold": "维持",
        "lift": "解除",
        **{state: state.label for state in FreezeState},
    },
)


@cache
def load_watching(path: Path) -> Watching:
    """``sentinels.toml``; raises ValueError or KeyError for a file that leaves something out."""
    raw = tomllib.loads(path.read_text("utf-8"))
    triggers = tuple(map(_trigger, raw["triggers"]))
    missing = set(Sentinel) - {t.sentinel for t in triggers}
    if missing or len(triggers) != len(Sentinel):
        raise ValueError(f"{path.name}: one trigger for each sentinel; missing or doubled: {sorted(missing)}")
    return Watching(
        triggers=triggers,
        opens=time.fromisoformat(raw["opens"]),
        closes=time.fromisoformat(raw["closes"]),
        applications=timedelta(days=raw["applications_days"]),
        habits=timedelta(days=raw["habits_days"]),
        appeal_workdays=raw["appeal_workdays"],
    )


def _trigger(raw: Mapping[str, Any]) -> Trigger:
    return Trigger(
        sentinel=Sentinel(raw["sentinel"]),
        window=timedelta(minutes=raw["window_minutes"]),
        at_least=raw["at_least"],
        clause=raw["clause"],
        says=raw["says"],
        share=raw.get("share", 0.0),
        usual=raw.get("usual", 0.0),
        grace=timedelta(minutes=raw.get("grace_minutes", 0)),
        burst_window=timedelta(minutes=raw.get("burst_minutes", 0)),
        burst=raw.get("burst", 0),
        misses=raw.get("misses", 0),
        neighbours=raw.get("neighbours", 0),
    )


def is_off_duty(at: datetime, watching: Watching, calendar: WorkCalendar) -> bool:
    """Whether an instant is outside working hours in Beijing's time, make-up days and holidays observed."""
    local = at.astimezone(BEIJING)
    return not (calendar.is_working_day(local.date()) and watching.opens <= local.time() < watching.closes)


def findings(
    looks: Sequence[Look], known: Known, watching: Watching, calendar: WorkCalendar, *, now: datetime
) -> list[Finding]:
    """What the sentinels say of one party's looks (in order of time) as they stand at ``now``."""
    found = []
    for trigger in watching.triggers:
        recent = [look for look in looks if look.at > now - trigger.window]
        if trigger.sentinel is Sentinel.OFF_HOURS:
            recent = [look for look in recent if is_off_duty(look.at, watching, calendar)]
        said = _RULES[trigger.sentinel](recent, known, trigger) if recent else None
        if said is not None:
            found.append(said)
    return found


def _no_application(looks: Sequence[Look], known: Known, trigger: Trigger) -> Finding | None:
    """Enterprises looked at without an authorisation and without one ever asked: the last ones all, or many at once.

    The last ones and the last minutes, not the whole day: honest work besides must hide nothing.
    """
    covered = known.applied | {look.enterprise for look in looks if look.authorisation and look.allowed}
    latest = _latest(looks)[: trigger.at_least]
    quick = _latest([look for look in looks if look.at > looks[-1].at - trigger.burst_window])
    idle = {firm for firm in quick if firm not in covered}
    at_once = len(idle) >= max(trigger.burst, trigger.share * len(quick))
    if not at_once:
        idle = set(latest) - covered
        if len(idle) < trigger.at_least:
            return None
    against = tuple(look for look in looks if look.enterprise in idle)
    firms = len(quick if at_once else latest)
    return Finding(Sentinel.NO_APPLICATION, against, {"enterprises": firms, "without_application": len(idle)})


def _latest(looks: Sequence[Look]) -> list[str]:
    """Enterprises, each once, the one looked at last first."""
    return list(dict.fromkeys(look.enterprise for look in reversed(looks)))


def _enumeration(looks: Sequence[Look], known: Known, trigger: Trigger) -> Finding | None:
    """Codes that do not exist, codes side by side, or very many enterprises, all without an authorisation."""
    bare = [look for look in looks if not (look.authorisation and look.allowed)]
    misses, near = sum(look.unknown for look in bare), neighbours([look.enterprise for look in bare])
    firms = len({look.enterprise for look in bare})
    guessing = misses >= trigger.misses and misses >= trigger.share * len(looks)
    if not (guessing or near >= trigger.neighbours or firms >= trigger.at_least):
        return None
    return Finding(Sentinel.ENUMERATION, tuple(bare), {"enterprises": firms, "unknown": misses, "neighbours": near})


def _off_hours(looks: Sequence[Look], known: Known, trigger: Trigger) -> Finding | None:
    """More in the window, off duty, than a multiple of the most there was before at that time of the day.

    Whoever works late in the evening has no habit of working at two in the morning.
    """
    hour, before = looks[-1].at.astimezone(BEIJING).hour, known.night or {}
    usual = max(before.get((hour + step) % 24, 0) for step in (-1, 0, 1))
    if len(looks) < max(trigger.at_least, trigger.usual * usual):
        return None
    return Finding(Sentinel.OFF_HOURS, tuple(looks), {"looks": len(looks), "most_before": usual})


def most_off_duty(hours: Iterable[tuple[datetime, int]], watching: Watching, calendar: WorkCalendar) -> dict[int, int]:
    """Of counts by hour, the greatest off duty for each hour of the day in Beijing."""
    most: dict[int, int] = {}
    for at, count in hours:
        if is_off_duty(at, watching, calendar):
            hour = at.astimezone(BEIJING).hour
            most[hour] = max(most.get(hour, 0), count)
    return most


def _purpose_drift(looks: Sequence[Look], known: Known, trigger: Trigger) -> Finding | None:
    """Purposes shared out otherwise than before: total variation distance; or one never seen, many times."""
    before = {k: n for k, n in (known.purposes or {}).items() if k != PUBLIC}
    now = Counter(look.purpose for look in looks if look.purpose != PUBLIC)
    total, habit = sum(now.values()), sum(before.values())
    if habit < trigger.usual or total < trigger.at_least:
        return None
    shift = sum(abs(now[p] / total - before.get(p, 0) / habit) for p in {*now, *before}) / 2
    strange = sum(n for p, n in now.items() if p not in before)
    if strange < trigger.at_least and shift < trigger.share:
        return None
    more = {p for p in now if now[p] / total > before.get(p, 0) / habit}
    figures = {"looks": total, "never_before": strange, "shift": round(shift, 3)}
    return Finding(Sentinel.PURPOSE_DRIFT, tuple(look for look in looks if look.purpose in more), figures)


def _after_withdrawal(looks: Sequence[Look], known: Known, trigger: Trigger) -> Finding | None:
    """Attempts under an authorisation that was taken back longer than the grace ago."""
    ended = known.withdrawn or {}
    late = [x for x in looks if x.authorisation in ended and x.at > ended[x.authorisation] + trigger.grace]
    if len(late) < trigger.at_least:
        return None
    return Finding(
        Sentinel.AFTER_WITHDRAWAL,
        tuple(late),
        {"attempts": len(late), "authorisations": len({look.authorisation for look in late})},
    )


def _canary(looks: Sequence[Look], known: Known, trigger: Trigger) -> Finding | None:
    """Any look at a planted enterprise."""
    seen = [look for look in looks if look.enterprise in known.canaries]
    if len(seen) < trigger.at_least:
        return None
    return Finding(Sentinel.CANARY, tuple(seen), {"looks": len(seen)})


_RULES: Mapping[Sentinel, Callable[[Sequence[Look], Known, Trigger], Finding | None]] = {
    Sentinel.NO_APPLICATION: _no_application,
    Sentinel.ENUMERATION: _enumeration,
    Sentinel.OFF_HOURS: _off_hours,
    Sentinel.PURPOSE_DRIFT: _purpose_drift,
    Sentinel.AFTER_WITHDRAWAL: _after_withdrawal,
    Sentinel.CANARY: _canary,
}


def neighbours(codes: Sequence[str]) -> int:
    """How often a code followed one beside it: the same issuer, a serial part that differs by a little, not by none."""
    places = [(code[:8], _serial(code)) for code in codes]
    return sum(a[0] == b[0] and 0 < abs(a[1] - b[1]) <= NEAR for a, b in pairwise(places))


def _serial(code: str) -> int:
    """Characters 9 to 16 as a number in base 31; codes of another form count as nothing."""
    value = 0
    for character in code[8:16]:
        value = value * len(USCC_CHARS) + _VALUES.get(character, 0)
    return value


def check_other_person(person: str, *, before: Iterable[str]) -> None:
    """Raise SecondPersonNeeded when the person has acted before."""
    if person in set(before):
        raise SecondPersonNeeded()


def check_said(text: str, *, field: str = "reason") -> str:
    """The text without blanks around it; raises NoReason when nothing, or too much, is said."""
    said = text.strip()
    if not 1 <= len(said) <= LONGEST:
        raise NoReason([Problem(field=field, code="supervision.text", message=f"{len(said)} / {LONGEST}")])
    return said
