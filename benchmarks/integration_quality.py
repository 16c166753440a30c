"""Rows without a unified code, damaged as departments damage them, attached to the right one of 1.7 million subjects.

A province is drawn from the declarations and its register of subjects built. Rows about known subjects are then
written as departments write them: with typing errors, brackets, traditional characters, without place or legal form,
with a former name, with the district from before a move, with no district or no address at all; others carry an
organisation code, a registration number or a former code. One row in twenty is about a firm that was never registered.
Firms of one city that chance gave the same name get a further character, as the rules on names demand. Every row is
known to be about one subject, so each attachment is right or wrong. Precision and recall are those of rows by name
alone, which is harder. The rival joins by the same folded name.
"""

from __future__ import annotations

import random
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from benchmarks.figure import Figure
from benchmarks.node import SEED, last_month_end

NAME = "integration_quality"
BAR = "automatic precision at least 0.999, recall with review at least 0.95"
FIRMS = 1_700_000
ROWS = 10_000
PRECISION, RECALL = 0.999, 0.95
ITEMS = ("registration.basic", "registration.identity", "registration.branches")
TRADITIONAL = str.maketrans("陕装备业农军华东长机械软汇丰宁达兴鑫", "陝裝備業農軍華東長機械軟匯豐寧達興鑫")
CITIES = ("西安", "宝鸡", "咸阳", "渭南", "汉中", "榆林", "成都", "上海")
CHARACTERS = "安邦博昌辰诚达德鼎丰福冠广桂国海翰航和恒宏"


@dataclass(frozen=True, slots=True)
class Written:
    """A row as a department wrote it, what was done to it, and the subject that it is about (none: -1)."""

    damage: str
    name: str
    division: str
    address: str
    code: str
    truth: int


def measure(scale: float) -> Figure:
    """Build the register, write the rows, attach them, count."""
    firms, rows = max(4_000, int(FIRMS * scale)), max(600, int(ROWS * min(1.0, scale * 10)))
    with tempfile.TemporaryDirectory(prefix="xinqiao-bench-") as folder:
        took: dict[str, float] = {}
        register = _register(Path(folder), firms, took)
        written = write_rows(register, rows, random.Random(SEED))
        began = time.perf_counter()
        verdicts = [attach(register, row) for row in written]
        took[f"{len(written):,} rows attached"] = time.perf_counter() - began
        rival = _by_equal_name(register, written)
        subjects = register.subjects.num_rows
        names = register.names.num_rows
    by_damage = Counter((row.damage, verdict) for row, verdict in zip(written, verdicts, strict=True))
    total = Counter(verdicts)
    named = Counter(v for row, v in zip(written, verdicts, strict=True) if not row.code)
    precision, recall = _figures(named)
    mean = took[f"{len(written):,} rows attached"] / len(written) * 1000
    table = [
        ("what was done to the row", "rows", *VERDICTS),
        *(_line(damage, by_damage) for damage in sorted({row.damage for row in written})),
        ("by name alone", named.total(), *(named[v] for v in VERDICTS)),
        ("all", len(written), *(total[v] for v in VERDICTS)),
        *((f"{what}: {seconds:.1f} s", *[""] * (len(VERDICTS) + 1)) for what, seconds in took.items()),
    ]
    return Figure(
        name=NAME,
        table=table,
        ours=f"by name precision {precision:.4f}, recall with review {recall:.4f}, {mean:.1f} ms a row, "
        f"{subjects:,} subjects, {names:,} names",
        against=f"rival equal names precision {rival[0]:.4f}, recall {rival[1]:.4f}",
        ratio=f"{recall / rival[1]:.2f}" if rival[1] else "-",
        bar=BAR,
        met=precision >= PRECISION and recall >= RECALL,
        scale=scale,
    )


VERDICTS = (
    "right at once",
    "wrong at once",
    "right in review",
    "only others in review",
    "nobody found",
    "rightly nobody",
)


def _line(damage: str, counts: Counter[tuple[str, str]]) -> tuple[object, ...]:
    found = [counts[(damage, verdict)] for verdict in VERDICTS]
    return (damage, sum(found), *found)


def _figures(total: Counter[str]) -> tuple[float, float]:
    """Precision of what was attached at once; recall of all rows that are about a subject, review included."""
    at_once = total["right at once"] + total["wrong at once"]
    precision = total["right at once"] / at_once if at_once else 0.0
    found = total["right at once"] + total["right in review"]
    about = sum(total[v] for v in VERDICTS) - total["rightly nobody"]
    return precision, found / about if about else 0.0


def attach(register: Any, row: Written) -> str:
    """What becomes of a row by the program's own rules: identifiers first, then the name."""
    from xinqiao.subjects.index import resolve
    from xinqiao.subjects.types import Asked

    if row.code and len(found := resolve(register, row.code)) == 1:
        return "right at once" if next(iter(found)) == row.truth else "wrong at once"
    answer = register.candidates(Asked(row.name, row.division, row.address))
    truth = register.subjects.column("code")[row.truth].as_py() if row.truth >= 0 else ""
    codes = [c.code for c in answer.candidates]
    if answer.automatic:
        return "right at once" if codes[0] == truth else "wrong at once"
    if row.truth < 0:
        return "rightly nobody"  # shown or not: nothing was attached, and a person can say so
    return "right in review" if truth in codes else "only others in review" if codes else "nobody found"


def _register(folder: Path, firms: int, took: dict[str, float]) -> Any:
    from xinqiao.catalogue.load import load_catalogue
    from xinqiao.catalogue.sample.generate import generate
    from xinqiao.catalogue.types import Catalogue
    from xinqiao.kernel.divisions import DivisionTable
    from xinqiao.plumbing.settings import content_dir
    from xinqiao.subjects.assemble import ITEMS as COLUMNS
    from xinqiao.subjects.assemble import subjects_of
    from xinqiao.subjects.index import open_register, write_register

    began = time.perf_counter()
    whole = load_catalogue(content_dir())
    chosen = Catalogue(tuple(whole.item(code) for code in ITEMS), whole.departments)
    generate(chosen, folder / "sample", firms=firms, seed=SEED, until=last_month_end(), content=content_dir())
    tables = [_read(folder / "sample" / code, whole.item(code), COLUMNS[code]) for code in ITEMS]
    took["province drawn"] = time.perf_counter() - began
    began = time.perf_counter()
    tables[0] = tables[0].set_column(1, "name", pa.array(lawful_names(tables[0].column("name").to_pylist())))
    took["names made lawful"] = time.perf_counter() - began
    began = time.perf_counter()
    (folder / "register").mkdir()
    divisions = content_dir() / "divisions.toml"
    write_register(subjects_of(*tables), DivisionTable.load(divisions), folder / "register")
    took["register built"] = time.perf_counter() - began
    return open_register(folder / "register", divisions)


def _read(folder: Path, item: Any, columns: Sequence[str]) -> pa.Table:
    headers = {str(item.field(c).sample.get("header", item.field(c).name)): c for c in columns}
    options = csv.ConvertOptions(column_types=dict.fromkeys(headers, pa.string()), include_columns=list(headers))
    parts = [csv.read_csv(path, convert_options=options) for path in sorted(folder.glob("*"))]
    return pa.concat_tables(parts).rename_columns(list(headers.values())).select(columns).combine_chunks()


def lawful_names(names: Sequence[str]) -> list[str]:
    """The names, a further character after 示例 for whoever would have one that is taken."""
    taken: set[str] = set()
    rng = random.Random(SEED)
    found = []
    for name in names:
        while (one := _one_form(name)) in taken:
            name = name.replace("示例", f"示例{rng.choice(CHARACTERS)}", 1)
        taken.add(one)
        found.append(name)
    return found


def _one_form(name: str) -> str:
    """The rules take 有限公司 and 有限责任公司 for the same name."""
    return name.replace("有限责任公司", "有限公司")


def write_rows(register: Any, count: int, rng: random.Random) -> list[Written]:
    """Rows about subjects drawn evenly, each with one kind of damage; some about firms that nobody registered."""
    kinds = list(DAMAGE)
    total = register.subjects.num_rows
    rows: list[Written] = []
    drawn = 0
    while len(rows) < count:
        number = rng.randrange(total)
        row = register.row(number)
        plain = Written("", row["name"], *_place(register, row, rng), "", number)
        if len(rows) % 20 == 0:
            rows.append(_stranger(register, plain, rng))
            continue
        kind = kinds[drawn % len(kinds)]
        made = DAMAGE[kind](plain, row, rng)
        if made is not None:
            rows.append(replace(made, damage=kind))
            drawn += 1
    return rows


def _place(register: Any, row: dict[str, str], rng: random.Random) -> tuple[str, str]:
    """Seven files in ten have a district, by code or by name, six an address."""
    division = rng.choice((row["division"], register.places.divisions.name(row["division"])))
    return division if rng.random() < 0.7 else "", row["address"] if rng.random() < 0.6 else ""


def _stranger(register: Any, row: Written, rng: random.Random) -> Written:
    """A firm that is not registered, with a name like one that is.

    One character is another, the city is another, or it is a branch that nobody registered. One in five gives the very
    address: the sister firm that an owner names after the first.
    """
    while True:
        kind = rng.choice(("like name", "other city", "branch"))
        name, division = row.name, row.division
        if kind == "like name":
            name = _typo(name, rng)
        elif kind == "branch":
            name = f"{name}{rng.choice(('西安', '安康', '雁塔'))}第九分公司"
        else:
            name, division = f"{rng.choice(CITIES)}{name[name.index('示例') :]}", ""
        other = name.replace("有限公司", "有限责任公司") if "责任" not in name else _one_form(name)
        if all(pc.index(register.names.column("name"), one).as_py() < 0 for one in (name, other)):
            address = re.sub(r"\d+", str(rng.randint(500, 900)), row.address) if rng.random() < 0.8 else row.address
            address = "" if kind == "other city" else address
            return replace(row, damage=f"no subject: {kind}", name=name, division=division, address=address, truth=-1)


def _typo(name: str, rng: random.Random) -> str:
    """One character of what the firm calls itself is another, is missing, or stands twice, or two are exchanged."""
    at = name.index("示例") + 2 if "示例" in name else 0
    at += rng.randrange(2)
    kind = rng.randrange(4)
    if kind == 0:
        return name[:at] + rng.choice(CHARACTERS) + name[at + 1 :]
    if kind == 1:
        return name[:at] + name[at + 1 :]
    if kind == 2:
        return name[:at] + name[at] + name[at:]
    return name[:at] + name[at + 1] + name[at] + name[at + 2 :]


def _brackets(row: Written, _: dict[str, str], rng: random.Random) -> Written:
    """The place in brackets after what the firm calls itself: 示例安邦（西安）商贸有限公司."""
    city, _sep, rest = row.name.partition("示例")
    left, right = rng.choice(("（）", "()", "【】"))
    return replace(row, name=f"示例{rest[:2]}{left}{city}{right}{rest[2:]}")


def _abbreviated(row: Written, _: dict[str, str], rng: random.Random) -> Written:
    name = row.name.replace("有限责任公司", "有限公司") if rng.random() < 0.5 else row.name.replace("有限公司", "公司")
    return replace(row, name=name)


def _without_form(row: Written, _: dict[str, str], rng: random.Random) -> Written:
    for ending in ("股份有限公司", "有限责任公司", "有限公司"):
        if row.name.endswith(ending):
            return replace(row, name=row.name.removesuffix(ending))
    return row


def _without_place(row: Written, _: dict[str, str], rng: random.Random) -> Written:
    return replace(row, name=row.name[row.name.index("示例") :])


def _more_place(row: Written, facts: dict[str, str], rng: random.Random) -> Written:
    return replace(row, name=f"陕西省{facts['address'].removeprefix('陕西省')[:3]}" * bool(facts["address"]) + row.name)


def _former_name(row: Written, facts: dict[str, str], rng: random.Random) -> Written | None:
    return replace(row, name=facts["former_names"]) if facts["former_names"] else None


def _moved(row: Written, facts: dict[str, str], rng: random.Random) -> Written | None:
    """The district from before the move, and an address there that the register does not know."""
    if not facts["former_division"]:
        return None
    return replace(row, division=facts["former_division"], address="")


def _by_code(column: str) -> Callable[[Written, dict[str, str], random.Random], Written | None]:
    def write(row: Written, facts: dict[str, str], rng: random.Random) -> Written | None:
        return replace(row, code=facts[column]) if facts[column] else None

    return write


DAMAGE: dict[str, Callable[[Written, dict[str, str], random.Random], Written | None]] = {
    "none": lambda row, facts, rng: row,
    "typing error": lambda row, facts, rng: replace(row, name=_typo(row.name, rng)),
    "place in brackets": _brackets,
    "full width and blanks": lambda row, facts, rng: replace(row, name=" ".join(row.name).replace("（", "(")),
    "traditional characters": lambda row, facts, rng: replace(row, name=row.name.translate(TRADITIONAL)),
    "form abbreviated": _abbreviated,
    "form left out": _without_form,
    "place left out": _without_place,
    "place in full": _more_place,
    "former name": _former_name,
    "moved district": _moved,
    "organisation code": _by_code("organisation_code"),
    "registration number": _by_code("registration_no"),
    "former code": _by_code("former_codes"),
}


def _by_equal_name(register: Any, written: Sequence[Written]) -> tuple[float, float]:
    """Precision and recall of what is usually done: join by the name without blanks and brackets."""
    from xinqiao.subjects.names import fold

    names = register.subjects.column("name").to_pylist()
    by_name: dict[str, list[int]] = {}
    named = [row for row in written if not row.code]
    wanted = {fold(row.name) for row in named}
    for number, name in enumerate(names):
        if (folded := name.replace(" ", "").replace("（", "").replace("）", "")) in wanted:
            by_name.setdefault(folded, []).append(number)
    right = wrong = 0
    for row in named:
        found = by_name.get(fold(row.name), [])
        if len(found) == 1:
            right, wrong = right + (found[0] == row.truth), wrong + (found[0] != row.truth)
    about = sum(row.truth >= 0 for row in named)
    return right / max(1, right + wrong), right / max(1, about)
