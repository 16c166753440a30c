"""Unified social credit codes (GB 32100-2015) in bulk, from blocks that no authority has issued."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from xinqiao.catalogue.sample.types import Bools, Ints

Bytes = npt.NDArray[np.uint8]

CHARACTERS = np.frombuffer(b"0123456789ABCDEFGHJKLMNPQRTUWXY", np.uint8)
WEIGHTS = np.array([pow(3, i, 31) for i in range(17)], np.int64)
BODY_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2], np.int64)
# MA0 to MAF are in use or next in line; these letters are far from issue. Y is kept for demonstration firms.
BLOCKS = np.frombuffer(b"NPQRTUWX", np.uint8)
BLOCK = 31**5
CAPACITY = BLOCK * len(BLOCKS)
STRIDE = 1_000_003 * 37  # coprime to CAPACITY: a walk over it that never meets itself

_VALUE = np.full(256, 255, np.int64)
_VALUE[CHARACTERS] = range(31)
# GB 11714 counts over the full alphabet: J is 19 there and 18 in GB 32100.
_BODY_VALUE = np.zeros(256, np.int64)
_BODY_VALUE[np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", np.uint8)] = range(36)
_BODY_CHECK = np.frombuffer(b"?123456789X0", np.uint8)


def make_codes(serial: Ints, *, seed: int, classes: Bytes, divisions: Bytes) -> Bytes:
    """Valid codes, one a row of 18 bytes; distinct for distinct ``serial`` (below CAPACITY) of one seed."""
    place = (serial * STRIDE + seed * 7_919) % CAPACITY
    codes = np.empty((len(serial), 18), np.uint8)
    codes[:, 0:2] = classes
    codes[:, 2:8] = divisions
    codes[:, 8:10] = np.frombuffer(b"MA", np.uint8)
    codes[:, 10] = BLOCKS[place // BLOCK]
    rest = place % BLOCK
    for column in range(15, 10, -1):
        codes[:, column] = CHARACTERS[rest % 31]
        rest = rest // 31
    codes[:, 16] = _BODY_CHECK[11 - _BODY_VALUE[codes[:, 8:16]] @ BODY_WEIGHTS % 11]
    codes[:, 17] = _check(codes)
    return codes


def _check(codes: Bytes) -> Bytes:
    position: Ints = (31 - _VALUE[codes[:, :17]] @ WEIGHTS % 31) % 31
    return CHARACTERS[position]


def is_valid(code: str) -> bool:
    """Whether a code has 18 permitted characters and the right check character."""
    letters = np.frombuffer(code.encode("ascii", "replace"), np.uint8).reshape(1, -1)
    if letters.shape[1] != 18 or (_VALUE[letters] > 30).any():
        return False
    wrong: Bools = _check(letters) != letters[:, 17]
    return not wrong.any()
