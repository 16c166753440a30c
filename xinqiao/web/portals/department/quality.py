"""Department portal: quality of its own items, and what contradicts them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET, require_POST

from xinqiao.parties.types import Role
from xinqiao.web.access import Acting, Portal, requires
from xinqiao.web.portals import quality as pages

READER = requires(Portal.DEPARTMENT)
CLERK = requires(Portal.DEPARTMENT, Role.CLERK, Role.OPERATOR)


@READER
@require_GET
def cards(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """The department's cards and its own rows of the matrix."""
    return pages.cards(request, pages.Side.of(actor))


@READER
@require_GET
def card(request: HttpRequest, code: str, *, actor: Acting) -> HttpResponse:
    """One of its items day by day."""
    return pages.history(request, pages.Side.of(actor), code)


@READER
@require_GET
def failing(request: HttpRequest, day: str, code: str, aspect: str, *, actor: Acting) -> HttpResponse:
    """What a figure of its card leaves out."""
    return pages.failing(request, pages.Side.of(actor), day, code, aspect)


@READER
@require_GET
def failing_file(request: HttpRequest, day: str, code: str, aspect: str, *, actor: Acting) -> HttpResponse:
    """The same as a file."""
    return pages.failing_rows(pages.Side.of(actor), day, code, aspect)


@READER
@require_GET
def week(request: HttpRequest, code: str, week: str, *, actor: Acting) -> HttpResponse:
    """What a week brought of one of its items."""
    return pages.week(request, pages.Side.of(actor), code, week)


@READER
@require_GET
def findings(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Contradictions that its items have to do with."""
    return pages.findings(request, pages.Side.of(actor))


@READER
@require_GET
def finding(request: HttpRequest, finding: int, *, actor: Acting) -> HttpResponse:
    """One of them."""
    return pages.finding(request, pages.Side.of(actor), actor, finding)


@CLERK
@require_POST
def explain(request: HttpRequest, finding: int, *, actor: Acting) -> HttpResponse:
    """Say why both values are right."""
    return pages.finding(request, pages.Side.of(actor), actor, finding)


@CLERK
@require_POST
def outage(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Its source is down, or delivers again."""
    return pages.outage(request, pages.Side.of(actor), actor)
