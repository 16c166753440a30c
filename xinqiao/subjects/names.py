"""Names and addresses taken apart, so that two spellings of one firm compare equal. Pure: places are an argument."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from opencc import OpenCC

from xinqiao.kernel.divisions import DivisionTable

# Written in many ways, one form; the longest ending that fits is taken. An empty form says no more than "company".
FORMS: Mapping[str, str] = {
    "股份有限责任公司": "股份",
    "股份有限公司": "股份",
    "股份公司": "股份",
    "有限责任公司": "有限",
    "责任有限公司": "有限",
    "有限公司": "有限",
    "有限责任": "有限",
    "有限": "有限",
    "公司": "",
    "农民专业合作社": "合作社",
    "专业合作社": "合作社",
    "合作社": "合作社",
    "经营部": "经营部",
    "经销部": "经营部",
    "门市部": "门市部",
    "服务部": "服务部",
    "商行": "商行",
    "商店": "店",
    "店": "店",
    "厂": "厂",
    "中心": "中心",
    "工作室": "工作室",
    "事务所": "事务所",
}
_ENDINGS = sorted(FORMS, key=len, reverse=True)
_BRACKETS = re.compile(r"[(\[【〔《「{]([^()\[\]【】〔〕《》「」{}]{1,12})[)\]】〕》」}]")
_NOISE = re.compile(r"[^0-9A-Z\u3400-\u9fff]")
_BRANCH = re.compile(r"^(.{4,}?(?:公司|合作社|厂))(.{1,20})$")
_PART_OF_COUNTY = re.compile(r"[市区县](?=[^市区县]*$)")
_NUMBERS = re.compile(r"\d+")
_HAN = re.compile(r"[\u3400-\u9fff]+")
LEAST_CORE = 2
PERSON_NAME = 4  # so many characters or fewer, and no legal form: it may be the name of a person


@dataclass(frozen=True, slots=True)
class NameParts:
    """A firm's name: what it calls itself, its legal form, the branch it may be, the divisions that it names."""

    core: str
    form: str | None
    branch: str
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AddressParts:
    """An address: street and house without the divisions before them, its numbers, and those divisions."""

    street: str
    numbers: tuple[str, ...]
    places: tuple[str, ...]


class Places:
    """Words that name divisions, with and without their kind (西安市, 西安), and the code of each."""

    def __init__(self, divisions: DivisionTable) -> None:
        self.divisions = divisions
        self._codes: dict[str, str] = {}
        self._cities: dict[tuple[str, ...], str] = {}
        for code, row in divisions.rows.items():
            for _, name in row.names:
                self._add(name, code)
        self._longest = max(map(len, self._codes), default=0)

    def _add(self, name: str, code: str) -> None:
        current = self.divisions.current(code)
        words = [name, re.sub(r"[省市区县]$", "", name)]
        for word in map(fold, words):
            if len(word) >= LEAST_CORE:
                self._codes.setdefault(word, current)

    def code(self, word: str) -> str | None:
        """The division that a word names."""
        return self._codes.get(word)

    def strip(self, text: str) -> tuple[str, tuple[str, ...]]:
        """The text without the divisions that it begins with, and their codes; something is always left."""
        found: list[str] = []
        while taken := self._first(text):
            found.append(self._codes[text[:taken]])
            text = text[taken:]
        return text, tuple(found)

    def _first(self, text: str) -> int:
        for length in range(min(self._longest, len(text) - LEAST_CORE), LEAST_CORE - 1, -1):
            if text[:length] in self._codes:
                return length
        return 0

    def city(self, codes: tuple[str, ...]) -> str:
        """The city that the divisions lie in; empty when they name none, or several."""
        if codes not in self._cities:
            cities = {self.divisions.city(code) for code in codes if not code.endswith("0000")} - {""}
            self._cities[codes] = cities.pop() if len(cities) == 1 else ""
        return self._cities[codes]


@cache
def _simplified() -> dict[int, str]:
    """Traditional characters with the simplified one of each."""
    convert = OpenCC("t2s").convert
    pairs = ((chr(point), convert(chr(point))) for point in range(0x4E00, 0xA000))
    return {ord(one): other for one, other in pairs if one != other and len(other) == 1}


def fold(text: str) -> str:
    """One width, capitals, simplified characters, no blanks, brackets or punctuation."""
    return _NOISE.sub("", plain(text))


def plain(text: str) -> str:
    """One width, capitals, simplified characters."""
    return unicodedata.normalize("NFKC", text).upper().translate(_simplified())


def parse_name(text: str, places: Places) -> NameParts:
    """A name as it is compared. Brackets are dropped, and with them a division that they name."""
    named: list[str] = []

    def inside(match: re.Match[str]) -> str:
        word = fold(match[1])
        code = places.code(word)
        if code is None:
            return word
        named.append(code)
        return ""

    whole = _NOISE.sub("", _BRACKETS.sub(inside, plain(text)))
    main, branch = _split_branch(whole)
    core, form = _split_form(main)
    core, front = places.strip(core)
    return NameParts(core, form, branch, (*front, *named))


def _split_branch(whole: str) -> tuple[str, str]:
    match = _BRANCH.match(whole)
    if match is None or match[2].startswith("联合社"):
        return whole, ""
    return match[1], _PART_OF_COUNTY.sub("", match[2])


def _split_form(main: str) -> tuple[str, str | None]:
    for ending in _ENDINGS:
        if main.endswith(ending) and len(main) - len(ending) >= LEAST_CORE:
            return main[: -len(ending)], FORMS[ending]
    return main, None


def parse_address(text: str, places: Places) -> AddressParts:
    """An address as it is compared."""
    street, named = places.strip(fold(text))
    return AddressParts(street, tuple(_NUMBERS.findall(street)), named)


def may_be_person(parts: NameParts) -> bool:
    """Whether a name may be that of a natural person: short, Chinese, with neither legal form nor place."""
    return (
        parts.form is None and not parts.places and len(parts.core) <= PERSON_NAME and bool(_HAN.fullmatch(parts.core))
    )
