"""Runs a scorecard over the province and publishes it whole, or not at all."""

from __future__ import annotations

import fcntl
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import transaction

from xinqiao.evaluation import compute
from xinqiao.evaluation.models import EvaluationRun
from xinqiao.evaluation.queries import as_facts, run_item
from xinqiao.evaluation.steps import Progress, Steps
from xinqiao.evaluation.types import (
    RUN_FAILED,
    RUN_PUBLISHED,
    RUN_ROLLED_BACK,
    NoRun,
    RunFacts,
    RunFailed,
    RunInProgress,
    RunStatus,
    Scorecard,
)
from xinqiao.evidence.actions import record
from xinqiao.indicators.engine import engine_name
from xinqiao.kernel.errors import Phrase, XinqiaoError
from xinqiao.plumbing import settings as node
from xinqiao.records.actions import register_file, withdraw_batch
from xinqiao.records.lake import SCRATCH, lake
from xinqiao.records.queries import last_registered_at
from xinqiao.records.types import AsOf, FileFacts, FileKind


def run_evaluation(
    as_of: AsOf, *, actor: str, now: datetime, code: str = "basic", progress: Progress = print, afresh: bool = False
) -> RunFacts:
    """Evaluate every enterprise of the registry; the run becomes readable in one step when all of it is done.

    A run of the same day that was interrupted goes on, as long as nothing was registered since. Where the last
    published run has the same day, card and content, only enterprises whose records changed are computed anew;
    ``afresh`` does neither. A run that fails leaves the last published one in place and raises RunFailed, or
    EngineUnavailable; one beside another raises RunInProgress.
    """
    card = compute.scorecard_at(as_of, code)
    with _only_run():
        run = _interrupted(card, as_of, afresh=afresh) or _new_run(card, as_of, now)
        as_of = AsOf(run.valid_on, run.known_at)
        steps = Steps(run, compute.province(card, as_of, run.sources), progress=progress)
        began = time.monotonic()
        try:
            facts = _compute(steps, None if afresh else _base(run))
        except Exception as error:
            _fail(run, error, actor, now)
            steps.clear()
            if isinstance(error, XinqiaoError):  # it says better than we could what to do next
                raise
            raise RunFailed(run=run.id, why=_why(steps, error)) from error
        _publish(run, steps, facts, actor, now, time.monotonic() - began)
        steps.clear()
    return as_facts(run, seconds=time.monotonic() - began)


@contextmanager
def _only_run() -> Iterator[None]:
    """One run at a time: two would want twice the memory. The lock ends with the process, however that ends."""
    with (node.home() / "evaluation.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunInProgress() from error
        yield


def _interrupted(card: Scorecard, as_of: AsOf, *, afresh: bool) -> EvaluationRun | None:
    """The run to go on with; others that stopped half-way are noted as failed and their files removed."""
    found, registered = None, last_registered_at()
    for run in EvaluationRun.objects.filter(status=RunStatus.RUNNING).order_by("started_at"):
        same = (run.scorecard_sha256, run.content_sha256, run.valid_on, run.engine) == (
            card.sha256,
            compute.content_digest(),
            as_of.valid,
            engine_name(),
        )
        if same and not afresh and run.known_at <= as_of.known and (not registered or registered <= run.known_at):
            found = run
            continue
        run.status, run.failure = RunStatus.FAILED, Phrase("中断后没有继续")
        run.save(update_fields=["status", "failure"])
    for name in lake().list_folders(SCRATCH):
        if found is None or name != found.id:
            lake().remove_folder(f"{SCRATCH}/{name}")
    return found


def _new_run(card: Scorecard, as_of: AsOf, now: datetime) -> EvaluationRun:
    return EvaluationRun.objects.create(
        id=f"{card.code}-v{card.version}-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
        scorecard=card.code,
        version=card.version,
        scorecard_sha256=card.sha256,
        content_sha256=compute.content_digest(),
        status=RunStatus.RUNNING,
        valid_on=as_of.valid,
        known_at=as_of.known,
        sources=compute.open_sources(card, as_of),
        started_at=now,
        engine=engine_name(),
    )


def _base(run: EvaluationRun) -> EvaluationRun | None:
    """The newest published run whose values hold for every enterprise that nothing was registered about since."""
    same = EvaluationRun.objects.filter(
        status=RunStatus.PUBLISHED,
        scorecard_sha256=run.scorecard_sha256,
        content_sha256=run.content_sha256,
        valid_on=run.valid_on,
        known_at__lte=run.known_at,
    )
    found = same.exclude(path="").order_by("-known_at").first()
    return found if found and dict(found.sources) == dict(run.sources) else None


def _compute(steps: Steps, base: EvaluationRun | None) -> FileFacts | None:
    if not steps.province.is_registered:
        return None
    steps.compute(base)
    run = steps.run
    return steps.write_results(f"{run_item(run.scorecard)}/{FileKind.RUN}/{run.id}.parquet")


def _why(steps: Steps, error: Exception) -> str:
    """What went wrong, by the names of the indicators where it was theirs."""
    try:
        faults = steps.province.faults(steps.failing)
    except Exception:  # the engine itself is gone
        faults = {}
    named = "；".join(f"{code}（{why}）" for code, why in list(faults.items())[:5])
    return named or str(error)[:200]


@transaction.atomic
def _publish(
    run: EvaluationRun, steps: Steps, facts: FileFacts | None, actor: str, now: datetime, seconds: float
) -> None:
    if facts:
        register_file(run_item(run.scorecard), facts, batch=run.id, kind=FileKind.RUN, actor=actor, now=now)
        run.grades = json.dumps(dict(sorted(steps.grades.items())))
        run.path = facts.path
        run.enterprises = facts.rows
    run.status = RunStatus.PUBLISHED
    run.finished_at = now
    run.save()
    body = {
        "run": run.id,
        "scorecard": run.scorecard,
        "version": run.version,
        "scorecard_sha256": run.scorecard_sha256,
        "content_sha256": run.content_sha256,
        "valid_on": run.valid_on.isoformat(),
        "known_at": run.known_at.isoformat(),
        "enterprises": run.enterprises,
        "base": run.base,
        "sources": dict(run.sources),
        "milliseconds": int(seconds * 1000),
    }
    record(RUN_PUBLISHED, actor=actor, subject=run.id, body=body, now=now)


@transaction.atomic
def _fail(run: EvaluationRun, error: Exception, actor: str, now: datetime) -> None:
    run.status, run.failure, run.finished_at = RunStatus.FAILED, str(error)[:2000], now
    run.save()
    record(RUN_FAILED, actor=actor, subject=run.id, body={"run": run.id, "why": type(error).__name__}, now=now)


@transaction.atomic
def roll_back_run(run_id: str, *, actor: str, now: datetime) -> None:
    """Take a published run back; the one before it is read again. Raises NoRun."""
    run = EvaluationRun.objects.select_for_update().filter(id=run_id, status=RunStatus.PUBLISHED).first()
    if run is None:
        raise NoRun(run=run_id)
    if run.path:
        withdraw_batch(run.id, actor=actor, now=now)
    run.status, run.rolled_back_at = RunStatus.ROLLED_BACK, now
    run.save(update_fields=["status", "rolled_back_at"])
    record(RUN_ROLLED_BACK, actor=actor, subject=run.id, body={"run": run.id}, now=now)
