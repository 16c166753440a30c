"""A leaf tells nothing of whom it is about; a holder of its salts can show it, part by part."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.evidence_log import KEY, LOG, ORIGIN
from xinqiao.evidence.chains import Link
from xinqiao.evidence.leaves import PARTS, Salts, check_disclosure, disclosure_of, instant_text, leaf_bytes
from xinqiao.evidence.merkle import InvalidProof, inclusion_proof, leaf_hash, root_of, subtree_hash_of
from xinqiao.evidence.notes import InvalidNote, LogKey, TreeHead, sign_note
from xinqiao.evidence.proofs import (
    InclusionProof,
    check_receipt,
    promise_text,
    read_receipt,
    receipt_as_json,
    sign_promise,
)
from xinqiao.evidence.types import EVENTS, Event, Receipt
from xinqiao.evidence.verify import verify_receipt
from xinqiao.kernel.canonical import canonical_bytes, read_json
from xinqiao.kernel.crypto import SigningKey
from xinqiao.parties.types import ORGANISATION_ADMITTED

AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
SALTS = Salts(b"a" * 16, b"s" * 16, b"b" * 16)
CONTENT = {"actor": "person:12", "subject": "91610131MA00000000", "body": canonical_bytes({"form": "report"})}
LEAF = leaf_bytes(at=AT, event="test.done", salts=SALTS, **CONTENT)
SHOWN = disclosure_of(salts=SALTS, **CONTENT)


def test_a_leaf_has_one_spelling() -> None:
    """Golden bytes: a change here would break every receipt ever handed out."""
    assert LEAF.decode() == (
        '{"actor":"1e6016d011fd5a7f26ab7d66799297938bd0059a4af4e27ef71dc97cb67e2912",'
        '"at":"2026-03-01T08:30:00.000000Z",'
        '"body":{"sha256":"4157796d17c9a9adb7778212d4b457cfa48275fad79b58da7bebc1eeedaa3cde",'
        '"sm3":"ec0887cd55b1be98971cbf387df5697b4c5d279f5ae0efe75d087490177e29f9"},'
        '"event":"test.done",'
        '"subject":"353a7c98b09eceb4e88c97f587f9fdac8166fa932d40e64311446eb84112d92f","v":3}'
    )


@given(events=st.sampled_from(sorted(EVENTS)), actor=st.text(), subject=st.text(), body=st.binary(), at=st.datetimes())
def test_a_leaf_is_spelled_as_rfc_8785_has_it(events: str, actor: str, subject: str, body: bytes, at: datetime) -> None:
    content = {"at": at.replace(tzinfo=UTC), "event": events, "actor": actor, "subject": subject, "body": body}
    for link in (None, Link(3, b"signature", b"before")):
        leaf = leaf_bytes(**content, salts=Salts.generate(), link=link)
        assert canonical_bytes(read_json(leaf)) == leaf


def test_event_and_time_are_open() -> None:
    value = read_json(LEAF)
    assert list(value) == ["actor", "at", "body", "event", "subject", "v"]
    assert (value["v"], value["at"], value["event"]) == (3, "2026-03-01T08:30:00.000000Z", "test.done")


def test_a_leaf_holds_no_personal_data() -> None:
    for secret in (b"person", b"91610131", b"report"):
        assert secret not in LEAF


def test_an_instant_is_written_in_utc() -> None:
    beijing = timezone(timedelta(hours=8))
    assert instant_text(AT.astimezone(beijing)) == "2026-03-01T08:30:00.000000Z"
    with pytest.raises(ValueError, match="time zone"):
        instant_text(datetime(2026, 3, 1))  # noqa: DTZ001


def test_salts_go_both_ways() -> None:
    assert Salts.from_bytes(SALTS.to_bytes()) == SALTS
    assert Salts.generate() != Salts.generate()
    with pytest.raises(ValueError, match="48"):
        Salts.from_bytes(b"short")


def test_each_part_is_shown_on_its_own() -> None:
    assert check_disclosure(LEAF, SHOWN) == ()
    for part in PARTS:
        only = disclosure_of(salts=SALTS, parts=(part,), **CONTENT)
        assert list(only) == [part]
        assert check_disclosure(LEAF, only) == ()


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("change", [{"content": "someone else"}, {"salt": "00" * 16}, {"salt": "00"}])
def test_a_false_disclosure_is_named(part: str, change: dict[str, str]) -> None:
    assert check_disclosure(LEAF, SHOWN | {part: SHOWN[part] | change}) == (part,)


@pytest.mark.parametrize("nothing", [{}, {"actor": {}}, {"actor": None}, {"actor": {"salt": "zz", "content": ""}}])
def test_what_cannot_be_read_shows_nothing(nothing: dict[str, object]) -> None:
    assert check_disclosure(LEAF, nothing) == PARTS
    assert check_disclosure(b"no leaf", SHOWN) == PARTS
    assert check_disclosure(LEAF, {"event": SHOWN["body"]}) == ("event",)


def _receipt(*, with_proof: bool) -> Receipt:
    leaves = [b"first", LEAF, b"third"]
    hashes = [leaf_hash(leaf) for leaf in leaves]
    note = sign_note(TreeHead(ORIGIN, 3, root_of(hashes)).text, name=ORIGIN, key=KEY)
    proof = InclusionProof(1, tuple(inclusion_proof(1, 3, subtree_hash_of(hashes))), note).text
    promise = sign_promise(7, LEAF, origin=ORIGIN, key=KEY)
    return Receipt(7, LEAF, leaf_hash(LEAF), ORIGIN, promise, proof if with_proof else None)


@pytest.mark.parametrize("with_proof", [True, False])
def test_a_receipt_is_checked_offline(with_proof: bool) -> None:
    receipt = _receipt(with_proof=with_proof)
    data = receipt_as_json(receipt)
    assert read_receipt(data) == receipt
    head = check_receipt(receipt, key=LOG)
    assert (head.size if head else None) == (3 if with_proof else None)
    assert verify_receipt(data, LOG.vkey).ok


def test_no_altered_byte_of_a_receipt_is_accepted() -> None:
    data = receipt_as_json(_receipt(with_proof=True))
    for position in range(len(data)):
        altered = data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
        assert not verify_receipt(altered, LOG.vkey).ok, f"byte {position}: {altered[position - 20 : position + 20]!r}"


def test_a_receipt_of_another_entry_or_key_is_refused() -> None:
    receipt = _receipt(with_proof=True)
    with pytest.raises(InvalidProof):
        check_receipt(replace(receipt, entry_id=8), key=LOG)
    with pytest.raises(InvalidNote):
        check_receipt(receipt, key=LogKey(ORIGIN, SigningKey(bytes(32)).public))
    other = leaf_bytes(at=AT, event="test.undone", salts=SALTS, **CONTENT)
    with pytest.raises(InvalidProof):
        check_receipt(replace(receipt, leaf=other), key=LOG)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"v":1}', b"null"])
def test_other_files_are_no_receipts(data: bytes) -> None:
    assert not verify_receipt(data, LOG.vkey).ok


def test_a_promise_can_never_be_read_as_a_checkpoint() -> None:
    with pytest.raises(InvalidNote):
        TreeHead.parse(promise_text(7, LEAF, origin=ORIGIN))


def test_a_proof_file_with_extra_data_is_read() -> None:
    text = _receipt(with_proof=True).proof
    assert text is not None
    with_extra = text.replace("\nindex", "\nextra AAAA\nindex")
    assert InclusionProof.parse(with_extra) == InclusionProof.parse(text)
    assert InclusionProof.parse(text).text == text


@pytest.mark.parametrize("code", ["granted", "Consent.granted", "consent.", "consent granted"])
def test_an_event_code_is_words_joined_by_dots(code: str) -> None:
    with pytest.raises(ValueError, match="words joined by dots"):
        Event(code, "名", "name")


def test_an_event_is_declared_once() -> None:
    assert EVENTS[ORGANISATION_ADMITTED.code] is ORGANISATION_ADMITTED
    with pytest.raises(ValueError, match="twice"):
        Event(ORGANISATION_ADMITTED.code, "名", "name")
