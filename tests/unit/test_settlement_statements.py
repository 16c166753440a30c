"""Whatever a body signs is an event that can be taken, or a statement that does not hold: never anything else."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.plumbing import settings as node
from xinqiao.settlement.connections import Connection
from xinqiao.settlement.dispatch import told_of
from xinqiao.settlement.refusals import InvalidStatement
from xinqiao.settlement.statements import EVENT, RECEIPT, plain, read_event, read_receipt, shown

KEY = Ed25519PrivateKey.generate()
HEADER = {"alg": "Ed25519", "typ": EVENT}
ODD = st.sampled_from([None, True, 1.0, -1, 10**400, "", "\ud800", "\x00", [], {}, [1], [[[]]], {"a": 1}, "9999-12-31"])
FILE = {"kind": "notice", "name": "通知.pdf", "sha256": "0" * 64}


def base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


BODY = Connection("body", "", {"kty": "OKP", "crv": "Ed25519", "x": base64url(KEY.public_key().public_bytes_raw())}, "")


def signed(claims: object, header: object = HEADER) -> str:
    text = f"{base64url(json.dumps(header).encode())}.{base64url(json.dumps(claims).encode())}"
    return f"{text}.{base64url(KEY.sign(text.encode()))}"


def event(**changes: Any) -> dict[str, Any]:
    return {
        "iss": "body", "aud": node.node_code(), "matter": "Z1", "seq": 1, "prev": "", "event": "accept",
        "on": "2026-11-26", "reason": "", "document_no": "", "presence": "", "file": FILE, **changes,
    }  # fmt: skip


def read(text: str) -> Any:
    return read_event(text, BODY, proceeding="Z1", seq=1, before="")


def test_a_good_event_is_read_in_full() -> None:
    found = read(signed(event(reason="理由　一\n二", amount_fen=5, perform_by="2026-12-31")))
    told = told_of(found, b"x")
    assert (told.event, str(told.on), told.reason, told.amount_fen) == ("accept", "2026-11-26", "理由　一\n二", 5)
    assert (str(told.perform_by), told.paper, told.name) == ("2026-12-31", "notice", "通知.pdf")


@pytest.mark.parametrize("name", ["iss", "aud", "matter", "seq", "prev", "event", "on", "file", "amount_fen", "reason"])
@given(value=ODD)
def test_a_claim_of_another_kind_is_no_event_or_is_left_out(name: str, value: object) -> None:
    try:
        found = read(signed(event(**{name: value})))
    except InvalidStatement as refusal:
        assert refusal.data["what"]
    else:
        assert (found.seq, found.event) == (1, "accept") and plain(found.reason + found.name)
        assert name in ("file", "amount_fen", "reason", "prev", "on"), "these may be missing, or be that day"


@pytest.mark.parametrize("field", ["kind", "name", "sha256"])
@given(value=ODD)
def test_a_file_of_another_form_is_none(field: str, value: object) -> None:
    try:
        found = read(signed(event(file={**FILE, field: value})))
    except InvalidStatement as refusal:
        assert refusal.data["what"] == "file"
    else:
        assert field == "name" and plain(found.name)


@given(name=st.sampled_from(["alg", "typ", "crit", "b64", "kid", "jwk", "zip"]), value=ODD)
def test_no_header_makes_reading_fail_otherwise(name: str, value: object) -> None:
    try:
        assert read(signed(event(), {**HEADER, name: value})).event == "accept"
    except InvalidStatement as refusal:
        assert plain(shown(refusal.message)) and len(shown("x" * 999)) == 500


@pytest.mark.parametrize("ref", [None, "", 5, "a\x00", "\ud800"])
def test_a_receipt_names_what_it_is_for(ref: object) -> None:
    act: dict[str, str] = {"act": "A1", "proceeding": "Z1", "statement": "s"}
    good = {"iss": "body", "aud": node.node_code(), "jti": "A1", "matter": "Z1", "ref": "案号　1",
            "statement_sha256": "043a718774c572bd8a25adbeb1bfcd5c0256ae11cecf9f9c3f925d0e52beaf89"}  # fmt: skip
    header = {**HEADER, "typ": RECEIPT}
    assert read_receipt(signed(good, header), BODY, **act)["ref"] == "案号　1"
    for wrong in ({**good, "ref": ref}, {**good, "jti": "A2"}, {**good, "statement_sha256": ""}):
        with pytest.raises(InvalidStatement):
            read_receipt(signed(wrong, header), BODY, **act)
    with pytest.raises(InvalidStatement):
        read_receipt(signed(good), BODY, **act)
