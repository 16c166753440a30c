"""The key behind the labels of chains: made on first use, kept with the node's other keys."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache
from pathlib import Path

from xinqiao.evidence.chains import ChainSigningKey
from xinqiao.plumbing import settings as node


def chain_key() -> ChainSigningKey:
    """The private key that labels accesses (``chain.pem``).

    It is never rotated within one log: a second key would let a subject have a second chain.
    """
    return _load(node.keys_dir() / "chain.pem")


@cache
def _load(path: Path) -> ChainSigningKey:
    if not path.exists():
        beside = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(ChainSigningKey.generate().private_pem)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another process of the node was first: its key is the log's key
            os.link(beside, path)
        beside.unlink()
    return ChainSigningKey(path.read_bytes())
