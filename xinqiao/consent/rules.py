"""What an authorisation allows, what may be asked, and the exact text to be agreed to. Pure; never reads the clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any

from xinqiao.consent.types import (
    AlreadyRequested,
    Authorisation,
    AuthorisationState,
    AuthorisationStatus,
    BeyondCeiling,
    Ceiling,
    Form,
    InvalidPower,
    Power,
    PowerMissing,
    PowerSource,
    RequestState,
    Scope,
    ShownText,
    Template,
)
from xinqiao.kernel.canonical import sha256_hex
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.kernel.transitions import Transitions

REQUEST_INTERVAL = timedelta(days=30)
LONGEST_REASON = 200
LONGEST_PRODUCT = 60

_ANSWERS = {
    "grant": RequestState.GRANTED,
    "decline": RequestState.DECLINED,
    "expire": RequestState.EXPIRED,
    "cancel": RequestState.CANCELLED,
}
REQUEST_TRANSITIONS = Transitions(
    {
        RequestState.REQUESTED: {"show": RequestState.SHOWN, **_ANSWERS},
        RequestState.SHOWN: _ANSWERS,
        RequestState.GRANTED: {},
        RequestState.DECLINED: {},
        RequestState.EXPIRED: {},
        RequestState.CANCELLED: {},
    },
    names={
        "show": "打开",
        "grant": "同意",
        "decline": "拒绝",
        "expire": "过期",
        "cancel": "取消",
        **{state: state.label for state in RequestState},
    },
)
AUTHORISATION_TRANSITIONS = Transitions(
    {
        AuthorisationStatus.ACTIVE: {
            "withdraw": AuthorisationStatus.WITHDRAWN,
            "expire": AuthorisationStatus.EXPIRED,
            "use_up": AuthorisationStatus.USED_UP,
            "supersede": AuthorisationStatus.SUPERSEDED,
            "remove": AuthorisationStatus.VOID,
        },
        AuthorisationStatus.WITHDRAWN: {},
        AuthorisationStatus.EXPIRED: {},
        # Used up, it still stands as a promise about retention, so it can be withdrawn or die with its recipient.
        AuthorisationStatus.USED_UP: {"withdraw": AuthorisationStatus.WITHDRAWN, "remove": AuthorisationStatus.VOID},
        AuthorisationStatus.SUPERSEDED: {},
        AuthorisationStatus.VOID: {},
    },
    names={
        "withdraw": "撤回",
        "expire": "到期",
        "use_up": "用完",
        "supersede": "取代",
        "remove": "随对方退出终止",
        **{status: status.label for status in AuthorisationStatus},
    },
)

# Ended by an act, whatever the day and the count.
_ENDED: Mapping[AuthorisationStatus, AuthorisationState] = {
    AuthorisationStatus.WITHDRAWN: AuthorisationState.WITHDRAWN,
    AuthorisationStatus.SUPERSEDED: AuthorisationState.SUPERSEDED,
    AuthorisationStatus.VOID: AuthorisationState.VOID,
}

# Whoever may have the greater form may have the lesser one made from it; never the other way.
FORM_COVERS: Mapping[Form, frozenset[Form]] = {
    form: frozenset(list(Form)[: position + 1]) for position, form in enumerate(Form)
}


def authorisation_state(
    authorisation: Authorisation | None,
    *,
    recipient: str,
    subject: str,
    purpose: str,
    items: Iterable[str],
    form: Form,
    now: datetime,
) -> AuthorisationState:
    """What the authorisation means for this read at ``now``. Checked at every read, never remembered.

    A mismatch is answered before anything else, so that a stranger learns nothing of how it stands.
    """
    if authorisation is None:
        return AuthorisationState.NONE
    named = (authorisation.recipient, authorisation.subject, authorisation.purpose)
    if named != (recipient, subject, purpose) or not set(items) <= set(authorisation.items):
        return AuthorisationState.OUTSIDE
    if form not in FORM_COVERS[authorisation.form]:
        return AuthorisationState.OUTSIDE
    return standing(authorisation, now=now)


def standing(authorisation: Authorisation, *, now: datetime) -> AuthorisationState:
    """How the authorisation stands at ``now`` for what it covers; time counts even before a job has marked it."""
    if authorisation.status in _ENDED:
        return _ENDED[authorisation.status]
    if now >= authorisation.valid_to or authorisation.status is AuthorisationStatus.EXPIRED:
        return AuthorisationState.EXPIRED
    if authorisation.times_used >= authorisation.times_max:
        return AuthorisationState.USED_UP
    if now < authorisation.valid_from:
        return AuthorisationState.NOT_YET
    return AuthorisationState.ACTIVE


def strictest(*ceilings: Ceiling | None) -> Ceiling:
    """The smallest of each limit over all that apply."""
    applying = [ceiling for ceiling in ceilings if ceiling is not None]
    return Ceiling(*(min(getattr(c, field.name) for c in applying) for field in fields(Ceiling)))


def ceiling_of(template: Template, *, purpose: str, form: Form) -> Ceiling:
    """The limits for a purpose and form: template, purpose and form together, the strictest of each."""
    return strictest(template.ceiling, template.purposes[purpose].ceiling, template.forms[form].ceiling)


def check_purpose(template: Template, purpose: str) -> None:
    """Raises BeyondCeiling for a purpose the template does not have."""
    if purpose not in template.purposes:
        raise BeyondCeiling([_unknown_purpose(template)])


def check_scope(
    template: Template,
    *,
    purpose: str,
    items: Iterable[str],
    known: Iterable[str],
    form: Form,
    reason: str,
    product: str = "",
) -> None:
    """Raises BeyondCeiling with every fault of what is asked, limits of days and times apart."""
    wanted = list(items)
    problems = []
    if purpose not in template.purposes:
        problems.append(_unknown_purpose(template))
    if not wanted:
        problems.append(_problem("items", "至少选择一个数据项"))
    problems += [_problem("items", "共享清单中没有 {code}", code=code) for code in wanted if code not in set(known)]
    if len(reason.splitlines()) != 1 or not reason.strip() or len(reason) > LONGEST_REASON:
        problems.append(_problem("reason", "请用一行写明事由，不超过 {most} 字", most=LONGEST_REASON))
    if len(product.splitlines()) > 1 or len(product) > LONGEST_PRODUCT:
        problems.append(_problem("product", "业务编号写成一行，不超过 {most} 字", most=LONGEST_PRODUCT))
    if problems:
        raise BeyondCeiling(problems)


def check_limits(ceiling: Ceiling, *, days: int, times: int) -> None:
    """Raises BeyondCeiling when more days or reads are asked than the limits allow, or fewer than one."""
    limits = (("days", days, ceiling.days), ("times", times, ceiling.times))
    problems = [
        _problem(name, "应为 1 至 {most}，现为 {asked}", most=most, asked=asked)
        for name, asked, most in limits
        if not 1 <= asked <= most
    ]
    if problems:
        raise BeyondCeiling(problems)


def under_ceiling(template: Template, scope: Scope) -> Scope:
    """The scope within the limits as they stand now: a template made stricter binds requests already made."""
    if scope.purpose not in template.purposes:
        raise BeyondCeiling([_problem("purpose", "授权模板已取消用途 {purpose}", purpose=scope.purpose)])
    limit = ceiling_of(template, purpose=scope.purpose, form=scope.form)
    asked = Ceiling(scope.days, scope.times, scope.data_months, scope.retention_days)
    held = strictest(limit, asked)
    return replace(scope, **{field.name: getattr(held, field.name) for field in fields(Ceiling)})


def check_interval(earlier: str, *, requested_at: datetime, now: datetime) -> None:
    """Raises AlreadyRequested while 30 days have not passed since the ``earlier`` request, whatever its answer."""
    again = requested_at + REQUEST_INTERVAL
    if now < again:
        raise AlreadyRequested(request=earlier, again_on=again.date().isoformat())


def check_power(power: Power, *, purpose: str, name: str, now: datetime) -> None:
    """Raises PowerMissing unless the signatory may sign for that purpose now; ``name`` is the purpose's."""
    ended = power.until is not None and now >= power.until
    if ended or (power.source is PowerSource.AGENT and purpose not in power.purposes):
        raise PowerMissing(purpose=name)


def check_power_grant(
    template: Template, *, purposes: Iterable[str], delegate: bool, now: datetime, until: datetime
) -> None:
    """Raises InvalidPower with every fault of a signing power about to be granted."""
    wanted = list(purposes)
    problems = [] if delegate else [_problem("person", "不是本企业的经办人")]
    if not wanted:
        problems.append(_problem("purposes", "至少选择一个用途"))
    problems += [_problem("purposes", "没有用途 {code}", code=code) for code in wanted if code not in template.purposes]
    if not now < until <= now + timedelta(days=template.agent_days):
        problems.append(_problem("until", "应在今天之后、{most} 日之内", most=template.agent_days))
    if problems:
        raise InvalidPower(problems)


def narrow(scope: Scope, *, items: Iterable[str] | None = None, days: int | None = None) -> Scope:
    """The scope an enterprise agrees to: the one asked for, or less; raises BeyondCeiling for more."""
    kept = scope.items if items is None else tuple(code for code in scope.items if code in set(items))
    added = [] if items is None else sorted(set(items) - set(scope.items))
    problems = [_problem("items", "请求中没有 {code}", code=code) for code in added]
    if not kept:
        problems.append(_problem("items", "至少保留一个数据项"))
    if days is not None and not 1 <= days <= scope.days:
        problems.append(_problem("days", "应为 1 至 {most}，现为 {asked}", most=scope.days, asked=days))
    if problems:
        raise BeyondCeiling(problems)
    return replace(scope, items=kept, days=scope.days if days is None else days)


def render_text(template: Template, scope: Scope, item_names: Iterable[str], *, locale: str) -> str:
    """The authorisation's text as it is shown and agreed to; ``locale`` is zh or en.

    The same facts always give the same text, so its digest shows later what was agreed to.
    """
    english = locale == "en"
    purpose, form = template.purposes[scope.purpose], template.forms[scope.form]
    facts: dict[str, Any] = {field.name: getattr(scope, field.name) for field in fields(Scope)}
    facts |= {
        "template": template.code,
        "version": template.version,
        "purpose": purpose.name_en if english else purpose.name,
        "form": form.name_en if english else form.name,
        "product": scope.product or "—",
        "platform": scope.platform or "—",
        "items": "\n".join(f"{number}. {name}" for number, name in enumerate(item_names, 1)),
    }
    return template.text[locale].format_map(facts)


def shown_text(template: Template, scope: Scope, item_names: Iterable[str], *, locale: str) -> ShownText:
    """The text with its digest; raises BeyondCeiling for a language the template has no text in."""
    if locale not in template.text:
        raise BeyondCeiling([_problem("locale", "可选语言：{locales}", locales=tuple(template.text))])
    text = render_text(template, scope, item_names, locale=locale)
    return ShownText(text, locale, sha256_hex(text.encode("utf-8")))


def _unknown_purpose(template: Template) -> Problem:
    return _problem("purpose", "没有这一用途；可选：{purposes}", purposes=tuple(template.purposes))


def _problem(field: str, pattern: str, **data: Any) -> Problem:
    return Problem(field=field, code=f"consent.{field}", message=Phrase(pattern, **data))
