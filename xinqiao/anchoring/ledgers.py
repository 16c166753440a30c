"""The configured ledgers, out of a file that only the node's user reads."""

from __future__ import annotations

import stat
import tomllib
from collections.abc import Callable, Mapping
from typing import Any

from xinqiao.anchoring.adapters.btoe import BtoeLedger
from xinqiao.anchoring.adapters.dac import DacLedger
from xinqiao.anchoring.adapters.evm import EvmLedger
from xinqiao.anchoring.adapters.xinghuo import XinghuoLedger
from xinqiao.anchoring.types import AnchorLedger, InvalidLedgers, Ledger, LedgerKind
from xinqiao.kernel.errors import Problem
from xinqiao.plumbing import settings as node

_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
NEEDED: Mapping[LedgerKind, tuple[str, ...]] = {
    LedgerKind.EVM: ("contract",),
    LedgerKind.DAC: ("project", "chain", "iam", "domain", "user", "password"),
    LedgerKind.BTOE: ("secret_id", "secret_key"),
    LedgerKind.XINGHUO: ("access_key",),
}
ADAPTERS: Mapping[LedgerKind, Callable[[Ledger], AnchorLedger]] = {
    LedgerKind.EVM: EvmLedger,
    LedgerKind.DAC: DacLedger,
    LedgerKind.BTOE: BtoeLedger,
    LedgerKind.XINGHUO: XinghuoLedger,
}


def list_ledgers() -> list[Ledger]:
    """The ledgers of the node, none by default; raises InvalidLedgers, OSError."""
    file = node.anchors_file()
    if file is None:
        return []
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise InvalidLedgers([Problem(field=file.name, code="anchoring.mode", message="chmod 600")])
    try:
        rows = tomllib.loads(file.read_text(encoding="utf-8")).get("ledgers", [])
    except tomllib.TOMLDecodeError as error:
        raise InvalidLedgers([Problem(field=file.name, code="anchoring.toml", message=str(error))]) from error
    problems = [problem for number, row in enumerate(rows, 1) for problem in _faults(number, row)]
    if problems:
        raise InvalidLedgers(problems)
    return [_ledger(row) for row in rows]


def connect(ledger: Ledger) -> AnchorLedger:
    """The adapter of a ledger."""
    return ADAPTERS[ledger.kind](ledger)


def _ledger(row: Mapping[str, Any]) -> Ledger:
    others = {name: str(value) for name, value in row.items() if name not in ("name", "kind", "url")}
    return Ledger(str(row["name"]), LedgerKind(row["kind"]), str(row["url"]).rstrip("/"), others)


def _faults(number: int, row: Mapping[str, Any]) -> list[Problem]:
    name, kind = str(row.get("name", "")), str(row.get("kind", ""))
    wrong = []
    if not name or not set(name) <= _NAME or len(name) > 40:
        wrong.append("name")
    if not str(row.get("url", "")).startswith(("http://", "https://")):
        wrong.append("url")
    if kind not in set(LedgerKind):
        wrong.append("kind")
    else:
        wrong += [field for field in NEEDED[LedgerKind(kind)] if not row.get(field)]
    return [Problem(field=field, row=number, code="anchoring.field", message=field) for field in wrong]
