"""Risk signals on three sides: the institution acts, the enterprise reads who was told, the node sees rules work."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from xinqiao.kernel.errors import Invalid, NotFound, Refused
from xinqiao.kernel.identifiers import parse_uscc
from xinqiao.kernel.money import parse_yuan
from xinqiao.marks.queries import disputed_items
from xinqiao.monitoring.actions import end_embargo, end_watch, propose_embargo, reply, settle_embargo, watch_borrower
from xinqiao.monitoring.content import reply_reasons, signals
from xinqiao.monitoring.queries import (
    count_signals,
    count_watched,
    get_about,
    get_told,
    list_about,
    list_embargoes,
    list_told,
    list_watches,
    low_rules,
    precisions,
)
from xinqiao.monitoring.types import Push, Signal
from xinqiao.parties.types import Right, Role
from xinqiao.web.access import Acting, Portal, posted, requires, whole_number
from xinqiao.web.middleware import error_context
from xinqiao.web.portals.institution.views import recipient_of

OFFICER = requires(Portal.INSTITUTION, Role.OFFICER, Role.OPERATOR, readers=(Role.AUDITOR,))
MEMBER = requires(Portal.ENTERPRISE, Role.OWNER, Role.DELEGATE, right=Right.ACCESSES)
NODE = requires(Portal.NODE, Role.OPERATOR, Role.SECURITY, readers=(Role.AUDITOR,))


def facts_said(facts: Mapping[str, Any]) -> list[str]:
    """Derived facts of a signal as sentences."""
    found = []
    if "on" in facts:
        found.append(_("记录日期 %(on)s") % facts)
    if "percent" in facts:
        found.append(_("截至 %(month)s 的 %(months)s 个月合计，较上年同期下降 %(percent)s%% 以上") % facts)
    elif "month" in facts:
        found.append(_("记录月份 %(month)s") % facts)
    if "at_least" in facts:
        found.append(_("%(within_months)s 个月内至少 %(at_least)s 次") % facts)
    if "before" in facts:
        found.append(_("等级由 %(before)s 变为 %(after)s") % facts)
    return found


def _row(signal: Signal, push: Push | None = None) -> dict[str, Any]:
    rule = signals().rule(signal.rule)
    return {
        "signal": signal,
        "push": push,
        "rule": rule,
        "disputed": disputed_items(signal.enterprise, known=timezone.now()) & set(rule.items if rule else ()),
        "facts": facts_said(signal.facts),
        "reason": next((r for r in reply_reasons() if push and r.code == push.reason), None),
    }


def _precision(organisation: str | None = None) -> list[dict[str, Any]]:
    found = precisions(organisation=organisation)
    low = low_rules(found)
    rows = [{"rule": signals().rule(one.rule), "count": one, "low": one.rule in low} for one in found]
    return [row for row in rows if row["rule"]]


@OFFICER
@require_GET
def told(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Today's signals with cause, exposure and next step; closed in two clicks; then what was answered."""
    recipient, now = recipient_of(actor), timezone.now()
    context = {
        "open": [_row(*pair) for pair in list_told(recipient, now=now)],
        "answered": [_row(*pair) for pair in list_told(recipient, now=now, answered=True)],
        "reasons": reply_reasons(),
        "precision": [row for row in _precision(actor.code) if row["count"].told],
        "watched": len(list_watches(organisation=actor.code)),
    }
    return render(request, "monitoring/told.html", context)


@OFFICER
@require_http_methods(["GET", "POST"])
def signal(request: HttpRequest, signal: str, *, actor: Acting) -> HttpResponse:
    """One signal: what it rests on, whose task, how long it stands; the reply."""
    recipient, now = recipient_of(actor), timezone.now()
    if request.method == "POST":
        said, _colon, reason = posted(request, "reply").partition(":")
        note = posted(request, "note", most=2000)
        reply(signal, recipient=recipient, said=said, reason=reason, note=note, actor=actor.label, now=now)
        messages.success(request, _("已回复并留痕，计入规则的准确率"), extra_tags="good")
        return redirect("institution-signals")
    found = get_told(signal, recipient=recipient, now=now)
    return render(request, "monitoring/signal.html", {**_row(*found), "reasons": reply_reasons()})


@OFFICER
@require_http_methods(["GET", "POST"])
def watch(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """The watch list: put a borrower on it, take one off."""
    context: dict[str, Any] = {
        "uscc": posted(request, "uscc", most=40),
        "exposure": posted(request, "exposure", most=30),
    }
    status = 200
    if request.method == "POST":
        try:
            _change(request, actor)
            return redirect("institution-watch")
        except (Invalid, Refused, NotFound) as error:
            context["error"], status = error_context(error), error.status
    rows = list_watches(organisation=actor.code, live=False)
    context |= {"live": [w for w in rows if w.end is None], "ended": [w for w in rows if w.end is not None]}
    return render(request, "monitoring/watch.html", context, status=status)


def _change(request: HttpRequest, actor: Acting) -> None:
    by: dict[str, Any] = {"actor": actor.label, "now": timezone.now()}
    if posted(request, "step") == "end":
        end_watch(whole_number(posted(request, "watch", most=12)), organisation=actor.code, **by)
        messages.success(request, _("已移出监测名单"), extra_tags="good")
        return
    exposure = posted(request, "exposure", most=30).strip()
    fen = parse_yuan(exposure) if exposure else None
    watch_borrower(actor.code, enterprise=parse_uscc(posted(request, "uscc", most=40)).code, exposure_fen=fen, **by)
    messages.success(request, _("已列入监测名单"), extra_tags="good")


@MEMBER
@require_GET
def about(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Signals about this enterprise and who was told of each."""
    rows = [{**_row(found), "pushes": pushes} for found, pushes in list_about(actor.code, now=timezone.now())]
    return render(request, "monitoring/about.html", {"rows": rows})


@MEMBER
@require_GET
def about_one(request: HttpRequest, signal: str, *, actor: Acting) -> HttpResponse:
    """One signal: what it rests on, who was told, and where to object."""
    found, pushes = get_about(signal, enterprise=actor.code, now=timezone.now())
    return render(request, "monitoring/about_one.html", {**_row(found), "pushes": pushes})


@NODE
@require_http_methods(["GET", "POST"])
def node(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Rules with the precision that replies give them, and embargoes by two people."""
    if request.method == "POST":
        _embargo(request, actor)
        messages.success(request, _("已办理并留痕"), extra_tags="good")
        return redirect("node-monitoring")
    borrowers, institutions = count_watched()
    context = {
        "precision": _precision(),
        "limits": signals(),
        "counts": count_signals(),
        "borrowers": borrowers,
        "institutions": institutions,
        "embargoes": list_embargoes(),
        "me": actor.label,
    }
    return render(request, "monitoring/node.html", context)


def _embargo(request: HttpRequest, actor: Acting) -> None:
    step, by = posted(request, "step"), {"actor": actor.label, "now": timezone.now()}
    if step == "propose":
        until = None
        with suppress(ValueError):
            until = date.fromisoformat(posted(request, "until", most=10))
        firm = parse_uscc(posted(request, "uscc", most=40)).code
        propose_embargo(firm, basis=posted(request, "basis", most=2000), until=until, **by)
        return
    embargo = whole_number(posted(request, "embargo", most=12))
    if step == "end":
        end_embargo(embargo, **by)
        return
    settle_embargo(embargo, approve=step == "approve", **by)
