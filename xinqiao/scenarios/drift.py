"""Whether the borrowers of today still look like those a model was trained on: stability indexes with levels."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xinqiao.evaluation.queries import latest_path
from xinqiao.records.queries import newest_file, standing_rows, without_planted
from xinqiao.scenarios.measures import stability_of_shares
from xinqiao.scenarios.model import Model
from xinqiao.scenarios.queries import frozen, get_scenario, get_version, run_frame
from xinqiao.scenarios.rules import drift_level
from xinqiao.scenarios.types import Drift
from xinqiao.sharing.queries import current_list


@dataclass(frozen=True, slots=True)
class Moved:
    """How far one indicator, or the score (empty code), has moved: index in ten-thousandths, and its level."""

    indicator: str
    index: int
    level: Drift


def drift(model: str) -> tuple[Moved, ...]:
    """The score first, then every indicator of a model, furthest moved first; empty without a published run.

    Training against the newest published run, among enterprises of which repayments are fed back.
    """
    version = get_version(model)
    scenario = get_scenario(version.scenario)
    run, path = latest_path()
    if not path:
        return ()
    found = _indexes(model, run, path, newest_file(scenario.outcome_item))
    return tuple(Moved(code, index, drift_level(index, scenario.amber, scenario.red)) for code, index in found)


@lru_cache(maxsize=16)
def _indexes(model: str, run: str, path: str, newest: int) -> tuple[tuple[str, int], ...]:
    version = get_version(model)
    body = Model.read(frozen(model)["model"])
    enterprises, frame = run_frame(path, body.indicators)
    here = np.flatnonzero(pc.is_in(enterprises, value_set=_borrowers(version.scenario)).to_numpy())
    if not len(here):
        return ()
    frame = frame.at(here)
    scored = version.card["score_bins"]
    places = np.searchsorted(np.array(scored["cuts"]), body.scores(frame), side="right")
    score = stability_of_shares(np.array(scored["counts"]), np.bincount(places, minlength=len(scored["counts"])))
    each = []
    for one, where in body.places(frame):
        before = np.array([rows for rows, _ in one.counts])
        now_at = np.bincount(where, minlength=one.axes[0].size)
        each.append((one.indicators[0], stability_of_shares(before, now_at)))
    return (("", score), *sorted(each, key=lambda pair: -pair[1]))


def _borrowers(scenario: str) -> pa.Array:
    item = current_list().item(get_scenario(scenario).outcome_item)
    found = without_planted(standing_rows(item, ["_enterprise"], known=datetime.now(UTC))).column("_enterprise")
    return found.combine_chunks().unique()
