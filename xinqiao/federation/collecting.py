"""Makes objects of what happened at this node: read from the evidence log, which misses nothing and is in order.

Contexts below know nothing of the network; each act of theirs is in the log already.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from xinqiao.consent import types as consent
from xinqiao.consent.queries import find_authorisation
from xinqiao.evaluation.population import public_facts
from xinqiao.evidence.queries import list_placed
from xinqiao.evidence.types import EntryFacts
from xinqiao.federation.documents import evaluation_guideline, sharing_list
from xinqiao.federation.models import CursorRow, HeldRow, LinkRow
from xinqiao.federation.publishing import publish
from xinqiao.federation.receiving import try_all_again
from xinqiao.federation.statistics import own_statistic
from xinqiao.federation.types import Draft, HeldState, LinkState
from xinqiao.kernel.dated import beijing_day
from xinqiao.matching import types as matching
from xinqiao.matching.queries import get_need, get_product, list_products
from xinqiao.matching.types import NeedState
from xinqiao.parties.queries import find_enterprise
from xinqiao.parties.types import ENTERPRISE_REGISTERED, ENTERPRISE_RENAMED
from xinqiao.plumbing import settings as node

LOG = "evidence"
ACTOR = "system:federation"
GIVEN = (
    consent.GRANTED,
    consent.WITHDRAWN,
    consent.EXPIRED,
    consent.SUPERSEDED,
    consent.VOIDED,
    consent.USED,
)
REGISTERED = (ENTERPRISE_REGISTERED, ENTERPRISE_RENAMED)
OFFERED = (matching.PUBLISHED, matching.PRODUCT_WITHDRAWN)
NEEDED = (matching.NEED_POSTED, matching.NEED_CLOSED)
EVENTS = frozenset(event.code for event in (*GIVEN, *REGISTERED, *OFFERED, *NEEDED))
# Upper bounds of the bands in which the amount of a need goes up, in fen.
BANDS = ((100_000_000, "below_1m"), (500_000_000, "1m_5m"), (1_000_000_000, "5m_10m"))
BATCH = 500
SAME = ("subject", "recipient", "purpose", "times_max", "template", "template_version", "list_sha256", "text_sha256")


def collect(*, now: datetime) -> int:
    """Publish what happened since the last time; returns how many objects. Enterprises that another node registered
    are not this node's to publish."""
    count = 0
    while True:
        with transaction.atomic():
            cursor, _ = CursorRow.objects.select_for_update().get_or_create(name=LOG, defaults={"value": -1})
            entries, end = list_placed(cursor.value, events=EVENTS, limit=BATCH)
            if end == cursor.value:
                return count
            count += publish(_drafts(entries, now), actor=ACTOR, now=now)
            cursor.value = end
            cursor.save(update_fields=["value"])
        if len(entries) < BATCH:
            return count


def _drafts(entries: Iterable[EntryFacts], now: datetime) -> list[Draft]:
    registered, given, offered, needed = {}, {}, {}, {}
    for entry in entries:
        if entry.body is None or entry.actor.startswith("federation:"):
            continue
        if entry.event in (ENTERPRISE_REGISTERED.code, ENTERPRISE_RENAMED.code):
            registered[entry.subject] = None
        elif entry.event in {event.code for event in OFFERED}:
            offered[entry.body["product"]] = None
        elif entry.event in {event.code for event in NEEDED}:
            needed[entry.body["need"]] = None
        elif "authorisation" in entry.body:
            given[entry.body["authorisation"]] = None
    made = [*map(_registration, registered), *map(_authorisation, given), *map(_product, offered)]
    made += [_need(number, now) for number in needed]
    return [draft for draft in made if draft is not None]


def _registration(uscc: str) -> Draft | None:
    firm = find_enterprise(uscc)
    if firm is None:
        return None
    body = {"uscc": uscc, "name": firm.name, "division": uscc[2:8], "registered_at": firm.registered_at.isoformat()}
    return Draft("registration", uscc, {**body, "platform": node.node_code()})


def _authorisation(number: str) -> Draft | None:
    """What the node above must know to honour it; of the signatory nothing."""
    found = find_authorisation(number)
    if found is None:
        return None
    body = {name: getattr(found, name) for name in SAME} | {
        "items": list(found.items),
        "form": str(found.form),
        "status": str(found.status),
        "valid_from": found.valid_from.isoformat(),
        "valid_to": found.valid_to.isoformat(),
        "platform": node.node_code(),
    }
    return Draft("authorisation", number, body, retracted=found.status is not consent.AuthorisationStatus.ACTIVE)


def _product(code: str) -> Draft:
    """What a product offers; its conditions are this node's to hold enterprises to."""
    found = get_product(code)
    standing = {one.code: one for one in list_products(institution=found.institution)}
    body = {
        "name": found.name,
        "institution": found.institution_name,
        "amount_from_fen": found.amount_from_fen,
        "amount_to_fen": found.amount_to_fen,
        "months_from": found.months_from,
        "months_to": found.months_to,
        "rate_from_bp": found.rate_from_bp,
        "rate_to_bp": found.rate_to_bp,
        "guarantee": [g.label for g in found.guarantees],
        "divisions": [v for c in found.conditions if c.basis is matching.Basis.DIVISION for v in c.values],
        "offered_from": found.offered_from.isoformat(),
    }
    if found.offered_until:
        body["offered_until"] = found.offered_until.isoformat()
    return Draft("product", code, body, retracted=code not in standing)


def _need(number: str, now: datetime) -> Draft:
    """A need without whose it is: where, which industry, how much in bands."""
    found = get_need(number)
    division, industry = public_facts(found.enterprise, now=now)
    body = {
        "division": division or found.enterprise[2:8],
        "industry": industry[:1],
        "amount_band": next((band for most, band in BANDS if found.amount_fen < most), "above_10m"),
        "months": found.months,
        "purpose": found.window or "general",
        "posted_on": beijing_day(found.posted_at).isoformat(),
        "until": found.until.isoformat(),
    }
    return Draft("need", number, body, retracted=found.state is not NeedState.OPEN)


def publish_documents(*, now: datetime) -> int:
    """Publish the sharing list, the guideline and this node's counts where they have changed.

    A new list may do away with what an authorisation was held for.
    """
    drafts = [sharing_list(), evaluation_guideline(beijing_day(now)), own_statistic(now)]
    count = publish(drafts, actor=ACTOR, now=now)
    if count:
        held = HeldRow.objects.filter(state=HeldState.HELD, link__state=LinkState.ACTIVE)
        for peer in sorted(set(held.values_list("link__peer", flat=True))):
            try_all_again(peer, actor=ACTOR, now=now)
    return count


def has_links() -> bool:
    """Whether this node is linked with any other."""
    return LinkRow.objects.filter(state=LinkState.ACTIVE).exists()
