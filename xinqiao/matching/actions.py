"""Verbs of matching. Each is one transaction: check, change, record the evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from xinqiao.evidence.actions import record
from xinqiao.kernel.canonical import canonical_bytes, sha256_hex
from xinqiao.kernel.dated import beijing_day, new_number
from xinqiao.matching import queries
from xinqiao.matching.models import DemandRow, NeedRow, ProductRow, ProductVersionRow, TrialRow
from xinqiao.matching.papers import read_product
from xinqiao.matching.refusals import (
    NeedOpen,
    NotAnInstitution,
    TooManyProducts,
    TooManyTrials,
    UnknownNeed,
    UnknownProduct,
)
from xinqiao.matching.rules import check_need, need_is_open, told
from xinqiao.matching.types import (
    DEMAND_TOLD,
    NEED_CLOSED,
    NEED_POSTED,
    PRODUCT_WITHDRAWN,
    PUBLISHED,
    REACH_TRIED,
    Condition,
    Guarantee,
    MatchingRules,
    Need,
    NeedState,
    Product,
    Reach,
    Told,
)
from xinqiao.parties.queries import get_enterprise, get_organisation
from xinqiao.parties.types import OrganisationKind
from xinqiao.plumbing.locks import hold_name


@transaction.atomic
def publish_product(raw: Mapping[str, Any], *, institution: str, code: str = "", actor: str, now: datetime) -> Product:
    """Publish a product, or with ``code`` its next version; the same text again changes nothing.

    Raises NotAnInstitution, InvalidProduct (every fault), TooManyProducts, UnknownProduct.
    """
    offering = get_organisation(institution)
    if not offering.admitted or offering.kind is not OrganisationKind.INSTITUTION:
        raise NotAnInstitution(organisation=offering.name)
    rules = queries.matching_rules(now=now)
    document = read_product(raw, queries.condition_facts(now=now), queries.grades(now=now), rules)
    written = canonical_bytes(document)
    hold_name(f"matching.product {institution}")
    row = _row(code, institution, rules.most_products, now)
    last = row.versions.order_by("-version").first()
    if last and last.sha256 == sha256_hex(written) and row.withdrawn_at is None:
        return queries.product_facts(row, last, offering.name)
    row.version, row.withdrawn_at = row.version + 1, None
    row.save()
    version = ProductVersionRow.objects.create(
        product=row,
        version=row.version,
        document=written.decode(),
        sha256=sha256_hex(written),
        published_at=now,
        published_by=actor,
    )
    body = {"product": row.code, "version": row.version, "sha256": version.sha256}
    record(PUBLISHED, actor=actor, subject=institution, body=body, now=now)
    return queries.product_facts(row, version, offering.name)


def _row(code: str, institution: str, most: int, now: datetime) -> ProductRow:
    own = ProductRow.objects.filter(institution=institution)
    if code:
        found = own.select_for_update().filter(code=code).first()
        if found is None:
            raise UnknownProduct(product=code)
        return found
    if own.filter(withdrawn_at=None).count() >= most:
        raise TooManyProducts(most=most)
    return ProductRow.objects.create(code=new_number("P", now), institution=institution)


@transaction.atomic
def withdraw_product(code: str, *, institution: str, actor: str, now: datetime) -> None:
    """Take a product off; applications under way go on. Raises UnknownProduct."""
    rows = ProductRow.objects.filter(code=code, institution=institution, withdrawn_at=None)
    if not rows.update(withdrawn_at=now):
        raise UnknownProduct(product=code)
    record(PRODUCT_WITHDRAWN, actor=actor, subject=institution, body={"product": code}, now=now)


@transaction.atomic
def post_need(
    enterprise: str,
    *,
    amount_fen: int | None,
    months: int | None,
    guarantees: Sequence[str],
    purpose: str,
    window: str = "",
    actor: str,
    now: datetime,
) -> Need:
    """State what an enterprise is looking for. Raises InvalidNeed (every fault), NeedOpen, PartyNotFound."""
    firm, rules = get_enterprise(enterprise), queries.matching_rules(now=now)
    check_need(amount_fen=amount_fen, months=months, guarantees=guarantees, purpose=purpose, window=window, rules=rules)
    today = beijing_day(now)
    for row in NeedRow.objects.select_for_update().filter(enterprise=enterprise, state=NeedState.OPEN):
        if need_is_open(queries.need_facts(row), on=today):
            raise NeedOpen(need=row.id)
        _end(row, NeedState.EXPIRED, "system", now)
    chosen = [str(g) for g in Guarantee if str(g) in guarantees]
    try:
        with transaction.atomic():
            made = NeedRow.objects.create(
                id=new_number("N", now), enterprise=firm.uscc, amount_fen=amount_fen, months=months,
                guarantees=chosen, purpose=purpose.strip(), window=window, state=NeedState.OPEN, posted_at=now,
                until=today + timedelta(days=rules.need_days),
            )  # fmt: skip
    except IntegrityError as twice:  # somebody else of the enterprise was a moment earlier
        raise NeedOpen(need="") from twice
    body = {"need": made.id, "amount_fen": amount_fen, "months": months, "window": window}
    record(NEED_POSTED, actor=actor, subject=enterprise, body=body, now=now)
    return queries.need_facts(made)


@transaction.atomic
def close_need(need: str, *, enterprise: str, actor: str, now: datetime) -> Need:
    """End a need; what was applied for goes on. Raises UnknownNeed; ended already, nothing changes."""
    row = NeedRow.objects.select_for_update().filter(id=need, enterprise=enterprise).first()
    if row is None:
        raise UnknownNeed(need=need)
    if row.state == NeedState.OPEN:
        _end(row, NeedState.CLOSED, actor, now)
    return queries.need_facts(row)


def expire_needs(*, now: datetime) -> int:
    """Mark needs whose day has passed; reads look at the day themselves. Returns how many."""
    found = 0
    for row in NeedRow.objects.filter(state=NeedState.OPEN, until__lt=beijing_day(now))[:500]:
        with transaction.atomic():
            row = NeedRow.objects.select_for_update().get(id=row.id)
            if row.state == NeedState.OPEN:
                _end(row, NeedState.EXPIRED, "system", now)
                found += 1
    return found


def _end(row: NeedRow, state: NeedState, actor: str, now: datetime) -> None:
    row.state, row.closed_at = state, now
    row.save(update_fields=["state", "closed_at"])
    record(NEED_CLOSED, actor=actor, subject=row.enterprise, body={"need": row.id, "state": str(state)}, now=now)


def tell_demand(institution: str, *, actor: str, now: datetime) -> list[tuple[Product, Told, Told]]:
    """Each product of an institution with how many open needs it fits wholly, and how many but for missing facts.

    Counts only, rounded down, none below the floor: who they are the institution learns from whoever opts in. A product
    is counted once a day, whatever versions follow; one that is new or changed today counts as a trial of conditions.
    With its evidence; raises NothingEvaluated.
    """
    rules, today = queries.matching_rules(now=now), beijing_day(now)
    offered = queries.list_products(institution=institution, on=today)
    counted = {row.product_id: (row.fitting, row.lacking) for row in _counted(offered, today)}
    fresh = [one for one in offered if one.code not in counted]
    changed = [one for one in fresh if beijing_day(one.published_at) == today]
    left = max(0, rules.trials_a_day - _tried(institution, today))
    fresh = [one for one in fresh if one not in changed] + changed[:left]
    found = queries.demand(fresh, now=now)
    with transaction.atomic():
        rows = [DemandRow(product_id=c, on=today, fitting=f, lacking=n) for c, (f, n) in found.items()]
        DemandRow.objects.bulk_create(rows, ignore_conflicts=True)
        if changed[:left]:
            TrialRow.objects.get_or_create(institution=institution, on=today)
            spent = F("count") + len(changed[:left])
            TrialRow.objects.filter(institution=institution, on=today).update(count=spent)
        answered = [(one, *_as_told(counted | found, one.code, rules)) for one in offered]
        body = {one.code: [fitting.count, lacking.count] for one, fitting, lacking in answered}
        record(DEMAND_TOLD, actor=actor, subject=institution, body={"counts": body}, now=now)
    return answered


def _counted(products: Sequence[Product], today: date) -> list[DemandRow]:
    return list(DemandRow.objects.filter(product__in=[one.code for one in products], on=today))


def _tried(institution: str, today: date) -> int:
    return TrialRow.objects.filter(institution=institution, on=today).values_list("count", flat=True).first() or 0


def _as_told(counts: Mapping[str, tuple[int, int]], code: str, rules: MatchingRules) -> tuple[Told, Told]:
    fitting, lacking = counts.get(code, (0, 0))
    return told(fitting, rules), told(lacking, rules)


def try_reach(conditions: Sequence[Condition], *, institution: str, actor: str, now: datetime) -> Reach:
    """How far conditions reach, for an institution that is about to publish; raises TooManyTrials, NothingEvaluated."""
    most, today = queries.matching_rules(now=now).trials_a_day, beijing_day(now)
    if _tried(institution, today) >= most:
        raise TooManyTrials(most=most)
    found = queries.reach(conditions, now=now)
    with transaction.atomic():
        TrialRow.objects.get_or_create(institution=institution, on=today)
        left = TrialRow.objects.filter(institution=institution, on=today, count__lt=most)
        if not left.update(count=F("count") + 1):
            raise TooManyTrials(most=most)
        body = {"together": found.together.count, "conditions": len(conditions), "run": found.run}
        record(REACH_TRIED, actor=actor, subject=institution, body=body, now=now)
    return found
