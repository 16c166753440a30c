"""One sandbox of the sample platform: its clock, what it holds, what it has sent to the node, what falls due."""

from __future__ import annotations

import copy
import json
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as of_day
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey

from xinqiao.kernel.canonical import canonical_bytes, sha256_hex
from xinqiao.kernel.dated import BEIJING, beijing_day
from xinqiao.kernel.working_days import WorkCalendar
from xinqiao.plumbing.calendar import work_calendar
from xinqiao.probes.platform.defects import Defect

FORWARD_WORKDAYS = 1  # a dispute that came on one working day goes out on the next
RATE, BURST = 20, 10


@dataclass(slots=True)
class Held:
    """An authorisation that an enterprise gave here. ``stale_until`` is an instant of the monotonic clock."""

    id: str
    enterprise: str
    recipient: str
    purpose: str
    items: list[str]
    valid_to: str
    times: int
    list_version: str
    screen_sha256: str
    used: int = 0
    withdrawn: bool = False
    stale_until: float = 0.0


@dataclass(slots=True)
class Kept:
    """An answer that is kept for the officer, until ``delete_on``."""

    id: str
    enterprise: str
    page: str
    delete_on: str


@dataclass(slots=True)
class Books:
    """What a back-up holds."""

    authorisations: dict[str, Held] = field(default_factory=dict)
    reports: dict[str, Kept] = field(default_factory=dict)
    log: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    staff: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Place:
    """A sandbox. Whoever works in it holds ``lock``."""

    id: str
    token: str
    thumbprint: str
    now: datetime
    secret: str
    list_version: str
    items: list[str]
    recipient: str
    enterprises: list[str]
    key: ECKey
    defects: frozenset[Defect]
    books: Books = field(default_factory=Books)
    node: dict[str, dict[str, Any]] = field(default_factory=dict)
    screens: dict[str, dict[str, Any]] = field(default_factory=dict)
    outbox: list[str] = field(default_factory=list)
    disputes: list[dict[str, str]] = field(default_factory=list)
    backups: dict[str, Books] = field(default_factory=dict)
    withdrawals: set[str] = field(default_factory=set)  # beside the books: a restore must not undo them
    spent: set[str] = field(default_factory=set)
    previous: str = ""
    left: bool = False
    tokens: float = BURST
    filled: float = field(default_factory=time.monotonic)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def send(self, kind: str, body: Mapping[str, Any], *, at: datetime | None = None) -> None:
        """Send a signed message to the node: in a sandbox, into the outbox."""
        claims = {"kind": kind, "at": (at or self.now).isoformat(), **body}
        header = {"alg": "ES256", "kid": self.key.thumbprint()}
        self.outbox.append(jws.serialize_compact(header, json.dumps(claims), self.key))

    def logged(self, who: str, enterprise: str, outcome: str) -> None:
        """A line of the access log of the day."""
        line = {"at": self.now.isoformat(), "who": who, "enterprise": enterprise, "outcome": outcome}
        self.books.log.setdefault(beijing_day(self.now).isoformat(), []).append(line)

    def ask_node(self, enterprise: str, items: list[str]) -> dict[str, Any]:
        """What the node answers about an enterprise, narrowed to the items asked for."""
        self.send("node.query", {"enterprise": enterprise, "items": items})
        answer = self.node.get(enterprise, {"items": {}})
        if "items" not in answer:
            return answer
        return {**answer, "items": {k: v for k, v in answer["items"].items() if k in items}}

    def withdraw(self, number: str, *, by_notice: bool) -> None:
        """End an authorisation for good."""
        held = self.books.authorisations[number]
        held.withdrawn = True
        self.withdrawals.add(number)
        if by_notice and Defect.SLOW_WITHDRAWAL in self.defects:
            held.stale_until = time.monotonic() + 5

    def takes(self) -> bool:
        """Whether one more query is within the rate (a token bucket over real time)."""
        now = time.monotonic()
        self.tokens = min(float(BURST), self.tokens + (now - self.filled) * RATE)
        self.filled = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    # What falls due as the clock moves.
    def move(self, to: datetime) -> None:
        """Move the clock on; each midnight and each dispute's hour on the way does its work at its own time."""
        while (night := _midnight_after(self.now)) <= to:
            self._forward_due(night)
            self.now = night
            self._night(beijing_day(night) - timedelta(days=1))
        self._forward_due(to)
        self.now = to

    def _night(self, ended: date) -> None:
        entries = self.books.log.get(ended.isoformat(), [])
        if entries or Defect.QUIET_DAYS not in self.defects:
            digest = sha256_hex(canonical_bytes(entries))
            body = {"day": ended.isoformat(), "entries": len(entries), "sha256": digest, "previous": self.previous}
            self.send("log.digest", body)
            self.previous = digest
        for report in list(self.books.reports.values()):
            if report.delete_on and report.delete_on < beijing_day(self.now).isoformat():
                self._delete(report, keep=Defect.KEEPS_EXPIRED in self.defects)
        if Defect.PREFETCH in self.defects:
            for enterprise in self.enterprises:
                self.ask_node(enterprise, self.items)

    def _delete(self, report: Kept, *, keep: bool) -> None:
        self.send("deletion.attested", {"query": report.id, "sha256": sha256_hex(report.page.encode())})
        if keep:
            report.delete_on = ""
        else:
            del self.books.reports[report.id]

    def _forward_due(self, until: datetime) -> None:
        for dispute in self.disputes:
            due = datetime.fromisoformat(dispute["due"])
            if not dispute["sent"] and due <= until:
                body = {k: dispute[k] for k in ("dispute", "enterprise", "item", "says")}
                self.send("dispute.forwarded", body, at=due)
                dispute["sent"] = "yes"

    def take_dispute(self, enterprise: str, item: str, says: str) -> str:
        """Note a dispute and when it goes to the node; its number."""
        calendar = work_calendar()
        if Defect.PLAIN_DAYS in self.defects:
            calendar = WorkCalendar.of([(year, (), ()) for year in calendar.years])
        workdays = 3 if Defect.LATE_DISPUTE in self.defects else FORWARD_WORKDAYS
        workdays = 2 if Defect.PLAIN_DAYS in self.defects else workdays
        day = calendar.add(beijing_day(self.now), workdays).on
        number = f"D-{secrets.token_hex(4)}"
        due = datetime.combine(day, of_day(10), BEIJING).isoformat()
        said = {"dispute": number, "enterprise": enterprise, "item": item, "says": says, "due": due, "sent": ""}
        self.disputes.append(said)
        return number

    def look(self, staff: str, enterprise: str, reason: str) -> None:
        """Note a look of the platform's own staff in the chained log."""
        if Defect.STAFF_UNSEEN in self.defects and self.books.staff:
            return
        before = self.books.staff[-1]["hash"] if self.books.staff else ""
        entry = {"at": self.now.isoformat(), "staff": staff, "enterprise": enterprise, "reason": reason}
        entry["previous"] = before
        self.books.staff.append({**entry, "hash": sha256_hex(canonical_bytes(entry))})

    def save(self) -> tuple[str, str]:
        """Make a back-up; its number and digest."""
        number = f"B-{secrets.token_hex(4)}"
        self.backups[number] = copy.deepcopy(self.books)
        return number, sha256_hex(canonical_bytes(json.loads(json.dumps(asdict(self.books), default=str))))

    def restore(self, number: str) -> None:
        """Throw the books away and take those of a back-up; what was withdrawn since stays withdrawn."""
        if Defect.HOLLOW_BACKUP in self.defects:
            return
        self.books = copy.deepcopy(self.backups[number])
        for held in self.books.authorisations.values():
            if held.id in self.withdrawals and Defect.RESURRECTS not in self.defects:
                held.withdrawn = True

    def leave(self, successor: str) -> None:
        """Leave the network: no more queries, standing authorisations handed over, data deleted and attested."""
        self.left = True
        everything = Defect.HANDS_OVER_ENDED in self.defects
        given = [a.id for a in self.books.authorisations.values() if everything or not a.withdrawn]
        self.send("exit.handed_over", {"successor": successor, "authorisations": given})
        self.send("exit.deletion_attested", {"reports": sorted(self.books.reports)})
        if Defect.KEEPS_AT_EXIT not in self.defects:
            self.books.reports.clear()


def _midnight_after(instant: datetime) -> datetime:
    return datetime.combine(beijing_day(instant) + timedelta(days=1), of_day(0), BEIJING)
