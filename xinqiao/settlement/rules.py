"""What leads where in a proceeding of each kind, who takes which step, what follows by time. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from xinqiao.kernel.dated import add_months
from xinqiao.kernel.errors import Phrase
from xinqiao.kernel.transitions import Transitions
from xinqiao.settlement.refusals import NotTheirStep
from xinqiao.settlement.types import PaperKind, Proceeding, ProceedingKind, ProceedingState, Side
from xinqiao.settlement.words import SettlementRules

S = ProceedingState
EVENTS: Mapping[str, str] = {
    "propose": "请企业共同申请",
    "agree": "同意共同申请",
    "decline": "不同意",
    "lapse": "逾期未确认",
    "withdraw": "撤回",
    "check": "核实身份与意思",
    "notarise": "出具公证书",
    "turn_down": "不予办理公证",
    "default": "确认违约",
    "apply_certificate": "申请执行证书",
    "verify": "核实违约",
    "issue": "出具执行证书",
    "refuse_certificate": "不予出具执行证书",
    "file": "提交申请",
    "supplement": "补正后重新提交",
    "return": "退回补正",
    "accept": "受理",
    "not_accept": "不予受理",
    "award": "作出裁决",
    "annul": "裁决被撤销",
    "judge": "作出判决",
    "appeal": "当事人上诉",
    "take_effect": "判决生效",
    "mediate": "达成调解",
    "dismiss": "驳回",
    "file_enforcement": "申请强制执行",
    "accept_enforcement": "执行立案",
    "reject_enforcement": "驳回或不予执行",
    "perform": "履行完毕",
}
_NAMES: dict[str, str] = {**EVENTS, **{str(state): state.label for state in ProceedingState}}
_ENFORCEMENT: Mapping[ProceedingState, Mapping[str, ProceedingState]] = {
    S.COURT_FILED: {"accept_enforcement": S.COURT_ACCEPTED, "reject_enforcement": S.COURT_REJECTED},
    S.COURT_ACCEPTED: {"perform": S.PERFORMED, "reject_enforcement": S.COURT_REJECTED},
    S.COURT_REJECTED: {},
    S.PERFORMED: {},
    S.WITHDRAWN: {},
}
_READY = {"file_enforcement": S.COURT_FILED, "perform": S.PERFORMED}
_BROUGHT: Mapping[ProceedingState, Mapping[str, ProceedingState]] = {
    S.DRAFT: {"file": S.FILED, "withdraw": S.WITHDRAWN},
    S.FILED: {"accept": S.ACCEPTED, "return": S.RETURNED, "not_accept": S.NOT_ACCEPTED, "withdraw": S.WITHDRAWN},
    S.RETURNED: {"supplement": S.FILED, "not_accept": S.NOT_ACCEPTED, "withdraw": S.WITHDRAWN},
    S.NOT_ACCEPTED: {},
    S.MEDIATED: _READY,
    S.DISMISSED: {},
}

NOTARISATION_TRANSITIONS: Transitions[ProceedingState] = Transitions(
    {
        S.DRAFT: {"propose": S.PROPOSED, "withdraw": S.WITHDRAWN},
        S.PROPOSED: {"agree": S.APPLIED, "decline": S.DECLINED, "lapse": S.LAPSED, "withdraw": S.WITHDRAWN},
        S.APPLIED: {"check": S.CHECKED, "turn_down": S.NOT_NOTARISED, "withdraw": S.WITHDRAWN},
        S.CHECKED: {"notarise": S.NOTARISED, "turn_down": S.NOT_NOTARISED, "withdraw": S.WITHDRAWN},
        S.NOTARISED: {"perform": S.PERFORMED, "default": S.DEFAULTED},
        S.DEFAULTED: {"perform": S.PERFORMED, "apply_certificate": S.CERTIFICATE_APPLIED},
        S.CERTIFICATE_APPLIED: {"verify": S.VERIFIED, "refuse_certificate": S.CERTIFICATE_REFUSED},
        S.VERIFIED: {"issue": S.CERTIFICATE_ISSUED, "refuse_certificate": S.CERTIFICATE_REFUSED},
        S.CERTIFICATE_ISSUED: _READY,
        S.NOT_NOTARISED: {},
        S.CERTIFICATE_REFUSED: {},
        S.DECLINED: {},
        S.LAPSED: {},
        **_ENFORCEMENT,
    },
    names=_NAMES,
)
ARBITRATION_TRANSITIONS: Transitions[ProceedingState] = Transitions(
    {
        **_BROUGHT,
        S.ACCEPTED: {"award": S.AWARDED, "mediate": S.MEDIATED, "dismiss": S.DISMISSED, "withdraw": S.WITHDRAWN},
        S.AWARDED: {**_READY, "annul": S.ANNULLED},
        S.ANNULLED: {},
        **_ENFORCEMENT,
        # The debtor may have an award set aside while it is being enforced (仲裁法, setting aside; 3 months).
        S.COURT_FILED: {**_ENFORCEMENT[S.COURT_FILED], "annul": S.ANNULLED},
        S.COURT_ACCEPTED: {**_ENFORCEMENT[S.COURT_ACCEPTED], "annul": S.ANNULLED},
    },
    names=_NAMES,
)
LITIGATION_TRANSITIONS: Transitions[ProceedingState] = Transitions(
    {
        **_BROUGHT,
        S.ACCEPTED: {"judge": S.JUDGED, "mediate": S.MEDIATED, "dismiss": S.DISMISSED, "withdraw": S.WITHDRAWN},
        S.JUDGED: {"take_effect": S.EFFECTIVE, "appeal": S.APPEALED},
        S.APPEALED: {"take_effect": S.EFFECTIVE, "mediate": S.MEDIATED, "dismiss": S.DISMISSED},
        S.EFFECTIVE: _READY,
        **_ENFORCEMENT,
    },
    names=_NAMES,
)
TRANSITIONS: Mapping[ProceedingKind, Transitions[ProceedingState]] = {
    ProceedingKind.NOTARISATION: NOTARISATION_TRANSITIONS,
    ProceedingKind.ARBITRATION: ARBITRATION_TRANSITIONS,
    ProceedingKind.LITIGATION: LITIGATION_TRANSITIONS,
}
TAKEN_BY: Mapping[str, Side] = {
    **dict.fromkeys(
        (
            "propose", "withdraw", "default", "apply_certificate", "file", "supplement", "file_enforcement", "perform",
        ),
        Side.CREDITOR,
    ),
    **dict.fromkeys(("agree", "decline"), Side.DEBTOR),
    "lapse": Side.NODE,
    **dict.fromkeys(("accept_enforcement", "reject_enforcement"), Side.COURT),
    **dict.fromkeys(
        (
            "check", "notarise", "turn_down", "verify", "issue", "refuse_certificate", "return", "accept", "not_accept",
            "award", "annul", "judge", "appeal", "take_effect", "mediate", "dismiss",
        ),
        Side.BODY,
    ),
}  # fmt: skip
# Steps that the body learns of, and those before which it gets a package of evidence.
SENT_TO_BODY = frozenset({"agree", "withdraw", "apply_certificate", "file", "supplement", "perform"})
PACKED = frozenset({"apply_certificate", "file", "supplement", "file_enforcement"})
OBJECT_ONLINE, SUPPLY = "object_online", "supply"
EVENTS_SENT: Mapping[str, str] = {**EVENTS, OBJECT_ONLINE: "反对线上进行", SUPPLY: "补充提交材料"}
# The paper without which an event of a body is not taken.
WITH_PAPER: Mapping[str, PaperKind] = {
    "notarise": PaperKind.DEED,
    "issue": PaperKind.CERTIFICATE,
    "award": PaperKind.DECISION,
    "judge": PaperKind.DECISION,
    "mediate": PaperKind.DECISION,
}
# What may come with any other event; deed, certificate and the parties' papers come in one way only.
OF_BODIES = (PaperKind.DECISION, PaperKind.NOTICE, PaperKind.OTHER)
# What a body decides against somebody says why.
WITH_REASON = frozenset(
    {"turn_down", "refuse_certificate", "return", "not_accept", "dismiss", "annul", "reject_enforcement"}
)
DECISIONS = frozenset({"issue", "award", "take_effect", "mediate", "accept_enforcement", "annul", "reject_enforcement"})
# What enters the records: what was decided, and that it was then performed.
RESULTS = DECISIONS | {"perform"}
# Where a body may be handed further evidence without a step.
BEFORE_BODY = frozenset({S.APPLIED, S.CHECKED, S.CERTIFICATE_APPLIED, S.VERIFIED, S.FILED, S.ACCEPTED, S.APPEALED})
LONGEST_REASON = 500


def table_of(kind: ProceedingKind) -> Transitions[ProceedingState]:
    """The table of a kind."""
    return TRANSITIONS[kind]


def check_side(event: str, side: Side) -> None:
    """Whether this side takes that step; raises NotTheirStep."""
    if TAKEN_BY.get(event) is not side:
        raise NotTheirStep(event=Phrase(EVENTS.get(event, event[:40])), side=Phrase(side.label))


def is_over(kind: ProceedingKind, state: ProceedingState) -> bool:
    """Whether nothing more can happen."""
    return not TRANSITIONS[kind].events(state)


def steps_for(kind: ProceedingKind, state: ProceedingState, side: Side) -> tuple[str, ...]:
    """The steps that a side may take now."""
    return tuple(event for event in TRANSITIONS[kind].events(state) if TAKEN_BY[event] is side)


def steps_of_body(found: Proceeding, code: str) -> tuple[str, ...]:
    """The steps that a body may take now: its own, and those of the enforcing court where it is that."""
    sides = ((Side.BODY, found.body), (Side.COURT, found.court))
    return tuple(e for side, held in sides if held == code for e in steps_for(found.kind, found.state, side))


def may_object_online(kind: ProceedingKind, state: ProceedingState) -> bool:
    """Whether a party may still object to proceeding online: before the tribunal has decided (仲裁法, article 11)."""
    return kind is ProceedingKind.ARBITRATION and state in (S.FILED, S.RETURNED, S.ACCEPTED)


def receiver_of(event: str, before: ProceedingState, *, body: str, court: str) -> str:
    """The body that has to learn of a step, empty when none has: the court once it enforces, else the body."""
    if event == "file_enforcement" or (event == "perform" and before is S.COURT_ACCEPTED):
        return court
    return body if event in SENT_TO_BODY or event in (OBJECT_ONLINE, SUPPLY) else ""


def due_after(event: str, kind: ProceedingKind, *, on: date, rules: SettlementRules) -> date | None:
    """The last day of the time that a step starts, None when no time runs: to answer, accept, oppose or annul."""
    if event == "propose":
        return on + timedelta(days=rules.agree_days)
    if event in ("agree", "file", "supplement"):
        return on + timedelta(days=rules.accept_days[kind])
    if event == "award":
        return add_months(on, rules.annul_months)
    if event == "accept_enforcement" and kind is ProceedingKind.NOTARISATION:
        return on + timedelta(days=rules.oppose_days)
    return None
