"""Reading the ledger and the table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Now, TruncHour, TruncMonth

from xinqiao.consent.types import Form
from xinqiao.evidence.bundling import evidence_bundle
from xinqiao.kernel.dated import BEIJING
from xinqiao.kernel.errors import NotFound
from xinqiao.plumbing.settings import content_dir
from xinqiao.release.models import AccessLine, PolicyRow
from xinqiao.release.rules import load_policy, parse_policy
from xinqiao.release.types import Access, ActivePolicy, Party, Policy, RecipientKind, Released

# What an enterprise sees of its own lines: all but those that an embargo holds back, by the database's clock.
SHOWN = Q(shown_from=None) | Q(shown_from__lte=Now())


class UnknownAccess(NotFound):
    """No such ledger line, or not one the caller may see."""

    code = "release.unknown_access"
    title = "没有找到查询记录 {access}"


def policy() -> Policy:
    """The table in force: the one last activated, or on a node that has activated none that of the content package.

    Read at every request, so that an activation counts from the next one on, in every process.
    """
    return parse_policy(policy_text())


def policy_text() -> str:
    """The text of the table in force."""
    text = PolicyRow.objects.order_by("-id").values_list("text", flat=True).first()
    return text if text is not None else (content_dir() / "release.toml").read_text("utf-8")


def content_policy() -> Policy:
    """The content package's table, in force or not; raises InvalidPolicy."""
    return load_policy(content_dir() / "release.toml")


def active_policy() -> ActivePolicy | None:
    """When and by whom the table in force was activated, or None before the first activation."""
    row = PolicyRow.objects.order_by("-id").first()
    if row is None:
        return None
    return ActivePolicy(
        sha256=row.sha256,
        text=row.text,
        proof_sha256=row.proof_sha256,
        activated_at=row.activated_at,
        activated_by=row.activated_by,
        entry=row.entry,
    )


def as_access(row: AccessLine) -> Access:
    """A ledger line as plain facts."""
    return Access(
        id=row.id,
        at=row.at,
        enterprise=row.enterprise,
        recipient_kind=RecipientKind(row.recipient_kind),
        recipient_code=row.recipient_code,
        recipient_name=row.recipient_name,
        actor=row.actor,
        purpose=row.purpose,
        form=Form(row.form),
        items=tuple(json.loads(row.items)),
        authorisation=row.authorisation,
        allowed=row.allowed,
        rule=row.rule,
        reason=row.reason,
        clause=row.clause,
        next_step=row.next_step,
        entry=row.entry,
        channel=row.channel,
        cause=row.cause,
        via=row.via,
        scope=row.scope,
    )


def list_accesses(
    *,
    enterprise: str | None = None,
    recipient: str | None = None,
    authorisation: str | None = None,
    allowed: bool | None = None,
    before: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> list[Access]:
    """Ledger lines, newest first; ``before`` is the (time, id) of the last line already shown."""
    rows = AccessLine.objects.order_by("-at", "-id")
    if enterprise is not None:
        rows = rows.filter(SHOWN, enterprise=enterprise)
    if recipient is not None:
        rows = rows.filter(recipient_code=recipient)
    if authorisation is not None:
        rows = rows.filter(authorisation=authorisation)
    if allowed is not None:
        rows = rows.filter(allowed=allowed)
    if before is not None:
        rows = rows.filter(Q(at__lt=before[0]) | Q(at=before[0], id__lt=before[1]))
    return [as_access(row) for row in rows[:limit]]


def get_access(access: str, *, enterprise: str | None = None, recipient: str | None = None) -> Access:
    """One ledger line, of that enterprise or recipient when given; raises UnknownAccess."""
    rows = AccessLine.objects.filter(id=access)
    if enterprise is not None:
        rows = rows.filter(SHOWN, enterprise=enterprise)
    if recipient is not None:
        rows = rows.filter(recipient_code=recipient)
    row = rows.first()
    if row is None:
        raise UnknownAccess(access=access)
    return as_access(row)


def count_accesses(enterprise: str, *, since: datetime) -> dict[str, int]:
    """How often others read about an enterprise, or were refused, since an instant."""
    rows = AccessLine.objects.filter(SHOWN, enterprise=enterprise, at__gte=since).exclude(
        recipient_kind=RecipientKind.ENTERPRISE
    )
    return {"allowed": rows.filter(allowed=True).count(), "refused": rows.filter(allowed=False).count()}


def read_under(authorisations: Iterable[str]) -> set[str]:
    """Under which of these authorisations something was read."""
    rows = AccessLine.objects.filter(authorisation__in=list(authorisations), allowed=True)
    return set(rows.values_list("authorisation", flat=True).distinct())


def authorised_reads_by_month() -> list[tuple[str, str, int]]:
    """(month in Beijing, purpose, how many) of reads that were made under an authorisation."""
    rows = AccessLine.objects.filter(allowed=True).exclude(authorisation="")
    months = rows.annotate(month=TruncMonth("at", tzinfo=BEIJING)).values("month", "purpose")
    found = months.annotate(count=Count("id")).order_by("month", "purpose")
    return [(f"{row['month']:%Y-%m}", row["purpose"], row["count"]) for row in found]


def parties_since(since: datetime) -> list[Party]:
    """Who looked at others after an instant: organisations with the program or person that acted."""
    rows = _of_others().filter(at__gt=since).order_by("recipient_code", "actor")
    names = {(code, actor): name for code, actor, name in rows.values_list("recipient_code", "actor", "recipient_name")}
    return [Party(code, name, actor) for (code, actor), name in names.items()]


def list_lines(party: Party, *, since: datetime, limit: int = 5000) -> list[Access]:
    """A party's ledger lines after an instant in order of time; of very many, the newest."""
    rows = _of(party).filter(at__gt=since).order_by("-at", "-id")[:limit]
    return [as_access(row) for row in reversed(rows)]


def count_by_purpose(party: Party, *, since: datetime, until: datetime) -> dict[str, int]:
    """How often a party looked for which purpose in a period."""
    rows = _of(party).filter(at__gt=since, at__lte=until).order_by().values_list("purpose").annotate(n=Count("id"))
    return dict(rows)


def count_by_hour(party: Party, *, since: datetime, until: datetime) -> list[tuple[datetime, int]]:
    """How often a party looked in each hour of a period in which it did."""
    rows = _of(party).filter(at__gt=since, at__lte=until).annotate(hour=TruncHour("at")).order_by()
    return list(rows.values_list("hour").annotate(n=Count("id")))


def released_lines(
    recipient: str, *, since: datetime, until: datetime, channels: Iterable[str]
) -> Iterator[tuple[str, str, str, str]]:
    """Access, answer digest, purpose and form of every answer to a recipient from ``since`` until before ``until``."""
    rows = _answers(channels).filter(recipient_code=recipient, at__gte=since, at__lt=until).order_by()
    return rows.values_list("id", "answer_sha256", "purpose", "form").iterator(chunk_size=10_000)


def has_released(recipient: str, *, since: datetime, until: datetime, channels: Iterable[str]) -> bool:
    """Whether a recipient was given any answer from ``since`` until before ``until``."""
    return _answers(channels).filter(recipient_code=recipient, at__gte=since, at__lt=until).exists()


def answers_to(recipient: str, accesses: Iterable[str]) -> dict[str, Released]:
    """Those of these accesses that were answers to a recipient, through whatever channel."""
    found: dict[str, Released] = {}
    wanted = sorted(set(accesses))
    for start in range(0, len(wanted), 500):
        rows = AccessLine.objects.filter(id__in=wanted[start : start + 500], recipient_code=recipient, allowed=True)
        for row in rows.exclude(answer_sha256="").values_list(
            "id", "at", "answer_sha256", "purpose", "form", "authorisation"
        ):
            found[row[0]] = Released(*row)
    return found


def answered_reads(enterprises: Iterable[str], *, most: int = 200_000) -> list[str]:
    """Accesses at which somebody else was given an answer about these enterprises, or about any; newest first."""
    rows = _of_others().filter(allowed=True).exclude(answer_sha256="").order_by("-at", "-id")
    named = list(enterprises)
    return list((rows.filter(enterprise__in=named) if named else rows).values_list("id", flat=True)[:most])


def reads_by_digest(digests: Iterable[str], *, enterprises: Iterable[str]) -> list[str]:
    """Accesses about these enterprises whose answer has one of these digests."""
    rows = _of_others().filter(enterprise__in=list(enterprises), answer_sha256__in=list(digests), allowed=True)
    return list(rows.order_by("at").values_list("id", flat=True))


def _answers(channels: Iterable[str]) -> QuerySet[AccessLine]:
    return AccessLine.objects.filter(allowed=True, channel__in=list(channels)).exclude(answer_sha256="")


def _of(party: Party) -> QuerySet[AccessLine]:
    return _of_others().filter(recipient_code=party.organisation, actor=party.actor)


def _of_others() -> QuerySet[AccessLine]:
    return AccessLine.objects.exclude(recipient_kind=RecipientKind.ENTERPRISE)


def access_bundle(enterprise: str) -> bytes:
    """Every access to an enterprise as evidence it can check by itself (``evidence.bundles``); a ZIP file.

    Raises ContentErased after an erasure, DamagedLog.
    """
    rows = AccessLine.objects.filter(SHOWN, enterprise=enterprise).order_by("at", "id")
    return evidence_bundle(enterprise, {row.entry: _told(as_access(row)) for row in rows})


def _told(access: Access) -> dict[str, str]:
    """An access in words, for the list in the bundle."""
    return {
        "access": access.id,
        "at": access.at.isoformat(),
        "recipient": access.recipient_code,
        "recipient_name": access.recipient_name,
        "recipient_kind": str(access.recipient_kind),
        "actor": access.actor,
        "purpose": access.purpose,
        "form": str(access.form),
        "items": " ".join(access.items),
        "authorisation": access.authorisation,
        "allowed": "yes" if access.allowed else "no",
        "rule": access.rule,
        "reason": access.reason,
        "clause": access.clause,
        "channel": access.channel,
        "cause": access.cause,
        **({"via": access.via} if access.via else {}),
    }
