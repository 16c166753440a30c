"""Parquet files in a folder or on a shared file system. Writing is durable before it returns."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path

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
        with self.filesystem.open_input_file(self.full(path)) as source:
            file = pq.ParquetFile(source, metadata=metadata)
            if not groups:
                return file.schema_arrow.empty_table()
            rows = file.read_row_groups(groups, use_threads=False)
        return rows.filter(pc.equal(rows.column("_enterprise"), enterprise))

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
