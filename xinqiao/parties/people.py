"""People as accounts see them: who has a user name, and the hash their password is checked against."""

from __future__ import annotations

from dataclasses import dataclass

from xinqiao.parties.models import Person, username_index
from xinqiao.parties.types import PartyNotFound


@dataclass(frozen=True, slots=True)
class PersonAccount:
    """A person who may sign in: number, blind index of the user name, salted hash of the password."""

    person_id: int
    index: str
    hashed: str
    is_active: bool

    def __repr__(self) -> str:
        return f"PersonAccount({self.person_id})"


def find_account(username: str) -> PersonAccount | None:
    """The account of a user name, or None."""
    row = Person.objects.filter(username_index=username_index(username)).first()
    return _facts(row) if row else None


def get_account(person: int) -> PersonAccount:
    """The account of a person; raises PartyNotFound."""
    row = Person.objects.filter(pk=person).first()
    if row is None:
        raise PartyNotFound(party=f"person:{person}")
    return _facts(row)


def store_password(person: int, password: str) -> None:
    """Keep the salted hash of a new password; sessions begun with the old one end."""
    row = Person.objects.get(pk=person)
    row.set_password(password)
    row.save(update_fields=["password"])


def _facts(row: Person) -> PersonAccount:
    return PersonAccount(row.pk, row.username_index, row.password, row.is_active)
