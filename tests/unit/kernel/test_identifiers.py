"""Codes: what is refused, what is only flagged."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shared_data import shared_data
from xinqiao.kernel.identifiers import (
    USCC_CHARS,
    EntityKind,
    InvalidCode,
    InvalidUscc,
    entity_kind,
    make_uscc,
    normalise_code,
    organisation_check_character,
    parse_id_card,
    parse_organisation_code,
    parse_registration_number,
    parse_uscc,
    uscc_check_character,
)


@pytest.mark.parametrize(
    "code",
    [
        "91110000600037341L",
        "91350100M000100Y43",
        "91330203674737244W",
        "9135010026017703XW",
        "91610102MA6TX0A16A",
    ],
)
def test_issued_codes_hold(code: str) -> None:
    assert parse_uscc(code).check_ok


@pytest.mark.parametrize("entity_class", ["A1", "N1", "N3", "Y1"])
def test_classes_with_letters_are_codes_too(entity_class: str) -> None:
    assert parse_uscc(make_uscc(entity_class, "610102", "MA6TX0A16")).check_ok


def test_a_feed_writes_codes_in_every_way() -> None:
    written = " ９１６１0102-ma6tx0a16a　"
    assert parse_uscc(written).code == "91610102MA6TX0A16A"
    assert normalise_code(written) == "91610102MA6TX0A16A"


def test_a_division_outside_gb2260_is_no_fault() -> None:
    assert parse_uscc(make_uscc("91", "611105", "MA6TX0A16")).division == "611105"


def test_a_wrong_check_character_is_flagged_not_refused() -> None:
    assert parse_uscc("91610102MA6TX0A16B").check_ok is False


@pytest.mark.parametrize("text", ["", "9161", "91610102MA6TX0A1OA", "99610102MA6TX0A16A", "91610102MA6TX0A16AA"])
def test_a_wrong_form_is_refused_with_a_next_step(text: str) -> None:
    with pytest.raises(InvalidUscc) as caught:
        parse_uscc(text)
    assert caught.value.next_step


def test_kinds() -> None:
    kinds = [entity_kind(c) for c in ("91x", "92x", "93x", "11x", "12x", "52x")]
    assert kinds == [
        EntityKind.ENTERPRISE,
        EntityKind.INDIVIDUAL,
        EntityKind.COOPERATIVE,
        EntityKind.ORGAN,
        EntityKind.PUBLIC_INSTITUTION,
        EntityKind.OTHER,
    ]


@given(st.text(alphabet=USCC_CHARS, min_size=17, max_size=17), st.integers(0, 16))
def test_one_changed_character_changes_the_check(first: str, at: int) -> None:
    other = USCC_CHARS[(USCC_CHARS.index(first[at]) + 1) % 31]
    assert uscc_check_character(first) != uscc_check_character(first[:at] + other + first[at + 1 :])


def test_published_codes_of_two_other_implementations() -> None:
    vectors = json.loads(shared_data("vectors", "uscc", "uscc_vectors.json").read_text("utf-8"))
    for code in [*vectors["valid_python_stdnum"], *vectors["valid_hutool"]]:
        assert parse_uscc(code).check_ok, code
    for wrong in vectors["invalid_python_stdnum"]:
        with contextlib.suppress(InvalidUscc):
            assert not parse_uscc(wrong["code"]).check_ok, wrong


@pytest.mark.parametrize("code", ["60003734-1", "M000100Y-4", "67473724-4", "26017703-X"])
def test_organisation_codes_hold(code: str) -> None:
    assert parse_organisation_code(code) == (code.replace("-", ""), True)


def test_organisation_code_letters_count_in_the_full_alphabet() -> None:
    assert organisation_check_character("J0000000") == str(11 - 19 * 3 % 11)


def test_registration_number() -> None:
    assert parse_registration_number("330203000030639") == ("330203000030639", True)
    assert parse_registration_number("330203000030638")[1] is False
    with pytest.raises(InvalidCode):
        parse_registration_number("33020300003063")


def test_id_card_is_masked_and_checked() -> None:
    card = parse_id_card("360426199101010071")
    assert (card.check_ok, card.masked) == (True, "360426********0071")
    assert parse_id_card("360426199101010072").check_ok is False


@pytest.mark.parametrize("text", ["360426910101007", "360426199102300071", "36042619910101007"])
def test_void_or_impossible_id_cards_are_refused_without_repeating_them(text: str) -> None:
    with pytest.raises(InvalidCode) as caught:
        parse_id_card(text)
    assert text not in caught.value.message
