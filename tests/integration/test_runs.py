"""A run in parts, one that was killed, and one that takes over what did not change: all give the same results."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import functions as F

from tests.factories import DAY, deliver, registered, uscc
from tests.integration.test_evaluation import AS_OF, load_sample, penalty
from tests.kept import write_empty_database
from xinqiao.evaluation import actions, compute
from xinqiao.evaluation.actions import run_evaluation
from xinqiao.evaluation.models import EvaluationRun
from xinqiao.evaluation.queries import latest_path, list_runs
from xinqiao.evaluation.steps import Steps
from xinqiao.evaluation.types import RunFacts, RunFailed, RunInProgress, RunStatus
from xinqiao.indicators.compute import _steps
from xinqiao.indicators.province import Span, spans
from xinqiao.ingest.actions import undo_delivery
from xinqiao.records.lake import SCRATCH, lake
from xinqiao.records.types import AsOf

HOUR = timedelta(hours=1)
pytestmark = pytest.mark.usefixtures("fresh_node")


def run(as_of: AsOf = AS_OF, *, afresh: bool = False) -> RunFacts:
    return run_evaluation(as_of, actor="test", now=as_of.known, progress=lambda _: None, afresh=afresh)


def results() -> pa.Table:
    """The newest published results, without the time of the run."""
    return lake().read(latest_path()[1]).drop_columns(["_recorded_at"])


def in_parts(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr("xinqiao.evaluation.steps.evaluation_rows", lambda: rows)


def test_spans_take_every_code_once() -> None:
    codes = pa.array(["a", "b", "c", "d", "e"])
    assert spans(codes, 1) == [Span()]
    assert spans(codes, 2) == [Span(None, "c"), Span("c", None)]
    assert spans(pa.array([], pa.string()), 3) == [Span()]


def test_a_run_in_parts_gives_what_one_pass_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_sample(tmp_path / "sample", 150)
    run()
    whole = results()
    in_parts(monkeypatch, 4_000)
    run(AsOf(AS_OF.valid, AS_OF.known + timedelta(minutes=1)), afresh=True)
    assert len(EvaluationRun.objects.latest("started_at").spans.split("],")) > 3
    assert results().equals(whole)
    assert whole["_enterprise"].to_pylist() == sorted(whole["_enterprise"].to_pylist())
    assert lake().list_folders(SCRATCH) == [], "nothing is left of what lay between the steps"


def test_a_run_after_a_small_batch_computes_what_it_touches_and_equals_a_full_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = load_sample(tmp_path / "sample", 200)
    first = run()
    asked: list[list[str]] = []
    values = Steps._values_again
    monkeypatch.setattr(Steps, "_values_again", lambda self, changed: (asked.append(changed), values(self, changed))[1])
    later = AS_OF.known + 2 * DAY
    batch = deliver("penalty.decision", [penalty(code, "2026-05-01", f"补罚-{code}") for code in codes[:3]], now=later)
    second = run(AsOf(AS_OF.valid, later + 3 * HOUR))
    assert asked == [codes[:3]]
    assert EvaluationRun.objects.get(id=second.id).base == first.id
    taken_over = results()
    run(AsOf(AS_OF.valid, later + 4 * HOUR), afresh=True)
    assert results().equals(taken_over)
    undo_delivery(batch.delivery, provider=penalty_department(), actor="test", now=later + 6 * HOUR)
    run(AsOf(AS_OF.valid, later + 8 * HOUR))
    assert asked[-1] == codes[:3], "taking a batch back touches the same enterprises"
    after_undo = results()
    run(AsOf(AS_OF.valid, later + 9 * HOUR), afresh=True)
    assert results().equals(after_undo)


def penalty_department() -> str:
    from tests.factories import item

    return item("penalty.decision").department.code


def test_an_item_delivered_for_the_first_time_says_something_of_everyone(tmp_path: Path) -> None:
    """No row about an enterprise turns from not known into verified none, so nothing can be taken over."""
    registered(*range(1, 40))
    run()
    later = AS_OF.known + DAY
    deliver("penalty.decision", [penalty(uscc(1), "2025-03-01", "罚-1")], now=later)
    run(AsOf(AS_OF.valid, later + DAY))
    assert EvaluationRun.objects.latest("started_at").base == ""
    assert results()["public_credit__penalties_24m"].null_count == 0


PROGRAM = """
import json, os, signal, sys
from pathlib import Path
import xinqiao.config.boot
from datetime import timedelta
from tests.integration.test_evaluation import AS_OF, load_sample
from xinqiao.evaluation import steps
from xinqiao.evaluation.actions import run_evaluation
from xinqiao.evaluation.models import EvaluationRun
from xinqiao.evaluation.queries import latest_path
from xinqiao.records.lake import lake
from xinqiao.records.types import AsOf

steps.evaluation_rows = lambda: 4_000
made, values = [], steps.Steps._values_of


def counted(self, number, span):
    if number == 2 and sys.argv[1] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    made.append(number)
    values(self, number, span)


def run(minutes, **how):
    as_of = AsOf(AS_OF.valid, AS_OF.known + timedelta(minutes=minutes))
    found = run_evaluation(as_of, actor="t", now=as_of.known, progress=lambda _: None, **how)
    return found.id, lake().read(latest_path()[1]).drop_columns(["_recorded_at"])


steps.Steps._values_of = counted
if sys.argv[1] == "killed":
    load_sample(Path(sys.argv[2]), 150)
    run(0)
[broken] = EvaluationRun.objects.all()
state = broken.status, broken.done
number, continued = run(5)
parts = list(made)
_, whole = run(6, afresh=True)
print(json.dumps({
    "state": state, "same_run": number == broken.id, "parts": parts, "equal": continued.equals(whole),
    "rows": whole.num_rows,
}))
"""


@pytest.mark.sqlite
def test_a_run_that_was_killed_goes_on_after_its_last_part(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XINQIAO_")}
    environment = {**kept, "XINQIAO_HOME": str(tmp_path / "node")}
    write_empty_database(tmp_path / "node" / "xinqiao.sqlite3")

    program = tmp_path / "program.py"  # a file: the engine's client takes ``-c`` for its own doctests
    program.write_text(PROGRAM, encoding="utf-8")
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])

    def start(how: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(program), how, str(tmp_path / "sample")]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)

    killed = start("killed")
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-2000:]
    again = start("again")
    assert again.returncode == 0, again.stderr[-2000:]
    found = json.loads(again.stdout.splitlines()[-1])
    assert found["state"] == ["running", 2]
    assert found["same_run"]
    assert found["parts"][0] == 2, "the first two parts were not computed again"
    assert (found["equal"], found["rows"]) == (True, 150)


def test_a_run_that_stopped_is_not_continued_once_records_changed() -> None:
    registered(1, 2)
    stale = actions._new_run(compute.scorecard_at(AS_OF), AS_OF, AS_OF.known)
    deliver("penalty.decision", [penalty(uscc(1), "2025-03-01", "罚-1")], now=AS_OF.known + DAY)
    assert run(AsOf(AS_OF.valid, AS_OF.known + 2 * DAY)).id != stale.id
    assert EvaluationRun.objects.get(id=stale.id).status == RunStatus.FAILED


def test_two_runs_at_once_are_refused() -> None:
    registered(1)
    with actions._only_run(), pytest.raises(RunInProgress):
        run()


@pytest.mark.parametrize(
    ("formula", "why"),
    [
        (lambda row, day: F.sum(F.lit("9223372036854775807").cast("decimal(38,0)") + F.length(row.uscc)), "overflow"),
        (lambda row, day: F.max(row.uscc).cast("bigint"), "type"),
        (lambda row, day: 1 / 0, "exception"),
    ],
    ids=["overflow", "type", "exception"],
)
def test_a_bad_indicator_fails_by_name_and_publishes_nothing(
    monkeypatch: pytest.MonkeyPatch, formula: object, why: str
) -> None:
    registered(1, 2)
    good = run()
    bad = compute.load_indicators()["identity.age_months"].indicator
    monkeypatch.setattr(bad, "formula", formula)
    monkeypatch.setattr("xinqiao.indicators.compute._steps", _steps.__wrapped__)  # what is bad is not kept
    with pytest.raises(RunFailed) as caught:
        run(AsOf(AS_OF.valid, AS_OF.known + DAY), afresh=True)
    assert "identity.age_months" in caught.value.message, why
    assert "identity.capital_fen" not in caught.value.message
    assert latest_path()[0] == good.id
    assert [r.status for r in list_runs()].count(RunStatus.FAILED) == 1
