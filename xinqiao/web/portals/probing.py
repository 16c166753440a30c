"""Probes of a platform's endpoint: latest results with what to fix, history, signed reports, another round."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from xinqiao.admission.queries import find_endpoint, get_member
from xinqiao.kernel.errors import Invalid, Refused
from xinqiao.parties.types import Role
from xinqiao.probes.actions import ask_round
from xinqiao.probes.queries import find_turn, list_reports, list_standings, open_report
from xinqiao.probes.types import Outcome, Standing
from xinqiao.web.access import Acting, Portal, requires
from xinqiao.web.middleware import error_context
from xinqiao.web.portals.admission import NODE, as_file
from xinqiao.web.portals.applying import APPLICANT

ASKING = requires(Portal.NODE, Role.OPERATOR, Role.SECURITY)


@NODE
@require_GET
def member(request: HttpRequest, organisation: str, *, actor: Acting) -> HttpResponse:
    """A member's probes at the node."""
    return render(request, "node/probes.html", _probes(organisation))


@ASKING
@require_http_methods(["POST"])
def again(request: HttpRequest, organisation: str, *, actor: Acting) -> HttpResponse:
    """The node asks for another round."""
    return _ask(request, organisation, actor, "node/probes.html", ("node-probes", organisation))


@APPLICANT
@require_http_methods(["GET", "POST"])
def own(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """An applicant's or member's own probes; it may ask for a round."""
    if request.method == "POST":
        return _ask(request, actor.code, actor, "institution/probes.html", ("institution-probes",))
    return render(request, "institution/probes.html", _probes(actor.code))


def _ask(request: HttpRequest, organisation: str, actor: Acting, template: str, back: tuple[str, ...]) -> HttpResponse:
    try:
        ask_round(organisation, actor=actor.label, now=timezone.now())
    except (Invalid, Refused) as error:
        context = {"error": error_context(error)}
        return render(request, template, context | _probes(organisation), status=error.status)
    messages.success(request, _("已要求探测；一分钟内开始，结果出来后显示在这里"), extra_tags="good")
    return redirect(*back)


def _probes(organisation: str) -> dict[str, Any]:
    began, asked = find_turn(organisation)
    return {
        "member": get_member(organisation),
        "endpoint": find_endpoint(organisation),
        "standings": sorted(list_standings(organisation), key=_place),
        "reports": list_reports(organisation),
        "began": began,
        "waiting": asked is not None and (began is None or began < asked),
    }


def _place(standing: Standing) -> int:
    """What has to be mended stands first, then what could not be reached; else the order of the kit."""
    outcome = standing.result.outcome if standing.result else None
    return {Outcome.FAILED: 0, Outcome.COULD_NOT_REACH: 1}.get(outcome, 2) if outcome else 2


@NODE
@require_GET
def report(request: HttpRequest, report: str, *, actor: Acting) -> HttpResponse:
    """A signed report, as it was filed."""
    return as_file(*open_report(report))


@APPLICANT
@require_GET
def own_report(request: HttpRequest, report: str, *, actor: Acting) -> HttpResponse:
    """A signed report about this organisation."""
    return as_file(*open_report(report, organisation=actor.code))
