"""What the sample platform does at each path of the contract."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from xinqiao.kernel.canonical import sha256_hex
from xinqiao.kernel.dated import beijing_day
from xinqiao.probes.platform.defects import Defect
from xinqiao.probes.platform.place import Held, Kept, Place
from xinqiao.probes.platform.proving import Refusal

PAGE = """授权书（沙箱）
授权企业：{enterprise}
被授权机构：{recipient}
用途：{purpose}
数据项：{items}
期限：{period_days} 天；最多查询 {times} 次
共享清单版本：{list_version}
可随时在本页撤回。
"""
SUMMARY = "您同意 {recipient} 查询您的信用信息。\n"
REPORT_DAYS = 180  # how long a report is kept when the node does not say
Reply = tuple[int, Any]  # status and a JSON value, a text, or None
Act = Callable[[Place, dict[str, Any], str], Reply]


def node_answer(place: Place, given: dict[str, Any], tail: str) -> Reply:
    """What the node of this sandbox answers about an enterprise from now on."""
    place.node[str(given["enterprise"])] = {k: v for k, v in given.items() if k != "enterprise"}
    return 204, None


def clock(place: Place, given: dict[str, Any], tail: str) -> Reply:
    """The sandbox's clock goes on."""
    place.move(datetime.fromisoformat(given["now"]))
    return 204, None


def ask(place: Place, given: dict[str, Any], tail: str) -> Reply:
    """A screen on which an enterprise is asked; only for items of the list in force."""
    outside = sorted(set(given["items"]) - set(place.items))
    if outside:
        raise Refusal(422, "items.not_on_list", f"not on the sharing list: {', '.join(outside)}")
    number = f"S-{secrets.token_hex(4)}"
    place.screens[number] = {**given, "list_version": place.list_version}
    return 201, {"screen": number}


def _text(place: Place, asked: Mapping[str, Any]) -> str:
    return PAGE.format_map({**asked, "items": "、".join(asked["items"])})


def screen(place: Place, given: dict[str, Any], tail: str) -> Reply:
    """The text on a screen, as the enterprise sees it."""
    asked = _found(place.screens, tail)
    if Defect.OTHER_SCREEN in place.defects:  # the summary names everything, and is not what is hashed
        return 200, SUMMARY.format_map(asked) + _text(place, asked)
    return 200, _text(place, asked)


def agree(place: Place, given: dict[str, Any], tail: str) -> Reply:
    """The enterprise agrees: a signed authorisation with the digest of what was on the screen."""
    asked = _found(place.screens, given["screen"])
    ends = place.now + timedelta(days=asked["period_days"])
    held = Held(
        id=f"A-{secrets.token_hex(6)}",
        valid_to=ends.isoformat(),
        screen_sha256=sha256_hex(_text(place, asked).encode()),
        **{k: asked[k] for k in ("enterprise", "recipient", "purpose", "items", "times", "list_version")},
    )
    place.books.authorisations[held.id] = held
    facts = ("id", "enterprise", "recipient", "purpose", "items", "times", "valid_to", "list_version", "screen_sha256")
    place.send("authorisation.given", {name: getattr(held, name) for name in facts})
    return 201, {"authorisation": held.id, "artefact": place.outbox[-1]}


def withdraw(place: Place, given: dict[str, Any], tail: str) -> Reply:
    """The enterprise withdraws on the platform's own page."""
    place.withdraw(_found(place.books.authorisations, tail).id, by_notice=False)
    return 204, None


def query(place: Place, given: dict[str, Any], tail: str) -> Reply:
    """An officer asks for a report: within the rate, within an authorisation, from the node, kept for a term."""
    busy = not place.takes()
    if busy and Defect.PARTIAL not in place.defects:
        raise Refusal(429, "busy", "too many queries", retry_after=1)
    held = _authorised(place, given)
    wanted = list(given["items"])
    if held is not None:
        held.used += 1
    answer = place.ask_node(given["enterprise"], wanted)
    number = f"Q-{secrets.token_hex(4)}"
    if "refuse" in answer:
        return _refused_by_node(place, given, number, answer["refuse"])
    items = dict(list(answer["items"].items())[:2]) if busy else answer["items"]
    place.logged(given.get("recipient", ""), given["enterprise"], f"released {number}")
    _keep(place, number, given["enterprise"], _page(items), answer.get("delete_after_days", REPORT_DAYS))
    return 200, {"query": number, "complete": True, "items": items}


def _authorised(place: Place, given: Mapping[str, Any]) -> Held | None:
    """The authorisation that a query goes by; raises Refusal, which is logged too."""
    try:
        return _checked(place, given)
    except Refusal as refusal:
        place.logged(given.get("recipient", ""), given["enterprise"], f"refused {refusal.code}")
        raise


def _checked(place: Place, given: Mapping[str, Any]) -> Held | None:
    if place.left:
        raise Refusal(403, "platform.left", "the platform has left the network")
    held = place.books.authorisations.get(str(given.get("authorisation", "")))
    if held is None or held.enterprise != given["enterprise"] or held.recipient != given.get("recipient"):
        if Defect.UNAUTHORISED in place.defects:
            return None
        raise Refusal(403, "authorisation.none", "the enterprise has not authorised this")
    faults = {
        "authorisation.withdrawn": held.withdrawn and time.monotonic() >= held.stale_until,
        "authorisation.purpose": held.purpose != given["purpose"] and Defect.ANY_PURPOSE not in place.defects,
        "authorisation.items": not set(given["items"]) <= set(held.items) and Defect.ANY_ITEM not in place.defects,
        "authorisation.expired": place.now > datetime.fromisoformat(held.valid_to)
        and Defect.NO_PERIOD not in place.defects,
        "authorisation.used_up": held.used >= held.times and Defect.NO_LIMIT not in place.defects,
    }
    code = next((code for code, wrong in faults.items() if wrong), None)
    if code is not None:
        raise Refusal(403, code, "the authorisation does not cover this")
    return held


def _refused_by_node(place: Place, given: Mapping[str, Any], number: str, said: Mapping[str, str]) -> Reply:
    place.logged(given.get("recipient", ""), given["enterprise"], f"refused {said['code']}")
    if Defect.REFUSAL_AS_NO_DATA in place.defects:
        _keep(place, number, given["enterprise"], "没有查到该企业的数据\n", 1)
        return 200, {"query": number, "complete": True, "items": {}}
    _keep(place, number, given["enterprise"], f"节点拒绝：{said['title']}（{said['code']}）\n{said['next_step']}\n", 1)
    raise Refusal(403, said["code"], said["title"], query=number)


def _keep(place: Place, number: str, enterprise: str, page: str, days: int) -> None:
    until = beijing_day(place.now) + timedelta(days=days)
    place.books.reports[number] = Kept(number, enterprise, page, until.isoformat())


def _page(items: Mapping[str, Mapping[str, Any]]) -> str:
    """The report as an officer reads it: a value, verified none, or not known and why."""
    lines = []
    for code, fact in items.items():
        unknown = f"未知（{fact.get('not_known')}）"
        lines.append(f"{code}：{fact.get('value') or ('核实无' if fact.get('verified_none') else unknown)}")
    return "\n".join(lines) + "\n"


def page(place: Place, given: dict[str, Any], tail: str) -> Reply:
    """What a person sees of a query."""
    return 200, _found(place.books.reports, tail).page


def own(place: Place, given: dict[str, Any], tail: str) -> Reply:
    """An enterprise reads what the node knows of it."""
    items = place.ask_node(tail, place.items).get("items", {})
    place.logged("self", tail, "released to itself")
    if Defect.OMITS in place.defects:
        items = {code: fact for code, fact in items.items() if "value" in fact}
    return 200, {"charge_fen": 500 if Defect.CHARGES in place.defects else 0, "items": items}


def dispute(place: Place, given: dict[str, Any], tail: str) -> Reply:
    """An enterprise disputes an item."""
    return 201, {"dispute": place.take_dispute(given["enterprise"], given["item"], given["says"])}


def notice(place: Place, given: dict[str, Any], tail: str) -> Reply:
    """What the node tells."""
    data = given["data"]
    if given["type"] == "authorisation.withdrawn" and data["authorisation"] in place.books.authorisations:
        place.withdraw(data["authorisation"], by_notice=True)
    if given["type"] == "list.changed" and Defect.STALE_LIST not in place.defects:
        place.list_version, place.items = data["version"], data["items"].split(",")
    return 204, None


def outbox(place: Place, given: dict[str, Any], tail: str) -> Reply:
    """Everything this sandbox has sent to its node."""
    return 200, {"messages": list(place.outbox)}


def log(place: Place, given: dict[str, Any], tail: str) -> Reply:
    """The access log of a day."""
    return 200, {"entries": place.books.log.get(tail, [])}


def look(place: Place, given: dict[str, Any], tail: str) -> Reply:
    """One of the platform's own staff looks at what is kept of an enterprise."""
    place.look(given["staff"], given["enterprise"], given["reason"])
    return 200, {"reports": [r.id for r in place.books.reports.values() if r.enterprise == given["enterprise"]]}


def looks(place: Place, given: dict[str, Any], tail: str) -> Reply:
    """The log of such looks."""
    return 200, {"entries": list(place.books.staff)}


def drill(place: Place, given: dict[str, Any], tail: str) -> Reply:
    """The node asks, as after an incident, who looked at an enterprise."""
    if Defect.DEAF not in place.defects:
        concerned = [r.id for r in place.books.reports.values() if r.enterprise == given["enterprise"]]
        place.send("drill.answered", {"drill": given["drill"], "by": "安全值班", "queries": concerned})
    return 202, {}


def back_up(place: Place, given: dict[str, Any], tail: str) -> Reply:
    """Make a back-up."""
    number, digest = place.save()
    return 201, {"backup": number, "sha256": digest}


def restore(place: Place, given: dict[str, Any], tail: str) -> Reply:
    """Throw the working data away and take a back-up's."""
    _found(place.backups, given["backup"])
    place.restore(given["backup"])
    return 200, {"restored": given["backup"]}


def leave(place: Place, given: dict[str, Any], tail: str) -> Reply:
    """Leave the network in favour of a successor."""
    place.leave(given["successor"])
    return 202, {}


def _found(where: Mapping[str, Any], name: str) -> Any:
    if name not in where:
        raise Refusal(404, "not_found", "there is no such thing")
    return where[name]


ACTS: dict[tuple[str, str], Act] = {
    ("POST", "node"): node_answer,
    ("POST", "clock"): clock,
    ("POST", "screens"): ask,
    ("GET", "screens"): screen,
    ("POST", "authorisations"): agree,
    ("DELETE", "authorisations"): withdraw,
    ("POST", "queries"): query,
    ("GET", "queries"): page,
    ("GET", "self"): own,
    ("POST", "disputes"): dispute,
    ("GET", "outbox"): outbox,
    ("GET", "log"): log,
    ("POST", "staff_views"): look,
    ("GET", "staff_log"): looks,
    ("POST", "drills"): drill,
    ("POST", "backups"): back_up,
    ("POST", "restores"): restore,
    ("POST", "exit"): leave,
}


def act(place: Place, method: str, name: str, body: bytes, tail: str) -> Reply:
    """Do what a path of the contract says; raises Refusal for what it does not know or cannot read."""
    found = ACTS.get((method, name))
    if found is None:
        raise Refusal(405, "method", "no such method here")
    try:
        given = json.loads(body or b"{}")
        return found(place, given, tail)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Refusal(422, "invalid", f"{type(error).__name__}: {error}"[:200]) from error
