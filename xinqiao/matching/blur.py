"""What an institution is counted by is not the very value: each firm's numbers are shifted a little, always alike.

Whoever moves a bound up and down while a count falls below the floor finds where a firm stands only to within five per
cent. The shift rests on a key of the node, the firm and what is compared, and on nothing else: asking again, from
another institution or in another combination, gives the same, so nothing averages out.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from xinqiao.kernel.canonical import sha256_hex
from xinqiao.plumbing.blind_index import blind_index

USE = "matching.blur"
THOUSANDTHS = 50  # the most a number is shifted, up or down
Seeds = npt.NDArray[np.uint64]


def seeds(codes: Iterable[str]) -> Seeds:
    """A number of each firm that nobody without the node's key can tell."""
    return np.array([_seed(code) for code in codes], np.uint64)


@lru_cache(maxsize=2_000_000)
def _seed(code: str) -> int:
    return int.from_bytes(blind_index(USE, code)[:8], "big")


def shifts(firms: Seeds, what: str) -> npt.NDArray[np.float64]:
    """By what each firm's number of one kind is multiplied: between 0.95 and 1.05."""
    mixed = firms ^ np.uint64(int(sha256_hex(what.encode())[:16], 16))
    with np.errstate(over="ignore"):  # splitmix64
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    steps = (mixed % np.uint64(2 * THOUSANDTHS + 1)).astype(np.int64) - THOUSANDTHS
    return 1 + steps / 1000
