"""Enterprise portal: state a need once, see what fits and why, choose, follow the application to the loan."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xinqiao.consent.types import Form
from xinqiao.kernel.errors import Invalid, Refused
from xinqiao.lending.applications import answer, opt_in, start_renewal
from xinqiao.lending.declarations import declare
from xinqiao.lending.queries import (
    decision_days,
    get_application,
    list_applications,
    list_declarations,
    list_loans,
    list_steps,
    reasons_of,
    turn_of,
    with_turns,
)
from xinqiao.lending.refusals import UnknownApplication
from xinqiao.lending.rules import UNDER_WAY
from xinqiao.lending.types import (
    Answer,
    ApplicationState,
)
from xinqiao.matching.actions import close_need, post_need
from xinqiao.matching.queries import (
    find_open_need,
    firm_of,
    fits,
    get_product,
    list_needs,
    matching_rules,
)
from xinqiao.matching.rules import fit_of, placed_because, worst_of
from xinqiao.matching.types import (
    Firm,
    Guarantee,
    Need,
)
from xinqiao.parties.queries import get_organisation
from xinqiao.parties.types import Right, Role
from xinqiao.release.reading import read
from xinqiao.release.types import Inquiry, Recipient, RecipientKind
from xinqiao.web.access import Acting, Portal, posted, requires
from xinqiao.web.middleware import error_context

APPLICANT = requires(Portal.ENTERPRISE, Role.OWNER, Role.DELEGATE, right=Right.APPLY)
SHOWN, COMPARED = 60, 4


def _firm(actor: Acting) -> Firm:
    """The enterprise as conditions look at it: its own file by the gate, recorded like any other read."""
    own = Recipient(RecipientKind.ENTERPRISE, actor.code, actor.party, enterprise=actor.code)
    now = timezone.now()
    inquiry = Inquiry(own, actor.code, "self", Form.DERIVED, actor.label, "portal", evaluation_only=True)
    return firm_of(read(inquiry, now=now).document["evaluation"], now=now)


@APPLICANT
@require_http_methods(["GET", "POST"])
def financing(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """The need, then every product with what it asks and whether that is met; nothing is sent from here."""
    now = timezone.now()
    if request.method == "POST":
        return _post(request, actor)
    need = find_open_need(actor.code, now=now)
    context: dict[str, Any] = _form_context() | {"need": need, "asked": _prefilled(actor.code)}
    return render(request, "enterprise/financing.html", context | (_fitting(request, need, actor) if need else {}))


def _form_context() -> dict[str, Any]:
    rules = matching_rules(now=timezone.now())
    return {"guarantees": list(Guarantee), "windows": rules.windows, "rules": rules}


def _prefilled(enterprise: str) -> dict[str, Any]:
    """What the last need said: a need is stated once."""
    last = next(iter(list_needs(enterprise, limit=1)), None)
    if last is None:
        return {"guarantees": [str(Guarantee.CREDIT)], "months": 12}
    return {
        "amount": f"{(Decimal(last.amount_fen) / 1_000_000).normalize():f}",
        "months": last.months,
        "guarantees": [str(g) for g in last.guarantees],
        "purpose": last.purpose,
        "window": last.window,
    }


def _fitting(request: HttpRequest, need: Need, actor: Acting) -> dict[str, Any]:
    now, firm = timezone.now(), _firm(actor)
    found = fits(firm, need, now=now)
    wanted = request.GET.getlist("compare")[:COMPARED]
    applied = {a.institution: a for a in list_applications(enterprise=actor.code, states=UNDER_WAY)}
    return {
        "fits": [(f, placed_because(f, window=need.window), applied.get(f.product.institution)) for f in found[:SHOWN]],
        "fitting": sum(f.outcome == "passed" for f in found),
        "themes": [(w, worst_of(w.conditions, firm, need)) for w in matching_rules(now=now).windows],
        "total": len(found),
        "compared": [(f, decision_days(f.product.institution, now=now)) for f in found if f.product.code in wanted],
        "open_applications": len(applied),
        "banks": sorted({(f.product.institution, f.product.institution_name) for f in found}),
        "declarations": list_declarations(enterprise=actor.code),
    }


def _post(request: HttpRequest, actor: Acting) -> HttpResponse:
    asked = {
        "amount": posted(request, "amount", most=20),
        "months": posted(request, "months", most=5),
        "guarantees": request.POST.getlist("guarantees"),
        "purpose": posted(request, "purpose"),
        "window": posted(request, "window", most=40),
    }
    try:
        post_need(
            actor.code,
            amount_fen=typed_wan(asked["amount"]),
            months=int(asked["months"]) if asked["months"].isascii() and asked["months"].isdecimal() else None,
            guarantees=asked["guarantees"],
            purpose=asked["purpose"],
            window=asked["window"],
            actor=actor.label,
            now=timezone.now(),
        )
    except (Invalid, Refused) as error:
        context = _form_context() | {"asked": asked, "error": error_context(error)}
        return render(request, "enterprise/financing.html", context, status=error.status)
    messages.success(request, _("需求已登记；下面是各产品的条件和您的符合情况"), extra_tags="good")
    return redirect("enterprise-financing")


def typed_wan(text: str) -> int | None:
    """Ten thousand yuan as typed, in fen; None when it cannot be read."""
    try:
        fen = Decimal(text.replace(",", "").strip()) * 1_000_000
    except ArithmeticError:
        return None
    return int(fen) if fen.is_finite() and fen == fen.to_integral_value() and abs(fen) < 10**15 else None


@APPLICANT
@require_GET
def compare(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """The ticked products side by side."""
    chosen = [("compare", code) for code in request.GET.getlist("products")[:COMPARED]]
    return redirect(f"{reverse('enterprise-financing')}?{urlencode(chosen)}")


@APPLICANT
@require_POST
def end_need(request: HttpRequest, need: str, *, actor: Acting) -> HttpResponse:
    """End the need; applications under way go on."""
    close_need(need, enterprise=actor.code, actor=actor.label, now=timezone.now())
    messages.success(request, _("需求已结束"), extra_tags="good")
    return redirect("enterprise-financing")


@APPLICANT
@require_GET
def product(request: HttpRequest, product: str, *, actor: Acting) -> HttpResponse:
    """One product: every condition with what it says of the enterprise."""
    found, now = get_product(product), timezone.now()
    need = find_open_need(actor.code, now=now)
    fit = fit_of(found, _firm(actor), need) if need else None
    context = {
        "product": found,
        "fit": fit,
        "need": need,
        "days": decision_days(found.institution, now=now),
        "applied": next((a for a in _under_way(actor) if a.institution == found.institution), None),
    }
    return render(request, "enterprise/product.html", context)


def _under_way(actor: Acting) -> list[Any]:
    return list_applications(enterprise=actor.code, states=UNDER_WAY)


@APPLICANT
@require_POST
def choose(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Opt in to the ticked products: from now on those institutions know who the enterprise is. All or none."""
    now, chosen = timezone.now(), list(dict.fromkeys(request.POST.getlist("products")))
    need = find_open_need(actor.code, now=now)
    if need is None or not chosen:
        messages.warning(request, _("请先登记需求，再勾选产品"), extra_tags="warn")
        return redirect("enterprise-financing")
    firm = _firm(actor)
    by = {"need": need.id, "firm": firm, "actor": actor.label, "signatory": actor.actor.person_id, "now": now}
    with transaction.atomic():
        made = [opt_in(code, **by) for code in chosen]
    text = _("已选定 %(n)s 家；请逐家查看授权请求并决定") % {"n": len(made)}
    messages.success(request, text, extra_tags="good")
    return redirect("enterprise-applications")


@APPLICANT
@require_GET
def applications(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Every application with its clock, whose turn it is first; loans as the institutions reported them."""
    now = timezone.now()
    context = {
        "rows": with_turns(list_applications(enterprise=actor.code), now=now),
        "names": _institutions(actor),
        "loans": list_loans(enterprise=actor.code),
        "declarations": list_declarations(enterprise=actor.code),
    }
    return render(request, "enterprise/applications.html", context)


def _institutions(actor: Acting) -> dict[str, str]:
    codes = {a.institution for a in list_applications(enterprise=actor.code)}
    codes |= {loan.institution for loan in list_loans(enterprise=actor.code)}
    return {code: get_organisation(code).name for code in codes}


@APPLICANT
@require_http_methods(["GET", "POST"])
def application(request: HttpRequest, application: str, *, actor: Acting) -> HttpResponse:
    """One application: each step, the offer or the reasons, and what the enterprise may do now."""
    found, now = get_application(application, enterprise=actor.code), timezone.now()
    if request.method == "POST":
        return _step(request, application, actor)
    declined = found.state is ApplicationState.DECLINED
    context = {
        "application": found,
        "institution": get_organisation(found.institution).name,
        "turn": turn_of(found, now=now),
        "steps": list_steps(application),
        "reasons": reasons_of(found.reasons),
        "elsewhere": _second_look(found, actor) if declined else [],
    }
    return render(request, "enterprise/application.html", context)


def _second_look(found: Any, actor: Acting) -> list[Any]:
    """Other institutions' products that fit, after a refusal."""
    need = find_open_need(actor.code, now=timezone.now())
    if need is None:
        return []
    others = fits(_firm(actor), need, now=timezone.now())
    return [f for f in others if f.outcome != "failed" and f.product.institution != found.institution][:5]


def _step(request: HttpRequest, application: str, actor: Acting) -> HttpResponse:
    said, now = posted(request, "step", most=20), timezone.now()
    by = {"enterprise": actor.code, "actor": actor.label, "signatory": actor.actor.person_id, "now": now}
    if said == "renew":
        made = start_renewal(application, **by)
        messages.success(request, _("续贷申请已发出；请查看授权请求并决定"), extra_tags="good")
        return redirect("enterprise-application", made.id)
    if said not in set(Answer):
        raise UnknownApplication(application=application)
    answer(application, Answer(said), **by)
    messages.success(request, _("已办理并留痕"), extra_tags="good")
    return redirect("enterprise-application", application)


@APPLICANT
@require_POST
def ask_recommendation(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Put the enterprise on the declaration list, to be recommended to the institutions it ticks."""
    now = timezone.now()
    need = find_open_need(actor.code, now=now)
    if need is None:
        messages.warning(request, _("请先登记需求，再勾选产品"), extra_tags="warn")
        return redirect("enterprise-financing")
    chosen = request.POST.getlist("institutions")
    declare(need.id, firm=_firm(actor), institutions=chosen, actor=actor.label, now=now)
    messages.success(request, _("已列入申报清单，等待核实"), extra_tags="good")
    return redirect("enterprise-applications")
