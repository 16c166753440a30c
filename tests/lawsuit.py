"""A loan that went to court: authorised, read, offered, drawn, fed back, overdue; the case about it and its package."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.factories import NOW
from tests.market import BY, FIRM, Market, drawn, terms
from tests.tsa_server import running_tsa
from xinqiao.consent.types import Form
from xinqiao.evidence.actions import sequence_all
from xinqiao.evidence.stamping import take_stamps
from xinqiao.judicial.actions import make_package, open_case
from xinqiao.judicial.queries import package_bytes, row_of, sidecar
from xinqiao.judicial.types import Case, CaseRequest, PackageFacts
from xinqiao.lending.applications import answer, offer
from xinqiao.lending.loans import report_loans
from xinqiao.lending.types import Answer
from xinqiao.parties.actions import register_organisation
from xinqiao.parties.types import OrganisationKind
from xinqiao.plumbing import settings as node
from xinqiao.release.actions import query
from xinqiao.release.types import Inquiry, Recipient, RecipientKind

RECEIPT = "JJ20260001"
COURT = "court"


@dataclass(frozen=True, slots=True)
class Lawsuit:
    """The case, its package and the proof of it."""

    case: Case
    package: PackageFacts
    data: bytes
    proof: bytes


def lend(market: Market, *, repayments: int = 1) -> str:
    """A loan from choice over monthly repayments to arrears; number of the application."""
    application = market.authorise(market.opt_in())
    bank = Recipient(RecipientKind.INSTITUTION, "bank_a", "示例bank_a")
    asked = Inquiry(bank, FIRM, "approval", Form.REPORT, "api:bank_a", "api", authorisation=application.authorisation)
    query(asked, now=NOW)
    offer(application.id, terms(), institution="bank_a", **BY)
    answer(application.id, Answer.ACCEPT, enterprise=FIRM, signatory=market.owner, **BY)
    late: dict[str, Any] = {"overdue_days": 31, "overdue_fen": 1_200_00, "five_class": "special_mention"}
    paid = [{"balance_fen": 79_000_000 - 100_000 * month} for month in range(repayments)]
    last = paid[-1]["balance_fen"]
    for month, more in enumerate([{}, *paid, {"balance_fen": last, **late}]):
        row, at = drawn(application.id, **more), NOW + timedelta(days=30 * month / max(1, repayments))
        report_loans([row], institution="bank_a", actor="api:bank_a", now=at)
    register_organisation(COURT, kind=OrganisationKind.JUDICIAL, name="示例法院", actor="t", now=NOW)
    return application.id


def request(**changes: str) -> CaseRequest:
    """A case about the loan, as a court writes it."""
    made = {
        "kind": "litigation", "case_no": "（2026）陕示民初1号", "basis": "协助调取证据通知书 示例001", "matter": "loan",
        "enterprise": FIRM, "institution": "bank_a", "number": RECEIPT,
    }  # fmt: skip
    return CaseRequest(**(made | changes))


def sue(**changes: str) -> Lawsuit:
    """Open the case and make its package, under a signed checkpoint; its own digest under another."""
    later = NOW + timedelta(days=61)
    sequence_all(now=later)
    take_stamps(now=later)
    case = open_case(request(**changes), organisation=COURT, actor="person:7", now=later)
    package = make_package(case.id, organisation=COURT, actor="person:7", now=later)
    sequence_all(now=later)
    return Lawsuit(case, package, package_bytes(row_of(package.id)), sidecar(package.id))


@contextmanager
def dated_by_an_authority(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """A running time-stamping authority that the node asks."""
    with running_tsa(folder) as url:
        (folder / "authorities").write_text(f"test-tsa {url} ca.pem\n")
        patch.setenv("XINQIAO_TSA", str(folder / "authorities"))
        node.tsa_file.cache_clear()
        try:
            yield
        finally:
            patch.delenv("XINQIAO_TSA")
            node.tsa_file.cache_clear()
