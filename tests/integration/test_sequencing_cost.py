"""A batch of the sequencer costs what it places, however long the log and its backlog are."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from xinqiao.evidence import actions
from xinqiao.evidence.actions import sequence, sequence_all
from xinqiao.evidence.heads import placed_size
from xinqiao.evidence.models import Entry
from xinqiao.evidence.queries import list_placed

NOW = datetime(2026, 3, 1, tzinfo=UTC)
READS_ALL = re.compile(r"SCAN evidence_entry(?! USING (COVERING )?INDEX)|Seq Scan on evidence_entry")

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("evidence_folder")]


def _wait(entries: int) -> None:
    first = Entry.objects.count()
    Entry.objects.bulk_create(
        [Entry(at=NOW, event="e", leaf=b'{"id":%d}' % number) for number in range(first, first + entries)]
    )


def _steps() -> int:
    """Hundreds of steps that SQLite takes to sequence one batch."""
    taken = 0

    def count() -> int:
        nonlocal taken
        taken += 1
        return 0

    connection.connection.set_progress_handler(count, 100)
    try:
        assert sequence(now=NOW) == actions.BATCH
    finally:
        connection.connection.set_progress_handler(None, 0)
    return taken


@pytest.mark.sqlite  # only SQLite counts its steps; the plans are tested below
def test_a_batch_takes_as_many_steps_in_a_long_log_with_a_long_backlog(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite scanned the whole log for every 256 leaves, so that a million waiting took 11 minutes, not 15 s."""
    monkeypatch.setattr(actions, "BATCH", 256)
    _wait(256)
    short = _steps()
    _wait(20 * 256)
    sequence_all(now=NOW)
    _wait(20 * 256)
    long = _steps()
    assert short > 10
    assert long < 1.5 * short


@pytest.mark.postgresql  # SQLite has no statistics here; its steps are counted above
def test_the_last_place_is_found_at_once_when_statistics_know_of_none() -> None:
    """PostgreSQL counted on one placed entry, did without the index's order for MAX() and read all that there were."""
    _wait(300)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE evidence_entry")
    sequence(now=NOW)
    with CaptureQueriesContext(connection) as asked:
        assert placed_size() == 300
    plan = _plan(asked[0]["sql"], "(ANALYZE)")
    assert re.findall(r"actual .*rows=(\d+)", plan) == ["1", "1"], plan


def test_no_question_about_the_log_reads_all_of_it() -> None:
    _wait(300)
    with CaptureQueriesContext(connection) as asked:
        sequence(now=NOW)
        list_placed(10, events=["e"])
    questions = [sql for sql in (q["sql"] for q in asked) if "evidence_entry" in sql and sql.startswith("SELECT")]
    assert len(questions) >= 5
    assert {sql: plan for sql in questions if READS_ALL.search(plan := _plan(sql))} == {}


def _plan(sql: str, how: str = "") -> str:
    """How the database would answer; PostgreSQL reads a table as short as this one whole unless it must not."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"EXPLAIN {how} {sql}")
        else:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


def test_no_index_has_a_condition_that_sqlite_does_not_recognise() -> None:
    """``~Q(x=None)`` is written NOT (x IS NULL). SQLite takes it for no reason to use the index, ever."""
    parts = [part for model in apps.get_models() for part in (*model._meta.indexes, *model._meta.constraints)]
    conditions = {part.name: str(getattr(part, "condition", None)) for part in parts}
    assert conditions["entry_placed"] == "(AND: ('leaf_index__isnull', False))"
    assert [name for name, text in conditions.items() if re.search(r"\(NOT \(AND: \('\w+', None\)\)\)", text)] == []
