"""Under more queries than the platform takes: refused with a time to come back, never answered in part in silence."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from xinqiao.kernel.errors import Phrase
from xinqiao.probes.kinds import kind
from xinqiao.probes.session import (
    BANK,
    FACTS,
    FIRM,
    ITEMS,
    PURPOSE,
    Failed,
    NotRun,
    Sandbox,
    answered_items,
    retry_after,
)
from xinqiao.probes.wire import Answer, Unreached, Wire, encoded


@kind("queries", "lines")
def overload(s: Sandbox, want: Mapping[str, int]) -> Phrase:
    """More queries than the declared rate, at once: each answer is whole, or 429 with Retry-After."""
    rate = s.about.get("rate")
    per_second, burst = (rate.get("per_second"), rate.get("burst")) if isinstance(rate, dict) else (None, None)
    if type(per_second) is not int or type(burst) is not int or per_second < 1 or burst < 1:
        raise Failed(Phrase("约定说明里没有每秒查询数（rate）"))
    held = s.authorise(times=want["queries"] + 10)
    answers, seconds = _volley(s, held, want["queries"], want["lines"])
    whole = [a for a in answers if a.status == 200]
    silent = [a for a in whole if set(answered_items(a)) != set(FACTS) and a.json.get("complete") is not False]
    busy = [a for a in answers if a.status == 429]
    if silent:
        raise Failed(Phrase("过载时有 {count} 个回答缺数据而没有说明", count=len(silent)))
    if len(whole) + len(busy) != len(answers):
        other = next(a.status for a in answers if a.status not in (200, 429))
        raise Failed(Phrase("过载时既不完整回答也不答 429：{status}", status=other))
    if any(retry_after(a) is None for a in busy):
        raise Failed(Phrase("429 没有写明何时再来（Retry-After）"))
    if not busy and len(answers) <= burst + per_second * seconds:
        raise NotRun(Phrase("从这里发不出超过每秒 {rate} 次的查询", rate=per_second))
    if not busy:
        raise Failed(
            Phrase("{count} 个查询超过声明的每秒 {rate} 次，没有一个答 429", count=len(answers), rate=per_second)
        )
    s.report(held)
    return Phrase("{whole} 个完整回答，{busy} 个 429 并写明何时再来", whole=len(whole), busy=len(busy))


def _volley(s: Sandbox, held: str, count: int, lines: int) -> tuple[list[Answer], float]:
    """``count`` queries over several connections at once; their answers and how long it took in seconds."""
    path, wanted = s.path("queries"), {"enterprise": FIRM, "purpose": PURPOSE, "items": list(ITEMS)}
    body = encoded({**wanted, "recipient": BANK, "authorisation": held})
    heads = [s.head("POST", path) for _ in range(count)]
    found: list[Answer] = []
    lost: list[Unreached] = []

    def fire(wire: Wire, mine: list[dict[str, str]]) -> None:
        try:
            found.extend(wire.call("POST", path, headers=head, body=body) for head in mine)
        except Unreached as error:
            lost.append(error)
        finally:
            wire.end()

    threads = [
        threading.Thread(target=fire, args=(Wire(s.target, s.wire.until), heads[n::lines]), daemon=True)
        for n in range(lines)
    ]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    s.steps.append(f"POST queries ×{len(found)}")
    if lost and not found:
        raise lost[0]
    return found, time.monotonic() - began
