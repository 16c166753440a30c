"""The second factor: one-time codes of RFC 6238 from a secret that is sealed, and recovery codes kept as digests."""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import datetime

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.db import transaction

from xinqiao.accounts.models import Account, RecoveryCode
from xinqiao.accounts.types import (
    FACTOR_ENROLLED,
    FACTOR_REMOVED,
    RECOVERY_CODES,
    RECOVERY_USED,
    FactorMissing,
    WrongCode,
)
from xinqiao.evidence.actions import record
from xinqiao.vault.sealing import open_all, seal
from xinqiao.vault.types import Sealing, person_subject

SECONDS, DIGITS, SECRET_BYTES = 30, 6, 20
DRIFT = 1  # steps that the phone's clock may be off, either way
ISSUER = "Xinqiao"


def new_secret() -> str:
    """A fresh secret in Base32, not yet anybody's."""
    return base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def address_of(secret: str, label: str) -> str:
    """What an authenticator program reads; ``label`` is what it shows beside the code."""
    return _totp(base64.b32decode(secret)).get_provisioning_uri(label, ISSUER)


@transaction.atomic
def enrol(person: int, *, secret: str, code: str, now: datetime) -> list[str]:
    """Put a second factor in force once a code of it was given; the recovery codes, which are shown this once.

    Raises WrongCode. An earlier factor and its recovery codes end.
    """
    raw = base64.b32decode(secret)
    step = _matching_step(raw, code, after=0, now=now)
    if step is None:
        raise WrongCode()
    account = account_of(person, lock=True)
    [account.factor_sealed] = seal([_sealing(person, secret)], now=now)
    account.factor_since, account.factor_step = now, step
    account.save(update_fields=["factor_sealed", "factor_since", "factor_step"])
    codes = [secrets.token_hex(5) for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.filter(person_id=person).delete()
    RecoveryCode.objects.bulk_create(RecoveryCode(person_id=person, digest=_digest(person, c)) for c in codes)
    record(FACTOR_ENROLLED, actor=f"person:{person}", subject=f"person:{person}", body={"person": person}, now=now)
    return codes


@transaction.atomic
def remove_factor(person: int, *, actor: str, now: datetime) -> None:
    """End a person's second factor, theirs or by an administrator when the telephone is lost. Raises FactorMissing."""
    account = account_of(person, lock=True)
    if account.factor_since is None:
        raise FactorMissing()
    account.factor_sealed, account.factor_since, account.factor_step = b"", None, 0
    account.save(update_fields=["factor_sealed", "factor_since", "factor_step"])
    RecoveryCode.objects.filter(person_id=person).delete()
    record(FACTOR_REMOVED, actor=actor, subject=f"person:{person}", body={"person": person}, now=now)


@transaction.atomic
def check_code(person: int, code: str, *, now: datetime) -> None:
    """Take a one-time code, or a recovery code, each once. Raises WrongCode."""
    account = account_of(person, lock=True)
    code = code.strip().replace(" ", "")
    if len(code) == DIGITS and code.isascii() and code.isdigit():
        secret = open_all([_sealing(person, "", bytes(account.factor_sealed))])[0]
        step = _matching_step(base64.b32decode(secret), code, after=account.factor_step, now=now)
        if step is None:
            raise WrongCode()
        account.factor_step = step
        account.save(update_fields=["factor_step"])
        return
    unused = RecoveryCode.objects.filter(person_id=person, digest=_digest(person, code.lower()), used_at=None)
    if not unused.update(used_at=now):
        raise WrongCode()
    left = RecoveryCode.objects.filter(person_id=person, used_at=None).count()
    record(RECOVERY_USED, actor=f"person:{person}", subject=f"person:{person}", body={"left": left}, now=now)


def account_of(person: int, *, lock: bool = False) -> Account:
    """The person's account row, made at the first need; locked inside a transaction if asked."""
    rows = Account.objects.select_for_update() if lock else Account.objects
    return rows.get_or_create(person_id=person)[0]


def _matching_step(secret: bytes, code: str, *, after: int, now: datetime) -> int | None:
    """The time step whose code it is, later than ``after`` so that none is taken twice."""
    current = int(now.timestamp()) // SECONDS
    for step in range(current - DRIFT, current + DRIFT + 1):
        if step <= after:
            continue
        try:
            _totp(secret).verify(code.encode("ascii", "replace"), step * SECONDS)
        except InvalidToken:
            continue
        return step
    return None


def _totp(secret: bytes) -> TOTP:
    return TOTP(secret, DIGITS, SHA1(), SECONDS)  # the algorithm authenticator programs know


def _sealing(person: int, secret: str, sealed: bytes = b"") -> Sealing:
    return Sealing(person_subject(person), f"accounts_account:factor:{person}", secret, sealed)


def _digest(person: int, code: str) -> str:
    """Ten random hex digits are beyond guessing within the lock-out, so a plain digest will do."""
    return hashlib.sha256(f"{person}:{code}".encode()).hexdigest()
