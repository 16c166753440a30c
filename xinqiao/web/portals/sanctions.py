"""Sanctions on two sides: the node enters, hears and reviews; an enterprise reads all and speaks."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from xinqiao.kernel.errors import Invalid
from xinqiao.kernel.money import parse_yuan
from xinqiao.parties.types import Right, Role
from xinqiao.sanctions import actions
from xinqiao.sanctions.queries import get_sanction, list_sanctions, open_document, sanction_list
from xinqiao.sanctions.rules import SANCTION_TRANSITIONS
from xinqiao.sanctions.types import Determination, MeasureGroup, Sanction
from xinqiao.web.access import Acting, Portal, posted, requires
from xinqiao.web.middleware import error_context
from xinqiao.web.uploads import posted_file

NODE = requires(Portal.NODE, Role.OPERATOR, Role.SECURITY, readers=(Role.AUDITOR,))
MEMBER = requires(Portal.ENTERPRISE, Role.OWNER, Role.DELEGATE, right=Right.REPORT)


def _by(actor: Acting) -> dict[str, Any]:
    return {"actor": actor.label, "now": timezone.now()}


@NODE
@require_http_methods(["GET", "POST"])
def board(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Sanctions by the time left; one entered from its document."""
    context, status = dict[str, Any](), 200
    if request.method == "POST":
        try:
            name, data = posted_file(request, "file", most=11 * 1024 * 1024)
            made = actions.enter(_typed(request), name=name, data=data, **_by(actor))
            return redirect("node-sanction", made.id)
        except Invalid as error:
            context, status = {"error": error_context(error), "typed": request.POST}, error.status
    listed = sanction_list()
    groups = [(g, [m for m in listed.measures.values() if m.group is g]) for g in MeasureGroup]
    context |= {"sanctions": list_sanctions(), "listed": listed, "groups": groups, "today": timezone.localdate()}
    context["ticked"] = request.POST.getlist("measures")
    return render(request, "sanctions/board.html", context, status=status)


def _typed(request: HttpRequest) -> Determination:
    return Determination(
        enterprise=posted(request, "enterprise", most=40),
        document_kind=posted(request, "document_kind", most=40),
        document_no=posted(request, "document_no"),
        determiner=posted(request, "determiner"),
        determined_on=_day(posted(request, "determined_on")),
        conduct=posted(request, "conduct", most=40),
        amount_fen=_fen(posted(request, "amount", default="0")),
        measures=tuple(request.POST.getlist("measures")),
        ends_on=_day(posted(request, "ends_on")),
    )


def _day(text: str) -> date:
    """A day as typed; what is none is a day that no rule permits."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return date.max


def _fen(text: str) -> int:
    try:
        return parse_yuan(text or "0")
    except Invalid:
        return -1


@NODE
@require_http_methods(["GET", "POST"])
def one(request: HttpRequest, sanction: str, *, actor: Acting) -> HttpResponse:
    """One sanction and its next step."""
    if request.method == "POST":
        _step(posted(request, "step"), sanction, request, _by(actor))
        messages.success(request, _("已办理并留痕"), extra_tags="good")
        return redirect("node-sanction", sanction)
    found = get_sanction(sanction)
    context = {**_shown(found), "steps": SANCTION_TRANSITIONS.events(found.state), "me": actor.label}
    return render(request, "sanctions/sanction.html", context)


def _step(step: str, sanction: str, request: HttpRequest, by: dict[str, Any]) -> Sanction:
    reason, document = posted(request, "reason", most=2000), posted(request, "document")
    if step == "notify":
        return actions.notify(sanction, **by)
    if step == "lapse":
        return actions.lapse_statement(sanction, **by)
    if step == "approve":
        return actions.approve(sanction, **by)
    if step == "lift":
        return actions.lift(sanction, reason=reason, document=document, **by)
    if step == "annul":
        return actions.annul(sanction, reason=reason, document=document, **by)
    return actions.drop(sanction, reason=reason, **by)


def _shown(found: Sanction) -> dict[str, Any]:
    listed, today = sanction_list(), timezone.localdate()
    return {
        "sanction": found,
        "document_kind": listed.documents[found.document_kind],
        "conduct": listed.conducts[found.conduct],
        "measures": [listed.measures[code] for code in found.measures],
        "basis": listed.basis,
        "today": today,
        "past": found.due_on is not None and today > found.due_on,
    }


@NODE
@require_GET
def document(request: HttpRequest, sanction: str, *, actor: Acting) -> HttpResponse:
    """The determination document."""
    return _file(*open_document(sanction))


def _file(name: str, data: bytes) -> HttpResponse:
    answer = HttpResponse(data, content_type="application/octet-stream")
    answer["Content-Disposition"] = f'attachment; filename="determination.{name.rpartition(".")[2].lower()}"'
    return answer


@MEMBER
@require_GET
def own(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """What is or was held against this enterprise."""
    shown = [_shown(found) for found in list_sanctions(enterprise=actor.code)]
    return render(request, "sanctions/own.html", {"shown": shown})


@MEMBER
@require_http_methods(["GET", "POST"])
def own_one(request: HttpRequest, sanction: str, *, actor: Acting) -> HttpResponse:
    """One of them; the statement."""
    found = get_sanction(sanction, enterprise=actor.code)
    if request.method == "POST":
        text = posted(request, "text", most=2000)
        actions.give_statement(sanction, enterprise=actor.code, text=text, **_by(actor))
        messages.success(request, _("已送达节点"), extra_tags="good")
        return redirect("enterprise-sanction", sanction)
    return render(request, "sanctions/own_one.html", _shown(found))


@MEMBER
@require_GET
def own_document(request: HttpRequest, sanction: str, *, actor: Acting) -> HttpResponse:
    """The determination document, for the enterprise it is about."""
    return _file(*open_document(sanction, enterprise=actor.code))
