"""Keeps delivered files and the problems found in them, so that nothing delivered is ever lost."""

from __future__ import annotations

import os
import secrets
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from xinqiao.plumbing.settings import home


def _folder(delivery: str) -> Path:
    folder = home() / "inbox" / delivery[:6] / delivery
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def keep_file(delivery: str, number: int, data: bytes) -> str:
    """Store an original under the node's home; returns its path relative to it."""
    return _store(_folder(delivery) / f"{number:03d}.original", data)


def keep_problems(delivery: str, problems: pa.Table) -> str:
    """Store the problems of a delivery as Parquet; returns the path relative to the home."""
    sink = pa.BufferOutputStream()
    pq.write_table(problems, sink, compression="zstd")
    return _store(_folder(delivery) / "problems.parquet", sink.getvalue().to_pybytes())


def read_file(path: str) -> bytes:
    """An original as it was delivered."""
    return (home() / path).read_bytes()


def read_problems(path: str) -> pa.Table:
    """The problems of a delivery."""
    return pq.read_table(home() / path)


def _store(path: Path, data: bytes) -> str:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    with temporary.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    temporary.rename(path)
    return str(path.relative_to(home()))


def remove_unclaimed(claimed: set[str], *, older_than: timedelta, now: datetime) -> list[str]:
    """Delete the folders of deliveries that were never registered (a process died between); returns their names."""
    removed = []
    for folder in (home() / "inbox").glob("*/*"):
        changed = datetime.fromtimestamp(folder.stat().st_mtime, UTC)
        if folder.name not in claimed and changed <= now - older_than:
            shutil.rmtree(folder)
            removed.append(folder.name)
    return removed
