"""Probes as declared, what came of each, rounds and their reports, events. Pure.

Refusals stand in :mod:`xinqiao.probes.refusals`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from xinqiao.admission.types import Wording
from xinqiao.evidence.types import Event
from xinqiao.kernel.errors import Phrase

CONTRACT = "xinqiao-platform/1"
DISCOVERY = "/.well-known/xinqiao-platform.json"
REPORT = "xinqiao-probe-report/1"
PAPER = "probe-report"  # the kind of paper that a report's signature names
SELF = "self-check.invalid"  # who signs a report that no node stands behind


class Outcome(StrEnum):
    """What came of a probe. Only ``passed`` speaks for the platform, only ``failed`` against it."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not_run"  # a machine cannot settle it; the reason is said
    COULD_NOT_REACH = "could_not_reach"  # nothing was learnt of what is probed

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"passed": "通过", "failed": "没有通过", "not_run": "未执行", "could_not_reach": "未能连通"}[self]


@dataclass(frozen=True, slots=True)
class Probe:
    """A probe as the content declares it: ``want`` its thresholds by name, ``after`` whether it runs after admission.

    ``required``: its failure stands against letting in, and puts a member under watch.
    """

    id: str
    title: Wording
    expects: Wording
    clause: Wording
    fix: Wording
    required: bool
    after: bool
    want: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Kit:
    """``probes.toml``: every probe in order, and the bounds of a round.

    ``every_hours`` is the cadence after admission; a member that ``unreached_rounds`` rounds in a row found out of
    reach has failed to be reachable. ``again_minutes`` lie between rounds that somebody asks for.
    """

    probes: tuple[Probe, ...]
    every_hours: int
    again_minutes: int
    probe_seconds: int
    round_seconds: int
    unreached_rounds: int


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence with its pattern and data, so that it can be kept and said in another language."""

    pattern: str
    data: Mapping[str, str | int]

    @classmethod
    def of(cls, phrase: Phrase) -> Said:
        """The sentence of a phrase; data that is neither text nor whole number is written as text."""
        return cls(phrase.pattern, {k: v if isinstance(v, int) else str(v) for k, v in phrase.data.items()})

    @property
    def phrase(self) -> Phrase:
        """The sentence to show."""
        return Phrase(self.pattern, **self.data)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one probe: what was sent, in order, what came back, and how long it took in milliseconds."""

    probe: str
    outcome: Outcome
    sent: tuple[str, ...]
    got: Said
    millis: int

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        got = {"says": str(self.got.phrase), "pattern": self.got.pattern, "data": dict(self.got.data)}
        return {
            "probe": self.probe,
            "outcome": str(self.outcome),
            "sent": list(self.sent),
            "got": got,
            "millis": self.millis,
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Result:
        """The result that :meth:`as_json` wrote."""
        said = Said(raw["got"]["pattern"], raw["got"]["data"])
        return cls(raw["probe"], Outcome(raw["outcome"]), tuple(raw["sent"]), said, raw["millis"])


@dataclass(frozen=True, slots=True)
class Round:
    """All probes run once against one address. ``certificate`` is the SHA-256 of what the server showed, if any."""

    url: str
    platform: str
    environment: str
    certificate: str
    began: datetime
    ended: datetime
    results: tuple[Result, ...]

    def count(self, outcome: Outcome) -> int:
        """How many probes came out so."""
        return sum(result.outcome is outcome for result in self.results)


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """A report that the node keeps: of whom, when, how many of each outcome, its digest and the file in the dossier."""

    id: str
    organisation: str
    url: str
    at: datetime
    counts: Mapping[str, int]
    sha256: str
    evidence: str

    @property
    def name(self) -> str:
        """Name of the file that is handed out."""
        return f"{self.id}.json"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a member stands by one probe: its declaration, the latest result, and outcomes before it, newest first."""

    probe: Probe
    result: Result | None
    at: datetime | None
    before: tuple[tuple[datetime, Outcome], ...]


REPORTED = Event("probes.reported", "出具探测报告", "probe report signed and filed")
ASKED = Event("probes.asked", "要求重新探测", "another round of probes asked for")
