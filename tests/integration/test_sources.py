"""Sources that are called, verified and pulled: real processes at the other end, in every mood they can have."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.factories import NOW, csv_of, deliver, item, registered, registration, uscc
from xinqiao.evidence.queries import list_entries
from xinqiao.plumbing import settings as node
from xinqiao.records.queries import current_rows, read_enterprise
from xinqiao.release.reading import read
from xinqiao.release.types import Inquiry, Recipient, RecipientKind
from xinqiao.sources.actions import ask_sources, forget_heard
from xinqiao.sources.pulling import pull
from xinqiao.sources.queries import circuit_of
from xinqiao.sources.types import HeardState, UnknownConnection, Unreachable

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
FIRM, OTHER = uscc(1), uscc(2)
GAS, TITLE, WATER = "utility.gas", "property.title", "utility.water"
OWN = Recipient(RecipientKind.ENTERPRISE, FIRM, FIRM)


def gas(month: str, used: str = "120", firm: str = FIRM) -> dict[str, str]:
    """A month of gas as a source spells it."""
    return {"uscc": firm, "account_no": "61000123", "month": month, "used_m3": used, "due_fen": "9", "paid_fen": "9"}


@dataclass
class Peer:
    """A source in service mode, in a process of its own."""

    port: int

    def tell(self, what: str, content: Any) -> None:
        """Set its data or its mood."""
        data = json.dumps(content).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.address}/{what}", data=data), timeout=5):
            pass

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def asked(self) -> int:
        """How often it was asked."""
        with urllib.request.urlopen(self.address, timeout=5) as answer:
            return int(json.load(answer)["asked"])


@pytest.fixture(scope="module")
def process() -> Iterator[int]:
    """The peer's process; its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    started = subprocess.Popen([sys.executable, "-m", "tests.exchange.service", str(port), SECRET])
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            time.sleep(0.05)
    yield port
    started.terminate()
    started.wait(timeout=10)


def linked(folder: Path, monkeypatch: pytest.MonkeyPatch, **links: dict[str, str]) -> None:
    """A deployment in which connections lead somewhere."""
    lines = [f"[{code}]\n" + "".join(f'{k} = "{v}"\n' for k, v in link.items()) for code, link in links.items()]
    (folder / "sources.toml").write_text("\n".join(lines), "utf-8")
    monkeypatch.setenv("XINQIAO_SOURCES", str(folder / "sources.toml"))
    node.sources_file.cache_clear()


@pytest.fixture
def peer(fresh_node: Path, process: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    """A node with two firms whose exchange platform is called, and the platform, in a good mood."""
    registered(1, 2)
    found = Peer(process)
    found.tell("mood", "ok")
    found.tell("data", {GAS: {FIRM: [gas("2026-08"), gas("2026-09")]}})
    linked(tmp_path, monkeypatch, exchange={"address": found.address, "secret": SECRET})
    yield found
    node.sources_file.cache_clear()


def ask(*codes: str, now: datetime = NOW) -> dict[str, HeardState]:
    """Ask about the first firm; item → what was heard anew."""
    return {h.item: h.state for h in ask_sources(FIRM, [item(code) for code in codes], actor="t", now=now)}


def months(code: str = GAS, *, known: datetime = NOW) -> list[str]:
    """The months on record of the first firm."""
    tables = read_enterprise(FIRM, [item(code)], known=known)
    rows = current_rows(tables[code], item(code)) if code in tables else []
    return sorted(str(row["month"])[:7] for row in rows)


def report(now: datetime = NOW) -> dict[str, Any]:
    """The firm's own report: item → block, and the evaluation under "evaluation"."""
    answer = read(Inquiry(OWN, FIRM, "self", "detail", "t", "portal"), now=now)  # type: ignore[arg-type]
    return {b["item"]: b for b in answer.document["items"]} | {"evaluation": answer.document["evaluation"]}


def test_what_a_source_says_becomes_a_record_and_is_asked_for_once_a_rhythm(peer: Peer) -> None:
    """Rows in, a change of them in, what the source has no more out; within the rhythm nobody is asked twice."""
    before = peer.asked
    assert ask(GAS) == {GAS: HeardState.ANSWERED} and months() == ["2026-08", "2026-09"]
    assert ask(GAS) == {} and peer.asked == before + 1
    [entry] = list_entries(event="sources.asked")
    assert entry.body["items"] == {GAS: "answered"}
    peer.tell("data", {GAS: {FIRM: [gas("2026-09", "7"), gas("2026-10")]}})
    later = NOW + timedelta(hours=72, seconds=1)
    assert ask(GAS, now=later) == {GAS: HeardState.ANSWERED} and months(known=later) == ["2026-09", "2026-10"]
    peer.tell("data", {GAS: {FIRM: [gas("2026-08"), gas("2026-09")]}})
    back = later + timedelta(hours=73)
    ask(GAS, now=back)
    assert months(known=back) == ["2026-08", "2026-09"], "the same rows as at first are another answer"
    assert months() == ["2026-08", "2026-09"] and months(known=later) == ["2026-09", "2026-10"], "as it was known then"


def test_nothing_said_is_none_and_an_unlinked_item_is_not_asked(peer: Peer) -> None:
    """The source's word that it has nothing is not silence."""
    assert ask(WATER, "judicial.judgment", "tax.payment") == {WATER: HeardState.ANSWERED}
    block = report()[WATER]
    assert (block["state"], block.get("why")) == ("not_known", "no_record"), "absence of use is not known to be none"


@pytest.mark.parametrize(
    ("mood", "why"),
    [
        ("down", "HTTP 503"),
        ("garbage", "signature"),
        ("forged", "signature"),
        ("other", "rows about somebody else"),
        ("slow", "timed out"),
        ("drip", "timed out"),
    ],
)
def test_an_answer_that_cannot_be_taken_is_none(peer: Peer, mood: str, why: str) -> None:
    """Within its time, nothing recorded, the item not known for that reason although there are rows on record."""
    deliver(GAS, [gas("2026-01")])
    peer.tell("mood", mood)
    began = time.monotonic()
    assert ask(GAS) == {GAS: HeardState.UNREACHABLE} and time.monotonic() - began < 3
    assert months() == ["2026-01"]
    block = report()[GAS]
    assert (block["state"], block["why"], block["rows"]) == ("not_known", "source_unreachable", [])
    assert block["source"]["state"] == "unreachable" and circuit_of("exchange").last_error == why
    peer.tell("mood", "ok")
    healed = report(NOW + timedelta(seconds=11))[GAS]
    assert healed["state"] == "value" and len(healed["rows"]) == 2


def test_an_answer_to_another_question_is_no_answer(peer: Peer) -> None:
    """A recorded answer, signed and in time, replayed to a later question."""
    ask(GAS)
    peer.tell("mood", "replayed")
    assert ask(GAS, now=NOW + timedelta(hours=80)) == {GAS: HeardState.UNREACHABLE}


def test_rows_that_fail_their_checks_leave_an_item_not_known(peer: Peer) -> None:
    """An answer that is there in part never looks whole; the row is returned to its department as always."""
    peer.tell("data", {GAS: {FIRM: [gas("2026-08"), gas("2026-09", "-5")]}})
    assert ask(GAS) == {GAS: HeardState.UNREACHABLE}
    assert report()[GAS]["why"] == "source_unreachable"


def title() -> dict[str, str]:
    """A title of real estate of the first firm, as it is delivered."""
    fields = {f.code: f for f in item(TITLE).fields}
    return {"uscc": FIRM} | {
        code: {"date": "2020-05-01", "choice": (f.choices or ("",))[0], "money": "100.00", "integer": "5"}.get(
            str(f.type), "x1"
        )
        for code, f in fields.items()
        if code != "uscc" and f.type in ("date", "choice", "money", "integer", "text", "code")
    }


def test_verification_sends_digests_and_gets_yes_or_no(peer: Peer) -> None:
    """Rows on record that the source has as well are confirmed; others are not known until they agree."""
    row = title()
    taken = deliver(TITLE, [row])
    assert taken.accepted == 1, taken.groups
    peer.tell("data", {TITLE: {FIRM: [row]}})
    assert ask(TITLE) == {TITLE: HeardState.CONFIRMED} and report()[TITLE]["state"] == "value"
    peer.tell("data", {TITLE: {FIRM: []}})
    forget_heard(enterprise=FIRM)
    assert ask(TITLE) == {TITLE: HeardState.NOT_CONFIRMED}
    block = report()[TITLE]
    assert (block["state"], block["why"], block["rows"]) == ("not_known", "not_confirmed", [])


def test_a_verification_is_of_the_rows_it_was_asked_about(peer: Peer) -> None:
    """Rows that come after it are not confirmed by it: the source is asked again at the next read."""
    peer.tell("data", {TITLE: {FIRM: []}})
    assert ask(TITLE) == {TITLE: HeardState.CONFIRMED}, "both have nothing"
    assert ask(TITLE, now=NOW + timedelta(seconds=1)) == {}
    assert deliver(TITLE, [title()], now=NOW + timedelta(seconds=2)).accepted == 1
    assert ask(TITLE, now=NOW + timedelta(seconds=3)) == {TITLE: HeardState.NOT_CONFIRMED}


def test_a_planted_enterprise_looks_like_any_other(peer: Peer) -> None:
    """No source is asked about it, so none can tell; it is confirmed as others are, and silent where they are."""
    found, before = [item(GAS), item(TITLE)], peer.asked
    said = ask_sources(FIRM, found, actor="t", now=NOW, planted=True)
    assert [h.state for h in said] == [HeardState.ANSWERED, HeardState.CONFIRMED] and peer.asked == before
    assert ask_sources(FIRM, found, actor="t", now=NOW, planted=True) == []
    peer.tell("mood", "down")
    ask_sources(OTHER, found, actor="t", now=NOW)
    forget_heard(enterprise=FIRM)
    said = ask_sources(FIRM, found, actor="t", now=NOW, planted=True)
    assert {h.state for h in said} == {HeardState.UNREACHABLE}


def test_a_source_that_fails_is_left_alone_for_a_while_then_tried_by_one(peer: Peer) -> None:
    """Five failures in a row open the circuit; while it rests nobody waits; one success closes it."""
    peer.tell("mood", "down")
    at = NOW
    for _ in range(5):
        assert ask(GAS, now=at) == {GAS: HeardState.UNREACHABLE}
        at += timedelta(seconds=11)
    asked = peer.asked
    assert circuit_of("exchange").opened_at is not None
    assert ask(GAS, now=at) == {GAS: HeardState.UNREACHABLE} and peer.asked == asked
    peer.tell("mood", "ok")
    at += timedelta(seconds=31)
    assert ask(GAS, now=at) == {GAS: HeardState.ANSWERED} and circuit_of("exchange").opened_at is None
    events = [e.event for e in list_entries() if e.event.startswith("sources.circuit")]
    assert sorted(events) == ["sources.circuit_closed", "sources.circuit_opened"]


def test_no_source_is_asked_about_a_code_the_registry_does_not_hold(peer: Peer) -> None:
    """Nor for a reader whom the gate does not let through."""
    from xinqiao.release.types import NotRegistered

    before, stranger = peer.asked, uscc(77)
    own = Recipient(RecipientKind.ENTERPRISE, stranger, stranger)
    with pytest.raises(NotRegistered):
        read(Inquiry(own, stranger, "self", "detail", "t", "portal"), now=NOW)  # type: ignore[arg-type]
    assert peer.asked == before


def test_nothing_improves_when_a_source_falls_silent(peer: Peer) -> None:
    """Score and grade with each source silent are at most those with it; only indicators of its items change."""
    peer.tell("data", {GAS: {FIRM: [gas(f"2026-{m:02}") for m in range(1, 11)]}})
    whole = report()["evaluation"]
    peer.tell("mood", "down")
    forget_heard(enterprise=FIRM)
    less = report(NOW + timedelta(seconds=1))["evaluation"]
    assert less["score"] <= whole["score"] and less["coverage"] <= whole["coverage"]
    changed = {a["code"] for a, b in zip(whole["indicators"], less["indicators"], strict=True) if a != b}
    silent = {line["code"] for line in less["indicators"] if line.get("why") == "source_unreachable"}
    assert changed <= silent


def test_files_are_taken_when_they_are_whole_and_acknowledged(
    fresh_node: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One still being written waits; one whose digest does not fit is told; each is taken once, whatever happens."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    linked(tmp_path, monkeypatch, exchange_files={"address": str(inbox)})
    command = [sys.executable, "-m", "tests.exchange.files", str(inbox)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as source:
        assert source.stdin and source.stdout
        good = csv_of([registration(n) for n in (1, 2, 3)])
        source.stdin.write(f"registration.basic__001.csv {good.hex()}\n")
        source.stdin.flush()
        assert source.stdout.readline() == "half\n"
        assert pull("exchange_files", now=NOW).taken == 0
        assert source.stdout.readline() == "whole\n"
        found = pull("exchange_files", now=NOW)
        assert (found.taken, found.accepted, found.faults) == (1, 3, ())
        for name in ("!registration.basic__002.csv", "utility.gas__003.csv"):
            source.stdin.write(f"{name} {csv_of([registration(4)]).hex()}\n")
            source.stdin.flush()
            assert [source.stdout.readline(), source.stdout.readline()] == ["half\n", "whole\n"]
        source.stdin.close()
    again = pull("exchange_files", now=NOW)
    assert again.taken == 0 and len(again.faults) == 2
    receipt = json.loads((inbox / "receipts" / "registration.basic__001.csv.json").read_text("utf-8"))
    assert (receipt["delivered"], receipt["accepted"]) == (3, 3)
    refused = json.loads((inbox / "receipts" / "registration.basic__002.csv.json").read_text("utf-8"))
    assert refused["state"] == "refused"
    node.sources_file.cache_clear()


def test_rows_of_an_exchange_database_are_taken_in_order_and_acknowledged(
    fresh_node: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later row of a key stands, also one that says again what was said first; faults are told, the rest goes on."""
    registered(1)
    file = tmp_path / "exchange.sqlite3"
    linked(tmp_path, monkeypatch, exchange_database={"address": f"sqlite:///{file}"})
    with pytest.raises(Unreachable):
        pull("exchange_database", now=NOW)

    def insured(persons: str) -> list[Any]:
        return ["social.insurance", {"uscc": FIRM, "month": "202608", "insured_persons": persons}]

    command = [sys.executable, "-m", "tests.exchange.database", str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as source:
        assert source.stdin and source.stdout and source.stdout.readline() == "ready\n"
        for number, rows in enumerate(([insured("40")], [insured("41"), ["no.such", {}]], [insured("40")])):
            source.stdin.write(json.dumps(rows) + "\n")
            source.stdin.flush()
            assert source.stdout.readline() == f"{len(rows)}\n"
            found = pull("exchange_database", now=NOW + timedelta(minutes=number))
            assert (found.taken, found.accepted, len(found.faults)) == (1, 1, number == 1)
        source.stdin.close()
    tables = read_enterprise(FIRM, [item("social.insurance")], known=NOW + timedelta(hours=1))
    [standing] = current_rows(tables["social.insurance"], item("social.insurance"))
    assert standing["insured_persons"] == 40
    assert pull("exchange_database", now=NOW).taken == 0
    import sqlite3

    with sqlite3.connect(file) as database:
        receipts = database.execute("SELECT first_seq, item, accepted, returned FROM exchange_receipt").fetchall()
    assert receipts == [
        (1, "social.insurance", 1, 0),
        (2, "social.insurance", 1, 0),
        (3, "no.such", 0, 1),
        (4, "social.insurance", 1, 0),
    ]
    node.sources_file.cache_clear()


def test_a_connection_that_leads_nowhere_here_is_not_known(fresh_node: Path) -> None:
    """Without a deployment's file every connection is but declared."""
    with pytest.raises(UnknownConnection):
        pull("exchange_files", now=NOW)


ENFORCED = "judicial.enforced"


def test_an_answer_about_one_firm_says_nothing_of_the_others(peer: Peer) -> None:
    """An item of which only answers are on record was never delivered: other firms without a row are not clean."""
    from xinqiao.evaluation.queries import evaluate
    from xinqiao.ingest.queries import last_deliveries, list_arrivals
    from xinqiao.records.types import AsOf

    found = item(GAS)
    as_of = AsOf(NOW.date(), NOW + timedelta(minutes=5))
    before = evaluate(OTHER, as_of)
    assert ask(GAS) == {GAS: HeardState.ANSWERED} and months() == ["2026-08", "2026-09"]
    after = evaluate(OTHER, as_of)
    assert [(i["code"], i["state"], i["points"]) for i in after["indicators"]] == [
        (i["code"], i["state"], i["points"]) for i in before["indicators"]
    ]
    assert found.code not in last_deliveries() and not [a for a in list_arrivals(known=NOW) if a.item == GAS]


def test_what_courts_did_not_say_of_a_firm_gives_it_no_points(
    peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list of judgment debtors is complete for whoever was asked about, and for nobody else."""
    from xinqiao.evaluation.queries import evaluate
    from xinqiao.records.types import AsOf

    linked(tmp_path, monkeypatch, national={"address": peer.address, "secret": SECRET})
    columns = {f.code: f for f in item(ENFORCED).fields}
    spelled = {"date": "2026-05-01", "money": "100.00", "integer": "5", "uscc": FIRM, "boolean": "否"}
    row = {c: (f.choices or (spelled.get(str(f.type), "x1"),))[0] for c, f in columns.items()}
    peer.tell("data", {ENFORCED: {FIRM: [row]}})
    as_of = AsOf(NOW.date(), NOW + timedelta(minutes=5))
    clean = evaluate(OTHER, as_of)
    assert ask(ENFORCED) == {ENFORCED: HeardState.ANSWERED}
    assert evaluate(OTHER, as_of)["score"] == clean["score"], "nobody asked about this one"
    own = Inquiry(Recipient(RecipientKind.ENTERPRISE, OTHER, OTHER), OTHER, "self", "detail", "t", "portal")  # type: ignore[arg-type]
    answer = read(own, now=NOW).document
    [block] = [b for b in answer["items"] if b["item"] == ENFORCED]
    assert block["state"] == "verified_none", "asked now, it is known"
    rests = [i for i in answer["evaluation"]["indicators"] if i["state"] == "verified_none"]
    assert answer["evaluation"]["score"] >= clean["score"] and rests


def test_answers_that_cross_are_asked_for_again(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second reader records a newer answer while the first records its own: what stands is not left to chance."""
    from xinqiao.sources import actions

    taken, firsts, later = actions.receive, [True], NOW + timedelta(seconds=1)

    def receive(*args: Any, **kwargs: Any) -> Any:
        if firsts.pop() if firsts else False:
            peer.tell("data", {GAS: {FIRM: [gas("2026-10")]}})
            assert ask(GAS, now=later) == {GAS: HeardState.ANSWERED}
        return taken(*args, **kwargs)

    monkeypatch.setattr(actions, "receive", receive)
    assert ask(GAS) == {GAS: HeardState.UNREACHABLE}
    assert ask(GAS, now=later) == {GAS: HeardState.ANSWERED} and months(known=later) == ["2026-10"]


def test_an_older_answer_does_not_replace_a_later_one(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow reader comes back with what the source said before; what was asked for later stands."""
    from xinqiao.sources import actions

    settled, firsts = actions._settle_circuits, [True]
    later = NOW + timedelta(seconds=1)

    def meanwhile(*args: Any) -> None:
        settled(*args)
        if firsts.pop() if firsts else False:
            peer.tell("data", {GAS: {FIRM: [gas("2026-10")]}})
            assert ask(GAS, now=later) == {GAS: HeardState.ANSWERED}

    monkeypatch.setattr(actions, "_settle_circuits", meanwhile)
    ask(GAS)
    assert months(known=later) == ["2026-10"]


@pytest.mark.parametrize("content", ["surrogate", "since", "nul"])
def test_an_answer_no_program_of_ours_would_make_is_none(content: str) -> None:
    """Signed by the source and still not to be taken: never a failure of the reader's page."""
    from xinqiao.sources.rules import read_reply
    from xinqiao.sources.types import Question

    question = Question("Q1", GAS, FIRM, "call")
    more: dict[str, Any] = {
        "surrogate": {"state": "rows", "rows": [{"uscc": "\ud800"}]},
        "since": {"state": "none", "since": 5},
        "nul": {"state": "rows", "rows": [{"uscc": "a\x00b"}]},
    }[content]
    with pytest.raises(ValueError, match=r".+"):
        read_reply(question, {"v": 1, "id": "Q1", **more})


class _Rude:
    """A listener that says some bytes to whoever connects and then, maybe, never stops."""

    def __init__(self, said: bytes, *, endless: bool = False) -> None:
        import threading

        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self._said, self._endless = said, endless
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        line, _ = self.socket.accept()
        with line:
            line.recv(65_536)
            line.sendall(self._said)
            for _ in range(8 if self._endless else 0):
                time.sleep(0.9)
                line.sendall(b"X-Wait: 1\r\n")


@pytest.mark.parametrize(
    ("said", "endless"), [(b"SMTP ready\r\n\r\n", False), (b"HTTP/1.1 200 OK\r\n", True)], ids=["not-http", "headers"]
)
def test_no_server_holds_a_reader_up(
    fresh_node: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: bytes, endless: bool
) -> None:
    """One that does not speak the protocol, and one whose headers never end: no answer, in time."""
    registered(1)
    rude = _Rude(said, endless=endless)
    linked(tmp_path, monkeypatch, exchange={"address": rude.address, "secret": SECRET})
    began = time.monotonic()
    assert ask(GAS) == {GAS: HeardState.UNREACHABLE}
    assert time.monotonic() - began < 3
    rude.socket.close()
    node.sources_file.cache_clear()


def test_a_file_that_is_odd_keeps_no_other_waiting(
    fresh_node: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names in another encoding, links to what is not the sender's, digests that are no file."""
    import hashlib
    import os

    inbox = tmp_path / "inbox"
    inbox.mkdir()
    linked(tmp_path, monkeypatch, exchange_files={"address": str(inbox)})
    good, secret = csv_of([registration(1)]), tmp_path / "secret.csv"
    secret.write_bytes(csv_of([registration(2)]))
    odd = os.fsdecode(b"registration.basic__" + "一月".encode("gbk") + b".csv")
    for name in (odd, "registration.basic__z.csv", "registration.basic__" + "n" * 200 + ".csv"):
        (inbox / name).write_bytes(good)
        (inbox / f"{name}.sha256").write_text(hashlib.sha256(good).hexdigest())
    (inbox / "registration.basic__link.csv").symlink_to(secret)
    (inbox / "registration.basic__link.csv.sha256").write_text(hashlib.sha256(secret.read_bytes()).hexdigest())
    (inbox / "registration.basic__f.csv").write_bytes(good)
    os.mkfifo(inbox / "registration.basic__f.csv.sha256")
    found = pull("exchange_files", now=NOW)
    assert (found.taken, found.accepted, len(found.faults)) == (1, 1, 2)
    assert not read_enterprise(uscc(2), [item("registration.basic")], known=NOW)["registration.basic"].num_rows
    node.sources_file.cache_clear()


def test_a_row_that_is_no_row_is_returned_and_the_next_is_taken(
    fresh_node: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing in an exchange table stops what comes after it."""
    import sqlite3

    registered(1)
    file = tmp_path / "exchange.sqlite3"
    linked(tmp_path, monkeypatch, exchange_database={"address": f"sqlite:///{file}"})
    row = json.dumps({"uscc": FIRM, "month": "202608", "insured_persons": "40"})
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE exchange_out (seq INTEGER PRIMARY KEY, item TEXT, row_json TEXT)")
        columns = "first_seq INT, last_seq INT, item TEXT, delivery TEXT, accepted INT, returned INT"
        database.execute(f"CREATE TABLE exchange_receipt ({columns})")
        for text in ("{not json", "[1]", row):
            database.execute("INSERT INTO exchange_out (item, row_json) VALUES (?, ?)", ("social.insurance", text))
    found = pull("exchange_database", now=NOW)
    assert (found.accepted, found.returned) == (1, 2)
    node.sources_file.cache_clear()


@pytest.mark.parametrize("text", ["[exchange", 'exchange = "http://x"', None])
def test_a_file_of_addresses_that_is_none_says_so(
    fresh_node: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None
) -> None:
    """Half written, misspelt or missing: named as what is wrong, not as a failure of the program."""
    from xinqiao.sources.queries import links
    from xinqiao.sources.types import InvalidConnections

    if text is not None:
        (tmp_path / "sources.toml").write_text(text, "utf-8")
    monkeypatch.setenv("XINQIAO_SOURCES", str(tmp_path / "sources.toml"))
    node.sources_file.cache_clear()
    with pytest.raises(InvalidConnections):
        links()
    node.sources_file.cache_clear()
