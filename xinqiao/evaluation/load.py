"""Reads scorecards and the size table from content and refuses contradictions, all at once."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from xinqiao.evaluation.types import (
    CardIndicator,
    Dimension,
    Grade,
    InvalidScorecard,
    NoScorecard,
    Scorecard,
    Veto,
    Words,
)
from xinqiao.indicators.types import Bin, Scoring, SizeRow, VetoRule
from xinqiao.kernel.canonical import sha256_hex
from xinqiao.kernel.errors import Problem

FEN_PER_WAN = 1_000_000
MAXIMUM = 1000
# The figures of the size table, as indicators; a card may add total assets (``size_assets``).
SIZE_INPUTS = ("identity.industry", "operation.insured_persons", "operation.sales_12m_fen")


@cache
def load_scorecards(folder: Path, known: frozenset[str]) -> tuple[Scorecard, ...]:
    """Every scorecard of a content folder; ``known`` are the indicator codes that exist. Raises InvalidScorecard."""
    sizes = load_sizes(folder / "size_classes.toml")
    cards, problems = [], []
    for path in sorted((folder / "scorecards").glob("*.toml")):
        data = path.read_bytes()
        card = _scorecard(tomllib.loads(data.decode("utf-8")), sha256_hex(data), sizes)
        cards.append(card)
        problems += [
            Problem(field=path.name, code="scorecard", message=f"{path.name}: {t}") for t in _faults(card, known)
        ]
    if problems:
        raise InvalidScorecard(problems)
    return tuple(cards)


def in_force(cards: Sequence[Scorecard], code: str, on: date) -> Scorecard:
    """The newest version of a scorecard in force on a day; raises NoScorecard."""
    candidates = [c for c in cards if c.code == code and c.since <= on]
    if not candidates:
        raise NoScorecard(card=code, on=on)
    return max(candidates, key=lambda c: (c.since, c.version))


def load_sizes(path: Path) -> tuple[SizeRow, ...]:
    """The size table, money in fen."""
    rows = tomllib.loads(path.read_text("utf-8"))["classes"]
    return tuple(
        SizeRow(
            industries=tuple(row["industries"]),
            bounds={name: _bounds(row[name]) for name in ("large", "medium", "small")},
        )
        for row in rows
    )


def _bounds(spec: Mapping[str, int]) -> tuple[int | None, int | None, int | None]:
    def fen(key: str) -> int | None:
        return spec[key] * FEN_PER_WAN if key in spec else None

    return spec.get("persons"), fen("sales"), fen("assets")


def _scorecard(raw: Mapping[str, Any], digest: str, sizes: tuple[SizeRow, ...]) -> Scorecard:
    dimensions = tuple(_dimension(d) for d in raw["dimensions"])
    grades = tuple(Grade(g["grade"], g.get("at_least"), Words.of(g, "meaning")) for g in raw["grades"])
    vetoes = tuple(_veto(v) for v in raw.get("vetoes", ()))
    return Scorecard(
        code=raw["code"],
        version=raw["version"],
        name=Words.of(raw, "name"),
        since=raw["since"],
        basis=raw["basis"],
        draft=raw.get("draft", False),
        minimum_coverage=raw["minimum_coverage"],
        dimensions=dimensions,
        vetoes=vetoes,
        grades=grades,
        sha256=digest,
        scoring=Scoring(
            bins={i.code: i.bins for d in dimensions for i in d.indicators},
            vetoes=tuple(v.rule for v in vetoes),
            grades=tuple((g.grade, g.at_least) for g in grades if g.at_least is not None),
            unrated="NR",
            minimum_coverage=raw["minimum_coverage"],
            sizes=sizes,
            size_inputs=(*SIZE_INPUTS, *([raw["size_assets"]] if "size_assets" in raw else [])),
        ),
    )


def _dimension(raw: Mapping[str, Any]) -> Dimension:
    indicators = tuple(
        CardIndicator(
            code=i["code"],
            bins=tuple(Bin(b["points"], b.get("below"), tuple(b.get("values", ()))) for b in i["bins"]),
            up=Words.of(i, "up"),
            down=Words.of(i, "down"),
            improve=Words.of(i, "improve"),
        )
        for i in raw["indicators"]
    )
    return Dimension(raw["code"], Words.of(raw, "name"), indicators)


def _veto(raw: Mapping[str, Any]) -> Veto:
    rule = VetoRule(raw["code"], raw["indicator"], raw["at_least"], raw["grade"])
    return Veto(rule, Words.of(raw, "reason"), raw["clause"])


def _faults(card: Scorecard, known: frozenset[str]) -> Iterator[str]:
    if card.maximum != MAXIMUM:
        yield f"points sum to {card.maximum}, not {MAXIMUM}"
    codes = [i.code for i in card.indicators]
    yield from (f"indicator {code} stands twice" for code in sorted({c for c in codes if codes.count(c) > 1}))
    yield from (f"unknown indicator {code}" for code in codes if code not in known)
    yield from (f"veto {v.rule.code}: unknown indicator" for v in card.vetoes if v.rule.indicator not in known)
    yield from (f"size table needs {code}" for code in card.scoring.size_inputs if code not in known)
    names = {g.grade for g in card.grades}
    yield from (f"veto {v.rule.code}: unknown grade" for v in card.vetoes if v.rule.grade not in names)
    bounds = [least for _, least in card.scoring.grades]
    if bounds != sorted(bounds, reverse=True) or not bounds or bounds[-1] != 0:
        yield "grades must fall from best to worst, the last at_least = 0"
    for indicator in card.indicators:
        yield from (f"{indicator.code}: {text}" for text in _bin_faults(indicator.bins))


def _bin_faults(bins: tuple[Bin, ...]) -> Iterator[str]:
    limits = [b.below for b in bins if b.below is not None]
    if limits != sorted(set(limits)):
        yield "bins must rise"
    if bins[-1].below is not None or bins[-1].values:
        yield "the last bin must have no bound, so that every value has points"
    if any(b.below is None and not b.values for b in bins[:-1]):
        yield "only the last bin may have no bound"
    if any(b.points < 0 for b in bins):
        yield "points must not be negative"
