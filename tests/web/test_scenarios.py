"""Models on the portals: who trains does not sign, an institution reads the card, an enterprise reads its own score."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests import scenes
from tests.web.conftest import FIRM, NON_PUBLIC, Town
from xinqiao.consent.actions import request_authorisation
from xinqiao.consent.types import Form
from xinqiao.parties.types import Role
from xinqiao.release.actions import query
from xinqiao.release.types import Inquiry, Recipient, RecipientKind
from xinqiao.scenarios.actions import promote, sign_off, train_on
from xinqiao.scenarios.queries import get_scenario, get_version, in_use
from xinqiao.scenarios.types import Version, VersionState

CODE = "post_loan_watch"


def trained(actor: str = "person:901") -> Version:
    return train_on(get_scenario(CODE), scenes.seen(1500), actor=actor, now=timezone.now())


def used() -> Version:
    version = trained()
    sign_off(version.id, reason="seen", actor="person:902", now=timezone.now())
    return promote(version.id, actor="person:902", now=timezone.now())


def step(client: Client, version: Version, name: str, reason: str = "card read") -> Any:
    return client.post(f"/node/models/{version.id}/", {"step": name, "reason": reason})


def test_a_second_person_signs_off_and_the_first_cannot(town: Town) -> None:
    version = trained(f"person:{town.people['operator']}")
    operator = town.client("operator")
    page = operator.get(f"/node/models/{version.id}/").content.decode()
    assert "须由另一人复核" in page and 'value="sign_off"' not in page
    refused = step(operator, version, "sign_off")
    assert refused.status_code == 403 and "不能复核同一模型" in refused.content.decode()
    town.join("second", Role.OPERATOR, "node")
    second = town.client("second")
    assert step(second, version, "sign_off").status_code == 302
    assert step(second, version, "promote").status_code == 302
    found = in_use(CODE)
    assert found and found.signed_by == f"person:{town.people['second']}"
    assert "启用中" in second.get("/node/models/").content.decode()


def test_the_auditor_looks_and_changes_nothing(town: Town) -> None:
    version = trained()
    auditor = town.client("auditor")
    assert "模型摘要" in auditor.get(f"/node/models/{version.id}/").content.decode()
    assert step(auditor, version, "sign_off").status_code in (403, 404)
    assert get_version(version.id).state is VersionState.TRAINED


def test_the_registry_says_what_to_do_when_it_is_empty_and_queues_training(town: Town) -> None:
    operator = town.client("operator")
    assert "还没有训练过" in operator.get("/node/models/").content.decode()
    assert operator.post("/node/models/", {"scenario": CODE}).status_code == 302
    assert operator.post("/node/models/", {"scenario": "nothing"}).status_code == 404
    assert operator.get("/node/models/nothing-v1/").status_code == 404


def test_champion_and_challenger_stand_side_by_side_and_the_way_back_is_open(town: Town) -> None:
    first, second = used(), trained()
    operator = town.client("operator")
    page = operator.get(f"/node/models/{second.id}/").content.decode()
    assert first.id in page and "启用中的与这一版" in page
    step(operator, second, "sign_off"), step(operator, second, "promote")
    back = step(operator, second, "roll_back", "it drifts")
    assert back.status_code == 302 and back["Location"] == f"/node/models/{first.id}/"
    assert step(operator, first, "roll_back", "").status_code == 403


def test_a_bank_reads_the_card_of_what_it_may_use_and_nothing_else(town: Town) -> None:
    version = used()
    banker, rival = town.client("banker"), town.client("rival")
    assert version.id in banker.get("/institution/models/").content.decode()
    card = banker.get(f"/institution/models/{version.id}/").content.decode()
    assert "可靠性" in card and "公平性" in card and '<form method="post"' not in card.split("<main")[-1]
    assert "没有可用的模型" in rival.get("/institution/models/").content.decode()
    assert rival.get(f"/institution/models/{version.id}/").status_code == 404
    assert town.client("owner").get(f"/node/models/{version.id}/").status_code == 404


def inquiry(bank: str, purpose: str, authorisation: str, form: Form = Form.REPORT) -> Inquiry:
    recipient = Recipient(RecipientKind.INSTITUTION, bank, bank)
    return Inquiry(recipient, FIRM, purpose, form, f"api:{bank}", "api", authorisation=authorisation)


def given(town: Town, bank: str, purpose: str, items: tuple[str, ...] = NON_PUBLIC) -> str:
    asked = request_authorisation(
        bank, enterprise=FIRM, purpose=purpose, items=items, form=Form.REPORT, reason="loan A-1", days=30, times=2,
        actor="t", now=town.now,
    )  # fmt: skip
    return town.grant(asked).id


def told(town: Town, bank: str, purpose: str, **values: Any) -> list[Any]:
    found = query(inquiry(bank, purpose, given(town, bank, purpose, **values)), now=timezone.now())
    scores: list[Any] = found.document["scenarios"]
    return scores


def test_a_covered_score_of_the_right_purpose_leaves_with_its_reasons(town: Town) -> None:
    version = used()
    (said,) = told(town, "bank-a", "post_loan")
    assert said["model"] == {"id": version.id, "sha256": version.sha256}
    parts = sum(r["points"] for r in (*said["up"], *said["down"])) + said["others"] + said["base"]
    assert said["score"] in (None, parts)


@pytest.mark.parametrize(
    ("bank", "purpose", "left_out"),
    [("bank-a", "approval", ()), ("bank-b", "post_loan", ()), ("bank-a", "post_loan", ("tax.credit_rating",))],
)
def test_no_score_leaves_for_another_purpose_bank_or_narrower_items(
    town: Town, bank: str, purpose: str, left_out: tuple[str, ...]
) -> None:
    """The gate gives a scenario's score where bank, purpose and items all fit, and nothing otherwise."""
    used()
    assert told(town, bank, purpose, items=tuple(code for code in NON_PUBLIC if code not in left_out)) == []


def test_the_enterprise_reads_its_own_score_and_reasons_for_free(town: Town) -> None:
    version = used()
    page = town.client("owner").get("/enterprise/report/").content.decode()
    assert version.id in page and "正好等于得分" in page


def test_an_authorised_bank_sees_the_score_in_its_report(town: Town) -> None:
    version = used()
    authorisation = given(town, "bank-a", "post_loan")
    posted = {"purpose": "post_loan", "authorisation": authorisation}
    page = town.client("banker").post(f"/institution/enterprises/{FIRM}/report/", posted).content.decode()
    assert version.id in page and ("预计违约概率" in page or "不评分" in page)
