"""What the platform owes: the truth about a refusal, free self-query, disputes on time, logs, back-up, drills."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from xinqiao.kernel.canonical import canonical_bytes, sha256_hex
from xinqiao.kernel.dated import BEIJING, beijing_day
from xinqiao.kernel.errors import Phrase
from xinqiao.kernel.working_days import WorkCalendar
from xinqiao.plumbing.calendar import work_calendar
from xinqiao.probes.kinds import kind
from xinqiao.probes.session import FACTS, FIRM, ITEMS, Failed, NotRun, Sandbox, answered_items, chain_hash

REFUSAL = {"code": "release.paused", "title": "企业暂停了这项授权", "next_step": "请联系企业"}
NONE, UNKNOWN = ("核实无", "verified none"), ("未知", "not known")


@kind()
def refusal_shown(s: Sandbox, want: Mapping[str, int]) -> Phrase:
    """A refusal of the node is shown as that refusal; *verified none* and *not known* are told apart."""
    held = s.authorise()
    s.node_answers(FIRM, {"refuse": REFUSAL})
    answer = s.query(held)
    page = s.call("GET", "queries", tail=f"/{answer.json.get('query', '')}")
    if answer.status == 200 or answer.json.get("code") != REFUSAL["code"] or REFUSAL["title"] not in page.text:
        raise Failed(Phrase("节点拒绝了查询，用户看到的是：{page}", page=page.text[:80] or answer.text[:80]))
    s.node_answers(FIRM, {"items": FACTS})
    shown = s.call("GET", "queries", tail=f"/{s.report(held).json.get('query', '')}").text
    if not any(word in shown for word in NONE) or not any(word in shown for word in UNKNOWN):
        raise Failed(Phrase("页面没有区分“核实无”和“未知”：{page}", page=shown[:80]))
    return Phrase("拒绝照实显示，“核实无”与“未知”分开")


@kind()
def self_query(s: Sandbox, want: Mapping[str, int]) -> Phrase:
    """An enterprise reads everything about itself, and pays nothing."""
    answer = s.call("GET", "self", tail=f"/{FIRM}")
    if answer.status == 402 or answer.json.get("charge_fen", 0) != 0:
        raise Failed(Phrase("企业自查收费（{fen} 分）", fen=str(answer.json.get("charge_fen", "402"))))
    s.must(200, answer)
    found = answered_items(answer)
    lacking = [item for item in ITEMS if found.get(item) != FACTS[item]]
    if lacking:
        raise Failed(Phrase("企业自查缺少或改动了：{items}", items="、".join(lacking)))
    return Phrase("免费，{count} 个数据项齐全", count=len(found))


@kind("workdays")
def dispute_forwarding(s: Sandbox, want: Mapping[str, int]) -> Phrase:
    """A dispute is at the node by the end of the last allowed working day, over a weekend that is worked."""
    calendar = work_calendar()
    day = hardest_day(calendar, want["workdays"])
    s.moved(datetime.combine(day, time(16), BEIJING))
    made = s.must(
        201, s.call("POST", "disputes", {"enterprise": FIRM, "item": ITEMS[0], "says": "the amount is wrong"})
    )
    last = calendar.add(day, want["workdays"]).on
    s.moved(datetime.combine(last, time(23, 59, 59), BEIJING))
    number = made.json.get("dispute")
    found = [one for one in s.outbox("dispute.forwarded") if one.get("dispute") == number]
    said: dict[str, Any] = {"day": day.isoformat(), "last": last.isoformat()}
    if not found:
        raise Failed(Phrase("{day} 收到的异议到 {last} 日终仍未转送", **said))
    if found[0].get("enterprise") != FIRM or found[0].get("item") != ITEMS[0]:
        raise Failed(Phrase("转送的异议与收到的不符"))
    return Phrase("{day} 收到的异议在 {last} 前转送", **said)


def hardest_day(calendar: WorkCalendar, workdays: int) -> date:
    """The working day of the last known year on which counting weekdays is latest: before a weekend that is worked."""
    plain = WorkCalendar.of([(year, (), ()) for year in calendar.years])
    days = [date(max(calendar.years), 1, 1) + timedelta(days=n) for n in range(345)]
    late = {day: plain.add(day, workdays).on - calendar.add(day, workdays).on for day in days}
    return max(filter(calendar.is_working_day, days), key=lambda day: (late[day], day))


@kind("days")
def log_digest(s: Sandbox, want: Mapping[str, int]) -> Phrase:
    """For each day, quiet ones too, a signed digest of the access log goes to the node, chained to the day before."""
    held, first = s.authorise(), beijing_day(s.now)
    s.report(held)
    s.days(want["days"] - 1)
    s.report(held)
    s.days(1)
    days = [(first + timedelta(days=n)).isoformat() for n in range(want["days"])]
    told = {str(one.get("day")): one for one in s.outbox("log.digest")}
    missing = [day for day in days if day not in told]
    if missing:
        raise Failed(Phrase("缺少这些天的日志摘要：{days}", days="、".join(missing)))
    before = None
    for day in days:
        entries = s.must(200, s.call("GET", "log", tail=f"?day={day}")).json.get("entries")
        if told[day].get("sha256") != sha256_hex(canonical_bytes(entries)):
            raise Failed(Phrase("{day} 的摘要与当天日志不符", day=day))
        if before is not None and told[day].get("previous") != before:
            raise Failed(Phrase("{day} 的摘要没有接上前一天的", day=day))
        if day in (days[0], days[-1]) and not any(e.get("enterprise") == FIRM for e in entries or ()):
            raise Failed(Phrase("{day} 的日志里没有当天的查询", day=day))
        before = told[day]["sha256"]
    return Phrase("{days} 天每天一份，首尾相接", days=want["days"])


@kind()
def staff_log(s: Sandbox, want: Mapping[str, int]) -> Phrase:
    """A look by the platform's own staff is in a log whose entries are chained, with who, about whom and why."""
    reasons = ("complaint 17", "audit of March")
    for reason in reasons:
        look = {"staff": "staff-01", "enterprise": FIRM, "reason": reason}
        s.must(200, s.call("POST", "staff_views", look))
    entries = s.must(200, s.call("GET", "staff_log")).json.get("entries")
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise Failed(Phrase("人员查看日志不是条目的列表"))
    seen = [e.get("reason") for e in entries if (e.get("staff"), e.get("enterprise")) == ("staff-01", FIRM)]
    if seen != list(reasons):
        raise Failed(Phrase("查看 {looks} 次，日志记了 {seen} 次", looks=len(reasons), seen=len(seen)))
    before = ""
    for entry in entries:
        if entry.get("previous") != before or entry.get("hash") != chain_hash(entry, canonical=canonical_bytes):
            raise Failed(Phrase("人员查看日志的链断开"))
        before = entry["hash"]
    return Phrase("{looks} 次查看都有记录，链完整", looks=len(reasons))


@kind()
def backup_restore(s: Sandbox, want: Mapping[str, int]) -> Phrase:
    """What a back-up held is there again after restoring it, what came later is not, and a withdrawal stays one."""
    held = s.authorise()
    kept = str(s.report(held).json.get("query", ""))
    before = s.must(200, s.call("GET", "queries", tail=f"/{kept}")).body
    saved = s.must(201, s.call("POST", "backups", {})).json.get("backup")
    later = str(s.report(held).json.get("query", ""))
    s.must(204, s.call("DELETE", "authorisations", tail=f"/{held}"))
    s.must(200, s.call("POST", "restores", {"backup": saved}))
    if s.call("GET", "queries", tail=f"/{kept}").body != before:
        raise Failed(Phrase("恢复后读不出备份前的报告"))
    if s.call("GET", "queries", tail=f"/{later}").status == 200:
        raise Failed(Phrase("恢复没有发生：备份之后的报告仍在"))
    s.refused(s.query(held), when=Phrase("恢复后，用备份之后撤回的授权查询"))
    return Phrase("备份前的内容恢复，之后撤回的授权仍然无效")


@kind("minutes")
def incident_drill(s: Sandbox, want: Mapping[str, int]) -> Phrase:
    """An incident drill is answered within ``minutes`` by somebody on duty, naming every look that is concerned."""
    looked = str(s.report(s.authorise()).json.get("query", ""))
    contact = s.about.get("contact")
    if not isinstance(contact, dict) or not contact.get("role") or not contact.get("phone"):
        raise Failed(Phrase("约定说明里没有安全事件联系人"))
    drill = {"drill": "drill-1", "enterprise": FIRM, "says": "who looked at this enterprise?"}
    s.must(202, s.call("POST", "drills", drill))
    s.moved(s.now + timedelta(minutes=want["minutes"]))
    answers = [one for one in s.outbox("drill.answered") if one.get("drill") == "drill-1"]
    if not answers:
        raise Failed(Phrase("{minutes} 分钟内没有答复演练", minutes=want["minutes"]))
    if not answers[0].get("by") or looked not in (answers[0].get("queries") or ()):
        raise Failed(Phrase("演练的答复没有写明值班岗位或漏了涉及的查询"))
    return Phrase("演练已由“{by}”答复，涉及的查询齐全", by=str(answers[0]["by"])[:40])


@kind(sandbox=False, by_hand=True)
def contact_reached(s: Sandbox, want: Mapping[str, int]) -> Phrase:
    """Whether a person answers at night."""
    raise NotRun(Phrase("须由人拨打联系电话并记录；机器不能代替"))


@kind(sandbox=False, by_hand=True)
def offsite_restore(s: Sandbox, want: Mapping[str, int]) -> Phrase:
    """Whether the production system was restored at another site."""
    raise NotRun(Phrase("生产系统的异地恢复须到现场核对演练记录；沙箱不能证明"))
