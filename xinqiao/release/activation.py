"""Putting a release table in force: only after it is proved, and only with the proof's digest in evidence."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from xinqiao.evidence.actions import record
from xinqiao.plumbing.locks import hold_name
from xinqiao.plumbing.settings import content_dir
from xinqiao.release.models import PolicyRow
from xinqiao.release.queries import active_policy
from xinqiao.release.rules import parse_policy
from xinqiao.release.trials import require_agreement
from xinqiao.release.types import POLICY_ACTIVATED, ActivePolicy, Proof

TRIALS = 2_000  # random requests on which both evaluators must agree before a table is put in force


def check_policy(text: str, *, seed: int = 1) -> Proof:
    """Everything a table must pass; raises InvalidPolicy or NotProved with all faults, else gives the proof."""
    from xinqiao.release.prove import require_proof  # loads a solver, which nothing else in a node needs

    parse_policy(text)
    proof = require_proof(text)
    require_agreement(text, seed=seed, count=TRIALS)
    return proof


def activate_policy(text: str, *, actor: str, now: datetime) -> ActivePolicy:
    """Put the table in ``text`` (of a ``release.toml``) in force from the next request on, in every process.

    Raises InvalidPolicy or NotProved; the table in force then stays. The same table again changes nothing.
    """
    proof = check_policy(text)
    with transaction.atomic():
        hold_name("release.policy")
        held = active_policy()
        if held is not None and held.sha256 == proof.policy_sha256:
            return held
        body = {
            "policy_sha256": proof.policy_sha256,
            "replaces": held.sha256 if held else "",
            "proof_sha256": proof.sha256,
            "solver": proof.solver,
            "theorems": [theorem.name for theorem in proof.theorems],
            "agreed_requests": TRIALS,
        }
        entry = record(POLICY_ACTIVATED, actor=actor, subject=proof.policy_sha256, body=body, now=now)
        PolicyRow.objects.create(
            sha256=proof.policy_sha256,
            text=text,
            proof_sha256=proof.sha256,
            solver=proof.solver,
            activated_at=now,
            activated_by=actor,
            entry=entry.id,
        )
    found = active_policy()
    assert found is not None
    return found


def activate_first(*, actor: str, now: datetime) -> ActivePolicy:
    """Put the content package's table in force on a node that has none yet; else the one in force."""
    held = active_policy()
    if held is not None:
        return held
    return activate_policy((content_dir() / "release.toml").read_text("utf-8"), actor=actor, now=now)
