"""The node's side of witnesses: send each checkpoint, keep the cosignatures, raise the alarm when one refuses.

No write waits for a witness. One that is away is asked again with the next checkpoint.
"""

from __future__ import annotations

import logging
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from xinqiao.evidence.actions import record
from xinqiao.evidence.merkle import consistency_proof
from xinqiao.evidence.models import Checkpoint, Cosignature, Outsider
from xinqiao.evidence.notes import InvalidNote, carries, open_note, split_note
from xinqiao.evidence.policy import WitnessEntry
from xinqiao.evidence.published import node_policy
from xinqiao.evidence.tiles import TileFolder
from xinqiao.evidence.types import WITNESS_CONFLICT
from xinqiao.evidence.witness import Answer, Submission
from xinqiao.kernel.errors import Corrupt
from xinqiao.plumbing import settings as node

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 5.0
LONGEST_ANSWER = 16 * 1024
AFTER_CONFLICT = timedelta(hours=1)
Post = Callable[[str, bytes], Answer]
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class WitnessRefused(Exception):
    """The witness holds another history than ours (409 or 422), or answered what no witness may; the text says what."""


@dataclass(frozen=True, slots=True)
class Cosigned:
    """What came of asking one witness: a line, or trouble; ``conflict`` when it contradicts our history."""

    entry: WitnessEntry
    line: str = ""
    trouble: str = ""
    conflict: bool = False


def post(url: str, body: bytes) -> Answer:
    """Send a submission; raises OSError when the witness is away."""
    request = urllib.request.Request(f"{url.rstrip('/')}/add-checkpoint", data=body, method="POST")
    try:
        with _DIRECT.open(request, timeout=PATIENCE_SECONDS) as response:
            return Answer(response.status, response.read(LONGEST_ANSWER).decode("utf-8", "replace"))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read(LONGEST_ANSWER).decode("utf-8", "replace"))


def consistency(old: int, new: int) -> list[bytes]:
    """The proof, from the published tiles, that the log of ``new`` leaves begins with the one of ``old``.

    Raises ValueError unless ``0 < old <= new``, DamagedLog when a tile is missing.
    """
    tiles = TileFolder(node.evidence_dir())
    return consistency_proof(old, new, lambda start, stop: tiles.subtree_hash(start, stop, size=new))


def collect_cosignatures(*, now: datetime, send: Post = post) -> int:
    """Ask every witness that has not cosigned the last checkpoint; returns how many lines came.

    Raises InvalidPolicy for a wrong file of witnesses.
    """
    last = Checkpoint.objects.order_by("-size").first()
    waiting = [entry for entry in node_policy().witnesses if entry.url and last and _is_due(entry, last, now)]
    if last is None or not waiting:
        return 0
    known = {item.name: item.size for item in Outsider.objects.all()}
    with ThreadPoolExecutor(len(waiting)) as pool:  # one that is slow does not hold up the others
        found = list(pool.map(lambda entry: _ask(entry, last, known.get(_name(entry), 0), send), waiting))
    for result in found:
        _keep(result, last, now=now)
    return sum(1 for result in found if result.line)


def _name(entry: WitnessEntry) -> str:
    return f"witness {entry.key.id.hex()} {entry.name}"[:80]


def _is_due(entry: WitnessEntry, last: Checkpoint, now: datetime) -> bool:
    if Cosignature.objects.filter(checkpoint=last, key_id=entry.key.id.hex()).exists():
        return False
    state = Outsider.objects.filter(name=_name(entry)).first()
    return not (state and state.conflict and now < state.tried_at + AFTER_CONFLICT)


def _ask(entry: WitnessEntry, last: Checkpoint, known: int, send: Post) -> Cosigned:
    try:
        return Cosigned(entry, line=_cosignature(entry, last, known, send))
    except WitnessRefused as error:
        return Cosigned(entry, trouble=str(error), conflict=True)
    except (OSError, Corrupt) as error:
        return Cosigned(entry, trouble=f"{type(error).__name__}: {error}"[:500])


def _cosignature(entry: WitnessEntry, last: Checkpoint, known: int, send: Post) -> str:
    """The witness's line on the checkpoint, from what it knows; it says so itself when we are wrong about that."""
    answer = send(entry.url, _submission(min(known, last.size), last).body)
    if answer.status == 409:
        size = int(answer.body) if answer.body.strip().isdigit() else -1
        if not 0 <= size <= last.size or size == known == last.size:
            raise WitnessRefused(f"409: it cosigned a log of {answer.body.strip()[:40]}, ours has {last.size}")
        answer = send(entry.url, _submission(size, last).body)
    if answer.status in (409, 422):
        raise WitnessRefused(f"{answer.status}: {answer.body.strip()[:200]}")
    if answer.status != 200:
        raise OSError(f"HTTP {answer.status}: {answer.body.strip()[:200]}")
    return _line_of(entry, last.note, answer.body)


def _submission(old: int, last: Checkpoint) -> Submission:
    return Submission(old, tuple(consistency(old, last.size)) if old else (), last.note)


def _line_of(entry: WitnessEntry, note: str, body: str) -> str:
    """The first line of an answer that is this witness's valid cosignature; raises InvalidNote."""
    text, ours = split_note(note)
    for line in split_note(note + body)[1][len(ours) :]:
        single = f"{text}\n{line}\n"
        if carries(single, key=entry.key):
            open_note(single, key=entry.key)
            return f"{line}\n"
    raise InvalidNote(what=f"{entry.name} 没有给出见证签名")


def _keep(result: Cosigned, last: Checkpoint, *, now: datetime) -> None:
    state = Outsider.objects.filter(name=_name(result.entry)).first()
    fresh = result.conflict and not (state and state.conflict)  # one alarm an episode, or the log would feed itself
    size = last.size if result.line else (state.size if state else 0)
    with transaction.atomic():
        Outsider.objects.update_or_create(
            name=_name(result.entry),
            defaults={"size": size, "tried_at": now, "trouble": result.trouble, "conflict": result.conflict},
        )
        if result.line:
            Cosignature.objects.create(checkpoint=last, key_id=result.entry.key.id.hex(), line=result.line, at=now)
        if fresh:
            _alarm(result, last, now=now)
    if result.trouble:
        log.log(logging.CRITICAL if result.conflict else logging.WARNING, "%s: %s", result.entry.name, result.trouble)


def _alarm(result: Cosigned, last: Checkpoint, *, now: datetime) -> None:
    body = {"witness": result.entry.key.vkey, "answer": result.trouble, "checkpoint": last.note}
    record(WITNESS_CONFLICT, actor="system", subject=node.log_origin(), body=body, now=now)
