"""Random requests on which the evaluators of the table must agree; each mismatch and edge of time is likely."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

from xinqiao.consent.types import Authorisation, AuthorisationStatus, Form, Power, PowerSource
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.release.cedar import CedarGate
from xinqiao.release.rules import judge, parse_policy
from xinqiao.release.types import TABLED, Ask, NotProved, Recipient, RecipientKind

START = datetime(2026, 1, 1, tzinfo=UTC)
CODES = ("bank-a", "bank-b", "platform-c")
FIRMS = ("91610131MAYDEM0155", "91610131MAYDEM0163", "91610131MAYDEM0171")
PURPOSES = ("pre_loan", "post_loan", "evaluation")
ITEMS = tuple(f"item.{n:02d}" for n in range(8))
POWER = Power(PowerSource.LEGAL_REPRESENTATIVE, (), None, "password", "")
CHUNK = 5_000
SAID = 5  # disagreements told at once


def random_asks(seed: int) -> Iterator[tuple[Ask, datetime]]:
    """Requests with their times, without end; the same seed gives the same ones."""
    dice = random.Random(seed)
    while True:
        now = START + timedelta(hours=dice.randrange(0, 72))
        kind = dice.choice(TABLED)
        code = dice.choice(FIRMS if kind is RecipientKind.ENTERPRISE else CODES)
        recipient = Recipient(kind, code, code, admitted=dice.random() < 0.9)
        firm, purpose, form = dice.choice(FIRMS), dice.choice(PURPOSES), dice.choice(list(Form))
        closed = tuple(dice.sample(ITEMS, dice.choice((0, 1, 2, 3))))
        ask = Ask(recipient, firm, purpose, form, closed, None)
        given = _authorisation(dice, ask, now) if dice.random() < 0.85 else None
        yield Ask(recipient, firm, purpose, form, closed, given), now


def _authorisation(dice: random.Random, ask: Ask, now: datetime) -> Authorisation:
    """One that mostly fits the request, and fails it in each possible way now and then."""

    def mostly(fitting: str, others: Sequence[str]) -> str:
        return fitting if dice.random() < 0.9 else dice.choice(others)

    most = dice.randrange(1, 4)
    held = ask.closed if dice.random() < 0.9 else ask.closed[1:]
    begins = now + timedelta(microseconds=dice.choice((-(10**10), -1, 0, 0, 1)))
    ends = now + timedelta(microseconds=dice.choice((10**10, 10**10, 10**10, 1, 0, -1)))
    return Authorisation(
        id="C", request="R",
        status=AuthorisationStatus.ACTIVE if dice.random() < 0.8 else dice.choice(list(AuthorisationStatus)),
        subject=mostly(ask.enterprise, FIRMS), subject_name="", signatory=1, power=POWER,
        recipient=mostly(ask.recipient.code, CODES), recipient_name="", purpose=mostly(ask.purpose, PURPOSES),
        items=tuple(dict.fromkeys((*held, *dice.sample(ITEMS, 2)))),
        form=Form(mostly(Form.DETAIL, list(Form))),
        valid_from=begins, valid_to=ends, times_max=most,
        times_used=dice.choice((0, 0, 0, most - 1, most)), data_months=12, retention_days=30,
        reason="", product="", platform="", template="credit_query", template_version="1", list_sha256="",
        text_sha256="", locale="zh", channel="portal", address="",
        ended_at=None, ended_reason="",
    )  # fmt: skip


def disagreements(text: str, *, seed: int, count: int) -> Iterator[tuple[Ask, datetime, bool, bool]]:
    """Requests the gate and Cedar decide differently, with both answers; ``text`` is that of ``release.toml``."""
    table, cedar, asks = parse_policy(text), CedarGate(text), random_asks(seed)
    for begun in range(0, count, CHUNK):
        chunk = list(islice(asks, min(CHUNK, count - begun)))
        for (ask, now), theirs in zip(chunk, cedar.allows(chunk), strict=True):
            ours = judge(table, ask, now=now)[0].allow
            if ours != theirs:
                yield ask, now, ours, theirs


def require_agreement(text: str, *, seed: int, count: int) -> None:
    """Raises NotProved with the first requests on which the two evaluators differ."""
    problems = [
        Problem(
            field="cedar",
            code="release.disagreement",
            message=Phrase(
                "同一请求两种算法结论不同：{ask}", ask=f"{ask.recipient.kind} {ask.form} {ask.closed} {now}"
            ),
        )
        for ask, now, _, _ in islice(disagreements(text, seed=seed, count=count), SAID)
    ]
    if problems:
        raise NotProved(problems)
