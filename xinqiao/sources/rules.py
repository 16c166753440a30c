"""Which connections there are, when a source is called, and what of its answer can be taken. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from xinqiao.catalogue.types import Catalogue, Item, UnknownItem
from xinqiao.kernel.canonical import canonical_bytes, sha256_hex
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.sources.types import (
    Calling,
    Circuit,
    Connection,
    InvalidConnections,
    Link,
    Mode,
    Question,
    Reply,
    ReplyState,
)

PERIODS = ("daily", "weekly", "monthly", "yearly", "workdays")
NUMBERS = ("together", "failures", "rest_seconds", "believed_seconds")
MOST_ROWS = 5_000  # about one enterprise


def parse_connections(text: str, catalogue: Catalogue) -> tuple[Calling, tuple[Connection, ...]]:
    """``sources.toml``; raises InvalidConnections with every fault.

    An item has at most one connection that is called: two could say different things. One that has left the list keeps
    its place here and is not called.
    """
    raw = tomllib.loads(text)
    calls, problems = raw.get("calls", {}), list[Problem]()
    found = [_connection(one, problems) for one in raw.get("connections", ())]
    problems += _faults(calls, raw.get("kept_hours", {}))
    served = [item for one in found if one.mode is Mode.SERVICE for item in one.items]
    twice = sorted({item for item in served if served.count(item) > 1})
    problems += [_problem(item, Phrase("{item} 有两个服务连接", item=item)) for item in twice]
    problems += [_problem(item, Phrase("共享清单中没有 {item}", item=item)) for item in _unknown(found, catalogue)]
    if problems:
        raise InvalidConnections(problems)
    numbers = {name: calls[name] for name in NUMBERS}
    return Calling(**numbers, kept_hours=raw["kept_hours"], basis=raw["basis"], draft=raw["draft"]), tuple(found)


def _connection(raw: Mapping[str, Any], problems: list[Problem]) -> Connection:
    code = str(raw.get("code", ""))
    mode = raw.get("mode", "")
    if not code or mode not in list(Mode) or not raw.get("name") or not raw.get("name_en"):
        message = Phrase("连接 {code} 应有 code、name、name_en 和 mode（file、database、service）", code=code)
        problems.append(_problem(code, message))
        mode = Mode.FILE
    timeout = raw.get("timeout_ms", 1500)
    items = tuple(raw.get("items", ()))
    return Connection(code, str(raw.get("name", "")), str(raw.get("name_en", "")), Mode(mode), items, timeout)


def _faults(calls: Mapping[str, object], hours: Mapping[str, object]) -> Iterator[Problem]:
    for name in NUMBERS:
        value = calls.get(name)
        if not isinstance(value, int) or value < 1:
            yield _problem(name, Phrase("{name} 应为正整数", name=name))
    for period in PERIODS:
        value = hours.get(period)
        if not isinstance(value, int) or value < 0:
            yield _problem(period, Phrase("kept_hours.{name} 应为小时数", name=period))


def _unknown(connections: Iterable[Connection], catalogue: Catalogue) -> Iterator[str]:
    for item in sorted({item for one in connections for item in one.items}):
        try:
            catalogue.item(item)
        except UnknownItem:
            yield item


def parse_links(text: str, connections: Iterable[Connection]) -> dict[str, Link]:
    """The deployment's addresses: connection code → link; raises InvalidConnections with every fault."""
    modes = {one.code: one.mode for one in connections}
    links, problems = dict[str, Link](), list[Problem]()
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidConnections([_problem("XINQIAO_SOURCES", str(error))]) from error
    for code, found in raw.items():
        given = found if isinstance(found, dict) else {}
        address, secret = str(given.get("address", "")), str(given.get("secret", ""))
        if code not in modes:
            problems.append(_problem(code, Phrase("sources.toml 中没有连接 {code}", code=code)))
        elif not address:
            problems.append(_problem(code, Phrase("{code} 没有写 address", code=code)))
        elif modes[code] is Mode.SERVICE and not secret.startswith("whsec_"):
            problems.append(_problem(code, Phrase("{code} 的 secret 应以 whsec_ 开头", code=code)))
        else:
            links[code] = Link(address, secret)
    if problems:
        raise InvalidConnections(problems)
    return links


def _problem(field: str, message: str) -> Problem:
    return Problem(field=field, code="sources.connection", message=message)


def good_until(item: Item, rule: Calling, *, now: datetime) -> datetime:
    """Until when an answer about an item may be used again: by the rhythm in which its source is renewed."""
    kept = timedelta(hours=rule.kept_hours[item.due.period])
    return now + max(kept, timedelta(seconds=rule.believed_seconds))  # at least for the read that asked


def may_call(circuit: Circuit, rule: Calling, *, now: datetime) -> bool:
    """Whether a connection is called: not while its circuit rests after too many failures in a row."""
    return circuit.opened_at is None or now >= circuit.opened_at + timedelta(seconds=rule.rest_seconds)


def after_call(circuit: Circuit, rule: Calling, *, ok: bool, error: str = "", now: datetime) -> Circuit:
    """The circuit after a call. One success closes it; a failure after the rest opens it again at once."""
    if ok:
        return Circuit(circuit.connection, 0, None, now, "")
    failures = circuit.failures + 1
    opened = now if failures >= rule.failures or circuit.opened_at is not None else None
    return Circuit(circuit.connection, failures, opened, circuit.last_ok_at, error[:200])


def read_reply(question: Question, content: object) -> Reply:
    """An answer out of JSON; raises ValueError saying what is wrong with it.

    It must be to this very question, of a kind that its method has, and not larger than one enterprise's rows can be.
    """
    if not isinstance(content, dict) or content.get("v") != 1 or content.get("id") != question.id:
        raise ValueError("not an answer to this question")
    state = ReplyState(content.get("state", ""))
    verified = (ReplyState.MATCH, ReplyState.MISMATCH)
    if (state in verified) is not (question.method == "verify"):
        raise ValueError(f"{state} is no answer to {question.method}")
    rows = content.get("rows", [])
    if not isinstance(rows, list) or len(rows) > MOST_ROWS or bool(rows) is not (state is ReplyState.ROWS):
        raise ValueError("the rows do not fit the state")
    since = content.get("since")
    if since is not None and not isinstance(since, str):
        raise ValueError("since is a day")
    return Reply(state, tuple(map(_row, rows)), None if since is None else date.fromisoformat(since))


def _row(row: object) -> Mapping[str, str]:
    if not isinstance(row, dict) or not all(isinstance(k, str) and isinstance(v, str) for k, v in row.items()):
        raise ValueError("a row is texts by field")
    for text in row.values():
        text.encode()  # half a surrogate pair is no text: UnicodeEncodeError is a ValueError
        if "\x00" in text:
            raise ValueError("a row is texts by field")
    return row


def about(item: Item, rows: Iterable[Mapping[str, str]], enterprise: str) -> bool:
    """Whether rows are about that enterprise and nobody else."""
    return all(row.get(item.subject.code) == enterprise for row in rows)


def claim_of(item: Item, row: Mapping[str, object]) -> str:
    """The digest by which a row is verified: SHA-256 of its values as canonical JSON, personal ones left out.

    Dates are ISO, months their first day, money integer fen, decimals text; what is empty is left out. Both sides
    compute it from their own data, so nothing but yes or no goes over the line.
    """
    shown = {c: row[c] for f in item.fields if not f.personal for c in f.columns if row.get(c) is not None}
    return sha256_hex(canonical_bytes({name: _plain(value) for name, value in shown.items()}))


def _plain(value: object) -> object:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def load_calling(path: Path, catalogue: Catalogue) -> tuple[Calling, tuple[Connection, ...]]:
    """``sources.toml`` of a content folder; raises InvalidConnections."""
    return parse_connections(path.read_text("utf-8"), catalogue)
