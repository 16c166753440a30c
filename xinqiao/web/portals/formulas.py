"""The formula room: an institution writes and runs, a node person reviews, the enterprise reads what ran on it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xinqiao.consent.queries import find_active, get_template
from xinqiao.consent.rules import check_purpose
from xinqiao.formulas.actions import measure_grains, review_formula, submit_formula, try_formula, withdraw_formula
from xinqiao.formulas.onnx_models import typed, written
from xinqiao.formulas.queries import (
    current_grains,
    formula_limits,
    get_formula,
    inputs,
    list_formulas,
    list_runs,
)
from xinqiao.formulas.running import run_formula
from xinqiao.kernel.errors import Invalid, Refused
from xinqiao.kernel.identifiers import parse_uscc
from xinqiao.parties.queries import list_organisations
from xinqiao.parties.types import Right, Role
from xinqiao.web.access import Acting, Portal, posted, requires
from xinqiao.web.middleware import error_context, status_of
from xinqiao.web.portals.institution.views import recipient_of

MAKER = requires(Portal.INSTITUTION, Role.OPERATOR, Role.OFFICER)
READER = requires(Portal.INSTITUTION, Role.OPERATOR, Role.OFFICER, readers=(Role.AUDITOR,))
NODE = requires(Portal.NODE, Role.OPERATOR, readers=(Role.AUDITOR,))
FIRM = requires(Portal.ENTERPRISE, Role.OWNER, Role.DELEGATE, right=Right.REPORT)
WRITTEN = ("name", "purpose", "kind", "cuts", "low", "high", "step")


@READER
@require_GET
def own(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """The institution's formulas and the latest answers."""
    context = {"formulas": list_formulas(institution=actor.code), "runs": list_runs(institution=actor.code, limit=20)}
    return render(request, "institution/formulas.html", context)


@MAKER
@require_http_methods(["GET", "POST"])
def write(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Write a formula or its next version: check it, then submit it. A text file may be sent instead of typing."""
    now = timezone.now()
    context: dict[str, Any] = {
        "inputs": sorted(inputs(now=now).items()),
        "purposes": get_template().purposes,
        "limits": formula_limits(),
        "raw": {"kind": "bands"},
    }
    if request.method == "GET":
        return render(request, "institution/formula_write.html", context)
    raw = {key: posted(request, key) for key in WRITTEN} | {"text": _text(request)}
    context["raw"] = raw | {"text": typed(raw["text"])}
    try:
        if posted(request, "act") == "check":
            context["checked"] = try_formula(raw["text"], _output(raw), now=now)
            return render(request, "institution/formula_write.html", context)
        check_purpose(get_template(), raw["purpose"])
        made = submit_formula(
            raw["text"], _output(raw), name=raw["name"], purpose=raw["purpose"], institution=actor.code,
            actor=actor.label, now=now,
        )  # fmt: skip
    except (Invalid, Refused) as error:
        context["error"] = error_context(error)
        return render(request, "institution/formula_write.html", context, status=status_of(error))
    messages.success(request, _("公式已提交，由节点的另一位人员审核"), extra_tags="good")
    return redirect("institution-formula", made.id)


def _text(request: HttpRequest) -> str:
    """The formula as typed, or as the file sent holds it."""
    sent = request.FILES.get("file")
    if sent is None:
        return posted(request, "text", most=20_000)
    if (sent.name or "").lower().endswith(".onnx"):
        return written(posted(request, "text", most=4_000).split(), sent.read(formula_limits().model_bytes + 1))
    return sent.read(80_000).decode("utf-8", "replace").replace("\x00", "\ufffd")


def _output(raw: dict[str, str]) -> dict[str, Any]:
    """The declared output as typed; what cannot be read stays as text, and the check says so."""
    if raw["kind"] == "bands":
        return {"kind": "bands", "cuts": raw["cuts"].replace("，", " ").replace(",", " ").split()}
    return {"kind": raw["kind"]} | {key: _whole(raw[key]) for key in ("low", "high", "step")}


def _whole(text: str) -> int | str:
    digits = text.strip().removeprefix("-")
    return int(text) if digits.isascii() and digits.isdecimal() and len(digits) < 12 else text


@READER
@require_GET
def one(request: HttpRequest, formula: str, *, actor: Acting) -> HttpResponse:
    """One formula: its words, its analysis, its review, and the field to run it."""
    return render(request, "institution/formula.html", {"formula": get_formula(formula, institution=actor.code)})


@MAKER
@require_POST
def run(request: HttpRequest, formula: str, *, actor: Acting) -> HttpResponse:
    """Run it about one enterprise, by the gate; the answer, or the refusal with its reason."""
    found = get_formula(formula, institution=actor.code)
    context: dict[str, Any] = {"formula": found, "uscc": posted(request, "uscc", most=40)}
    now = timezone.now()
    try:
        enterprise = parse_uscc(context["uscc"]).code
        given = find_active(recipient=actor.code, subject=enterprise, purpose=found.purpose, now=now)
        context["answer"] = run_formula(
            formula, recipient=recipient_of(actor), enterprise=enterprise, authorisation=given.id if given else "",
            actor=actor.label, channel="portal", now=now,
        )  # fmt: skip
    except (Invalid, Refused) as error:
        context["error"] = error_context(error)
        return render(request, "institution/formula.html", context, status=status_of(error))
    return render(request, "institution/formula.html", context)


@MAKER
@require_POST
def withdraw(request: HttpRequest, formula: str, *, actor: Acting) -> HttpResponse:
    """Stop a formula; its answers stay on record."""
    withdraw_formula(formula, institution=actor.code, actor=actor.label, now=timezone.now())
    messages.success(request, _("公式已停用"), extra_tags="good")
    return redirect("institution-formulas")


@NODE
@require_http_methods(["GET", "POST"])
def queue(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Every formula, and the grains in force; measuring them anew is an act."""
    if request.method == "POST":
        measure_grains(actor=actor.label, now=timezone.now())
        messages.success(request, _("已重新测定颗粒并留痕"), extra_tags="good")
        return redirect("node-formulas")
    available, (digest, grains) = inputs(now=timezone.now()), current_grains()
    context = {
        "formulas": list_formulas(),
        "inputs": [available[code] for code in sorted(grains) if code in available],
        "digest": digest,
        "organisations": {o.code: o.name for o in list_organisations()},
    }
    return render(request, "node/formulas.html", context)


@NODE
@require_http_methods(["GET", "POST"])
def review(request: HttpRequest, formula: str, *, actor: Acting) -> HttpResponse:
    """One formula in words and figures; another person than who submitted decides."""
    if request.method == "POST":
        approve = posted(request, "decision") == "approve"
        review_formula(
            formula, approve=approve, reason=posted(request, "reason", most=2000), actor=actor.label, now=timezone.now()
        )
        messages.success(request, _("已办理并留痕"), extra_tags="good")
        return redirect("node-formula", formula)
    return render(request, "node/formula.html", {"formula": get_formula(formula)})


@FIRM
@require_GET
def about(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Which institutions' formulas ran on the enterprise: what each reads, what it said and when."""
    runs = list_runs(enterprise=actor.code)
    context = {
        "runs": runs,
        "formulas": [get_formula(code) for code in dict.fromkeys(r.formula for r in runs)],
        "organisations": {o.code: o.name for o in list_organisations()},
    }
    return render(request, "enterprise/formulas.html", context)
