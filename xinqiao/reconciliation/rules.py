"""How a statement is read, and how lines are held against releases. Pure; never reads the clock."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from xinqiao.client.daybook import (
    LINE,
    LOST,
    MOST_DEPTH,
    USED,
    VERSION,
    access_of,
    day_root,
    depth_for,
    received_line,
    tree_root,
)
from xinqiao.evaluation.types import Words
from xinqiao.kernel.canonical import sha256_hex
from xinqiao.kernel.dated import BEIJING, beijing_day
from xinqiao.kernel.errors import Problem
from xinqiao.reconciliation.types import InvalidDaybook, Mismatch, MismatchKind, Statement, Terms, Use
from xinqiao.release.types import Released

MOST_LINES = 2_000_000  # of one organisation and day
FIELDS = {"v", "organisation", "day", "revision", "received", "used", "depth", "root", "used_root"}


@cache
def load_terms(path: Path) -> Terms:
    """``reconciliation.toml``; raises KeyError or ValueError for a file that leaves something out."""
    raw = tomllib.loads(path.read_text("utf-8"))
    uses = {
        row["code"]: Use(
            row["code"],
            Words.of(row, "name"),
            frozenset(row["purposes"]),
            row.get("after_end", False),
        )
        for row in raw["uses"]
    }
    numbers = ("due_workdays", "late_workdays", "correct_workdays", "look_back_days", "lost_at_most")
    if any(raw[name] < (0 if name == "lost_at_most" else 1) for name in numbers):
        raise ValueError(f"{path.name}: deadlines are at least 1")
    return Terms(
        since=raw["since"],
        channels=tuple(raw["channels"]),
        opens_after=timedelta(minutes=raw["opens_minutes"]),
        uses=uses,
        basis=Words.of(raw, "basis"),
        **{name: raw[name] for name in numbers},
    )


def bounds_of(day: date) -> tuple[datetime, datetime]:
    """The first instant of a day in Beijing and of the next one."""
    start = datetime.combine(day, time(), BEIJING)
    return start, datetime.combine(day + timedelta(days=1), time(), BEIJING)


def fault(field: str, message: str) -> InvalidDaybook:
    """One thing wrong with a hand-in."""
    return InvalidDaybook([Problem(field, f"reconciliation.{field}", message[:200])])


def read_statement(claims: Mapping[str, Any], *, signed: str, client: str) -> Statement:
    """The statement of verified claims; raises InvalidDaybook."""
    if set(claims) != FIELDS or claims["v"] != VERSION:
        raise fault("statement", f"fields are {', '.join(sorted(FIELDS))}; v is {VERSION}")
    numbers = {name: claims[name] for name in ("revision", "received", "used", "depth")}
    if not all(type(n) is int and 0 <= n <= MOST_LINES for n in numbers.values()) or numbers["revision"] < 1:
        raise fault("statement", f"numbers are whole, at most {MOST_LINES:,}; revision counts from 1")
    if numbers["depth"] > MOST_DEPTH or numbers["depth"] != depth_for(numbers["received"]):
        raise fault("depth", f"{numbers['received']} lines have depth {depth_for(numbers['received'])}")
    try:
        day = date.fromisoformat(claims["day"])
        root, used_root = _digest(claims["root"]), _digest(claims["used_root"])
    except (TypeError, ValueError) as error:
        raise fault("statement", str(error)) from error
    sha256 = sha256_hex(signed.encode())
    organisation = str(claims["organisation"])
    return Statement(organisation, day, **numbers, root=root, used_root=used_root, client=client, sha256=sha256)


def _digest(text: Any) -> bytes:
    found = bytes.fromhex(text)
    if len(found) != 32:
        raise ValueError("a root has 32 bytes in hex")
    return found


def check_roots(roots: Iterable[str], statement: Statement) -> list[bytes]:
    """The roots of the buckets, if they are those signed; raises InvalidDaybook."""
    try:
        found = [_digest(text) for text in roots]
    except (TypeError, ValueError) as error:
        raise fault("roots", str(error)) from error
    if len(found) != 1 << statement.depth or day_root(found) != statement.root:
        raise fault("roots", "the roots do not give the root that was signed")
    return found


def check_uses(lines: Iterable[str], statement: Statement) -> list[str]:
    """The uses, if they are those signed; raises InvalidDaybook."""
    found = check_lines(lines, used=True, field="used")
    if len(found) != statement.used or tree_root(found) != statement.used_root:
        raise fault("used", "the uses do not give the root that was signed")
    return sorted(found)


def check_lines(lines: Iterable[str], *, used: bool, field: str) -> set[str]:
    """The set of lines, all well formed and of the kind; raises InvalidDaybook naming the first that is not."""
    found = set(lines)
    for line in found:
        if not LINE.fullmatch(line) or line.startswith(USED) is not used:
            raise fault(field, f"not a line of this kind: {line[:80]!r}")
    return found


def expected_line(released: Released) -> str:
    """How a release stands in the recipient's book."""
    return received_line(released.access, released.answer_sha256, released.purpose, released.form)


def compare_received(
    listed: Iterable[str],
    expected: Iterable[str],
    *,
    day: date,
    elsewhere: Callable[[set[str]], Mapping[str, Released]],
) -> list[Mismatch]:
    """How what was listed differs from what was released, exactly, whatever the order.

    ``elsewhere`` gives the releases to this recipient of accesses that are not among those expected: of another day, or
    through a channel that need not be listed.
    """
    listed, expected = set(listed), set(expected)
    released = {access_of(line): line for line in expected}
    extra = listed - expected
    said = defaultdict(list)
    for line in extra:
        said[access_of(line)].append(line)
    answered = {access_of(line) for line in listed & expected}
    known = elsewhere(set(said) - set(released))
    found = [
        Mismatch(MismatchKind.OMITTED, access, "", line)
        for access, line in released.items()
        if access not in answered and access not in said
    ]
    for access, lines in said.items():
        each = (_extra(line, released.get(access), known.get(access), day, access in answered) for line in lines)
        found += [one for one in each if one is not None]
    return sorted(found, key=lambda m: (m.kind, m.access, m.listed))


def _extra(line: str, released: str | None, other: Released | None, day: date, answered: bool) -> Mismatch | None:
    """What a line that is not expected means, None when it is true though it need not have been listed."""
    access, lost = access_of(line), line.startswith(LOST)
    if released is not None:
        kind = MismatchKind.NOT_DELIVERED if lost and not answered else MismatchKind.ALTERED
        return Mismatch(kind, access, line, released)
    if other is None:
        return Mismatch(MismatchKind.INVENTED, access, line, "")
    if beijing_day(other.at) != day:
        return Mismatch(MismatchKind.WRONG_DAY, access, line, f"{beijing_day(other.at)}")
    true = lost or line == expected_line(other)
    return None if true else Mismatch(MismatchKind.ALTERED, access, line, expected_line(other))


def compare_uses(
    lines: Iterable[str],
    *,
    day: date,
    released: Mapping[str, Released],
    withdrawn: Mapping[str, datetime],
    uses: Mapping[str, Use],
) -> list[Mismatch]:
    """Uses of what was never released, for what it was not given, or after the authorisation was taken back."""
    found = []
    for line in sorted(set(lines)):
        _, access, code = line.split("\t")
        one, use = released.get(access), uses.get(code)
        if one is None or beijing_day(one.at) > day:
            found.append(Mismatch(MismatchKind.USE_WITHOUT_RELEASE, access, line, ""))
        elif use is None or not use.covers(one.purpose):
            found.append(Mismatch(MismatchKind.USE_FOR_OTHER, access, line, one.purpose))
        elif not use.after_end and one.authorisation in withdrawn and beijing_day(withdrawn[one.authorisation]) < day:
            found.append(Mismatch(MismatchKind.USE_AFTER_END, access, line, one.authorisation))
    return found


def differs(mismatches: Iterable[Mismatch], terms: Terms) -> bool:
    """Whether mismatches are more than the few answers that a network loses."""
    found = list(mismatches)
    lost = sum(m.kind is MismatchKind.NOT_DELIVERED for m in found)
    return len(found) > lost or lost > terms.lost_at_most
