"""A city and its province over a bad line: links cut and processes killed while objects go both ways, then compared.

Two nodes with databases of their own; between them a relay that cuts every connection at random moments and stays away
for a while. Either node's process is ended by SIGKILL at random moments, while it publishes, sends or takes in. At the
end both sides are compared by state digest, and row by row in both databases. Then, with nothing else to do, objects
are made one by one either way: the lag is from the call that makes one to its row at the other side.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import sqlite3
import struct
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.federation_nodes import CITY, PROVINCE, node, planned
from benchmarks.figure import Figure, percentile
from benchmarks.node import SEED, free_port
from xinqiao.config.node_hand import RemoteNode, link

NAME = "federation_faults"
BAR = "100,000 objects over 100 faults: both sides equal, 0 lost, 0 twice; idle lag p95 ≤ 5 s"
OBJECTS, FAULTS, SINGLES = 100_000, 100, 60
UNDISTURBED = 0.1  # of the objects go first without any fault, to compare with
DOWN = 0.02  # of the objects go from the province to the city
AWAY = 0.5  # seconds for which a cut line stays away, at most
LATER = 0.4  # seconds after the place was reached at which a fault strikes, at most
LAG = 5.0
LIMIT = 1500.0  # seconds for everything to arrive
SENT = """
SELECT o.kind, o.origin, o.object_id, o.version, o.sha256, o.document, o.signature
FROM federation_place p JOIN federation_object o ON o.id = p.object_id WHERE p.seq > 0
"""
CAME = """
SELECT kind, origin, object_id, version, sha256, document, signature FROM federation_object WHERE via_id IS NOT NULL
"""


def measure(scale: float) -> Figure:
    """Sync with faults, compare, then measure the lag of single objects."""
    objects, faults = max(500, round(OBJECTS * scale)), max(5, round(FAULTS * scale))
    rng = random.Random(SEED)
    with tempfile.TemporaryDirectory(prefix="xinqiao-bench-") as folder, _pair(Path(folder)) as (city, province, line):
        first = round(objects * UNDISTURBED)
        calm = _run(city, province, line, first, [], rng)
        places = sorted(rng.sample(range(1, objects - round(objects * DOWN)), faults))
        rough = _run(city, province, line, objects, [first + place for place in places], rng, before=first)
        found = _compare(city, province)
        lags = _single(city, province, max(10, round(SINGLES * min(1.0, scale * 4))))
    return _figure(found, calm, rough, lags, objects, first, scale)


@contextmanager
def _pair(folder: Path) -> Iterator[tuple[RemoteNode, RemoteNode, Line]]:
    port = free_port()
    with Line(port) as line:
        province = node(PROVINCE, "province", folder / "province", port, url=line.url)
        city = node(CITY, "city", folder / "city", free_port())
        try:
            for one in (province, city):
                one.start()
            link(city, province)
            yield city, province, line
        finally:
            for one in (province, city):
                one.stop()


class Line:
    """A relay of connections that can be cut."""

    def __init__(self, port: int) -> None:
        self._port, self._away_until, self._open = port, 0.0, set[socket.socket]()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Line:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.cut(0)

    def cut(self, away: float) -> None:
        """Reset every connection, wherever it is, and refuse others for a while."""
        with self._lock:
            self._away_until = time.monotonic() + away
            ends, self._open = self._open, set()
        for end in ends:
            _reset(end)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                end, _ = self._listener.accept()
                threading.Thread(target=self._relay, args=(end,), daemon=True).start()

    def _relay(self, end: socket.socket) -> None:
        if time.monotonic() < self._away_until:
            return _reset(end)
        try:
            other = socket.create_connection(("127.0.0.1", self._port), timeout=10)
        except OSError:
            return _reset(end)
        with self._lock:
            self._open |= {end, other}
        back = threading.Thread(target=self._copy, args=(other, end), daemon=True)
        back.start()
        self._copy(end, other)
        back.join(timeout=60)
        with self._lock:
            self._open -= {end, other}
        end.close()
        other.close()
        return None

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:  # one end is gone: the other must not wait for it
            _reset(source)
            _reset(target)


def _reset(end: socket.socket) -> None:
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.shutdown(socket.SHUT_RDWR)
        end.close()


@dataclass(frozen=True, slots=True)
class Run:
    """What one run took, and which faults struck."""

    objects: int
    seconds: float
    faults: Counter[str]

    @property
    def rate(self) -> float:
        """Objects a second."""
        return self.objects / self.seconds


def _run(
    city: RemoteNode,
    province: RemoteNode,
    line: Line,
    objects: int,
    places: list[int],
    rng: random.Random,
    *,
    before: int = 0,
) -> Run:
    """Let both publish their part while they sync, strike at the places, until everything has arrived."""
    pids = {"city": _begin(city, before + objects), "province": _begin(province, before + objects)}
    began, done, faults = time.monotonic(), 0, Counter[str]()
    waiting = list(places)
    while time.monotonic() < began + LIMIT:
        done = _cursor(province)
        if waiting and done >= waiting[0]:
            waiting.pop(0)
            time.sleep(rng.uniform(0, LATER))
            faults[_strike(city, province, line, pids, rng)] += 1
        elif not waiting and _has_all(city, province, before + objects):
            break
        else:
            time.sleep(0.02)
    seconds = time.monotonic() - began
    for one, pid in ((city, pids["city"]), (province, pids["province"])):
        _kill(pid)
        one.ask("reap")
    return Run(objects, seconds, faults)


def _begin(one: RemoteNode, plan: int) -> int:
    return int(one.ask("spawn", plan=plan, share=DOWN))


def _strike(city: RemoteNode, province: RemoteNode, line: Line, pids: dict[str, int], rng: random.Random) -> str:
    what = rng.choice(("cut", "cut", "city", "province"))
    if what == "cut":
        line.cut(rng.uniform(0, AWAY))
        return "line cut"
    struck = city if what == "city" else province
    _kill(pids[what])
    struck.ask("reap")
    pids[what] = int(struck.ask("spawn", again=True))
    return f"{what} killed"


def _kill(pid: int) -> None:
    """End a process that a nursery of this measurement has begun."""
    os.kill(pid, signal.SIGKILL)


def _rows(one: RemoteNode, query: str, *given: Any) -> list[Any]:
    path = one.home / "xinqiao.sqlite3"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as database:
        return database.execute(query, given).fetchall()


def _cursor(one: RemoteNode) -> int:
    return int(_rows(one, "SELECT in_seq FROM federation_link")[0][0])


def _has_all(city: RemoteNode, province: RemoteNode, plan: int) -> bool:
    """Whether both have published all of their plan and each has all of the other."""
    for here, there in ((city, province), (province, city)):
        [(sent, acked)] = _rows(here, "SELECT out_seq, out_acked FROM federation_link")
        published = _rows(here, "SELECT value FROM federation_cursor WHERE name = 'plan'")
        if published != [(planned(plan, DOWN, here.code),)] or acked < sent or _cursor(there) < sent:
            return False
    return True


@dataclass(frozen=True, slots=True)
class Found:
    """The comparison of both sides."""

    sent: int
    lost: int
    invented: int
    twice: int
    held: int
    firms: int
    kinds: int
    differing: int


def _compare(city: RemoteNode, province: RemoteNode) -> Found:
    """Every row that was sent against every row that came, both ways; then the digests that nodes tell each other."""
    sent = lost = invented = twice = held = 0
    for here, there in ((city, province), (province, city)):
        ours, theirs = Counter(_rows(here, SENT)), Counter(_rows(there, CAME))
        sent += sum(ours.values())
        lost += sum((ours - theirs).values())
        invented += sum((theirs - ours).values())
        twice += sum(theirs.values()) - len({row[:4] for row in theirs})
        held += int(_rows(there, "SELECT count(*) FROM federation_held")[0][0])
    [(firms,)] = _rows(province, "SELECT count(*) FROM parties_enterprise")
    [(said,)] = _rows(province, "SELECT count(*) FROM evidence_entry WHERE event = 'parties.enterprise_registered'")
    [(told,)] = _rows(city, "SELECT count(DISTINCT object_id) FROM federation_object WHERE kind = 'registration'")
    ours, theirs = city.ask("state", peer=PROVINCE), province.ask("state", peer=CITY)
    differing = sum(ours[way] != theirs[other] for way, other in (("sent", "received"), ("received", "sent")))
    return Found(
        sent, lost + abs(told - firms), invented, twice + abs(said - firms), held, firms, len(ours["sent"]), differing
    )


def _single(city: RemoteNode, province: RemoteNode, count: int) -> list[float]:
    """Seconds from the call that makes one object to its row at the other side, up and down in turn."""
    for one in (province, city):
        one.ask("spawn")
        one.wait_until_served()
    time.sleep(3)
    lags, rng = [], random.Random(SEED)
    for number in range(count):
        here, there = (city, province) if number % 2 else (province, city)
        began = time.monotonic()
        here.ask("single", number=number)
        while not _rows(there, "SELECT 1 FROM federation_object WHERE object_id = ?", f"single-{number}"):
            if time.monotonic() > began + 30:
                break
            time.sleep(0.01)
        lags.append(time.monotonic() - began)
        time.sleep(rng.uniform(0.1, 1.2))
    return lags


def _figure(
    found: Found, calm: Run, rough: Run, lags: Sequence[float], objects: int, first: int, scale: float
) -> Figure:
    half, p95, longest = (percentile(lags, share) for share in (0.5, 0.95, 1.0))
    faults = sum(rough.faults.values())
    wrong = found.lost + found.invented + found.twice + found.held + found.differing
    return Figure(
        name=NAME,
        table=[
            ("what", "value"),
            ("objects without faults, a second", f"{calm.objects}, {calm.rate:.0f}"),
            ("objects with faults, a second", f"{rough.objects}, {rough.rate:.0f}"),
            ("seconds with faults", f"{rough.seconds:.0f}"),
            *((f"faults: {name}", count) for name, count in sorted(rough.faults.items())),
            ("rows sent either way, compared one by one", found.sent),
            ("lost", found.lost),
            ("that nobody sent", found.invented),
            ("twice", found.twice),
            ("held", found.held),
            ("enterprises registered at the province by what came", found.firms),
            ("kinds sent by the city; ways whose digests differ", f"{found.kinds}; {found.differing}"),
            ("single objects, idle", len(lags)),
            ("lag, half of them, s", f"{half:.2f}"),
            ("lag p95, s", f"{p95:.2f}"),
            ("longest lag, s", f"{longest:.2f}"),
        ],
        ours=f"{found.lost} lost, {found.twice} twice, {found.differing} differing of {found.sent} over {faults} faults"
        f", {rough.rate:.0f}/s, lag p95 {p95:.2f} s",
        against=f"floor without faults {calm.rate:.0f}/s",
        ratio=f"{rough.rate / calm.rate:.2f}",
        bar=BAR,
        met=not wrong and found.sent >= objects + first and faults >= max(5, round(FAULTS * scale)) and p95 <= LAG,
        scale=scale,
    )
