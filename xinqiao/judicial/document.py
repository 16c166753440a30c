"""``evidence.json``: what a package says, as canonical JSON. Pure.

Its fields are those that judicial platforms ask for: parties, matter, items with phase, time, collector, source,
digests, authorisation and proof; checkpoints, time stamps, chain receipts, notary, the state of the system, and the
answers to what courts review.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from xinqiao.evidence.types import Extract, StampFacts
from xinqiao.judicial.content import PackageContent
from xinqiao.judicial.types import Case, Material, Matter
from xinqiao.kernel.canonical import sha256_hex, sm3_hex
from xinqiao.kernel.errors import fill

VERSION = 1


@dataclass(frozen=True, slots=True)
class Anchored:
    """A chain receipt over a checkpoint: which chain, and its files by name."""

    size: int
    ledger: str
    facts: Mapping[str, Any]
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Setting:
    """The system that makes a package: log, witnesses, authorities, release, signer. ``keys`` are the log's key files.

    ``clock_offset_ms`` is this machine's clock against the authority's, None when none answered.
    """

    origin: str
    keys: Mapping[str, bytes]
    witnesses: Mapping[str, Any]
    authorities: tuple[str, ...]
    version: str
    release_sha256: str
    signer: str
    signer_own_root: bool
    clock_offset_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything a package is made of, before it is signed."""

    package: str
    made_at: datetime
    case: Case
    matter: Matter
    materials: Sequence[Material]
    extracts: Sequence[Extract]
    left_out: int  # entries beyond the most that a package holds
    stamps: Sequence[StampFacts] = ()
    anchors: Sequence[Anchored] = ()
    notary: Mapping[str, str] | None = None
    setting: Setting = field(kw_only=True)
    content: PackageContent = field(kw_only=True)


def item_path(number: int, material: Material) -> str:
    """Where a piece of material lies in the package; ``number`` counts from 1."""
    return f"items/{number:02d}-{material.stem}.{material.ending}"


def entry_stem(entry: int) -> str:
    """The beginning of the names of an entry's files."""
    return f"log/{entry:09d}"


def evidence_document(made: Contents) -> dict[str, Any]:
    """The document of a package."""
    items = [_item(n, one, made) for n, one in enumerate(made.materials, 1)]
    return {
        "v": VERSION,
        "package": made.package,
        "title": made.content.title,
        "draft": made.content.draft,
        "made_at": made.made_at.isoformat(),
        "standards": [{"code": s.code, "name": s.name} for s in made.content.standards],
        "case": _case(made.case),
        "parties": [
            {"part": p.part, "name": p.name, "cert_type": "统一社会信用代码" if p.code else "", "cert_no": p.code}
            for p in made.matter.parties
        ],
        "matter": {"kind": made.matter.kind, "number": made.matter.number, **made.matter.facts},
        "items": items,
        "entries": [_entry(one) for one in made.extracts],
        "entries_left_out": made.left_out,
        "log": {
            "origin": made.setting.origin,
            **{name.replace(".", "_"): made.setting.keys[name].decode().strip() for name in ("vkey", "vkey.gm")},
            "witnesses": made.setting.witnesses["names"],
            "quorum": made.setting.witnesses["quorum"],
        },
        "tsa": [{"authority": s.authority, "checkpoint": s.size, "at": s.at.isoformat()} for s in made.stamps],
        "chain": [{"ledger": a.ledger, "checkpoint": a.size, **a.facts} for a in made.anchors],
        "notary": dict(made.notary) if made.notary else None,
        "review": _review(made, items),
        "system": {
            "version": made.setting.version,
            "release_sha256": made.setting.release_sha256,
            "clock_offset_ms": made.setting.clock_offset_ms,
        },
        "signer": {"name": made.setting.signer, "own_root": made.setting.signer_own_root},
    }


def _case(case: Case) -> dict[str, Any]:
    return {
        "id": case.id,
        "kind": case.kind,
        "case_no": case.case_no,
        "basis": case.basis,
        "organisation": case.organisation_name,
        "opened_at": case.opened_at.isoformat(),
    }


def _item(number: int, one: Material, made: Contents) -> dict[str, Any]:
    proved = {extract.entry: extract for extract in made.extracts}
    held = [proved[entry] for entry in one.entries if entry in proved]
    return {
        "id": f"{number:02d}",
        "phase": one.phase,
        "phase_name": one.phase.label,
        "name": one.name,
        "path": item_path(number, one),
        "size": len(one.data),
        "sha256": sha256_hex(one.data),
        "sm3": sm3_hex(one.data),
        "collected_at": one.collected_at.isoformat(),
        "collector": one.collector,
        "source": one.source,
        "authorisation": one.authorisation,
        "entries": [extract.entry for extract in held],
        "bound": one.bound if held else "",
    }


def _entry(one: Extract) -> dict[str, Any]:
    return {
        "entry": one.entry,
        "at": one.at.isoformat(),
        "event": one.event,
        "leaf_index": one.leaf_index,
        "checkpoint": one.size,
        "stem": entry_stem(one.entry),
    }


def _review(made: Contents, items: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The answers to what courts review, from what is known now; what is missing is said, not passed over."""
    names = made.setting.witnesses["names"]
    known = {
        "operator": made.content.operator,
        "origin": made.setting.origin,
        "witnesses": tuple(names),
        "quorum": made.setting.witnesses["quorum"],
        "authorities": made.setting.authorities or "（尚未接入时间戳机构）",
        "version": made.setting.version,
        "release": made.setting.release_sha256,
        "signer": made.setting.signer + ("（自建根，未经许可的电子认证机构）" if made.setting.signer_own_root else ""),
        "items": len(items),
        "bound": sum(bool(item["bound"]) for item in items),
    }
    return [
        {
            "code": q.code,
            "question": q.question,
            "clause": q.clause,
            "answer": fill(q.answer if names or not q.alone else q.alone, known),
        }
        for q in made.content.questions
    ]
