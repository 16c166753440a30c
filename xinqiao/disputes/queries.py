"""Reading disputes, their clocks, files and notices."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count, Q

from xinqiao.catalogue.types import Item
from xinqiao.disputes.models import DisputeRow, FileRow, ReminderRow, StepRow
from xinqiao.disputes.refusals import UnknownDispute
from xinqiao.disputes.rules import load_dispute_rules, turn_of
from xinqiao.disputes.types import (
    OPEN,
    Attachment,
    Channel,
    Claim,
    Dispute,
    DisputeRules,
    DisputeState,
    Ground,
    Rejection,
    Step,
    Turn,
    Verdict,
)
from xinqiao.kernel.dated import beijing_day
from xinqiao.plumbing.calendar import work_calendar
from xinqiao.plumbing.settings import content_dir
from xinqiao.sharing.queries import item_ever
from xinqiao.vault.keeping import read_sealed
from xinqiao.vault.sealing import open_all
from xinqiao.vault.types import Sealing, enterprise_subject


def dispute_rules() -> DisputeRules:
    """The content's ``disputes.toml``."""
    return load_dispute_rules(content_dir() / "disputes.toml")


def ground_of(code: str) -> Ground | None:
    """A coded claim, or None once the content no longer has it."""
    return next((one for one in dispute_rules().grounds if one.code == code), None)


def rejection_of(code: str) -> Rejection | None:
    """A coded reason of not admitting, or None."""
    return next((one for one in dispute_rules().rejections if one.code == code), None)


def sealing_of(enterprise: str, place: str, *, value: str = "", sealed: bytes = b"") -> Sealing:
    """Where words and files of a dispute are sealed: under the enterprise's key, bound to their place."""
    return Sealing(enterprise_subject(enterprise), f"disputes:{place}", value=value, sealed=sealed)


def row_of(dispute: str, *, lock: bool = False, **owner: Any) -> DisputeRow:
    """A stored dispute, of the given owner when one is named; raises UnknownDispute."""
    rows = DisputeRow.objects.select_for_update() if lock else DisputeRow.objects
    row = rows.filter(id=dispute, **owner).first()
    if row is None:
        raise UnknownDispute(dispute=dispute)
    return row


def get_dispute(dispute: str, **owner: Any) -> Dispute:
    """One dispute, of that ``enterprise``, ``provider`` or ``via`` when one is given; raises UnknownDispute."""
    return dispute_facts([row_of(dispute, **owner)])[0]


def list_disputes(
    *,
    enterprise: str | None = None,
    provider: str | None = None,
    via: str | None = None,
    states: Collection[DisputeState] | None = None,
    limit: int = 200,
) -> list[Dispute]:
    """Disputes, those that came last first."""
    rows = DisputeRow.objects.order_by("-received_at", "-id")
    for name, value in (("enterprise", enterprise), ("provider", provider), ("via", via)):
        rows = rows.filter(**{name: value}) if value is not None else rows
    rows = rows.filter(state__in=list(states)) if states is not None else rows
    return dispute_facts(list(rows[:limit]))


def board(*, now: datetime, limit: int = 500, **owner: Any) -> list[tuple[Dispute, Turn]]:
    """Open disputes with their clocks, the least time left first."""
    rows = DisputeRow.objects.filter(state__in=OPEN, **owner).order_by("since", "id")[:limit]
    found = [(one, turn) for one in dispute_facts(list(rows)) if (turn := turn_at(one, now=now))]
    return sorted(found, key=lambda pair: (not pair[1].over, pair[1].due_on, -pair[1].elapsed_percent, pair[0].id))


def turn_at(dispute: Dispute, *, now: datetime) -> Turn | None:
    """Whose turn a dispute is and how its clock stands; None where nobody is waited for."""
    begun = dispute.counted_from if dispute.state is DisputeState.FILED else beijing_day(dispute.since)
    return turn_of(dispute.state, dispute_rules(), begun=begun, now=now, calendar=work_calendar())


def dispute_facts(rows: Sequence[DisputeRow]) -> list[Dispute]:
    """Stored disputes with their words opened, all in one look."""
    sealings = []
    for row in rows:
        sealings.append(sealing_of(row.enterprise, f"{row.id}:text", sealed=bytes(row.text_sealed)))
        sealings.append(sealing_of(row.enterprise, f"{row.id}:answer", sealed=bytes(row.answer_sealed)))
    texts = open_all(sealings)
    return [_facts(row, texts[2 * n], texts[2 * n + 1]) for n, row in enumerate(rows)]


_SAME = (
    "id", "enterprise", "enterprise_name", "via", "provider", "since", "received_at", "counted_from", "forward_due_on",
    "provisional", "forwarded_at", "late", "answer_due_on", "answered_at", "rejection", "review", "score_before",
    "score_after", "entry",
)  # fmt: skip


def _facts(row: DisputeRow, text: str, answer: str) -> Dispute:
    return Dispute(
        **{name: getattr(row, name) for name in _SAME},
        claim=Claim(row.item, row.ref, row.ground, text),
        channel=Channel(row.channel),
        state=DisputeState(row.state),
        verdict=Verdict(row.verdict) if row.verdict else None,
        answer=answer,
    )


def list_steps(dispute: Dispute) -> list[Step]:
    """What happened to a dispute, in order."""
    rows = list(StepRow.objects.filter(dispute_id=dispute.id).order_by("id"))
    notes = open_all([sealing_of(dispute.enterprise, f"{dispute.id}:note", sealed=bytes(r.note_sealed)) for r in rows])
    return [Step(DisputeState(r.state), r.at, r.actor, note) for r, note in zip(rows, notes, strict=True)]


def list_files(dispute: str) -> list[Attachment]:
    """The files of a dispute, oldest first."""
    rows = FileRow.objects.filter(dispute_id=dispute).order_by("id")
    return [Attachment(r.id, r.name, r.sha256, r.size_bytes, r.added_by, r.added_at) for r in rows]


def read_file(dispute: Dispute, file: int) -> tuple[str, str, bytes]:
    """Name, kind and bytes of a file; raises UnknownDispute where there is none, or its key was destroyed."""
    row = FileRow.objects.filter(id=file, dispute_id=dispute.id).first()
    place = f"disputes:{dispute.id}:file:{row.sha256}" if row else ""
    data = read_sealed(enterprise_subject(dispute.enterprise), row.path, place=place) if row else None
    if row is None or data is None:
        raise UnknownDispute(dispute=f"{dispute.id}/{file}")
    return row.name, row.kind, data


def open_dispute_about(enterprise: str, item: str, ref: str) -> str | None:
    """The number of the dispute under way about the same record, if any."""
    rows = DisputeRow.objects.filter(enterprise=enterprise, item=item, ref=ref, state__in=OPEN)
    return rows.values_list("id", flat=True).first()


def reminders_given(dispute: str, since: datetime) -> set[int]:
    """The marks of a clock at which reminders were given."""
    return set(ReminderRow.objects.filter(dispute_id=dispute, since=since).values_list("mark", flat=True))


def dispute_counts() -> Mapping[str, int]:
    """How many disputes there are in all, how many were handed over late, by what was found, and how many are open."""
    rows = DisputeRow.objects.aggregate(
        filed=Count("id"),
        late=Count("id", filter=Q(late=True)),
        under_way=Count("id", filter=Q(state__in=OPEN)),
        **{str(v): Count("id", filter=Q(verdict=v)) for v in Verdict},
    )
    return dict(rows)


def item_of(dispute: Dispute) -> Item:
    """The item that a dispute is about, on the list now or not."""
    return item_ever(dispute.claim.item)
