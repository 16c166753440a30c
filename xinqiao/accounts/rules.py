"""Passwords, lock-out, sessions, who needs two factors. Pure."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterable
from datetime import datetime, timedelta

from xinqiao.accounts.types import FAILURES, FAILURES_WITHIN, FORMER_PASSWORDS, IDLE, PASSWORD_DAYS
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.parties.types import MembershipFacts

SHORTEST = 10
KINDS = (string.ascii_lowercase, string.ascii_uppercase, string.digits)


def password_problems(password: str, *, username: str, common: bool, used_before: bool) -> list[Problem]:
    """Every rule that a new password breaks; a character of no other kind counts as the fourth.

    ``common``: it stands on the list of well-known ones. ``used_before``: it was one of the person's last.
    """
    found = []
    if len(password) < SHORTEST:
        found.append(("short", Phrase("至少 {count} 个字符", count=SHORTEST)))
    if kinds_of(password) < 3:
        found.append(("kinds", Phrase("大写字母、小写字母、数字、其他字符中至少三种")))
    if username and username.lower() in password.lower():
        found.append(("username", Phrase("不能包含用户名")))
    if common:
        found.append(("common", Phrase("是常见密码")))
    if used_before:
        found.append(("used", Phrase("不能与最近 {count} 个密码相同", count=FORMER_PASSWORDS)))
    return [Problem(field="password", code=f"accounts.password_{code}", message=text) for code, text in found]


def kinds_of(password: str) -> int:
    """How many of the four kinds of characters it has."""
    others = any(all(c not in kind for kind in KINDS) for c in password)
    return sum(any(c in kind for c in password) for kind in KINDS) + others


def failures_now(failures: int, first_at: datetime | None, *, now: datetime) -> int:
    """The wrong answers that still count."""
    return failures if first_at is not None and now - first_at <= FAILURES_WITHIN else 0


def is_locked_after(failures: int) -> bool:
    """Whether so many wrong answers lock."""
    return failures >= FAILURES


def is_staff(memberships: Iterable[MembershipFacts]) -> bool:
    """Whether somebody acts for an organisation, and so sees what is not their own."""
    return any(m.organisation is not None for m in memberships)


def owes_factor(*, policy: str, staff: bool) -> bool:
    """Whether the node asks for a second factor. ``policy``: ``all``, ``staff`` or ``off``."""
    return policy == "all" or (policy == "staff" and staff)


def is_password_old(changed_at: datetime | None, *, now: datetime) -> bool:
    """Whether a password is to be changed; one that never was changed here has no age."""
    return changed_at is not None and now - changed_at > timedelta(days=PASSWORD_DAYS)


def has_idled(seen_at: datetime, *, staff: bool, now: datetime) -> bool:
    """Whether a session ends because nothing was asked for too long."""
    return now - seen_at > IDLE["staff" if staff else "enterprise"]


def first_password() -> str:
    """Twelve characters that anybody can read out and type, of three kinds; to be changed at the first sign-in."""
    kinds = ("abcdefghjkmnpqrstuvwxyz", 7), ("ABCDEFGHJKMNPQ", 1), ("23456789", 4)
    return "".join(secrets.choice(letters) for letters, count in kinds for _ in range(count))
