"""Recipients, rules, decisions and refusals of the gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from xinqiao.catalogue.types import Openness
from xinqiao.consent.types import Authorisation, AuthorisationState, Form
from xinqiao.evaluation.types import UnknownEnterprise
from xinqiao.evidence.types import Event
from xinqiao.kernel.errors import Invalid, NotFound, Refused
from xinqiao.parties.types import OrganisationFacts

GRANTED = Event("release.granted", "提供信息", "information released", access=True)
REFUSED = Event("release.refused", "拒绝提供", "release refused", access=True)
POLICY_ACTIVATED = Event("release.policy_activated", "启用共享规则表", "release table put in force")
CHALLENGED = Event("release.challenged", "质询一次查询", "access questioned")
EXPLAINED = Event("release.explained", "答复质询", "question about an access answered")
SELF_READ = Event("release.self_read", "企业自查", "enterprise read its own file", access=True)


# What of its own entry a recipient is shown: never how many others came before it, never another's person.
SHOWN_PARTS = ("subject", "body")


UNKNOWN_ENTERPRISE = "unknown_enterprise"  # the rule on a ledger line about a code that the registry does not hold


class RecipientKind(StrEnum):
    """Who asks."""

    ENTERPRISE = "enterprise"  # the subject itself
    INSTITUTION = "institution"  # 接入机构
    PLATFORM = "platform"  # 融资信用服务平台
    DEPARTMENT = "department"
    NODE = "node"  # staff of the node
    JUDICIAL = "judicial"  # 法院、公证、仲裁机构: under a case and nothing else (``release.case_looks``)
    PUBLIC = "public"  # anybody


# The kinds that the table decides on. What a judicial body may see is settled by its case, not by a row.
TABLED = tuple(kind for kind in RecipientKind if kind is not RecipientKind.JUDICIAL)

# A value is public or not; "mixed" items are settled per field or value before the gate is asked.
OPENNESS = (Openness.PUBLIC, Openness.NON_PUBLIC)


@dataclass(frozen=True, slots=True)
class Recipient:
    """The party that asks; ``admitted`` matters for institutions and platforms, ``enterprise`` for a subject.

    ``via`` is the platform that carries a hosted one's traffic (省级实施方案：先接入省级平台); empty = nobody does.
    """

    kind: RecipientKind
    code: str
    name: str
    admitted: bool = True
    enterprise: str = ""
    via: str = ""

    @classmethod
    def of(cls, organisation: OrganisationFacts) -> Recipient:
        """An institution or platform as the gate knows it."""
        kind = RecipientKind(organisation.kind)
        return cls(kind, organisation.code, organisation.name, organisation.admitted, via=organisation.via)


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A request to read about one enterprise. ``items`` None = every item that the form and recipient concern.

    ``public_only`` asks for nothing but what is public by law, so no authorisation is needed. ``evaluation_only`` asks
    for the evaluation without the items' own blocks. ``derived``: another context's document about it. ``cause`` is
    why, in the words of who looks; the enterprise sees it, and the whole line, at once or from ``shown_from`` on.
    """

    recipient: Recipient
    enterprise: str
    purpose: str
    form: Form
    actor: str
    channel: str
    items: tuple[str, ...] | None = None
    authorisation: str = ""
    public_only: bool = False
    cause: str = ""
    shown_from: datetime | None = None
    evaluation_only: bool = False
    derived: bool = False

    @property
    def scope(self) -> str:
        """What was asked for, as the ledger keeps it: ``""`` is the file, else a part of it or another's document."""
        if self.derived:
            return "derived"
        return "public" if self.public_only else "evaluation" if self.evaluation_only else ""


@dataclass(frozen=True, slots=True)
class Question:
    """What the gate decides on, and nothing else."""

    recipient: RecipientKind
    openness: Openness
    form: Form
    authorisation: AuthorisationState


@dataclass(frozen=True, slots=True)
class Ask:
    """A whole request as the gate judges it: who, about whom, for what, how, and with which authorisation.

    ``closed`` are the items of which something not public is asked; empty when only public information is.
    """

    recipient: Recipient
    enterprise: str
    purpose: str
    form: Form
    closed: tuple[str, ...]
    authorisation: Authorisation | None


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of ``release.toml``: the questions it answers, its answer, the clause behind it."""

    id: str
    recipients: frozenset[RecipientKind]
    openness: frozenset[Openness]
    forms: frozenset[Form]
    states: frozenset[AuthorisationState]
    allow: bool
    reason: str
    clause: str
    next_step: str

    @classmethod
    def beside(cls, id: str, *, allow: bool, reason: str, clause: str, next_step: str = "") -> Rule:
        """A rule beside the table: it answers no question, and gives refusals and ledger lines their words."""
        nothing: frozenset[Any] = frozenset()
        return cls(id, nothing, nothing, nothing, nothing, allow, reason, clause, next_step)

    def answers(self, question: Question) -> bool:
        """Whether this row is about the question."""
        return (
            question.recipient in self.recipients
            and question.openness in self.openness
            and question.form in self.forms
            and question.authorisation in self.states
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """The whole table, indexed: exactly one row per question. ``sha256`` is of its file."""

    rules: tuple[Rule, ...]
    index: Mapping[Question, Rule]
    sha256: str


@dataclass(frozen=True, slots=True)
class Access:
    """A line of the ledger: who asked for what about an enterprise, and what came of it."""

    id: str
    at: datetime
    enterprise: str
    recipient_kind: RecipientKind
    recipient_code: str
    recipient_name: str
    actor: str
    purpose: str
    form: Form
    items: tuple[str, ...]
    authorisation: str
    allowed: bool
    rule: str
    reason: str
    clause: str
    next_step: str
    entry: int
    channel: str
    cause: str = ""
    via: str = ""
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Party:
    """Who looked, as the ledger names it: an organisation, and the program or person that acted for it."""

    organisation: str
    name: str
    actor: str


@dataclass(frozen=True, slots=True)
class Released:
    """An answer as the ledger keeps it for comparison with what its recipient says."""

    access: str
    at: datetime
    answer_sha256: str
    purpose: str
    form: str
    authorisation: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What left the gate: the document, the ledger line, the signed receipt, and what shows that it is about this."""

    document: dict[str, Any]
    access: Access
    receipt: dict[str, Any]
    disclosure: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Theorem:
    """A line no table may cross, as the solver was asked: ``smt2`` is satisfiable only by a counter-example.

    ``verdict`` is the solver's answer; ``unsat`` is the proof. ``example`` is the counter-example, if there is one.
    """

    name: str
    says: str
    smt2: str
    verdict: str
    example: str


@dataclass(frozen=True, slots=True)
class Proof:
    """All theorems about one table. ``sha256`` is of every statement as the solver read it; ``solver`` its version."""

    policy_sha256: str
    sha256: str
    solver: str
    theorems: tuple[Theorem, ...]


@dataclass(frozen=True, slots=True)
class ActivePolicy:
    """The table in force: since when, who put it in force, its proof's digest and its evidence entry."""

    sha256: str
    text: str
    proof_sha256: str
    activated_at: datetime
    activated_by: str
    entry: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What a request would be answered now: the rule that decides it, and the document if the rule allows."""

    rule: Rule
    document: dict[str, Any] | None


class ChallengeState(StrEnum):
    """Where a question about an access stands."""

    OPEN = "open"
    ANSWERED = "answered"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"open": "等待答复", "answered": "已答复"}[self]


@dataclass(frozen=True, slots=True)
class Challenge:
    """An enterprise's question why it was looked at. ``asked_of`` (who looked, or the node) answers by ``due_on``."""

    id: int
    access: str
    enterprise: str
    asked_of: str
    text: str
    state: ChallengeState
    asked_at: datetime
    due_on: date
    answer: str
    answered_at: datetime | None


class UnknownChallenge(NotFound):
    """There is no such question, or another party must answer it; data: ``challenge``."""

    code = "release.unknown_challenge"
    title = "没有编号为 {challenge} 的质询"


class AlreadyChallenged(Refused):
    """The enterprise has asked about this access before; data: ``access``."""

    code = "release.already_challenged"
    title = "已经就查询 {access} 提出过质询"
    next_step = "请在该次查询的页面查看答复；不满意可以提出异议"
    status = 409


class NothingSaid(Invalid):
    """A question or an answer without words, or with too many."""

    code = "release.nothing_said"
    title = "请写明内容"
    next_step = "请用 1 至 500 字说明"


class NotProved(Invalid):
    """The solver found a request that crosses a line, or the second evaluator decides otherwise; not put in force."""

    code = "release.not_proved"
    title = "共享规则表未通过证明（{count} 处），未启用，原规则表继续有效"
    clause = "不得向接入机构提供非公开原始明细；未经授权不得向平台提供非公开信息（省级实施方案）"
    next_step = "请按所列反例修改规则表，再重新启用"


class InvalidPolicy(Invalid):
    """``release.toml`` leaves a question without a row, or with two."""

    code = "release.invalid_policy"
    title = "共享规则表有 {count} 处错误，未启用"
    next_step = "请补上缺口、去掉重叠；规则表必须对每种情形恰有一行"


class NotRegistered(UnknownEnterprise):
    """The registry holds no such enterprise. That it was looked for is on record; carries the ledger line's receipt."""

    code = "release.not_registered"
    title = "登记信息中没有 {enterprise}"
    next_step = "请核对统一社会信用代码；新设企业请在登记信息报送后再查"

    def __init__(
        self, *, enterprise: str, access: str, receipt: Mapping[str, Any], disclosure: Mapping[str, Mapping[str, str]]
    ) -> None:
        super().__init__(enterprise=enterprise, access=access)
        self.receipt, self.disclosure = receipt, disclosure


class NotReleased(Refused):
    """The gate said no; carries the rule's reason, clause and next step and the number of the ledger line."""

    code = "release.refused"
    title = "{reason}"

    def __init__(
        self,
        *,
        rule: str,
        reason: str,
        clause: str,
        next_step: str,
        access: str,
        receipt: Mapping[str, Any] | None = None,
        disclosure: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        super().__init__(rule=rule, reason=reason, access=access)
        self.receipt = receipt or {}
        self.disclosure = disclosure or {}
        self.rule = rule
        self.rule_clause = clause
        self.rule_next_step = next_step
