"""The gate decides every question by exactly one row, and no faulty table gets past it.

Every recipient × openness × form × state of authorisation is asked; then each rule in turn is dropped, doubled,
narrowed and widened in each of its parts, and flipped to its opposite. A table with a gap or an overlap, or one
that crosses a fixed line of the policy, must be refused; one that does neither must be accepted.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import cycle, islice
from typing import TYPE_CHECKING

from benchmarks.figure import Figure
from benchmarks.node import fresh_node

if TYPE_CHECKING:
    from xinqiao.release.types import Policy, Question, Rule

NAME = "gate_product"
BAR = "100 % of questions decided by one row, 100 % of planted faults refused"
DECISIONS = 200_000


def measure(scale: float) -> Figure:
    """Walk the product, plant the faults, time the decisions."""
    with fresh_node():
        from xinqiao.release.queries import content_policy
        from xinqiao.release.rules import questions

        table = content_policy()
        asked = list(questions())
        decided = sum(len([rule for rule in table.rules if rule.answers(q)]) == 1 for q in asked)
        planted = [(kind, refused == expected) for kind, expected, refused in _trials(table.rules)]
        ours, floor = _speeds(table, asked, max(1000, int(DECISIONS * scale)))
    right = sum(ok for _, ok in planted)
    kinds = list(dict.fromkeys(kind for kind, _ in planted))
    rows: list[tuple[object, ...]] = [("check", "right", "of"), ("questions with exactly one row", decided, len(asked))]
    rows += [(k, sum(ok for kind, ok in planted if kind == k), sum(kind == k for kind, _ in planted)) for k in kinds]
    return Figure(
        name=NAME,
        table=rows,
        ours=f"{decided} of {len(asked)} questions, {right} of {len(planted)} tables, {ours:,.0f} decisions/s",
        against=f"floor bare dict lookup {floor:,.0f}/s",
        ratio=f"{floor / ours:.1f}",
        bar=BAR,
        met=decided == len(asked) and right == len(planted),
        scale=scale,
    )


def _trials(rules: Sequence[Rule]) -> Iterator[tuple[str, bool, bool]]:
    """Each mutated table: its kind, whether it must be refused, whether it was."""
    for kind, mutated in _mutations(rules):
        yield kind, _must_refuse(mutated), _is_refused(mutated)


def _mutations(rules: Sequence[Rule]) -> Iterator[tuple[str, list[Rule]]]:
    from xinqiao.consent.types import AuthorisationState, Form
    from xinqiao.release.types import OPENNESS, TABLED

    parts = {"recipients": TABLED, "openness": OPENNESS, "forms": Form, "states": AuthorisationState}
    for n, rule in enumerate(rules):
        before, after = [*rules[:n]], [*rules[n + 1 :]]
        yield "rule dropped (gap)", before + after
        yield "rule doubled (overlap)", [*rules, replace(rule, id=f"{rule.id}-again")]
        yield "decision flipped", [*before, replace(rule, allow=not rule.allow), *after]
        for part, values in parts.items():
            held = getattr(rule, part)
            for value in values:
                kind = "part narrowed (gap)" if value in held else "part widened (overlap)"
                yield kind, [*before, replace(rule, **{part: held ^ {value}}), *after]


def _must_refuse(rules: Sequence[Rule]) -> bool:
    """The policy read afresh, apart from the code under test."""
    from xinqiao.release.rules import questions

    for question in questions():
        matching = [rule for rule in rules if rule.answers(question)]
        if len(matching) != 1 or _crosses(question, allow=matching[0].allow):
            return True
    return False


def _crosses(question: Question, *, allow: bool) -> bool:
    recipient, non_public = str(question.recipient), question.openness == "non_public"
    if recipient == "enterprise":
        return not allow  # an enterprise always reads its own file
    raw_to_bank = recipient == "institution" and question.form == "detail"
    unauthorised = recipient in ("institution", "platform", "public") and question.authorisation != "active"
    return allow and non_public and (raw_to_bank or unauthorised)


def _is_refused(rules: Sequence[Rule]) -> bool:
    from xinqiao.release.rules import build_policy
    from xinqiao.release.types import InvalidPolicy

    try:
        build_policy(rules, "")
    except InvalidPolicy:
        return True
    return False


def _speeds(table: Policy, asked: Sequence[Question], times: int) -> tuple[float, float]:
    """Decisions a second by the gate, and lookups a second of the bare index."""
    from xinqiao.release.rules import decide
    from xinqiao.release.types import Recipient

    recipients = {q.recipient: Recipient(q.recipient, "B1", "B1") for q in asked}
    ready = [(recipients[q.recipient], q) for q in islice(cycle(asked), times)]
    began = time.perf_counter()
    for recipient, q in ready:
        decide(table, recipient, openness=q.openness, form=q.form, authorisation=q.authorisation)
    ours = time.perf_counter() - began
    index = table.index
    began = time.perf_counter()
    for _, q in ready:
        index[q]
    return times / ours, times / (time.perf_counter() - began)
