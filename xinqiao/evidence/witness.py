"""A witness: cosigns a log's checkpoint only if the log has grown from what it cosigned before (C2SP tlog-witness).

Knows no database and no Django. Its memory is one signed checkpoint per log, durable before the cosignature is given;
a fork that the log signed is kept as proof against the log.
"""

from __future__ import annotations

import fcntl
import hashlib
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from xinqiao.evidence.merkle import EMPTY_ROOT, InvalidProof, verify_consistency
from xinqiao.evidence.notes import InvalidNote, LogKey, NoteSigner, TreeHead, open_by_any, split_note
from xinqiao.evidence.tiles import TileFolder
from xinqiao.kernel.canonical import NotCanonical, base64_text, read_base64

MOST_HASHES = 63
MOST_KEPT = 10_000  # refused checkpoints of one log
SIZE_TYPE = "text/x.tlog.size"
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Submission:
    """A request of add-checkpoint: the size that the witness should know, the proof from there, the checkpoint."""

    old: int
    proof: tuple[bytes, ...]
    note: str

    @property
    def body(self) -> bytes:
        """The request as sent."""
        hashes = "".join(base64_text(item) + "\n" for item in self.proof)
        return f"old {self.old}\n{hashes}\n{self.note}".encode()

    @classmethod
    def parse(cls, body: bytes) -> Submission:
        """Read a request; raises ValueError."""
        head, found, note = body.decode("utf-8").partition("\n\n")
        first, *lines = head.split("\n")
        size = first.removeprefix("old ")
        if not found or size == first or not size.isascii() or not size.isdigit() or str(int(size)) != size:
            raise ValueError("the first line is: old <size>")
        if len(lines) > MOST_HASHES:
            raise ValueError(f"at most {MOST_HASHES} hashes")
        try:
            return cls(int(size), tuple(read_base64(line) for line in lines), note)
        except NotCanonical as error:
            raise ValueError("a hash is not base64") from error


@dataclass(frozen=True, slots=True)
class Answer:
    """What the witness says: an HTTP status and a body."""

    status: int
    body: str
    type: str = TEXT


class Witness:
    """One witness with its key, the logs it knows, and its memory in a folder that it alone writes.

    Raises BlockingIOError when another program holds the folder.
    """

    def __init__(self, folder: Path, *, signer: NoteSigner, logs: Iterable[LogKey]) -> None:
        self.signer = signer
        self._keys: dict[str, list[LogKey]] = {}
        for key in logs:
            self._keys.setdefault(key.name, []).append(key)
        folder.mkdir(parents=True, exist_ok=True)
        self._files = TileFolder(folder)
        self._one_at_a_time = threading.Lock()
        self._alone = _locked(folder / ".lock")  # two programs over one memory could cosign a fork

    def close(self) -> None:
        """Let another program use the folder."""
        self._alone.close()

    def add_checkpoint(self, body: bytes, *, seconds: int) -> Answer:
        """Judge a request and, if all is well, cosign at ``seconds`` of Unix time."""
        try:
            asked = Submission.parse(body)
            text = split_note(asked.note)[0]
            origin = TreeHead.parse(text).origin
        except (ValueError, InvalidNote) as error:
            return Answer(400, f"{error}\n")
        if origin not in self._keys:
            return Answer(404, "unknown log\n")
        try:
            head, _ = open_by_any(asked.note, keys=self._keys[origin])
        except InvalidNote:
            return Answer(403, "no signature of a key trusted for this log\n")
        with self._one_at_a_time:
            return self._judge(asked, head) or self._cosign(asked, head, text, seconds)

    def _judge(self, asked: Submission, head: TreeHead) -> Answer | None:
        """The refusal, None when there is no reason for one."""
        if asked.old > head.size:
            return Answer(400, "the old size is larger than the checkpoint\n")
        known = self.known(head.origin)
        size = known.size if known else 0
        if known and head.size == size and head.root != known.root:
            self._keep(asked.note, head, "fork")
            return Answer(409, f"{size}\n", SIZE_TYPE)
        if asked.old != size:
            return Answer(409, f"{size}\n", SIZE_TYPE)
        return None if self._grown(asked, head, known) else Answer(422, "the proof does not hold\n")

    def _grown(self, asked: Submission, head: TreeHead, known: TreeHead | None) -> bool:
        if known is None or known.size == 0:
            return not asked.proof and (head.size > 0 or head.root == EMPTY_ROOT)
        try:
            verify_consistency(known.size, head.size, known.root, head.root, asked.proof)
        except InvalidProof:
            self._keep(asked.note, head, "inconsistent")
            return False
        return True

    def _cosign(self, asked: Submission, head: TreeHead, text: str, seconds: int) -> Answer:
        self._files.write(_state(head.origin), asked.note.encode())  # durable before the answer
        return Answer(200, self.signer.cosignature(text, seconds=seconds))

    def known(self, origin: str) -> TreeHead | None:
        """The last checkpoint cosigned for a log; raises InvalidNote when the memory was altered."""
        note = self._files.read(_state(origin))
        return open_by_any(note.decode("utf-8"), keys=self._keys[origin])[0] if note else None

    def kept(self, origin: str) -> list[Path]:
        """Refused checkpoints that the log signed."""
        return sorted((self._files.folder / "refused" / _label(origin)).glob("*.note"))

    def _keep(self, note: str, head: TreeHead, reason: str) -> None:
        if len(self.kept(head.origin)) < MOST_KEPT:
            name = f"refused/{_label(head.origin)}/{head.size}-{reason}-{head.root.hex()[:16]}.note"
            self._files.write(name, note.encode())


def _locked(path: Path) -> TextIO:
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise
    return file


def _label(origin: str) -> str:
    return hashlib.sha256(origin.encode()).hexdigest()[:16]


def _state(origin: str) -> str:
    return f"{_label(origin)}.note"
