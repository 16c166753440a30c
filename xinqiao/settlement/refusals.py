"""What settlement refuses, and what to do then. Pure."""

from __future__ import annotations

from http.client import HTTPException
from urllib.error import HTTPError

from xinqiao.kernel.errors import Corrupt, Invalid, NotFound, Refused, SourceFailed


class UnknownProceeding(NotFound):
    """There is no such proceeding, or it is another party's; data: ``proceeding``."""

    code = "settlement.unknown"
    title = "没有编号为 {proceeding} 的公证、仲裁或诉讼"


class UnknownPaper(NotFound):
    """There is no such paper in this proceeding, or it was erased; data: ``paper``."""

    code = "settlement.unknown_paper"
    title = "没有编号为 {paper} 的材料，或已依法删除"


class InvalidTerms(Invalid):
    """What was stated cannot be used; every fault is named."""

    code = "settlement.invalid"
    title = "请求内容有 {count} 处需要修改"
    next_step = "请对照合同和最近一次贷款反馈修改后重新提交"


class NotReady(Invalid):
    """Checks before filing failed; each is named with its clause and next step."""

    code = "settlement.not_ready"
    title = "提交前核对有 {count} 项不通过"
    clause = "公证法第三十七条；公证债权文书执行规定；仲裁法；民事诉讼法"
    next_step = "请按各项的提示补齐后重新提交"


class NotTheirStep(Refused):
    """This side does not take that step; data: ``event``, ``side``."""

    code = "settlement.not_their_step"
    title = "“{event}”不由{side}办理"
    next_step = "请由有权办理的一方操作"


class StillPending(Refused):
    """An act of this proceeding has not reached its body yet; data: ``act``."""

    code = "settlement.still_pending"
    title = "上一步“{act}”尚未送达受理机构"
    next_step = "送达后即可继续；长期未送达请联系节点运行人员"
    status = 409


class ProceedingStands(Refused):
    """The same matter has a proceeding of this kind under way; data: ``proceeding``."""

    code = "settlement.stands"
    title = "同一事项已有在办的 {proceeding}"
    next_step = "请在该件中继续办理，或先撤回"
    status = 409


class BodyUnreachable(SourceFailed):
    """A body did not answer; data: ``source``, ``what``. Trying again helps."""

    code = "settlement.unreachable"
    title = "受理机构 {source} 没有应答：{what}"
    next_step = "无需处理：恢复后自动补送，内容不会丢失也不会重复；长期不通请联系该机构"

    @property
    def no_answer(self) -> bool:
        """Whether nothing at all came back, so that the next call would only run out too."""
        cause = self.__cause__
        return isinstance(cause, OSError | HTTPException) and not isinstance(cause, HTTPError)


class BodyRefused(SourceFailed):
    """A body answered and did not take the act; data: ``source``, ``what``."""

    code = "settlement.refused"
    title = "受理机构 {source} 退回：{what}"
    next_step = "请按退回的理由修改后重新提交"


class InvalidStatement(Corrupt):
    """A signed statement of a body is not what it should be; data: ``source``, ``what``. Nothing of it was taken."""

    code = "settlement.invalid_statement"
    title = "受理机构 {source} 的回文不成立：{what}"
    next_step = "请向该机构核实；本系统未采信其内容"


class InvalidBodies(Invalid):
    """The file of connections to bodies is wrong; data: ``file``."""

    code = "settlement.invalid_bodies"
    title = "受理机构连接文件有 {count} 处错误"
    next_step = "请按 docs/how-to/settlement.md 改正 XINQIAO_BODIES 所指的文件"


class CallBackRefused(Refused):
    """A call-back is not signed by the body it names, or is too old; data: ``body``."""

    code = "settlement.call_back_refused"
    title = "来自 {body} 的回调未通过验签"
    next_step = "请核对回调密钥和时钟；节点仍会定时查询"


class ByProgram(Refused):
    """This body is connected: what it decides comes by its program, signed and in order; data: ``body``."""

    code = "settlement.by_program"
    title = "受理机构 {body} 由程序对接，决定由程序签名返回"
    next_step = "请在本机构的业务系统中办理；程序停用后可在司法门户办理"
    status = 409


class OwnerAgrees(Refused):
    """Accepting enforcement is for the legal representative, not for a delegate."""

    code = "settlement.owner_agrees"
    title = "同意共同申请赋强公证须由企业负责人本人办理"
    clause = "公证法第三十七条：债务人承诺愿意接受强制执行"
    next_step = "请由负责人登录办理；委托他人办理公证的，由公证机构另行核实"
