"""Institution portal: find an enterprise, ask for its authorisation, read what it allows."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xinqiao.admission.refusals import NotOpen
from xinqiao.catalogue.types import Openness
from xinqiao.consent.actions import cancel_request, request_authorisation
from xinqiao.consent.queries import find_active, get_template, list_authorisations, list_requests
from xinqiao.consent.rules import check_purpose
from xinqiao.consent.types import OPEN_REQUESTS, AuthorisationStatus, Form
from xinqiao.directory.actions import find as search_directory
from xinqiao.directory.types import NoDirectory
from xinqiao.evaluation.queries import get_scorecard
from xinqiao.evaluation.types import UnknownEnterprise
from xinqiao.kernel.errors import Invalid, Refused
from xinqiao.kernel.identifiers import InvalidUscc, parse_uscc
from xinqiao.lending.queries import list_applications, with_turns
from xinqiao.lending.rules import UNDER_WAY
from xinqiao.lending.types import Holder
from xinqiao.parties.queries import find_enterprise
from xinqiao.parties.types import Role
from xinqiao.release.reading import read
from xinqiao.release.types import Inquiry, Recipient
from xinqiao.sharing.queries import current_list, item_ever
from xinqiao.tracing.queries import mark_of
from xinqiao.web.access import Acting, Portal, posted, requires, whole_number
from xinqiao.web.explain import explained
from xinqiao.web.middleware import error_context, status_of
from xinqiao.web.paging import access_page
from xinqiao.web.radar import profiled

OFFICER = requires(Portal.INSTITUTION, Role.OFFICER, Role.OPERATOR)
READER = requires(Portal.INSTITUTION, Role.OFFICER, Role.OPERATOR, readers=(Role.AUDITOR,))
PURPOSE = "approval"
SHOWN_DUE, OPEN_MOST = 10, 20_000
LOOKS_LIKE_CODE = re.compile(r"[0-9A-Za-z \-]{12,}")


def recipient_of(actor: Acting) -> Recipient:
    """The institution or platform as the gate knows it."""
    organisation = actor.membership.organisation
    assert organisation is not None
    return Recipient.of(organisation)


def _stands(actor: Acting) -> list[Any]:
    now = timezone.now()
    rows = list_authorisations(recipient=actor.code)
    return [a for a in rows if a.status is AuthorisationStatus.ACTIVE and a.valid_to > now]


@READER
@require_GET
def home(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """What can be read now, what is waiting for an enterprise."""
    now = timezone.now()
    waiting = list_requests(organisation=actor.code, open_at=now)
    context = {"standing": _stands(actor), "waiting": waiting, "purposes": get_template().purposes}
    turns = with_turns(list_applications(institution=actor.code, states=UNDER_WAY, limit=OPEN_MOST), now=now)
    context["due"] = [(a, turn) for a, turn in turns if turn and turn.holder is Holder.INSTITUTION][:SHOWN_DUE]
    return render(request, "institution/home.html", context)


@READER
@require_GET
def find(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Find by code, name or initials; a pasted code with spaces or in lower case is understood."""
    written = request.GET.get("uscc", "").replace("\x00", "").strip()[:100]
    if not written:
        return render(request, "institution/find.html", {})
    with suppress(InvalidUscc):
        return redirect("institution-enterprise", parse_uscc(written).code)
    context: dict[str, Any] = {"written": written}
    try:
        if LOOKS_LIKE_CODE.fullmatch(written):
            parse_uscc(written)  # says what is wrong with it
        if not recipient_of(actor).admitted:
            raise NotOpen(organisation=actor.party)
        found = search_directory(written, organisation=actor.code, actor=actor.label, now=timezone.now())
    except (Invalid, NoDirectory, NotOpen) as error:
        context |= {"error": error_context(error)}
        return render(request, "institution/find.html", context, status=status_of(error))
    return render(request, "institution/find.html", context | {"found": found})


@READER
@require_GET
def enterprise(request: HttpRequest, uscc: str, *, actor: Acting) -> HttpResponse:
    """What is public by law, and how far the authorisation stands."""
    uscc = parse_uscc(uscc).code
    inquiry = Inquiry(recipient_of(actor), uscc, "public", Form.DETAIL, actor.label, "portal", public_only=True)
    try:
        answer = read(inquiry, now=timezone.now())
    except UnknownEnterprise as error:
        context = {"written": uscc, "error": error_context(error)}
        return render(request, "institution/find.html", context, status=404)
    now = timezone.now()
    authorisations = {
        code: found
        for code in get_template().purposes
        if (found := find_active(recipient=actor.code, subject=uscc, purpose=code, now=now))
    }
    context = {
        "document": answer.document,
        "marks": mark_of(answer.access.id),
        "items": [(item_ever(b["item"]), b) for b in answer.document["items"]],
        "authorisations": authorisations,
        "requests": (sent := list_requests(organisation=actor.code, enterprise=uscc)),
        "pending": any(r.state in OPEN_REQUESTS and r.answer_by > now for r in sent),
        "registered": find_enterprise(uscc) is not None,
        "purposes": get_template().purposes,
    }
    return render(request, "institution/enterprise.html", {**context, **profiled(answer.document)})


@OFFICER
@require_http_methods(["GET", "POST"])
def ask(request: HttpRequest, uscc: str, *, actor: Acting) -> HttpResponse:
    """Ask the enterprise for an authorisation: purpose, items, why; one read within 30 days by default."""
    uscc, template = parse_uscc(uscc).code, get_template()
    items = [i for i in current_list() if i.openness is not Openness.PUBLIC]
    context: dict[str, Any] = {"uscc": uscc, "items": items, "purposes": template.purposes, "chosen": PURPOSE}
    firm = find_enterprise(uscc)
    context |= {"firm": firm, "ticked": [i.code for i in items]}
    if request.method == "GET":
        return render(request, "institution/ask.html", context)
    context |= {
        "ticked": request.POST.getlist("items"),
        "chosen": posted(request, "purpose"),
        "reason": posted(request, "reason"),
        "product": posted(request, "product"),
    }
    try:
        asked = request_authorisation(
            actor.code,
            enterprise=uscc,
            purpose=context["chosen"],
            items=request.POST.getlist("items"),
            form=Form.REPORT,
            reason=context["reason"],
            days=30,
            times=whole_number(posted(request, "times", default="1"), digits=5),
            product=posted(request, "product"),
            actor=actor.label,
            now=timezone.now(),
        )
    except (Invalid, Refused) as error:
        return render(request, "institution/ask.html", context | {"error": error_context(error)}, status=error.status)
    messages.success(request, _("请求 %(id)s 已送到企业的收件箱") % {"id": asked.id}, extra_tags="good")
    return redirect("institution-enterprise", uscc)


@OFFICER
@require_POST
def report(request: HttpRequest, uscc: str, *, actor: Acting) -> HttpResponse:
    """Read the credit report under a named authorisation. A read is an act, so it is a POST."""
    purpose = posted(request, "purpose", default=PURPOSE)
    check_purpose(get_template(), purpose)
    inquiry = Inquiry(
        recipient_of(actor), parse_uscc(uscc).code, purpose, Form.REPORT, actor.label, "portal",
        authorisation=posted(request, "authorisation", most=40),
    )  # fmt: skip
    answer = read(inquiry, now=timezone.now())
    context = {
        "document": answer.document,
        "evaluation": explained(answer.document["evaluation"], get_scorecard(on=timezone.localdate())),
        "items": [(item_ever(b["item"]), b) for b in answer.document["items"]],
        "access": answer.access,
        "marks": mark_of(answer.access.id),
        "purposes": get_template().purposes,
        **profiled(answer.document),
    }
    return render(request, "institution/report.html", context)


@OFFICER
@require_POST
def cancel(request: HttpRequest, request_id: str, *, actor: Acting) -> HttpResponse:
    """Take a request back that the enterprise has not answered."""
    cancel_request(request_id, organisation=actor.code, actor=actor.label, now=timezone.now())
    messages.success(request, _("请求已取消"), extra_tags="good")
    return redirect("institution-requests")


@READER
@require_GET
def requests(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Requests sent and what became of them."""
    context = {
        "rows": list_requests(organisation=actor.code),
        "purposes": get_template().purposes,
        "open": OPEN_REQUESTS,
    }
    return render(request, "institution/requests.html", context)


@READER
@require_GET
def accesses(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """What this institution read or was refused; the enterprises see the same lines."""
    return render(request, "institution/accesses.html", access_page(request, recipient=actor.code))
