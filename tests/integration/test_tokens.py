"""Keys in a hardware token, on SoftHSM2: they sign, change, fail clearly and never leave."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pkcs11
import pytest
from django.db import transaction
from django.test import Client
from pkcs11 import Attribute

from tests.softhsm import MODULE, PIN, child, make_token, needs_softhsm, softhsm, use_tokens
from xinqiao.evidence.actions import record, sequence
from xinqiao.evidence.keys import LOG, LOG_GM, check_signing, log_key, log_keys
from xinqiao.evidence.rotation import change_key, retire_key
from xinqiao.evidence.types import KEY_RETIRED
from xinqiao.kernel.suites import CannotOpen
from xinqiao.plumbing import settings as node
from xinqiao.plumbing import tokens
from xinqiao.plumbing.blind_index import blind_index
from xinqiao.plumbing.key_store import FileKeys, KeyLost, key_store
from xinqiao.plumbing.tokens import KeyTwice, TokenLocked, TokenMissing

pytestmark = [needs_softhsm, pytest.mark.django_db(transaction=True)]
REAL_LOG_IN = tokens._log_in
NOW = datetime(2026, 11, 26, tzinfo=UTC)
ACT = KEY_RETIRED  # any event will do: what matters here is who signs
MAKE = "from xinqiao.plumbing.key_store import key_store; print(key_store().create('log.key').public.to_base64())"


@pytest.fixture
def pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evidence_folder: Path) -> Iterator[Path]:
    """Two tokens, ``one`` and ``two``; the node uses the first."""
    with softhsm(tmp_path / "hsm", monkeypatch, "one", "two") as pins:
        use_tokens(monkeypatch, pins, "one")
        yield pins


def act() -> None:
    """One entry, under a checkpoint."""
    with transaction.atomic():
        record(ACT, actor="system", subject="x", body={}, now=NOW)
    sequence(now=NOW)


def verified(vkey: str) -> str:
    """What the stand-alone verifier says of the log to somebody who trusts a key; the exit status is its verdict."""
    command = [sys.executable, "-m", "xinqiao.evidence.verify", str(node.evidence_dir()), "--vkey", vkey]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def power_cut() -> None:
    """Nobody is logged in any more and every session is gone."""
    pkcs11._loaded[MODULE].reinitialize()


def test_a_session_that_was_cut_is_opened_again(pins: Path) -> None:
    act()
    power_cut()
    act()


def test_a_checkpoint_signed_in_the_token_is_verified_without_us(pins: Path) -> None:
    act()
    verified(log_key().vkey)
    assert key_store().place("log.key").kind == "token"
    assert key_store().place("log-gm.pem").kind == "file", "SoftHSM2 has no SM2: that key stays a file"
    assert not list(node.keys_dir().glob("log*.key")), "no private half beside the token"


def test_a_file_key_gives_way_to_a_token_and_a_token_to_another(pins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_tokens(monkeypatch, pins)
    act()
    first = log_key()
    assert key_store().place("log.key").kind == "file"
    for generation, labels in ((2, ("one",)), (3, ("one",)), (4, ("two", "one"))):
        use_tokens(monkeypatch, pins, *labels)
        change_key(LOG, actor="system", now=NOW)
        act()
        place = key_store().place(f"log-{generation}.key")
        assert (place.kind, place.label) == ("token", labels[0])
        verified(first.vkey)  # who trusts the first key follows the announcements
        assert retire_key(LOG, actor="system", now=NOW)
        act()
    verified(first.vkey)
    assert len({key.vkey for key in log_keys() if key.kind == LOG.kind}) == 4
    use_tokens(monkeypatch, pins, "two")  # the first token may now be taken away
    act()


def test_the_national_key_changes_as_a_file(pins: Path) -> None:
    act()
    change_key(LOG_GM, actor="system", now=NOW)
    assert key_store().place("log-gm-2.pem").kind == "file"


def test_a_wrong_pin_is_told_once_to_the_token_and_clearly_to_the_operator(
    pins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    act()
    pins.write_text("not-the-pin\n")
    power_cut()
    tries: list[object] = []
    with monkeypatch.context() as patch:
        patch.setattr(tokens, "_log_in", lambda token, pin: tries.append(token) or REAL_LOG_IN(token, pin))
        for _ in range(20):
            with pytest.raises(TokenLocked, match="PinIncorrect"):
                check_signing()
    assert len(tries) == 1, "twenty tries would have locked a real token"
    assert Client().get("/readyz").status_code == 503
    answer = Client().get("/healthz")
    assert answer.status_code == 503 and answer.json()["status"] != "ok"
    pins.write_text(f"{PIN}\n")
    os.utime(pins, ns=(1, 1))
    act()
    assert Client().get("/readyz").json() == {"status": "ok", "failed": {}}


def test_the_pin_is_never_shown(pins: Path) -> None:
    act()
    told = f"{key_store()!r} {key_store().tokens[0]!r} {vars(key_store().tokens[0])!r}"
    assert PIN not in told
    pins.chmod(0o644)
    key_store().tokens[0].forget()
    with pytest.raises(TokenLocked, match="chmod 600"):
        log_key()


def test_a_token_that_is_away_stops_the_node_and_makes_no_other_key(
    pins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    act()
    known = log_key()
    use_tokens(monkeypatch, pins, "elsewhere")
    with pytest.raises(TokenMissing, match="elsewhere"):
        log_key()
    use_tokens(monkeypatch, pins, "two")  # there, but without the key
    with pytest.raises(KeyLost, match="one"):
        log_key()
    use_tokens(monkeypatch, pins)  # no token at all: a file key must not take its place
    with pytest.raises(KeyLost, match="one"):
        log_key()
    assert Client().get("/readyz").json()["failed"]["evidence_key"] == "keys.lost"
    assert FileKeys(node.keys_dir()).find("log.key") is None
    use_tokens(monkeypatch, pins, "one")
    assert log_key() == known


def test_a_module_that_is_not_there_is_said_so(pins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XINQIAO_PKCS11_MODULE", "/nowhere/lib.so")
    node.pkcs11_module.cache_clear()
    with pytest.raises(TokenMissing):
        log_key()


def test_processes_that_make_a_key_at_once_make_one(pins: Path) -> None:
    makers = [child(MAKE) for _ in range(4)]
    told = [maker.communicate(timeout=60) for maker in makers]
    assert all(maker.returncode == 0 for maker in makers), told
    assert len({out for out, _ in told}) == 1
    assert key_store().find("log.key").public.to_base64() == told[0][0].strip()


def test_two_keys_of_one_name_are_refused(pins: Path) -> None:
    token = key_store().tokens[0]
    token.create("log.key")
    token.forget()
    token.run(lambda session: token._generate(session, "log.key"))
    with pytest.raises(KeyTwice):
        log_key()


@pytest.mark.parametrize("name", ["log.key", "kek.kek", "index.mac"])
def test_a_private_key_cannot_be_taken_out(pins: Path, name: str) -> None:
    key_store().create(name)
    token = key_store().tokens[0]

    def read(session: object) -> bytes:
        found = token.object(session, name)
        assert found[Attribute.SENSITIVE] and not found[Attribute.EXTRACTABLE]
        with pytest.raises(pkcs11.AttributeSensitive):
            found[Attribute.VALUE]
        with pytest.raises(pkcs11.PKCS11Error):
            found[Attribute.EXTRACTABLE] = True
        return b"looked"

    assert token.run(read) == b"looked"


def test_data_keys_are_wrapped_in_the_token_and_bound_to_their_place(pins: Path) -> None:
    kek = key_store().create("kek.kek")
    wrapped = kek.wrap(b"d" * 32, place=b"here")
    assert kek.unwrap(wrapped, place=b"here") == b"d" * 32
    for altered in (wrapped[:-1] + bytes([wrapped[-1] ^ 1]), wrapped[:20] + b"\0" + wrapped[21:]):
        with pytest.raises(CannotOpen):
            kek.unwrap(altered, place=b"here")
    with pytest.raises(CannotOpen):
        kek.unwrap(wrapped, place=b"there")
    assert kek.unwrap(wrapped, place=b"here") == b"d" * 32, "a refusal does not end the session for good"


def test_indexes_made_with_the_file_key_stay_findable(pins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_token = blind_index("a", "value")
    assert key_store().place("index.mac").kind == "token"
    assert in_token == blind_index("a", "value") != blind_index("b", "value")


def test_a_forked_child_speaks_to_the_token_anew(pins: Path) -> None:
    act()
    message = b"signed by the child"
    readable, writable = os.pipe()
    child_id = os.fork()
    if child_id == 0:
        try:
            os.write(writable, key_store().find("log.key").sign(message))
        finally:
            os._exit(0)
    os.waitpid(child_id, 0)
    assert log_key().key.verify(os.read(readable, 64), message)
    act()


def test_a_token_made_later_is_found(pins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_tokens(monkeypatch, pins, "later")
    with pytest.raises(TokenMissing):
        log_key()
    make_token("later")
    act()
    assert key_store().place("log.key").label == "later"
