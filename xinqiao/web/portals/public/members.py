"""Who is in the network, who is not, and why: open to anybody."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from xinqiao.admission.content import bar
from xinqiao.admission.queries import due_on, list_members
from xinqiao.web.access import public
from xinqiao.web.portals.admission import listed


@public
@require_GET
def members(request: HttpRequest) -> HttpResponse:
    """Platforms and institutions that are in, and those that are not, with their state, its day and the reason."""
    found, today = listed(list_members()), timezone.localdate()
    context = {
        "bar": bar(),
        "inside": [m for m in found if m.opens],
        "outside": [(m, (due := due_on(m)), bool(due and due < today)) for m in found if not m.opens],
    }
    return render(request, "public/members.html", context)
