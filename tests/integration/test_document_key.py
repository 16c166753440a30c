"""Papers are signed by a key of their own: it signs no checkpoint, and the log's keys sign no paper."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import transaction

from xinqiao.evidence import queries
from xinqiao.evidence.actions import record, sequence
from xinqiao.evidence.announcements import follow, read_announcement
from xinqiao.evidence.keys import DOCUMENT, document_key, gm_key, log_key, log_keys
from xinqiao.evidence.notes import InvalidNote, open_checkpoint
from xinqiao.evidence.proofs import check_document
from xinqiao.evidence.rotation import change_key, retire_key
from xinqiao.evidence.types import KEY_RETIRED
from xinqiao.evidence.verify import verify_folder

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
PAPER = b'{"times_max": 3}'

pytestmark = pytest.mark.django_db


def grow() -> None:
    with transaction.atomic():
        record(KEY_RETIRED, actor="system", subject="x", body={}, now=NOW)
    sequence(now=NOW)


def test_each_key_has_one_use(evidence_folder: Path) -> None:
    grow()
    signature = queries.sign_document(PAPER, kind="authorisation")
    check_document(PAPER, signature, kind="authorisation", key=document_key())
    for other in (log_key(), gm_key()):
        with pytest.raises(InvalidNote):
            check_document(PAPER, signature, kind="authorisation", key=other)
    with pytest.raises(InvalidNote):
        open_checkpoint(queries.signed_note(), key=document_key())
    assert document_key() not in log_keys()


def test_the_log_vouches_for_it_and_no_verifier_takes_it_for_the_log(evidence_folder: Path) -> None:
    """Published apart from the log's keys, so that whoever follows those never arrives at it."""
    grow()
    old, new = read_announcement((evidence_folder / "documents" / "document-1.note").read_text())
    assert (old, new) == (log_key(), document_key())
    assert (evidence_folder / "documents" / "vkey").read_text().strip() == document_key().vkey
    notes = [path.read_text() for path in (evidence_folder / "keys").glob("*.note")]
    assert document_key() not in follow([log_key()], notes)
    assert verify_folder(evidence_folder, log_key().vkey).ok


def test_it_is_changed_without_touching_the_log(evidence_folder: Path) -> None:
    grow()
    before, paper, log = document_key(), queries.sign_document(PAPER, kind="authorisation"), log_key()
    after = change_key(DOCUMENT, actor="person:1", now=NOW)
    assert document_key() == after != before and log_key() == log
    check_document(PAPER, paper, kind="authorisation", key=before)
    check_document(PAPER, queries.sign_document(PAPER, kind="authorisation"), kind="authorisation", key=after)
    assert retire_key(DOCUMENT, actor="person:1", now=NOW)
    sequence(now=NOW)
    assert (evidence_folder / "documents" / "document-2.note").exists()
    assert verify_folder(evidence_folder, log.vkey).ok
