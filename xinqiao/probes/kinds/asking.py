"""What is asked of the platform: nothing without an authorisation, and nothing beyond it."""

from __future__ import annotations

from collections.abc import Mapping

from xinqiao.kernel.errors import Phrase
from xinqiao.probes.kinds import kind
from xinqiao.probes.session import (
    CANARY,
    FIRM,
    ITEMS,
    NARROW,
    OTHER_FIRM,
    OTHER_PURPOSE,
    Failed,
    Sandbox,
    answered_items,
)

TIMES = 3


@kind()
def query_unauthorised(s: Sandbox, want: Mapping[str, int]) -> Phrase:
    """Without an authorisation, and by that of another enterprise, nothing is answered."""
    s.refused(s.query(""), when=Phrase("没有授权的查询"))
    held = s.authorise(FIRM)
    s.refused(s.query(held, OTHER_FIRM), when=Phrase("用另一企业的授权查询"))
    s.report(held)
    return Phrase("没有授权、用他人授权的查询都被拒绝，有授权的照常")


@kind()
def query_purpose(s: Sandbox, want: Mapping[str, int]) -> Phrase:
    """Another purpose than the one agreed to is refused."""
    held = s.authorise()
    s.refused(s.query(held, purpose=OTHER_PURPOSE), when=Phrase("超出授权用途的查询"))
    s.report(held)
    return Phrase("超出用途的查询被拒绝")


@kind()
def query_items(s: Sandbox, want: Mapping[str, int]) -> Phrase:
    """Items that were not agreed to do not come: the query is refused, or answered without them."""
    held = s.authorise(items=NARROW)
    answer = s.query(held, items=ITEMS)
    beyond = sorted(set(answered_items(answer)) - set(NARROW))
    if beyond:
        raise Failed(Phrase("给出了没有授权的数据项：{items}", items="、".join(beyond)))
    if answer.status != 200:
        s.refused(answer, when=Phrase("超出授权数据项的查询"))
    s.report(held, items=NARROW)
    return Phrase("没有授权的数据项没有给出")


@kind()
def query_period(s: Sandbox, want: Mapping[str, int]) -> Phrase:
    """After the last day of an authorisation nothing is answered."""
    held = s.authorise()
    s.report(held)
    s.days(31)
    s.refused(s.query(held), when=Phrase("授权期满后的查询"))
    return Phrase("30 天期满后的查询被拒绝")


@kind()
def query_frequency(s: Sandbox, want: Mapping[str, int]) -> Phrase:
    """One query more than was agreed to is refused."""
    held = s.authorise(times=TIMES)
    for _ in range(TIMES):
        s.report(held)
    s.refused(s.query(held), when=Phrase("超出授权次数的查询"))
    return Phrase("授权 {times} 次，第 {more} 次被拒绝", times=TIMES, more=TIMES + 1)


@kind()
def canary(s: Sandbox, want: Mapping[str, int]) -> Phrase:
    """An enterprise that nobody asked about is never asked about at the node, also not by a nightly job."""
    s.report(s.authorise(FIRM))
    s.days(3)
    asked = [str(one.get("enterprise", "")) for one in s.outbox("node.query")]
    if FIRM not in asked:
        raise Failed(Phrase("发件箱里没有刚才的查询，不能证明没有别的查询"))
    if CANARY in asked or OTHER_FIRM in asked:
        raise Failed(Phrase("没有人要求，平台却查询了哨兵企业"))
    return Phrase("三天里只查询了被要求查询的企业")
