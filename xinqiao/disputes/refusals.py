"""What disputes refuse or find wrong, each with its next step. Pure."""

from __future__ import annotations

from xinqiao.kernel.errors import Invalid, NotFound, Refused

CLAUSE = "企业认为信息有误可以提出异议（省级实施方案；《征信业管理条例》第二十五条参照）"


class InvalidDisputes(Invalid):
    """``disputes.toml`` contradicts itself."""

    code = "dispute.invalid_content"
    title = "disputes.toml 有 {count} 处错误"
    next_step = "请按所列位置改正；可运行 xinqiao content check 复查"


class UnknownDispute(NotFound):
    """There is no such dispute, or it is another's; data: ``dispute``."""

    code = "dispute.unknown"
    title = "没有编号为 {dispute} 的异议"


class InvalidClaim(Invalid):
    """A claim lacks something or names what there is not."""

    code = "dispute.invalid_claim"
    title = "异议内容有 {count} 处需要补充"
    clause = CLAUSE
    next_step = "请选择理由并用 1 至 1000 字说明；附件至多 5 个，每个不超过 5 MB，格式为 PDF、JPG 或 PNG"


class InvalidFinding(Invalid):
    """A finding lacks its explanation, or a correction changes nothing."""

    code = "dispute.invalid_finding"
    title = "核查结论有 {count} 处需要补充"
    clause = "谁产生、谁提供、谁负责（省级实施方案）"
    next_step = "请写明核查情况（1 至 1000 字）；确认有误的，请给出更正后的内容或删除"


class DisputedAlready(Refused):
    """The same record is disputed already; data: ``dispute``."""

    code = "dispute.disputed_already"
    title = "这条记录已有未办结的异议 {dispute}"
    clause = CLAUSE
    next_step = "请在原异议下补充材料"
    status = 409


class ReviewClosed(Refused):
    """A review was asked for before, or too late, or the record was corrected; data: ``dispute``."""

    code = "dispute.review_closed"
    title = "异议 {dispute} 不能再申请复核"
    clause = CLAUSE
    next_step = "有新的事实或材料时，请就同一记录重新提出异议"
    status = 409


class RowMoved(Refused):
    """The disputed row was changed or withdrawn since; data: ``item``."""

    code = "dispute.row_moved"
    title = "“{item}”的这条记录已被更新或撤回"
    clause = CLAUSE
    next_step = "请重新打开报告，就现在的记录提出异议"
    status = 409


class SecondLook(Refused):
    """Who found in the first place cannot decide the review; data: ``actor``."""

    code = "dispute.second_look"
    title = "复核不能由原核查人办理"
    clause = "复核由他人办理（工作草案）"
    next_step = "请由本部门另一名工作人员办理"
