"""Reading evaluations: the published result of an enterprise, or one made on demand."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.db.models import Q, QuerySet

from xinqiao.evaluation import compute
from xinqiao.evaluation.calibration import load_calibrations
from xinqiao.evaluation.guideline import guideline
from xinqiao.evaluation.load import in_force
from xinqiao.evaluation.models import EvaluationRun
from xinqiao.evaluation.peers import NO_PEERS, PeerTable, dimension_medians, load_peers
from xinqiao.evaluation.profile import Profile, load_profile, profile
from xinqiao.evaluation.rules import document
from xinqiao.evaluation.types import (
    Coverage,
    Document,
    NoRun,
    NoScorecard,
    RunFacts,
    RunStatus,
    Scorecard,
    UnknownEnterprise,
    WhyNotKnown,
)
from xinqiao.indicators.derive import GROUP
from xinqiao.indicators.scoring import points_column
from xinqiao.kernel.dated import beijing_day
from xinqiao.plumbing.settings import content_dir
from xinqiao.records.lake import lake
from xinqiao.records.queries import last_registered_at
from xinqiao.records.supposed import is_supposed
from xinqiao.records.types import AsOf
from xinqiao.sharing.queries import item_ever, not_listed


def run_item(scorecard: str) -> str:
    """The name under which a scorecard's runs lie in the lake."""
    return f"evaluation.{scorecard}"


def as_facts(run: EvaluationRun, *, seconds: float = 0.0) -> RunFacts:
    """A stored run as its facts."""
    return RunFacts(
        id=run.id,
        scorecard=run.scorecard,
        version=run.version,
        status=RunStatus(run.status),
        valid_on=run.valid_on,
        known_at=run.known_at,
        enterprises=run.enterprises,
        grades=json.loads(run.grades),
        seconds=seconds,
    )


def list_runs(*, limit: int = 20) -> list[RunFacts]:
    """The latest runs of any kind, newest first."""
    return [as_facts(run) for run in EvaluationRun.objects.order_by("-started_at")[:limit]]


def _latest(code: str, *, known: datetime | None = None) -> EvaluationRun | None:
    """The newest published run; as it was at ``known``, also one that was rolled back since."""
    runs = EvaluationRun.objects.filter(scorecard=code, status=RunStatus.PUBLISHED)
    if known is not None:
        there = Q(status=RunStatus.PUBLISHED) | Q(status=RunStatus.ROLLED_BACK, rolled_back_at__gt=known)
        runs = EvaluationRun.objects.filter(there, scorecard=code, finished_at__lte=known)
    return runs.order_by("-known_at", "-started_at").first()


def latest_path(code: str = "basic") -> tuple[str, str]:
    """The newest published run's id and the place of its results in the lake; empty when there is none."""
    run = _latest(code)
    return (run.id, run.path) if run else ("", "")


def published_runs(code: str = "basic", *, limit: int) -> list[RunFacts]:
    """The newest published runs that have results, the oldest of them first."""
    rows = EvaluationRun.objects.filter(scorecard=code, status=RunStatus.PUBLISHED).exclude(path="")
    return [as_facts(run) for run in reversed(rows.order_by("-known_at", "-started_at")[:limit])]


@lru_cache(maxsize=4)
def grades_in(run_id: str) -> pa.Table:
    """``_enterprise`` and ``grade`` of a published run; kept: a run never changes. Raises NoRun."""
    run = EvaluationRun.objects.filter(id=run_id, status=RunStatus.PUBLISHED).exclude(path="").first()
    if run is None:
        raise NoRun(run=run_id)
    return lake().columns(run.path, ["_enterprise", "grade"])


def get_latest_run(code: str = "basic") -> RunFacts:
    """The newest published run; raises NoRun."""
    run = _latest(code)
    if run is None:
        raise NoRun()
    return as_facts(run)


def published_result(enterprise: str, code: str = "basic") -> Document | None:
    """The enterprise's document in the newest published run, or None."""
    run = _latest(code)
    return _result_in(run, enterprise) if run else None


def _result_in(run: EvaluationRun, enterprise: str) -> Document | None:
    """What a run says of an enterprise, or would say where the enterprise is read as it might have been."""
    as_of = AsOf(run.valid_on, run.known_at)
    if is_supposed(enterprise):
        card = compute.scorecard_at(as_of, run.scorecard)
        row = compute.score_enterprise(enterprise, card, as_of, _peers(card, as_of), run.sources)
        return _document(row, as_of, run.scorecard, run.sources) if row else None
    rows = lake().read(run.path, enterprise=enterprise).to_pylist() if run.path else []
    return _document(rows[0], as_of, run.scorecard, run.sources) if rows else None


def _without(
    enterprise: str, as_of: AsOf, code: str, closed: Mapping[str, str], answered: Collection[str] = ()
) -> Document:
    """Evaluated as if nothing were known of some items. No grade gets better for it: vetoes on record still hold."""
    card = compute.scorecard_at(as_of, code)
    read = {item.code for item in compute.needed(card)[1]}
    closed = {item: why for item, why in closed.items() if item in read}
    sources = _open_to(card, as_of, answered) | closed
    row = compute.score_enterprise(enterprise, card, as_of, _peers(card, as_of), sources)
    if row is None:
        raise UnknownEnterprise(enterprise=enterprise)
    made = _document(row, as_of, code, sources)
    facts = compute.facts_by_code()
    if not closed.keys() & {item for veto in card.vetoes for item in facts[veto.rule.indicator].items}:
        return made
    recorded = evaluate(enterprise, as_of, code, answered=answered)
    kept = [v.rule.code for v in card.vetoes if v.rule.code in (*made["vetoes"], *recorded["vetoes"])]
    return made if kept == made["vetoes"] else made | {"vetoes": kept, "grade": recorded["grade"]}


def count_evaluated(enterprises: Collection[str], code: str = "basic") -> int:
    """How many of these enterprises have a result in the newest published run."""
    _, path = latest_path(code)
    if not path or not enterprises:
        return 0
    found = _column(path, "_enterprise")
    return int(pc.sum(pc.is_in(found, value_set=pa.array(sorted(enterprises), pa.string()))).as_py() or 0)


def evaluate(enterprise: str, as_of: AsOf, code: str = "basic", *, answered: Collection[str] = ()) -> Document:
    """Evaluate one enterprise now, from what is recorded; raises UnknownEnterprise.

    ``answered`` are items whose source was asked about this very enterprise: that it has no record there is known.
    """
    card = compute.scorecard_at(as_of, code)
    sources = _open_to(card, as_of, answered)
    row = compute.score_enterprise(enterprise, card, as_of, _peers(card, as_of), sources)
    if row is None:
        raise UnknownEnterprise(enterprise=enterprise)
    return _document(row, as_of, code, sources)


def _open_to(card: Scorecard, as_of: AsOf, answered: Collection[str]) -> dict[str, str]:
    """Items of which something is not known, but for those whose source has just answered about the enterprise."""
    sources = compute.open_sources(card, as_of)
    return {item: why for item, why in sources.items() if item not in answered or why == WhyNotKnown.NOT_LISTED}


def is_under_list(run_id: str) -> bool:
    """Whether a run left out exactly the items that the list in force does not hold; so does no run ("")."""
    run = EvaluationRun.objects.filter(id=run_id).only("sources", "scorecard_sha256").first()
    if run is None:
        return True
    card = next((c for c in compute.scorecards() if c.sha256 == run.scorecard_sha256), None)
    return card is None or compute.shut(run.sources) == not_listed(compute.needed(card)[1])


def _runs_of(card: Scorecard) -> QuerySet[EvaluationRun]:
    """The published runs of this very card, the newest first."""
    runs = EvaluationRun.objects.filter(scorecard_sha256=card.sha256, status=RunStatus.PUBLISHED)
    return runs.exclude(path="").order_by("-known_at", "-started_at")


def _peers(card: Scorecard, as_of: AsOf) -> PeerTable:
    """The peers of the newest run of this very card that speaks of no later day and knew nothing later."""
    columns = compute.compared_columns(card)
    runs = _runs_of(card).filter(valid_on__lte=as_of.valid, known_at__lte=as_of.known)
    run = runs.first() if columns else None
    return load_peers(run.path, columns) if run else NO_PEERS


def peer_medians(enterprise: str, card: Scorecard) -> tuple[int, dict[str, int]]:
    """Peers of an enterprise in the newest published run of this card: how many, and their median by dimension.

    Peers are of one industry and size class; none where the enterprise is in no run or in too small a group.
    """
    run = _runs_of(card).first()
    rows = lake().read(run.path, enterprise=enterprise).to_pylist() if run else []
    group = rows[0].get(GROUP) if rows else None
    if run is None or not group:
        return 0, {}
    parts = tuple((d.code, tuple((points_column(i.code), i.maximum) for i in d.indicators)) for d in card.dimensions)
    return dimension_medians(run.path, group, parts)


def profile_of(answer: Mapping[str, Any], *, on: date) -> Profile:
    """The profile that an answer of the gate gives its reader, and no more than the answer holds."""
    card = get_scorecard(on=on)
    items = {block["item"]: item_ever(block["item"]) for block in answer["items"]}
    peers, medians = peer_medians(answer["enterprise"], card) if answer.get("evaluation") else (0, {})
    content = load_profile(content_dir() / "profile.toml")
    return profile(answer, content, card, items, medians=medians, peers=peers, today=on)


def current_score(enterprise: str, *, now: datetime) -> int | None:
    """The score as it stands; None where the registry does not know the enterprise."""
    try:
        found: int = current_result(enterprise, now=now)["score"]
    except UnknownEnterprise:
        return None
    return found


def current_result(
    enterprise: str,
    *,
    now: datetime,
    code: str = "basic",
    closed: Mapping[str, str] | None = None,
    answered: Collection[str] = (),
) -> Document:
    """The published result while nothing was delivered since and the sources still stand as they did.

    Else one made on demand; raises UnknownEnterprise. ``closed`` are items whose source was asked and leaves them not
    known, and why: nothing of them counts, except that a veto on record stays one. ``answered`` are those whose source
    was asked about this enterprise and answered.
    """
    as_of = AsOf(beijing_day(now), now)
    if closed:
        return _without(enterprise, as_of, code, closed, answered)
    run = _latest(code, known=now)
    delivered = last_registered_at(known=now)
    if run and (delivered is None or delivered <= run.known_at):
        same = dict(run.sources) == _open_to(compute.scorecard_at(as_of, code), as_of, answered)
        if same and (found := _result_in(run, enterprise)):
            return found
    return evaluate(enterprise, as_of, code, answered=answered)


def _document(row: dict[str, object], as_of: AsOf, code: str, sources: Mapping[str, str]) -> Document:
    card = compute.scorecard_at(as_of, code)
    known = as_of.known.astimezone(UTC).isoformat(timespec="microseconds")
    facts = compute.facts_by_code()
    return document(row, card, facts, valid_on=as_of.valid.isoformat(), known_at=known, sources=sources)


def get_scorecard(*, on: date, code: str = "basic") -> Scorecard:
    """The version of a scorecard in force on a day; raises NoScorecard."""
    return in_force(compute.scorecards(), code, on)


def get_guideline(*, on: date, code: str = "basic", version: str = "") -> Document:
    """The guideline of a scorecard's version, by default the one in force on a day; raises NoScorecard."""
    cards = [c for c in compute.scorecards() if c.code == code and c.version == version]
    if version and not cards:
        raise NoScorecard(card=f"{code} v{version}", on=on)
    card = cards[0] if version else get_scorecard(on=on, code=code)
    return guideline(card, compute.facts_by_code(), load_calibrations(content_dir()).get(card.sha256))


def indicator_coverage(card: Scorecard) -> Mapping[str, Coverage]:
    """Indicator code → coverage and freshness in the newest published run of this very card; empty without one."""
    run = _runs_of(card).first()
    return _coverage(run.path, card.sha256) if run else {}


@lru_cache(maxsize=4)
def _coverage(path: str, sha256: str) -> Mapping[str, Coverage]:
    """Counted once a run: a run never changes."""
    card = next(c for c in compute.scorecards() if c.sha256 == sha256)
    firms = lake().columns(path, ["_enterprise"]).num_rows
    newest = {
        name: pc.max(_column(path, name)).as_py() for name in lake().column_names(path) if name.startswith("newest__")
    }
    found = {}
    for one in card.indicators:
        facts = compute.facts_by_code()[one.code]
        days = [newest.get(f"newest__{item.replace('.', '__')}") for item in facts.items]
        dated = [day for day in days if day is not None]
        known = firms - _column(path, facts.column).null_count
        found[one.code] = Coverage(known, firms, min(dated) if len(dated) == len(days) else None)
    return found


def _column(path: str, name: str) -> pa.ChunkedArray:
    """One column of a run: of a province all of them would not fit."""
    return lake().columns(path, [name]).column(0)
