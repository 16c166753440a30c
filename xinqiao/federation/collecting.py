"""Makes objects of what happened at this node: read from the evidence log, which misses nothing and is in order.

Contexts below know nothing of the network; each act of theirs is in the log already.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from xinqiao.consent import types as consent
from xinqiao.consent.queries import find_authorisation
from xinqiao.evidence.queries import list_placed
from xinqiao.evidence.types import EntryFacts
from xinqiao.federation.documents import evaluation_guideline, sharing_list
from xinqiao.federation.models import CursorRow, HeldRow, LinkRow
from xinqiao.federation.publishing import publish
from xinqiao.federation.receiving import try_all_again
from xinqiao.federation.statistics import own_statistic
from xinqiao.federation.types import Draft, HeldState, LinkState
from xinqiao.kernel.dated import beijing_day
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
EVENTS = frozenset(event.code for event in (*GIVEN, *REGISTERED))
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
            count += publish(_drafts(entries), actor=ACTOR, now=now)
            cursor.value = end
            cursor.save(update_fields=["value"])
        if len(entries) < BATCH:
            return count


def _drafts(entries: Iterable[EntryFacts]) -> list[Draft]:
    registered, given = {}, {}
    for entry in entries:
        if entry.body is None or entry.actor.startswith("federation:"):
            continue
        if entry.event in (ENTERPRISE_REGISTERED.code, ENTERPRISE_RENAMED.code):
            registered[entry.subject] = None
        elif "authorisation" in entry.body:
            given[entry.body["authorisation"]] = None
    made = [*map(_registration, registered), *map(_authorisation, given)]
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
