"""Proceedings on the pages of all sides: the bank files, the enterprise answers, a body decides, the node watches."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xinqiao.kernel.errors import XinqiaoError
from xinqiao.parties.queries import enterprise_names, get_organisation
from xinqiao.parties.types import Right, Role
from xinqiao.settlement import actions
from xinqiao.settlement.calling import take_call_back
from xinqiao.settlement.claims import formula, owed_on
from xinqiao.settlement.queries import (
    bodies_health,
    checks_before,
    get_proceeding,
    list_papers,
    list_proceedings,
    list_sendings,
    list_steps,
    loan_of,
    read_paper,
    settlement_rules,
    with_due,
)
from xinqiao.settlement.refusals import OwnerAgrees, UnknownPaper
from xinqiao.settlement.rules import (
    BEFORE_BODY,
    EVENTS_SENT,
    OBJECT_ONLINE,
    SUPPLY,
    may_object_online,
    steps_for,
    steps_of_body,
)
from xinqiao.settlement.taking import take_event
from xinqiao.settlement.types import (
    OF_PARTIES,
    About,
    PaperKind,
    Proceeding,
    ProceedingKind,
    Side,
)
from xinqiao.web.access import Acting, Portal, posted, public, requires
from xinqiao.web.middleware import error_context, status_of
from xinqiao.web.portals.settlement_forms import MOST_BYTES, read_terms, read_told, written_terms
from xinqiao.web.uploads import as_file, posted_file

OFFICER = requires(Portal.INSTITUTION, Role.OFFICER, Role.OPERATOR, readers=(Role.AUDITOR,))
MEMBER = requires(Portal.ENTERPRISE, Role.OWNER, Role.DELEGATE, right=Right.APPLY)
MAGISTRATE = requires(Portal.JUDICIAL, Role.MAGISTRATE, readers=(Role.AUDITOR, Role.OPERATOR))
NODE = requires(Portal.NODE, Role.OPERATOR, readers=(Role.AUDITOR, Role.SECURITY))
DRAFT_FIELDS = ("kind", "about", "number", "enterprise", "body")


def _by(actor: Acting) -> dict[str, Any]:
    return {"actor": actor.label, "now": timezone.now()}


def _shown(found: Proceeding, portal: str, *, now: datetime) -> dict[str, Any]:
    """What every side sees of a proceeding."""
    rules, terms = settlement_rules(), found.terms
    bodies = {one.code: one for one in rules.bodies}
    year, owed = rules.days_in_year, None
    if terms.counted_on is not None and terms.principal_fen > 0:
        owed = owed_on(terms, max(timezone.localdate(), terms.counted_on), days_in_year=year)
    return {
        "p": found,
        "portal": portal,
        "papers": list_papers(found.id),
        "steps": [(one, EVENTS_SENT.get(one.event, one.event)) for one in list_steps(found)],
        "sendings": [(one, EVENTS_SENT.get(one.act, one.act)) for one in list_sendings(found.id)],
        "body": bodies.get(found.body),
        "court": bodies.get(found.court),
        "lender": get_organisation(found.institution).name,
        "debtor": enterprise_names([found.enterprise]).get(found.enterprise, ""),
        "verification": rules.verifications.get(terms.verification),
        "agreed": bodies.get(terms.agreed_body),
        "owed": owed,
        "formula": formula(terms, days_in_year=year) if owed is not None else "",
        "today": timezone.localdate(now),
        "rules": rules,
    }


@OFFICER
@require_http_methods(["GET", "POST"])
def own(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """The institution's proceedings, and the form that begins one from a loan or an application."""
    context, status = dict[str, Any](), 200
    if request.method == "POST":
        typed = {name: posted(request, name, most=80).strip() for name in DRAFT_FIELDS}
        kind = typed.pop("kind")
        try:
            made = actions.draft(kind, institution=actor.code, **typed, **_by(actor))
            return redirect("institution-proceeding", made.id)
        except XinqiaoError as error:
            context, status = {"error": error_context(error), "typed": {"kind": kind, **typed}}, status_of(error)
    context.setdefault("typed", request.GET)
    context |= {
        "rows": list_proceedings(institution=actor.code),
        "portal": "institution",
        "kinds": ProceedingKind,
        "abouts": About,
        "bodies": settlement_rules().bodies,
    }
    return render(request, "settlement/list.html", context, status=status)


@OFFICER
@require_http_methods(["GET", "POST"])
def own_one(request: HttpRequest, proceeding: str, *, actor: Acting) -> HttpResponse:
    """One proceeding: terms, papers, the checks before the next step, where it stands."""
    now, context, status = timezone.now(), dict[str, Any](), 200
    if request.method == "POST":
        try:
            _creditor_step(request, proceeding, actor)
            messages.success(request, _("已办理并留痕"), extra_tags="good")
            return redirect("institution-proceeding", proceeding)
        except XinqiaoError as error:
            context, status = {"error": error_context(error)}, status_of(error)
            if posted(request, "step") == "terms":
                context["typed"] = request.POST
    found = get_proceeding(proceeding, institution=actor.code)
    wanted = steps_for(found.kind, found.state, Side.CREDITOR)
    court = posted(request, "court", most=40) or found.court
    checked = checks_before(found, wanted, now=now, court=court)
    shown = _shown(found, "institution", now=now)
    context = {
        "typed": written_terms(found.terms),
        **shown,
        **context,
        "wanted": _offered(found, wanted),
        "checked": [(EVENTS_SENT[event], lines) for event, lines in checked.items() if lines],
        "changeable": found.state in actions.CHANGEABLE,
        "kinds_of_paper": OF_PARTIES,
        "courts": [one for one in shown["rules"].bodies if one.kind is ProceedingKind.LITIGATION],
        "loan": loan_of(found),
    }
    return render(request, "settlement/proceeding.html", context, status=status)


def _offered(found: Proceeding, wanted: tuple[str, ...]) -> list[tuple[str, str]]:
    """The institution's possible steps, and further evidence while the matter is before its body."""
    more = (SUPPLY,) if found.state in BEFORE_BODY else ()
    return [(event, EVENTS_SENT[event]) for event in (*more, *wanted)]


def _creditor_step(request: HttpRequest, proceeding: str, actor: Acting) -> None:
    step, by = posted(request, "step", most=24), {"institution": actor.code, **_by(actor)}
    if step == "terms":
        actions.state_terms(proceeding, read_terms(request), **by)
    elif step == "paper":
        name, data = posted_file(request, "file", most=MOST_BYTES)
        actions.hand_in(proceeding, posted(request, "paper_kind", most=12), name=name, data=data, **by)
    elif step == SUPPLY:
        actions.supply(proceeding, reason=posted(request, "reason", most=600), **by)
    else:
        said = {"reason": posted(request, "reason", most=600), "court": posted(request, "court", most=40)}
        actions.step(proceeding, step, **said, **by)


@OFFICER
@require_GET
def own_paper(request: HttpRequest, proceeding: str, paper: int, *, actor: Acting) -> HttpResponse:
    """A paper of a proceeding; the package of evidence is the body's and the enterprise's, not the institution's."""
    found, data = read_paper(get_proceeding(proceeding, institution=actor.code), paper)
    if found.kind is PaperKind.PACKAGE:
        raise UnknownPaper(paper=paper)
    return as_file(found.name, data)


@MEMBER
@require_GET
def about(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Proceedings about this enterprise."""
    context = {"rows": list_proceedings(enterprise=actor.code), "portal": "enterprise"}
    return render(request, "settlement/list.html", context)


@MEMBER
@require_http_methods(["GET", "POST"])
def about_one(request: HttpRequest, proceeding: str, *, actor: Acting) -> HttpResponse:
    """One of them: agree to the notarisation or not, object to going on online; every step and paper."""
    now, context, status = timezone.now(), dict[str, Any](), 200
    if request.method == "POST":
        step, reason = posted(request, "step", most=24), posted(request, "reason", most=600)
        said: dict[str, Any] = {"enterprise": actor.code, "reason": reason, **_by(actor)}
        try:
            if step == "agree" and actor.actor.role is not Role.OWNER:
                raise OwnerAgrees()
            if step == OBJECT_ONLINE:
                actions.object_online(proceeding, **said)
            else:
                actions.answer(proceeding, step, **said)
            messages.success(request, _("已办理并留痕"), extra_tags="good")
            return redirect("enterprise-proceeding", proceeding)
        except XinqiaoError as error:
            context, status = {"error": error_context(error)}, status_of(error)
    found = get_proceeding(proceeding, enterprise=actor.code)
    context = {
        **_shown(found, "enterprise", now=now),
        **context,
        "wanted": [(event, EVENTS_SENT[event]) for event in steps_for(found.kind, found.state, Side.DEBTOR)],
        "objectable": may_object_online(found.kind, found.state) and not found.offline,
    }
    return render(request, "settlement/proceeding.html", context, status=status)


@MEMBER
@require_GET
def about_paper(request: HttpRequest, proceeding: str, paper: int, *, actor: Acting) -> HttpResponse:
    """A paper of a proceeding about this enterprise."""
    found, data = read_paper(get_proceeding(proceeding, enterprise=actor.code), paper)
    return as_file(found.name, data)


@MAGISTRATE
@require_GET
def brought(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """What was brought to this body."""
    return render(request, "settlement/list.html", {"rows": list_proceedings(body=actor.code), "portal": "judicial"})


@MAGISTRATE
@require_http_methods(["GET", "POST"])
def brought_one(request: HttpRequest, proceeding: str, *, actor: Acting) -> HttpResponse:
    """One of them: papers, the package, and the one form in which a decision returns."""
    now, context, status = timezone.now(), dict[str, Any](), 200
    if request.method == "POST":
        try:
            take_event(proceeding, read_told(request), body=actor.code, **_by(actor))
            messages.success(request, _("已办理并留痕"), extra_tags="good")
            return redirect("judicial-proceeding", proceeding)
        except XinqiaoError as error:
            context, status = {"error": error_context(error), "typed": request.POST}, status_of(error)
    found = get_proceeding(proceeding, body=actor.code)
    shown = _shown(found, "judicial", now=now)
    mine = next((one for one in shown["rules"].bodies if one.code == actor.code), None)
    context = {
        **shown,
        **context,
        "by_program": mine is not None and mine.connected,
        "wanted": [(event, EVENTS_SENT[event]) for event in steps_of_body(found, actor.code)],
    }
    return render(request, "settlement/proceeding.html", context, status=status)


@MAGISTRATE
@require_GET
def brought_paper(request: HttpRequest, proceeding: str, paper: int, *, actor: Acting) -> HttpResponse:
    """A paper of a proceeding brought to this body."""
    found, data = read_paper(get_proceeding(proceeding, body=actor.code), paper)
    return as_file(found.name, data)


@NODE
@require_GET
def board(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """How the bodies answer, and every proceeding by the time left; the papers are the parties' own."""
    context = {"rows": with_due(), "health": bodies_health(), "portal": "node", "today": timezone.localdate()}
    return render(request, "settlement/list.html", context)


@csrf_exempt
@public
@require_POST
def call_back(request: HttpRequest, body: str) -> HttpResponse:
    """A body's signed knock: the node asks it at once. Nothing else of it is believed."""
    try:
        take_call_back(body, request.body, dict(request.headers), now=timezone.now())
    except XinqiaoError as error:
        return HttpResponse(error.code, status=status_of(error), content_type="text/plain")
    return HttpResponse(status=204)
