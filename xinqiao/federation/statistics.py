"""What each node counts of itself and of what is below it, and how the counts of a network add up.

An enterprise registered on two platforms is one enterprise: what travels as objects is counted by name, here. What does
not travel is summed over the nodes directly below, each of which has summed what is below it: nothing is counted twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from xinqiao.evaluation.queries import count_evaluated
from xinqiao.federation.models import LinkRow, ObjectRow
from xinqiao.federation.rules import suppressed
from xinqiao.federation.types import STANDING, Draft, Side
from xinqiao.kernel.dated import beijing_day
from xinqiao.plumbing import settings as node


class Adding(StrEnum):
    """How a count of the network is made of those of its nodes."""

    DISTINCT = "distinct"  # by name, over all objects that came here
    SUM = "sum"  # this node's own objects and the counts of those directly below


@dataclass(frozen=True, slots=True)
class Metric:
    """A count: its name, how it adds up, and whether what it counts is public anyway."""

    code: str
    name: str
    adding: Adding
    public: bool


METRICS = (
    Metric("registered", "注册企业", Adding.DISTINCT, True),
    # Every registered enterprise is evaluated (省级实施方案), so how many are tells of none of them.
    Metric("evaluated", "已评价的注册企业", Adding.SUM, True),
    Metric("products", "在供融资产品", Adding.DISTINCT, True),
    Metric("authorisations", "有效授权", Adding.SUM, False),
    Metric("needs", "在册融资需求", Adding.SUM, False),
    Metric("outcomes", "融资结果", Adding.SUM, False),
)
_KINDS = {
    "registered": "registration",
    "products": "product",
    "authorisations": "authorisation",
    "needs": "need",
    "outcomes": "outcome",
}


@dataclass(frozen=True, slots=True)
class NetworkCount:
    """One count of the network below and with this node; ``below`` by node, None = a small cell that is left out.

    ``at_least``: some node left its cell out, so the total may be a little more.
    """

    metric: Metric
    total: int
    own: int
    below: Mapping[str, int | None]

    @property
    def at_least(self) -> bool:
        """Whether the total may be more."""
        return self.metric.adding is Adding.SUM and None in self.below.values()


def network_counts() -> list[NetworkCount]:
    """The counts of the network as this node knows them now."""
    told = _told_below()
    return [_count(metric, told) for metric in METRICS]


def _count(metric: Metric, told: Mapping[str, Mapping[str, int | None]]) -> NetworkCount:
    below = {peer: counts.get(metric.code) for peer, counts in told.items()}
    if metric.adding is Adding.DISTINCT:
        rows = _standing(_KINDS[metric.code])
        own = rows.filter(origin=node.node_code()).values("object_id").distinct().count()
        named = ("object_id",) if metric.code == "registered" else ("origin", "object_id")
        return NetworkCount(metric, rows.values(*named).distinct().count(), own, below)
    own = _evaluated() if metric.code == "evaluated" else _own(_KINDS[metric.code])
    return NetworkCount(metric, own + sum(count or 0 for count in below.values()), own, below)


def _standing(kind: str):  # type: ignore[no-untyped-def]
    return ObjectRow.objects.filter(kind=kind, current=True, retracted=False)


def _own(kind: str) -> int:
    return int(_standing(kind).filter(origin=node.node_code()).count())


def _evaluated() -> int:
    return count_evaluated(set(_standing("registration").values_list("object_id", flat=True)))


def _told_below() -> dict[str, Mapping[str, int | None]]:
    """The newest counts of each node directly below whose link stands."""
    peers = list(LinkRow.objects.filter(side=Side.BELOW, state__in=STANDING).values_list("peer", flat=True))
    rows = ObjectRow.objects.filter(kind="statistic", origin__in=peers, current=True, retracted=False)
    told = {row.origin: json.loads(row.document)["body"]["counts"] for row in rows}
    return {peer: told.get(peer, {}) for peer in sorted(peers)}


def own_statistic(now: datetime) -> Draft:
    """This node's counts, of itself and all below, as it tells them: small cells are left out."""
    counts = {c.metric.code: suppressed(c.total, public=c.metric.public) for c in network_counts()}
    return Draft("statistic", "totals", {"on": beijing_day(now).isoformat(), "counts": counts})
