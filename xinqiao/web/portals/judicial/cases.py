"""Cases of a judicial body: opened by document, looked at, packed into one file; each look is on record."""

from __future__ import annotations

import io
from typing import Any

import segno
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from xinqiao.judicial.actions import close_case, fetch, look, make_package, open_case
from xinqiao.judicial.facts import FACTS
from xinqiao.judicial.queries import get_case, list_cases, list_packages, sidecar_of
from xinqiao.judicial.types import CaseKind, CaseRequest, MatterKind, PackageFacts
from xinqiao.kernel.errors import XinqiaoError
from xinqiao.kernel.money import format_fen
from xinqiao.parties.queries import list_organisations
from xinqiao.parties.types import OrganisationKind, Role
from xinqiao.web.access import Acting, Portal, posted, requires
from xinqiao.web.middleware import error_context
from xinqiao.web.words import translate

MAGISTRATE = requires(Portal.JUDICIAL, Role.MAGISTRATE, readers=(Role.AUDITOR, Role.OPERATOR))
FIELDS = ("kind", "case_no", "basis", "matter", "enterprise", "institution", "number")
ASIC = "application/vnd.etsi.asic-e+zip"


@MAGISTRATE
@require_http_methods(["GET", "POST"])
def cases(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """The body's cases, and the form that opens one."""
    context: dict[str, Any] = {"kinds": CaseKind, "matters": MatterKind}
    status = 200
    if request.method == "POST":
        typed = {name: posted(request, name) for name in FIELDS}
        try:
            made = open_case(CaseRequest(**typed), organisation=actor.code, actor=actor.label, now=timezone.now())
            return redirect("judicial-case", made.id)
        except XinqiaoError as error:
            context |= {"error": error_context(error), "typed": typed}
            status = error.status
    context["rows"] = list_cases(organisation=actor.code)
    context["institutions"] = list_organisations(kind=OrganisationKind.INSTITUTION)
    return render(request, "judicial/cases.html", context, status=status)


@MAGISTRATE
@require_http_methods(["GET", "POST"])
def case(request: HttpRequest, case: str, *, actor: Acting) -> HttpResponse:
    """One case: what it is about, what a package would hold (recorded), the packages made."""
    context: dict[str, Any] = {}
    status = 200
    if request.method == "POST":
        try:
            found = _step(request, case, actor)
        except XinqiaoError as error:
            found, status = {"error": error_context(error)}, error.status
        if found is None:
            return redirect("judicial-case", case)
        context |= found
    context["case"] = get_case(case, organisation=actor.code)
    context["packages"] = [(package, _code(package)) for package in list_packages(case)]
    return render(request, "judicial/case.html", context, status=status)


def _step(request: HttpRequest, case: str, actor: Acting) -> dict[str, Any] | None:
    """One step of a case; what is to be shown at once, None when the page is to be opened anew."""
    who: dict[str, Any] = {"organisation": actor.code, "actor": actor.label, "now": timezone.now()}
    step = posted(request, "step", most=10)
    if step == "look":
        seen = look(case, **who)
        facts = [(FACTS.get(name, name), _said(name, value)) for name, value in seen.matter.facts.items()]
        return {"seen": seen, "facts": facts}
    if step == "make":
        made = make_package(case, **who)
        messages.success(request, _("已生成证据包 %(package)s") % {"package": made.id}, extra_tags="good")
    elif step == "close":
        close_case(case, **who)
        messages.success(request, _("案件已结，不能再查看或生成"), extra_tags="good")
    return None


def _said(name: str, value: Any) -> str:
    """A fact in words: money in yuan, rates in per cent."""
    if name.endswith("_fen"):
        return _("%(amount)s 元") % {"amount": format_fen(int(value))}
    if name.endswith("_bp"):
        return f"{int(value) / 100:.2f} %"
    return translate(str(value)) if value not in (None, "") else "—"


@MAGISTRATE
@require_POST
def package(request: HttpRequest, package: str, *, actor: Acting) -> HttpResponse:
    """The package as a file; its fetching is on the enterprise's record."""
    data = fetch(package, organisation=actor.code, actor=actor.label, now=timezone.now())
    return _file(data, f"{package}.asice")


@MAGISTRATE
@require_POST
def receipt(request: HttpRequest, package: str, *, actor: Acting) -> HttpResponse:
    """The log's proof of the whole package."""
    return _file(sidecar_of(package, organisation=actor.code), f"{package}.receipt.asice")


def _file(data: bytes, name: str) -> HttpResponse:
    answer = HttpResponse(data, content_type=ASIC)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _code(package: PackageFacts) -> str:
    """The package's number and digest as a picture, for the paper that goes with the file."""
    held = io.BytesIO()
    text = f"{package.id} sha256:{package.sha256}"
    segno.make(text, error="m").save(held, kind="svg", scale=2, xmldecl=False, svgns=True, title=package.id)
    return held.getvalue().decode()
