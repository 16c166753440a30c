"""Names taken apart, the model of probabilities, and the register's files: without a database."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pytest

from benchmarks import integration_quality as quality
from xinqiao.kernel.divisions import DivisionTable
from xinqiao.kernel.identifiers import make_uscc
from xinqiao.plumbing.settings import content_dir
from xinqiao.subjects.assemble import BASIC, BRANCHES, IDENTITY, subjects_of
from xinqiao.subjects.index import Register, open_register, resolve, write_register
from xinqiao.subjects.names import Places, fold, may_be_person, parse_address, parse_name
from xinqiao.subjects.rules import AUTOMATIC, SHOWN
from xinqiao.subjects.types import Asked, Doubt, IdentifierKind, Level

DIVISIONS = DivisionTable.load(content_dir() / "divisions.toml")
PLACES = Places(DIVISIONS)


def code(number: int, class_: str = "91") -> str:
    """The ``number``-th code of these tests."""
    return make_uscc(class_, "610102", f"MAT{number:05d}X")


def table(columns: tuple[str, ...], rows: list[Mapping[str, str]]) -> pa.Table:
    """Rows of a registry item as the assembly takes them."""
    return pa.table({name: pa.array([row.get(name) for row in rows], pa.string()) for name in columns})


NAMES = {
    code(1): "西安示例安邦商贸有限公司",
    code(2): "宝鸡示例安邦商贸有限公司",
    code(3, "92"): "西安示例辰光面馆经营部",
    code(4): "西安示例博远软件有限公司",
    code(5): "西安示例德丰机械有限公司",
    code(6): "汉中示例德丰机械有限公司",
}
WHERE: dict[str, Mapping[str, str]] = {
    code(1): {"division": "610113", "address": "陕西省西安市雁塔区示例路12号"},
    code(2): {"division": "610302", "address": "陕西省宝鸡市渭滨区示例巷7号"},
    code(3, "92"): {"division": "610113"},
    code(4): {"division": "610118", "status": "注销"},
    code(5): {"division": "610117"},
    code(6): {"division": "610702"},
}
FIRMS = [{"uscc": uscc, "name": name, **WHERE[uscc]} for uscc, name in NAMES.items()]
FORMER = "西安示例华庭商贸有限公司"
IDENTITIES: list[Mapping[str, str]] = [
    {"uscc": code(1), "registration_no": "619900001234564", "former_names": f"{FORMER}；西安示例旧号商行"},
    {"uscc": code(2), "former_codes": code(102), "converted_from": code(3, "92"), "former_division": "610303"},
    {"uscc": code(5), "former_codes": code(105)},
    {"uscc": code(6), "former_codes": code(105)},
]
OFFICE = {"branch_uscc": code(11), "branch_name": f"{NAMES[code(1)]}雁塔分公司", "branch_division": "610113"}


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> Register:
    """Six firms and a branch."""
    place = tmp_path_factory.mktemp("register")
    subjects = subjects_of(
        table(BASIC, FIRMS), table(IDENTITY, IDENTITIES), table(BRANCHES, [{"uscc": code(1), **OFFICE}])
    )
    assert write_register(subjects, DIVISIONS, place) == 9
    return open_register(place, content_dir() / "divisions.toml")


def found(register: Register, text: str) -> dict[str, IdentifierKind]:
    """Codes of the subjects that a written code resolves to."""
    return {register.row(number)["code"]: kind for number, kind in resolve(register, text).items()}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("西安示例安邦商贸有限公司", "西安示例安邦商贸有限责任公司"),
        ("西安示例安邦商贸有限公司", "示例安邦（西安）商贸有限公司"),
        ("西安示例安邦商贸有限公司", "西安 示例·安邦 商贸有限公司　"),
        ("西安示例安邦商贸有限公司", "西安市示例安邦商贸有限公司"),
        ("西安示例華興ＡＢＣ機械有限公司", "西安示例华兴abc机械有限公司"),
    ],
)
def test_spellings_of_one_name_compare_equal(one: str, other: str) -> None:
    first, second = parse_name(one, PLACES), parse_name(other, PLACES)
    assert (first.core, first.form, first.branch) == (second.core, second.form, second.branch)
    assert PLACES.city(first.places) == PLACES.city(second.places) == "610100"


def test_a_name_keeps_something_when_all_of_it_names_places() -> None:
    assert parse_name("西安长安公司", PLACES).core
    assert parse_name("陕西", PLACES).core == "陕西"
    assert parse_name("", PLACES).core == ""


def test_a_branch_is_told_from_its_parent() -> None:
    branch = parse_name("西安示例安邦商贸有限公司雁塔区分公司", PLACES)
    assert (branch.core, branch.branch) == ("示例安邦商贸", "雁塔分公司")


def test_an_address_loses_the_divisions_before_it_and_keeps_its_numbers() -> None:
    parts = parse_address("陕西省西安市雁塔区示例路１２号３单元", PLACES)
    assert (parts.street, parts.numbers, parts.places[-1]) == ("示例路12号3单元", ("12", "3"), "610113")


@pytest.mark.parametrize(
    ("name", "person"),
    [
        ("王某", True),
        ("欧阳某某", True),
        ("西安王某", False),
        ("安邦公司", False),
        ("ABC", False),
        ("安邦商贸行号", False),
    ],
)
def test_what_may_be_a_person_is_seen(name: str, person: bool) -> None:
    assert may_be_person(parse_name(name, PLACES)) is person


def test_folding_is_stable() -> None:
    assert fold(fold("（陝西）ａｂｃ－機械")) == fold("（陝西）ａｂｃ－機械") == "陕西ABC机械"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (code(1), IdentifierKind.CODE),
        (code(1).lower(), IdentifierKind.CODE),
        (code(1)[8:17], IdentifierKind.ORGANISATION_CODE),
        (f"{code(1)[8:16]}-{code(1)[16]}", IdentifierKind.ORGANISATION_CODE),
        ("619900001234564", IdentifierKind.REGISTRATION_NO),
    ],
)
def test_every_identifier_leads_to_todays_code(register: Register, text: str, kind: IdentifierKind) -> None:
    assert found(register, text) == {code(1): kind}


def test_a_former_code_leads_to_its_firm_and_one_that_two_had_to_both(register: Register) -> None:
    assert found(register, code(102)) == {code(2): IdentifierKind.FORMER_CODE}
    assert set(found(register, code(105))) == {code(5), code(6)}
    assert found(register, "") == found(register, "x" * 40) == found(register, code(999)) == {}


def test_an_individual_business_stays_itself_after_its_conversion(register: Register) -> None:
    """The records of a natural person never become those of a company; the two are only linked."""
    assert found(register, code(3, "92")) == {code(3, "92"): IdentifierKind.CODE}
    [number] = register.linked("converted_from", code(3, "92"))
    assert register.row(number)["code"] == code(2)


def test_the_whole_name_is_attached_at_once(register: Register) -> None:
    answer = register.candidates(Asked("西安示例安邦商贸有限责任公司"))
    assert answer.automatic
    assert (answer.candidates[0].code, answer.candidates[0].reasons[0].level) == (code(1), Level.WHOLE_NAME)
    assert answer.candidates[0].probability >= AUTOMATIC


def test_a_former_name_leads_to_the_firm_of_today(register: Register) -> None:
    first = register.candidates(Asked(FORMER)).candidates[0]
    assert (first.code, first.name, first.current_name) == (
        code(1),
        FIRMS[0]["name"][:4] + "华庭商贸有限公司",
        FIRMS[0]["name"],
    )


def test_without_its_place_a_name_that_two_have_waits_and_the_district_decides(register: Register) -> None:
    alone = register.candidates(Asked("示例安邦商贸有限公司"))
    assert not alone.automatic and {c.code for c in alone.candidates[:2]} == {code(1), code(2)}
    assert register.candidates(Asked("示例安邦商贸有限公司", "雁塔区", "雁塔区示例路12号")).automatic
    assert register.candidates(Asked("示例安邦商贸有限公司", "610302")).candidates[0].code == code(2)


def test_the_district_before_a_move_counts(register: Register) -> None:
    first = register.candidates(Asked("宝鸡示例安邦商贸有限公司", "610303")).candidates[0]
    assert Level.FORMER_COUNTY in {reason.level for reason in first.reasons}


@pytest.mark.parametrize(
    ("asked", "doubt"),
    [
        (Asked("西安示例辰光面馆经营部", "610113"), Doubt.INDIVIDUAL),
        (Asked("西安示例博远软件有限公司", "610118"), Doubt.ENDED),
        (Asked("西安示例安帮商贸有限公司", "610113", "雁塔区示例路12号"), Doubt.SPELLING),
        (Asked("西安示例安邦商贸厂", "610113"), Doubt.SPELLING),
        (Asked("西安示例德丰机械有限公司长安分公司", "610117"), Doubt.BRANCH),
    ],
)
def test_a_doubt_leaves_it_to_a_person(register: Register, asked: Asked, doubt: Doubt) -> None:
    answer = register.candidates(asked)
    assert doubt in answer.candidates[0].doubts
    assert not answer.automatic


def test_another_city_is_another_firm(register: Register) -> None:
    answer = register.candidates(Asked("咸阳示例安邦商贸有限公司"))
    assert not answer.automatic


def test_nobody_is_looked_for_by_the_name_of_a_person(register: Register) -> None:
    answer = register.candidates(Asked("王某某"))
    assert answer.person and not answer.candidates


def test_probabilities_leave_room_for_nobody(register: Register) -> None:
    for text in ("西安示例安邦商贸有限公司", "示例德丰机械有限公司", "示例商贸", "没有这样的名称有限公司"):
        shown = register.candidates(Asked(text)).candidates
        assert sum(c.probability for c in shown) < 1 and len(shown) <= SHOWN
        assert [c.probability for c in shown] == sorted((c.probability for c in shown), reverse=True)


def test_a_register_of_nobody_finds_nobody(tmp_path: Path) -> None:
    subjects = subjects_of(table(BASIC, []), table(IDENTITY, []), table(BRANCHES, []))
    assert write_register(subjects, DIVISIONS, tmp_path) == 0
    empty = open_register(tmp_path, content_dir() / "divisions.toml")
    assert resolve(empty, code(1)) == {} and not empty.candidates(Asked("西安示例安邦商贸有限公司")).candidates


def test_the_published_quality_holds_on_a_small_province() -> None:
    """The benchmark itself at small scale: rows damaged in every way, each known to be about one subject."""
    figure = quality.measure(0.002)
    assert figure.met, figure.text
    found = {str(line[0]): line[1:] for line in figure.table}
    assert set(quality.DAMAGE) | {"all"} <= set(found)
    assert found["all"][2] == 0, "wrong at once"


def test_every_damage_of_the_benchmark_changes_the_row(register: Register) -> None:
    rng = random.Random(1)
    row = register.row(0)
    plain = quality.Written("", row["name"], "610113", row["address"], "", 0)
    facts = {**row, "former_division": "610103", "former_codes": code(102)}
    for name, damage in quality.DAMAGE.items():
        made = [damage(plain, facts, rng) for _ in range(8)]
        assert all(made) and (any(one != plain for one in made) or name in ("none", "traditional characters")), name
