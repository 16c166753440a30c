"""Sealing: what opens where, what erasure takes away, and keys that change while everybody goes on working."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connection, transaction

from tests.rotating import rotate_under_load
from tests.softhsm import forget_settings, needs_softhsm, softhsm, use_tokens
from xinqiao.evidence.actions import sequence
from xinqiao.evidence.keys import log_key
from xinqiao.evidence.queries import list_entries
from xinqiao.evidence.verify import verify_folder
from xinqiao.kernel.suites import CannotOpen
from xinqiao.plumbing import settings as node
from xinqiao.plumbing.key_store import key_store
from xinqiao.vault import actions, sealing
from xinqiao.vault.models import DataKey, MasterKey
from xinqiao.vault.queries import check_keys, list_keys
from xinqiao.vault.sealing import MasterKeyGone, make_keys, open_all, seal, sealing_keys, subject_keys
from xinqiao.vault.types import ERASED, DataKeyMissing, InvalidSubject, NothingSealed, Sealing

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("evidence_folder")]
NOW = datetime(2026, 11, 26, tzinfo=UTC)
LI = Sealing("person:1", "people:name:1", "李示例")


def sealed(entry: Sealing) -> Sealing:
    """The entry as storage has it."""
    return replace(entry, value="", sealed=seal([entry], now=NOW)[0])


def many(count: int) -> list[Sealing]:
    """So many people's sealed names."""
    people = [Sealing(f"person:{n}", f"people:name:{n}", f"人{n}") for n in range(count)]
    return [replace(p, sealed=s) for p, s in zip(people, seal(people, now=NOW), strict=True)]


def test_a_value_opens_in_its_place_and_nowhere_else() -> None:
    stored = sealed(LI)
    assert "李示例".encode() not in stored.sealed
    assert open_all([stored]) == ["李示例"]
    with pytest.raises(CannotOpen):
        open_all([replace(stored, place="people:name:2")])
    seal([Sealing("person:2", "x", "y")], now=NOW)
    with pytest.raises(CannotOpen):
        open_all([replace(stored, subject="person:2")])
    for at in (2, 5, 20, len(stored.sealed) - 1):
        altered = stored.sealed[:at] + bytes([stored.sealed[at] ^ 1]) + stored.sealed[at + 1 :]
        with pytest.raises(CannotOpen):
            open_all([replace(stored, sealed=altered)])
    with pytest.raises(DataKeyMissing):
        open_all([replace(stored, subject="person:3")])


def test_equal_values_are_sealed_differently_and_an_empty_one_stays_empty() -> None:
    first, second, nothing = seal([LI, LI, replace(LI, value="")], now=NOW)
    assert first != second
    assert nothing == b""
    assert open_all([replace(LI, sealed=b"")]) == [""]


def test_the_suite_in_use_can_change_and_both_open(monkeypatch: pytest.MonkeyPatch) -> None:
    before = sealed(LI)
    monkeypatch.setenv("XINQIAO_SUITE", "gm")
    forget_settings()
    try:
        after = sealed(LI)
        assert open_all([before, after]) == ["李示例", "李示例"]
        assert (before.sealed[2], after.sealed[2]) == (1, 2)  # the algorithm's byte
        assert list(DataKey.objects.order_by("version").values_list("suite", flat=True)) == ["intl", "gm"]
        index = [key.index("a", "b") for key in (subject_keys(["person:1"])["person:1"].indexing,) if key]
        assert index == [subject_keys(["person:1"])["person:1"].versions[1].index("a", "b")]  # type: ignore[union-attr]
    finally:
        monkeypatch.delenv("XINQIAO_SUITE")
        forget_settings()


@pytest.mark.postgresql  # SQLite has one writer at a time, so there is no same moment
def test_who_makes_a_subjects_key_at_once_shares_one() -> None:
    start, made = threading.Barrier(4), []

    def work() -> None:
        start.wait()
        try:
            make_keys(["person:7"], now=NOW)
            made.append(sealing_keys(["person:7"], now=NOW)["person:7"].newest)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = DataKey.objects.filter(subject="person:7").count()
    assert len(made) == 4
    assert rows == max(key.version for key in made)
    assert MasterKey.objects.count() == 1
    stored = sealed(replace(LI, subject="person:7"))
    assert open_all([stored]) == ["李示例"]


def test_destroying_a_key_erases_one_subject_and_the_log_still_verifies() -> None:
    one, two = many(2)
    assert actions.erase_subject("person:0", actor="t", reason="请求删除", now=NOW) == 1
    assert open_all([one, two]) == [ERASED, "人1"]
    assert not bytes(DataKey.objects.get(subject="person:0").wrapped)
    sequence(now=NOW)
    assert verify_folder(node.evidence_dir(), log_key().vkey).ok
    erased = [entry for entry in list_entries() if entry.event == "vault.subject_erased"]
    assert [entry.body for entry in erased] == [{"keys": 1, "reason": "请求删除"}]
    with pytest.raises(NothingSealed):
        actions.erase_subject("person:0", actor="t", reason="r", now=NOW)
    with pytest.raises(InvalidSubject):
        actions.erase_subject("everybody", actor="t", reason="r", now=NOW)
    anew = sealed(replace(one, value="又来", sealed=b""))
    assert open_all([one, anew]) == [ERASED, "又来"], "the subject may come back; what was erased does not"


def test_a_renewed_key_seals_and_the_one_before_still_opens() -> None:
    before = sealed(LI)
    assert actions.renew_data_key("person:1", actor="t", now=NOW) == 2
    after = sealed(LI)
    assert (before.sealed[:2], after.sealed[:2]) == (b"\0\1", b"\0\2")
    assert open_all([before, after]) == ["李示例", "李示例"]
    with pytest.raises(NothingSealed):
        actions.renew_data_key("person:9", actor="t", now=NOW)


def test_rotation_wraps_every_key_anew_and_destroys_the_master_key_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "BATCH", 10)
    people = many(25)
    actions.erase_subject("person:3", actor="t", reason="r", now=NOW)
    told: list[int] = []
    assert actions.rotate_master_key(actor="t", now=NOW, progress=told.append) == (2, 24)
    assert told == [10, 20, 24]
    assert not (node.keys_dir() / "master.kek").exists()
    assert key_store().find("master.kek") is None
    assert set(DataKey.objects.filter(destroyed_at=None).values_list("master", flat=True)) == {2}
    assert open_all(people) == [ERASED if n == 3 else f"人{n}" for n in range(25)]
    events = [entry.event for entry in list_entries(limit=9)]
    assert events.count("vault.keys_rewrapped") == 3
    assert {"vault.master_key_changed", "vault.master_key_retired"} <= set(events)
    check_keys()


def test_no_read_and_no_write_fails_while_keys_are_rotated(tmp_path: Path) -> None:
    """On a database of its own: one that lives in memory has no readers beside a writer."""
    if connection.vendor == "postgresql":
        told = rotate_under_load()
    else:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("XINQIAO_")}
        environment = {**kept, "XINQIAO_HOME": str(tmp_path / "node")}
        command = [sys.executable, "-m", "tests.rotating"]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
        assert run.returncode == 0, run.stdout + run.stderr
        told = json.loads(run.stdout.splitlines()[-1])
    assert told["failures"] == []
    assert told["reads"] >= 3 and told["writes"] >= 3
    assert told["generations"] == [4], "three rotations, and of the master keys only the last is left"


def test_who_read_a_row_before_its_master_key_went_reads_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    stored, real, seen = sealed(LI), sealing.wrapping, []

    def late(master: MasterKey) -> object:
        seen.append(master.generation)
        if len(seen) == 1:  # the row was read; before it is opened a whole rotation goes by
            with monkeypatch.context() as patch:
                patch.setattr(actions, "wrapping", real)
                actions.rotate_master_key(actor="t", now=NOW)
            raise MasterKeyGone(master.name)
        return real(master)

    monkeypatch.setattr(sealing, "wrapping", late)
    assert open_all([stored]) == ["李示例"]
    assert seen == [1, 2]


def test_a_rotation_that_was_interrupted_is_finished_and_not_begun_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "BATCH", 10)
    people = many(30)

    def crash(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        actions.rotate_master_key(actor="t", now=NOW, progress=crash)
    assert open_all(people)[29] == "人29"
    assert sorted(set(DataKey.objects.values_list("master", flat=True))) == [1, 2]
    assert actions.rotate_master_key(actor="t", now=NOW) == (2, 20)
    assert open_all(people) == [f"人{n}" for n in range(30)]


def test_a_key_destroyed_during_a_rotation_stays_destroyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "BATCH", 5)
    people = many(10)

    def erase(done: int) -> None:
        if done == 5:
            actions.erase_subject("person:9", actor="t", reason="r", now=NOW)

    actions.rotate_master_key(actor="t", now=NOW, progress=erase)
    assert open_all(people)[8:] == ["人8", ERASED]


def test_a_lost_master_key_is_told_by_health_and_no_other_is_made() -> None:
    stored = sealed(LI)
    key_store().destroy("master.kek")
    with pytest.raises(MasterKeyGone):
        open_all([stored])
    with pytest.raises(DataKeyMissing):
        check_keys()
    with pytest.raises(MasterKeyGone), transaction.atomic():
        make_keys(["person:2"], now=NOW)
    assert not (node.keys_dir() / "master.kek").exists()


@pytest.fixture
def pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A token that the node can be told to use."""
    with softhsm(tmp_path / "hsm", monkeypatch, "hsm") as pins:
        use_tokens(monkeypatch, pins)
        yield pins


@needs_softhsm
def test_the_master_key_moves_from_a_file_into_the_token(pins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people = many(20)
    use_tokens(monkeypatch, pins, "hsm")
    assert actions.rotate_master_key(actor="t", now=NOW) == (2, 20)
    assert not list(node.keys_dir().glob("*.kek"))
    assert open_all(people) == [f"人{n}" for n in range(20)]
    places = {key.use: (key.kind, key.label) for key in list_keys()}
    assert places["master"] == ("token", "hsm")
    assert actions.rotate_master_key(actor="t", now=NOW) == (3, 20), "and from one key in the token to another"
    assert open_all(people) == [f"人{n}" for n in range(20)]
    check_keys()


@needs_softhsm
def test_the_list_says_which_key_stays_a_file_and_why(pins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_tokens(monkeypatch, pins, "hsm")
    sealed(LI)
    sequence(now=NOW)
    found = {key.use: key for key in list_keys()}
    assert (found["log"].kind, found["log-gm"].kind, found["index"].kind) == ("token", "file", "token")
    assert "国密" in found["log-gm"].note
    assert found["data"].label == "1"
    assert all(key.since for key in list_keys())
