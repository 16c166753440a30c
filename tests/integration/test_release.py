"""The gate on real records: what leaves, what does not, and what is left behind as evidence."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.factories import DAY, NOW, deliver, item, registered, uscc
from tests.kept import laid_down
from xinqiao.catalogue.load import load_catalogue
from xinqiao.catalogue.types import Openness
from xinqiao.consent import actions as consent_actions
from xinqiao.consent import queries as consent_queries
from xinqiao.consent.actions import grant_authorisation, request_authorisation, withdraw_authorisation
from xinqiao.consent.queries import consent_text, get_authorisation, get_template
from xinqiao.consent.types import Authorisation, Form
from xinqiao.evaluation.compute import facts_by_code
from xinqiao.evaluation.types import UnknownEnterprise
from xinqiao.evidence.actions import sequence
from xinqiao.evidence.chain_keys import chain_key
from xinqiao.evidence.queries import list_entries, receipt
from xinqiao.evidence.verify import verify_folder
from xinqiao.kernel.canonical import canonical_bytes, sha256_hex
from xinqiao.parties.actions import (
    add_member,
    register_enterprise,
    register_organisation,
    register_person,
    set_admitted,
)
from xinqiao.parties.types import OrganisationKind, Role
from xinqiao.plumbing.settings import content_dir, evidence_dir
from xinqiao.release import actions
from xinqiao.release.actions import query
from xinqiao.release.queries import count_accesses, list_accesses
from xinqiao.release.types import Inquiry, NotReleased, Recipient, RecipientKind

BANK = Recipient(RecipientKind.INSTITUTION, "bank", "示例银行")
FIRM = uscc(1)
NON_PUBLIC = tuple(i.code for i in load_catalogue(content_dir()) if i.openness is not Openness.PUBLIC)
SECRET = "987,654.32"


@pytest.fixture
def owner(fresh_node: Path) -> int:
    """A registered firm with tax records and its owner; a bank that is admitted."""
    return laid_down(_owner, fresh_node)


def _owner() -> int:
    registered(1, 2)
    deliver("tax.payment", [tax(FIRM, month) for month in ("2026-08", "2026-09", "2026-10")])
    deliver("tax.credit_rating", [rating(FIRM, "2025-04-30", "A"), rating(FIRM, "2026-04-30", "B")])
    register_organisation("bank", kind=OrganisationKind.INSTITUTION, name="示例银行", actor="t", now=NOW)
    set_admitted("bank", admitted=True, reason="t", actor="t", now=NOW)
    register_enterprise(FIRM, name="示例企业1", actor="t", now=NOW)
    person = register_person("owner", name="陈", password="a-long-password", actor="t", now=NOW)
    add_member(person, role=Role.OWNER, enterprise=FIRM, actor="t", now=NOW)
    chain_key()  # made with the other keys
    return person


def tax(code: str, month: str) -> dict[str, object]:
    """A month of the tax item whose sales figure can be searched for in answers."""
    return {f.code: SECRET for f in item("tax.payment").fields if f.code == "sales_fen"} | {
        "uscc": code,
        "month": month,
        **{f.code: "1000" for f in item("tax.payment").fields if f.code.endswith("_fen") and f.code != "sales_fen"},
    }


def rating(code: str, on: str, grade: str) -> dict[str, object]:
    """A rating; only grade A is public by law."""
    return {"uscc": code, "rated_on": on, "grade": grade}


def give(person: int, *, items: tuple[str, ...] = NON_PUBLIC, times: int = 3, now: Any = NOW) -> Authorisation:
    """Ask as the bank and grant as the owner."""
    asked = request_authorisation(
        "bank", enterprise=FIRM, purpose="approval", items=items, form=Form.REPORT,
        reason="贷款 A-1", days=30, times=times, actor="api:bank", now=now,
    )  # fmt: skip
    shown = consent_text(asked.id, locale="zh")
    return grant_authorisation(asked.id, signatory=person, locale="zh", text_digest=shown.sha256, now=now)


def ask(authorisation: str = "", **changes: Any) -> Inquiry:
    """A report query of the bank."""
    values = {
        "recipient": BANK, "enterprise": FIRM, "purpose": "approval", "form": Form.REPORT,
        "actor": "api:bank", "channel": "api", "authorisation": authorisation,
    }  # fmt: skip
    return Inquiry(**{**values, **changes})


def refused(inquiry: Inquiry, now: Any = NOW + DAY) -> NotReleased:
    with pytest.raises(NotReleased) as caught:
        query(inquiry, now=now)
    return caught.value


def test_an_authorised_report_holds_figures_and_no_raw_rows(owner: int) -> None:
    given = give(owner)
    answer = query(ask(given.id), now=NOW + DAY)
    text = json.dumps(answer.document, ensure_ascii=False)
    assert "98765432" not in text.replace(",", "").replace(".", ""), "a monthly figure left the node"
    blocks = {b["item"]: b for b in answer.document["items"]}
    assert "rows" not in blocks["tax.payment"]
    assert blocks["tax.payment"]["figures"]
    assert answer.document["evaluation"]["score"] >= 0
    assert answer.document["authorisation"]["id"] == given.id


def test_who_is_suspended_while_its_answer_is_made_gets_none(owner: int) -> None:
    """The request was let in when the bank was; the last look, in the transaction that reveals, is what counts."""
    given = give(owner)
    set_admitted("bank", admitted=False, reason="t", actor="t", now=NOW)
    assert BANK.admitted, "as the caller was read when it called"
    for inquiry in (ask(given.id), ask(public_only=True, purpose="public", form=Form.DETAIL)):
        assert refused(inquiry).rule == "not-admitted"
    assert get_authorisation(given.id).times_used == 0


def test_a_figure_older_than_the_authorised_months_is_not_given(owner: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """data_months bounds figures as it bounds rows; the total, which rests on such a figure, is kept back with it."""
    whole = query(ask(give(owner).id), now=NOW + DAY).document
    template = get_template()
    short = replace(template.ceiling, data_months=12)
    monkeypatch.setattr(consent_queries, "get_template", lambda code="": replace(template, ceiling=short))
    monkeypatch.setattr(consent_actions, "get_template", lambda code="": replace(template, ceiling=short))
    later = NOW + 31 * DAY
    cut = query(ask(give(owner, now=later).id), now=later + DAY).document
    assert whole["evaluation"]
    assert cut["evaluation"] is None
    lines = {f["code"]: f for b in cut["items"] for f in b.get("figures", ())}
    full = {f["code"]: f for b in whole["items"] for f in b.get("figures", ())}
    outside = {code for code, f in lines.items() if f.get("why") == "outside_period"}
    declared = facts_by_code()
    far = {code for code in full if (declared[code].months or 0) > 12 and set(declared[code].items) & set(NON_PUBLIC)}
    assert outside == far >= {"operation.sales_change_percent", "operation.sales_slope_percent", "fulfilment.tax_grade"}
    assert "operation.sales_change_percentile" in far, "a place among peers looks back as far as the value"
    assert all(lines[code]["value"] is None for code in outside)
    assert lines.keys() == full.keys()


def test_a_figure_across_items_needs_all_of_them(owner: int) -> None:
    """Arrears against sales rest on one item, sales per head on two: asked for one alone, the second is kept back."""
    given = give(owner, items=("tax.payment",))
    document = query(ask(given.id, items=("tax.payment",)), now=NOW + DAY).document
    lines = {f["code"]: f for b in document["items"] for f in b.get("figures", ())}
    across = {code for code in lines if len(facts_by_code()[code].items) > 1}
    assert "operation.sales_percentile" in across
    assert {(lines[code]["value"], lines[code]["why"]) for code in across} == {(None, "outside_items")}
    assert lines["fulfilment.arrears_to_sales_percent"]["state"] == "value"


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"authorisation": ""}, "no-authorisation"),
        ({"authorisation": "C-unknown"}, "no-authorisation"),
        ({"purpose": "post_loan"}, "outside-authorisation"),
        ({"enterprise": uscc(2)}, "outside-authorisation"),
        ({"recipient": Recipient(RecipientKind.INSTITUTION, "other", "另一家")}, "outside-authorisation"),
        ({"form": Form.DETAIL}, "institution-raw-detail"),
        ({"recipient": Recipient(RecipientKind.INSTITUTION, "bank", "示例银行", admitted=False)}, "not-admitted"),
    ],
)
def test_a_read_without_or_outside_the_authorisation_is_refused(owner: int, changes: dict[str, Any], rule: str) -> None:
    given = give(owner)
    error = refused(ask(**{"authorisation": given.id, **changes}))
    assert error.rule == rule
    assert error.rule_clause
    line = list_accesses(enterprise=changes.get("enterprise", FIRM), allowed=False)[0]
    assert (line.id, line.rule) == (error.data["access"], rule)


def test_an_item_that_was_not_granted_is_outside(owner: int) -> None:
    given = give(owner, items=("tax.payment",))
    assert refused(ask(given.id, items=("utility.electricity",))).rule == "outside-authorisation"
    answer = query(ask(given.id), now=NOW + DAY)
    assert answer.document["evaluation"] is None, "the score rests on items that were not granted"
    assert "utility.electricity" not in [b["item"] for b in answer.document["items"]]


def test_expiry_withdrawal_and_the_last_read(owner: int) -> None:
    given = give(owner, times=1)
    assert refused(ask(given.id), now=NOW + timedelta(days=30)).rule == "authorisation-expired"
    query(ask(given.id), now=NOW + DAY)
    assert refused(ask(given.id)).rule == "authorisation-used-up"
    later = NOW + timedelta(days=31)
    again = give(owner, now=later)
    withdraw_authorisation(again.id, signatory=owner, now=later)
    assert refused(ask(again.id), now=later).rule == "authorisation-withdrawn"


def test_a_withdrawal_between_decision_and_commit_refuses(owner: int, monkeypatch: pytest.MonkeyPatch) -> None:
    given = give(owner)

    def withdrawn_meanwhile(*args: Any, **named: Any) -> Any:
        withdraw_authorisation(given.id, signatory=owner, now=NOW + DAY)
        return made(*args, **named)

    made = actions.make_document
    monkeypatch.setattr(actions, "make_document", withdrawn_meanwhile)
    assert refused(ask(given.id)).rule == "authorisation-withdrawn"
    assert list_accesses(enterprise=FIRM, allowed=True) == []


def test_the_enterprise_reads_its_own_rows_for_free(owner: int) -> None:
    own = Recipient(RecipientKind.ENTERPRISE, FIRM, "示例企业1", enterprise=FIRM)
    answer = query(ask(recipient=own, purpose="self", form=Form.DETAIL, actor="person:1"), now=NOW + DAY)
    blocks = {b["item"]: b for b in answer.document["items"]}
    assert [r["sales_fen"] for r in blocks["tax.payment"]["rows"]] == [98765432] * 3
    assert blocks["social.insurance"]["state"] == "not_known"
    assert list_entries(event="release.self_read")
    assert count_accesses(FIRM, since=NOW) == {"allowed": 0, "refused": 0}, "reading oneself is not being looked at"


def test_public_view_never_hints_at_what_is_not_public(owner: int) -> None:
    """A page once listed the dates of ratings whose grade was hidden: that told there were grades below A."""
    answer = query(ask(purpose="public", form=Form.DETAIL, public_only=True), now=NOW + DAY)
    block = next(b for b in answer.document["items"] if b["item"] == "tax.credit_rating")
    assert [(r["rated_on"], r["grade"]) for r in block["rows"]] == [("2025-04-30", "A")]
    deliver("tax.credit_rating", [rating(uscc(2), "2026-04-30", "D")], now=NOW + DAY)
    with_d = query(ask(purpose="public", form=Form.DETAIL, public_only=True, enterprise=uscc(2)), now=NOW + 2 * DAY)
    registered(3, now=NOW + DAY)
    without = query(ask(purpose="public", form=Form.DETAIL, public_only=True, enterprise=uscc(3)), now=NOW + 2 * DAY)
    blocks = [next(b for b in a.document["items"] if b["item"] == "tax.credit_rating") for a in (with_d, without)]
    assert blocks[0] == blocks[1], "a firm with a hidden rating looks like one with none"
    assert "tax.payment" not in [b["item"] for b in answer.document["items"]]


def test_personal_fields_stay_with_the_enterprise(owner: int) -> None:
    named = {"uscc": FIRM, "name": "示例企业1", "registered_on": "2020-01-02", "legal_person": "陈某"}
    deliver("registration.basic", [named], now=NOW + DAY / 2)
    own = Recipient(RecipientKind.ENTERPRISE, FIRM, "示例企业1", enterprise=FIRM)
    answer = query(ask(recipient=own, purpose="self", form=Form.DETAIL, actor="person:1"), now=NOW + DAY)
    assert "陈某" in json.dumps(answer.document, ensure_ascii=False)
    answer = query(ask(purpose="public", form=Form.DETAIL, public_only=True), now=NOW + DAY)
    assert "陈某" not in json.dumps(answer.document, ensure_ascii=False)
    # Asking for the raw detail of a public item needs no authorisation; it once answered the personal fields too.
    answer = query(ask(form=Form.DETAIL, items=("registration.basic",)), now=NOW + DAY)
    assert "陈某" not in json.dumps(answer.document, ensure_ascii=False)


def test_nothing_leaves_before_its_evidence_is_durable(owner: int, monkeypatch: pytest.MonkeyPatch) -> None:
    given = give(owner)
    monkeypatch.setattr("xinqiao.release.actions.record", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        query(ask(given.id), now=NOW + DAY)
    assert get_authorisation(given.id).times_used == 0
    assert list_accesses(enterprise=FIRM) == []


def test_the_receipt_binds_the_answer_and_the_log_proves_it(owner: int) -> None:
    given = give(owner)
    answer = query(ask(given.id), now=NOW + DAY)
    entry = list_entries(event="release.granted")[0]
    assert entry.body["answer_sha256"] == sha256_hex(canonical_bytes({**answer.document}))
    assert entry.body["access"] == answer.access.id
    sequence(now=NOW + DAY)
    assert receipt(answer.access.entry).proof
    assert verify_folder(evidence_dir()).ok


def test_an_unknown_enterprise_has_nothing_to_show(owner: int) -> None:
    with pytest.raises(UnknownEnterprise):
        query(ask(purpose="public", form=Form.DETAIL, public_only=True, enterprise=uscc(99)), now=NOW + DAY)


def test_the_ledger_pages_without_gaps(owner: int) -> None:
    for _ in range(7):
        refused(ask())
    seen, before = [], None
    while rows := list_accesses(enterprise=FIRM, before=before, limit=3):
        seen += [r.id for r in rows]
        before = (rows[-1].at, rows[-1].id)
    assert (len(seen), len(set(seen))) == (7, 7)


def test_the_evaluation_alone_is_what_the_whole_answer_says(owner: int) -> None:
    """Fewer rows read, the same evaluation, the same items on the ledger, the same evidence."""
    own = Recipient(RecipientKind.ENTERPRISE, FIRM, "示例企业1", enterprise=FIRM)
    whole = query(Inquiry(own, FIRM, "self", Form.DERIVED, "person:1", "portal"), now=NOW)
    alone = query(Inquiry(own, FIRM, "self", Form.DERIVED, "person:1", "portal", evaluation_only=True), now=NOW)
    assert alone.document["evaluation"] == whole.document["evaluation"] and alone.document["items"] == []
    first, second = list_accesses(enterprise=FIRM, limit=2)
    assert first.items == second.items and first.entry != second.entry
