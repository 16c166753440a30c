"""What people and programs did at the node, newest first: the audit administrator's page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from xinqiao.evidence.queries import list_entries
from xinqiao.evidence.types import EVENTS
from xinqiao.parties.types import Role
from xinqiao.web.access import Acting, Portal, requires

PAGE = 50


@requires(Portal.NODE, Role.SECURITY, readers=(Role.AUDITOR,))
@require_GET
def doings(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Entries of the evidence log, of one kind or about one party if asked for; no enterprise's data is among them."""
    event, subject = request.GET.get("event", ""), request.GET.get("subject", "").strip()[:60]
    before = request.GET.get("before", "")
    rows = list_entries(
        event=event if event in EVENTS else None,
        subject=subject or None,
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None,
        limit=PAGE + 1,
    )
    context = {
        "rows": [(row, EVENTS.get(row.event)) for row in rows[:PAGE]],
        "events": sorted(EVENTS.values(), key=lambda e: e.code),
        "event": event,
        "subject": subject,
        "next": rows[PAGE - 1].id if len(rows) > PAGE else None,
    }
    return render(request, "node/doings.html", context)
