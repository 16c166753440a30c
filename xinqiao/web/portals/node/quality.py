"""Node portal: the freshness matrix, quality of every item, contradictions between them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET, require_POST

from xinqiao.parties.types import Role
from xinqiao.web.access import Acting, Portal, requires
from xinqiao.web.portals import quality as pages

STAFF = requires(Portal.NODE)
OPERATOR = requires(Portal.NODE, Role.OPERATOR)


@STAFF
@require_GET
def cards(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """The cards of all providers."""
    return pages.cards(request, pages.Side.of(actor))


@STAFF
@require_GET
def supply(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """The freshness matrix: source by week."""
    return pages.supply(request, pages.Side.of(actor))


@STAFF
@require_GET
def card(request: HttpRequest, code: str, *, actor: Acting) -> HttpResponse:
    """One item day by day."""
    return pages.history(request, pages.Side.of(actor), code)


@STAFF
@require_GET
def failing(request: HttpRequest, day: str, code: str, aspect: str, *, actor: Acting) -> HttpResponse:
    """What a figure leaves out; values that are not public stay closed."""
    return pages.failing(request, pages.Side.of(actor), day, code, aspect)


@STAFF
@require_GET
def failing_file(request: HttpRequest, day: str, code: str, aspect: str, *, actor: Acting) -> HttpResponse:
    """The same as a file."""
    return pages.failing_rows(pages.Side.of(actor), day, code, aspect)


@STAFF
@require_GET
def week(request: HttpRequest, code: str, week: str, *, actor: Acting) -> HttpResponse:
    """What a week brought of an item."""
    return pages.week(request, pages.Side.of(actor), code, week)


@STAFF
@require_GET
def findings(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Contradictions between items."""
    return pages.findings(request, pages.Side.of(actor))


@STAFF
@require_GET
def finding(request: HttpRequest, finding: int, *, actor: Acting) -> HttpResponse:
    """One of them, before the gate."""
    return pages.finding(request, pages.Side.of(actor), actor, finding)


@OPERATOR
@require_POST
def explain(request: HttpRequest, finding: int, *, actor: Acting) -> HttpResponse:
    """Explain it, or look at its closed values, with a reason, through the gate."""
    return pages.finding(request, pages.Side.of(actor), actor, finding)


@OPERATOR
@require_POST
def outage(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """A source is down, or delivers again."""
    return pages.outage(request, pages.Side.of(actor), actor)
