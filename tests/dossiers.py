"""Dossiers of applicants: every question answered as the bar wants it, evidence filed, all in sentences of a test."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from tests.factories import uscc
from xinqiao.admission import applying
from xinqiao.admission.actions import approve, assess, propose
from xinqiao.admission.content import bar
from xinqiao.admission.queries import get_dossier, get_member
from xinqiao.admission.rules import questions_for
from xinqiao.admission.types import Measure, MeasureKind, Member, Question, QuestionKind
from xinqiao.kernel.dated import beijing_day
from xinqiao.parties.types import OrganisationKind

FIRST, SECOND = "person:701", "person:702"


def good(question: Question, *, on: date) -> str:
    """An answer that fits the bar on a day."""
    if question.place == "uscc":
        return uscc(900)
    if question.place == "endpoint":
        return "https://sandbox.platform.example/contract"
    return {
        QuestionKind.YES_NO: "yes",
        QuestionKind.NUMBER: str(question.least + 1),
        QuestionKind.DATE: (on - timedelta(days=30)).isoformat(),
        QuestionKind.CHOICE: question.choices[0][0] if question.choices else "",
        QuestionKind.TEXT: "described",
    }[question.kind]


def answers_of(kind: OrganisationKind, *, on: date, **other: str) -> dict[str, str]:
    """All answers of an applicant of that kind, some given otherwise."""
    first = {"level": "city", **other} if kind is OrganisationKind.PLATFORM else dict(other)
    return {q.id: first.get(q.id, good(q, on=on)) for q in questions_for(bar(), kind, first)}


def fill_in(organisation: str, *, now: datetime, issued: date | None = None, **other: str) -> None:
    """Answer everything and file every evidence; an application must have begun."""
    by: dict[str, Any] = {"actor": FIRST, "now": now}
    kind, day = get_member(organisation).kind, beijing_day(now)
    assert applying.save_answers(organisation, answers_of(kind, on=day, **other), **by) == ()
    on = issued or day - timedelta(days=30)
    for question in get_dossier(organisation, now=now).questions:
        if question.place == "endpoint":
            applying.keep_report(organisation, name="report.json", data=b"{}", **by)
        elif question.file:
            applying.file_evidence(organisation, question.id, name="paper.pdf", data=b"%PDF paper", issued_on=on, **by)


def decide(organisation: str, kind: MeasureKind, *, now: datetime, **more: str) -> Measure:
    """One proposes, another approves."""
    made = propose(organisation, kind, reason="as assessed", actor=FIRST, now=now, **more)
    return approve(made.id, actor=SECOND, now=now)


def come_in(organisation: str, *, now: datetime, **other: str) -> Member:
    """The whole way from the first answer to admitted."""
    applying.begin(organisation, actor=FIRST, now=now)
    fill_in(organisation, now=now, **other)
    applying.submit(organisation, actor=FIRST, now=now)
    assess(organisation, reason="security and authorisation assessed", actor=FIRST, now=now)
    decide(organisation, MeasureKind.ADMIT, now=now)
    return get_member(organisation)
