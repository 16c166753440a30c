"""A witness over HTTP, in a process of its own: it cosigns growth and nothing else, and remembers when killed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.evidence_log import KEY, LOG, ORIGIN, leaf_of
from tests.witnesses import Running, post, running_witness
from xinqiao.evidence.merkle import consistency_proof, leaf_hash, root_of, subtree_hash_of
from xinqiao.evidence.notes import COSIGNATURE, InvalidNote, LogKey, NoteSigner, TreeHead, cosigned_at, sign_note
from xinqiao.evidence.witness import Submission, Witness
from xinqiao.kernel.crypto import SigningKey

HASHES = [leaf_hash(leaf_of(number)) for number in range(300)]
FORKED = [leaf_hash(b"forged"), *HASHES[1:]]
NAME = "notary.example/w1"


def checkpoint(size: int, hashes: list[bytes] = HASHES, *, origin: str = ORIGIN, key: SigningKey = KEY) -> str:
    """A checkpoint signed by the log."""
    return sign_note(TreeHead(origin, size, root_of(hashes[:size])).text, name=origin, key=key)


def submission(old: int, size: int, hashes: list[bytes] = HASHES) -> bytes:
    """An honest request, or a forked one whose proof holds within its own fork."""
    proof = consistency_proof(old, size, subtree_hash_of(hashes)) if old else []
    return Submission(old, tuple(proof), checkpoint(size, hashes)).body


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[Running]:
    with running_witness(tmp_path / "w", name=NAME, logs=[LOG]) as running:
        yield running


def test_growth_is_cosigned_with_the_time(witness: Running) -> None:
    old = 0
    for size in (1, 2, 3, 70, 256, 257, 257, 300):
        status, line = post(witness.url, submission(old, size))
        assert status == 200
        assert abs(cosigned_at(checkpoint(size) + line, key=witness.key) - time.time()) < 60
        with pytest.raises(InvalidNote):
            cosigned_at(checkpoint(size, FORKED) + line, key=witness.key)
        old = size


def test_openssl_alone_checks_a_cosignature(witness: Running, tmp_path: Path) -> None:
    import base64

    _, line = post(witness.url, submission(0, 5))
    raw = base64.b64decode(line.split()[2])
    seconds = int.from_bytes(raw[4:12], "big")
    text = checkpoint(5).partition("\n\n")[0] + "\n"
    (tmp_path / "text").write_text(f"cosignature/v1\ntime {seconds}\n{text}")
    (tmp_path / "signature").write_bytes(raw[12:])
    (tmp_path / "key.der").write_bytes(bytes.fromhex("302a300506032b6570032100") + witness.key.key.raw)
    command = "openssl pkeyutl -verify -pubin -keyform DER -inkey key.der -rawin -in text -sigfile signature"
    assert subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=False).returncode == 0


def test_every_refusal_has_its_status(witness: Running) -> None:
    assert post(witness.url, submission(0, 100))[0] == 200
    stale = post(witness.url, submission(50, 120))
    assert stale == (409, "100\n")
    assert post(witness.url, submission(0, 120)) == (409, "100\n")
    assert post(witness.url, Submission(100, (), checkpoint(90)).body)[0] == 400  # a roll-back
    assert post(witness.url, submission(90, 90)) == (409, "100\n")
    assert post(witness.url, submission(100, 120, FORKED))[0] == 422
    assert post(witness.url, Submission(100, (), checkpoint(100, FORKED)).body) == (409, "100\n")
    assert post(witness.url, Submission(100, (), checkpoint(120)).body)[0] == 422
    stranger = SigningKey(bytes(32))
    assert post(witness.url, Submission(100, (), checkpoint(120, key=stranger)).body)[0] == 403
    assert post(witness.url, Submission(0, (), checkpoint(1, origin="another.example", key=stranger)).body)[0] == 404
    for bad in (b"", b"old 1\n", b"old 01\n\n" + checkpoint(1).encode(), b"old -1\n\nx", b"\xff", b"old 1\n!\n\nx"):
        assert post(witness.url, bad)[0] == 400
    assert post(witness.url, b"x" * 70_000)[0] == 400
    assert post(witness.url, submission(100, 120))[0] == 200


def test_a_signed_fork_is_kept_as_proof(witness: Running) -> None:
    post(witness.url, submission(0, 100))
    post(witness.url, submission(100, 120, FORKED))
    post(witness.url, Submission(100, (), checkpoint(100, FORKED)).body)
    kept = sorted(path.read_text() for path in (witness.folder / "state" / "refused").rglob("*.note"))
    assert kept == sorted([checkpoint(120, FORKED), checkpoint(100, FORKED)])


def test_a_killed_witness_remembers_and_keeps_its_key(tmp_path: Path) -> None:
    with running_witness(tmp_path / "w", name=NAME, logs=[LOG]) as first:
        assert post(first.url, submission(0, 100))[0] == 200
        first.process.kill()
    with running_witness(tmp_path / "w", name=NAME, logs=[LOG]) as second:
        assert second.key == first.key
        assert post(second.url, Submission(0, (), checkpoint(100, FORKED)).body) == (409, "100\n")
        assert post(second.url, submission(100, 101))[0] == 200


def test_one_memory_has_one_witness(tmp_path: Path) -> None:
    """Two programs over one folder could each cosign another branch."""
    signer = NoteSigner(NAME, SigningKey(bytes(32)), COSIGNATURE)
    first = Witness(tmp_path, signer=signer, logs=[LOG])
    with pytest.raises(BlockingIOError):
        Witness(tmp_path, signer=signer, logs=[LOG])
    first.close()
    Witness(tmp_path, signer=signer, logs=[LOG]).close()


def test_an_altered_memory_stops_the_witness(tmp_path: Path) -> None:
    """It must not begin anew as if it knew nothing."""
    signer = NoteSigner(NAME, SigningKey(bytes(32)), COSIGNATURE)
    witness = Witness(tmp_path, signer=signer, logs=[LOG])
    assert witness.add_checkpoint(submission(0, 100), seconds=1).status == 200
    [state] = tmp_path.glob("*.note")
    state.write_text(state.read_text().replace("\n100\n", "\n10\n"))
    with pytest.raises(InvalidNote):
        witness.add_checkpoint(submission(100, 120), seconds=2)
    witness.close()


def test_a_log_that_changes_its_key_is_followed_when_both_are_known(tmp_path: Path) -> None:
    new = SigningKey(bytes([7] * 32))
    signer = NoteSigner(NAME, SigningKey(bytes(32)), COSIGNATURE)
    witness = Witness(tmp_path, signer=signer, logs=[LOG, LogKey(ORIGIN, new.public)])
    assert witness.add_checkpoint(submission(0, 5), seconds=1).status == 200
    proof = tuple(consistency_proof(5, 9, subtree_hash_of(HASHES)))
    assert witness.add_checkpoint(Submission(5, proof, checkpoint(9, key=new)).body, seconds=2).status == 200
    witness.close()


def test_many_forks_and_roll_backs_are_all_refused(witness: Running) -> None:
    assert post(witness.url, submission(0, 100))[0] == 200
    for number in range(100):
        hashes = [*HASHES[:number], leaf_hash(b"forged"), *HASHES[number + 1 :]]
        size = 101 + number
        assert post(witness.url, submission(100, size, hashes))[0] == 422
        assert post(witness.url, Submission(100, (), checkpoint(number)).body)[0] == 400
    assert post(witness.url, submission(100, 101))[0] == 200


def test_the_witness_needs_no_django() -> None:
    program = (
        "import sys; import xinqiao.evidence.witness_server;"
        "unwanted = [m for m in sys.modules if m.split('.')[0] == 'django' or m.startswith('xinqiao.plumbing')];"
        "sys.exit(len(unwanted))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
