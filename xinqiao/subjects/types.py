"""Words of the register of subjects: subjects and their links, candidates with reasons, events, refusals. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from xinqiao.evidence.types import Event
from xinqiao.kernel.errors import NotFound, SourceFailed

BUILT = Event("subjects.built", "更新主体库", "register of subjects rebuilt")


class IdentifierKind(StrEnum):
    """By which identifier a subject was found."""

    CODE = "code"  # 统一社会信用代码
    FORMER_CODE = "former_code"  # 原代码
    ORGANISATION_CODE = "organisation_code"  # 组织机构代码
    REGISTRATION_NO = "registration_no"  # 15 位注册号

    @property
    def label(self) -> str:
        """The word a person reads."""
        return _KIND_LABELS[self]


_KIND_LABELS = {
    IdentifierKind.CODE: "统一社会信用代码",
    IdentifierKind.FORMER_CODE: "曾用代码",
    IdentifierKind.ORGANISATION_CODE: "组织机构代码",
    IdentifierKind.REGISTRATION_NO: "注册号",
}


class Level(StrEnum):
    """How far one feature of a row agrees with a subject; the order within a feature is from most to least."""

    WHOLE_NAME = "name.whole"
    SAME_CORE = "name.core"
    ONE_CHARACTER = "name.one_character"
    PART = "name.part"
    NEAR = "name.near"
    SAME_FORM = "form.same"
    OTHER_FORM = "form.other"
    SAME_BRANCH = "branch.same"
    OTHER_BRANCH = "branch.other"
    SAME_PLACE = "place.same"
    OTHER_PLACE = "place.other"
    SAME_COUNTY = "area.county"
    FORMER_COUNTY = "area.former"
    SAME_CITY = "area.city"
    OTHER_AREA = "area.other"
    SAME_ADDRESS = "address.same"
    NEAR_ADDRESS = "address.near"
    OTHER_ADDRESS = "address.other"

    @property
    def label(self) -> str:
        """The words a person reads."""
        return _LEVEL_LABELS[self]


_LEVEL_LABELS = {
    Level.WHOLE_NAME: "名称完全一致（含地名和组织形式）",
    Level.SAME_CORE: "字号和行业一致",
    Level.ONE_CHARACTER: "字号和行业相差一个字",
    Level.PART: "一方是另一方的简称",
    Level.NEAR: "字号和行业相近",
    Level.SAME_FORM: "组织形式一致",
    Level.OTHER_FORM: "组织形式不同",
    Level.SAME_BRANCH: "分支机构一致",
    Level.OTHER_BRANCH: "一方是分支机构，另一方不是或不是同一个",
    Level.SAME_PLACE: "名称中的地名一致",
    Level.OTHER_PLACE: "名称中的地名不同",
    Level.SAME_COUNTY: "区县一致",
    Level.FORMER_COUNTY: "与迁入前的区县一致",
    Level.SAME_CITY: "同市不同区县",
    Level.OTHER_AREA: "不在同一个市",
    Level.SAME_ADDRESS: "地址一致",
    Level.NEAR_ADDRESS: "地址相近，门牌号一致",
    Level.OTHER_ADDRESS: "地址不同",
}


class Doubt(StrEnum):
    """Why a likely candidate is not attached without a person, whatever its probability."""

    INDIVIDUAL = "individual"
    ENDED = "ended"
    SPELLING = "spelling"
    BRANCH = "branch"

    @property
    def label(self) -> str:
        """The words a person reads."""
        return _DOUBT_LABELS[self]


_DOUBT_LABELS = {
    Doubt.INDIVIDUAL: "个体工商户即自然人，不按名称自动认定",
    Doubt.ENDED: "主体已注销或迁出，名称可能已由他人使用",
    Doubt.SPELLING: "名称写法不同：可能是笔误，也可能是另一家",
    Doubt.BRANCH: "总公司与分支机构不能互相替代",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a row says of an enterprise without a code: its name, perhaps a division (code or name) and an address."""

    name: str
    division: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """One feature of a candidate: how far it agrees, and by what factor that changes the odds."""

    level: Level
    factor: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A subject that a row without a code may be about. ``alike`` subjects agree with the row's name as far."""

    code: str
    name: str
    current_name: str
    division: str
    address: str
    status: str
    probability: float
    alike: int
    reasons: tuple[Reason, ...]
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True, slots=True)
class Matching:
    """Candidates of a row, the most probable first; ``automatic`` when the first may be attached at once."""

    candidates: tuple[Candidate, ...]
    automatic: bool
    person: bool = False  # the name may be a person's: nothing is looked for


@dataclass(frozen=True, slots=True)
class Related:
    """A subject that another one is linked to."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Subject:
    """One enterprise with everything it is and was known by, and the subjects it is linked to."""

    code: str
    name: str
    status: str
    division: str
    former_division: str
    address: str
    organisation_code: str
    registration_no: str
    former_names: tuple[str, ...]
    former_codes: tuple[str, ...]
    parent: Related | None
    branches: tuple[Related, ...]
    converted_from: Related | None
    converted_to: Related | None


@dataclass(frozen=True, slots=True)
class RegisterFacts:
    """The register in use: how many subjects and names, made when."""

    subjects: int
    names: int
    built_at: datetime


class NoSubjects(SourceFailed):
    """There is no register yet."""

    code = "subjects.none"
    title = "主体库还没有生成"
    next_step = "请等待后台任务生成，或运行 xinqiao subject --rebuild"

    def __init__(self) -> None:
        super().__init__(retry=True)


class UnknownSubject(NotFound):
    """No subject has this code, former code, organisation code or registration number; data: ``text``."""

    code = "subjects.unknown"
    title = "主体库中没有“{text}”"
    next_step = "请核对统一社会信用代码、组织机构代码、15 位注册号或曾用代码"
