"""A reader who chose English reads English on every page; only data keeps the language it was delivered in."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from tests import scenes
from tests.dossiers import decide
from tests.factories import deliver, item, uscc
from tests.machines import key as machine_key
from tests.market import drawn
from tests.market import product as offered
from tests.peers import Peer, product
from tests.web.conftest import FIRM, NON_PUBLIC, Town, visitor
from tests.web.suing import brought
from xinqiao.admission import applying
from xinqiao.admission.actions import propose, report_probe
from xinqiao.admission.types import MeasureKind
from xinqiao.catalogue.load import list_files, load_catalogue
from xinqiao.client.daybook import Daybook, received_line
from xinqiao.consent.actions import request_authorisation
from xinqiao.consent.powers import invite
from xinqiao.consent.types import Form
from xinqiao.corrections.queries import list_notices
from xinqiao.corrections.rippling import ripple_waiting
from xinqiao.directory.build import rebuild
from xinqiao.disputes.deciding import find_wrong, reject
from xinqiao.disputes.filing import file_dispute, receive_at
from xinqiao.disputes.types import Channel, Claim
from xinqiao.evaluation.actions import run_evaluation
from xinqiao.evidence.actions import sequence
from xinqiao.federation.collecting import publish_documents
from xinqiao.federation.publishing import take_answers
from xinqiao.federation.queries import list_held
from xinqiao.federation.receiving import receive_page
from xinqiao.federation.types import Answer, Side, SyncState
from xinqiao.formulas.actions import measure_grains, review_formula, submit_formula
from xinqiao.formulas.running import run_formula
from xinqiao.ingest.match_queries import list_matches
from xinqiao.ingest.types import MatchState
from xinqiao.judicial import actions as judicial
from xinqiao.judicial.types import CaseRequest
from xinqiao.kernel.dated import beijing_day
from xinqiao.lending.applications import decline, opt_in
from xinqiao.lending.declarations import declare
from xinqiao.lending.loans import report_loans
from xinqiao.lending.queries import list_applications
from xinqiao.matching.actions import post_need, publish_product
from xinqiao.matching.types import Firm
from xinqiao.monitoring.actions import propose_embargo, reply, watch_borrower
from xinqiao.monitoring.passing import monitor
from xinqiao.monitoring.pushing import push_waiting
from xinqiao.monitoring.queries import list_told
from xinqiao.parties.queries import get_organisation
from xinqiao.parties.types import Role
from xinqiao.plumbing.settings import content_dir
from xinqiao.quality.actions import report_outage
from xinqiao.quality.jobs import daily_pass
from xinqiao.quality.queries import list_findings
from xinqiao.quality.rules import monday
from xinqiao.reconciliation.actions import hand_in, open_buckets
from xinqiao.reconciliation.jobs import settle_days
from xinqiao.records.queries import rows_now
from xinqiao.records.types import AsOf
from xinqiao.release.actions import query
from xinqiao.release.queries import list_accesses
from xinqiao.release.types import Inquiry, Recipient
from xinqiao.repair.actions import apply
from xinqiao.repair.models import RepairRow
from xinqiao.sanctions import actions as sanctions
from xinqiao.sanctions.types import Determination
from xinqiao.scenarios.actions import promote, sign_off, train_on
from xinqiao.scenarios.queries import get_scenario
from xinqiao.stewardship.actions import approve_list, propose_list, remind_providers
from xinqiao.stewardship.rules import with_uploads
from xinqiao.subjects.build import rebuild as rebuild_subjects
from xinqiao.supervision.actions import approve_freeze, propose_freeze
from xinqiao.supervision.watch import watch
from xinqiao.tracing.actions import trace_copy
from xinqiao.violations.actions import (
    carry_out,
    dismiss_case,
    give_statement,
    notify,
    open_case,
    take_up,
)
from xinqiao.violations.actions import decide as decide_case
from xinqiao.violations.queries import list_cases
from xinqiao.violations.types import Finding, Source
from xinqiao.web.access import Portal
from xinqiao.web.routing import list_routes

CHINESE = re.compile(r"[\u3001-\u303f\u3400-\u9fff\uff01-\uff5e]+")
# What a reader sees in the delivered language: permitted values of the items, and the spellings a yes may have.
DATA = {"是", "否"} | {
    c for item in load_catalogue(content_dir()) for f in item.fields for c in (*f.choices, *f.public_when)
}
VOID = {"meta", "link", "input", "br", "img", "hr", "i"}
# Routes that are no pages: files, machine answers, acts.
FILES = {"healthz", "readyz", "template", "log-file", "department-annotated", "guideline-json", "guideline-md"}
FILES |= {"node-evidence", "institution-evidence", "list-signed", "node-list-files", "on-time-file", "node-card"}
FILES |= {"enterprise-authorisation-receipt", "enterprise-authorisation-paper"}
FILES |= {"enterprise-access-receipt", "enterprise-bundle", "department-failing-file", "node-failing-file"}
FILES |= {"node-probe-report", "institution-probe-report", "institution-loans-template", "institution-gaps-file"}
FILES |= {"oauth-metadata", "oauth-authorise", "oauth-par", "oauth-token", "oauth-revoke", "oauth-introspect"}
ACTS = {"sign-out", "care", "set_language", "institution-report", "department-undo", "enterprise-withdraw"}
ACTS |= {"department-explain", "department-outage", "node-explain", "node-outage"}
ACTS |= {"body-call-back", "sign-in-provincial", "sign-in-provincial-back", "account-unlink"}
ACTS |= {f"{portal}-people-{act}" for portal in Portal for act in ("end", "reset")}
ACTS |= {"node-probe-again", "enterprise-choose", "enterprise-need-end", "enterprise-recommendation"}
ACTS |= {"institution-formula-run", "institution-formula-withdraw"}
ACTS |= {"node-alert-case", "enterprise-complain"}
FILES |= {"node-sanction-document", "enterprise-sanction-document"}
FILES |= {f"{portal}-proceeding-paper" for portal in ("enterprise", "institution", "judicial")}
ACTS |= {"institution-product-withdraw", "node-effectiveness-close"}
FILES |= {"enterprise-repair-paper", "department-repair-paper"}
FILES |= {"enterprise-dispute-letter", *(f"{who}-dispute-file" for who in ("enterprise", "department", "node"))}
ACTS |= {"institution-product-withdraw", "node-effectiveness-close", "judicial-package", "judicial-receipt"}
FILES |= {"statistics-file", "node-effectiveness-rows", "node-effectiveness-paper"}
ACTS |= {"institution-appeal", "enterprise-oauth", "enterprise-power", "enterprise-invite", "institution-cancel"}


class Visible(HTMLParser):
    """Collects what a person can read: text and spoken labels, without parts marked as Chinese."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._hidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Labels count as text; a part in Chinese, style or script does not."""
        values = dict(attrs)
        self.texts += [values[name] or "" for name in ("aria-label", "title", "alt") if name in values]
        chinese = (values.get("lang") or "").startswith("zh")
        if tag not in VOID and (self._hidden or chinese or tag in ("style", "script")):
            self._hidden.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Leaves a hidden part where it ends."""
        if self._hidden and self._hidden[-1] == tag:
            self._hidden.pop()

    def handle_data(self, data: str) -> None:
        """Text between tags."""
        if not self._hidden:
            self.texts.append(data)


def chinese_in(html: str) -> list[str]:
    """Chinese a reader sees on a page, data apart."""
    page = Visible()
    page.feed(html)
    text = "\n".join(page.texts)
    for value in sorted(DATA, key=len, reverse=True):
        text = text.replace(value, "")
    return [line.strip() for line in text.split("\n") if CHINESE.search(line)]


@pytest.fixture
def busy(town: Town) -> dict[str, Any]:
    """A node where every list has a line: requests, authorisations, refusals, returned rows, a run, a signed log."""
    given = town.grant(town.ask(times=2))
    asked = town.ask("bank-b")
    town.read(authorisation=given.id)
    town.read(authorisation="")
    faulty = [{"uscc": FIRM, "rated_on": "2027-04-30", "grade": "A"}, {"uscc": "9161", "rated_on": "?", "grade": "Z"}]
    outcome = deliver("tax.credit_rating", faulty, now=town.now)
    deliver("registration.basic", [], now=town.now)
    now = timezone.now()
    run_evaluation(AsOf(timezone.localdate(), now), actor="t", now=now, progress=lambda _: None)
    rebuild(actor="t", now=now)
    match = waiting_row(now)
    sequence(now=now + timedelta(seconds=1))
    finding = contradicted(now)
    access = list_accesses(enterprise=FIRM)[0]
    alert, freeze = stopped(town)
    lapsed(town.now)
    peer, held = interconnected(town.now)
    return {
        "signal": signalled(town, now),
        "peer": peer,
        "held": held,
        "authorisation_id": given.id,
        "request_id": asked.id,
        "access_id": access.id,
        "delivery": outcome.delivery,
        "uscc": FIRM,
        "alert": alert,
        "freeze": freeze,
        "finding": finding,
        "code": "tax.payment",
        "day": beijing_day(now).isoformat(),
        "week": monday(beijing_day(now)).isoformat(),
        "aspect": "valid",
        "match": match,
        "organisation": "bank-b",
        "section": "security",
        "model": modelled(now),
        "formula": formulated(town),
        **disputed(),
        **supervised(town, now),
        "proposal": changing(now),
        **financed(town, timezone.now()),
        "judicial_case": sued(town, timezone.now()),
    }


def signalled(town: Town, now: datetime) -> str:
    """A signal of each kind of fact about the firm, one of them answered, an embargo; the number of one."""
    invite(FIRM, organisation="bank-a", signatory=town.people["owner"], now=town.now)
    asked = request_authorisation(
        "bank-a", enterprise=FIRM, purpose="post_loan", items=NON_PUBLIC, form=Form.REPORT,
        reason="loan A-1", days=90, times=50, actor="t", now=town.now,
    )  # fmt: skip
    town.grant(asked)
    watch_borrower("bank-a", enterprise=FIRM, exposure_fen=100, actor="t", now=town.now)
    severe = {"uscc": FIRM, "kind": "罚款", "severity": "严重", "decided_on": "2026-01-01", "fine_fen": "1"}
    deliver("penalty.decision", [{**severe, "document_no": f"P-{n}"} for n in range(2)], now=now)
    later = timezone.now()
    monitor(now=later)
    push_waiting(now=later)
    told = [signal.id for signal, _ in list_told(Recipient.of(get_organisation("bank-a")), now=later)]
    by: dict[str, Any] = {"actor": "person:1", "now": later}
    reply(told[0], recipient=Recipient.of(get_organisation("bank-a")), said="acted", reason="visited", **by)
    propose_embargo(uscc(3), basis="x", until=timezone.localdate() + timedelta(days=3), **by)
    return told[1]


def financed(town: Town, now: datetime) -> dict[str, str]:
    """A product, a need, an application refused with reasons and one under way, loans with gaps, a declaration."""
    by: dict[str, Any] = {"actor": "person:1", "now": now}
    made = [publish_product(offered(name="Example"), institution=bank, **by) for bank in ("bank-a", "bank-b")]
    need = post_need(FIRM, amount_fen=10_000_000, months=12, guarantees=["credit"], purpose="Example", **by)
    firm = Firm(FIRM, {"identity.age_months": 60}, 700, "A", 90, "small", "C3411", "610102")
    for one in made:
        opt_in(one.code, need=need.id, firm=firm, signatory=town.people["owner"], **by)
    first = list_applications(institution="bank-a")[0]
    decline(first.id, reasons=["R01"], note="Example", institution="bank-a", **by)
    loan = drawn(enterprise=FIRM, drawn_on="2026-01-05", approved_on="2026-01-05", due_on="2026-02-01", overdue_days=0)
    report_loans([loan | {"application": "A20000101-00000000"}], institution="bank-a", **by)
    declared = declare(need.id, firm=firm, institutions=["bank-a"], **by)
    return {"product": made[0].code, "need": need.id, "application": first.id, "declaration": declared.id}


def disputed() -> dict[str, Any]:
    """A dispute being checked, one not admitted, one whose correction was told: the first and the notice."""
    by: dict[str, Any] = {"enterprise": FIRM, "name": "Example", "actor": "person:1"}
    deliver("tax.credit_rating", [{"uscc": FIRM, "rated_on": "2025-04-30", "grade": "A"}], now=timezone.now())
    bank = Recipient.of(get_organisation("bank-a"))
    query(Inquiry(bank, FIRM, "public", Form.REPORT, "api:bank-a", "api", public_only=True), now=timezone.now())
    refs = [row["_ref"] for row in rows_now(FIRM, item("tax.credit_rating"), known=timezone.now())]
    claims = [Claim("tax.credit_rating", ref, "outdated", "Example") for ref in (*refs[:2], "")]
    made = [file_dispute(claim, files=[("a.pdf", b"%PDF-")], now=timezone.now(), **by).id for claim in claims]
    found: dict[str, Any] = {"provider": "tax_bureau", "text": "Example", "actor": "person:2", "now": timezone.now()}
    find_wrong(made[0], right=None, **found)
    reject(made[2], reason="not_data", text="Example", actor="person:3", now=timezone.now())
    ripple_waiting(now=timezone.now())
    receive_at(
        Claim("tax.payment", "", "missing", "Example"), enterprise=FIRM, channel=Channel.INSTITUTION, via="bank-a",
        received_at=timezone.now(), actor="t", now=timezone.now(),
    )  # fmt: skip
    return {"dispute": made[1], "notice": list_notices(cause=made[0])[0].id, "repair": repairing()}


def repairing() -> str:
    """An application for repair by the first firm; its number."""
    row = {"uscc": FIRM, "document_no": "P-0", "kind": "罚款", "severity": "轻微", "decided_on": "2026-01-01"}
    deliver("penalty.decision", [row], now=timezone.now())
    rows = rows_now(FIRM, item("penalty.decision"), known=timezone.now())
    [ref] = [row["_ref"] for row in rows if row["document_no"] == "P-0"]
    papers = dict.fromkeys(("performance", "commitment"), ("a.pdf", b"%PDF-"))
    by: dict[str, Any] = {"enterprise": FIRM, "name": "Example", "actor": "person:1", "now": timezone.now()}
    made = apply("penalty.decision", ref, text="Example", papers=papers, **by)
    RepairRow.objects.filter(id=made.id).update(provider="tax_bureau")  # whose clerk walks these pages
    return made.id


def sued(town: Town, now: datetime) -> str:
    """A case about the firm's loan with a package; its number."""
    asked = CaseRequest("litigation", "2026-1", "Example", "loan", FIRM, "bank-a", "JJ20260001")
    made = judicial.open_case(asked, organisation="court", actor=f"person:{town.people['judge']}", now=now)
    judicial.make_package(made.id, organisation="court", actor=f"person:{town.people['judge']}", now=now)
    return made.id


def formulated(town: Town) -> str:
    """A formula that ran on the firm, and its number."""
    measure_grains(actor="person:1", now=timezone.now())
    text = "bins(identity.age_months, 12: 0, else: 5) + (if known(public_credit.penalties_24m) then 1 else 0)"
    output = {"kind": "score", "low": 0, "high": 10, "step": 1}
    by: dict[str, Any] = {"actor": "person:1", "now": timezone.now()}
    made = submit_formula(text, output, name="Example", purpose="approval", institution="bank-a", **by)
    review_formula(made.id, approve=True, reason="Example", actor="person:2", now=timezone.now())
    run_formula(
        made.id, recipient=Recipient.of(get_organisation("bank-a")), enterprise=FIRM, authorisation="", actor="t",
        channel="portal", now=timezone.now(),
    )  # fmt: skip
    return made.id


def supervised(town: Town, now: datetime) -> dict[str, str]:
    """A day that was handed in with a line too many, one overdue, a case with everything said; their numbers."""
    then = now - timedelta(days=9)
    day = Daybook(
        "bank-a", beijing_day(then), frozenset([received_line("A1", "0" * 64, "approval", "report")]), frozenset()
    )
    pair = machine_key("bank-a")
    private = {**pair.as_dict(private=True), "kid": pair.thumbprint(), "alg": "ES256"}
    by: dict[str, Any] = {"organisations": ("bank-a",), "actor": "api:bank-a", "now": now}
    handed = hand_in(day.signed(1, key=private), **by)
    open_buckets(handed.id, day.buckets(handed.open), **by)
    settle_days(now=now + timedelta(days=30))
    case = list_cases()[0].id
    step: dict[str, Any] = {"actor": "person:901", "now": now}
    take_up(case, **step)
    notify(case, notice="Example", **step)
    give_statement(case, organisation="bank-a", text="Example", **step)
    decide_case(case, measures=("warning",), reason="Example", **step)
    carry_out(case, **step)
    found = Finding("selling", "bank-b", Source.AUDIT, "J-1", "Example", {})
    dismiss_case(open_case(found, **step).id, reason="Example", **step)
    other = open_case(Finding("leaking", "tax_bureau", Source.AUDIT, "J-2", "Example", {}), **step).id
    take_up(other, **step)
    notify(other, notice="Example", **step)
    banker = town.client("banker", english=True)
    page = banker.get(f"/institution/enterprises/{FIRM}/").content.decode()
    trace = trace_copy(page.encode(), name="found.html", **step)
    assert trace.reads
    return {
        "hand_in": handed.id,
        "case": case,
        "trace": trace.id,
        "sanction": sanctioned(now),
        "proceeding": brought(FIRM, now=now),
        "department_case": other,
    }


def sanctioned(now: datetime) -> str:
    """A sanction that was put in force and lifted, and one that waits for the statement; the number of the second."""
    on = beijing_day(now)
    said: dict[str, Any] = {
        "document_kind": "judgment",
        "determiner": "Example",
        "determined_on": on,
        "amount_fen": 100,
    }
    said |= {"conduct": "vanished", "measures": ("M01", "M10", "M14"), "ends_on": on + timedelta(days=90)}
    file: dict[str, Any] = {"name": "d.pdf", "data": b"x", "actor": "person:901", "now": now}
    one, other = (sanctions.enter(Determination(FIRM, document_no=n, **said), **file).id for n in ("D-1", "D-2"))
    sanctions.notify(one, actor="person:901", now=now)
    sanctions.give_statement(one, enterprise=FIRM, text="Example", actor="person:7", now=now)
    sanctions.approve(one, actor="person:902", now=now)
    sanctions.lift(one, reason="Example", document="L-1", actor="person:902", now=now)
    sanctions.notify(other, actor="person:901", now=now)
    return other


def modelled(now: datetime) -> str:
    """A model in use, whose card can be read, and a version beside it."""
    by: dict[str, Any] = {"actor": "person:901", "now": now}
    first, _ = (train_on(get_scenario("post_loan_watch"), scenes.seen(1200), **by) for _ in range(2))
    sign_off(first.id, reason="x", actor="person:902", now=now)
    return promote(first.id, actor="person:902", now=now).id


def changing(now: datetime) -> str:
    """A change of the sharing list in force, one that waits (its number), and providers that were reminded."""
    held, by = list_files(content_dir()), {"reason": "x", "actor": "person:1", "now": now}
    name = "items/water_supply/utility.water.toml"
    held[name] = held[name].replace("monthly+", "monthly+1")
    approve_list(propose_list(held, **by).id, actor="person:2", now=now)
    remind_providers(now=now + timedelta(days=60))
    return propose_list(with_uploads(held, (), ["utility.gas"]), **by).id


def interconnected(now: datetime) -> tuple[str, int]:
    """A city below that sent something good and something that was held, and an object on its way to it."""
    city = Peer()
    city.link(Side.BELOW, now=now)
    wrong = city.object("product", "q", product("x") | {"months_to": -1, "more": 1})
    page = city.page([city.object("product", "p", product("x")), wrong, city.signed("{")])
    receive_page("xian", page, now=now)
    publish_documents(now=now)
    take_answers("xian", [Answer(1, SyncState.HELD, list_held()[0].problems)], now=now)
    return "xian", list_held()[-1].id


def contradicted(now: datetime) -> int:
    """A firm that insures forty and pays no tax, rows that fail, a source down, one late; gives the finding."""
    month = f"{now - timedelta(days=60):%Y%m}"
    deliver("social.insurance", [{"uscc": uscc(7), "month": month, "insured_persons": 40}], now=now)
    dashed = f"{month[:4]}-{month[4:]}"
    rows = [{"uscc": uscc(7), "month": dashed, "paid_fen": "0"}, {"uscc": uscc(8), "month": dashed, "paid_fen": "x"}]
    deliver("tax.payment", rows, now=now)
    abnormal = {"uscc": uscc(3), "listed_on": "2026-01-05", "reason": "x", "authority": "x"}
    deliver("list.abnormal", [abnormal], now=now - timedelta(days=30))
    report_outage(item("tax.invoices"), reason="moving", actor="t", now=now)
    daily_pass(actor="t", now=now)
    return list_findings(rule="cross.insured_without_tax")[0].id


def waiting_row(now: datetime) -> int:
    """A row of the tax bureau that waits until a person says which enterprise it is about."""
    rebuild_subjects(actor="t", now=now)
    deliver("tax.credit_rating", [{"uscc": "", "rated_on": "2026-05-30", "grade": "A", "企业名称": "Example"}], now=now)
    return list_matches(MatchState.WAITING)[0].id


def stopped(town: Town) -> tuple[int, str]:
    """An alert of suspected misuse, a freeze that waits for approval because of it, and one in force."""
    now = timezone.now()
    for n in range(6):
        town.api("bank-a").get(f"/api/v1/enterprises/{uscc(4000 + n)}/public")
    alert = watch(now=now + timedelta(seconds=1))[0]
    by: dict[str, Any] = {"organisation": "bank-a", "reason": "tries codes out", "now": now}
    made = propose_freeze("api:bank-a", actor="person:901", **by)
    approve_freeze(made.id, actor="person:902", now=now)
    return alert.id, propose_freeze(f"person:{town.people['rival']}", alert=alert.id, actor="person:901", **by).id


def lapsed(now: datetime) -> None:
    """A bank with evidence and a probe that failed, a decision that waits, a platform that was suspended."""
    by: dict[str, Any] = {"now": now}
    applying.save_answers("bank-b", {"in_china": "no", "real_name": "bank", "rate": "5"}, actor="t", **by)
    applying.file_evidence("bank-b", "breach_plan", name="p.pdf", data=b"x", issued_on=now.date(), actor="t", **by)
    report_probe("bank-b", "clock", passed=False, detail="an hour late", actor="t", **by)
    propose("bank-b", MeasureKind.SUSPEND, reason="late", actor="person:901", **by)
    decide("hub", MeasureKind.SUSPEND, now=now)


WHO = {"enterprise": "owner", "institution": "banker", "department": "tax", "node": "operator"}
WHO |= {"judicial": "judge", "account": "operator", "node-people": "guard", "node-doings": "guard"}
# Pages of people whom nothing else needs: they join for this walk.
JOINING = {
    "institution-people": ("bank-guard", Role.SECURITY, "bank-a"),
    "institution-programs": ("bank-tech", Role.TECHNICIAN, "bank-a"),
    "department-people": ("tax-guard", Role.SECURITY, "tax_bureau"),
    "department-programs": ("tax-tech", Role.TECHNICIAN, "tax_bureau"),
    "judicial-people": ("court-guard", Role.SECURITY, "court"),
    "judicial-proceeding": ("demo-judge", Role.MAGISTRATE, "court-demo"),
}


def test_every_page_is_english_in_english(town: Town, busy: dict[str, Any]) -> None:
    """Walks every route that is a page, so that a new one cannot be forgotten."""
    codes = [item.code for item in load_catalogue(content_dir())]
    left, walked = {}, 0
    for _, route in list_routes():
        name = str(route.name)
        if name in FILES | ACTS:
            continue
        if name in JOINING:
            town.join(*JOINING[name])
        person = JOINING[name][0] if name in JOINING else WHO.get(name) or WHO.get(name.split("-")[0])
        client = town.client(person, english=True) if person else visitor(english=True)
        many = [{"code": code} for code in codes] if name == "item" else [{}]
        many = [{"case": busy["department_case"]}] if name == "department-case" else many
        for chosen in many:
            held = {**busy, **chosen}
            if name.startswith("judicial"):  # a court's case is another than one of supervision
                held["case"] = busy["judicial_case"]
            wanted = {key: held[key] for key in route.pattern.converters}
            answer = client.get(reverse(name, kwargs=wanted), follow=True)
            assert answer.status_code == 200, name
            left |= {f"{name} {wanted}": found} if (found := chinese_in(answer.content.decode())) else {}
            walked += 1
    assert walked > 35
    assert left == {}


def test_what_is_not_a_page_of_its_own_is_english_too(town: Town, busy: dict[str, Any]) -> None:
    """Reports read, refusals, forms sent wrong, the ledger filtered: pages that only an act shows."""
    banker, tax, owner = (town.client(who, english=True) for who in ("banker", "tax", "owner"))
    choice = visitor(english=True).post("/sign-in/", {"username": "owner", "password": "wrong"})
    report = {"authorisation": busy["authorisation_id"]}
    answers = {
        "sign-in": choice,
        "report": banker.post(reverse("institution-report", args=[FIRM]), report),
        "refused": banker.post(reverse("institution-report", args=[FIRM])),
        "find": banker.get("/institution/find/?uscc=12"),
        "wrong code": banker.get("/institution/find/?uscc=91610102MAXAMPLE2"),
        "found": banker.get("/institution/find/?uscc=example"),
        "subject": town.client("operator", english=True).get(f"/node/subjects/?code={FIRM}"),
        "no subject": town.client("operator", english=True).get("/node/subjects/?code=x"),
        "nothing chosen": tax.post(reverse("department-match", args=[busy["match"]]), {"step": "attach"}),
        "sent back": tax.post(
            reverse("department-match", args=[busy["match"]]), {"step": "none", "note": "x"}, follow=True
        ),
        "undo": tax.get(reverse("department-match", args=[busy["match"]])),
        "result": tax.get(reverse("department-delivery", args=[busy["delivery"]])),
        "list": town.client("operator", english=True).post(reverse("node-lists"), {"step": "show", "cause": "x"}),
        "unknown": banker.get(reverse("institution-enterprise", args=["91610102MAXAMPLE2H"])),
        "ask": banker.post(reverse("institution-ask", args=[FIRM]), {"purpose": "approval", "times": 9}),
        "ask again": banker.post(
            reverse("institution-ask", args=[FIRM]), {"purpose": "approval", "items": "tax.payment", "reason": "x"}
        ),
        "upload": tax.post(reverse("department-upload", args=["tax.credit_rating"])),
        "not yours": tax.get(reverse("department-upload", args=["registration.basic"])),
        "404": owner.get(reverse("node-home")),
        "filtered": owner.get("/enterprise/accesses/?only=refused"),
        "cursor": owner.get("/enterprise/accesses/?cursor=x"),
        "text changed": owner.post(reverse("enterprise-decide", args=[busy["request_id"]]), {"answer": "grant"}),
        "declined": owner.post(reverse("enterprise-decide", args=[busy["request_id"]]), {"answer": "no"}, follow=True),
        "decided": owner.get(reverse("enterprise-decide", args=[busy["request_id"]])),
        "decided again": owner.post(reverse("enterprise-decide", args=[busy["request_id"]]), {"answer": "no"}),
    }
    assert {name: found for name, a in answers.items() if (found := chinese_in(a.content.decode()))} == {}


def test_the_check_sees_chinese(town: Town) -> None:
    """The same page in Chinese is full of it."""
    page = visitor().get("/").content.decode()
    assert "登录" in chinese_in(page.replace('<html lang="zh-hans">', "<html>"))
