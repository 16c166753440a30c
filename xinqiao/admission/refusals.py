"""What admission refuses, with clause and next step. Pure."""

from __future__ import annotations

from xinqiao.kernel.errors import Invalid, NotFound, Refused

IN_AND_OUT = "接入须经安全评估和授权评估，有进有出（省级实施方案）"


class UnknownMember(NotFound):
    """The organisation is neither applicant nor member; data: ``organisation``."""

    code = "admission.unknown_member"
    title = "{organisation} 没有接入申请"
    next_step = "请先开始接入申请"


class UnknownMeasure(NotFound):
    """There is no such decision; data: ``measure``."""

    code = "admission.unknown_measure"
    title = "没有编号为 {measure} 的接入决定"


class UnknownEvidence(NotFound):
    """There is no such file, or it is another's; data: ``evidence``."""

    code = "admission.unknown_evidence"
    title = "没有编号为 {evidence} 的证明文件"


class AlreadyMember(Refused):
    """The organisation has applied or is admitted already; data: ``organisation``."""

    code = "admission.already_member"
    title = "{organisation} 已有接入申请或已接入"
    next_step = "请在接入页面查看状态"
    status = 409


class NotAdmissible(Refused):
    """Only platforms and institutions come in by admission; data: ``organisation``."""

    code = "admission.not_admissible"
    title = "{organisation} 不适用接入管理"
    clause = IN_AND_OUT
    next_step = "接入管理只适用于融资信用服务平台和接入机构"


class UnderReview(Refused):
    """What the node is assessing cannot be changed under its hands."""

    code = "admission.under_review"
    title = "申请正在评估，材料暂不能修改"
    next_step = "如需修改，请联系节点退回申请"
    status = 409


class DossierIncomplete(Invalid):
    """The dossier does not fit the bar yet; every gap is named with what to do."""

    code = "admission.dossier_incomplete"
    title = "还有 {count} 项未达到接入要求"
    clause = IN_AND_OUT
    next_step = "请按缺项清单补齐"


class TechnicalBar(Invalid):
    """Only the technical bar is not met: the route through the host is open; data: ``host``."""

    code = "admission.technical_bar"
    title = "技术要求有 {count} 项未达到，不能直接接入"
    clause = "不符合技术要求的，可先接入省级平台，并遵守节点的管理规则（省级实施方案）"
    next_step = "请改为经{host}接入，或补齐技术要求后再提交"


class ProbesFailing(Invalid):
    """Probes of the applicant's endpoint failed; each is named with what came back."""

    code = "admission.probes_failing"
    title = "有 {count} 个探测未通过，不能直接接入"
    clause = IN_AND_OUT
    next_step = "请按探测报告整改并重新探测，通过后再决定"


class PlaceTaken(Refused):
    """The place has a platform, or an application before this one; data: ``place``, ``holder``."""

    code = "admission.place_taken"
    title = "{place} 已有平台“{holder}”接入或正在申请"
    clause = "同一地方原则上只保留一个平台，实行清单式管理（国办发〔2024〕15号）"
    next_step = "请与该平台整合，或在其退出后再申请"
    status = 409


class SponsorMissing(Refused):
    """An institution joins through a platform that is open; data: ``platform``."""

    code = "admission.sponsor_missing"
    title = "平台“{platform}”未接入，接入机构不能经它加入"
    clause = "接入机构通过已接入的平台加入（节点管理规则，工作稿）"
    next_step = "请改选一个已接入的平台"


class HostMissing(Refused):
    """The provincial platform is not open itself, so that nobody can be hosted; data: ``host``."""

    code = "admission.host_missing"
    title = "{host} 未接入或已暂停，暂不能经它接入"
    next_step = "请在其接入或恢复后再办理"
    status = 409


class StillLapsed(Refused):
    """What led to the watch is still there; data: ``lapses`` (sentences)."""

    code = "admission.still_lapsed"
    title = "仍有未解决的问题：{lapses}"
    next_step = "请在问题解决后再办理"
    status = 409


class OneDecisionAtATime(Refused):
    """A decision about the organisation waits for its second person; data: ``measure``."""

    code = "admission.one_decision"
    title = "决定 {measure} 正在等待第二人批准"
    next_step = "请先批准或否决该决定"
    status = 409


class OtherPersonNeeded(Refused):
    """Who proposed a decision cannot approve it."""

    code = "admission.other_person"
    title = "提出决定的人不能批准同一决定"
    clause = "接入、暂停和退出须经两人（信桥内部控制，工作草案）"
    next_step = "请交由另一位运行人员批准"


class ReasonNeeded(Invalid):
    """A step without its reason in words, or with too many."""

    code = "admission.reason_needed"
    title = "请写明理由"
    next_step = "请用 1 至 500 字说明"


class InvalidApplicant(Invalid):
    """An organisation that wants to apply cannot be entered so; every fault is named."""

    code = "admission.invalid_applicant"
    title = "申请单位的登记有 {count} 处需要修改"


class FileRefused(Invalid):
    """The evidence file cannot be taken."""

    code = "admission.file_refused"
    title = "证明文件不能接收"
    next_step = "请上传不超过 10 MB 的 PDF、图片或文本文件，并填写出具日期"


class DeletionNotAttested(Refused):
    """A removed organisation first attests that it deleted what it had."""

    code = "admission.deletion_not_attested"
    title = "退出后尚未声明删除数据，不能重新申请"
    clause = "退出的机构应当返还或删除数据并出具证明（节点管理规则，工作稿）"
    next_step = "请先在接入页面提交数据删除声明"
    status = 409


class NotOpen(Refused):
    """The organisation is not admitted or is suspended, so it can do nothing with data; data: ``organisation``."""

    code = "admission.not_open"
    title = "{organisation} 未接入或已暂停，不能办理"
    clause = IN_AND_OUT
    next_step = "请先完成接入申请，或联系节点了解暂停原因"


class NotDirect(Refused):
    """A hosted platform called by itself; data: ``host``."""

    code = "admission.not_direct"
    title = "该平台经“{host}”接入，只能由其代为调用"
    clause = "不符合技术要求的，可先接入省级平台，并遵守节点的管理规则（省级实施方案）"
    next_step = "请由代为接入的平台调用，或补齐技术要求后申请转为直接接入"


class NotHosted(NotFound):
    """Somebody called for a platform that it does not host; data: ``organisation``."""

    code = "admission.not_hosted"
    title = "{organisation} 不是经您接入的平台"
    next_step = "请核对平台代码；只有经您接入的平台才能由您代为调用"


class InvalidBar(Invalid):
    """``admission.toml`` cannot be used; every fault is named."""

    code = "admission.invalid_bar"
    title = "接入要求文件有 {count} 处错误"
    next_step = "请修改内容包中的接入要求文件"
