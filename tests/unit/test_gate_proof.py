"""The table proved by a solver and judged a second time by Cedar; planted errors are found by each."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
import z3

from xinqiao.kernel.errors import Invalid
from xinqiao.plumbing.settings import content_dir
from xinqiao.release.activation import check_policy
from xinqiao.release.cedar import CedarGate, cedar_policies
from xinqiao.release.prove import prove, require_proof
from xinqiao.release.rules import judge, parse_policy
from xinqiao.release.trials import disagreements, random_asks
from xinqiao.release.types import NotProved

TEXT = (content_dir() / "release.toml").read_text("utf-8")
ROWS = tuple(row["id"] for row in tomllib.loads(TEXT)["rules"])


def _row(text: str, name: str) -> tuple[int, int]:
    """Where one row begins and ends in the file's text."""
    begin = text.rindex("[[rules]]", 0, text.index(f'id = "{name}"'))
    end = text.find("[[rules]]", begin + 1)
    return begin, end if end >= 0 else len(text)


def _changed(name: str, old: str, new: str) -> str:
    begin, end = _row(TEXT, name)
    row = TEXT[begin:end]
    assert old in row
    return TEXT[:begin] + row.replace(old, new) + TEXT[end:]


def test_the_solver_finds_no_request_that_crosses_a_line() -> None:
    """Every theorem about the table in the repository is unsat, the two of the policy first."""
    verdicts = {theorem.name: theorem.verdict for theorem in prove(TEXT).theorems}
    assert set(verdicts.values()) == {"unsat"}
    assert {"raw-detail", "unauthorised", "own-file", "not-admitted"} <= set(verdicts)


def test_a_statement_can_be_given_to_another_solver() -> None:
    """The SMT-LIB text alone gives the same answer."""
    for theorem in prove(TEXT).theorems:
        solver = z3.Solver(ctx=z3.Context())
        solver.from_string(theorem.smt2)
        assert str(solver.check()) == "unsat", theorem.name


def test_the_same_table_gives_the_same_proof() -> None:
    """The digest that evidence holds can be computed again."""
    prove.cache_clear()
    first = prove(TEXT)
    prove.cache_clear()
    assert prove(TEXT) == first


def test_raw_detail_allowed_to_an_institution_is_a_counter_example() -> None:
    """A row that hands raw detail to a bank is found, with the request that gets it."""
    planted = _changed("institution-raw-detail", '"refuse"', '"allow"')
    with pytest.raises(NotProved) as caught:
        require_proof(planted)
    assert [p.field for p in caught.value.problems] == ["raw-detail", "unauthorised"]
    assert "institution" in str(caught.value.problems[0].message)


def test_a_withdrawn_authorisation_that_still_opens_is_a_counter_example() -> None:
    """One state too many in the authorised row: the solver shows the request."""
    planted = _changed("platform-authorised", '["active"]', '["active", "withdrawn"]')
    with pytest.raises(NotProved) as caught:
        require_proof(planted)
    assert {"unauthorised", "overlap-non_public"} == {p.field for p in caught.value.problems}


def _planted() -> Iterator[tuple[str, str]]:
    for name in ROWS:
        begin, end = _row(TEXT, name)
        yield f"{name} dropped", TEXT[:begin] + TEXT[end:]
        yield f"{name} doubled", TEXT + TEXT[begin:end].replace(f'"{name}"', f'"{name}-again"', 1)
    for name in ("institution-raw-detail", "no-authorisation", "platform-no-authorisation", "not-public"):
        yield f"{name} flipped", _changed(name, '"refuse"', '"allow"')
    for name in ROWS[5:11]:
        yield f"{name} flipped", _changed(name, '"refuse"', '"allow"')
    yield "own file refused", _changed("own-file", '"allow"', '"refuse"')
    yield "raw detail with the report", _changed("institution-authorised", '"report"]', '"report", "detail"]')


@pytest.mark.parametrize(("planted", "text"), list(_planted()), ids=lambda value: value if len(value) < 60 else "")
def test_a_planted_error_keeps_the_table_out(planted: str, text: str) -> None:
    """Every planted error blocks activation, and the solver alone, without our own check, finds it as well."""
    with pytest.raises(Invalid):
        check_policy(text)
    with pytest.raises(NotProved):
        require_proof(text)


def test_a_table_that_crosses_nothing_may_be_put_in_force() -> None:
    """A stricter table is accepted: the checks are about lines, not about sameness."""
    assert check_policy(_changed("node-duty", '"allow"', '"refuse"')).theorems


def test_cedar_decides_as_the_gate_does() -> None:
    """Random requests, each kind of mismatch among them; the million of them is ``benchmarks/gate_million``."""
    assert list(disagreements(TEXT, seed=7, count=4_000)) == []
    table = parse_policy(TEXT)
    seen = {judge(table, ask, now=now)[0].id for ask, now in islice(random_asks(7), 4_000)}
    assert seen >= set(ROWS) - {"authorisation-withdrawn"}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_read_otherwise_is_seen_as_a_disagreement(name: str) -> None:
    """Cedar given one row's opposite disagrees with the gate, so agreement is no accident of the sample."""
    begin, end = _row(TEXT, name)
    row = TEXT[begin:end]
    other = row.replace('"allow"', "?").replace('"refuse"', '"allow"').replace("?", '"refuse"')
    cedar, table = CedarGate(TEXT[:begin] + other + TEXT[end:]), parse_policy(TEXT)
    asks = [one for one in islice(random_asks(11), 4_000) if judge(table, one[0], now=one[1])[0].id == name][:20]
    assert asks
    assert [judge(table, a, now=n)[0].allow for a, n in asks] != cedar.allows(asks)


def test_every_row_keeps_its_name_in_cedar(tmp_path: Path) -> None:
    """A reader finds each row of the table among the Cedar policies."""
    policies = cedar_policies(TEXT)
    assert all(f'@id("{name}")' in policies for name in ROWS)
