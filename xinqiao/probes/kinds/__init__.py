"""What the engine can probe, by name. Content declares which of it is asked of whom, and with which thresholds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from xinqiao.kernel.errors import Phrase
from xinqiao.probes.session import Sandbox

Run = Callable[[Sandbox, Mapping[str, int]], Phrase]


@dataclass(frozen=True, slots=True)
class Kind:
    """A probe's program: gives what was seen, raises Failed, NotRun or Unreached. ``wants`` are its thresholds.

    ``sandbox`` says whether it needs one opened; ``by_hand`` that no machine can settle it.
    """

    name: str
    run: Run
    wants: tuple[str, ...]
    sandbox: bool
    by_hand: bool


KINDS: dict[str, Kind] = {}


def kind(*wants: str, sandbox: bool = True, by_hand: bool = False) -> Callable[[Run], Run]:
    """Enter a program under its own name."""

    def entered(run: Run) -> Run:
        name = run.__name__  # type: ignore[attr-defined]
        KINDS[name] = Kind(name, run, wants, sandbox, by_hand)
        return run

    return entered


def load_kinds() -> dict[str, Kind]:
    """Every kind, with its program."""
    from xinqiao.probes.kinds import asking, consenting, keeping, leaving, loading, transport

    assert all((asking, consenting, keeping, leaving, loading, transport))
    return KINDS
