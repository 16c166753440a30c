"""Who may decide, what may be handed in, and on which working day a provider is reminded. Pure."""

from __future__ import annotations

import io
import lzma
import tomllib
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

from xinqiao.catalogue.changes import faults
from xinqiao.catalogue.rules import last_day
from xinqiao.catalogue.types import Catalogue, Item, Openness
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.kernel.transitions import Transitions
from xinqiao.kernel.working_days import WorkCalendar
from xinqiao.stewardship.types import (
    AnotherPerson,
    DutyReminder,
    ListRefused,
    NothingChanges,
    ProposalState,
    ReasonMissing,
    ReminderKind,
    Reminding,
    UnreadableList,
)

LONGEST = 500
MOST_FILES, MOST_BYTES = 500, 4_000_000
CLOSED_MOST = 64  # non-public items that the proof about the gate ranges over

PROPOSAL_TRANSITIONS = Transitions(
    {
        ProposalState.PROPOSED: {
            "approve": ProposalState.APPROVED,
            "reject": ProposalState.REJECTED,
            "take_back": ProposalState.TAKEN_BACK,
            "overtake": ProposalState.OVERTAKEN,
        },
        ProposalState.APPROVED: {},
        ProposalState.REJECTED: {},
        ProposalState.TAKEN_BACK: {},
        ProposalState.OVERTAKEN: {},
    },
    names={
        "approve": "批准",
        "reject": "否决",
        "take_back": "撤回",
        "overtake": "取代",
        **{state: state.label for state in ProposalState},
    },
)


def check_second(actor: str, *, proposed_by: str) -> None:
    """Raises AnotherPerson when both are the same person."""
    if actor == proposed_by:
        raise AnotherPerson()


def check_reason(text: str) -> str:
    """The reason without its margins; raises ReasonMissing."""
    said = text.strip()
    if not 1 <= len(said) <= LONGEST:
        raise ReasonMissing([Problem(field="reason", code="stewardship.text", message=f"{len(said)} / {LONGEST}")])
    return said


def check_change(before: Catalogue, after: Catalogue, *, needed: Iterable[str], earlier: Iterable[Item] = ()) -> None:
    """Raises NothingChanges, or ListRefused with everything that a new version may not do.

    ``earlier`` are declarations of versions before: rows spelled by them are still recorded.
    """
    if before.sha256 == after.sha256:
        raise NothingChanges([Problem(field="list", code="same", message=before.sha256)])
    found = faults(before, after, needed=needed, earlier=earlier)
    closed = sum(item.openness is not Openness.PUBLIC for item in after)
    if closed > CLOSED_MOST:
        message = Phrase("不公开的数据项有 {count} 项，共享规则的证明只覆盖 {most} 项", count=closed, most=CLOSED_MOST)
        found.append(Problem(field="list", code="unproved", message=message))
    if found:
        raise ListRefused(found)


def with_uploads(
    held: Mapping[str, str], uploads: Iterable[tuple[str, bytes]], remove: Iterable[str] = ()
) -> dict[str, str]:
    """The files of a list after an upload: a .zip replaces the whole list, a .toml the item of its name.

    ``remove`` are item codes taken off. Raises UnreadableList with every problem.
    """
    files, problems = dict(held), list[Problem]()
    for name, content in uploads:
        if name.lower().endswith(".zip"):
            files = _unpacked(name, content, problems)
        else:
            _put(files, name, content, problems)
    for code in remove:
        found = [name for name in files if name.endswith(f"/{code}.toml")]
        problems += [] if found else [_unreadable(code, Phrase("清单中没有 {item}", item=code))]
        for name in found:
            del files[name]
    if problems:
        raise UnreadableList(problems)
    return files


def _put(files: dict[str, str], name: str, content: bytes, problems: list[Problem]) -> None:
    """One item file in its department's folder, where the item says it belongs."""
    try:
        text = content.decode("utf-8")
        declared = tomllib.loads(text)
        place = f"items/{declared['department']}/{declared['code']}.toml"
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError, RecursionError) as error:
        problems.append(_unreadable(name, Phrase("{file}：不是数据项文件（{why}）", file=name, why=str(error)[:100])))
        return
    for old in [other for other in files if other.endswith(f"/{declared['code']}.toml")]:
        del files[old]  # it may have moved to another department
    files[place] = text


def _unpacked(name: str, content: bytes, problems: list[Problem]) -> dict[str, str]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            entries = [entry for entry in packed.infolist() if not entry.is_dir()]
            if len(entries) > MOST_FILES or sum(entry.file_size for entry in entries) > MOST_BYTES:
                problems.append(_unreadable(name, Phrase("{file}：文件太多或太大", file=name)))
                return {}
            return {entry.filename: packed.read(entry).decode("utf-8") for entry in entries}
    # RuntimeError also an unknown method of packing; the others come out of damaged bytes.
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, ValueError, RuntimeError, EOFError, OSError) as error:
        problems.append(_unreadable(name, Phrase("{file}：不能解压（{why}）", file=name, why=str(error)[:100])))
        return {}


def packed(files: Mapping[str, str]) -> bytes:
    """The files of a list as a .zip, the same bytes for the same files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, date_time=(2020, 1, 1, 0, 0, 0)), files[name])
    return out.getvalue()


def _unreadable(name: str, message: Phrase) -> Problem:
    return Problem(field=name[:100], code="stewardship.file", message=message)


def load_reminding(path: Path) -> Reminding:
    """``duties.toml``; raises ValueError naming what is wrong."""
    raw = tomllib.loads(path.read_text("utf-8"))
    found = Reminding(
        before=tuple(sorted(raw["before"], reverse=True)),
        every=raw["every"],
        escalate_after=raw["escalate_after"],
        lead=raw["lead"],
        basis=raw["basis"],
        draft=raw["draft"],
    )
    if not found.before or min(found.before) < 0 or found.every < 1 or found.escalate_after < 1:
        raise ValueError(f"{path.name}: before, every and escalate_after are working days from 1 on")
    return found


def reminder_due(
    due_on: date, today: date, calendar: WorkCalendar, rule: Reminding, said: Sequence[DutyReminder]
) -> tuple[ReminderKind, int] | None:
    """Whether a provider is to be reminded of a deadline today, why, and how many working days it is away.

    ``said`` are the reminders of this item and deadline so far: what a day without the node has missed is said on the
    next. Nobody is reminded on a day on which nobody works.
    """
    if not calendar.is_working_day(today):
        return None
    last = last_day(due_on, calendar)
    if today <= last:
        away = calendar.between(today, last)
        told = min((r.workdays for r in said if r.kind is ReminderKind.SOON), default=None)
        steps = [step for step in rule.before if step >= away]
        return (ReminderKind.SOON, away) if steps and (told is None or told > min(steps)) else None
    behind = calendar.between(last, today)
    if behind >= rule.escalate_after and all(r.kind is not ReminderKind.ESCALATED for r in said):
        return ReminderKind.ESCALATED, -behind
    pressed = max((-r.workdays for r in said if r.workdays < 0), default=None)
    return (ReminderKind.LATE, -behind) if pressed is None or behind - pressed >= rule.every else None
