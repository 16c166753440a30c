"""Misuse sentinels on synthetic traffic: how many misusers are seen within ten queries, how often an honest day is not.

Honest officers look firms up in working hours, ask seven in ten of them for an authorisation soon after, read under it,
mistype a code now and then, and sometimes work in the evening; programs read at night under authorisations, as every
night. Each misuser is such an officer or program who one day, among honest work, does one of six things. Everything is
drawn from a fixed seed; the rules are those of the node, asked after every query as its regular pass would ask them.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.figure import Figure

if TYPE_CHECKING:
    from xinqiao.kernel.working_days import WorkCalendar
    from xinqiao.supervision.types import Known, Look, Watching

NAME = "sentinels"
BAR = "at least 95 % of each misuse seen within 10 queries, at most 0.1 % of honest days with an alert"
MISUSERS, HONEST, DAYS = 200, 400, 20
WITHIN, SHARE, FALSE = 10, 0.95, 0.001
SEED = 20260101
FIRST = datetime(2026, 10, 12, 0, 0, tzinfo=UTC)  # a Monday; eight in the morning in Beijing
KINDS = ("no_application", "enumeration", "off_hours", "purpose_drift", "after_withdrawal", "canary")


def measure(scale: float) -> Figure:
    """Let misusers do it among honest work, and honest parties work for weeks; count what is seen."""
    from xinqiao.kernel.working_days import WorkCalendar
    from xinqiao.plumbing.settings import content_dir
    from xinqiao.supervision.rules import load_watching

    rules = _Rules(load_watching(content_dir() / "sentinels.toml"), WorkCalendar.load(content_dir() / "calendar"))
    rng = random.Random(SEED)
    misusers, honest = max(20, int(MISUSERS * scale)), max(40, int(HONEST * scale))
    seen = {kind: [_queries_until_seen(kind, rules, rng) for _ in range(misusers)] for kind in KINDS}
    alerts, days = Counter[str](), 0
    for _ in range(honest):
        spoken, worked = _honest_weeks(rules, rng)
        alerts.update(spoken)
        days += worked
    caught = {kind: sum(n is not None and n <= WITHIN for n in found) / misusers for kind, found in seen.items()}
    volume = {kind: sum(_by_volume(kind, rules, rng) for _ in range(misusers)) / misusers for kind in KINDS}
    wrong = sum(alerts.values()) / days
    return Figure(
        name=NAME,
        table=_table(seen, caught, volume, alerts, days),
        ours=f"{min(caught.values()):.1%} of the misuse seen least, {wrong:.3%} of {days:,} honest days",
        against=f"rival a limit on volume (3 × the busiest hour) {min(volume.values()):.1%}",
        ratio=f"{sum(caught.values()) / max(sum(volume.values()), 0.01):.1f}",
        bar=BAR,
        met=min(caught.values()) >= SHARE and wrong <= FALSE,
        scale=scale,
    )


@dataclass(slots=True)
class _Rules:
    watching: Watching
    calendar: WorkCalendar

    def said(self, looks: Sequence[Look], known: Known, now: datetime) -> set[str]:
        """The sentinels that speak now."""
        from xinqiao.supervision.rules import findings

        recent = [x for x in looks if now - timedelta(days=1) < x.at <= now]
        found = findings(recent, known, self.watching, self.calendar, now=now)
        return {str(f.sentinel) for f in found}


@dataclass(slots=True)
class _Party:
    """An officer or a program: what it has looked at, asked and read so far."""

    rng: random.Random
    program: bool
    mix: dict[str, float]
    looks: list[Look] = field(default_factory=list)
    applied: set[str] = field(default_factory=set)
    purposes: Counter[str] = field(default_factory=Counter)
    number: int = 0

    @classmethod
    def drawn(cls, rng: random.Random) -> _Party:
        """One of four is a program; each has its own mixture of purposes."""
        share = rng.uniform(0.2, 0.8)
        return cls(rng, rng.random() < 0.25, {"approval": share, "pre_loan": 1 - share})

    def look(
        self, at: datetime, enterprise: str, *, purpose: str = "public", authorisation: str = "", **more: bool
    ) -> Look:
        """One more line of the ledger."""
        from xinqiao.supervision.types import Look

        self.number += 1
        made = Look(f"A{self.number}", at, enterprise, purpose, authorisation, more.get("allowed", True))
        self.looks.append(replace(made, unknown=more.get("unknown", False)))
        self.purposes[purpose] += 1
        return self.looks[-1]

    def day(self, morning: datetime) -> Iterator[Look]:
        """An honest day, in order of time."""
        yield from self._night(morning) if self.program else self._office(morning)

    def _night(self, morning: datetime) -> Iterator[Look]:
        """A batch at two in the morning, much the same size every night, all under authorisations."""
        at = morning - timedelta(hours=6)
        for n in range(self.rng.randint(36, 60)):
            yield self.look(at + timedelta(seconds=20 * n), code(self.rng), purpose=self._purpose(), authorisation="Z")

    def _office(self, morning: datetime) -> Iterator[Look]:
        evening = self.rng.random() < 0.05
        at = morning + timedelta(hours=12.6 if evening else 0.2)
        for _ in range(self.rng.randint(1, 5) if evening else self.rng.randint(4, 28)):
            at += timedelta(minutes=self.rng.expovariate(1 / 12))
            if at > morning + timedelta(hours=16 if evening else 12):
                return
            yield from self._customer(at)

    def _customer(self, at: datetime) -> Iterator[Look]:
        """Looked up, seven in ten asked within minutes, half of these read; one in fifty codes is mistyped first."""
        firm = code(self.rng)
        if self.rng.random() < 0.02:
            yield self.look(at, code(self.rng), unknown=True, allowed=False)
        yield self.look(at + timedelta(seconds=40), firm)
        if self.rng.random() < 0.7:
            self.applied.add(firm)
            if self.rng.random() < 0.5:
                given = f"Z{self.number}"
                yield self.look(at + timedelta(minutes=9), firm, purpose=self._purpose(), authorisation=given)

    def _purpose(self) -> str:
        return self.rng.choices(list(self.mix), list(self.mix.values()))[0]

    def known(self, rules: _Rules) -> Known:
        """What bears on its looks; habits are those of the days before."""
        from xinqiao.supervision.rules import most_off_duty
        from xinqiao.supervision.types import Known

        hours = Counter(x.at.replace(minute=0, second=0, microsecond=0) for x in self.looks)
        night = most_off_duty(hours.items(), rules.watching, rules.calendar)
        return Known(applied=frozenset(self.applied), purposes=dict(self.purposes), night=night)


def code(rng: random.Random) -> str:
    """A code far from any other."""
    return "91610102" + "".join(rng.choices("0123456789ABCDEFGHJKLMNPQRTUWXY", k=10))


def _honest_weeks(rules: _Rules, rng: random.Random) -> tuple[list[str], int]:
    """Alerts of one honest party over some weeks (each sentinel once a day), and the days it worked."""
    party, spoken, worked = _Party.drawn(rng), [], 0
    for day in range(DAYS + 10):
        morning = FIRST + timedelta(days=day)
        if morning.weekday() >= 5 and not party.program:
            continue
        known, heard = party.known(rules), set[str]()
        for number, one in enumerate(party.day(morning)):
            if day >= 10 and (not party.program or number % 20 == 0):
                known = replace(known, applied=frozenset(party.applied))
                heard |= rules.said(party.looks[-600:], known, one.at + timedelta(minutes=10))
        worked += day >= 10
        spoken += sorted(heard)
    return spoken, worked


def _misuse(kind: str, party: _Party, at: datetime) -> Iterator[tuple[Look, dict[str, Any]]]:
    """Forty queries of one misuse, each with what is known besides."""
    rng, base = party.rng, serials(party.rng)
    planted, taken = code(rng), {f"W{n}": at - timedelta(hours=2) for n in range(40)}
    when = at
    for n in range(40):
        when += timedelta(seconds=rng.uniform(5, 40))
        if kind == "no_application":
            yield party.look(when, code(rng)), {}
        elif kind == "enumeration":
            yield party.look(when, base(n), unknown=rng.random() < 0.4, allowed=True), {}
        elif kind == "off_hours":
            yield party.look(when, code(rng), purpose="approval", authorisation="Z"), {}
        elif kind == "purpose_drift":
            yield party.look(when, code(rng), purpose="post_loan", authorisation="Z"), {}
        elif kind == "after_withdrawal":
            yield (
                party.look(when, code(rng), purpose="approval", authorisation=f"W{n}", allowed=False),
                {"withdrawn": taken},
            )
        else:
            goes = planted if rng.random() < 0.5 else code(rng)
            yield party.look(when, goes), {"canaries": frozenset({planted})}


def serials(rng: random.Random) -> Callable[[int], str]:
    """Codes one after the other from somewhere on, by small steps."""
    characters = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    start, step = rng.randrange(31**6), rng.randint(1, 4)

    def nth(n: int) -> str:
        value, body = start + step * n, ""
        for _ in range(6):
            value, digit = divmod(value, 31)
            body = characters[digit] + body
        return f"91610102MA{body}00"

    return nth


def _at(kind: str, party: _Party, morning: datetime) -> datetime:
    """When it is done: at noon among honest work, or in the night where that is the misuse (not by a night program)."""
    return morning + timedelta(hours=18) if kind == "off_hours" else morning + timedelta(hours=4)


def _grown(kind: str, rng: random.Random) -> tuple[_Party, datetime]:
    """A party with two weeks of honest work and the morning of the day on which it misuses."""
    party = _Party.drawn(rng)
    if kind == "off_hours":
        party.program = False
    for day in range(12):
        for _ in party.day(FIRST + timedelta(days=day)):
            pass
    return party, FIRST + timedelta(days=14)


def _queries_until_seen(kind: str, rules: _Rules, rng: random.Random) -> int | None:
    """The number of the query after which this very sentinel speaks, None when it never does."""
    party, morning = _grown(kind, rng)
    habits = party.known(rules)
    for _ in party.day(morning):
        pass
    for number, (one, more) in enumerate(_misuse(kind, party, _at(kind, party, morning)), start=1):
        known = replace(habits, applied=frozenset(party.applied), **more)
        if kind in rules.said(sorted(party.looks, key=lambda x: x.at)[-900:], known, one.at):
            return number
    return None


def _by_volume(kind: str, rules: _Rules, rng: random.Random) -> bool:
    """The rival: more than three times the busiest hour so far; whether it speaks within ten queries."""
    party, morning = _grown(kind, rng)
    hours = Counter(x.at.replace(minute=0, second=0, microsecond=0) for x in party.looks)
    busiest = max(hours.values())
    for number, (one, _) in enumerate(_misuse(kind, party, _at(kind, party, morning)), start=1):
        recent = sum(x.at > one.at - timedelta(hours=1) for x in party.looks)
        if number <= WITHIN and recent > 3 * busiest:
            return True
    return False


def _table(
    seen: dict[str, list[int | None]],
    caught: dict[str, float],
    volume: dict[str, float],
    alerts: Counter[str],
    days: int,
) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = [
        ("misuse", "seen within 10", "queries, half of them", "by volume", "honest days with this alert"),
    ]
    for kind in KINDS:
        found = [n for n in seen[kind] if n is not None]
        half = f"{median(found):.0f}" if found else "-"
        rows.append((kind, f"{caught[kind]:.1%}", half, f"{volume[kind]:.1%}", f"{alerts[kind]} of {days:,}"))
    return rows
