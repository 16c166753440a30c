"""The model that says how probable it is that a row without a code is about a subject. Pure; every number is here.

After Fellegi and Sunter: each feature that agrees or differs multiplies the odds by how much more often that happens
between two records of one firm than between a record and a firm at random. How rare a name is counts by the number of
subjects that agree with it as far. The probabilities of all candidates and of "none of them" add up to one, so two
candidates that agree equally can never both be probable. The figures are our working draft; ``benchmarks`` measure
what they give (docs/decisions/0013-subjects.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from math import prod

from rapidfuzz.distance import OSA
from rapidfuzz.fuzz import ratio

from xinqiao.kernel.identifiers import EntityKind, entity_kind
from xinqiao.subjects.names import (
    AddressParts,
    NameParts,
    Places,
    fold,
    may_be_person,
    parse_address,
    parse_name,
)
from xinqiao.subjects.types import Asked, Candidate, Doubt, Level, Matching, Reason

MODEL = "names-1"
AUTOMATIC = 0.995  # at least so probable, and no doubt, to be attached without a person
SHOWN = 8
LEAST_SHOWN = 0.001
NOT_REGISTERED = 0.03  # share of rows that are about no subject of the register
NEAR_RATIO = 75.0
NEAR_STREET = 80.0
LEAST_PART = 3
FUZZY = (Level.ONE_CHARACTER, Level.PART, Level.NEAR)
ENDED = frozenset({"注销", "迁出"})
# How often a record of a firm gives its name so, and in how many ways it can go wrong that far: a certain slip of the
# pen is that much rarer than slips are.
SPELLED: Mapping[Level, float] = {
    Level.WHOLE_NAME: 0.70,
    Level.SAME_CORE: 0.70,
    Level.ONE_CHARACTER: 0.08,
    Level.PART: 0.05,
    Level.NEAR: 0.02,
}
WAYS: Mapping[Level, float] = {
    Level.WHOLE_NAME: 1,
    Level.SAME_CORE: 1,
    Level.ONE_CHARACTER: 100,
    Level.PART: 50,
    Level.NEAR: 2_000,
}
# How common the written name is among firms at random: as many as agree as far as the best of them does, spread over
# the ways to do so. A whole name is rarer still, because no two firms of a registry may have the same.
LAWFULLY_ONE = 50
# Agreement among records of one firm / agreement with a firm at random.
FACTOR: Mapping[Level, float] = {
    Level.SAME_FORM: 0.93 / 0.70,
    Level.OTHER_FORM: 0.02 / 0.25,
    Level.SAME_BRANCH: 0.98 / 0.05,
    Level.OTHER_BRANCH: 0.0002 / 0.50,  # who names the company means the company
    Level.SAME_PLACE: 0.90 / 0.35,
    Level.OTHER_PLACE: 0.0005 / 0.50,
    Level.SAME_COUNTY: 0.85 / 0.03,
    Level.FORMER_COUNTY: 0.60 / 0.03,
    Level.SAME_CITY: 0.10 / 0.30,
    Level.OTHER_AREA: 0.04 / 0.65,
    Level.SAME_ADDRESS: 0.70 / 0.002,
    Level.NEAR_ADDRESS: 0.15 / 0.002,
    Level.OTHER_ADDRESS: 0.15 / 0.99,
}
NAME_ORDER = tuple(SPELLED)


@dataclass(frozen=True, slots=True)
class Known:
    """A name that the register has for a subject, taken apart, with where the subject is."""

    code: str
    name: str
    current_name: str
    parts: NameParts
    division: str
    former_division: str
    address: str
    status: str


@dataclass(frozen=True, slots=True)
class Weighed:
    """A name of the register with the odds for it, and what they are made of."""

    weight: float
    known: Known
    factors: tuple[float, ...]
    features: tuple[Level, ...]
    alike: int


@dataclass(frozen=True, slots=True)
class Taken:
    """What was asked, taken apart."""

    name: NameParts
    division: str
    address: AddressParts


def take_apart(asked: Asked, places: Places) -> Taken:
    """A row's name, division and address as they are compared; an address can name the division."""
    address = parse_address(asked.address, places)
    written = asked.division.strip()
    code = written if written.isdigit() and len(written) == 6 else places.code(fold(written)) or ""
    if not code and address.places:
        code = address.places[-1]
    return Taken(parse_name(asked.name, places), places.divisions.current(code), address)


def match(asked: Asked, known: Sequence[Known], places: Places) -> Matching:
    """Candidates among names of the register that have something in common with what was asked."""
    taken = take_apart(asked, places)
    if may_be_person(taken.name):
        return Matching((), False, person=True)
    levels = [(entry, level) for entry in known if (level := name_level(taken.name, entry.parts, places))]
    alike = _alike(levels)
    factor = _name_factors({level for _, level in levels}, alike)
    best: dict[str, Weighed] = {}
    for entry, level in levels:
        features = (level, *_features(taken, entry, level, places))
        weight = factor[level] * prod(FACTOR[feature] for feature in features[1:])
        if entry.code not in best or weight > best[entry.code].weight:
            best[entry.code] = Weighed(
                weight, entry, (factor[level], *(FACTOR[f] for f in features[1:])), features, alike[level]
            )
    return _ranked(list(best.values()))


def _alike(levels: Sequence[tuple[Known, Level]]) -> dict[Level, int]:
    """Per level how many subjects agree that far or further."""
    subjects: set[str] = set()
    found = {}
    for level in NAME_ORDER:
        subjects |= {entry.code for entry, reached in levels if reached is level}
        found[level] = max(1, len(subjects))
    return found


def _name_factors(reached: set[Level], alike: Mapping[Level, int]) -> dict[Level, float]:
    """Per level of the name by what it changes the odds, in a register of so many alike."""
    first = next((level for level in NAME_ORDER if level in reached), None)
    if first is None:
        return {}
    common = alike[first] / WAYS[first] / (LAWFULLY_ONE if first is Level.WHOLE_NAME else 1)
    return {level: SPELLED[level] / WAYS[level] / common for level in NAME_ORDER}


def _ranked(weighed: list[Weighed]) -> Matching:
    rest = NOT_REGISTERED / (1 - NOT_REGISTERED)
    total = rest + sum(one.weight for one in weighed)
    ordered = nsmallest(SHOWN, weighed, key=lambda one: (-one.weight, one.known.code))
    shown = tuple(_candidate(one, total) for one in ordered if one.weight / total >= LEAST_SHOWN)
    first = shown[0] if shown else None
    return Matching(shown, first is not None and first.probability >= AUTOMATIC and not first.doubts)


def _candidate(one: Weighed, total: float) -> Candidate:
    entry = one.known
    return Candidate(
        code=entry.code,
        name=entry.name,
        current_name=entry.current_name,
        division=entry.division,
        address=entry.address,
        status=entry.status,
        probability=round(one.weight / total, 6),
        alike=one.alike,
        reasons=tuple(map(Reason, one.features, one.factors)),
        doubts=tuple(_doubts(entry, set(one.features))),
    )


def _doubts(entry: Known, levels: set[Level]) -> list[Doubt]:
    """Why no probability is enough."""
    checks = (
        (entity_kind(entry.code) is EntityKind.INDIVIDUAL, Doubt.INDIVIDUAL),
        (entry.status in ENDED, Doubt.ENDED),
        (bool(levels & {*FUZZY, Level.OTHER_FORM}), Doubt.SPELLING),
        (Level.OTHER_BRANCH in levels, Doubt.BRANCH),
    )
    return [doubt for wrong, doubt in checks if wrong]


def name_level(one: NameParts, other: NameParts, places: Places) -> Level | None:
    """How far two names agree; None when they have too little in common."""
    if one.core == other.core:
        return Level.WHOLE_NAME if _whole(one, other, places) else Level.SAME_CORE
    short, long = sorted((one.core, other.core), key=len)
    if len(short) >= LEAST_PART and OSA.distance(short, long, score_cutoff=1) <= 1:
        return Level.ONE_CHARACTER
    if len(short) >= LEAST_PART and _is_part(short, long):
        return Level.PART
    return Level.NEAR if ratio(short, long) >= NEAR_RATIO else None


def _whole(one: NameParts, other: NameParts, places: Places) -> bool:
    city = places.city(one.places)
    return bool(
        city and city == places.city(other.places) and one.form == other.form is not None and one.branch == other.branch
    )


def _is_part(short: str, long: str) -> bool:
    """Whether all characters of the short one stand in the long one, in order, from its first one on."""
    rest = iter(long)
    return short[0] == long[0] and all(character in rest for character in short)


def _features(taken: Taken, entry: Known, level: Level, places: Places) -> list[Level]:
    found: list[Level | None] = [_area(taken.division, entry, places), _address(taken.address, entry, places)]
    if level is not Level.WHOLE_NAME:
        found = [*_name_rest(taken.name, entry.parts, places), *found]
    return [feature for feature in found if feature is not None]


def _name_rest(one: NameParts, other: NameParts, places: Places) -> list[Level | None]:
    """Form, branch and place, where the whole name does not say them all."""
    cities = (places.city(one.places), places.city(other.places))
    place = None if not all(cities) else Level.SAME_PLACE if cities[0] == cities[1] else Level.OTHER_PLACE
    branch = Level.OTHER_BRANCH if one.branch != other.branch else Level.SAME_BRANCH if one.branch else None
    return [_form(one.form, other.form), branch, place]


def _form(one: str | None, other: str | None) -> Level | None:
    if one is None or other is None:
        return None
    if one == other:
        return Level.SAME_FORM
    return None if "" in (one, other) and {one, other} <= {"", "有限", "股份"} else Level.OTHER_FORM


def _area(asked: str, entry: Known, places: Places) -> Level | None:
    """A development zone overlaps counties, so it only tells the city; so does the code of a city itself."""
    divisions = places.divisions
    known = divisions.current(entry.division)
    if not asked or not known:
        return None
    if asked == known:
        return None if asked.endswith("00") and not divisions.is_zone(asked) else Level.SAME_COUNTY
    if entry.former_division and asked == divisions.current(entry.former_division):
        return Level.FORMER_COUNTY
    if divisions.city(asked) != divisions.city(known):
        return Level.OTHER_AREA
    vague = any(divisions.is_zone(code) or code.endswith("00") for code in (asked, known))
    return None if vague else Level.SAME_CITY


def _address(asked: AddressParts, entry: Known, places: Places) -> Level | None:
    if not asked.street or not entry.address:
        return None
    known = parse_address(entry.address, places)
    if asked.street == known.street:
        return Level.SAME_ADDRESS if asked.numbers else Level.NEAR_ADDRESS
    fewer = min(len(asked.numbers), len(known.numbers))
    same_numbers = bool(fewer) and asked.numbers[:fewer] == known.numbers[:fewer]
    begins = asked.street.startswith(known.street) or known.street.startswith(asked.street)
    if same_numbers and (begins or ratio(asked.street, known.street) >= NEAR_STREET):
        return Level.NEAR_ADDRESS
    return Level.OTHER_ADDRESS
