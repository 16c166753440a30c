"""What a change of the list touches, counted before it counts."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from xinqiao.catalogue.changes import ChangeKind, ItemChange, carries, changes
from xinqiao.catalogue.load import load_catalogue
from xinqiao.catalogue.types import Catalogue, Openness, UnknownItem
from xinqiao.consent.queries import count_live, open_requests_naming
from xinqiao.evaluation.compute import facts_by_code, scorecard_at
from xinqiao.evaluation.types import Scorecard
from xinqiao.ingest.queries import standing_rows
from xinqiao.kernel.dated import beijing_day
from xinqiao.parties.queries import list_organisations
from xinqiao.parties.types import OrganisationKind
from xinqiao.plumbing.settings import content_dir
from xinqiao.records.types import AsOf
from xinqiao.release.queries import policy_text
from xinqiao.stewardship.types import Impact, Touched


def impact_of(before: Catalogue, after: Catalogue, *, now: datetime) -> Impact:
    """What going from one list to the other touches now.

    The theorems about the gate range over every list of at most 64 non-public items, so the table in force is proved
    for this one. Raises NotProved.
    """
    from xinqiao.release.prove import require_proof  # loads a solver, which nothing else in a node needs

    found = changes(before, after)
    moved = [change.item.code for change in found]
    live, naming = count_live(naming=moved, now=now)
    going = [c.item.code for c in found if c.kind is ChangeKind.REMOVED]
    requests = open_requests_naming(going, now=now)
    rows = {code: int(total["rows"]) for code, total in standing_rows()}
    card = scorecard_at(AsOf(beijing_day(now), now))
    touched = tuple(
        Touched(
            change=change,
            lacking=live - naming[change.item.code] if _asks(change) else 0,
            losing=naming[change.item.code] if change.kind is ChangeKind.REMOVED else 0,
            requests=len(requests.get(change.item.code, ())),
            rows=rows.get(change.item.code, 0),
            **_scored(change, after, card),
        )
        for change in found
    )
    admitted = [o.kind for o in list_organisations() if o.admitted]
    known = {o.code for o in list_organisations(kind=OrganisationKind.DEPARTMENT)}
    return Impact(
        touched=touched,
        institutions=admitted.count(OrganisationKind.INSTITUTION),
        platforms=admitted.count(OrganisationKind.PLATFORM),
        live=live,
        new_providers=tuple(d.name for d in after.departments if d.code not in known and after.of_department(d.code)),
        proof_sha256=require_proof(policy_text()).sha256,
    )


def _asks(change: ItemChange) -> bool:
    """Whether what comes onto the list is given on authorisation only."""
    return change.kind is ChangeKind.ADDED and change.item.openness is not Openness.PUBLIC


def _scored(change: ItemChange, after: Catalogue, card: Scorecard) -> dict[str, tuple[str, ...] | int]:
    """The indicators of the card that cannot be computed any more, and the points they could give."""
    code, declared = change.item.code, load_catalogue(content_dir())
    try:
        kept = carries(after.item(code), declared.item(code))
    except UnknownItem:
        kept = False
    if kept or change.kind is ChangeKind.ADDED:
        return {}
    facts = facts_by_code()
    lost = [one for one in card.indicators if code in facts[one.code].items]
    return {
        "indicators": tuple(one.code for one in lost),
        "points": sum(one.maximum for one in lost),
        "vetoes": tuple(v.rule.code for v in card.vetoes if code in facts[v.rule.indicator].items),
    }


def as_document(impact: Impact) -> dict[str, object]:
    """An impact as JSON, for programs and for its digest."""
    return {
        "institutions": impact.institutions,
        "platforms": impact.platforms,
        "live_authorisations": impact.live,
        "new_providers": list(impact.new_providers),
        "proof_sha256": impact.proof_sha256,
        "items": [_line(touched) for touched in impact.touched],
        "says": [str(sentence) for sentence in impact.says],
    }


def _line(touched: Touched) -> dict[str, object]:
    change = touched.change
    return {
        "item": change.item.code,
        "kind": str(change.kind),
        "differences": [asdict(difference) for difference in change.differences],
        "wider": list(change.wider),
        "lacking": touched.lacking,
        "losing": touched.losing,
        "requests": touched.requests,
        "rows": touched.rows,
        "indicators": list(touched.indicators),
        "points": touched.points,
        "vetoes": list(touched.vetoes),
    }
