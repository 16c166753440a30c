"""What a scenario is, a version of its model, and what may go wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from xinqiao.evidence.types import Event
from xinqiao.kernel.errors import Invalid, NotFound, Refused

TRAINED = Event("scenarios.model_trained", "训练场景模型", "scenario model trained")
SIGNED_OFF = Event("scenarios.model_signed_off", "复核场景模型", "scenario model signed off")
PROMOTED = Event("scenarios.model_promoted", "启用场景模型", "scenario model put in use")
ROLLED_BACK = Event("scenarios.model_rolled_back", "场景模型退回上一版", "scenario model rolled back")

Document = dict[str, Any]


class Purpose(StrEnum):
    """What a scenario's score is for; the purpose of the authorisation must be the same."""

    PRE_LOAN = "pre_loan"
    APPROVAL = "approval"
    POST_LOAN = "post_loan"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"pre_loan": "贷前审查", "approval": "贷款审批", "post_loan": "贷后监测"}[self]


class Observed(StrEnum):
    """What counts as one observation."""

    LOAN = "loan"  # each drawing, seen at the end of the month before it
    BORROWER = "borrower"  # each borrower at the end of each quarter in which it still owes


class Knowledge(StrEnum):
    """Which records count for a past day."""

    THEN = "then"  # only those recorded by that day
    HANDED_IN_LATER = "handed_in_later"  # of days before the items were first delivered also what came with that


class VersionState(StrEnum):
    """Life of a model version."""

    TRAINED = "trained"  # waits for a second person
    SIGNED_OFF = "signed_off"  # stands beside the one in use
    IN_USE = "in_use"
    RETIRED = "retired"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"trained": "待复核", "signed_off": "已复核", "in_use": "启用中", "retired": "已停用"}[self]


class Drift(StrEnum):
    """How far a population has moved since training."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"green": "稳定", "amber": "需关注", "red": "应重训"}[self]


class TooFewEvents(Refused):
    """So few events that a model would be chance."""

    code = "scenarios.too_few_events"
    title = "样本中违约只有 {events} 例，少于所需的 {needed} 例（{part}）"
    next_step = "请等更多还款结果反馈后再训练，或放宽场景的观察范围"


class OneOutcome(Refused):
    """All observations ended alike: nothing can be told apart."""

    code = "scenarios.one_outcome"
    title = "样本（{part}，{rows} 行）只有一种结果，无法训练"
    next_step = "请核对结果定义与反馈数据"


class NothingSeparates(Refused):
    """No candidate says anything about the outcome."""

    code = "scenarios.nothing_separates"
    title = "候选指标都不能区分结果"
    next_step = "请增加候选指标；恒定或全部未知的指标不起作用"


class InvalidScenario(Invalid):
    """A scenario file contradicts itself or names what does not exist."""

    code = "scenarios.invalid"
    title = "场景定义有 {count} 处错误"
    next_step = "请按所列位置改正场景文件"


class UnknownScenario(NotFound):
    """The content declares no such scenario."""

    code = "scenarios.unknown"
    title = "没有场景“{scenario}”"
    next_step = "请运行 xinqiao scenario list 查看已有场景"


class UnknownModel(NotFound):
    """There is no such version of a scenario's model, or none in use."""

    code = "scenarios.unknown_model"
    title = "场景“{scenario}”没有可用的模型"
    next_step = "请先训练，并由另一人复核后启用"


class AnotherPersonSigns(Refused):
    """Who trained a model does not sign it off."""

    code = "scenarios.another_person"
    title = "训练模型的人不能复核同一模型"
    next_step = "请由另一位有权限的人员复核"


class ReasonNeeded(Refused):
    """A sign-off or a roll-back says why."""

    code = "scenarios.reason_needed"
    title = "请写明理由"
    next_step = "填写理由后再提交"


class ModelOffList(Refused):
    """The model rests on what the sharing list in force, or the content, does not hold any more."""

    code = "scenarios.model_off_list"
    title = "模型 {model} 使用的 {indicators} 已不在现行共享清单或指标之内"
    clause = "清单之外不得归集和使用（省级实施方案：共享清单）"
    next_step = "请按现行清单重新训练"
    status = 409


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario as declared; ``sha256`` is of its file."""

    code: str
    name: str
    name_en: str
    purpose: Purpose
    platform: str
    institutions: tuple[str, ...]
    observed: Observed
    observed_item: str
    months: int
    outcome_item: str
    outcome_field: str
    outcome_values: tuple[str, ...]
    knowledge: Knowledge
    later_percent: int
    candidates: tuple[str, ...]
    exclude: tuple[str, ...]
    sizes: tuple[str, ...]
    industries: tuple[str, ...]
    divisions: tuple[str, ...]
    least_events: int
    minimum_coverage: int
    tolerance_percent: int
    crosses: int
    basis: str
    since: date
    amber: int
    red: int
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a scenario's model: its state and who did what."""

    id: str
    scenario: str
    number: int
    state: VersionState
    sha256: str
    card: Document
    trained_by: str
    trained_at: datetime
    signed_by: str
    signed_at: datetime | None
    reason: str
    used_from: datetime | None
