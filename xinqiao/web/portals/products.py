"""Products: what everybody may read of them, and where an institution writes, tries and publishes its own."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xinqiao.kernel.errors import Invalid, Phrase, Problem, Refused, SourceFailed
from xinqiao.kernel.money import format_wan
from xinqiao.lending.queries import decision_days
from xinqiao.matching.actions import publish_product, tell_demand, try_reach, withdraw_product
from xinqiao.matching.queries import (
    condition_facts,
    get_product,
    grades,
    list_products,
    list_versions,
    matching_rules,
    vetoes,
)
from xinqiao.matching.refusals import (
    InvalidProduct,
    NothingEvaluated,
    UnknownProduct,
)
from xinqiao.matching.rules import parse_conditions
from xinqiao.matching.types import (
    Basis,
    Condition,
    Guarantee,
    Product,
)
from xinqiao.parties.types import Role
from xinqiao.web.access import Acting, Portal, posted, public, requires
from xinqiao.web.middleware import error_context, status_of

MAKER = requires(Portal.INSTITUTION, Role.OPERATOR, Role.OFFICER, readers=(Role.AUDITOR,))
AMOUNTS = ("amount_from_fen", "amount_to_fen")
RATES = ("rate_from_bp", "rate_to_bp", "fee_bp")
NUMBERS = ("months_from", "months_to", "decision_workdays")
WRITTEN = (*AMOUNTS, *RATES, *NUMBERS, "name", "note", "offered_from", "offered_until")
CHOOSABLE = tuple(b for b in Basis if b not in (Basis.AMOUNT, Basis.MONTHS, Basis.GUARANTEE))


@public
@require_GET
def public_products(request: HttpRequest) -> HttpResponse:
    """Products on offer, by thematic window; nothing of any enterprise."""
    rules = matching_rules(now=timezone.now())
    known = {w.code for w in rules.windows}
    window = request.GET.get("window", "") if request.GET.get("window", "") in known else ""
    context = {
        "products": list_products(on=timezone.localdate(), window=window),
        "windows": rules.windows,
        "window": window,
    }
    return render(request, "public/products.html", context)


@public
@require_GET
def public_product(request: HttpRequest, product: str) -> HttpResponse:
    """One product with its conditions and what it promises."""
    found = next((p for p in list_products() if p.code == product), None)
    if found is None:
        raise UnknownProduct(product=product)
    days = decision_days(found.institution, now=timezone.now())
    return render(request, "public/product.html", {"product": found, "days": days})


@MAKER
@require_GET
def own(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """The institution's products, each with how many open needs it fits: counts above a floor, nobody's name."""
    context: dict[str, Any] = {"products": list_products(institution=actor.code, admitted=False)}
    try:
        told = tell_demand(actor.code, actor=actor.label, now=timezone.now())
        context["demand"] = {p.code: (fitting, lacking) for p, fitting, lacking in told}
    except NothingEvaluated as error:
        context |= {"error": error_context(error), "demand": {}}
    return render(request, "institution/products.html", context)


@MAKER
@require_http_methods(["GET", "POST"])
def write(request: HttpRequest, product: str = "", *, actor: Acting) -> HttpResponse:
    """Write a product or its next version: try how far its conditions reach, then publish."""
    context = _choices()
    if request.method == "GET":
        found = _own(product, actor) if product else None
        context |= {"raw": _as_written(found) if found else _empty(), "code": product}
        context["versions"] = list_versions(product) if product else []
        return render(request, "institution/product_write.html", context)
    if product:
        _own(product, actor)
    raw = {name: posted(request, name, most=500) for name in WRITTEN}
    raw["guarantees"], raw["windows"] = request.POST.getlist("guarantees"), request.POST.getlist("windows")
    raw["rows"] = _rows(request)
    context |= {"raw": raw, "code": product}
    try:
        document = _document(raw)
        if posted(request, "step") == "try":
            context["reach"] = try_reach(
                _conditions(document), institution=actor.code, actor=actor.label, now=timezone.now()
            )
            return render(request, "institution/product_write.html", context)
        made = publish_product(document, institution=actor.code, code=product, actor=actor.label, now=timezone.now())
    except (Invalid, Refused, SourceFailed) as error:
        context["error"] = error_context(error)
        return render(request, "institution/product_write.html", context, status=status_of(error))
    text = _("已发布 %(name)s 第 %(n)s 版") % {"name": made.name, "n": made.version}
    messages.success(request, text, extra_tags="good")
    return redirect("institution-products")


@MAKER
@require_POST
def withdraw(request: HttpRequest, product: str, *, actor: Acting) -> HttpResponse:
    """Take a product off; applications under way go on."""
    withdraw_product(product, institution=actor.code, actor=actor.label, now=timezone.now())
    messages.success(request, _("已下架；在办的申请照常办理"), extra_tags="good")
    return redirect("institution-products")


def _own(code: str, actor: Acting) -> Product:
    found = get_product(code)
    if found.institution != actor.code:
        raise UnknownProduct(product=code)
    return found


def _choices() -> dict[str, Any]:
    now = timezone.now()
    rules = matching_rules(now=now)
    return {
        "guarantees": list(Guarantee),
        "windows": rules.windows,
        "bases": CHOOSABLE,
        "indicators": sorted(condition_facts(now=now).items()),
        "grades": grades(now=now),
        "vetoes": vetoes(now=now),
        "most": rules.most_conditions,
    }


def _empty() -> dict[str, Any]:
    today = timezone.localdate().isoformat()
    return {"offered_from": today, "guarantees": ["credit"], "windows": [], "rows": [{}] * 8, "fee_bp": "0"}


def _as_written(product: Product) -> dict[str, Any]:
    """A product as its form shows it: ten thousand yuan, per cent."""
    raw: dict[str, Any] = {name: format_wan(getattr(product, name)).replace(",", "") for name in AMOUNTS}
    raw |= {name: f"{getattr(product, name) / 100:.2f}" for name in RATES}
    raw |= {name: getattr(product, name) for name in (*NUMBERS, "name", "note")}
    raw |= {"offered_from": product.offered_from.isoformat(), "guarantees": [str(g) for g in product.guarantees]}
    raw["offered_until"] = product.offered_until.isoformat() if product.offered_until else ""
    raw["windows"] = list(product.windows)
    raw["rows"] = [_row(c) for c in product.conditions] + [{}] * 2
    return raw


def _row(one: Condition) -> dict[str, Any]:
    by = _unit(one.indicator)
    return {
        "on": f"indicator:{one.indicator}" if one.indicator else str(one.basis),
        "at_least": _shown(one.at_least, by),
        "below": _shown(one.below, by),
        "values": " ".join(one.values),
    }


def _unit(indicator: str) -> int:
    """Money of conditions is written in ten thousand yuan."""
    facts = condition_facts(now=timezone.now()).get(indicator)
    return 1_000_000 if facts and facts.unit == "fen" else 1


def _shown(bound: int | None, by: int) -> str:
    return "" if bound is None else f"{Decimal(bound) / by:f}"


def _rows(request: HttpRequest) -> list[dict[str, Any]]:
    names = ("on", "at_least", "below", "values")
    lists = [[text[:200] for text in request.POST.getlist(name)][:60] for name in names]
    size = max(map(len, lists), default=0)
    rows = [{name: lst[n] if n < len(lst) else "" for name, lst in zip(names, lists, strict=True)} for n in range(size)]
    blank = sum(not row["on"] for row in rows)
    return rows + [dict.fromkeys(names, "")] * max(0, 2 - blank)


def _document(raw: dict[str, Any]) -> dict[str, Any]:
    """What was typed, as a product is published; what cannot be read stays as text, and its fault is named there."""
    document: dict[str, Any] = {name: raw[name] for name in ("name", "note", "offered_from", "guarantees", "windows")}
    document["offered_until"] = raw["offered_until"] or None
    document |= {name: _scaled(raw[name], 1_000_000) for name in AMOUNTS}
    document |= {name: _scaled(raw[name] or "0", 100) for name in RATES}
    document |= {name: _scaled(raw[name], 1) for name in NUMBERS}
    document["conditions"] = [_condition(row) for row in raw["rows"] if row["on"]]
    return document


def _scaled(text: str, by: int) -> int | str:
    try:
        value = Decimal(text.replace(",", "").strip()) * by
    except ArithmeticError:
        return text
    if not value.is_finite() or value != value.to_integral_value() or abs(value) >= 10**16:
        return text
    return int(value)


def _condition(row: dict[str, Any]) -> dict[str, Any]:
    basis, _, indicator = row["on"].partition(":")
    found: dict[str, Any] = {"basis": basis}
    if indicator:
        found["indicator"] = indicator
    by = _unit(indicator)
    found |= {name: _scaled(row[name], by) for name in ("at_least", "below") if row[name].strip()}
    if row["values"].strip():
        found["values"] = row["values"].replace("、", " ").replace(",", " ").replace("，", " ").split()
    return found


def _conditions(document: dict[str, Any]) -> list[Condition]:
    now, problems = timezone.now(), []

    def say(field: str, code: str, pattern: str, **data: str) -> None:
        problems.append(Problem(field=field, code=code, message=Phrase(pattern, **data)))

    facts = condition_facts(now=now)
    found = parse_conditions(document["conditions"], facts, grades(now=now), say, where="conditions")
    if problems:
        raise InvalidProduct(problems)
    return found
