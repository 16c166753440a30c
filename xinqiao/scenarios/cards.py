"""The model card: data, period, figures, fairness, bins, limits. Pure; every number an integer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from xinqiao.scenarios.features import Seen
from xinqiao.scenarios.frame import Frame, Ints
from xinqiao.scenarios.measures import separation, stability, tenths
from xinqiao.scenarios.model import Model
from xinqiao.scenarios.rules import bin_text
from xinqiao.scenarios.training import Parts, Trained, probabilities
from xinqiao.scenarios.types import Document, Scenario

FEWEST = 10  # groups with fewer rows are counted together, so that no figure is about single firms
CITY_DIGITS = 4


def make_card(scenario: Scenario, seen: Seen, parts: Parts, trained: Trained) -> Document:
    """Everything a reader needs to judge a model; group counts under ten are put together."""
    model, days = trained.model, [o.seen_on.isoformat() for o in seen.observations]
    scores = model.scores(seen.frame)
    later = np.concatenate([parts.calibrate, parts.measure])
    cuts = tenths(scores[parts.fit])
    places = np.searchsorted(cuts, scores, side="right")
    return {
        "data": {
            "observations": len(days),
            "events": int(seen.frame.failed.sum()),
            "enterprises": len({o.enterprise for o in seen.observations}),
            "first": days[0],
            "last": days[-1],
            "fit_until": days[int(parts.fit[-1])],
            "sha256": seen.frame.digest,
        },
        "figures": trained.figures,
        "psi": stability(places[parts.fit], places[later], len(cuts) + 1),
        "score_bins": {
            "cuts": cuts.tolist(),
            "counts": np.bincount(places[parts.fit], minlength=len(cuts) + 1).tolist(),
        },
        "psi_indicators": {
            one.indicators[0]: stability(where[parts.fit], where[later], one.axes[0].size)
            for one, where in model.places(seen.frame)
        },
        "values": trained.values,
        "excluded": {
            code: {"pattern": why.pattern, "data": dict(why.data)} for code, why in sorted(seen.excluded.items())
        },
        "fairness": {
            "size": fairness(model, seen.frame, parts.measure, seen.sizes),
            "area": fairness(model, seen.frame, parts.measure, [d[:CITY_DIGITS] for d in seen.divisions]),
        },
        "bins": [_bins(one) for one in model.characteristics],
        "crosses": sum(len(one.axes) > 1 for one in model.characteristics),
        "months": scenario.months,
        "knowledge": str(scenario.knowledge),
    }


def fairness(model: Model, frame: Frame, rows: Ints, groups: Sequence[str]) -> list[Document]:
    """Group by group on the measured rows: rows, events, what was said on average, what came true, AUC."""
    measured = frame.at(rows)
    scores = model.scores(measured)
    said = probabilities(model, scores)
    own = np.array([groups[n] or "" for n in rows], object)
    names, counts = np.unique(own.astype(str), return_counts=True)
    small = {name for name, count in zip(names, counts, strict=True) if count < FEWEST}
    own = np.array(["" if name in small else name for name in own], object)
    return [_group(name, own == name, said, scores, measured.failed) for name in sorted(set(own.tolist()))]


def _group(name: str, here: Any, said: Ints, scores: Ints, failed: Any) -> Document:
    return {
        "group": name,
        "rows": int(here.sum()),
        "events": int(failed[here].sum()),
        "said": round(float(said[here].mean()) / 100),
        "came": round(float(failed[here].mean()) * 10_000),
        "auc": separation(-scores[here], failed[here])[0],
    }


def _bins(one: Any) -> Document:
    if len(one.axes) > 1:
        return {"indicators": list(one.indicators), "lowest": min(one.points), "highest": max(one.points), "rows": []}
    axis = one.axes[0]
    rows = [
        {"bin": bin_text(axis, place), "points": points, "woe": woe, "rows": count, "events": events}
        for place, (points, woe, (count, events)) in enumerate(zip(one.points, one.woe, one.counts, strict=True))
    ]
    return {"indicators": list(one.indicators), "lowest": min(one.points), "highest": max(one.points), "rows": rows}
