"""Why the network says no; each with what to do next. Pure."""

from __future__ import annotations

from typing import Any

from xinqiao.kernel.errors import Corrupt, Invalid, NotFound, Phrase, Problem, Refused, SourceFailed


def fault(field: str, message: str, code: str, /, **data: Any) -> Problem:
    """One thing wrong with an object, a page or a card; ``data`` fills the message."""
    return Problem(field=field, code=f"federation.{code}", message=Phrase(message, **data))


class UnknownLink(NotFound):
    """There is no such link; data: ``link``."""

    code = "federation.unknown_link"
    title = "没有到“{link}”的节点连接"
    next_step = "请运行 xinqiao federation links 查看已有连接"


class UnknownHeld(NotFound):
    """There is no such held object; data: ``held``."""

    code = "federation.unknown_held"
    title = "没有编号为 {held} 的待处理对象"


class InvalidCard(Invalid):
    """A node card cannot be used; every fault is named."""

    code = "federation.invalid_card"
    title = "节点名片有 {count} 处不符合要求"
    next_step = "请对方重新导出名片：xinqiao federation card"


class LinkExists(Refused):
    """There is a standing link with this node, or another node above; data: ``link``."""

    code = "federation.link_exists"
    title = "已有到“{link}”的连接"
    next_step = "请先终止原连接；一个节点只能有一个上级"
    status = 409


class FingerprintDiffers(Refused):
    """The fingerprint that the second person typed is not that of the card."""

    code = "federation.fingerprint_differs"
    title = "输入的指纹与名片的指纹不一致"
    clause = "GB/T 39786：密钥须经可信途径核对"
    next_step = "请用电话等另一途径向对方核对指纹；仍不一致的，否决这次连接"


class LinkNotOpen(Refused):
    """Nothing passes over the link now; data: ``link``, ``state``."""

    code = "federation.link_not_open"
    title = "到“{link}”的连接现为“{state}”，不传对象"
    clause = "接入平台有进有出（省级实施方案）"
    next_step = "请与对方节点的运行人员核对连接状态"
    status = 409


class InvalidDraft(Invalid):
    """An object cannot be published as it is; every fault is named."""

    code = "federation.invalid_draft"
    title = "同步对象有 {count} 处不符合格式"
    next_step = "请按下列说明修改后重新发布"


class InvalidPage(Invalid):
    """A page is not what the link expects: wrong ends, too large, or not signed by the peer."""

    code = "federation.invalid_page"
    title = "同步页有 {count} 处不符合要求"
    next_step = "请核对双方的节点代码和密钥；游标没有移动，对方会重发"


class FeedGap(Refused):
    """A page begins behind the place that was received last; data: ``cursor``."""

    code = "federation.gap"
    title = "同步页不连续：已收到第 {cursor} 个"
    next_step = "请从第 {cursor} 个之后重发"
    status = 409


class FeedForked(Refused):
    """The peer's feed tells another history than the one received before; data: ``link``, ``seq``."""

    code = "federation.feed_forked"
    title = "“{link}”的同步序列在第 {seq} 个处与此前收到的不一致"
    clause = "同步序列只增不改"
    next_step = "请勿继续同步：对方可能从旧备份恢复，或序列被改动；核对后终止连接并重新建立，已有对象会自动识别"
    status = 409


class FeedShorter(Refused):
    """More was received of the feed than it has; data: ``link``, ``cursor``."""

    code = "federation.feed_shorter"
    title = "“{link}”的同步序列比已收到的第 {cursor} 个还短"
    clause = "同步序列只增不改"
    next_step = "对方可能从旧备份恢复；核对后终止连接并重新建立，已有对象会自动识别"
    status = 409


class NoWayBack(Refused):
    """Only what stands as held can be tried again or given up; data: ``held``, ``state``."""

    code = "federation.not_held"
    title = "对象 {held} 现为“{state}”，不能处理"
    next_step = "请刷新页面查看最新状态"
    status = 409


class ReplayBeyond(Invalid):
    """A replay begins outside of what the feed has."""

    code = "federation.replay_beyond"
    title = "重放的起点不在序列之内"
    next_step = "请用 xinqiao federation status 查看序列的长度"


class PeerUnreachable(SourceFailed):
    """The node above does not answer; data: ``source``, ``why``."""

    code = "federation.unreachable"
    title = "上级节点 {source} 没有应答：{why}"
    next_step = "连接恢复后自动续传，不丢不重；长时间不通请检查网络和地址"


class PeerRefuses(SourceFailed):
    """The node above answered with a refusal; data: ``source``, ``why``, ``answer`` (its code)."""

    code = "federation.peer_refuses"
    title = "上级节点 {source} 拒绝：{why}（{answer}）"
    next_step = "请按对方给出的原因处理；处理后自动续传"


class ClockDiffers(SourceFailed):
    """The clocks of two nodes are too far apart for signed requests; data: ``source``, ``seconds``."""

    code = "federation.clock_differs"
    title = "本机时钟与上级节点 {source} 相差 {seconds} 秒，签名请求被拒绝"
    next_step = "请校准本机时钟（NTP）；校准后自动续传"


class ObjectCorrupt(Corrupt):
    """A stored object is not what its digest says; data: ``what``."""

    code = "federation.object_corrupt"
    title = "存储的同步对象与摘要不符：{what}"
