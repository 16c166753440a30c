"""The package that goes to a body with a filing: a case of that body about the one matter, opened and packed for it."""

from __future__ import annotations

from datetime import datetime

from xinqiao.judicial.actions import fetch, make_package, open_case
from xinqiao.judicial.refusals import AlreadyOpen
from xinqiao.judicial.types import CaseKind, CaseRequest, MatterKind
from xinqiao.settlement.moving import SYSTEM
from xinqiao.settlement.queries import find_body, loan_of
from xinqiao.settlement.types import Proceeding

# A party hands electronic data in directly; the case says so to the enterprise.
BASIS = "当事人提交（人民法院在线诉讼规则第十一条；仲裁法；公证法）"


def pack_for(found: Proceeding, body: str, now: datetime) -> bytes | None:
    """The bytes of a package about the proceeding's loan or application for a body; on the enterprise's record.

    Raises PartyNotFound for a body that is not registered, PackageTooLarge, CertificateUnfit, FontMissing.
    """
    loan = loan_of(found)
    kind = find_body(body)
    asked = CaseRequest(
        kind=str(CaseKind(kind.kind if kind else found.kind)),
        case_no=found.id,
        basis=BASIS,
        matter=str(MatterKind.LOAN if loan else MatterKind.APPLICATION),
        enterprise=found.enterprise,
        institution=found.institution,
        number=loan.report.receipt_no if loan else found.number,
    )
    try:
        case = open_case(asked, organisation=body, actor=SYSTEM, now=now).id
    except AlreadyOpen as error:
        case = str(error.data["case"])
    made = make_package(case, organisation=body, actor=SYSTEM, now=now)
    return fetch(made.id, organisation=body, actor=SYSTEM, now=now)
