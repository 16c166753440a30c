"""Reading applications, their documents, and what of an own file can be repaired."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from xinqiao.catalogue.types import Item
from xinqiao.plumbing.settings import content_dir
from xinqiao.records.queries import rows_now
from xinqiao.repair.models import PaperRow, RepairRow
from xinqiao.repair.rules import countdown, load_repair_rules
from xinqiao.repair.types import Coded, Countdown, Paper, Repair, RepairRules, RepairState, UnknownRepair
from xinqiao.vault.keeping import read_sealed
from xinqiao.vault.sealing import open_all
from xinqiao.vault.types import Sealing, enterprise_subject

SAME = (
    "id", "enterprise", "enterprise_name", "item", "ref", "severity", "counted_from", "provider", "applied_at",
    "due_on", "refusal", "decided_at", "score_before", "score_after", "entry",
)  # fmt: skip


def repair_rules() -> RepairRules:
    """The content's ``repair.toml``."""
    return load_repair_rules(content_dir() / "repair.toml")


def refusal_of(code: str) -> Coded | None:
    """A coded reason, or None."""
    return next((one for one in repair_rules().refusals if one.code == code), None)


def sealing_of(enterprise: str, place: str, *, value: str = "", sealed: bytes = b"") -> Sealing:
    """Where words of an application are sealed: under the enterprise's key, bound to their place."""
    return Sealing(enterprise_subject(enterprise), f"repair:{place}", value=value, sealed=sealed)


def countdowns(document: Mapping[str, Any]) -> list[Countdown]:
    """What of an enterprise's own file can be repaired, soonest first; ``document`` is its own detailed answer."""
    rules, found = repair_rules(), []
    for block in document["items"]:
        pairs = zip(block.get("rows") or (), block.get("refs") or (), strict=True)
        found += [one for row, ref in pairs if (one := countdown(block["item"], row, ref, rules))]
    return sorted(found, key=lambda one: (one.earliest_on, one.item, one.ref))


def row_now(enterprise: str, item: Item, ref: str, *, known: datetime) -> dict[str, Any] | None:
    """A row as it stands, as stored; None where it does not."""
    return next((row for row in rows_now(enterprise, item, known=known) if row["_ref"] == ref), None)


def row_of(repair: str, *, lock: bool = False, **owner: Any) -> RepairRow:
    """A stored application, of the given owner when one is named; raises UnknownRepair."""
    rows = RepairRow.objects.select_for_update() if lock else RepairRow.objects
    row = rows.filter(id=repair, **owner).first()
    if row is None:
        raise UnknownRepair(repair=repair)
    return row


def get_repair(repair: str, **owner: Any) -> Repair:
    """One application, of that ``enterprise`` or ``provider`` when one is given; raises UnknownRepair."""
    return facts([row_of(repair, **owner)])[0]


def list_repairs(
    *,
    enterprise: str | None = None,
    provider: str | None = None,
    states: Collection[RepairState] | None = None,
    limit: int = 200,
) -> list[Repair]:
    """Applications, those to be decided first, the most urgent on top."""
    rows = RepairRow.objects.order_by("state", "due_on", "-applied_at")
    rows = rows.filter(enterprise=enterprise) if enterprise is not None else rows
    rows = rows.filter(provider=provider) if provider is not None else rows
    rows = rows.filter(state__in=list(states)) if states is not None else rows
    return facts(list(rows[:limit]))


def facts(rows: Sequence[RepairRow]) -> list[Repair]:
    """Stored applications with their words opened, all in one look."""
    sealings = []
    for row in rows:
        sealings.append(sealing_of(row.enterprise, f"{row.id}:text", sealed=bytes(row.text_sealed)))
        sealings.append(sealing_of(row.enterprise, f"{row.id}:answer", sealed=bytes(row.answer_sealed)))
    texts = open_all(sealings)
    return [
        Repair(
            **{name: getattr(row, name) for name in SAME},
            state=RepairState(row.state),
            text=texts[2 * n],
            answer=texts[2 * n + 1],
        )
        for n, row in enumerate(rows)
    ]


def list_papers(repair: str) -> list[Paper]:
    """The documents of an application."""
    rows = PaperRow.objects.filter(repair_id=repair).order_by("id")
    return [Paper(row.id, row.document, row.name, row.sha256) for row in rows]


def read_paper(repair: Repair, paper: int) -> tuple[str, str, bytes]:
    """Name, kind and bytes of a document; raises UnknownRepair where there is none, or its key was destroyed."""
    row = PaperRow.objects.filter(id=paper, repair_id=repair.id).first()
    place = f"repair:{repair.id}:{row.document}" if row else ""
    data = read_sealed(enterprise_subject(repair.enterprise), row.path, place=place) if row else None
    if row is None or data is None:
        raise UnknownRepair(repair=f"{repair.id}/{paper}")
    return row.name, row.kind, data
