"""Pages, receipts and answers as JSON on the wire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from xinqiao.federation.storage import plain_problems, read_problems
from xinqiao.federation.types import Answer, Entry, Page, Receipt, SyncState

ANSWERED = (SyncState.ACKNOWLEDGED, SyncState.APPLIED, SyncState.HELD, SyncState.REFUSED)


def page_as_json(page: Page) -> dict[str, Any]:
    """A page as plain JSON."""
    return {**asdict(page), "entries": [asdict(entry) for entry in page.entries]}


def read_page(plain: Mapping[str, Any]) -> Page:
    """A page of plain JSON; raises KeyError, TypeError, ValueError for what is none."""
    entries = tuple(Entry(int(e["seq"]), str(e["object"]), str(e["signature"])) for e in plain["entries"])
    numbers = {name: int(plain[name]) for name in ("after", "seq", "head")}
    texts = {name: str(plain[name]) for name in ("sender", "receiver", "before", "chain", "at", "signature")}
    return Page(entries=entries, **numbers, **texts)


def receipt_as_json(receipt: Receipt) -> dict[str, Any]:
    """A receipt as plain JSON."""
    return {"cursor": receipt.cursor, "chain": receipt.chain, "answers": answers_as_json(receipt.answers)}


def read_receipt(plain: Mapping[str, Any]) -> Receipt:
    """A receipt of plain JSON; raises KeyError, TypeError, ValueError for what is none."""
    return Receipt(int(plain["cursor"]), str(plain["chain"]), read_answers(plain["answers"]))


def answers_as_json(answers: Iterable[Answer]) -> list[dict[str, Any]]:
    """Answers as plain JSON."""
    return [{"seq": a.seq, "state": str(a.state), "problems": plain_problems(a.problems)} for a in answers]


def read_answers(plain: Iterable[Mapping[str, Any]]) -> tuple[Answer, ...]:
    """Answers of plain JSON; raises KeyError, TypeError, ValueError for what is none."""
    found = [(int(a["seq"]), SyncState(a["state"]), read_problems(a.get("problems") or ())) for a in plain]
    if any(state not in ANSWERED for _, state, _ in found):
        raise ValueError("only what a receiver can say")
    return tuple(Answer(*one) for one in found)
