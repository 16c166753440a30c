"""The monthly report on paper: every number with its formula, its rows' digest, official figures apart."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import typst

from xinqiao.consent.papers import chinese_font
from xinqiao.effectiveness.queries import Page, as_csv, progress
from xinqiao.effectiveness.types import Measure, Progress, Scale
from xinqiao.kernel.canonical import sha256_hex
from xinqiao.kernel.dated import beijing_day
from xinqiao.kernel.money import format_wan
from xinqiao.plumbing.settings import content_dir, fonts_dir


def said(value: int | None, scale: Scale) -> str:
    """A number as a person reads it: ten thousand yuan, per cent, days."""
    if value is None:
        return "—"
    if scale is Scale.FEN:
        return f"{format_wan(value)} 万元"
    if scale is Scale.BP:
        return f"{value // 100}.{value % 100:02d} %"
    return f"{value:,}" + (" 天" if scale is Scale.DAYS else "")


def monthly_report(page: Page) -> bytes:
    """The report as PDF: the same bytes for the same rows and instant; raises FontMissing."""
    folder = fonts_dir()
    data = json.dumps(_printed(page), ensure_ascii=False)
    made = typst.compile(
        str(content_dir() / "effectiveness.typ"),
        font_paths=[str(folder)] if folder else [],
        sys_inputs={"font": chinese_font(), "data": data},
        timestamp=int(page.at.timestamp()),
    )
    return bytes(made)  # type: ignore[arg-type]


def _printed(page: Page) -> dict[str, Any]:
    return {
        "on": beijing_day(page.at).isoformat(),
        "groups": [{"name": name, "rows": [_line(m) for m in rows]} for name, rows in page.grouped()],
        "targets": [_target(p) for p in progress(page)],
        "tables": [
            {"name": table.label, "rows": f"{len(rows):,}", "sha256": sha256_hex(as_csv(rows).encode())}
            for table, rows in page.tables.items()
        ],
        "funnel": [
            {"month": c.key, "stages": [f"{s.reached:,}" for s in c.stages]} for c in page.cohorts("month")[-12:]
        ],
    }


def _line(one: Measure) -> dict[str, str]:
    return {"name": one.facts.name, "value": said(one.value, one.facts.scale), "formula": one.facts.formula}


def _target(one: Progress) -> dict[str, str]:
    return {
        "name": one.target.name,
        "value": said(one.value, one.target.scale),
        "wanted": said(one.target.wanted, one.target.scale),
        "until": one.target.until.isoformat(),
        "source": one.source or one.target.source,
    }


def report_name(at: datetime) -> str:
    """The file's name."""
    return f"effectiveness-{beijing_day(at):%Y-%m}.pdf"
