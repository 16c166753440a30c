"""未经企业授权不出节点，原始明细不给银行 / Nothing non-public without authorisation, no raw detail to banks.

国办发〔2021〕52号；省级实施方案。
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from xinqiao.catalogue.types import Openness
from xinqiao.consent.types import AuthorisationState, Form
from xinqiao.plumbing.settings import content_dir
from xinqiao.release.rules import NO_CASE, build_policy, decide, judge, load_policy, questions
from xinqiao.release.types import TABLED, Ask, InvalidPolicy, Question, Recipient, RecipientKind

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
POLICY = load_policy(content_dir() / "release.toml")


def test_every_question_has_exactly_one_row() -> None:
    """每一种情形恰有一条规则 / Every combination is decided by exactly one row."""
    asked = list(questions())
    assert len(asked) == len(TABLED) * 2 * len(Form) * len(AuthorisationState)
    for question in asked:
        assert [r for r in POLICY.rules if r.answers(question)] == [POLICY.index[question]]


def test_without_a_live_authorisation_no_platform_or_institution_sees_what_is_not_public() -> None:
    """没有生效的授权，平台和机构看不到任何非公开信息 / No live authorisation, nothing non-public."""
    for question in questions():
        outside = question.recipient in (RecipientKind.PLATFORM, RecipientKind.INSTITUTION, RecipientKind.PUBLIC)
        closed = question.openness is Openness.NON_PUBLIC and question.authorisation is not AuthorisationState.ACTIVE
        if outside and closed:
            assert not POLICY.index[question].allow, question


def test_raw_detail_never_goes_to_an_institution() -> None:
    """非公开的原始明细无论有无授权都不给接入机构 / Raw non-public detail never goes to an institution."""
    for state in AuthorisationState:
        asked = Question(RecipientKind.INSTITUTION, Openness.NON_PUBLIC, Form.DETAIL, state)
        assert not POLICY.index[asked].allow


def test_an_enterprise_reads_its_own_file_whatever_the_state() -> None:
    """企业查自己的信息不需要授权 / An enterprise always reads its own file."""
    own = [q for q in questions() if q.recipient is RecipientKind.ENTERPRISE]
    assert all(POLICY.index[q].allow for q in own)


def test_what_is_public_by_law_needs_no_authorisation() -> None:
    """依法公开的信息不需要授权 / What is public by law needs none."""
    assert all(POLICY.index[q].allow for q in questions() if q.openness is Openness.PUBLIC)


def test_every_refusal_teaches() -> None:
    """每一次拒绝都写明原因、依据和下一步 / Every refusal gives reason, clause and next step."""
    for rule in POLICY.rules:
        assert rule.reason
        assert rule.clause
        assert rule.allow or rule.next_step


@pytest.mark.parametrize("admitted", [True, False])
def test_who_is_not_admitted_gets_nothing(admitted: bool) -> None:
    """未接入或被暂停的机构什么都查不到 / Who is not admitted gets nothing, even with an authorisation."""
    bank = Recipient(RecipientKind.INSTITUTION, "bank", "银行", admitted=admitted)
    rule = decide(POLICY, bank, openness=Openness.NON_PUBLIC, form=Form.REPORT, authorisation=AuthorisationState.ACTIVE)
    assert rule.allow is admitted


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("closed", [(), ("tax.payment",)])
def test_a_court_sees_nothing_outside_a_case(form: Form, closed: tuple[str, ...]) -> None:
    """司法机构不能绕过案件直接查询企业 / A judicial body asks the gate in vain: it sees what a case names, no more."""
    court = Recipient(RecipientKind.JUDICIAL, "court", "法院")
    asked = Ask(court, "91610102MAXAMPLE2H", "judicial", form, closed, None)
    assert judge(POLICY, asked, now=NOW)[0] is NO_CASE
    assert not NO_CASE.allow


def test_a_gap_an_overlap_or_a_crossed_line_keeps_the_table_from_being_used() -> None:
    """有缺口、重叠或越线的规则表不能启用 / A table with a gap, an overlap or a crossed line is not used."""
    for rule in POLICY.rules:
        others = [r for r in POLICY.rules if r is not rule]
        with pytest.raises(InvalidPolicy):
            build_policy(others, "gap")
        with pytest.raises(InvalidPolicy):
            build_policy([*POLICY.rules, replace(rule, id="again")], "overlap")
        if rule.id == "own-file":
            with pytest.raises(InvalidPolicy):
                build_policy([*others, replace(rule, allow=False)], "own file refused")
        crossing = (RecipientKind.INSTITUTION in rule.recipients or RecipientKind.PLATFORM in rule.recipients) and (
            not rule.allow
        )
        if crossing:
            with pytest.raises(InvalidPolicy) as caught:
                build_policy([*others, replace(rule, allow=True)], "crossed")
            assert {p.code for p in caught.value.problems} == {"hard_line"}


def test_a_table_is_identified_by_its_bytes(tmp_path: Path) -> None:
    """每个答复都注明所依据的规则表 / Each answer names the table it was decided by."""
    changed = tmp_path / "release.toml"
    changed.write_bytes((content_dir() / "release.toml").read_bytes() + b"\n")
    assert load_policy(changed).sha256 != POLICY.sha256
