"""What lending refuses or finds wrong, each with its next step. Pure."""

from __future__ import annotations

from xinqiao.kernel.errors import Invalid, NotFound, Refused


class InvalidLending(Invalid):
    """``lending.toml`` contradicts itself."""

    code = "lending.invalid_content"
    title = "lending.toml 有 {count} 处错误"
    next_step = "请按所列位置改正；可运行 xinqiao content check 复查"


class UnknownApplication(NotFound):
    """There is no such application, or it is another's; data: ``application``."""

    code = "lending.unknown_application"
    title = "没有编号为 {application} 的申请"


class UnknownDeclaration(NotFound):
    """There is no such declaration, or it is another's; data: ``declaration``."""

    code = "lending.unknown_declaration"
    title = "没有编号为 {declaration} 的申报"


class TooManyOptIns(Refused):
    """An enterprise chooses up to so many institutions at a time; data: ``most``, ``open``."""

    code = "lending.too_many_opt_ins"
    title = "一项需求同时最多选 {most} 家，已有 {open} 家在办"
    clause = "匹配先于披露：由企业逐家勾选，不群发（工作草案）"
    next_step = "请等其中一家答复，或撤回一家后再选"


class AppliedAlready(Refused):
    """There is an application under way to this institution; data: ``application``."""

    code = "lending.applied_already"
    title = "对该机构已有在办的申请 {application}"
    next_step = "请在“申请进度”中查看"
    status = 409


class DoesNotFit(Refused):
    """The enterprise fails a condition of the product; data: ``product``, ``condition``."""

    code = "lending.does_not_fit"
    title = "不符合“{product}”的条件：{condition}"
    next_step = "请查看每项条件的说明，或选择其他产品"


class WrongOffer(Invalid):
    """An offer goes beyond its product or leaves something out; every fault is named."""

    code = "lending.wrong_offer"
    title = "报价有 {count} 处需要修改"
    next_step = "请按所列位置修改后再提交"


class OfferRanOut(Refused):
    """The offer is no longer to be taken; data: ``until``."""

    code = "lending.offer_ran_out"
    title = "报价的有效期到 {until} 为止"
    next_step = "请机构重新报价，或选择其他机构"
    status = 409


class WrongReasons(Invalid):
    """A refusal needs one to four coded reasons of the list."""

    code = "lending.wrong_reasons"
    title = "请选 1 至 4 条具体理由"
    clause = "不通过须说明具体理由和下一步（省级实施方案：降低融资门槛；理由代码为工作草案）"
    next_step = "请从理由清单中选择；“综合评分不足”不是理由"


class WrongReport(Invalid):
    """Loans as fed back have faults, by row and field; the rows without fault are taken."""

    code = "lending.wrong_report"
    title = "反馈的贷款有 {count} 处错误"
    next_step = "请按所列行和字段改正后只补报这些行"


class NotRenewable(Refused):
    """A renewal begins from a running loan that is not past due; data: ``why``."""

    code = "lending.not_renewable"
    title = "不能续贷：{why}"
    next_step = "请与贷款机构联系，或登记新的融资需求"


class WrongDeclaration(Invalid):
    """A declaration or the decision on it leaves something out."""

    code = "lending.wrong_declaration"
    title = "申报有 {count} 处需要修改"
    next_step = "请按所列位置修改"
