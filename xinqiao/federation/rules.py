"""What an object, a page, a card and a cursor must be; how long to wait after a failure. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from xinqiao.federation.kinds import KINDS, check_body
from xinqiao.federation.refusals import FeedForked, FeedGap, InvalidCard, InvalidPage, fault
from xinqiao.federation.types import (
    Card,
    Entry,
    Envelope,
    LinkState,
    NodeKey,
    NodeLevel,
    Page,
    SyncState,
    Verdict,
)
from xinqiao.kernel.canonical import NotCanonical, canonical_bytes, read_base64, read_json, sha256_hex
from xinqiao.kernel.crypto import InvalidKey
from xinqiao.kernel.errors import Problem
from xinqiao.kernel.suites import SUITES
from xinqiao.kernel.transitions import Transitions

V = 1  # of the protocol
PAGE_OBJECTS = 500
PAGE_BYTES = 2 * 1024 * 1024
LONGEST_OBJECT = 1024 * 1024
LONGEST_ID = 80
LONGEST_VERSION = 2**53 - 1
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=1), timedelta(minutes=1)
SKEW = timedelta(seconds=10)
SMALLEST_CELL = 5  # a count below it may tell of one enterprise; working draft
OBJECT_CONTEXT, PAGE_CONTEXT = b"xinqiao-federation-object/1\n", b"xinqiao-federation-page/1\n"
_CODE = re.compile(r"[a-z0-9][a-z0-9-]{1,38}[a-z0-9]")
_NAMES = ("kind", "origin", "id", "version", "made_at", "retracted", "body")

LINK_TRANSITIONS: Transitions[LinkState] = Transitions(
    {
        LinkState.PROPOSED: {"confirm": LinkState.ACTIVE, "decline": LinkState.DECLINED},
        LinkState.ACTIVE: {"pause": LinkState.PAUSED, "end": LinkState.ENDED},
        LinkState.PAUSED: {"resume": LinkState.ACTIVE, "end": LinkState.ENDED},
        LinkState.DECLINED: {},
        LinkState.ENDED: {},
    },
    names={
        **{state: state.label for state in LinkState},
        "confirm": "确认",
        "decline": "否决",
        "pause": "暂停",
        "resume": "恢复",
        "end": "终止",
    },
)


def object_bytes(envelope: Envelope) -> bytes:
    """The canonical bytes of an object: what is hashed, signed and sent."""
    plain = {name: getattr(envelope, name) for name in _NAMES}
    return canonical_bytes({**plain, "v": V, "made_at": envelope.made_at.astimezone(UTC).isoformat()})


def read_object(text: str) -> tuple[Envelope | None, list[Problem]]:
    """The object of a canonical text, or everything wrong with it; an unknown kind is one of the problems."""
    raw = text.encode("utf-8", "surrogatepass")
    if len(raw) > LONGEST_OBJECT:
        return None, [fault("object", "对象超过 {most} 字节", "too_large", most=LONGEST_OBJECT)]
    try:
        found = read_json(raw)
        canonical = canonical_bytes(found) == raw
    except (NotCanonical, RecursionError):
        canonical, found = False, None
    if not canonical or not isinstance(found, dict):
        return None, [fault("object", "不是规范的 JSON 对象（RFC 8785）", "not_canonical")]
    problems = _envelope_problems(found)
    if problems:
        return None, problems
    made = datetime.fromisoformat(found["made_at"])
    envelope = Envelope(**{**{name: found[name] for name in _NAMES}, "made_at": made})
    if envelope.kind not in KINDS:
        return envelope, [fault("kind", "本节点不认识的种类：{kind}", "unknown_kind", kind=envelope.kind)]
    return envelope, check_body(envelope.kind, envelope.body)


def _envelope_problems(found: Mapping[str, Any]) -> list[Problem]:
    problems = [fault(n[:60], "没有这个字段", "unknown") for n in sorted(set(found) - {*_NAMES, "v"})]
    if found.get("v") != V:
        problems.append(fault("v", "协议版本应为 {v}", "protocol", v=V))
    for name, most in (("kind", 40), ("origin", 40), ("id", LONGEST_ID)):
        value = found.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= most or not value.isprintable():
            problems.append(fault(name, "应为不超过 {most} 个字的文本", "text", most=most))
    if type(found.get("version")) is not int or not 1 <= found["version"] <= LONGEST_VERSION:
        problems.append(fault("version", "应为 {least} 到 {most} 的整数", "number", least=1, most=LONGEST_VERSION))
    if not isinstance(found.get("retracted"), bool):
        problems.append(fault("retracted", "应为 true 或 false", "flag"))
    if not isinstance(found.get("body"), dict):
        problems.append(fault("body", "应为 JSON 对象", "object"))
    try:
        aware = datetime.fromisoformat(found.get("made_at")).tzinfo is not None  # type: ignore[arg-type]
    except (TypeError, ValueError):
        aware = False
    return problems if aware else [*problems, fault("made_at", "应为带时区的时刻", "instant")]


def judge(known: Mapping[int, str], version: int, sha256: str) -> Verdict:
    """What an object is beside those known under its name (version → digest)."""
    if version in known:
        return Verdict.KNOWN if known[version] == sha256 else Verdict.FORKED
    return Verdict.NEW if not known or version > max(known) else Verdict.OLDER


def origin_of_chain(sender: str, receiver: str) -> str:
    """The value with which the chain of a feed begins."""
    return sha256_hex(f"xinqiao-federation/{V}\n{sender}\n{receiver}\n".encode())


def link_on(chain: str, text: str) -> str:
    """The chain's next value after an object."""
    return hashlib.sha256(
        bytes.fromhex(chain) + hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    ).hexdigest()


def page_bytes(page: Page) -> bytes:
    """What the sender signs of a page: its ends, which bind the entries."""
    ends = {name: value for name, value in asdict(page).items() if name not in ("entries", "signature")}
    return PAGE_CONTEXT + canonical_bytes({**ends, "v": V})


def check_page(page: Page, *, sender: str, receiver: str, cursor: int, chain: str) -> None:
    """Raises unless the page continues, or repeats, what was received: ``cursor`` and ``chain`` are of its last place.

    InvalidPage: it is for others, too large, or its entries do not lead from one end to the other. FeedGap: something
    between is missing. FeedForked: it tells another history. The signature is the caller's to verify.
    """
    problems = _page_problems(page, sender, receiver)
    running, crossed = page.before, page.before if page.after == cursor else None
    for entry in page.entries:
        if problems:
            break
        running = link_on(running, entry.object)
        crossed = running if entry.seq == cursor else crossed
    if not problems and running != page.chain:
        problems.append(fault("chain", "内容与链值不符：有对象被删改或调换", "chain"))
    if problems:
        raise InvalidPage(problems)
    if page.after > cursor:
        raise FeedGap(cursor=cursor)
    if crossed is not None and crossed != chain:
        raise FeedForked(link=sender, seq=cursor)


def _page_problems(page: Page, sender: str, receiver: str) -> list[Problem]:
    problems = []
    if (page.sender, page.receiver) != (sender, receiver):
        problems.append(
            fault("receiver", "这一页不是 {sender} 给 {receiver} 的", "ends", sender=sender, receiver=receiver)
        )
    places = [entry.seq for entry in page.entries]
    if page.after < 0 or places != list(range(page.after + 1, page.after + 1 + len(places))):
        problems.append(fault("entries", "位置不连续", "places"))
    if page.seq != page.after + len(places) or page.head < page.seq:
        problems.append(fault("seq", "首尾位置与内容不符", "ends"))
    size = sum(len(entry.object) for entry in page.entries)
    if len(places) > PAGE_OBJECTS or (len(places) > 1 and size > PAGE_BYTES):
        problems.append(
            fault("entries", "每页至多 {n} 个对象、{size} 字节", "too_large", n=PAGE_OBJECTS, size=PAGE_BYTES)
        )
    if not all(re.fullmatch(r"[0-9a-f]{64}", value) for value in (page.before, page.chain)):
        problems.append(fault("chain", "应为 SHA-256 的十六进制", "sha256"))
    return problems


def fitting(sizes: Iterable[int]) -> int:
    """How many objects of these sizes make one page; at least one, so that a large object does not block the feed."""
    count = total = 0
    for size in sizes:
        total += size
        if count == PAGE_OBJECTS or (count and total > PAGE_BYTES):
            break
        count += 1
    return count


def sync_state(seq: int, *, sent: int, acked: int, answer: str) -> SyncState:
    """Where a place of a feed stands for its sender; ``answer`` is what the peer said of it, if anything."""
    if answer:
        return SyncState(answer)
    if seq <= acked:
        return SyncState.APPLIED
    return SyncState.SENT if seq <= sent else SyncState.QUEUED


def wait_after(failures: int, *, chance: float) -> timedelta:
    """How long to wait after failures in a row: doubled each time up to a minute; ``chance`` in [0, 1) is jitter."""
    doubled: int = 2 ** min(max(failures - 1, 0), 16)
    return min(FIRST_WAIT * doubled, LONGEST_WAIT) * (0.5 + chance / 2)


def state_digest(digests: Iterable[str]) -> tuple[int, str]:
    """Count of objects and the digest over their SHA-256, which come sorted. Equal on both sides = the same objects."""
    running, count = hashlib.sha256(), 0
    for one in digests:
        running.update(bytes.fromhex(one))
        count += 1
    return count, running.hexdigest()


def suppressed(count: int, *, public: bool) -> int | None:
    """A count as it may be told: a small one is left out unless what it counts is public by itself."""
    return count if public or count == 0 or count >= SMALLEST_CELL else None


def card_bytes(card: Card) -> bytes:
    """A card's canonical JSON."""
    return canonical_bytes({**asdict(card), "v": V, "level": str(card.level), "keys": [asdict(k) for k in card.keys]})


def fingerprint(card: Card) -> str:
    """What two people read to each other to be sure of a card: name and keys, as eight groups of four hex digits."""
    whole = canonical_bytes({"node": card.node, "keys": [asdict(key) for key in card.keys]})
    digits = sha256_hex(b"xinqiao-federation-card/1\n" + whole)[:32].upper()
    return " ".join(digits[i : i + 4] for i in range(0, 32, 4))


def same_fingerprint(one: str, other: str) -> bool:
    """Whether two fingerprints are the same, however they are spaced."""
    return "".join(one.split()).upper() == "".join(other.split()).upper() != ""


def read_card(data: bytes, *, here: str) -> Card:
    """A node's card; ``here`` is this node's own code. Raises InvalidCard with every fault."""
    try:
        found = read_json(data)
    except NotCanonical:
        found = None
    if not isinstance(found, dict):
        raise InvalidCard([fault("card", "应为 JSON 对象", "object")])
    problems = _card_problems(found, here)
    if problems:
        raise InvalidCard(problems)
    keys = tuple(NodeKey(key["suite"], key["key"]) for key in found["keys"])
    return Card(
        found["node"], found["name"], NodeLevel(found["level"]), found["division"], found["url"].rstrip("/"), keys
    )


def _card_problems(found: Mapping[str, Any], here: str) -> list[Problem]:
    problems = []
    if not isinstance(found.get("node"), str) or not _CODE.fullmatch(found["node"]):
        problems.append(fault("node", "用 3 至 40 个小写字母、数字和连字符", "text"))
    elif found["node"] == here:
        problems.append(fault("node", "这是本节点自己的名片", "self"))
    if not isinstance(found.get("name"), str) or not 0 < len(found["name"].strip()) <= 120:
        problems.append(fault("name", "应为不超过 {most} 个字的文本", "text", most=120))
    if found.get("level") not in set(NodeLevel):
        problems.append(fault("level", "应为：{choices}", "choice", choices=tuple(NodeLevel)))
    if not isinstance(found.get("division"), str) or len(found["division"]) > 12:
        problems.append(fault("division", "应为不超过 {most} 个字的文本", "text", most=12))
    if not isinstance(found.get("url"), str) or (found["url"] and not is_address(found["url"])):
        problems.append(fault("url", "应为 https 地址（本机演示可用 http）", "url"))
    keys = found.get("keys")
    if not isinstance(keys, list) or not 1 <= len(keys) <= 4 or any(read_node_key(key) is None for key in keys):
        problems.append(fault("keys", "应为 1 至 4 把公钥", "key"))
    elif keys[0]["suite"] != "intl":
        problems.append(fault("keys", "第一把应为签署请求的 Ed25519 公钥", "key"))
    return problems


def read_node_key(key: object) -> Any:
    """The public key of ``{suite, key}``, None when it is none."""
    try:
        return SUITES[key["suite"]].read_public(read_base64(key["key"]))  # type: ignore[index]
    except (KeyError, TypeError, AttributeError, NotCanonical, InvalidKey, ValueError):
        return None


def is_address(url: str) -> bool:
    """An https address, or http on the loopback, without user, query or fragment."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    plain = url.isascii() and url.isprintable() and not {" ", "@", "?", "#"} & set(url) and len(url) <= 300
    return plain and bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK))


_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def entries_of(first: int, signed: Sequence[tuple[str, str]]) -> tuple[Entry, ...]:
    """Texts and signatures as places of a feed from ``first`` on."""
    return tuple(Entry(first + n, text, signature) for n, (text, signature) in enumerate(signed))
