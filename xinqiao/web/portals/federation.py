"""Node portal: the nodes above and below, what goes between, and what was held on the way."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from xinqiao.federation.keys import own_card
from xinqiao.federation.kinds import NAMES
from xinqiao.federation.linking import (
    confirm_link,
    decline_link,
    end_link,
    pause_link,
    propose_link,
    resume_link,
)
from xinqiao.federation.queries import (
    alarms,
    count_held,
    get_held,
    get_link,
    list_flows,
    list_held,
    list_links,
    list_places,
)
from xinqiao.federation.receiving import give_up, try_again
from xinqiao.federation.refusals import InvalidCard, fault
from xinqiao.federation.rules import card_bytes, fingerprint
from xinqiao.federation.statistics import network_counts
from xinqiao.federation.types import HeldState, Side
from xinqiao.parties.types import Role
from xinqiao.web.access import Acting, Portal, posted, requires

NODE = requires(Portal.NODE, Role.OPERATOR, Role.SECURITY, readers=(Role.AUDITOR,))
STEPS = {"decline": decline_link, "pause": pause_link, "resume": resume_link, "end": end_link}
LONGEST_CARD = 64 * 1024


@NODE
@require_http_methods(["GET", "POST"])
def board(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Links, counts of the network and what is held; or propose a link with a card."""
    if request.method == "POST":
        made = propose_link(_card(request), side=_side(request), actor=actor.label, now=timezone.now())
        messages.success(request, _("已提出；请另一人核对指纹后确认"), extra_tags="good")
        return redirect("node-link", made.peer)
    now = timezone.now()
    links, card = list_links(), own_card()
    context = {
        "links": [(link, int(link.lag(now).total_seconds())) for link in links],
        "above": any(link.side is Side.ABOVE for link in links),
        "late": {link.peer for link in alarms(now)},
        "held": list_held(),
        "held_total": count_held(),
        "settled": list_held(state=HeldState.REFUSED, limit=20),
        "counts": network_counts(),
        "card": card,
        "fingerprint": fingerprint(card),
        "kinds": NAMES,
    }
    return render(request, "node/federation.html", context)


def _card(request: HttpRequest) -> bytes:
    file = request.FILES.get("card")
    if file is None or (file.size or 0) > LONGEST_CARD:
        raise InvalidCard([fault("card", "请选择对方导出的名片文件", "card")])
    return bytes(file.read())


def _side(request: HttpRequest) -> Side:
    chosen = posted(request, "side")
    if chosen not in set(Side):
        raise InvalidCard([fault("side", "请选择对方在上级还是下级", "side")])
    return Side(chosen)


@NODE
@require_http_methods(["GET"])
def card(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """This node's card, to be given to the peer."""
    found = own_card()
    answer = HttpResponse(card_bytes(found), content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="{found.node}.card.json"'
    return answer


@NODE
@require_http_methods(["GET", "POST"])
def link(request: HttpRequest, peer: str, *, actor: Acting) -> HttpResponse:
    """One link: confirm it as the second person, stop and resume it, see every kind's flow."""
    if request.method == "POST":
        step, by = posted(request, "step"), {"actor": actor.label, "now": timezone.now()}
        if step in STEPS:
            STEPS[step](peer, reason=posted(request, "reason", most=600), **by)
        else:
            confirm_link(peer, fingerprint=posted(request, "fingerprint", most=80), **by)
        messages.success(request, _("已办理并留痕"), extra_tags="good")
        return redirect("node-federation" if step in ("decline", "end") else "node-link", *_where(step, peer))
    found = get_link(peer)
    context = {
        "link": found,
        "lag": int(found.lag(timezone.now()).total_seconds()),
        "flows": list_flows(peer),
        "troubled": list_places(peer, troubled=True, limit=50),
        "latest": list_places(peer, limit=20),
        "held": list_held(peer=peer),
        "kinds": NAMES,
        "me": actor.label,
    }
    return render(request, "node/link.html", context)


def _where(step: str, peer: str) -> tuple[str, ...]:
    return () if step in ("decline", "end") else (peer,)


@NODE
@require_http_methods(["GET", "POST"])
def held(request: HttpRequest, held: int, *, actor: Acting) -> HttpResponse:
    """One object that was not taken in: why, and try it again or give it up."""
    if request.method == "POST":
        by = {"actor": actor.label, "now": timezone.now()}
        if posted(request, "step") == "drop":
            done = give_up(held, reason=posted(request, "reason", most=600), **by)
        else:
            done = try_again(held, **by)
        if done.state is HeldState.HELD:
            messages.error(request, _("仍不能收下，原因见下"), extra_tags="risk")
        else:
            messages.success(request, _("已办理并留痕"), extra_tags="good")
        return redirect("node-held", held)
    found, text = get_held(held)
    return render(request, "node/held.html", {"held": found, "text": text, "kinds": NAMES})
