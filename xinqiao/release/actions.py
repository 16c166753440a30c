"""Asking the gate. The answer is made, then recorded and committed, and only then returned."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from xinqiao.catalogue.types import Catalogue, Item, Openness
from xinqiao.consent.actions import use_authorisation
from xinqiao.consent.queries import find_authorisation
from xinqiao.consent.types import AuthorisationState, NotUsable
from xinqiao.evaluation.types import Document, UnknownEnterprise
from xinqiao.evidence.actions import record
from xinqiao.evidence.queries import fresh_receipt
from xinqiao.evidence.types import EntryRef
from xinqiao.kernel.canonical import canonical_bytes, sha256_hex
from xinqiao.kernel.dated import new_number
from xinqiao.parties.queries import is_excluded
from xinqiao.release.documents import decided, make_document, via_of
from xinqiao.release.models import AccessLine
from xinqiao.release.queries import as_access, policy
from xinqiao.release.rules import ADMITTED_KINDS, NOT_ADMITTED, judge
from xinqiao.release.types import (
    GRANTED,
    REFUSED,
    SELF_READ,
    UNKNOWN_ENTERPRISE,
    Access,
    Answer,
    Ask,
    Inquiry,
    NotRegistered,
    NotReleased,
    Policy,
    Preview,
    Recipient,
    RecipientKind,
    Rule,
)
from xinqiao.sharing.queries import current_list, forget, is_in_force

NOT_IN_REGISTRY = "登记信息中没有这家企业"


def query(inquiry: Inquiry, *, now: datetime) -> Answer:
    """Read about one enterprise through the gate.

    Every answer and every refusal leaves a ledger line and an evidence entry, durable before this returns or raises
    (inside a caller's transaction: when that commits, before the caller answers). Raises NotReleased with reason,
    clause and next step, or NotRegistered when the registry has none.
    """
    table, listed = policy(), current_list()
    try:
        found = _decided(inquiry, table, now)
    except UnknownEnterprise:
        raise _not_registered(inquiry, table, now) from None
    if found.document is None:
        raise refused(inquiry, found.items, found.rule, table, now)
    try:
        return grant(inquiry, found, table, listed, now=now)
    except ListChanged:  # while the answer was being made: made again by the new one
        forget()
        return query(inquiry, now=now)
    except Excluded:
        raise refused(inquiry, found.items, NOT_ADMITTED, table, now) from None
    except NotUsable:  # withdrawn or used up while the answer was being made
        changed, _ = judge(table, ask_of(inquiry, found.items), now=now)
        if changed.allow:
            raise
        raise refused(inquiry, found.items, changed, table, now) from None


def check_again(inquiry: Inquiry, *, answered: Sequence[str], now: datetime) -> None:
    """Whether an answer given before may be sent once more to the same request, whose first answer was lost.

    ``answered`` are the items in it. It counts no read, so a count used up is no reason against it; an authorisation
    that has ended since is, and so is a recipient no longer admitted. Raises NotReleased, recorded like any refusal,
    and UnknownItem when an item has left the list since.
    """
    table, items = policy(), items_of(inquiry)
    for code in answered:
        current_list().item(code)
    rule, state = judge(table, ask_of(inquiry, items), now=now)
    if rule.allow or (state is AuthorisationState.USED_UP and rule is not NOT_ADMITTED):
        return
    raise refused(inquiry, items, rule, table, now)


def preview(inquiry: Inquiry, *, viewer: str, now: datetime) -> Preview:
    """What ``inquiry`` would be answered now, for the enterprise it is about: the same gate, the same document.

    Nothing is released and no authorisation is used; that the enterprise looked is recorded as a look at its own file.
    ``viewer`` is the enterprise's person. Raises UnknownEnterprise.
    """
    table = policy()
    found = _decided(inquiry, table, now)
    firm = inquiry.enterprise
    own = Inquiry(Recipient(RecipientKind.ENTERPRISE, firm, firm), firm, "preview", inquiry.form, viewer, "portal")
    with transaction.atomic():
        rule, _ = judge(table, ask_of(own, found.items), now=now)
        write_line(own, found.items, rule, table, now, answer="")
    return Preview(rule=found.rule, document=found.document)


@dataclass(frozen=True, slots=True)
class Decided:
    """A request as the gate decided it; ``document`` is None when it said no."""

    items: tuple[Item, ...]
    rule: Rule
    authorised: bool
    document: Document | None


def _decided(inquiry: Inquiry, table: Policy, now: datetime) -> Decided:
    items = items_of(inquiry)
    ask = ask_of(inquiry, items)
    rule, _ = judge(table, ask, now=now)
    found = ask.authorisation
    if not rule.allow:
        return Decided(items, rule, found is not None, None)
    document = make_document(inquiry, items, found, now=now) | decided(rule.id, rule.clause, table.sha256, found)
    return Decided(items, rule, found is not None, document)


def items_of(inquiry: Inquiry) -> tuple[Item, ...]:
    """The items asked for; by default all of them, or those with something public."""
    catalogue = current_list()
    if inquiry.items is not None:
        return tuple(catalogue.item(code) for code in inquiry.items)
    if inquiry.public_only:
        return tuple(item for item in catalogue if item.openness is not Openness.NON_PUBLIC)
    found = find_authorisation(inquiry.authorisation) if inquiry.authorisation else None
    if found is None:
        return catalogue.items
    return tuple(i for i in catalogue if i.openness is Openness.PUBLIC or i.code in found.items)


def ask_of(inquiry: Inquiry, items: Sequence[Item]) -> Ask:
    """The request as the gate judges it, with the authorisation as it stands in storage now."""
    own = inquiry.recipient.kind is RecipientKind.ENTERPRISE
    named = inquiry.authorisation and not own and not inquiry.public_only
    return Ask(
        recipient=inquiry.recipient,
        enterprise=inquiry.enterprise,
        purpose=inquiry.purpose,
        form=inquiry.form,
        closed=() if inquiry.public_only else tuple(i.code for i in items if i.openness is not Openness.PUBLIC),
        authorisation=find_authorisation(inquiry.authorisation) if named else None,
    )


def refused(inquiry: Inquiry, items: Sequence[Item], rule: Rule, table: Policy, now: datetime) -> NotReleased:
    """Record a refusal and make the error that carries its ledger line."""
    with transaction.atomic():
        access, entry = write_line(inquiry, items, rule, table, now, answer="")
    return NotReleased(
        rule=rule.id,
        reason=rule.reason,
        clause=rule.clause,
        next_step=rule.next_step,
        access=access.id,
        receipt=fresh_receipt(entry).as_json(),
        disclosure=entry.disclosure,
    )


def _not_registered(inquiry: Inquiry, table: Policy, now: datetime) -> NotRegistered:
    """Record that a code was looked for that the registry does not hold: whoever tries codes out leaves a trace."""
    error = UnknownEnterprise(enterprise=inquiry.enterprise)
    rule = Rule.beside(UNKNOWN_ENTERPRISE, allow=False, reason=NOT_IN_REGISTRY, clause="", next_step=error.next_step)
    with transaction.atomic():
        access, entry = write_line(inquiry, items_of(inquiry), rule, table, now, answer="")
    receipt = fresh_receipt(entry).as_json()
    return NotRegistered(enterprise=inquiry.enterprise, access=access.id, receipt=receipt, disclosure=entry.disclosure)


class Excluded(Exception):
    """The recipient was suspended or removed while its answer was being made."""


class ListChanged(Exception):
    """Another version of the sharing list came into force while the answer was being made."""


def grant(inquiry: Inquiry, found: Decided, table: Policy, listed: Catalogue, *, now: datetime) -> Answer:
    """Write what was decided and allowed, and give the answer; raises Excluded, ListChanged, NotUsable."""
    assert found.document is not None
    digest = sha256_hex(canonical_bytes(found.document))
    with transaction.atomic():
        if inquiry.recipient.kind in ADMITTED_KINDS and is_excluded(inquiry.recipient.code):
            raise Excluded()
        if not is_in_force(listed):
            raise ListChanged()
        if found.authorised:
            use_authorisation(inquiry.authorisation, now=now)
        access, entry = write_line(inquiry, found.items, found.rule, table, now, answer=digest)
    return Answer(found.document, access, fresh_receipt(entry).as_json(), entry.disclosure)


def write_line(
    inquiry: Inquiry, items: Sequence[Item], rule: Rule, table: Policy, now: datetime, *, answer: str
) -> tuple[Access, EntryRef]:
    """The ledger line and its evidence entry; call inside a transaction."""
    row, entry = new_line(inquiry, items, rule, table, now, answer=answer)
    row.save(force_insert=True)
    return as_access(row), entry


def _asked(inquiry: Inquiry) -> dict[str, object]:
    """A request as its evidence entry holds it."""
    return {
        "recipient": inquiry.recipient.code,
        "kind": str(inquiry.recipient.kind),
        "purpose": inquiry.purpose,
        "form": str(inquiry.form),
        "authorisation": inquiry.authorisation,
        "list_sha256": current_list().sha256,
        "cause": inquiry.cause,
        **({"scope": inquiry.scope} if inquiry.scope else {}),
        **via_of(inquiry),
    }


def new_line(
    inquiry: Inquiry, items: Sequence[Item], rule: Rule, table: Policy, now: datetime, *, answer: str
) -> tuple[AccessLine, EntryRef]:
    """The same, with the line still to be saved in this transaction (many at once, where there are many)."""
    line = new_number("A", now, size=5)
    codes = [i.code for i in items]
    own = inquiry.recipient.kind is RecipientKind.ENTERPRISE
    event = REFUSED if not rule.allow else SELF_READ if own else GRANTED
    body = {"access": line, "items": codes, "rule": rule.id, "policy_sha256": table.sha256, "answer_sha256": answer}
    entry = record(event, actor=inquiry.actor, subject=inquiry.enterprise, body=body | _asked(inquiry), now=now)
    row = AccessLine(
        id=line,
        at=now,
        enterprise=inquiry.enterprise,
        recipient_kind=inquiry.recipient.kind,
        recipient_code=inquiry.recipient.code,
        recipient_name=inquiry.recipient.name,
        actor=inquiry.actor,
        purpose=inquiry.purpose,
        form=inquiry.form,
        items=json.dumps(codes),
        authorisation=inquiry.authorisation,
        allowed=rule.allow,
        rule=rule.id,
        reason=rule.reason,
        clause=rule.clause,
        next_step=rule.next_step,
        policy_sha256=table.sha256,
        answer_sha256=answer,
        entry=entry.id,
        channel=inquiry.channel,
        cause=inquiry.cause,
        scope=inquiry.scope,
        via=inquiry.recipient.via,
        shown_from=inquiry.shown_from,
    )
    return row, entry
