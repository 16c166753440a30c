"""申报清单 and 推荐清单: an enterprise declares, five tests are looked at, those that pass are recommended.

Named institutions learn of a recommended enterprise because it named them itself; nobody else does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from xinqiao.evidence.actions import record
from xinqiao.kernel.dated import beijing_day, new_number
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.lending import queries
from xinqiao.lending.models import DeclarationRow
from xinqiao.lending.refusals import UnknownDeclaration, WrongDeclaration
from xinqiao.lending.rules import DECLARATION_TRANSITIONS, LONGEST
from xinqiao.lending.types import (
    DECLARATION_RETURNED,
    DECLARED,
    RECOMMENDED,
    Declaration,
    ListState,
    RecommendationTest,
    Verdict,
)
from xinqiao.matching.queries import condition_facts, get_need, grades, matching_rules
from xinqiao.matching.rules import parse_conditions, worst_of
from xinqiao.matching.types import (
    Firm,
    Need,
    Outcome,
)
from xinqiao.parties.queries import get_enterprise, is_excluded, list_organisations
from xinqiao.parties.types import OrganisationKind
from xinqiao.plumbing.locks import hold_name

OF_OUTCOME = {Outcome.PASSED: Verdict.MET, Outcome.FAILED: Verdict.NOT_MET, Outcome.OPEN: Verdict.TO_CONFIRM}


def tested(firm: Firm, need: Need, *, now: datetime) -> dict[str, Verdict]:
    """What each of the five tests says as far as the data tells; the rest is for a person to confirm."""
    return {test.code: _tested(test, firm, need, now) for test in queries.lending_rules().tests}


def _tested(test: RecommendationTest, firm: Firm, need: Need, now: datetime) -> Verdict:
    if not test.conditions:
        return Verdict.TO_CONFIRM
    faults: list[str] = []

    def say(field: str, code: str, pattern: str, **data: str) -> None:
        faults.append(field)

    raw = [dict(c) for c in test.conditions]
    conditions = parse_conditions(raw, condition_facts(now=now), grades(now=now), say, where=test.code)
    if faults:  # an indicator that has left the list: nobody is found wanting for it
        return Verdict.TO_CONFIRM
    return OF_OUTCOME[worst_of(conditions, firm, need)]


@transaction.atomic
def declare(need: str, *, firm: Firm, institutions: Sequence[str], actor: str, now: datetime) -> Declaration:
    """An enterprise asks to be recommended to institutions that it names. Raises WrongDeclaration, UnknownNeed."""
    wanted, most = get_need(need, enterprise=firm.enterprise), matching_rules(now=now).opt_ins
    known = {o.code for o in list_organisations(kind=OrganisationKind.INSTITUTION) if o.admitted}
    chosen = tuple(dict.fromkeys(institutions))
    problems = []
    if not 1 <= len(chosen) <= most or set(chosen) - known:
        message = Phrase("请勾选 1 至 {most} 家已接入的机构", most=most)
        problems.append(Problem(field="institutions", code="lending.institutions", message=message))
    hold_name(f"lending.enterprise {firm.enterprise}")
    standing = (ListState.DECLARED, ListState.RECOMMENDED)
    if DeclarationRow.objects.filter(enterprise=firm.enterprise, state__in=standing).exists():
        problems.append(Problem(field="need", code="lending.declared", message=Phrase("已有一项在办或有效的申报")))
    if problems:
        raise WrongDeclaration(problems)
    states = tested(firm, wanted, now=now)
    row = DeclarationRow.objects.create(
        id=new_number("D", now),
        enterprise=firm.enterprise,
        enterprise_name=get_enterprise(firm.enterprise).name,
        state=ListState.DECLARED,
        institutions=list(chosen),
        tests={code: str(state) for code, state in states.items()},
        declared_at=now,
    )
    body = {"declaration": row.id, "institutions": list(chosen), "tests": row.tests}
    record(DECLARED, actor=actor, subject=firm.enterprise, body=body, now=now)
    return queries.declaration_facts(row)


@transaction.atomic
def decide_declaration(
    declaration: str,
    *,
    confirmed: Mapping[str, bool],
    notes: Mapping[str, str],
    reason: str = "",
    actor: str,
    now: datetime,
) -> Declaration:
    """The node confirms what only a person can see; with every test met the enterprise is recommended, else it is sent
    back with the reason.

    ``confirmed`` answers the tests still to confirm. Raises UnknownDeclaration, TransitionRefused, WrongDeclaration.
    """
    row = DeclarationRow.objects.select_for_update().filter(id=declaration).first()
    if row is None:
        raise UnknownDeclaration(declaration=declaration)
    found = queries.declaration_facts(row)
    states = dict(found.tests)
    for code, state in found.tests.items():
        if state is Verdict.TO_CONFIRM and code in confirmed:
            states[code] = Verdict.MET if confirmed[code] else Verdict.NOT_MET
    event = "recommend" if all(s is Verdict.MET for s in states.values()) else "return"
    row.state = DECLARATION_TRANSITIONS.check(found.state, event)
    _check_decision(found, confirmed, notes, reason, returning=event == "return")
    row.institutions = [code for code in row.institutions if not is_excluded(code)]
    row.tests = {code: str(state) for code, state in states.items()}
    row.notes = {code: text.strip() for code, text in notes.items() if code in states and text.strip()}
    row.decided_by, row.decided_at, row.reason = actor, now, reason.strip()
    if event == "recommend":
        row.until = beijing_day(now) + timedelta(days=queries.lending_rules().recommendation_days)
    row.save()
    body = {"declaration": row.id, "tests": row.tests}
    what = RECOMMENDED if event == "recommend" else DECLARATION_RETURNED
    record(what, actor=actor, subject=row.enterprise, body=body, now=now)
    return queries.declaration_facts(row)


def _check_decision(
    found: Declaration, confirmed: Mapping[str, bool], notes: Mapping[str, str], reason: str, *, returning: bool
) -> None:
    problems = []
    for code, state in found.tests.items():
        if state is Verdict.TO_CONFIRM and code not in confirmed:
            problems.append(Problem(field=code, code="lending.test", message=Phrase("请核实这一项")))
        elif state is Verdict.TO_CONFIRM and not notes.get(code, "").strip():
            problems.append(Problem(field=code, code="lending.note", message=Phrase("请写明核实的依据")))
    if any(len(text) > LONGEST for text in (*notes.values(), reason)):
        problems.append(Problem(field="reason", code="lending.text", message=Phrase("最多 {most} 字", most=LONGEST)))
    if returning and not reason.strip():
        problems.append(Problem(field="reason", code="lending.text", message=Phrase("退回须写明理由")))
    if problems:
        raise WrongDeclaration(problems)


def end_recommendations(*, now: datetime) -> int:
    """Mark recommendations whose day has passed; reads look at the day themselves. Returns how many."""
    rows = DeclarationRow.objects.filter(state=ListState.RECOMMENDED, until__lt=beijing_day(now))
    return rows.update(state=ListState.ENDED)
