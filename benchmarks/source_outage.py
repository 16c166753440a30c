"""Every source turned off in turn: which items become not known, and whether anybody's score gains by it.

Two platforms in service mode, each a process, answer about the seventeen items shared by call or verification, out of
the same histories that the node has on record. Each department behind them is silenced in turn, then each platform
killed. The other departments deliver; of each an outage is reported in turn, which leaves what is on record standing
and makes what rested on its silence not known. After each, every enterprise of the sample reads its own file: the items
that flipped must be exactly those of the source, and neither score nor grade may be better than with all sources.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.figure import Figure, percentile
from benchmarks.node import ACTOR, database_name, deliver_sample, free_port, fresh_node, write_sample

if TYPE_CHECKING:
    from xinqiao.catalogue.types import Item

NAME = "source_outage"
BAR = "each source turned off makes exactly its items not known; no score and no grade is better for it"
FIRMS = 400
READ = 24
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PLATFORMS = ("exchange", "national")
# What a source says itself is not known without it; what it delivered stays on record, its silence says nothing more.
FLIPS = {"silent": ("value", "verified_none"), "killed": ("value", "verified_none"), "outage": ("verified_none",)}


@dataclass(frozen=True, slots=True)
class Seen:
    """An enterprise's own file: item → state and why, score, place of its grade (0 is the best), how long it took."""

    states: Mapping[str, tuple[str, str]]
    score: int
    grade: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Trial:
    """One source turned off: the items it answers for, and what the enterprises read then."""

    source: str
    how: str
    items: frozenset[str]
    seen: Mapping[str, Seen]


def measure(scale: float) -> Figure:
    """Read with all sources, then with each turned off; compare."""
    with fresh_node() as home, ExitStack() as processes:
        write_sample(home / "sample", firms=max(60, int(FIRMS * scale)))
        deliver_sample(home / "sample")
        firms = _sample(max(4, int(READ * scale)))
        peers = {code: processes.enter_context(_peer()) for code in PLATFORMS}
        _link(home, peers)
        _hand_out(peers, firms)
        whole = _read(firms)
        trials = [*_called(peers, firms), *_killed(peers, firms), *_delivered(firms)]
        database = database_name()
    return _figure(whole, trials, database, scale)


@dataclass
class Peer:
    """A platform in service mode."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def tell(self, what: str, content: Any) -> None:
        """Set its data, or what it keeps silent about."""
        request = urllib.request.Request(f"{self.address}/{what}", data=json.dumps(content).encode())
        with urllib.request.urlopen(request, timeout=20):
            pass


@contextmanager
def _peer(port: int = 0) -> Iterator[Peer]:
    found = _start(port or free_port())
    try:
        yield found
    finally:
        with suppress(ProcessLookupError):
            found.process.send_signal(signal.SIGTERM)
        found.process.wait(timeout=20)


def _start(port: int) -> Peer:
    process = subprocess.Popen([sys.executable, "-m", "tests.exchange.service", str(port), SECRET])
    for _ in range(200):
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1):
            return Peer(port, process)
        time.sleep(0.1)
    raise RuntimeError("a platform did not start")


def _link(home: Path, peers: Mapping[str, Peer]) -> None:
    from xinqiao.plumbing.settings import sources_file

    lines = [f'[{code}]\naddress = "{peer.address}"\nsecret = "{SECRET}"\n' for code, peer in peers.items()]
    (home / "sources.toml").write_text("\n".join(lines), "utf-8")
    os.environ["XINQIAO_SOURCES"] = str(home / "sources.toml")
    sources_file.cache_clear()


def _connections() -> dict[str, tuple[Item, ...]]:
    """Platform → the items that are called there."""
    from xinqiao.sharing.queries import current_list
    from xinqiao.sources.queries import connections

    return {
        one.code: tuple(current_list().item(item) for item in one.items)
        for one in connections()
        if one.code in PLATFORMS
    }


def _sample(count: int) -> list[str]:
    """Enterprises with vetoes, with most and with least on record, so that there is something to lose."""
    from xinqiao.evaluation.actions import run_evaluation
    from xinqiao.evaluation.queries import latest_path
    from xinqiao.records.lake import lake
    from xinqiao.records.types import AsOf

    now = datetime.now(UTC)
    run_evaluation(AsOf(now.date(), now), actor=ACTOR, now=now, progress=lambda _: None)
    names = lake().column_names(latest_path()[1])
    wanted = ["_enterprise", "coverage", *(name for name in names if name.startswith("veto__"))]
    rows = lake().columns(latest_path()[1], wanted).to_pylist()
    rows.sort(key=lambda r: (-sum(bool(r[n]) for n in wanted[2:]), -(r["coverage"] or 0), r["_enterprise"]))
    half = count // 2
    return [row["_enterprise"] for row in [*rows[:half], *rows[-half:], *rows[half : count - half]][:count]]


def _hand_out(peers: Mapping[str, Peer], firms: Sequence[str]) -> None:
    """Give each platform the histories of its items, as departments spell them."""
    from tests.exchange.spelling import spelled
    from xinqiao.records.queries import current_rows, read_enterprise

    now = datetime.now(UTC)
    for code, items in _connections().items():
        data: dict[str, dict[str, list[dict[str, str]]]] = defaultdict(dict)
        for firm in firms:
            tables = read_enterprise(firm, items, known=now)
            for item in items:
                if item.code in tables and (rows := current_rows(tables[item.code], item)):
                    data[item.code][firm] = [spelled(item.code, row) for row in rows]
        peers[code].tell("data", data)


def _read(firms: Sequence[str]) -> dict[str, Seen]:
    """Every enterprise's own file, its sources asked anew."""
    from xinqiao.sources.actions import forget_heard
    from xinqiao.sources.models import CircuitRow

    forget_heard()
    CircuitRow.objects.all().delete()  # what rests after another trial is not this one's
    return {firm: _own(firm) for firm in firms}


def _own(firm: str) -> Seen:
    from xinqiao.consent.types import Form
    from xinqiao.evaluation.queries import get_scorecard
    from xinqiao.release.reading import read
    from xinqiao.release.types import Inquiry, Recipient, RecipientKind

    own, began = Recipient(RecipientKind.ENTERPRISE, firm, firm), time.monotonic()
    now = datetime.now(UTC)
    document = read(Inquiry(own, firm, "self", Form.DETAIL, ACTOR, "portal"), now=now).document
    evaluation = document["evaluation"]
    order = [band.grade for band in get_scorecard(on=now.date()).grades]
    place = order.index(evaluation["grade"]) if evaluation["grade"] in order else len(order)
    states = {block["item"]: (block["state"], block.get("why", "")) for block in document["items"]}
    return Seen(states, evaluation["score"], place, time.monotonic() - began)


def _called(peers: Mapping[str, Peer], firms: Sequence[str]) -> Iterator[Trial]:
    """Each department behind a platform silent in turn."""
    for code, items in _connections().items():
        for department in sorted({item.department.code for item in items}):
            silent = [item.code for item in items if item.department.code == department]
            peers[code].tell("silent", silent)
            yield Trial(department, "silent", frozenset(silent), _read(firms))
            peers[code].tell("silent", [])


def _killed(peers: Mapping[str, Peer], firms: Sequence[str]) -> Iterator[Trial]:
    """Each platform's process killed in turn, and started again."""
    for code, items in _connections().items():
        peers[code].process.kill()
        peers[code].process.wait(timeout=20)
        yield Trial(code, "killed", frozenset(item.code for item in items), _read(firms))
        peers[code].process = _start(peers[code].port).process
        _hand_out(peers, firms)


def _delivered(firms: Sequence[str]) -> Iterator[Trial]:
    """An outage of each other department reported in turn."""
    from xinqiao.quality.actions import end_outage, report_outage
    from xinqiao.sharing.queries import current_list

    called = {item.code for items in _connections().values() for item in items}
    for department in current_list().departments:
        items = [item for item in current_list().of_department(department.code) if item.code not in called]
        by = {"actor": ACTOR, "now": datetime.now(UTC)}
        for item in items:
            report_outage(item, reason="measured", **by)
        if items:
            yield Trial(department.code, "outage", frozenset(item.code for item in items), _read(firms))
        for item in items:
            end_outage(item, actor=ACTOR, now=datetime.now(UTC) + timedelta(milliseconds=1))


def _wrong(whole: Mapping[str, Seen], trial: Trial) -> Iterator[str]:
    """Items that flipped though the source is another's, or did not though it is theirs."""
    for firm, before in whole.items():
        after = trial.seen[firm]
        for item, state in before.states.items():
            due = item in trial.items and state[0] in FLIPS[trial.how]
            flipped = after.states[item] != state and after.states[item][0] == "not_known" and state[0] != "not_known"
            if due is not flipped:
                yield f"{firm} {item}: {state} → {after.states[item]}"


def _figure(whole: Mapping[str, Seen], trials: Sequence[Trial], database: str, scale: float) -> Figure:
    rows: list[tuple[object, ...]] = [("source off", "how", "items", "flipped", "wrong", "better", "read p50 ms")]
    wrong, better, flipped = list[str](), 0, 0
    for trial in trials:
        faults = list(_wrong(whole, trial))
        gained = sum(
            trial.seen[firm].score > before.score or trial.seen[firm].grade < before.grade
            for firm, before in whole.items()
        )
        turned = sum(
            before.states[item][0] != "not_known" and trial.seen[firm].states[item][0] == "not_known"
            for firm, before in whole.items()
            for item in trial.items
        )
        middle = percentile([seen.seconds for seen in trial.seen.values()], 0.5)
        rows.append((trial.source, trial.how, len(trial.items), turned, len(faults), gained, f"{1000 * middle:.0f}"))
        wrong, better, flipped = [*wrong, *faults], better + gained, flipped + turned
    rows += [(fault, "", "", "", "", "", "") for fault in wrong[:20]]
    plain = percentile([seen.seconds for seen in whole.values()], 0.5)
    return Figure(
        name=NAME,
        table=rows,
        ours=f"{len(trials)} sources, {flipped} items of {len(whole)} enterprises flipped, {len(wrong)} wrongly, "
        f"{better} better on {database}",
        against=f"floor all sources answering, read p50 {1000 * plain:.0f} ms",
        ratio="1.00",
        bar=BAR,
        met=not wrong and not better and flipped > 0 and all(t.seen for t in trials),
        scale=scale,
    )
