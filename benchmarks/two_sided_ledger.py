"""A million answers in two ledgers: one line in ten thousand left out, made up or altered, and all else as life is.

Twenty institutions hand in twenty days each: out of order, with answers delivered twice, days that come late but in
time, days that are wrong first and corrected, a few answers that never arrived, looks on the portal that need not be
listed, and a twentieth of all within a second of midnight in Beijing. The rival compares daily totals by purpose.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from benchmarks.figure import Figure
from benchmarks.node import ACTOR, SEED, database_name, fresh_node

if TYPE_CHECKING:
    from xinqiao.client.daybook import Daybook

NAME = "two_sided_ledger"
BAR = "0.01 % injected: 100 % found by line and kind, 0 false mismatches, 0 false cases"
LINES, BANKS, DAYS, SHARE = 1_000_000, 20, 20, 0.0001
FIRST = date(2026, 9, 7)  # the National Day holiday and its make-up days lie within
BEIJING = ZoneInfo("Asia/Shanghai")
PURPOSES = ("approval", "pre_loan", "post_loan", "public")
USES = {"approval": "decision", "pre_loan": "decision", "post_loan": "post_loan", "public": "not_used"}
Place = tuple[str, date]
Wrong = tuple[str, date, str, str]  # organisation, day, kind, access


@dataclass(slots=True)
class Answer:
    """An answer as the gate gave it."""

    access: str
    bank: str
    at: datetime
    sha256: str
    purpose: str
    portal: bool


@dataclass(slots=True)
class World:
    """What happened, what the institutions will say of it, and what is wrong with that."""

    rng: random.Random
    answers: dict[Place, list[Answer]] = field(default_factory=lambda: defaultdict(list))
    received: dict[Place, list[str]] = field(default_factory=lambda: defaultdict(list))
    used: dict[Place, list[str]] = field(default_factory=lambda: defaultdict(list))
    wrong: set[Wrong] = field(default_factory=set)
    lost: set[Wrong] = field(default_factory=set)
    never: set[Place] = field(default_factory=set)


def measure(scale: float) -> Figure:
    """Fill both ledgers, let every day pass, and hold what was found against what was put in."""
    with fresh_node():
        world = _world(random.Random(SEED), max(BANKS * DAYS * 20, round(LINES * scale)))
        keys = _enter(world)
        began = time.perf_counter()
        sent = _live(world, keys)
        seconds = time.perf_counter() - began
        found, cases = _found(), _cases()
        database = database_name()
    guilty = {(o, d) for o, d, _, _ in world.wrong} | world.never
    missed, false = world.wrong - found, found - world.wrong - world.lost
    totals = sum(_totals_differ(world, place) for place in {(o, d) for o, d, _, _ in world.wrong})
    lines = sum(map(len, world.answers.values()))
    kinds = Counter(kind for _, _, kind, _ in world.wrong)
    return Figure(
        name=NAME,
        table=[
            ("", "count", "what"),
            ("answers", f"{lines:,}", f"{BANKS} institutions, {DAYS} days, {database}"),
            ("wrong lines", str(len(world.wrong)), ", ".join(f"{k} {n}" for k, n in sorted(kinds.items()))),
            ("days never handed in", str(len(world.never)), ""),
            ("days with something wrong", str(len(guilty)), f"of {BANKS * DAYS}"),
            ("missed", str(len(missed)), ""),
            ("false mismatches", str(len(false)), f"{len(world.lost)} answers lost and said so"),
            ("cases", str(len(cases)), f"false {len(cases - guilty)}, missing {len(guilty - cases)}"),
            ("by totals", str(totals), "days with wrong lines whose totals by purpose differ"),
            ("sent", f"{sent[0] / 1e6:.1f} MB", f"every line would be {sent[1] / 1e6:.1f} MB"),
            ("comparison", f"{seconds:.1f} s", f"{lines / seconds:,.0f} lines a second, with evidence"),
        ],
        ours=f"{len(world.wrong) - len(missed)} of {len(world.wrong)} found, {len(false) + len(cases - guilty)} false",
        against=f"rival daily totals: {totals} of {len({w[:2] for w in world.wrong})} days",
        ratio=f"{sent[1] / sent[0]:.1f} times less sent",
        bar=BAR,
        met=not missed and not false and cases == guilty,
        scale=scale,
    )


def _world(rng: random.Random, lines: int) -> World:
    from xinqiao.client.daybook import received_line, used_line

    world = World(rng)
    for number in range(lines):
        answer = _answer(rng, number)
        place = (answer.bank, answer.at.date())
        world.answers[place].append(answer)
        if answer.portal:
            continue
        for _ in range(2 if rng.random() < 0.03 else 1):  # delivered twice
            world.received[place].append(received_line(answer.access, answer.sha256, answer.purpose, "report"))
        if rng.random() < 0.3:
            world.used[place].append(used_line(answer.access, USES[answer.purpose]))
    for said in world.received.values():
        rng.shuffle(said)
    _spoil(world, max(20, round(lines * SHARE)))
    return world


def _answer(rng: random.Random, number: int) -> Answer:
    """One answer; one in twenty within a second of midnight, on either side."""
    day = FIRST + timedelta(days=rng.randrange(DAYS))
    seconds = rng.uniform(0, 86_399.999)
    if rng.random() < 0.05:
        seconds = rng.choice((0.0, 0.000001, rng.random(), 86_399 + rng.random() * 0.999, 86_399.999999))
    at = datetime(day.year, day.month, day.day, tzinfo=BEIJING) + timedelta(seconds=seconds)
    sha256 = f"{rng.getrandbits(256):064x}"
    access = f"A{day:%Y%m%d}-{number:010x}"
    return Answer(access, f"bank_{rng.randrange(BANKS)}", at, sha256, rng.choice(PURPOSES), rng.random() < 0.05)


def _spoil(world: World, count: int) -> None:
    """Put wrong lines into the books, and the honest losses beside them."""
    rng, places = world.rng, sorted(world.received)
    world.never = set(rng.sample(places, 3))
    ways = (_omit, _invent, _alter, _misuse, _repurpose)
    for number in range(count):
        place = rng.choice([p for p in places[:: max(1, len(places) // 80)] if p not in world.never])
        ways[number % len(ways)](world, place)
    honest = [p for p in places if p not in world.never]
    for place in rng.sample(honest, len(honest) // 4):
        _lose(world, place)


def _untouched(world: World, place: Place) -> str:
    """A line of the day that nothing was done to."""
    taken = {access for o, d, _, access in world.wrong | world.lost if (o, d) == place}
    return next(line for line in world.received[place] if line.split("\t")[1] not in taken)


def _without(world: World, place: Place, line: str) -> str:
    world.received[place] = [one for one in world.received[place] if one != line]
    world.used[place] = [one for one in world.used[place] if one.split("\t")[1] != line.split("\t")[1]]
    return line.split("\t")[1]


def _omit(world: World, place: Place) -> None:
    world.wrong.add((*place, "omitted", _without(world, place, _untouched(world, place))))


def _invent(world: World, place: Place) -> None:
    access = f"A{place[1]:%Y%m%d}-f{world.rng.getrandbits(36):09x}"
    world.received[place].append(f"received\t{access}\t{world.rng.getrandbits(256):064x}\tapproval\treport")
    world.wrong.add((*place, "invented", access))


def _alter(world: World, place: Place) -> None:
    line = _untouched(world, place)
    access, purpose = _without(world, place, line), line.split("\t")[3]
    world.received[place].append(f"received\t{access}\t{world.rng.getrandbits(256):064x}\t{purpose}\treport")
    world.wrong.add((*place, "altered", access))


def _misuse(world: World, place: Place) -> None:
    access = f"A{place[1]:%Y%m%d}-e{world.rng.getrandbits(36):09x}"
    world.used[place].append(f"used\t{access}\tdecision")
    world.wrong.add((*place, "use_without_release", access))


def _repurpose(world: World, place: Place) -> None:
    access = _untouched(world, place).split("\t")[1]
    world.used[place].append(f"used\t{access}\tresale")
    world.wrong.add((*place, "use_for_other", access))


def _lose(world: World, place: Place) -> None:
    """One to three answers that never arrived, and are said so: within what content lets pass."""
    for _ in range(world.rng.randint(1, 3)):
        access = _without(world, place, _untouched(world, place))
        world.received[place].append(f"lost\t{access}")
        world.lost.add((*place, "not_delivered", access))


def _enter(world: World) -> dict[str, dict[str, Any]]:
    """Register the institutions with their keys and write the node's own ledger; returns the private keys."""
    from joserfc.jwk import ECKey

    from xinqiao.admission.actions import found
    from xinqiao.oauth.actions import add_client
    from xinqiao.parties.actions import register_organisation
    from xinqiao.parties.types import OrganisationKind
    from xinqiao.release.models import AccessLine

    keys, now = {}, datetime(2026, 8, 1, tzinfo=BEIJING)
    for number in range(BANKS):
        code, pair = f"bank_{number}", ECKey.generate_key("P-256")
        register_organisation(code, kind=OrganisationKind.INSTITUTION, name=f"示例银行{number}", actor=ACTOR, now=now)
        found(code, reason="基准测试", actor=ACTOR, now=now)
        named = {"kid": pair.thumbprint(), "alg": "ES256"}
        public = {**pair.as_dict(private=False), **named}
        by: dict[str, Any] = {"scopes": ["accesses"], "allowed": ["accesses"], "actor": ACTOR, "now": now}
        add_client(f"program-{number}", organisation=code, name=code, jwk=public, **by)
        keys[code] = {**pair.as_dict(private=True), **named}
    same = {"recipient_kind": "institution", "form": "report", "items": "[]", "allowed": True, "clause": ""}
    same |= {"rule": "r", "reason": "", "policy_sha256": "", "enterprise": "91610102MAXAMPLE2H"}
    for rows in _batches([a for day in world.answers.values() for a in day]):
        AccessLine.objects.bulk_create(
            AccessLine(
                id=a.access, at=a.at, recipient_code=a.bank, recipient_name=a.bank, actor=f"api:{a.bank}",
                purpose=a.purpose, answer_sha256=a.sha256, entry=1, channel="portal" if a.portal else "api", **same,
            )
            for a in rows
        )  # fmt: skip
    return keys


def _batches(answers: list[Answer]) -> Iterator[Sequence[Answer]]:
    for start in range(0, len(answers), 20_000):
        yield answers[start : start + 20_000]


def _live(world: World, keys: dict[str, dict[str, Any]]) -> tuple[int, int]:
    """Every morning the days of yesterday come in, those that are late or corrected later; every day is settled.

    Returns the bytes that were sent, and those that all lines would have been.
    """
    from xinqiao.reconciliation.jobs import settle_days

    sent, waiting = [0, 0], defaultdict[date, list[tuple[Place, int, bool]]](list)
    for place in sorted(set(world.answers) - world.never):
        fate, after = world.rng.random(), place[1] + timedelta(days=1)
        if fate < 0.1:  # late, but before it becomes a case
            waiting[_workday(place[1], 3)].append((place, 1, False))
        elif fate < 0.2:  # first wrong, then corrected
            waiting[after].append((place, 1, True))
            waiting[after + timedelta(days=1)].append((place, 2, False))
        else:
            waiting[after].append((place, 1, False))
    for offset in range(1, DAYS + 25):
        today = FIRST + timedelta(days=offset)
        morning = datetime(today.year, today.month, today.day, 10, tzinfo=BEIJING)
        for place, revision, spoilt in waiting[today]:
            for index, size in enumerate(_handed(world, place, revision, spoilt, keys[place[0]], morning)):
                sent[index] += size
        settle_days(now=morning + timedelta(hours=8))
    return sent[0], sent[1]


def _workday(day: date, workdays: int) -> date:
    from xinqiao.plumbing.calendar import work_calendar

    return work_calendar().add(day, workdays).on


def _handed(
    world: World, place: Place, revision: int, spoilt: bool, key: dict[str, Any], now: datetime
) -> tuple[int, int]:
    """Hand a day in and open its buckets; what that took, and what every line would have taken, in bytes."""
    from xinqiao.client.daybook import Daybook
    from xinqiao.reconciliation.actions import hand_in, open_buckets

    received = world.received[place]
    mine = Daybook(*place, frozenset(received[5:] if spoilt else received), frozenset(world.used[place]))
    body = mine.signed(revision, key=key)
    by: dict[str, Any] = {"organisations": (place[0],), "actor": f"api:{place[0]}", "now": now}
    found = hand_in(body, **by)
    sent = len(json.dumps(body))
    if found.open:
        lines = mine.buckets(found.open)
        sent += len(json.dumps([{"number": n, "lines": said} for n, said in lines.items()]))
        open_buckets(found.id, lines, **by)
    return sent, _whole(mine)


def _whole(mine: Daybook) -> int:
    return len(json.dumps([sorted(mine.received), sorted(mine.used)]))


def _found() -> set[Wrong]:
    """What the node found in the last hand-in of each day."""
    from django.db.models import F

    from xinqiao.reconciliation.models import MismatchRow

    last = MismatchRow.objects.filter(hand_in__revision=F("hand_in__day__revision"))
    return set(last.values_list("hand_in__day__organisation", "hand_in__day__day", "kind", "access"))


def _cases() -> set[Place]:
    from xinqiao.violations.queries import list_cases

    return {(c.facts["organisation"], date.fromisoformat(c.facts["day"])) for c in list_cases(limit=10_000)}


def _totals_differ(world: World, place: Place) -> bool:
    """The rival: whether the numbers of answers by purpose, as both sides count them, differ."""
    ours = Counter(a.purpose for a in world.answers[place] if not a.portal)
    said = {line.split("\t")[1]: line.split("\t") for line in world.received[place]}
    theirs = Counter(parts[3] for parts in said.values() if parts[0] == "received")
    gone = {access for o, d, _, access in world.lost if (o, d) == place}
    theirs.update(a.purpose for a in world.answers[place] if a.access in gone)
    return ours != theirs
