"""What people type about proceedings, read into terms and decisions; what cannot be read is named field by field."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from django.http import HttpRequest

from xinqiao.kernel.errors import Invalid, Phrase, Problem
from xinqiao.kernel.money import format_fen, parse_yuan
from xinqiao.settlement.refusals import InvalidTerms
from xinqiao.settlement.rules import WITH_PAPER
from xinqiao.settlement.types import Guarantor, PaperKind, Payment, Terms, Told
from xinqiao.web.access import posted
from xinqiao.web.uploads import posted_file
from xinqiao.web.words import translate

MOST_BYTES = 6 << 20
IN_DEED = ("入证", "yes")
Read = TypeVar("Read")
MONEY = ("debt", "principal", "interest", "fees")
RATES = ("rate", "overdue_rate")


class _Typed:
    """Reads fields one after the other and remembers every fault."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.faults: list[Problem] = []

    def text(self, name: str, most: int = 300) -> str:
        return posted(self.request, name, most=most).strip()

    def read(self, name: str, reader: Callable[[str], Read], default: Read, *, most: int = 300) -> Read:
        written = self.text(name, most)
        if not written:
            return default
        try:
            return reader(written)
        except (Invalid, ValueError, InvalidOperation):
            self.faults.append(Problem(name, "settlement.form", Phrase("填写的内容无法识别")))
            return default

    def finish(self) -> None:
        if self.faults:
            raise InvalidTerms(self.faults)


def read_terms(request: HttpRequest) -> Terms:
    """The terms of the form; raises InvalidTerms naming every field that cannot be read."""
    typed = _Typed(request)
    money = {f"{name}_fen": typed.read(name, parse_yuan, 0) for name in MONEY}
    rates = {f"{name}_bp": typed.read(name, _basis_points, 0) for name in RATES}
    terms = Terms(
        **money,
        **rates,
        contract_no=typed.text("contract_no"),
        payments=typed.read("payments", _payments, (), most=20_000),
        acceptance=typed.text("acceptance") == "yes",
        verification=typed.text("verification"),
        guarantors=typed.read("guarantors", _guarantors, (), most=4_000),
        counted_on=typed.read("counted_on", date.fromisoformat, None),
        facts=typed.text("facts", 5_000),
        agreement=typed.text("agreement", 2_000),
        agreed_body=typed.text("agreed_body"),
        address=typed.text("address"),
        property_division=typed.text("property_division"),
    )
    typed.finish()
    return terms


def written_terms(terms: Terms) -> dict[str, str]:
    """Terms as the form shows them."""
    return {
        **{name: format_fen(getattr(terms, f"{name}_fen")) for name in MONEY},
        **{name: f"{Decimal(getattr(terms, f'{name}_bp')) / 100:f}" for name in RATES},
        "payments": "\n".join(
            f"{one.due_on.isoformat()} {format_fen(one.principal_fen)} {format_fen(one.interest_fen)}"
            for one in terms.payments
        ),
        "guarantors": "\n".join(map(_written, terms.guarantors)),
        "acceptance": "yes" if terms.acceptance else "",
        "counted_on": terms.counted_on.isoformat() if terms.counted_on else "",
        **{
            name: getattr(terms, name)
            for name in ("contract_no", "verification", "facts", "agreement", "agreed_body", "address",
                         "property_division")
        },
    }  # fmt: skip


def _written(one: Guarantor) -> str:
    return " ".join(filter(None, (one.name, one.code, translate(IN_DEED[0]) if one.in_deed else "")))


def read_told(request: HttpRequest) -> Told:
    """What a body's staff entered; raises InvalidTerms naming every field that cannot be read."""
    typed = _Typed(request)
    event, (name, data) = typed.text("event", 24), posted_file(request, "file", most=MOST_BYTES)
    told = Told(
        event=event,
        on=typed.read("on", date.fromisoformat, date.min),
        reason=typed.text("reason", 600),
        document_no=typed.text("document_no", 120),
        amount_fen=typed.read("amount", parse_yuan, None),
        perform_by=typed.read("perform_by", date.fromisoformat, None),
        presence=typed.text("presence", 200),
        paper=WITH_PAPER.get(event, PaperKind.NOTICE) if data else None,
        name=name,
        data=data,
    )
    typed.finish()
    return told


def _basis_points(text: str) -> int:
    found = Decimal(text.rstrip("%％ ")) * 100
    if not found.is_finite() or found != found.to_integral_value():
        raise ValueError(text)
    return int(found)


def _payments(text: str) -> tuple[Payment, ...]:
    """A line each: last day, principal, interest."""
    rows = []
    for line in text.splitlines():
        if line.strip():
            on, principal, interest = [*line.split(), "0"][:3]
            rows.append(Payment(date.fromisoformat(on), parse_yuan(principal), parse_yuan(interest)))
    return tuple(rows)


def _guarantors(text: str) -> tuple[Guarantor, ...]:
    """A line each: name, code, and a word when the guarantee is part of the deed."""
    rows = []
    for line in text.splitlines():
        bits = line.split()
        if bits:
            inside = bits[-1].lower() in IN_DEED
            rest = bits[1:-1] if inside else bits[1:]
            rows.append(Guarantor(bits[0], rest[0] if rest else "", inside))
    return tuple(rows)
