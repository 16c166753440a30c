"""Accesses of a firm in the real log: all of them provable, contents erasable, the log verifiable throughout."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import transaction

from xinqiao.evidence import queries
from xinqiao.evidence.actions import erase_subject, record, sequence
from xinqiao.evidence.chains import ChainVerifyKey, check_statement
from xinqiao.evidence.keys import log_key
from xinqiao.evidence.models import Entry
from xinqiao.evidence.proofs import check_receipt
from xinqiao.evidence.types import ContentErased, EntryRef
from xinqiao.evidence.verify import verify_folder
from xinqiao.parties.types import ORGANISATION_ADMITTED
from xinqiao.plumbing import settings as node
from xinqiao.release.types import GRANTED, REFUSED

NOW = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
FIRM, OTHER = "91610131TEST000001", "91610131TEST000002"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("evidence_folder")]


def _access(subject: str = FIRM, *, refused: bool = False) -> EntryRef:
    with transaction.atomic():
        return record(REFUSED if refused else GRANTED, actor="api:bank", subject=subject, body={}, now=NOW)


def _faults(subject: str) -> list[str]:
    statement = queries.chain_statement(subject)
    leaves = [bytes(leaf) for leaf in Entry.objects.order_by("leaf_index").values_list("leaf", flat=True)]
    return check_statement(statement, leaves[: statement.size], key=ChainVerifyKey(queries.chain_public_key()))


def test_a_firm_proves_that_these_accesses_are_all() -> None:
    _access(), _access(OTHER), _access(refused=True), _access(OTHER), _access()
    with transaction.atomic():  # about the firm, but nobody read anything
        record(ORGANISATION_ADMITTED, actor="system", subject=FIRM, body={}, now=NOW)
    sequence(now=NOW)
    statement = queries.chain_statement(FIRM)
    assert [opening.number for opening in statement.openings] == [1, 2, 3]
    assert _faults(FIRM) == []
    assert _faults(OTHER) == []


def test_a_statement_speaks_of_what_the_last_checkpoint_covers() -> None:
    _access()
    sequence(now=NOW)
    _access()
    assert len(queries.chain_statement(FIRM).openings) == 1
    sequence(now=NOW)
    assert len(queries.chain_statement(FIRM).openings) == 2
    assert _faults(FIRM) == []


def test_a_recipient_checks_that_its_access_is_in_the_firms_chain() -> None:
    _access()
    second = _access()
    place = queries.chain_place(second.id)
    key = ChainVerifyKey(queries.chain_public_key())
    assert place["n"] == 2
    signature = bytes.fromhex(place["signature"])
    assert key.stands_behind(signature, origin=node.log_origin(), subject=FIRM, number=2)


def test_an_access_that_is_rolled_back_leaves_no_gap() -> None:
    _access()
    with pytest.raises(RuntimeError), transaction.atomic():
        record(GRANTED, actor="api:bank", subject=FIRM, body={}, now=NOW)
        raise RuntimeError
    _access()
    sequence(now=NOW)
    assert [opening.number for opening in queries.chain_statement(FIRM).openings] == [1, 2]
    assert _faults(FIRM) == []


def test_erasing_a_firm_leaves_the_log_and_its_receipts_verifiable(evidence_folder: Path) -> None:
    first, other = _access(), _access(OTHER)
    sequence(now=NOW)
    kept = queries.receipt(first.id)
    with transaction.atomic():
        assert erase_subject(FIRM, actor="person:1", reason="注销后依法删除", now=NOW) == 1
    with pytest.raises(ContentErased):
        queries.disclose(first.id)
    entry = queries.get_entry(first.id)
    assert (entry.actor, entry.subject, entry.body) == ("", "", None)
    assert queries.get_entry(other.id).subject == OTHER
    assert queries.list_entries(subject=FIRM) == []
    sequence(now=NOW)
    assert verify_folder(evidence_folder, log_key().vkey).ok
    assert check_receipt(kept, key=log_key())
    assert check_receipt(queries.receipt(first.id), key=log_key())


def test_after_erasure_a_chain_goes_on_where_it_stood() -> None:
    """A second access numbered 1 would be a fork."""
    _access()
    with transaction.atomic():
        erase_subject(FIRM, actor="person:1", reason="注销后依法删除", now=NOW)
    assert queries.chain_place(_access().id)["n"] == 2
