"""What probes refuse, with the next step. Pure."""

from __future__ import annotations

from xinqiao.kernel.errors import Corrupt, Invalid, NotFound, Refused


class InvalidKit(Invalid):
    """``probes.toml`` has faults; every one is named."""

    code = "probes.invalid_kit"
    title = "探测设置有 {count} 处错误"
    next_step = "请改正内容包的 probes.toml 后运行 xinqiao content check"


class AddressRefused(Invalid):
    """The address cannot be probed from here; every fault is named."""

    code = "probes.address_refused"
    title = "平台地址有 {count} 处不符合要求"
    next_step = "请填写平台沙箱的 https 地址，不带账号、口令和片段"


class NoEndpoint(Refused):
    """The organisation has not said where its endpoint is; data: ``organisation``."""

    code = "probes.no_endpoint"
    title = "{organisation} 没有填写平台沙箱地址"
    next_step = "请在接入申请的“技术要求”中填写沙箱地址"
    status = 409


class OtherEndpoint(Refused):
    """A round is of another address than the organisation's application names; data: ``url``, ``endpoint``."""

    code = "probes.other_endpoint"
    title = "探测的是 {url}，接入材料中的地址是 {endpoint}"
    next_step = "请探测接入材料中的地址"
    status = 409


class TooSoon(Refused):
    """A round was asked for a short while ago; data: ``minutes``."""

    code = "probes.too_soon"
    title = "{minutes} 分钟内已经要求过一次探测"
    next_step = "请等待结果，或稍后再试"
    status = 409


class UnknownReport(NotFound):
    """There is no such report, or it is another's; data: ``report``."""

    code = "probes.unknown_report"
    title = "没有编号为 {report} 的探测报告"


class UnknownProbe(NotFound):
    """There is no probe of that name; data: ``probe``, ``known``."""

    code = "probes.unknown_probe"
    title = "没有名为 {probe} 的探测"
    next_step = "可用的探测：{known}"


class InvalidReport(Corrupt):
    """A report does not hold; data: ``what``."""

    code = "probes.invalid_report"
    title = "探测报告不成立：{what}"
    next_step = "请向节点索取原件，并核对节点公布的文书公钥"
