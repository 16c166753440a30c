"""The second evaluator: the same table as Cedar policies, decided by Cedar's engine and none of our rules.

Nothing here calls ``rules``: what an authorisation covers, how it stands and which row answers are said again, in
Cedar's language, so that a mistake in one of the two shows as a disagreement.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from cedarpy import Decision, Entities, PolicySet, is_authorized_batch

from xinqiao.consent.types import Authorisation
from xinqiao.release.types import Ask

RANK = {"verify": 0, "derived": 1, "report": 2, "detail": 3}
ACTION = {"public": "read_public", "non_public": "read_closed"}
_GIVEN = "context.authorisation"
_COVERS = " && ".join(
    (
        f"{_GIVEN}.recipient == context.code",
        f"{_GIVEN}.subject == context.enterprise",
        f"{_GIVEN}.purpose == context.purpose",
        f"{_GIVEN}.items.containsAll(context.closed)",
        f"context.rank <= {_GIVEN}.rank",
    )
)
_ENDED = tuple(f'{_GIVEN}.status == "{word}"' for word in ("withdrawn", "superseded", "void"))
_EXPIRED = f'{_GIVEN}.valid_to <= context.now || {_GIVEN}.status == "expired"'
_USED_UP = f"{_GIVEN}.most <= {_GIVEN}.used"
_NOT_YET = f"context.now < {_GIVEN}.valid_from"


def _holding(*conditions: str, but: tuple[str, ...] = ()) -> str:
    """An authorisation that covers the request, with these conditions and none of the others."""
    parts = ["context has authorisation", _COVERS, *conditions, *(f"!({other})" for other in but)]
    return "(" + " && ".join(f"({part})" for part in parts) + ")"


STATES: Mapping[str, str] = {
    "none": "!(context has authorisation)",
    "outside": f"(context has authorisation && !({_COVERS}))",
    "withdrawn": _holding(_ENDED[0]),
    "superseded": _holding(_ENDED[1]),
    "void": _holding(_ENDED[2]),
    "expired": _holding(_EXPIRED, but=_ENDED),
    "used_up": _holding(_USED_UP, but=(*_ENDED, _EXPIRED)),
    "not_yet": _holding(_NOT_YET, but=(*_ENDED, _EXPIRED, _USED_UP)),
    "active": _holding(but=(*_ENDED, _EXPIRED, _USED_UP, _NOT_YET)),
}
ALWAYS = """\
@id("not-admitted")
forbid(principal, action, resource) when { ["institution", "platform"].contains(context.kind) && !context.admitted };
@id("not-the-subject")
forbid(principal, action, resource) when { context.kind == "enterprise" && context.code != context.enterprise };
"""


def cedar_policies(text: str) -> str:
    """The rows of ``release.toml`` (its text) as Cedar policies, one ``permit`` or ``forbid`` per row, same ids."""
    return ALWAYS + "".join(map(_policy, tomllib.loads(text)["rules"]))


def _policy(row: Mapping[str, Any]) -> str:
    effect = {"allow": "permit", "refuse": "forbid"}[row["decision"]]
    actions = ", ".join(f'Action::"{ACTION[openness]}"' for openness in row["openness"])
    conditions = [f"{_set(row['recipient'])}.contains(context.kind)", f"{_set(row['form'])}.contains(context.form)"]
    if row["authorisation"] != "any":
        conditions.append("(" + " || ".join(STATES[state] for state in row["authorisation"]) + ")")
    when = " && ".join(conditions)
    return f'@id("{row["id"]}")\n{effect}(principal, action in [{actions}], resource) when {{ {when} }};\n'


def _set(words: Iterable[str]) -> str:
    return json.dumps(list(words))


class CedarGate:
    """The table as Cedar decides it. ``text`` is that of ``release.toml``."""

    def __init__(self, text: str) -> None:
        self._policies = PolicySet.from_str(cedar_policies(text))
        self._entities = Entities.from_json_str("[]")

    def allows(self, asks: Sequence[tuple[Ask, datetime]]) -> list[bool]:
        """Whether each request, at its time, is allowed: all that it asks for, public and not, must be."""
        wanted = [(n, action) for n, (ask, _) in enumerate(asks) for action in _actions(ask)]
        contexts = [json.dumps(_context(ask, now)) for ask, now in asks]
        requests = [
            {"principal": 'Recipient::"r"', "action": f'Action::"{a}"', "resource": 'File::"f"', "context": contexts[n]}
            for n, a in wanted
        ]
        answers = is_authorized_batch(requests, self._policies, self._entities)
        allowed = [True] * len(asks)
        for (n, _), answer in zip(wanted, answers, strict=True):
            if answer.diagnostics.errors:
                raise ValueError(f"Cedar could not decide: {answer.diagnostics.errors}")
            allowed[n] = allowed[n] and answer.decision is Decision.Allow
        return allowed


def _actions(ask: Ask) -> tuple[str, ...]:
    return (ACTION["public"], ACTION["non_public"]) if ask.closed else (ACTION["public"],)


def _context(ask: Ask, now: datetime) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "kind": str(ask.recipient.kind),
        "admitted": ask.recipient.admitted,
        "code": ask.recipient.code,
        "enterprise": ask.enterprise,
        "purpose": ask.purpose,
        "form": str(ask.form),
        "rank": RANK[ask.form],
        "closed": list(ask.closed),
        "now": _instant(now),
    }
    return facts if ask.authorisation is None else facts | {"authorisation": _given(ask.authorisation)}


def _given(authorisation: Authorisation) -> dict[str, Any]:
    return {
        "recipient": authorisation.recipient,
        "subject": authorisation.subject,
        "purpose": authorisation.purpose,
        "items": list(authorisation.items),
        "rank": RANK[authorisation.form],
        "status": str(authorisation.status),
        "valid_from": _instant(authorisation.valid_from),
        "valid_to": _instant(authorisation.valid_to),
        "used": authorisation.times_used,
        "most": authorisation.times_max,
    }


def _instant(moment: datetime) -> int:
    """Microseconds since 1970; exact, for Cedar's integers."""
    days = moment.toordinal() - 719163
    offset = moment.utcoffset()
    seconds = moment.hour * 3600 + moment.minute * 60 + moment.second - (int(offset.total_seconds()) if offset else 0)
    return (days * 86400 + seconds) * 1_000_000 + moment.microsecond
