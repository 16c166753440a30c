"""The index finds exactly what holds the text, in the promised order; initials as people type them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xinqiao.directory.build import folded
from xinqiao.directory.letters import initials
from xinqiao.kernel import grams
from xinqiao.kernel.grams import Grams, build, search

TEXT = st.text(alphabet="西安示例商贸公司AB", max_size=8)


@given(
    st.lists(TEXT, max_size=30),
    st.lists(st.text(alphabet="西安示例商贸公司AB", min_size=1, max_size=4), min_size=1, max_size=3),
)
@settings(max_examples=300, deadline=None)
def test_what_is_found_is_what_holds_every_word(texts: list[str], words: list[str]) -> None:
    """Compared with looking at each text; words shorter than the index's grams are checked beside a longer one."""
    column = pa.array(texts, pa.string())
    found = search(build(column, size=2), column, words, most=1000)
    expected = [n for n, text in enumerate(texts) if all(word in text for word in words)]
    if all(len(word) < 2 for word in words):
        assert found is None
    else:
        assert found is not None and found.rows.tolist() == expected and found.total == len(expected)


def test_of_very_many_only_as_many_as_wanted_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first ones in order are right; how many there are is then not said rather than guessed."""
    monkeypatch.setattr(grams, "FEW", 10)
    monkeypatch.setattr(grams, "BLOCK", 7)
    column = pa.array([f"{'甲' if n % 3 else '乙'}商贸公司" for n in range(200)])
    found = search(build(column, size=2), column, ["甲商贸公"], most=5)
    assert found is not None and found.rows.tolist() == [1, 2, 4, 5, 7] and found.total is None
    every = search(build(column, size=2), column, ["乙商贸"], most=1000)
    assert every is not None and every.total == 67


def test_an_index_is_the_same_after_saving(tmp_path: Path) -> None:
    column = pa.array(["西安示例", "示例商贸", ""])
    made = build(column, size=2)
    made.save(tmp_path, "names")
    read = Grams.load(tmp_path, "names", size=2)
    assert all(np.array_equal(getattr(made, part), getattr(read, part)) for part in ("keys", "starts", "rows"))
    assert read.holding("示例").tolist() == [0, 1]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("西安示例商贸有限公司", "xaslsmyxgs"),
        ("重庆小面长安区店", "cqxmcaqd"),
        ("长江银行", "cjyh"),
        ("ABC科技(陕西)有限公司", "abckjsxyxgs"),
        ("360数科", "360sk"),
        ("", ""),
    ],
)
def test_initials_read_polyphonic_characters_by_their_word(name: str, letters: str) -> None:
    assert initials(pa.array([name]))[0].as_py() == letters


def test_names_are_compared_without_width_blanks_and_case() -> None:
    written = pa.array(["ＡＢｃ 科技（陕西）·有限公司"])
    assert folded(written)[0].as_py() == "ABC科技(陕西)有限公司"
