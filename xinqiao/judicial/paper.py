"""The report of a package on paper: a Chinese PDF out of ``evidence.json``, the same bytes for the same document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import typst

from xinqiao.consent.papers import chinese_font
from xinqiao.evidence.types import EVENTS
from xinqiao.judicial.facts import FACTS
from xinqiao.judicial.types import CaseKind, MatterKind
from xinqiao.kernel.dated import BEIJING
from xinqiao.kernel.money import format_fen
from xinqiao.plumbing.settings import content_dir, fonts_dir


def report_pdf(document: Mapping[str, Any]) -> bytes:
    """The PDF, unsigned. Raises FontMissing."""
    folder = fonts_dir()
    made = typst.compile(
        str(content_dir() / "judicial" / "report.typ"),
        font_paths=[str(folder)] if folder else [],
        sys_inputs={"font": chinese_font(), "data": json.dumps(printed(document), ensure_ascii=False)},
        timestamp=int(datetime.fromisoformat(document["made_at"]).timestamp()),
    )
    assert isinstance(made, bytes)
    return made


def printed(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document as words and Beijing time, for the layout in ``judicial/report.typ``."""
    case, left = document["case"], document["entries_left_out"]
    return {
        "title": document["title"],
        "package": document["package"],
        "operator": document["log"]["origin"],
        "draft": document["draft"],
        "made_at": _moment(document["made_at"]),
        "case": [
            ["案号", case["case_no"]],
            ["类别", CaseKind(case["kind"]).label],
            ["办理机构", case["organisation"]],
            ["调取依据", case["basis"]],
            ["立案调取时间", _moment(case["opened_at"])],
        ],
        "parties": [[p["part"], f"{p['name']}（{p['cert_no'] or '—'}）"] for p in document["parties"]],
        "matter": [
            ["类别", MatterKind(document["matter"]["kind"]).label],
            *([FACTS.get(k, k), _said(k, v)] for k, v in document["matter"].items() if k != "kind"),
        ],
        "items": [_item(item) for item in document["items"]],
        "entries": [
            [
                EVENTS[e["event"]].name if e["event"] in EVENTS else e["event"],
                _moment(e["at"]),
                "待编入" if e["leaf_index"] is None else str(e["leaf_index"]),
                str(e["checkpoint"] or "—"),
            ]
            for e in document["entries"]
        ],
        "left_out": f"另有 {left} 条存证未列入本包，可在日志中逐条出证。" if left else "",
        "review": [[r["question"], r["clause"], r["answer"]] for r in document["review"]],
        "system": _system(document),
        "standards": [f"{s['code']}　{s['name']}" for s in document["standards"]],
    }


def _item(item: Mapping[str, Any]) -> list[str]:
    return [
        item["id"],
        item["phase_name"],
        f"{item['name']}（{item['source']}）",
        _moment(item["collected_at"]),
        item["sha256"][:16],
        "是" if item["bound"] else "—",
    ]


def _system(document: Mapping[str, Any]) -> list[list[str]]:
    stamps = [f"{t['authority']}：{_moment(t['at'])}（检查点 {t['checkpoint']}）" for t in document["tsa"]]
    anchors = [f"{c['ledger']}（检查点 {c['checkpoint']}）" for c in document["chain"]]
    offset = document["system"]["clock_offset_ms"]
    return [
        ["存证日志", document["log"]["origin"]],
        ["见证人", "、".join(document["log"]["witnesses"]) or "尚无"],
        ["检查点时间戳", "；".join(stamps) or "尚无"],
        ["链上回执", "；".join(anchors) or "尚无"],
        ["时钟偏差", "生成时没有时间戳机构应答，未测" if offset is None else f"{offset} 毫秒（与时间戳机构相比）"],
        ["程序版本", document["system"]["version"]],
        ["发布内容摘要", document["system"]["release_sha256"]],
        ["签署证书", document["signer"]["name"] + ("（自建根）" if document["signer"]["own_root"] else "")],
    ]


def _said(name: str, value: Any) -> str:
    if name.endswith("_fen"):
        return f"{format_fen(value)} 元"
    if name.endswith("_bp"):
        return f"{value / 100:.2f} %"
    if isinstance(value, bool):
        return "是" if value else "否"
    return "—" if value in (None, "") else str(value)


def _moment(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")
