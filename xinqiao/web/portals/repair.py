"""Credit repair: the enterprise sees what can be repaired and when, whoever determined it decides."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from xinqiao.consent.types import Form
from xinqiao.corrections.queries import list_notices
from xinqiao.kernel.errors import Invalid, NotFound, Refused
from xinqiao.parties.types import Right, Role
from xinqiao.release.reading import read
from xinqiao.release.types import Inquiry, Recipient, RecipientKind
from xinqiao.repair.actions import apply, grant, refuse, take_back
from xinqiao.repair.queries import (
    countdowns,
    get_repair,
    list_papers,
    list_repairs,
    read_paper,
    refusal_of,
    repair_rules,
)
from xinqiao.repair.types import Repair, RepairState
from xinqiao.sharing.queries import current_list, item_ever
from xinqiao.web.access import Acting, Portal, posted, requires
from xinqiao.web.middleware import error_context
from xinqiao.web.uploads import as_paper

MEMBER = requires(Portal.ENTERPRISE, Role.OWNER, Role.DELEGATE, right=Right.OBJECT)
CLERK = requires(Portal.DEPARTMENT, Role.CLERK, Role.OPERATOR)
READER = requires(Portal.DEPARTMENT, Role.CLERK, Role.OPERATOR, readers=(Role.AUDITOR,))
NODE = requires(Portal.NODE, Role.OPERATOR, readers=(Role.AUDITOR,))


@MEMBER
@require_GET
def own(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """What can be repaired with a countdown to its first day, and the applications made."""
    rules, listed = repair_rules(), {item.code for item in current_list()}
    items = tuple(code for code in rules.items if code in listed)
    me = Recipient(RecipientKind.ENTERPRISE, actor.code, actor.party, enterprise=actor.code)
    inquiry = Inquiry(me, actor.code, "self", Form.DETAIL, actor.label, "portal", items=items)
    answer = read(inquiry, now=timezone.now())
    made = list_repairs(enterprise=actor.code)
    waiting = {(one.item, one.ref) for one in made if one.state is RepairState.APPLIED}
    today = timezone.localdate()
    rows = [
        {
            "terms": one,
            "item": item_ever(one.item),
            "days": max(0, (one.earliest_on - today).days),
            "waiting": (one.item, one.ref) in waiting,
        }
        for one in countdowns(answer.document)
    ]
    context = {"rows": rows, "made": [(one, item_ever(one.item)) for one in made], "rules": rules}
    return render(request, "enterprise/repairs.html", context)


@MEMBER
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Apply: the two documents and a few words."""
    given = request.POST if request.method == "POST" else request.GET
    if "item" not in given:  # the record is chosen there
        return redirect("enterprise-repairs")
    item = current_list().item(given["item"])
    context: dict[str, Any] = {"item": item, "ref": given.get("ref", ""), "rules": repair_rules(), "typed": given}
    if request.method == "GET":
        return render(request, "enterprise/repair_new.html", context)
    sent = {document.code: request.FILES.get(document.code) for document in repair_rules().documents}
    papers = {code: (file.name or "", file.read()) for code, file in sent.items() if file}
    by: dict[str, Any] = {"enterprise": actor.code, "name": actor.party, "actor": actor.label, "now": timezone.now()}
    try:
        made = apply(item.code, posted(request, "ref", most=32), text=posted(request, "text", most=2000),
                     papers=papers, **by)  # fmt: skip
    except (Invalid, Refused) as error:
        context |= {"error": error_context(error)}
        return render(request, "enterprise/repair_new.html", context, status=error.status)
    messages.success(request, _("已收到修复申请 %(id)s") % {"id": made.id}, extra_tags="good")
    return redirect("enterprise-repair", made.id)


def _facts(found: Repair) -> dict[str, Any]:
    return {
        "repair": found,
        "item": item_ever(found.item),
        "severity": repair_rules().classes.get(found.severity),
        "documents": {d.code: d for d in repair_rules().documents},
        "papers": list_papers(found.id),
        "refusal": refusal_of(found.refusal),
        "notices": list_notices(cause=found.id),
        "rules": repair_rules(),
        "today": timezone.localdate(),
    }


@MEMBER
@require_http_methods(["GET", "POST"])
def one(request: HttpRequest, repair: str, *, actor: Acting) -> HttpResponse:
    """One application: where it stands, what was decided, who was told to stop using the record."""
    found = get_repair(repair, enterprise=actor.code)
    if request.method == "POST":
        take_back(repair, enterprise=actor.code, actor=actor.label, now=timezone.now())
        messages.success(request, _("已办理并留痕"), extra_tags="good")
        return redirect("enterprise-repair", repair)
    return render(request, "enterprise/repair.html", _facts(found) | {"portal": "enterprise"})


@READER
@require_GET
def tasks(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Applications about what this department determined, the least time left first."""
    rows = [(one, item_ever(one.item)) for one in list_repairs(provider=actor.code)]
    return render(request, "web/repairs.html", {"rows": rows, "portal": "department", "today": timezone.localdate()})


@NODE
@require_GET
def board(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Every application and its clock; whoever determined the dishonesty decides."""
    rows = [(one, item_ever(one.item)) for one in list_repairs()]
    return render(request, "web/repairs.html", {"rows": rows, "portal": "node", "today": timezone.localdate()})


@CLERK
@require_http_methods(["GET", "POST"])
def task(request: HttpRequest, repair: str, *, actor: Acting) -> HttpResponse:
    """One application with its documents: repair, or refuse for a coded reason."""
    found = get_repair(repair, provider=actor.code)
    context: dict[str, Any] = {"portal": "department", "typed": request.POST}
    status = 200
    if request.method == "POST":
        by: dict[str, Any] = {"provider": actor.code, "actor": actor.label, "now": timezone.now()}
        text = posted(request, "text", most=2000)
        try:
            if posted(request, "step") == "grant":
                grant(repair, text=text, **by)
            else:
                refuse(repair, reason=posted(request, "reason", most=20), text=text, **by)
            messages.success(request, _("已办理并留痕"), extra_tags="good")
            return redirect("department-repair", repair)
        except (Invalid, Refused, NotFound) as error:
            context["error"] = error_context(error)
            status = error.status
    return render(request, "enterprise/repair.html", _facts(found) | context, status=status)


@MEMBER
@require_GET
def own_paper(request: HttpRequest, repair: str, paper: int, *, actor: Acting) -> HttpResponse:
    """A document of the enterprise's own application."""
    return as_paper(*read_paper(get_repair(repair, enterprise=actor.code), paper))


@READER
@require_GET
def task_paper(request: HttpRequest, repair: str, paper: int, *, actor: Acting) -> HttpResponse:
    """A document of an application to this department."""
    return as_paper(*read_paper(get_repair(repair, provider=actor.code), paper))
