"""Training of scenario models: one direction, the same bytes, exact reasons, refusals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests import scenes
from xinqiao.evaluation.compute import facts_by_code
from xinqiao.kernel.canonical import canonical_bytes
from xinqiao.scenarios.crosses import BINS, ROUNDS, TREES, find_crosses
from xinqiao.scenarios.features import candidates_of
from xinqiao.scenarios.frame import Column, Frame
from xinqiao.scenarios.model import Model
from xinqiao.scenarios.rules import read
from xinqiao.scenarios.training import Options, Parts, Trained, train
from xinqiao.scenarios.types import (
    NothingSeparates,
    OneOutcome,
    TooFewEvents,
)


def parts_of(rows: int) -> Parts:
    cut = rows * 6 // 10
    return Parts(np.arange(cut), np.arange(cut, rows, 2), np.arange(cut + 1, rows, 2))


def trained(frame: Frame, **options: Any) -> Trained:
    return train(frame, parts_of(len(frame.failed)), Options(**{"least_events": 20, **options}))


@pytest.fixture(scope="module")
def made() -> Trained:
    return trained(scenes.frame())


def test_what_matters_separates_and_what_does_not_is_left_out(made: Trained) -> None:
    assert made.figures["auc"] > 7000
    assert "governance.shareholders" not in made.model.indicators
    assert {c["name"] for c in made.figures["challengers"]} == {"logistic_regression", "lightgbm"}


def test_points_go_one_way_and_not_known_is_worth_nothing(made: Trained) -> None:
    """A number's points rise or fall over the whole range; silence neither helps nor harms."""
    for one in made.model.characteristics:
        assert one.points[0] == 0
        if one.axes[0].places is not None:
            known = list(one.points[1:])
            assert known in (sorted(known), sorted(known, reverse=True))


def test_the_same_data_give_the_same_bytes(made: Trained) -> None:
    again = trained(scenes.frame())
    assert canonical_bytes(again.model.document()) == canonical_bytes(made.model.document())
    assert scenes.frame().digest == scenes.frame().digest != scenes.frame(seed=8).digest


def test_columns_and_single_firms_get_the_same_score(made: Trained) -> None:
    frame = scenes.frame(400, seed=3)
    scores = made.model.scores(frame)
    for row in range(400):
        values = {c.code: c.values[row] if c.known[row] else None for c in frame.columns}
        assert (
            made.model.score({k: v if v is None or isinstance(v, str) else int(v) for k, v in values.items()})
            == (scores[row])
        )


def test_reasons_shown_the_rest_and_the_base_sum_to_the_score(made: Trained) -> None:
    body = scenes.body_of(made.model)
    for age in (None, 3, 90, 199):
        for arrears in (None, 0, 5):
            facts = scenes.evaluation(
                identity__age_months=age, public_credit__penalties_24m=arrears, fulfilment__tax_grade="D"
            )
            said = read(body, facts)
            shown = sum(reason["points"] for reason in (*said["up"], *said["down"]))
            assert said["base"] + shown + said["others"] == said["score"]
            assert len(said["up"]) <= 4 and len(said["down"]) <= 4


def test_a_change_brings_exactly_what_is_promised(made: Trained) -> None:
    facts = {"identity__age_months": 3, "public_credit__penalties_24m": 5, "fulfilment__tax_grade": "D"}
    said = read(scenes.body_of(made.model), scenes.evaluation(**facts))
    change = next(c for c in said["what_if"] if c["indicator"] == "identity.age_months")
    after = read(
        scenes.body_of(made.model), scenes.evaluation(**{**facts, "identity__age_months": int(change["at_least"])})
    )
    assert after["score"] - said["score"] == change["gain"] > 0


def test_too_little_known_gives_neither_score_nor_probability(made: Trained) -> None:
    said = read(scenes.body_of(made.model, coverage=60), scenes.evaluation(fulfilment__tax_grade="never seen"))
    assert (said["score"], said["probability"], said["coverage"], said["what_if"]) == (None, None, 0, [])


def test_a_higher_score_never_means_a_higher_probability(made: Trained) -> None:
    table = made.model.probabilities
    assert list(table) == sorted(table, reverse=True)
    assert abs(made.figures["said_rate"] - made.figures["base_rate"]) < 30_000


def test_the_true_base_rate_takes_the_place_of_the_samples() -> None:
    found = trained(scenes.frame(), base_rate=20_000)
    assert abs(found.figures["said_rate"] - 20_000) < 6_000


def test_a_stored_model_is_read_back_whole(made: Trained) -> None:
    assert Model.read(made.model.document()).document() == made.model.document()
    assert Model.read(made.model.document()).digest == made.model.digest


def test_too_few_events_are_refused() -> None:
    frame = scenes.frame(300)
    with pytest.raises(TooFewEvents) as caught:
        trained(frame, least_events=200)
    assert caught.value.data["needed"] == 200


@pytest.mark.parametrize("outcome", [True, False])
def test_one_outcome_is_refused(outcome: bool) -> None:
    frame = scenes.frame(300)
    with pytest.raises(OneOutcome):
        trained(replace(frame, failed=np.full(300, outcome)))


def test_constant_and_unknown_columns_separate_nothing() -> None:
    frame = scenes.frame(600)
    still = Column("a", 0, np.ones(600, np.int64), np.ones(600, np.bool_))
    silent = Column("b", 0, frame.columns[0].values, np.zeros(600, np.bool_))
    with pytest.raises(NothingSeparates):
        trained(Frame((still, silent), frame.failed), least_events=5)


def test_tables_of_pairs_say_what_the_trees_said() -> None:
    """Points of a table are those of the boosted trees that it replaces, row by row."""
    import lightgbm

    random = np.random.default_rng(2)
    x, y = random.integers(0, 50, 1500), random.integers(0, 50, 1500)
    failed = random.random(1500) < np.where((x > 25) == (y > 25), 0.5, 0.05)
    everywhere = np.ones(1500, np.bool_)
    frame = Frame((Column("x", 0, x, everywhere), Column("y", 0, y, everywhere)), failed)
    (cross,) = find_crosses(frame, np.zeros(1500), 5)
    places = cross.axes[0].places_of(frame.columns[0]) * cross.axes[1].size + cross.axes[1].places_of(frame.columns[1])
    data = lightgbm.Dataset(
        np.stack([x, y], 1).astype(float), failed.astype(int), init_score=np.zeros(1500),
        params={"max_bin": BINS, "verbose": -1},
    )  # fmt: skip
    grown = lightgbm.train({**TREES, "interaction_constraints": [[0, 1]]}, data, num_boost_round=ROUNDS)
    expected = grown.predict(np.stack([x, y], 1).astype(float), raw_score=True)
    assert np.allclose(np.array(cross.cells)[places], expected, atol=1e-9)


def test_tables_are_taken_only_where_they_separate_clearly_better() -> None:
    random = np.random.default_rng(4)
    x, y = random.integers(0, 50, 4000), random.integers(0, 50, 4000)
    risk = 0.05 + 0.3 * (x > 25) * (y > 25) + 0.1 * (x > 40) + 0.1 * (y < 10) * (x < 25)
    everywhere = np.ones(4000, np.bool_)
    both = Frame((Column("x", 0, x, everywhere), Column("y", 0, y, everywhere)), random.random(4000) < risk)
    assert any(len(c.axes) == 2 for c in trained(both, crosses=4).model.characteristics)
    assert all(len(c.axes) == 1 for c in trained(scenes.frame(), crosses=4).model.characteristics)


@pytest.mark.parametrize("code", ["pre_loan_default", "post_loan_watch"])
@pytest.mark.django_db
def test_what_is_excluded_is_named_with_its_reason(code: str) -> None:
    """Nothing a candidate rests on tells the outcome, and no candidate vanishes without a word."""
    from django.utils import timezone

    from xinqiao.scenarios.features import card_for
    from xinqiao.scenarios.queries import scenarios

    scenario, card = scenarios()[code], card_for(timezone.now())
    chosen, excluded = candidates_of(scenario, card)
    codes = {one.facts.code for one in chosen}
    assert codes | excluded.keys() == {i.code for i in card.indicators} and all(excluded.values())
    assert "identity.closed" in excluded
    for one in codes:
        assert not {scenario.outcome_item, scenario.observed_item} & set(facts_by_code()[one].items)
