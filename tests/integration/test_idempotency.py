"""A repeated request is answered, not carried out again, whatever happened the first time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.factories import DAY, NOW
from xinqiao.kernel.errors import Refused
from xinqiao.plumbing.idempotency import ABANDONED, KEEP, KeyReused, StillRunning, once
from xinqiao.plumbing.models import KeptAnswer

pytestmark = pytest.mark.django_db


class Act:
    """Counts how often it is carried out; may refuse or crash the first time."""

    def __init__(self, failure: BaseException | None = None) -> None:
        self.count, self.failure = 0, failure

    def __call__(self) -> tuple[int, str]:
        self.count += 1
        if self.count == 1 and self.failure:
            KeptAnswer.objects.create(caller="ledger", key="written", fingerprint="", at=NOW)
            raise self.failure
        return 200, f'"{self.count}"'


def call(act: Act, *, fingerprint: str = "a", now: object = NOW, together: bool = False) -> tuple[int, str, bool]:
    return once(act, caller="bank", key="k", fingerprint=fingerprint, now=now, together=together)  # type: ignore[arg-type]


@pytest.mark.parametrize("together", [True, False])
def test_the_first_answer_is_given_again_for_seven_days(together: bool) -> None:
    act = Act()
    assert call(act, together=together) == (200, '"1"', False)
    assert call(act, now=NOW + KEEP - timedelta(seconds=1), together=together) == (200, '"1"', True)
    assert call(act, now=NOW + KEEP + DAY, together=together) == (200, '"2"', False)


def test_another_body_under_the_same_key_is_refused() -> None:
    act = Act()
    call(act)
    with pytest.raises(KeyReused):
        call(act, fingerprint="b")
    assert act.count == 1


@pytest.mark.parametrize("together", [True, False])
def test_a_refusal_keeps_what_it_wrote_and_can_be_tried_again(together: bool) -> None:
    act = Act(Refused())
    with pytest.raises(Refused):
        call(act, together=together)
    assert KeptAnswer.objects.filter(caller="ledger").exists(), "the line about the refusal stays"
    assert call(act, together=together) == (200, '"2"', False)


def test_a_crash_leaves_nothing_of_the_act_and_can_be_tried_again() -> None:
    act = Act(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        call(act, together=True)
    assert not KeptAnswer.objects.filter(caller="ledger").exists()
    assert call(act, together=True) == (200, '"2"', False)


def test_a_request_under_way_is_not_started_twice_but_an_abandoned_one_may_be() -> None:
    KeptAnswer.objects.create(caller="bank", key="k", fingerprint="a", at=NOW)
    with pytest.raises(StillRunning):
        call(Act(), now=NOW + ABANDONED / 2)
    assert call(Act(), now=NOW + ABANDONED * 2)[2] is False
