"""From the approval of a change of the sharing list to the last answer of any surface that still shows what left it.

Two server processes over one PostgreSQL. Nineteen watchers read without a pause, one a surface: the API as bank,
platform, department and nobody; every portal that shows items, as its people; the node's notices. One person proposes
to take two items off, one public and one not, another approves: measured is the time from that call to the sending of
the last request whose answer showed either, by its code, its name or a value planted in its rows, and to the end of
that answer. Then both are listed again, and again. At the end every answer given since a change is looked through for
fields that the list did not hold.
"""

from __future__ import annotations

import http.client
import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.busy import BANK, PURPOSE, Target, busy_node, running, served
from benchmarks.figure import Figure, percentile
from benchmarks.postgres import durable_postgres

if TYPE_CHECKING:
    from xinqiao.oauth.caller import Program

NAME = "list_change"
BAR = "no request sent later than 2 s after the approval is shown what left the list; 0 fields off the list since"
CHANGES = 25
LIMIT = 2.0
FIRMS = 40
CLOSED, OPEN = "tax.payment", "honour.a_taxpayer"
GONE = (CLOSED, OPEN)
NAMES = ("纳税申报与缴纳信息", "A级纳税人名单")
TAXED = {"sales_fen": "7313377.19", "due_fen": "1", "paid_fen": "1", "arrears_fen": "0"}
PLANTED = ("7,313,377.19", "731337719", "PLANTED-NAME")
PATIENCE = 30.0
BREATH = 0.1  # seconds between two answers of a surface: all surfaces keep two cores busy
FIRST, SECOND = "person:1", "person:2"


def measure(scale: float) -> Figure:
    """Change the list to and fro while every surface is read; time the last showing, scan what came after."""
    count = max(3, int(CHANGES * scale))
    with durable_postgres() as url:
        os.environ["DATABASE_URL"] = url
        os.environ["XINQIAO_SECOND_FACTOR"] = "off"
        with busy_node(max(10, int(FIRMS * scale))) as (home, targets), served() as one, served() as two:
            watchers = _watchers(home, (one, two), targets)
            with running(watchers):
                trials = [_trial(watchers, number) for number in range(count)]
            off = sum(len(watcher.off_list) for watcher in watchers)
    return _figure(trials, watchers, off, scale)


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer of a surface: when asked and got (monotonic), whether it shows what may have left the list."""

    began: float
    ended: float
    shows: bool
    body: bytes = b""


@dataclass(slots=True)
class Watcher:
    """One surface, read without a pause. ``ask`` gives status and body; ``shows`` judges them."""

    surface: str
    ask: Callable[[], tuple[int, bytes]]
    shows: Callable[[int, bytes], bool]
    seen: list[Seen] = field(default_factory=list)
    off_list: list[str] = field(default_factory=list)
    answers: int = 0

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            began = time.monotonic()
            try:
                status, body = self.ask()
            except OSError:  # the server closed the line; the next read opens a new one
                continue
            if status >= 500:
                raise RuntimeError(f"{self.surface}: {status} {body[:200]!r}")
            self.seen.append(Seen(began, time.monotonic(), self.shows(status, body), body))
            self.answers += 1
            stop.wait(BREATH)

    def since(self, instant: float) -> list[Seen]:
        """The answers whose request was sent after an instant."""
        return [seen for seen in self.seen if seen.began > instant]

    def forget(self) -> None:
        """Keep no bodies of the trial that ended."""
        del self.seen[:-1]


def _watchers(home: Path, ports: tuple[int, int], targets: Sequence[Target]) -> list[Watcher]:
    """Every surface that can show an item, each with a line of its own, half of them at each server."""
    firm = targets[0].enterprise
    _plant(firm)
    names = (BANK, "platform-demo", "tax-bureau")
    bank, platform, tax = (_calls(home, ports[number % 2], name) for number, name in enumerate(names))
    see = _Browsing(ports, _people(firm))
    turns = cycle([{"enterprise": t.enterprise, "purpose": PURPOSE, "authorisation": t.authorisation} for t in targets])
    detail = {"type": "credit_query", "enterprise": firm, "purpose": PURPOSE, "items": [CLOSED], "form": "report"}
    wanted = {"authorization_details": [{**detail, "reason": "loan A-1", "times": 1}]}
    row = {"uscc": firm, "month": "2026-01", **TAXED}
    found = (
        ("API report", bank("POST", "/api/v1/reports", lambda: next(turns)), _blocks),
        ("API report, item named", bank("POST", "/api/v1/reports", lambda: {**next(turns), "items": [CLOSED]}), _ok),
        ("API request", bank("POST", "/api/v1/authorisation-requests", lambda: wanted), _listed),
        ("API public information", platform("GET", f"/api/v1/enterprises/{firm}/public"), _blocks),
        ("API delivery", tax("POST", "/api/v1/deliveries", lambda: {"item": CLOSED, "rows": [row]}), _ok),
        ("API catalogue", see("", "/api/v1/catalogue"), _blocks),
        ("API item of the catalogue", see("", f"/api/v1/catalogue/{OPEN}"), _ok),
        ("public dictionary", see("", "/catalogue/"), _text),
        ("public page of an item", see("", f"/catalogue/{CLOSED}/"), _ok),
        ("public template", see("", f"/catalogue/{CLOSED}/template.xlsx"), _ok),
        ("enterprise: own report", see("owner", "/enterprise/report/"), _text),
        ("enterprise: a bank's view", see("owner", f"/enterprise/preview/?organisation={BANK}"), _text),
        ("institution: public information", see("banker", f"/institution/enterprises/{firm}/"), _text),
        ("institution: what to ask for", see("banker", f"/institution/enterprises/{firm}/ask/"), _text),
        ("department: duties", see("tax", "/department/"), _text),
        ("department: upload", see("tax", f"/department/upload/{CLOSED}/"), _ok),
        ("department: quality", see("tax", "/department/quality/"), _text),
        ("node: timeliness", see("operator", "/node/supply/"), _text),
        ("notices that wait", _notices, lambda _, body: body != b"0"),
    )
    return [Watcher(*one) for one in found]


def _blocks(status: int, body: bytes) -> bool:
    """A JSON answer that has a block of either item, or a planted value; naming what left is not showing it."""
    found = json.loads(body)
    if isinstance(found, list):
        return any(item["code"] in GONE for item in found)
    blocks = found.get("document", {}).get("items", [])
    return any(block["item"] in GONE for block in blocks) or any(value in body.decode() for value in PLANTED)


def _ok(status: int, body: bytes) -> bool:
    return status < 300


def _listed(status: int, body: bytes) -> bool:
    """Whether a request is refused for another reason than that the list does not hold the item."""
    return status != 422


def _text(status: int, body: bytes) -> bool:
    text = body.decode()
    return any(word in text for word in (*NAMES, *PLANTED))


def _plant(firm: str) -> None:
    """Rows with values that occur nowhere else, and an endpoint of the department for its notices."""
    from tests.factories import deliver
    from xinqiao.webhooks.actions import add_endpoint

    now = datetime.now(UTC)
    deliver(OPEN, [{"uscc": firm, "announced_on": "2026-04-15", "name": PLANTED[2]}], now=now)
    deliver(CLOSED, [{"uscc": firm, "month": "2026-01", **TAXED}], now=now)
    add_endpoint("tax_bureau", url="https://tax.example/notices", actor=FIRST, now=now)


def _notices() -> tuple[int, bytes]:
    """How many notices about the item wait to be sent."""
    from django.db import close_old_connections

    from xinqiao.webhooks.queries import list_messages

    close_old_connections()
    waiting = [m for m in list_messages("tax_bureau", limit=50) if m.state == "waiting" and CLOSED in m.about]
    return 200, str(len(waiting)).encode()


def _calls(home: Path, port: int, client: str) -> Callable[..., Callable[[], tuple[int, bytes]]]:
    """A program's calls, each of which is made by a line of its own."""
    from xinqiao.oauth.caller import Program

    def calling(method: str, path: str, body: Callable[[], Any] | None = None) -> Callable[[], tuple[int, bytes]]:
        made: list[Program] = []

        def ask() -> tuple[int, bytes]:
            if not made:
                key = home / "node" / "demo-clients" / f"{client}.json"
                made.append(Program.load(key, server=f"http://127.0.0.1:{port}"))
            data = json.dumps(body()).encode() if body else None
            answer = made[0].call(method, path, data=data)
            if answer.status == 401:  # the token's five minutes are over
                made[0].token = ""
                answer = made[0].call(method, path, data=data)
            return answer.status, answer.body

        return ask

    return calling


def _people(firm: str) -> dict[str, str]:
    """Person → the cookie of a session in which she is signed in."""
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.test import Client

    from xinqiao.config.demo import ensure_accounts

    ensure_accounts({"demo_firms": [{"uscc": firm, "name": "Planted"}]}, now=datetime.now(UTC))
    cookies = {}
    for username in ("owner", "banker", "tax", "operator"):
        client = Client()
        client.force_login(get_user_model().objects.get_by_natural_key(username))
        cookies[username] = client.cookies[settings.SESSION_COOKIE_NAME].value
    return cookies


class _Browsing:
    """Pages as people see them, half of them at each server."""

    def __init__(self, ports: tuple[int, int], cookies: dict[str, str]) -> None:
        self._ports, self._cookies, self._made = ports, cookies, 0

    def __call__(self, person: str, path: str) -> Callable[[], tuple[int, bytes]]:
        port, cookie = self._ports[self._made % 2], self._cookies.get(person, "")
        self._made += 1

        def ask() -> tuple[int, bytes]:
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            try:
                line.request("GET", path, headers={"Cookie": f"sessionid={cookie}"} if cookie else {})
                answer = line.getresponse()
                return answer.status, answer.read()
            finally:
                line.close()

        return ask


def _change(files: dict[str, str], reason: str) -> tuple[float, float]:
    """One proposes, another approves: when the approval was called and when it returned."""
    from xinqiao.stewardship.actions import approve_list, propose_list

    made = propose_list(files, reason=reason, actor=FIRST, now=datetime.now(UTC))
    called = time.monotonic()
    approve_list(made.id, actor=SECOND, now=datetime.now(UTC))
    return called, time.monotonic()


def _await(watchers: Sequence[Watcher], instant: float, *, shows: bool) -> None:
    """Until each surface answered so at least once; raises RuntimeError naming those that never do."""
    until = time.monotonic() + PATIENCE
    while waiting := [w for w in watchers if not any(s.shows is shows for s in w.since(instant))]:
        if time.monotonic() > until:
            said = {w.surface: w.seen[-1].body[:300] for w in waiting if w.seen}
            raise RuntimeError(f"still {'not ' if shows else ''}showing after {PATIENCE:.0f} s: {said}")
        time.sleep(0.01)


def _trial(watchers: Sequence[Watcher], number: int) -> dict[str, tuple[float, float]]:
    """Take both off while all is read: seconds from the approval's call to the last showing, by surface.

    To the sending of its request (0 where that was before the approval) and to the end of its answer.
    """
    from xinqiao.catalogue.load import list_files, parse_catalogue
    from xinqiao.plumbing.settings import content_dir
    from xinqiao.stewardship.rules import with_uploads
    from xinqiao.webhooks.actions import tell

    whole = list_files(content_dir())
    less = with_uploads(whole, (), GONE)
    tell("tax_bureau", "source.late", about=f"{CLOSED} late", data={"item": CLOSED}, now=datetime.now(UTC))
    _await(watchers, time.monotonic(), shows=True)
    called, returned = _change(less, f"off {number}")
    _await(watchers, returned, shows=False)
    time.sleep(LIMIT)
    delays = {w.surface: _delays(w, called) for w in watchers}
    _scan(watchers, called + LIMIT, parse_catalogue(less))
    for watcher in watchers:
        watcher.forget()
    _change(whole, f"on {number}")
    return delays


def _delays(watcher: Watcher, called: float) -> tuple[float, float]:
    showing = [seen for seen in watcher.seen if seen.shows]
    asked = max((seen.began - called for seen in showing), default=0.0)
    return max(asked, 0.0), max((seen.ended - called for seen in showing), default=0.0)


def _scan(watchers: Sequence[Watcher], instant: float, listed: Any) -> None:
    """Look through what was answered after an instant for fields that the list does not hold."""
    from tests.scanner import off_list, off_list_of_page

    for watcher in watchers:
        for seen in watcher.since(instant):
            if seen.body.startswith((b"{", b"[")):
                watcher.off_list += off_list(json.loads(seen.body), listed)
            elif seen.body.lstrip().startswith(b"<!doctype"):
                watcher.off_list += off_list_of_page(seen.body.decode(), listed)


def _figure(
    trials: Sequence[dict[str, tuple[float, float]]], watchers: Sequence[Watcher], off: int, scale: float
) -> Figure:
    from tests.scanner import SCANNED
    from xinqiao.sharing.queries import LOOK_AGAIN

    asked = [delays[0] for trial in trials for delays in trial.values()]
    half, longest = percentile(asked, 0.5), max(asked)
    rows: list[tuple[object, ...]] = [("surface", "answers", "last asked within ms: half", "all", "answered: all")]
    for watcher in watchers:
        sent, ended = zip(*(trial[watcher.surface] for trial in trials), strict=True)
        cells = (percentile(sent, 0.5), max(sent), max(ended))
        rows.append((watcher.surface, watcher.answers, *(f"{1000 * cell:.0f}" for cell in cells)))
    rows.append(("changes", len(trials), "", "", ""))
    rows.append(("fields looked through since, off the list", SCANNED.fields, off, "", ""))
    return Figure(
        name=NAME,
        table=rows,
        ours=f"p50 {1000 * half:.0f} ms, longest {1000 * longest:.0f} ms, {len(watchers)} surfaces, {off} fields off",
        against=f"floor a process looks again after {1000 * LOOK_AGAIN:.0f} ms",
        ratio=f"{longest / LOOK_AGAIN:.1f}",
        bar=BAR,
        met=longest <= LIMIT and not off and SCANNED.fields > 0,
        scale=scale,
    )
