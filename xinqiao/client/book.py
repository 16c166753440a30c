"""An institution's own book of receipts: what it received and what it did with it, from which its days are made.

An append-only file of JSON lines, synced before an answer is handed on: an answer that was believed is in the book.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Protocol

from xinqiao.client.checking import Asked, Evidenced, check_answer
from xinqiao.client.daybook import RECEIVED, USED, Daybook, lost_line, received_line, used_line
from xinqiao.kernel.canonical import canonical_bytes, sha256_hex
from xinqiao.kernel.dated import beijing_day

BUCKETS_AT_ONCE = 256


class NotHandedIn(Exception):
    """The node did not take a day; ``args[0]`` is its status, ``args[1]`` what it said."""


class Reply(Protocol):
    """An answer of the node to a call."""

    status: int
    body: bytes


Call = Callable[..., Reply]


@dataclass(frozen=True, slots=True)
class Book:
    """The book in a file."""

    path: Path

    def receive(self, answer: Mapping[str, Any], *, asked: Asked, vkeys: Sequence[str]) -> Evidenced:
        """Check an answer and enter it; raises NotEvidenced, and enters nothing then.

        The same answer given again, as to a repeated request, is one line of the day.
        """
        found = check_answer(answer, asked=asked, vkeys=vkeys)
        assert found.document is not None
        document, leaf = dict(found.document), json.loads(found.receipt["leaf"])
        line = received_line(
            found.access, sha256_hex(canonical_bytes(document)), str(document["purpose"]), str(document["form"])
        )
        self._enter(RECEIVED, document["recipient"]["code"], line, datetime.fromisoformat(leaf["at"]))
        return found

    def use(self, access: str, use: str, *, organisation: str, at: datetime) -> None:
        """Enter what was done with an answer, by a code of the node's list of uses."""
        self._enter(USED, organisation, used_line(access, use), at)

    def lose(self, access: str, *, organisation: str, day: date) -> None:
        """Enter that an answer of that day, which the node names, never arrived."""
        self._append({"t": RECEIVED, "organisation": organisation, "line": lost_line(access), "day": day.isoformat()})

    def day(self, organisation: str, day: date) -> Daybook:
        """What the book says of one day in Beijing."""
        mine = [e for e in self._entries() if e["organisation"] == organisation and e["day"] == day.isoformat()]
        received, used = (frozenset(e["line"] for e in mine if e["t"] == kind) for kind in (RECEIVED, USED))
        return Daybook(organisation, day, received, used)

    def _enter(self, kind: str, organisation: str, line: str, at: datetime) -> None:
        day = beijing_day(at).isoformat()
        self._append({"t": kind, "organisation": organisation, "line": line, "day": day})

    def _append(self, entry: Mapping[str, str]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _entries(self) -> Iterator[dict[str, str]]:
        """Every whole line: one that a crash cut off was never acted on."""
        if not self.path.exists():
            return
        with self.path.open(encoding="utf-8") as file:
            for line in file:
                if line.endswith("\n"):
                    yield json.loads(line)


def hand_in(daybook: Daybook, *, revision: int, key: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """Hand a day in and open the buckets that the node asks for; returns its last word, mismatches and all.

    ``call(method, path, data=...)`` is a program's way to the node. Raises NotHandedIn.
    """
    said = _said(call("POST", "/api/v1/daybooks", data=_json(daybook.signed(revision, key=key))))
    while said["open"]:
        lines = daybook.buckets(said["open"][:BUCKETS_AT_ONCE])
        body = {"buckets": [{"number": number, "lines": found} for number, found in lines.items()]}
        said = _said(call("POST", f"/api/v1/daybooks/{said['id']}/buckets", data=_json(body)))
    return said


def _said(reply: Reply) -> dict[str, Any]:
    if reply.status >= 400:
        raise NotHandedIn(reply.status, reply.body.decode("utf-8", "replace"))
    return dict(json.loads(reply.body))


def _json(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body).encode()
