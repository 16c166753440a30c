"""Money in integer fen, and registered capital as it is really written."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal

from xinqiao.kernel.errors import Invalid, Problem


class InvalidMoney(Invalid):
    """An amount that cannot be read without guessing."""

    code = "kernel.invalid_money"
    title = "“{text}”不能读作金额：{reason}"
    next_step = "请写成“100万人民币”或以元为单位的数字"


@dataclass(frozen=True, slots=True)
class Capital:
    """Registered capital: ``amount_fen`` in 1/100 of ``currency`` (ISO 4217), also for yen, where that is unusual."""

    amount_fen: int
    currency: str


# Longest names first: 新加坡元 before 元.
CURRENCIES = (
    ("人民币", "CNY"), ("新加坡元", "SGD"), ("澳大利亚元", "AUD"), ("加拿大元", "CAD"), ("瑞士法郎", "CHF"),
    ("法国法郎", "FRF"), ("德国马克", "DEM"), ("丹麦克郎", "DKK"), ("丹麦克朗", "DKK"), ("香港元", "HKD"),
    ("港元", "HKD"), ("港币", "HKD"), ("日元", "JPY"), ("欧元", "EUR"), ("英镑", "GBP"), ("加元", "CAD"),
    ("美元", "USD"), ("美", "USD"),
)  # fmt: skip
NOT_STATED = frozenset({"", "-", "--", "—", "N/A", "NA", "NULL", "无"})
LIMIT_FEN = 10**17  # a thousand times the province's yearly product
_AMOUNT = re.compile(r"([+-]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:[Ee][+-]?\d+)?)(.*)")


def parse_capital(text: str) -> Capital | None:
    """Read a spelling such as ``1,450(万美元)`` or ``50万人民币``; None when nothing is stated.

    A number with no unit and no currency, or an ambiguous unit, raises InvalidMoney: it is never guessed.
    A spelling without a currency is renminbi, the registry's default.
    """
    folded = re.sub(r"\s", "", unicodedata.normalize("NFKC", text))
    if folded.upper() in NOT_STATED:
        return None
    match = _AMOUNT.fullmatch(folded)
    if not match:
        if re.search(r"\d", folded):
            raise _unreadable(text, "数字写法无法识别")
        return None  # a unit without a number states nothing
    unit = re.sub(r"[()]", "", match[2])
    currency, scale = _unit(unit, text)
    amount = Decimal(match[1].replace(",", "")) * scale * 100
    if amount != amount.to_integral_value():
        amount = amount.quantize(Decimal(1))
    if amount < 0:
        raise _unreadable(text, "金额为负")
    if amount > LIMIT_FEN:
        raise _unreadable(text, "金额大得不可能")
    return Capital(int(amount), currency)


def _unit(unit: str, text: str) -> tuple[str, int]:
    if "/" in unit:
        raise _unreadable(text, "单位“元/万元”有两种读法")
    scale = 10_000 if "万" in unit else 1
    rest = unit.replace("万", "")
    for name, code in CURRENCIES:
        if name in rest:
            left = rest.replace(name, "").replace("元", "")
            if left:
                raise _unreadable(text, f"不认识的单位“{left}”")
            return code, scale
    if rest not in ("", "元"):
        raise _unreadable(text, f"不认识的单位“{rest}”")
    if not unit:
        raise _unreadable(text, "没有写单位，元与万元相差一万倍")
    return "CNY", scale


def _unreadable(text: str, reason: str) -> InvalidMoney:
    return InvalidMoney([Problem(field="capital", code="capital.form", message=reason)], text=text, reason=reason)


def parse_yuan(text: str) -> int:
    """An amount in yuan (``1,234.50``) as fen; raises InvalidMoney for more than two decimals or other words."""
    bare = re.sub(r"[,\s¥￥元]", "", unicodedata.normalize("NFKC", text))
    try:
        fen = Decimal(bare) * 100
    except ArithmeticError as error:
        raise _unreadable(text, "不是数字") from error
    if not fen.is_finite() or abs(fen) > LIMIT_FEN:
        raise _unreadable(text, "金额大得不可能")
    if fen != fen.to_integral_value():
        raise _unreadable(text, "金额至多两位小数")
    return int(fen)


def format_fen(fen: int) -> str:
    """Fen as yuan with thousands separators and two decimals."""
    sign, fen = ("-", -fen) if fen < 0 else ("", fen)
    return f"{sign}{fen // 100:,}.{fen % 100:02d}"


def format_wan(fen: int) -> str:
    """Fen in ten thousand yuan (万元), two decimals, for headings."""
    return f"{Decimal(fen) / 1_000_000:,.2f}"
