"""Tables kept in memory: those used last, never more than so many bytes, the same answer with or without."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa

from xinqiao.records.lake import BESIDES, Recent

TABLE = pa.table({"n": pa.array(range(1000), pa.int64())})  # 8,000 bytes
SIZE = TABLE.nbytes + BESIDES


def test_what_was_used_longest_ago_goes_first() -> None:
    made: list[str] = []
    recent = Recent(3 * SIZE)

    def get(name: str) -> pa.Table:
        return recent.get((name, 0), lambda: made.append(name) or TABLE)  # type: ignore[func-returns-value]

    for name in ("a", "b", "c", "a", "d", "a", "b"):
        assert get(name) is TABLE
    assert made == ["a", "b", "c", "d", "b"], "b was used longest ago when d came"
    assert recent.held == 3 * SIZE


def test_a_table_larger_than_all_room_is_given_and_not_kept() -> None:
    recent = Recent(SIZE - 1)
    assert recent.get(("a", 0), lambda: TABLE) is TABLE
    assert recent.held == 0


def test_threads_get_the_right_table_and_the_count_stays_right() -> None:
    recent = Recent(5 * SIZE)
    tables = {n: pa.table({"n": pa.array([n] * 1000, pa.int64())}) for n in range(20)}

    def ask(turn: int) -> bool:
        number = turn * 7 % 20
        return recent.get(("f", number), lambda: tables[number]).column("n")[0].as_py() == number

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(4000)))
    assert recent.held == 5 * SIZE
