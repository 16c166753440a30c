"""Who may hold which role, and what may be registered. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.kernel.identifiers import InvalidUscc, parse_uscc
from xinqiao.parties.types import (
    ENTERPRISE_ROLES,
    SEPARATED,
    OrganisationKind,
    Role,
    RoleNotPossible,
    RolesNotTogether,
)

_EVERYWHERE = frozenset({Role.OPERATOR, *SEPARATED})
ROLES = {
    OrganisationKind.DEPARTMENT: _EVERYWHERE | {Role.CLERK, Role.TECHNICIAN},
    OrganisationKind.INSTITUTION: _EVERYWHERE | {Role.OFFICER, Role.TECHNICIAN},
    OrganisationKind.PLATFORM: _EVERYWHERE | {Role.OFFICER, Role.TECHNICIAN},
    OrganisationKind.NODE: _EVERYWHERE | {Role.TECHNICIAN},
    OrganisationKind.JUDICIAL: _EVERYWHERE | {Role.MAGISTRATE},
}


def check_uscc(text: str) -> str:
    """The normalised code of an enterprise that registers; raises InvalidUscc on a wrong form or check digit.

    Data handed in may carry a wrong check digit and is marked; a registration is typed now and can be corrected.
    """
    uscc = parse_uscc(text)
    if not uscc.check_ok:
        problem = Problem(field="uscc", code="uscc.check", message=Phrase("校验位不符，请按营业执照核对"))
        raise InvalidUscc([problem], text=text)
    return uscc.code


def check_role(role: Role, *, kind: OrganisationKind | None) -> None:
    """Raises RoleNotPossible when an organisation of this kind (None = an enterprise) has no such role."""
    if kind is None:
        if role not in ENTERPRISE_ROLES:
            raise RoleNotPossible(role=role.label, party=Phrase("企业"))
    elif role not in ROLES[kind]:
        raise RoleNotPossible(role=role.label, party=Phrase(kind.label))


def check_together(role: Role, held: Iterable[Role]) -> None:
    """Raises RolesNotTogether when a person may not hold ``role`` beside what they hold of the same organisation."""
    for other in held:
        if other is not role and (role in SEPARATED or other in SEPARATED):
            raise RolesNotTogether(role=role.label, held=other.label)
