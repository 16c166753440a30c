"""Runs a scorecard over the province and publishes it whole, or not at all."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
from django.db import transaction

from xinqiao.evaluation import compute
from xinqiao.evaluation.models import EvaluationRun
from xinqiao.evaluation.queries import as_facts, run_item
from xinqiao.evaluation.types import RUN_FAILED, RUN_PUBLISHED, RUN_ROLLED_BACK, NoRun, RunFacts, RunFailed, RunStatus
from xinqiao.evidence.actions import record
from xinqiao.indicators.engine import engine_name
from xinqiao.kernel.errors import XinqiaoError
from xinqiao.records.actions import register_file, withdraw_batch
from xinqiao.records.lake import lake
from xinqiao.records.types import AsOf, FileFacts, FileKind

Progress = Callable[[str], None]


def run_evaluation(
    as_of: AsOf, *, actor: str, now: datetime, code: str = "basic", progress: Progress = print
) -> RunFacts:
    """Evaluate every enterprise of the registry; the run becomes readable in one step when all of it is done.

    A run that fails leaves the last published one in place and raises RunFailed, or EngineUnavailable.
    """
    card = compute.scorecard_at(as_of, code)
    sources = compute.open_sources(card, as_of)
    run = EvaluationRun.objects.create(
        id=f"{card.code}-v{card.version}-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
        scorecard=card.code,
        version=card.version,
        scorecard_sha256=card.sha256,
        status=RunStatus.RUNNING,
        valid_on=as_of.valid,
        known_at=as_of.known,
        sources=sources,
        started_at=now,
        engine=engine_name(),
    )
    began = time.monotonic()
    try:
        progress("计算指标与评分")
        table = compute.score_province(card, as_of, sources)
        progress("写入结果")
        facts = _write(run, table, now) if table.num_rows else None
    except Exception as error:
        _fail(run, error, actor, now)
        if isinstance(error, XinqiaoError):  # it says better than we could what to do next
            raise
        raise RunFailed(run=run.id, why=str(error)[:200]) from error
    _publish(run, table, facts, actor, now, time.monotonic() - began)
    return as_facts(run, seconds=time.monotonic() - began)


def _write(run: EvaluationRun, table: pa.Table, now: datetime) -> FileFacts:
    stamp = pa.repeat(pa.scalar(now, pa.timestamp("us", tz="UTC")), table.num_rows)
    table = table.append_column("_recorded_at", stamp)
    return lake().write(table, f"{run_item(run.scorecard)}/{FileKind.RUN}/{run.id}.parquet")


@transaction.atomic
def _publish(
    run: EvaluationRun, table: pa.Table, facts: FileFacts | None, actor: str, now: datetime, seconds: float
) -> None:
    if facts:
        register_file(run_item(run.scorecard), facts, batch=run.id, kind=FileKind.RUN, actor=actor, now=now)
        counts = pc.value_counts(table.column("grade")).to_pylist()
        run.grades = json.dumps({c["values"]: c["counts"] for c in counts})
        run.path = facts.path
    run.enterprises = table.num_rows
    run.status = RunStatus.PUBLISHED
    run.finished_at = now
    run.save()
    body = {
        "run": run.id,
        "scorecard": run.scorecard,
        "version": run.version,
        "scorecard_sha256": run.scorecard_sha256,
        "valid_on": run.valid_on.isoformat(),
        "known_at": run.known_at.isoformat(),
        "enterprises": run.enterprises,
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
    run.status = RunStatus.ROLLED_BACK
    run.save(update_fields=["status"])
    record(RUN_ROLLED_BACK, actor=actor, subject=run.id, body={"run": run.id}, now=now)
