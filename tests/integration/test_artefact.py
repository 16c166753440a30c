"""The authorisation as a document: who signed by what power, what was shown, what took its place, what ended it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from tests.kept import laid_down
from xinqiao.catalogue.load import load_catalogue
from xinqiao.consent import actions, powers, queries, removal
from xinqiao.consent.papers import authorisation_pdf
from xinqiao.consent.rules import shown_text, standing
from xinqiao.consent.types import (
    AlreadyRequested,
    Authorisation,
    AuthorisationNotFound,
    AuthorisationState,
    Form,
    InvalidPower,
    PowerMissing,
    RequestFacts,
    RequestState,
    Scope,
)
from xinqiao.evidence.chain_keys import chain_key
from xinqiao.evidence.keys import document_key
from xinqiao.evidence.proofs import check_document
from xinqiao.evidence.queries import list_entries
from xinqiao.kernel.canonical import canonical_bytes, sha256_hex
from xinqiao.kernel.identifiers import make_uscc
from xinqiao.kernel.transitions import TransitionRefused
from xinqiao.parties.actions import (
    add_member,
    register_enterprise,
    register_organisation,
    register_person,
    set_admitted,
)
from xinqiao.parties.types import OrganisationKind, Role
from xinqiao.plumbing.settings import content_dir

NOW = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
DAY = timedelta(days=1)
FIRM = make_uscc("91", "610131", "MA7TEXT01")
ITEMS = ("tax.credit_rating", "social.insurance")
BY: dict[str, Any] = {"actor": "system", "now": NOW}
PASSWORD = "correct horse battery"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("evidence_folder")]


@pytest.fixture
def owner(evidence_folder: Path) -> int:
    """The legal representative; an admitted bank and an agent beside."""
    return laid_down(_owner, evidence_folder.parent)


def _owner() -> int:
    register_organisation("bank-a", kind=OrganisationKind.INSTITUTION, name="示例银行", **BY)
    set_admitted("bank-a", admitted=True, reason="评估通过", **BY)
    register_enterprise(FIRM, name="示例机械有限公司", **BY)
    person = register_person("li", name="李示例", password=PASSWORD, **BY)
    add_member(person, role=Role.OWNER, enterprise=FIRM, **BY)
    chain_key()  # made with the other keys
    return person


@pytest.fixture
def agent(owner: int) -> int:
    """A delegate of the enterprise without any signing power yet."""
    person = register_person("zhang", name="张示例", password=PASSWORD, **BY)
    add_member(person, role=Role.DELEGATE, enterprise=FIRM, **BY)
    return person


def _ask(now: datetime = NOW, **changes: Any) -> RequestFacts:
    asked: dict[str, Any] = {"enterprise": FIRM, "purpose": "approval", "items": ITEMS, "form": Form.REPORT}
    asked |= {"reason": "流动资金贷款", "actor": "api:bank-a", "now": now, "product": "A-2026-17"} | changes
    return actions.request_authorisation("bank-a", **asked)


def _grant(asked: RequestFacts, person: int, *, now: datetime = NOW, locale: str = "zh") -> Authorisation:
    shown = queries.consent_text(asked.id, locale=locale)
    return actions.grant_authorisation(
        asked.id, signatory=person, locale=locale, text_digest=shown.sha256, address="192.0.2.7", now=now
    )


def _events() -> list[str]:
    return [entry.event for entry in list_entries(subject=FIRM)]


def test_the_artefact_holds_every_field(owner: int) -> None:
    """Purpose, reference, power, list version, text, locale, period, times, retention: all signed together."""
    paper = queries.authorisation_as_json(_grant(_ask(), owner).id)
    held = paper["document"]
    assert held["product"] == "A-2026-17"
    assert held["power"]["source"] == "legal_representative"
    assert held["power"]["identity"] == "password"
    assert held["list_sha256"] == load_catalogue(content_dir()).sha256
    assert held["address"] == "192.0.2.7"
    assert held["frequency"] == "repeated"
    assert {"template", "template_version", "text", "text_sha256", "locale", "valid_from", "valid_to"} <= held.keys()
    check_document(canonical_bytes(held), paper["signature"], kind="authorisation", key=document_key())


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_the_text_can_be_written_again_from_the_artefact(owner: int, locale: str) -> None:
    """The document alone, with the template of its version, gives the text that was shown, to the byte."""
    held = queries.authorisation_as_json(_grant(_ask(), owner, locale=locale).id)["document"]
    days = (datetime.fromisoformat(held["valid_to"]) - datetime.fromisoformat(held["valid_from"])).days
    scope = Scope(
        held["recipient"], held["recipient_name"], held["subject"], held["subject_name"], held["purpose"],
        tuple(held["items"]), Form(held["form"]), days, held["times_max"], held["data_months"],
        held["retention_days"], held["reason"], held["product"], held["platform"],
    )  # fmt: skip
    found = [load_catalogue(content_dir()).item(code) for code in scope.items]
    names = [item.name_en if locale == "en" else item.name for item in found]
    shown = shown_text(queries.get_template(), scope, names, locale=locale)
    assert shown.text == held["text"]
    assert shown.sha256 == held["text_sha256"] == sha256_hex(held["text"].encode("utf-8"))


def test_twenty_ambiguities_each_change_the_digest(owner: int) -> None:
    """Whatever would leave open what was agreed to gives another text and so another digest."""
    asked = _ask()
    digest = queries.consent_text(asked.id, locale="zh").sha256
    changes: list[dict[str, Any]] = [
        {"organisation_name": "示例农商银行"}, {"enterprise_name": "示例机械公司"}, {"enterprise": FIRM[:-1] + "X"},
        {"purpose": "pre_loan"}, {"purpose": "post_loan"}, {"purpose": "evaluation"}, {"purpose": "guarantee"},
        {"items": ITEMS[:1]}, {"items": ITEMS[::-1]}, {"items": (*ITEMS, "tax.payment")},
        {"form": Form.VERIFY}, {"form": Form.DERIVED}, {"form": Form.DETAIL}, {"days": 29}, {"times": 1},
        {"data_months": 12}, {"retention_days": 30}, {"reason": "固定资产贷款"}, {"product": ""},
        {"platform": "platform-c"},
    ]  # fmt: skip
    catalogue, template = load_catalogue(content_dir()), queries.get_template()
    digests = set()
    for change in changes:
        scope = replace(asked.scope, **change)
        names = [catalogue.item(code).name for code in scope.items]
        digests.add(shown_text(template, scope, names, locale="zh").sha256)
    assert len(digests | {digest}) == len(changes) + 1


def test_an_agent_signs_only_within_the_power(owner: int, agent: int) -> None:
    """Another purpose, a power that has ended or was taken back: not signed, and the request stays open."""
    asked = _ask()
    powers.grant_power(FIRM, person=agent, purposes=["pre_loan"], until=NOW + 9 * DAY, signatory=owner, now=NOW)
    with pytest.raises(PowerMissing):
        _grant(asked, agent)
    powers.grant_power(FIRM, person=agent, purposes=["approval"], until=NOW + DAY, signatory=owner, now=NOW)
    with pytest.raises(PowerMissing):
        _grant(asked, agent, now=NOW + DAY)
    assert powers.end_power(FIRM, person=agent, signatory=owner, now=NOW) == 1
    with pytest.raises(PowerMissing):
        _grant(asked, agent)
    assert queries.get_request(asked.id).state is RequestState.REQUESTED
    assert _events().count("consent.power_granted") == 2
    assert _events().count("consent.power_ended") == 1


def test_a_power_is_given_by_the_legal_representative_within_limits(owner: int, agent: int) -> None:
    """All faults at once; an agent gives no power, not even to itself."""
    with pytest.raises(InvalidPower) as caught:
        powers.grant_power(FIRM, person=owner, purposes=["x"], until=NOW + 400 * DAY, signatory=owner, now=NOW)
    assert [p.field for p in caught.value.problems] == ["person", "purposes", "until"]
    with pytest.raises(AuthorisationNotFound):
        powers.grant_power(FIRM, person=agent, purposes=["approval"], until=NOW + DAY, signatory=agent, now=NOW)
    assert powers.list_powers(FIRM, now=NOW) == []


def test_the_shown_text_is_recorded_once(owner: int) -> None:
    """Opening the page is a state of its own, with the digest of what was on it; opening it again is not."""
    asked = _ask()
    shown = queries.consent_text(asked.id, locale="zh")
    for _ in range(2):
        opened = actions.mark_shown(asked.id, signatory=owner, text_digest=shown.sha256, locale="zh", now=NOW)
    assert opened.state is RequestState.SHOWN
    assert _events().count("consent.shown") == 1
    assert _grant(asked, owner).text_sha256 == shown.sha256


def test_who_asked_can_cancel_and_nobody_else(owner: int) -> None:
    """A cancelled request cannot be granted."""
    asked = _ask()
    with pytest.raises(AuthorisationNotFound):
        actions.cancel_request(asked.id, organisation="bank-b", actor="api:bank-b", now=NOW)
    assert actions.cancel_request(asked.id, organisation="bank-a", actor="api:bank-a", now=NOW).state == "cancelled"
    with pytest.raises(TransitionRefused):
        _grant(asked, owner)


def test_an_invitation_lets_in_one_request_more(owner: int) -> None:
    """One request in 30 days; the enterprise's invitation is worth exactly one more."""
    _ask()
    with pytest.raises(AlreadyRequested):
        _ask(NOW + DAY)
    for _ in range(2):
        powers.invite(FIRM, organisation="bank-a", signatory=owner, now=NOW + DAY)
    again = _ask(NOW + 2 * DAY)
    assert again.state is RequestState.REQUESTED
    with pytest.raises(AlreadyRequested):
        _ask(NOW + 3 * DAY)
    assert _events().count("consent.invited") == 1


def test_exchange_8_09_a_newer_grant_replaces_the_older_one(owner: int) -> None:
    """Bug of others: what a second grant does to the first was left open. Here the newest alone holds."""
    first = _grant(_ask(), owner)
    powers.invite(FIRM, organisation="bank-a", signatory=owner, now=NOW)
    later = NOW + DAY
    second = _grant(_ask(later), owner, now=later)
    held = queries.get_authorisation(first.id)
    assert standing(held, now=later) is AuthorisationState.SUPERSEDED
    assert standing(second, now=later) is AuthorisationState.ACTIVE
    with pytest.raises(TransitionRefused):
        actions.withdraw_authorisation(first.id, signatory=owner, now=later)


def test_exchange_8_05_removing_a_recipient_ends_what_it_holds(owner: int) -> None:
    """Bug of others: the application was deleted, its consents stayed active, and came back with it."""
    given = _grant(_ask(), owner)
    powers.invite(FIRM, organisation="bank-a", signatory=owner, now=NOW)
    waiting = _ask(NOW + DAY)
    set_admitted("bank-a", admitted=False, reason="评估不合格", **BY)
    assert removal.void_authorisations("bank-a", reason="评估不合格", actor="person:9", now=NOW + DAY) == 2
    set_admitted("bank-a", admitted=True, reason="重新接入", **BY)
    assert standing(queries.get_authorisation(given.id), now=NOW + DAY) is AuthorisationState.VOID
    assert queries.get_request(waiting.id).state is RequestState.CANCELLED


def test_exchange_8_06_a_withdrawn_authorisation_cannot_be_declined(owner: int) -> None:
    """Bug of others: a revoked consent could still be "rejected", which rewrote its history."""
    asked = _ask()
    given = _grant(asked, owner)
    actions.withdraw_authorisation(given.id, signatory=owner, now=NOW)
    with pytest.raises(TransitionRefused):
        actions.decline_request(asked.id, signatory=owner, now=NOW)
    with pytest.raises(TransitionRefused):
        actions.withdraw_authorisation(given.id, signatory=owner, now=NOW)


def test_exchange_8_13_the_strictest_ceiling_wins(owner: int) -> None:
    """Bug of others: with several kinds of data the widest limit won. Template, purpose and form all bind."""
    asked = _ask(form=Form.DETAIL)
    assert (asked.scope.days, asked.scope.times, asked.scope.data_months, asked.scope.retention_days) == (30, 1, 12, 30)


def test_exchange_8_24_the_end_of_use_is_enforced(owner: int) -> None:
    """Bug of others: an end date was accepted and never looked at. Here the instant itself refuses."""
    given = _grant(_ask(), owner)
    assert standing(given, now=given.valid_to - timedelta(microseconds=1)) is AuthorisationState.ACTIVE
    assert standing(given, now=given.valid_to) is AuthorisationState.EXPIRED


def test_the_receipt_on_paper(owner: int) -> None:
    """A PDF in Chinese with the whole text, its digest and the number; the same bytes each time."""
    given = _grant(_ask(), owner)
    data = authorisation_pdf(given.id)
    assert data == authorisation_pdf(given.id)
    squeezed = "".join("".join(page.extract_text() for page in PdfReader(BytesIO(data)).pages).split())
    assert given.id in squeezed
    assert given.text_sha256 in squeezed
    assert "示例机械有限公司" in squeezed
    assert "法定代表人" in squeezed
    assert given.product in squeezed
