"""授权的范围：授权什么，就只能查什么。

The scope of an authorisation: what was authorised may be read, and nothing else.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from xinqiao.consent.rules import authorisation_state
from xinqiao.consent.types import Authorisation, AuthorisationState, AuthorisationStatus, Form, Power, PowerSource

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
END = START + timedelta(days=30)
POWER = Power(PowerSource.LEGAL_REPRESENTATIVE, (), None, "password", "")
GIVEN = Authorisation(
    id="C20260301-1", request="R20260228-1", status=AuthorisationStatus.ACTIVE,
    subject="91610131MA7TEXT018", subject_name="示例机械有限公司", signatory=1, power=POWER,
    recipient="bank-a", recipient_name="示例银行", purpose="approval",
    items=("tax.credit_rating", "social.insurance"), form=Form.REPORT, valid_from=START, valid_to=END,
    times_max=3, times_used=0, data_months=36, retention_days=90, reason="流动资金贷款", product="", platform="",
    template="credit_query", template_version="2026.2", list_sha256="0" * 64, text_sha256="0" * 64, locale="zh",
    channel="portal", address="", ended_at=None, ended_reason="",
)  # fmt: skip
READ: dict[str, Any] = {
    "recipient": "bank-a",
    "subject": "91610131MA7TEXT018",
    "purpose": "approval",
    "items": ["tax.credit_rating"],
    "form": Form.REPORT,
    "now": START + timedelta(days=1),
}


def state(authorisation: Authorisation | None = GIVEN, **changes: Any) -> AuthorisationState:
    """The state for a read that differs from the authorised one in ``changes``."""
    return authorisation_state(authorisation, **(READ | changes))


def test_no_authorisation() -> None:
    """未经企业授权，视为没有授权。

    Without the enterprise's authorisation there is none, whatever the reason.
    """
    assert state(None) is AuthorisationState.NONE


def test_what_was_authorised() -> None:
    """在授权的机构、企业、用途、数据项、形式和期限之内，授权有效。

    Within recipient, subject, purpose, items, form and period the authorisation holds.
    """
    assert state() is AuthorisationState.ACTIVE
    assert state(items=["tax.credit_rating", "social.insurance"]) is AuthorisationState.ACTIVE
    assert state(items=[]) is AuthorisationState.ACTIVE


@pytest.mark.parametrize(
    "change",
    [
        {"recipient": "bank-b"},
        {"subject": "91610131MA7TEXT026"},
        {"purpose": "post_loan"},
        {"items": ["housing.fund"]},
        {"items": ["tax.credit_rating", "housing.fund"]},
        {"form": Form.DETAIL},
    ],
    ids=lambda change: next(iter(change)),
)
def test_anything_else_is_outside(change: dict[str, Any]) -> None:
    """换一家机构、一家企业、一个用途、一个数据项或更详细的形式，均超出授权。

    Another recipient, subject, purpose or item, or a fuller form, is outside the authorisation.
    """
    assert state(**change) is AuthorisationState.OUTSIDE


@pytest.mark.parametrize("given", list(Form))
@pytest.mark.parametrize("asked", list(Form))
def test_a_lesser_form_is_covered_a_fuller_one_is_not(given: Form, asked: Form) -> None:
    """授权较详细的形式，包含由其加工的较简形式；反之不然。

    A fuller form covers the lesser ones made from it; never the other way round.
    """
    order = [Form.VERIFY, Form.DERIVED, Form.REPORT, Form.DETAIL]
    allowed = order.index(asked) <= order.index(given)
    expected = AuthorisationState.ACTIVE if allowed else AuthorisationState.OUTSIDE
    assert state(replace(GIVEN, form=given), form=asked) is expected


def test_a_stranger_learns_nothing() -> None:
    """对范围之外的查询，不透露授权是否已撤回或到期。

    A read outside the scope is not told whether the authorisation was withdrawn or has expired.
    """
    withdrawn = replace(GIVEN, status=AuthorisationStatus.WITHDRAWN)
    assert state(withdrawn, recipient="bank-b") is AuthorisationState.OUTSIDE
    assert state(recipient="bank-b", now=END) is AuthorisationState.OUTSIDE
