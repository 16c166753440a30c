"""Putting a version of the list in force: whole, signed, in evidence, for every process from its next look on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime

from django.db import transaction

from xinqiao.catalogue.load import list_files, parse_catalogue
from xinqiao.evidence.actions import record
from xinqiao.evidence.queries import sign_document
from xinqiao.kernel.canonical import canonical_bytes
from xinqiao.plumbing.locks import hold_name
from xinqiao.plumbing.settings import content_dir
from xinqiao.sharing.models import ListRow
from xinqiao.sharing.queries import as_version, document_of, forget, version_in_force
from xinqiao.sharing.types import KIND, LIST_IN_FORCE, ListMoved, ListVersion


@transaction.atomic
def put_in_force(
    files: Mapping[str, str],
    *,
    reason: str,
    replaces: str,
    proposed_by: str,
    approved_by: str,
    proof_sha256: str = "",
    body: Mapping[str, object] | None = None,
    now: datetime,
) -> ListVersion:
    """Make a list the one in force, of which ``replaces`` is the digest it was compared with ("" for the first).

    ``body`` is what else belongs into its evidence. Raises InvalidContent with every fault, ListMoved when another
    version came first.
    """
    found = parse_catalogue(files)
    hold_name("sharing.list")
    held = version_in_force()
    if (held.sha256 if held else "") != replaces:
        raise ListMoved(number=held.number if held else 0)
    version = ListVersion(
        number=held.number + 1 if held else 1,
        sha256=found.sha256,
        replaces=replaces,
        reason=reason,
        proposed_by=proposed_by,
        approved_by=approved_by,
        proof_sha256=proof_sha256,
        in_force_at=now,
        entry=0,
    )
    told = {"number": version.number, "sha256": version.sha256, "replaces": replaces, "reason": reason}
    told |= {"proposed_by": proposed_by, "items": len(found.items), "proof_sha256": proof_sha256, **(body or {})}
    entry = record(LIST_IN_FORCE, actor=approved_by, subject="node", body=told, now=now)
    signature = sign_document(canonical_bytes(document_of(version, files)), kind=KIND)
    row = ListRow(**asdict(replace(version, entry=entry.id)), files=dict(files), signature=signature)
    row.save(force_insert=True)
    forget()
    transaction.on_commit(forget)
    return as_version(row)


def adopt_content(*, actor: str, now: datetime) -> ListVersion:
    """Put the content package's list in force on a node that has none yet; else the one in force."""
    held = version_in_force()
    if held is not None:
        return held
    by = {"proposed_by": actor, "approved_by": actor}
    return put_in_force(list_files(content_dir()), reason="首次启用", replaces="", **by, now=now)
