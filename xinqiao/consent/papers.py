"""The authorisation on paper: the same bytes for the same authorisation, with an embedded Chinese font."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from typing import Any

import typst

from xinqiao.consent.queries import authorisation_as_json, get_template
from xinqiao.consent.types import AuthorisationStatus, Form, PowerSource
from xinqiao.kernel.dated import BEIJING
from xinqiao.kernel.errors import SourceFailed
from xinqiao.plumbing.settings import content_dir, fonts_dir
from xinqiao.sharing.queries import list_of

# Open fonts with all characters that a name may hold, in order of preference.
CHINESE_FONTS = (
    "Noto Serif CJK SC",
    "Noto Sans CJK SC",
    "Source Han Serif SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
)


class FontMissing(SourceFailed):
    """No open Chinese font is installed, so a paper would show boxes; data: ``fonts``."""

    code = "consent.font_missing"
    title = "没有可用的中文字体，不能生成 PDF"
    next_step = "请安装 {fonts} 之一（Debian：apt-get install fonts-wqy-microhei），或用 XINQIAO_FONTS 指定字体文件夹"


@cache
def chinese_font() -> str:
    """The font papers are set in; raises FontMissing."""
    folder = fonts_dir()
    families = set(typst.Fonts(font_paths=[str(folder)] if folder else []).families())
    found = next((name for name in CHINESE_FONTS if name in families), None)
    if found is None:
        raise FontMissing(fonts=CHINESE_FONTS, retry=True)
    return found


def authorisation_pdf(authorisation_id: str) -> bytes:
    """The receipt of an authorisation as PDF: the exact text, who signed by what power, digest, signature, evidence.

    Raises AuthorisationNotFound, FontMissing.
    """
    paper = authorisation_as_json(authorisation_id)
    folder = fonts_dir()
    made = typst.compile(
        str(content_dir() / "consent" / "receipt.typ"),
        font_paths=[str(folder)] if folder else [],
        sys_inputs={"font": chinese_font(), "data": json.dumps(_printed(paper), ensure_ascii=False)},
        timestamp=int(datetime.fromisoformat(paper["document"]["valid_from"]).timestamp()),
    )
    assert isinstance(made, bytes)
    return made


def _printed(paper: dict[str, Any]) -> dict[str, Any]:
    """The facts as words and Beijing time, for the layout in ``consent/receipt.typ``."""
    held, template, catalogue = paper["document"], get_template(), list_of(paper["document"]["list_sha256"])
    purpose = template.purposes.get(held["purpose"])
    power = held["power"]
    return {
        "id": held["id"],
        "title": template.name,
        "draft": template.draft,
        "basis": template.basis,
        "text": held["text"],
        "facts": [
            ["授权编号", held["id"]],
            ["状态", AuthorisationStatus(held["status"]).label],
            ["授权企业", f"{held['subject_name']}（{held['subject']}）"],
            ["被授权机构", f"{held['recipient_name']}（{held['recipient']}）"],
            ["用途", purpose.name if purpose else held["purpose"]],
            ["业务编号", held["product"] or "—"],
            ["形式", Form(held["form"]).label],
            ["数据项", "、".join(catalogue.item(code).name for code in held["items"])],
            ["有效期", f"{_moment(held['valid_from'])} 至 {_moment(held['valid_to'])}"],
            ["查询次数", f"已用 {held['times_used']} 次，最多 {held['times_max']} 次"],
            ["签署人权限", PowerSource(power["source"]).label + _until(power["until"])],
            ["身份核验方式", power["identity"]],
            ["授权书版本", f"{held['template']} {held['template_version']}，{held['locale']}"],
            ["共享清单版本", held["list_sha256"]],
            ["授权书全文摘要（SHA-256）", held["text_sha256"]],
            ["存证条目", str(held["entry"])],
        ],
        "signature": paper["signature"],
    }


def _moment(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(BEIJING).strftime("%Y-%m-%d %H:%M")


def _until(text: str | None) -> str:
    return f"（委托至 {_moment(text)}）" if text else ""
