"""Proposals of a sharing list, what they touch, and what providers owe. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from xinqiao.catalogue.changes import ChangeKind, ItemChange
from xinqiao.evidence.types import Event
from xinqiao.kernel.errors import Invalid, NotFound, Phrase, Refused

LIST_PROPOSED = Event("stewardship.list_proposed", "提出修改共享清单", "change of the sharing list proposed")
LIST_REJECTED = Event("stewardship.list_rejected", "否决修改共享清单", "change of the sharing list rejected")
LIST_OVERTAKEN = Event("stewardship.list_overtaken", "修改共享清单被取代", "change of the sharing list overtaken")
LIST_TAKEN_BACK = Event("stewardship.list_taken_back", "撤回修改共享清单", "change of the sharing list taken back")
PROVIDER_REMINDED = Event("stewardship.provider_reminded", "提醒提供单位", "provider reminded of a deadline")


class ProposalState(StrEnum):
    """Where a proposal stands."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"
    TAKEN_BACK = "taken_back"
    OVERTAKEN = "overtaken"  # another version came into force first

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {
            "proposed": "待第二人批准",
            "approved": "已启用",
            "rejected": "已否决",
            "taken_back": "已撤回",
            "overtaken": "已被其他版本取代",
        }[self]


@dataclass(frozen=True, slots=True)
class Touched:
    """What a change of one item touches, counted when it was looked at.

    ``lacking`` live authorisations do not cover a new item, ``losing`` cover one that goes; ``requests`` wait and name
    it; ``rows`` stand in the database; ``indicators`` are those of the scorecard in force that rest on it, ``points``
    what they can give, ``vetoes`` the vetoes that rest on it.
    """

    change: ItemChange
    lacking: int = 0
    losing: int = 0
    requests: int = 0
    rows: int = 0
    indicators: tuple[str, ...] = ()
    points: int = 0
    vetoes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Impact:
    """What a proposal touches. Institutions and platforms are those admitted, ``live`` all authorisations."""

    touched: tuple[Touched, ...]
    institutions: int
    platforms: int
    live: int
    new_providers: tuple[str, ...]
    proof_sha256: str

    @property
    def says(self) -> tuple[Phrase, ...]:
        """The impact in sentences, the heaviest first."""
        return tuple(self._sentences())

    def _sentences(self) -> Iterator[Phrase]:
        n = {"institutions": self.institutions, "platforms": self.platforms}
        if removed := self.of(ChangeKind.REMOVED):
            n |= {"items": len(removed), "losing": max(t.losing for t in removed)}
            yield Phrase("对 {institutions} 家机构、{platforms} 家平台停供 {items} 项；{losing} 份现行授权受影响", **n)
        if added := self.of(ChangeKind.ADDED):
            n |= {"items": len(added), "lacking": max(t.lacking for t in added)}
            yield Phrase("向 {institutions} 家机构、{platforms} 家平台增加 {items} 项；{lacking} 份现行授权未覆盖", **n)
        if changed := self.of(ChangeKind.CHANGED):
            yield Phrase("修改 {items} 项的声明", items=len(changed))
        if wider := sum(len(t.change.wider) for t in changed):
            yield Phrase("其中 {fields} 个字段由不公开改为公开，须有法律依据", fields=wider)
        if requests := sum(t.requests for t in self.touched):
            yield Phrase("{requests} 件待答复的授权请求将被取消，须重新请求", requests=requests)
        lost = {code for t in self.touched for code in t.indicators}
        if points := sum(t.points for t in self.touched):
            yield Phrase(
                "{indicators} 个指标改为未知，评分最多少 {points} 分，覆盖率随之下降；启用后自动重新评价",
                indicators=len(lost),
                points=points,
            )
        if vetoes := {code for t in self.touched for code in t.vetoes}:
            yield Phrase("{vetoes} 条否决规则不再生效，部分企业的等级可能因此上升", vetoes=len(vetoes))
        if self.new_providers:
            yield Phrase("新增提供单位：{names}；启用时登记", names=self.new_providers)

    def of(self, kind: ChangeKind) -> list[Touched]:
        """The items to which that happens."""
        return [t for t in self.touched if t.change.kind is kind]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A list that one person proposes. ``says`` is its impact in sentences as it was when proposed."""

    id: str
    state: ProposalState
    sha256: str
    base_sha256: str
    reason: str
    says: tuple[str, ...]
    proposed_by: str
    proposed_at: datetime
    decided_by: str
    decided_at: datetime | None
    decided_reason: str
    version: int | None


class ReminderKind(StrEnum):
    """Why a provider is reminded of an item."""

    SOON = "soon"  # some working days before the deadline
    LATE = "late"  # every so many working days after it
    ESCALATED = "escalated"  # so long after it that the lead department is told

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"soon": "即将到期", "late": "逾期催报", "escalated": "提请督办"}[self]


@dataclass(frozen=True, slots=True)
class DutyReminder:
    """One reminder: the item's deadline, and how many working days it was away (negative = past)."""

    item: str
    provider: str
    kind: ReminderKind
    due_on: date
    workdays: int
    raised_at: datetime


@dataclass(frozen=True, slots=True)
class Reminding:
    """When providers are reminded, in working days; from ``duties.toml``."""

    before: tuple[int, ...]
    every: int
    escalate_after: int
    lead: str
    basis: str
    draft: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """How a provider keeps its deadlines: of the ``due`` ones in the window ``met`` were kept.

    ``late_workdays`` is the sum over the missed ones; ``behind`` are items that are late today, ``never`` those
    of which nothing ever came.
    """

    provider: str
    items: int
    due: int
    met: int
    late_workdays: int
    behind: tuple[str, ...]
    never: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Collected:
    """Rate of collection (归集率) of a list: items received of items listed; ``code`` "" is the province's own."""

    code: str
    name: str
    name_en: str
    listed: int
    received: int
    missing: tuple[str, ...]


class NothingChanges(Invalid):
    """The proposed list is the one in force."""

    code = "stewardship.nothing_changes"
    title = "与现行共享清单相同，没有要修改的内容"
    next_step = "请修改数据项文件后再提出"


class ListRefused(Invalid):
    """A change that no proof or record can bear; all of its faults."""

    code = "stewardship.list_refused"
    title = "清单的修改有 {count} 处不能接受"
    next_step = "请按下列说明修改后重新提出"


class UnreadableList(Invalid):
    """What was handed in is no list."""

    code = "stewardship.unreadable"
    title = "不能识别所提交的清单文件"
    next_step = "请提交清单压缩包（.zip），或数据项文件（.toml）"


class UnknownProposal(NotFound):
    """There is no such proposal; data: ``proposal``."""

    code = "stewardship.unknown_proposal"
    title = "没有修改清单的提议 {proposal}"


class ReasonMissing(Invalid):
    """A step without its reason in words, or with too many."""

    code = "stewardship.reason_missing"
    title = "请写明理由"
    next_step = "请用 1 至 500 字说明"


class AnotherPerson(Refused):
    """Who proposed a list cannot put it in force."""

    code = "stewardship.another_person"
    title = "提出修改的人不能批准同一修改"
    clause = "共享清单的修改须经两人（信桥内部控制，工作草案）"
    next_step = "请交由另一位运行人员批准"
