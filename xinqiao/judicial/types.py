"""Cases, what they are about, and what a package of evidence is made of. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from xinqiao.evidence.types import Event


class CaseKind(StrEnum):
    """What kind of proceeding a case is."""

    LITIGATION = "litigation"
    ARBITRATION = "arbitration"
    NOTARISATION = "notarisation"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"litigation": "诉讼", "arbitration": "仲裁", "notarisation": "公证"}[self]


class CaseState(StrEnum):
    """Where a case stands; the table of what leads where is ``rules.CASE_TRANSITIONS``."""

    OPEN = "open"
    CLOSED = "closed"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"open": "在办", "closed": "已结"}[self]


class MatterKind(StrEnum):
    """What a case can be about."""

    LOAN = "loan"
    APPLICATION = "application"
    DISPUTE = "dispute"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"loan": "贷款（借据）", "application": "融资申请", "dispute": "异议"}[self]


class Phase(StrEnum):
    """The stage of the business that a piece of material belongs to, in order."""

    AUTHORISED = "authorised"
    APPLIED = "applied"
    EVALUATED = "evaluated"
    SIGNED = "signed"
    DISBURSED = "disbursed"
    REPAID = "repaid"
    OVERDUE = "overdue"
    DUNNED = "dunned"
    DISPUTED = "disputed"
    DELIVERED = "delivered"
    SETTLED = "settled"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {
            "authorised": "授权",
            "applied": "申请",
            "evaluated": "查询与评价",
            "signed": "签约",
            "disbursed": "放款",
            "repaid": "还款",
            "overdue": "逾期",
            "dunned": "催告",
            "disputed": "异议",
            "delivered": "送达",
            "settled": "处置",
        }[self]


class Suite(StrEnum):
    """The two legs a package stands on."""

    INTL = "intl"
    GM = "gm"

    @property
    def label(self) -> str:
        """The words a person reads."""
        return {"intl": "国际算法（Ed25519、ECDSA 或 RSA、SHA-256）", "gm": "国密算法（SM2、SM3）"}[self]


class CheckState(StrEnum):
    """What came of one check of a package."""

    PASSED = "passed"
    FAILED = "failed"
    ABSENT = "absent"  # there is nothing of the kind in the package; it says so itself
    SET_ASIDE = "set_aside"  # rests on a suite that the reader declared broken

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"passed": "通过", "failed": "不通过", "absent": "没有", "set_aside": "不采信"}[self]


@dataclass(frozen=True, slots=True)
class Party:
    """A party of the matter: its part in it (出借方, 借款方 …), name and code."""

    part: str
    name: str
    code: str


@dataclass(frozen=True, slots=True)
class Matter:
    """What a case is about, once found: the one loan, application or dispute, its parties and its facts in words.

    ``number`` is the receipt or application number, ``authorisation`` the one it rests on, empty when there is none.
    """

    kind: MatterKind
    number: str
    enterprise: str
    institution: str
    parties: tuple[Party, ...]
    facts: Mapping[str, object]
    authorisation: str
    application: str
    from_on: date | None
    to_on: date | None


@dataclass(frozen=True, slots=True)
class Material:
    """One piece that goes into a package. Whichever context hands it in, this is all that packing knows of it.

    ``stem`` and ``ending`` make its file name, ``collector`` recorded it, ``source`` is the system it came from.
    ``entries`` are the log entries about it; ``bound`` names the field of the first one's body that holds this
    piece's SHA-256, empty when the entry tells the act and not the file.
    """

    phase: Phase
    name: str
    stem: str
    ending: str
    data: bytes
    collected_at: datetime
    collector: str
    source: str
    authorisation: str = ""
    entries: tuple[int, ...] = ()
    bound: str = ""


@dataclass(frozen=True, slots=True)
class CaseRequest:
    """What a judicial body writes to open a case: words as they were typed, not yet checked."""

    kind: str
    case_no: str
    basis: str
    matter: str
    enterprise: str
    institution: str
    number: str


@dataclass(frozen=True, slots=True)
class Case:
    """A proceeding of a judicial body about one matter. ``basis`` is the document by which it may look."""

    id: str
    kind: CaseKind
    case_no: str
    basis: str
    organisation: str
    organisation_name: str
    enterprise: str
    matter: MatterKind
    institution: str
    number: str
    state: CaseState
    opened_by: str
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class PackageFacts:
    """A package that was made: its digests, its size in bytes, the log entry that holds them, what is in it."""

    id: str
    case: str
    made_at: datetime
    made_by: str
    sha256: str
    sm3: str
    size: int
    items: int
    stamped: bool
    entry: int


CASE_OPENED = Event("judicial.case_opened", "立案调取", "case opened")
CASE_NOT_OPENED = Event("judicial.case_not_opened", "未予立案调取", "case not opened")
CASE_CLOSED = Event("judicial.case_closed", "结案", "case closed")
PACKAGE_MADE = Event("judicial.package_made", "生成证据包", "evidence package made")
