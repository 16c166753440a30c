"""The two-sided ledger on pages: an institution hands days in and reads what differs; the node sees all of them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from xinqiao.kernel.errors import Invalid
from xinqiao.parties.types import Role
from xinqiao.reconciliation.actions import hand_in_file, hands_in_for
from xinqiao.reconciliation.queries import get_hand_in, list_days, terms
from xinqiao.reconciliation.rules import fault
from xinqiao.reconciliation.types import DayState
from xinqiao.web.access import Acting, Portal, requires
from xinqiao.web.middleware import error_context

INSTITUTION = requires(Portal.INSTITUTION, Role.OFFICER, Role.OPERATOR, Role.TECHNICIAN)
NODE = requires(Portal.NODE, Role.OPERATOR, Role.SECURITY, readers=(Role.AUDITOR,))
LARGEST = 64 * 1024 * 1024


@INSTITUTION
@require_http_methods(["GET", "POST"])
def own(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """This organisation's days; one handed in as a file."""
    mine, context, status = hands_in_for(actor.code), dict[str, Any](), 200
    if request.method == "POST":
        try:
            found = hand_in_file(_uploaded(request), organisations=mine, actor=actor.label, now=timezone.now())
        except Invalid as error:
            context, status = {"error": error_context(error)}, error.status
        else:
            same = found.state is DayState.AGREED
            messages.success(
                request, _("已核对，一致") if same else _("已核对，有不一致的行"), extra_tags="good" if same else "warn"
            )
            return redirect("institution-hand-in", found.id)
    context |= {"days": list_days(organisations=mine, limit=60), "terms": terms()}
    return render(request, "reconciliation/own.html", context, status=status)


def _uploaded(request: HttpRequest) -> bytes:
    file = request.FILES.get("file")
    if file is None or (file.size or 0) > LARGEST:
        raise fault("file", f"one file of at most {LARGEST // 1024 // 1024} MB")
    return bytes(file.read())


@INSTITUTION
@require_GET
def own_one(request: HttpRequest, hand_in: str, *, actor: Acting) -> HttpResponse:
    """One hand-in: which lines differ."""
    found = get_hand_in(hand_in, organisations=hands_in_for(actor.code))
    return render(request, "reconciliation/hand_in.html", {"found": found, "node": False})


@NODE
@require_GET
def board(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """All organisations' days, those that are not agreed first."""
    waiting = [d for state in DayState if state is not DayState.AGREED for d in list_days(state=state, limit=100)]
    context = {"waiting": waiting, "days": list_days(state=DayState.AGREED, limit=60), "terms": terms()}
    return render(request, "reconciliation/board.html", context)


@NODE
@require_GET
def one(request: HttpRequest, hand_in: str, *, actor: Acting) -> HttpResponse:
    """One hand-in of anybody."""
    return render(request, "reconciliation/hand_in.html", {"found": get_hand_in(hand_in), "node": True})
