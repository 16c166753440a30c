"""An organisation's programs at this node: clients with their keys, where notices go; for its technicians."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET

from xinqiao.oauth.queries import list_clients
from xinqiao.parties.types import Role
from xinqiao.web.access import Acting, Portal, requires
from xinqiao.webhooks.queries import list_endpoints, list_messages


def programs(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """What calls in this organisation's name and what it is told; the node's technicians see all clients."""
    own = None if actor.portal is Portal.NODE else actor.code
    context = {
        "clients": list_clients(organisation=own),
        "endpoints": list_endpoints(actor.code),
        "notices": list_messages(actor.code, limit=30),
    }
    return render(request, "web/programs.html", context)


def routes(portal: Portal) -> list[URLPattern]:
    """The page in one portal."""
    guard = requires(portal, Role.TECHNICIAN, Role.OPERATOR, readers=(Role.AUDITOR, Role.ADMINISTRATOR))
    return [path(f"{portal}/programs/", guard(require_GET(programs)), name=f"{portal}-programs")]
