"""Links, pages, what is held, what goes further: on a real database, with a peer that signs as a node does."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.factories import NOW, item, registered, uscc
from tests.market import product as offered
from tests.peers import FIRST, SECOND, Peer, authorisation, outcome, product, registration
from xinqiao.admission.refusals import OtherPersonNeeded
from xinqiao.catalogue.load import list_files
from xinqiao.config.cli import app
from xinqiao.consent.types import NotAdmitted
from xinqiao.evidence.actions import sequence
from xinqiao.evidence.queries import list_entries
from xinqiao.federation import effects
from xinqiao.federation.collecting import collect, publish_documents
from xinqiao.federation.effects import hand_over_outcomes
from xinqiao.federation.jobs import Courier
from xinqiao.federation.keys import own_card, signed_by, verifying
from xinqiao.federation.linking import confirm_link, end_link, pause_link, propose_link, resume_link
from xinqiao.federation.publishing import give_page, note_receipt, publish, take_answers
from xinqiao.federation.queries import (
    alarms,
    find_object,
    get_link,
    link_state,
    list_flows,
    list_held,
    list_objects,
    list_places,
)
from xinqiao.federation.receiving import give_up, receive_page, try_again
from xinqiao.federation.refusals import (
    FeedForked,
    FeedShorter,
    FingerprintDiffers,
    InvalidDraft,
    InvalidPage,
    LinkExists,
    LinkNotOpen,
    NoWayBack,
    UnknownLink,
)
from xinqiao.federation.rules import card_bytes, check_page, fingerprint, origin_of_chain, page_bytes
from xinqiao.federation.statistics import network_counts, own_statistic
from xinqiao.federation.types import Answer, Draft, HeldState, NodeLevel, Page, Receipt, Side, SyncState
from xinqiao.matching.actions import close_need, post_need, publish_product, withdraw_product
from xinqiao.parties.actions import register_enterprise, register_organisation, rename_enterprise, set_admitted
from xinqiao.parties.queries import find_enterprise
from xinqiao.parties.types import OrganisationKind, PartyNotFound
from xinqiao.plumbing.settings import content_dir
from xinqiao.records.queries import current_rows, read_enterprise
from xinqiao.sharing.queries import current_list
from xinqiao.stewardship.actions import approve_list, propose_list
from xinqiao.stewardship.rules import with_uploads

BY: dict[str, Any] = {"actor": "person:1", "now": NOW}
FIRM = uscc(1)


@pytest.fixture
def city(fresh_node: Path) -> Peer:
    """A city platform below the node, linked."""
    peer = Peer()
    peer.link(Side.BELOW, now=NOW)
    return peer


@pytest.fixture
def nation(city: Peer) -> Peer:
    """And the nation above it."""
    peer = Peer("nation", NodeLevel.NATION)
    peer.link(Side.ABOVE, now=NOW)
    return peer


def receive(peer: Peer, *objects: tuple[str, str]) -> dict[int, SyncState]:
    """Take objects in; what became of those that were not simply applied."""
    receipt = receive_page(peer.code, peer.page(objects), now=NOW)
    assert receipt.cursor == len(peer.feed)
    return {answer.seq: answer.state for answer in receipt.answers}


def sent(peer: str, kind: str) -> list[str]:
    """Names of the objects of a kind that were placed in the feed to a peer, in order."""
    return [place.object_id for place in reversed(list_places(peer, limit=1000)) if place.kind == kind]


def test_a_link_takes_two_people_and_the_fingerprint(fresh_node: Path) -> None:
    peer = Peer()
    with pytest.raises(PartyNotFound):
        propose_link(card_bytes(peer.card), side=Side.BELOW, **BY)
    register_organisation("xian", kind=OrganisationKind.PLATFORM, name="Xian", **BY)
    with pytest.raises(NotAdmitted):
        propose_link(card_bytes(peer.card), side=Side.BELOW, **BY)
    upper = Peer("nation", NodeLevel.NATION)
    propose_link(card_bytes(upper.card), side=Side.ABOVE, **BY)
    with pytest.raises(LinkExists):
        propose_link(card_bytes(Peer("other").card), side=Side.ABOVE, **BY)
    right = fingerprint(upper.card)
    with pytest.raises(OtherPersonNeeded):
        confirm_link("nation", fingerprint=right, actor=FIRST, now=NOW)
    with pytest.raises(FingerprintDiffers):
        confirm_link("nation", fingerprint=fingerprint(peer.card), actor=SECOND, now=NOW)
    with pytest.raises(LinkNotOpen):
        receive_page("nation", upper.page(), now=NOW)
    assert confirm_link("nation", fingerprint=right.lower(), actor=SECOND, now=NOW).confirmed_by == SECOND


def test_a_page_is_taken_in_with_its_cursor_and_knows_itself_again(city: Peer) -> None:
    objects = [city.object("product", f"p{n}", product()) for n in range(3)]
    assert receive(city, *objects) == {}
    assert (get_link("xian").in_seq, len(list_objects("product"))) == (3, 3)
    again = receive_page("xian", city.page(after=0), now=NOW)
    assert (again.cursor, again.answers, len(list_objects("product"))) == (3, (), 3)
    part = receive_page("xian", replace_entries(city, after=1), now=NOW)
    assert part.cursor == 3


def replace_entries(peer: Peer, *, after: int) -> Page:
    """A page that repeats the end of the feed."""
    return peer.page(after=after)


def test_a_page_that_fails_half_way_leaves_nothing(city: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cursor, the objects and what they did elsewhere stand or fall together."""
    good = [city.object("registration", FIRM, registration(FIRM)), city.object("product", "p", product())]
    page = city.page(good)

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("cut")

    with monkeypatch.context() as patch:
        patch.setattr("xinqiao.federation.receiving.give_places", fail)
        with pytest.raises(RuntimeError):
            receive_page("xian", page, now=NOW)
    assert get_link("xian").in_seq == 0
    assert not list_objects("product") and find_enterprise(FIRM) is None
    receive_page("xian", page, now=NOW)
    assert get_link("xian").in_seq == 2 and find_enterprise(FIRM)


def test_a_bad_object_is_held_with_all_its_problems_and_the_feed_goes_on(city: Peer) -> None:
    wrong = registration(uscc(2)) | {"phone": "1", "name": "", "division": "x" * 9}
    other = Peer("other")
    answers = receive(
        city,
        city.object("registration", FIRM, registration(FIRM)),
        city.object("registration", uscc(2), wrong),
        city.signed("{not json"),
        city.object("weather", "w", {"rain": True}),
        city.object("catalogue", "sharing_list", {"list_sha256": "0" * 64, "version": "1", "document": {"a": 1}}),
        city.object("product", "p", product(), origin="yulin"),
        (city.object("product", "q", product())[0], other.signed("x")[1]),
        city.signed('{"a":"\x00"}'),
        city.object("product", "r", product()),
    )
    assert answers == dict.fromkeys(range(2, 9), SyncState.HELD)
    held = {one.seq: [p.code for p in one.problems] for one in list_held()}
    assert held == {
        2: ["federation.unknown", "federation.text", "federation.text"],
        3: ["federation.not_canonical"],
        4: ["federation.unknown_kind"],
        5: ["federation.wrong_way"],
        6: ["federation.unknown_origin"],
        7: ["federation.bad_signature"],
        8: ["federation.not_canonical"],
    }
    assert find_enterprise(FIRM) and find_object("product", "r", origin="xian")
    again = receive_page("xian", city.page(after=0), now=NOW)
    assert len(again.answers) == 7 and len(list_held()) == 7, "held once, however often it comes"


def test_a_later_version_settles_what_was_held(city: Peer) -> None:
    bad = product() | {"months_from": -1}
    receive(city, city.object("product", "p", bad))
    receive(city, city.object("product", "p", product(), version=2))
    assert [one.state for one in list_held(state=None)] == [HeldState.SUPERSEDED]


def test_versions_out_of_order_and_forks(city: Peer) -> None:
    """The later wins, the older is kept and not applied, a second content of one version is refused and shown."""
    answers = receive(
        city,
        city.object("registration", FIRM, registration(FIRM, "甲"), version=2),
        city.object("registration", FIRM, registration(FIRM, "乙"), version=1),
        city.object("registration", FIRM, registration(FIRM, "丙"), version=2),
        city.object("registration", FIRM, registration(FIRM, "丁"), version=1),
    )
    assert answers == {2: SyncState.ACKNOWLEDGED, 3: SyncState.REFUSED, 4: SyncState.REFUSED}
    firm = find_enterprise(FIRM)
    assert firm and firm.name == "甲"
    refused = list_held(state=HeldState.REFUSED)
    assert {p.code for one in refused for p in one.problems} == {"federation.forked"}
    with pytest.raises(NoWayBack):
        try_again(refused[0].id, **BY)
    assert [e.event for e in list_entries(subject="xian", event="federation.forked")] == ["federation.forked"] * 2


def test_a_page_must_be_signed_by_the_peer_and_continue_its_own_feed(city: Peer) -> None:
    stranger = Peer()
    page = city.page([city.object("product", "p", product())])
    with pytest.raises(InvalidPage) as refused:
        receive_page("xian", replace(page, signature=stranger.sign(page_bytes(page))), now=NOW)
    assert refused.value.problems[0].code == "federation.bad_signature"
    receive_page("xian", page, now=NOW)
    restored = Peer(key=city.key)
    with pytest.raises(FeedForked):
        receive_page("xian", restored.page([restored.object("product", "other", product())]), now=NOW)
    assert get_link("xian").in_seq == 1


def test_what_came_from_below_goes_up_under_its_origins_signature(nation: Peer, city: Peer) -> None:
    receive(city, city.object("registration", FIRM, registration(FIRM)), city.object("need", "n", _need()))
    page = give_page_up()
    kinds = [(e.seq, json.loads(e.object)["kind"], json.loads(e.object)["origin"]) for e in page.entries]
    assert kinds == [(1, "node", "shaanxi"), (2, "registration", "xian")], "a need goes no further"
    introduced, relayed = page.entries
    body = json.loads(introduced.object)["body"]
    [key] = [{"suite": k.partition(":")[0], "key": k.partition(":")[2]} for k in body["keys"]]
    message = b"xinqiao-federation-object/1\n" + relayed.object.encode()
    assert body["code"] == "xian" and signed_by(verifying([key]), relayed.signature, message)
    check_page(page, sender="shaanxi", receiver="nation", cursor=0, chain=origin_of_chain("shaanxi", "nation"))
    ours = [{"suite": k.suite, "key": k.key} for k in own_card().keys]
    assert signed_by(verifying(ours), page.signature, page_bytes(page))


def give_page_up(after: int = 0) -> Page:
    """The page that this node would hand to the node above."""
    return give_page("nation", after, now=NOW)


def _need() -> dict[str, Any]:
    return {
        "division": "610102", "industry": "C", "amount_band": "1m_5m", "months": 12, "purpose": "流动资金",
        "posted_on": "2026-01-05", "until": "2026-12-31",
    }  # fmt: skip


def test_a_node_is_believed_once_its_peer_has_vouched_for_it(city: Peer) -> None:
    """A county below the city: held until the city introduces it, then taken in by itself."""
    county = Peer("county", NodeLevel.CITY)
    text, signature = county.object("product", "p", product())
    assert receive(city, (text, signature)) == {1: SyncState.HELD}
    key = county.card.keys[0]
    body = {"code": "county", "name": "County", "level": "city", "keys": [f"{key.suite}:{key.key}"], "standing": True}
    assert receive(city, city.object("node", "county", body)) == {}
    assert find_object("product", "p", origin="county") and not list_held()
    thief = Peer("baoji")
    thief.link(Side.BELOW, now=NOW)
    stolen = thief.object("node", "county", body | {"keys": [f"intl:{thief.card.keys[0].key}"]})
    assert receive(thief, stolen, thief.object("product", "x", product(), origin="county")) == {
        1: SyncState.HELD,
        2: SyncState.HELD,
    }
    assert receive(city, city.object("node", "county", body | {"standing": False}, version=2)) == {}
    assert receive(city, county.object("product", "p2", product())) == {3 + 1: SyncState.HELD}


def test_an_item_that_is_not_on_the_list_holds_the_authorisation_until_it_is(
    city: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = authorisation(FIRM, "tax.payment", "moon.phase")
    assert receive(city, city.object("authorisation", "C1", given)) == {1: SyncState.HELD}
    [held] = list_held()
    assert [(p.field, p.code) for p in held.problems] == [("items", "federation.item_not_on_list")]
    assert try_again(held.id, **BY).state is HeldState.HELD
    monkeypatch.setattr(effects, "listed_items", lambda: frozenset({"tax.payment", "moon.phase"}))
    assert try_again(held.id, **BY).state is HeldState.RELEASED
    assert find_object("authorisation", "C1", origin="xian")
    elsewhere = authorisation(FIRM, "tax.payment", platform="yulin")
    assert receive(city, city.object("authorisation", "C2", elsewhere)) == {2: SyncState.HELD}


def test_an_outcome_needs_the_enterprises_authorisation_and_becomes_a_record(city: Peer) -> None:
    loan = city.object("outcome", "L1", outcome(FIRM, "C1"))
    assert receive(city, loan) == {1: SyncState.HELD}
    assert receive(city, city.object("authorisation", "C1", authorisation(FIRM, effects.LOAN))) == {}
    assert not list_held(), "the authorisation came, so the outcome is taken in"
    early = city.object("outcome", "L2", outcome(FIRM, "C1", drawn_on="2025-12-31"))
    assert receive(city, early) == {3: SyncState.HELD}
    assert hand_over_outcomes(**BY) == 1 and hand_over_outcomes(**BY) == 0
    later = NOW + timedelta(seconds=1)
    loan_item = item(effects.LOAN)
    [row] = current_rows(read_enterprise(FIRM, [loan_item], known=later)[effects.LOAN], loan_item)
    assert (row["receipt_no"], row["amount_fen"]) == ("JJ2026000001", 100_000_050)


def test_what_happens_here_becomes_objects_once_and_without_names_of_people(nation: Peer) -> None:
    register_enterprise(FIRM, name="示例企业", **BY)
    sequence(now=NOW)
    assert collect(now=NOW) == 1 and collect(now=NOW) == 0
    rename_enterprise(FIRM, name="示例企业二", **BY)
    sequence(now=NOW)
    assert collect(now=NOW) == 1
    kept = find_object("registration", FIRM, origin="shaanxi")
    assert kept and kept.envelope.version == 2 and kept.envelope.body["name"] == "示例企业二"
    assert publish_documents(now=NOW) == 3 and publish_documents(now=NOW) == 0
    assert sent("nation", "registration") == [FIRM, FIRM] and sent("xian", "registration") == []
    assert sent("xian", "catalogue") == ["sharing_list"] and sent("nation", "catalogue") == []


def test_products_and_needs_go_up_without_whose_need_it_is(nation: Peer) -> None:
    """A product with its terms, a need with its band; what is withdrawn or ended is taken back above."""
    registered(3)
    register_enterprise(uscc(3), name="示例企业3", actor="t", now=NOW)
    register_organisation("bank", kind=OrganisationKind.INSTITUTION, name="示例银行", actor="t", now=NOW)
    set_admitted("bank", admitted=True, reason="t", actor="t", now=NOW)
    sequence(now=NOW)
    collect(now=NOW)
    made = publish_product(offered(), institution="bank", actor="t", now=NOW)
    asked: dict[str, Any] = {"amount_fen": 300_000_000, "months": 12, "guarantees": ["credit"], "purpose": "备货"}
    need = post_need(uscc(3), **asked, actor="t", now=NOW)
    sequence(now=NOW)
    assert collect(now=NOW) == 2
    assert (sent("nation", "product"), sent("nation", "need")) == ([made.code], [need.id])
    product, told = find_object("product", made.code, origin="shaanxi"), find_object("need", need.id, origin="shaanxi")
    assert product and told
    assert (product.envelope.body["rate_from_bp"], told.envelope.body["amount_band"]) == (350, "1m_5m")
    assert uscc(3) not in str(told.envelope) and "备货" not in str(told.envelope)
    withdraw_product(made.code, institution="bank", actor="t", now=NOW)
    close_need(need.id, enterprise=uscc(3), actor="t", now=NOW)
    sequence(now=NOW)
    assert collect(now=NOW) == 2 and collect(now=NOW) == 0
    above = [
        find_object(kind, number, origin="shaanxi") for kind, number in (("product", made.code), ("need", need.id))
    ]
    assert all(found and found.envelope.retracted for found in above)


def test_counts_add_up_without_counting_anybody_twice(nation: Peer, city: Peer) -> None:
    """A firm on two platforms is one; what is summed comes from direct children; small cells are left out."""
    second = Peer("baoji")
    second.link(Side.BELOW, now=NOW)
    told = {"registered": 2, "evaluated": 0, "authorisations": None, "needs": 7, "outcomes": 0, "products": 0}
    body = {"on": "2026-11-20", "counts": told}
    receive(
        city,
        *(city.object("registration", uscc(n), registration(uscc(n))) for n in (1, 2)),
        city.object("statistic", "totals", body),
    )
    receive(second, second.object("registration", FIRM, registration(FIRM, platform="baoji")))
    counts = {count.metric.code: count for count in network_counts()}
    assert counts["registered"].total == 2 and counts["needs"].total == 7
    assert counts["authorisations"].at_least and counts["needs"].at_least
    told_up = own_statistic(NOW).body["counts"]
    assert (told_up["registered"], told_up["needs"], told_up["authorisations"]) == (2, 7, 0)
    receive(city, city.object("registration", uscc(2), registration(uscc(2)), version=2, retracted=True))
    assert {c.metric.code: c.total for c in network_counts()}["registered"] == 1


def test_asking_behind_a_place_confirms_it_and_answers_are_shown(city: Peer) -> None:
    publish_documents(now=NOW)
    page = give_page("xian", 0, now=NOW)
    assert [p.state for p in list_places("xian")] == [SyncState.SENT] * len(page.entries)
    give_page("xian", page.seq, now=NOW)
    assert get_link("xian").waiting == 0
    give_page("xian", 0, replay=True, now=NOW)
    assert get_link("xian").waiting == 0, "a replay takes nothing back"
    assert take_answers("xian", [Answer(1, SyncState.HELD)], now=NOW) == 1
    assert [(p.seq, p.state) for p in list_places("xian", troubled=True)] == [(1, SyncState.HELD)]
    with pytest.raises(FeedShorter):
        give_page("xian", page.seq + 1, now=NOW)
    late = NOW + timedelta(hours=1)
    publish(
        [Draft("guideline", "more", {"code": "m", "version": "1", "scorecard_sha256": "0" * 64, "document": {"a": 1}})],
        **BY,
    )
    assert [link.peer for link in alarms(late)] == ["xian"] and get_link("xian").lag(late) == timedelta(hours=1)
    assert {f.kind: f.waiting for f in list_flows("xian")}["guideline"] == 1


def test_a_paused_link_lets_nothing_pass_and_loses_nothing(city: Peer) -> None:
    pause_link("xian", reason="leak", **BY)
    page = city.page([city.object("product", "p", product())])
    with pytest.raises(LinkNotOpen):
        receive_page("xian", page, now=NOW)
    publish_documents(now=NOW)
    resume_link("xian", reason="found harmless", **BY)
    receive_page("xian", page, now=NOW)
    assert sent("xian", "catalogue") == ["sharing_list"]
    end_link("xian", reason="left", **BY)
    with pytest.raises(UnknownLink):
        receive_page("xian", city.page(), now=NOW)


def test_a_new_link_after_an_end_knows_what_came_before(city: Peer) -> None:
    receive(city, city.object("product", "p", product()))
    publish_documents(now=NOW)
    end_link("xian", reason="moved", **BY)
    city.link(Side.BELOW, now=NOW, admit=False)
    assert get_link("xian").in_seq == 0 and sent("xian", "guideline") == ["basic"]
    receipt = receive_page("xian", city.page(after=0), now=NOW)
    assert (receipt.cursor, receipt.answers, len(list_objects("product"))) == (1, (), 1)
    assert link_state("xian")["received"][0].count == 1


def test_exchange_8_27_a_correction_goes_to_every_level(nation: Peer, city: Peer) -> None:
    """A repair stayed at the level it was made at: here it goes the way the wrong value went, above and below.

    The node under test stands between a city and the nation; ``xinqiao demo federation`` shows the same with three.
    """
    receive(city, city.object("registration", FIRM, registration(FIRM, "误名")))
    receive(city, city.object("registration", FIRM, registration(FIRM, "正名"), version=2))
    firm = find_enterprise(FIRM)
    assert firm and firm.name == "正名"
    receive(city, city.object("registration", FIRM, registration(FIRM, "正名"), version=3, retracted=True))
    page = give_page("nation", 0, now=NOW)
    told = [json.loads(e.object) for e in page.entries if json.loads(e.object)["kind"] == "registration"]
    assert [(t["version"], t["body"]["name"], t["retracted"]) for t in told] == [
        (1, "误名", False),
        (2, "正名", False),
        (3, "正名", True),
    ]
    assert {c.metric.code: c.total for c in network_counts()}["registered"] == 0
    listed = {"list_sha256": "0" * 64, "version": "1", "document": {"items": ["a", "b"]}}
    receive(nation, nation.object("catalogue", "sharing_list", listed))
    receive(nation, nation.object("catalogue", "sharing_list", {**listed, "document": {"items": ["a"]}}, version=2))
    down = [json.loads(e.object) for e in give_page("xian", 0, now=NOW).entries]
    lists = [(o["version"], o["body"]["document"]) for o in down if (o["kind"], o["origin"]) == ("catalogue", "nation")]
    assert lists == [(1, {"items": ["a", "b"]}), (2, {"items": ["a"]})]


def test_what_cannot_be_published_is_said_all_at_once(fresh_node: Path) -> None:
    with pytest.raises(InvalidDraft) as refused:
        publish([Draft("weather", "w", {}), Draft("product", "p", product() | {"months_to": "x", "more": 1})], **BY)
    assert len(refused.value.problems) == 3
    assert publish([Draft("product", "p", product())], **BY) == 1
    assert publish([Draft("product", "p", product())], **BY) == 0
    assert publish([Draft("product", "p", product(), retracted=True)], **BY) == 1


def test_giving_up_takes_a_reason(city: Peer) -> None:
    receive(city, city.signed("{"))
    [held] = list_held()
    done = give_up(held.id, reason="sent by mistake", **BY)
    assert (done.state, done.reason) == (HeldState.DROPPED, "sent by mistake")
    assert not list_held()


def test_a_node_restored_from_an_old_copy_is_noticed_by_itself(nation: Peer, city: Peer) -> None:
    """The peer has more of its feed, or another: it stops and says so."""
    publish([Draft("product", "p", product())], **BY)
    link = get_link("nation")
    page = give_page("nation", 0, now=NOW)
    with pytest.raises(FeedShorter):
        note_receipt("nation", Receipt(link.out_seq + 1, "0" * 64, ()), now=NOW)
    with pytest.raises(FeedForked):
        note_receipt("nation", Receipt(page.seq, "0" * 64, ()), now=NOW)
    note_receipt("nation", Receipt(page.seq, page.chain, ()), now=NOW)
    assert get_link("nation").waiting == 0


def test_an_object_that_stays_held_beside_a_good_one_stops_nothing(city: Peer) -> None:
    """Two versions of an authorisation for what is not on the list, then something good."""
    bad = authorisation(FIRM, "moon.phase")
    receive(city, city.object("authorisation", "C1", bad))
    receive(city, city.object("authorisation", "C1", bad, version=2), city.object("product", "p", product()))
    assert len(list_held()) == 2 and find_object("product", "p", origin="xian")
    receive(city, city.object("authorisation", "C1", authorisation(FIRM), version=3))
    assert not list_held()


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["federation", *map(str, arguments)])


def test_the_shell_proposes_shows_and_settles(city: Peer, tmp_path: Path) -> None:
    """An operator's way: a card out, a link proposed, what waits, what is held, and nobody above to ask yet."""
    card = tmp_path / "nation.card.json"
    nation = replace(Peer("nation", NodeLevel.NATION).card, url="http://127.0.0.1:1")
    card.write_bytes(card_bytes(nation))
    assert run("card", tmp_path / "own.json").exit_code == 0 and (tmp_path / "own.json").stat().st_size > 100
    assert "等待另一人" in run("propose", card, "--side", "above").output
    confirm_link("nation", fingerprint=fingerprint(nation), actor=SECOND, now=NOW)
    receive(city, city.signed("{"))
    assert run("sync").exit_code == 1, "nobody answers there"
    links = {link["peer"]: link for link in json.loads(run("links", "--json").output)}
    assert links["nation"]["failures"] == 1 and links["xian"]["in_seq"] == 1
    assert get_link("nation").trouble and "ConnectionRefusedError" in get_link("nation").trouble.message
    status = run("status", "--json")
    assert status.exit_code == 1 and [h["seq"] for h in json.loads(status.output)["held"]] == [1]
    assert run("status", "nation", "--compare").exit_code == 1
    held = list_held()[0].id
    assert "不是规范的 JSON" in run("held", "--retry", held).output
    assert run("held", "--drop", held).exit_code == 1, "a reason is needed"
    assert "已放弃" in run("held", "--drop", held, "--reason", "sent by mistake").output
    for step in ("pause", "resume", "end"):
        assert run(step, "xian", "--reason", "trial").exit_code == 0
    assert run("replay", "xian").exit_code == 1


def test_a_change_of_the_list_goes_down_at_once_and_holds_what_names_what_left(city: Peer) -> None:
    """The courier's next round publishes the new list; an authorisation for an item off it waits with its reason."""
    courier = Courier()
    courier.round()
    files = with_uploads(list_files(content_dir()), (), ["tax.payment"])
    made = propose_list(files, reason="not shared", actor="person:1", now=NOW)
    approve_list(made.id, actor="person:2", now=NOW)
    courier.round()
    assert sent("xian", "catalogue") == ["sharing_list"] * 2
    [kept] = list_objects("catalogue")
    body = kept.envelope.body
    codes = {listed["code"] for listed in body["document"]["items"]}
    assert codes == {listed.code for listed in current_list()} and "tax.payment" not in codes and body["version"] == "2"
    assert receive(city, city.object("authorisation", "C9", authorisation(FIRM, "tax.payment"))) == {1: SyncState.HELD}
    assert [p.code for held in list_held() for p in held.problems] == ["federation.item_not_on_list"]
