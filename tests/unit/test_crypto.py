"""Ed25519 keys: the standard's vector, refusal of changes, and a private file nobody else can read."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from xinqiao.kernel.crypto import InvalidKey, SigningKey, VerifyKey

# RFC 8032, section 7.1, TEST 2
SEED = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)


def test_the_vector_of_the_standard() -> None:
    key = SigningKey(SEED)
    assert key.public.raw == PUBLIC
    assert key.sign(b"\x72") == SIGNATURE
    assert key.public.verify(SIGNATURE, b"\x72")


def test_any_flipped_bit_of_signature_or_message_is_refused() -> None:
    public = VerifyKey(PUBLIC)
    for position in range(len(SIGNATURE) * 8):
        changed = bytearray(SIGNATURE)
        changed[position // 8] ^= 1 << position % 8
        assert not public.verify(bytes(changed), b"\x72")
    assert not public.verify(SIGNATURE, b"\x73")
    assert not public.verify(SIGNATURE[:-1], b"\x72")


def test_a_saved_key_is_private_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    key = SigningKey.generate()
    key.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert SigningKey.load(path).public == key.public
    with pytest.raises(FileExistsError):
        SigningKey.generate().save(path)


def test_the_private_bytes_are_not_shown() -> None:
    key = SigningKey(SEED)
    assert SEED.hex() not in repr(key)
    assert key.public.to_base64() in repr(key)


def test_base64_goes_both_ways_and_bad_keys_are_named() -> None:
    public = VerifyKey(PUBLIC)
    assert VerifyKey.from_base64(public.to_base64()) == public
    for text in ["", "AAAA", "not base64!"]:
        with pytest.raises(InvalidKey):
            VerifyKey.from_base64(text)
    with pytest.raises(InvalidKey):
        SigningKey(b"short")
