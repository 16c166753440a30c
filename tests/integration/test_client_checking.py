"""The client library hands an answer on only when its receipt holds and is about this very answer."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.factories import DAY, NOW
from tests.integration.test_release import FIRM, ask, give, owner  # noqa: F401
from xinqiao.client.checking import Asked, NotEvidenced, check_answer, check_refusal
from xinqiao.evidence.keys import log_key
from xinqiao.evidence.notes import NoteSigner
from xinqiao.kernel.crypto import SigningKey
from xinqiao.release.actions import query
from xinqiao.release.types import Answer, NotReleased

ASKED = Asked("bank", FIRM, "approval", "report")


def _sent(answer: Answer) -> dict[str, Any]:
    """The answer as the wire carries it."""
    shown = {part: answer.disclosure[part] for part in ("subject", "body")}
    body = {"access": answer.access.id, "document": answer.document, "receipt": answer.receipt, "disclosure": shown}
    return dict(json.loads(json.dumps(body)))


@pytest.fixture
def sent(owner: int) -> dict[str, Any]:  # noqa: F811
    """A report as a bank gets it."""
    return _sent(query(ask(give(owner).id), now=NOW + DAY))


def test_an_evidenced_answer_is_handed_on(sent: dict[str, Any]) -> None:
    found = check_answer(sent, asked=ASKED, vkeys=[log_key().vkey])
    assert found.document == sent["document"]
    assert found.access == sent["access"]
    assert found.head is None  # promised; the log covers it a second later


def _no_receipt(sent: dict[str, Any]) -> None:
    sent["receipt"] = None


def _other_score(sent: dict[str, Any]) -> None:
    sent["document"]["evaluation"]["score"] += 1


def _other_firm_of_the_document(sent: dict[str, Any]) -> None:
    sent["document"]["enterprise"] = FIRM[:-1] + "X"


def _other_access(sent: dict[str, Any]) -> None:
    sent["access"] = "A20260301-0000000000"


def _other_body(sent: dict[str, Any]) -> None:
    held = sent["disclosure"]["body"]
    held["content"] = held["content"].replace("approval", "pre_loan")


def _no_salt(sent: dict[str, Any]) -> None:
    sent["disclosure"]["body"]["salt"] = ""


def _other_promise(sent: dict[str, Any]) -> None:
    sent["receipt"]["promise"] = sent["receipt"]["promise"].replace("\n", "\n\n", 1)


def _other_leaf(sent: dict[str, Any]) -> None:
    sent["receipt"]["leaf"] = sent["receipt"]["leaf"].replace("release.granted", "release.refused")


@pytest.mark.parametrize(
    "spoil",
    [
        _no_receipt, _other_score, _other_firm_of_the_document, _other_access, _other_body, _no_salt,
        _other_promise, _other_leaf,
    ],
)  # fmt: skip
def test_an_answer_that_is_not_borne_out_is_refused(
    sent: dict[str, Any], spoil: Callable[[dict[str, Any]], None]
) -> None:
    spoil(sent)
    with pytest.raises(NotEvidenced):
        check_answer(sent, asked=ASKED, vkeys=[log_key().vkey])


@pytest.mark.parametrize(
    "other",
    [
        Asked("other", FIRM, "approval", "report"),
        Asked("bank", FIRM[:-1] + "X", "approval", "report"),
        Asked("bank", FIRM, "pre_loan", "report"),
        Asked("bank", FIRM, "approval", "verify"),
        Asked("bank", FIRM, "approval", "report", authorisation="C1"),
    ],
)
def test_the_receipt_of_another_request_is_refused(sent: dict[str, Any], other: Asked) -> None:
    with pytest.raises(NotEvidenced, match="another request"):
        check_answer(sent, asked=other, vkeys=[log_key().vkey])


def test_a_receipt_of_another_log_is_refused(sent: dict[str, Any]) -> None:
    """The key comes from the caller, not from the answer."""
    stranger = NoteSigner("xinqiao.example/shaanxi", SigningKey.generate()).public.vkey
    with pytest.raises(NotEvidenced):
        check_answer(sent, asked=ASKED, vkeys=[stranger])


def test_an_earlier_answer_again_is_refused(owner: int) -> None:  # noqa: F811
    """The receipt of one read does not cover the document of another."""
    given = give(owner)
    first, second = (_sent(query(ask(given.id), now=NOW + n * DAY)) for n in (1, 2))
    mixed = copy.deepcopy(second)
    mixed["receipt"], mixed["disclosure"] = first["receipt"], first["disclosure"]
    with pytest.raises(NotEvidenced):
        check_answer(mixed, asked=ASKED, vkeys=[log_key().vkey])


def test_exchange_8_16_a_refusal_is_evidenced_too(owner: int) -> None:  # noqa: F811
    """exchange §8.16: answers to denied queries were not logged. Here a refusal carries its receipt."""
    with pytest.raises(NotReleased) as caught:
        query(ask(), now=NOW)
    error = caught.value
    problem = {"access": error.data["access"], "receipt": error.receipt, "disclosure": error.disclosure}
    assert check_refusal(problem, asked=ASKED, vkeys=[log_key().vkey]).document is None
    with pytest.raises(NotEvidenced):
        check_answer({**problem, "document": {}}, asked=ASKED, vkeys=[log_key().vkey])
