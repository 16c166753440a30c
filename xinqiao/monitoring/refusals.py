"""Why monitoring says no. Pure."""

from __future__ import annotations

from xinqiao.kernel.errors import Invalid, NotFound, Refused


class InvalidSignals(Invalid):
    """``signals.toml`` contradicts itself or names what does not exist."""

    code = "monitoring.invalid_signals"
    title = "风险信号规则有 {count} 处错误"
    next_step = "请按所列位置改正 signals.toml"


class WrongExposure(Invalid):
    """An exposure below zero."""

    code = "monitoring.wrong_exposure"
    title = "敞口有 {count} 处需要修改"
    next_step = "请填不小于零的金额"


class NotWatchable(Refused):
    """No live authorisation of the enterprise lets this institution watch it; data: ``enterprise``."""

    code = "monitoring.not_watchable"
    title = "没有企业 {enterprise} 为贷后监测给予的有效授权，不能列入监测名单"
    clause = "未经企业授权，不得提供企业非公开信息（省级实施方案）"
    next_step = "请先向企业请求用途为“贷后监测”的授权，写明所需的数据项"


class NotAdmittedToWatch(Refused):
    """The institution is not admitted; data: ``organisation``."""

    code = "monitoring.not_admitted"
    title = "{organisation} 未接入或已停止接入，不能监测企业"
    clause = "接入机构须经安全评估和授权评估，有进有出（省级实施方案）"
    next_step = "请先向节点申请接入"


class AlreadyWatched(Refused):
    """The borrower is on this institution's list; data: ``enterprise``."""

    code = "monitoring.already_watched"
    title = "{enterprise} 已在监测名单中"
    next_step = "请在监测名单中查看"
    status = 409


class UnknownWatch(NotFound):
    """There is no such watch of this institution; data: ``watch``."""

    code = "monitoring.unknown_watch"
    title = "没有编号为 {watch} 的监测"


class UnknownSignal(NotFound):
    """There is no such signal that this party may read now; data: ``signal``."""

    code = "monitoring.unknown_signal"
    title = "没有编号为 {signal} 的风险信号，或它已到期、已撤回、授权已终止"
    next_step = "请在风险信号页查看仍有效的信号"


class UnknownEmbargo(NotFound):
    """There is no such embargo; data: ``embargo``."""

    code = "monitoring.unknown_embargo"
    title = "没有编号为 {embargo} 的暂缓告知"


class InvalidReply(Invalid):
    """A reply without its code, with a code that does not go with it, or with too many words."""

    code = "monitoring.invalid_reply"
    title = "回复有 {count} 处需要修改"
    next_step = "请选择处置结果和对应的原因；补充说明不超过 500 字"


class AlreadyReplied(Refused):
    """One reply a signal and institution; data: ``signal``."""

    code = "monitoring.already_replied"
    title = "信号 {signal} 已经回复"
    next_step = "回复计入规则的准确率，不能改动"
    status = 409


class InvalidEmbargo(Invalid):
    """An embargo without legal basis, or with an end that is past or too far away."""

    code = "monitoring.invalid_embargo"
    title = "暂缓告知有 {count} 处需要修改"
    next_step = "请写明法律依据（1 至 300 字）和不超过上限的截止日期"


class SecondOfTwoNeeded(Refused):
    """An embargo is approved by somebody else than who proposed it."""

    code = "monitoring.second_of_two"
    title = "暂缓告知须由另一人批准"
    clause = "暂缓告知须有法律依据、截止日期，经两人办理（信桥内部控制，工作草案）"
    next_step = "请交由另一位运行人员或安全管理员批准"
