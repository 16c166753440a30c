"""An attacker of the formula room who knows everything but the values and the node's secret, with five banks' means.

It writes formulas whose bands cut what it does not know yet into as many pieces as are allowed, every day anew, and
keeps the interval of which it can be sure. Of values read in a grain it knows the grain and that they are shifted, not
by how much: value plus shift is what it can narrow, the shift it must bear.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

DAYS, ASKED_A_DAY, SHIFTS = 180, 6, 48
BANKS = tuple(f"bank-{n}" for n in range(5))
START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Target:
    """A value to be recovered: whose, of which input, and by how much it moves each day (known to the attacker)."""

    enterprise: str
    input: Any
    grain: Any
    value: int
    steps: tuple[int, ...]
    least: int  # what occurs in the province at all: known to the attacker
    greatest: int

    def moved(self, day: int) -> int:
        """By how much it has moved since the first day."""
        return sum(self.steps[:day])


@dataclass
class Room:
    """The formula room's own rules, with or without its grain and its budget."""

    limits: Any
    grain: bool
    budget: bool
    asked: int = 0
    refused: int = 0
    charges: list[Any] = field(default_factory=list)

    def ask(self, target: Target, cuts: list[int], bank: str, day: int) -> int | None:
        """The band in which the value lies on a day, or None when the formula or the answer is refused."""
        from dataclasses import replace

        from xinqiao.formulas.evaluating import evaluate, shape
        from xinqiao.formulas.refusals import InvalidFormula
        from xinqiao.formulas.rules import millibits, over_budget, take
        from xinqiao.formulas.running import as_read
        from xinqiao.formulas.types import Charge

        self.asked += 1
        one = target.input if self.grain else replace(target.input, closed=(), grain=Decimal(0))
        written = [str(Decimal(cut).scaleb(-target.grain.places)) for cut in cuts]
        try:
            ready = take(one.code, {"kind": "bands", "cuts": written}, {one.code: one}, self.limits)
        except InvalidFormula:
            self.refused += 1
            return None
        now, cost = START + timedelta(days=day), millibits(ready.output.values)
        if self.budget and over_budget(self.charges, bank, target.input.closed, cost, self.limits, now):
            self.refused += 1
            return None
        self.charges += [Charge(bank, item, cost, now) for item in target.input.closed]
        value = Decimal(target.value + target.moved(day)).scaleb(-target.grain.places)
        read = as_read(one, str(value), target.grain, target.enterprise) if self.grain else value
        return shape(evaluate(ready.tree, {one.code: read}), ready.output)


class Attack:
    """The attack on one value: what it was on the first day.

    For each shift that the node's secret may be it keeps what the value can be; what is left over all shifts is what it
    is sure of. Many shifts are tried at even distances, and the interval is widened by that distance.
    """

    def __init__(self, room: Any, target: Target) -> None:
        self.room, self.target = room, target
        step = target.grain.step if room.grain else 1
        self.apart = max(1, step // SHIFTS)
        self.left = dict.fromkeys(range(0, step, self.apart), (target.least, target.greatest))

    @property
    def interval(self) -> tuple[int, int]:
        """The least and the greatest that the value can be."""
        wider = self.apart - 1
        return min(low for low, _ in self.left.values()) - wider, max(high for _, high in self.left.values()) + wider

    def run(self, days: int = DAYS) -> tuple[int, int]:
        """Ask every day by every bank as long as an answer tells something."""
        for day in range(days):
            for bank in BANKS:
                for _ in range(ASKED_A_DAY):
                    if not self.ask(bank, day):
                        break
        return self.interval

    def ask(self, bank: str, day: int) -> bool:
        """One formula that cuts what the reading can be on that day into pieces; whether it told anything."""
        moved = self.target.moved(day)
        cuts = self.cuts(moved)
        if not cuts:
            return False
        band = self.room.ask(self.target, cuts, bank, day)
        if band is None:
            return False
        edges = [None, *cuts, None]
        before = dict(self.left)
        self.learn(edges[band - 1], edges[band], moved)
        return self.left != before

    def cuts(self, moved: int) -> list[int]:
        """Where to cut: evenly between what is possible, in a grain only where readings can change."""
        low = min(low + shift for shift, (low, _) in self.left.items()) + moved
        high = max(high + shift for shift, (_, high) in self.left.items()) + moved
        most, grain = self.room.limits.most_bands, self.target.grain
        if not self.room.grain:
            gap = max((high - low + 1) // most, 1)
            return [low + gap * n for n in range(1, most) if low + gap * n <= high]
        first = grain.low + max(-(-(low + 1 - grain.low) // grain.step), 1) * grain.step
        places = list(range(first, min(high, grain.top) + 1, grain.step))
        if len(places) < most:
            return places
        return sorted({places[len(places) * n // most] for n in range(1, most)})

    def learn(self, least: int | None, below: int | None, moved: int) -> None:
        """The reading of that day lies in [least, below). Beyond an edge of the grain all values read the same."""
        grain, left = self.target.grain, {}
        for shift, (low, high) in self.left.items():
            if least is not None and not (self.room.grain and least - shift <= grain.low):
                low = max(low, least - shift - moved)
            if below is not None and not (self.room.grain and below - shift > grain.top):
                high = min(high, below - 1 - shift - moved)
            if low <= high + self.apart - 1:
                left[shift] = low, high
        self.left = left
