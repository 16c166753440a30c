"""Verbs that write accounts: signing in step by step, passwords, identities of the provincial portal."""

from __future__ import annotations

from datetime import datetime
from functools import cache

from django.contrib.auth.hashers import check_password, get_hasher, make_password
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.db import transaction

from xinqiao.accounts.factor import account_of, check_code, remove_factor
from xinqiao.accounts.guard import check_open, clear, count_failure
from xinqiao.accounts.models import FormerPassword, LinkedIdentity
from xinqiao.accounts.queries import has_factor
from xinqiao.accounts.rules import password_problems
from xinqiao.accounts.types import (
    FORMER_PASSWORDS,
    IDENTITY_LINKED,
    IDENTITY_UNLINKED,
    PASSWORD_CHANGED,
    PASSWORD_RESET,
    SIGNED_IN,
    SIGNED_OUT,
    IdentityNotLinked,
    IdentityTaken,
    InvalidPassword,
    WrongCode,
)
from xinqiao.evidence.actions import record
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.parties.actions import register_person
from xinqiao.parties.people import PersonAccount, find_account, get_account, store_password, username_index
from xinqiao.plumbing.blind_index import blind_index


@cache
def _nobody(hasher: str) -> str:
    """What is checked against when nobody has the name, so that the answer takes as long."""
    return make_password("nobody has this name", hasher=hasher)


def start_sign_in(username: str, password: str, *, now: datetime) -> PersonAccount | None:
    """Whose name and password these are; None when they are nobody's. Raises SignInLocked.

    It is never said which of the two was wrong, and a name that nobody has locks like any other.
    """
    account = find_account(username)
    index = username_index(username)
    check_open(index, now=now)
    nobody = _nobody(get_hasher().algorithm)  # also where it is not needed: the first who is nobody waits no longer
    if check_password(password, account.hashed if account else nobody) and account and account.is_active:
        return account
    count_failure(index, person=account.person_id if account else None, step="password", now=now)
    return None


def finish_sign_in(person: int, code: str, *, now: datetime) -> None:
    """Take the second factor of somebody whose password was right. Raises WrongCode, SignInLocked."""
    account = get_account(person)
    check_open(account.index, now=now)
    try:
        check_code(person, code, now=now)
    except WrongCode:
        count_failure(account.index, person=person, step="code", now=now)
        raise


@transaction.atomic
def note_sign_in(person: int, *, factors: int, session: str, how: str, now: datetime) -> None:
    """Put a sign-in on record. ``session`` names the session, which ends an earlier one of staff; ``how``: ``password``
    or the issuer of the identity."""
    account = get_account(person)
    clear(account.index)
    row = account_of(person, lock=True)
    row.session = session
    row.save(update_fields=["session"])
    body = {"factors": factors, "how": how}
    record(SIGNED_IN, actor=f"person:{person}", subject=f"person:{person}", body=body, now=now)


@transaction.atomic
def note_sign_out(person: int, *, why: str, now: datetime) -> None:
    """Put the end of a session on record. ``why``: ``asked``, ``idle``, ``elsewhere``."""
    record(SIGNED_OUT, actor=f"person:{person}", subject=f"person:{person}", body={"why": why}, now=now)


@transaction.atomic
def change_password(person: int, *, username: str, old: str, new: str, now: datetime) -> None:
    """Replace one's own password. Raises InvalidPassword with every rule broken, a wrong old one included."""
    account = get_account(person)
    problems = _problems(account, username, new)
    if not check_password(old, account.hashed):
        problems.insert(0, Problem(field="old", code="accounts.password_old", message=Phrase("原密码不对")))
    if problems:
        raise InvalidPassword(problems)
    _store(account, new, must_change=False, now=now)
    record(PASSWORD_CHANGED, actor=f"person:{person}", subject=f"person:{person}", body={"person": person}, now=now)


@transaction.atomic
def open_account(username: str, *, name: str, password: str, actor: str, now: datetime) -> int:
    """Enter a person who can sign in with a password that somebody else knows, and so must change it; returns the
    person's number. Raises AlreadyRegistered."""
    person = register_person(username, name=name, password=password, actor=actor, now=now)
    reset_password(person, password, actor=actor, now=now)
    return person


@transaction.atomic
def reset_access(person: int, password: str, *, actor: str, now: datetime) -> None:
    """A new first password for somebody who lost theirs; the lost telephone's second factor ends with it."""
    reset_password(person, password, actor=actor, now=now)
    if has_factor(person):
        remove_factor(person, actor=actor, now=now)


@transaction.atomic
def reset_password(person: int, password: str, *, actor: str, now: datetime) -> None:
    """An administrator's first or new password for somebody, who must change it at the next sign-in."""
    _store(get_account(person), password, must_change=True, now=now)
    record(PASSWORD_RESET, actor=actor, subject=f"person:{person}", body={"person": person}, now=now)


@transaction.atomic
def link_identity(person: int, *, issuer: str, subject: str, now: datetime) -> None:
    """Let an identity proved elsewhere sign this person in; again changes nothing. Raises IdentityTaken."""
    index = _subject_index(issuer, subject)
    row, made = LinkedIdentity.objects.get_or_create(
        issuer=issuer, subject_index=index, defaults={"person_id": person, "linked_at": now}
    )
    if row.person_id != person:
        raise IdentityTaken()
    if made:
        body = {"issuer": issuer}
        record(IDENTITY_LINKED, actor=f"person:{person}", subject=f"person:{person}", body=body, now=now)


@transaction.atomic
def unlink_identities(person: int, *, actor: str, now: datetime) -> int:
    """Forget the identities that sign this person in; returns how many."""
    count, _ = LinkedIdentity.objects.filter(person_id=person).delete()
    if count:
        record(IDENTITY_UNLINKED, actor=actor, subject=f"person:{person}", body={"identities": count}, now=now)
    return count


def person_of_identity(issuer: str, subject: str) -> int:
    """Whom an identity proved elsewhere signs in; raises IdentityNotLinked."""
    row = LinkedIdentity.objects.filter(issuer=issuer, subject_index=_subject_index(issuer, subject)).first()
    if row is None or not get_account(row.person_id).is_active:
        raise IdentityNotLinked(issuer=issuer)
    return int(row.person_id)


def _store(account: PersonAccount, password: str, *, must_change: bool, now: datetime) -> None:
    FormerPassword.objects.create(person_id=account.person_id, hashed=account.hashed, since=now)
    kept = FormerPassword.objects.filter(person_id=account.person_id).order_by("-id")
    FormerPassword.objects.filter(pk__in=[row.pk for row in kept[FORMER_PASSWORDS:]]).delete()
    store_password(account.person_id, password)
    row = account_of(account.person_id, lock=True)
    row.password_changed_at, row.must_change = now, must_change
    row.save(update_fields=["password_changed_at", "must_change"])


def _problems(account: PersonAccount, username: str, new: str) -> list[Problem]:
    former = FormerPassword.objects.filter(person_id=account.person_id).order_by("-id")[: FORMER_PASSWORDS - 1]
    used = any(check_password(new, hashed) for hashed in (account.hashed, *(row.hashed for row in former)))
    return password_problems(new, username=username, common=_is_common(new), used_before=used)


def _is_common(password: str) -> bool:
    try:
        CommonPasswordValidator().validate(password)
    except ValidationError:
        return True
    return False


def _subject_index(issuer: str, subject: str) -> str:
    return blind_index("accounts.subject", f"{issuer}\n{subject}").hex()
