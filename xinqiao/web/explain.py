"""An evaluation in words: grade meaning, reasons with what would change them, dimensions with bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from xinqiao.evaluation.compute import facts_by_code
from xinqiao.evaluation.types import CardIndicator, Dimension, Document, Grade, Scorecard, Words
from xinqiao.indicators.types import IndicatorFacts


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason up or down: the sentence, what would change it, and where it comes from."""

    indicator: IndicatorFacts
    text: Words
    improve: Words
    points: int
    maximum: int


@dataclass(frozen=True, slots=True)
class Bar:
    """A dimension's points: got, known maximum, maximum."""

    dimension: Dimension
    points: int
    known: int


@dataclass(frozen=True, slots=True)
class Explained:
    """An evaluation ready to be shown."""

    document: Document
    grade: Grade | None
    up: tuple[Reason, ...]
    down: tuple[Reason, ...]
    bars: tuple[Bar, ...]
    vetoes: tuple[Words, ...]
    lines: tuple[tuple[IndicatorFacts, dict[str, Any]], ...]


def explained(document: Document | None, card: Scorecard) -> Explained | None:
    """The document with its scorecard's words; None for None."""
    if document is None:
        return None
    facts = facts_by_code()
    by_code = {i.code: i for i in card.indicators}
    lines = {line["code"]: line for line in document["indicators"]}

    def reasons(codes: list[str], *, up: bool) -> tuple[Reason, ...]:
        return tuple(_reason(by_code[c], lines[c], facts[c], up=up) for c in codes if c in by_code)

    dimensions = {d["code"]: d for d in document["dimensions"]}
    return Explained(
        document=document,
        grade=next((g for g in card.grades if g.grade == document["grade"]), None),
        up=reasons(document["up"], up=True),
        down=reasons(document["down"], up=False),
        bars=tuple(Bar(d, dimensions[d.code]["points"], dimensions[d.code]["known_maximum"]) for d in card.dimensions),
        vetoes=tuple(v.reason for v in card.vetoes if v.rule.code in document["vetoes"]),
        lines=tuple((facts[code], line) for code, line in lines.items()),
    )


def _reason(indicator: CardIndicator, line: dict[str, Any], facts: IndicatorFacts, *, up: bool) -> Reason:
    text = indicator.up if up else indicator.down
    return Reason(facts, text, indicator.improve, line["points"] or 0, line["maximum"])
