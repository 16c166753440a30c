"""Keeps delivered files and the problems found in them, sealed, so that nothing delivered is ever lost or lies open."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from xinqiao.ingest.reading import Upload
from xinqiao.ingest.types import DeliveryErased
from xinqiao.kernel.durable import durable_file
from xinqiao.kernel.parts import Parts
from xinqiao.kernel.suites import SealedFile
from xinqiao.plumbing.settings import home
from xinqiao.vault.sealing import open_file_with, seal_into, sealing_keys, subject_keys
from xinqiao.vault.types import delivery_subject

BLOCK = 1 << 20  # bytes


def _folder(delivery: str) -> Path:
    folder = home() / "inbox" / delivery[:6] / delivery
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class Keeper:
    """Stores what belongs to one delivery under its key, looked up once: keeping itself asks no database."""

    def __init__(self, delivery: str, *, now: datetime) -> None:
        subject = delivery_subject(delivery)
        key = sealing_keys([subject], now=now)[subject].newest
        assert key is not None
        self._delivery, self._key = delivery, key

    def keep_file(self, number: int, upload: Upload) -> str:
        """Store an original; returns its path relative to the node's home."""
        with self._sealed(f"{number:03d}.sealed") as (path, out), upload.open() as data:
            shutil.copyfileobj(data, out, BLOCK)
        return path

    def keep_problems(self, problems: Iterable[pa.Table]) -> str:
        """Store the problems of the delivery as Parquet; returns the path, empty when there are none."""
        tables = iter(problems)
        first = next(tables, None)
        if first is None:
            return ""
        with (
            self._sealed("problems.sealed") as (path, out),
            pq.ParquetWriter(out, first.schema, compression="zstd") as writer,
        ):
            for table in chain([first], tables):
                writer.write_table(table)
        return path

    @contextmanager
    def _sealed(self, name: str) -> Iterator[tuple[str, SealedFile]]:
        """A file that has its name only once it is sealed and safe."""
        path = _folder(self._delivery) / name
        with durable_file(path) as file:
            out = seal_into(self._key, file, place=_place(self._delivery, name))
            yield str(path.relative_to(home())), out
            out.finish()


def _place(delivery: str, name: str) -> str:
    return f"inbox:{delivery}:{name}"


def keep_file(delivery: str, number: int, data: bytes, *, now: datetime) -> str:
    """Store one original, sealed under the delivery's key; returns its path relative to the node's home."""
    return Keeper(delivery, now=now).keep_file(number, Upload("", data))


@dataclass(frozen=True, slots=True)
class Original:
    """A delivered file as it was handed in: its name, and where it is stored."""

    name: str
    path: str

    def open(self) -> io.BufferedReader:
        """Its bytes as a stream, all of them verified first; raises DeliveryErased, CannotOpen."""
        stored = home() / self.path
        if stored.suffix != ".sealed":  # kept before files were sealed
            return stored.open("rb")
        return io.BufferedReader(Parts(_opened(stored)), BLOCK)


def _opened(stored: Path) -> Iterator[bytes]:
    delivery = stored.parent.name
    subject = delivery_subject(delivery)
    with stored.open("rb") as sealed:
        blocks = open_file_with(subject_keys([subject]), subject, sealed, place=_place(delivery, stored.name))
        if blocks is None:
            raise DeliveryErased(delivery=delivery)
        yield from blocks


def read_problems(path: str) -> pa.Table:
    """The problems of a delivery; raises DeliveryErased, CannotOpen."""
    with Original("", path).open() as stream:
        return pq.read_table(pa.BufferReader(stream.read()))


def remove_unclaimed(claimed: set[str], *, older_than: timedelta, now: datetime) -> list[str]:
    """Delete the folders of deliveries that were never registered (a process died between); returns their names."""
    removed = []
    for folder in (home() / "inbox").glob("*/*"):
        changed = datetime.fromtimestamp(folder.stat().st_mtime, UTC)
        if folder.name not in claimed and changed <= now - older_than:
            shutil.rmtree(folder)
            removed.append(folder.name)
    return removed
