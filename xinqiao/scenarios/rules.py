"""What a frozen model says of one firm, and who may do what with a version. Pure: the bytes can be made again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from xinqiao.kernel.transitions import Transitions
from xinqiao.scenarios.model import MILLION, Axis, Characteristic, Model, Value
from xinqiao.scenarios.types import AnotherPersonSigns, Document, Drift, Purpose, ReasonNeeded, Scenario, VersionState

REASONS = 4
LONGEST = 500
TRANSITIONS = Transitions(
    {
        VersionState.TRAINED: {"sign_off": VersionState.SIGNED_OFF},
        VersionState.SIGNED_OFF: {"promote": VersionState.IN_USE},
        VersionState.IN_USE: {"retire": VersionState.RETIRED},
        VersionState.RETIRED: {"promote": VersionState.IN_USE},
    },
    names={"sign_off": "复核", "promote": "启用", "retire": "停用", **{s: s.label for s in VersionState}},
)


def check_signer(trained_by: str, actor: str) -> None:
    """A second person signs; raises AnotherPersonSigns."""
    if trained_by == actor:
        raise AnotherPersonSigns(person=actor)


def check_reason(reason: str) -> str:
    """A reason that says something; raises ReasonNeeded."""
    said = reason.strip()[:LONGEST]
    if not said:
        raise ReasonNeeded()
    return said


def may_use(scenario: Scenario, party: str) -> bool:
    """Whether an organisation owns a scenario or is named as one that uses it."""
    return party == scenario.platform or party in scenario.institutions


def serves(scenario: Scenario, purpose: str) -> bool:
    """Whether a scenario speaks under a purpose: what is asked before lending is asked at approval too."""
    return purpose == scenario.purpose or (scenario.purpose is Purpose.PRE_LOAN and purpose == Purpose.APPROVAL)


def values_of(evaluation: Document) -> dict[str, Value]:
    """Indicator → value of an evaluation's document; None = not known."""
    return {line["code"]: line["value"] for line in evaluation["indicators"]}


def read(body: Document, evaluation: Document) -> Document:
    """What a frozen model says of one evaluation's facts; ``base`` and all contributions sum exactly to the score.

    Where too little is known there is neither score nor probability. ``others`` is the sum of the contributions that
    are not among the four strongest of each direction.
    """
    model, values = Model.read(body["model"]), values_of(evaluation)
    given = [(one, one.points_for(values)) for one in model.characteristics]
    coverage = coverage_of(model, values)
    enough = coverage >= body["minimum_coverage"]
    score = model.base + sum(points for _, points in given)
    up, down = strongest(given, sign=1), strongest(given, sign=-1)
    shown = sum(points for _, points in (*up, *down))
    return {
        "v": 1,
        "enterprise": evaluation["enterprise"],
        "scenario": body["scenario"],
        "valid_on": evaluation["valid_on"],
        "known_at": evaluation["known_at"],
        "score": score if enough else None,
        "maximum": model.maximum,
        "probability": f"{Decimal(model.probability(score)) / MILLION:.6f}" if enough else None,
        "coverage": coverage,
        "base": model.base,
        "up": [_reason(one, points) for one, points in up],
        "down": [_reason(one, points) for one, points in down],
        "others": score - model.base - shown,
        "what_if": list(_what_if(model, values))[:REASONS] if enough else [],
    }


def coverage_of(model: Model, values: Mapping[str, Value]) -> int:
    """Per cent of the model's weight that is known of a firm, rounded down."""
    known = sum(one.span for one in model.characteristics if one.knows(values))
    return known * 100 // model.weight if model.weight else 0


def strongest(given: Sequence[tuple[Characteristic, int]], *, sign: int) -> list[tuple[Characteristic, int]]:
    """At most four contributions of one direction, the greatest first; ties by order of the model."""
    mine = [(one, points) for one, points in given if points * sign > 0]
    return sorted(mine, key=lambda pair: -pair[1] * sign)[:REASONS]


def _reason(one: Characteristic, points: int) -> Document:
    return {"indicators": list(one.indicators), "points": points}


def _what_if(model: Model, values: Mapping[str, Value]) -> Iterator[Document]:
    """For each known indicator the bin that would bring most, those that bring most first."""
    found = []
    for code in model.indicators:
        if values.get(code) is None:
            continue
        mine = [one for one in model.characteristics if code in one.indicators]
        axes = [axis for one in mine for axis in one.axes if axis.indicator == code]
        best = max((_gain(mine, values, code, axis, place) for axis in axes for place in range(1, axis.size)),
                   key=lambda pair: pair[0])  # fmt: skip
        if best[0] > 0:
            found.append({"indicator": code, "gain": best[0], **best[1]})
    yield from sorted(found, key=lambda change: -change["gain"])


def _gain(
    mine: Sequence[Characteristic], values: Mapping[str, Value], code: str, axis: Axis, place: int
) -> tuple[int, Document]:
    changed = {**values, code: inside(axis, place)}
    return sum(one.points_for(changed) - one.points_for(values) for one in mine), bin_text(axis, place)


def inside(axis: Axis, place: int) -> Value:
    """A value that falls into a bin."""
    if axis.places is None:
        return axis.groups[place - 1][0]
    return Decimal(axis.inside(place)).scaleb(-axis.places)


def bin_text(axis: Axis, place: int) -> Document:
    """A bin in figures: from (inclusive) and below, or the words of a group; empty for not known."""
    if place == 0:
        return {}
    if axis.places is None:
        return {"words": list(axis.groups[place - 1])}
    low = axis.cuts[place - 2] if place > 1 else None
    high = axis.cuts[place - 1] if place <= len(axis.cuts) else None
    bounds = {"at_least": low, "below": high}
    return {name: _figure(whole, axis.places) for name, whole in bounds.items() if whole is not None}


def _figure(whole: int, places: int) -> str:
    return f"{Decimal(whole).scaleb(-places):f}"


def drift_level(index: int, amber: int, red: int) -> Drift:
    """What a stability index (ten-thousandths) calls for."""
    return Drift.RED if index >= red else Drift.AMBER if index >= amber else Drift.GREEN


def items_needed(body: Document) -> tuple[str, ...]:
    """The items that a model's indicators rest on: what an authorisation must cover."""
    lists: Any = body["items"].values()
    return tuple(sorted({item for items in lists for item in items}))
