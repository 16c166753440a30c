"""A disputed record shown to who must check it: its provider, and the node; every look is the enterprise's to see."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from xinqiao.catalogue.types import Item
from xinqiao.consent.types import Form
from xinqiao.release.actions import write_line
from xinqiao.release.queries import policy
from xinqiao.release.types import Access, Inquiry, Recipient, Rule

PURPOSE = "dispute"
CHECK = Rule.beside(
    "dispute-check",
    allow=True,
    reason="企业提出异议，由数据产生部门和节点核查该条记录",
    clause="谁产生、谁提供、谁负责；异议的核查（省级实施方案；征信业管理条例第二十五条参照）",
)


@transaction.atomic
def note_check(recipient: Recipient, enterprise: str, item: Item, *, dispute: str, actor: str, now: datetime) -> Access:
    """Put on record that a disputed record of an item is looked at; durable before it is shown."""
    inquiry = Inquiry(recipient, enterprise, PURPOSE, Form.DETAIL, actor, "portal", items=(item.code,), cause=dispute)
    return write_line(inquiry, [item], CHECK, policy(), now, answer="")[0]
