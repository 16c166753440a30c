"""Who may open a page. Every route names its rule; a test fails for one that does not."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from xinqiao.kernel.errors import NotFound, Refused
from xinqiao.parties.queries import acting, list_memberships
from xinqiao.parties.types import Actor, MembershipFacts, OrganisationKind, Right, Role

SESSION_KEY = "membership"
READING = ("GET", "HEAD", "OPTIONS")
View = Callable[..., HttpResponse]


class Portal(StrEnum):
    """The portals, each for one kind of membership."""

    ENTERPRISE = "enterprise"
    INSTITUTION = "institution"
    DEPARTMENT = "department"
    NODE = "node"
    JUDICIAL = "judicial"


KINDS = {
    OrganisationKind.JUDICIAL: Portal.JUDICIAL,
    OrganisationKind.INSTITUTION: Portal.INSTITUTION,
    OrganisationKind.PLATFORM: Portal.INSTITUTION,
    OrganisationKind.DEPARTMENT: Portal.DEPARTMENT,
    OrganisationKind.NODE: Portal.NODE,
}


class NotYours(NotFound):
    """The page belongs to another kind of user; it is not said whether it exists."""

    code = "web.not_yours"
    title = "没有这个页面，或您当前的身份不能查看"
    next_step = "请切换身份后再试"


class NotDelegated(Refused):
    """The enterprise did not give this delegate the right; data: ``right``."""

    code = "web.not_delegated"
    title = "负责人没有把“{right}”的权限交给您"
    clause = "企业知情同意（省级实施方案：授权）"
    next_step = "请由企业负责人在“人员”中增加这项权限，或由负责人本人办理"


class MemberFrozen(Refused):
    """The person is stopped for this organisation by a case of supervision; data: ``case``."""

    code = "web.member_frozen"
    title = "您在本机构的使用权限已被冻结（{case}）"
    clause = "不得非法获取、传播、泄露、出售企业信用信息（省级实施方案：监管）"
    next_step = "请在“冻结与申诉”中查看理由并提出申诉"


@dataclass(frozen=True, slots=True)
class Acting:
    """A signed-in person and the membership under which they act."""

    actor: Actor
    membership: MembershipFacts

    @property
    def label(self) -> str:
        """How evidence names the person."""
        return self.actor.label

    @property
    def name(self) -> str:
        """The person's name."""
        return self.actor.name

    @property
    def portal(self) -> Portal:
        """The portal of the membership."""
        return portal_of(self.membership)

    @property
    def code(self) -> str:
        """The organisation's code, or the enterprise's USCC."""
        organisation, enterprise = self.membership.organisation, self.membership.enterprise
        return organisation.code if organisation else enterprise.uscc if enterprise else ""

    @property
    def party(self) -> str:
        """Name of the organisation or enterprise acted for."""
        found = self.membership.organisation or self.membership.enterprise
        return found.name if found else ""


@dataclass(frozen=True, slots=True)
class AccessRule:
    """The rule of a route: a portal and the roles in it, or signed in as whoever, or public.

    ``readers`` may look and change nothing; ``right`` is what a delegate needs besides.
    """

    portal: Portal | None
    roles: frozenset[Role] = frozenset()
    readers: frozenset[Role] = frozenset()
    right: Right | None = None
    signed_in: bool = False

    def __str__(self) -> str:
        if self.portal is None:
            return "signed in" if self.signed_in else "public"
        text = f"{self.portal}: {', '.join(sorted(self.roles))}"
        text += f"; reads: {', '.join(sorted(self.readers))}" if self.readers else ""
        return f"{text}; delegates with {self.right}" if self.right else text

    def admits(self, membership: MembershipFacts | None, *, reading: bool) -> bool:
        """Whether somebody acting under a membership (None = nobody) may read, or else change something, here."""
        if self.portal is None:
            return membership is not None or not self.signed_in
        if membership is None or portal_of(membership) is not self.portal:
            return False
        allowed = membership.role in self.roles or (reading and membership.role in self.readers)
        return allowed and (self.right is None or membership.may(self.right))


def portal_of(membership: MembershipFacts) -> Portal:
    """Where a membership is used."""
    return KINDS[membership.organisation.kind] if membership.organisation else Portal.ENTERPRISE


def public(view: View) -> View:
    """Anybody may open it."""
    view.access_rule = AccessRule(None)  # type: ignore[attr-defined]
    return view


def signed_in(view: View) -> View:
    """Whoever is signed in, as whoever they act: a page about their own account."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        return view(request, *args, **kwargs)

    guarded.access_rule = AccessRule(None, signed_in=True)  # type: ignore[attr-defined]
    return guarded


def current_actor(request: HttpRequest) -> Acting | None:
    """The membership the signed-in person acts under, or None. Read once a request."""
    if not request.user.is_authenticated:
        return None
    if not hasattr(request, "_actor"):
        request._actor = _chosen(request)  # type: ignore[attr-defined]
    return request._actor  # type: ignore[attr-defined, no-any-return]


def _chosen(request: HttpRequest) -> Acting | None:
    memberships = {m.id: m for m in list_memberships(request.user.pk, now=timezone.now())}
    request._memberships = len(memberships)  # type: ignore[attr-defined]
    chosen = request.session.get(SESSION_KEY)
    if chosen not in memberships:
        if len(memberships) != 1:
            return None
        chosen = next(iter(memberships))
    return Acting(acting(memberships[chosen]), memberships[chosen])


def requires(
    portal: Portal, *roles: Role, readers: Collection[Role] = (), right: Right | None = None, frozen: bool = False
) -> Callable[[View], View]:
    """Only that portal's people in these roles (all roles when none is named); the view gets ``actor``.

    ``readers`` may open it and change nothing. ``right``: a delegate needs it. ``frozen``: open to a frozen member too,
    so that who is stopped can read why and appeal.
    """
    rule = AccessRule(portal, frozenset(roles or Role), frozenset(readers), right)

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            actor = current_actor(request)
            if actor is None:
                return redirect("choose")
            _check(rule, actor.membership, reading=request.method in READING)
            if actor.membership.frozen and not frozen:
                raise MemberFrozen(case=actor.membership.frozen)
            return view(request, *args, actor=actor, **kwargs)

        guarded.access_rule = rule  # type: ignore[attr-defined]
        return guarded

    return decorate


def _check(rule: AccessRule, membership: MembershipFacts, *, reading: bool) -> None:
    if rule.admits(membership, reading=reading):
        return
    if rule.right and replace(rule, right=None).admits(membership, reading=reading):
        raise NotDelegated(right=rule.right.label)
    raise NotYours()


def posted(request: HttpRequest, name: str, *, default: str = "", most: int = 300) -> str:
    """A posted field as text: cut at ``most`` characters, without the NUL that no database keeps."""
    return request.POST.get(name, default).replace("\x00", "")[:most]


def whole_number(text: str, *, digits: int = 12) -> int:
    """A whole number as typed, of at most so many digits; else 0, which no row and no limit has."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= digits else 0
