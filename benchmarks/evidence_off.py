"""The node's application with evidence taken out, to measure what evidence costs. For the benchmark alone.

What is left is everything a query needs without evidence: token, gate, authorisation counted, ledger line, answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import xinqiao.config.wsgi
from xinqiao.consent import storage
from xinqiao.evidence.types import EntryRef, Event
from xinqiao.release import actions

NOTHING = EntryRef(0, b"{}", bytes(32), {"subject": {}, "body": {}})


class _NoReceipt:
    def as_json(self) -> dict[str, Any]:
        return {}


def _record(event: Event, *, actor: str, subject: str, body: Mapping[str, Any], now: datetime) -> EntryRef:
    return NOTHING


actions.record = _record
actions.fresh_receipt = lambda _entry: _NoReceipt()  # type: ignore[assignment]
storage.record = _record
application = xinqiao.config.wsgi.application
