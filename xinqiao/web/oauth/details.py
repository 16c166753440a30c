"""``credit_query`` (RFC 9396) in the words of consent: checked as a whole before anybody is asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from xinqiao.consent.actions import request_authorisation
from xinqiao.consent.queries import get_template, list_requests
from xinqiao.consent.rules import ceiling_of, check_limits, check_scope
from xinqiao.consent.types import BeyondCeiling, Form, NotAdmitted, RequestFacts
from xinqiao.kernel.errors import Invalid, Phrase, Problem
from xinqiao.kernel.identifiers import parse_uscc
from xinqiao.oauth.types import InvalidDetails, PushedFacts
from xinqiao.parties.queries import find_enterprise
from xinqiao.parties.types import OrganisationFacts
from xinqiao.sharing.queries import current_list


def check_query(asked: Mapping[str, Any], organisation: OrganisationFacts) -> dict[str, Any]:
    """The query with its limits filled in; raises NotAdmitted, or InvalidDetails with every fault at once."""
    if not organisation.admitted:
        raise NotAdmitted(organisation=organisation.name)
    problems: list[Problem] = []
    enterprise = _enterprise(asked["enterprise"], problems)
    form = Form(asked["form"]) if asked["form"] in set(Form) else None
    if form is None:
        message = Phrase("可选：{forms}", forms=tuple(Form))
        problems.append(Problem(field="form", code="consent.form", message=message))
    limits = _limits(asked, form, problems)
    if problems or form is None:
        raise InvalidDetails(problems)
    return {**asked, "enterprise": enterprise, "items": list(dict.fromkeys(asked["items"])), **limits}


def _enterprise(text: str, problems: list[Problem]) -> str:
    try:
        code = parse_uscc(text).code
    except Invalid as error:
        problems += error.problems
        return text
    if find_enterprise(code) is None:
        message = Phrase("没有登记 {party}", party=code)
        problems.append(Problem(field="enterprise", code="parties.not_found", message=message))
    return code


def _limits(asked: Mapping[str, Any], form: Form | None, problems: list[Problem]) -> dict[str, int]:
    """Days and times, at most what template, purpose and form allow."""
    template, known = get_template(), [item.code for item in current_list()]
    try:
        check_scope(
            template,
            purpose=asked["purpose"],
            items=asked["items"],
            known=known,
            form=form or Form.VERIFY,
            reason=asked["reason"],
        )
    except BeyondCeiling as error:
        problems += error.problems
    if form is None or asked["purpose"] not in template.purposes:
        return {}
    most = ceiling_of(template, purpose=asked["purpose"], form=form)
    period, times = asked.get("period", most.days), asked.get("times", most.times)
    try:
        check_limits(most, days=period, times=times)
    except BeyondCeiling as error:
        problems += error.problems
    return {"period": period, "times": times}


def consent_request(pushed: PushedFacts, *, now: datetime) -> RequestFacts:
    """The consent request for a pushed one: made now, or the open one that asks the very same.

    Raises what :func:`request_authorisation` raises.
    """
    details, organisation = pushed.details, pushed.client.organisation.code
    waiting = list_requests(enterprise=details["enterprise"], organisation=organisation, open_at=now)
    same = next((r for r in waiting if _asks_the_same(r, details)), None)
    if same is not None:
        return same
    return request_authorisation(
        organisation,
        enterprise=details["enterprise"],
        purpose=details["purpose"],
        items=details["items"],
        form=Form(details["form"]),
        reason=details["reason"],
        days=details["period"],
        times=details["times"],
        actor=f"client:{pushed.client.client_id}",
        now=now,
    )


def _asks_the_same(request: RequestFacts, details: Mapping[str, Any]) -> bool:
    scope = request.scope
    mine = (scope.purpose, set(scope.items), str(scope.form), scope.days, scope.times)
    return mine == (
        details["purpose"],
        set(details["items"]),
        details["form"],
        details["period"],
        details["times"],
    )
