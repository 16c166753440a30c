"""What must hold of a node after its ingest was killed: database, lake and evidence agree."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path


def check_node() -> dict:
    """Compare deliveries, registered files, stored bytes and evidence; clear strays; returns counts and faults."""
    from xinqiao.records.actions import audit_files, remove_unregistered

    _wait_for_the_dead()
    deliveries = _rows("SELECT id, item, delivered, accepted, returned FROM ingest_delivery")
    files = _rows("SELECT batch, item, path, row_count, sha256 FROM records_lake_file")
    faults = [*_check_files(deliveries, files), *_check_entries(deliveries, files), *audit_files()]
    faults += _check_visible(deliveries)
    strays = remove_unregistered(older_than=timedelta(0), now=datetime.now(UTC) + timedelta(seconds=1))
    _note_strays(len(strays))
    faults += [f"stray left: {path}" for path in set(_lake_files()) - {f["path"] for f in files}]
    sums = {name: sum(d[name] for d in deliveries) for name in ("delivered", "accepted", "returned")}
    return {"faults": faults, "deliveries": len(deliveries), "database": _vendor(), **sums}


def check_evidence() -> dict:
    """Fold every entry into the log and verify its files from outside; returns its size, strays and faults."""
    from xinqiao.evidence.actions import sequence_all
    from xinqiao.evidence.verify import verify_folder
    from xinqiao.plumbing.settings import evidence_dir

    sequence_all(now=datetime.now(UTC))
    verdict = verify_folder(evidence_dir())
    [[entries]] = [list(row.values()) for row in _rows("SELECT count(*) AS entries FROM evidence_entry")]
    faults = [str(finding) for finding in verdict.findings]
    size = verdict.head.size if verdict.head else 0
    if size != entries:
        faults.append(f"{entries} entries recorded, {size} under the checkpoint")
    return {"faults": faults, "size": size, "strays": _note_strays(0)}


def _check_files(deliveries: list[dict], files: list[dict]) -> Iterator[str]:
    """A delivery with accepted rows has exactly one file with just these rows; a file has its delivery."""
    of_batch = {f["batch"]: f for f in files}
    if len(of_batch) != len(files):
        yield "two files of one batch"
    for d in deliveries:
        file = of_batch.pop(d["id"], None)
        if d["delivered"] != d["accepted"] + d["returned"]:
            yield f"{d['id']}: rows not accounted for"
        if (file["row_count"] if file else 0) != d["accepted"] or (file and file["item"] != d["item"]):
            yield f"{d['id']}: {d['accepted']} rows accepted, file {file}"
    yield from (f"{batch}: a file without its delivery" for batch in of_batch)


def _check_entries(deliveries: list[dict], files: list[dict]) -> Iterator[str]:
    """Each delivery and each file has exactly one entry that says the same, and no entry speaks of another."""
    told = Counter(
        (body["delivery"], body["delivered"], body["accepted"], body["returned"])
        for body in _bodies("ingest.delivered")
    )
    if told != Counter((d["id"], d["delivered"], d["accepted"], d["returned"]) for d in deliveries):
        yield f"entries of deliveries differ: {len(deliveries)} deliveries, {told.total()} entries"
    told = Counter((body["batch"], body["path"], body["sha256"]) for body in _bodies("records.file_registered"))
    if told != Counter((f["batch"], f["path"], f["sha256"]) for f in files):
        yield f"entries of files differ: {len(files)} files, {told.total()} entries"


def _check_visible(deliveries: list[dict]) -> Iterator[str]:
    """Rows a reader sees, batch by batch, are those of the deliveries, no more and no fewer."""
    import pyarrow.parquet as pq

    from xinqiao.records.queries import list_views

    seen: Counter[str] = Counter()
    for item in {d["item"] for d in deliveries}:
        for view in list_views(item, known=datetime.now(UTC)):
            seen.update(pq.read_table(view.url, columns=["_batch"], partitioning=None).column(0).to_pylist())
    if seen != Counter({d["id"]: d["accepted"] for d in deliveries if d["accepted"]}):
        yield f"visible rows are not those accepted: {seen.total()}"


def _bodies(event: str) -> Iterator[dict]:
    sql = "SELECT body FROM evidence_content JOIN evidence_entry ON evidence_entry.id = entry_id WHERE event = %s"
    rows = _rows(sql, event)
    return (json.loads(bytes(row["body"])) for row in rows)


def _rows(sql: str, *parameters: object) -> list[dict]:
    """Rows read by plain SQL: a check must not lean on the code it checks."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _vendor() -> str:
    from benchmarks.node import database_name

    return database_name()


def _wait_for_the_dead() -> None:
    """PostgreSQL notices a killed client a moment later; its last commit may still be under way."""
    if _vendor() != "PostgreSQL":
        return
    others = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    for _ in range(500):
        if not _rows(others)[0]["n"]:
            return
        time.sleep(0.01)
    raise RuntimeError("another process is connected to the benchmark's database")


def _lake_files() -> Iterator[str]:
    from xinqiao.records.lake import lake

    return (path for path, _ in lake().list_files())


def _note_strays(count: int) -> int:
    """Add to the number of strays cleared so far, kept beside the node; returns the sum."""
    from xinqiao.plumbing.settings import home

    note = Path(home()) / "strays"
    total = count + (int(note.read_text("ascii")) if note.exists() else 0)
    note.write_text(str(total), "ascii")
    return total
