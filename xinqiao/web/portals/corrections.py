"""Corrections on the side of who was told: what an earlier answer said, what is right, that it is known."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from xinqiao.corrections.acknowledging import acknowledge
from xinqiao.corrections.queries import get_notice, list_notices
from xinqiao.parties.types import Role
from xinqiao.sharing.queries import item_ever
from xinqiao.web.access import Acting, Portal, posted, requires, whole_number

OFFICER = requires(Portal.INSTITUTION, Role.OFFICER, Role.OPERATOR, readers=(Role.AUDITOR,))


@OFFICER
@require_http_methods(["GET", "POST"])
def told(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Answers given to this institution that do not hold any more; acknowledge each when acted upon."""
    if request.method == "POST":
        number = whole_number(posted(request, "notice", most=12))
        acknowledge(number, recipient=actor.code, actor=actor.label, now=timezone.now())
        messages.success(request, _("已确认收到更正"), extra_tags="good")
        return redirect("institution-corrections")
    rows = [(n, item_ever(n.item)) for n in list_notices(recipient=actor.code)]
    return render(request, "institution/corrections.html", {"rows": rows, "today": timezone.localdate()})


@OFFICER
@require_GET
def one(request: HttpRequest, notice: int, *, actor: Acting) -> HttpResponse:
    """One correction: which answer, what it said and what is right."""
    found = get_notice(notice, recipient=actor.code)
    context = {"notice": found, "item": item_ever(found.item)}
    return render(request, "institution/correction.html", context)
