"""The node's sharing list: what is in force, proposals with what they touch, decided by two people."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from xinqiao.kernel.errors import Invalid, Refused
from xinqiao.parties.types import Role
from xinqiao.sharing.queries import current_list, files_in_force, list_versions, version_in_force
from xinqiao.stewardship.actions import approve_list, propose_list, reject_list, take_back_list
from xinqiao.stewardship.queries import (
    collected,
    get_proposal,
    impact_now,
    list_proposals,
    list_reminders,
    version_changes,
)
from xinqiao.stewardship.rules import MOST_BYTES, PROPOSAL_TRANSITIONS, packed, with_uploads
from xinqiao.stewardship.types import ProposalState
from xinqiao.web.access import Acting, Portal, posted, requires
from xinqiao.web.middleware import error_context

READER = requires(Portal.NODE, Role.OPERATOR, Role.SECURITY, readers=(Role.AUDITOR,))
STEWARD = requires(Portal.NODE, Role.OPERATOR, Role.SECURITY)


@READER
@require_http_methods(["GET", "POST"])
def sharing_list(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """The list in force and its versions; files handed in, or items ticked, make a proposal."""
    if request.method == "GET":
        return render(request, "node/list.html", _board())
    reason, remove = posted(request, "reason"), request.POST.getlist("remove")
    try:
        uploads = [(f.name or "", f.read(MOST_BYTES + 1)) for f in request.FILES.getlist("files")]
        files = with_uploads(files_in_force(), uploads, remove)
        made = propose_list(files, reason=reason, actor=actor.label, now=timezone.now())
    except (Invalid, Refused) as error:
        context = {**_board(), "error": error_context(error), "reason": reason, "ticked": remove}
        return render(request, "node/list.html", context, status=error.status)
    messages.success(request, _("已提出；请看影响，再由另一人批准"), extra_tags="good")
    return redirect("node-list-proposal", made.id)


def _board() -> dict[str, Any]:
    now = timezone.now()
    return {
        "items": current_list().items,
        "version": version_in_force(),
        "versions": list_versions(),
        "proposals": list_proposals(),
        "collected": collected(now=now),
        "reminders": list_reminders(limit=20),
    }


@STEWARD
@require_http_methods(["GET", "POST"])
def proposal(request: HttpRequest, proposal: str, *, actor: Acting) -> HttpResponse:
    """One proposal with what it touches now; another person puts it in force or turns it down."""
    context = _proposal(proposal, actor)
    if request.method == "GET":
        return render(request, "node/list_proposal.html", context)
    step, by = posted(request, "step"), {"actor": actor.label, "now": timezone.now()}
    try:
        if step == "approve":
            approve_list(proposal, **by)
        elif step == "take_back":
            take_back_list(proposal, **by)
        else:
            reject_list(proposal, reason=posted(request, "reason"), **by)
    except (Invalid, Refused) as error:
        context = {**_proposal(proposal, actor), "error": error_context(error)}
        return render(request, "node/list_proposal.html", context, status=error.status)
    messages.success(request, get_proposal(proposal).state.label, extra_tags="good")
    return redirect("node-list-proposal", proposal)


def _proposal(proposal: str, actor: Acting) -> dict[str, Any]:
    found = get_proposal(proposal)
    waits = PROPOSAL_TRANSITIONS.can(found.state, "approve")
    shown: dict[str, Any] = {"proposal": found, "me": actor.label, "waits": waits}
    if waits:
        shown["impact"] = impact_now(proposal, now=timezone.now())
    if found.state is ProposalState.APPROVED:
        shown["changes"] = dict(version_changes()).get(found.version or 0, ())
    return shown


@READER
@require_GET
def files(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """The files of the list in force, to be changed and handed in again."""
    answer = HttpResponse(packed(files_in_force()), content_type="application/zip")
    answer["Content-Disposition"] = 'attachment; filename="sharing-list.zip"'
    return answer
