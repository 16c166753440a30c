"""Keeps delivered files and the problems found in them, sealed, so that nothing delivered is ever lost or lies open."""

from __future__ import annotations

import os
import secrets
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from xinqiao.ingest.types import DeliveryErased
from xinqiao.plumbing.settings import home
from xinqiao.vault.sealing import open_with, seal_with, sealing_keys, subject_keys
from xinqiao.vault.types import Sealing, delivery_subject


def _folder(delivery: str) -> Path:
    folder = home() / "inbox" / delivery[:6] / delivery
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def keep_file(delivery: str, number: int, data: bytes, *, now: datetime) -> str:
    """Store an original, sealed under the delivery's key; returns its path relative to the node's home."""
    return _keep(delivery, f"{number:03d}.sealed", data, now)


def keep_problems(delivery: str, problems: pa.Table, *, now: datetime) -> str:
    """Store the problems of a delivery as sealed Parquet; returns the path relative to the home."""
    sink = pa.BufferOutputStream()
    pq.write_table(problems, sink, compression="zstd")
    return _keep(delivery, "problems.sealed", sink.getvalue().to_pybytes(), now)


def _keep(delivery: str, name: str, data: bytes, now: datetime) -> str:
    subject = delivery_subject(delivery)
    key = sealing_keys([subject], now=now)[subject].newest
    assert key is not None
    return _store(_folder(delivery) / name, seal_with(key, data, place=f"inbox:{delivery}:{name}"))


def read_file(path: str) -> bytes:
    """An original as it was delivered; raises DeliveryErased, CannotOpen."""
    stored = home() / path
    data = stored.read_bytes()
    if stored.suffix != ".sealed":  # kept before files were sealed
        return data
    delivery = stored.parent.name
    subject = delivery_subject(delivery)
    entry = Sealing(subject, f"inbox:{delivery}:{stored.name}", sealed=data)
    found = open_with(subject_keys([subject]), entry)
    if found is None:
        raise DeliveryErased(delivery=delivery)
    return found


def read_problems(path: str) -> pa.Table:
    """The problems of a delivery; raises DeliveryErased, CannotOpen."""
    return pq.read_table(pa.BufferReader(read_file(path)))


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
