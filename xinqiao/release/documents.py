"""What an answer says: made from the records and the published evaluation as they stood at an instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from xinqiao.catalogue.types import Item, Openness
from xinqiao.consent.types import Authorisation, Form
from xinqiao.evaluation.compute import REGISTRATION, facts_by_code, needed, scorecard_at
from xinqiao.evaluation.queries import current_result
from xinqiao.evaluation.types import Document, UnknownEnterprise
from xinqiao.kernel.dated import add_months, beijing_day
from xinqiao.marks.queries import marks_of
from xinqiao.marks.types import Mark, MarkKind
from xinqiao.quality.queries import list_sources
from xinqiao.quality.types import Source
from xinqiao.records.queries import current_rows, delivered_items, read_enterprise
from xinqiao.records.sealing import open_rows
from xinqiao.records.types import AsOf
from xinqiao.release.scenario_scores import scenario_scores
from xinqiao.release.shape import Bounds, ItemFacts, Show, as_heard, figures_of, item_block
from xinqiao.release.types import Inquiry, RecipientKind
from xinqiao.sharing.queries import current_list, not_listed
from xinqiao.sources.queries import heard
from xinqiao.sources.types import Heard

OBLIGATIONS = ("仅用于授权所列用途", "不得转供他人", "授权到期或被撤回后停止使用")


def decided(rule: str, clause: str, policy_sha256: str, found: Authorisation | None) -> Document:
    """The part of an answer that says by which rule and under which authorisation it was given."""
    said: Document = {"decision": {"rule": rule, "clause": clause, "policy_sha256": policy_sha256}}
    if found:
        said["authorisation"] = {"id": found.id, "purpose": found.purpose, "valid_to": found.valid_to.isoformat()}
    return said


def _away(found: Authorisation | None) -> dict[str, list[str]]:
    """Items that an authorisation names and that have left the list since: said, not passed over in silence."""
    listed = {item.code for item in current_list()}
    away = [code for code in found.items if code not in listed] if found else []
    return {"not_listed": away} if away else {}


@dataclass(frozen=True)
class _Known:
    """What was known of an enterprise at an instant, item by item."""

    tables: Mapping[str, pa.Table]
    delivered: Mapping[str, datetime]
    sources: Mapping[str, Source]
    said: Mapping[str, Heard]
    marks: Mapping[str, Sequence[Mark]]
    today: date
    reach: date | None

    @classmethod
    def of(cls, inquiry: Inquiry, items: Sequence[Item], months: int | None, now: datetime, *, again: bool) -> _Known:
        """Read it; ``months`` is how far back what is not public may be read."""
        told = () if inquiry.evaluation_only else items  # whose rows are read and told one by one
        everything = {i.code: i for i in (*told, current_list().item(REGISTRATION))}.values()
        delivered, today = delivered_items(known=now), beijing_day(now)
        return cls(
            tables=read_enterprise(inquiry.enterprise, everything, known=now),
            delivered=delivered,
            sources=list_sources(everything, on=today, known=now, delivered=delivered),
            said=heard(inquiry.enterprise, items, now=now, past=again),
            marks=marks_of(inquiry.enterprise, known=now),
            today=today,
            reach=None if months is None else add_months(today, -months),
        )

    def registered(self, enterprise: str) -> Mapping[str, Any]:
        """The registration, read also while its source is silent; raises UnknownEnterprise."""
        registration = current_list().item(REGISTRATION)
        held = self.tables.get(registration.code)
        rows = current_rows(held, registration) if held is not None and held.num_rows else []
        found = next((row for row in rows if _within(row, self.today, None)), None)
        if found is None:
            raise UnknownEnterprise(enterprise=enterprise)
        return found

    def facts(self, item: Item) -> ItemFacts:
        """One item as the answer tells it."""
        code = item.code
        rows = current_rows(self.tables[code], item) if code in self.tables else []
        limit = None if item.openness is Openness.PUBLIC else self.reach
        within = tuple(r for r in rows if _within(r, self.today, limit))
        marks = tuple(self.marks.get(code, ()))
        found = ItemFacts(item, within, self.delivered.get(code), self.sources[code], marks)
        return as_heard(found, self.said[code]) if code in self.said else found


def make_document(
    inquiry: Inquiry, items: Sequence[Item], found: Authorisation | None, *, now: datetime, again: bool = False
) -> Document:
    """The answer's content; registration must know the enterprise, else UnknownEnterprise.

    ``again``: as it was given at ``now``, which lies in the past.
    """
    months = found.data_months if found else None
    known = _Known.of(inquiry, items, months, now, again=again)
    registered = known.registered(inquiry.enterprise)
    closed = {code: one.why for code, one in known.said.items() if one.why}
    verify = inquiry.public_only or inquiry.form is Form.VERIFY
    answered = known.said.keys() - closed.keys()
    result = None if verify else current_result(inquiry.enterprise, now=now, closed=closed, answered=answered)
    bounds, asked = Bounds.of(items, months), frozenset(item.code for item in items)
    evaluation = result if result and _whole(items, months, now) else None
    told = () if inquiry.evaluation_only else items
    return {
        "v": 1,
        "enterprise": inquiry.enterprise,
        "name": registered["name"],
        "purpose": inquiry.purpose,
        "form": str(inquiry.form),
        "recipient": {
            "kind": str(inquiry.recipient.kind),
            "code": inquiry.recipient.code,
            "name": inquiry.recipient.name,
            **via_of(inquiry),
        },
        "asked_at": now.isoformat(),
        "evaluation": evaluation and evaluation | _objected(evaluation, known.marks),
        "scenarios": scenario_scores(inquiry, result, asked, months, now=now),
        "items": [_block(inquiry, known.facts(item), result, bounds) for item in told],
        **_away(found),
        "obligations": [] if inquiry.recipient.kind is RecipientKind.ENTERPRISE else list(OBLIGATIONS),
    }


def _objected(evaluation: Document, marks: Mapping[str, Sequence[Mark]]) -> dict[str, list[str]]:
    """The items under objection that an evaluation rests on: its score may change."""
    facts = facts_by_code()
    rests_on = {item for line in evaluation["indicators"] for item in facts[line["code"]].items}
    objected = {code for code, found in marks.items() if any(m.kind is MarkKind.OBJECTION for m in found)}
    return {"under_objection": sorted(objected & rests_on)} if objected & rests_on else {}


def via_of(inquiry: Inquiry) -> dict[str, str]:
    """Who carries the traffic of a hosted platform, where somebody does: both identities stand in what is answered."""
    return {"via": inquiry.recipient.via} if inquiry.recipient.via else {}


def _within(row: Mapping[str, Any], today: date, reach: date | None) -> bool:
    """Whether a row has happened, and not before the time the authorisation reaches back to."""
    on = row["_occurred_on"]
    return on is None or (on <= today and (reach is None or on > reach))


def _whole(items: Sequence[Item], months: int | None, now: datetime) -> bool:
    """Whether all non-public facts that the evaluation rests on are asked for and lie within the months allowed."""
    indicators, rests_on = needed(scorecard_at(AsOf(beijing_day(now), now)))
    away = not_listed(rests_on)  # nothing of them is in the evaluation
    closed = {i.code for i in rests_on if i.openness is not Openness.PUBLIC and i.code not in away}
    reach = max((i.facts.months or 0 for i in indicators if closed & set(i.facts.items)), default=0)
    return closed <= {i.code for i in items} and (months is None or reach <= months)


def _block(inquiry: Inquiry, facts: ItemFacts, result: Document | None, bounds: Bounds) -> Document:
    own = inquiry.recipient.kind is RecipientKind.ENTERPRISE
    # Raw detail, which the gate has allowed, is about what is not public; of a public item personal fields stay.
    raw = inquiry.form is Form.DETAIL and not inquiry.public_only and facts.item.openness is not Openness.PUBLIC
    show = Show.ALL if own or raw else Show.PUBLIC
    if (inquiry.form in (Form.VERIFY, Form.DERIVED) and not own) or (
        facts.item.openness is Openness.NON_PUBLIC and not (own or raw)
    ):
        show = Show.NONE
    if show is Show.ALL:  # personal values are opened for nobody else
        facts = replace(facts, rows=tuple(open_rows(facts.item, facts.rows)))
    figures = figures_of(facts.item.code, result, facts_by_code(), bounds) if result else []
    return item_block(facts, form=inquiry.form, show=show, figures=figures)
