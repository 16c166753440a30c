"""Models that stand beside the scorecard for comparison: logistic regression and LightGBM on the very same columns."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from xinqiao.scenarios.frame import Column, Floats, Frame

MOST_WORDS = 60
ROUNDS, PATIENCE = 800, 50
BOOSTED = {
    "objective": "binary",
    "metric": "auc",
    "num_leaves": 15,
    "learning_rate": 0.05,
    "min_data_in_leaf": 20,
    "verbose": -1,
    "num_threads": 2,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 1,
}


@dataclass(frozen=True, slots=True)
class Challenger:
    """A comparison model and the risk it gives to each measured row."""

    name: str
    risk: Floats


def challengers(fit: Frame, later: Frame, measured: Frame) -> list[Challenger]:
    """Both, fitted on the rows the scorecard was fitted on; LightGBM stops where ``later`` rows say so."""
    return [
        Challenger("logistic_regression", _logistic(fit, measured)),
        Challenger("lightgbm", _boosted(fit, later, measured)),
    ]


def _logistic(fit: Frame, measured: Frame) -> Floats:
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    theirs = measured.by_code
    pairs = [_encoded(column, theirs[column.code]) for column in fit.columns]
    known, asked = (np.concatenate([pair[side] for pair in pairs], axis=1) for side in (0, 1))
    scale = StandardScaler().fit(known)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = LogisticRegression(max_iter=2_000).fit(scale.transform(known), fit.failed)
    risk: Floats = found.predict_proba(scale.transform(asked))[:, 1]
    return risk


def _encoded(column: Column, other: Column) -> tuple[Floats, Floats]:
    """Numbers on a signed logarithm, the middle where not known, and a mark of that; the commonest words as marks."""
    if column.is_number:
        middle = float(np.median(column.values[column.known])) if column.known.any() else 0.0

        def of(one: Column) -> Floats:
            values = np.where(one.known, one.values.astype(np.float64), middle)
            return np.stack([np.sign(values) * np.log1p(np.abs(values)), ~one.known], axis=1).astype(np.float64)

        return of(column), of(other)
    words, counts = np.unique(column.values[column.known].astype(str), return_counts=True)
    common = words[np.argsort(-counts, kind="stable")[:MOST_WORDS]]
    return (
        (column.values.astype(str)[:, None] == common[None, :]).astype(np.float64),
        (other.values.astype(str)[:, None] == common[None, :]).astype(np.float64),
    )


def _boosted(fit: Frame, later: Frame, measured: Frame) -> Floats:
    import lightgbm

    words = [n for n, c in enumerate(fit.columns) if not c.is_number]
    tables = [{w: n for n, w in enumerate(sorted(set(c.values[c.known].astype(str))))} for c in fit.columns]
    given: dict[str, Any] = {"categorical_feature": words, "params": {"verbose": -1}}
    data = lightgbm.Dataset(_matrix(fit, tables), fit.failed.astype(np.int8), **given)
    watched = lightgbm.Dataset(_matrix(later, tables), later.failed.astype(np.int8), reference=data, **given)
    stop: list[Any] = [lightgbm.early_stopping(PATIENCE, verbose=False)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        grown = lightgbm.train(BOOSTED, data, num_boost_round=ROUNDS, valid_sets=[watched], callbacks=stop)
    return np.asarray(grown.predict(_matrix(measured, tables)), np.float64)


def _matrix(frame: Frame, tables: list[dict[str, int]]) -> Floats:
    columns = []
    for column, table in zip(frame.columns, tables, strict=True):
        if column.is_number:
            columns.append(np.where(column.known, column.values.astype(np.float64), np.nan))
        else:
            columns.append(np.array([table.get(str(v), -1) for v in column.values], np.float64))
            columns[-1] = np.where(column.known & (columns[-1] >= 0), columns[-1], np.nan)
    return np.stack(columns, axis=1)
