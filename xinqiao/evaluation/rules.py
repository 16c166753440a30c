"""From one scored row to the document of an evaluation: pure, so that its bytes can be recomputed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from xinqiao.evaluation.types import CardIndicator, Dimension, Document, Scorecard, ValueState, WhyNotKnown
from xinqiao.indicators.scoring import points_column
from xinqiao.indicators.types import IndicatorFacts

REASONS = 4
Row = Mapping[str, Any]
# What says most about why a fact is not known comes first.
CLOSED = (
    WhyNotKnown.NOT_LISTED,
    WhyNotKnown.NOT_CONFIRMED,
    WhyNotKnown.SOURCE_UNREACHABLE,
    WhyNotKnown.SOURCE_DOWN,
)


def document(
    row: Row,
    card: Scorecard,
    facts: Mapping[str, IndicatorFacts],
    *,
    valid_on: str,
    known_at: str,
    sources: Mapping[str, str],
) -> Document:
    """The evaluation of one enterprise as a JSON document; points sum exactly to the score.

    ``row`` is one line of a run: ``<indicator>``, ``points__<indicator>``, ``rows__<item>``, ``veto__<code>``
    and the result columns. ``sources`` are the items whose source was down or overdue, with that as the reason.
    """
    return {
        "v": 1,
        "enterprise": row["_enterprise"],
        "scorecard": {"code": card.code, "version": card.version, "sha256": card.sha256},
        "valid_on": valid_on,
        "known_at": known_at,
        "grade": row["grade"],
        "score": row["score"],
        "maximum": card.maximum,
        "coverage": row["coverage"],
        "size_class": row["size_class"],
        "vetoes": [v.rule.code for v in card.vetoes if row[f"veto__{v.rule.code}"]],
        "dimensions": [_dimension(row, d) for d in card.dimensions],
        "indicators": [_indicator(row, i, facts[i.code], sources) for i in card.indicators],
        "up": _reasons(row, card.indicators, helps=True),
        "down": _reasons(row, card.indicators, helps=False),
    }


def _points(row: Row, code: str) -> int | None:
    points: int | None = row[points_column(code)]
    return points


def _dimension(row: Row, dimension: Dimension) -> Document:
    known = [i for i in dimension.indicators if _points(row, i.code) is not None]
    return {
        "code": dimension.code,
        "points": sum(_points(row, i.code) or 0 for i in known),
        "maximum": dimension.maximum,
        "known_maximum": sum(i.maximum for i in known),
    }


def _indicator(row: Row, indicator: CardIndicator, facts: IndicatorFacts, sources: Mapping[str, str]) -> Document:
    value = row[facts.column]
    rows = [row[f"rows__{code.replace('.', '__')}"] for code in facts.items]
    state, why = value_state(value, *rows, sources=[sources[code] for code in facts.items if code in sources])
    answer: Document = {
        "code": indicator.code,
        "state": str(state),
        "value": None if value is None else value if isinstance(value, (int, str)) else str(value),
        "points": _points(row, indicator.code),
        "maximum": indicator.maximum,
    }
    if why:
        answer["why"] = str(why)
    return answer


def value_state(value: object, *rows: int | None, sources: Sequence[str] = ()) -> tuple[ValueState, WhyNotKnown | None]:
    """State of a value, given how many rows each of its items holds about the enterprise (None = never delivered).

    ``sources`` says why those of its items that are not settled are not; what is not known is first put down to them.
    """
    if value is not None:
        return (ValueState.VALUE if any(rows) else ValueState.VERIFIED_NONE), None
    for why in CLOSED:
        if why in sources:
            return ValueState.NOT_KNOWN, why
    if None in rows or WhyNotKnown.NEVER_SHARED in sources:
        return ValueState.NOT_KNOWN, WhyNotKnown.NEVER_SHARED
    if sources:
        return ValueState.NOT_KNOWN, WhyNotKnown.SOURCE_LATE
    return ValueState.NOT_KNOWN, WhyNotKnown.NOT_COMPUTABLE if all(rows) else WhyNotKnown.NO_RECORD


def _reasons(row: Row, indicators: Sequence[CardIndicator], *, helps: bool) -> list[str]:
    """At most four codes: what gives the most points, or where the most points are lost; ties by order of the card."""
    known = [(i, _points(row, i.code)) for i in indicators]
    if helps:
        ranked = [(points, i.code) for i, points in known if points is not None and points * 10 >= i.maximum * 7 > 0]
    else:
        ranked = [(i.maximum - points, i.code) for i, points in known if points is not None and points * 2 < i.maximum]
    return [code for _, code in sorted(ranked, key=lambda pair: -pair[0])[:REASONS]]
