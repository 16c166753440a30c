"""Words of ingest: problems, flags, the outcome of a delivery, refusals, events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from xinqiao.evidence.types import Event
from xinqiao.kernel.errors import Invalid, NotFound, Refused

DELIVERED = Event("ingest.delivered", "接收报送", "delivery received")
UNDONE = Event("ingest.undone", "撤销报送", "delivery undone")
RETRACTED = Event("ingest.retracted", "撤回记录", "rows retracted")
PLANTED = Event("ingest.planted", "布设哨兵数据", "canary rows planted")
MAPPED = Event("ingest.columns_mapped", "列对应已保存", "column mapping saved")

UNDO_WINDOW = timedelta(hours=24)


class DeliveryStatus(StrEnum):
    """What became of a delivery."""

    ACCEPTED = "accepted"  # every row accepted
    PARTLY = "partly"  # good rows accepted, the rest staged for repair
    RETURNED = "returned"  # no row could be accepted
    EMPTY = "empty"  # nothing but a header, or nothing at all
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class Rule:
    """A check: its words for the person who repairs, and whether a row that fails is returned or only flagged."""

    code: str
    title: str
    repair: str
    returns: bool = True


RULES: Mapping[str, Rule] = {
    rule.code: rule
    for rule in (
        Rule("required", "必填项为空", "补填后重交"),
        Rule("uscc.form", "统一社会信用代码不是 18 位或含有不允许的字符", "核对营业执照上的代码"),
        Rule(
            "uscc.check_digit",
            "统一社会信用代码校验位不符",
            "已收下并标记；请核对是否录错一位",
            returns=False,
        ),
        Rule("date.form", "日期写法无法识别", "写成 2025-03-01"),
        Rule("date.future", "日期在今天之后", "核对年份"),
        Rule("date.too_old", "日期早于 1900 年，像是系统的空值", "没有日期就留空"),
        Rule("choice.unknown", "不在允许的取值之中", "从模板下拉列表中选择"),
        Rule("number.form", "不是数字", "去掉单位和文字，只写数字"),
        Rule("number.below", "小于允许的最小值", "核对数值和单位"),
        Rule("number.above", "大于允许的最大值", "核对数值和单位"),
        Rule("money.form", "金额写法无法识别", "写成以元为单位的数字，至多两位小数"),
        Rule(
            "capital.form",
            "注册资金写法无法识别，金额留空",
            "已收下并标记；请写成 100万人民币 这样的形式",
            returns=False,
        ),
        Rule("text.too_long", "文字超过 4000 字", "缩短后重交"),
        Rule("pattern", "不符合规定的格式", "核对编码规则"),
        Rule("division.form", "行政区划代码不是 6 位数字", "写成 6 位数字，如 610113"),
        Rule(
            "division.unknown",
            "行政区划代码不在区划表中",
            "已收下并标记；新设区划请通知节点更新区划表",
            returns=False,
        ),
        Rule("row.columns", "这一行的列数与表头不同", "检查是否多了逗号或换行"),
        Rule("row.duplicate", "与本次报送的另一行完全相同", "删去重复行"),
        Rule("row.key_repeated", "本次报送中同一主键出现多次，已取最后一行", "每个主键只保留最新一行"),
    )
}


@dataclass(frozen=True, slots=True)
class RepairGroup:
    """Problems of one kind in one field, grouped so that one repair mends them all."""

    field: str
    field_name: str
    code: str
    title: str
    repair: str
    rows: int
    returns: bool
    samples: tuple[tuple[int, str], ...]  # (row, what was written)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a delivery: ``accepted + returned == delivered``, always."""

    delivery: str
    item: str
    status: DeliveryStatus
    delivered: int
    accepted: int
    returned: int
    flagged: int
    groups: tuple[RepairGroup, ...]
    ignored_columns: tuple[str, ...]
    received_at: datetime
    undo_until: datetime | None
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """A delivery that brought rows and was not undone."""

    delivery: str
    item: str
    provider: str
    received_at: datetime
    delivered: int
    accepted: int


class UnreadableFile(Invalid):
    """The file is not a table that can be read."""

    code = "ingest.unreadable_file"
    title = "文件无法读取（{count} 处）"
    next_step = "请用 Excel（.xlsx）或 CSV（UTF-8、GB18030，可用 gzip 压缩）重新导出"


class ColumnsMissing(Invalid):
    """Required columns are not in the file, under any known name."""

    code = "ingest.columns_missing"
    title = "文件缺少 {count} 个必需的列"
    next_step = "请下载该数据项的模板，或在“列对应”中指出文件里哪一列是它"


class NotYourItem(Refused):
    """Who produces data provides it: another department answers for this item."""

    code = "ingest.not_your_item"
    title = "数据项“{item}”由{department}负责报送"
    clause = "谁产生、谁提供、谁负责（省级实施方案）"
    next_step = "请由责任部门报送，或联系节点调整共享清单"


class DeliveryErased(NotFound):
    """The delivered files were erased; what was counted and accepted stays; data: ``delivery``."""

    code = "ingest.delivery_erased"
    title = "报送 {delivery} 的原始文件已依法删除"
    next_step = "收下的数据不受影响；如需原始文件，请向报送部门索取"


class UndoClosed(Refused):
    """The 24 hours in which a delivery can be undone are over, or it was undone already."""

    code = "ingest.undo_closed"
    title = "报送 {delivery} 已不能撤销"
    next_step = "请改用“撤回记录”报送要撤回的主键，原因会一并留痕"
    status = 409


class UnknownDelivery(NotFound):
    """No delivery of that number, or not one of yours."""

    code = "ingest.unknown_delivery"
    title = "没有找到报送 {delivery}"
