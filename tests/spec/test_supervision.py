"""谁滥用谁担责：获取、传播、泄露、出售和未脱敏对外提供的，查得到、听申辩、依清单处理、可申诉；逃废债只依认定文书惩戒。

Whoever misuses answers for it (R19, R20): unlawful obtaining, spreading, leaking, selling and open supply are found,
heard, dealt with by a list, and may be appealed; evasion of debts is sanctioned only from a determination document.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from tests.unit.test_daybook import book, compared, release
from tests.unit.test_sanction_rules import GOOD, LISTED, TODAY
from tests.unit.test_tracing import CODES, READS, named, page
from xinqiao.client.daybook import day_root
from xinqiao.plumbing.settings import content_dir
from xinqiao.reconciliation.types import MismatchKind
from xinqiao.sanctions.rules import SANCTION_TRANSITIONS, check_determination
from xinqiao.sanctions.types import InvalidDetermination, SanctionState
from xinqiao.violations.rules import CASE_TRANSITIONS, check_measures, check_other_person, load_register
from xinqiao.violations.types import CaseState, InvalidCase, OtherPersonDecides

REGISTER = load_register(content_dir() / "violations.toml")


def test_the_five_kinds_of_misuse_are_registered_with_their_basis() -> None:
    """违规获取、传播、泄露、出售和未脱敏或未经授权对外提供，各有法律依据。

    The five kinds of misuse each have their legal basis.
    """
    five = {"unlawful_obtaining", "spreading", "leaking", "selling", "open_supply"}
    assert five <= set(REGISTER.kinds)
    assert all(REGISTER.kinds[code].basis.zh for code in five)


def test_nobody_is_decided_on_unheard() -> None:
    """没有告知和陈述申辩的机会，就没有处理决定。

    Every way to a decision leads through the hearing.
    """
    before = [s for s in CaseState if CASE_TRANSITIONS.can(s, "decide")]
    assert before == [CaseState.HEARD]
    assert {
        s for s in CaseState for e in CASE_TRANSITIONS.events(s) if CASE_TRANSITIONS.check(s, e) is CaseState.HEARD
    } == {
        CaseState.HEARING,
        CaseState.DECIDED,  # sent back, to be decided again
    }


def test_measures_come_from_the_list_and_severe_ones_take_two_people() -> None:
    """处理措施只能从清单中选；限制、暂停、退出、移送须由决定人以外的人执行。

    Measures are those of the list; limit, suspension, exit and referral are carried out by another person.
    """
    with pytest.raises(InvalidCase):
        check_measures(["shaming"], REGISTER, document="", party="")
    assert [m.code for m in REGISTER.measures.values() if not m.severe] == ["warning"]
    with pytest.raises(OtherPersonDecides):
        check_other_person("person:1", before=["person:1"])


def test_what_was_left_out_and_what_was_made_up_are_both_found() -> None:
    """机构漏报的和多报的都查得到，不会相互抵消。

    An omission and an invention are both found, and do not cancel out.
    """
    released = {f"A{n}": release(n) for n in range(5)}
    found = compared(set(book([0, 1, 2, 3, 9]).received), released)
    assert found == {(MismatchKind.OMITTED, "A4"), (MismatchKind.INVENTED, "A9")}


def test_equal_ledgers_show_nothing_to_each_other() -> None:
    """双方台账一致时，只比对根值，不交换明细。

    Equal ledgers agree by their roots; no line is exchanged.
    """
    assert day_root(book(range(200)).roots) == day_root(book(reversed(range(200))).roots)
    assert day_root(book(range(200)).roots) != day_root(book(range(199)).roots)


def test_a_leaked_copy_names_its_read_and_nobody_else() -> None:
    """外泄的副本指向它来自的那次查询，不会指向别人。

    A leaked copy names the read it came from, and nobody else's.
    """
    assert named(page(READS[7], CODES[:40]).encode(), READS[:500]) == [READS[7]]
    assert named(page("A20250101-0000000000").encode(), READS[:500]) == []


def test_evasion_of_debts_is_entered_only_from_a_document() -> None:
    """没有认定文书、措施代码，不登记恶意逃废债。

    Without the determination document and the codes of measures, nothing is entered.
    """
    for changes, data in (({}, b""), ({"document_no": ""}, b"x"), ({"measures": ()}, b"x"), ({"determiner": ""}, b"x")):
        with pytest.raises(InvalidDetermination):
            check_determination(replace(GOOD, **changes), LISTED, name="d.pdf", data=data, today=TODAY)
    assert check_determination(GOOD, LISTED, name="d.pdf", data=b"x", today=TODAY)


def test_a_sanction_has_an_end() -> None:
    """惩戒都有期限：到期、解除、撤销之后不再有任何效力。

    A sanction has a last day; expired, lifted or annulled it has no effect.
    """
    with pytest.raises(InvalidDetermination):
        check_determination(replace(GOOD, ends_on=date.max), LISTED, name="d.pdf", data=b"x", today=TODAY)
    ends = {
        SANCTION_TRANSITIONS.check(SanctionState.IN_FORCE, e)
        for e in SANCTION_TRANSITIONS.events(SanctionState.IN_FORCE)
    }
    assert ends == {SanctionState.EXPIRED, SanctionState.LIFTED, SanctionState.ANNULLED}
    assert not any(SANCTION_TRANSITIONS.events(state) for state in ends)
