"""Proposing a list, deciding on it by a second person, and reminding providers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date, datetime

from django.db import transaction

from xinqiao.catalogue.changes import ChangeKind
from xinqiao.catalogue.load import parse_catalogue
from xinqiao.catalogue.rules import duty
from xinqiao.catalogue.sample.model import load_model
from xinqiao.catalogue.sample.plan import make_plans
from xinqiao.catalogue.types import Catalogue, Item
from xinqiao.consent.actions import cancel_request
from xinqiao.consent.queries import open_requests_naming
from xinqiao.evaluation.compute import REGISTRATION
from xinqiao.evaluation.jobs import evaluate_province
from xinqiao.evidence.actions import record
from xinqiao.ingest.queries import last_deliveries
from xinqiao.kernel.canonical import canonical_bytes, sha256_hex
from xinqiao.kernel.dated import beijing_day, new_number
from xinqiao.kernel.errors import Refused
from xinqiao.parties.actions import register_organisation
from xinqiao.parties.queries import list_organisations
from xinqiao.parties.types import OrganisationKind
from xinqiao.plumbing.calendar import work_calendar
from xinqiao.plumbing.settings import content_dir
from xinqiao.quality.types import ReminderKind as SourceReminder
from xinqiao.sharing.actions import adopt_content, put_in_force
from xinqiao.sharing.queries import codes_ever, current_list, declared_ever, list_of, listed_since
from xinqiao.sharing.types import ListMoved, ListVersion
from xinqiao.sources.queries import called
from xinqiao.stewardship.impact import as_document, impact_of
from xinqiao.stewardship.models import DutyReminderRow, ProposalRow
from xinqiao.stewardship.queries import proposal_facts, reminder_facts, reminding
from xinqiao.stewardship.rules import PROPOSAL_TRANSITIONS, check_change, check_reason, check_second, reminder_due
from xinqiao.stewardship.types import (
    LIST_OVERTAKEN,
    LIST_PROPOSED,
    LIST_REJECTED,
    LIST_TAKEN_BACK,
    PROVIDER_REMINDED,
    DutyReminder,
    Impact,
    Proposal,
    ProposalState,
    ReminderKind,
    Reminding,
    UnknownProposal,
)
from xinqiao.webhooks.actions import take_back as take_back_notices
from xinqiao.webhooks.actions import tell


def consider(files: Mapping[str, str], *, now: datetime) -> tuple[Catalogue, Impact]:
    """The list that files would make and what it would touch; nothing is written.

    Raises InvalidContent, NothingChanges, ListRefused, NotProved, each with every fault.
    """
    before, after = current_list(), parse_catalogue(files)
    check_change(before, after, needed=[REGISTRATION], earlier=declared_ever())
    make_plans(after, load_model(content_dir()))  # canaries are drawn from the list in force
    return after, impact_of(before, after, now=now)


@transaction.atomic
def propose_list(files: Mapping[str, str], *, reason: str, actor: str, now: datetime) -> Proposal:
    """Propose a list; its impact is kept as it is now. Nothing changes yet.

    Raises ReasonMissing and what :func:`consider` raises.
    """
    said, base = check_reason(reason), adopt_content(actor="system", now=now)
    after, impact = consider(files, now=now)
    row = ProposalRow.objects.create(
        id=new_number("L", now),
        state=ProposalState.PROPOSED,
        files=dict(files),
        sha256=after.sha256,
        base_sha256=base.sha256,
        reason=said,
        says=[str(sentence) for sentence in impact.says],
        proposed_by=actor,
        proposed_at=now,
    )
    body = {"proposal": row.id, "sha256": row.sha256, "replaces": row.base_sha256, "reason": said, "says": row.says}
    body["impact_sha256"] = sha256_hex(canonical_bytes(as_document(impact)))
    record(LIST_PROPOSED, actor=actor, subject="node", body=body, now=now)
    return proposal_facts(row)


def approve_list(proposal: str, *, actor: str, now: datetime) -> ListVersion:
    """Put a proposed list in force, by somebody else than who proposed it.

    From then on every process reads it within a second. Requests for what left the list are cancelled, notices about it
    taken back, and the province is evaluated anew. Raises UnknownProposal, TransitionRefused, AnotherPerson, ListMoved
    (and the proposal is overtaken), NotProved.
    """
    try:
        with transaction.atomic():
            version, gone = _in_force(proposal, actor, now)
            evaluate_province.enqueue(actor)  # with the version or not at all
    except ListMoved as moved:
        with transaction.atomic():
            _decide(_held(proposal), "overtake", "", actor, now)
            body = {"proposal": proposal, "version": moved.data["number"]}
            record(LIST_OVERTAKEN, actor=actor, subject="node", body=body, now=now)
        raise
    settle(actor=actor, now=now, gone=gone)
    return version


def _in_force(proposal: str, actor: str, now: datetime) -> tuple[ListVersion, list[str]]:
    row = _held(proposal)
    PROPOSAL_TRANSITIONS.check(ProposalState(row.state), "approve")
    check_second(actor, proposed_by=row.proposed_by)
    before, after = list_of(row.base_sha256), parse_catalogue(row.files)
    impact = impact_of(before, after, now=now)
    version = put_in_force(
        row.files,
        reason=row.reason,
        replaces=row.base_sha256,
        proposed_by=row.proposed_by,
        approved_by=actor,
        proof_sha256=impact.proof_sha256,
        body={"proposal": row.id, "impact_sha256": sha256_hex(canonical_bytes(as_document(impact)))},
        now=now,
    )
    have = {o.code for o in list_organisations(kind=OrganisationKind.DEPARTMENT)}
    for department in after.departments:
        if department.code not in have:
            kind = OrganisationKind.DEPARTMENT
            register_organisation(department.code, kind=kind, name=department.name, actor=actor, now=now)
    row.version = version.number
    _decide(row, "approve", "", actor, now)
    return version, [touched.change.item.code for touched in impact.of(ChangeKind.REMOVED)]


def settle(*, actor: str, now: datetime, gone: Iterable[str] | None = None) -> int:
    """Cancel requests and take back notices about items that are not on the list any more; returns how many requests.

    The list is in force before, so that nothing waits for this; a pass that was cut short is made up for by the next.
    """
    away = codes_ever() - {item.code for item in current_list()} if gone is None else set(gone)
    waiting = {r.id: r for found in open_requests_naming(away, now=now).values() for r in found}
    for request in waiting.values():
        reason = "数据项已不在共享清单"
        with suppress(Refused):  # answered or taken back in this moment: then it waits no more
            cancel_request(request.id, organisation=request.scope.organisation, reason=reason, actor=actor, now=now)
    kinds = [*SourceReminder, *ReminderKind]
    take_back_notices([f"{item} {kind}" for item in away for kind in kinds])
    return len(waiting)


@transaction.atomic
def reject_list(proposal: str, *, reason: str, actor: str, now: datetime) -> Proposal:
    """Turn a proposal down; by somebody else than who proposed it.

    Raises UnknownProposal, TransitionRefused, AnotherPerson, ReasonMissing.
    """
    row, said = _held(proposal), check_reason(reason)
    check_second(actor, proposed_by=row.proposed_by)
    _decide(row, "reject", said, actor, now)
    record(LIST_REJECTED, actor=actor, subject="node", body={"proposal": row.id, "reason": said}, now=now)
    return proposal_facts(row)


@transaction.atomic
def take_back_list(proposal: str, *, actor: str, now: datetime) -> Proposal:
    """Whoever proposed it takes it back; raises UnknownProposal (another's too), TransitionRefused."""
    row = _held(proposal)
    if row.proposed_by != actor:
        raise UnknownProposal(proposal=proposal)
    _decide(row, "take_back", "", actor, now)
    record(LIST_TAKEN_BACK, actor=actor, subject="node", body={"proposal": row.id}, now=now)
    return proposal_facts(row)


def _decide(row: ProposalRow, event: str, reason: str, actor: str, now: datetime) -> None:
    row.state = PROPOSAL_TRANSITIONS.check(ProposalState(row.state), event)
    row.decided_by, row.decided_at, row.decided_reason = actor, now, reason
    row.save(update_fields=["state", "decided_by", "decided_at", "decided_reason", "version"])


def _held(proposal: str) -> ProposalRow:
    row = ProposalRow.objects.select_for_update().filter(id=proposal).first()
    if row is None:
        raise UnknownProposal(proposal=proposal)
    return row


def remind_providers(*, now: datetime) -> list[DutyReminder]:
    """Remind every provider of what is due soon or late, counted in working days; may run as often as one likes.

    Provider and node see it, the provider's endpoints are told; what is long overdue is put to the lead department too.
    """
    rule, last, made = reminding(), last_deliveries(), list[DutyReminder]()
    current = current_list()
    here = called(current)
    for item in (one for one in current if one.code not in here):
        at = last.get(item.code)
        since = at or listed_since(item.code)
        if since is not None and (row := _reminder(item, beijing_day(since), rule, now=now)):
            made.append(row)
            if row.kind is ReminderKind.ESCALATED and rule.lead != row.provider:
                _tell(rule.lead, row, now)
    return made


def _reminder(item: Item, since: date, rule: Reminding, *, now: datetime) -> DutyReminder | None:
    today, days = beijing_day(now), work_calendar()
    due_on = duty(item.due, since, today, days).due_on
    with transaction.atomic():
        said = DutyReminderRow.objects.filter(item=item.code, due_on=due_on)
        due = reminder_due(due_on, today, days, rule, [reminder_facts(row) for row in said])
        if due is None:
            return None
        row, new = DutyReminderRow.objects.get_or_create(
            item=item.code,
            kind=due[0],
            raised_on=today,
            defaults={"provider": item.department.code, "due_on": due_on, "workdays": due[1], "raised_at": now},
        )
        if not new:
            return None
        body = {"item": item.code, "kind": row.kind, "due_on": due_on.isoformat(), "workdays": row.workdays}
        record(PROVIDER_REMINDED, actor="system:stewardship", subject=row.provider, body=body, now=now)
        _tell(row.provider, reminder_facts(row), now)
    return reminder_facts(row)


def _tell(organisation: str, reminder: DutyReminder, now: datetime) -> None:
    data = {"item": reminder.item, "due_on": reminder.due_on.isoformat(), "workdays": str(reminder.workdays)}
    about = f"{reminder.item} {reminder.kind}"
    tell(organisation, f"duty.{reminder.kind}", about=about, data=data, now=now)
