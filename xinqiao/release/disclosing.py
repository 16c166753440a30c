"""What another context derived about an enterprise, through the same gate: decided, recorded, then handed over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from xinqiao.consent.queries import find_authorisation
from xinqiao.consent.rules import standing
from xinqiao.consent.types import AuthorisationState, NotUsable
from xinqiao.evaluation.types import Document
from xinqiao.kernel.canonical import canonical_bytes
from xinqiao.parties.queries import is_excluded
from xinqiao.release.actions import Decided, Excluded, ListChanged, ask_of, grant, items_of, refused
from xinqiao.release.models import AccessLine, DisclosedRow
from xinqiao.release.queries import policy
from xinqiao.release.rules import NOT_ADMITTED, judge
from xinqiao.release.types import Answer, Inquiry
from xinqiao.sharing.queries import current_list, forget
from xinqiao.vault.sealing import seal
from xinqiao.vault.types import Sealing, enterprise_subject


def disclose(inquiry: Inquiry, document: Document, *, now: datetime, refs: Sequence[str] = ()) -> Answer:
    """Hand ``document``, derived from ``inquiry.items``, to the recipient, if the gate lets it.

    ``refs`` are the rows it rests on, where that is known: when one of them is corrected, its recipient is told.

    The form must be derived facts: no raw detail passes here. A read is counted where something not public is in it.
    Every answer and refusal leaves a ledger line and an evidence entry. Raises NotReleased; UnknownItem when an item
    has left the list.
    """
    table, listed = policy(), current_list()
    inquiry = replace(inquiry, derived=True)
    items = items_of(inquiry)
    ask = ask_of(inquiry, items)
    rule, _ = judge(table, ask, now=now)
    if not rule.allow:
        raise refused(inquiry, items, rule, table, now)
    decision = {"rule": rule.id, "clause": rule.clause, "policy_sha256": table.sha256}
    found = Decided(items, rule, bool(ask.closed), {**document, "decision": decision})
    try:
        with transaction.atomic():
            answer = grant(inquiry, found, table, listed, now=now)
            keep_document(answer, refs, now=now)
            return answer
    except ListChanged:
        forget()
        return disclose(inquiry, document, now=now, refs=refs)
    except Excluded:
        raise refused(inquiry, items, NOT_ADMITTED, table, now) from None
    except NotUsable:
        changed, _ = judge(table, ask_of(inquiry, items), now=now)
        if changed.allow:
            raise
        raise refused(inquiry, items, changed, table, now) from None


def keep_document(answer: Answer, refs: Sequence[str], *, now: datetime) -> None:
    """The document as it was handed over, so that what anybody was told on a day can be told again.

    Call in the transaction of its ledger line.
    """
    text = canonical_bytes(answer.document).decode()
    [sealed] = seal([sealing_of(answer.access.enterprise, answer.access.id, value=text)], now=now)
    DisclosedRow.objects.create(access_id=answer.access.id, body_sealed=sealed, refs=list(refs))


def sealing_of(enterprise: str, access: str, *, value: str = "", sealed: bytes = b"") -> Sealing:
    """Where a document is sealed: under the enterprise's key, bound to its ledger line."""
    return Sealing(enterprise_subject(enterprise), f"release:disclosed:{access}", value=value, sealed=sealed)


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
