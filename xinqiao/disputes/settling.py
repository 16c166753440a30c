"""Disputes whose correction has reached everybody: nothing is left to do but to show what it did to the score."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from xinqiao.corrections.queries import rippled_causes
from xinqiao.disputes import queries
from xinqiao.disputes.filing import SYSTEM
from xinqiao.disputes.models import DisputeRow
from xinqiao.disputes.moving import move
from xinqiao.disputes.types import DisputeState, Verdict
from xinqiao.evaluation.queries import current_score


def settle_corrected(*, now: datetime) -> int:
    """Close the disputes whose recipients have all been told; returns how many."""
    rows = DisputeRow.objects.filter(state=DisputeState.ANSWERED, verdict=Verdict.ERROR)
    done = rippled_causes(rows.values_list("id", flat=True))
    for dispute in sorted(done):
        _settle(dispute, now)
    return len(done)


@transaction.atomic
def _settle(dispute: str, now: datetime) -> None:
    row = queries.row_of(dispute, lock=True)
    if row.state == DisputeState.ANSWERED:
        move(row, "notify", SYSTEM, now)
        row.score_after = current_score(row.enterprise, now=now)
        row.save()
