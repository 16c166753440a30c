"""Scenario models: the node trains, a second person signs off, one is put in use; an institution reads the card."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from xinqiao.evaluation.compute import facts_by_code
from xinqiao.parties.types import Role
from xinqiao.scenarios.actions import promote, roll_back, sign_off
from xinqiao.scenarios.drift import drift
from xinqiao.scenarios.jobs import train_scenario
from xinqiao.scenarios.queries import get_scenario, get_version, in_use, list_usable, list_versions, scenarios
from xinqiao.scenarios.rules import may_use
from xinqiao.scenarios.types import UnknownModel, Version, VersionState
from xinqiao.web.access import Acting, Portal, posted, requires

NODE = requires(Portal.NODE, Role.OPERATOR, readers=(Role.AUDITOR,))
READER = requires(Portal.INSTITUTION, Role.OFFICER, Role.OPERATOR, readers=(Role.AUDITOR,))


@NODE
@require_http_methods(["GET", "POST"])
def models(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Every scenario with its versions; training one puts it in the queue."""
    if request.method == "POST":
        train_scenario.enqueue(get_scenario(posted(request, "scenario", most=40)).code, actor.label)
        messages.success(request, _("训练已排队；完成后在这里待另一人复核"), extra_tags="good")
        return redirect("node-models")
    rows = [(one, list_versions(one.code)) for one in scenarios().values()]
    return render(request, "node/models.html", {"rows": rows})


@NODE
@require_http_methods(["GET", "POST"])
def model(request: HttpRequest, model: str, *, actor: Acting) -> HttpResponse:
    """One version's card; sign it off, put it in use, or go back to the one before."""
    if request.method == "POST":
        made = _step(posted(request, "step"), get_version(model), posted(request, "reason", most=2000), actor)
        messages.success(request, _("已办理并留痕"), extra_tags="good")
        return redirect("node-model", made.id)
    version = get_version(model)
    champion = in_use(version.scenario)
    beside = [v for v in (champion, version) if v and champion and champion.id != version.id]
    context = _card(version) | {"beside": beside, "drift": _named(drift(model)), "me": actor.label}
    return render(request, "node/model.html", context)


def _step(step: str, version: Version, reason: str, actor: Acting) -> Version:
    by: dict[str, Any] = {"actor": actor.label, "now": timezone.now()}
    if step == "sign_off":
        return sign_off(version.id, reason=reason, **by)
    if step == "roll_back":
        return roll_back(version.scenario, reason=reason, **by)
    return promote(version.id, **by)


@READER
@require_GET
def usable(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """The models this organisation owns or may use."""
    return render(request, "institution/models.html", {"rows": list_usable(actor.code)})


@READER
@require_GET
def usable_card(request: HttpRequest, model: str, *, actor: Acting) -> HttpResponse:
    """The card of a model it may use, while that is in use."""
    version = get_version(model)
    if not may_use(get_scenario(version.scenario), actor.code) or version.state is not VersionState.IN_USE:
        raise UnknownModel(scenario=model)
    return render(request, "institution/model.html", _card(version))


def _card(version: Version) -> dict[str, Any]:
    """A card with the declarations of its indicators beside their codes."""
    facts, card = facts_by_code(), version.card
    return {
        "version": version,
        "scenario": get_scenario(version.scenario),
        "figures": card["figures"],
        "card": card,
        "bins": [([facts[c] for c in one["indicators"] if c in facts], one) for one in card["bins"]],
        "excluded": [(facts.get(code), code, why) for code, why in card["excluded"].items()],
    }


def _named(moved: Any) -> list[Any]:
    facts = facts_by_code()
    return [(facts.get(one.indicator), one) for one in moved]
