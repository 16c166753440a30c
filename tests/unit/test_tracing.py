"""Marks survive what copies go through, name their read and no other, and are the same each time."""

from __future__ import annotations

import hmac
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.kernel.canonical import canonical_bytes
from xinqiao.tracing.marks import block_mark, ordered
from xinqiao.tracing.reading import LARGEST, read_copy, seen_in
from xinqiao.tracing.rules import CHANCE, best, needed_bits, score, tail_bits
from xinqiao.tracing.types import Carrier, UnreadableCopy

CODES = [f"{letter}{n:02d}" for letter in "ABCD" for n in range(1, 16)]
READS = [f"A20261120-{n:010x}" for n in range(5000)]


def keyed(text: str) -> bytes:
    return hmac.digest(b"a key of tests", text.encode(), "sha256")


def page(access: str, codes: list[str] = CODES) -> str:
    """A page as the portal writes it."""
    lines = []
    for code in codes:
        mark = block_mark(keyed(access), code)
        day = "2026-11-20 08:15".replace("-", "/") if mark.slash else "2026-11-20 08:15"
        label = "最新归集" if mark.latest else "最近归集"
        lines.append(
            f"<h3>数据项 <span>{code}</span></h3><i>有记录</i><b>某局 {'|' if mark.bar else '·'} {label} {day}</b>"
        )
    return "<section>" + "\n".join(lines) + "</section>"


def named(data: bytes, reads: list[str] = READS) -> list[str]:
    copy = read_copy(data, name="x")
    return [r.access for r in best(seen_in(copy, codes=CODES), keyed, reads, needed=needed_bits(len(reads)))]


def document(rows: int = 3) -> dict[str, Any]:
    items = [
        {"item": f"i{n}", "state": "value", "why": "", "delivered_at": "2026-11-20", "figures": [], "flags": [],
         "rows": [{"day": d, "kind": "k", "sum": d * n, "note": "x"} for d in range(rows)]}
        for n in range(8)
    ]  # fmt: skip
    return {"v": 1, "name": "示例", "purpose": "approval", "form": "report", "recipient": {"code": "b", "kind": "i"},
            "items": items, "obligations": ["a", "b"]}  # fmt: skip


def test_the_same_read_has_the_same_marks_and_another_has_others() -> None:
    assert page(READS[1]) == page(READS[1]) != page(READS[2])
    first, second = (json.dumps(ordered(document(), keyed(r))) for r in READS[:2])
    assert first == json.dumps(ordered(document(), keyed(READS[0]))) and first != second
    assert canonical_bytes(json.loads(first)) == canonical_bytes(document()), "what is signed is the same"


def test_a_page_names_its_read_among_thousands() -> None:
    assert named(page(READS[1234]).encode()) == [READS[1234]]


def test_copied_text_names_it_whatever_became_of_the_spaces() -> None:
    html = page(READS[77])
    text = html.replace("<b>", "\n\n").replace("</b>", "\t")
    for tag in ("section", "h3", "span", "i", "b"):
        text = text.replace(f"<{tag}>", "").replace(f"</{tag}>", "")
    for spoilt in (text, text.replace(" ", ""), text.replace(" ", "　\n "), text.encode("gb18030").decode("gb18030")):
        assert named(spoilt.encode("gb18030")) == [READS[77]]


def test_a_third_of_a_page_is_enough_and_a_few_lines_name_nobody() -> None:
    assert named(page(READS[9], CODES[20:40]).encode()) == [READS[9]]
    assert named(page(READS[9], CODES[:5]).encode()) == []


def test_a_page_with_some_lines_rewritten_still_names_it() -> None:
    rng, text = random.Random(3), page(READS[9])
    lines = text.split("\n")
    for n in rng.sample(range(len(lines)), 12):
        lines[n] = lines[n].replace("最新", "最近").replace("|", "·").replace("/", "-").replace("<-", "</")
    assert named("\n".join(lines).encode()) == [READS[9]]


def test_two_copies_put_together_name_both_where_few_have_read_and_never_somebody_else() -> None:
    first, second = page(READS[3]).split("\n"), page(READS[4]).split("\n")
    for cut in (25, 30, 35, 45):
        mixed = "\n".join(first[:cut] + second[cut:]).encode()
        assert set(named(mixed)) <= {READS[3], READS[4]}
    assert READS[3] in named(mixed), "three quarters of it are enough among thousands"
    long = CODES + [f"{letter}{n:02d}" for letter in "EFGH" for n in range(1, 16)]
    both = "\n".join(page(READS[3], long).split("\n")[:60] + page(READS[4], long).split("\n")[60:])
    seen = seen_in(read_copy(both.encode(), name="x"), codes=long)
    assert {r.access for r in best(seen, keyed, READS, needed=needed_bits(5000))} == {READS[3], READS[4]}


def test_no_false_match_over_thousands_of_reads() -> None:
    """Copies of reads that are not among the candidates: some against five thousand, a thousand against some."""
    strangers = [f"A20260101-{n:010x}" for n in range(1000)]
    for stranger in strangers[:10]:
        assert named(page(stranger).encode()) == []
    seen = [seen_in(read_copy(page(s, CODES[:20]).encode(), name="x"), codes=CODES) for s in strangers[10:]]
    bits = [score(one, keyed, READS[5 * n + m]).bits for n, one in enumerate(seen) for m in range(5)]
    assert max(bits) < needed_bits(1), "not even if they had been the only candidate"


def test_json_names_it_raw_pretty_and_in_part_and_its_orders_say_nothing_once_sorted() -> None:
    sent = ordered(document(), keyed(READS[42]))
    raw, pretty = json.dumps(sent, ensure_ascii=False), json.dumps(sent, indent=4)
    assert named(raw.encode()) == named(pretty.encode()) == [READS[42]]
    piece = f"found in a chat: {json.dumps(sent['items'][1:6], ensure_ascii=False)} and so on"
    assert named(piece.encode()) == [READS[42]]
    for block in sent["items"]:
        block.pop("delivered_at")
    assert named(json.dumps(sent).encode()) == [READS[42]], "fields that are gone leave the order of the others"
    assert named(json.dumps(sent, sort_keys=True).encode()) == []
    found = best(seen_in(read_copy(raw.encode(), name="x"), codes=CODES), keyed, READS, needed=needed_bits(5000))
    assert found[0].carrier is Carrier.ORDER and found[0].agree == found[0].shown


@given(st.integers(1, 300), st.data())
def test_the_tail_is_that_of_fair_coins(shown: int, data: Any) -> None:
    agree = data.draw(st.integers(0, shown))
    assert 0 <= tail_bits(agree, shown) <= shown + 1e-9
    assert tail_bits(shown, shown) == pytest.approx(shown) and tail_bits(0, shown) == pytest.approx(0)


def test_the_bound_on_orders_holds_for_reads_drawn_at_random() -> None:
    """Of ten thousand unrelated reads, no more reach b bits than the bound allows."""
    seen = seen_in(read_copy(json.dumps(ordered(document(), keyed("stranger"))).encode(), name="x"), codes=CODES)
    bits = [score(seen, keyed, f"r{n}").bits for n in range(10_000)]
    for b in (1, 3, 5, 8):
        assert sum(one >= b for one in bits) <= 10_000 * 2**-b
    assert 2 ** -needed_bits(1) == pytest.approx(CHANCE)


@pytest.mark.parametrize("data", [b"\xff\xfe\x00\x81", b"%PDF-1.7 broken", b"x" * (LARGEST + 1)])
def test_what_cannot_be_read_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableCopy):
        read_copy(data, name="x")


@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    copy = read_copy(text.encode("utf-8", "replace"), name="x")
    assert seen_in(copy, codes=CODES).count == 0 or "归集" in text or "collected" in text.lower()
