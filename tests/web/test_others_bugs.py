"""Bugs that others had (exchange §8), each a test of its number; those that other tests tell stand there under it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.factories import deliver
from tests.kept import laid_down
from tests.machines import post_form, proved
from tests.web.conftest import FIRM, Town
from tests.web.oauth_flow import Node, code_for, error, redeemed, refreshed, small_node
from tests.web.test_api import post, refusal, report_of
from xinqiao.catalogue.types import Openness
from xinqiao.consent.actions import withdraw_authorisation
from xinqiao.consent.queries import list_authorisations
from xinqiao.consent.types import AuthorisationState, Form
from xinqiao.evaluation.queries import current_result
from xinqiao.evidence.queries import list_entries
from xinqiao.oauth.jose import read_key
from xinqiao.plumbing import settings as node_settings
from xinqiao.plumbing.key_store import _load
from xinqiao.release.queries import content_policy, list_accesses
from xinqiao.release.rules import decide
from xinqiao.release.types import Recipient, RecipientKind

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def node(fresh_node: Any) -> Node:
    return laid_down(small_node, fresh_node)


@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "nonsense"])
def test_exchange_8_04_revoking_is_200_whatever_the_hint(node: Node, hint: str | None) -> None:
    """A revocation that is refused for its form leaves the token alive."""
    first = redeemed(code_for(node)).json()
    form = {"token": first["refresh_token"]} | ({"token_type_hint": hint} if hint else {})
    assert post_form("/oauth/revoke", proved("hub", **form)).status_code == 200
    error(refreshed(first["refresh_token"]), 400, "invalid_grant")


def test_exchange_8_02_no_refresh_outlives_a_withdrawal_at_the_gate(node: Node) -> None:
    """The enterprise withdrew on its own page: whatever tokens still come, they open nothing."""
    first = redeemed(code_for(node)).json()
    [detail] = first["authorization_details"]
    withdraw_authorisation(detail["authorisation"], signatory=node.owner, now=timezone.now())
    error(refreshed(first["refresh_token"]), 400, "invalid_grant")


def test_exchange_8_08_a_withdrawal_before_the_recipient_knows_the_authorisation(node: Node) -> None:
    """Agreed to, withdrawn while the code is on its way: the code opens nothing."""
    code = code_for(node)
    (given,) = list_authorisations(enterprise=FIRM)
    withdraw_authorisation(given.id, signatory=node.owner, now=timezone.now())
    error(redeemed(code), 400, "invalid_grant")


def test_exchange_8_10_a_key_is_known_by_its_thumbprint_however_it_is_spelled() -> None:
    """RFC 7638's own example; optional members and their order change nothing, padding is not base64url."""
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs"
        "tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5h"
        "ajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    jwk = {"kty": "RSA", "n": modulus, "e": "AQAB", "alg": "PS256", "kid": "2011-04-29"}
    expected = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert read_key(jwk)[1] == read_key(dict(reversed(jwk.items())))[1] == expected


def test_exchange_8_12_partial_data_never_looks_complete(town: Town) -> None:
    """An item that never came is not known, with the reason; it earns no points and is not in the coverage."""
    given = town.grant(town.ask(times=3))
    before = post(town.api("bank-a"), "/reports", report_of(given.id), key="r-1").json()["document"]
    blocks = {b["item"]: b for b in before["items"]}
    assert (blocks["social.insurance"]["state"], blocks["social.insurance"]["why"]) == ("not_known", "never_shared")
    coverage = before["evaluation"]["coverage"]
    row = {"uscc": FIRM, "month": "2026-09", "persons": "12", "due_fen": "1000", "paid_fen": "1000", "arrears_fen": "0"}
    outcome = deliver("social.insurance", [row], now=timezone.now() - timedelta(minutes=1))
    assert outcome.accepted == 1
    after = current_result(FIRM, now=timezone.now())
    assert after["coverage"] > coverage


def test_exchange_8_17_a_node_whose_key_cannot_be_used_is_not_ready(town: Town) -> None:
    """Health said 200 while the key was locked: here the log's key is tried, and its absence names itself."""
    assert Client().get("/readyz").status_code == 200
    signing = node_settings.keys_dir() / "log.key"
    signing.rename(signing.with_suffix(".away"))
    (node_settings.keys_dir() / "log-1.note").write_text("announced", encoding="utf-8")
    _load.cache_clear()
    answer = Client().get("/readyz")
    assert answer.status_code == 503 and answer.json()["failed"] == {"evidence_key": "evidence.key_changed"}


@pytest.mark.parametrize("command", [["evidence", "status"], ["supervision", "watch"]])
def test_exchange_8_19_no_command_prints_a_password(command: list[str], tmp_path: Path) -> None:
    """A backup printed its password: here a command that cannot reach its database fails without naming it."""
    address = "postgresql://xinqiao:a-secret-word@127.0.0.1:1/none"
    environment = {**os.environ, "DATABASE_URL": address, "XINQIAO_HOME": str(tmp_path), "COLUMNS": "200"}
    run = subprocess.run(
        [sys.executable, "-m", "xinqiao.config.cli", *command],
        env=environment, capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert run.returncode and "a-secret-word" not in run.stdout + run.stderr
    assert "127.0.0.1" in run.stdout + run.stderr, "what cannot be reached is said"


def test_exchange_8_22_what_is_optional_may_be_left_out(town: Town) -> None:
    """The smallest request that names whom, for what and under which authorisation is decided like a full one."""
    given = town.grant(town.ask(times=3))
    small = {"enterprise": FIRM, "purpose": "approval", "authorisation": given.id}
    assert post(town.api("bank-a"), "/reports", small, key="small").status_code == 200
    without = refusal(
        post(town.api("bank-a"), "/reports", {"enterprise": FIRM, "purpose": "approval"}), 403, "release.refused"
    )
    assert without["access"] == list_accesses(enterprise=FIRM)[0].id


class Untouchable(tuple):  # type: ignore[type-arg]
    """Rows that may be held and not gone through."""

    def __iter__(self) -> Iterator[Any]:
        raise AssertionError("the table was gone through row by row")


def test_exchange_8_23_a_decision_does_not_go_through_the_table() -> None:
    """One look-up, whatever the number of rows: 10,000 rules cost a request what sixteen cost."""
    table = replace(content_policy(), rules=Untouchable(content_policy().rules))
    bank = Recipient(RecipientKind.INSTITUTION, "bank-a", "Bank")
    rule = decide(table, bank, openness=Openness.NON_PUBLIC, form=Form.REPORT, authorisation=AuthorisationState.ACTIVE)
    assert rule.allow


def test_exchange_8_26_a_mark_that_was_removed_is_not_held_against_the_firm(town: Town) -> None:
    """A firm was frozen on a bare flag: here the row says when it was lifted, and the figure no longer counts it."""
    listing = {"uscc": FIRM, "listed_on": "2026-01-10", "reason": "未按规定公示年度报告", "authority": "Example"}
    deliver("list.abnormal", [listing], now=timezone.now() - timedelta(minutes=3))
    standing = _figure("public_credit.abnormal_listed")
    deliver("list.abnormal", [listing | {"removed_on": "2026-02-01"}], now=timezone.now() - timedelta(minutes=1))
    assert (standing, _figure("public_credit.abnormal_listed")) == ("1", "0")
    shown = town.api("bank-a").get(f"/api/v1/enterprises/{FIRM}/public").json()["document"]
    (row,) = next(b for b in shown["items"] if b["item"] == "list.abnormal")["rows"]
    assert row["removed_on"] == "2026-02-01" and row["reason"]


def _figure(code: str) -> str:
    result = current_result(FIRM, now=timezone.now())
    return str(next(line["value"] for line in result["indicators"] if line["code"] == code))


def test_a_kept_answer_does_not_outlive_a_withdrawal(town: Town) -> None:
    """The same key gives the same answer only while the gate would still give it; the attempt is on record."""
    given = town.grant(town.ask(times=3))
    bank = town.api("bank-a")
    first = post(bank, "/reports", report_of(given.id), key="kept")
    again = post(bank, "/reports", report_of(given.id), key="kept")
    assert first.status_code == 200 and again.content == first.content
    withdraw_authorisation(given.id, signatory=town.people["owner"], now=timezone.now())
    refusal(post(bank, "/reports", report_of(given.id), key="kept"), 403, "release.refused")
    assert list_accesses(enterprise=FIRM)[0].rule == "authorisation-withdrawn"
    assert [e.event for e in list_entries(subject=FIRM, limit=1)] == ["release.refused"]
