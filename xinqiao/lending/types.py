"""Applications, offers, loans fed back, recommendations; events and refusals. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from xinqiao.evidence.types import Event


class ApplicationState(StrEnum):
    """Where an application stands; the table of what leads where is ``rules.APPLICATION_TRANSITIONS``."""

    OPTED_IN = "opted_in"  # the institution knows who; the enterprise has its request to answer
    AUTHORISED = "authorised"
    REPORTED = "reported"  # the institution has read the report
    OFFERED = "offered"
    ACCEPTED = "accepted"
    DISBURSED = "disbursed"
    REPAID = "repaid"
    RENEWED = "renewed"  # settled by a new loan at the same institution, without repayment before
    DECLINED = "declined"  # by the institution, with coded reasons
    REFUSED = "refused"  # the enterprise did not take the offer
    WITHDRAWN = "withdrawn"  # by the enterprise
    LAPSED = "lapsed"  # the authorisation was not given, or the offer ran out

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {
            "opted_in": "已选机构，待授权",
            "authorised": "已授权，待受理",
            "reported": "审查中",
            "offered": "已报价",
            "accepted": "已接受，待放款",
            "disbursed": "已放款",
            "repaid": "已结清",
            "renewed": "已续贷",
            "declined": "未通过",
            "refused": "企业未接受",
            "withdrawn": "企业已撤回",
            "lapsed": "已失效",
        }[self]


class Answer(StrEnum):
    """What the enterprise may say to an application of its own."""

    ACCEPT = "accept"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"accept": "接受报价", "refuse": "不接受", "withdraw": "撤回申请"}[self]


class Holder(StrEnum):
    """Whose turn it is."""

    ENTERPRISE = "enterprise"
    INSTITUTION = "institution"
    NOBODY = "nobody"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"enterprise": "企业", "institution": "机构", "nobody": "—"}[self]


class Path(StrEnum):
    """How a loan comes about."""

    NEW = "new"
    RENEWAL = "renewal"  # 无还本续贷: a new loan settles the old at maturity

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"new": "新申请", "renewal": "无还本续贷"}[self]


class GuaranteeCode(StrEnum):
    """How a loan is secured, by the codes of the PBoC statistics (K-M: a working draft)."""

    PLEDGE = "A"
    REAL_ESTATE = "B01"
    OTHER_MORTGAGE = "B99"
    JOINT = "C01"
    OTHER_SURETY = "C99"
    CREDIT = "D"
    COMBINED = "E"
    OTHER = "Z"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {
            "A": "质押",
            "B01": "房地产抵押",
            "B99": "其他抵押",
            "C01": "联保",
            "C99": "其他保证",
            "D": "信用（免担保）",
            "E": "组合",
            "Z": "其他",
        }[self]


class FiveClass(StrEnum):
    """The five classes of a loan's quality."""

    PASS = "normal"
    SPECIAL_MENTION = "special_mention"
    SUBSTANDARD = "substandard"
    DOUBTFUL = "doubtful"
    LOSS = "loss"

    @property
    def label(self) -> str:
        """The word a person reads, and the item of the sharing list."""
        return {
            "normal": "正常",
            "special_mention": "关注",
            "substandard": "次级",
            "doubtful": "可疑",
            "loss": "损失",
        }[self]


class ReminderMark(StrEnum):
    """How much of a clock has run when somebody is reminded."""

    HALF = "half"
    MOST = "most"  # 80 %
    OVER = "over"  # the time is up: it goes to the institution's head and the node

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"half": "已过一半", "most": "已过八成", "over": "已超时"}[self]


class GapKind(StrEnum):
    """What is missing or does not agree in what an institution fed back."""

    NOT_DISBURSED = "not_disbursed"  # accepted, and no drawdown reported in time
    NOT_UPDATED = "not_updated"  # a running loan without this month's status
    OVER_OFFER = "over_offer"  # more was lent, or dearer, than was offered
    CLASS_TOO_GOOD = "class_too_good"  # a better class than the days past due allow
    FIRST_LOAN = "first_loan"  # called a first loan, and there was one before
    PAST_DUE = "past_due"  # due, not settled, and not reported past due
    UNKNOWN_APPLICATION = "unknown_application"  # names an application that is not this loan's

    @property
    def label(self) -> str:
        """The words a person reads."""
        return {
            "not_disbursed": "企业已接受，尚未反馈放款",
            "not_updated": "本月尚未反馈贷款状态",
            "over_offer": "放款条件高于报价",
            "class_too_good": "五级分类优于逾期天数所允许",
            "first_loan": "标为首贷，但已有在先贷款",
            "past_due": "已到期，未结清也未报逾期",
            "unknown_application": "所列申请与本笔贷款不符",
        }[self]


class Verdict(StrEnum):
    """What a test of the recommendation says."""

    MET = "met"
    NOT_MET = "not_met"
    TO_CONFIRM = "to_confirm"  # a person has to look

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"met": "符合", "not_met": "不符合", "to_confirm": "待核实"}[self]


class ListState(StrEnum):
    """Where a declaration stands: 申报清单, then 推荐清单."""

    DECLARED = "declared"
    RECOMMENDED = "recommended"
    RETURNED = "returned"
    ENDED = "ended"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"declared": "申报清单", "recommended": "推荐清单", "returned": "已退回", "ended": "已到期"}[self]


@dataclass(frozen=True, slots=True)
class DeclineReason:
    """A coded reason for saying no: what is said, what would help, both languages."""

    code: str
    says: str
    says_en: str
    next_step: str
    next_step_en: str


@dataclass(frozen=True, slots=True)
class Clock:
    """Whose turn a state is and within how many working days."""

    holder: Holder
    workdays: int


@dataclass(frozen=True, slots=True)
class RecommendationTest:
    """One of the five admission tests: what it asks; ``indicators`` tell it where the data can, else a person does."""

    code: str
    name: str
    name_en: str
    says: str
    says_en: str
    conditions: tuple[Mapping[str, object], ...]


@dataclass(frozen=True, slots=True)
class LendingRules:
    """``lending.toml``: clocks, reasons, definitions with the days they hold from."""

    clocks: Mapping[ApplicationState, Clock]
    offer_days: int
    attribution_days: int
    feedback_workdays: int
    recommendation_days: int
    reasons: tuple[DeclineReason, ...]
    tests: tuple[RecommendationTest, ...]
    inclusive: Mapping[str, tuple[tuple[date, int], ...]]  # report → (from, most total credit in fen)
    classes: tuple[tuple[date, tuple[tuple[int, FiveClass], ...]], ...]  # from → (more days past due than, at worst)


@dataclass(frozen=True, slots=True)
class Offer:
    """What an institution offers. Money in fen, rate in basis points a year."""

    amount_fen: int
    months: int
    rate_bp: int
    guarantee: GuaranteeCode
    note: str
    until: date


@dataclass(frozen=True, slots=True)
class Application:
    """An enterprise's application to one institution for one product. ``since`` is when its state began."""

    id: str
    path: Path
    need: str
    renews: str
    enterprise: str
    enterprise_name: str
    institution: str
    product: str
    product_version: int
    product_name: str
    amount_fen: int
    months: int
    purpose: str
    state: ApplicationState
    since: datetime
    made_at: datetime
    request: str
    authorisation: str
    offer: Offer | None
    reasons: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an application: what happened, when, by whom."""

    event: str
    state: ApplicationState
    at: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class Turn:
    """The clock of a state: whose turn, until when, what share of the time has run (per cent), ``over`` past it."""

    holder: Holder
    due_on: date
    elapsed_percent: int
    workdays_left: int
    over: bool
    provisional: bool


@dataclass(frozen=True, slots=True)
class LoanReport:
    """What an institution feeds back of one drawdown. Money in fen, rates in basis points a year."""

    credit_no: str
    receipt_no: str
    enterprise: str
    product: str
    limit_fen: int
    amount_fen: int
    balance_fen: int
    rate_bp: int
    guarantee: GuaranteeCode
    applied_on: date | None
    approved_on: date | None
    drawn_on: date
    due_on: date
    settled_on: date | None
    first_loan: bool
    renewal: bool
    five_class: FiveClass
    overdue_days: int
    overdue_fen: int  # past due, principal and interest
    purpose_industry: str
    division: str
    application: str
    authorisation: str


@dataclass(frozen=True, slots=True)
class Loan:
    """A loan as it stands by the last report. ``attributed`` is how it came: the application or read before it."""

    id: int
    institution: str
    report: LoanReport
    attributed: str
    reported_at: datetime
    first_reported_at: datetime


@dataclass(frozen=True, slots=True)
class ToldReport:
    """One report of a loan as it came: its exact bytes and digest, when, by whom, and the log entry that holds it.

    ``entry`` is None for what came before reports had an entry each.
    """

    document: str
    sha256: str
    reported_at: datetime
    actor: str
    entry: int | None


@dataclass(frozen=True, slots=True)
class Gap:
    """Something to put right in what was fed back."""

    kind: GapKind
    about: str
    enterprise: str
    since: date
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Declaration:
    """An enterprise on the declaration or recommendation list, with what each test says."""

    id: str
    enterprise: str
    enterprise_name: str
    state: ListState
    institutions: tuple[str, ...]
    tests: Mapping[str, Verdict]
    notes: Mapping[str, str]
    declared_at: datetime
    decided_by: str
    until: date | None
    reason: str


OPTED_IN = Event("lending.opted_in", "企业选定机构", "enterprise opted in to an institution")
MOVED_ON = Event("lending.moved_on", "申请进入下一步", "application moved on")
OFFER_MADE = Event("lending.offered", "机构报价", "offer made")
APPLICATION_DECLINED = Event("lending.declined", "机构未通过申请", "application declined")
REMINDED = Event("lending.reminded", "提醒办理申请", "reminded of an application")
LOANS_REPORTED = Event("lending.loans_reported", "反馈贷款", "loans reported")
LOAN_TOLD = Event("lending.loan_told", "反馈一笔贷款的状态", "state of a loan fed back")
LOANS_RECORDED = Event("lending.loans_recorded", "贷款反馈入库", "reported loans recorded")
DECLARED = Event("lending.declared", "申报融资协调机制", "enterprise declared for recommendation")
RECOMMENDED = Event("lending.recommended", "列入推荐清单", "enterprise recommended")
DECLARATION_RETURNED = Event("lending.declaration_returned", "退回申报", "declaration returned")
