"""授权的上限：最小必要，从严适用；同意的是看到的文本。

The limits of an authorisation: the least that is needed, the strictest holds; agreed is what was shown.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from xinqiao.consent.queries import get_template
from xinqiao.consent.rules import (
    ceiling_of,
    check_interval,
    check_limits,
    check_scope,
    narrow,
    render_text,
    shown_text,
    strictest,
    under_ceiling,
)
from xinqiao.consent.types import AlreadyRequested, BeyondCeiling, Ceiling, Form, Scope
from xinqiao.kernel.canonical import sha256_hex

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
TEMPLATE = get_template()
SCOPE = Scope(
    organisation="bank-a", organisation_name="示例银行", enterprise="91610131MA7TEXT018",
    enterprise_name="示例机械有限公司", purpose="approval", items=("tax.credit_rating", "social.insurance"),
    form=Form.REPORT, days=30, times=3, data_months=36, retention_days=1825, reason="流动资金贷款",
)  # fmt: skip
NAMES = ["纳税信用等级", "社会保险缴费"]


def test_the_strictest_limit_holds() -> None:
    """模板、用途、形式各有上限时，从严适用。

    Where template, purpose and form each have limits, the strictest of each kind holds.
    """
    assert strictest(Ceiling(30, 1, 36, 90), None, Ceiling(90, 5, 12, 30)) == Ceiling(30, 1, 12, 30)
    detail = ceiling_of(TEMPLATE, purpose="post_loan", form=Form.DETAIL)
    report = ceiling_of(TEMPLATE, purpose="post_loan", form=Form.REPORT)
    assert detail.times < report.times
    for purpose in TEMPLATE.purposes:
        for form in Form:
            limit = ceiling_of(TEMPLATE, purpose=purpose, form=form)
            assert strictest(limit, TEMPLATE.ceiling) == limit


@pytest.mark.parametrize(("days", "times"), [(31, 1), (1, 4), (0, 1), (1, 0), (-1, 1)])
def test_nothing_beyond_the_limits_may_be_asked(days: int, times: int) -> None:
    """请求的期限或次数超过上限的，予以拒绝并说明上限。

    A request beyond the limits is refused and told the limits.
    """
    limit = ceiling_of(TEMPLATE, purpose="approval", form=Form.REPORT)
    check_limits(limit, days=limit.days, times=limit.times)
    with pytest.raises(BeyondCeiling) as refusal:
        check_limits(limit, days=days, times=times)
    assert "1 至" in refusal.value.problems[0].message


def test_every_fault_is_named_at_once() -> None:
    """请求有多处不当的，一次全部指出。

    All faults of a request are named at once.
    """
    with pytest.raises(BeyondCeiling) as refusal:
        check_scope(TEMPLATE, purpose="marketing", items=["no.item"], known=["a"], form=Form.REPORT, reason=" ")
    assert [problem.field for problem in refusal.value.problems] == ["purpose", "items", "reason"]
    with pytest.raises(BeyondCeiling):
        check_scope(TEMPLATE, purpose="approval", items=[], known=["a"], form=Form.REPORT, reason="贷款")
    with pytest.raises(BeyondCeiling):
        check_scope(TEMPLATE, purpose="approval", items=["a"], known=["a"], form=Form.REPORT, reason="贷款\n其他")


def test_one_request_in_thirty_days() -> None:
    """同一机构对同一企业，30 天内只能请求一次授权，并告知此前的请求。

    One request per organisation and enterprise in 30 days; the refusal names the earlier one.
    """
    with pytest.raises(AlreadyRequested) as refusal:
        check_interval("R1", requested_at=NOW - timedelta(days=29, hours=23), now=NOW)
    assert refusal.value.data == {"request": "R1", "again_on": "2026-03-01"}
    check_interval("R1", requested_at=NOW - timedelta(days=30), now=NOW)


def test_an_enterprise_may_agree_to_less_never_to_more() -> None:
    """企业可以缩小数据项和期限后同意，不会同意到请求之外。

    An enterprise may agree to fewer items and days, never to what was not asked.
    """
    assert narrow(SCOPE) == SCOPE
    less = narrow(SCOPE, items=["social.insurance"], days=7)
    assert (less.items, less.days) == (("social.insurance",), 7)
    for more in ({"items": ["housing.fund"]}, {"items": []}, {"days": 31}, {"days": 0}):
        with pytest.raises(BeyondCeiling):
            narrow(SCOPE, **more)


def test_a_stricter_template_binds_requests_already_made() -> None:
    """模板改严后，此前的请求也按新的上限执行。

    When the template becomes stricter, requests already made are held to it.
    """
    stricter = replace(TEMPLATE, ceiling=Ceiling(7, 1, 12, 30))
    held = under_ceiling(stricter, SCOPE)
    assert (held.days, held.times, held.data_months, held.retention_days) == (7, 1, 12, 30)
    without = replace(TEMPLATE, purposes={})
    with pytest.raises(BeyondCeiling):
        under_ceiling(without, SCOPE)


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_the_text_says_everything_that_binds(locale: str) -> None:
    """授权文本写明企业、机构、用途、数据项、形式、期限、次数、数据范围、保存期限和事由。

    The text names enterprise, institution, purpose, items, form, days, reads, reach of data, retention and reason.
    """
    text = render_text(TEMPLATE, SCOPE, NAMES, locale=locale)
    expected = [SCOPE.enterprise, SCOPE.enterprise_name, SCOPE.organisation_name, SCOPE.reason, *NAMES]
    expected += ["30", "3", "36", "1825", TEMPLATE.version]
    assert all(part in text for part in expected)
    assert "{" not in text


def test_the_digest_is_of_the_exact_text() -> None:
    """授权记录的摘要就是所见文本的摘要；任何一项变化，摘要随之变化。

    The digest kept is that of the text shown; it changes with every fact.
    """
    shown = shown_text(TEMPLATE, SCOPE, NAMES, locale="zh")
    assert shown.sha256 == sha256_hex(shown.text.encode())
    assert shown == shown_text(TEMPLATE, SCOPE, NAMES, locale="zh")
    changes = {
        "organisation_name": "其他银行", "enterprise": "91610131MA7TEXT026", "enterprise_name": "其他企业",
        "purpose": "guarantee", "form": Form.VERIFY, "days": 29, "times": 2, "data_months": 12,
        "retention_days": 30, "reason": "其他",
    }  # fmt: skip
    digests = {
        shown_text(TEMPLATE, replace(SCOPE, **{name: value}), NAMES, locale="zh").sha256
        for name, value in changes.items()
    }
    digests |= {shown_text(TEMPLATE, SCOPE, NAMES[:1], locale="zh").sha256}
    digests |= {shown_text(TEMPLATE, SCOPE, NAMES, locale="en").sha256}
    assert len(digests | {shown.sha256}) == len(changes) + 3


def test_text_given_by_users_is_never_read_as_a_placeholder() -> None:
    """事由等用户填写的文字原样显示。

    What users type is shown as typed.
    """
    text = render_text(TEMPLATE, replace(SCOPE, reason="{enterprise} {0}"), NAMES, locale="zh")
    assert "{enterprise} {0}" in text
