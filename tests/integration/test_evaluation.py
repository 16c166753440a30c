"""Evaluation: batch and on demand agree to the byte, and nothing from later is used."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, timedelta
from pathlib import Path

import pytest

from tests.factories import DAY, NOW, deliver, item, registered, registration, uscc
from xinqiao.catalogue.load import load_catalogue
from xinqiao.catalogue.sample.generate import generate
from xinqiao.evaluation.actions import roll_back_run, run_evaluation
from xinqiao.evaluation.compute import REGISTRATION, facts_by_code, scorecard_at
from xinqiao.evaluation.queries import current_result, evaluate, get_latest_run, list_runs, published_result
from xinqiao.evaluation.types import NoRun, RunFailed, RunStatus, UnknownEnterprise
from xinqiao.evidence.queries import list_entries
from xinqiao.indicators import compute as engine
from xinqiao.indicators.scoring import UNKNOWN_SIZE
from xinqiao.ingest.actions import Upload, receive, retract_rows
from xinqiao.kernel.canonical import canonical_bytes
from xinqiao.plumbing.settings import content_dir
from xinqiao.records.actions import compact
from xinqiao.records.lake import lake
from xinqiao.records.models import LakeFile
from xinqiao.records.types import AsOf

TODAY = date(2026, 11, 20)
AS_OF = AsOf(TODAY, NOW + DAY)


def run(as_of: AsOf = AS_OF) -> str:
    return run_evaluation(as_of, actor="test", now=NOW + DAY, progress=lambda _: None).id


def load_sample(folder: Path, firms: int) -> list[str]:
    """A sample province of a few firms, delivered; returns their codes."""
    catalogue = load_catalogue(content_dir())
    generate(catalogue, folder, firms=firms, seed=5, until=date(2026, 10, 31), content=content_dir(), dirt=0.02)
    for found in catalogue:
        files = [Upload(f.name, f.read_bytes()) for f in sorted((folder / found.code).glob("*"))]
        if files:  # a rare event may not happen among so few
            receive(found, files, provider=found.department.code, actor="test", now=NOW)
    table = lake().read(LakeFile.objects.get(item=REGISTRATION).path, enterprise=None)
    return sorted(table["_enterprise"].to_pylist())


def test_batch_and_on_demand_give_the_same_bytes(fresh_node: Path, tmp_path: Path) -> None:
    codes = load_sample(tmp_path / "sample", 300)
    run()
    for code in codes[::20]:
        published = published_result(code)
        assert published is not None
        assert canonical_bytes(evaluate(code, AS_OF)) == canonical_bytes(published)


def test_compaction_does_not_change_an_evaluation(fresh_node: Path, tmp_path: Path) -> None:
    codes = load_sample(tmp_path / "sample", 60)
    deliver("penalty.decision", [penalty(codes[0], "2026-05-01", "再罚-1")], now=NOW + DAY / 2)
    before = [canonical_bytes(evaluate(code, AS_OF)) for code in codes[:4]]
    for found in load_catalogue(content_dir()):
        compact(found, older_than=timedelta(0), actor="test", now=NOW + DAY)
    assert [canonical_bytes(evaluate(code, AS_OF)) for code in codes[:4]] == before


def penalty(code: str, on: str, number: str) -> dict[str, object]:
    """A row of the penalty item, with every required field filled."""
    values: dict[str, object] = {}
    for fld in item("penalty.decision").fields:
        if fld.required:
            values[fld.code] = fld.choices[0] if fld.choices else "示例"
    fields = {f.code: f for f in item("penalty.decision").fields}
    number_field = next(c for c in item("penalty.decision").key if fields[c].role is None)
    return {**values, "uscc": code, "decided_on": on, number_field: number}


def test_an_evaluation_of_a_past_day_uses_nothing_later(fresh_node: Path) -> None:
    """Rows that occurred later, or were recorded later, are planted; the result of the past day must not move."""
    registered(1, 2)
    deliver("penalty.decision", [penalty(uscc(1), "2025-03-01", "罚-1")])
    past = AsOf(date(2026, 6, 30), NOW)
    before = [canonical_bytes(evaluate(uscc(n), past)) for n in (1, 2)]
    deliver(
        "penalty.decision", [penalty(uscc(1), "2026-08-01", "罚-2"), penalty(uscc(2), "2026-08-01", "罚-3")], now=NOW
    )
    assert [canonical_bytes(evaluate(uscc(n), past)) for n in (1, 2)] == before, "occurred later"
    deliver("penalty.decision", [penalty(uscc(2), "2025-05-01", "罚-4")], now=NOW + DAY)
    assert [canonical_bytes(evaluate(uscc(n), past)) for n in (1, 2)] == before, "recorded later"
    retract_rows(
        item("penalty.decision"),
        [{k: str(v) for k, v in penalty(uscc(1), "2025-03-01", "罚-1").items()}],
        reason="撤销",
        provider=item("penalty.decision").department.code,
        actor="test",
        now=NOW + DAY,
    )
    assert [canonical_bytes(evaluate(uscc(n), past)) for n in (1, 2)] == before, "retracted later"
    now_known = replace(past, known=NOW + 2 * DAY)
    assert [canonical_bytes(evaluate(uscc(n), now_known)) for n in (1, 2)] != before, "and the plants were real"


def test_missing_is_not_zero(fresh_node: Path) -> None:
    registered(1)
    document = evaluate(uscc(1), AS_OF)
    lines = {line["code"]: line for line in document["indicators"]}
    penalties = lines["public_credit.penalties_24m"]
    assert (penalties["state"], penalties["why"], penalties["points"]) == ("not_known", "never_shared", None)
    deliver("penalty.decision", [penalty(uscc(2), "2025-03-01", "罚-1")])
    penalties = {line["code"]: line for line in evaluate(uscc(1), AS_OF)["indicators"]}["public_credit.penalties_24m"]
    assert (penalties["state"], penalties["value"]) == ("verified_none", 0)
    assert evaluate(uscc(1), AS_OF)["coverage"] > document["coverage"]


def test_points_sum_exactly_to_the_score(fresh_node: Path, tmp_path: Path) -> None:
    codes = load_sample(tmp_path / "sample", 40)
    run()
    for code in codes:
        document = published_result(code)
        assert document is not None
        assert sum(line["points"] or 0 for line in document["indicators"]) == document["score"]
        assert sum(d["points"] for d in document["dimensions"]) == document["score"]
        known = sum(line["maximum"] for line in document["indicators"] if line["points"] is not None)
        assert document["coverage"] == known * 100 // document["maximum"]


def test_a_veto_decides_whatever_the_score(fresh_node: Path, tmp_path: Path) -> None:
    codes = load_sample(tmp_path / "sample", 400)
    run()
    vetoed = [d for d in map(published_result, codes) if d and d["vetoes"]]
    assert vetoed
    assert {d["grade"] for d in vetoed} == {"D"}


def test_a_run_is_published_whole_or_not_at_all(fresh_node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registered(1)
    first = run()
    monkeypatch.setattr("xinqiao.evaluation.steps.Steps.write_results", lambda *_: 1 / 0)
    with pytest.raises(RunFailed):
        run()
    assert get_latest_run().id == first
    assert [r.status for r in list_runs()].count(RunStatus.FAILED) == 1
    assert list_entries(event="evaluation.run_failed")


def test_a_published_run_can_be_rolled_back(fresh_node: Path) -> None:
    registered(1)
    first, second = run(), run_evaluation(AS_OF, actor="t", now=NOW + 2 * DAY, progress=lambda _: None).id
    roll_back_run(second, actor="t", now=NOW + 3 * DAY)
    assert get_latest_run().id == first
    with pytest.raises(NoRun):
        roll_back_run(second, actor="t", now=NOW + 3 * DAY)


def test_the_published_result_serves_until_something_new_is_delivered(fresh_node: Path) -> None:
    registered(1)
    run()
    assert current_result(uscc(1), now=NOW + 2 * DAY)["known_at"] == AS_OF.known.astimezone(UTC).isoformat(
        timespec="microseconds"
    )
    later = NOW + 3 * DAY
    deliver("penalty.decision", [penalty(uscc(1), "2026-03-01", "罚-1")], now=later)
    fresh = current_result(uscc(1), now=later + DAY)
    assert fresh["known_at"] == (later + DAY).isoformat(timespec="microseconds")


def test_an_enterprise_the_registry_does_not_know_is_not_evaluated(fresh_node: Path) -> None:
    with pytest.raises(UnknownEnterprise):
        evaluate(uscc(1), AS_OF)
    registered(2)
    with pytest.raises(UnknownEnterprise):
        evaluate(uscc(1), AS_OF)


def test_an_enterprise_is_not_evaluated_before_it_was_registered(fresh_node: Path) -> None:
    deliver(REGISTRATION, [registration(1, registered_on="2026-05-01")])
    assert evaluate(uscc(1), AsOf(date(2026, 5, 1), NOW))
    with pytest.raises(UnknownEnterprise):
        evaluate(uscc(1), AsOf(date(2026, 4, 30), NOW))


def test_an_empty_node_evaluates_to_nothing(fresh_node: Path) -> None:
    facts = run_evaluation(AS_OF, actor="t", now=NOW, progress=lambda _: None)
    assert (facts.enterprises, facts.grades) == (0, {})


SIZES = [
    # industry, persons, sales and assets in ten thousand yuan, class (工信部联企业〔2011〕300号)
    ("E4710", None, 300, 300, "small"),
    ("E4710", None, 80000, 80000, "large"),
    ("E4710", None, 80000, 79999, "medium"),
    ("E4710", None, 80000, 299, "micro"),
    ("L7249", 300, None, 120000, "large"),
    ("C3411", 1000, 40000, None, "large"),
    ("C3411", 1000, 39999, None, "medium"),
    ("C3411", 299, 40000, None, "small"),
    ("C3411", 19, 99999, None, "micro"),
    ("F5164", 5, 1000, None, "small"),
    ("F5212", 300, 20000, None, "large"),
    ("A0111", None, 500, None, "medium"),
    ("A0111", None, 49, None, "micro"),
    ("E4710", None, 299, None, "micro"),
    ("E4710", None, 300, None, UNKNOWN_SIZE),
    ("M7320", 99, None, None, "small"),
    ("C3411", None, 299, None, "micro"),
    ("C3411", None, 300, None, UNKNOWN_SIZE),
    ("J6610", 1000, 99999, None, UNKNOWN_SIZE),
    ("G5910", 20, 200, None, "small"),
    ("G5920", 20, 100, None, "small"),
    (None, 10, 10, None, UNKNOWN_SIZE),
]


def test_size_classes_by_the_table_of_300() -> None:
    """Every bound of a row must hold; failing one drops a class; a missing figure is unknown only if it matters."""
    import pyarrow as pa

    from xinqiao.indicators.scoring import size_column
    from xinqiao.indicators.views import local_frame

    card = scorecard_at(AS_OF)
    columns = [facts_by_code()[code].column for code in card.scoring.size_inputs]
    rows = [(i, p, *(None if f is None else f * 1_000_000 for f in figures)) for i, p, *figures, _ in SIZES]
    kinds = (pa.string(), pa.int64(), pa.int64(), pa.int64())
    arrays = [pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), kinds, strict=True)]
    frame = local_frame(engine.session(), pa.table(arrays, names=columns))
    answers = frame.select(size_column(card.scoring).alias("size")).toArrow()["size"].to_pylist()
    assert answers == [size for *_, size in SIZES]


def test_a_registration_repeated_later_is_the_same_enterprise(fresh_node: Path) -> None:
    registered(1)
    deliver(REGISTRATION, [registration(1, name="改名")], now=NOW + DAY / 2)
    assert run_evaluation(AS_OF, actor="t", now=NOW + DAY, progress=lambda _: None).enterprises == 1
