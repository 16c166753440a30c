"""Reading scenarios and their models, and what a model says of an enterprise."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from xinqiao.catalogue.load import load_catalogue
from xinqiao.evaluation.compute import facts_by_code
from xinqiao.evaluation.queries import evaluate, latest_path
from xinqiao.evaluation.types import NoRun
from xinqiao.indicators.registry import load_indicators
from xinqiao.kernel.canonical import sha256_hex
from xinqiao.kernel.errors import Corrupt
from xinqiao.plumbing.settings import content_dir
from xinqiao.records.lake import lake
from xinqiao.records.types import AsOf
from xinqiao.scenarios.content import get, load_scenarios
from xinqiao.scenarios.features import arrow_column
from xinqiao.scenarios.frame import Frame, Ints
from xinqiao.scenarios.model import Model
from xinqiao.scenarios.models import ModelRow, UseRow
from xinqiao.scenarios.rules import items_needed, may_use, read, serves
from xinqiao.scenarios.types import Document, ModelOffList, Scenario, UnknownModel, Version, VersionState
from xinqiao.sharing.queries import not_listed

Wanted = Callable[[Scenario, tuple[str, ...]], bool]


def scenarios() -> Mapping[str, Scenario]:
    """Code → scenario of the content."""
    return load_scenarios(content_dir(), load_catalogue(content_dir()), frozenset(load_indicators()))


def get_scenario(code: str) -> Scenario:
    """One scenario; raises UnknownScenario."""
    return get(scenarios(), code)


def as_version(row: ModelRow) -> Version:
    """A stored version as its facts."""
    return Version(
        id=row.id,
        scenario=row.scenario,
        number=row.number,
        state=VersionState(row.state),
        sha256=row.sha256,
        card=row.card,
        trained_by=row.trained_by,
        trained_at=row.trained_at,
        signed_by=row.signed_by,
        signed_at=row.signed_at,
        reason=row.reason,
        used_from=row.used_from,
    )


def list_versions(scenario: str = "") -> list[Version]:
    """Versions of a scenario's model, or of all, newest first."""
    rows = ModelRow.objects.filter(scenario=scenario) if scenario else ModelRow.objects.all()
    return [as_version(row) for row in rows.order_by("scenario", "-number")]


def get_version(model: str) -> Version:
    """One version; raises UnknownModel."""
    return as_version(row_of(model))


def in_use(scenario: str) -> Version | None:
    """The version in use, or None."""
    row = row_in_use(scenario)
    return as_version(row) if row else None


def row_of(model: str) -> ModelRow:
    """A stored version; raises UnknownModel."""
    row = ModelRow.objects.filter(id=model).first()
    if row is None:
        raise UnknownModel(scenario=model)
    return row


def row_in_use(scenario: str) -> ModelRow | None:
    """The stored version in use, or None."""
    return ModelRow.objects.filter(scenario=scenario, state=VersionState.IN_USE).first()


def frozen(model: str) -> Document:
    """The frozen document of a version; raises UnknownModel, Corrupt when it is not what was hashed."""
    row = row_of(model)
    return _body(row.sha256, row.body)


@lru_cache(maxsize=16)
def _body(sha256: str, text: str) -> Document:
    if sha256_hex(text.encode()) != sha256:
        raise Corrupt(what=sha256)
    return dict(json.loads(text))


def check_usable(row: ModelRow) -> None:
    """Whether all that a model looks at still exists and stands on the list in force; raises ModelOffList."""
    body, facts = _body(row.sha256, row.body), facts_by_code()
    catalogue = load_catalogue(content_dir())
    gone = {code for code, items in body["items"].items() if code not in facts or tuple(items) != facts[code].items}
    there, needed = {item.code for item in catalogue}, items_needed(body)
    away = not_listed(catalogue.item(code) for code in needed if code in there) | (set(needed) - there)
    gone |= {code for code, items in body["items"].items() if away & set(items)}
    if gone:
        raise ModelOffList(model=row.id, indicators=tuple(sorted(gone)))


def score(enterprise: str, scenario: str, as_of: AsOf) -> Document:
    """What the model in use says of an enterprise as of a view; see :func:`of_evaluation` for what it raises."""
    row = _used(scenario)
    return _read(row, evaluate(enterprise, as_of))


def of_evaluation(evaluation: Document, scenario: str) -> Document:
    """What the model in use says of the facts of an evaluation: no fact that is not in it is looked at.

    Raises UnknownModel when none is in use, ModelOffList when it may not be used under the list in force.
    """
    return _read(_used(scenario), evaluation)


def again(evaluation: Document, model: str) -> Document:
    """The same from a frozen version, whatever is in use now: equal bytes for an equal evaluation."""
    return _read(row_of(model), evaluation, check=False)


def _used(scenario: str) -> ModelRow:
    row = row_in_use(scenario)
    if row is None:
        raise UnknownModel(scenario=scenario)
    return row


def _read(row: ModelRow, evaluation: Document, *, check: bool = True) -> Document:
    if check:
        check_usable(row)
    return read(_body(row.sha256, row.body), evaluation) | {"model": {"id": row.id, "sha256": row.sha256}}


def province_scores(scenario: str, *, code: str = "basic") -> tuple[pa.Table, Version]:
    """Every enterprise of the newest published run with its score, probability (millionths) and contributions.

    Columns ``_enterprise, score, probability`` and one ``points__N`` for each characteristic of the model, in order;
    ``base`` and these sum to the score. Raises UnknownModel, ModelOffList, NoRun.
    """
    row = _used(scenario)
    check_usable(row)
    _, path = latest_path(code)
    if not path:
        raise NoRun()
    model = Model.read(_body(row.sha256, row.body)["model"])
    enterprises, frame = run_frame(path, model.indicators)
    columns = frame.by_code
    points = [one.points_of(columns) for one in model.characteristics]
    scores: Ints = model.base + sum(points)  # type: ignore[assignment]
    found: dict[str, Any] = {"_enterprise": enterprises, "score": scores}
    found["probability"] = pa.array([model.probability(int(s)) for s in scores], pa.int64())
    found |= {f"points__{n}": values for n, values in enumerate(points)}
    return pa.table(found), as_version(row)


def run_frame(path: str, indicators: tuple[str, ...]) -> tuple[pa.ChunkedArray, Frame]:
    """The enterprises of a run and the values of some indicators, exact."""
    facts = facts_by_code()
    table = lake().columns(path, ["_enterprise", *(facts[code].column for code in indicators)])
    columns = tuple(arrow_column(code, facts[code].kind, table.column(facts[code].column)) for code in indicators)
    return table.column("_enterprise"), Frame(columns, np.zeros(table.num_rows, np.bool_))


def readings(
    evaluation: Document, wanted: Wanted = lambda _scenario, _indicators: True, *, at: datetime
) -> list[Document]:
    """What the models in use at an instant say of an evaluation's facts, those ``wanted`` by scenario and indicators.

    A model that rests on what left the list says nothing until it is trained anew.
    """
    found, held = [], scenarios()
    for row in _rows_in_use(at):
        scenario = held.get(row.scenario)
        if scenario is None or not wanted(scenario, tuple(_body(row.sha256, row.body)["items"])):
            continue
        with suppress(ModelOffList):
            found.append(_read(row, evaluation))
    return found


def _rows_in_use(at: datetime) -> list[ModelRow]:
    """The versions in use at an instant, in the order of their scenarios."""
    newest: dict[str, str] = {}
    for use in UseRow.objects.filter(used_from__lte=at).order_by("used_from", "id"):
        newest[use.scenario] = use.model
    return list(ModelRow.objects.filter(id__in=newest.values()).order_by("scenario"))


def items_for_scores(party: str, purpose: str) -> set[str]:
    """The items an authorisation has to cover so that a party gets the scores it may use under a purpose."""
    found: set[str] = set()
    for row in ModelRow.objects.filter(state=VersionState.IN_USE):
        scenario = scenarios().get(row.scenario)
        if scenario and may_use(scenario, party) and serves(scenario, purpose):
            found |= set(items_needed(_body(row.sha256, row.body)))
    return found


def list_usable(party: str) -> list[tuple[Scenario, Version]]:
    """Scenarios that a party owns or may use, with the version in use."""
    mine = [one for one in scenarios().values() if may_use(one, party)]
    return [(one, version) for one in mine if (version := in_use(one.code))]
