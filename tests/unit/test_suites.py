"""Both suites against vectors that nobody here made, against OpenSSL, and against altered bytes."""

from __future__ import annotations

import base64
import io
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.shared_data import shared_data
from xinqiao.kernel.crypto import InvalidKey
from xinqiao.kernel.sm2 import Sm2SigningKey, Sm2VerifyKey, sm3
from xinqiao.kernel.sm2_backends import GmsslBackend, LibcryptoBackend, Sm2Backend
from xinqiao.kernel.suites import GM, INTL, SUITES, CannotOpen, Suite, suite_of

BACKENDS: list[Sm2Backend] = [GmsslBackend(), LibcryptoBackend()]
both_backends = pytest.mark.parametrize("maker", BACKENDS, ids=lambda maker: maker.name)
both_suites = pytest.mark.parametrize("suite", SUITES.values(), ids=lambda suite: suite.name)


def _wycheproof(name: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    groups = json.loads(shared_data("vectors", "sm", name).read_text())["testGroups"]
    return [(group, case) for group in groups for case in group["tests"]]


def _records(name: str) -> list[dict[str, str]]:
    """The records of an OpenSSL test file."""
    text = shared_data("vectors", "sm", name).read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    records = [dict(line.split(" = ", 1) for line in block.splitlines() if " = " in line) for block in _blocks(lines)]
    return [{key.strip(): value.strip() for key, value in record.items()} for record in records if record]


def _blocks(lines: list[str]) -> list[str]:
    return "\n".join(lines).split("\n\n")


def test_every_sm4_gcm_vector_with_a_usable_nonce_holds() -> None:
    """95 of 104 come out as published; the library refuses the nonces of the other nine on purpose (8 to 128 bytes)."""
    used = refused = 0
    for group, case in _wycheproof("wycheproof_sm4_gcm_test.json"):
        key, nonce, data, text, body, tag = (
            bytes.fromhex(case[name]) for name in ("key", "iv", "aad", "msg", "ct", "tag")
        )
        if not 8 <= group["ivSize"] // 8 <= 128:
            refused += case["result"] == "valid"
            used += case["result"] == "invalid"
            with pytest.raises(ValueError, match=r"nonce|initialization_vector"):
                modes.GCM(nonce, tag)
            continue
        used += 1
        if case["result"] == "invalid":
            with pytest.raises(CannotOpen):
                GM.open_gcm(body, tag, key=key, nonce=nonce, data=data)
            continue
        assert GM.open_gcm(body, tag, key=key, nonce=nonce, data=data) == text, case["tcId"]
        encryptor = Cipher(algorithms.SM4(key), modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(data)
        assert encryptor.update(text) + encryptor.finalize() == body
        assert encryptor.tag == tag
    assert (used, refused) == (95, 9)


def test_every_hmac_sm3_vector_holds() -> None:
    seen = 0
    for group, case in _wycheproof("wycheproof_hmac_sm3_test.json"):
        key, text, tag = (bytes.fromhex(case[name]) for name in ("key", "msg", "tag"))
        ours = GM.mac(text, key=key)
        assert (ours[: group["tagSize"] // 8] == tag) == (case["result"] == "valid"), case["tcId"]
        if len(tag) == 32:
            assert GM.mac_holds(tag, text, key=key) == (case["result"] == "valid")
        seen += 1
    assert seen == 174


def test_the_sm3_vectors_hold() -> None:
    vectors = [r for r in _records("openssl_evpmd_sm3.txt") if r.get("Digest") == "SM3"]
    assert len(vectors) == 3
    for vector in vectors:
        assert sm3(bytes.fromhex(vector["Input"])).hex() == vector["Output"].lower()
        assert GM.hash(bytes.fromhex(vector["Input"])).hex() == vector["Output"].lower()


def test_the_sm4_gcm_vector_of_rfc_8998_holds() -> None:
    [vector] = [r for r in _records("openssl_evpciph_sm4.txt") if r.get("Cipher") == "SM4-GCM"]
    key, nonce, data, tag, text, body = (
        bytes.fromhex(vector[name]) for name in ("Key", "IV", "AAD", "Tag", "Plaintext", "Ciphertext")
    )
    assert GM.open_gcm(body, tag, key=key, nonce=nonce, data=data) == text


@both_backends
def test_the_sm2_signatures_of_openssl_hold(maker: Sm2Backend) -> None:
    """The vectors sign bare digests, without an identity."""
    text = shared_data("vectors", "sm", "openssl_evppkey_sm2.txt").read_text()
    key = Sm2SigningKey.from_pem(text)
    vectors = [r for r in _records("openssl_evppkey_sm2.txt") if r.get("Verify")]
    assert len(vectors) == 2
    for vector in vectors:
        digest, signature = bytes.fromhex(vector["Input"]), bytes.fromhex(vector["Output"])
        assert maker.verify(key.public.raw[1:], digest, signature)
        assert not maker.verify(key.public.raw[1:], digest[::-1], signature)


# GB/T 32918.5, annex A.2: key, identity 1234567812345678, message "message digest".
GB_PUBLIC = (
    "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
GB_DIGEST = "f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640"
GB_SIGNATURE = (
    "3046022100f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    "022100b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
)


@both_backends
def test_the_signature_of_the_standard_holds(maker: Sm2Backend) -> None:
    key = Sm2VerifyKey(bytes.fromhex(GB_PUBLIC))
    assert key.digest(b"message digest").hex() == GB_DIGEST
    assert key.verify(bytes.fromhex(GB_SIGNATURE), b"message digest", using=maker)
    assert not key.verify(bytes.fromhex(GB_SIGNATURE), b"message digesT", using=maker)


@pytest.mark.parametrize("signer", BACKENDS, ids=lambda maker: maker.name)
@pytest.mark.parametrize("checker", BACKENDS, ids=lambda maker: maker.name)
def test_each_backend_accepts_the_other_and_refuses_every_flipped_bit(signer: Sm2Backend, checker: Sm2Backend) -> None:
    key = Sm2SigningKey.generate(using=signer)
    signature = key.sign(b"xinqiao", using=signer)
    assert key.public.verify(signature, b"xinqiao", using=checker)
    for position in range(len(signature) * 8):
        changed = bytearray(signature)
        changed[position // 8] ^= 1 << position % 8
        assert not key.public.verify(bytes(changed), b"xinqiao", using=checker)


@both_backends
def test_openssl_verifies_our_sm2_signature(tmp_path: Path, maker: Sm2Backend) -> None:
    """``openssl dgst -sm3 -verify`` with the standard's identity, and nothing of ours."""
    key = Sm2SigningKey.generate(using=maker)
    for name, data in (("message", b"evidence"), ("signature", key.sign(b"evidence", using=maker))):
        (tmp_path / name).write_bytes(data)
    (tmp_path / "key.pem").write_text(key.public.pem)
    command = "openssl dgst -sm3 -verify key.pem -sigopt distid:1234567812345678 -signature signature message"
    assert subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=False).returncode == 0
    (tmp_path / "message").write_bytes(b"evidencf")
    assert subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=False).returncode != 0


def test_we_verify_and_sign_with_a_key_that_openssl_made(tmp_path: Path) -> None:
    make = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:SM2 -out key.pem"
    subprocess.run(make.split(), cwd=tmp_path, check=True, capture_output=True)
    key = Sm2SigningKey.load(tmp_path / "key.pem")
    assert key.public.verify(key.sign(b"m"), b"m")
    (tmp_path / "m").write_bytes(b"m")
    sign = "openssl dgst -sm3 -sign key.pem -sigopt distid:1234567812345678 -out s m"
    subprocess.run(sign.split(), cwd=tmp_path, check=True, capture_output=True)
    assert key.public.verify((tmp_path / "s").read_bytes(), b"m")


def test_a_saved_sm2_key_is_private_and_keys_that_are_none_are_named(tmp_path: Path) -> None:
    key = Sm2SigningKey.generate()
    key.save(tmp_path / "gm.pem")
    assert (tmp_path / "gm.pem").stat().st_mode & 0o777 == 0o600
    assert Sm2SigningKey.load(tmp_path / "gm.pem").public == key.public
    assert Sm2VerifyKey.from_pem(key.public.pem) == key.public
    assert base64.b64encode(key._private).decode() not in repr(key)
    with pytest.raises(FileExistsError):
        key.save(tmp_path / "gm.pem")
    off_curve = key.public.raw[:-1] + bytes([key.public.raw[-1] ^ 1])
    for raw in (off_curve, b"", key.public.raw[:-1], b"\x02" + key.public.raw[1:]):
        with pytest.raises(InvalidKey):
            Sm2VerifyKey(raw)
    other = Sm2SigningKey.generate()
    with pytest.raises(InvalidKey, match="belong together"):
        Sm2SigningKey.from_pem(Sm2SigningKey(key._private, other.public).pem)
    with pytest.raises(InvalidKey):
        Sm2SigningKey.from_pem("nothing")


@both_suites
def test_what_is_sealed_opens_only_unaltered_in_its_place_with_its_key(suite: Suite) -> None:
    key = suite.kdf(b"secret", purpose=b"test")
    sealed = suite.seal(b"", key=key) + b""
    assert suite.open(sealed, key=key) == b""
    sealed = suite.seal("信桥".encode(), key=key, place=b"table:column:1")
    assert suite_of(sealed) is suite
    assert suite.open(sealed, key=key, place=b"table:column:1").decode() == "信桥"
    assert sealed != suite.seal("信桥".encode(), key=key, place=b"table:column:1")
    for position in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises(CannotOpen):
            suite.open(bytes(changed), key=key, place=b"table:column:1")
    for wrong in ({"key": key[::-1], "place": b"table:column:1"}, {"key": key, "place": b"table:column:2"}):
        with pytest.raises(CannotOpen):
            suite.open(sealed, **wrong)


@both_suites
def test_what_is_sealed_as_it_is_written_is_what_sealing_makes_of_the_whole(suite: Suite, tmp_path: Path) -> None:
    key, parts = bytes(range(suite.key_bytes)), [b"a" * 70_000, b"", b"bc"]
    out = io.BytesIO()
    file = suite.sealing(out, key=key, place=b"here")
    assert [file.write(part) for part in parts] == [70_000, 0, 2] and file.tell() == 70_002
    file.finish()
    sealed = out.getvalue()
    assert suite.open(sealed, key=key, place=b"here") == b"".join(parts)
    assert b"".join(suite.open_file(io.BytesIO(sealed), key=key, place=b"here")) == b"".join(parts)
    whole = suite.seal(b"whole", key=key, place=b"here")
    assert b"".join(suite.open_file(io.BytesIO(whole), key=key, place=b"here")) == b"whole"


@both_suites
def test_of_an_altered_file_not_a_byte_is_given(suite: Suite) -> None:
    key = bytes(suite.key_bytes)
    sealed = suite.seal(b"x" * 3_000_000, key=key, place=b"here")
    turned = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for altered, place in ((turned, b"here"), (sealed[:-1], b"here"), (sealed[:9], b"here"), (sealed, b"")):
        with pytest.raises(CannotOpen):
            next(suite.open_file(io.BytesIO(altered), key=key, place=place))


@both_suites
def test_a_signature_names_its_algorithm(suite: Suite) -> None:
    key = suite.generate()
    signature = suite.sign(b"m", key=key)
    assert suite_of(signature) is suite
    assert suite.verify(signature, b"m", key=suite.read_public(key.public.raw))
    [other] = [found for found in SUITES.values() if found is not suite]
    assert not suite.verify(other.mark + signature[1:], b"m", key=key.public)
    assert not other.verify(other.sign(b"m", key=other.generate()), b"m", key=key.public)
    with pytest.raises(CannotOpen):
        suite_of(b"\x09" + signature)


@both_suites
def test_keys_of_different_purposes_differ(suite: Suite) -> None:
    one, two = (suite.kdf(b"secret", purpose=purpose) for purpose in (b"one", b"two"))
    assert len(one) == suite.key_bytes
    assert one != two
    assert INTL.kdf(b"s", purpose=b"p", length=32) != GM.kdf(b"s", purpose=b"p", length=32)


def test_hkdf_of_rfc_5869_holds() -> None:
    """Case 1 of the standard (SHA-256); the same construction runs over SM3."""
    made = INTL.kdf(b"\x0b" * 22, purpose=bytes(range(0xF0, 0xFA)), length=42, salt=bytes(range(13)))
    assert made.hex().startswith("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf")
    assert hashes.SM3().digest_size == 32
