"""The API keeps what its description promises, whatever is sent to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode

from tests.machines import keep_connections, signing
from tests.web.conftest import FIRM, Town
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


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("label", _operations())
def test_every_answer_is_one_the_description_names(town: Town, checks: list[Any], label: str, role: str) -> None:
    """No fault, no undocumented status, content type or body, for well-formed and malformed calls alike."""
    if label == "GET /api/v1/enterprises":
        rebuild(actor="t", now=town.now)  # without an index the answer is 503, which is described but is no answer
    application = get_wsgi_application() if role == "nobody" else signing(get_wsgi_application(), town.api(role))
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application, config=CONFIG)
    operation = next(r.ok() for r in schema.get_all_operations() if r.ok().label == label)
    # Signed on the way, each call anew; who is nobody sends none, or a scheme that opens nothing.
    headers = {"Authorization": "Bearer none" if role == "nobody" else "DPoP machine"}
    cases = st.one_of(operation.as_strategy(generation_mode=mode) for mode in GenerationMode)
    real = _real_values(town)

    @seed(20260101)
    @settings(
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


def _real_values(town: Town) -> dict[str, Any]:
    """Values that exist, so that calls get beyond the first refusal."""
    given, asked = town.grant(town.ask(times=3)), town.ask("bank-b")
    return {
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
