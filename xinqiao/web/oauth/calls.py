"""What the authorisation server and the API read from a request, and how they refuse in OAuth's own form."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from xinqiao.kernel.errors import Invalid, XinqiaoError
from xinqiao.oauth.jose import ALGORITHMS
from xinqiao.oauth.proving import check_call, fresh_nonce
from xinqiao.oauth.types import (
    BeyondDetails,
    ClientFrozen,
    InsufficientScope,
    InvalidClient,
    InvalidRequest,
    NonceNeeded,
    OAuthRefused,
    TokenFacts,
    Wire,
)
from xinqiao.plumbing import settings as node
from xinqiao.web.access import public
from xinqiao.web.middleware import error_context
from xinqiao.web.words import translate

LONGEST_FORM = 64 * 1024
FORM = "application/x-www-form-urlencoded"
Endpoint = Callable[[HttpRequest, dict[str, str]], HttpResponse]


def issuer_of(request: HttpRequest) -> str:
    """The node's name as an authorisation server: as set, else the address the request came to."""
    return node.issuer() or f"{request.scheme}://{request.get_host()}"


def wire_of(request: HttpRequest) -> Wire:
    """The call as proofs speak of it. Header lines of one name arrive joined by commas, which no proof holds."""
    proofs = [p.strip() for p in request.headers.get("DPoP", "").split(",") if p.strip()]
    return Wire(request.method or "", issuer_of(request) + request.get_full_path().partition("?")[0], tuple(proofs))


def token_of(request: HttpRequest) -> TokenFacts:
    """The token of a call to the API; raises what :func:`check_call` raises."""
    return check_call(request.headers.get("Authorization", ""), wire_of(request), now=timezone.now())


def form_of(request: HttpRequest) -> dict[str, str]:
    """The posted form; raises InvalidRequest for another form of body, or a parameter that comes twice."""
    if request.content_type != FORM:
        raise InvalidRequest(why=f"send the parameters as {FORM}")
    if len(request.body) > LONGEST_FORM:
        raise InvalidRequest(why=f"the form is larger than {LONGEST_FORM} bytes")
    return once_each(request.POST)


def once_each(given: QueryDict) -> dict[str, str]:
    """Parameters with their values; raises InvalidRequest for one that comes twice or holds a NUL."""
    for name, values in given.lists():
        if len(values) > 1:
            raise InvalidRequest(why="a parameter is given more than once")
        if "\x00" in name or "\x00" in str(values[0]):
            raise InvalidRequest(why="a parameter holds a NUL character")
    return {name: str(values[0]) for name, values in given.lists()}


def endpoint(view: Endpoint) -> Callable[[HttpRequest], HttpResponse]:
    """A form posted by a program: answered in OAuth's form, refusals too, and kept by no cache."""

    @public
    @csrf_exempt
    @wraps(view)
    def answered(request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            answer: HttpResponse = JsonResponse({"error": "invalid_request"}, status=405)
            answer["Allow"] = "POST"
        else:
            try:
                answer = view(request, form_of(request))
            except XinqiaoError as error:
                answer = refused(error)
        answer["Cache-Control"] = "no-store"
        return answer

    return answered


def refused(error: XinqiaoError) -> HttpResponse:
    """A refusal as RFC 6749 (5.2) writes it, with the node's own title, clause and next step beside it."""
    context = error_context(error)
    body = {
        "error": getattr(error, "error", "access_denied"),
        "error_description": str(error.data.get("why") or error.code),
        "error_uri": f"/docs/errors#{error.code}",
        **{name: context[name] for name in ("title", "clause", "next_step") if context[name]},
    }
    if isinstance(error, Invalid):
        body["problems"] = [{"field": p.field, "message": translate(p.message)} for p in error.problems]
    answer = JsonResponse(body, status=401 if isinstance(error, InvalidClient) else 400)
    return with_nonce(answer, error)


def challenge(answer: HttpResponse, error: OAuthRefused) -> HttpResponse:
    """The header that says what the resource wants (RFC 9449, 7.1)."""
    scope = f', scope="{error.data["scope"]}"' if isinstance(error, InsufficientScope) else ""
    algorithms = " ".join(ALGORITHMS)
    answer["WWW-Authenticate"] = f'DPoP error="{error.error}"{scope}, algs="{algorithms}", realm="xinqiao"'
    return with_nonce(answer, error)


def resource_status(error: OAuthRefused) -> int:
    """At the resource: 403 for a good token that does not reach so far, 401 for anything else."""
    return 403 if isinstance(error, InsufficientScope | BeyondDetails | ClientFrozen) else 401


def with_nonce(answer: HttpResponse, error: XinqiaoError) -> HttpResponse:
    """The answer with the nonce that the next proof must hold, where that was the reason."""
    if isinstance(error, NonceNeeded):
        answer["DPoP-Nonce"] = fresh_nonce(timezone.now())
    return answer
