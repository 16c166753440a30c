"""Disputes on the side of who checks: the department that answers for the record, the node that keeps the clocks."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from xinqiao.corrections.queries import overdue_notices
from xinqiao.disputes.checking import rows_to_check
from xinqiao.disputes.deciding import ask_more, find_right, find_wrong, leave_open, reject
from xinqiao.disputes.filing import file_dispute, forward
from xinqiao.disputes.queries import (
    board,
    dispute_counts,
    dispute_rules,
    get_dispute,
    item_of,
    list_disputes,
    read_file,
)
from xinqiao.disputes.types import OPEN, Channel, Claim, Dispute, DisputeState
from xinqiao.kernel.errors import Invalid, NotFound, Refused
from xinqiao.kernel.identifiers import parse_uscc
from xinqiao.parties.queries import get_enterprise
from xinqiao.parties.types import Role
from xinqiao.release.types import Recipient, RecipientKind
from xinqiao.sharing.queries import current_list
from xinqiao.web.access import Acting, Portal, posted, requires
from xinqiao.web.middleware import error_context
from xinqiao.web.portals.disputes import MOST_WORDS, facts_of, files_of
from xinqiao.web.uploads import as_paper

CLERK = requires(Portal.DEPARTMENT, Role.CLERK, Role.OPERATOR)
READER = requires(Portal.DEPARTMENT, Role.CLERK, Role.OPERATOR, readers=(Role.AUDITOR,))
NODE = requires(Portal.NODE, Role.OPERATOR)
NODE_READER = requires(Portal.NODE, Role.OPERATOR, readers=(Role.AUDITOR,))


@READER
@require_GET
def tasks(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Disputes about this department's records, the least time left first."""
    now = timezone.now()
    rows = [(d, t, item_of(d)) for d, t in board(now=now, provider=actor.code) if d.state is not DisputeState.FILED]
    done = [(d, item_of(d)) for d in list_disputes(provider=actor.code) if d.state not in OPEN]
    return render(request, "department/disputes.html", {"rows": rows, "done": done[:50]})


@CLERK
@require_http_methods(["GET", "POST"])
def task(request: HttpRequest, dispute: str, *, actor: Acting) -> HttpResponse:
    """One dispute: the claim, the evidence and the record side by side; right, wrong and corrected, or need more."""
    return _task(request, get_dispute(dispute, provider=actor.code), actor, "department")


@NODE
@require_http_methods(["GET", "POST"])
def case(request: HttpRequest, dispute: str, *, actor: Acting) -> HttpResponse:
    """The same for the node: it takes over, does not admit, or enters what a provider without an account wrote."""
    return _task(request, get_dispute(dispute), actor, "node")


def _task(request: HttpRequest, found: Dispute, actor: Acting, portal: str) -> HttpResponse:
    context: dict[str, Any] = {"portal": portal, "typed": request.POST}
    status = 200
    if request.method == "POST":
        try:
            _decide(request, found, actor)
            messages.success(request, _("已办理并留痕"), extra_tags="good")
            return redirect(f"{portal}-dispute", found.id)
        except (Invalid, Refused) as error:
            context["error"] = error_context(error)
            status = error.status
    context |= facts_of(found)
    if found.state is DisputeState.SENT:
        kind = RecipientKind.NODE if portal == "node" else RecipientKind.DEPARTMENT
        viewer = Recipient(kind, actor.code, actor.party)
        context["rows"] = rows_to_check(found, viewer, actor=actor.label, now=timezone.now())
    return render(request, "web/dispute_task.html", context, status=status)


def _decide(request: HttpRequest, found: Dispute, actor: Acting) -> None:
    by: dict[str, Any] = {"actor": actor.label, "now": timezone.now()}
    step, text = posted(request, "step"), posted(request, "text", most=MOST_WORDS)
    provider = {"provider": found.provider, "text": text, **by}
    if step == "take" and actor.portal is Portal.NODE:
        forward(found.id, **by)
    elif step == "reject" and actor.portal is Portal.NODE:
        reject(found.id, reason=posted(request, "reason", most=20), text=text, **by)
    elif step == "ask":
        ask_more(found.id, **provider)
    elif step == "right":
        find_right(found.id, **provider)
    elif step == "open":
        leave_open(found.id, **provider)
    else:
        _correct(request, found, provider)


def _correct(request: HttpRequest, found: Dispute, provider: dict[str, Any]) -> None:
    ref, step = posted(request, "ref", most=32), posted(request, "step")
    right = None
    if step != "remove":
        right = {fld.code: request.POST.get(f"field-{fld.code}", "")[:4000] for fld in item_of(found).fields}
    find_wrong(found.id, right=right, ref=ref, since=_day(posted(request, "since", most=10)), **provider)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


@READER
@require_GET
def task_file(request: HttpRequest, dispute: str, file: int, *, actor: Acting) -> HttpResponse:
    """A file of a dispute about this department's record."""
    return as_paper(*read_file(get_dispute(dispute, provider=actor.code), file))


@NODE_READER
@require_GET
def case_file(request: HttpRequest, dispute: str, file: int, *, actor: Acting) -> HttpResponse:
    """A file of any dispute, for the node."""
    return as_paper(*read_file(get_dispute(dispute), file))


@NODE_READER
@require_http_methods(["GET", "POST"])
def cases(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Every dispute under way by the time left, what was handed over late, corrections that nobody acknowledged."""
    now, status = timezone.now(), 200
    context: dict[str, Any] = {"typed": {}, "items": list(current_list())}
    if request.method == "POST":
        try:
            made = _at_the_counter(request, actor)
            return redirect("node-dispute", made.id)
        except (Invalid, Refused, NotFound) as error:
            context |= {"error": error_context(error), "typed": request.POST}
            status = error.status
    context |= {
        "counts": dispute_counts(),
        "rules": dispute_rules(),
        "rows": [(d, t, item_of(d)) for d, t in board(now=now)],
        "done": [(d, item_of(d)) for d in list_disputes() if d.state not in OPEN][:50],
        "overdue": overdue_notices(on=timezone.localdate()),
    }
    return render(request, "node/disputes.html", context, status=status)


def _at_the_counter(request: HttpRequest, actor: Acting) -> Dispute:
    firm = get_enterprise(parse_uscc(posted(request, "enterprise", most=40)).code)
    claim = Claim(posted(request, "item", most=60), "", posted(request, "ground", most=20),
                  posted(request, "text", most=MOST_WORDS))  # fmt: skip
    return file_dispute(
        claim, enterprise=firm.uscc, name=firm.name, channel=Channel.NODE, files=files_of(request), actor=actor.label,
        now=timezone.now(),
    )  # fmt: skip
