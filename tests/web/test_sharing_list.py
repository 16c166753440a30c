"""The list as an instrument: proposed, shown with what it touches, approved by a second person, in force everywhere."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from tests.factories import deliver, registration, uscc
from tests.machines import Machine
from tests.web.conftest import FIRM, Town, visitor
from xinqiao.catalogue.load import list_files
from xinqiao.consent.queries import get_authorisation, get_request
from xinqiao.consent.types import Form, RequestState
from xinqiao.directory.build import rebuild
from xinqiao.evaluation.actions import run_evaluation
from xinqiao.evaluation.compute import REGISTRATION, facts_by_code
from xinqiao.evaluation.queries import current_result, get_scorecard
from xinqiao.evidence.keys import document_key
from xinqiao.evidence.proofs import check_document
from xinqiao.evidence.queries import list_entries
from xinqiao.ingest.actions import receive_rows
from xinqiao.kernel.canonical import canonical_bytes
from xinqiao.plumbing.settings import content_dir
from xinqiao.records.types import AsOf
from xinqiao.release import actions
from xinqiao.release.actions import query
from xinqiao.release.types import Inquiry, Recipient, RecipientKind
from xinqiao.sharing.queries import current_list, item_ever, version_in_force
from xinqiao.sharing.types import KIND
from xinqiao.stewardship.actions import approve_list, propose_list, remind_providers
from xinqiao.stewardship.queries import collected, list_proposals, list_reminders, on_time, standing_reminders
from xinqiao.stewardship.rules import with_uploads
from xinqiao.stewardship.types import ListRefused, ProposalState
from xinqiao.webhooks.actions import add_endpoint, tell
from xinqiao.webhooks.queries import list_messages

TAX = "tax.payment"
PURPOSE = "approval"
WHY = "its provider stopped"


def take_off(town: Town, *codes: str) -> None:
    """Two people take items off the list."""
    files = with_uploads(list_files(content_dir()), (), codes)
    by: dict[str, Any] = {"now": timezone.now()}
    approve_list(propose_list(files, reason="not shared any more", actor="person:1", **by).id, actor="person:2", **by)


def put_back(town: Town) -> None:
    """Two people put the content's list in force again."""
    by: dict[str, Any] = {"now": timezone.now()}
    made = propose_list(list_files(content_dir()), reason="shared again", actor="person:1", **by)
    approve_list(made.id, actor="person:2", **by)


def page(client: Client, path: str) -> str:
    """A page as it reads."""
    return client.get(path).content.decode()


def call(machine: Machine, path: str, body: Any, *, key: str) -> Any:
    """A program's call with JSON, under a key."""
    return machine.post(path, body, content_type="application/json", headers={"Idempotency-Key": key})


@pytest.fixture
def second(town: Town) -> Client:
    """A second person of the node in a browser."""
    return town.client("guard")


def test_a_change_shows_what_it_touches_and_takes_two_people(town: Town, second: Client) -> None:
    """As the steward does it on the pages; the version is signed, in evidence, and anybody can check it."""
    town.grant(town.ask())
    first = town.client("operator")
    refused = first.post("/node/list/", {"remove": [TAX], "reason": " "})
    assert refused.status_code == 422 and not list_proposals()
    made = first.post("/node/list/", {"remove": [TAX], "reason": WHY}, follow=True)
    shown = made.content.decode()
    assert "对 2 家机构、1 家平台停供 1 项；1 份现行授权受影响" in shown
    assert "个指标改为未知" in shown and "3" in shown
    [proposal] = list_proposals()
    assert current_list().item(TAX) and version_in_force() is not None, "the first version is the content's"
    own = first.post(f"/node/list/{proposal.id}/", {"step": "approve"})
    assert own.status_code == 403 and "不能批准" in own.content.decode()
    done = second.post(f"/node/list/{proposal.id}/", {"step": "approve"}, follow=True)
    assert "已启用" in done.content.decode()
    held = version_in_force()
    assert held and (held.number, held.reason, held.proposed_by != held.approved_by) == (
        2,
        "its provider stopped",
        True,
    )
    signed = visitor().get("/list/2.json").json()
    check_document(canonical_bytes(signed["document"]), signed["signature"], kind=KIND, key=document_key())
    assert not any(TAX in name for name in signed["document"]["files"])
    [entry] = [e for e in list_entries(event="sharing.list_in_force") if e.body["number"] == 2]
    assert entry.body["sha256"] == held.sha256 == signed["document"]["sha256"] and entry.body["proof_sha256"]
    history = page(visitor(), "/list/")
    assert "第 2 版" in history and WHY in history and "纳税申报与缴纳信息" in history


def test_an_item_that_is_taken_off_is_refused_by_every_surface(town: Town) -> None:
    """Portals, API, OAuth, pushes, deliveries, kept answers: none gives or takes it, and none fails."""
    given, waiting = town.grant(town.ask(times=3)), town.ask("bank-b")
    add_endpoint("tax_bureau", url="https://tax.example/hook", actor="t", now=town.now)
    tell("tax_bureau", "source.late", about=f"{TAX} late", data={"item": TAX}, now=town.now)
    bank, tax, report = town.api("bank-a"), town.api("tax_bureau"), {"enterprise": FIRM, "purpose": PURPOSE}
    asked = {**report, "authorisation": given.id}
    before = call(bank, "/api/v1/reports", asked, key="one")
    assert TAX in {block["item"] for block in before.json()["document"]["items"]}
    owner, banker = town.client("owner"), town.client("banker")
    take_off(town, TAX)

    after = call(bank, "/api/v1/reports", asked, key="two").json()["document"]
    assert TAX not in {block["item"] for block in after["items"]} and after["not_listed"] == [TAX]
    lines = {line["code"]: line for line in (after["evaluation"] or {"indicators": []})["indicators"]}
    assert {line["why"] for code, line in lines.items() if code.startswith("operation.tax")} <= {"not_listed"}
    assert call(bank, "/api/v1/reports", asked, key="one").status_code == 404, "nor once more what was kept"
    assert call(bank, "/api/v1/reports", {**asked, "items": [TAX]}, key="three").status_code == 404
    query = {"type": "credit_query", **report, "items": [TAX], "form": "report", "reason": "loan A-1", "times": 1}
    asking = call(bank, "/api/v1/authorisation-requests", {"authorization_details": [query]}, key="four")
    assert asking.status_code == 422 and asking.json()["problems"][0]["message"] == f"共享清单中没有 {TAX}"
    row = {"uscc": FIRM, "month": "2026-04", "sales_fen": "1", "due_fen": "1", "paid_fen": "1", "arrears_fen": "0"}
    assert call(tax, "/api/v1/deliveries", {"item": TAX, "rows": [row]}, key="five").status_code == 404
    anybody = visitor()
    assert anybody.get(f"/api/v1/catalogue/{TAX}").status_code == 404
    assert TAX not in {item["code"] for item in anybody.get("/api/v1/catalogue").json()}
    for path in (f"/catalogue/{TAX}/", f"/catalogue/{TAX}/template.xlsx"):
        assert anybody.get(path).status_code == 404, path
    assert town.client("tax").get(f"/department/upload/{TAX}/").status_code == 404
    for client, path in (
        (owner, "/enterprise/report/"),
        (owner, "/enterprise/preview/?organisation=bank-a"),
        (banker, f"/institution/enterprises/{FIRM}/ask/"),
        (town.client("tax"), "/department/"),
        (town.client("operator"), "/node/supply/"),
        (anybody, "/catalogue/"),
    ):
        shown = client.get(path)
        assert shown.status_code == 200, path
        assert "98,765.43" not in shown.content.decode() and f'value="{TAX}"' not in shown.content.decode(), path
        assert "纳税申报与缴纳信息" not in shown.content.decode(), path
    assert get_request(waiting.id).state is RequestState.CANCELLED
    assert {m.state for m in list_messages("tax_bureau")} == {"superseded"}

    put_back(town)
    again = call(bank, "/api/v1/reports", asked, key="six").json()["document"]
    assert TAX in {block["item"] for block in again["items"]} and "not_listed" not in again


def test_what_happened_stays_readable_when_its_item_has_left(town: Town) -> None:
    """The authorisation and its paper name what was agreed to, beside the list it was given under."""
    given, owner = town.grant(town.ask()), town.client("owner")
    take_off(town, TAX)
    assert "纳税申报与缴纳信息" in page(owner, f"/enterprise/authorisations/{given.id}/")
    assert owner.get(f"/enterprise/authorisations/{given.id}/receipt.pdf").status_code == 200
    assert item_ever(TAX).name == "纳税申报与缴纳信息"


def test_nothing_is_evaluated_by_an_item_off_the_list_and_lists_wait_for_the_new_run(town: Town) -> None:
    """On demand at once; lists of enterprises by evaluated facts are refused until the province is evaluated anew."""
    now = timezone.now()
    run_evaluation(AsOf(timezone.localdate(now), now), actor="t", now=now, progress=lambda _: None)
    rebuild(actor="t", now=timezone.now())
    operator = town.client("operator")
    assert operator.get("/node/lists/").status_code == 200
    before = {line["code"]: line for line in current_result(FIRM, now=timezone.now())["indicators"]}
    take_off(town, TAX)
    after = {line["code"]: line for line in current_result(FIRM, now=timezone.now())["indicators"]}
    lost = {code for code in after if after[code].get("why") == "not_listed"}
    assert lost and any(before[code]["value"] is not None for code in lost)
    assert {code for code in before if before[code] != after[code]} <= lost
    outdated = operator.get("/node/lists/")
    assert outdated.status_code == 503 and "按新清单重新评价" in outdated.content.decode()
    now = timezone.now()
    run_evaluation(AsOf(timezone.localdate(now), now), actor="t", now=now, progress=lambda _: None)
    rebuild(actor="t", now=timezone.now())
    assert operator.get("/node/lists/").status_code == 200
    ran = {line["code"]: line for line in current_result(FIRM, now=timezone.now())["indicators"]}
    assert {code: line["value"] for code, line in ran.items()} == {code: line["value"] for code, line in after.items()}


def test_the_impact_names_vetoes_that_would_cease(town: Town) -> None:
    """A list that drops what a veto rests on may lift grades: whoever approves must read so."""
    card = get_scorecard(on=timezone.localdate())
    veto = next(v for v in card.vetoes if (read := facts_by_code()[v.rule.indicator].items) and read[0] != REGISTRATION)
    item = facts_by_code()[veto.rule.indicator].items[0]
    made = propose_list(with_uploads(list_files(content_dir()), (), [item]), reason="x", actor="p", now=timezone.now())
    assert any("否决规则不再生效" in sentence for sentence in made.says)


def test_a_new_item_is_taken_in_and_given_without_any_code(town: Town) -> None:
    """An item and its department that no file of the program knows: registered, delivered, asked for, read."""
    declared = (content_dir() / "items" / "tax_bureau" / "tax.payment.toml").read_text("utf-8")
    declared = declared.replace('"tax.payment"', '"heat.use"').replace('"E02"', '"H04"')
    declared = declared.replace('"tax_bureau"', '"heat_supply"').replace("纳税申报与缴纳信息", "用热信息")
    declared = declared[: declared.index("[[examples]]")] if "[[examples]]" in declared else declared
    providers = list_files(content_dir())["items/departments.toml"]
    providers += '\n[heat_supply]\nname = "示例供热公司"\nname_en = "Example Heating"\n'
    files = {**list_files(content_dir()), "items/departments.toml": providers}
    files = with_uploads(files, [("heat.toml", declared.encode())])
    by: dict[str, Any] = {"now": timezone.now()}
    given = town.grant(town.ask())
    made = propose_list(files, reason="heat is shared now", actor="person:1", **by)
    assert "向 2 家机构、1 家平台增加 1 项；1 份现行授权未覆盖" in made.says
    assert "新增提供单位：示例供热公司；启用时登记" in made.says
    approve_list(made.id, actor="person:2", **by)
    row = {"uscc": FIRM, "month": "2026-04", "sales_fen": "77", "due_fen": "1", "paid_fen": "1", "arrears_fen": "0"}
    taken = receive_rows(current_list().item("heat.use"), [row], provider="heat_supply", actor="t", now=timezone.now())
    assert taken.accepted == 1
    assert "用热信息" in page(visitor(), "/catalogue/") and "77.00" in page(town.client("owner"), "/enterprise/report/")
    bank = town.api("bank-a")
    asked = {"enterprise": FIRM, "purpose": PURPOSE, "authorisation": given.id}
    blocks = {b["item"] for b in call(bank, "/api/v1/reports", asked, key="x").json()["document"]["items"]}
    assert "heat.use" not in blocks, "an authorisation given before does not cover it"


def test_what_was_overtaken_or_turned_down_is_not_put_in_force(town: Town, second: Client) -> None:
    """Two proposals on the same list: the second one must be compared anew. A reason is needed to turn one down."""
    by: dict[str, Any] = {"now": timezone.now()}
    held = list_files(content_dir())
    one = propose_list(with_uploads(held, (), [TAX]), reason="one", actor="person:1", **by)
    two = propose_list(with_uploads(held, (), ["utility.gas"]), reason="two", actor="person:1", **by)
    three = propose_list(with_uploads(held, (), ["utility.water"]), reason="three", actor="person:1", **by)
    assert second.post(f"/node/list/{three.id}/", {"step": "reject", "reason": ""}).status_code == 422
    second.post(f"/node/list/{three.id}/", {"step": "reject", "reason": "still shared"})
    approve_list(one.id, actor="person:2", **by)
    moved = second.post(f"/node/list/{two.id}/", {"step": "approve"})
    assert moved.status_code == 409 and "第 2 版" in moved.content.decode()
    [entry] = list_entries(event="stewardship.list_overtaken")
    assert entry.body == {"proposal": two.id, "version": 2}
    states = {p.reason: p.state for p in list_proposals()}
    assert states == {
        "one": ProposalState.APPROVED,
        "two": ProposalState.OVERTAKEN,
        "three": ProposalState.REJECTED,
    }
    assert current_list().item("utility.gas").code == "utility.gas"


def test_providers_are_reminded_in_working_days_and_the_table_is_public(town: Town) -> None:
    """Before the deadline, after it, put to the lead department; what comes in ends it; anybody sees who is late."""
    add_endpoint("tax_bureau", url="https://tax.example/hook", actor="t", now=town.now)
    put_in_march = datetime.fromisoformat("2026-03-03T02:00:00+00:00")
    deliver("registration.basic", [registration(9, name="Example Dye")], now=put_in_march)
    row = {"uscc": uscc(9), "month": "2026-02", "sales_fen": "5", "due_fen": "1", "paid_fen": "1", "arrears_fen": "0"}
    first = now = datetime.fromisoformat("2030-01-07T02:00:00+00:00")
    deliver(TAX, [row], now=first)
    kinds, days = list[tuple[str, int]](), 0
    while days < 75:
        now, days = now + timedelta(days=1), days + 1
        remind_providers(now=now)
        remind_providers(now=now + timedelta(hours=3))
    for reminder in reversed([r for r in list_reminders(limit=1000) if r.item == TAX]):
        kinds.append((reminder.kind.value, reminder.workdays))
    assert kinds[:2] == [("soon", 5), ("soon", 1)]
    assert ("escalated", -10) in kinds and [k for k in kinds if k[0] == "late"][:3] == [
        ("late", -1),
        ("late", -4),
        ("late", -7),
    ]
    assert len(set(kinds)) == len(kinds)
    assert TAX in {r.item for r in standing_reminders(provider="tax_bureau", now=now)}
    assert {m.type for m in list_messages("tax_bureau")} >= {"duty.soon", "duty.late", "duty.escalated"}
    tax = next(s for s in on_time(now=now) if s.provider == "tax_bureau")
    assert TAX in tax.behind and tax.due > tax.met and tax.late_workdays > 10
    deliver(TAX, [{**row, "month": "2026-03"}], now=now + timedelta(hours=4))
    later = now + timedelta(hours=5)
    assert TAX not in {r.item for r in standing_reminders(provider="tax_bureau", now=later)}
    assert TAX not in next(s for s in on_time(now=later) if s.provider == "tax_bureau").behind
    shown = page(visitor(), "/on-time/")
    assert "国家税务总局陕西省税务局" in shown and "归集率" in shown
    assert b"tax_bureau," in visitor().get("/on-time.csv").content


def test_the_rate_of_collection_counts_what_came_of_what_is_listed(town: Town) -> None:
    """For the province's list and each superior list; an item taken off is neither listed nor missing."""
    now = timezone.now()
    whole, *superior = collected(now=now)
    assert (whole.listed, whole.received) == (len(current_list().items), 4)
    assert {one.code for one in superior} == {"52", "15"}
    assert sum(one.listed for one in superior) == sum(bool(item.lists) for item in current_list())
    take_off(town, TAX)
    after, *_ = collected(now=now)
    assert (after.listed, after.received) == (whole.listed - 1, 3)


def test_what_cannot_be_a_list_is_told_with_every_fault(town: Town) -> None:
    """On the page, nothing is lost: the reason and the ticks stay."""
    broken = SimpleUploadedFile("x.toml", b"code = ")
    answer = town.client("operator").post(
        "/node/list/", {"files": [broken], "remove": ["registration.basic"], "reason": "why not"}
    )
    shown = answer.content.decode()
    assert answer.status_code == 422 and "x.toml" in shown and "why not" in shown
    assert not list_proposals()
    answer = town.client("operator").post("/node/list/", {"remove": ["registration.basic"], "reason": "why not"})
    assert answer.status_code == 422 and "离不开" in answer.content.decode()


def test_an_answer_being_made_when_the_list_changes_is_made_again(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """The item leaves between the reading of records and the answer: it is not in the answer, and one read is used."""
    given, document, calls = town.grant(town.ask(times=3)), actions.make_document, list[int]()

    def changing(*args: Any, **named: Any) -> Any:
        made = document(*args, **named)
        calls.append(1)
        if len(calls) == 1:
            take_off(town, TAX)
        return made

    monkeypatch.setattr(actions, "make_document", changing)
    bank = Recipient(RecipientKind.INSTITUTION, "bank-a", "Sample Bank")
    inquiry = Inquiry(bank, FIRM, PURPOSE, Form.REPORT, "api:bank-a", "api", authorisation=given.id)
    answer = query(inquiry, now=timezone.now())
    assert len(calls) == 2 and TAX not in {block["item"] for block in answer.document["items"]}
    assert get_authorisation(given.id).times_used == 1
    [entry] = [e for e in list_entries(event="release.granted") if e.body["access"] == answer.access.id]
    assert entry.body["list_sha256"] == current_list().sha256


def test_what_was_taken_off_comes_back_only_as_it_was_spelled(town: Town) -> None:
    """An item with records under its code, and a field of one: a version in between does not make them forgotten."""
    name, files = "items/gas_supply/utility.gas.toml", list_files(content_dir())
    by: dict[str, Any] = {"reason": WHY, "actor": "person:1", "now": timezone.now()}
    take_off(town, "utility.gas")
    respelled = {**files, name: files[name].replace('type = "integer"', 'type = "decimal"')}
    assert respelled != files
    with pytest.raises(ListRefused) as refused:
        propose_list(respelled, **by)
    assert {p.code for p in refused.value.problems} == {"stored"}
    assert propose_list(files, **by).state is ProposalState.PROPOSED


def test_a_version_is_in_force_with_its_new_evaluation_ordered_or_not_at_all(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What follows fails for one request, answered in the same moment: the change stands and is followed up."""
    from xinqiao.stewardship import actions as stewardship

    ordered = list[str]()
    monkeypatch.setattr(stewardship, "evaluate_province", SimpleNamespace(enqueue=ordered.append))
    asked, seen = town.ask(), stewardship.open_requests_naming

    def answered_since(codes: Any, *, now: datetime) -> Any:
        found = seen(codes, now=now)
        if found:
            stewardship.cancel_request(asked.id, organisation="bank-a", actor="t", now=now)
        return found

    files = with_uploads(list_files(content_dir()), (), [TAX])
    made = propose_list(files, reason=WHY, actor="person:1", now=timezone.now())
    monkeypatch.setattr(stewardship, "open_requests_naming", answered_since)
    approve_list(made.id, actor="person:2", now=timezone.now())
    assert ordered == ["person:2"] and version_in_force() is not None
