"""A profile (画像) out of what left the gate: dimensions beside peers, tags, timeline, relations, confidence. Pure.

It knows nothing but the answer given to its reader, so it can show nothing that the answer does not hold. Relations
are those that an identifier proves; a name never makes one, because names are shared by strangers.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from xinqiao.catalogue.types import FieldType, Item
from xinqiao.evaluation.types import Document, Scorecard, Words
from xinqiao.kernel.identifiers import InvalidUscc, parse_uscc

AXES = 8  # dimensions shown at most
NODES = 60  # enterprises drawn one by one; of more, groups
EVENTS = 200


@dataclass(frozen=True, slots=True)
class TagRule:
    """A row of ``profile.toml``: an indicator's value within bounds, or one of some, gives the tag."""

    code: str
    name: Words
    indicator: str
    tone: str
    at_least: int | None = None
    at_most: int | None = None
    among: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EventKind:
    """A heading of the timeline and the items under it."""

    code: str
    name: Words
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProfileContent:
    """``profile.toml`` as a whole; coverages are whole per cent."""

    tags: tuple[TagRule, ...]
    kinds: tuple[EventKind, ...]
    high_coverage: int
    medium_coverage: int


@dataclass(frozen=True, slots=True)
class Axis:
    """A dimension: points of what is known in whole per cent, the peers' median of the same, how much is known."""

    code: str
    name: Words
    percent: int | None
    median: int | None
    known: int
    maximum: int


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag that holds, with the rule behind it and the value that is its evidence."""

    rule: TagRule
    value: int | str


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """A date in a record that the reader may see: its kind, item, and which of the record's dates it is."""

    on: date
    kind: EventKind
    item: str
    field: str
    ahead: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """An enterprise that a record names by its code: the field that names it, and the item."""

    code: str
    item: str
    field: str


@dataclass(frozen=True, slots=True)
class Profile:
    """All of it. ``confidence`` is high, medium or low; ``peers`` how many the medians are of, 0 = too few."""

    axes: tuple[Axis, ...]
    peers: int
    tags: tuple[Tag, ...]
    events: tuple[TimelineEvent, ...]
    relations: tuple[Relation, ...]
    groups: tuple[tuple[str, int], ...]
    coverage: int | None
    confidence: str


@cache
def load_profile(path: Path) -> ProfileContent:
    """``profile.toml``; raises ValueError or KeyError for a file that leaves something out."""
    raw = tomllib.loads(path.read_text("utf-8"))
    tags = tuple(map(_tag_rule, raw["tags"]))
    if len({tag.code for tag in tags}) != len(tags):
        raise ValueError(f"{path.name}: a tag stands twice")
    kinds = tuple(EventKind(k["code"], Words.of(k, "name"), tuple(k["items"])) for k in raw["kinds"])
    return ProfileContent(tags, kinds, raw["high_coverage"], raw["medium_coverage"])


def _tag_rule(raw: Mapping[str, Any]) -> TagRule:
    bounds = [name for name in ("at_least", "at_most", "among") if name in raw]
    if not bounds or raw["tone"] not in ("good", "note", "risk"):
        raise ValueError(f"tag {raw['code']}: a bound and a tone are needed")
    return TagRule(
        code=raw["code"],
        name=Words.of(raw, "name"),
        indicator=raw["indicator"],
        tone=raw["tone"],
        at_least=raw.get("at_least"),
        at_most=raw.get("at_most"),
        among=tuple(raw.get("among", ())),
    )


def profile(
    answer: Mapping[str, Any],
    content: ProfileContent,
    card: Scorecard,
    items: Mapping[str, Item],
    *,
    medians: Mapping[str, int],
    peers: int,
    today: date,
) -> Profile:
    """The profile of an answer of the gate (``release``); without an evaluation in it there are no axes and no tags."""
    evaluation: Document | None = answer.get("evaluation")
    blocks = answer["items"]
    found = sorted(set(relations(blocks, items)), key=lambda r: (r.field, r.code))
    coverage = evaluation["coverage"] if evaluation else None
    return Profile(
        axes=axes(evaluation, card, medians) if evaluation else (),
        peers=peers if evaluation else 0,
        tags=tags(evaluation, content.tags) if evaluation else (),
        events=tuple(timeline(blocks, content.kinds, items, today=today))[:EVENTS],
        relations=tuple(found) if len(found) <= NODES else (),
        groups=_grouped(found) if len(found) > NODES else (),
        coverage=coverage,
        confidence=confidence(coverage, content),
    )


def axes(evaluation: Document, card: Scorecard, medians: Mapping[str, int]) -> tuple[Axis, ...]:
    """At most eight dimensions; one of which nothing is known has no per cent, which is not zero."""
    names = {d.code: d.name for d in card.dimensions}
    return tuple(
        Axis(d["code"], names[d["code"]], share(d["points"], d["known_maximum"]), medians.get(d["code"]),
             d["known_maximum"], d["maximum"])
        for d in evaluation["dimensions"][:AXES]
        if d["code"] in names
    )  # fmt: skip


def share(points: int, known: int) -> int | None:
    """Points of what is known, in whole per cent rounded down; None where nothing is."""
    return points * 100 // known if known else None


def tags(evaluation: Document, rules: Iterable[TagRule]) -> tuple[Tag, ...]:
    """The tags that the evaluation's own values give; what is not known gives none."""
    values = {line["code"]: line["value"] for line in evaluation["indicators"] if line["state"] != "not_known"}
    held = ((rule, values.get(rule.indicator)) for rule in rules)
    return tuple(Tag(rule, value) for rule, value in held if value is not None and _holds(rule, value))


def _holds(rule: TagRule, value: int | str) -> bool:
    if rule.among:
        return str(value) in rule.among
    number = Decimal(str(value))
    return (rule.at_least is None or number >= rule.at_least) and (rule.at_most is None or number <= rule.at_most)


def timeline(
    blocks: Iterable[Mapping[str, Any]], kinds: Sequence[EventKind], items: Mapping[str, Item], *, today: date
) -> list[TimelineEvent]:
    """Every date of the rows in an answer, newest first; what lies ahead, such as an expiry, is marked."""
    of = {code: kind for kind in kinds for code in kind.items}
    found = set()
    for block in blocks:
        item = items.get(block["item"])
        if item is None or item.code not in of:
            continue
        days = [f.code for f in item.fields if f.type is FieldType.DATE]
        for row in block.get("rows", ()):
            for name in days:
                if isinstance(row.get(name), str):
                    on = date.fromisoformat(row[name])
                    found.add(TimelineEvent(on, of[item.code], item.code, name, on > today))
    return sorted(found, key=lambda e: (-e.on.toordinal(), e.item, e.field))


def relations(blocks: Iterable[Mapping[str, Any]], items: Mapping[str, Item]) -> Iterator[Relation]:
    """Enterprises that rows name by a whole and valid code in a field made for one; no other field makes a relation."""
    for block in blocks:
        item = items.get(block["item"])
        fields = [f for f in item.fields if f.type is FieldType.USCC and f.role != "enterprise"] if item else []
        for row in block.get("rows", ()):
            for field in fields:
                with suppress(InvalidUscc):
                    if row.get(field.code):
                        yield Relation(parse_uscc(str(row[field.code])).code, block["item"], field.code)


def _grouped(found: Iterable[Relation]) -> tuple[tuple[str, int], ...]:
    """How many of each kind, where there are too many to draw."""
    counts: dict[str, int] = {}
    for one in found:
        counts[f"{one.item}:{one.field}"] = counts.get(f"{one.item}:{one.field}", 0) + 1
    return tuple(sorted(counts.items()))


def confidence(coverage: int | None, content: ProfileContent) -> str:
    """How far the profile can be relied on, from how much is known."""
    if coverage is None or coverage < content.medium_coverage:
        return "low"
    return "high" if coverage >= content.high_coverage else "medium"
