"""Who works here and what they may do: one page in every portal, its rows written by whoever may.

An enterprise's owner gives delegates rights, one by one and for a time. An organisation keeps opening accounts (system
administrator) apart from giving roles (security administrator).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from xinqiao.accounts.actions import open_account, reset_access
from xinqiao.accounts.queries import has_factor
from xinqiao.accounts.rules import first_password
from xinqiao.kernel.errors import Invalid, NotFound, Phrase, Problem, Refused
from xinqiao.parties.actions import add_member, end_membership
from xinqiao.parties.people import find_account
from xinqiao.parties.queries import list_members
from xinqiao.parties.rules import ROLES
from xinqiao.parties.types import (
    ENTERPRISE_ROLES,
    SEPARATED,
    MembershipFacts,
    NotYourself,
    PartyNotFound,
    Right,
    Role,
)
from xinqiao.web.access import Acting, Portal, posted, requires
from xinqiao.web.middleware import error_context

LONGEST = timedelta(days=366)
GIVERS = frozenset({Role.OWNER, Role.SECURITY})  # of roles and rights
OPENERS = frozenset({Role.OWNER, Role.ADMINISTRATOR})  # of accounts


class InvalidMember(Invalid):
    """What was written about a new member cannot be used."""

    code = "web.invalid_member"
    title = "有 {count} 处需要改正"
    next_step = "请按提示改正后再提交"


def people(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Everybody who may act for this party now; add one."""
    context: dict[str, Any] = {}
    status = 200
    if request.method == "POST":
        try:
            context["password"] = _add(request, actor)
            messages.success(request, _("已办理并留痕"), extra_tags="good")
        except (Invalid, Refused, NotFound) as error:
            context |= {"error": error_context(error), "written": request.POST}
            status = error.status
    context |= _shown(actor)
    return render(request, "web/people.html", context, status=status)


def end(request: HttpRequest, membership: int, *, actor: Acting) -> HttpResponse:
    """End a role here at once."""
    found = _other_member(actor, membership)
    end_membership(found.id, actor=actor.label, now=timezone.now())
    messages.success(request, _("已终止；下一次操作起不再有权限"), extra_tags="good")
    return redirect(f"{actor.portal}-people")


def reset(request: HttpRequest, membership: int, *, actor: Acting) -> HttpResponse:
    """A new first password for somebody who lost theirs; the lost telephone's second factor ends with it."""
    found, password = _other_member(actor, membership), first_password()
    reset_access(found.person_id, password, actor=actor.label, now=timezone.now())
    return render(request, "web/people.html", {"password": password} | _shown(actor))


def _shown(actor: Acting) -> dict[str, Any]:
    rows = [(m, has_factor(m.person_id)) for m in _members(actor)]
    kind = actor.membership.organisation and actor.membership.organisation.kind
    roles = sorted(ROLES[kind]) if kind else sorted(ENTERPRISE_ROLES - {Role.OWNER})
    return {
        "rows": rows,
        "roles": roles,
        "rights": list(Right) if not kind else [],
        "may_give": actor.membership.role in GIVERS,
        "may_open": actor.membership.role in OPENERS,
        "latest": timezone.localdate() + LONGEST,
    }


@transaction.atomic
def _add(request: HttpRequest, actor: Acting) -> str:
    """Open an account, give a role, or for an enterprise both; the first password where an account was opened."""
    username, name = posted(request, "username", most=60).strip(), posted(request, "name", most=60).strip()
    found, now, password = find_account(username), timezone.now(), ""
    opens, gives = actor.membership.role in OPENERS, actor.membership.role in GIVERS
    problems = list(_problems(request, username, name, known=found is not None, opens=opens, gives=gives))
    if problems:
        raise InvalidMember(problems)
    person = found.person_id if found else 0
    if not person:
        password = first_password()
        person = open_account(username, name=name, password=password, actor=actor.label, now=now)
    if gives:
        organisation = actor.membership.organisation
        add_member(
            person,
            role=Role(posted(request, "role")),
            organisation=organisation.code if organisation else None,
            enterprise=None if organisation else actor.code,
            rights=None if organisation else [Right(r) for r in request.POST.getlist("rights")],
            until=_until(request),
            actor=actor.label,
            now=now,
        )
    return password


def _problems(request: HttpRequest, username: str, name: str, *, known: bool, opens: bool, gives: bool) -> Any:
    def fault(field: str, text: str) -> Problem:
        return Problem(field=field, code=f"people.{field}", message=Phrase(text))

    if not username:
        yield fault("username", "用户名是必填的")
    if not known and opens and not name:
        yield fault("name", "新开账号须填姓名")
    if not known and not opens:
        yield fault("username", "没有这个用户名；请系统管理员先开账号")
    if known and not gives:
        yield fault("username", "这个用户名已有账号；角色由安全管理员授予")
    if gives and posted(request, "role") not in set(Role):
        yield fault("role", "请选择角色")
    if posted(request, "role") == Role.DELEGATE and not set(request.POST.getlist("rights")) & set(Right):
        yield fault("rights", "请至少选择一项权限")
    until = _until(request)
    if gives and until is None and (posted(request, "until") or posted(request, "role") == Role.DELEGATE):
        yield fault("until", "请写明有效期至哪一天")
    if until is not None and not timezone.now() < until <= timezone.now() + LONGEST + timedelta(days=1):
        yield fault("until", "有效期须在今天之后、一年之内")


def _until(request: HttpRequest) -> datetime | None:
    """The end of the day that was written, or None."""
    try:
        day = datetime.strptime(posted(request, "until", most=10), "%Y-%m-%d").date()  # noqa: DTZ007
    except ValueError:
        return None
    return timezone.make_aware(datetime.combine(day, time(23, 59, 59)))


def _members(actor: Acting) -> list[MembershipFacts]:
    now, organisation = timezone.now(), actor.membership.organisation
    if organisation:
        return list_members(organisation=organisation.code, now=now)
    return list_members(enterprise=actor.code, now=now)


def _other_member(actor: Acting, membership: int) -> MembershipFacts:
    """A member here who is somebody else; raises PartyNotFound, NotYourself."""
    found = next((m for m in _members(actor) if m.id == membership), None)
    if found is None:
        raise PartyNotFound(party=f"membership:{membership}")
    if found.person_id == actor.actor.person_id:
        raise NotYourself()
    return found


def routes(portal: Portal) -> list[URLPattern]:
    """The pages in one portal. An enterprise's are its owner's alone."""
    here = ENTERPRISE_ROLES if portal is Portal.ENTERPRISE else SEPARATED
    givers, openers = GIVERS & here, OPENERS & here
    readers = () if portal is Portal.ENTERPRISE else (Role.AUDITOR,)
    pages: list[tuple[str, str, Callable[..., HttpResponse]]] = [
        (
            "people/",
            "people",
            requires(portal, *(givers | openers), readers=readers)(require_http_methods(["GET", "POST"])(people)),
        ),
        ("people/<int:membership>/end/", "people-end", requires(portal, *givers)(require_POST(end))),
        ("people/<int:membership>/reset/", "people-reset", requires(portal, *openers)(require_POST(reset))),
    ]
    return [path(f"{portal}/{where}", view, name=f"{portal}-{name}") for where, name, view in pages]
