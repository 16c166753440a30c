"""The working days of the province that a node runs for."""

from __future__ import annotations

from xinqiao.kernel.working_days import WorkCalendar
from xinqiao.plumbing.settings import content_dir


def work_calendar() -> WorkCalendar:
    """The content's working days: its folder ``calendar``, a file for each year."""
    return WorkCalendar.load(content_dir() / "calendar")
