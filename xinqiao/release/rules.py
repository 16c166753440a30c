"""The gate's decision: pure, complete, from one table."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from xinqiao.catalogue.types import Openness
from xinqiao.consent.rules import authorisation_state
from xinqiao.consent.types import AuthorisationState, Form
from xinqiao.kernel.canonical import sha256_hex
from xinqiao.kernel.errors import Problem
from xinqiao.release.types import (
    OPENNESS,
    TABLED,
    Ask,
    InvalidPolicy,
    Policy,
    Question,
    Recipient,
    RecipientKind,
    Rule,
)

# Who asks as a member of the node, and only while it is one.
ADMITTED_KINDS = frozenset({RecipientKind.INSTITUTION, RecipientKind.PLATFORM})
NOT_ADMITTED = Rule.beside(
    "not-admitted",
    allow=False,
    reason="该机构未接入或已被暂停，不能查询",
    clause="有进有出：接入须经安全评估和授权评估（省级实施方案）",
    next_step="请先完成接入申请，或联系节点了解暂停原因",
)

NOT_THE_SUBJECT = Rule.beside(
    "not-the-subject",
    allow=False,
    reason="只能查询本企业自身的信用信息",
    clause="注册企业可免费查询自身信用信息（省级实施方案）",
    next_step="请切换到该企业的身份后再查",
)

NO_CASE = Rule.beside(
    "no-case",
    allow=False,
    reason="司法机构只能在案件范围内查看，不能直接查询企业信息",
    clause="调取证据限于本案（人民法院在线诉讼规则）",
    next_step="请在司法门户立案调取，写明案号、文书和所涉借据或申请",
)


def questions() -> Iterator[Question]:
    """Every question there can be: recipient × openness × form × state of the authorisation."""
    return (Question(*parts) for parts in product(TABLED, OPENNESS, Form, AuthorisationState))


def load_policy(path: Path) -> Policy:
    """The table of a file; raises InvalidPolicy naming every gap, overlap and crossed line."""
    return parse_policy(path.read_text(encoding="utf-8"))


@cache
def parse_policy(text: str) -> Policy:
    """The table of ``release.toml``'s text; raises InvalidPolicy naming every fault, so that it cannot be used."""
    rules = tuple(_rule(raw) for raw in tomllib.loads(text)["rules"])
    return build_policy(rules, sha256_hex(text.encode("utf-8")))


def build_policy(rules: Sequence[Rule], digest: str) -> Policy:
    """Index the rules; raises InvalidPolicy unless every question has exactly one row."""
    index: dict[Question, Rule] = {}
    problems = []
    for question in questions():
        matching = [rule for rule in rules if rule.answers(question)]
        if len(matching) == 1:
            index[question] = matching[0]
            continue
        what = "没有规则" if not matching else "有多条规则：" + "、".join(r.id for r in matching)
        where = " × ".join((question.recipient, question.openness, question.form, question.authorisation))
        problems.append(Problem(field="release.toml", code="coverage", message=f"{where}：{what}"))
    problems += [Problem(field="release.toml", code="hard_line", message=text) for text in _crossed(index)]
    if problems:
        raise InvalidPolicy(problems)
    return Policy(tuple(rules), index, digest)


def _crossed(index: Mapping[Question, Rule]) -> Iterator[str]:
    """The three lines of the policy that no table may cross."""
    for question, rule in index.items():
        if question.recipient is RecipientKind.ENTERPRISE and not rule.allow:
            yield f"{rule.id}：企业查询自身信用信息不得拒绝"
        if not rule.allow or question.openness is Openness.PUBLIC:
            continue
        if question.recipient is RecipientKind.INSTITUTION and question.form is Form.DETAIL:
            yield f"{rule.id}：非公开原始明细不得提供给接入机构"
        if question.recipient in (RecipientKind.PLATFORM, RecipientKind.INSTITUTION, RecipientKind.PUBLIC) and (
            question.authorisation is not AuthorisationState.ACTIVE
        ):
            yield f"{rule.id}：未经企业授权不得提供非公开信息"


def _rule(raw: Mapping[str, Any]) -> Rule:
    states = raw["authorisation"]
    return Rule(
        id=raw["id"],
        recipients=frozenset(map(RecipientKind, raw["recipient"])),
        openness=frozenset(map(Openness, raw["openness"])),
        forms=frozenset(map(Form, raw["form"])),
        states=frozenset(AuthorisationState) if states == "any" else frozenset(map(AuthorisationState, states)),
        allow={"allow": True, "refuse": False}[raw["decision"]],
        reason=raw["reason"],
        clause=raw["clause"],
        next_step=raw.get("next_step", ""),
    )


def decide(
    policy: Policy, recipient: Recipient, *, openness: Openness, form: Form, authorisation: AuthorisationState
) -> Rule:
    """The one row that answers; an institution or platform that is not admitted gets nothing, whatever the table."""
    if recipient.kind in ADMITTED_KINDS and not recipient.admitted:
        return NOT_ADMITTED
    return policy.index[Question(recipient.kind, openness, form, authorisation)]


def judge(policy: Policy, ask: Ask, *, now: datetime) -> tuple[Rule, AuthorisationState]:
    """The row that answers a whole request, and how its authorisation stands. Pure; every request has one answer.

    What is public and what is not are decided apart, and the strictest answer is that of the whole request.
    """
    recipient = ask.recipient
    if recipient.kind is RecipientKind.ENTERPRISE and recipient.code != ask.enterprise:
        return NOT_THE_SUBJECT, AuthorisationState.NONE
    if recipient.kind is RecipientKind.JUDICIAL:
        return NO_CASE, AuthorisationState.NONE
    state = authorisation_state(
        ask.authorisation,
        recipient=recipient.code,
        subject=ask.enterprise,
        purpose=ask.purpose,
        items=ask.closed,
        form=ask.form,
        now=now,
    )
    asked = OPENNESS if ask.closed else (Openness.PUBLIC,)
    rows = [decide(policy, recipient, openness=o, form=ask.form, authorisation=state) for o in reversed(asked)]
    return next((row for row in rows if not row.allow), rows[0]), state
