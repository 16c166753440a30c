"""What no request can obtain, whatever the table, the authorisation and the day: asked of a solver.

A whole request is a set of unknowns: kind and code of the recipient, whether it is admitted, the enterprise, the
purpose, the form, the set of non-public items, every field of the authorisation, and the time. Each theorem states a
counter-example; ``unsat`` means that there is none among all requests there can be, not among those tried. The
statements are SMT-LIB 2, so another solver can be asked the same.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import combinations
from typing import Any

import z3

from xinqiao.consent.types import AuthorisationState, AuthorisationStatus, Form
from xinqiao.kernel.canonical import sha256_hex
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.release.types import TABLED, NotProved, Proof, Theorem

ITEMS = 64  # unknown items at once; a theorem over sets of 64 covers every list that is shorter
TIMEOUT = 30_000  # milliseconds for one theorem; a solver that gives up proves nothing


class _Model:
    """The unknowns of one request and the formulas over them."""

    def __init__(self) -> None:
        self.context = c = z3.Context()
        self.kind, self.kinds = self._enumeration("kind", TABLED)
        self.form, self.forms = self._enumeration("form", Form)
        self.status, self.statuses = self._enumeration("status", AuthorisationStatus)
        self.granted_form = z3.Const("granted_form", self.form.sort())
        self.admitted, self.given = z3.Bool("admitted", c), z3.Bool("given", c)
        self.code, self.enterprise, self.purpose = z3.Ints("code enterprise purpose", c)
        self.recipient, self.subject, self.granted_purpose = z3.Ints("recipient subject granted_purpose", c)
        self.now, self.valid_from, self.valid_to = z3.Ints("now valid_from valid_to", c)
        self.used, self.most = z3.Ints("used most", c)
        self.closed, self.items = (z3.BitVec(name, ITEMS, c) for name in ("closed", "items"))

    def _enumeration(self, name: str, members: Any) -> tuple[Any, Mapping[str, Any]]:
        words = [str(member) for member in members]
        sort, values = z3.EnumSort(name.capitalize(), [f"{name}.{word}" for word in words], ctx=self.context)
        return z3.Const(name, sort), dict(zip(words, values, strict=True))

    def any_of(self, unknown: Any, values: Mapping[str, Any], words: Any) -> Any:
        return z3.Or([unknown == values[str(word)] for word in words] + [z3.BoolVal(False, self.context)])

    def rank(self, form: Any) -> Any:
        ranks = {name: number for number, name in enumerate(self.forms)}
        found = z3.IntVal(-1, self.context)
        for name, value in self.forms.items():
            found = z3.If(form == value, z3.IntVal(ranks[name], self.context), found)
        return found

    @property
    def covered(self) -> Any:
        """The authorisation names this recipient, enterprise, purpose, all items and at least this form."""
        return z3.And(
            self.given,
            self.recipient == self.code,
            self.subject == self.enterprise,
            self.granted_purpose == self.purpose,
            self.closed & ~self.items == 0,
            self.rank(self.form) <= self.rank(self.granted_form),
        )

    def states(self) -> dict[str, Any]:
        """Each state of the authorisation as a formula."""
        covered = self.covered
        withdrawn, superseded, void = (self.status == self.statuses[w] for w in ("withdrawn", "superseded", "void"))
        ended = z3.Or(withdrawn, superseded, void)
        expired = z3.Or(self.now >= self.valid_to, self.status == self.statuses["expired"])
        used_up, not_yet = self.used >= self.most, self.now < self.valid_from
        return {
            AuthorisationState.NONE: z3.Not(self.given),
            AuthorisationState.OUTSIDE: z3.And(self.given, z3.Not(covered)),
            AuthorisationState.WITHDRAWN: z3.And(covered, withdrawn),
            AuthorisationState.SUPERSEDED: z3.And(covered, superseded),
            AuthorisationState.VOID: z3.And(covered, void),
            AuthorisationState.EXPIRED: z3.And(covered, z3.Not(ended), expired),
            AuthorisationState.USED_UP: z3.And(covered, z3.Not(z3.Or(ended, expired)), used_up),
            AuthorisationState.NOT_YET: z3.And(covered, z3.Not(z3.Or(ended, expired, used_up)), not_yet),
            AuthorisationState.ACTIVE: z3.And(covered, z3.Not(z3.Or(ended, expired, used_up, not_yet))),
        }

    @property
    def live(self) -> Any:
        """What an authorisation in force is, said apart from the states."""
        ended = ("withdrawn", "expired", "superseded", "void")
        return z3.And(
            self.covered,
            *[self.status != self.statuses[word] for word in ended],
            self.valid_from <= self.now,
            self.now < self.valid_to,
            self.used < self.most,
        )


def _row(model: _Model, states: Mapping[str, Any], row: Mapping[str, Any]) -> Any:
    """When a row of the table answers."""
    parts = [
        model.any_of(model.kind, model.kinds, row["recipient"]),
        model.any_of(model.form, model.forms, row["form"]),
    ]
    if row["authorisation"] != "any":
        parts.append(z3.Or([states[state] for state in row["authorisation"]] + [z3.BoolVal(False, model.context)]))
    return z3.And(parts)


def _answers(model: _Model, rows: list[Mapping[str, Any]], openness: str, *, allow: bool | None = None) -> list[Any]:
    states = model.states()
    wanted = {None: ("allow", "refuse"), True: ("allow",), False: ("refuse",)}[allow]
    return [_row(model, states, r) for r in rows if openness in r["openness"] and r["decision"] in wanted]


def _allowed(model: _Model, rows: list[Mapping[str, Any]]) -> Any:
    """The whole request is answered: admitted, its own file or another kind, and every part of it allowed."""
    false = z3.BoolVal(False, model.context)
    outside = model.any_of(model.kind, model.kinds, ("institution", "platform"))
    own = model.kind == model.kinds["enterprise"]
    allow = {o: z3.Or([*_answers(model, rows, o, allow=True), false]) for o in ("public", "non_public")}
    return z3.And(
        z3.Implies(outside, model.admitted),
        z3.Implies(own, model.code == model.enterprise),
        allow["public"],
        z3.Implies(model.closed != 0, allow["non_public"]),
    )


def _theorems(rows: list[Mapping[str, Any]]) -> Iterator[tuple[str, str, _Model, Any]]:
    """Name, what it says, and the counter-example that must not exist."""
    m = _Model()
    allowed, closed = _allowed(m, rows), m.closed != 0
    yield (
        "raw-detail", "非公开信息的原始明细不提供给接入机构", m,
        z3.And(allowed, closed, m.kind == m.kinds["institution"], m.form == m.forms["detail"]),
    )  # fmt: skip
    yield (
        "unauthorised", "没有生效的企业授权，平台、机构和社会公众得不到任何非公开信息", m,
        z3.And(allowed, closed, m.any_of(m.kind, m.kinds, ("platform", "institution", "public")), z3.Not(m.live)),
    )  # fmt: skip
    own = m.kind == m.kinds["enterprise"]
    yield (
        "own-file", "企业查询自身信用信息总能得到答复", m,
        z3.And(own, m.code == m.enterprise, z3.Not(allowed)),
    )  # fmt: skip
    yield "others-file", "企业查询不到其他企业的信用信息", m, z3.And(own, m.code != m.enterprise, allowed)
    yield (
        "not-admitted", "未接入或已暂停的机构和平台得不到任何信息", m,
        z3.And(allowed, m.any_of(m.kind, m.kinds, ("institution", "platform")), z3.Not(m.admitted)),
    )  # fmt: skip
    for openness, word in (("public", "公开信息"), ("non_public", "非公开信息")):
        answers = _answers(m, rows, openness)
        none = z3.Not(z3.Or([*answers, z3.BoolVal(False, m.context)]))
        yield f"gap-{openness}", f"{word}的每一种请求都有规则", m, none
        twice = z3.Or([z3.And(a, b) for a, b in combinations(answers, 2)] + [z3.BoolVal(False, m.context)])
        yield f"overlap-{openness}", f"{word}的每一种请求只有一条规则", m, twice


@cache
def prove(text: str) -> Proof:
    """All theorems about the table in ``release.toml``'s text, whatever their outcome; see ``require_proof``."""
    theorems = tuple(_decide(*theorem) for theorem in _theorems(tomllib.loads(text)["rules"]))
    stated = "\n".join(f"; {t.name}\n{t.smt2}" for t in theorems)
    digest, table = sha256_hex(stated.encode("utf-8")), sha256_hex(text.encode("utf-8"))
    return Proof(table, digest, f"z3 {z3.get_version_string()}", theorems)


def _decide(name: str, says: str, model: _Model, counter_example: Any) -> Theorem:
    solver = z3.Solver(ctx=model.context)
    solver.set("timeout", TIMEOUT)
    solver.add(counter_example)
    verdict = str(solver.check())
    example = str(solver.model()) if verdict == "sat" else ""
    return Theorem(name, says, solver.to_smt2(), verdict, " ".join(example.split()))


def require_proof(text: str) -> Proof:
    """The proof of a table; raises NotProved with every counter-example unless each theorem is ``unsat``."""
    proof = prove(text)
    problems = [
        Problem(
            field=theorem.name,
            code=f"release.{theorem.verdict}",
            message=Phrase("{theorem}：反例 {example}", theorem=theorem.name, example=theorem.example or "—"),
        )
        for theorem in proof.theorems
        if theorem.verdict != "unsat"
    ]
    if problems:
        raise NotProved(problems)
    return proof
