"""What anybody was told on any day, made again from the records as they were known then: the same bytes and digest.

With ``supposed`` it is what they would have been told had a record been right, by which a correction finds everybody to
whom it matters.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from xinqiao.consent.queries import find_authorisation
from xinqiao.consent.types import Form
from xinqiao.evaluation.types import Document
from xinqiao.kernel.canonical import canonical_bytes, read_json, sha256_hex
from xinqiao.records.supposed import Supposed, supposing
from xinqiao.release.disclosing import sealing_of
from xinqiao.release.documents import decided, make_document
from xinqiao.release.models import AccessLine, DisclosedRow
from xinqiao.release.queries import UnknownAccess, as_access
from xinqiao.release.types import Access, Inquiry, Recipient, RecipientKind
from xinqiao.sharing.queries import as_listed, current_list
from xinqiao.vault.sealing import open_all
from xinqiao.vault.types import ERASED


def answered_lines(
    *, since: datetime, until: datetime, enterprise: str | None = None, outside: bool = False
) -> Iterator[Access]:
    """Ledger lines of answers with a document, given from ``since`` to before ``until``, in order of time.

    ``outside``: only those to institutions, platforms and departments. Packages for judicial bodies are kept whole by
    who makes them, and are not among these.
    """
    rows = AccessLine.objects.filter(at__gte=since, at__lt=until, allowed=True).exclude(answer_sha256="")
    rows = rows.exclude(recipient_kind=RecipientKind.JUDICIAL)
    if enterprise is not None:
        rows = rows.filter(enterprise=enterprise)
    if outside:
        kinds = (RecipientKind.INSTITUTION, RecipientKind.PLATFORM, RecipientKind.DEPARTMENT)
        rows = rows.filter(recipient_kind__in=kinds)
    for row in rows.order_by("at", "id").iterator():
        yield as_access(row)


def replay(access: str, *, supposed: Supposed | None = None) -> Document:
    """The document of an answer given before. Raises UnknownAccess for a line without one.

    A document that another context made is given as it was kept; ``supposed`` says nothing about it. Personal values
    whose key was destroyed since stand as erased, so the digest is another then.
    """
    row = AccessLine.objects.filter(id=access, allowed=True).exclude(answer_sha256="").first()
    if row is None:
        raise UnknownAccess(access=access)
    inquiry = _inquiry(row)
    if inquiry.derived:
        return _kept(row)
    found = None
    if row.authorisation and not inquiry.public_only and inquiry.recipient.kind is not RecipientKind.ENTERPRISE:
        found = find_authorisation(row.authorisation)
    with as_listed(row.at), supposing(supposed):
        items = [current_list().item(code) for code in json.loads(row.items)]
        document = make_document(inquiry, items, found, now=row.at, again=True)
    return document | decided(row.rule, row.clause, row.policy_sha256, found)


def is_reproduced(access: str) -> bool:
    """Whether an answer made again has the digest that the ledger, and so the evidence, holds."""
    row = AccessLine.objects.filter(id=access).values_list("answer_sha256", flat=True).first()
    return row == sha256_hex(canonical_bytes(replay(access)))


def refs_of(access: str) -> tuple[str, ...]:
    """The rows that a kept document rests on; empty where its maker did not know them."""
    held = DisclosedRow.objects.filter(access_id=access).values_list("refs", flat=True).first()
    return tuple(held or ())


def _kept(row: AccessLine) -> Document:
    held = DisclosedRow.objects.filter(access_id=row.id).first()
    if held is None:
        raise UnknownAccess(access=row.id)
    [text] = open_all([sealing_of(row.enterprise, row.id, sealed=bytes(held.body_sealed))])
    return {"erased": True} if text == ERASED else dict(read_json(text.encode()))


def _inquiry(row: AccessLine) -> Inquiry:
    kind = RecipientKind(row.recipient_kind)
    own = row.enterprise if kind is RecipientKind.ENTERPRISE else ""
    return Inquiry(
        Recipient(kind, row.recipient_code, row.recipient_name, enterprise=own, via=row.via),
        row.enterprise,
        row.purpose,
        Form(row.form),
        row.actor,
        row.channel,
        items=tuple(json.loads(row.items)),
        authorisation=row.authorisation,
        public_only=row.scope == "public",
        cause=row.cause,
        evaluation_only=row.scope == "evaluation",
        derived=row.scope == "derived",
    )
