"""Telling who was given an answer that it was wrong: everybody learns that, the right values who may still read."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from xinqiao.evaluation.types import Document
from xinqiao.evidence.queries import fresh_receipt
from xinqiao.kernel.canonical import canonical_bytes, sha256_hex
from xinqiao.release.actions import ask_of, items_of, write_line
from xinqiao.release.disclosing import keep_document, may_still_read
from xinqiao.release.queries import policy
from xinqiao.release.rules import judge
from xinqiao.release.types import Access, Answer, Inquiry, Recipient, Rule
from xinqiao.sharing.queries import current_list

PURPOSE = "correction"
NOTICE = Rule.beside(
    "correction-notice",
    allow=True,
    reason="此前提供的信息有误，告知更正",
    clause="异议成立的，及时更正并告知信息使用者（征信业管理条例第二十五条参照；省级实施方案：异议处理）",
)


def _may_know(inquiry: Inquiry, now: datetime) -> bool:
    """Whether the recipient might be given now what it was given then; what is public by law needs no authorisation."""
    if inquiry.authorisation:
        return may_still_read(inquiry, now=now)
    if not set(inquiry.items or ()) <= {item.code for item in current_list()}:
        return False
    return judge(policy(), ask_of(inquiry, items_of(inquiry)), now=now)[0].allow


@transaction.atomic
def tell_correction(recipient: Recipient, access: Access, document: Document, *, actor: str, now: datetime) -> Answer:
    """Tell the recipient of ``access`` that it was wrong. Uses up no authorisation.

    ``changes`` of the document reach it while what it was given might still be shown to it, else they are left out:
    that the answer is wrong is said in any case. The line is in the ledger, and the enterprise sees it.
    """
    inquiry = Inquiry(
        recipient, access.enterprise, access.purpose, access.form, actor, "push", items=access.items,
        authorisation=access.authorisation, public_only=access.scope == "public", cause=str(document["cause"]),
    )  # fmt: skip
    if not _may_know(inquiry, now):
        document = {**document, "changes": []}
    told = Inquiry(
        recipient, access.enterprise, PURPOSE, access.form, actor, "push", items=access.items,
        authorisation=access.authorisation, cause=str(document["cause"]), derived=True,
    )  # fmt: skip
    digest = sha256_hex(canonical_bytes(document))
    line, entry = write_line(told, items_of(told), NOTICE, policy(), now, answer=digest)
    answer = Answer(document, line, fresh_receipt(entry).as_json(), entry.disclosure)
    keep_document(answer, (), now=now)
    return answer
