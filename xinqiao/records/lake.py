"""Parquet files in a folder or on a shared file system. Writing is durable before it returns."""

from __future__ import annotations

import os
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from threading import Lock

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import fs

from xinqiao.kernel.canonical import sha256_hex, sm3_hex
from xinqiao.plumbing.settings import lake_uri
from xinqiao.records.types import FileFacts

# Small enough that one enterprise's rows cost one small read, large enough to compress well.
ROW_GROUP = 16_384
FOOTERS = 4096  # of this many files the footer stays in memory
GROUP_BYTES = 256 * 2**20  # decoded row groups read last that stay in memory; files never change once written


class Recent:
    """Tables used last, up to so many bytes; what was used longest ago goes first. Safe among threads."""

    def __init__(self, most_bytes: int) -> None:
        self._most, self._held = most_bytes, 0
        self._tables: OrderedDict[tuple[str, int], pa.Table] = OrderedDict()
        self._lock = Lock()

    def get(self, key: tuple[str, int], make: Callable[[], pa.Table]) -> pa.Table:
        """The table of that key, made when it is not held."""
        with self._lock:
            if key in self._tables:
                self._tables.move_to_end(key)
                return self._tables[key]
        made = make()
        with self._lock:
            if key not in self._tables and made.nbytes <= self._most:
                self._tables[key] = made
                self._held += made.nbytes
            while self._held > self._most:
                self._held -= self._tables.popitem(last=False)[1].nbytes
        return made

    @property
    def held(self) -> int:
        """Bytes held now."""
        return self._held


class Lake:
    """A root of Parquet files, named by a local folder or by a URI that pyarrow understands."""

    def __init__(self, uri: str) -> None:
        if "://" in uri:
            self.filesystem, self.root = fs.FileSystem.from_uri(uri)
            self.local = isinstance(self.filesystem, fs.LocalFileSystem)
            self.prefix = uri.rstrip("/")
        else:
            self.filesystem, self.root, self.local = fs.LocalFileSystem(), str(Path(uri).resolve()), True
            self.prefix = self.root
        self._footer = lru_cache(maxsize=FOOTERS)(self._read_footer)
        self._groups = Recent(GROUP_BYTES)

    def full(self, path: str) -> str:
        """The path as pyarrow's file system takes it."""
        return f"{self.root}/{path}"

    def url(self, path: str) -> str:
        """The path as a Spark reader takes it."""
        return f"{self.prefix}/{path}"

    def write(self, table: pa.Table, path: str) -> FileFacts:
        """Write a table sorted by ``_enterprise``; the bytes are on disk when this returns."""
        data = _encode(table)
        self._store(path, data)
        enterprises = table.column("_enterprise")
        span = pc.min_max(enterprises)
        return FileFacts(
            path=path,
            rows=table.num_rows,
            size=len(data),
            sha256=sha256_hex(data),
            sm3=sm3_hex(data),
            first_enterprise=span["min"].as_py() or "",
            last_enterprise=span["max"].as_py() or "",
            first_recorded_at=pc.min(table.column("_recorded_at")).as_py(),
        )

    def _store(self, path: str, data: bytes) -> None:
        self.filesystem.create_dir(self.full(path).rpartition("/")[0], recursive=True)
        if not self.local:
            with self.filesystem.open_output_stream(self.full(path)) as out:
                out.write(data)
            return
        final = Path(self.full(path))
        temporary = final.with_name(f".{final.name}.{secrets.token_hex(4)}.tmp")
        with temporary.open("wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        temporary.rename(final)
        _sync_folder(final.parent)

    def columns(self, path: str, names: Sequence[str]) -> pa.Table:
        """Some columns of a file, all rows."""
        return pq.read_table(self.full(path), filesystem=self.filesystem, columns=list(names), partitioning=None)

    def column_names(self, path: str) -> list[str]:
        """The columns that a file has."""
        return list(self._footer(path)[0].schema.names)

    def read_bytes(self, path: str) -> bytes:
        """The whole file, for checking its digest."""
        with self.filesystem.open_input_stream(self.full(path)) as stream:
            return bytes(stream.read())

    def read(self, path: str, *, enterprise: str | None = None) -> pa.Table:
        """A file's rows, or only those of one enterprise (row groups outside its code are not opened)."""
        if enterprise is None:
            return pq.read_table(self.full(path), filesystem=self.filesystem, partitioning=None)
        metadata, spans = self._footer(path)
        groups = [n for n, (first, last) in enumerate(spans) if first <= enterprise <= last]
        if not groups:
            return metadata.schema.to_arrow_schema().empty_table()
        tables = [self._groups.get((path, n), lambda n=n: self._read_group(path, metadata, n)) for n in groups]
        return pa.concat_tables(table.filter(pc.equal(table.column("_enterprise"), enterprise)) for table in tables)

    def _read_group(self, path: str, metadata: pq.FileMetaData, number: int) -> pa.Table:
        with self.filesystem.open_input_file(self.full(path)) as source:
            return pq.ParquetFile(source, metadata=metadata).read_row_groups([number], use_threads=False)

    def _read_footer(self, path: str) -> tuple[pq.FileMetaData, tuple[tuple[str, str], ...]]:
        """A file's metadata and the first and last enterprise of each row group; files never change once written."""
        with self.filesystem.open_input_file(self.full(path)) as source:
            metadata = pq.read_metadata(source)
        column = metadata.schema.names.index("_enterprise")
        return metadata, tuple(_span(metadata.row_group(n).column(column)) for n in range(metadata.num_row_groups))

    def remove(self, path: str) -> None:
        """Delete a file that nothing registers."""
        self.filesystem.delete_file(self.full(path))

    def list_files(self) -> Iterator[tuple[str, datetime]]:
        """Every file under the root with its time of change, temporary ones included."""
        selector = fs.FileSelector(self.root, recursive=True, allow_not_found=True)
        for info in self.filesystem.get_file_info(selector):
            if info.type is fs.FileType.File:
                changed = info.mtime or datetime.fromtimestamp(0, UTC)
                yield info.path[len(self.root) + 1 :], changed


def _span(column: pq.ColumnChunkMetaData) -> tuple[str, str]:
    """The least and the greatest value; without statistics nothing can be left out."""
    found = column.statistics
    return (found.min, found.max) if found is not None and found.has_min_max else ("", "\U0010ffff")


def _encode(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", row_group_size=ROW_GROUP, store_schema=True)
    return sink.getvalue().to_pybytes()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@cache
def lake() -> Lake:
    """The node's lake, as XINQIAO_LAKE names it."""
    return Lake(lake_uri())
