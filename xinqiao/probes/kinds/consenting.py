"""The enterprise's will: what it saw is what is signed, by the list in force, and its withdrawal is obeyed."""

from __future__ import annotations

import time
from collections.abc import Mapping

from xinqiao.kernel.canonical import sha256_hex
from xinqiao.kernel.errors import Phrase
from xinqiao.probes.kinds import kind
from xinqiao.probes.session import BANK, FIRM, ITEMS, NARROW, OTHER_FIRM, PURPOSE, Failed, Sandbox

PAUSE = 0.1


@kind()
def consent_screen(s: Sandbox, want: Mapping[str, int]) -> Phrase:
    """The digest in the signed authorisation is that of the very text that was shown, and the text says all."""
    screen = s.screen()
    shown = s.must(200, s.call("GET", "screens", tail=f"/{screen}"))
    missing = [part for part in (FIRM, BANK, PURPOSE, *ITEMS, "30", "20") if part not in shown.text]
    signed = s.signed(s.agreed(screen))
    if missing:
        raise Failed(Phrase("授权页没有写明：{missing}", missing="、".join(missing)))
    if signed.get("screen_sha256") != sha256_hex(shown.body):
        raise Failed(Phrase("授权中的摘要不是企业看到的那一页的"))
    return Phrase("摘要与所示全文一致，内容写全")


@kind()
def list_version(s: Sandbox, want: Mapping[str, int]) -> Phrase:
    """Once the node says that the sharing list changed, nothing is agreed to under the old one."""
    changed = {"version": "2026-2", "items": ",".join(NARROW)}
    s.must(204, s.notice("list.changed", changed))
    signed = s.signed(s.agreed(s.screen(items=NARROW)))
    if signed.get("list_version") != changed["version"]:
        raise Failed(
            Phrase("清单已改为 {new}，授权仍按 {old}", new=changed["version"], old=str(signed.get("list_version", "")))
        )
    asked = {"enterprise": FIRM, "recipient": BANK, "purpose": PURPOSE, "items": list(ITEMS)}
    answer = s.call("POST", "screens", {**asked, "period_days": 30, "times": 1})
    s.refused(answer, when=Phrase("就已移出清单的数据项请求授权"))
    return Phrase("新授权按 {version}，移出清单的数据项不再请求", version=changed["version"])


@kind("millis")
def revocation(s: Sandbox, want: Mapping[str, int]) -> Phrase:
    """A withdrawal told by the node, and one made on the platform's own page, stop queries within ``millis``."""
    told, own = s.authorise(FIRM), s.authorise(OTHER_FIRM)
    s.report(told)
    s.report(own, enterprise=OTHER_FIRM)
    s.must(204, s.notice("authorisation.withdrawn", {"authorisation": told}))
    first = _stops(s, told, FIRM, want["millis"])
    s.must(204, s.call("DELETE", "authorisations", tail=f"/{own}"))
    second = _stops(s, own, OTHER_FIRM, want["millis"])
    return Phrase("撤回后 {first} 毫秒和 {second} 毫秒内停止", first=first, second=second)


def _stops(s: Sandbox, held: str, firm: str, millis: int) -> int:
    """Milliseconds until the first refusal, after which the next query is refused too; raises Failed when too late."""
    began = time.monotonic()
    while True:
        asked = time.monotonic()
        answer = s.query(held, firm)
        if answer.status != 200:
            s.refused(answer, when=Phrase("撤回后的查询"))
            s.refused(s.query(held, firm), when=Phrase("撤回后的查询"))
            return round((asked - began) * 1000)
        if (asked - began) * 1000 > millis:
            raise Failed(Phrase("撤回 {millis} 毫秒后仍能查询", millis=round((asked - began) * 1000)))
        time.sleep(PAUSE)


@kind()
def notice_signature(s: Sandbox, want: Mapping[str, int]) -> Phrase:
    """A notice that the node did not sign is refused, and nothing follows from it."""
    held = s.authorise()
    answer = s.notice("authorisation.withdrawn", {"authorisation": held}, forged=True)
    if answer.status < 400:
        raise Failed(Phrase("伪造的撤回通知被接受（{status}）", status=answer.status))
    s.report(held)
    return Phrase("伪造的通知被拒绝（{status}），授权不受影响", status=answer.status)
