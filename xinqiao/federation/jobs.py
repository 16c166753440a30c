"""The courier: makes objects of what happened here and keeps in touch with the node above, until told to stop."""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime

from django.db import close_old_connections, connection

from xinqiao.federation.adapters import Above, above
from xinqiao.federation.collecting import ACTOR, collect, has_links, publish_documents
from xinqiao.federation.documents import list_in_force
from xinqiao.federation.effects import hand_over_outcomes
from xinqiao.federation.sync import is_due, link_above, sync
from xinqiao.federation.types import Link
from xinqiao.kernel.errors import XinqiaoError
from xinqiao.plumbing.settings import federation_seconds

log = logging.getLogger(__name__)
DOCUMENTS_EVERY = 15.0  # seconds between looks at guideline and counts


def _now() -> datetime:
    return datetime.now(UTC)


class Courier:
    """A node's rounds: what it makes itself, then the node above. A token is kept from round to round."""

    def __init__(self) -> None:
        self._port: tuple[Link, Above] | None = None
        self._documents_at = 0.0
        self._list = ""

    def round(self) -> int:
        """One round; returns how many objects moved. Raises DatabaseError; troubles of the peer are noted."""
        moved = 0
        if has_links():
            moved = collect(now=_now()) + hand_over_outcomes(actor=ACTOR, now=_now())
            listed = list_in_force().sha256  # a change of the list goes down at once
            if time.monotonic() >= self._documents_at or listed != self._list:
                moved += publish_documents(now=_now())
                self._list = listed
                self._documents_at = time.monotonic() + DOCUMENTS_EVERY
        link = link_above()
        if link is None or not is_due(link, _now()):
            return moved
        try:
            return moved + sync(link, self._to(link), clock=_now)
        except XinqiaoError as error:
            log.warning("%s: %s", link.peer, error)
            return 0

    def _to(self, link: Link) -> Above:
        """The port of a link, the same as before while it is the same link."""
        if self._port is None or (self._port[0].id, self._port[0].url) != (link.id, link.url):
            self._port = (link, above(link))
        return self._port[1]


def run_federation(stop: threading.Event) -> None:
    """Go round until ``stop`` is set: at once while something moves, else after the set pause."""
    courier, pause = Courier(), 0.0
    try:
        while not stop.wait(pause):
            pause = federation_seconds()
            try:
                close_old_connections()
                if courier.round():
                    pause = 0.02
            except Exception:  # whatever it was, the courier goes on and says so: a silent one loses every object
                log.exception("the round could not be finished; next try in %s s", pause)
    finally:
        connection.close()
