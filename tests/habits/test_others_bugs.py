"""Every bug that others had and we could have too (exchange §8) is a test of its number."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
NUMBERS = range(1, 28)


def test_every_bug_has_its_test() -> None:
    texts = "\n".join(p.read_text("utf-8") for p in TESTS.rglob("test_*.py"))
    told = {int(number) for number in re.findall(r"def test_exchange_8_(\d\d)_", texts)}
    assert told >= set(NUMBERS)
