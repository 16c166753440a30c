"""The log's own key: made on first use, kept with the node's other keys."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from pathlib import Path

from xinqiao.evidence.notes import LogKey
from xinqiao.kernel.crypto import SigningKey
from xinqiao.plumbing import settings as node


def signing_key() -> SigningKey:
    """The private key that signs checkpoints and promises (``log.key``)."""
    return _load(node.keys_dir() / "log.key")


def log_key() -> LogKey:
    """The public key under the log's name, as verifiers know it."""
    return LogKey(node.log_origin(), signing_key().public)


@cache
def _load(path: Path) -> SigningKey:
    if not path.exists():
        with suppress(FileExistsError):  # another process of the node was first: its key is the log's key
            SigningKey.generate().save(path)
    return SigningKey.load(path)
