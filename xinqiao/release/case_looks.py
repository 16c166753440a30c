"""What a court, notary or arbitrator saw under a case: a line in the enterprise's own list, like any other look.

The table says nothing of judicial bodies: what one may see is the one loan or application its case names, and the
context that keeps cases sees to that. Outside a case the gate refuses (``rules.NO_CASE``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from xinqiao.consent.types import Form
from xinqiao.evidence.types import NotInTransaction
from xinqiao.release.actions import write_line
from xinqiao.release.queries import policy
from xinqiao.release.types import Access, Inquiry, Recipient, RecipientKind, Rule
from xinqiao.sharing.queries import current_list

LOOKED, PACKED, FETCHED = "judicial_look", "judicial_package", "judicial_fetch"  # purposes of the ledger lines
CASE_LOOK = Rule.beside(
    "judicial-case",
    allow=True,
    reason="依法办理的案件，限本案所涉的授权、合同和查询记录",
    clause="人民法院在线诉讼规则第十一条；公证法第二十九条；仲裁法",
)


@dataclass(frozen=True, slots=True)
class CaseLook:
    """A look of a judicial body at an enterprise under a case; ``cause`` names the case to the enterprise."""

    code: str
    name: str
    enterprise: str
    purpose: str
    cause: str
    items: tuple[str, ...]
    actor: str


def note_case_look(look: CaseLook, *, answer_sha256: str, now: datetime) -> Access:
    """The ledger line of a look, in the transaction that lets it happen; raises NotInTransaction outside one.

    Items that have left the sharing list are not named: there is nothing of them to see.
    """
    if not connection.in_atomic_block:
        raise NotInTransaction(event=CASE_LOOK.id)
    inquiry = Inquiry(
        Recipient(RecipientKind.JUDICIAL, look.code, look.name),
        look.enterprise,
        look.purpose,
        Form.REPORT,
        look.actor,
        "portal",
        cause=look.cause[:200],
    )
    found = [item for item in current_list() if item.code in look.items]
    access, _ = write_line(inquiry, found, CASE_LOOK, policy(), now, answer=answer_sha256)
    return access
