"""From the ledger to an alert, from an alert to a freeze by two people, to the appeal heard by a third."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from tests.factories import deliver, registered, registration, uscc
from tests.machines import register_client
from xinqiao.consent.actions import grant_authorisation, request_authorisation, withdraw_authorisation
from xinqiao.consent.queries import consent_text
from xinqiao.consent.types import Form
from xinqiao.evidence.queries import list_entries
from xinqiao.kernel.transitions import TransitionRefused
from xinqiao.oauth.queries import get_client
from xinqiao.parties.actions import (
    add_member,
    register_enterprise,
    register_organisation,
    register_person,
    set_admitted,
)
from xinqiao.parties.queries import list_memberships
from xinqiao.parties.types import OrganisationKind, Role
from xinqiao.records.queries import delivered_items
from xinqiao.release.actions import query
from xinqiao.release.queries import list_accesses
from xinqiao.release.types import Inquiry, NotRegistered, NotReleased, Recipient, RecipientKind
from xinqiao.supervision.actions import (
    appeal_freeze,
    approve_freeze,
    decide_appeal,
    decline_freeze,
    dismiss_alert,
    lift_freeze,
    propose_freeze,
)
from xinqiao.supervision.canaries import plant_canaries
from xinqiao.supervision.queries import count_canaries, get_alert, get_freeze, list_alerts, list_freezes
from xinqiao.supervision.types import (
    AlertState,
    AlreadyFrozen,
    CanariesRefused,
    FreezeState,
    NotFreezable,
    Sentinel,
    UnknownAlert,
    UnknownFreeze,
)
from xinqiao.supervision.watch import watch

BANK = Recipient(RecipientKind.INSTITUTION, "bank-a", "Sample Bank")
FIRST, SECOND, THIRD = "person:101", "person:102", "person:103"
NOON = timezone.now().replace(year=2026, month=11, day=20, hour=4, minute=0)  # a working day in Beijing


@pytest.fixture
def bank(fresh_node: Path) -> datetime:
    """A bank with a program and an officer, and fifteen firms in the registry."""
    by: dict[str, Any] = {"actor": "t", "now": NOON - timedelta(days=1)}
    for code, kind in (("bank-a", OrganisationKind.INSTITUTION), ("node", OrganisationKind.NODE)):
        register_organisation(code, kind=kind, name=code, **by)
    set_admitted("bank-a", admitted=True, reason="assessed", **by)
    register_client("bank-a", **by)
    registered(*range(1, 16), now=by["now"])
    return NOON


def look(number: int, at: datetime, *, actor: str = "api:bank-a") -> None:
    """The bank looks up what is public about the number-th firm."""
    query(Inquiry(BANK, uscc(number), "public", Form.DETAIL, actor, "api", public_only=True), now=at)


def events() -> list[str]:
    return [entry.event for entry in list_entries(limit=500)]


def test_eight_firms_without_an_application_raise_one_alert_that_grows(bank: datetime) -> None:
    for n in range(1, 8):
        look(n, bank + timedelta(seconds=n))
    assert watch(now=bank + timedelta(minutes=1)) == []
    look(8, bank + timedelta(minutes=2))
    (alert,) = watch(now=bank + timedelta(minutes=3))
    assert (alert.sentinel, alert.actor, len(alert.accesses)) == (Sentinel.NO_APPLICATION, "api:bank-a", 8)
    assert watch(now=bank + timedelta(minutes=4)) == [], "nothing new, nothing said"
    look(9, bank + timedelta(minutes=5))
    (grown,) = watch(now=bank + timedelta(minutes=6))
    assert grown.id == alert.id and len(grown.accesses) == 9
    assert [e for e in events() if e.startswith("supervision.")] == ["supervision.alert_grew", "supervision.alerted"]


def test_each_program_and_person_is_watched_apart(bank: datetime) -> None:
    """Ten colleagues who look at one firm each are no enumeration."""
    for n in range(1, 11):
        look(n, bank + timedelta(seconds=n), actor=f"person:{n}")
    assert watch(now=bank + timedelta(minutes=1)) == []


def test_a_dismissed_alert_is_not_raised_again_by_the_same_looks(bank: datetime) -> None:
    for n in range(1, 12):
        look(n, bank + timedelta(seconds=n))
    (alert,) = watch(now=bank + timedelta(minutes=1))
    gone = dismiss_alert(alert.id, reason="a fair: visitors' firms", actor=FIRST, now=bank + timedelta(minutes=2))
    assert gone.state is AlertState.DISMISSED
    look(1, bank + timedelta(minutes=1, seconds=59))
    assert watch(now=bank + timedelta(minutes=3)) == []
    look(12, bank + timedelta(minutes=4))
    (again,) = watch(now=bank + timedelta(minutes=5))
    assert again.id != alert.id and len(again.accesses) == 1, "it speaks of what came since"
    with pytest.raises(TransitionRefused):
        dismiss_alert(alert.id, reason="once more", actor=FIRST, now=bank)
    with pytest.raises(UnknownAlert):
        dismiss_alert(0, reason="none", actor=FIRST, now=bank)


def test_a_code_that_nobody_has_leaves_a_ledger_line_and_counts(bank: datetime) -> None:
    for n in range(100, 105):
        with pytest.raises(NotRegistered) as refusal:
            look(n * 7919, bank + timedelta(seconds=n))
        assert refusal.value.receipt["leaf"]
    line = list_accesses(recipient="bank-a")[0]
    assert not line.allowed and line.rule == "unknown_enterprise" and line.id == refusal.value.data["access"]
    assert Sentinel.ENUMERATION in {alert.sentinel for alert in watch(now=bank + timedelta(minutes=3))}


def test_exchange_8_07_going_on_after_a_withdrawal_is_seen(bank: datetime) -> None:
    by: dict[str, Any] = {"actor": "t", "now": bank - timedelta(hours=2)}
    owner = register_person("owner", name="Owner", password="a long pass phrase", **by)
    register_enterprise(uscc(1), name="Firm", **by)
    add_member(owner, role=Role.OWNER, enterprise=uscc(1), **by)
    asked = request_authorisation(
        "bank-a", enterprise=uscc(1), purpose="approval", items=("tax.payment",), form=Form.REPORT, reason="loan",
        times=3, **by,
    )  # fmt: skip
    digest = consent_text(asked.id, locale="zh").sha256
    given = grant_authorisation(asked.id, signatory=owner, locale="zh", text_digest=digest, now=by["now"])
    withdraw_authorisation(given.id, signatory=owner, now=bank - timedelta(hours=1))
    for n in range(3):
        inquiry = Inquiry(
            BANK, uscc(1), "approval", Form.REPORT, "api:bank-a", "api", ("tax.payment",), authorisation=given.id
        )
        with pytest.raises(NotReleased):
            query(inquiry, now=bank + timedelta(seconds=n))
    (alert,) = watch(now=bank + timedelta(minutes=1))
    assert alert.sentinel is Sentinel.AFTER_WITHDRAWAL and alert.figures == {"attempts": 3, "authorisations": 1}


def test_canaries_are_whole_firms_that_no_provider_delivered(bank: datetime) -> None:
    """They answer like any firm, count as nobody's delivery, and one look is enough."""
    before = delivered_items(known=bank)
    planted = plant_canaries(3, actor=FIRST, now=bank - timedelta(minutes=5))
    assert len(set(planted)) == 3 == count_canaries()
    assert delivered_items(known=bank) == before, "a canary must not make a late department look punctual"
    inquiry = Inquiry(BANK, planted[0], "public", Form.DETAIL, "person:7", "portal", public_only=True)
    document = query(inquiry, now=bank).document
    assert document["name"] and any(block["state"] == "value" for block in document["items"])
    (alert,) = watch(now=bank + timedelta(minutes=1))
    assert (alert.sentinel, alert.actor) == (Sentinel.CANARY, "person:7")
    told = [
        entry for entry in list_entries(limit=500) if entry.event in ("supervision.canary_planted", "ingest.planted")
    ]
    assert told and not [code for code in planted for entry in told if code in str(entry.body)]


@pytest.mark.parametrize("count", [0, -1, 501])
def test_canaries_come_in_sensible_numbers(bank: datetime, count: int) -> None:
    with pytest.raises(CanariesRefused):
        plant_canaries(count, actor=FIRST, now=bank)


def proposed(now: datetime, party: str = "api:bank-a") -> str:
    return propose_freeze(party, organisation="bank-a", reason="enumeration", actor=FIRST, now=now).id


def test_a_program_is_stopped_by_two_people_and_not_by_one(bank: datetime) -> None:
    number = proposed(bank)
    assert not get_client("bank-a").frozen, "a proposal stops nothing"
    with pytest.raises(Exception, match="另一人") as refusal:
        approve_freeze(number, actor=FIRST, now=bank)
    assert refusal.value.code == "supervision.second_person"  # type: ignore[attr-defined]
    assert approve_freeze(number, actor=SECOND, now=bank).state is FreezeState.FROZEN
    assert get_client("bank-a").frozen == number
    with pytest.raises(AlreadyFrozen):
        proposed(bank)
    for event in ("supervision.freeze_proposed", "supervision.frozen", "oauth.client_frozen"):
        assert event in events()


def test_a_member_is_stopped_for_that_organisation_alone(bank: datetime) -> None:
    by: dict[str, Any] = {"actor": "t", "now": bank}
    register_organisation("bank-b", kind=OrganisationKind.INSTITUTION, name="Other", **by)
    person = register_person("banker", name="Banker", password="a long pass phrase", **by)
    for code in ("bank-a", "bank-b"):
        add_member(person, role=Role.OFFICER, organisation=code, **by)
    number = proposed(bank, f"person:{person}")
    approve_freeze(number, actor=SECOND, now=bank)
    frozen = {m.organisation.code: m.frozen for m in list_memberships(person, now=bank) if m.organisation}
    assert frozen == {"bank-a": number, "bank-b": ""}
    lift_freeze(number, reason="explained", actor=SECOND, now=bank)
    assert not [m for m in list_memberships(person, now=bank) if m.frozen]


def test_an_appeal_is_heard_by_a_third_person_within_working_days(bank: datetime) -> None:
    number = proposed(bank)
    approve_freeze(number, actor=SECOND, now=bank)
    with pytest.raises(UnknownFreeze):
        appeal_freeze(number, organisation="bank-b", text="not ours", actor="person:9", now=bank)
    heard = appeal_freeze(number, organisation="bank-a", text="a campaign", actor="person:9", now=bank)
    assert heard.state is FreezeState.APPEALED and f"{heard.due_on}" == "2026-11-27"
    assert get_client("bank-a").frozen, "an appeal lifts nothing by itself"
    for person in (FIRST, SECOND):
        with pytest.raises(Exception, match="另一人"):
            decide_appeal(number, lift=True, reason="fine", actor=person, now=bank)
    kept = decide_appeal(number, lift=False, reason="no campaign is known", actor=THIRD, now=bank)
    assert kept.state is FreezeState.FROZEN and kept.decision
    appeal_freeze(number, organisation="bank-a", text="here are the papers", actor="person:9", now=bank)
    assert decide_appeal(number, lift=True, reason="papers seen", actor=THIRD, now=bank).state is FreezeState.LIFTED
    assert not get_client("bank-a").frozen
    with pytest.raises(TransitionRefused):
        appeal_freeze(number, organisation="bank-a", text="again", actor="person:9", now=bank)


def test_a_proposal_from_an_alert_settles_the_alert(bank: datetime) -> None:
    for n in range(1, 12):
        look(n, bank + timedelta(seconds=n))
    (alert,) = watch(now=bank + timedelta(minutes=1))
    made = propose_freeze(
        alert.actor, organisation="bank-a", reason="enumeration", alert=alert.id, actor=FIRST, now=bank
    )
    assert get_alert(alert.id).freeze == made.id and get_alert(alert.id).state is AlertState.ACTED
    assert list_alerts(state=AlertState.OPEN) == []
    decline_freeze(made.id, reason="explained by phone", actor=SECOND, now=bank)
    assert get_freeze(made.id).state is FreezeState.DECLINED
    assert list_freezes(organisation="bank-a") == [], "an organisation is not told of what was only proposed"


@pytest.mark.parametrize(
    ("party", "organisation"), [("system:sentinels", "bank-a"), ("api:bank-a", "node"), ("person:x", "bank-a")]
)
def test_only_programs_and_people_of_others_can_be_frozen(bank: datetime, party: str, organisation: str) -> None:
    with pytest.raises(NotFreezable):
        propose_freeze(party, organisation=organisation, reason="because", actor=FIRST, now=bank)


def test_a_client_is_frozen_for_its_own_organisation_only(bank: datetime) -> None:
    register_organisation("bank-b", kind=OrganisationKind.INSTITUTION, name="Other", actor="t", now=bank)
    with pytest.raises(NotFreezable):
        propose_freeze("api:bank-a", organisation="bank-b", reason="because", actor=FIRST, now=bank)


def test_another_delivery_does_not_disturb_canaries(bank: datetime) -> None:
    """The registry's next full delivery says nothing of them, and they stand."""
    planted = plant_canaries(1, actor=FIRST, now=bank)
    deliver("registration.basic", [registration(n) for n in range(1, 16)], now=bank + timedelta(hours=1))
    inquiry = Inquiry(BANK, planted[0], "public", Form.DETAIL, "person:7", "portal", public_only=True)
    assert query(inquiry, now=bank + timedelta(hours=2)).document["name"]
