"""A dispute as a matter: what the enterprise said was wrong, its files, each step, the answer."""

from __future__ import annotations

from collections.abc import Iterator

from xinqiao.disputes.queries import get_dispute, list_files, list_steps, read_file
from xinqiao.disputes.types import Dispute
from xinqiao.evidence.queries import list_entries
from xinqiao.evidence.types import EntryFacts
from xinqiao.judicial.types import Material, Matter, MatterKind, Party, Phase
from xinqiao.kernel.canonical import canonical_bytes
from xinqiao.parties.queries import get_organisation

LARGEST_FILE = 256 * 1024  # larger ones are listed with their digests and stay with the node
MOST_FILES_BYTES = 512 * 1024
SOURCE = "异议处理"


def dispute_matter(number: str, enterprise: str) -> Matter:
    """The dispute of that number and enterprise; raises UnknownDispute."""
    found = get_dispute(number, enterprise=enterprise)
    provider = get_organisation(found.provider)
    return Matter(
        kind=MatterKind.DISPUTE,
        number=found.id,
        enterprise=found.enterprise,
        institution="",
        parties=(
            Party("异议人", found.enterprise_name, found.enterprise),
            Party("信源单位", provider.name, provider.uscc),
        ),
        facts={
            "disputed_item": found.claim.item,
            "received_at": found.received_at.isoformat(),
            "forward_due_on": found.forward_due_on.isoformat(),
            "forwarded_at": found.forwarded_at.isoformat() if found.forwarded_at else "",
            "answer_due_on": found.answer_due_on.isoformat() if found.answer_due_on else "",
            "state": found.state.label,
            "verdict": found.verdict.label if found.verdict else "",
        },
        authorisation="",
        application="",
        from_on=None,
        to_on=None,
    )


def collect_dispute(matter: Matter) -> Iterator[Material]:
    """The claim as written, the files that support it, the course of it, the answer."""
    if matter.kind is not MatterKind.DISPUTE:
        return
    found = get_dispute(matter.number, enterprise=matter.enterprise)
    entries = _entries(found)
    filed = tuple(e.id for e in entries if e.event == "dispute.filed")
    about = {"collector": matter.enterprise, "source": SOURCE}
    yield Material(
        Phase.DISPUTED, "异议内容（企业原文）", "claim", "txt", found.claim.text.strip().encode(), found.received_at,
        entries=filed, bound="text_sha256", **about,
    )  # fmt: skip
    yield from _files(found, entries, about)
    steps = [{"state": s.state.label, "at": s.at.isoformat(), "by": s.actor, "note": s.note} for s in list_steps(found)]
    listed = [
        {"name": f.name, "sha256": f.sha256, "size": f.size, "at": f.at.isoformat()} for f in list_files(found.id)
    ]
    course = {
        "dispute": found.id,
        "item": found.claim.item,
        "ground": found.claim.ground,
        "steps": steps,
        "files": listed,
    }
    yield Material(
        Phase.DISPUTED, "异议办理经过与附件清单", "course", "json", canonical_bytes(course), found.received_at,
        collector="省级节点", source=SOURCE, entries=tuple(e.id for e in entries),
    )  # fmt: skip
    if found.answer and found.answered_at:
        told = tuple(e.id for e in entries if e.event == "dispute.answered")
        yield Material(
            Phase.DELIVERED, "书面答复", "answer", "txt", found.answer.encode(), found.answered_at,
            collector="省级节点", source=SOURCE, entries=told,
        )  # fmt: skip


def _files(found: Dispute, entries: list[EntryFacts], about: dict[str, str]) -> Iterator[Material]:
    """The files whose digests the log holds, as long as they are small."""
    left = MOST_FILES_BYTES
    for number, file in enumerate(list_files(found.id), 1):
        if file.size > min(LARGEST_FILE, left):
            continue
        left -= file.size
        name, _, data = read_file(found, file.id)
        held = tuple(e.id for e in entries if file.sha256 in (e.body or {}).get("files", ()))
        ending = name.rpartition(".")[2].lower()
        yield Material(
            Phase.DISPUTED,
            f"异议附件：{name}",
            f"file-{number:02d}",
            ending if ending.isalnum() else "bin",
            data,
            file.at,
            entries=held,
            bound="files" if held else "",
            **about,
        )


def _entries(found: Dispute) -> list[EntryFacts]:
    """Entries that name the dispute, in order."""
    return [
        entry
        for entry in reversed(list_entries(subject=found.enterprise, limit=2000))
        if entry.event.startswith("dispute.") and (entry.body or {}).get("dispute") == found.id
    ]
