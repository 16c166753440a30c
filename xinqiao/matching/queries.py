"""Reads: products on offer, needs, how they fit an enterprise, and the counts an institution is told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.db.models import F

from xinqiao.evaluation.population import comparable, population, public_facts
from xinqiao.evaluation.queries import get_scorecard
from xinqiao.evaluation.types import Document, NoRun
from xinqiao.kernel.dated import beijing_day
from xinqiao.matching.batch import OPEN, PASSED, Many, guarantee_bits
from xinqiao.matching.blur import seeds
from xinqiao.matching.models import NeedRow, ProductRow, ProductVersionRow
from xinqiao.matching.refusals import (
    NothingEvaluated,
    UnknownNeed,
    UnknownProduct,
)
from xinqiao.matching.rules import fit_of, load_rules, need_is_open, parse_rules, ranked, told
from xinqiao.matching.types import (
    Basis,
    Condition,
    ConditionFacts,
    Firm,
    Fit,
    Guarantee,
    MatchingRules,
    Need,
    NeedState,
    Product,
    Reach,
)
from xinqiao.parties.queries import list_organisations
from xinqiao.plumbing.settings import content_dir

UNKNOWN_SIZE = "unknown"


def condition_facts(*, now: datetime) -> dict[str, ConditionFacts]:
    """Indicator code → what a condition on it compares."""
    return {code: ConditionFacts(f.kind, f.name, f.unit) for code, f in comparable(now=now).items()}


def grades(*, now: datetime) -> list[str]:
    """The grades of the scorecard in force, the best first."""
    return [g.grade for g in get_scorecard(on=beijing_day(now)).grades]


def vetoes(*, now: datetime) -> list[str]:
    """The codes of the vetoes of the scorecard in force."""
    return [v.rule.code for v in get_scorecard(on=beijing_day(now)).vetoes]


def matching_rules(*, now: datetime) -> MatchingRules:
    """The content's ``matching.toml``; raises InvalidMatching."""
    raw = load_rules(content_dir() / "matching.toml")
    return parse_rules(raw, condition_facts(now=now), grades(now=now))


def list_products(
    *, institution: str | None = None, on: date | None = None, admitted: bool = True, window: str = ""
) -> list[Product]:
    """Products as they stand: all, an institution's, those on offer on a day; of admitted institutions unless told."""
    names = {o.code: o.name for o in list_organisations() if o.admitted or not admitted}
    rows = ProductRow.objects.filter(withdrawn_at=None, institution__in=list(names)).order_by("code")
    if institution is not None:
        rows = rows.filter(institution=institution)
    versions = _newest(rows)
    found = [_of_list(row, names[row.institution], *versions[row.code]) for row in rows if row.code in versions]
    return [p for p in found if (on is None or p.on_offer(on)) and (not window or window in p.windows)]


def get_product(code: str, *, version: int | None = None) -> Product:
    """A product's version, by default the newest, on offer or not; raises UnknownProduct."""
    row = ProductRow.objects.filter(code=code).first()
    if row is None:
        raise UnknownProduct(product=code)
    found = ProductVersionRow.objects.filter(product=row, version=version or row.version).first()
    if found is None:
        raise UnknownProduct(product=f"{code} v{version}")
    names = {o.code: o.name for o in list_organisations()}
    return product_facts(row, found, names.get(row.institution, row.institution))


def list_versions(code: str) -> list[Product]:
    """Every version of a product, the newest first; raises UnknownProduct."""
    newest = get_product(code)
    return [get_product(code, version=number) for number in range(newest.version, 0, -1)]


def _newest(rows: Iterable[ProductRow]) -> dict[str, tuple[str, datetime]]:
    """Digest and time of the newest version of each; what it says is read once and kept."""
    wanted = [row.code for row in rows]
    found = ProductVersionRow.objects.filter(product__in=wanted, version=F("product__version"))
    return {code: (sha256, at) for code, sha256, at in found.values_list("product_id", "sha256", "published_at")}


def _of_list(row: ProductRow, name: str, sha256: str, published_at: datetime) -> Product:
    document = _document(row.code, row.version, sha256)
    return _product(row.code, row.version, row.institution, name, document, sha256, published_at)


@lru_cache(maxsize=8192)
def _document(code: str, version: int, sha256: str) -> str:
    """What a version says; it never changes."""
    found = ProductVersionRow.objects.values_list("document", flat=True)
    return str(found.get(product=code, version=version, sha256=sha256))


def product_facts(row: ProductRow, version: ProductVersionRow, institution_name: str) -> Product:
    """A stored version as its facts."""
    published = (version.document, version.sha256, version.published_at)
    return _product(row.code, version.version, row.institution, institution_name, *published)


@lru_cache(maxsize=4096)
def _product(
    code: str, version: int, institution: str, name: str, document: str, sha256: str, published_at: datetime
) -> Product:
    """A version never changes: it is read once."""
    raw = json.loads(document)
    conditions = tuple(condition_of(c) for c in raw.pop("conditions"))
    until = raw.pop("offered_until")
    return Product(
        code=code,
        version=version,
        institution=institution,
        institution_name=name,
        guarantees=tuple(Guarantee(g) for g in raw.pop("guarantees")),
        windows=tuple(raw.pop("windows")),
        offered_from=date.fromisoformat(raw.pop("offered_from")),
        offered_until=date.fromisoformat(until) if until else None,
        conditions=conditions,
        sha256=sha256,
        published_at=published_at,
        **raw,
    )


def condition_of(raw: Mapping[str, object]) -> Condition:
    """A stored condition."""
    bounds = {key: raw.get(key) for key in ("at_least", "below")}
    values = raw.get("values", ())
    return Condition(Basis(str(raw["basis"])), str(raw.get("indicator", "")), values=tuple(values), **bounds)  # type: ignore[arg-type]


def get_need(need: str, *, enterprise: str | None = None) -> Need:
    """A need; raises UnknownNeed, also for another's when ``enterprise`` is given."""
    row = NeedRow.objects.filter(id=need).first()
    if row is None or enterprise not in (None, row.enterprise):
        raise UnknownNeed(need=need)
    return need_facts(row)


def find_open_need(enterprise: str, *, now: datetime) -> Need | None:
    """The need of an enterprise that stands now."""
    row = NeedRow.objects.filter(enterprise=enterprise, state=NeedState.OPEN).first()
    found = need_facts(row) if row else None
    return found if found and need_is_open(found, on=beijing_day(now)) else None


def list_needs(enterprise: str, *, limit: int = 50) -> list[Need]:
    """The needs of an enterprise, the newest first."""
    return [need_facts(row) for row in NeedRow.objects.filter(enterprise=enterprise).order_by("-posted_at")[:limit]]


def open_needs(*, now: datetime) -> list[Need]:
    """Every need that stands now."""
    rows = NeedRow.objects.filter(state=NeedState.OPEN, until__gte=beijing_day(now))
    return [need_facts(row) for row in rows.order_by("id")]


def need_facts(row: NeedRow) -> Need:
    """A stored need as its facts."""
    return Need(
        row.id, row.enterprise, row.amount_fen, row.months, tuple(Guarantee(g) for g in row.guarantees), row.purpose,
        row.window, NeedState(row.state), row.posted_at, row.until,
    )  # fmt: skip


def firm_of(evaluation: Document, *, now: datetime) -> Firm:
    """What conditions look at, from the evaluation an enterprise reads of itself (form ``derived``).

    Not rated means too little is known: neither grade nor score is held against anybody.
    """
    division, industry = public_facts(evaluation["enterprise"], now=now)
    rated = evaluation["grade"] != get_scorecard(on=beijing_day(now)).scoring.unrated
    return Firm(
        enterprise=evaluation["enterprise"],
        values={i["code"]: i["value"] for i in evaluation["indicators"]},
        score=evaluation["score"] if rated else None,
        grade=evaluation["grade"] if rated else None,
        coverage=evaluation["coverage"],
        size="" if evaluation["size_class"] == UNKNOWN_SIZE else evaluation["size_class"] or "",
        industry=industry,
        division=division,
        vetoes=tuple(evaluation["vetoes"]),
    )


def fits(firm: Firm, need: Need, *, now: datetime, products: Sequence[Product] | None = None) -> list[Fit]:
    """Every product on offer held against an enterprise and its need, in the order it is shown."""
    offered = list_products(on=beijing_day(now)) if products is None else products
    return ranked((fit_of(one, firm, need) for one in offered), window=need.window)


def many_of(needs: Sequence[Need], products: Sequence[Product], *, now: datetime) -> Many:
    """Enterprises with needs as columns, those of them that are evaluated; raises NothingEvaluated."""
    by_firm = {need.enterprise: need for need in needs}
    table, _ = _population([c for p in products for c in p.conditions], now=now, enterprises=by_firm)
    wanted = [by_firm[code] for code in table.column("code").to_pylist()]
    table = table.append_column("need_amount_fen", pa.array([n.amount_fen for n in wanted], pa.int64()))
    table = table.append_column("need_months", pa.array([n.months for n in wanted], pa.int64()))
    bits = [guarantee_bits([str(g) for g in n.guarantees]) for n in wanted]
    return Many(table.append_column("need_guarantees", pa.array(bits, pa.int64())), _Columns())


def _population(
    conditions: Sequence[Condition], *, now: datetime, enterprises: Iterable[str] | None = None
) -> tuple[pa.Table, str]:
    known = comparable(now=now)
    used = [c.indicator for c in conditions if c.indicator in known]
    try:
        table, run = population(used, now=now, enterprises=None if enterprises is None else set(enterprises))
    except NoRun as none:
        raise NothingEvaluated() from none
    gone = {c.indicator for c in conditions if c.indicator} - set(known)
    for code in sorted(gone):  # an indicator that left the list: nobody's value is known
        table = table.append_column(_column(code), pa.nulls(table.num_rows, pa.int64()))
    unrated = pc.equal(table.column("grade"), get_scorecard(on=beijing_day(now)).scoring.unrated)
    for name, unknown in (("score", unrated), ("grade", unrated), ("size_class", _unknown_size(table))):
        blank = pc.if_else(pc.fill_null(unknown, True), None, table.column(name))
        table = table.set_column(table.column_names.index(name), name, blank)
    return table, run


def _unknown_size(table: pa.Table) -> pa.ChunkedArray:
    return pc.equal(table.column("size_class"), UNKNOWN_SIZE)


def _column(code: str) -> str:
    return code.replace(".", "__")


class _Columns(dict[str, str]):
    """Indicator code → its column in a run."""

    def __missing__(self, code: str) -> str:
        return _column(code)


def demand(products: Sequence[Product], *, now: datetime) -> dict[str, tuple[int, int]]:
    """Product code → how many open needs it fits wholly, and how many but for missing facts; raises NothingEvaluated.

    Counted over blurred numbers: this is for telling institutions, rounded down and above the floor only.
    """
    needs = open_needs(now=now)
    if not products or not needs:
        return {one.code: (0, 0) for one in products}
    many, found = many_of(needs, products, now=now), {}
    many.blurred = seeds(many.table.column("code").to_pylist())
    for one in products:
        outcome = many.match(one).outcome
        found[one.code] = (int(np.count_nonzero(outcome == PASSED)), int(np.count_nonzero(outcome == OPEN)))
    return found


def reach(conditions: Sequence[Condition], *, now: datetime) -> Reach:
    """How many evaluated enterprises pass conditions, together and each by itself; raises NothingEvaluated."""
    rules = matching_rules(now=now)
    table, run = _population(conditions, now=now)
    many = Many(table, _Columns(), seeds(table.column("code").to_pylist()))
    each = [(c, many.outcomes(c) == PASSED) for c in conditions]
    together = np.ones(table.num_rows, np.bool_)
    for _, holds in each:
        together &= holds
    return Reach(
        told(table.num_rows, rules),
        told(int(np.count_nonzero(together)), rules),
        tuple((c, told(int(np.count_nonzero(holds)), rules)) for c, holds in each),
        run,
    )
