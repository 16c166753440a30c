"""Reads of reports, where each member stands by each probe, and whose turn it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from xinqiao.admission.queries import list_endpoints
from xinqiao.kernel.canonical import read_json
from xinqiao.probes.content import kit
from xinqiao.probes.models import ReportRow, ResultRow, TurnRow
from xinqiao.probes.refusals import UnknownReport
from xinqiao.probes.rules import is_due
from xinqiao.probes.types import Outcome, ReportFacts, Result, Standing

ROUNDS = 12  # of the history that is shown


def list_reports(organisation: str, *, limit: int = 30) -> list[ReportFacts]:
    """Reports of an organisation, the newest first."""
    rows = ReportRow.objects.filter(organisation=organisation).defer("paper").order_by("-at", "-id")[:limit]
    return [report_facts(row) for row in rows]


def open_report(report: str, *, organisation: str | None = None) -> tuple[ReportFacts, bytes]:
    """A report with its paper, of one organisation when given; raises UnknownReport."""
    rows = ReportRow.objects.filter(id=report)
    row = (rows.filter(organisation=organisation) if organisation else rows).first()
    if row is None:
        raise UnknownReport(report=report)
    return report_facts(row), bytes(row.paper)


def list_standings(organisation: str) -> list[Standing]:
    """Where an organisation stands by every probe of the kit, in the kit's order.

    The result is the newest that settles something; what could not be reached later is only in the history.
    """
    history: dict[str, list[tuple[datetime, Outcome, str]]] = {}
    rows = ResultRow.objects.filter(organisation=organisation).order_by("-at", "-id")
    for row in rows[: ROUNDS * len(kit().probes)]:
        history.setdefault(row.probe, []).append((row.at, Outcome(row.outcome), row.report_id))
    papers: dict[str, dict[str, Result]] = {}
    found = []
    for probe in kit().probes:
        past = history.get(probe.id, [])
        told = next((one for one in past if one[1] is not Outcome.COULD_NOT_REACH), past[0] if past else None)
        result = _results(told[2], papers).get(probe.id) if told else None
        before = tuple((at, outcome) for at, outcome, _ in past)
        found.append(Standing(probe, result, told[0] if told else None, before))
    return found


def _results(report: str, papers: dict[str, dict[str, Result]]) -> dict[str, Result]:
    if report not in papers:
        document: dict[str, Any] = read_json(open_report(report)[1])["document"]
        papers[report] = {one["probe"]: Result.from_json(one) for one in document["probes"]}
    return papers[report]


def find_turn(organisation: str) -> tuple[datetime | None, datetime | None]:
    """When a round of an organisation last began, and when somebody last asked for one."""
    row = TurnRow.objects.filter(organisation=organisation).first()
    return (row.began_at, row.asked_at) if row else (None, None)


def list_due(*, now: datetime) -> list[str]:
    """Organisations whose turn it is."""
    turns = {row.organisation: row for row in TurnRow.objects.all()}
    due = []
    for endpoint in list_endpoints():
        turn = turns.get(endpoint.organisation)
        began, asked = (turn.began_at, turn.asked_at) if turn else (None, None)
        if is_due(kit(), opens=endpoint.opens, began_at=began, asked_at=asked, now=now):
            due.append(endpoint.organisation)
    return due


def report_facts(row: ReportRow) -> ReportFacts:
    """Facts of a row."""
    return ReportFacts(row.id, row.organisation, row.url, row.at, row.counts, row.sha256, row.evidence)
