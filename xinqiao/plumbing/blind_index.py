"""Looking up a value without storing it: a keyed digest that tells nothing to whoever lacks the key."""

from __future__ import annotations

import hashlib
import hmac
import os
from contextlib import suppress
from functools import cache
from pathlib import Path

from xinqiao.plumbing import settings as node

INDEX_BYTES = 16


def blind_index(use: str, value: str) -> bytes:
    """The 16 bytes under which ``value`` is found in the column named ``use``; equal values give equal bytes.

    Each use has a key of its own, derived from ``index.key``, so that two columns cannot be joined by it.
    """
    key = hmac.digest(_index_key(node.keys_dir() / "index.key"), use.encode(), hashlib.sha256)
    return hmac.digest(key, value.encode(), hashlib.sha256)[:INDEX_BYTES]


@cache
def _index_key(path: Path) -> bytes:
    """The node's index key, made on first use; whole or not at all, so that no process reads half a key."""
    if not path.exists():
        beside = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(32))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another process of the node was first
            os.link(beside, path)
        beside.unlink()
    return path.read_bytes()
