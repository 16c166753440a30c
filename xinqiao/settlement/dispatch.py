"""Between the node and connected bodies: acts go out until they are taken, events come in until all is heard.

An act is signed once and sent with the same bytes until the body's receipt for it is verified, so that a body that lost
an answer sees the same act again. Files go before the act that names them. Nothing of the node waits for a body.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from xinqiao.evidence.actions import record
from xinqiao.kernel.canonical import read_json, sha256_hex
from xinqiao.kernel.errors import XinqiaoError
from xinqiao.parties.queries import enterprise_names, get_organisation
from xinqiao.plumbing import settings as node
from xinqiao.settlement.adapters.rest import RestBody
from xinqiao.settlement.claims import formula
from xinqiao.settlement.connections import Connection, list_connections
from xinqiao.settlement.models import ActRow, BodyRow, LineRow, ProceedingRow
from xinqiao.settlement.moving import CHANGED, SYSTEM, keep_paper, note_arrival, sealed, was_brought
from xinqiao.settlement.queries import (
    facts_of,
    is_erased,
    list_papers,
    list_steps,
    read_paper,
    row_of,
    settlement_rules,
    terms_bytes,
)
from xinqiao.settlement.refusals import BodyRefused, BodyUnreachable
from xinqiao.settlement.rules import OBJECT_ONLINE, PACKED, is_over
from xinqiao.settlement.statements import ACT, BodyEvent, read_event, read_receipt, shown, sign
from xinqiao.settlement.taking import take_statement
from xinqiao.settlement.types import (
    SENT_BACK,
    PaperKind,
    Proceeding,
    ProceedingKind,
    ProceedingState,
    SendState,
    Side,
    Told,
)
from xinqiao.vault.sealing import open_with, subject_keys
from xinqiao.vault.types import Sealing, enterprise_subject
from xinqiao.webhooks.actions import tell

log = logging.getLogger(__name__)

Pack = Callable[[Proceeding, str, datetime], bytes | None]
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(hours=1)
CLAIM = timedelta(minutes=5)  # a claimed act is free again after this, should the sender die
ASK_EVERY = timedelta(minutes=10)
BATCH = 20


def send_due(*, pack: Pack, now: datetime) -> int:
    """Send the acts that are due; returns how many arrived. Raises InvalidBodies for a wrong file.

    ``pack`` makes the package of evidence for a body, None where there is nothing to pack. A body without a connection
    has an act at once: its staff see it in their portal.
    """
    known = {one.code: one for one in list_connections()}
    arrived, silent = 0, dict[str, BodyUnreachable]()
    for row in _claim(now):
        try:
            if row.body in silent:  # the others do not wait while one body lets every call run out
                raise silent[row.body]
            arrived += _send(row, known.get(row.body), pack, now)
        except BodyRefused as error:
            _sent_back(row, _said(error), now)
        except (XinqiaoError, OSError) as error:
            if isinstance(error, BodyUnreachable) and error.no_answer:
                silent[row.body] = error
            _later(row, error, now)
    return arrived


def _claim(now: datetime) -> list[ActRow]:
    """Due acts, the first of each proceeding only, out of reach of other senders meanwhile."""
    with transaction.atomic():
        waiting = ActRow.objects.filter(state=SendState.WAITING)
        before = waiting.filter(proceeding=OuterRef("proceeding"), step__lt=OuterRef("step"))
        due = waiting.filter(~Exists(before), next_at__lte=now).order_by("next_at", "id")
        if connection.vendor == "postgresql":
            due = due.select_for_update(skip_locked=True, of=("self",))
        names = [row.id for row in due[:BATCH]]
        ActRow.objects.filter(id__in=names).update(next_at=now + CLAIM)
    return list(ActRow.objects.filter(id__in=names).select_related("proceeding").order_by("made_at", "id"))


def _send(row: ActRow, line: Connection | None, pack: Pack, now: datetime) -> bool:
    found = facts_of([row.proceeding])[0]
    if is_erased(row.proceeding):
        raise BodyRefused(source=row.body, what="erased", retry=False)
    if row.act in PACKED and not row.statement:
        _packed(row, found, pack, now)
    if line is None:
        _arrived(row, b"", "", now)
        return True
    statement = _statement(row, found, line, now)
    speaker = RestBody(line)
    for paper in list_papers(found.id):
        if _goes(paper.side, paper.kind) and not speaker.holds(paper.sha256):
            speaker.hand_over(paper.sha256, read_paper(found, paper.id)[1])
    receipt = speaker.submit(statement)
    claims = read_receipt(receipt, line, act=row.id, proceeding=found.id, statement=statement)
    _well(row.body, now)
    _arrived(row, receipt.encode(), str(claims["ref"])[:200], now)
    return True


def _goes(side: Side, kind: PaperKind) -> bool:
    """A body gets what the parties handed in, the package, and what other bodies decided."""
    return side in (Side.CREDITOR, Side.NODE) or kind in (PaperKind.DEED, PaperKind.CERTIFICATE, PaperKind.DECISION)


def _packed(row: ActRow, found: Proceeding, pack: Pack, now: datetime) -> None:
    """The package made for this act, kept among the papers; once, however often the act has to be sent."""
    if any(one.kind is PaperKind.PACKAGE and one.number == row.id for one in list_papers(found.id)):
        return
    data = pack(found, row.body, now)
    if data is None:
        return
    with transaction.atomic():
        held = row_of(found.id, lock=True)
        by: dict[str, Any] = {"side": Side.NODE, "number": row.id, "actor": SYSTEM, "now": now}
        keep_paper(held, PaperKind.PACKAGE, name=f"{row.id}.asice", data=data, **by)


def _statement(row: ActRow, found: Proceeding, line: Connection, now: datetime) -> str:
    """The act as it was signed the first time, or signed now and kept."""
    subject = enterprise_subject(found.enterprise)
    if row.statement:
        kept = open_with(subject_keys([subject]), Sealing(subject, act_place(row.id), sealed=row.statement))
        if kept is None:
            raise BodyRefused(source=line.code, what="erased", retry=False)
        return kept.decode()
    reason = next((one.reason for one in list_steps(found) if one.number == row.step), "")
    made = sign(_claims(row, found, line, reason, now), kind=ACT)
    row.statement = sealed(found.enterprise, made.encode(), place=act_place(row.id), now=now)
    row.save(update_fields=["statement"])
    return made


def _claims(row: ActRow, found: Proceeding, line: Connection, reason: str, now: datetime) -> dict[str, Any]:
    lender, rules = get_organisation(found.institution), settlement_rules()
    papers = [one for one in list_papers(found.id) if _goes(one.side, one.kind)]
    return {
        "iss": node.node_code(), "aud": line.code, "jti": row.id, "iat": int(now.timestamp()),
        "matter": found.id, "act": row.act, "kind": str(found.kind), "said_by": row.said_by, "reason": reason,
        "about": {"kind": str(found.about), "number": found.number, "receipt_no": found.receipt_no},
        "parties": [
            {"part": "creditor", "name": lender.name, "code": lender.uscc},
            {"part": "debtor", "name": enterprise_names([found.enterprise]).get(found.enterprise, ""),
             "code": found.enterprise},
        ],
        "terms": read_json(terms_bytes(found.terms)),
        "formula": formula(found.terms, days_in_year=rules.days_in_year),
        "online": not found.offline,
        "files": [
            {"kind": str(one.kind), "name": one.name, "number": one.number, "sha256": one.sha256, "sm3": one.sm3,
             "size": one.size}
            for one in papers
        ],
        "call_back": f"{node.issuer()}/connect/bodies/{line.code}/" if node.issuer() else "",
    }  # fmt: skip


def act_place(act: str) -> str:
    """The place that a sealed act is bound to."""
    return f"settlement-act:{act}"


@transaction.atomic
def _arrived(row: ActRow, receipt: bytes, ref: str, now: datetime) -> None:
    """The body has the act: its receipt is kept, and from now on it is asked what came of it."""
    if _still_waiting(row) is None:
        return
    digest = sha256_hex(receipt) if receipt else ""
    kept = sealed(row.proceeding.enterprise, receipt, place=f"{act_place(row.id)}:receipt", now=now) if receipt else b""
    ActRow.objects.filter(id=row.id).update(
        state=SendState.SENT, receipt=kept, receipt_sha256=digest, attempts=row.attempts + 1, next_at=None, said=ref
    )
    if receipt:
        LineRow.objects.filter(proceeding=row.proceeding, body=row.body).update(ask_at=now)
    note_arrival(row, digest, actor=SYSTEM, now=now)


@transaction.atomic
def _sent_back(row: ActRow, said: str, now: datetime) -> None:
    """The body did not take the act: the proceeding stands where it stood before, and the creditor reads why."""
    held = _still_waiting(row)
    if held is None:
        return
    ActRow.objects.filter(id=row.id).update(state=SendState.REFUSED, attempts=row.attempts + 1, next_at=None, said=said)
    if held.state == row.after:
        _stand_back(held, row, said)
    if was_brought(held, row.body):
        LineRow.objects.filter(proceeding=held, body=row.body).update(ask_at=now)
    body = {"proceeding": held.id, "act": row.id, "by": row.body, "what": row.act, "state": held.state}
    record(SENT_BACK, actor=f"body:{row.body}", subject=held.enterprise, body=body, now=now)
    tell(held.institution, CHANGED, about=held.id, data={"proceeding": held.id}, now=now)
    _well(row.body, now)


def _still_waiting(row: ActRow) -> ProceedingRow | None:
    """The proceeding, held; None when the act was settled meanwhile: a slow sender may have been overtaken."""
    held = row_of(row.proceeding_id, lock=True)
    return held if ActRow.objects.filter(id=row.id, state=SendState.WAITING).exists() else None


def _stand_back(held: ProceedingRow, row: ActRow, said: str) -> None:
    """Undo what a step did to a proceeding; an act that still waits for a body that never took the matter goes too."""
    if row.act == OBJECT_ONLINE:
        held.offline = False
    else:
        held.state, held.since, held.due_on = row.before, row.stood_since or held.since, row.stood_due
    if row.act == "apply_certificate":
        held.applied_on = None  # what was not taken interrupts no period
    if row.act == "file_enforcement":
        held.court = ""
    held.save(update_fields=["state", "since", "due_on", "offline", "applied_on", "court"])
    if held.state == ProceedingState.DRAFT:
        rest = ActRow.objects.filter(proceeding=held, state=SendState.WAITING)
        rest.update(state=SendState.REFUSED, next_at=None, said=said)


def _later(row: ActRow, error: Exception, now: datetime) -> None:
    said = _said(error)
    log.warning("body %s: %s", row.body, said)
    ActRow.objects.filter(id=row.id, state=SendState.WAITING).update(
        attempts=row.attempts + 1, next_at=now + wait_after(row.attempts + 1), said=said
    )
    BodyRow.objects.update_or_create(code=row.body, defaults={"trouble": said})


def _said(error: Exception) -> str:
    return shown(error.message if isinstance(error, XinqiaoError) else f"{type(error).__name__}: {error}")


def wait_after(failures: int) -> timedelta:
    """How long after so many failures in a row: doubled each time, an hour at most."""
    return min(FIRST_WAIT * 2 ** min(failures - 1, 20), LONGEST_WAIT)


def _well(code: str, now: datetime) -> None:
    BodyRow.objects.update_or_create(code=code, defaults={"answered_at": now, "trouble": ""})


def ask_due(*, now: datetime) -> int:
    """Ask connected bodies what happened to the proceedings whose turn it is; returns how many events were taken."""
    known = {one.code: one for one in list_connections()}
    rows = LineRow.objects.filter(ask_at__lte=now, body__in=list(known)).select_related("proceeding")
    taken, silent = 0, dict[str, BodyUnreachable]()
    for row in rows.order_by("ask_at")[:BATCH]:
        try:
            if row.body in silent:
                raise silent[row.body]
            taken += _ask(row, known[row.body], now)
        except (XinqiaoError, OSError) as error:
            if isinstance(error, BodyUnreachable) and error.no_answer:
                silent[row.body] = error
            _ask_again(row, error, now)
    return taken


def _ask_again(row: LineRow, error: Exception, now: datetime) -> None:
    said = _said(error)
    log.warning("body %s about %s: %s", row.body, row.proceeding_id, said)
    again = now + wait_after(row.failures + 1)
    LineRow.objects.filter(pk=row.pk).update(failures=row.failures + 1, trouble=said, ask_at=again)
    BodyRow.objects.update_or_create(code=row.body, defaults={"trouble": said})


def _ask(row: LineRow, line: Connection, now: datetime) -> int:
    """Take what a body says has happened, as far as it holds; what is over or erased is not asked about any more.

    An acceptance that crossed the withdrawal it came too late for is moot; a withdrawal may yet be sent back.
    """
    over = _is_over(row.proceeding)
    if over or is_erased(row.proceeding):
        waits = ActRow.objects.filter(proceeding=row.proceeding_id, state=SendState.WAITING).exists()
        again = now + ASK_EVERY if over and waits else None
        LineRow.objects.filter(pk=row.pk).update(failures=0, trouble="", ask_at=again)
        return 0
    taken = 0
    texts = RestBody(line).events(row.proceeding_id, after=row.heard)
    for seq, text in enumerate(texts, row.heard + 1):
        row.refresh_from_db()
        if seq > row.heard:  # else another messenger took it meanwhile
            taken += _take(row, line, text, now)
    over = _is_over(row_of(row.proceeding_id))
    LineRow.objects.filter(pk=row.pk).update(failures=0, trouble="", ask_at=None if over else now + ASK_EVERY)
    _well(row.body, now)
    return taken


def _is_over(row: ProceedingRow) -> bool:
    return is_over(ProceedingKind(row.kind), ProceedingState(row.state))


def _take(row: LineRow, line: Connection, text: str, now: datetime) -> int:
    event = read_event(text, line, proceeding=row.proceeding_id, seq=row.heard + 1, before=row.chain)
    data = RestBody(line).paper(event.file) if event.file else b""
    return int(take_statement(row.pk, told_of(event, data), seq=event.seq, now=now) is not None)


def told_of(event: BodyEvent, data: bytes) -> Told:
    """A signed event as it is taken."""
    return Told(
        event=event.event, on=event.on, reason=event.reason, document_no=event.document_no,
        amount_fen=event.amount_fen, perform_by=event.perform_by, presence=event.presence, paper=event.paper,
        name=event.name, data=data, statement=event.statement,
    )  # fmt: skip
