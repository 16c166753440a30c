"""Enterprise portal: my report, who may see it, who did."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xinqiao.consent.actions import decline_request, grant_authorisation, mark_shown, withdraw_authorisation
from xinqiao.consent.papers import authorisation_pdf
from xinqiao.consent.powers import end_power, grant_power, invite, list_powers
from xinqiao.consent.queries import (
    authorisation_as_json,
    consent_text,
    get_authorisation,
    get_request,
    get_template,
    list_authorisations,
    list_requests,
)
from xinqiao.consent.types import (
    OPEN_REQUESTS,
    Authorisation,
    AuthorisationNotFound,
    AuthorisationStatus,
    Form,
    RequestFacts,
)
from xinqiao.evaluation.compute import facts_by_code
from xinqiao.evaluation.queries import get_scorecard
from xinqiao.lending.following import note_answer
from xinqiao.lending.queries import list_applications, with_turns
from xinqiao.lending.rules import UNDER_WAY
from xinqiao.lending.types import Holder
from xinqiao.parties.queries import list_members
from xinqiao.parties.types import Right, Role
from xinqiao.release.queries import count_accesses, list_accesses
from xinqiao.release.reading import read
from xinqiao.release.types import Answer, Inquiry, Recipient, RecipientKind
from xinqiao.settlement.queries import list_proceedings
from xinqiao.settlement.rules import steps_for
from xinqiao.settlement.types import Proceeding, Side
from xinqiao.sharing.queries import item_ever
from xinqiao.web.access import Acting, Portal, posted, requires, whole_number
from xinqiao.web.explain import explained
from xinqiao.web.radar import profiled

MEMBER = requires(Portal.ENTERPRISE, Role.OWNER, Role.DELEGATE)
READER = requires(Portal.ENTERPRISE, Role.OWNER, Role.DELEGATE, right=Right.REPORT)
SIGNER = requires(Portal.ENTERPRISE, Role.OWNER, Role.DELEGATE, right=Right.AUTHORISE)
OWNER = requires(Portal.ENTERPRISE, Role.OWNER)
MONTH = timedelta(days=30)


def _own(actor: Acting, form: Form, *, evaluation_only: bool = False) -> Answer:
    """The enterprise's own file through the gate: free, and recorded like any other read."""
    recipient = Recipient(RecipientKind.ENTERPRISE, actor.code, actor.party, enterprise=actor.code)
    inquiry = Inquiry(
        recipient, actor.code, "self", form, actor.label, "portal", evaluation_only=evaluation_only
    )  # fmt: skip
    return read(inquiry, now=timezone.now())


def _open_requests(enterprise: str) -> list[RequestFacts]:
    return list_requests(enterprise=enterprise, open_at=timezone.now())


@MEMBER
@require_GET
def home(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """What needs doing, the score, and the state of everything else, in that order."""
    answer = _own(actor, Form.DERIVED, evaluation_only=True)
    now = timezone.now()
    standing = [a for a in list_authorisations(enterprise=actor.code) if _stands(a)]
    context = {
        "requests": _open_requests(actor.code),
        "evaluation": explained(answer.document["evaluation"], get_scorecard(on=timezone.localdate())),
        "authorisations": standing,
        "counts": count_accesses(actor.code, since=now - MONTH),
        "purposes": get_template().purposes,
        "mine": _turns(actor) if actor.membership.may(Right.APPLY) else [],
        "asked": _asked(actor) if actor.membership.may(Right.APPLY) else [],
    }
    return render(request, "enterprise/home.html", context)


def _turns(actor: Acting) -> list[Any]:
    """Applications that wait for the enterprise, the least time left first."""
    waiting = with_turns(list_applications(enterprise=actor.code, states=UNDER_WAY), now=timezone.now())
    return [(a, turn) for a, turn in waiting if turn and turn.holder is Holder.ENTERPRISE]


def _asked(actor: Acting) -> list[Proceeding]:
    """Proceedings in which something is asked of the enterprise."""
    found = list_proceedings(enterprise=actor.code)
    return [one for one in found if steps_for(one.kind, one.state, Side.DEBTOR)]


def _stands(authorisation: Authorisation) -> bool:
    return authorisation.status is AuthorisationStatus.ACTIVE and authorisation.valid_to > timezone.now()


@READER
@require_GET
def report(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """The whole file: evaluation with reasons, then every item with its rows, source and date."""
    answer = _own(actor, Form.DETAIL)
    card = get_scorecard(on=timezone.localdate())
    items = [(item_ever(block["item"]), block) for block in answer.document["items"]]
    context = {
        "document": answer.document,
        "evaluation": explained(answer.document["evaluation"], card),
        "items": items,
        "facts": facts_by_code(),
        **profiled(answer.document),
        "access": answer.access,
        "may_object": actor.membership.may(Right.OBJECT),
    }
    return render(request, "enterprise/report.html", context)


@SIGNER
@require_GET
def authorisations(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Requests to decide and authorisations given, each with what was already taken."""
    rows = [(a, _stands(a)) for a in list_authorisations(enterprise=actor.code)]
    answered = [r for r in list_requests(enterprise=actor.code) if r.state not in OPEN_REQUESTS]
    context = {
        "requests": _open_requests(actor.code),
        "rows": rows,
        "answered": answered,
        "purposes": get_template().purposes,
        "agents": _agents(actor) if actor.membership.role is Role.OWNER else [],
    }
    return render(request, "enterprise/authorisations.html", context)


def _request_of(actor: Acting, request_id: str) -> RequestFacts:
    found = get_request(request_id)
    if found.scope.enterprise != actor.code:
        raise AuthorisationNotFound(authorisation=request_id)
    return found


def _authorisation_of(actor: Acting, authorisation_id: str) -> Authorisation:
    found = get_authorisation(authorisation_id)
    if found.subject != actor.code:
        raise AuthorisationNotFound(authorisation=authorisation_id)
    return found


@SIGNER
@require_http_methods(["GET", "POST"])
def decide(request: HttpRequest, request_id: str, *, actor: Acting) -> HttpResponse:
    """One screen: who, why, what, how long, how to withdraw; the exact text; agree or decline."""
    asked = _request_of(actor, request_id)
    if request.method == "POST":
        return _answer(request, asked, actor)
    locale = "en" if request.LANGUAGE_CODE == "en" else "zh"  # type: ignore[attr-defined]
    shown = consent_text(asked.id, locale=locale)
    mark_shown(asked.id, signatory=actor.actor.person_id, text_digest=shown.sha256, locale=locale, now=timezone.now())
    context = {
        "asked": asked,
        "shown": shown,
        "items": [item_ever(code) for code in asked.scope.items],
        "purpose": get_template().purposes[asked.scope.purpose],
        "open": asked.state in OPEN_REQUESTS and asked.answer_by > timezone.now(),
    }
    return render(request, "enterprise/decide.html", context)


def _answer(request: HttpRequest, asked: RequestFacts, actor: Acting) -> HttpResponse:
    person, now = actor.actor.person_id, timezone.now()
    if request.POST.get("answer") != "grant":
        decline_request(asked.id, signatory=person, reason=posted(request, "reason"), now=now)
        note_answer(asked.id, now=timezone.now())
        messages.success(request, _("已拒绝；对方会看到您的答复"), extra_tags="good")
        return redirect("enterprise-authorisations")
    given = grant_authorisation(
        asked.id,
        signatory=person,
        locale=posted(request, "locale"),
        text_digest=posted(request, "digest"),
        address=request.META.get("REMOTE_ADDR", ""),
        now=now,
    )
    moved = note_answer(asked.id, now=timezone.now())
    messages.success(request, _("已授权；随时可以撤回"), extra_tags="good")
    if moved:
        return redirect("enterprise-application", moved.id)
    return redirect("enterprise-authorisation", given.id)


@SIGNER
@require_GET
def authorisation(request: HttpRequest, authorisation_id: str, *, actor: Acting) -> HttpResponse:
    """One authorisation: what it allows, what was taken under it, how to end it."""
    found = _authorisation_of(actor, authorisation_id)
    taken = list_accesses(enterprise=actor.code, authorisation=found.id, limit=found.times_max + 100)
    context: dict[str, Any] = {
        "authorisation": found,
        "stands": _stands(found),
        "items": [item_ever(code) for code in found.items],
        "taken": taken,
        "purpose": get_template().purposes[found.purpose],
    }
    return render(request, "enterprise/authorisation.html", context)


@SIGNER
@require_GET
def authorisation_receipt(request: HttpRequest, authorisation_id: str, *, actor: Acting) -> HttpResponse:
    """The signed authorisation, for keeping and for checking elsewhere."""
    found = _authorisation_of(actor, authorisation_id)
    answer = JsonResponse(authorisation_as_json(found.id), json_dumps_params={"ensure_ascii": False, "indent": 1})
    answer["Content-Disposition"] = f'attachment; filename="{found.id}.json"'
    return answer


@SIGNER
@require_GET
def authorisation_paper(request: HttpRequest, authorisation_id: str, *, actor: Acting) -> HttpResponse:
    """The authorisation on paper."""
    found = _authorisation_of(actor, authorisation_id)
    answer = HttpResponse(authorisation_pdf(found.id), content_type="application/pdf")
    answer["Content-Disposition"] = f'attachment; filename="{found.id}.pdf"'
    return answer


def _agents(actor: Acting) -> list[dict[str, Any]]:
    """The enterprise's delegates with the signing power each has now."""
    now = timezone.now()
    powers = {power.person: power for power in list_powers(actor.code, now=now)}
    people = [m for m in list_members(enterprise=actor.code, now=now) if m.role is Role.DELEGATE]
    return [{"person": m.person_id, "name": m.person_name, "power": powers.get(m.person_id)} for m in people]


@OWNER
@require_POST
def power(request: HttpRequest, person: int, *, actor: Acting) -> HttpResponse:
    """Give an agent signing power for the ticked purposes, or take it back."""
    now, signatory = timezone.now(), actor.actor.person_id
    if request.POST.get("answer") == "end":
        end_power(actor.code, person=person, signatory=signatory, now=now)
        messages.success(request, _("已收回签署权"), extra_tags="good")
    else:
        until = now + timedelta(days=whole_number(posted(request, "days", most=5)))
        purposes = request.POST.getlist("purposes")
        grant_power(actor.code, person=person, purposes=purposes, until=until, signatory=signatory, now=now)
        messages.success(request, _("已授予签署权"), extra_tags="good")
    return redirect("enterprise-authorisations")


@SIGNER
@require_POST
def invite_again(request: HttpRequest, request_id: str, *, actor: Acting) -> HttpResponse:
    """Let who asked ask once more before 30 days have passed."""
    asked = _request_of(actor, request_id)
    signatory, now = actor.actor.person_id, timezone.now()
    invite(actor.code, organisation=asked.scope.organisation, signatory=signatory, now=now)
    messages.success(request, _("已邀请；对方 30 天内可以再请求一次"), extra_tags="good")
    return redirect("enterprise-authorisations")


@SIGNER
@require_POST
def withdraw(request: HttpRequest, authorisation_id: str, *, actor: Acting) -> HttpResponse:
    """End an authorisation; the next read is refused."""
    found = _authorisation_of(actor, authorisation_id)
    withdraw_authorisation(found.id, signatory=actor.actor.person_id, now=timezone.now())
    messages.success(request, _("已撤回；从现在起对方不能再查，已取走的列在下面"), extra_tags="good")
    return redirect("enterprise-authorisation", found.id)
