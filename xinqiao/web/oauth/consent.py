"""The enterprise's consent by redirect: from a platform, over the portal's own decision page, and back."""

from __future__ import annotations

from functools import wraps
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_GET

from xinqiao.consent.queries import get_request
from xinqiao.consent.types import OPEN_REQUESTS, RequestState
from xinqiao.kernel.errors import XinqiaoError
from xinqiao.oauth.pushing import answer_granted, answer_refused, note_asked, open_pushed
from xinqiao.oauth.queries import find_asked, find_pushed
from xinqiao.oauth.types import InvalidRequest, LinkSpent, PushedFacts, PushedState, WrongEnterprise
from xinqiao.parties.types import Right, Role
from xinqiao.web.access import Acting, Portal, public, requires
from xinqiao.web.middleware import POLICY
from xinqiao.web.oauth.calls import issuer_of, once_each
from xinqiao.web.oauth.details import consent_request
from xinqiao.web.portals.enterprise import views as enterprise

PUSHED_KEY = "oauth_pushed"


@public
@require_GET
def authorise(request: HttpRequest) -> HttpResponse:
    """Where a platform sends the browser: with the address of a pushed request and nothing else.

    The address works once. Which request it was is kept in this browser's session, so that nobody who sees the
    address can decide on it, and nobody can be sent into the middle of somebody else's decision.
    """
    given = once_each(request.GET)
    if not given.get("request_uri") or not given.get("client_id"):
        raise InvalidRequest(why="push the request first and send client_id and request_uri")
    pushed = open_pushed(given["request_uri"], client_id=given["client_id"], now=timezone.now())
    request.session[PUSHED_KEY] = pushed.reference
    return redirect("enterprise-oauth")


@requires(Portal.ENTERPRISE, Role.OWNER, Role.DELEGATE, right=Right.AUTHORISE)
@require_GET
def ask(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Make the consent request and show the portal's decision page; what cannot be asked goes back refused."""
    now = timezone.now()
    pushed = find_pushed(request.session.get(PUSHED_KEY, ""))
    if pushed is None or pushed.state not in (PushedState.OPENED, PushedState.ASKED):
        raise LinkSpent()
    if pushed.details["enterprise"] != actor.code:
        raise WrongEnterprise(enterprise=pushed.details["enterprise"])
    if pushed.state is PushedState.OPENED:
        try:
            asked = consent_request(pushed, now=now)
        except XinqiaoError as error:
            return _leave(answer_refused(pushed.reference, why=error.code, issuer=issuer_of(request), now=now))
        pushed = note_asked(pushed.reference, request=asked.id, now=now)
    return _answered(request, pushed) or redirect("enterprise-decide", pushed.request)


@wraps(enterprise.decide)
def decide(request: HttpRequest, request_id: str) -> HttpResponse:
    """The portal's decision page; once answered, the browser it was opened in goes back to the platform."""
    answer = enterprise.decide(request, request_id=request_id)
    reference = request.session.get(PUSHED_KEY, "")
    pushed = find_asked(request_id) if reference else None
    if pushed is None or pushed.reference != reference:
        return answer
    if request.method == "POST" and answer.status_code == 302:
        return _answered(request, pushed) or answer
    # Browsers hold a form's redirects to the policy of the page the form stood on.
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(pushed.redirect_uri))
    answer["Content-Security-Policy"] = POLICY.replace("form-action 'self'", f"form-action 'self' {origin}")
    return answer


def _answered(request: HttpRequest, pushed: PushedFacts) -> HttpResponse | None:
    """The way back when the enterprise has answered, with a code or a refusal; None while it has not."""
    asked, now, issuer = get_request(pushed.request), timezone.now(), issuer_of(request)
    if asked.state in OPEN_REQUESTS and asked.answer_by > now:
        return None
    request.session.pop(PUSHED_KEY, None)
    if asked.state is RequestState.GRANTED:
        address = answer_granted(pushed.reference, authorisation=asked.authorisation, issuer=issuer, now=now)
    else:
        address = answer_refused(pushed.reference, why=f"request {asked.state}", issuer=issuer, now=now)
    return _leave(address)


def _leave(address: str) -> HttpResponse:
    """To the platform: an address of its own registration, with nothing of ours in the referrer."""
    answer = HttpResponse(status=303)
    answer["Location"] = address
    answer["Referrer-Policy"] = "no-referrer"
    answer["Cache-Control"] = "no-store"
    return answer
