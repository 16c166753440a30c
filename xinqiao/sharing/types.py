"""A version of the sharing list that was put in force. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from xinqiao.evidence.types import Event
from xinqiao.kernel.errors import Corrupt, NotFound, Refused

LIST_IN_FORCE = Event("sharing.list_in_force", "启用共享清单", "sharing list put in force")
KIND = "sharing-list"  # of the signed document


@dataclass(frozen=True, slots=True)
class ListVersion:
    """One version. ``sha256`` is over its item files (``sha256sum``), ``proof_sha256`` over the proof of the gate that
    let it in; ``number`` counts from 1."""

    number: int
    sha256: str
    replaces: str
    reason: str
    proposed_by: str
    approved_by: str
    proof_sha256: str
    in_force_at: datetime
    entry: int


class UnknownList(NotFound):
    """The node never had that version; data: ``version``."""

    code = "sharing.unknown_list"
    title = "没有共享清单第 {version} 版"
    next_step = "请在共享清单页面查看已启用的版本"


class NotTheList(Corrupt):
    """A file is not what the node signed; data: ``why``."""

    code = "sharing.not_the_list"
    title = "这不是节点签名的共享清单：{why}"
    next_step = "请从节点的公开页面重新下载，并核对公钥"


class ListMoved(Refused):
    """Another version came into force since; data: ``number``, the one in force."""

    code = "sharing.list_moved"
    title = "共享清单已换为第 {number} 版"
    next_step = "请按现行清单重新办理"
    status = 409
