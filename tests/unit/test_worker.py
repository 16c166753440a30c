"""Regular chores are put into the queue at their intervals, and a failing database does not end the clock."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import OperationalError

from xinqiao.config import worker


class Chore:
    """Counts how often it is enqueued; fails the first time when asked to."""

    def __init__(self, *, fails: bool = False) -> None:
        self.count, self.fails = 0, fails

    def enqueue(self) -> None:
        self.count += 1
        if self.fails and self.count == 1:
            raise OperationalError("database is locked")


class Ticks(threading.Event):
    """A stop signal whose waiting moves a clock of its own by a second, ``left`` times."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self.now, self.left = 0.0, left

    def wait(self, timeout: float | None = None) -> bool:
        self.now += timeout or 0
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize("fails", [False, True])
def test_exchange_8_25_chores_come_at_their_intervals_and_a_failure_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, fails: bool
) -> None:
    """A chore that cannot be enqueued says so in the log and is tried again at the next interval."""
    often, seldom = Chore(fails=fails), Chore()
    monkeypatch.setattr(worker, "CHORES", ((timedelta(seconds=60), often), (timedelta(hours=1), seldom)))
    monkeypatch.setattr(worker, "close_old_connections", lambda: None)
    ticks = Ticks(7200)
    worker.run_clock(ticks, now=lambda: ticks.now)
    assert (often.count, seldom.count) == (120, 2)
    assert ("next try in" in caplog.text) is fails
