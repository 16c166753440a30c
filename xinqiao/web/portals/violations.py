"""The violation register on four sides: the node works cases, an organisation speaks, an enterprise complains, all read
the figures."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xinqiao.effectiveness.queries import goals
from xinqiao.effectiveness.rules import open_counts
from xinqiao.parties.queries import list_organisations
from xinqiao.parties.types import OrganisationKind, Right, Role
from xinqiao.release.queries import get_access
from xinqiao.release.types import RecipientKind
from xinqiao.supervision.queries import get_alert
from xinqiao.violations import actions
from xinqiao.violations.jobs import finding_of
from xinqiao.violations.queries import get_case, list_cases, published_rows, register
from xinqiao.violations.rules import CASE_TRANSITIONS
from xinqiao.violations.types import Case, Finding, NotAgainstTheNode, Source
from xinqiao.web.access import Acting, Portal, posted, public, requires

NODE = requires(Portal.NODE, Role.OPERATOR, Role.SECURITY, readers=(Role.AUDITOR,))
MEMBER = requires(Portal.ENTERPRISE, Role.OWNER, Role.DELEGATE, right=Right.ACCESSES)
KINDS = (OrganisationKind.INSTITUTION, OrganisationKind.PLATFORM, OrganisationKind.DEPARTMENT)


def _by(actor: Acting) -> dict[str, Any]:
    return {"actor": actor.label, "now": timezone.now()}


@NODE
@require_http_methods(["GET", "POST"])
def board(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Cases by the time left; one entered after a check or an audit."""
    if request.method == "POST":
        found = Finding(
            kind=posted(request, "kind", most=40),
            organisation=posted(request, "organisation", most=40),
            source=Source.AUDIT,
            reference=posted(request, "reference", most=80) or f"{timezone.now().isoformat()}",
            summary=posted(request, "summary", most=2000),
            facts={},
            party=posted(request, "party", most=80),
        )
        return redirect("node-case", actions.open_case(found, **_by(actor)).id)
    context = {
        "cases": list_cases(ended=False),
        "ended": list_cases(ended=True, limit=60),
        "register": register(),
        "organisations": [o for o in list_organisations() if o.kind in KINDS],
        "today": timezone.localdate(),
    }
    return render(request, "violations/board.html", context)


@NODE
@require_POST
def from_alert(request: HttpRequest, alert: int, *, actor: Acting) -> HttpResponse:
    """A case of what a sentinel saw."""
    return redirect("node-case", actions.open_case(finding_of(get_alert(alert)), **_by(actor)).id)


@NODE
@require_http_methods(["GET", "POST"])
def case(request: HttpRequest, case: str, *, actor: Acting) -> HttpResponse:
    """One case: what was found, what was said, the step that is next."""
    if request.method == "POST":
        _step(posted(request, "step"), case, request, _by(actor))
        messages.success(request, _("已办理并留痕"), extra_tags="good")
        return redirect("node-case", case)
    found = get_case(case)
    context = {
        **_shown(found),
        "steps": CASE_TRANSITIONS.events(found.state),
        "measures": register().measures.values(),
        "severe": any(register().measures[code].severe for code in found.measures),
        "me": actor.label,
        "past": found.due_on is not None and timezone.localdate() > found.due_on,
    }
    return render(request, "violations/case.html", context)


def _step(step: str, case: str, request: HttpRequest, by: dict[str, Any]) -> Case:
    reason = posted(request, "reason", most=2000)
    if step == "take_up":
        return actions.take_up(case, **by)
    if step == "notify":
        return actions.notify(case, notice=reason, **by)
    if step == "lapse":
        return actions.lapse_hearing(case, **by)
    if step == "decide":
        measures, document = tuple(request.POST.getlist("measures")), posted(request, "document")
        return actions.decide(case, measures=measures, reason=reason, document=document, **by)
    if step == "carry_out":
        return actions.carry_out(case, **by)
    if step == "send_back":
        return actions.send_back(case, reason=reason, **by)
    if step in ("uphold", "overturn"):
        return actions.answer_appeal(case, overturn=step == "overturn", reason=reason, **by)
    if step == "close":
        return actions.close_case(case, reason=reason, **by)
    return actions.dismiss_case(case, reason=reason, **by)


def _shown(found: Case) -> dict[str, Any]:
    known = register()
    return {
        "case": found,
        "kind": known.kinds[found.kind],
        "taken": [known.measures[code] for code in found.measures],
        "today": timezone.localdate(),
    }


def routes(portal: Portal, *roles: Role) -> list[URLPattern]:
    """An organisation's own side in its portal; open to frozen members too, so that they can speak."""
    guard = requires(portal, *roles, frozen=True)
    pages = (("violations/", own, ["GET"], "cases"), ("violations/<str:case>/", own_case, ["GET", "POST"], "case"))
    return [
        path(f"{portal}/{where}", guard(require_http_methods(methods)(page)), name=f"{portal}-{name}")
        for where, page, methods, name in pages
    ]


def own(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Cases that this organisation was told of."""
    cases, kinds = list_cases(organisation=actor.code), register().kinds
    context = {"cases": [(c, kinds[c.kind]) for c in cases], "today": timezone.localdate(), "portal": actor.portal}
    return render(request, "violations/own.html", context)


def own_case(request: HttpRequest, case: str, *, actor: Acting) -> HttpResponse:
    """One of them: the statement, the appeal."""
    found = get_case(case, organisation=actor.code)
    if request.method == "POST":
        text = posted(request, "text", most=2000)
        say = actions.appeal_case if posted(request, "step") == "appeal" else actions.give_statement
        say(case, organisation=actor.code, text=text, **_by(actor))
        messages.success(request, _("已送达节点"), extra_tags="good")
        return redirect(f"{actor.portal}-case", case)
    return render(request, "violations/own_case.html", _shown(found))


@MEMBER
@require_POST
def complain(request: HttpRequest, access_id: str, *, actor: Acting) -> HttpResponse:
    """An enterprise complains about an access to it: the node looks into it."""
    access = get_access(access_id, enterprise=actor.code)
    if access.recipient_kind not in (RecipientKind.INSTITUTION, RecipientKind.PLATFORM, RecipientKind.DEPARTMENT):
        raise NotAgainstTheNode()
    found = Finding(
        kind=posted(request, "kind", most=40),
        organisation=access.recipient_code,
        source=Source.COMPLAINT,
        reference=access.id,
        summary=posted(request, "text", most=2000),
        facts={"accesses": [access.id]},
        party=access.actor if access.actor.startswith(("api:", "person:")) else "",
        enterprise=actor.code,
    )
    actions.open_case(found, **_by(actor))
    messages.success(request, _("投诉已登记；进展会显示在这里"), extra_tags="good")
    return redirect("enterprise-access", access.id)


@public
@require_GET
def figures(request: HttpRequest) -> HttpResponse:
    """Measures that stand, by kind of violation and by measure; small cells are left out as in the open statistics."""
    rows, known, floor = published_rows(), register(), goals().floor
    kinds, measures = (open_counts(rows, by=by, floor=floor) for by in ("kind", "measure"))
    context = {
        "kinds": [(kind, kinds.get(code, 0)) for code, kind in known.kinds.items()],
        "measures": [(one, measures.get(code, 0)) for code, one in known.measures.items()],
        "floor": floor,
    }
    return render(request, "public/violations.html", context)
