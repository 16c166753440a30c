"""The background process: sequencer, witnesses, anchoring, postman, prober, courier between nodes, clock, job queue."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.core.management import call_command
from django.db import DatabaseError, close_old_connections

from xinqiao.admission.jobs import watch_admissions
from xinqiao.anchoring.jobs import run_anchoring
from xinqiao.consent.jobs import expire_due
from xinqiao.corrections.jobs import ripple_corrections
from xinqiao.directory.jobs import refresh_directory
from xinqiao.disputes.jobs import keep_dispute_clocks
from xinqiao.evidence.jobs import run_sequencer
from xinqiao.evidence.outside import run_outside
from xinqiao.federation.jobs import run_federation
from xinqiao.ingest.jobs import clean_inbox
from xinqiao.judicial.jobs import run_messenger
from xinqiao.lending.jobs import follow_applications, keep_clocks, record_reports
from xinqiao.monitoring.jobs import monitor_borrowers
from xinqiao.oauth.jobs import sweep_expired
from xinqiao.probes.jobs import run_prober
from xinqiao.quality.jobs import make_daily_quality
from xinqiao.reconciliation.jobs import settle_ledgers
from xinqiao.records.jobs import compact_lake
from xinqiao.repair.jobs import end_publication_terms
from xinqiao.retention.jobs import delete_expired
from xinqiao.sanctions.jobs import keep_sanctions
from xinqiao.sources.jobs import pull_sources
from xinqiao.stewardship.jobs import mind_the_list
from xinqiao.subjects.jobs import refresh_subjects
from xinqiao.supervision.jobs import watch_ledger
from xinqiao.violations.jobs import open_cases
from xinqiao.webhooks.jobs import run_postman

log = logging.getLogger(__name__)

# What is put into the queue, and how often. Every chore may run twice without harm.
CHORES: tuple[tuple[timedelta, Any], ...] = (
    (timedelta(seconds=30), watch_ledger),
    (timedelta(minutes=1), open_cases),
    (timedelta(minutes=1), keep_sanctions),
    (timedelta(minutes=30), settle_ledgers),
    (timedelta(seconds=30), monitor_borrowers),
    (timedelta(minutes=1), expire_due),
    (timedelta(seconds=30), follow_applications),
    (timedelta(minutes=10), keep_clocks),
    (timedelta(seconds=10), ripple_corrections),
    (timedelta(seconds=30), keep_dispute_clocks),
    (timedelta(hours=1), record_reports),
    (timedelta(minutes=1), pull_sources),
    (timedelta(minutes=10), watch_admissions),
    (timedelta(minutes=1), refresh_directory),
    (timedelta(minutes=1), refresh_subjects),
    (timedelta(minutes=10), sweep_expired),
    (timedelta(hours=1), make_daily_quality),
    (timedelta(hours=1), compact_lake),
    (timedelta(hours=1), clean_inbox),
    (timedelta(hours=1), mind_the_list),
    (timedelta(hours=1), end_publication_terms),
    (timedelta(hours=1), delete_expired),
)


def run_clock(stop: threading.Event, *, now: Callable[[], float] = time.monotonic) -> None:
    """Enqueue each chore at its interval until ``stop`` is set; the first time one interval after the start."""
    due = [now() + interval.total_seconds() for interval, _ in CHORES]
    while not stop.wait(1.0):
        for number, (interval, chore) in enumerate(CHORES):
            if now() < due[number]:
                continue
            due[number] = now() + interval.total_seconds()
            try:
                close_old_connections()
                chore.enqueue()
            except DatabaseError:
                log.exception("chore could not be enqueued; next try in %s", interval)


def run_worker() -> None:
    """Run all of these until the process is told to end; raises what the queue raises."""
    stop = threading.Event()
    threads = [
        threading.Thread(target=target, args=(stop,), name=name, daemon=True)
        for name, target in (
            ("sequencer", run_sequencer),
            ("outside", run_outside),
            ("anchoring", run_anchoring),
            ("messenger", run_messenger),
            ("postman", run_postman),
            ("prober", run_prober),
            ("federation", run_federation),
            ("clock", run_clock),
        )
    ]
    for thread in threads:
        thread.start()
    try:
        call_command("db_worker", "--no-startup-delay", interval=1, verbosity=1)
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=10)
