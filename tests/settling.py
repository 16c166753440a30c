"""A market whose loan went bad, three offices it can be brought to, and the forms a bank fills in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.factories import NOW, uscc
from tests.judicial_peers import Peer, running_office
from tests.lawsuit import RECEIPT, lend
from tests.market import FIRM, Market
from xinqiao.judicial.jobs import carry
from xinqiao.kernel.dated import beijing_day
from xinqiao.parties.actions import register_organisation
from xinqiao.parties.models import Organisation
from xinqiao.parties.types import OrganisationKind
from xinqiao.plumbing import settings as node
from xinqiao.settlement import actions
from xinqiao.settlement.queries import get_proceeding
from xinqiao.settlement.statements import own_jwk
from xinqiao.settlement.types import Guarantor, Payment, Proceeding, Terms

PDF = b"%PDF-1.7 sample "
BANK: dict[str, str] = {"institution": "bank_a"}
LATER = NOW + timedelta(days=61)  # after the last report, which says that it is overdue
DAY = beijing_day(LATER)
OFFICES = {"notary-demo": "notarisation", "arbitration-demo": "arbitration", "court-demo": "litigation"}
DEED = Terms(
    contract_no="SX20260001", debt_fen=80_000_000, rate_bp=420, overdue_rate_bp=630, acceptance=True,
    verification="letter", payments=(Payment(date(2027, 5, 18), 40_000_000, 1_680_000),
                                     Payment(date(2027, 11, 18), 40_000_000, 1_680_000)),
    guarantors=(Guarantor("示例担保公司", uscc(9), True),),
)  # fmt: skip
CLAIM = Terms(
    contract_no="SX20260001", principal_fen=79_000_000, interest_fen=1_200_000, fees_fen=50_000, rate_bp=420,
    overdue_rate_bp=630, counted_on=DAY, address="陕西省西安市示例路1号",
    facts="2026年11月19日放款，到期后经两次催告仍未归还，依合同请求归还本金、利息和逾期利息。",
)  # fmt: skip
AGREED = replace(CLAIM, agreement="因本合同引起的争议提交示例仲裁委员会仲裁。", agreed_body="arbitration-demo")


def by(now: datetime = LATER, actor: str = "person:31") -> dict[str, Any]:
    """Who acts, and when."""
    return {"actor": actor, "now": now}


def bad_loan(market: Market) -> str:
    """A loan in arrears, the bodies registered, the lender with its code; number of the application."""
    application = lend(market)
    Organisation.objects.filter(code="bank_a").update(uscc=uscc(900))
    for code, name in (
        ("notary-demo", "示例公证处"),
        ("arbitration-demo", "示例仲裁委员会"),
        ("court-demo", "示例法院"),
    ):
        register_organisation(code, kind=OrganisationKind.JUDICIAL, name=name, actor="t", now=NOW)
    return application


def drafted(
    kind: str, body: str, terms: Terms, *, about: str = "loan", number: str = RECEIPT, now: datetime = LATER
) -> Proceeding:
    """A proceeding with its terms and the contract."""
    made = actions.draft(kind, about=about, number=number, body=body, enterprise=FIRM, **BANK, **by(now))
    actions.hand_in(made.id, "contract", name="contract.pdf", data=PDF + b"contract", **BANK, **by(now))
    return actions.state_terms(made.id, terms, **BANK, **by(now))


def state(number: str) -> str:
    """Where it stands."""
    return str(get_proceeding(number).state)


def rounds(now: datetime = LATER, count: int = 1) -> int:
    """The messenger goes out."""
    return sum(carry(now=now) for _ in range(count))


def paper(kind: str, name: str = "paper.pdf", text: str = "") -> dict[str, str]:
    """A paper as an office writes it."""
    return {"kind": kind, "name": name, "text": (PDF + text.encode()).decode("latin-1")}


@contextmanager
def connected(folder: Path, patch: pytest.MonkeyPatch, *codes: str) -> Iterator[Mapping[str, Peer]]:
    """Offices in processes of their own, and the file that connects the node with them."""
    with ExitStack() as stack:
        peers = {
            code: stack.enter_context(
                running_office(OFFICES[code], code, folder / code, node=own_jwk(), node_code=node.node_code())
            )
            for code in codes
        }
        file = folder / "bodies.toml"
        file.write_text("".join(
            f"[[bodies]]\ncode = '{p.code}'\nurl = '{p.url}'\nkey = '{json.dumps(p.jwk)}'\nsecret = '{p.secret}'\n"
            for p in peers.values()
        ))  # fmt: skip
        file.chmod(0o600)
        patch.setenv("XINQIAO_BODIES", str(file))
        node.bodies_file.cache_clear()
        try:
            yield peers
        finally:
            patch.delenv("XINQIAO_BODIES")
            node.bodies_file.cache_clear()
