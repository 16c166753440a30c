"""The engine session: a Spark address where nothing listens is said so at once."""

from __future__ import annotations

import time

import pytest

from xinqiao.indicators import engine
from xinqiao.indicators.types import EngineUnavailable


def test_a_silent_spark_address_fails_at_once_with_a_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_session", None)
    monkeypatch.setattr(engine, "spark_url", lambda: "sc://127.0.0.1:9")
    began = time.monotonic()
    with pytest.raises(EngineUnavailable) as caught:
        engine.session()
    assert time.monotonic() - began < 5
    assert "XINQIAO_SPARK" in caught.value.next_step
