"""Members, their dossiers, decisions by two people, and what an enterprise is told; events. Pure.

Refusals stand in :mod:`xinqiao.admission.refusals`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from xinqiao.evidence.types import Event
from xinqiao.parties.types import OrganisationKind


class State(StrEnum):
    """Where an applicant or member stands. Data pass in probation, admitted and watched, and in no other state."""

    DRAFT = "draft"  # the application is being written
    APPLIED = "applied"
    ASSESSED = "assessed"  # security and authorisation assessed, the decision is open
    REFERRED = "referred"  # offered the route through the host
    PROBATION = "probation"
    ADMITTED = "admitted"
    WATCHED = "watched"  # something lapsed: still open, until the grace period ends
    SUSPENDED = "suspended"
    REMOVED = "removed"
    REJECTED = "rejected"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {
            "draft": "填写中",
            "applied": "已提交，待评估",
            "assessed": "已评估，待决定",
            "referred": "建议经省级平台接入",
            "probation": "试运行",
            "admitted": "已接入",
            "watched": "观察中",
            "suspended": "已暂停",
            "removed": "已退出",
            "rejected": "未通过",
        }[self]


OPEN_STATES = frozenset({State.PROBATION, State.ADMITTED, State.WATCHED})
IN_REVIEW = frozenset({State.APPLIED, State.ASSESSED})
# Who holds a place against a second platform: everybody from the day of applying until removal or rejection.
HOLDING = frozenset({*OPEN_STATES, *IN_REVIEW, State.REFERRED, State.SUSPENDED})


class Route(StrEnum):
    """How a member's traffic reaches the node."""

    DIRECT = "direct"
    HOSTED = "via_host"  # through the provincial platform that the content names

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"direct": "直接接入", "via_host": "经省级平台接入"}[self]


class Level(StrEnum):
    """At which level a platform works; each place of a level has at most one where the content says so."""

    PROVINCE = "province"
    CITY = "city"
    COUNTY = "county"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"province": "省级", "city": "市级", "county": "县级"}[self]


class QuestionKind(StrEnum):
    """What an answer must be."""

    YES_NO = "yes_no"  # "yes" fits the bar, "no" does not
    TEXT = "text"
    NUMBER = "number"  # a whole number, at least ``least``
    DATE = "date"
    CHOICE = "choice"


class GapKind(StrEnum):
    """Why an answer does not fit the bar yet."""

    MISSING = "missing"
    FAILING = "failing"
    NO_FILE = "no_file"
    EXPIRED = "expired"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"missing": "未回答", "failing": "未达到要求", "no_file": "缺证明文件", "expired": "证明已过期"}[self]


class MeasureKind(StrEnum):
    """A decision that one person proposes and another approves."""

    ADMIT = "admit"
    TRY_OUT = "try_out"  # approve conditionally: probation
    REFER = "refer"  # to the host
    REJECT = "reject"
    CLEAR = "clear"  # the watch ends
    REVIEW = "review"  # the yearly review is passed
    GRADUATE = "graduate"  # from the host to direct
    SUSPEND = "suspend"
    RESTORE = "restore"
    REMOVE = "remove"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {
            "admit": "准予接入",
            "try_out": "附条件准予（试运行）",
            "refer": "建议经省级平台接入",
            "reject": "不予接入",
            "clear": "结束观察",
            "review": "通过年度复核",
            "graduate": "转为直接接入",
            "suspend": "暂停",
            "restore": "恢复",
            "remove": "退出",
        }[self]


class MeasureState(StrEnum):
    """Where such a decision stands."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    DECLINED = "declined"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"proposed": "待第二人批准", "approved": "已批准", "declined": "未批准"}[self]


class NoticeKind(StrEnum):
    """What an enterprise is told about a recipient of its data."""

    SUSPENDED = "suspended"
    RESTORED = "restored"
    REMOVED = "removed"
    HANDED_OVER = "handed_over"  # removed, and a successor asks to go on

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {
            "suspended": "已被暂停接入：在恢复之前不能再查询贵企业",
            "restored": "已恢复接入：您此前给出的授权重新可用，您可以随时撤回",
            "removed": "已退出：您给出的授权已终止，对方须删除数据",
            "handed_over": "已退出：您给出的授权已终止；接续机构另行请求授权，由您决定",
        }[self]


@dataclass(frozen=True, slots=True)
class Wording:
    """A sentence in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question of the dossier. ``kinds`` are who must answer; ``months`` is how long its evidence stays good.

    ``place`` ties the answer to a fact of the member: level, unit, county, licence, business, through, endpoint.
    ``file`` says that evidence must be filed (at ``endpoint`` by the node: the probe report); 0 ``months`` = it does
    not expire.
    """

    id: str
    section: str
    kind: QuestionKind
    kinds: frozenset[OrganisationKind]
    text: Wording
    fix: Wording
    basis: str
    file: bool = False
    months: int = 0
    least: int = 0
    choices: tuple[tuple[str, Wording], ...] = ()
    place: str = ""
    levels: frozenset[Level] = frozenset()


@dataclass(frozen=True, slots=True)
class Section:
    """A page of questions. ``technical``: its gaps lead to the route through the host, not out."""

    id: str
    title: Wording
    technical: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """``admission.toml``: who hosts, which levels have one platform a place, terms in days, and every question."""

    host: str
    host_name: Wording
    one_per: frozenset[Level]
    units: Mapping[str, str]
    decision_workdays: int
    trial_days: int
    review_months: int
    grace_days: int
    deletion_days: int
    basis: str
    sections: tuple[Section, ...]
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A file behind an answer: digest, size in bytes, the day it was issued and the last day it is good."""

    id: str
    question: str
    name: str
    sha256: str
    size: int
    issued_on: date | None
    expires_on: date | None
    filed_at: datetime


@dataclass(frozen=True, slots=True)
class Gap:
    """A question that does not fit the bar yet, why, and what to do about it."""

    question: Question
    kind: GapKind

    @property
    def fix(self) -> Wording:
        """What to do."""
        return self.question.fix


@dataclass(frozen=True, slots=True)
class Lapse:
    """Something that has run out or gone wrong at a member: a machine-readable ``code`` and the sentence."""

    code: str
    says: str


@dataclass(frozen=True, slots=True)
class Member:
    """An applicant or member as the node keeps it. ``unit``/``county`` say for which place a platform works.

    ``through`` is the platform by which an institution joins. ``founded``: from the beginning, without a dossier until
    its first review. ``round`` counts applications; each has a dossier of its own.
    """

    organisation: str
    kind: OrganisationKind
    name: str
    state: State
    route: Route
    level: str
    place: str
    through: str
    licence: str
    founded: bool
    dossier: bool
    round: int
    reason: str
    since: datetime
    applied_at: datetime | None
    trial_until: date | None
    review_on: date | None
    watched_at: datetime | None
    delete_by: date | None
    deleted_at: datetime | None
    deletion_statement: str

    @property
    def opens(self) -> bool:
        """Whether its own state lets data through (a hosted platform also needs its host's)."""
        return self.state in OPEN_STATES


@dataclass(frozen=True, slots=True)
class Dossier:
    """What a member has handed in: its questions in order, answers and newest files by question, and the gaps."""

    questions: tuple[Question, ...]
    answers: Mapping[str, str]
    files: Mapping[str, Evidence]
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """A decision proposed by one person for another to approve. ``successor`` takes over on removal, if any."""

    id: str
    organisation: str
    kind: MeasureKind
    state: MeasureState
    reason: str
    successor: str
    proposed_by: str
    proposed_at: datetime
    decided_by: str
    decided_at: datetime | None
    decision: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What an enterprise is told about a recipient of its data, newest first in its portal."""

    id: int
    enterprise: str
    organisation: str
    organisation_name: str
    kind: NoticeKind
    at: datetime


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The latest result of a probe of one member."""

    probe: str
    passed: bool
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an applicant or member can be probed, and whether its own state lets data through."""

    organisation: str
    url: str
    opens: bool


@dataclass(frozen=True, slots=True)
class Orphans:
    """What is left of an organisation in the network; after a removal all four are 0."""

    authorisations: int
    requests: int
    tokens: int
    pushes: int


APPLICANT_REGISTERED = Event("admission.applicant_registered", "登记申请单位", "applicant registered")
FOUNDED = Event("admission.founded", "作为创始成员接入", "admitted as a founding member")
OPENED = Event("admission.opened", "开始接入申请", "application begun")
ANSWERED = Event("admission.answered", "填写接入材料", "dossier answered")
FILED = Event("admission.filed", "提交接入证明", "evidence filed")
SUBMITTED = Event("admission.submitted", "提交接入申请", "application submitted")
SENT_BACK = Event("admission.sent_back", "退回接入申请", "application sent back")
ASSESSED = Event("admission.assessed", "完成接入评估", "assessment done")
ROUTE_TAKEN = Event("admission.route_taken", "选择经省级平台接入", "route through the host taken")
PROPOSED = Event("admission.proposed", "提出接入决定", "decision proposed")
DECLINED = Event("admission.declined", "不批准接入决定", "decision not approved")
DECIDED = Event("admission.decided", "批准接入决定", "decision approved")
WATCHED = Event("admission.watched", "列入观察", "put under watch")
SUSPENDED = Event("admission.suspended", "自动或应急暂停", "suspended by an urgent measure")
PROBED = Event("admission.probed", "接入探测", "probe reported")
TOLD = Event("admission.told", "告知企业", "enterprises told")
HANDED_OVER = Event("admission.handed_over", "请求接续授权", "authorisations asked for anew by the successor")
DELETION_ATTESTED = Event("admission.deletion_attested", "声明数据已删除", "deletion attested")
