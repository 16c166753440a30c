"""What matching refuses or finds wrong, each with its next step. Pure."""

from __future__ import annotations

from xinqiao.kernel.errors import Invalid, NotFound, Refused, SourceFailed


class InvalidMatching(Invalid):
    """``matching.toml`` contradicts itself or names what does not exist."""

    code = "matching.invalid_content"
    title = "matching.toml 有 {count} 处错误"
    next_step = "请按所列位置改正；可运行 xinqiao content check 复查"


class InvalidProduct(Invalid):
    """A product contradicts itself, or a condition names what does not exist; every fault is named."""

    code = "matching.invalid_product"
    title = "融资产品有 {count} 处不能发布"
    next_step = "请按所列位置改正后再发布"


class InvalidNeed(Invalid):
    """A need leaves something out or goes beyond bounds; every fault is named."""

    code = "matching.invalid_need"
    title = "融资需求有 {count} 处需要修改"
    next_step = "请按所列位置修改后再提交"


class UnknownProduct(NotFound):
    """There is no such product; data: ``product``."""

    code = "matching.unknown_product"
    title = "没有编号为 {product} 的融资产品"


class UnknownNeed(NotFound):
    """There is no such need, or it is another enterprise's; data: ``need``."""

    code = "matching.unknown_need"
    title = "没有编号为 {need} 的融资需求"


class NotAnInstitution(Refused):
    """Only an admitted institution offers products; data: ``organisation``."""

    code = "matching.not_an_institution"
    title = "{organisation} 不能发布融资产品"
    clause = "接入机构须经评估接入，有进有出（省级实施方案）"
    next_step = "请先向节点申请接入"


class TooManyProducts(Refused):
    """The institution has as many products on offer as one may; data: ``most``."""

    code = "matching.too_many_products"
    title = "在架产品最多 {most} 个"
    next_step = "请先下架不再提供的产品"


class NeedOpen(Refused):
    """The enterprise has an open need already; data: ``need``."""

    code = "matching.need_open"
    title = "已有一项有效的融资需求 {need}"
    next_step = "请先结束原来的需求，再登记新的"
    status = 409


class TooManyTrials(Refused):
    """The institution has tried conditions as often as it may in a day; data: ``most``."""

    code = "matching.too_many_trials"
    title = "今天已试算 {most} 次"
    clause = "防止以反复试算推断单个企业的信息（信桥内部控制，工作草案）"
    next_step = "请明天再试，或直接发布"


class NothingEvaluated(SourceFailed):
    """There is no evaluation under the list in force to hold conditions against."""

    code = "matching.nothing_evaluated"
    title = "还没有按现行清单的评价结果，暂时不能匹配"
    next_step = "请等待评价完成后再试，或运行 xinqiao evaluate"

    def __init__(self) -> None:
        super().__init__(retry=True)
