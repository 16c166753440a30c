"""What the manual tells people to write works as printed: the item and the indicator of the how-to pages."""

from __future__ import annotations

import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from xinqiao.catalogue.load import load_catalogue
from xinqiao.indicators.authoring import Indicator
from xinqiao.ingest.checks import check
from xinqiao.ingest.columns import Context
from xinqiao.ingest.types import RULES
from xinqiao.kernel.divisions import DivisionTable
from xinqiao.plumbing.settings import content_dir

ROOT = Path(__file__).resolve().parents[2]


def block(page: str, language: str) -> str:
    """The first code block of a language on a page of the manual."""
    text = (ROOT / "docs" / "how-to" / page).read_text("utf-8")
    found = re.search(rf"```{language}\n(.*?)```", text, re.S)
    assert found
    return found[1]


def test_the_item_of_the_manual_loads_and_its_examples_hold(tmp_path: Path) -> None:
    shutil.copytree(content_dir() / "items", tmp_path / "items")
    for name in ("standards.toml", "lists.toml"):
        shutil.copy(content_dir() / name, tmp_path)
    (tmp_path / "items" / "market_regulation" / "inspect.result.toml").write_text(
        block("add-an-item.md", "toml"), "utf-8"
    )
    item = load_catalogue(tmp_path).item("inspect.result")
    context = Context(date(2026, 11, 22), DivisionTable.load(content_dir() / "divisions.toml"))
    codes = [f.code for f in item.fields]
    for example in item.examples:
        table = pa.table({c: pa.array([example.row.get(c, "")], pa.string()) for c in codes})
        problems = check(item, table, {c: c for c in codes}, pa.array([1], pa.int32()), context).problems.to_pylist()
        returned = {f"{p['field']}: {p['code']}" for p in problems if RULES[p["code"]].returns}
        assert returned == (set() if example.expect == "ok" else {example.expect})


def test_the_indicator_of_the_manual_is_one() -> None:
    from xinqiao.indicators.compute import item_pass
    from xinqiao.indicators.engine import session
    from xinqiao.records.queries import stored_schema
    from xinqiao.records.types import AsOf

    names: dict[str, Any] = {}
    exec(compile(block("add-an-indicator.md", "python"), "add-an-indicator.md", "exec"), names)
    [indicator] = [value for value in names.values() if isinstance(value, Indicator)]
    item = load_catalogue(content_dir()).item(indicator.facts.item)
    schema = pa.schema([f.with_nullable(True) for f in stored_schema(item)])
    for example in indicator.examples:
        day = date.fromisoformat(example.rows[0]["decided_on"])
        line = {"_enterprise": "91610102MAXAMPLE2H", "_occurred_on": day, "decided_on": day}
        frame = session().createDataFrame(
            pa.table([pa.array([line.get(f.name)], f.type) for f in schema], schema=schema)
        )
        as_of = AsOf(example.as_of, None)  # type: ignore[arg-type]
        [row] = item_pass(frame, item, [indicator], as_of).toArrow().to_pylist()
        assert row[indicator.facts.column] == example.expect


def test_links_between_pages_lead_somewhere() -> None:
    """Every relative link and picture of the manual, the pictures that journeys take included."""
    pages = [ROOT / "README.md", ROOT / "README.zh-CN.md", *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", page.read_text("utf-8"))
        if not (page.parent / target).exists()
    ]
    assert not broken


def test_commands_of_the_manual_exist() -> None:
    """Every ``xinqiao COMMAND`` on a page of the manual is a command of the program."""
    import typer

    from xinqiao.config.cli import app

    group = typer.main.get_command(app)
    known = set(group.commands)  # type: ignore[attr-defined]
    text = "\n".join(p.read_text("utf-8") for p in [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"])
    used = set(re.findall(r"(?:bin/|`)xinqiao ([a-z]+)", text))
    assert used and used <= known, sorted(used - known)
