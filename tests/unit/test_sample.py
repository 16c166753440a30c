"""The sample province: reproducible, valid, correlated, never dated after its day, never a real identity."""

from __future__ import annotations

import csv
import gzip
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from python_calamine import CalamineWorkbook

from tests.shared_data import shared_data
from xinqiao.catalogue.load import load_catalogue
from xinqiao.catalogue.sample import File, Manifest, generate
from xinqiao.catalogue.sample.activity import window
from xinqiao.catalogue.sample.codes import make_codes
from xinqiao.catalogue.sample.generate import SampleRefused
from xinqiao.catalogue.sample.model import load_model
from xinqiao.catalogue.sample.plan import make_plans
from xinqiao.catalogue.sample.spell import spell_yuan, with_separators
from xinqiao.catalogue.types import Catalogue, InvalidContent, Item
from xinqiao.kernel.identifiers import parse_uscc
from xinqiao.kernel.money import parse_capital
from xinqiao.plumbing.settings import content_dir

FIRMS = 1_200
UNTIL = date(2025, 12, 31)
Rows = list[dict[str, str]]
Sample = tuple[Path, Manifest]


def _generate(
    folder: Path,
    *,
    firms: int = FIRMS,
    dirt: float = 0.0,
    registration: Path | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Manifest:
    content = content_dir()
    return generate(
        load_catalogue(content),
        folder,
        firms=firms,
        seed=11,
        until=UNTIL,
        content=content,
        dirt=dirt,
        registration=registration,
        progress=progress,
    )


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    folder = tmp_path_factory.mktemp("sample")
    return folder, _generate(folder)


def _text(path: Path) -> str:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("gb18030")


def _rows(sample: Sample, item: str) -> Rows:
    """Every delivered row of an item, heading to cell."""
    folder, manifest = sample
    rows: Rows = []
    for file in (f for f in manifest.files if f.item == item):
        if file.path.endswith(".xlsx"):
            heading, *cells = CalamineWorkbook.from_path(folder / file.path).get_sheet_by_index(0).to_python()
            rows += [{str(k): str(v) for k, v in zip(heading, line, strict=True)} for line in cells]
        else:
            rows += list(csv.DictReader(_text(folder / file.path).splitlines()))
    return rows


@cache
def _subject(item: str) -> str:
    catalogue = load_catalogue(content_dir())
    plans = {p.item.code: p for p in make_plans(catalogue, load_model(content_dir()))}
    return plans[item].header(plans[item].item.subject)


def _archetypes(sample: Sample) -> dict[str, str]:
    return {row["uscc"]: row["archetype"] for row in csv.DictReader(_text(sample[0] / "outcomes.csv").splitlines())}


def _share_with(sample: Sample, item: str) -> dict[str, float]:
    """Share of the firms of each archetype that have a row of an item."""
    archetypes = _archetypes(sample)
    having = Counter(archetypes[code] for code in {row[_subject(item)] for row in _rows(sample, item)})
    return {kind: having[kind] / total for kind, total in Counter(archetypes.values()).items()}


def test_the_same_seed_gives_the_same_bytes(sample: Sample, tmp_path: Path) -> None:
    assert _generate(tmp_path / "again") == sample[1]
    for name in ("manifest.json", "outcomes.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (sample[0] / name).read_bytes()


def test_another_seed_gives_other_firms_but_the_same_demonstration_firms(sample: Sample, tmp_path: Path) -> None:
    content = content_dir()
    other = generate(load_catalogue(content), tmp_path / "x", firms=50, seed=12, until=UNTIL, content=content)
    assert other.demo_firms == sample[1].demo_firms
    codes = set(_archetypes((tmp_path / "x", other))) & set(_archetypes(sample))
    assert codes == {d.uscc for d in other.demo_firms}


def test_every_item_is_delivered_as_the_manifest_says(sample: Sample) -> None:
    _, manifest = sample
    assert {f.item for f in manifest.files} == {i.code for i in load_catalogue(content_dir())}
    for item in {f.item for f in manifest.files}:
        assert len(_rows(sample, item)) == manifest.rows(item) > 0
    assert manifest.rows("registration.basic") == manifest.firms == FIRMS
    written = json.loads((sample[0] / "manifest.json").read_text("utf-8"))
    assert written == manifest.as_json() | {"files": written["files"]}
    assert [File(**f) for f in written["files"]] == list(manifest.files)


def test_deliveries_come_in_the_formats_departments_use(sample: Sample) -> None:
    folder, manifest = sample
    assert {"".join(Path(f.path).suffixes[-2:]) for f in manifest.files} >= {".csv.gz", ".high_tech.xlsx"}
    foreign = (folder / "judicial.dishonest/judicial.dishonest.csv").read_bytes()
    with pytest.raises(UnicodeDecodeError):
        foreign.decode("utf-8")
    assert "失信被执行人名称" in foreign.decode("gb18030")
    heading = _text(folder / "registration.basic/2015.csv.gz").splitlines()[0]
    assert heading.startswith("企业名称,统一社会信用代码,注册日期,企业类型,法人代表,注册资金,经营范围,所在省份,地区")


def test_codes_are_valid_unique_and_from_blocks_never_issued(sample: Sample) -> None:
    codes = [row["统一社会信用代码"] for row in _rows(sample, "registration.basic")]
    assert len(set(codes)) == FIRMS
    assert all(parse_uscc(code).check_ok and code[8:10] == "MA" and code[10] in "NPQRTUWXY" for code in codes)
    assert {code[:2] for code in codes} == {"91", "92", "93"}


def test_codes_never_repeat_over_large_numbers() -> None:
    count = 100_000
    classes = np.tile(np.frombuffer(b"91", np.uint8), (count, 1))
    divisions = np.tile(np.frombuffer(b"610102", np.uint8), (count, 1))
    codes = make_codes(np.arange(count), seed=5, classes=classes, divisions=divisions)
    assert len(np.unique(codes.view("S18"))) == count


def test_capital_divisions_and_industries_can_be_read(sample: Sample) -> None:
    rows = _rows(sample, "registration.basic")
    assert all(
        capital is None or capital.amount_fen > 0 for row in rows if (capital := parse_capital(row["注册资金"]), 1)
    )
    divisions = load_model(content_dir()).divisions
    assert all(divisions.is_known(row["行政区划"]) for row in rows)
    assert any(divisions.is_zone(row["行政区划"]) for row in rows)


def test_nothing_is_dated_after_the_end_or_before_the_registration(sample: Sample) -> None:
    registered = {r["统一社会信用代码"]: r["注册日期"] for r in _rows(sample, "registration.basic")}
    assert max(registered.values()) <= UNTIL.isoformat()
    for item, heading in (
        ("penalty.decision", "处罚决定日期"),
        ("list.abnormal", "列入日期"),
        ("list.abnormal", "移出日期"),
        ("science.high_tech", "发证日期"),
        ("utility.electricity", "缴费日期"),
    ):
        for row in _rows(sample, item):
            assert not row[heading] or registered[row[_subject(item)]] <= row[heading] <= UNTIL.isoformat()
    months = {row["税款所属期"] for row in _rows(sample, "tax.payment")}
    assert (min(months), max(months), len(months)) == ("2023-01", "2025-12", 36)


def test_the_window_ends_with_the_last_complete_month() -> None:
    assert window(date(2025, 12, 30), 2).astype(str).tolist() == ["2025-10-01", "2025-11-01"]
    assert window(date(2025, 12, 31), 2).astype(str).tolist() == ["2025-11-01", "2025-12-01"]


@pytest.mark.parametrize(
    "item", ["tax.arrears_notice", "penalty.decision", "list.abnormal", "judicial.dishonest", "list.serious"]
)
def test_failing_firms_gather_bad_records(sample: Sample, item: str) -> None:
    share = _share_with(sample, item)
    assert share["defaulting"] > 3 * max(share["healthy"], share["seasonal"], 0.02)


def test_thin_files_have_few_items(sample: Sample) -> None:
    for item in ("tax.payment", "social.insurance", "housing.fund", "tax.credit_rating"):
        share = _share_with(sample, item)
        assert share["thin_file"] < 0.3 < share["healthy"]


def test_failing_firms_sell_less_and_stop_paying(sample: Sample) -> None:
    archetypes = _archetypes(sample)
    sales: Counter[tuple[str, str]] = Counter()
    due: Counter[str] = Counter()
    paid: Counter[str] = Counter()
    for row in _rows(sample, "tax.payment"):
        sales[archetypes[row["纳税人识别号"]], row["税款所属期"][:4]] += int(float(row["申报销售额"]))
    for row in _rows(sample, "social.insurance"):
        if row["费款所属期"] >= "202507":
            due[archetypes[row["统一社会信用代码"]]] += int(float(row["应缴金额"]))
            paid[archetypes[row["统一社会信用代码"]]] += int(float(row["实缴金额"]))
    assert sales["defaulting", "2025"] < 0.6 * sales["defaulting", "2023"]
    assert sales["healthy", "2025"] > 0.9 * sales["healthy", "2023"]
    assert paid["defaulting"] < 0.6 * due["defaulting"]
    assert paid["healthy"] > 0.95 * due["healthy"]


def test_every_archetype_has_demonstration_firms_that_tell_its_story(sample: Sample) -> None:
    demos = {d.uscc: d.archetype for d in sample[1].demo_firms}
    assert set(demos.values()) == {a.code for a in load_model(content_dir()).archetypes}
    assert all(_archetypes(sample)[code] == kind for code, kind in demos.items())
    notices = {row["纳税人识别号"] for row in _rows(sample, "tax.arrears_notice")}
    assert {code for code, kind in demos.items() if kind == "defaulting"} <= notices


def test_shareholders_hold_a_firm_between_them(sample: Sample) -> None:
    held: Counter[str] = Counter()
    rows = _rows(sample, "registration.shareholders")
    for row in rows:
        held[row["统一社会信用代码"]] += round(float(row["出资比例"]) * 100)
    assert all(abs(total - 10_000) <= 2 for total in held.values())
    assert len({(row["统一社会信用代码"], row["投资人"]) for row in rows}) == len(rows)


def test_dirt_spoils_about_its_share_of_the_rows(sample: Sample, tmp_path: Path) -> None:
    clean = _rows(sample, "registration.basic")
    dirty = (tmp_path / "dirty", _generate(tmp_path / "dirty", dirt=0.1))
    rows = _rows(dirty, "registration.basic")
    known = {tuple(row.values()) for row in clean}
    spoilt = [row for row in rows if tuple(row.values()) not in known]
    assert 0.05 < len(spoilt) / FIRMS < 0.13
    assert 0 < len(rows) - FIRMS < 0.04 * FIRMS
    cells = {value for row in spoilt for value in row.values()}
    assert {"1899/12/30", "999999", ""} <= cells
    assert any(len(row["统一社会信用代码"]) == 18 and row["统一社会信用代码"][0] == "９" for row in spoilt)
    demos = {d.uscc for d in dirty[1].demo_firms}
    assert {row["统一社会信用代码"] for row in rows} >= demos and not {
        row["统一社会信用代码"] for row in spoilt
    } & demos
    shifted = [row for row in _rows(dirty, "tax.arrears_notice") if row["欠税余额"] == "人民币"]
    assert all(row["公告机关"][:1].isdigit() for row in shifted)


def test_registrations_of_the_feed_keep_their_facts_and_lose_their_identity(tmp_path: Path) -> None:
    source = shared_data("registration")
    made = (tmp_path / "x", _generate(tmp_path / "x", firms=600, registration=source))
    rows = _rows(made, "registration.basic")
    real: Rows = [row for path in source.glob("*.csv.gz") for row in csv.DictReader(_text(path).splitlines())]
    assert len(rows) == made[1].firms == 600
    demos = {d.uscc for d in made[1].demo_firms}
    drawn = [row for row in rows if row["统一社会信用代码"] not in demos]
    for heading in ("企业名称", "统一社会信用代码"):
        assert not {row[heading] for row in drawn} & {row[heading] for row in real}

    assert all("示例" in row["企业名称"] and "示例" in row["注册地址"] for row in drawn)

    def facts(row: Mapping[str, str]) -> tuple[str, ...]:
        code = row["统一社会信用代码"]
        return code[:8], row["注册日期"], row["企业类型"], row["注册资金"], row["地区"]

    kept = {facts(row) for row in real}
    assert all(facts(row) in kept for row in drawn if row["统一社会信用代码"][2:8].isdigit())


def test_a_folder_in_use_and_an_impossible_number_are_refused(sample: Sample, tmp_path: Path) -> None:
    with pytest.raises(SampleRefused, match="不是空文件夹"):
        _generate(sample[0])
    with pytest.raises(SampleRefused, match="企业数"):
        _generate(tmp_path / "none", firms=0)


def test_progress_counts_every_step(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    content = content_dir()
    catalogue = load_catalogue(content)

    def progress(name: str, done: int, total: int) -> None:
        told.append((done, total))

    generate(catalogue, tmp_path / "x", firms=30, seed=1, until=UNTIL, content=content, progress=progress)
    steps = len(catalogue.items) + 1  # one an item, and one to write the files
    assert told == [(step, steps) for step in range(1, steps + 1)]


def _with_field(sample: Mapping[str, object]) -> Callable[[Item], Item]:
    def change(item: Item) -> Item:
        return replace(item, fields=tuple(replace(f, sample=sample) if f.code == "kind" else f for f in item.fields))

    return change


def _with_item(**changes: object) -> Callable[[Item], Item]:
    return lambda item: replace(item, sample={**item.sample, **changes})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_with_field({"from": "wishes"}), "from 应为"),
        (_with_field({"from": "firm.soul"}), "企业没有 firm.soul"),
        (_with_field({"from": "pick", "values": {"A": 1}}), "A 不在字段的取值中"),
        (_with_field({"from": "words", "words": "poems"}), "没有词表 poems"),
        (_with_field({"from": "paid", "of": "kind"}), "kind 不是前面的金额字段"),
        (_with_field({"from": "template", "template": "{moon}"}), "不认识的占位符 {moon}"),
        (_with_field({"from": "curve", "curve": "moods", "times": 1}), "curve 应为"),
        (_with_field({"from": "number"}), "缺少 median"),
        (_with_field({"from": "date", "after": "lunch"}), "不认识的键 after"),
        (_with_item(rows="sometimes"), "sample.rows 应为"),
        (_with_item(per_year={"lucky": 1}), "没有企业类型 lucky"),
        (_with_item(per_year=-1), "-1 不是非负数"),
        (_with_item(delivery={"format": "pdf"}), "sample.delivery.format 应为"),
        (_with_item(classes=["99"]), "sample.classes 没有 99"),
        (_with_item(colour="red"), "不认识的键 colour"),
    ],
)
def test_a_wrong_declaration_is_named(change: Callable[[Item], Item], said: str) -> None:
    catalogue = load_catalogue(content_dir())
    wrong = Catalogue(items=(change(catalogue.item("penalty.decision")),), departments=catalogue.departments)
    with pytest.raises(InvalidContent) as refused:
        make_plans(wrong, load_model(content_dir()))
    assert any(said in p.message for p in refused.value.problems), refused.value.problems


@pytest.fixture
def content(tmp_path: Path) -> Iterator[Path]:
    """A copy of what the firm model reads, to spoil."""
    for name in ("sample.toml", "divisions.toml"):
        (tmp_path / name).write_text((content_dir() / name).read_text("utf-8"), "utf-8")
    yield tmp_path


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('uscc = "91610131MAYDEM0155"', 'uscc = "91610131MAYDEM0156"', "GB 32100"),
        ('archetype = "declining"', 'archetype = "heroic"', "没有 heroic"),
        ("surnames =", "last_names =", "缺少词表 surnames"),
        ("growth =", "groth =", "groth"),
    ],
)
def test_a_wrong_firm_model_is_named(content: Path, old: str, new: str, said: str) -> None:
    text = (content / "sample.toml").read_text("utf-8")
    (content / "sample.toml").write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(InvalidContent) as refused:
        load_model(content)
    assert any(said in p.message for p in refused.value.problems), refused.value.problems


def test_money_is_spelled_in_yuan() -> None:
    texts = spell_yuan(np.array([0, 5, 123_456_789]))
    assert texts.to_pylist() == ["0.00", "0.05", "1234567.89"]
    assert with_separators(texts, np.array([False, False, True])).to_pylist()[2] == "1,234,567.89"
    assert isinstance(texts, pa.Array)


def test_a_sample_that_was_stopped_goes_on_to_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped within a chunk and again while the files are written: the third time only what is missing is drawn."""
    monkeypatch.setattr(sys.modules[generate.__module__], "CHUNK", 100)
    whole = _generate(tmp_path / "whole", firms=350, dirt=0.05)
    folder, drawn = tmp_path / "stopped", Counter[str]()

    def stopping(on: Callable[[str, int], bool]) -> Callable[[str, int, int], None]:
        def tell(name: str, done: int, _: int) -> None:
            drawn[name] += 1
            if on(name, done):
                raise KeyboardInterrupt

        return tell

    items = len(make_plans(load_catalogue(content_dir()), load_model(content_dir())))
    for on in (lambda _, done: done == items * 2 + 5, lambda name, done: (name, done) == ("写入文件", 4 * items + 3)):
        with pytest.raises(KeyboardInterrupt):
            _generate(folder, firms=350, dirt=0.05, progress=stopping(on))
    with pytest.raises(SampleRefused):
        _generate(folder, firms=351, dirt=0.05)
    drawn.clear()
    again = _generate(folder, firms=350, dirt=0.05, progress=stopping(lambda *_: False))
    assert again == whole and drawn == {"已有的部分": 4, "写入文件": 4}
    names = sorted(p.relative_to(tmp_path / "whole") for p in (tmp_path / "whole").rglob("*"))
    assert names == sorted(p.relative_to(folder) for p in folder.rglob("*"))
    assert all(
        (folder / n).read_bytes() == (tmp_path / "whole" / n).read_bytes() for n in names if (folder / n).is_file()
    )


def test_a_chunk_cut_short_is_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[generate.__module__], "CHUNK", 60)

    def stop(name: str, *_: int) -> None:
        if name == "写入文件":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _generate(tmp_path / "a", firms=100, progress=stop)
    cut = max((tmp_path / "a").rglob("000001/*.arrow"), key=lambda path: path.stat().st_size)
    cut.write_bytes(cut.read_bytes()[:-10])
    assert _generate(tmp_path / "a", firms=100) == _generate(tmp_path / "b", firms=100)
