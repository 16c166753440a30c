"""Verbs: open and close a case, look, make a package, fetch it. Each look is the enterprise's to see."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import transaction

from xinqiao.evidence.actions import record
from xinqiao.judicial.gathering import find_matter, gather
from xinqiao.judicial.making import Made, make
from xinqiao.judicial.models import CaseRow, PackageRow
from xinqiao.judicial.queries import case_facts, get_case, package_bytes, package_facts, row_of, sealing_of
from xinqiao.judicial.refusals import AlreadyOpen, UnknownCase, UnknownMatter
from xinqiao.judicial.rules import CASE_TRANSITIONS, check_case
from xinqiao.judicial.types import (
    CASE_CLOSED,
    CASE_NOT_OPENED,
    CASE_OPENED,
    PACKAGE_MADE,
    Case,
    CaseRequest,
    CaseState,
    Material,
    Matter,
    PackageFacts,
)
from xinqiao.kernel.canonical import canonical_bytes, sha256_hex
from xinqiao.kernel.dated import new_number
from xinqiao.kernel.identifiers import parse_uscc
from xinqiao.plumbing.locks import hold_name
from xinqiao.release.case_looks import FETCHED, LOOKED, PACKED, CaseLook, note_case_look
from xinqiao.vault.sealing import seal_for

ITEMS = ("financing.credit_line", "financing.loan", "financing.repayment")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a case shows: its matter and the pieces that a package would hold."""

    case: Case
    matter: Matter
    materials: tuple[Material, ...]


def open_case(asked: CaseRequest, *, organisation: str, actor: str, now: datetime) -> Case:
    """Open a case of a judicial body about one loan or application that it names in full.

    Raises InvalidCase; UnknownMatter, recorded, when enterprise, institution and number do not belong together;
    AlreadyOpen.
    """
    asked = CaseRequest(**{name: value.strip() for name, value in asdict(asked).items()})
    kind, wanted = check_case(asked)
    firm = parse_uscc(asked.enterprise).code
    named = {"case_no": asked.case_no, "basis": asked.basis}
    try:
        found = find_matter(wanted, enterprise=firm, institution=asked.institution, number=asked.number)
    except UnknownMatter:
        body = {"organisation": organisation, "matter": str(wanted), "number": asked.number, **named}
        with transaction.atomic():
            record(CASE_NOT_OPENED, actor=actor, subject=firm, body=body, now=now)
        raise
    about = {"matter": str(wanted), "institution": found.institution, "number": found.number}
    with transaction.atomic():
        hold_name(f"judicial.case {organisation}")
        same = {"organisation": organisation, "case_no": asked.case_no, "state": CaseState.OPEN}
        if standing := CaseRow.objects.filter(**same, **about).first():
            raise AlreadyOpen(case=standing.id)
        row = CaseRow.objects.create(
            id=new_number("J", now), kind=kind, basis=asked.basis, enterprise=firm, opened_by=actor,
            opened_at=now, **same, **about,
        )  # fmt: skip
        body = {"case": row.id, "organisation": organisation, "kind": str(kind), **named, **about}
        record(CASE_OPENED, actor=actor, subject=firm, body=body, now=now)
    return case_facts(row)


@transaction.atomic
def close_case(case: str, *, organisation: str, actor: str, now: datetime) -> Case:
    """End a case: nothing more can be looked at or made under it. Raises UnknownCase, TransitionRefused."""
    row = _locked(case, organisation)
    row.state, row.closed_at = CASE_TRANSITIONS.check(CaseState(row.state), "close"), now
    row.save(update_fields=["state", "closed_at"])
    record(CASE_CLOSED, actor=actor, subject=row.enterprise, body={"case": row.id}, now=now)
    return case_facts(row)


def look(case: str, *, organisation: str, actor: str, now: datetime) -> Seen:
    """What a package of the case would hold; the look is on the enterprise's record before this returns.

    Raises UnknownCase, TransitionRefused for a closed case.
    """
    found = get_case(case, organisation=organisation)
    _check_open(found)
    matter = _matter(found)
    seen = Seen(found, matter, tuple(gather(matter)))
    digest = sha256_hex(canonical_bytes([sha256_hex(piece.data) for piece in seen.materials]))
    with transaction.atomic():
        _note(found, LOOKED, digest, actor, now)
    return seen


def make_package(case: str, *, organisation: str, actor: str, now: datetime) -> PackageFacts:
    """Make the package of a case as of now. Its digest is in the log and its making on the enterprise's record.

    Raises UnknownCase, TransitionRefused for a closed case, PackageTooLarge, CertificateUnfit, FontMissing.
    """
    found = get_case(case, organisation=organisation)
    _check_open(found)
    matter = _matter(found)
    made = make(found, matter, gather(matter), now=now)
    where = sealing_of(made.package, found.enterprise)
    sealed = seal_for(where.subject, made.data, place=where.place, now=now)
    with transaction.atomic():
        _check_open(case_facts(_locked(case, organisation)))
        row = _keep(found, made, sealed, actor, now)
        _note(found, PACKED, made.sha256, actor, now)
    return package_facts(row)


def _keep(found: Case, made: Made, sealed: bytes, actor: str, now: datetime) -> PackageRow:
    body = {
        "package": made.package,
        "case": found.id,
        "sha256": made.sha256,
        "sm3": made.sm3,
        "size": len(made.data),
        "items": made.items,
    }
    entry = record(PACKAGE_MADE, actor=actor, subject=found.enterprise, body=body, now=now)
    return PackageRow.objects.create(
        id=made.package, case_id=found.id, sealed=sealed, sha256=made.sha256, sm3=made.sm3, size=len(made.data),
        items=made.items, stamped=made.stamped, made_at=now, made_by=actor, entry=entry.id,
    )  # fmt: skip


def fetch(package: str, *, organisation: str, actor: str, now: datetime) -> bytes:
    """The bytes of a package for the body whose case it is; on the enterprise's record before this returns.

    A closed case still gives out what was made for it. Raises UnknownPackage, PackageErased.
    """
    row = row_of(package, organisation=organisation)
    data, found = package_bytes(row), case_facts(row.case)
    with transaction.atomic():
        _note(found, FETCHED, row.sha256, actor, now)
    return data


def _matter(found: Case) -> Matter:
    return find_matter(found.matter, enterprise=found.enterprise, institution=found.institution, number=found.number)


def _check_open(found: Case) -> None:
    if found.state is not CaseState.OPEN:
        CASE_TRANSITIONS.check(found.state, "close")


def _locked(case: str, organisation: str) -> CaseRow:
    row = CaseRow.objects.select_for_update().filter(id=case, organisation=organisation).first()
    if row is None:
        raise UnknownCase(case=case)
    return row


def _note(found: Case, purpose: str, digest: str, actor: str, now: datetime) -> None:
    cause = f"{found.case_no} {found.basis}"
    seen = CaseLook(
        found.organisation,
        found.organisation_name,
        found.enterprise,
        purpose,
        cause,
        ITEMS,
        actor,
    )
    note_case_look(seen, answer_sha256=digest, now=now)
