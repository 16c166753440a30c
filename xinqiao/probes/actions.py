"""Verbs of probes: probe a member, file what came of it, ask for another round."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from django.db import transaction

from xinqiao.admission.actions import report_probe
from xinqiao.admission.applying import keep_report
from xinqiao.admission.queries import find_endpoint, get_member, list_probes
from xinqiao.evidence.actions import record
from xinqiao.evidence.keys import document_key
from xinqiao.evidence.queries import sign_document
from xinqiao.kernel.canonical import canonical_bytes, sha256_hex
from xinqiao.kernel.dated import new_number
from xinqiao.kernel.errors import Phrase
from xinqiao.plumbing.locks import hold_name
from xinqiao.plumbing.settings import demo, probe_roots
from xinqiao.probes.content import kit
from xinqiao.probes.models import ReportRow, ResultRow, TurnRow
from xinqiao.probes.queries import list_due, report_facts
from xinqiao.probes.refusals import NoEndpoint, OtherEndpoint
from xinqiao.probes.reports import document_of, paper
from xinqiao.probes.rules import REACH, check_address, check_askable, probes_for, to_report, unreached
from xinqiao.probes.running import run_round
from xinqiao.probes.types import ASKED, PAPER, REPORTED, ReportFacts, Result, Round

ACTOR = "system:prober"


def probe_member(
    organisation: str, *, actor: str = ACTOR, told: Callable[[Result], None] = lambda _: None
) -> ReportFacts:
    """Probe the address that an applicant or member gave, and file the signed report with its dossier.

    Nothing is held while the platform is asked. Raises UnknownMember, NoEndpoint, AddressRefused.
    """
    member, url = get_member(organisation), find_endpoint(organisation)
    if url is None:
        raise NoEndpoint(organisation=member.name)
    check_address(url, loopback=demo())
    probes = probes_for(kit(), opens=member.opens)
    found = run_round(url, kit(), probes, trusted=probe_roots(), anywhere=demo(), told=told)
    return file_round(organisation, found, actor=actor, now=found.ended)


@transaction.atomic
def file_round(organisation: str, found: Round, *, actor: str, now: datetime) -> ReportFacts:
    """Sign a round, keep it as evidence in the dossier, and tell admission what passed and what failed.

    Raises UnknownMember, NoEndpoint, OtherEndpoint.
    """
    endpoint = find_endpoint(organisation)
    if endpoint is None:
        raise NoEndpoint(organisation=get_member(organisation).name)
    if endpoint.rstrip("/") != found.url.rstrip("/"):
        raise OtherEndpoint(url=found.url, endpoint=endpoint)
    probes, number = kit().probes, new_number("P", now)
    document = document_of(found, probes, organisation=organisation)
    signed = sign_document(canonical_bytes(document), kind=PAPER)
    data = paper(document, signature=signed, key=document_key())
    filed = keep_report(organisation, name=f"{number}.json", data=data, actor=actor, now=now)
    row = ReportRow(id=number, organisation=organisation, url=found.url[:300], at=now, counts=document["counts"])
    row.sha256, row.paper, row.evidence = sha256_hex(data), data, filed.id
    row.save(force_insert=True)
    keys = {"report": row, "organisation": organisation, "at": now}
    ResultRow.objects.bulk_create(ResultRow(probe=r.probe, outcome=r.outcome, **keys) for r in found.results)
    body = {"report": number, "sha256": row.sha256, "evidence": filed.id, "counts": row.counts}
    record(REPORTED, actor=actor, subject=organisation, body=body, now=now)
    _tell_admission(organisation, found, actor, now)
    return report_facts(row)


def _tell_admission(organisation: str, found: Round, actor: str, now: datetime) -> None:
    known = {probe.probe: probe.passed for probe in list_probes(organisation)}
    for result, passed in to_report(kit().probes, found.results, known):
        said = str(result.got.phrase)
        report_probe(organisation, result.probe, passed=passed, detail=said, actor=actor, now=now)
    for name in _no_longer_required(organisation, known):
        report_probe(organisation, name, passed=True, detail=Phrase("这项探测不再必须"), actor=actor, now=now)
    turn, _ = TurnRow.objects.get_or_create(organisation=organisation)
    away = unreached(found.results)
    turn.unreached = turn.unreached + 1 if away else 0
    turn.save(update_fields=["unreached"])
    if away and turn.unreached >= kit().unreached_rounds:
        why = Phrase("连续 {rounds} 轮连不上", rounds=turn.unreached)
        report_probe(organisation, REACH, passed=False, detail=why, actor=actor, now=now)
    elif not away and known.get(REACH) is False:
        report_probe(organisation, REACH, passed=True, actor=actor, now=now)


def _no_longer_required(organisation: str, known: Mapping[str, bool]) -> list[str]:
    """Failures of ours that the content has stopped requiring: left standing, they would never end."""
    required = {probe.id for probe in kit().probes if probe.required} | {REACH}
    failing = [name for name, passed in known.items() if not passed and name not in required]
    ours = ResultRow.objects.filter(organisation=organisation, probe__in=failing)
    return sorted(set(ours.values_list("probe", flat=True)))


@transaction.atomic
def ask_round(organisation: str, *, actor: str, now: datetime) -> None:
    """Ask for a round; the prober begins it within a minute.

    Raises UnknownMember, NoEndpoint, AddressRefused, TooSoon.
    """
    member, url = get_member(organisation), find_endpoint(organisation)
    if url is None:
        raise NoEndpoint(organisation=member.name)
    check_address(url, loopback=demo())
    hold_name(f"probes.turn {organisation}")
    turn, _ = TurnRow.objects.get_or_create(organisation=organisation)
    check_askable(kit(), asked_at=turn.asked_at, now=now)
    turn.asked_at = now
    turn.save(update_fields=["asked_at"])
    record(ASKED, actor=actor, subject=organisation, body={"url": url}, now=now)


def take_turn(organisation: str, *, now: datetime) -> bool:
    """Whether this prober may probe an organisation now: of several that would, one."""
    with transaction.atomic():
        hold_name(f"probes.turn {organisation}")
        if organisation not in list_due(now=now):
            return False
        TurnRow.objects.update_or_create(organisation=organisation, defaults={"began_at": now})
        return True
