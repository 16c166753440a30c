"""What every endpoint needs: who calls, with which token, and an answer kept under the caller's key."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Header
from ninja.responses import NinjaJSONEncoder

from xinqiao.admission.refusals import NotDirect, NotOpen
from xinqiao.kernel.canonical import sha256_hex
from xinqiao.kernel.errors import Refused
from xinqiao.oauth.rules import check_scope
from xinqiao.oauth.types import TokenFacts
from xinqiao.parties.types import OrganisationFacts, OrganisationKind
from xinqiao.plumbing.idempotency import once
from xinqiao.web.api.v1 import schemas

PROBLEMS = dict.fromkeys((400, 401, 403, 404, 409, 422, 503), schemas.ProblemDocument)
RECIPIENTS = (OrganisationKind.INSTITUTION, OrganisationKind.PLATFORM)
Key = Annotated[str, Header(alias="Idempotency-Key", min_length=1, max_length=120)]


class WrongKind(Refused):
    """The client belongs to an organisation that has no business with this endpoint."""

    code = "api.wrong_kind"
    title = "这个接口不面向{kind}"
    clause = "部门提供数据，接入机构和平台经授权使用（省级实施方案）"
    next_step = "请使用对应机构的客户端"


def caller_of(request: HttpRequest, *kinds: OrganisationKind, scope: str) -> OrganisationFacts:
    """Who calls; raises WrongKind, InsufficientScope, NotDirect (a hosted platform, for which its host calls)."""
    caller: OrganisationFacts = request.auth  # type: ignore[attr-defined]
    if caller.kind not in kinds:
        raise WrongKind(kind=caller.name)
    if caller.via:
        raise NotDirect(host=caller.via)
    check_scope(used_token(request), scope)
    return caller


def admitted(caller: OrganisationFacts) -> OrganisationFacts:
    """The caller, if it is admitted; raises NotOpen. Reads need no such call: the gate itself asks."""
    if not caller.admitted:
        raise NotOpen(organisation=caller.name)
    return caller


def used_token(request: HttpRequest) -> TokenFacts:
    """The token of this call."""
    return request.token  # type: ignore[attr-defined, no-any-return]


def program(request: HttpRequest) -> str:
    """How evidence and ledger name the program that calls."""
    return f"api:{used_token(request).client_id}"


def answered_once(
    request: HttpRequest,
    key: str,
    body: bytes,
    act: Callable[[], tuple[int, Any]],
    *,
    together: bool = False,
    again: Callable[[Any], None] | None = None,
) -> HttpResponse:
    """Carry out and keep the answer under the caller's key. ``again``, given a kept answer, may refuse to repeat it."""

    def written() -> tuple[int, str]:
        status, answer = act()
        return status, json.dumps(answer, ensure_ascii=False, cls=NinjaJSONEncoder)

    caller: OrganisationFacts = request.auth  # type: ignore[attr-defined]
    fingerprint = sha256_hex(f"{request.method} {request.path}\n".encode() + body)
    status, text, repeated = once(
        written, caller=caller.code, key=key, fingerprint=fingerprint, now=timezone.now(), together=together
    )
    if repeated and again is not None:
        again(json.loads(text))
    answer = HttpResponse(text, status=status, content_type="application/json")
    if repeated:
        answer["Idempotent-Replay"] = "true"
    return answer
