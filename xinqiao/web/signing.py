"""Signing in and one's own account: password, then a one-time code; or the provincial portal's word for it."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import segno
from django.contrib import messages
from django.contrib.auth import get_user_model, login, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xinqiao.accounts.actions import (
    change_password,
    finish_sign_in,
    link_identity,
    note_sign_in,
    note_sign_out,
    person_of_identity,
    start_sign_in,
    unlink_identities,
)
from xinqiao.accounts.factor import address_of, enrol, new_secret
from xinqiao.accounts.provincial import back_from_provider, to_provider
from xinqiao.accounts.queries import get_account_facts, has_factor
from xinqiao.accounts.rules import is_staff
from xinqiao.accounts.types import CODE_WITHIN, InvalidPassword, SignInExpired, WrongCode
from xinqiao.parties.queries import list_memberships
from xinqiao.plumbing.settings import oidc_issuer
from xinqiao.web.access import SESSION_KEY, posted, public, signed_in
from xinqiao.web.context import home_of

BACKEND = "django.contrib.auth.backends.ModelBackend"
PENDING, SETTING_UP = "pending", "factor_secret"


def next_page(request: HttpRequest) -> str:
    """Where to go afterwards: only ever a page of this site."""
    target = request.POST.get("next") or request.GET.get("next") or "/"
    return target if url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}) else "/"


@public
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """User name and password; the answer never says which of the two was wrong."""
    username = posted(request, "username").strip()
    if request.method == "POST":
        account = start_sign_in(username, request.POST.get("password", ""), now=timezone.now())
        if account is not None:
            return _second_step(request, account.person_id, how="password", factors=1)
    failed = request.method == "POST"
    context = {"username": username, "failed": failed, "next": next_page(request), "provincial": bool(oidc_issuer())}
    return render(request, "public/sign_in.html", context, status=401 if failed else 200)


def _second_step(request: HttpRequest, person: int, *, how: str, factors: int) -> HttpResponse:
    """Ask for the one-time code where there is a second factor and it was not shown elsewhere."""
    if factors > 1 or not has_factor(person):
        return _enter(request, person, how=how, factors=factors, after=next_page(request))
    request.session.cycle_key()
    until = timezone.now() + CODE_WITHIN
    request.session[PENDING] = {"person": person, "until": until.timestamp(), "how": how, "next": next_page(request)}
    return redirect("sign-in-code")


@public
@require_http_methods(["GET", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """The one-time code, or a recovery code."""
    pending, now = request.session.get(PENDING), timezone.now()
    if not pending:
        return redirect("sign-in")
    if now.timestamp() > pending["until"]:
        del request.session[PENDING]
        raise SignInExpired()
    if request.method == "POST":
        try:
            finish_sign_in(pending["person"], posted(request, "code", most=20), now=now)
        except WrongCode as error:
            return render(request, "public/sign_in_code.html", {"error": error}, status=error.status)
        del request.session[PENDING]
        return _enter(request, pending["person"], how=pending["how"], factors=2, after=pending["next"])
    return render(request, "public/sign_in_code.html")


def _enter(request: HttpRequest, person: int, *, how: str, factors: int, after: str) -> HttpResponse:
    now = timezone.now()
    login(request, get_user_model().objects.get(pk=person), backend=BACKEND)
    request.session["seen"] = now.timestamp()
    request.session["staff"] = is_staff(list_memberships(person, now=now))
    request.session["bound"] = hashlib.sha256(str(request.session.session_key).encode()).hexdigest()
    note_sign_in(person, factors=factors, session=request.session["bound"], how=how, now=now)
    return redirect(after)


@public
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    if request.user.is_authenticated:
        note_sign_out(request.user.pk, why="asked", now=timezone.now())
    logout(request)
    return redirect("home")


@public
@require_GET
def provincial(request: HttpRequest) -> HttpResponse:
    """Go to the provincial portal to prove who one is."""
    return to_provider(request)


@public
@require_GET
def provincial_back(request: HttpRequest) -> HttpResponse:
    """Back from the provincial portal: sign in whoever it was, or link it to the account that is signed in."""
    proved = back_from_provider(request)
    now = timezone.now()
    if request.user.is_authenticated:
        link_identity(request.user.pk, issuer=proved.issuer, subject=proved.subject, now=now)
        messages.success(request, _("已关联；以后可以用省统一身份登录"), extra_tags="good")
        return redirect("account")
    person = person_of_identity(proved.issuer, proved.subject)
    return _second_step(request, person, how=proved.issuer, factors=proved.factors)


@public
@require_http_methods(["GET", "POST"])
def choose(request: HttpRequest) -> HttpResponse:
    """For whom to act, when a person may act for several parties."""
    if not request.user.is_authenticated:
        return redirect("sign-in")
    memberships = list_memberships(request.user.pk, now=timezone.now())
    if request.method == "POST":
        chosen = request.POST.get("membership", "")
        found = next((m for m in memberships if str(m.id) == chosen), None)
        if found:
            request.session[SESSION_KEY] = found.id
            return redirect(home_of(found))
        messages.error(request, _("请选择一个身份"), extra_tags="risk")
    return render(request, "public/choose.html", {"memberships": memberships})


@signed_in
@require_GET
def account(request: HttpRequest) -> HttpResponse:
    """One's own account: how one signs in, for whom one may act."""
    now = timezone.now()
    context = {
        "account": get_account_facts(request.user.pk, now=now),
        "memberships": list_memberships(request.user.pk, now=now),
        "provincial": bool(oidc_issuer()),
    }
    return render(request, "public/account.html", context)


@signed_in
@require_http_methods(["GET", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Change one's own password; every other session of it ends."""
    problems: Any = ()
    if request.method == "POST":
        old, new = request.POST.get("old", ""), request.POST.get("new", "")
        try:
            change_password(
                request.user.pk, username=posted(request, "username").strip(), old=old, new=new, now=timezone.now()
            )
        except InvalidPassword as error:
            problems = error.problems
        else:
            logout(request)
            messages.success(request, _("密码已修改，请用新密码登录"), extra_tags="good")
            return redirect("sign-in")
    due = get_account_facts(request.user.pk, now=timezone.now()).must_change
    context = {"problems": problems, "due": due}
    return render(request, "public/password.html", context, status=422 if problems else 200)


@signed_in
@require_http_methods(["GET", "POST"])
def factor(request: HttpRequest) -> HttpResponse:
    """Set up the second factor: scan, type a code of it, keep the recovery codes."""
    person, now, error = request.user.pk, timezone.now(), None
    secret = request.session.get(SETTING_UP) or new_secret()
    request.session[SETTING_UP] = secret
    had = has_factor(person)
    if request.method == "POST":
        try:
            if had:
                finish_sign_in(person, posted(request, "current", most=20), now=now)
            codes = enrol(person, secret=secret, code=posted(request, "code", most=20), now=now)
        except WrongCode as wrong:
            error = wrong
        else:
            del request.session[SETTING_UP]
            return render(request, "public/recovery_codes.html", {"codes": codes})
    context = {"secret": secret, "picture": _picture(address_of(secret, str(person))), "had": had, "error": error}
    return render(request, "public/factor.html", context, status=error.status if error else 200)


@signed_in
@require_POST
def unlink(request: HttpRequest) -> HttpResponse:
    """Forget the identities of the provincial portal."""
    unlink_identities(request.user.pk, actor=f"person:{request.user.pk}", now=timezone.now())
    messages.success(request, _("已解除关联"), extra_tags="good")
    return redirect("account")


def _picture(address: str) -> str:
    """The address as an image that a telephone reads."""
    held = io.BytesIO()
    segno.make(address, error="m").save(held, kind="svg", scale=4, xmldecl=False, svgns=True, title=_("验证器二维码"))
    return mark_safe(held.getvalue().decode())  # made here, of nothing that anybody typed
