"""Disputes on the side of who files them: the enterprise, and the institution or platform through whom they come."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from xinqiao.corrections.queries import list_notices
from xinqiao.disputes.filing import ask_review, file_dispute, forward, receive_at, supply, withdraw
from xinqiao.disputes.papers import dispute_letter
from xinqiao.disputes.queries import (
    board,
    dispute_rules,
    get_dispute,
    ground_of,
    item_of,
    list_disputes,
    list_files,
    list_steps,
    read_file,
    rejection_of,
    turn_at,
)
from xinqiao.disputes.types import OPEN, Channel, Claim, Dispute, DisputeState
from xinqiao.kernel.dated import BEIJING
from xinqiao.kernel.errors import Invalid, NotFound, Refused
from xinqiao.kernel.identifiers import parse_uscc
from xinqiao.parties.types import OrganisationKind, Right, Role
from xinqiao.sharing.queries import current_list
from xinqiao.web.access import Acting, Portal, posted, requires
from xinqiao.web.middleware import error_context
from xinqiao.web.uploads import as_paper

MEMBER = requires(Portal.ENTERPRISE, Role.OWNER, Role.DELEGATE, right=Right.OBJECT)
OFFICER = requires(Portal.INSTITUTION, Role.OFFICER, Role.OPERATOR, readers=(Role.AUDITOR,))
MOST_WORDS = 2000


def files_of(request: HttpRequest) -> list[tuple[str, bytes]]:
    """The files of a form as the verbs take them."""
    return [(file.name or "", file.read()) for file in request.FILES.getlist("files")]


def facts_of(dispute: Dispute) -> dict[str, Any]:
    """What every page about a dispute shows."""
    return {
        "dispute": dispute,
        "item": item_of(dispute),
        "ground": ground_of(dispute.claim.ground),
        "rejection": rejection_of(dispute.rejection),
        "turn": turn_at(dispute, now=timezone.now()),
        "steps": list_steps(dispute),
        "files": list_files(dispute.id),
        "notices": list_notices(cause=dispute.id),
        "rules": dispute_rules(),
    }


@MEMBER
@require_GET
def own(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """The enterprise's disputes: whose turn it is and until when, then what was answered."""
    now = timezone.now()
    rows = [(one, turn_at(one, now=now), item_of(one)) for one in list_disputes(enterprise=actor.code)]
    context = {"rows": rows, "items": list(current_list()), "rules": dispute_rules()}
    return render(request, "enterprise/disputes.html", context)


@MEMBER
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Say what is wrong: the record is filled in already, two clicks from where it stands."""
    given = request.POST if request.method == "POST" else request.GET
    if "item" not in given:  # the item is chosen there
        return redirect("enterprise-disputes")
    item = current_list().item(given.get("item", ""))
    context: dict[str, Any] = {"item": item, "ref": given.get("ref", ""), "rules": dispute_rules(), "typed": given}
    if request.method == "GET":
        return render(request, "enterprise/dispute_new.html", context)
    claim = Claim(item.code, posted(request, "ref", most=32), posted(request, "ground", most=20),
                  posted(request, "text", most=MOST_WORDS))  # fmt: skip
    by: dict[str, Any] = {"enterprise": actor.code, "name": actor.party, "actor": actor.label, "now": timezone.now()}
    try:
        made = file_dispute(claim, files=files_of(request), **by)
    except (Invalid, Refused) as error:
        context |= {"error": error_context(error)}
        return render(request, "enterprise/dispute_new.html", context, status=error.status)
    messages.success(request, _("已收到，编号 %(id)s；已标注并送责任部门核查") % {"id": made.id}, extra_tags="good")
    return redirect("enterprise-dispute", made.id)


@MEMBER
@require_http_methods(["GET", "POST"])
def one(request: HttpRequest, dispute: str, *, actor: Acting) -> HttpResponse:
    """One dispute: where it stands, what was answered, who was told; supply, withdraw, ask for a review."""
    found = get_dispute(dispute, enterprise=actor.code)
    if request.method == "GET":
        return render(request, "enterprise/dispute.html", facts_of(found))
    try:
        _step(request, dispute, actor)
    except (Invalid, Refused) as error:
        context = facts_of(found) | {"error": error_context(error), "typed": request.POST}
        return render(request, "enterprise/dispute.html", context, status=error.status)
    messages.success(request, _("已办理并留痕"), extra_tags="good")
    return redirect("enterprise-dispute", dispute)


def _step(request: HttpRequest, dispute: str, actor: Acting) -> None:
    by: dict[str, Any] = {"enterprise": actor.code, "actor": actor.label, "now": timezone.now()}
    step, said = posted(request, "step"), {"text": posted(request, "text", most=MOST_WORDS), "files": files_of(request)}
    if step == "withdraw":
        withdraw(dispute, **by)
    elif step == "review":
        ask_review(dispute, **said, **by)
    else:
        supply(dispute, **said, **by)


@MEMBER
@require_GET
def own_file(request: HttpRequest, dispute: str, file: int, *, actor: Acting) -> HttpResponse:
    """A file of the enterprise's own dispute."""
    return as_paper(*read_file(get_dispute(dispute, enterprise=actor.code), file))


@MEMBER
@require_GET
def letter(request: HttpRequest, dispute: str, *, actor: Acting) -> HttpResponse:
    """The answer in writing, as PDF."""
    answer = HttpResponse(dispute_letter(get_dispute(dispute, enterprise=actor.code)), content_type="application/pdf")
    answer["Content-Disposition"] = f'attachment; filename="{dispute}.pdf"'
    return answer


@OFFICER
@require_http_methods(["GET", "POST"])
def through_us(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Disputes that enterprises handed in here, those still to be forwarded first, and their clock."""
    now, status = timezone.now(), 200
    context: dict[str, Any] = {"rules": dispute_rules(), "items": list(current_list()), "typed": {}}
    if request.method == "POST":
        try:
            _take(request, actor, now)
            messages.success(request, _("已办理并留痕"), extra_tags="good")
            return redirect("institution-disputes")
        except (Invalid, Refused, NotFound) as error:
            context |= {"error": error_context(error), "typed": request.POST}
            status = error.status
    waiting = [(d, t) for d, t in board(now=now, via=actor.code) if d.state is DisputeState.FILED]
    rest = [d for d in list_disputes(via=actor.code) if d.state is not DisputeState.FILED]
    context |= {"waiting": waiting, "rest": rest, "open": OPEN}
    return render(request, "institution/disputes.html", context, status=status)


def _take(request: HttpRequest, actor: Acting, now: datetime) -> None:
    if posted(request, "step") == "forward":
        forward(posted(request, "dispute", most=40), via=actor.code, actor=actor.label, now=now)
        return
    organisation = actor.membership.organisation
    assert organisation is not None
    channel = Channel.PLATFORM if organisation.kind is OrganisationKind.PLATFORM else Channel.INSTITUTION
    claim = Claim(posted(request, "item", most=60), "", posted(request, "ground", most=20),
                  posted(request, "text", most=MOST_WORDS))  # fmt: skip
    receive_at(
        claim,
        enterprise=parse_uscc(posted(request, "enterprise", most=40)).code,
        channel=channel,
        via=actor.code,
        received_at=moment_of(posted(request, "received_at", most=20), now),
        files=files_of(request),
        actor=actor.label,
        now=now,
    )


def moment_of(text: str, now: datetime) -> datetime:
    """A typed minute in Beijing; empty is now."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=BEIJING) if text else now
    except ValueError:
        return datetime.fromtimestamp(0, tz=BEIJING)
