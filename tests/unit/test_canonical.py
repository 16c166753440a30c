"""Canonical JSON gives every implementation's bytes, and refuses what cannot be held exactly."""

from __future__ import annotations

import hashlib
import json
import math
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shared_data import shared_data
from xinqiao.kernel.canonical import (
    NotCanonical,
    base64_text,
    canonical_bytes,
    read_base64,
    read_json,
    sha256_hex,
    sm3_hex,
)

exact_integers = st.integers(-(2**53) + 1, 2**53 - 1)
plain_values = st.recursive(
    st.none() | st.booleans() | exact_integers | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.mark.parametrize("name", ["arrays", "french", "structures", "unicode", "values", "weird"])
def test_the_published_vectors_come_out_byte_for_byte(name: str) -> None:
    folder = shared_data("vectors", "jcs-rfc8785")
    value = json.loads((folder / "input" / f"{name}.json").read_bytes())
    expected = bytes.fromhex((folder / "outhex" / f"{name}.txt").read_text())
    assert canonical_bytes(value) == expected
    assert canonical_bytes(read_json(expected)) == expected


@given(plain_values)
def test_reading_and_writing_again_gives_the_same_bytes(value: object) -> None:
    data = canonical_bytes(value)
    assert read_json(data) == value
    assert canonical_bytes(read_json(data)) == data


def test_keys_are_sorted_and_chinese_text_is_not_escaped() -> None:
    assert canonical_bytes({"名": "信桥", "a": [1, None]}) == '{"a":[1,null],"名":"信桥"}'.encode()


def test_an_enum_of_text_is_its_text() -> None:
    class Form(StrEnum):
        REPORT = "report"

    assert canonical_bytes([Form.REPORT]) == b'["report"]'


@pytest.mark.parametrize("value", [math.nan, math.inf, 2**53, {1: "a"}, object(), {"day": {1, 2}}, "\ud800"])
def test_what_json_cannot_hold_exactly_is_refused(value: object) -> None:
    with pytest.raises(NotCanonical) as refusal:
        canonical_bytes(value)
    assert refusal.value.code == "canonical.not_json"
    assert refusal.value.problems[0].message


@pytest.mark.parametrize("data", [b'{"a":1,"a":2}', b"[NaN]", b"[Infinity]", b"{", b"\xff", b""])
def test_ambiguous_or_broken_json_is_refused(data: bytes) -> None:
    with pytest.raises(NotCanonical):
        read_json(data)


@given(st.binary())
def test_base64_has_one_spelling(data: bytes) -> None:
    assert read_base64(base64_text(data)) == data


@pytest.mark.parametrize("text", ["AB==", "AAB=", "AA", "A A=", "AA==\n", "_-==", "中"])
def test_other_spellings_of_base64_are_refused(text: str) -> None:
    with pytest.raises(NotCanonical):
        read_base64(text)


def test_sha256_and_sm3_of_the_standard_message() -> None:
    assert sha256_hex(b"abc") == hashlib.sha256(b"abc").hexdigest()
    assert sm3_hex(b"abc") == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


def test_the_published_sm3_vectors() -> None:
    lines = shared_data("vectors", "sm", "openssl_evpmd_sm3.txt").read_text().splitlines()
    inputs = [line.removeprefix("Input = ") for line in lines if line.startswith("Input = ")]
    outputs = [line.removeprefix("Output = ") for line in lines if line.startswith("Output = ")]
    assert len(inputs) == len(outputs) >= 3
    for message, digest in zip(inputs, outputs, strict=True):
        assert sm3_hex(bytes.fromhex(message)) == digest.lower()
