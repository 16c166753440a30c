"""What the scenario models say in an answer: of the same facts as the evaluation, and only where all may be given."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from xinqiao.catalogue.types import Openness
from xinqiao.consent.types import Form
from xinqiao.evaluation.compute import facts_by_code
from xinqiao.evaluation.types import Document
from xinqiao.release.types import Inquiry, RecipientKind
from xinqiao.scenarios.queries import readings
from xinqiao.scenarios.rules import may_use, serves
from xinqiao.scenarios.types import Scenario
from xinqiao.sharing.queries import current_list

FORMS = (Form.DERIVED, Form.REPORT)


def scenario_scores(
    inquiry: Inquiry, evaluation: Document | None, asked: Collection[str], months: int | None, *, now: datetime
) -> list[Document]:  # fmt: skip
    """Scores of models in use, each with its reasons.

    The enterprise reads all of its own. Another gets that of its purpose where it may use the model, in a derived form,
    and where every non-public item the model looks at is in ``asked`` and within the months allowed.
    """
    if evaluation is None:
        return []
    if inquiry.recipient.kind is RecipientKind.ENTERPRISE:
        return readings(evaluation, at=now)
    if inquiry.form not in FORMS:
        return []

    def wanted(scenario: Scenario, indicators: Collection[str]) -> bool:
        fits = serves(scenario, inquiry.purpose) and may_use(scenario, inquiry.recipient.code)
        return fits and _covered(indicators, asked, months)

    return readings(evaluation, wanted, at=now)


def _covered(indicators: Collection[str], asked: Collection[str], months: int | None) -> bool:
    facts = facts_by_code()
    public = {item.code for item in current_list() if item.openness is Openness.PUBLIC}
    closed = [facts[code] for code in indicators if not set(facts[code].items) <= public]
    needed = {item for one in closed for item in one.items} - public
    reach = max((one.months or 0 for one in closed), default=0)
    return needed <= set(asked) and (months is None or reach <= months)
