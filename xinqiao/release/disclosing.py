"""What another context derived about an enterprise, through the same gate: decided, recorded, then handed over."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from xinqiao.consent.queries import find_authorisation
from xinqiao.consent.rules import standing
from xinqiao.consent.types import AuthorisationState, NotUsable
from xinqiao.evaluation.types import Document
from xinqiao.parties.queries import is_excluded
from xinqiao.release.actions import Decided, Excluded, Inquiry, ListChanged, ask_of, grant, items_of, refused
from xinqiao.release.models import AccessLine
from xinqiao.release.queries import policy
from xinqiao.release.rules import NOT_ADMITTED, judge
from xinqiao.release.types import Answer
from xinqiao.sharing.queries import current_list, forget


def disclose(inquiry: Inquiry, document: Document, *, now: datetime) -> Answer:
    """Hand ``document``, derived from ``inquiry.items``, to the recipient, if the gate lets it.

    The form must be derived facts: no raw detail passes here. A read is counted where something not public is in it.
    Every answer and refusal leaves a ledger line and an evidence entry. Raises NotReleased; UnknownItem when an item
    has left the list.
    """
    table, listed, items = policy(), current_list(), items_of(inquiry)
    ask = ask_of(inquiry, items)
    rule, _ = judge(table, ask, now=now)
    if not rule.allow:
        raise refused(inquiry, items, rule, table, now)
    decision = {"rule": rule.id, "clause": rule.clause, "policy_sha256": table.sha256}
    found = Decided(items, rule, bool(ask.closed), {**document, "decision": decision})
    try:
        return grant(inquiry, found, table, listed, now=now)
    except ListChanged:
        forget()
        return disclose(inquiry, document, now=now)
    except Excluded:
        raise refused(inquiry, items, NOT_ADMITTED, table, now) from None
    except NotUsable:
        changed, _ = judge(table, ask_of(inquiry, items), now=now)
        if changed.allow:
            raise
        raise refused(inquiry, items, changed, table, now) from None


def may_still_read(inquiry: Inquiry, *, now: datetime) -> bool:
    """Whether what was disclosed under ``inquiry`` may be shown to the same recipient again now.

    It counts no read: an authorisation used up since is no reason against it, one that was withdrawn or has expired is,
    and so is a recipient no longer admitted.
    """
    found = find_authorisation(inquiry.authorisation)
    if found is None or standing(found, now=now) not in (AuthorisationState.ACTIVE, AuthorisationState.USED_UP):
        return False
    if is_excluded(inquiry.recipient.code) or not set(inquiry.items or ()) <= {i.code for i in current_list()}:
        return False
    rule, state = judge(policy(), ask_of(inquiry, items_of(inquiry)), now=now)
    return rule.allow or (rule is not NOT_ADMITTED and state is AuthorisationState.USED_UP)


def show_held_lines(lines: Iterable[str], *, now: datetime) -> int:
    """Let the enterprise see ledger lines that an embargo held back; returns how many. Call in its transaction."""
    return AccessLine.objects.filter(id__in=list(lines), shown_from__gt=now).update(shown_from=now)
