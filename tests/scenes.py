"""Observations of borrowers that training can work on: generated, of the content's own indicators."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from xinqiao.kernel.dated import add_months
from xinqiao.scenarios.features import Seen
from xinqiao.scenarios.frame import Column, Frame
from xinqiao.scenarios.model import Model
from xinqiao.scenarios.observing import Observation

FIRST = date(2024, 1, 31)


def frame(rows: int = 3000, *, seed: int = 7) -> Frame:
    """Two numbers that matter, a word that matters, one number that does not, some values not known."""
    random = np.random.default_rng(seed)
    age, arrears = random.integers(1, 200, rows), random.integers(0, 6, rows)
    grade = random.choice(np.array(["A", "B", "M", "C", "D"], object), rows)
    risk = -2.5 - age / 80 + arrears * 0.6 + np.where(grade == "D", 1.5, 0.0)
    failed = random.random(rows) < 1 / (1 + np.exp(-risk))
    known = random.random(rows) > 0.1
    everywhere = np.ones(rows, np.bool_)
    return Frame(
        (
            Column("identity.age_months", 0, age.astype(np.int64), everywhere),
            Column("public_credit.penalties_24m", 0, arrears.astype(np.int64), known),
            Column("fulfilment.tax_grade", None, grade, known[::-1].copy()),
            Column("governance.shareholders", 0, random.integers(1, 9, rows).astype(np.int64), everywhere),
        ),
        failed,
    )


def seen(rows: int = 3000, **values: Any) -> Seen:
    """The frame with observations month by month, sizes and cities."""
    made = frame(rows, **values)
    observations = tuple(
        Observation(add_months(FIRST, n * 20 // rows), f"F{n:06d}", date(2030, 1, 1), bool(failed))
        for n, failed in enumerate(made.failed)
    )
    sizes = tuple(("micro", "small", "medium")[n % 3] for n in range(rows))
    return Seen(observations, made, sizes, tuple(("610102", "610302")[n % 2] for n in range(rows)), {})


def evaluation(**values: Any) -> dict[str, Any]:
    """The part of an evaluation that a model reads; dots of the codes written as two underscores."""
    lines = [{"code": code.replace("__", "."), "value": value} for code, value in values.items()]
    return {"enterprise": "F1", "valid_on": "2026-01-01", "known_at": "2026-01-01", "indicators": lines}


def body_of(model: Model, coverage: int = 0) -> dict[str, Any]:
    """A frozen document around a model."""
    scenario = {"code": "s", "version": "1", "purpose": "pre_loan"}
    return {"model": model.document(), "scenario": scenario, "minimum_coverage": coverage}
