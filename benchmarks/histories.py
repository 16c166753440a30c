"""Random histories of enterprises: deliveries, authorisations and reads at random moments, played in one world or two.

In the second world the rows that will be corrected are delivered as they should have been, and everything else as it
was: nobody is ever told anything wrong there.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.node import ACTOR

ITEM = "penalty.decision"
BANKS = ("bank-a", "bank-b", "bank-c")
START = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
CORRECTED_AFTER = timedelta(days=14)
FORMS = ("verify", "derived", "report")
RIGHT = {"severity": "一般", "fine_fen": "800"}


@dataclass(frozen=True, slots=True)
class Read:
    """A read by a bank: how long after the start, of the public part or under its authorisation."""

    after: timedelta
    bank: str
    form: str
    public: bool


@dataclass(frozen=True, slots=True)
class History:
    """One enterprise: its code, the row that was wrong and since when, the reads of it, what was found."""

    code: str
    number: int
    row: Mapping[str, str]
    wrong_after: timedelta | None  # a right row was there before; None: the first one was wrong
    removed: bool  # the row should not be there at all
    reads: tuple[Read, ...]
    grants: frozenset[str] = field(default_factory=frozenset)

    @property
    def as_right(self) -> dict[str, str] | None:
        """The row as it should have been."""
        return None if self.removed else {**self.row, **RIGHT}


def draw(pick: random.Random, number: int) -> History:
    """A random history."""
    row = {
        "uscc": code_of(number), "document_no": f"P-{number}", "kind": "罚款",
        "severity": pick.choice(("严重", "轻微", "一般")), "decided_on": f"2026-0{pick.randrange(1, 10)}-11",
        "fine_fen": pick.choice(("800", "5000", "90000")),
    }  # fmt: skip
    reads = tuple(
        Read(
            _moment(pick), pick.choice(BANKS), pick.choice(FORMS),
            pick.random() < 0.4,
        )
        for _ in range(pick.randrange(2, 7))
    )  # fmt: skip
    grants = frozenset(r.bank for r in reads if not r.public)
    before = timedelta(days=pick.randrange(1, 10)) if pick.random() < 0.4 else None
    removed = before is None and pick.random() < 0.4
    return History(code_of(number), number, row, before, removed, reads, grants)


def _moment(pick: random.Random) -> timedelta:
    """Nine of ten before the correction, the others a while after it."""
    if pick.random() < 0.9:
        return timedelta(minutes=pick.randrange(60, 14 * 24 * 60))
    return CORRECTED_AFTER + timedelta(minutes=pick.randrange(60, 600))


def code_of(number: int) -> str:
    """The ``number``-th generated code."""
    from xinqiao.kernel.identifiers import USCC_CHARS, make_uscc

    body = "".join(USCC_CHARS[number // 31**place % 31] for place in range(5, -1, -1))
    return make_uscc("91", "610102", f"MAH{body}")


def found_node() -> None:
    """Banks that are admitted; owners' passwords are not what is measured here."""
    from django.conf import settings

    from xinqiao.parties.actions import register_organisation, set_admitted
    from xinqiao.parties.types import OrganisationKind

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    for bank in BANKS:
        register_organisation(bank, kind=OrganisationKind.INSTITUTION, name=f"Bank {bank}", actor=ACTOR, now=START)
        set_admitted(bank, admitted=True, reason="x", actor=ACTOR, now=START)


def deliver(item: str, rows: list[dict[str, str]], now: datetime) -> None:
    """Rows as their department delivers them."""
    from xinqiao.ingest.actions import receive_rows
    from xinqiao.sharing.queries import current_list

    if rows:
        found = current_list().item(item)
        outcome = receive_rows(found, rows, provider=found.department.code, actor=ACTOR, now=now)
        assert outcome.accepted == len(rows), outcome


def register(histories: list[History]) -> None:
    """The registrations, with owners."""
    same = {"registered_on": "2019-03-01", "capital": "100万人民币", "industry": "C3411"}
    rows = [{"uscc": h.code, "name": f"Example {h.number}", **same} for h in histories]
    deliver("registration.basic", rows, START)


def deliver_wrong(histories: list[History], *, right: bool) -> None:
    """The rows that will be disputed: at the start, or by a change of a right row some days later.

    ``right``: as they should have been from the moment at which they went wrong.
    """
    # Rows of somebody else, so that in both worlds a delivery comes at the same moments.
    first, later = [_other(0)], {timedelta(days=day): [_other(day)] for day in range(1, 10)}
    for h in histories:
        wrong = dict(h.as_right or {}) if right else dict(h.row)
        if h.wrong_after is None:
            first += [wrong] if wrong else []
            continue
        first.append({**h.row, "fine_fen": "123"})
        if wrong:
            later[h.wrong_after].append(wrong)
    deliver(ITEM, first, START)
    for after, rows in sorted(later.items()):
        deliver(ITEM, rows, START + after)


def _other(day: int) -> dict[str, str]:
    row = {"kind": "罚款", "severity": "一般", "decided_on": "2026-01-11", "fine_fen": "1"}
    return {"uscc": code_of(900_000), "document_no": f"Q-{day}", **row}


def authorise(histories: list[History]) -> dict[tuple[str, str], str]:
    """An authorisation of each bank that reads what is not public: (enterprise, bank) → its number."""
    from xinqiao.catalogue.types import Openness
    from xinqiao.consent.actions import grant_authorisation, request_authorisation
    from xinqiao.consent.queries import consent_text
    from xinqiao.consent.types import Form
    from xinqiao.parties.actions import add_member, register_enterprise, register_person
    from xinqiao.parties.types import Role
    from xinqiao.sharing.queries import current_list

    closed = tuple(i.code for i in current_list() if i.openness is not Openness.PUBLIC)
    given = {}
    by: dict[str, Any] = {"actor": ACTOR, "now": START}
    for h in histories:
        if not h.grants:
            continue
        register_enterprise(h.code, name=f"Example {h.number}", **by)
        person = register_person(f"owner-{h.number}", name="陈", password="a-long-password", **by)
        add_member(person, role=Role.OWNER, enterprise=h.code, **by)
        for bank in sorted(h.grants):
            asked = request_authorisation(
                bank, enterprise=h.code, purpose="approval", items=closed, form=Form.REPORT, reason="A-1", days=30,
                times=3, **by,
            )  # fmt: skip
            shown = consent_text(asked.id, locale="zh")
            granted = grant_authorisation(asked.id, signatory=person, locale="zh", text_digest=shown.sha256, now=START)
            given[h.code, bank] = granted.id
    return given


def read_all(
    histories: list[History], given: Mapping[tuple[str, str], str], *, until: timedelta
) -> dict[str, list[Any]]:
    """Every read by then in order of time; enterprise → (read, ledger line, document) of those that were answered."""
    from xinqiao.consent.types import Form
    from xinqiao.release.actions import query
    from xinqiao.release.types import Inquiry, NotReleased, Recipient, RecipientKind

    told: dict[str, list[Any]] = {h.code: [] for h in histories}
    acts = sorted(
        ((START + r.after, h.number, n, h, r) for h in histories for n, r in enumerate(h.reads) if r.after < until),
        key=_first,
    )
    for now, _, _, h, read in acts:
        recipient = Recipient(RecipientKind.INSTITUTION, read.bank, f"Bank {read.bank}")
        number = "" if read.public else given[h.code, read.bank]
        inquiry = Inquiry(
            recipient, h.code, "public" if read.public else "approval", Form(read.form), f"api:{read.bank}", "api",
            authorisation=number, public_only=read.public,
        )  # fmt: skip
        try:
            answer = query(inquiry, now=now)
        except NotReleased:  # the count of the authorisation is used up, or the registry does not know it yet
            continue
        told[h.code].append((read, answer.access.id, answer.document))
    return told


def _first(act: tuple[Any, ...]) -> tuple[Any, ...]:
    return act[:3]
