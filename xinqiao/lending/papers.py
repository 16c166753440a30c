"""A loan as an institution feeds it back, by API, file or page: every fault named by row and field. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date
from typing import Any

from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.kernel.identifiers import InvalidUscc, parse_uscc
from xinqiao.kernel.money import parse_yuan
from xinqiao.lending.types import (
    FiveClass,
    GuaranteeCode,
    LoanReport,
)

# Field → heading of the table an institution sends; amounts in the table are in yuan, in the API in fen.
HEADINGS = {
    "credit_no": "授信编号",
    "receipt_no": "借据编号",
    "enterprise": "统一社会信用代码",
    "product": "产品编号",
    "limit_fen": "授信额度（元）",
    "amount_fen": "放款金额（元）",
    "balance_fen": "贷款余额（元）",
    "rate_bp": "年利率（%）",
    "guarantee": "担保方式代码",
    "applied_on": "申请日期",
    "approved_on": "批准日期",
    "drawn_on": "放款日期",
    "due_on": "到期日期",
    "settled_on": "结清日期",
    "first_loan": "是否首贷",
    "renewal": "是否续贷",
    "five_class": "五级分类",
    "overdue_days": "逾期天数",
    "overdue_fen": "逾期金额（元）",
    "purpose_industry": "投向行业",
    "division": "行政区划",
    "application": "申请编号",
    "authorisation": "授权编号",
}
OPTIONAL = frozenset(
    {
        "product",
        "overdue_fen",
        "applied_on",
        "approved_on",
        "settled_on",
        "purpose_industry",
        "division",
        "application",
        "authorisation",
    }
)
YES, NO = frozenset({"是", "1", "true", "y", "yes"}), frozenset({"否", "0", "false", "n", "no"})
MONEY = frozenset({"limit_fen", "amount_fen", "balance_fen", "overdue_fen"})
DAYS = frozenset({"applied_on", "approved_on", "drawn_on", "due_on", "settled_on"})
FLAGS = frozenset({"first_loan", "renewal"})
RECEIPT = re.compile(r"[0-9A-Z]{6,20}")  # as the item of the sharing list spells it
LONGEST = {"credit_no": 60, "receipt_no": 60, "product": 40, "application": 40, "authorisation": 40}
MOST_FEN, MOST_DAYS, MOST_BP = 10**13, 20_000, 2_400
CLASSES = {f.label: f for f in FiveClass} | {str(f): f for f in FiveClass}


class _Wrong(Exception):
    """A field that cannot be read; carries the sentence for it."""

    def __init__(self, says: Phrase) -> None:
        self.says = says


def read_reports(
    rows: Sequence[Mapping[str, Any]], *, today: date, yuan: bool = False
) -> tuple[list[LoanReport], list[Problem]]:
    """Rows as they came → reports of those without fault, and every fault of the others.

    ``yuan``: amounts are written in yuan and rates in per cent (a table), else in fen and basis points (the API).
    A receipt that stands twice in one delivery is a fault of the later row.
    """
    reports: list[LoanReport] = []
    problems: list[Problem] = []
    seen: set[str] = set()
    for number, raw in enumerate(rows, 1):
        found, wrong = _read(raw, yuan)
        if not wrong:
            report = LoanReport(**found)
            wrong = _contradictions(report, today)
            if report.receipt_no in seen:
                wrong.append(("receipt_no", Phrase("同一借据在本次中出现两次")))
            seen.add(report.receipt_no)
            if not wrong:
                reports.append(report)
        problems += [Problem(field=f, code="lending.report", message=says, row=number) for f, says in wrong]
    return reports, problems


def _read(raw: Mapping[str, Any], yuan: bool) -> tuple[dict[str, Any], list[tuple[str, Phrase]]]:
    found: dict[str, Any] = {}
    wrong: list[tuple[str, Phrase]] = []
    known = {f.name for f in fields(LoanReport)}
    for name in sorted(set(map(str, raw)) - known):
        wrong.append((name, Phrase("不认识“{name}”", name=name)))
    for name in HEADINGS:
        value = raw.get(name)
        empty = value is None or (isinstance(value, str) and not value.strip())
        if empty and name not in OPTIONAL:
            wrong.append((name, Phrase("必填")))
            continue
        try:
            found[name] = _empty(name) if empty else _READERS[_kind(name)](name, value, yuan)
        except _Wrong as error:
            wrong.append((name, error.says))
    return found, wrong


def _empty(name: str) -> Any:
    return None if name in DAYS else 0 if name in MONEY else ""


def _kind(name: str) -> str:
    for kind, names in (("money", MONEY), ("day", DAYS), ("flag", FLAGS)):
        if name in names:
            return kind
    return name if name in _READERS else "text"


def _money(name: str, value: Any, yuan: bool) -> int:
    if yuan:
        try:
            fen = parse_yuan(str(value))
        except Exception as error:
            raise _Wrong(Phrase("金额应为数字，单位元")) from error
    else:
        fen = _whole(value)
    if not 0 <= fen <= MOST_FEN:
        raise _Wrong(Phrase("金额超出范围"))
    return fen


def _rate(name: str, value: Any, yuan: bool) -> int:
    if yuan:
        try:
            bp = parse_yuan(str(value).rstrip("%％"))
        except Exception as error:
            raise _Wrong(Phrase("年利率应为数字，单位 %，最多两位小数")) from error
    else:
        bp = _whole(value)
    if not 0 <= bp <= MOST_BP:
        raise _Wrong(Phrase("年利率请填 0 至 24"))
    return bp


def _days(name: str, value: Any, yuan: bool) -> int:
    found = _whole(value)
    if not 0 <= found <= MOST_DAYS:
        raise _Wrong(Phrase("请填 {least} 至 {most} 的整数", least=0, most=MOST_DAYS))
    return found


def _whole(value: Any) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not text.isascii() or not text.isdecimal() or len(text) > 16:
        raise _Wrong(Phrase("应为不带符号的整数"))
    return int(text)


def _day(name: str, value: Any, yuan: bool) -> date:
    try:
        return date.fromisoformat(str(value).strip()[:10].replace("/", "-"))
    except ValueError as error:
        raise _Wrong(Phrase("请填日期，如 2026-12-01")) from error


def _flag(name: str, value: Any, yuan: bool) -> bool:
    said = str(value).strip().lower()
    if said not in YES | NO:
        raise _Wrong(Phrase("请填是或否"))
    return said in YES


def _enterprise(name: str, value: Any, yuan: bool) -> str:
    try:
        found = parse_uscc(str(value))
    except InvalidUscc as error:
        raise _Wrong(Phrase("不是有效的统一社会信用代码")) from error
    if not found.check_ok:
        raise _Wrong(Phrase("校验位不符，请按营业执照核对"))
    return found.code


def _guarantee(name: str, value: Any, yuan: bool) -> GuaranteeCode:
    said = str(value).strip().upper()
    if said not in set(GuaranteeCode):
        raise _Wrong(Phrase("担保方式代码应为 {allowed} 之一", allowed=tuple(str(g) for g in GuaranteeCode)))
    return GuaranteeCode(said)


def _class(name: str, value: Any, yuan: bool) -> FiveClass:
    if str(value).strip() not in CLASSES:
        raise _Wrong(Phrase("五级分类应为 {allowed} 之一", allowed=tuple(f.label for f in FiveClass)))
    return CLASSES[str(value).strip()]


def _receipt(name: str, value: Any, yuan: bool) -> str:
    said = str(value).strip()
    if not RECEIPT.fullmatch(said):
        raise _Wrong(Phrase("借据编号为 6 至 20 位数字或大写字母"))
    return said


def _text(name: str, value: Any, yuan: bool) -> str:
    said, most = str(value).strip(), LONGEST.get(name, 6)
    if len(said) > most or not said.isprintable():
        raise _Wrong(Phrase("最多 {most} 字", most=most))
    return said


_READERS: Mapping[str, Callable[[str, Any, bool], Any]] = {
    "money": _money,
    "day": _day,
    "flag": _flag,
    "rate_bp": _rate,
    "overdue_days": _days,
    "enterprise": _enterprise,
    "receipt_no": _receipt,
    "guarantee": _guarantee,
    "five_class": _class,
    "text": _text,
}


def _contradictions(report: LoanReport, today: date) -> list[tuple[str, Phrase]]:
    """What cannot be true of one loan, whatever else is known."""
    wrong: list[tuple[str, Phrase]] = []
    if report.drawn_on > today:
        wrong.append(("drawn_on", Phrase("放款日期晚于今天")))
    if report.due_on < report.drawn_on:
        wrong.append(("due_on", Phrase("到期日期早于放款日期")))
    if report.approved_on and report.approved_on > report.drawn_on:
        wrong.append(("approved_on", Phrase("批准日期晚于放款日期")))
    if report.applied_on and report.approved_on and report.applied_on > report.approved_on:
        wrong.append(("applied_on", Phrase("申请日期晚于批准日期")))
    if report.settled_on and (report.settled_on < report.drawn_on or report.settled_on > today):
        wrong.append(("settled_on", Phrase("结清日期应在放款日期与今天之间")))
    if report.settled_on and report.balance_fen:
        wrong.append(("balance_fen", Phrase("已结清的贷款余额应为零")))
    if report.balance_fen > report.amount_fen:
        wrong.append(("balance_fen", Phrase("余额大于放款金额")))
    if bool(report.overdue_days) is not bool(report.overdue_fen):
        wrong.append(("overdue_fen", Phrase("有逾期的填逾期天数和金额，没有逾期的都为零")))
    if report.first_loan and report.renewal:
        wrong.append(("first_loan", Phrase("续贷不能标为首贷")))
    return wrong


def report_document(report: LoanReport) -> dict[str, Any]:
    """A report as it is kept and digested."""
    return {
        name: value.isoformat() if isinstance(value, date) else str(value) if isinstance(value, str) else value
        for name, value in asdict(report).items()
    }
