"""How rows that wait for their subject are kept: sealed under their delivery's key, as all that was delivered."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime

from xinqiao.ingest.models import Delivery, RowMatch
from xinqiao.ingest.types import Match, MatchState, Unidentified
from xinqiao.subjects.types import Asked, Candidate, Doubt, Level, Reason
from xinqiao.vault.sealing import open_all, seal
from xinqiao.vault.types import ERASED, Sealing, delivery_subject

MILLION = 1_000_000


def _sealing(delivery: str, row: int, text: str = "", sealed: bytes = b"") -> Sealing:
    return Sealing(delivery_subject(delivery), f"ingest_row_match:content:{delivery}/{row}", text, sealed)


def keep_rows(entry: Delivery, found: Sequence[Unidentified], *, now: datetime) -> None:
    """Store what was found by name in a delivery; call inside its transaction."""
    texts = [
        json.dumps(
            {
                "asked": asdict(one.asked),
                "values": dict(one.values),
                "candidates": [asdict(c) for c in one.candidates],
            },
            ensure_ascii=False,
        )
        for one in found
    ]
    sealed = seal([_sealing(entry.id, o.row, t) for o, t in zip(found, texts, strict=True)], now=now)
    RowMatch.objects.bulk_create(
        [
            RowMatch(
                delivery=entry.id,
                row=one.row,
                item=entry.item,
                provider=entry.provider,
                state=MatchState.ATTACHED if one.automatic else MatchState.WAITING,
                automatic=one.automatic,
                code=one.candidates[0].code if one.automatic else "",
                batch=entry.id if one.automatic else "",
                likely_ppm=int(one.candidates[0].probability * MILLION),
                content_sealed=data,
                made_at=now,
            )
            for one, data in zip(found, sealed, strict=True)
        ],
        batch_size=500,
    )


def as_matches(rows: Iterable[RowMatch]) -> list[Match]:
    """Kept rows with their content opened; empty where the content was erased."""
    rows = list(rows)
    texts = open_all([_sealing(r.delivery, r.row, sealed=bytes(r.content_sealed)) for r in rows])
    return [_match(row, text) for row, text in zip(rows, texts, strict=True)]


def _match(row: RowMatch, text: str) -> Match:
    erased = text in ("", ERASED)
    content = {"asked": {"name": ""}, "values": {}, "candidates": []} if erased else json.loads(text)
    return Match(
        id=row.pk,
        delivery=row.delivery,
        row=row.row,
        item=row.item,
        provider=row.provider,
        state=MatchState(row.state),
        automatic=row.automatic,
        code=row.code,
        probability=row.likely_ppm / MILLION,
        asked=Asked(**content["asked"]),
        values={code: value or "" for code, value in content["values"].items()},
        candidates=tuple(map(_candidate, content["candidates"])),
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        note=row.note,
        made_at=row.made_at,
        erased=erased,
    )


def _candidate(raw: dict[str, object]) -> Candidate:
    reasons = tuple(Reason(Level(r["level"]), r["factor"]) for r in raw["reasons"])  # type: ignore[attr-defined]
    doubts = tuple(map(Doubt, raw["doubts"]))  # type: ignore[call-overload]
    return Candidate(**{**raw, "reasons": reasons, "doubts": doubts})  # type: ignore[arg-type]
