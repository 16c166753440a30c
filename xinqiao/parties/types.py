"""Parties as the rest of the system sees them: plain facts, roles and events. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from xinqiao.evidence.types import Event
from xinqiao.kernel.errors import NotFound, Refused


class OrganisationKind(StrEnum):
    """What an organisation is to the network."""

    DEPARTMENT = "department"  # 政府部门、公用事业单位: hands data in
    INSTITUTION = "institution"  # 接入机构: a bank or other lender
    PLATFORM = "platform"  # 融资信用服务平台
    NODE = "node"  # 省级节点
    JUDICIAL = "judicial"  # 法院、公证、仲裁机构

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {
            "department": "部门",
            "institution": "接入机构",
            "platform": "融资信用服务平台",
            "node": "省级节点",
            "judicial": "司法机构",
        }[self]


class Role(StrEnum):
    """What a person may do for a party."""

    OWNER = "owner"  # 法定代表人、负责人: everything, for an enterprise
    DELEGATE = "delegate"  # 被授权的经办人、会计: what the owner delegated
    OFFICER = "officer"  # 机构客户经理、审批人员
    CLERK = "clerk"  # 部门数据报送人员
    TECHNICIAN = "technician"  # 机构、平台、节点技术人员: programs and their keys, no enterprise's data
    OPERATOR = "operator"  # 节点、平台、机构、部门的业务运行人员
    MAGISTRATE = "magistrate"  # 法官、公证员、仲裁员及其助理
    ADMINISTRATOR = "admin"  # 系统管理员: who works here, their accounts
    SECURITY = "security"  # 安全管理员: who may do what, freezes, second approvals
    AUDITOR = "auditor"  # 审计管理员: reads what was done, changes nothing

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {
            "owner": "负责人",
            "delegate": "经办人",
            "officer": "客户经理",
            "clerk": "数据专员",
            "technician": "技术人员",
            "operator": "运行人员",
            "magistrate": "司法人员",
            "admin": "系统管理员",
            "security": "安全管理员",
            "auditor": "审计管理员",
        }[self]


# 三员分立 (GB/T 22239-2019 level 3): whoever holds one of these for an organisation holds no other role of it.
SEPARATED = frozenset({Role.ADMINISTRATOR, Role.SECURITY, Role.AUDITOR})


class Right(StrEnum):
    """What an enterprise lets a delegate do, verb by verb."""

    REPORT = "report"  # read the enterprise's own file
    AUTHORISE = "authorise"  # answer requests and withdraw, within a signing power
    ACCESSES = "accesses"  # see who looked, ask about it, take the receipts
    APPLY = "apply"  # state a need, choose institutions, answer offers
    OBJECT = "object"  # dispute a record, supply what is asked for

    @property
    def label(self) -> str:
        """The words a person reads."""
        return {
            "report": "查看本企业报告",
            "authorise": "处理授权请求",
            "accesses": "查看谁看过我",
            "apply": "办理融资申请",
            "object": "提出异议",
        }[self]


ALL_RIGHTS = frozenset(Right)
ENTERPRISE_ROLES = frozenset({Role.OWNER, Role.DELEGATE})


@dataclass(frozen=True, slots=True)
class OrganisationFacts:
    """An organisation. ``admitted``: whether it may receive enterprise data; ``via``: who hosts it, empty = nobody."""

    code: str
    kind: OrganisationKind
    name: str
    uscc: str
    admitted: bool
    via: str = ""


@dataclass(frozen=True, slots=True)
class EnterpriseFacts:
    """An enterprise registered on the platform."""

    uscc: str
    name: str
    registered_at: datetime


@dataclass(frozen=True, slots=True)
class MembershipFacts:
    """For whom a person may act, as what, and until when. Exactly one of organisation and enterprise is set.

    ``frozen`` is the number of the case that stops it, empty when none does.
    """

    id: int
    person_id: int
    role: Role
    organisation: OrganisationFacts | None
    enterprise: EnterpriseFacts | None
    since: datetime
    until: datetime | None
    person_name: str = ""
    frozen: str = ""
    rights: frozenset[Right] = ALL_RIGHTS

    def may(self, right: Right) -> bool:
        """Whether this includes a right; only a delegate's may be less than all."""
        return self.role is not Role.DELEGATE or right in self.rights


@dataclass(frozen=True, slots=True)
class Actor:
    """A person acting for one party now. ``enterprise`` is a USCC."""

    person_id: int
    name: str
    role: Role
    organisation_code: str | None = None
    enterprise: str | None = None

    @property
    def label(self) -> str:
        """How evidence names the actor."""
        return f"person:{self.person_id}"


ORGANISATION_REGISTERED = Event("parties.organisation_registered", "登记机构", "organisation registered")
ORGANISATION_ADMITTED = Event("parties.organisation_admitted", "准予接入", "organisation admitted")
ORGANISATION_EXCLUDED = Event("parties.organisation_excluded", "停止接入", "organisation excluded")
ROUTE_SET = Event("parties.route_set", "确定接入路线", "route of an organisation set")
ENTERPRISE_REGISTERED = Event("parties.enterprise_registered", "企业注册", "enterprise registered")
ENTERPRISE_RENAMED = Event("parties.enterprise_renamed", "企业更名", "enterprise renamed")
PERSON_REGISTERED = Event("parties.person_registered", "登记人员", "person registered")
MEMBER_ADDED = Event("parties.member_added", "授予角色", "member added")
MEMBER_FROZEN = Event("parties.member_frozen", "冻结人员", "member frozen")
MEMBER_UNFROZEN = Event("parties.member_unfrozen", "解冻人员", "member unfrozen")
MEMBER_ENDED = Event("parties.member_ended", "终止角色", "membership ended")


class PartyNotFound(NotFound):
    """There is no such organisation, enterprise, person or membership; data: ``party``."""

    code = "parties.not_found"
    title = "没有登记 {party}"


class AlreadyRegistered(Refused):
    """The code, USCC or user name is taken; data: ``party``."""

    code = "parties.already_registered"
    title = "{party} 已经登记"
    next_step = "请直接登录或修改已有登记；如非本人登记，请联系节点运行人员"
    status = 409


class RoleNotPossible(Refused):
    """This kind of party has no such role; data: ``role``, ``party``."""

    code = "parties.role_not_possible"
    title = "{party} 没有“{role}”这一角色"
    next_step = "企业的角色为负责人、经办人；其他单位的角色见“人员”页面的可选项"


class RolesNotTogether(Refused):
    """System, security and audit administration of an organisation lie with different people; data: ``role``,
    ``held``."""

    code = "parties.roles_not_together"
    title = "同一人不能同时担任“{held}”和“{role}”"
    clause = "GB/T 22239-2019 第三级：系统管理、安全管理、审计管理分立"
    next_step = "请另选一人，或先终止该人的原有角色"


class NotYourself(Refused):
    """Nobody gives or ends their own rights."""

    code = "parties.not_yourself"
    title = "不能给自己授予或终止角色"
    clause = "GB/T 22239-2019 第三级：最小权限"
    next_step = "请由另一位管理员办理"


class NotAMember(NotFound):
    """The person may not act for this party, or no longer."""

    code = "parties.not_a_member"
    title = "您没有代表该主体办理业务的权限，或权限已到期"
    next_step = "请由该主体的负责人重新授予权限"
