"""Two real nodes, each a process with its own database, and one of them killed while objects go over."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.federation_nodes import CITY, PROVINCE, node
from benchmarks.node import free_port
from tests.kept import write_empty_database
from xinqiao.config.node_hand import link
from xinqiao.kernel.identifiers import make_uscc

pytestmark = [pytest.mark.sqlite, pytest.mark.slow]
FIRM = make_uscc("91", "610102", "MAT000001")


def until(look: Callable[[], Any], seconds: float = 30) -> Any:
    """What a look finds once it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come")


def test_nothing_is_lost_or_twice_when_a_process_is_killed_on_the_way(db: None, tmp_path: Path) -> None:
    province = node(PROVINCE, "province", tmp_path / "province", free_port())
    city = node(CITY, "city", tmp_path / "city", free_port())
    try:
        for one in (province, city):
            write_empty_database(one.home / "xinqiao.sqlite3")
            one.start()
        link(city, province)
        city.ask("spawn", plan=800, share=0.02)
        for _ in range(3):
            province.ask("spawn", plan=800, share=0.02)
            time.sleep(0.3)
            province.ask("kill")
        city.ask("register", firms=[[FIRM, "示例企业"]])
        city.ask("rename", code=FIRM, name="示例企业二")
        province.ask("spawn", again=True)
        until(lambda: province.ask("firm", code=FIRM) == "示例企业二")

        def equal() -> bool:
            here, there = city.ask("state", peer=PROVINCE), province.ask("state", peer=CITY)
            counts = sum(kind["count"] for kind in here["sent"])
            return here["sent"] == there["received"] and here["received"] == there["sent"] and counts > 700

        assert until(equal)
    finally:
        for one in (province, city):
            one.stop()
