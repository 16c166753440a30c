"""Pure rules of machine access: addresses, scopes, details, keys."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, RSAKey

from xinqiao.kernel.errors import Invalid
from xinqiao.oauth.jose import Unreadable, header_of, read_key
from xinqiao.oauth.rules import check_details, check_registration, plain_url, scope_names
from xinqiao.oauth.types import InvalidRegistration
from xinqiao.parties.types import OrganisationKind

DETAIL = {"type": "credit_query", "enterprise": "x", "purpose": "p", "items": ["i"], "form": "report", "reason": "r"}


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("https://Node.Example/a", "HTTPS://node.example:443/a?x=1#y", True),
        ("http://node.example", "http://node.example/", True),
        ("http://node.example/a%2Db", "http://node.example/a-b", True),
        ("http://node.example/a", "http://node.example/A", False),
        ("http://node.example/a", "https://node.example/a", False),
        ("http://node.example:8000/a", "http://node.example/a", False),
        ("http://node.example/a/", "http://node.example/a", False),
    ],
)
def test_addresses_are_compared_as_rfc_9449_says(one: str, other: str, equal: bool) -> None:
    assert (plain_url(one) == plain_url(other)) is equal


@given(st.text(max_size=60))
def test_no_text_breaks_the_comparison_or_the_reading_of_a_token(text: str) -> None:
    plain_url(text)
    with pytest.raises(Unreadable):
        header_of(text)


@pytest.mark.parametrize(
    "address",
    [
        "http://platform.example/b",
        "https://p.example/b#x",
        "https://u@p.example/",
        "javascript:1",
        "https:///x",
        "//p/x",
    ],
)
def test_addresses_that_cannot_be_registered(address: str) -> None:
    with pytest.raises(InvalidRegistration):
        check_registration("client", scopes=["accesses"], allowed=["accesses"], redirect_uris=[address])


@pytest.mark.parametrize("address", ["https://p.example/back?x=1", "http://127.0.0.1:8765/back", "http://localhost/b"])
def test_addresses_that_can_be_registered(address: str) -> None:
    check_registration("client", scopes=["accesses"], allowed=["accesses"], redirect_uris=[address])


def test_every_fault_of_a_registration_is_told() -> None:
    with pytest.raises(InvalidRegistration) as refused:
        check_registration("No", scopes=["deliver"], allowed=["accesses"], redirect_uris=["x"])
    assert [p.field for p in refused.value.problems] == ["client_id", "scopes", "redirect_uris"]


def test_scopes_follow_the_kind_and_the_purposes() -> None:
    assert scope_names(OrganisationKind.DEPARTMENT, ["p"]) == ("deliver",)
    assert scope_names(OrganisationKind.NODE, ["p"]) == ()
    assert scope_names(OrganisationKind.JUDICIAL, ["p"]) == ("settlement",)
    assert "settlement" in scope_names(OrganisationKind.INSTITUTION, ["p"])
    assert set(scope_names(OrganisationKind.PLATFORM, ["p"])) == {
        "accesses", "authorisations", "disputes", "financing", "credit:public", "credit:p",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"period": True}, ["period"]),
        ({"times": 0, "period": "30"}, ["period", "times"]),
        ({"items": []}, ["items"]),
        ({"items": [1]}, ["items"]),
        ({"extra": 1, "reason": " "}, ["extra", "reason"]),
        ({"enterprise": None, "purpose": "p" * 201}, ["enterprise", "purpose"]),
    ],
)
def test_every_fault_of_a_query_is_told(change: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(Invalid) as refused:
        check_details([DETAIL | change])
    assert sorted(p.field for p in refused.value.problems) == sorted(fields)


def test_a_query_may_leave_its_limits_out() -> None:
    assert check_details([DETAIL]) == DETAIL


@pytest.mark.parametrize(
    "jwk",
    [
        None,
        {},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        ECKey.generate_key("P-384").as_dict(private=False),
        ECKey.generate_key("P-256").as_dict(private=True),
        RSAKey.generate_key(2048).as_dict(private=False) | {"n": "AQAB"},
        OctKey.generate_key(256).as_dict(),
    ],
)
def test_keys_that_are_not_accepted(jwk: Any) -> None:
    """Other curves, points off the curve, short moduli, anything secret."""
    with pytest.raises(Unreadable):
        read_key(jwk)
