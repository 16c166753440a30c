"""Words of the lake: file facts, system columns, events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

import pyarrow as pa

from xinqiao.evidence.types import Event
from xinqiao.kernel.errors import Corrupt, Refused

FILE_REGISTERED = Event("records.file_registered", "数据文件入库", "records file registered")
FILE_WITHDRAWN = Event("records.file_withdrawn", "数据文件撤回", "records file withdrawn")
ROWS_REMOVED = Event("records.rows_removed", "记录到期删除", "rows deleted at the end of their term")
FILES_COMPACTED = Event("records.files_compacted", "数据文件合并", "records files compacted")

SYSTEM_SCHEMA = pa.schema(
    [
        pa.field("_enterprise", pa.string(), nullable=False),
        pa.field("_occurred_on", pa.date32()),
        pa.field("_recorded_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("_batch", pa.string(), nullable=False),
        pa.field("_row", pa.int32(), nullable=False),
        pa.field("_op", pa.string(), nullable=False),
        pa.field("_flags", pa.string()),
    ]
)


RECORDING = ("_recorded_at", "_batch", "_row")  # the later of two rows of a key is the greater of these


class Op(StrEnum):
    """What a row does to the row of the same key before it."""

    PUT = "put"
    RETRACT = "retract"


class FileKind(StrEnum):
    """Where a file comes from."""

    DELIVERY = "delivery"
    ANSWER = "answer"  # what a source said of one enterprise: it says nothing of the others
    RETRACTION = "retraction"
    CORRECTION = "correction"  # what a dispute or a repair put right, about one enterprise
    BUCKET = "bucket"
    RUN = "run"  # results of an evaluation


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A written Parquet file: path inside the lake, rows, bytes, digests, and the enterprises it spans."""

    path: str
    rows: int
    size: int
    sha256: str
    sm3: str
    first_enterprise: str
    last_enterprise: str
    first_recorded_at: datetime


@dataclass(frozen=True, slots=True)
class AsOf:
    """The two times of a view: true on ``valid``, as known at ``known`` (an aware instant)."""

    valid: date
    known: datetime


class LakeDamaged(Corrupt):
    """A registered file is missing or its digest differs."""

    code = "records.lake_damaged"
    title = "数据文件 {path} 与登记不符：{what}"


class BatchNotVisible(Refused):
    """The batch holds no file that could be withdrawn."""

    code = "records.batch_not_visible"
    title = "批次 {batch} 没有可撤回的数据文件"
    next_step = "请核对批次编号；已合并或已撤回的批次不能再撤回"
    status = 409
