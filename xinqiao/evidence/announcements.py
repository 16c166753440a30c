"""How a log changes its keys in public: the old key signs the new one, and the new one signs that it agrees. Pure.

Whoever trusts one key of a log can follow the announcements to every other. The SM2 key of a log is announced by its
Ed25519 key in the same form.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from xinqiao.evidence.notes import InvalidNote, LogKey, NoteSigner, open_note, split_note

FIRST_LINE = "xinqiao log key v1"


def announce(new: NoteSigner, *, old: NoteSigner) -> str:
    """A note signed by both keys. Its second line can never be read as a checkpoint's size."""
    text = f"{FIRST_LINE}\n{new.name}\n{old.public.vkey}\n{new.public.vkey}\n"
    return f"{text}\n{old.line(text)}{new.line(text)}"


@lru_cache(maxsize=256)  # the same few notes are asked for with every proof
def read_announcement(note: str) -> tuple[LogKey, LogKey]:
    """The old and the new key of an announcement, both signatures checked; raises InvalidNote."""
    lines = split_note(note)[0].split("\n")
    if len(lines) != 5 or lines[0] != FIRST_LINE:
        raise InvalidNote(what="不是公钥更换公告")
    old, new = LogKey.parse(lines[2]), LogKey.parse(lines[3])
    if not old.name == new.name == lines[1]:
        raise InvalidNote(what="公钥更换公告的名称不一致")
    for key in (old, new):
        open_note(note, key=key)
    return old, new


def follow(trusted: Iterable[LogKey], notes: Iterable[str]) -> list[LogKey]:
    """Every key reachable from the trusted ones, those first; raises InvalidNote for a note that does not hold."""
    keys, links = list(trusted), [read_announcement(note) for note in notes]
    grown = True
    while grown:
        reached = [pair for pair in links if any(key in keys for key in pair)]
        fresh = [key for pair in reached for key in pair if key not in keys]
        keys += dict.fromkeys(fresh)
        grown = bool(fresh)
    return keys
