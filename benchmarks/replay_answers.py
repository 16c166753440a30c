"""Every answer of a node's life made again from the records as they were known then, digest by digest.

Some weeks of everything that changes what an answer says: deliveries and one undone, rows retracted and corrected,
disputes and their marks, evaluation runs and one rolled back, a source that is down, files merged, the sharing list
changed, authorisations withdrawn, reads by banks, platform and the enterprises themselves in every form. Then the
answers of each day are made again as of their own moments and compared with the digests that the log holds.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from benchmarks.figure import Figure
from benchmarks.histories import BANKS, ITEM, START, authorise, deliver, deliver_wrong, draw, found_node, register
from benchmarks.node import ACTOR, SEED, fresh_node

NAME = "replay_answers"
ANSWERS, FIRMS, DAYS = 10_000, 300, 21
DAY = timedelta(days=1)
Act = Callable[[Any], None]
BAR = f"{ANSWERS:,} historical answers made again, 0 digests that differ"


def measure(scale: float) -> Figure:
    """Live some weeks, then make every answer again."""
    answers, firms = max(60, round(ANSWERS * scale)), max(20, round(FIRMS * scale))
    with fresh_node():
        began = time.perf_counter()
        events = _live(answers, firms)
        lived = time.perf_counter() - began
        began = time.perf_counter()
        days, differing, kinds = _replay()
        again = time.perf_counter() - began
    made = sum(days.values())
    table = [
        ("what happened besides reads", ", ".join(f"{name} {count}" for name, count in sorted(events.items()))),
        (
            "answers given",
            f"{made:,} on {len(days)} days ({', '.join(f'{k} {n:,}' for k, n in sorted(kinds.items()))})",
        ),
        ("made again and different", f"{len(differing)}"),
        ("a first answer took", f"{lived / made * 1000:.0f} ms with all that happened"),
        ("an answer made again", f"{again / made * 1000:.0f} ms"),
    ]
    return Figure(
        name=NAME,
        table=[("what", "count"), *table],
        ours=f"{len(differing)} of {made:,} differ, {again / made * 1000:.0f} ms each",
        against=f"floor the first answers, {lived / made * 1000:.0f} ms each",
        ratio=f"{(made - len(differing)) / made:.4f} equal",
        bar=BAR,
        met=not differing and made >= answers * 0.9,
        scale=scale,
    )


def _live(answers: int, firms: int) -> Counter[str]:
    pick, events = random.Random(SEED), Counter[str]()
    histories = [draw(pick, number) for number in range(firms)]
    found_node()
    _platform()
    register(histories)
    deliver_wrong([h for h in histories if h.wrong_after is None], right=False)
    given = authorise(histories)
    acts = _acts(histories, given, events)
    per_day = -(-answers // DAYS)
    for day in range(1, DAYS + 1):
        opens = START + day * DAY
        if day in acts:
            acts[day](opens)
        n = refused = 0
        while n - refused < per_day:  # what is refused is no answer
            at = opens + timedelta(seconds=60 + n * 60_000 // per_day)
            refused += not _read(pick, histories, given, at, events)
            n += 1
    return events


def _platform() -> None:
    from xinqiao.parties.actions import register_organisation, set_admitted
    from xinqiao.parties.types import OrganisationKind

    register_organisation("hub", kind=OrganisationKind.PLATFORM, name="Hub", actor=ACTOR, now=START)
    set_admitted("hub", admitted=True, reason="x", actor=ACTOR, now=START)


def _acts(
    histories: list[Any], given: dict[tuple[str, str], str], events: Counter[str]
) -> dict[int, Callable[[Any], None]]:
    """Day → what happens at its beginning."""

    def noted(name: str, act: Callable[[Any], None]) -> Callable[[Any], None]:
        def done(now: Any) -> None:
            act(now)
            events[name] += 1

        return done

    first, second = histories[0], histories[1]
    return {
        2: noted("run", _run),
        3: noted("delivery", lambda now: _penalties(histories[2:5], now)),
        4: noted("undo", lambda now: _undone(histories[5:8], now)),
        5: noted("run", _run),
        6: noted("roll-back", _rolled_back),
        7: noted("dispute", lambda now: _dispute(first, now)),
        8: noted("outage", lambda now: _outage(now, end=False)),
        9: noted("correction", lambda now: _correct(first, now)),
        10: noted("outage ended", lambda now: _outage(now, end=True)),
        11: noted("merging of files", _merge),
        12: noted("withdrawal", lambda now: _withdraw(given, now)),
        13: noted("retraction", lambda now: _retract(second, now)),
        14: noted("change of the list", _change_list),
        16: noted("run", _run),
        18: noted("delivery", lambda now: _penalties(histories[8:12], now)),
        19: noted("merging of files", _merge),
    }


def _run(now: Any) -> None:
    from xinqiao.evaluation.actions import run_evaluation
    from xinqiao.kernel.dated import beijing_day
    from xinqiao.records.types import AsOf

    run_evaluation(AsOf(beijing_day(now), now), actor=ACTOR, now=now, progress=lambda _: None)


def _rolled_back(now: Any) -> None:
    from xinqiao.evaluation.actions import roll_back_run
    from xinqiao.evaluation.queries import get_latest_run

    roll_back_run(get_latest_run().id, actor=ACTOR, now=now)


def _penalties(histories: list[Any], now: Any) -> None:
    row = {"kind": "罚款", "severity": "严重", "decided_on": "2026-10-11", "fine_fen": "70000"}
    deliver(ITEM, [{"uscc": h.code, "document_no": f"R-{h.number}", **row} for h in histories], now)


def _undone(histories: list[Any], now: Any) -> None:
    from xinqiao.ingest.actions import undo_delivery
    from xinqiao.ingest.queries import list_deliveries
    from xinqiao.sharing.queries import current_list

    _penalties(histories, now)
    provider = current_list().item(ITEM).department.code
    newest = list_deliveries(provider=provider, now=now)[0].delivery
    undo_delivery(newest, provider=provider, actor=ACTOR, now=now + timedelta(hours=8))


def _row(history: Any, now: Any) -> Any:
    from xinqiao.records.queries import rows_now
    from xinqiao.sharing.queries import current_list

    rows = rows_now(history.code, current_list().item(ITEM), known=now)
    return rows[0] if rows else None


def _dispute(history: Any, now: Any) -> None:
    from xinqiao.disputes.filing import file_dispute
    from xinqiao.disputes.types import Claim

    row = _row(history, now)
    claim = Claim(ITEM, row["_ref"] if row else "", "wrong_value", "x")
    file_dispute(claim, enterprise=history.code, name="x", actor=ACTOR, now=now)


def _correct(history: Any, now: Any) -> None:
    from xinqiao.corrections.rippling import ripple_waiting
    from xinqiao.disputes.deciding import find_wrong
    from xinqiao.disputes.queries import list_disputes

    [dispute] = list_disputes(enterprise=history.code)
    ref = "" if dispute.claim.ref or _row(history, now) is None else _row(history, now)["_ref"]
    find_wrong(dispute.id, provider=dispute.provider, text="x", right=None, ref=ref, actor=ACTOR, now=now)
    ripple_waiting(now=now + timedelta(seconds=5))


def _outage(now: Any, *, end: bool) -> None:
    from xinqiao.quality.actions import end_outage, report_outage
    from xinqiao.sharing.queries import current_list

    item = current_list().item("list.abnormal")
    if end:
        end_outage(item, actor=ACTOR, now=now)
    else:
        report_outage(item, reason="x", actor=ACTOR, now=now)


def _merge(now: Any) -> None:
    from xinqiao.records.actions import compact
    from xinqiao.sharing.queries import current_list

    compact(current_list().item(ITEM), older_than=timedelta(hours=1), actor=ACTOR, now=now)


def _withdraw(given: dict[tuple[str, str], str], now: Any) -> None:
    from xinqiao.consent.actions import withdraw_authorisation
    from xinqiao.parties.queries import list_members

    for (firm, _), number in list(given.items())[::5]:
        owner = list_members(enterprise=firm, now=now)[0].person_id
        withdraw_authorisation(number, signatory=owner, now=now)


def _retract(history: Any, now: Any) -> None:
    from xinqiao.ingest.actions import retract_rows
    from xinqiao.sharing.queries import current_list

    item = current_list().item(ITEM)
    keys = [{"uscc": history.code, "document_no": history.row["document_no"]}]
    retract_rows(item, keys, reason="x", provider=item.department.code, actor=ACTOR, now=now)


def _change_list(now: Any) -> None:
    from xinqiao.catalogue.load import list_files
    from xinqiao.plumbing.settings import content_dir
    from xinqiao.stewardship.actions import approve_list, propose_list
    from xinqiao.stewardship.rules import with_uploads

    held = list_files(content_dir())
    changed = with_uploads(held, (), ["utility.gas"])
    made = propose_list(changed, reason="x", actor="person:1", now=now)
    approve_list(made.id, actor="person:2", now=now)


def _read(
    pick: random.Random, histories: list[Any], given: dict[tuple[str, str], str], now: Any, events: Counter[str]
) -> bool:
    """Somebody asks; whether there was an answer."""
    from xinqiao.consent.types import Form
    from xinqiao.release.actions import query
    from xinqiao.release.types import Inquiry, NotReleased, Recipient, RecipientKind

    h, form = pick.choice(histories), Form(pick.choice(("verify", "derived", "report")))
    who = pick.random()
    if who < 0.25:
        own = Recipient(RecipientKind.ENTERPRISE, h.code, h.code, enterprise=h.code)
        detail, first = pick.random() < 0.5, pick.random() < 0.5
        inquiry = Inquiry(own, h.code, "self", Form.DETAIL if detail else Form.DERIVED, "person:1", "portal",
                          evaluation_only=first and not detail)  # fmt: skip
    elif who < 0.45:
        hub = Recipient(RecipientKind.PLATFORM, "hub", "Hub")
        inquiry = Inquiry(hub, h.code, "public", form, "api:hub", "api", public_only=True)
    else:
        bank = pick.choice(BANKS)
        number = given.get((h.code, bank), "") if pick.random() < 0.7 else ""
        recipient = Recipient(RecipientKind.INSTITUTION, bank, f"Bank {bank}")
        inquiry = Inquiry(
            recipient, h.code, "approval" if number else "public", form, f"api:{bank}", "api", authorisation=number,
            public_only=not number,
        )  # fmt: skip
    try:
        query(inquiry, now=now)
    except NotReleased:
        events["refusal"] += 1
        return False
    return True


def _replay() -> tuple[Counter[str], list[str], Counter[str]]:
    """Day → answers made again; the lines whose digest differs; kinds of recipient → answers."""
    from xinqiao.kernel.dated import beijing_day
    from xinqiao.release.replaying import answered_lines, is_reproduced

    days, differing, kinds = Counter[str](), list[str](), Counter[str]()
    for line in answered_lines(since=START - DAY, until=START + 60 * DAY):
        days[beijing_day(line.at).isoformat()] += 1
        kinds[str(line.recipient_kind)] += 1
        if not is_reproduced(line.id):
            differing.append(line.id)
            print(f"differs: {line.id} {line.at} {line.recipient_kind} {line.form} {line.scope}", flush=True)
    return days, differing, kinds
