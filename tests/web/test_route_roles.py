"""Every route as every role and as nobody: who may is let in, who may not learns nothing.

``./check bench route_roles`` sends the same requests through the whole site; here each route's guard is asked.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpResponseRedirect
from django.test import RequestFactory
from django.urls import reverse

from benchmarks.route_roles import everybody, routes, values_of
from tests.web.test_access import WITHOUT_RULE, all_routes
from xinqiao.parties.queries import acting
from xinqiao.parties.types import MembershipFacts
from xinqiao.web.access import Acting, NotDelegated, NotYours

pytestmark = pytest.mark.sqlite


class Somebody:
    """Signed in as a person of that number."""

    is_authenticated = True

    def __init__(self, pk: int) -> None:
        self.pk = pk


def test_every_route_answers_every_role_as_its_rule_says(fresh_node: Path) -> None:
    """Changing and reading, every role of every kind of party, a delegate of each single right."""
    assert set(routes()) == set(all_routes()) - WITHOUT_RULE
    people = {role: membership for role, (_, membership) in everybody().items() if not role.startswith("platform")}
    seen = set()
    for name, route in routes().items():
        rule = route.callback.access_rule
        for role, membership in people.items():
            if rule.portal is None and not rule.signed_in and role != "nobody":
                continue  # nobody is asked who they are
            for method in ("get", "post"):
                should = rule.admits(membership, reading=method == "get")
                if should and rule.portal is None:
                    continue  # pages of everybody's own are tried by their own tests
                assert let_in(route, name, method, membership) == should, (name, method, role)
                seen.add(should)
    assert seen == {True, False}


def let_in(route: Any, name: str, method: str, membership: MembershipFacts | None) -> bool:
    """Whether the guard lets the request through to the view, which may then fail for want of anything in it."""
    values = values_of(route)
    request = getattr(RequestFactory(), method)(reverse(name, kwargs=values))
    request.user = Somebody(membership.person_id) if membership else AnonymousUser()
    request._actor = Acting(acting(membership), membership) if membership else None
    request.session = (
        SessionStore()
    )  # as empty as a stranger's, and like theirs written only when a view keeps something
    try:
        answer = route.callback(request, **values)
    except (NotYours, NotDelegated):
        return False
    except Exception:  # the view's own
        return True
    return not (isinstance(answer, HttpResponseRedirect) and answer.url.startswith(("/sign-in/?next=", "/choose/")))
