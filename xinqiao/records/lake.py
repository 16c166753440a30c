"""Parquet files in a folder or on a shared file system. Writing is durable before it returns."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache, lru_cache, partial
from pathlib import Path
from threading import Lock
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import fs

from xinqiao.kernel.digesting import Digesting
from xinqiao.kernel.durable import durable_file
from xinqiao.plumbing.settings import lake_uri
from xinqiao.records.types import FileFacts

# Small enough that one enterprise's rows cost one small read, large enough to compress well and to be few: of a wide
# table (a run has hundreds of columns) fewer rows, because a group is read whole, and of a short one, because most
# items are short and every answer reads from all of them.
ROW_GROUP, CELLS, FEWEST_ROWS, GROUPS = 8_192, 2**20, 1_024, 256
WIDE = 100  # columns of a file that is read alone
FOOTERS = 4096  # of this many files the footer stays in memory
SCRATCH = "work"  # folder of what a run keeps between its steps; nothing in it is ever registered
AFTER_ALL = "\U0010ffff"  # no code comes after this
BESIDES = 2_048  # bytes that a table takes beside its values; most hold no row
ROWS_BYTES = 64 * 2**20  # rows of enterprises read last that stay in memory; files never change once written


class Recent:
    """Tables used last, up to so many bytes; what was used longest ago goes first. Safe among threads."""

    def __init__(self, most_bytes: int) -> None:
        self._most, self._held = most_bytes, 0
        self._tables: OrderedDict[Hashable, tuple[pa.Table, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], pa.Table]) -> pa.Table:
        """The table of that key, made when it is not held."""
        with self._lock:
            if key in self._tables:
                self._tables.move_to_end(key)
                return self._tables[key][0]
        made = make()
        size = made.get_total_buffer_size() + BESIDES
        with self._lock:
            if key not in self._tables and size <= self._most:
                self._tables[key] = made, size
                self._held += size
            while self._held > self._most:
                self._held -= self._tables.popitem(last=False)[1][1]
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
        self._rows = Recent(ROWS_BYTES)

    def full(self, path: str) -> str:
        """The path as pyarrow's file system takes it."""
        return f"{self.root}/{path}"

    def url(self, path: str) -> str:
        """The path as a Spark reader takes it."""
        return f"{self.prefix}/{path}"

    def write(self, table: pa.Table, path: str) -> FileFacts:
        """Write a table sorted by ``_enterprise``; the bytes are on disk when this returns."""
        return self.write_parts([table], path, rows=table.num_rows)

    def write_parts(self, parts: Iterable[pa.Table], path: str, *, rows: int | None = None) -> FileFacts:
        """Write one file of tables that follow each other, at least one, sorted by ``_enterprise`` also across them.

        ``rows`` is about how many they have together, where that is known: a short file has smaller row groups.
        Only one part is in memory at a time. The bytes are on disk, under the final name, when this returns.
        """
        self.filesystem.create_dir(self.full(path).rpartition("/")[0], recursive=True)
        with self._durable(path) as out:
            digests = Digesting(out, sm3=True)
            tally = _write_parquet(parts, digests, ROW_GROUP if rows is None else rows // GROUPS)
        return FileFacts(path=path, size=digests.size, sha256=digests.sha256, sm3=digests.sm3, **tally)

    @contextmanager
    def _durable(self, path: str) -> Iterator[IO[bytes]]:
        """A file that has its name only once its bytes are safe; where files are not local, that is the store's."""
        if not self.local:
            with self.filesystem.open_output_stream(self.full(path)) as out:
                yield out
            return
        with durable_file(Path(self.full(path))) as file:
            yield file

    def columns(self, path: str, names: Sequence[str]) -> pa.Table:
        """Some columns of a file, all rows."""
        return pq.read_table(self.full(path), filesystem=self.filesystem, columns=list(names), partitioning=None)

    def columns_where(self, path: str, names: Sequence[str], column: str, value: str) -> pa.Table:
        """Some columns of the rows of a file that hold one value; row group by row group."""
        chosen = [(column, "=", value)]
        return pq.read_table(
            self.full(path), filesystem=self.filesystem, columns=list(names), filters=chosen, partitioning=None
        )

    def empty_cells(self, path: str) -> dict[str, int]:
        """How many cells of each column are empty, as the footer says: no row is read."""
        metadata = self._footer(path)[0]
        counts: dict[str, int] = dict.fromkeys(metadata.schema.names, 0)
        for number in range(metadata.num_row_groups):
            for position, name in enumerate(metadata.schema.names):
                found = metadata.row_group(number).column(position).statistics
                counts[name] += found.null_count if found is not None else 0
        return counts

    def column_names(self, path: str) -> list[str]:
        """The columns that a file has."""
        return list(self._footer(path)[0].schema.names)

    def read_bytes(self, path: str) -> bytes:
        """The whole file, for checking its digest."""
        with self.filesystem.open_input_stream(self.full(path)) as stream:
            return bytes(stream.read())

    def read(self, path: str, *, enterprise: str | None = None, columns: Collection[str] | None = None) -> pa.Table:
        """A file's rows, or only those of one enterprise (row groups outside its code are not opened).

        Of one enterprise's rows only ``columns`` where they are named, as far as the file has them; ``_enterprise``
        always.
        """
        if enterprise is None:
            return pq.read_table(self.full(path), filesystem=self.filesystem, partitioning=None)
        metadata, spans, empty = self._footer(path)
        chosen = None
        if columns is not None:
            chosen = tuple(name for name in metadata.schema.names if name == "_enterprise" or name in columns)
            empty = empty.select(chosen)
        groups = [n for n, (first, last) in enumerate(spans) if first <= enterprise <= last]
        if not groups:
            return empty
        read = partial(self._read_rows, path, metadata, enterprise, empty)
        return pa.concat_tables(self._rows.get((path, n, chosen, enterprise), partial(read, n)) for n in groups)

    def _read_rows(
        self, path: str, metadata: pq.FileMetaData, enterprise: str, empty: pa.Table, number: int
    ) -> pa.Table:
        """Rows of one enterprise in one row group. Most items hold nothing of it, so codes are looked through first;
        the other columns, which take seven times as long, are decoded no further than to its last row."""
        with self.filesystem.open_input_file(self.full(path)) as source:
            file = pq.ParquetFile(source, metadata=metadata)
            codes = file.read_row_groups([number], columns=["_enterprise"], use_threads=False).column(0)
            first = pc.index(codes, enterprise).as_py()
            if first < 0:
                return empty
            count = pc.sum(pc.equal(codes, enterprise)).as_py()
            # Of many files at once each is one thread's; of a wide one, a run's, the columns are shared out.
            wide = empty.num_columns > WIDE
            reader = file.iter_batches(first + count, row_groups=[number], columns=empty.column_names, use_threads=wide)
            # Taken, not sliced: what is kept must not hold the rest of the group.
            return pa.Table.from_batches([next(reader).take(pa.array(range(first, first + count)))])

    def read_span(self, path: str, first: str | None, below: str | None) -> pa.Table:
        """Rows of enterprises from ``first`` to before ``below``, None = open; other row groups are not read."""
        metadata, spans, _ = self._footer(path)
        low, high = first or "", below or AFTER_ALL
        groups = [n for n, (least, greatest) in enumerate(spans) if least < high and greatest >= low]
        with self.filesystem.open_input_file(self.full(path)) as source:
            table = pq.ParquetFile(source, metadata=metadata).read_row_groups(groups, use_threads=False)
        codes = table.column("_enterprise")
        return table.filter(pc.and_(pc.greater_equal(codes, low), pc.less(codes, high)))

    def _read_footer(self, path: str) -> tuple[pq.FileMetaData, tuple[tuple[str, str], ...], pa.Table]:
        """A file's metadata, the first and last enterprise of each row group, and its columns without a row; files
        never change once written."""
        with self.filesystem.open_input_file(self.full(path)) as source:
            metadata = pq.read_metadata(source)
        column = metadata.schema.names.index("_enterprise")
        spans = tuple(_span(metadata.row_group(n).column(column)) for n in range(metadata.num_row_groups))
        return metadata, spans, metadata.schema.to_arrow_schema().empty_table()

    def remove(self, path: str) -> None:
        """Delete a file that nothing registers."""
        self.filesystem.delete_file(self.full(path))

    def remove_folder(self, path: str) -> None:
        """Delete a folder and all in it; one that is not there is no fault."""
        if self.has_folder(path):
            self.filesystem.delete_dir(self.full(path))

    def has_folder(self, path: str) -> bool:
        """Whether there is a folder of that name."""
        return bool(self.filesystem.get_file_info(self.full(path)).type is fs.FileType.Directory)

    def has_rows(self, path: str) -> bool:
        """Whether a folder holds a Parquet file: of no rows an engine may write none."""
        found = self.filesystem.get_file_info(fs.FileSelector(self.full(path), allow_not_found=True))
        return any(info.extension == "parquet" for info in found)

    def list_folders(self, path: str) -> list[str]:
        """The names of the folders in a folder."""
        selector = fs.FileSelector(self.full(path), allow_not_found=True)
        found = self.filesystem.get_file_info(selector)
        return sorted(info.base_name for info in found if info.type is fs.FileType.Directory)

    def list_files(self) -> Iterator[tuple[str, datetime]]:
        """Every file of the lake with its time of change, temporary ones included; not what a run keeps for itself."""
        selector = fs.FileSelector(self.root, recursive=True, allow_not_found=True)
        for info in self.filesystem.get_file_info(selector):
            inside = info.path[len(self.root) + 1 :]
            if info.type is fs.FileType.File and not inside.startswith(f"{SCRATCH}/"):
                changed = info.mtime or datetime.fromtimestamp(0, UTC)
                yield inside, changed


def _span(column: pq.ColumnChunkMetaData) -> tuple[str, str]:
    """The least and the greatest value; without statistics nothing can be left out."""
    found = column.statistics
    return (found.min, found.max) if found is not None and found.has_min_max else ("", AFTER_ALL)


def _write_parquet(parts: Iterable[pa.Table], out: Digesting, group: int) -> dict[str, Any]:
    """Write the parts as one file of groups of ``group`` rows where that is neither too few nor too many; rows, first
    and last enterprise, and the earliest time of recording."""
    tally: dict[str, Any] = {"rows": 0, "first_enterprise": "", "last_enterprise": "", "first_recorded_at": None}
    writer = None
    for part in parts:
        writer = writer or pq.ParquetWriter(
            out, part.schema, compression="zstd", store_schema=True, use_dictionary=_repeating(part)
        )
        most = min(ROW_GROUP, CELLS // part.num_columns, group)
        writer.write_table(part, row_group_size=max(FEWEST_ROWS, most))
        if part.num_rows:
            codes, earliest = part.column("_enterprise"), pc.min(part.column("_recorded_at")).as_py()
            tally["first_enterprise"] = tally["first_enterprise"] or codes[0].as_py()
            tally["last_enterprise"] = codes[-1].as_py()
            tally["first_recorded_at"] = min(tally["first_recorded_at"] or earliest, earliest)
            tally["rows"] += part.num_rows
    assert writer is not None, "a file has at least one part"
    writer.close()
    return tally


def _repeating(part: pa.Table) -> list[str]:
    """The columns whose values repeat within a row group, by the first one: for the others a dictionary is a burden."""
    first = part.slice(0, ROW_GROUP)
    return [n for n in part.schema.names if pc.count_distinct(first.column(n)).as_py() <= first.num_rows // 2]


@cache
def lake() -> Lake:
    """The node's lake, as XINQIAO_LAKE names it."""
    return Lake(lake_uri())
