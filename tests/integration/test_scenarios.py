"""A scenario from fed-back outcomes to a score: trained, signed off by another, released only under its purpose."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.node import deliver_sample, write_sample
from tests import scenes
from tests.factories import NOW, deliver, registered, uscc
from tests.integration.test_evaluation import penalty
from xinqiao.config.cli import app
from xinqiao.evaluation.actions import run_evaluation
from xinqiao.evaluation.queries import published_result
from xinqiao.evidence.queries import list_entries
from xinqiao.kernel.canonical import canonical_bytes
from xinqiao.kernel.errors import Corrupt
from xinqiao.kernel.transitions import TransitionRefused
from xinqiao.records.types import AsOf
from xinqiao.scenarios.actions import promote, roll_back, sign_off, train_model, train_on
from xinqiao.scenarios.drift import drift
from xinqiao.scenarios.features import see
from xinqiao.scenarios.models import ModelRow
from xinqiao.scenarios.observing import Observation, observe
from xinqiao.scenarios.queries import (
    again,
    frozen,
    get_scenario,
    get_version,
    in_use,
    list_usable,
    list_versions,
    of_evaluation,
    province_scores,
    readings,
    score,
)
from xinqiao.scenarios.types import (
    AnotherPersonSigns,
    Knowledge,
    ModelOffList,
    ReasonNeeded,
    TooFewEvents,
    UnknownModel,
    UnknownScenario,
    Version,
    VersionState,
)

CODE = "post_loan_watch"

TOMORROW = NOW + timedelta(days=1)


def trained(seed: int = 7) -> Version:
    """A version trained on generated observations."""
    return train_on(get_scenario(CODE), scenes.seen(1500, seed=seed), actor="person:1", now=NOW)


def used(version: Version, *, now: datetime = NOW) -> Version:
    """Signed off by a second person and put in use."""
    sign_off(version.id, reason="seen", actor="person:2", now=now)
    return promote(version.id, actor="person:2", now=now)


def province(tmp_path: Path) -> tuple[str, AsOf]:
    """A small sample province, evaluated, with a model in use: the model's id and the view of the run."""
    write_sample(tmp_path / "sample", firms=2_500, seed=11)
    deliver_sample(tmp_path / "sample")
    now = datetime.now(UTC)
    as_of = AsOf(now.date(), now)
    run_evaluation(as_of, actor="t", now=now, progress=lambda _: None)
    made = train_model(CODE, actor="person:1", now=now)
    return used(made, now=now).id, as_of


@pytest.mark.slow
def test_from_what_banks_fed_back_to_every_score_of_the_province(fresh_node: Path, tmp_path: Path) -> None:
    """Train on a delivered province; column-wise and single scores agree, reasons sum, the same bytes again."""
    model, as_of = province(tmp_path)
    card = get_version(model).card
    assert card["data"]["events"] >= get_scenario(CODE).least_events
    assert sum(g["rows"] for g in card["fairness"]["area"]) == card["figures"]["rows"]["measure"]
    assert sum(one["rows"] for one in card["figures"]["reliability"]) == card["figures"]["rows"]["measure"]
    table, version = province_scores(CODE)
    assert version.id == model and table.num_rows == 2_500
    base = frozen(model)["model"]["base"]
    for line in table.slice(0, 60).to_pylist():
        assert base + sum(v for k, v in line.items() if k.startswith("points__")) == line["score"]
        evaluation = published_result(line["_enterprise"])
        assert evaluation is not None
        said = again(evaluation, model)
        assert said["score"] in (None, line["score"])
        assert canonical_bytes(said) == canonical_bytes(again(evaluation, model))
    assert canonical_bytes(score(line["_enterprise"], CODE, as_of)) == canonical_bytes(said)
    moved = drift(model)
    assert moved[0].indicator == "" and len(moved) == 1 + len(frozen(model)["items"])
    second = train_model(CODE, actor="person:1", now=as_of.known)
    assert frozen(second.id)["model"] == frozen(model)["model"], "the same data, the same model"


def test_a_version_is_frozen_recorded_and_waits_for_a_second_person(fresh_node: Path) -> None:
    version = trained()
    assert version.state is VersionState.TRAINED and in_use(CODE) is None
    with pytest.raises(AnotherPersonSigns):
        sign_off(version.id, reason="mine", actor="person:1", now=NOW)
    with pytest.raises(ReasonNeeded):
        sign_off(version.id, reason=" ", actor="person:2", now=NOW)
    with pytest.raises(TransitionRefused):
        promote(version.id, actor="person:2", now=NOW)
    assert used(version).state is VersionState.IN_USE
    events = [entry.event for entry in list_entries() if entry.event.startswith("scenarios.")]
    assert sorted(events) == ["scenarios.model_promoted", "scenarios.model_signed_off", "scenarios.model_trained"]


def test_one_version_is_in_use_and_the_one_before_comes_back(fresh_node: Path) -> None:
    first, second = used(trained()), trained(seed=8)
    sign_off(second.id, reason="seen", actor="person:2", now=NOW)
    promote(second.id, actor="person:2", now=NOW + timedelta(hours=1))
    assert [v.state for v in list_versions(CODE)] == [VersionState.IN_USE, VersionState.RETIRED]
    with pytest.raises(ReasonNeeded):
        roll_back(CODE, reason="", actor="person:2", now=NOW)
    assert roll_back(CODE, reason="drifts", actor="person:2", now=NOW + timedelta(hours=2)).id == first.id
    with pytest.raises(UnknownModel):
        roll_back(CODE, reason="further", actor="person:2", now=NOW + timedelta(hours=3))
    found = in_use(CODE)
    assert found and found.id == first.id


def test_an_altered_model_is_not_read(fresh_node: Path) -> None:
    version = trained()
    row = ModelRow.objects.get(id=version.id)
    row.body = row.body.replace('"base":', '"base":1')
    row.save(update_fields=["body"])
    with pytest.raises(Corrupt):
        frozen(version.id)


def test_a_model_of_what_left_the_list_says_nothing(fresh_node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = used(trained())
    facts = scenes.evaluation(identity__age_months=30)
    assert of_evaluation(facts, CODE)["model"]["id"] == version.id and len(readings(facts, at=TOMORROW)) == 1
    monkeypatch.setattr("xinqiao.scenarios.queries.not_listed", lambda items: frozenset({"penalty.decision"}))
    with pytest.raises(ModelOffList) as caught:
        of_evaluation(facts, CODE)
    assert caught.value.data["indicators"] == ("public_credit.penalties_24m",)
    assert readings(facts, at=TOMORROW) == []
    again(facts, version.id)  # what it once said can still be made again


def test_what_cannot_be_trained_or_found_is_said(fresh_node: Path) -> None:
    with pytest.raises(UnknownScenario):
        train_model("nothing", actor="t", now=NOW)
    with pytest.raises(TooFewEvents):
        train_model(CODE, actor="t", now=NOW)
    with pytest.raises(UnknownModel):
        of_evaluation(scenes.evaluation(), CODE)
    for act in (lambda: get_version("x"), lambda: frozen("x"), lambda: again(scenes.evaluation(), "x")):
        with pytest.raises(UnknownModel):
            act()
    with pytest.raises(UnknownModel):
        promote("x", actor="t", now=NOW)


def test_only_parties_named_may_use_a_model(fresh_node: Path) -> None:
    version = used(trained())
    assert [v.id for _, v in list_usable("bank-a")] == [version.id] == [v.id for _, v in list_usable("node")]
    assert list_usable("bank-b") == []


def test_what_was_recorded_after_the_day_is_not_seen_and_an_indicator_that_moves_by_it_is_refused(
    fresh_node: Path,
) -> None:
    """Two of three firms were punished before the day; of one the node learned only afterwards."""
    day = date(2026, 6, 30)
    early, late = datetime(2026, 6, 29, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC)
    registered(1, 2, 3, now=early)
    deliver("penalty.decision", [penalty(uscc(1), "2026-05-02", "P1")], now=early)
    deliver("penalty.decision", [penalty(uscc(2), "2026-05-03", "P2")], now=late)
    observations = [Observation(day, uscc(n), date(2026, 7, 10), n == 1) for n in (1, 2, 3)]
    code = "public_credit.penalties_24m"
    then = replace(get_scenario(CODE), knowledge=Knowledge.THEN, exclude=())
    refused = see(then, observations, now=NOW)
    assert "1/3" in refused.excluded[code] and code not in refused.frame.by_code
    tolerant = see(replace(then, tolerance_percent=100), observations, now=NOW)
    assert tolerant.frame.by_code[code].values.tolist() == [1, 0, 0], "as was known on the day"
    later = see(replace(then, knowledge=Knowledge.HANDED_IN_LATER), observations, now=NOW)
    assert "1/3" in later.excluded[code], "its source had begun to deliver: what came after the day is not the day's"


def test_what_came_with_the_first_delivery_counts_for_the_days_before_and_nothing_that_came_after(
    fresh_node: Path,
) -> None:
    """The history that a source hands in when it begins is known of earlier days; what is added afterwards leaks."""
    day, began, added = date(2026, 6, 30), datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)
    registered(1, 2, 3, now=began)
    past = [penalty(uscc(1), "2026-05-02", "P1"), penalty(uscc(2), "2026-07-03", "P2")]
    deliver("penalty.decision", past, now=began)
    observations = [Observation(day, uscc(n), date(2026, 7, 10), n == 1) for n in (1, 2, 3)]
    code, scenario = "public_credit.penalties_24m", replace(get_scenario(CODE), exclude=())
    assert scenario.knowledge is Knowledge.HANDED_IN_LATER
    first = see(scenario, observations, now=NOW)
    assert first.frame.by_code[code].values.tolist() == [1, 0, 0], "what had happened by the day, and no more"
    deliver("penalty.decision", [penalty(uscc(3), "2026-05-04", "P3")], now=added)
    assert "1/3" in see(scenario, observations, now=NOW).excluded[code]


def test_the_command_line_lists_and_refuses_with_a_next_step(fresh_node: Path) -> None:
    version = used(trained())
    listed = json.loads(CliRunner().invoke(app, ["scenario", "list", "--json"]).output)
    assert [m["id"] for m in listed["models"]] == [version.id] and listed["models"][0]["state"] == "in_use"
    assert CODE in CliRunner().invoke(app, ["scenario", "list"]).output
    refused = CliRunner().invoke(app, ["scenario", "train", CODE])
    assert refused.exit_code == 1 and "scenarios.too_few_events" in refused.output
    assert "场景 2" in CliRunner().invoke(app, ["content", "check"]).output


def test_each_drawing_is_an_observation_once_its_window_has_ended(fresh_node: Path) -> None:
    """A loan drawn on a day is seen at the end of the month before; how it ended comes from the reports after it."""
    drawn = [{"uscc": uscc(n), "receipt_no": f"JJ{n}", "drawn_on": "2025-03-10", "amount_fen": "1"} for n in (1, 2, 3)]
    deliver("financing.loan", drawn)
    spans = [(2025, month) for month in range(2, 13)] + [(2026, month) for month in range(1, 5)]
    months = [f"{year}{month:02d}" for year, month in spans]
    reports = [
        {"uscc": uscc(n), "receipt_no": f"610000000{n}", "month": month, "five_class": "正常"}
        for n in (1, 2)
        for month in months
    ]
    reports[-3]["five_class"] = "次级"  # of the second firm, in February 2026
    deliver("financing.repayment", reports)
    found = observe(get_scenario("pre_loan_default"), now=NOW + timedelta(days=1))
    assert [(o.enterprise, o.seen_on, o.failed) for o in found] == [
        (uscc(1), date(2025, 2, 28), False),
        (uscc(2), date(2025, 2, 28), True),
    ]
