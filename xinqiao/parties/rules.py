"""Who may hold which role, and what may be registered. Pure."""

from __future__ import annotations

from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.kernel.identifiers import InvalidUscc, parse_uscc
from xinqiao.parties.types import ENTERPRISE_ROLES, Role, RoleNotPossible


def check_uscc(text: str) -> str:
    """The normalised code of an enterprise that registers; raises InvalidUscc on a wrong form or check digit.

    Data handed in may carry a wrong check digit and is marked; a registration is typed now and can be corrected.
    """
    uscc = parse_uscc(text)
    if not uscc.check_ok:
        problem = Problem(field="uscc", code="uscc.check", message=Phrase("校验位不符，请按营业执照核对"))
        raise InvalidUscc([problem], text=text)
    return uscc.code


def check_role(role: Role, *, for_enterprise: bool) -> None:
    """Raises RoleNotPossible when an enterprise (or an organisation) has no such role."""
    if (role in ENTERPRISE_ROLES) != for_enterprise:
        raise RoleNotPossible(role=role.label, party=Phrase("企业") if for_enterprise else Phrase("机构"))
