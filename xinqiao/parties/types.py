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

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"department": "部门", "institution": "接入机构", "platform": "融资信用服务平台", "node": "省级节点"}[
            self
        ]


class Role(StrEnum):
    """What a person may do for a party."""

    OWNER = "owner"  # 法定代表人、负责人: everything, for an enterprise
    DELEGATE = "delegate"  # 被授权的经办人: what the owner delegated
    OFFICER = "officer"  # 机构客户经理、审批人员
    CLERK = "clerk"  # 部门数据报送人员
    OPERATOR = "operator"  # 节点、平台运行人员
    AUDITOR = "auditor"  # 审计人员: reads, changes nothing

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {
            "owner": "负责人",
            "delegate": "经办人",
            "officer": "客户经理",
            "clerk": "数据专员",
            "operator": "运行人员",
            "auditor": "审计人员",
        }[self]


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
    next_step = "企业的角色为负责人、经办人；机构的角色为客户经理、数据专员、运行人员、审计人员"


class NotAMember(NotFound):
    """The person may not act for this party, or no longer."""

    code = "parties.not_a_member"
    title = "您没有代表该主体办理业务的权限，或权限已到期"
    next_step = "请由该主体的负责人重新授予权限"
