"""Which bodies are spoken to by program, out of a file that only the node's user reads."""

from __future__ import annotations

import json
import stat
import tomllib
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from xinqiao.kernel.errors import Problem
from xinqiao.oauth.jose import Unreadable, read_key
from xinqiao.plumbing import settings as node
from xinqiao.settlement.refusals import InvalidBodies

SECRET, LEAST_SECRET_BYTES = "whsec_", 24


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a body is spoken to: its address, its public key (a JWK), the secret of its call-backs."""

    code: str
    url: str
    key: Mapping[str, str]
    secret: str


def list_connections() -> list[Connection]:
    """The connected bodies, none by default; raises InvalidBodies, also where there is no file to read.

    Read anew when the file changes, so a body can be connected without a restart.
    """
    file = node.bodies_file()
    if file is None:
        return []
    try:
        stamp = file.stat()
    except OSError as error:
        raise InvalidBodies([Problem(field=file.name, code="settlement.toml", message=str(error))]) from error
    if stat.S_IMODE(stamp.st_mode) & 0o077:
        raise InvalidBodies([Problem(field=file.name, code="settlement.mode", message="chmod 600")])
    return list(_connections(file, stamp.st_mtime_ns, stamp.st_size))


@lru_cache(maxsize=4)
def _connections(file: Path, _changed: int, _size: int) -> tuple[Connection, ...]:
    try:
        rows = tomllib.loads(file.read_text(encoding="utf-8")).get("bodies", [])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise InvalidBodies([Problem(field=file.name, code="settlement.toml", message=str(error))]) from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidBodies([Problem(field=file.name, code="settlement.toml", message="[[bodies]]")])
    problems = [problem for number, row in enumerate(rows, 1) for problem in _faults(number, row)]
    codes = [row.get("code") for row in rows]
    problems += [
        Problem(field="code", row=number, code="settlement.field", message="twice")
        for number, code in enumerate(codes, 1) if code in codes[: number - 1]
    ]  # fmt: skip
    if problems:
        raise InvalidBodies(problems)
    return tuple(Connection(r["code"], r["url"].rstrip("/"), _key(r["key"]), r["secret"]) for r in rows)


def find_connection(code: str) -> Connection | None:
    """The connection of a body, None for one that works in the portal; raises InvalidBodies."""
    return next((one for one in list_connections() if one.code == code), None)


def works_by_hand(code: str) -> bool:
    """Whether a body is known to have no program; not while a wrong file leaves it open: what waits is not lost."""
    try:
        return find_connection(code) is None
    except InvalidBodies:
        return False


def _faults(number: int, row: Mapping[str, Any]) -> list[Problem]:
    wrong = {}
    code, url, secret = (row.get(name) for name in ("code", "url", "secret"))
    if not isinstance(code, str) or not code:
        wrong["code"] = "code"
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        wrong["url"] = "http:// https://"
    if not isinstance(secret, str) or not _is_secret(secret):
        wrong["secret"] = f"{SECRET}… (base64, {LEAST_SECRET_BYTES}+)"
    try:
        _key(str(row.get("key", "")))
    except (Unreadable, ValueError, RecursionError) as error:
        wrong["key"] = str(error)
    return [Problem(field=f, row=number, code="settlement.field", message=said) for f, said in wrong.items()]


def _is_secret(text: str) -> bool:
    """Whether it is one by which call-backs can be told from forged ones (Standard Webhooks): an empty key is none."""
    try:
        raw = b64decode(text.removeprefix(SECRET) + "==", validate=True)
    except ValueError:
        return False
    return text.startswith(SECRET) and len(raw) >= LEAST_SECRET_BYTES


def _key(text: str) -> Mapping[str, str]:
    return read_key(json.loads(text))[0]
