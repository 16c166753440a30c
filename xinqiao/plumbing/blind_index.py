"""Looking up a value without storing it: a keyed digest that tells nothing to whoever lacks the key."""

from __future__ import annotations

import hashlib
import hmac
from functools import cache
from pathlib import Path

from xinqiao.plumbing import settings as node
from xinqiao.plumbing.key_store import FileSecret, own_key

INDEX_BYTES = 16
INDEX_KEY = "index.mac"


def blind_index(use: str, value: str) -> bytes:
    """The 16 bytes under which ``value`` is found in the column named ``use``; equal values give equal bytes.

    Each use has a key of its own, derived from the node's index key, so that two columns cannot be joined by it. The
    index key lies in the token where there is one; the key of a column is in memory while the node runs.
    """
    return hmac.digest(_column_key(node.keys_dir(), use), value.encode(), hashlib.sha256)[:INDEX_BYTES]


@cache
def _column_key(folder: Path, use: str) -> bytes:
    """The key of one column; the index key is made on first use and never changed: every index rests on it."""
    before = folder / "index.key"  # made before tokens were known; what it has indexed must stay findable
    if before.exists():
        return FileSecret(before.read_bytes()).digest(use.encode())
    key = own_key(INDEX_KEY)
    return bytes(key.digest(use.encode()))
