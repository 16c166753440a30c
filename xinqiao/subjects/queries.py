"""Who a code or a name is. Reads the register only."""

from __future__ import annotations

from collections.abc import Iterator

from xinqiao.plumbing.settings import content_dir
from xinqiao.subjects.assemble import several
from xinqiao.subjects.build import EDITIONS
from xinqiao.subjects.index import Register, open_register, resolve
from xinqiao.subjects.models import SubjectRegister
from xinqiao.subjects.types import (
    IdentifierKind,
    NoSubjects,
    RegisterFacts,
    Related,
    Subject,
    UnknownSubject,
)


def register_facts() -> RegisterFacts | None:
    """The register in use, or None."""
    row = SubjectRegister.objects.order_by("-id").first()
    return RegisterFacts(row.subjects, row.names, row.built_at) if row else None


def find_register() -> Register | None:
    """The register in use, opened, or None."""
    place = EDITIONS.in_use()
    return None if place is None else open_register(place, content_dir() / "divisions.toml")


def get_subject(text: str) -> tuple[Subject, IdentifierKind]:
    """The subject with this code, former code, organisation code or registration number, and which of them it is.

    Raises NoSubjects, UnknownSubject (also where several have it).
    """
    register = find_register()
    if register is None:
        raise NoSubjects()
    found = resolve(register, text)
    if len(found) != 1:
        raise UnknownSubject(text=text[:40])
    [(number, kind)] = found.items()
    return _subject(register, number), kind


def _subject(register: Register, number: int) -> Subject:
    row = register.row(number)
    return Subject(
        code=row["code"],
        name=row["name"],
        status=row["status"],
        division=row["division"],
        former_division=row["former_division"],
        address=row["address"],
        organisation_code=row["organisation_code"],
        registration_no=row["registration_no"],
        former_names=several(row["former_names"]),
        former_codes=several(row["former_codes"]),
        parent=_related(register, row["parent"]),
        branches=tuple(_linked(register, "parent", row["code"])),
        converted_from=_related(register, row["converted_from"]),
        converted_to=next(_linked(register, "converted_from", row["code"]), None),
    )


def _related(register: Register, code: str) -> Related | None:
    if not code:
        return None
    for kind, number in register.find(code):
        if kind is IdentifierKind.CODE:
            return Related(code, str(register.subjects.column("name")[number].as_py()))
    return Related(code, "")


def _linked(register: Register, column: str, code: str) -> Iterator[Related]:
    """Branches of an enterprise, or the enterprise that an individual business became."""
    for number in register.linked(column, code):
        row = register.row(number)
        yield Related(row["code"], row["name"])
