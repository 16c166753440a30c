"""Scores a population, whether it is the province or one enterprise: the same columns either way."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from xinqiao import indicators
from xinqiao.catalogue.load import load_catalogue
from xinqiao.catalogue.types import Item
from xinqiao.evaluation.load import in_force, load_scorecards
from xinqiao.evaluation.types import Scorecard, WhyNotKnown
from xinqiao.indicators import enterprise as one
from xinqiao.indicators.authoring import Declared
from xinqiao.indicators.derive import Peers, peers_among
from xinqiao.indicators.province import Province
from xinqiao.indicators.registry import load_indicators
from xinqiao.indicators.types import IndicatorFacts
from xinqiao.kernel.digesting import tree_digest
from xinqiao.plumbing.settings import content_dir
from xinqiao.quality.queries import unsettled
from xinqiao.records.queries import answered_items
from xinqiao.records.types import AsOf
from xinqiao.sharing.queries import not_listed

REGISTRATION = "registration.basic"
SHUT = (WhyNotKnown.NOT_LISTED, WhyNotKnown.SOURCE_UNREACHABLE, WhyNotKnown.NOT_CONFIRMED)


def scorecards() -> tuple[Scorecard, ...]:
    """Every scorecard of the content, checked against its indicators."""
    return load_scorecards(content_dir(), frozenset(load_indicators()))


def scorecard_at(as_of: AsOf, code: str = "basic") -> Scorecard:
    """The version in force on the day of the view."""
    return in_force(scorecards(), code, as_of.valid)


@cache
def facts_by_code() -> Mapping[str, IndicatorFacts]:
    """Indicator code → its declaration."""
    return {code: registered.indicator.facts for code, registered in load_indicators().items()}


def needed(card: Scorecard) -> tuple[list[Declared], list[Item]]:
    """Indicators a card rests on (scored, vetoing, sizing), and the items they read."""
    codes = [*card.scoring.bins, *(v.rule.indicator for v in card.vetoes), *card.scoring.size_inputs]
    indicators = [load_indicators()[code].indicator for code in dict.fromkeys(codes)]
    catalogue = load_catalogue(content_dir())
    items = dict.fromkeys([REGISTRATION, *(code for i in indicators for code in i.facts.items)])
    return indicators, [catalogue.item(code) for code in items]


def open_sources(card: Scorecard, as_of: AsOf) -> dict[str, str]:
    """Items a card rests on of which something is not known, and why: source down, long overdue, not on the list.

    Of an item never delivered, only answered about one enterprise or another, the absence of others says nothing.
    """
    items = needed(card)[1]
    away = not_listed(items)
    found = unsettled([i for i in items if i.code not in away], on=as_of.valid, known=as_of.known)
    partly = answered_items(known=as_of.known)
    said = {code: why for code, why in found.items() if why != WhyNotKnown.NEVER_SHARED or code in partly}
    return said | dict.fromkeys(sorted(away), str(WhyNotKnown.NOT_LISTED))


def shut(sources: Mapping[str, str]) -> frozenset[str]:
    """The items of which nothing recorded may be read."""
    return frozenset(code for code, why in sources.items() if why in SHUT)


def province(card: Scorecard, as_of: AsOf, sources: Mapping[str, str]) -> Province:
    """What a card makes of all enterprises."""
    chosen, items = needed(card)
    read = {"unsettled": frozenset(sources), "shut": shut(sources)}
    return Province(items, chosen, card.scoring, as_of, registry=REGISTRATION, **read)


@cache
def content_digest() -> str:
    """SHA-256 over the content and the code that computes it: two runs of equal digests give equal values."""
    folders = (content_dir(), Path(indicators.__file__).parent, Path(__file__).parent)
    return tree_digest((folder, (".py", ".toml")) for folder in folders)


def score_enterprise(
    enterprise: str, card: Scorecard, as_of: AsOf, peers: Peers, sources: Mapping[str, str]
) -> dict[str, Any] | None:
    """The scored row of one enterprise, or None when the registry does not hold it."""
    indicators, items = needed(card)
    return one.score_enterprise(
        enterprise,
        items,
        indicators,
        card.scoring,
        as_of,
        registry=REGISTRATION,
        peers=peers,
        unsettled=frozenset(sources),
        shut=shut(sources),
    )


def compared_columns(card: Scorecard) -> tuple[str, ...]:
    """Columns of a run whose values a card compares among peers."""
    return tuple(dict.fromkeys(p.of.facts.column for p in peers_among(needed(card)[0])))
