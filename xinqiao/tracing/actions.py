"""Verbs of tracing: name the reads a copy came from, enter one into the violation register."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import transaction

from xinqiao.evidence.actions import record
from xinqiao.kernel.canonical import NotCanonical, canonical_bytes, sha256_hex
from xinqiao.kernel.dated import new_number
from xinqiao.release.queries import answered_reads, get_access, reads_by_digest
from xinqiao.sharing.queries import current_list, declared_ever
from xinqiao.tracing.marks import objects_of
from xinqiao.tracing.models import TraceRow
from xinqiao.tracing.queries import get_trace, keyed, trace_facts
from xinqiao.tracing.reading import read_copy, seen_in
from xinqiao.tracing.rules import best, needed_bits
from xinqiao.tracing.types import TRACED, Carrier, Copy, Trace, TracedRead, UnknownTrace
from xinqiao.violations.actions import open_case
from xinqiao.violations.types import Case, Finding, Source

KIND = "leaking"
MOST_NAMED = 20
CERTAIN = 256.0  # bits of a digest
WHOLE = {"enterprise", "items", "asked_at"}  # what only a whole document holds


def trace_copy(data: bytes, *, name: str, actor: str, now: datetime) -> Trace:
    """Name the reads that a found copy came from, if its marks suffice; recorded either way. Raises UnreadableCopy."""
    copy = read_copy(data, name=name)
    reads, candidates = _by_digest(copy), 1
    if not reads:
        accesses = answered_reads(copy.enterprises)
        candidates = len(accesses)
        seen = seen_in(copy, codes={item.list_code for item in (*declared_ever(), *current_list())})
        reads = best(seen, keyed, accesses, needed=needed_bits(candidates))
    with transaction.atomic():
        row = TraceRow(id=new_number("T", now), name=name[:120], sha256=sha256_hex(data), made_at=now, made_by=actor)
        row.candidates, row.needed, row.printed = candidates, needed_bits(candidates), list(copy.printed[:MOST_NAMED])
        row.reads = [asdict(read) for read in reads[:MOST_NAMED]]
        row.save(force_insert=True)
        body = {"trace": row.id, "copy_sha256": row.sha256, "reads": [read.access for read in reads[:MOST_NAMED]]}
        record(TRACED, actor=actor, subject="node", body=body, now=now)
    return trace_facts(row)


def _by_digest(copy: Copy) -> list[TracedRead]:
    """Reads whose whole document is in the copy, unaltered, however it is laid out."""
    documents = [each for value in copy.values for _, each in objects_of(value) if set(each) >= WHOLE]
    digests = {digest for document in documents if (digest := _digest(document))}
    found = reads_by_digest(digests, enterprises=copy.enterprises) if digests else []
    return [TracedRead(access, Carrier.DIGEST, 1, 1, CERTAIN) for access in found]


def _digest(document: Any) -> str:
    try:
        return sha256_hex(canonical_bytes(document))
    except (NotCanonical, RecursionError):
        return ""


def open_leak_case(trace: str, access: str, *, actor: str, now: datetime) -> Case:
    """Enter a read that a copy named into the register. Raises UnknownTrace, NotAgainstTheNode."""
    found = get_trace(trace)
    read = next((one for one in found.reads if one.access == access), None)
    if read is None:
        raise UnknownTrace(trace=trace)
    line = get_access(access)
    finding = Finding(
        kind=KIND,
        organisation=line.recipient_code,
        source=Source.TRACE,
        reference=access,  # two copies of one read are one case
        summary=f"发现副本 {found.name}，指向查询 {access}（{read.carrier.label} {read.agree}/{read.shown}）",
        facts={"trace": found.id, "accesses": [access], "copy_sha256": found.sha256, "bits": int(read.bits)},
        party=line.actor if line.actor.startswith(("api:", "person:")) else "",
        enterprise=line.enterprise,
    )
    return open_case(finding, actor=actor, now=now)
