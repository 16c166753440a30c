"""Reads and writes that go on while the master key is rotated, and what came of them; also a program of its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

NOW = datetime(2026, 11, 26, tzinfo=UTC)
PEOPLE = 300
ROUNDS = 3


def rotate_under_load(*, batch: int = 40) -> dict[str, Any]:
    """Rotate three times while two threads open every value and one seals new ones."""
    from xinqiao.vault import actions
    from xinqiao.vault.models import MasterKey
    from xinqiao.vault.sealing import open_all, seal
    from xinqiao.vault.types import Sealing

    people = [Sealing(f"person:{n}", f"people:name:{n}", f"人{n}") for n in range(PEOPLE)]
    stored = [replace(p, sealed=sealed) for p, sealed in zip(people, seal(people, now=NOW), strict=True)]
    stop, failures, reads, written = threading.Event(), [], [], []

    def read() -> None:
        assert open_all(stored) == [p.value for p in people]
        reads.append(1)

    def write() -> None:
        entry = Sealing(f"person:{10_000 + len(written)}", "people:name:x", "新人")
        written.append(Sealing(entry.subject, entry.place, sealed=seal([entry], now=NOW)[0]))

    threads = [threading.Thread(target=_work, args=(act, stop, failures)) for act in (read, read, write)]
    for thread in threads:
        thread.start()
    actions.BATCH, before = batch, actions.BATCH
    try:
        for _ in range(ROUNDS):
            have = len(reads), len(written)
            actions.rotate_master_key(actor="t", now=NOW)
            while (len(reads) == have[0] or len(written) == have[1]) and not failures:
                stop.wait(0.01)
    finally:
        actions.BATCH = before
        stop.set()
        for thread in threads:
            thread.join()
    if set(open_all(written)) != {"新人"}:
        failures.append("what was written meanwhile cannot be read")
    standing = MasterKey.objects.filter(retired_at=None).values_list("generation", flat=True)
    return {"failures": failures, "reads": len(reads), "writes": len(written), "generations": list(standing)}


def _work(act: Callable[[], None], stop: threading.Event, failures: list[str]) -> None:
    from django.db import connection

    try:
        while not stop.is_set():
            act()
    except Exception as error:
        failures.append(repr(error))
    finally:
        connection.close()


if __name__ == "__main__":
    import xinqiao.config.boot  # noqa: F401

    # isort: split
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    print(json.dumps(rotate_under_load()))
