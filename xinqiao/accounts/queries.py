"""Reads of accounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from xinqiao.accounts.models import Account, LinkedIdentity, RecoveryCode
from xinqiao.accounts.rules import is_password_old
from xinqiao.accounts.types import AccountFacts


def get_account_facts(person: int, *, now: datetime) -> AccountFacts:
    """What a person sees of their own account; one never touched has no second factor and no age."""
    row = Account.objects.filter(person_id=person).first()
    issuers = LinkedIdentity.objects.filter(person_id=person).order_by("id").values_list("issuer", flat=True)
    return AccountFacts(
        person_id=person,
        factor_since=row.factor_since if row else None,
        codes_left=RecoveryCode.objects.filter(person_id=person, used_at=None).count(),
        password_changed_at=row.password_changed_at if row else None,
        must_change=row is not None and _is_due(row, now),
        identities=tuple(issuers),
    )


def has_factor(person: int) -> bool:
    """Whether a second factor is in force."""
    return Account.objects.filter(person_id=person, factor_since__isnull=False).exists()


@dataclass(frozen=True, slots=True)
class Standing:
    """What the rules of sessions ask about an account. ``session`` is the one begun last, empty when none was."""

    session: str
    has_factor: bool
    must_change: bool


def get_standing(person: int, *, now: datetime) -> Standing:
    """How an account stands, by one look."""
    row = Account.objects.filter(person_id=person).first()
    if row is None:
        return Standing("", False, False)
    return Standing(row.session, row.factor_since is not None, _is_due(row, now))


def _is_due(row: Account, now: datetime) -> bool:
    return row.must_change or is_password_old(row.password_changed_at, now=now)
