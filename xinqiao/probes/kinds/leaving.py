"""Data has an end: on the day it must go, and when the platform leaves."""

from __future__ import annotations

import time
from collections.abc import Mapping

from xinqiao.kernel.errors import Phrase
from xinqiao.probes.kinds import kind
from xinqiao.probes.session import FACTS, FIRM, OTHER_FIRM, Failed, Sandbox

KEEP_DAYS = 10
PAUSE = 0.1


@kind()
def deletion(s: Sandbox, want: Mapping[str, int]) -> Phrase:
    """A report that must be deleted is gone after its last day, and the platform attests so under its signature."""
    s.node_answers(FIRM, {"items": FACTS, "delete_after_days": KEEP_DAYS})
    number = str(s.report(s.authorise()).json.get("query", ""))
    s.must(200, s.call("GET", "queries", tail=f"/{number}"))
    s.days(KEEP_DAYS + 1)
    if number not in [one.get("query") for one in s.outbox("deletion.attested")]:
        raise Failed(Phrase("{days} 天期满，没有删除证明", days=KEEP_DAYS))
    if s.call("GET", "queries", tail=f"/{number}").status == 200:
        raise Failed(Phrase("已声明删除，报告仍能读出"))
    return Phrase("{days} 天期满后已删除并签署证明", days=KEEP_DAYS)


@kind("seconds")
def exit_drill(s: Sandbox, want: Mapping[str, int]) -> Phrase:
    """Leaving: queries stop, exactly the authorisations that stand are handed over, data is gone and attested."""
    stands, ended = s.authorise(FIRM), s.authorise(OTHER_FIRM)
    number = str(s.report(stands).json.get("query", ""))
    s.must(204, s.call("DELETE", "authorisations", tail=f"/{ended}"))
    s.must(202, s.call("POST", "exit", {"successor": "probe-successor"}))
    _drained(s, stands, want["seconds"])
    over = [one for one in s.outbox("exit.handed_over") if one.get("successor") == "probe-successor"]
    given = sorted(str(a) for one in over for a in one.get("authorisations") or ())
    if given != [stands]:
        raise Failed(
            Phrase(
                "应移交 1 个有效的授权，移交了 {count} 个，其中有效的 {good} 个",
                count=len(given),
                good=given.count(stands),
            )
        )
    if not s.outbox("exit.deletion_attested"):
        raise Failed(Phrase("退出后没有删除证明"))
    if s.call("GET", "queries", tail=f"/{number}").status == 200:
        raise Failed(Phrase("已声明删除，报告仍能读出"))
    return Phrase("查询停止，有效的授权移交，数据删除并签署证明")


def _drained(s: Sandbox, held: str, seconds: int) -> None:
    began = time.monotonic()
    while (answer := s.query(held)).status == 200:
        if time.monotonic() - began > seconds:
            raise Failed(Phrase("退出 {seconds} 秒后仍能查询", seconds=seconds))
        time.sleep(PAUSE)
    s.refused(answer, when=Phrase("退出后的查询"))
