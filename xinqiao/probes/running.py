"""A round: every probe once, several at a time, each bounded in time, the whole bounded, results as they come."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from xinqiao.kernel.errors import Phrase
from xinqiao.probes.kinds import Kind, load_kinds
from xinqiao.probes.session import Failed, NotRun, Sandbox, discover
from xinqiao.probes.types import Kit, Outcome, Probe, Result, Round, Said
from xinqiao.probes.wire import Target, Unreached, Wire, target_of

log = logging.getLogger(__name__)
AT_ONCE = 4
GRACE = 5.0  # seconds after the end of a round
SENT = 300  # characters of one step in a report


def run_round(
    url: str,
    kit: Kit,
    probes: Sequence[Probe],
    *,
    trusted: Path | None = None,
    anywhere: bool,
    told: Callable[[Result], None] = lambda _: None,
) -> Round:
    """Probe an address; ``told`` hears of each result as it comes. Raises ValueError when it is no https address.

    ``trusted`` is a file of root certificates to believe instead of the system's, ``anywhere`` False keeps to public
    addresses. What the round's time does not suffice for could not be reached; nothing is ever passed for want of time.
    """
    began, until = datetime.now(UTC), time.monotonic() + kit.round_seconds
    try:
        target, away = target_of(url, trusted=trusted, anywhere=anywhere), None
    except Unreached as error:
        target, away = None, error
    if target is None:
        results = [_away(probe, away) for probe in probes]
        for result in results:
            told(result)
        return Round(url, "", "", "", began, datetime.now(UTC), tuple(results))
    seen = _Seen()
    found = {}
    for result in _results(target, kit, probes, until, seen):
        found[result.probe] = result
        told(result)
    about = seen.about
    return Round(
        url.rstrip("/"),
        str(about.get("platform", ""))[:120],
        str(about.get("environment", ""))[:20],
        seen.certificate,
        began,
        datetime.now(UTC),
        tuple(found[probe.id] for probe in probes),
    )


class _Seen:
    """What all probes of a round may say of the platform: its discovery document and certificate."""

    def __init__(self) -> None:
        self.about: dict[str, object] = {}
        self.certificate = ""

    def look(self, target: Target, until: float) -> None:
        wire = Wire(target, min(until, time.monotonic() + 10))
        try:
            with suppress(Unreached):
                self.about = discover(wire)
        finally:
            self.certificate = wire.certificate
            wire.end()


def _results(target: Target, kit: Kit, probes: Sequence[Probe], until: float, seen: _Seen) -> Iterator[Result]:
    """Results in the order in which they come."""
    seen.look(target, until)
    waiting: queue.SimpleQueue[Probe] = queue.SimpleQueue()
    done: queue.SimpleQueue[Result] = queue.SimpleQueue()
    for probe in probes:
        waiting.put(probe)

    def work() -> None:
        while True:
            try:
                probe = waiting.get_nowait()
            except queue.Empty:
                return
            done.put(run_probe(target, probe, until=min(until, time.monotonic() + kit.probe_seconds)))

    for number in range(min(AT_ONCE, len(probes))):
        threading.Thread(target=work, name=f"probe-{number}", daemon=True).start()
    missing = {probe.id: probe for probe in probes}
    while missing:
        try:
            result = done.get(timeout=max(0.0, until - time.monotonic()) + GRACE)
        except queue.Empty:  # a probe that would not be stopped: what is left was not reached
            late = Unreached(Phrase("规定时间内没有做完"))
            yield from (_away(probe, late) for probe in missing.values())
            return
        del missing[result.probe]
        yield result


def run_probe(target: Target, probe: Probe, *, until: float) -> Result:
    """Run one probe until an instant of the monotonic clock, at which its connections are closed under it."""
    kind, began = load_kinds()[probe.id], time.monotonic()
    wire = Wire(target, until)
    sandbox = Sandbox(wire)
    watchdog = threading.Timer(max(0.0, until - began), wire.end)
    watchdog.daemon = True
    watchdog.start()
    try:
        outcome, says = _verdict(kind, sandbox, probe)
    finally:
        watchdog.cancel()
        wire.end()
    millis = round((time.monotonic() - began) * 1000)
    sent = tuple(step[:SENT] for step in sandbox.steps)
    return Result(probe.id, outcome, sent, Said.of(says), millis)


def _verdict(kind: Kind, sandbox: Sandbox, probe: Probe) -> tuple[Outcome, Phrase]:
    """What a probe comes to. An answer that no program of ours expected is the platform's fault, not a crash."""
    try:
        if kind.sandbox:
            sandbox.open()
        says = kind.run(sandbox, probe.want)
        sandbox.close()
        return Outcome.PASSED, says
    except Failed as error:
        return Outcome.FAILED, error.says
    except NotRun as error:
        return Outcome.NOT_RUN, error.says
    except Unreached as error:
        return Outcome.COULD_NOT_REACH, error.says
    except (TypeError, ValueError, AttributeError, LookupError, RecursionError) as error:
        return Outcome.FAILED, Phrase("回答的内容不合约定：{why}", why=f"{type(error).__name__} {error}"[:200])
    except Exception as error:  # a fault of this program is never the platform's
        log.exception("probe %s broke", probe.id)
        return Outcome.NOT_RUN, Phrase("探测程序出错：{why}", why=f"{type(error).__name__} {error}"[:200])


def _away(probe: Probe, error: Unreached | None) -> Result:
    """A probe whose target was not found; what is done by hand is not run either way."""
    kind = load_kinds()[probe.id]
    if kind.by_hand:
        try:
            kind.run(None, {})  # type: ignore[arg-type]
        except NotRun as said:
            return Result(probe.id, Outcome.NOT_RUN, (), Said.of(said.says), 0)
    assert error is not None
    return Result(probe.id, Outcome.COULD_NOT_REACH, (), Said.of(error.says), 0)
