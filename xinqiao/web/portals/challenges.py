"""Answering an enterprise's question about an access: the same page for who looked and for the node."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from xinqiao.parties.types import Role
from xinqiao.release.challenges import NODE, explain_access, list_challenges
from xinqiao.web.access import Acting, Portal, posted, requires, whole_number


def _page(request: HttpRequest, actor: Acting, asked_of: str, route: str) -> HttpResponse:
    if request.method == "POST":
        explain_access(
            whole_number(posted(request, "challenge", most=12)),
            asked_of=asked_of,
            text=posted(request, "text", most=2000),
            actor=actor.label,
            now=timezone.now(),
        )
        messages.success(request, _("答复已送达企业"), extra_tags="good")
        return redirect(route)
    rows = list_challenges(asked_of=asked_of)
    return render(request, "web/challenges.html", {"rows": rows, "today": timezone.localdate()})


@requires(Portal.INSTITUTION, Role.OFFICER, Role.OPERATOR)
@require_http_methods(["GET", "POST"])
def institution(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Questions that this institution or platform must answer."""
    return _page(request, actor, actor.code, "institution-challenges")


@requires(Portal.NODE, Role.OPERATOR)
@require_http_methods(["GET", "POST"])
def node(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Questions about accesses by the node itself."""
    return _page(request, actor, NODE, "node-challenges")
