"""From observations to a frozen scorecard, its challengers and the figures of both. The libraries load only here.

A weight-of-evidence scorecard with bins in one direction (optbinning), where allowed with tables of what two indicators
say together; logistic regression and LightGBM on the very same columns stand beside it for comparison and never score.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np

from xinqiao.kernel.errors import Phrase
from xinqiao.scenarios.binning import Binned, bin_column
from xinqiao.scenarios.challengers import Challenger, challengers
from xinqiao.scenarios.crosses import Cross, find_crosses
from xinqiao.scenarios.frame import Floats, Frame, Ints
from xinqiao.scenarios.measures import brier, reliability, separation
from xinqiao.scenarios.model import MILLION, Characteristic, Model
from xinqiao.scenarios.types import NothingSeparates, OneOutcome, TooFewEvents

FACTOR = 50 / log(2)  # 50 points double the odds
ANCHOR, ANCHOR_ODDS = 600, 20  # 600 points stand for odds of 20 to 1
LEAST_VALUE = 0.02  # information value below which an indicator is left out
WORTH = 100  # ten-thousandths of AUC that tables must add before a model gets them
SHARE_LEFT = 0.3  # of the single indicators' log-odds, the rest is found again by the tables
STRENGTH = 1.0
WORDS = {"fit": Phrase("拟合"), "calibrate": Phrase("校准"), "measure": Phrase("检验")}


@dataclass(frozen=True, slots=True)
class Parts:
    """Rows to fit on, rows to calibrate on, rows only measured on; the last two later than the first where split by
    time."""

    fit: Ints
    calibrate: Ints
    measure: Ints

    @property
    def named(self) -> tuple[tuple[str, Ints], ...]:
        """Each part with its name."""
        return (("fit", self.fit), ("calibrate", self.calibrate), ("measure", self.measure))


@dataclass(frozen=True, slots=True)
class Options:
    """How to train.

    ``base_rate`` is the true share of events among those scored, in millionths, where the sample's is another.
    ``silence_counts``: that a value is not known says something of its own, as with a ratio that cannot be computed;
    by default it neither helps nor harms.
    """

    least_events: int = 30
    crosses: int = 0
    base_rate: int | None = None
    silence_counts: bool = False


@dataclass(frozen=True, slots=True)
class Trained:
    """A frozen model, its figures on the rows it has not seen, and the challengers' beside it."""

    model: Model
    figures: dict[str, Any]
    values: dict[str, int]  # information value of each indicator used, ten-thousandths
    risk: dict[str, Floats]  # challenger → what it says of the measured rows


def train(frame: Frame, parts: Parts, options: Options) -> Trained:
    """Fit, calibrate and measure; raises TooFewEvents, OneOutcome or NothingSeparates."""
    check_enough(frame, parts, options.least_events)
    fit, later = frame.at(parts.fit), frame.at(parts.calibrate)
    binned = _chosen(fit, options.silence_counts)
    weights, intercept, kept = _weights(fit, binned)
    plain = _card(kept, weights, intercept, [])
    card = _with_crosses(fit, later, kept, weights, intercept, options, plain)
    weighing = _row_weights(frame, parts, options.base_rate)
    model = _calibrated(card, later, weighing[parts.calibrate])
    measured = frame.at(parts.measure)
    others = challengers(fit, later, measured)
    return Trained(
        model=model,
        figures=_figures(model, frame, parts, weighing, others) | _of_pairs(plain, model, measured),
        values={b.axis.indicator: round(b.value * 10_000) for b in kept},
        risk={c.name: c.risk for c in others},
    )


def check_enough(frame: Frame, parts: Parts, least: int) -> None:
    """Enough events to fit, to calibrate and to measure on, and not only events."""
    for name, rows in parts.named:
        events = int(frame.failed[rows].sum())
        if len(rows) and events in (0, len(rows)):
            raise OneOutcome(part=WORDS[name], rows=len(rows))
        needed = least if name == "fit" else max(1, least // 5)
        if events < needed:
            raise TooFewEvents(part=WORDS[name], events=events, needed=needed)


def _chosen(fit: Frame, silence_counts: bool) -> list[Binned]:
    found = [bin_column(column, fit.failed, silence_counts=silence_counts) for column in fit.columns]
    chosen = [b for b in found if b is not None and b.value >= LEAST_VALUE]
    if not chosen:
        raise NothingSeparates()
    return chosen


def _weights(fit: Frame, binned: list[Binned]) -> tuple[list[float], float, list[Binned]]:
    """Logistic regression over weights of evidence; what would turn against its own bins is left out."""
    from sklearn.linear_model import LogisticRegression

    columns, kept = fit.by_code, list(binned)
    while kept:
        evidence = np.stack([b.of(columns[b.axis.indicator]) for b in kept], axis=1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = LogisticRegression(C=STRENGTH, max_iter=2_000).fit(evidence, fit.failed)
        weights = found.coef_[0].tolist()
        right = [b for b, weight in zip(kept, weights, strict=True) if weight < 0]
        if len(right) == len(kept):
            return weights, float(found.intercept_[0]), kept
        kept = right
    raise NothingSeparates()


def _card(
    binned: list[Binned], weights: list[float], intercept: float, crosses: list[Cross], share: float = 1.0
) -> Model:
    """Log-odds as whole points; the table of probabilities is still to come."""
    parts = [
        Characteristic(
            (b.axis,),
            tuple(round(-FACTOR * share * weight * woe) for woe in b.woe),
            tuple(f"{woe:.6f}" for woe in b.woe),
            b.counts,
        )
        for b, weight in zip(binned, weights, strict=True)
    ]
    parts += [Characteristic(c.axes, tuple(round(-FACTOR * cell) for cell in c.cells)) for c in crosses]
    base = round(ANCHOR - FACTOR * (intercept * share + log(ANCHOR_ODDS)))
    return Model(base, tuple(p for p in parts if p.span), 0, (0,))


def _with_crosses(
    fit: Frame, later: Frame, kept: list[Binned], weights: list[float], intercept: float, options: Options, plain: Model
) -> Model:
    """The plain card, unless tables of pairs separate later rows clearly better."""
    if options.crosses < 1:
        return plain
    columns = fit.by_code
    evidence = sum(weight * b.of(columns[b.axis.indicator]) for b, weight in zip(kept, weights, strict=True))
    crosses = find_crosses(
        fit, SHARE_LEFT * (np.asarray(evidence) + intercept), options.crosses, silence_counts=options.silence_counts
    )
    crossed = _card(kept, weights, intercept, crosses, SHARE_LEFT)
    gained = separation(-crossed.scores(later), later.failed)[0] - separation(-plain.scores(later), later.failed)[0]
    return crossed if gained >= WORTH else plain


def _row_weights(frame: Frame, parts: Parts, base_rate: int | None) -> Floats:
    """Weights that bring the share of events among the rows calibrated and measured on to the true one."""
    share = float(frame.failed[np.concatenate([parts.calibrate, parts.measure])].mean())
    true = share if base_rate is None else base_rate / MILLION
    return np.where(frame.failed, true / share, (1 - true) / (1 - share))


def _calibrated(card: Model, later: Frame, weights: Floats) -> Model:
    """The card with its table from score to probability: a logistic curve through rows it was not fitted on."""
    from sklearn.linear_model import LogisticRegression

    scores = card.scores(later)
    found = LogisticRegression(C=1e6, max_iter=2_000).fit((scores[:, None] - ANCHOR) / FACTOR, later.failed, weights)
    slope = min(float(found.coef_[0][0]), 0.0)  # a higher score never means a higher probability
    lowest = card.base + sum(min(c.points) for c in card.characteristics)
    span = np.arange(lowest, card.maximum + 1)
    odds = slope * (span - ANCHOR) / FACTOR + float(found.intercept_[0])
    table = tuple(round(MILLION / (1 + float(np.exp(-value)))) for value in odds)
    return Model(card.base, card.characteristics, lowest, table)


def probabilities(model: Model, scores: Ints) -> Ints:
    """The model's probabilities at some scores, in millionths."""
    place = np.clip(scores - model.lowest, 0, len(model.probabilities) - 1)
    return np.array(model.probabilities, np.int64)[place]


def _of_pairs(plain: Model, model: Model, measured: Frame) -> dict[str, int]:
    """How many tables of pairs the model has, and what it would separate without them."""
    pairs = sum(len(one.axes) > 1 for one in model.characteristics)
    return {"pairs": pairs, "auc_plain": separation(-plain.scores(measured), measured.failed)[0]}


def _figures(model: Model, frame: Frame, parts: Parts, weights: Floats, others: list[Challenger]) -> dict[str, Any]:
    measured, own = frame.at(parts.measure), weights[parts.measure]
    scores = model.scores(measured)
    said = probabilities(model, scores)
    area, gap = separation(-scores, measured.failed)
    fitted = separation(-model.scores(frame.at(parts.fit)), frame.failed[parts.fit])
    return {
        "auc": area,
        "ks": gap,
        "auc_fit": fitted[0],
        "brier": brier(said, measured.failed, own),
        "base_rate": round(float(np.average(measured.failed, weights=own)) * MILLION),
        "said_rate": round(float(np.average(said, weights=own))),
        "reliability": reliability(said, measured.failed, own),
        "challengers": [
            dict(zip(("name", "auc", "ks"), (c.name, *separation(c.risk, measured.failed)), strict=True))
            for c in others
        ],
        "rows": {name: len(rows) for name, rows in parts.named},
        "events": {name: int(frame.failed[rows].sum()) for name, rows in parts.named},
    }
