"""Training a model, signing it off by a second person, putting it in use, going back."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from django.db import transaction
from django.db.models import Max

from xinqiao.evaluation.compute import content_digest, facts_by_code
from xinqiao.evidence.actions import record
from xinqiao.kernel.canonical import canonical_bytes, sha256_hex
from xinqiao.kernel.errors import Phrase
from xinqiao.plumbing.locks import hold_name
from xinqiao.scenarios.cards import make_card
from xinqiao.scenarios.features import Progress, Seen, see
from xinqiao.scenarios.models import ModelRow, UseRow
from xinqiao.scenarios.observing import observe, split_by_time
from xinqiao.scenarios.queries import as_version, check_usable, get_scenario, row_in_use, row_of
from xinqiao.scenarios.rules import TRANSITIONS, check_reason, check_signer
from xinqiao.scenarios.training import Options, Parts, Trained, train
from xinqiao.scenarios.types import (
    PROMOTED,
    ROLLED_BACK,
    SIGNED_OFF,
    TRAINED,
    Document,
    Scenario,
    TooFewEvents,
    UnknownModel,
    Version,
    VersionState,
)
from xinqiao.sharing.queries import current_list


def train_model(code: str, *, actor: str, now: datetime, progress: Progress = lambda _: None) -> Version:
    """Train a scenario's next version from what was fed back; it scores nobody until signed off and promoted.

    The same data give the same bytes. Raises UnknownScenario, TooFewEvents, OneOutcome, NothingSeparates.
    """
    scenario = get_scenario(code)
    progress(Phrase("取结果"))
    observations = observe(scenario, now=now)
    if sum(o.failed for o in observations) < scenario.least_events:
        events = sum(o.failed for o in observations)
        raise TooFewEvents(part=Phrase("全部"), events=events, needed=scenario.least_events)
    seen = see(scenario, observations, now=now, progress=progress)
    progress(Phrase("分箱、拟合与校准"))
    return train_on(scenario, seen, actor=actor, now=now)


def train_on(scenario: Scenario, seen: Seen, *, actor: str, now: datetime) -> Version:
    """The next version from observations and what was known of them; raises what :func:`train_model` does."""
    parts = Parts(*(np.array(rows, np.int64) for rows in split_by_time(seen.observations, scenario.later_percent)))
    trained = train(seen.frame, parts, Options(max(1, scenario.least_events // 2), scenario.crosses))
    card = make_card(scenario, seen, parts, trained)
    return _keep(scenario, seen, trained, card, actor, now)


def frozen_body(scenario: Scenario, number: int, trained: Trained, seen: Seen, card: Document) -> Document:
    """The frozen model as stored and hashed."""
    facts = facts_by_code()
    return {
        "v": 1,
        "scenario": {"code": scenario.code, "version": str(number), "purpose": str(scenario.purpose)},
        "model": trained.model.document(),
        "minimum_coverage": scenario.minimum_coverage,
        "items": {code: list(facts[code].items) for code in trained.model.indicators},
        "training": {
            "sha256": seen.frame.digest,
            "first": card["data"]["first"],
            "last": card["data"]["last"],
            "rows": card["data"]["observations"],
            "events": card["data"]["events"],
            "scenario_sha256": scenario.sha256,
            "content_sha256": content_digest(),
            "list_sha256": current_list().sha256,
        },
    }


@transaction.atomic
def _keep(scenario: Scenario, seen: Seen, trained: Trained, card: Document, actor: str, now: datetime) -> Version:
    hold_name(f"scenario:{scenario.code}")
    newest = ModelRow.objects.filter(scenario=scenario.code).aggregate(newest=Max("number"))["newest"] or 0
    body = canonical_bytes(frozen_body(scenario, newest + 1, trained, seen, card))
    row = ModelRow.objects.create(
        id=f"{scenario.code}-v{newest + 1}",
        scenario=scenario.code,
        number=newest + 1,
        state=VersionState.TRAINED,
        sha256=sha256_hex(body),
        body=body.decode(),
        card=card,
        trained_by=actor,
        trained_at=now,
    )
    said = {"model": row.id, "sha256": row.sha256, "card_sha256": sha256_hex(canonical_bytes(card))}
    figures = {name: card["figures"][name] for name in ("auc", "ks", "brier")}
    record(TRAINED, actor=actor, subject="node", body=said | figures | {"data": card["data"]}, now=now)
    return as_version(row)


@transaction.atomic
def sign_off(model: str, *, reason: str, actor: str, now: datetime) -> Version:
    """A second person has looked at the card and lets the model be used.

    Raises UnknownModel, TransitionRefused, AnotherPersonSigns, ReasonNeeded.
    """
    row, said = _held(model), check_reason(reason)
    check_signer(row.trained_by, actor)
    row.state = TRANSITIONS.check(VersionState(row.state), "sign_off")
    row.signed_by, row.signed_at, row.reason = actor, now, said
    row.save(update_fields=["state", "signed_by", "signed_at", "reason"])
    record(SIGNED_OFF, actor=actor, subject="node", body=_said(row) | {"reason": said}, now=now)
    return as_version(row)


@transaction.atomic
def promote(model: str, *, actor: str, now: datetime) -> Version:
    """Put a signed version in use; the one before it stays to go back to. Raises TransitionRefused, ModelOffList."""
    row = _held(model)
    check_usable(row)
    after = TRANSITIONS.check(VersionState(row.state), "promote")
    before = row_in_use(row.scenario)
    if before:
        before.state = VersionState.RETIRED
        before.save(update_fields=["state"])
    row.state, row.used_from = after, now
    row.save(update_fields=["state", "used_from"])
    UseRow.objects.create(scenario=row.scenario, model=row.id, used_from=now)
    body = _said(row) | {"replaces": before.id if before else ""}
    record(PROMOTED, actor=actor, subject="node", body=body, now=now)
    return as_version(row)


@transaction.atomic
def roll_back(scenario: str, *, reason: str, actor: str, now: datetime) -> Version:
    """Go back to the version that was in use before. Raises UnknownModel when there is none, ReasonNeeded."""
    said = check_reason(reason)
    hold_name(f"scenario:{scenario}")
    current = row_in_use(scenario)
    retired = ModelRow.objects.filter(scenario=scenario, state=VersionState.RETIRED).exclude(used_from=None)
    earlier = retired.order_by("-used_from").first()
    if current is None or earlier is None:
        raise UnknownModel(scenario=scenario)
    check_usable(earlier)
    current.state = TRANSITIONS.check(VersionState(current.state), "retire")
    current.used_from = None
    current.save(update_fields=["state", "used_from"])
    earlier.state, earlier.used_from = VersionState.IN_USE, now
    earlier.save(update_fields=["state", "used_from"])
    UseRow.objects.create(scenario=scenario, model=earlier.id, used_from=now)
    body = _said(earlier) | {"from": current.id, "reason": said}
    record(ROLLED_BACK, actor=actor, subject="node", body=body, now=now)
    return as_version(earlier)


def _held(model: str) -> ModelRow:
    """A version under the lock of its scenario: of two acts at once the second sees what the first did."""
    found = row_of(model)
    hold_name(f"scenario:{found.scenario}")
    found.refresh_from_db()
    return found


def _said(row: ModelRow) -> Document:
    return {"model": row.id, "sha256": row.sha256}
