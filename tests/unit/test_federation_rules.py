"""The rules of the protocol between nodes: versions, cursors, chains, pages, cards, fields. No database."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.federation.kinds import KINDS, check_body
from xinqiao.federation.refusals import FeedForked, FeedGap, InvalidCard, InvalidPage
from xinqiao.federation.rules import (
    LONGEST_OBJECT,
    PAGE_BYTES,
    PAGE_OBJECTS,
    SMALLEST_CELL,
    card_bytes,
    check_page,
    entries_of,
    fingerprint,
    fitting,
    is_address,
    judge,
    link_on,
    object_bytes,
    origin_of_chain,
    read_card,
    read_object,
    same_fingerprint,
    state_digest,
    suppressed,
    sync_state,
    wait_after,
)
from xinqiao.federation.types import Card, Envelope, NodeKey, NodeLevel, Page, Side, SyncState, Verdict
from xinqiao.kernel.canonical import base64_text
from xinqiao.kernel.crypto import SigningKey

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
TEXTS = st.lists(st.text(max_size=8), max_size=12)


def page_of(texts: list[str], after: int, end: int, *, head: int | None = None, **changed: Any) -> Page:
    """The page of a feed from ``after`` to ``end``."""
    chains = [origin_of_chain("a-node", "b-node")]
    for text in texts:
        chains.append(link_on(chains[-1], text))
    entries = entries_of(after + 1, [(text, "") for text in texts[after:end]])
    values = {"sender": "a-node", "receiver": "b-node", "after": after, "before": chains[after], "entries": entries}
    values |= {"seq": end, "chain": chains[end], "head": len(texts) if head is None else head}
    return Page(**{**values, "at": NOW.isoformat(), "signature": "", **changed})


def chain_of(texts: list[str]) -> str:
    """The chain's value after all texts."""
    chain = origin_of_chain("a-node", "b-node")
    for text in texts:
        chain = link_on(chain, text)
    return chain


@given(texts=TEXTS, data=st.data())
def test_a_receiver_ends_with_the_feed_whatever_pages_come_and_come_again(
    texts: list[str], data: st.DataObject
) -> None:
    """Pages of any length, repeated and overlapping: each place is new once, and the chain ends as the feed's."""
    cursor, chain, got = 0, origin_of_chain("a-node", "b-node"), list[str]()
    for _ in range(40):
        after = data.draw(st.integers(0, cursor))
        end = data.draw(st.integers(after, len(texts)))
        page = page_of(texts, after, end)
        check_page(page, sender="a-node", receiver="b-node", cursor=cursor, chain=chain)
        got += [entry.object for entry in page.entries if entry.seq > cursor]
        if page.seq > cursor:
            cursor, chain = page.seq, page.chain
    assert got == texts[:cursor] and chain == chain_of(texts[:cursor])


@given(texts=st.lists(st.text(max_size=5), min_size=2, max_size=8), data=st.data())
def test_a_feed_that_was_changed_behind_the_cursor_is_a_fork(texts: list[str], data: st.DataObject) -> None:
    cursor = data.draw(st.integers(1, len(texts)))
    changed = data.draw(st.integers(0, cursor - 1))
    other = [*texts[:changed], texts[changed] + "x", *texts[changed + 1 :]]
    with pytest.raises(FeedForked):
        check_page(
            page_of(other, 0, len(other)),
            sender="a-node",
            receiver="b-node",
            cursor=cursor,
            chain=chain_of(texts[:cursor]),
        )
    with pytest.raises(FeedForked):  # also where the page begins at the cursor
        check_page(
            page_of(other, cursor, cursor),
            sender="a-node",
            receiver="b-node",
            cursor=cursor,
            chain=chain_of(texts[:cursor]),
        )


def test_a_gap_says_where_to_begin() -> None:
    with pytest.raises(FeedGap) as refused:
        check_page(page_of(["a", "b", "c"], 2, 3), sender="a-node", receiver="b-node", cursor=1, chain=chain_of(["a"]))
    assert refused.value.data["cursor"] == 1


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"sender": "c-node"}, "federation.ends"),
        ({"receiver": "c-node"}, "federation.ends"),
        ({"entries": entries_of(2, [("a", ""), ("b", "")])}, "federation.places"),
        ({"entries": entries_of(1, [("a", "")])}, "federation.ends"),
        ({"entries": entries_of(1, [("b", ""), ("a", "")])}, "federation.chain"),
        ({"chain": "0" * 64}, "federation.chain"),
        ({"before": "no"}, "federation.sha256"),
        ({"head": 1}, "federation.ends"),
    ],
)
def test_a_page_whose_entries_do_not_lead_from_end_to_end_is_refused(changed: dict[str, Any], code: str) -> None:
    """Left out, put in another order, cut short, for somebody else."""
    with pytest.raises(InvalidPage) as refused:
        check_page(
            page_of(["a", "b"], 0, 2, **changed), sender="a-node", receiver="b-node", cursor=0, chain=chain_of([])
        )
    assert code in {problem.code for problem in refused.value.problems}


@given(st.permutations([1, 2, 3, 4]), st.integers(0, 3))
def test_whatever_order_versions_come_in_the_latest_stands(order: list[int], again: int) -> None:
    """Each is new, older or known, and only a later one is new."""
    known: dict[int, str] = {}
    for version in [*order, order[again]]:
        verdict = judge(known, version, f"digest {version}")
        expected = (
            Verdict.KNOWN if version in known else Verdict.NEW if version > max(known, default=0) else Verdict.OLDER
        )
        assert verdict is expected
        known[version] = f"digest {version}"
    assert judge(known, 2, "another") is Verdict.FORKED


def test_an_object_is_read_back_as_it_was_written() -> None:
    envelope = Envelope("statistic", "xian", "totals", 3, NOW, False, {"on": "2026-11-20", "counts": {"registered": 7}})
    found, problems = read_object(object_bytes(envelope).decode())
    assert (found, problems) == (envelope, [])


@given(st.text(max_size=40))
def test_no_text_breaks_the_reader(text: str) -> None:
    found, problems = read_object(text)
    assert found is None and problems


@pytest.mark.parametrize(
    "text", ['{"a": 1}', '{"a":1,"a":1}', "[]", "\ud800", '{"a":"\\ud800"}', "[" * 9000, "x" * (LONGEST_OBJECT + 1)]
)
def test_what_is_no_canonical_object_is_said_to_be_none(text: str) -> None:
    found, problems = read_object(text)
    assert found is None and problems[0].code in (
        "federation.not_canonical",
        "federation.too_large",
        "federation.unknown",
    )


def test_every_problem_of_an_object_is_named_at_once() -> None:
    raw = {
        "v": 2,
        "kind": "",
        "origin": 1,
        "id": "x" * 81,
        "version": 0,
        "made_at": "today",
        "retracted": 1,
        "body": [],
    }
    found, problems = read_object(json.dumps({**raw, "more": 1}, sort_keys=True, separators=(",", ":")))
    assert found is None
    assert {p.field for p in problems} == {
        "v",
        "kind",
        "origin",
        "id",
        "version",
        "made_at",
        "retracted",
        "body",
        "more",
    }


def test_every_kind_goes_somewhere_and_what_goes_up_declares_every_field() -> None:
    assert all(kind.goes and kind.fields for kind in KINDS.values())
    assert {code for code, kind in KINDS.items() if Side.BELOW in kind.goes} == {"node", "catalogue", "guideline"}
    assert not any(KINDS[code].relayed for code in ("authorisation", "need", "outcome", "statistic"))
    problems = check_body("registration", {"uscc": "91610102MAT0000011", "phone": "13800000000"})
    assert {(p.field, p.code) for p in problems} >= {("phone", "federation.unknown"), ("name", "federation.required")}


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("registration", "uscc", "91610102MAT000001X"),
        ("registration", "registered_at", "2026-01-05T00:00:00"),
        ("need", "months", 12.0),
        ("need", "months", True),
        ("need", "amount_band", "much"),
        ("need", "posted_on", "20260105"),
        ("outcome", "first_loan", "yes"),
        ("statistic", "counts", {"registered": -1}),
        ("statistic", "counts", {"Registered": 1}),
        ("catalogue", "list_sha256", "A" * 64),
        ("guideline", "document", {}),
        ("authorisation", "items", ["tax.payment", ""]),
        ("product", "name", "x\x00"),
    ],
)
def test_a_field_holds_what_it_is_declared_to_hold(kind: str, field: str, value: Any) -> None:
    assert field in {
        problem.field for problem in check_body(kind, {field: value}) if problem.code != "federation.required"
    }


@given(st.lists(st.integers(1, PAGE_BYTES * 2), max_size=30))
def test_a_page_is_bounded_and_never_empty_while_something_waits(sizes: list[int]) -> None:
    count = fitting(sizes)
    assert count == 0 if not sizes else 1 <= count <= PAGE_OBJECTS
    assert count <= 1 or sum(sizes[:count]) <= PAGE_BYTES


def test_where_an_object_stands_follows_from_two_cursors_and_what_the_peer_said() -> None:
    states = [sync_state(seq, sent=3, acked=2, answer="held" if seq == 1 else "") for seq in (1, 2, 3, 4)]
    assert states == [SyncState.HELD, SyncState.APPLIED, SyncState.SENT, SyncState.QUEUED]


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_waits_grow_to_a_minute_and_differ(failures: int, chance: float) -> None:
    assert timedelta(seconds=0.5) <= wait_after(failures, chance=chance) <= timedelta(minutes=1)
    assert wait_after(1, chance=0) <= wait_after(failures, chance=0)


@given(st.sets(st.binary(min_size=32, max_size=32).map(bytes.hex), max_size=5))
def test_states_are_equal_exactly_when_the_objects_are(digests: set[str]) -> None:
    assert state_digest(sorted(digests)) == state_digest(sorted(digests))
    assert (
        state_digest(sorted(digests))[1] != state_digest(sorted(digests | {"f" * 63 + "0"}))[1]
        or "f" * 63 + "0" in digests
    )


def test_a_small_cell_is_left_out_unless_it_is_public_by_itself() -> None:
    small = SMALLEST_CELL - 1
    assert [suppressed(n, public=False) for n in (0, 1, small, SMALLEST_CELL)] == [0, None, None, SMALLEST_CELL]
    assert suppressed(1, public=True) == 1


def test_a_card_is_read_back_and_its_fingerprint_depends_on_name_and_keys() -> None:
    key = NodeKey("intl", base64_text(SigningKey.generate().public.raw))
    card = Card("xian", "西安", NodeLevel.CITY, "610100", "https://xian.example", (key,))
    assert read_card(card_bytes(card), here="shaanxi") == card
    other = Card(
        "xian", "西安", NodeLevel.CITY, "", "", (NodeKey("intl", base64_text(SigningKey.generate().public.raw)),)
    )
    assert fingerprint(card) != fingerprint(other)
    assert same_fingerprint(fingerprint(card), fingerprint(card).lower().replace(" ", ""))
    assert not same_fingerprint("", "")


def test_every_fault_of_a_card_is_named() -> None:
    bad = {
        "node": "X",
        "name": "",
        "level": "town",
        "division": 1,
        "url": "http://10.example/",
        "keys": [{"suite": "intl", "key": "?"}],
    }
    with pytest.raises(InvalidCard) as refused:
        read_card(json.dumps(bad).encode(), here="shaanxi")
    assert {p.field for p in refused.value.problems} == set(bad)
    with pytest.raises(InvalidCard):
        read_card(b"[]", here="shaanxi")


def test_addresses_are_https_or_of_this_machine() -> None:
    good = ("https://node.example", "https://node.example:8443", "http://127.0.0.1:8000", "http://localhost")
    assert all(map(is_address, good))
    assert not any(
        map(
            is_address,
            ("http://node.example", "https://u@node.example", "https://node.example/?a", "ftp://x", "https://x:y"),
        )
    )
