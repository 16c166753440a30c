"""Every route of the site, by reading and by changing, tried as every role and as nobody.

What must happen follows from the rule that the route names: who may is not turned away, who may not is, and learns
nothing. Who is turned away gets the sign-in page, an answer that says no, or that there is no such page.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.figure import Figure
from benchmarks.node import ACTOR, database_name, fresh_node
from xinqiao.kernel.identifiers import make_uscc

if TYPE_CHECKING:
    from django.test import Client
    from django.urls import URLPattern

    from xinqiao.parties.types import MembershipFacts

NAME = "route_roles"
BAR = "every route answers every role as its rule says, and nobody alike"
FIRM = make_uscc("91", "610102", "MAT000001")
VALUES: Mapping[str, Any] = {"code": "tax.credit_rating", "uscc": FIRM, "path": "checkpoint", "day": "2026-01-01"}
TURNED_AWAY = ("web.not_yours", "web.not_delegated")


@dataclass(frozen=True, slots=True)
class Trial:
    """One route tried by one method as one role; ``let_in`` is what happened, ``should`` what its rule says."""

    route: str
    method: str
    role: str
    should: bool
    let_in: bool


def measure(scale: float) -> Figure:
    """Make one person of every role of every kind of party, and try."""
    os.environ["XINQIAO_SECOND_FACTOR"] = "off"  # roles are tried here, not how one signs in
    with fresh_node():
        began = time.perf_counter()
        trials = list(try_all(everybody()))
        seconds = time.perf_counter() - began
        database = database_name()
    wrong = [t for t in trials if t.should != t.let_in]
    routes, roles = {t.route for t in trials}, {t.role for t in trials}
    rows: list[tuple[object, ...]] = [("role", "let in", "turned away", "wrong")]
    for role in sorted(roles):
        mine = [t for t in trials if t.role == role]
        let = sum(t.let_in for t in mine)
        rows.append((role, let, len(mine) - let, sum(t.should != t.let_in for t in mine)))
    rows += [(f"{t.route} {t.method} as {t.role}", t.let_in, f"should: {t.should}", "") for t in wrong[:20]]
    return Figure(
        name=NAME,
        table=rows,
        ours=f"{len(trials) - len(wrong):,} of {len(trials):,} right: {len(routes)} routes, {len(roles)} roles, "
        f"{seconds:.0f} s on {database}",
        against="the rule each route names",
        ratio="1",
        bar=BAR,
        met=not wrong and len(trials) > 0,
        scale=scale,
    )


def routes() -> dict[str, URLPattern]:
    """Name → route that carries a rule, the API apart."""
    from xinqiao.web.routing import list_routes

    return {str(route.name): route for _, route in list_routes() if getattr(route.callback, "access_rule", None)}


def try_all(people: Mapping[str, tuple[Client, MembershipFacts | None]]) -> Iterator[Trial]:
    """Try every route by GET and POST as everybody of ``people``: role → browser and membership, None = signed out."""
    from django.urls import reverse

    for name, route in routes().items():
        rule = route.callback.access_rule
        if name == "sign-out":
            continue  # it would end the session the next trial needs
        address = reverse(name, kwargs=values_of(route))
        for role, (browser, membership) in people.items():
            for method in ("get", "post"):
                should = rule.admits(membership, reading=method == "get")
                yield Trial(name, method, role, should, _let_in(browser, method, address))


def values_of(route: URLPattern) -> dict[str, object]:
    """What stands in a route's address."""
    kinds = {key: type(kind).__name__ for key, kind in route.pattern.converters.items()}
    return {key: VALUES.get(key, _any(kind)) for key, kind in kinds.items()}


def _any(kind: str) -> object:
    return 999_999_999 if kind == "IntConverter" else "x"  # nobody's and nothing's: a trial changes no other's ground


def _let_in(browser: Client, method: str, address: str) -> bool:
    """Whether the request reached the page: whatever the page then says to a request with nothing in it."""
    answer = getattr(browser, method)(address)
    if answer.status_code == 302 and answer["Location"].startswith(("/sign-in/?next=", "/choose/")):
        return False
    if answer.status_code == 500 or (answer.status_code == 400 and b"DisallowedHost" in answer.content):
        raise RuntimeError(f"{method} {address} was not understood: {answer.content[:200]!r}")
    if answer.status_code not in (403, 404):
        return True
    return not any(code in answer.content.decode("utf-8", "replace") for code in TURNED_AWAY)


def everybody() -> dict[str, tuple[Client, MembershipFacts | None]]:
    """A person of every role of every kind of party, a delegate of each single right, and nobody."""
    from datetime import UTC, datetime

    from django.contrib.auth import get_user_model
    from django.test import Client

    from xinqiao.parties.actions import add_member, register_enterprise, register_organisation, register_person
    from xinqiao.parties.rules import ROLES
    from xinqiao.parties.types import Right, Role

    now = datetime.now(UTC)
    by = {"actor": ACTOR, "now": now}
    found: dict[str, tuple[Client, MembershipFacts | None]] = {"nobody": (Client(SERVER_NAME="127.0.0.1"), None)}
    register_enterprise(FIRM, name="Example", **by)

    def person(label: str, **member: Any) -> None:
        number = register_person(label, name=label, password="-", **by)
        membership = add_member(number, **member, **by)
        browser = Client(raise_request_exception=False, SERVER_NAME="127.0.0.1")
        browser.force_login(get_user_model().objects.get(pk=number))
        found[label] = browser, membership

    for kind, roles in ROLES.items():
        register_organisation(f"{kind}-x", kind=kind, name=str(kind), **by)
        for role in sorted(roles):
            person(f"{kind} {role}", role=role, organisation=f"{kind}-x")
    person("enterprise owner", role=Role.OWNER, enterprise=FIRM)
    for right in Right:
        person(f"enterprise delegate: {right}", role=Role.DELEGATE, enterprise=FIRM, rights=[right])
    return found
