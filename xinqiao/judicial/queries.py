"""Reads: cases of a body, packages with their bytes and the log's proof of them, whom a package is checked against."""

from __future__ import annotations

from xinqiao.evidence.extracts import extract_entries
from xinqiao.evidence.keys import gm_key, log_keys
from xinqiao.evidence.stamping import authorities
from xinqiao.judicial import container
from xinqiao.judicial.certificates import trusted_roots
from xinqiao.judicial.models import CaseRow, PackageRow
from xinqiao.judicial.packing import entry_files
from xinqiao.judicial.refusals import PackageErased, UnknownCase, UnknownPackage
from xinqiao.judicial.signing import roots_pem
from xinqiao.judicial.types import Case, CaseKind, CaseState, MatterKind, PackageFacts
from xinqiao.judicial.verifying import Trust
from xinqiao.parties.queries import get_organisation
from xinqiao.vault.sealing import open_with, subject_keys
from xinqiao.vault.types import Sealing, enterprise_subject


def get_case(case: str, *, organisation: str | None = None) -> Case:
    """One case; raises UnknownCase, also for another body's."""
    rows = CaseRow.objects.filter(id=case)
    row = (rows if organisation is None else rows.filter(organisation=organisation)).first()
    if row is None:
        raise UnknownCase(case=case)
    return case_facts(row)


def list_cases(
    *, organisation: str | None = None, enterprise: str | None = None, state: CaseState | None = None, limit: int = 200
) -> list[Case]:
    """Cases, the newest first."""
    named = {"organisation": organisation, "enterprise": enterprise, "state": state}
    wanted = {name: value for name, value in named.items() if value is not None}
    return [case_facts(row) for row in CaseRow.objects.filter(**wanted).order_by("-opened_at", "-id")[:limit]]


def list_packages(case: str) -> list[PackageFacts]:
    """Packages of a case, the newest first."""
    rows = PackageRow.objects.filter(case_id=case).defer("sealed").order_by("-made_at", "-id")
    return [package_facts(row) for row in rows]


def get_package(package: str, *, organisation: str | None = None) -> PackageFacts:
    """One package; raises UnknownPackage, also for one of another body's case."""
    return package_facts(row_of(package, organisation=organisation))


def row_of(package: str, *, organisation: str | None = None) -> PackageRow:
    """The row of a package; raises UnknownPackage."""
    rows = PackageRow.objects.select_related("case").filter(id=package)
    row = (rows if organisation is None else rows.filter(case__organisation=organisation)).first()
    if row is None:
        raise UnknownPackage(package=package)
    return row


def package_bytes(row: PackageRow) -> bytes:
    """The package as it was made; raises PackageErased once the enterprise's data key is gone."""
    sealing = sealing_of(row.id, row.case.enterprise, bytes(row.sealed))
    found = open_with(subject_keys({sealing.subject}), sealing)
    if found is None:
        raise PackageErased(package=row.id)
    return found


def sealing_of(package: str, enterprise: str, sealed: bytes = b"") -> Sealing:
    """Where a package is sealed to."""
    return Sealing(enterprise_subject(enterprise), f"judicial_package:sealed:{package}", sealed=sealed)


def sidecar(package: str) -> bytes:
    """The log's proof of the package's digest, as a container of its own; without proof until a checkpoint covers it.

    Raises UnknownPackage, ContentErased.
    """
    [extract] = extract_entries([row_of(package).entry])
    return container.pack(entry_files(extract))


def sidecar_of(package: str, *, organisation: str) -> bytes:
    """The same for the body whose case it is; raises UnknownPackage for another's."""
    return sidecar(row_of(package, organisation=organisation).id)


def node_trust() -> Trust:
    """What this node checks packages against: the log's keys, its own certificate's root, its authorities' roots."""
    roots = roots_pem(trusted_roots())
    stamps = b"".join(roots_pem(authority.roots) for authority in authorities())
    return Trust(tuple(key.vkey for key in (*log_keys(), gm_key())), roots, stamps)


def case_facts(row: CaseRow) -> Case:
    """A stored case as its facts."""
    return Case(
        id=row.id,
        kind=CaseKind(row.kind),
        case_no=row.case_no,
        basis=row.basis,
        organisation=row.organisation,
        organisation_name=get_organisation(row.organisation).name,
        enterprise=row.enterprise,
        matter=MatterKind(row.matter),
        institution=row.institution,
        number=row.number,
        state=CaseState(row.state),
        opened_by=row.opened_by,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
    )


def package_facts(row: PackageRow) -> PackageFacts:
    """A stored package as its facts."""
    return PackageFacts(
        id=row.id,
        case=row.case_id,
        made_at=row.made_at,
        made_by=row.made_by,
        sha256=row.sha256,
        sm3=row.sm3,
        size=row.size,
        items=row.items,
        stamped=row.stamped,
        entry=row.entry,
    )
