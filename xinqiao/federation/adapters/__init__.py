"""How the node above is called: the port, and which adapter a link uses.

The reference is ``peer``: this protocol, spoken by any node that runs this system. The private interface of the
national platform is not public: whoever has its papers writes an adapter of this port for it, and names it here.
Nothing here guesses at it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from xinqiao.federation.adapters.peer import PeerAbove
from xinqiao.federation.types import Answer, KindState, Link, Page, Receipt


class Above(Protocol):
    """The node above, as this node calls it. Every call raises SourceFailed when there is no answer, or a refusal."""

    def pull(self, after: int, *, replay: bool = False) -> Page:
        """The page of its feed behind a place."""

    def push(self, page: Page) -> Receipt:
        """Hand a page over."""

    def answer(self, answers: Sequence[Answer]) -> None:
        """Tell what became of objects that were pulled."""

    def state(self) -> dict[str, list[KindState]]:
        """What it has ``sent`` and ``received`` over the link, by kind."""


ADAPTERS: dict[str, Callable[[Link], Above]] = {"xinqiao": PeerAbove}


def above(link: Link) -> Above:
    """The adapter of a link."""
    return ADAPTERS[link.adapter](link)
