"""Whose row it is: rows without a code beside their candidates, decided by the department or by the node.

The department sees its rows as it delivered them; the node sees of them what names the enterprise, and no more.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from xinqiao.ingest.match_queries import PAGE, count_matches, get_match, list_matches
from xinqiao.ingest.matching import attach_row, send_back, undo_decision
from xinqiao.ingest.types import Match, MatchState
from xinqiao.kernel.divisions import DivisionTable
from xinqiao.kernel.errors import Invalid, NotFound, Refused
from xinqiao.parties.types import Role
from xinqiao.plumbing.settings import content_dir
from xinqiao.sharing.queries import item_ever
from xinqiao.subjects.queries import get_subject, register_facts
from xinqiao.subjects.types import NoSubjects, UnknownSubject
from xinqiao.web.access import Acting, Portal, posted, requires, whole_number
from xinqiao.web.middleware import error_context, status_of

READER = requires(Portal.DEPARTMENT, Role.CLERK, Role.OPERATOR, readers=(Role.AUDITOR,))
CLERK = requires(Portal.DEPARTMENT, Role.CLERK, Role.OPERATOR)
STAFF = requires(Portal.NODE, Role.OPERATOR, readers=(Role.AUDITOR,))
OPERATOR = requires(Portal.NODE, Role.OPERATOR)
LISTED = (MatchState.WAITING, MatchState.ATTACHED, MatchState.SENT_BACK)


@READER
@require_GET
def department_list(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """The department's rows that wait, were attached, or were sent back."""
    return _list(request, "department", actor.code)


@CLERK
@require_http_methods(["GET", "POST"])
def department_row(request: HttpRequest, match: int, *, actor: Acting) -> HttpResponse:
    """One of the department's rows beside its candidates; a decision, or taking one back."""
    return _row(request, match, "department", actor.code, actor)


@STAFF
@require_GET
def node_list(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """The rows of every department."""
    return _list(request, "node", None)


@OPERATOR
@require_http_methods(["GET", "POST"])
def node_row(request: HttpRequest, match: int, *, actor: Acting) -> HttpResponse:
    """What a row of a department says of its enterprise, beside the candidates."""
    return _row(request, match, "node", None, actor)


@STAFF
@require_GET
def subject(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """One subject by any of its codes: names and codes of today and before, branches, conversions, moves."""
    written = request.GET.get("code", "").replace("\x00", "").strip()[:40]
    context: dict[str, Any] = {"written": written, "register": register_facts()}
    if not written:
        return render(request, "node/subject.html", context)
    try:
        found, kind = get_subject(written)
    except (UnknownSubject, NoSubjects) as error:
        return render(request, "node/subject.html", context | {"error": error_context(error)}, status=status_of(error))
    context |= {"subject": found, "kind": kind, "places": _named(found.division, found.former_division)}
    return render(request, "node/subject.html", context)


def _named(*codes: str) -> dict[str, str]:
    divisions = DivisionTable.load(content_dir() / "divisions.toml")
    return {code: divisions.name(code) for code in codes if code}


def _list(request: HttpRequest, portal: str, provider: str | None) -> HttpResponse:
    asked = request.GET.get("state", "")
    state = MatchState(asked) if asked in list(LISTED) else MatchState.WAITING
    after = request.GET.get("after", "")
    delivery = request.GET.get("delivery", "").replace("\x00", "")[:40]
    number = whole_number(after, digits=17)
    found = list_matches(state, provider=provider, delivery=delivery, after=number, limit=PAGE + 1)
    counts = count_matches(provider=provider, delivery=delivery)
    context = {
        "rows": [(match, item_ever(match.item)) for match in found[:PAGE]],
        "states": [(one, counts[one]) for one in LISTED],
        "state": state,
        "delivery": delivery,
        "after": found[PAGE - 1].id if len(found) > PAGE else None,
        "row_view": f"{portal}-match",
        "portal": portal,
    }
    return render(request, "web/matches.html", context)


def _row(request: HttpRequest, number: int, portal: str, provider: str | None, actor: Acting) -> HttpResponse:
    match = get_match(number, provider=provider)
    context = _row_context(match, portal)
    if request.method == "GET":
        return render(request, "web/match.html", context)
    try:
        _decide(request, match, provider, actor)
    except (Invalid, Refused, NotFound, NoSubjects) as error:
        context |= {"error": error_context(error), "written": posted(request, "other", most=40)}
        return render(request, "web/match.html", context, status=status_of(error))
    messages.success(request, _("已办理并留痕"), extra_tags="good")
    return redirect(f"{portal}-matches")


def _row_context(match: Match, portal: str) -> dict[str, Any]:
    item = item_ever(match.item)
    shown = [(item.field(code), value) for code, value in match.values.items() if value]
    return {
        "match": match,
        "item": item,
        "values": shown if portal == "department" else [],
        "places": _named(*(c.division for c in match.candidates)),
        "list_view": f"{portal}-matches",
    }


def _decide(request: HttpRequest, match: Match, provider: str | None, actor: Acting) -> None:
    """The step of the form; raises what the step raises."""
    by: dict[str, Any] = {"provider": provider, "actor": actor.label, "now": timezone.now()}
    step, note = posted(request, "step"), posted(request, "note", most=500)
    if step == "undo":
        undo_decision(match.id, reason=note, **by)
    elif step in ("none", "send_back"):
        send_back(match.id, none_of_them=step == "none", note=note, **by)
    else:
        chosen = posted(request, "other", most=40).strip() or posted(request, "code", most=18)
        attach_row(match.id, code=chosen, **by)
