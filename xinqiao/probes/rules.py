"""Whose turn it is, what is reported to admission, what a round's exit status is. Pure; never reads the clock."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.probes.refusals import AddressRefused, TooSoon
from xinqiao.probes.types import Kit, Outcome, Probe, Result
from xinqiao.webhooks.rules import check_url
from xinqiao.webhooks.types import EndpointRefused

REACH = "reach"  # under this name a member is reported whose endpoint cannot be reached for several rounds
SETTLED = (Outcome.PASSED, Outcome.FAILED)


def check_address(url: str, *, loopback: bool) -> None:
    """Raises AddressRefused unless a platform's address is one that notices could go to as well, and https."""
    try:
        check_url(url, loopback=loopback)
    except EndpointRefused as error:
        raise AddressRefused(error.problems) from error
    if not url.startswith("https://"):
        raise AddressRefused([Problem(field="url", code="probes.url", message=Phrase("应为 https"))])


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public network, also when it is written inside another form."""
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if inner is not None:
            return inner.is_global
    return found.is_global and not found.is_multicast


def is_due(kit: Kit, *, opens: bool, began_at: datetime | None, asked_at: datetime | None, now: datetime) -> bool:
    """Whether a round is due: somebody has asked since the last one, or the member is open and the cadence is over."""
    if asked_at is not None and (began_at is None or began_at < asked_at):
        return True
    return opens and (began_at is None or began_at + timedelta(hours=kit.every_hours) <= now)


def check_askable(kit: Kit, *, asked_at: datetime | None, now: datetime) -> None:
    """Raises TooSoon when somebody asked a short while ago."""
    if asked_at is not None and now < asked_at + timedelta(minutes=kit.again_minutes):
        raise TooSoon(minutes=kit.again_minutes)


def probes_for(kit: Kit, *, opens: bool) -> tuple[Probe, ...]:
    """Every probe of an applicant; of a member those that go on after admission."""
    return tuple(probe for probe in kit.probes if probe.after or not opens)


def to_report(
    probes: Iterable[Probe], results: Iterable[Result], known: Mapping[str, bool]
) -> list[tuple[Result, bool]]:
    """Results that admission is told, each with whether it passed: of required probes, what failed or has changed.

    ``known`` is the newest verdict that admission has of each probe. What was not run, or could not be reached, says
    nothing either way.
    """
    required = {probe.id for probe in probes if probe.required}
    settled = [r for r in results if r.probe in required and r.outcome in SETTLED]
    said = [(r, r.outcome is Outcome.PASSED) for r in settled]
    return [(r, passed) for r, passed in said if not passed or known.get(r.probe) is not True]


def unreached(results: Iterable[Result]) -> bool:
    """Whether a round learnt nothing at all."""
    run = [r for r in results if r.outcome is not Outcome.NOT_RUN]
    return bool(run) and all(r.outcome is Outcome.COULD_NOT_REACH for r in run)


def exit_status(results: Iterable[Result]) -> int:
    """0 everything that was run passed, 1 something failed, 3 something could not be reached (and nothing failed)."""
    outcomes = {result.outcome for result in results}
    return 1 if Outcome.FAILED in outcomes else 3 if Outcome.COULD_NOT_REACH in outcomes else 0
