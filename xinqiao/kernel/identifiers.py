"""Codes that name enterprises and persons: form, check character, parts.

A wrong *form* is refused; a wrong *check character* is only flagged, because a few officially issued codes
fail it (domain facts §2.1 d) and a record must not be lost over one digit.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from xinqiao.kernel.errors import Invalid, Phrase, Problem

USCC_CHARS = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100-2015: no I O Z S V
USCC_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))
ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
ID_CARD_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
ID_CARD_CHECKS = "10X98765432"

_USCC = re.compile(rf"[{USCC_CHARS}]{{18}}")
_ORGANISATION = re.compile(r"[0-9A-Z]{8}[0-9X]")
_ID_CARD = re.compile(r"\d{17}[0-9X]")
_REGISTRATION = re.compile(r"\d{15}")
_SEPARATORS = re.compile(r"[\s\-‐－—_·.]")


class InvalidUscc(Invalid):
    """Not 18 characters of the GB 32100 alphabet, or an entity class that does not exist."""

    code = "kernel.invalid_uscc"
    title = "“{text}”不是统一社会信用代码"
    clause = "GB 32100-2015"
    next_step = "请按营业执照核对：18 位，不含字母 I、O、Z、S、V"


class InvalidCode(Invalid):
    """An organisation code, registration number or identity card of the wrong form."""

    code = "kernel.invalid_code"
    title = "“{text}”不是{kind}"
    next_step = "请按原始证件核对"


class EntityKind(StrEnum):
    """What kind of subject a USCC names, as far as the node treats kinds differently."""

    ENTERPRISE = "enterprise"
    INDIVIDUAL = "individual"  # 个体工商户: a natural person, so its data is personal information
    COOPERATIVE = "cooperative"
    ORGAN = "organ"
    PUBLIC_INSTITUTION = "public_institution"
    OTHER = "other"


_KINDS = {
    "91": EntityKind.ENTERPRISE,
    "92": EntityKind.INDIVIDUAL,
    "93": EntityKind.COOPERATIVE,
    "11": EntityKind.ORGAN,
    "12": EntityKind.PUBLIC_INSTITUTION,
}
# GB 32100-2015 registration authority and entity class; A, N and Y are issued though absent from older tables.
_CLASSES = "11 12 13 19 21 29 31 32 33 34 35 39 41 49 51 52 53 59 61 62 69 71 72 79 81 89 91 92 93 A1 A9 N1 N2 N3 N9 Y1"
ENTITY_CLASSES = frozenset(_CLASSES.split())


@dataclass(frozen=True, slots=True)
class Uscc:
    """The parts of a unified social credit code; ``division`` may lie outside GB/T 2260 and still be right."""

    code: str
    entity_class: str
    division: str
    organisation_code: str
    check_ok: bool

    @property
    def kind(self) -> EntityKind:
        """What kind of subject the code names."""
        return _KINDS.get(self.entity_class, EntityKind.OTHER)


def normalise_code(text: str) -> str:
    """Full-width folded, spaces and dashes dropped, upper case: how codes come out of real feeds."""
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).upper()


def uscc_check_character(first17: str) -> str:
    """The 18th character for the first 17 (GB 32100-2015)."""
    total = sum(USCC_CHARS.index(c) * w for c, w in zip(first17, USCC_WEIGHTS, strict=True))
    return USCC_CHARS[(31 - total % 31) % 31]


def parse_uscc(text: str) -> Uscc:
    """Read a code as people write it; raises InvalidUscc on a wrong form only."""
    code = normalise_code(text)
    if not _USCC.fullmatch(code) or code[:2] not in ENTITY_CLASSES:
        raise InvalidUscc([Problem(field="uscc", code="uscc.form", message=f"“{text}”")], text=text)
    return Uscc(
        code=code,
        entity_class=code[:2],
        division=code[2:8],
        organisation_code=code[8:17],
        check_ok=uscc_check_character(code[:17]) == code[17],
    )


def make_uscc(entity_class: str, division: str, body: str) -> str:
    """A valid code from its class (2), division (6) and subject identifier (9)."""
    first = entity_class + division + body
    if len(first) != 17 or any(c not in USCC_CHARS for c in first):
        raise InvalidUscc([Problem(field="uscc", code="uscc.form", message=first)], text=first)
    return first + uscc_check_character(first)


def entity_kind(uscc: str) -> EntityKind:
    """What kind of subject a normalised code names."""
    return _KINDS.get(uscc[:2], EntityKind.OTHER)


def organisation_check_character(first8: str) -> str:
    """The 9th character for the first 8 (GB 11714); letters count in the full alphabet, J = 19."""
    total = sum(int(c, 36) * w for c, w in zip(first8, ORGANISATION_WEIGHTS, strict=True))
    rest = 11 - total % 11
    return {10: "X", 11: "0"}.get(rest, str(rest))


def parse_organisation_code(text: str) -> tuple[str, bool]:
    """(9-character code, whether its check character holds); raises InvalidCode on a wrong form."""
    code = normalise_code(text)
    if not _ORGANISATION.fullmatch(code):
        raise InvalidCode([Problem(field="code", code="form", message=text)], text=text, kind=Phrase("组织机构代码"))
    return code, organisation_check_character(code[:8]) == code[8]


def registration_check_digit(first14: str) -> str:
    """The 15th digit for the first 14 (GS 15-2006, ISO 7064 MOD 11,10)."""
    p = 10
    for digit in first14:
        p = ((p + int(digit)) % 10 or 10) * 2 % 11
    return str((1 - p) % 10)


def parse_registration_number(text: str) -> tuple[str, bool]:
    """(15-digit legacy registration number, whether its check digit holds); raises InvalidCode."""
    code = normalise_code(text)
    if not _REGISTRATION.fullmatch(code):
        raise InvalidCode([Problem(field="code", code="form", message=text)], text=text, kind=Phrase("15 位工商注册号"))
    return code, registration_check_digit(code[:14]) == code[14]


@dataclass(frozen=True, slots=True)
class IdCard:
    """A resident identity card number: sensitive; show only ``masked``."""

    code: str
    born_on: date
    check_ok: bool

    @property
    def masked(self) -> str:
        """First six and last four characters, the birth date hidden."""
        return f"{self.code[:6]}********{self.code[-4:]}"


def parse_id_card(text: str) -> IdCard:
    """Read an 18-character number (GB 11643-1999); raises InvalidCode, also for 15-digit ones, void since 2013."""
    code = normalise_code(text)
    kind = Phrase("18 位居民身份证号")
    problem = InvalidCode([Problem(field="id_card", code="form", message="")], text="", kind=kind)
    if not _ID_CARD.fullmatch(code):
        raise problem
    try:
        born = date(int(code[6:10]), int(code[10:12]), int(code[12:14]))
    except ValueError as error:
        raise problem from error
    total = sum(int(c) * w for c, w in zip(code[:17], ID_CARD_WEIGHTS, strict=True))
    return IdCard(code=code, born_on=born, check_ok=ID_CARD_CHECKS[total % 11] == code[17])
