"""Words of ingest: problems, flags, the outcome of a delivery, refusals, events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from xinqiao.evidence.types import Event
from xinqiao.kernel.errors import Invalid, NotFound, Refused
from xinqiao.subjects.types import Asked, Candidate

DELIVERED = Event("ingest.delivered", "接收报送", "delivery received")
UNDONE = Event("ingest.undone", "撤销报送", "delivery undone")
RETRACTED = Event("ingest.retracted", "撤回记录", "rows retracted")
CORRECTED = Event("ingest.corrected", "更正记录", "record corrected")
PLANTED = Event("ingest.planted", "布设哨兵数据", "canary rows planted")
ROWS_MATCHED = Event("ingest.rows_matched", "按名称认定主体", "subjects of rows found by name")
ROW_ATTACHED = Event("ingest.row_attached", "人工认定主体", "row attached to a subject by a person")
ROW_RETURNED = Event("ingest.row_returned", "复核后退回一行", "row returned on review")
ROW_DETACHED = Event("ingest.row_detached", "撤销主体认定", "attachment of a row undone")
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
        Rule(
            "subject.other_column",
            "代码写在别的列里，已据此认定主体",
            "请把统一社会信用代码写在它的列里",
            returns=False,
        ),
        Rule(
            "subject.organisation_code",
            "没有代码，已按组织机构代码认定主体",
            "请改用统一社会信用代码",
            returns=False,
        ),
        Rule(
            "subject.registration_no",
            "没有代码，已按 15 位注册号认定主体",
            "请改用统一社会信用代码",
            returns=False,
        ),
        Rule("subject.former_code", "用的是换发前的代码，已归到现代码", "请改用现统一社会信用代码", False),
        Rule("subject.name", "没有代码，已按名称自动认定主体", "请在“主体认定”中核对；认错了可以撤销", False),
        Rule("subject.decided", "没有代码，经人工认定主体", "请补上统一社会信用代码", False),
        Rule("subject.waiting", "没有代码，等待认定主体", "请在“主体认定”中从候选中选择", False),
        Rule("subject.conflict", "同一行的几个代码属于不同的主体，或一个代码曾属于几个主体", "核对后只留正确的代码"),
        Rule("subject.nobody", "没有代码，按名称也找不到主体", "补上统一社会信用代码"),
        Rule("subject.person", "没有代码，名称像是自然人姓名：个人只按证件号码认定", "补上代码；个人的信息不在此报送"),
        Rule("subject.too_many", "没有代码的行太多，这一行没有按名称查找", "补上代码，或分几次报送"),
        Rule("subject.none_of_them", "复核认为不是任何候选主体", "补上统一社会信用代码后重交"),
        Rule("subject.sent_back", "复核后退回，请补代码", "补上统一社会信用代码后重交"),
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
    """What became of a delivery: ``accepted + returned + waiting == delivered``, always."""

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
    waiting: int = 0  # rows that wait until a person says which subject they are about


class MatchState(StrEnum):
    """Where a row stands whose subject was found by name, or may be."""

    WAITING = "waiting"
    ATTACHED = "attached"
    SENT_BACK = "sent_back"
    VOID = "void"  # its delivery was undone

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"waiting": "待认定", "attached": "已认定", "sent_back": "已退回", "void": "随报送撤销"}[self]


@dataclass(frozen=True, slots=True)
class Unidentified:
    """A delivered row without a code: what it says of its subject, its own values, and who that may be."""

    row: int
    asked: Asked
    values: Mapping[str, str]
    candidates: tuple[Candidate, ...]
    automatic: bool


@dataclass(frozen=True, slots=True)
class Match:
    """Such a row as it is kept. ``code``: the subject it is attached to. ``erased``: its content is gone by law."""

    id: int
    delivery: str
    row: int
    item: str
    provider: str
    state: MatchState
    automatic: bool
    code: str
    probability: float
    asked: Asked
    values: Mapping[str, str]
    candidates: tuple[Candidate, ...]
    decided_by: str
    decided_at: datetime | None
    note: str
    made_at: datetime
    erased: bool = False


class UnknownMatch(NotFound):
    """No such row, or not one of yours."""

    code = "ingest.unknown_match"
    title = "没有找到待认定的行 {match}"


class KeyTaken(Refused):
    """A newer row of the same key came in since; attaching this one would put an old state before it."""

    code = "ingest.key_taken"
    title = "这个主体在同一主键下已有更新的记录"
    next_step = "请退回这一行；如确需更正，由部门带代码重新报送"
    status = 409


class NothingDecided(Invalid):
    """The decision names no subject, or gives no reason where one is needed."""

    code = "ingest.nothing_decided"
    title = "认定缺少 {count} 项内容"
    next_step = "请选择一个主体，或写明理由"


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
