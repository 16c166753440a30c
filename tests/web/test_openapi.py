"""The API keeps what its description promises, whatever is sent to it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from ninja import Schema
from schemathesis import Case
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode

from tests.kept import laid_down
from tests.machines import keep_connections, signing
from tests.web.conftest import FIRM, HASHERS, Town, set_up
from tools.openapi import PATH, openapi_text
from xinqiao.directory.build import rebuild
from xinqiao.ingest.queries import list_deliveries

EXAMPLES = 30
ROLES = ("bank-a", "hub", "tax_bureau", "nobody")  # institution, platform, department, no client at all
# Unknown query parameters are ignored, as servers do; unknown fields of a body are refused.
CONFIG = SchemathesisConfig.from_dict({"generation": {"allow-extra-parameters": False}})
# A body of the right form can still be wrong (a check digit, a limit, a purpose): 422 is a documented answer to it.
# The other two compare several calls and are for stateful runs.
NOT_APPLICABLE = {"positive_data_acceptance", "use_after_free", "ensure_resource_availability"}


def test_the_description_in_the_repository_is_the_one_served() -> None:
    """``python -m tools.openapi`` writes it; a change of the API is seen in review."""
    assert PATH.read_text("utf-8") == openapi_text()


def test_no_two_bodies_share_a_name() -> None:
    """The description lists them by name alone: of two, one would be described as the other."""
    found, names = [Schema], []
    while found:
        found += (kind := found.pop()).__subclasses__()
        names += [kind.__name__] if kind.__module__.startswith("xinqiao.") else []
    assert "AnswerOut" in names
    assert [name for name, times in Counter(names).items() if times > 1] == []


def _operations() -> list[str]:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "xinqiao.config.settings")
    schema = schemathesis.openapi.from_path(PATH)
    return [result.ok().label for result in schema.get_all_operations()]


@pytest.fixture(autouse=True)
def _one_connection() -> Iterator[None]:
    """The test's transaction goes on over its requests, as it does with Django's own test client."""
    keep_connections()
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def checks() -> Iterator[list[Any]]:
    """Every check that applies to single calls."""
    load_all_checks()
    yield [CHECKS.get_one(name) for name in CHECKS.get_all_names() if name not in NOT_APPLICABLE]


@pytest.fixture
def asked(fresh_node: Path, settings: Any) -> tuple[Town, dict[str, Any]]:
    """A town in which something has been asked for, granted and read, with the values that name it."""
    settings.PASSWORD_HASHERS = HASHERS
    return laid_down(_asked, fresh_node)


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("label", _operations())
def test_every_answer_is_one_the_description_names(
    asked: tuple[Town, dict[str, Any]], checks: list[Any], label: str, role: str
) -> None:
    """No fault, no undocumented status, content type or body, for well-formed and malformed calls alike."""
    town, real = asked
    if label == "GET /api/v1/enterprises":
        rebuild(actor="t", now=town.now)  # without an index the answer is 503, which is described but is no answer
    application = get_wsgi_application() if role == "nobody" else signing(get_wsgi_application(), town.api(role))
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application, config=CONFIG)
    operation = next(r.ok() for r in schema.get_all_operations() if r.ok().label == label)
    # Signed on the way, each call anew; who is nobody sends none, or a scheme that opens nothing.
    headers = {"Authorization": "Bearer none" if role == "nobody" else "DPoP machine"}
    cases = st.one_of(operation.as_strategy(generation_mode=mode) for mode in GenerationMode)

    @seed(20260101)
    @hypothesis_settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, deep=st.booleans())
    def conforms(case: Case, deep: bool) -> None:
        if deep and case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE:
            _put_real_values(case, real)
        case.call_and_validate(headers=headers, checks=checks)

    conforms()


def _asked() -> tuple[Town, dict[str, Any]]:
    """The town, and values that exist in it, so that calls get beyond the first refusal."""
    town = set_up()
    given, asked = town.grant(town.ask(times=3)), town.ask("bank-b")
    return town, {
        "enterprise": FIRM,
        "uscc": FIRM,
        "purpose": "approval",
        "item": "tax.credit_rating",
        "items": ["tax.payment"],
        "code": "E01",
        "authorisation": given.id,
        "access": town.read(authorisation=given.id),
        "request_id": asked.id,
        "delivery": list_deliveries(now=town.now)[0].delivery,
    }


def _put_real_values(case: Case, real: dict[str, Any]) -> None:
    for part in (case.body, case.path_parameters):
        if isinstance(part, dict):
            part.update({name: value for name, value in real.items() if name in part})
