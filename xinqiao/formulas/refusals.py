"""What the formula room refuses or finds wrong, each with its next step. Pure."""

from __future__ import annotations

from xinqiao.kernel.errors import Invalid, NotFound, Refused


class InvalidFormulaRules(Invalid):
    """``formulas.toml`` contradicts itself."""

    code = "formulas.invalid_content"
    title = "formulas.toml 有 {count} 处错误"
    next_step = "请按所列位置改正；可运行 xinqiao content check 复查"


class InvalidFormula(Invalid):
    """A formula cannot be read, does not fit its types or bounds, or could give away a raw value; every fault."""

    code = "formulas.invalid"
    title = "公式有 {count} 处不能受理"
    clause = "不得向接入机构提供非公开原始明细（省级实施方案）"
    next_step = "请按所列位置改正后重新提交"


class UnknownFormula(NotFound):
    """There is no such formula, or it is another institution's; data: ``formula``."""

    code = "formulas.unknown"
    title = "没有编号为 {formula} 的公式"


class AnotherPersonReviews(Refused):
    """Who submitted a formula does not review it."""

    code = "formulas.another_person"
    title = "提交公式的人不能审核同一公式"
    next_step = "请由节点的另一位人员审核"


class ReviewReasonNeeded(Invalid):
    """A review says why."""

    code = "formulas.reason_needed"
    title = "请写明审核意见"
    next_step = "请用 1 至 500 字说明"


class NotRunnable(Refused):
    """The formula is not approved, or rests on what may not be used any more."""

    code = "formulas.not_runnable"
    title = "公式 {formula} 现在不能运行（{why}）"
    next_step = "请等待审核通过，或按现行清单和颗粒重新提交"
    status = 409


class TooManyFormulas(Refused):
    """The institution has as many formulas open as are allowed."""

    code = "formulas.too_many"
    title = "在审和在用的公式已达 {most} 个"
    next_step = "请先停用不再使用的公式"
    status = 409


class NothingToMeasure(Refused):
    """No published run to measure grains from."""

    code = "formulas.nothing_to_measure"
    title = "还没有已发布的评价批次，不能测定颗粒"
    next_step = "请先运行一次全量评价"
    status = 409
