"""A subject proves from the public log that its accesses are all; nobody else can tell which leaves are its own."""

from __future__ import annotations

import random
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from xinqiao.evidence.chains import (
    GENESIS,
    ChainSigningKey,
    ChainVerifyKey,
    Link,
    Opening,
    Statement,
    chain_message,
    check_statement,
    label_of,
    labels_of,
)
from xinqiao.evidence.leaves import Salts, leaf_bytes
from xinqiao.evidence.merkle import leaf_hash
from xinqiao.kernel.crypto import InvalidKey

KEY = ChainSigningKey.generate()
ORIGIN = "log.example/evidence"
FIRMS = ("91610131MA00000001", "91610131MA00000002")
AT = datetime(2026, 3, 1, tzinfo=UTC)


class Log:
    """A log of accesses to firms, made as the node makes it, and open to a node that cheats."""

    def __init__(self, seed: int = 0) -> None:
        self.draw = random.Random(seed)
        self.leaves: list[bytes] = []
        self.openings: dict[str, list[Opening]] = {}

    def access(self, subject: str, *, number: int | None = None, previous: bytes | None = None) -> bytes:
        """Append the leaf of one access; by default the subject's next."""
        chain = self.openings.setdefault(subject, [])
        number = len(chain) + 1 if number is None else number
        if previous is None:
            previous = leaf_hash(chain[-1].leaf) if chain else GENESIS
        link = Link(number, KEY.sign(origin=ORIGIN, subject=subject, number=number), previous)
        salts = Salts.from_bytes(self.draw.randbytes(64))
        leaf = self.leaf(subject, link, salts)
        self.leaves.append(leaf)
        chain.append(Opening(number, link.signature, leaf, salts.link))
        return leaf

    def leaf(self, subject: str, link: Link | None, salts: Salts) -> bytes:
        """Bytes of a leaf as the log would hold them."""
        at = AT + timedelta(seconds=len(self.leaves))
        return leaf_bytes(
            at=at,
            event="release.granted",
            actor="api:bank",
            subject=subject,
            body=b"{}",
            salts=salts,
            link=link,
        )

    def statement(self, subject: str) -> Statement:
        """What an honest node would hand the subject."""
        openings = tuple(self.openings.get(subject, []))
        absent = KEY.sign(origin=ORIGIN, subject=subject, number=len(openings) + 1)
        return Statement(ORIGIN, subject, len(self.leaves), openings, absent)


def _mixed(seed: int, accesses: int = 12) -> Log:
    log = Log(seed)
    for _ in range(accesses):
        log.access(log.draw.choice(FIRMS))
    for firm in FIRMS:
        while len(log.openings.get(firm, [])) < 3:
            log.access(firm)
    return log


def _faults(statement: Statement, log: Log) -> list[str]:
    return check_statement(statement, log.leaves, key=KEY.public)


def test_an_honest_statement_holds_and_survives_its_file() -> None:
    log = _mixed(1)
    for firm in FIRMS:
        assert _faults(Statement.from_json(log.statement(firm).as_json()), log) == []
    assert _faults(log.statement("91610131MA00000003"), log) == []  # a firm that nobody asked about


def test_a_thousand_times_something_is_hidden_and_found() -> None:
    """The node leaves out, exchanges, forks or invents one access of a firm: found every time."""
    tricks = (_leave_out_last, _leave_out_inside, _exchange, _fork, _relink, _other_leaf)
    for trial in range(1000):
        log = _mixed(trial, accesses=4)
        statement = tricks[trial % len(tricks)](log, FIRMS[trial % 2])
        assert _faults(statement, log), (trial, tricks[trial % len(tricks)].__name__)


def _leave_out_last(log: Log, firm: str) -> Statement:
    whole = log.statement(firm)
    absent = KEY.sign(origin=ORIGIN, subject=firm, number=len(whole.openings))
    return replace(whole, openings=whole.openings[:-1], absent=absent)


def _leave_out_inside(log: Log, firm: str) -> Statement:
    whole = log.statement(firm)
    return replace(whole, openings=whole.openings[:1] + whole.openings[2:])


def _exchange(log: Log, firm: str) -> Statement:
    whole = log.statement(firm)
    first, second, *rest = whole.openings
    return replace(whole, openings=(second, first, *rest))


def _fork(log: Log, firm: str) -> Statement:
    """Two leaves with one number: one is shown to the firm, the other to somebody else."""
    whole = log.statement(firm)
    log.access(firm, number=2, previous=leaf_hash(whole.openings[0].leaf))
    return replace(whole, size=len(log.leaves))


def _relink(log: Log, firm: str) -> Statement:
    """An access that is chained to another than the one before it."""
    log.access(firm, previous=leaf_hash(log.openings[firm][0].leaf))
    return log.statement(firm)


def _other_leaf(log: Log, firm: str) -> Statement:
    whole = log.statement(firm)
    last = whole.openings[-1]
    return replace(
        whole, openings=(*whole.openings[:-1], replace(last, leaf=last.leaf.replace(b"granted", b"refused")))
    )


def test_accesses_in_another_order_than_their_numbers_are_seen() -> None:
    log = _mixed(3)
    whole = log.statement(FIRMS[0])
    a, b = (log.leaves.index(opening.leaf) for opening in whole.openings[:2])
    log.leaves[a], log.leaves[b] = log.leaves[b], log.leaves[a]
    assert any(fault.startswith("order") for fault in _faults(whole, log))


def test_a_statement_needs_the_log_it_speaks_of() -> None:
    log = _mixed(2)
    assert check_statement(log.statement(FIRMS[0]), log.leaves[:-1], key=KEY.public)
    other = ChainSigningKey.generate().public
    assert check_statement(log.statement(FIRMS[0]), log.leaves, key=other)


def test_leaves_of_one_firm_cannot_be_told_from_those_of_two() -> None:
    """An attacker who knows every code and the whole log guesses pairs no better than a coin.

    It uses what a leaf shows beside event and time: labels and links, compared byte by byte, and digests of all that
    the attacker can compute without the private key.
    """
    draw, right, trials = random.Random(7), 0, 2000
    log = Log(7)
    for _ in range(trials):
        same = draw.random() < 0.5
        first = log.access(FIRMS[0])
        second = log.access(FIRMS[0] if same else FIRMS[1])
        guess = _guess_same(first, second)
        right += guess == same
    assert abs(right / trials - 0.5) < 0.04  # 3.5 standard deviations of a fair coin
    assert len(set(labels_of(log.leaves))) == len(log.leaves)


def _guess_same(first: bytes, second: bytes) -> bool:
    labels = [bytes.fromhex(label or "") for label in labels_of([first, second])]
    distance = sum((a ^ b).bit_count() for a, b in zip(*labels, strict=True))
    return distance < 128


def test_labels_are_settled_by_the_key_alone() -> None:
    twice = {label_of(KEY.sign(origin=ORIGIN, subject=FIRMS[0], number=1)) for _ in range(3)}
    assert len(twice) == 1


def test_a_link_of_another_subject_number_or_log_is_refused() -> None:
    signature = KEY.sign(origin=ORIGIN, subject=FIRMS[0], number=1)
    assert KEY.public.stands_behind(signature, origin=ORIGIN, subject=FIRMS[0], number=1)
    assert not KEY.public.stands_behind(signature, origin=ORIGIN, subject=FIRMS[0], number=2)
    assert not KEY.public.stands_behind(signature, origin=ORIGIN, subject=FIRMS[1], number=1)
    assert not KEY.public.stands_behind(signature, origin="other", subject=FIRMS[0], number=1)


@pytest.mark.parametrize("change", [{"v": "other"}, {"openings": [{}]}, {"absent": 5}, {"size": "x"}])
def test_a_file_that_is_no_statement_is_said_to_be_none(change: dict[str, object]) -> None:
    value = _mixed(1).statement(FIRMS[0]).as_json() | change
    with pytest.raises(ValueError):
        Statement.from_json(value)


def test_a_key_must_be_an_rsa_key() -> None:
    for pem in (b"", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"):
        with pytest.raises(InvalidKey):
            ChainVerifyKey(pem)


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is part of every Debian we support")
def test_openssl_checks_a_label(tmp_path: Path) -> None:
    """A recipient shown number and signature needs no program of ours."""
    (tmp_path / "key.pem").write_bytes(KEY.public.pem)
    (tmp_path / "message").write_bytes(chain_message(ORIGIN, FIRMS[0], 5))
    (tmp_path / "signature").write_bytes(KEY.sign(origin=ORIGIN, subject=FIRMS[0], number=5))
    command = ["openssl", "dgst", "-sha256", "-verify", "key.pem", "-signature", "signature", "message"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "Verified OK"
