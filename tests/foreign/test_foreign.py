"""Verifiers that nobody here wrote agree with ours on a real log: Go's x/mod/sumdb and Sigstore's Python verifier.

The published counts (10,000 proofs, 10,000 changes, 1,000 attacks) are ``./check bench proofs_foreign``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.foreign import accepted_by_go, accepted_by_ours, accepted_by_sigstore, build_go_verifier, mutated
from benchmarks.proofs_foreign import attack, grow, proofs
from xinqiao.evidence.keys import log_key

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.usefixtures("evidence_folder")]


def test_foreign_verifiers_agree_on_whole_and_altered_proofs(tmp_path: Path) -> None:
    go = build_go_verifier(tmp_path)
    grow(700, 20)
    case = proofs(200, 100, seed=1)
    whole = {"inclusion": 200, "consistency": 100, "checkpoints": 20}
    assert accepted_by_ours(case, key=log_key()) == accepted_by_go(case, go, key=log_key()) == whole
    assert accepted_by_sigstore(case.inclusion) == 200
    altered = mutated(case, count=400, seed=2)
    none = dict.fromkeys(whole, 0)
    assert accepted_by_ours(altered, key=log_key()) == accepted_by_go(altered, go, key=log_key()) == none
    assert accepted_by_sigstore(altered.inclusion) == 0


def test_a_running_witness_refuses_every_fork_and_roll_back_of_a_real_log(tmp_path: Path) -> None:
    grow(300, 3)
    tallies = attack(tmp_path / "w", 60)
    assert len(tallies) == 4
    assert all(refused == sent for refused, sent in tallies.values())
