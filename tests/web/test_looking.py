"""What an enterprise sees of those who looked: everybody, why, what they could see now, an answer when it asks."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.web.conftest import FIRM, NON_PUBLIC, OTHER, Town
from xinqiao.consent.types import Form
from xinqiao.evidence.queries import list_entries
from xinqiao.parties.actions import set_admitted
from xinqiao.release import actions
from xinqiao.release.actions import preview, query
from xinqiao.release.challenges import list_challenges
from xinqiao.release.queries import list_accesses
from xinqiao.release.types import Inquiry, NotReleased, Recipient, RecipientKind


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


def test_all_who_looked_are_there_within_the_minute(town: Town) -> None:
    """A bank, a refusal, the node's staff with its reason, the firm itself: on the page at once."""
    given = town.grant(town.ask())
    town.read(authorisation=given.id)
    town.read()
    operator = town.client("operator")
    looked = operator.post("/node/enterprises/", {"uscc": FIRM, "reason": "complaint 17"})
    assert looked.status_code == 200
    owner = town.client("owner")
    owner.get("/enterprise/report/")
    page = text_of(owner.get("/enterprise/accesses/"))
    for line in list_accesses(enterprise=FIRM):
        assert line.id in page
    assert "complaint 17" in page
    kinds = {line.recipient_kind for line in list_accesses(enterprise=FIRM)}
    assert kinds == {RecipientKind.INSTITUTION, RecipientKind.NODE, RecipientKind.ENTERPRISE}


def test_staff_look_only_with_a_reason_and_get_no_rows(town: Town) -> None:
    """Without a reason nothing is shown and nothing happened; with one, derived figures only."""
    operator = town.client("operator")
    before = len(list_accesses(enterprise=FIRM))
    assert operator.post("/node/enterprises/", {"uscc": FIRM, "reason": " "}).status_code == 422
    assert len(list_accesses(enterprise=FIRM)) == before
    line = text_of(operator.post("/node/enterprises/", {"uscc": FIRM, "reason": "complaint 17"}))
    found = list_accesses(enterprise=FIRM)[0]
    assert found.id in line
    assert (found.form, found.cause, found.allowed) == (Form.DERIVED, "complaint 17", True)
    assert town.client("auditor").post("/node/enterprises/", {"uscc": FIRM, "reason": "x"}).status_code == 404


def test_a_question_reaches_who_looked_and_the_answer_comes_back(town: Town) -> None:
    """Asked in one step, answered by the bank, seen by the firm, both in evidence; once per access."""
    access = town.read()
    owner, banker = town.client("owner"), town.client("banker")
    address = reverse("enterprise-access", args=[access])
    assert owner.post(address, {"text": "Why at night?"}).status_code == 302
    assert owner.post(address, {"text": "Again"}).status_code == 409
    assert "Why at night?" in text_of(banker.get("/institution/challenges/"))
    asked = list_challenges(asked_of="bank-a")[0]
    assert "Why at night?" not in text_of(town.client("rival").get("/institution/challenges/"))
    stranger = town.client("rival").post("/institution/challenges/", {"challenge": asked.id, "text": "ours"})
    assert stranger.status_code == 404
    assert banker.post("/institution/challenges/", {"challenge": asked.id, "text": ""}).status_code == 422
    answered = {"challenge": asked.id, "text": "Application A-1, night shift of the call centre"}
    assert banker.post("/institution/challenges/", answered).status_code == 302
    assert "night shift" in text_of(owner.get(address))
    events = [entry.event for entry in list_entries(subject=FIRM)]
    assert {"release.challenged", "release.explained"} <= set(events)


def test_a_look_by_the_node_is_answered_by_the_node(town: Town) -> None:
    """A question about staff goes to the node, with two working days to answer."""
    operator = town.client("operator")
    operator.post("/node/enterprises/", {"uscc": FIRM, "reason": "complaint 17"})
    access = list_accesses(enterprise=FIRM)[0].id
    town.client("owner").post(reverse("enterprise-access", args=[access]), {"text": "Which complaint?"})
    asked = list_challenges(asked_of="node")[0]
    assert asked.due_on > timezone.localdate()
    assert "Which complaint?" in text_of(operator.get("/node/challenges/"))


def test_another_firms_access_cannot_be_seen_or_questioned(town: Town) -> None:
    """The number of an access tells a stranger nothing."""
    access = town.read()
    neighbour = town.client("neighbour")
    address = reverse("enterprise-access", args=[access])
    assert neighbour.get(address).status_code == 404
    assert neighbour.post(address, {"text": "Why?"}).status_code == 404


FORMS = (Form.VERIFY, Form.DERIVED, Form.REPORT, Form.DETAIL)
ITEMS = (None, NON_PUBLIC[:1], NON_PUBLIC[:3], ("registration.basic",), ("registration.basic", *NON_PUBLIC[1:3]))


@pytest.mark.parametrize("form", FORMS)
def test_the_preview_is_the_answer(town: Town, form: Form) -> None:
    """Same rule and, when allowed, the same document to the last byte, over forms, purposes, items, admission."""
    given = town.grant(town.ask(times=3))
    set_admitted("bank-b", admitted=False, reason="suspended", actor="t", now=town.now)
    banks = (
        Recipient(RecipientKind.INSTITUTION, "bank-a", "Sample Bank"),
        Recipient(RecipientKind.INSTITUTION, "bank-b", "Second Bank", admitted=False),
        Recipient(RecipientKind.PLATFORM, "bank-a", "Sample Bank"),
    )
    compared = 0
    for bank, purpose, items, named, only in product(
        banks, ("approval", "pre_loan"), ITEMS, (given.id, ""), (False, True)
    ):
        inquiry = Inquiry(
            bank, FIRM, purpose, form, "api:bank-a", "api", items=items, authorisation=named, public_only=only
        )
        seen = preview(inquiry, viewer="person:1", now=town.now)
        try:
            answer = _unused(inquiry, town)
            assert seen.document == answer.document
            assert seen.rule.allow
        except NotReleased as refusal:
            assert (seen.document, seen.rule.id) == (None, refusal.rule)
        compared += 1
    assert compared == 120


def _unused(inquiry: Inquiry, town: Town) -> Any:
    """The real answer, without counting against the authorisation, which three reads would use up."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(actions, "use_authorisation", lambda *_args, **_kwargs: None)
        return query(inquiry, now=town.now)


def test_the_preview_page_shows_each_case(town: Town) -> None:
    """Public information, then either the refusal without an authorisation or the report under it; recorded as own."""
    owner = town.client("owner", english=True)
    without = text_of(owner.get("/enterprise/preview/?organisation=bank-a"))
    assert "would be refused" in without
    town.grant(town.ask())
    under = text_of(owner.get("/enterprise/preview/?organisation=bank-a"))
    assert "Under your authorisation" in under
    assert "would be refused" not in under
    assert {line.purpose for line in list_accesses(enterprise=FIRM)} == {"preview"}
    assert list_accesses(enterprise=OTHER) == []


def test_a_withdrawal_shows_in_the_next_preview(town: Town) -> None:
    """The preview reads the authorisation as it stands, like every read."""
    given = town.grant(town.ask())
    bank = Recipient(RecipientKind.INSTITUTION, "bank-a", "Sample Bank")
    inquiry = Inquiry(bank, FIRM, "approval", Form.REPORT, "api:bank-a", "api", authorisation=given.id)
    later = town.now + timedelta(minutes=1)
    assert preview(inquiry, viewer="person:1", now=later).rule.allow
    owner = town.client("owner")
    owner.post(reverse("enterprise-withdraw", args=[given.id]))
    assert preview(inquiry, viewer="person:1", now=timezone.now()).rule.id == "authorisation-withdrawn"
