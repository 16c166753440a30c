"""Recording and sequencing on the real database: nothing is lost, nothing changes, crashes are repaired."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from xinqiao.evidence import actions, jobs, queries
from xinqiao.evidence.actions import record, repair_files, sequence
from xinqiao.evidence.keys import log_key
from xinqiao.evidence.leaves import check_disclosure
from xinqiao.evidence.merkle import InvalidProof
from xinqiao.evidence.models import Checkpoint, Content, Entry
from xinqiao.evidence.notes import open_checkpoint
from xinqiao.evidence.proofs import check_receipt, receipt_as_json
from xinqiao.evidence.tiles import DamagedLog, TileFolder
from xinqiao.evidence.types import EntryNotFound, EntryRef, KeyChanged, NotInTransaction, NotYetSigned
from xinqiao.evidence.verify import verify_folder, verify_receipt
from xinqiao.parties.types import ORGANISATION_ADMITTED as DONE
from xinqiao.plumbing import settings as node

NOW = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
FIRM = "91610131TEST000001"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("evidence_folder")]


def _record(number: int = 0, *, subject: str = FIRM) -> EntryRef:
    with transaction.atomic():
        return record(DONE, actor="person:12", subject=subject, body={"number": number, "名": "信桥"}, now=NOW)


def _sound(folder: Path) -> int:
    """Verifies the folder and returns how many leaves it has."""
    verdict = verify_folder(folder, log_key().vkey)
    assert verdict.ok, verdict.lines("en")
    assert verdict.head is not None
    return verdict.head.size


def test_an_entry_is_found_again_with_its_content() -> None:
    reference = _record(5)
    entry = queries.get_entry(reference.id)
    assert (entry.at, entry.event, entry.actor, entry.subject) == (NOW, DONE.code, "person:12", FIRM)
    assert entry.body == {"number": 5, "名": "信桥"}
    assert entry.leaf_index is None
    with pytest.raises(EntryNotFound):
        queries.get_entry(reference.id + 1)


def test_numbers_follow_each_other_and_no_leaf_waits_for_its_own() -> None:
    """The leaf does not hold the number, so that an entry is one statement; the node's promise binds the two."""
    references = [_record(number) for number in range(3)]
    assert [ref.id - references[0].id for ref in references] == [0, 1, 2]
    assert not any(b'"id"' in ref.leaf for ref in references)
    assert f"\nentry {references[1].id}\n" in queries.receipt(references[1].id).promise


def test_a_receipt_given_before_leaves_lost_their_number_still_holds() -> None:
    number = _record().id + 1
    Entry(id=number, **_raw(number)).save(force_insert=True)
    old = queries.receipt(number)
    assert old.promise.startswith("xinqiao receipt v1\n")
    assert check_receipt(old, key=log_key()) is None
    with pytest.raises(InvalidProof):
        check_receipt(replace(old, entry_id=number + 1), key=log_key())


@pytest.mark.django_db(transaction=True)
def test_recording_apart_from_the_act_is_refused() -> None:
    with pytest.raises(NotInTransaction):
        record(DONE, actor="system", subject=FIRM, body={}, now=NOW)
    assert queries.log_status().recorded == 0


def test_an_act_that_is_rolled_back_leaves_no_evidence(evidence_folder: Path) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        record(DONE, actor="system", subject=FIRM, body={}, now=NOW)
        raise RuntimeError
    assert queries.log_status().recorded == 0
    assert sequence(now=NOW) == 0
    assert not (evidence_folder / "checkpoint").exists()


def test_entries_of_a_subject_come_newest_first() -> None:
    numbers = [_record(number).id for number in range(4)]
    _record(subject="91610131TEST000002")
    assert [entry.id for entry in queries.list_entries(subject=FIRM, limit=2)] == [numbers[3], numbers[2]]
    assert [entry.id for entry in queries.list_entries(subject=FIRM, before=numbers[2])] == numbers[1::-1]
    assert queries.list_entries(subject=FIRM, event="test.other") == []
    assert len(queries.list_entries(event=DONE.code)) == 5


def test_sequencing_signs_a_log_that_anyone_can_check(evidence_folder: Path) -> None:
    with pytest.raises(NotYetSigned):
        queries.signed_note()
    assert queries.log_status().size == 0
    for number in range(5):
        _record(number)
    assert queries.log_status().waiting == 5
    assert sequence(now=NOW) == 5
    assert sequence(now=NOW) == 0
    status = queries.log_status()
    assert (status.recorded, status.size, status.waiting, status.signed_at) == (5, 5, 0, NOW)
    assert _sound(evidence_folder) == 5
    assert open_checkpoint(queries.signed_note(), key=log_key()).root == status.root
    assert (evidence_folder / "vkey").read_text() == f"{status.vkey}\n"


def test_a_growing_log_stays_consistent_with_every_checkpoint(evidence_folder: Path) -> None:
    notes = []
    for number in range(1, 30):
        for _ in range(number):
            _record(number)
        assert sequence(now=NOW) == number
        notes.append(queries.signed_note())
    assert _sound(evidence_folder) == 435
    assert verify_folder(evidence_folder, log_key().vkey, earlier=notes).ok
    assert Checkpoint.objects.count() == 29


def test_exchange_8_14_a_backlog_is_placed_in_batches(evidence_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "BATCH", 3)
    first = [_record(number).id for number in range(7)]
    assert [sequence(now=NOW) for _ in range(4)] == [3, 3, 1, 0]
    assert list(Entry.objects.order_by("leaf_index").values_list("id", flat=True)) == first
    assert _sound(evidence_folder) == 7


def test_an_entry_that_commits_late_is_placed_next_and_not_lost(evidence_folder: Path) -> None:
    """On PostgreSQL a smaller number may commit after a larger one has been placed."""
    number = _record().id
    Entry(id=number + 5, **_raw(number + 5)).save(force_insert=True)
    assert sequence(now=NOW) == 2
    Entry(id=number + 2, **_raw(number + 2)).save(force_insert=True)
    assert sequence(now=NOW) == 1
    assert Entry.objects.get(id=number + 2).leaf_index == 2
    assert _sound(evidence_folder) == 3


def _raw(number: int) -> dict[str, Any]:
    leaf = b'{"id":%d}' % number
    return {"at": NOW, "event": DONE.code, "leaf": leaf}


def test_a_receipt_promises_at_once_and_proves_later() -> None:
    reference = _record()
    promised = queries.receipt(reference.id)
    assert promised.proof is None
    assert check_receipt(promised, key=log_key()) is None
    for number in range(300):
        _record(number)
    sequence(now=NOW)
    proven = queries.receipt(reference.id)
    assert proven.promise == promised.promise
    head = check_receipt(proven, key=log_key())
    assert head is not None
    assert head.size == 301
    assert verify_receipt(receipt_as_json(proven), log_key().vkey).ok
    with pytest.raises(EntryNotFound):
        queries.receipt(0)


def test_a_receipt_that_the_files_do_not_bear_out_is_not_given(evidence_folder: Path) -> None:
    reference = _record()
    _record(1)
    sequence(now=NOW)
    tile = evidence_folder / "tile/0/000.p/2"
    tile.write_bytes(bytes(64))
    with pytest.raises(DamagedLog):
        queries.receipt(reference.id)
    tile.unlink()
    with pytest.raises(DamagedLog):
        queries.receipt(reference.id)
    assert queries.missing_files() == ["tile/0/000.p/2"]


def test_a_holder_of_salts_shows_what_a_leaf_is_about() -> None:
    reference = _record(5)
    shown = queries.disclose(reference.id, parts=("subject", "body"))
    assert shown["subject"]["content"] == FIRM
    assert "actor" not in shown
    assert check_disclosure(reference.leaf, shown) == ()
    assert check_disclosure(_record(6).leaf, shown) == ("subject", "body")


@pytest.mark.parametrize(
    "change",
    [
        lambda entry: Entry.objects.filter(id=entry).update(leaf=b"other"),
        lambda entry: Content.objects.filter(entry_id=entry).update(body=b"{}"),
        lambda entry: Content.objects.filter(entry_id=entry).update(salts=bytes(48)),
        lambda entry: Entry.objects.filter(id=entry).update(leaf_index=5, event="someone"),
        lambda entry: Content.objects.filter(entry_id=entry).delete(),
        lambda entry: Entry.objects.filter(id=entry).delete(),
    ],
)
def test_the_database_refuses_to_change_an_entry(change: Callable[[int], Any]) -> None:
    reference = _record()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        change(reference.id)
    assert bytes(Entry.objects.get(id=reference.id).leaf) == reference.leaf


def test_an_entry_is_placed_once_and_a_checkpoint_stays() -> None:
    reference = _record()
    sequence(now=NOW)
    for change in (
        lambda: Entry.objects.filter(id=reference.id).update(leaf_index=9),
        lambda: Entry.objects.filter(id=reference.id).update(leaf_index=None),
        lambda: Checkpoint.objects.update(note="other"),
        lambda: Checkpoint.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()


class _Crash(BaseException):
    """The process dies here."""


@pytest.mark.parametrize("step", ["_write_tiles", "_sign", "_publish"])
@pytest.mark.parametrize("after", [False, True])
def test_exchange_8_15_a_crash_at_any_step_is_finished_by_the_next_run(
    evidence_folder: Path, monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    for number in range(300):
        _record(number)
    sequence(now=NOW)
    before = queries.signed_note()
    _record(1)
    original: Callable[..., Any] = getattr(actions, step)

    def crash(*arguments: Any, **named: Any) -> None:
        if after:
            original(*arguments, **named)
        raise _Crash

    with monkeypatch.context() as patch, pytest.raises(_Crash):
        patch.setattr(actions, step, crash)
        sequence(now=NOW)
    _sound(evidence_folder)
    _record(2)
    sequence(now=NOW)
    assert _sound(evidence_folder) == 302
    assert verify_folder(evidence_folder, log_key().vkey, earlier=[before]).ok


@pytest.mark.parametrize("writes", range(1, 6))
def test_a_crash_between_two_files_is_finished_by_the_next_run(
    evidence_folder: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    for number in range(255):
        _record(number)
    sequence(now=NOW)
    for number in range(3):
        _record(number)
    left = [writes]
    original = TileFolder.write

    def crash(self: TileFolder, name: str, data: bytes) -> bool:
        left[0] -= 1
        if left[0] < 0:
            raise _Crash
        return original(self, name, data)

    with monkeypatch.context() as patch, pytest.raises(_Crash):
        patch.setattr(TileFolder, "write", crash)
        sequence(now=NOW)
    assert _sound(evidence_folder) == 255
    sequence(now=NOW)
    assert _sound(evidence_folder) == 258


def test_lost_files_are_written_again_from_the_database(evidence_folder: Path) -> None:
    for number in range(600):
        _record(number)
    sequence(now=NOW)
    (evidence_folder / "tile/1/000.p/2").unlink()
    (evidence_folder / "tile/entries/001").write_bytes(b"damaged")
    (evidence_folder / "checkpoint").unlink()
    assert sorted(repair_files()) == ["checkpoint", "tile/1/000.p/2", "tile/entries/001"]
    assert repair_files() == []
    assert _sound(evidence_folder) == 600


def test_older_partial_tiles_are_mended_too(evidence_folder: Path) -> None:
    """Someone may still hold the checkpoint they belong to."""
    for number in range(8):
        _record(number)
        sequence(now=NOW)
    older = [evidence_folder / "tile/0/000.p/3", evidence_folder / "tile/entries/000.p/4"]
    for path in older:
        path.write_bytes(b"damaged")
    assert sorted(repair_files()) == ["tile/0/000.p/3", "tile/entries/000.p/4"]
    assert _sound(evidence_folder) == 8


def test_a_tile_needed_for_growth_comes_back_by_itself(evidence_folder: Path) -> None:
    for number in range(300):
        _record(number)
    sequence(now=NOW)
    (evidence_folder / "tile/1/000.p/1").write_bytes(bytes(32))
    for number in range(300):
        _record(number)
    sequence(now=NOW)
    assert _sound(evidence_folder) == 600


def test_a_history_that_contradicts_the_last_checkpoint_is_never_signed(
    evidence_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Someone with full power over the database rewrote an entry: the log stops instead of forking."""
    _record()
    sequence(now=NOW)
    _record(1)
    genuine = actions._leaves
    monkeypatch.setattr(actions, "_leaves", lambda start, stop: [b"forged", *genuine(start, stop)[1:]])
    with pytest.raises(DamagedLog):
        sequence(now=NOW)
    assert Checkpoint.objects.count() == 1
    monkeypatch.undo()


def test_a_log_never_goes_on_under_another_key_or_name(
    evidence_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lost key is made anew; whoever holds the old public key would see the log as forged."""
    _record()
    sequence(now=NOW)
    _record(1)
    with monkeypatch.context() as patch:
        patch.setattr(node, "keys_dir", lambda: tmp_path)
        with pytest.raises(KeyChanged):
            sequence(now=NOW)
    with monkeypatch.context() as patch:
        patch.setattr(node, "log_origin", lambda: "another.example/log")
        with pytest.raises(KeyChanged, match=r"another\.example"):
            sequence(now=NOW)
    assert _sound(evidence_folder) == 1
    assert sequence(now=NOW) == 1


class _StopAfter(threading.Event):
    """Stops a job after so many rounds, without waiting."""

    def __init__(self, rounds: int) -> None:
        super().__init__()
        self.waits: list[float] = []
        self.rounds = rounds

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0.0)
        if len(self.waits) >= self.rounds:
            self.set()
        return self.is_set()


@pytest.fixture
def one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The job runs inside the test's transaction, so it may not close the connection."""
    monkeypatch.setattr(jobs, "close_old_connections", lambda: None)
    monkeypatch.setattr(jobs, "connection", SimpleNamespace(close=lambda: None))


@pytest.mark.usefixtures("one_connection")
def test_the_running_sequencer_signs_repairs_and_goes_on(evidence_folder: Path) -> None:
    for number in range(300):
        _record(number)
    sequence(now=NOW)
    (evidence_folder / "tile/0/000").unlink()
    _record(1)
    stop = _StopAfter(2)
    jobs.run_sequencer(stop)
    assert stop.waits == [jobs.INTERVAL_SECONDS] * 2
    assert _sound(evidence_folder) == 301


@pytest.mark.usefixtures("one_connection")
def test_the_running_sequencer_waits_longer_after_each_failure(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*, now: datetime) -> int:
        raise DatabaseError("database is locked")

    monkeypatch.setattr(jobs, "sequence", fail)
    stop = _StopAfter(8)
    jobs.run_sequencer(stop)
    assert stop.waits == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    assert "sequencing failed" in caplog.text
