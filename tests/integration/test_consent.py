"""Requests and authorisations on the real database, from question to last read, each step with its evidence."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from tests.kept import laid_down
from xinqiao.consent import actions, jobs, powers, queries, rules
from xinqiao.consent.models import AuthorisationRow
from xinqiao.consent.types import (
    AlreadyRequested,
    Authorisation,
    AuthorisationNotFound,
    AuthorisationState,
    AuthorisationStatus,
    BeyondCeiling,
    Form,
    NotAdmitted,
    NotUsable,
    PowerMissing,
    PowerSource,
    RequestFacts,
    RequestState,
    TextChanged,
)
from xinqiao.evidence.chain_keys import chain_key
from xinqiao.evidence.keys import document_key
from xinqiao.evidence.merkle import InvalidProof
from xinqiao.evidence.proofs import check_document
from xinqiao.evidence.queries import list_entries
from xinqiao.kernel.canonical import canonical_bytes, sha256_hex
from xinqiao.kernel.identifiers import make_uscc
from xinqiao.kernel.transitions import TransitionRefused
from xinqiao.parties.actions import (
    add_member,
    end_membership,
    register_enterprise,
    register_organisation,
    register_person,
    set_admitted,
)
from xinqiao.parties.types import OrganisationKind, PartyNotFound, Role

NOW = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
DAY = timedelta(days=1)
FIRM = make_uscc("91", "610131", "MA7TEXT01")
ITEMS = ("tax.credit_rating", "social.insurance")
BY: dict[str, Any] = {"actor": "system", "now": NOW}

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("evidence_folder")]


@pytest.fixture
def owner(evidence_folder: Path) -> int:
    """The owner of the enterprise, with an admitted bank beside."""
    return laid_down(_owner, evidence_folder.parent)


def _owner() -> int:
    register_organisation("bank-a", kind=OrganisationKind.INSTITUTION, name="示例银行", **BY)
    set_admitted("bank-a", admitted=True, reason="评估通过", **BY)
    register_enterprise(FIRM, name="示例机械有限公司", **BY)
    person = register_person("li", name="李示例", password="correct horse battery", **BY)
    add_member(person, role=Role.OWNER, enterprise=FIRM, **BY)
    chain_key()  # made with the other keys
    return person


def _ask(**changes: Any) -> RequestFacts:
    asked: dict[str, Any] = {"enterprise": FIRM, "purpose": "approval", "items": ITEMS, "form": Form.REPORT}
    asked |= {"reason": "流动资金贷款", "actor": "person:9", "now": NOW, "organisation": "bank-a"} | changes
    return actions.request_authorisation(asked.pop("organisation"), **asked)


def _grant(request: RequestFacts, owner: int, *, now: datetime = NOW, **chosen: Any) -> Authorisation:
    shown = queries.consent_text(request.id, locale="zh", **chosen)
    return actions.grant_authorisation(
        request.id, signatory=owner, locale="zh", text_digest=shown.sha256, now=now, **chosen
    )


def _events() -> list[str]:
    return [entry.event for entry in list_entries(subject=FIRM)]


def _state(given: Authorisation, now: datetime) -> AuthorisationState:
    return rules.authorisation_state(
        queries.find_authorisation(given.id),
        recipient="bank-a",
        subject=FIRM,
        purpose="approval",
        items=ITEMS,
        form=Form.REPORT,
        now=now,
    )


def test_from_question_to_last_read(owner: int) -> None:
    request = _ask(times=2)
    assert request.state is RequestState.REQUESTED
    given = _grant(request, owner)
    assert queries.get_request(request.id).authorisation == given.id
    assert (given.recipient, given.subject, given.items) == ("bank-a", FIRM, ITEMS)
    assert given.power.source is PowerSource.LEGAL_REPRESENTATIVE
    assert given.valid_to - given.valid_from == 30 * DAY
    assert _state(given, NOW) is AuthorisationState.ACTIVE
    assert queries.find_active(recipient="bank-a", subject=FIRM, purpose="approval", now=NOW) == given
    assert actions.use_authorisation(given.id, now=NOW).times_used == 1
    used = actions.use_authorisation(given.id, now=NOW)
    assert used.status is AuthorisationStatus.USED_UP
    assert _state(given, NOW) is AuthorisationState.USED_UP
    with pytest.raises(NotUsable, match="次数已用完"):
        actions.use_authorisation(given.id, now=NOW)
    assert queries.find_active(recipient="bank-a", subject=FIRM, purpose="approval", now=NOW) is None
    assert _events()[:4] == ["consent.used", "consent.used", "consent.granted", "consent.requested"]


def test_the_text_agreed_to_is_kept_word_for_word(owner: int) -> None:
    request = _ask()
    shown = queries.consent_text(request.id, locale="zh")
    assert "纳税" in shown.text
    given = _grant(request, owner)
    assert given.text_sha256 == shown.sha256
    assert AuthorisationRow.objects.get().text == shown.text
    (entry,) = list_entries(subject=FIRM, event="consent.granted")
    assert entry.body["text_sha256"] == shown.sha256
    assert entry.body["items"] == list(ITEMS)


def test_agreement_to_another_text_binds_nothing(owner: int, monkeypatch: pytest.MonkeyPatch) -> None:
    request = _ask()
    shown = queries.consent_text(request.id, locale="zh")
    newer = replace(queries.get_template(), version="2099.1")
    with monkeypatch.context() as patch, pytest.raises(TextChanged):
        patch.setattr(queries, "get_template", lambda: newer)
        actions.grant_authorisation(request.id, signatory=owner, locale="zh", text_digest=shown.sha256, now=NOW)
    with pytest.raises(BeyondCeiling):
        queries.consent_text(request.id, locale="fr")
    for locale, items in (("en", None), ("zh", ITEMS[:1])):
        with pytest.raises(TextChanged):
            actions.grant_authorisation(
                request.id, signatory=owner, locale=locale, text_digest=shown.sha256, items=items, now=NOW
            )
    assert queries.list_authorisations(enterprise=FIRM) == []
    assert queries.get_request(request.id).state is RequestState.REQUESTED


def test_the_enterprise_agrees_to_less(owner: int) -> None:
    given = _grant(_ask(), owner, items=["tax.credit_rating"], days=7)
    assert given.items == ("tax.credit_rating",)
    assert given.valid_to == NOW + 7 * DAY
    assert _state(given, NOW) is AuthorisationState.OUTSIDE
    with pytest.raises(BeyondCeiling):
        queries.consent_text(given.request, locale="zh", items=["housing.fund"])


def test_withdrawal_works_on_the_next_read(owner: int) -> None:
    given = _grant(_ask(), owner)
    ended = actions.withdraw_authorisation(given.id, signatory=owner, reason="不再需要", now=NOW + DAY)
    assert (ended.status, ended.ended_at, ended.ended_reason) == (
        AuthorisationStatus.WITHDRAWN,
        NOW + DAY,
        "不再需要",
    )
    assert _state(given, NOW + DAY) is AuthorisationState.WITHDRAWN
    with pytest.raises(NotUsable, match="已撤回"):
        actions.use_authorisation(given.id, now=NOW + DAY)
    with pytest.raises(TransitionRefused, match="已撤回"):
        actions.withdraw_authorisation(given.id, signatory=owner, now=NOW + DAY)
    assert _events()[0] == "consent.withdrawn"


def test_a_request_is_declined_once(owner: int) -> None:
    request = _ask()
    declined = actions.decline_request(request.id, signatory=owner, reason="暂不需要贷款", now=NOW)
    assert (declined.state, declined.answer_reason) == (RequestState.DECLINED, "暂不需要贷款")
    with pytest.raises(TransitionRefused):
        actions.decline_request(request.id, signatory=owner, now=NOW)
    with pytest.raises(TransitionRefused):
        _grant(request, owner)
    assert _events()[:2] == ["consent.declined", "consent.requested"]


def test_a_request_is_granted_once(owner: int) -> None:
    request = _ask()
    _grant(request, owner)
    with pytest.raises(TransitionRefused, match="已同意"):
        _grant(request, owner)


def test_one_request_in_thirty_days_whatever_its_answer(owner: int) -> None:
    first = _ask()
    actions.decline_request(first.id, signatory=owner, now=NOW)
    with pytest.raises(AlreadyRequested) as refusal:
        _ask(purpose="guarantee", now=NOW + 29 * DAY)
    assert refusal.value.data == {"request": first.id, "again_on": "2026-03-31"}
    assert _ask(now=NOW + 30 * DAY).id != first.id
    register_organisation("bank-b", kind=OrganisationKind.INSTITUTION, name="另一银行", **BY)
    set_admitted("bank-b", admitted=True, reason="评估通过", **BY)
    assert _ask(organisation="bank-b").scope.organisation_name == "另一银行"


@pytest.mark.postgresql  # SQLite has one writer at a time, so there is no same moment
@pytest.mark.django_db(transaction=True)
def test_two_requests_at_the_same_moment_are_still_one(owner: int) -> None:
    together = threading.Barrier(2)

    def ask(_: int) -> str:
        together.wait(5)
        try:
            return _ask().state
        except AlreadyRequested as refusal:
            return refusal.code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(ask, range(2))) == ["consent.already_requested", "requested"]


def test_only_admitted_organisations_ask_registered_enterprises(owner: int) -> None:
    with pytest.raises(PartyNotFound):
        _ask(organisation="nobody")
    with pytest.raises(PartyNotFound):
        _ask(enterprise=make_uscc("91", "610131", "MA7TEXT02"))
    set_admitted("bank-a", admitted=False, reason="整改", **BY)
    with pytest.raises(NotAdmitted, match="示例银行"):
        _ask()
    assert queries.list_requests(enterprise=FIRM) == []


def test_requests_beyond_the_template_are_refused_and_leave_nothing(owner: int) -> None:
    for beyond in ({"days": 31}, {"times": 4}, {"purpose": "marketing"}, {"items": ["no.item"]}, {"reason": ""}):
        with pytest.raises(BeyondCeiling):
            _ask(**beyond)
    assert queries.list_requests(organisation="bank-a") == []
    assert "consent.requested" not in _events()


def test_what_is_not_said_defaults_to_the_most_allowed(owner: int) -> None:
    scope = _ask(items=[*ITEMS, *ITEMS], form=Form.DETAIL).scope
    assert (scope.days, scope.times, scope.items) == (30, 1, ITEMS)


def test_only_the_enterprises_own_people_sign(owner: int) -> None:
    request = _ask()
    stranger = register_person("wang", name="王示例", password="correct horse battery", **BY)
    digest = queries.consent_text(request.id, locale="zh").sha256
    signing: list[Callable[[int], Any]] = [
        lambda person: actions.decline_request(request.id, signatory=person, now=NOW),
        lambda person: actions.grant_authorisation(
            request.id, signatory=person, locale="zh", text_digest=digest, now=NOW
        ),
    ]
    for sign in signing:
        with pytest.raises(AuthorisationNotFound):
            sign(stranger)
    membership = add_member(stranger, role=Role.DELEGATE, enterprise=FIRM, **BY)
    end_membership(membership.id, **BY)
    with pytest.raises(AuthorisationNotFound):
        signing[1](stranger)
    add_member(stranger, role=Role.DELEGATE, enterprise=FIRM, **BY)
    with pytest.raises(PowerMissing):
        signing[1](stranger)
    until = NOW + 30 * DAY
    powers.grant_power(FIRM, person=stranger, purposes=["approval"], until=until, signatory=owner, now=NOW)
    given = signing[1](stranger)
    assert (given.signatory, given.power.source) == (stranger, PowerSource.AGENT)
    assert (given.power.purposes, given.power.until) == (("approval",), until)


def test_time_ends_requests_and_authorisations(owner: int) -> None:
    unanswered = _ask()
    lapse = NOW + 30 * DAY
    with pytest.raises(TransitionRefused, match="已过期"):
        _grant(unanswered, owner, now=lapse)
    given = _grant(_ask(now=lapse), owner, now=lapse)
    assert actions.expire_authorisations(now=lapse - timedelta(seconds=1)) == 0
    assert actions.expire_authorisations(now=lapse) == 1
    assert queries.get_request(unanswered.id).state is RequestState.EXPIRED
    assert _state(given, given.valid_to) is AuthorisationState.EXPIRED
    with pytest.raises(NotUsable, match="已到期"):
        actions.use_authorisation(given.id, now=given.valid_to)
    assert actions.expire_authorisations(now=given.valid_to + DAY) == 1
    assert queries.get_authorisation(given.id).status is AuthorisationStatus.EXPIRED
    assert queries.get_authorisation(given.id).ended_at == given.valid_to
    assert actions.expire_authorisations(now=given.valid_to + DAY) == 0
    assert _events()[0] == "consent.expired"
    assert "consent.request_expired" in _events()


def test_the_daily_job_marks_everything_that_is_due(owner: int) -> None:
    _ask(now=datetime(2020, 1, 1, tzinfo=UTC))
    assert jobs.expire_all() == 1
    assert jobs.expire_all() == 0


def test_a_read_that_is_rolled_back_is_not_counted(owner: int) -> None:
    given = _grant(_ask(), owner)
    with pytest.raises(RuntimeError), transaction.atomic():
        actions.use_authorisation(given.id, now=NOW)
        raise RuntimeError
    assert queries.get_authorisation(given.id).times_used == 0
    assert "consent.used" not in _events()


def test_the_database_itself_holds_the_number_of_reads(owner: int) -> None:
    given = _grant(_ask(), owner)
    with pytest.raises(DatabaseError), transaction.atomic():
        AuthorisationRow.objects.filter(id=given.id).update(times_used=given.times_max + 1)


def test_a_holder_gets_the_signed_authorisation(owner: int) -> None:
    given = _grant(_ask(), owner)
    signed = queries.authorisation_as_json(given.id)
    document = canonical_bytes(signed["document"])
    check_document(document, signed["signature"], kind="authorisation", key=document_key())
    assert sha256_hex(signed["document"]["text"].encode()) == signed["document"]["text_sha256"]
    assert signed["receipt"]["leaf"]
    with pytest.raises(InvalidProof):
        altered = canonical_bytes(signed["document"] | {"times_max": 100})
        check_document(altered, signed["signature"], kind="authorisation", key=document_key())


def test_lists_are_newest_first_and_by_party(owner: int) -> None:
    first = _ask()
    second = _ask(now=NOW + 31 * DAY)
    assert [row.id for row in queries.list_requests(enterprise=FIRM)] == [second.id, first.id]
    assert queries.list_requests(organisation="bank-b") == []
    assert [row.id for row in queries.list_requests(enterprise=FIRM, state=RequestState.REQUESTED, limit=1)] == [
        second.id
    ]
    given = _grant(second, owner, now=NOW + 31 * DAY)
    assert queries.list_authorisations(recipient="bank-a") == [given]
    assert queries.list_authorisations(enterprise=FIRM) == [given]


def test_what_does_not_exist_is_not_found(owner: int) -> None:
    reads: list[Callable[[], Any]] = [
        lambda: queries.get_request("R0"),
        lambda: queries.get_authorisation("C0"),
        lambda: queries.authorisation_as_json("C0"),
        lambda: actions.use_authorisation("C0", now=NOW),
        lambda: actions.withdraw_authorisation("C0", signatory=owner, now=NOW),
        lambda: actions.decline_request("R0", signatory=owner, now=NOW),
    ]
    for read in reads:
        with pytest.raises(AuthorisationNotFound):
            read()
    assert queries.find_authorisation("C0") is None


def test_the_active_authorisation_of_a_pair_is_found_by_its_own_index(db: None) -> None:
    """Without statistics SQLite read every active authorisation by its end, for each one that was asked for."""
    wanted = {"recipient": "bank", "subject": FIRM, "purpose": "approval", "status": "active", "valid_to__gt": NOW}
    plan = AuthorisationRow.objects.filter(**wanted).order_by("-valid_from", "-id").explain()
    if connection.vendor == "sqlite":  # PostgreSQL plans by what is in the table
        assert "authorisation_recipient" in plan and "valid_to>" in plan
    else:
        assert plan
