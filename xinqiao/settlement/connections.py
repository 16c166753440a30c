"""Which bodies are spoken to by program, out of a file that only the node's user reads."""

from __future__ import annotations

import json
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xinqiao.kernel.errors import Problem
from xinqiao.oauth.jose import Unreadable, read_key
from xinqiao.plumbing import settings as node
from xinqiao.settlement.refusals import InvalidBodies

SECRET = "whsec_"


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a body is spoken to: its address, its public key (a JWK), the secret of its call-backs."""

    code: str
    url: str
    key: Mapping[str, str]
    secret: str


def list_connections() -> list[Connection]:
    """The connected bodies, none by default; raises InvalidBodies, OSError."""
    file = node.bodies_file()
    if file is None:
        return []
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise InvalidBodies([Problem(field=file.name, code="settlement.mode", message="chmod 600")])
    try:
        rows = tomllib.loads(file.read_text(encoding="utf-8")).get("bodies", [])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidBodies([Problem(field=file.name, code="settlement.toml", message=str(error))]) from error
    problems = [problem for number, row in enumerate(rows, 1) for problem in _faults(number, row)]
    if problems:
        raise InvalidBodies(problems)
    return [Connection(row["code"], row["url"].rstrip("/"), _key(row["key"]), row["secret"]) for row in rows]


def find_connection(code: str) -> Connection | None:
    """The connection of a body, None for one that works in the portal; raises InvalidBodies, OSError."""
    return next((one for one in list_connections() if one.code == code), None)


def _faults(number: int, row: Mapping[str, Any]) -> list[Problem]:
    wrong = {}
    if not str(row.get("code", "")):
        wrong["code"] = "code"
    if not str(row.get("url", "")).startswith(("http://", "https://")):
        wrong["url"] = "http:// https://"
    if not str(row.get("secret", "")).startswith(SECRET):
        wrong["secret"] = f"{SECRET}…"
    try:
        _key(str(row.get("key", "")))
    except (Unreadable, ValueError) as error:
        wrong["key"] = str(error)
    return [Problem(field=f, row=number, code="settlement.field", message=said) for f, said in wrong.items()]


def _key(text: str) -> Mapping[str, str]:
    return read_key(json.loads(text))[0]
