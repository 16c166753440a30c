"""Supervision on two sides: the node sees alerts and stops by two people; an organisation reads why and appeals."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from xinqiao.parties.types import Role
from xinqiao.release.queries import get_access
from xinqiao.supervision.actions import (
    appeal_freeze,
    approve_freeze,
    conclude_unlawful,
    decide_appeal,
    decline_freeze,
    dismiss_alert,
    lift_freeze,
    propose_freeze,
)
from xinqiao.supervision.queries import (
    count_canaries,
    get_alert,
    get_freeze,
    list_alerts,
    list_freezes,
    trigger_of,
    watching,
)
from xinqiao.supervision.types import Freeze
from xinqiao.web.access import Acting, Portal, posted, requires

NODE = requires(Portal.NODE, Role.OPERATOR, Role.SECURITY, readers=(Role.AUDITOR,))
ORGANISATION = requires(Portal.INSTITUTION, Role.OFFICER, Role.OPERATOR, Role.SECURITY, frozen=True)
SHOWN_LINES = 50


@NODE
@require_http_methods(["GET"])
def alerts(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Suspected misuse and freezes, what needs somebody first."""
    context = {
        "alerts": [(a, trigger_of(a.sentinel)) for a in list_alerts()],
        "freezes": list_freezes(),
        "triggers": watching().triggers,
        "canaries": count_canaries(),
        "today": timezone.localdate(),
    }
    return render(request, "node/supervision.html", context)


@NODE
@require_http_methods(["GET", "POST"])
def alert(request: HttpRequest, alert: int, *, actor: Acting) -> HttpResponse:
    """One alert with its ledger lines; dismiss it with a reason, or ask a second person for a freeze."""
    found = get_alert(alert)
    if request.method == "POST":
        reason, by = posted(request, "reason", most=2000), {"actor": actor.label, "now": timezone.now()}
        if posted(request, "step") == "dismiss":
            dismiss_alert(alert, reason=reason, **by)
            messages.success(request, _("已排除；同样的查询不再提醒"), extra_tags="good")
            return redirect("node-supervision")
        made = propose_freeze(found.actor, organisation=found.organisation, reason=reason, alert=alert, **by)
        messages.success(request, _("已提请冻结，等待第二人批准"), extra_tags="good")
        return redirect("node-freeze", made.id)
    lines = [get_access(name) for name in reversed(found.accesses[-SHOWN_LINES:])]
    context = {"alert": found, "trigger": trigger_of(found.sentinel), "lines": lines}
    return render(request, "node/alert.html", context)


@NODE
@require_http_methods(["GET", "POST"])
def freeze(request: HttpRequest, freeze: str, *, actor: Acting) -> HttpResponse:
    """One freeze: approve, decline, uphold or lift, each by who may."""
    if request.method == "POST":
        _step(posted(request, "step"), freeze, posted(request, "reason", most=2000), actor)
        messages.success(request, _("已办理并留痕"), extra_tags="good")
        return redirect("node-freeze", freeze)
    return render(request, "node/freeze.html", {"freeze": get_freeze(freeze), "me": actor.label})


def _step(step: str, number: str, reason: str, actor: Acting) -> Freeze:
    by = {"actor": actor.label, "now": timezone.now()}
    if step == "approve":
        return approve_freeze(number, **by)
    if step == "unlawful":
        return conclude_unlawful(number, reason=reason, **by)
    if step == "decline":
        return decline_freeze(number, reason=reason, **by)
    if step == "uphold":
        return decide_appeal(number, lift=False, reason=reason, **by)
    found = get_freeze(number)
    if found.state == "appealed":
        return decide_appeal(number, lift=True, reason=reason, **by)
    return lift_freeze(number, reason=reason, **by)


@ORGANISATION
@require_http_methods(["GET"])
def own(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """What of this organisation is frozen, why, and what it may say to that."""
    return render(request, "institution/freezes.html", {"freezes": list_freezes(organisation=actor.code)})


@ORGANISATION
@require_POST
def appeal(request: HttpRequest, freeze: str, *, actor: Acting) -> HttpResponse:
    """Object to a freeze."""
    text, by = posted(request, "text", most=2000), {"actor": actor.label, "now": timezone.now()}
    appeal_freeze(freeze, organisation=actor.code, text=text, **by)
    messages.success(request, _("申诉已送达节点"), extra_tags="good")
    return redirect("institution-freezes")
