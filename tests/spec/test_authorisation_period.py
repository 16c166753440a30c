"""授权的期限、次数与撤回：每次查询时核对。

Period, number of reads and withdrawal of an authorisation: checked at every read.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.spec.test_authorisation_scope import END, GIVEN, START, state
from xinqiao.consent.types import AuthorisationState, AuthorisationStatus

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (START - SECOND, AuthorisationState.NOT_YET),
        (START, AuthorisationState.ACTIVE),
        (END - SECOND, AuthorisationState.ACTIVE),
        (END, AuthorisationState.EXPIRED),
        (END + timedelta(days=400), AuthorisationState.EXPIRED),
    ],
)
def test_an_authorisation_holds_from_its_first_moment_until_its_last(
    now: datetime, expected: AuthorisationState
) -> None:
    """授权自生效之时起有效，到期之时即失效，不待系统标记。

    It holds from its first moment and ends at its last, whether or not a job has marked it.
    """
    assert state(now=now) is expected


def test_no_read_after_withdrawal() -> None:
    """撤回授权后，下一次查询即被拒绝；撤回优先于到期。

    After withdrawal the very next read is refused; withdrawal is named even when the period is over too.
    """
    withdrawn = replace(GIVEN, status=AuthorisationStatus.WITHDRAWN)
    assert state(withdrawn) is AuthorisationState.WITHDRAWN
    assert state(withdrawn, now=END) is AuthorisationState.WITHDRAWN


def test_no_read_beyond_the_number_agreed() -> None:
    """查询次数用完，授权即不能再用。

    Once the reads agreed to are used up, the authorisation can be used no more.
    """
    assert state(replace(GIVEN, times_used=2)) is AuthorisationState.ACTIVE
    assert state(replace(GIVEN, times_used=3)) is AuthorisationState.USED_UP


def test_expiry_that_was_marked_is_final() -> None:
    """已标记到期的授权不再生效。

    An authorisation marked expired stays so.
    """
    assert state(replace(GIVEN, status=AuthorisationStatus.EXPIRED)) is AuthorisationState.EXPIRED
