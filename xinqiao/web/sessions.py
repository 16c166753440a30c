"""The rules of a session: it ends when nobody uses it, staff have one at a time, and nobody works without what they
owe: a second factor, a password of their own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from xinqiao.accounts.actions import note_sign_out
from xinqiao.accounts.queries import get_standing
from xinqiao.accounts.rules import has_idled, is_staff, owes_factor
from xinqiao.parties.queries import list_memberships
from xinqiao.plumbing.settings import second_factor

SEEN_EVERY = timedelta(minutes=1)  # how exactly the last use is kept: each note of it is a write


class SessionRules:
    """Middleware for pages that belong to somebody; programs and public pages are not touched."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """End the session, or lead to what is owed first; None = go on."""
        rule = getattr(view, "access_rule", None)
        if rule is None or (rule.portal is None and not rule.signed_in) or not request.user.is_authenticated:
            return None
        now, session, person = timezone.now(), request.session, request.user.pk
        if "staff" not in session:
            session["staff"] = is_staff(list_memberships(person, now=now))
        seen = datetime.fromtimestamp(session.get("seen", now.timestamp()), UTC)
        if has_idled(seen, staff=session["staff"], now=now):
            return _end(request, person, "idle", _("太久没有操作，请重新登录"))
        standing = get_standing(person, now=now)
        if session["staff"] and standing.session and session.get("bound", standing.session) != standing.session:
            return _end(request, person, "elsewhere", _("您的账号已在别处登录，本次登录已结束"))
        if "seen" not in session or now - seen > SEEN_EVERY:
            session["seen"] = now.timestamp()
        if rule.portal is None:
            return None
        if standing.must_change:
            return redirect("account-password")
        if not standing.has_factor and owes_factor(policy=second_factor(), staff=session["staff"]):
            return redirect("account-factor")
        return None


def _end(request: HttpRequest, person: int, why: str, said: str) -> HttpResponse:
    note_sign_out(person, why=why, now=timezone.now())
    logout(request)
    messages.info(request, said)
    return redirect_to_login(request.get_full_path())
